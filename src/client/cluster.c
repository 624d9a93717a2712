/* SPDX-License-Identifier: Apache-2.0 */

/* client/cluster.c - which call goes where, and when. */

#include "client/cluster.h"

#include "base/err.h"
#include "base/mem.h"
#include "client/cluster_internal.h"
#include "wire/errors.h"

#include <string.h>

struct cluster_settings cluster_settings_defaults(void)
{
    return (struct cluster_settings){
        .client_id = "moldau",
        .request_timeout_ms = 30000,
        .call_timeout_ms = 60000,
        .connect_timeout_ms = 10000,
        .reconnect_backoff_ms = 50,
        .reconnect_backoff_max_ms = 1000,
        .retry_backoff_ms = 100,
        .retry_backoff_max_ms = 1000,
        .metadata_max_age_ms = 300000,
        .frame_size_max = (size_t)GiB(1),
        .allow_auto_create = true,
    };
}

int64_t cluster_backoff_us(struct cluster *cluster, unsigned attempts, int64_t first_ms,
                           int64_t max_ms)
{
    int64_t ms = first_ms << min_of(attempts, 20u);

    ms = min_of(ms, max_ms);
    return ms * rng_between(&cluster->rng, 800, 1200);
}

/* --- choosing a link --------------------------------------------------------- */

static struct link *link_of(struct cluster *cluster, struct cluster_node *node, uint8_t lane)
{
    assert(lane < CLUSTER_LANES);
    if (!node->links[lane])
        node->links[lane] = link_create(cluster, node);
    return node->links[lane];
}

/* How much a link is worth to a call that may go anywhere: the smaller, the better. */
static int link_cost(const struct link *link)
{
    if (!link || link->state == LINK_IDLE)
        return 10000000;
    switch (link->state) {
    case LINK_READY: return link->in_flight;
    case LINK_CONNECTING:
    case LINK_RESOLVING: return 1000000;
    case LINK_IDLE:
    case LINK_WAITING: break;
    }
    return 100000000;
}

/* The cheapest node of `list`, the search beginning anywhere so that clients spread. */
static struct cluster_node *cheapest(struct cluster *cluster, struct list *list, int *cost)
{
    struct cluster_node *best = NULL;
    uint64_t count = 0;
    uint64_t skip;
    uint64_t at = 0;

    list_each (n, list)
        count++;
    if (count == 0)
        return NULL;
    skip = rng_below(&cluster->rng, count);
    for (int round = 0; round < 2; round++) {
        list_each (n, list) {
            struct cluster_node *node = container_of(n, struct cluster_node, node_in);
            int c = link_cost(node->links[0]);

            if (at++ < skip || node->is_gone || c >= *cost)
                continue;
            best = node;
            *cost = c;
        }
        at = skip;
    }
    return best;
}

/* A broker, or if none can be reached one of the addresses we were given first. */
static struct cluster_node *any_node(struct cluster *cluster)
{
    int cost = INT32_MAX;
    struct cluster_node *node = cheapest(cluster, &cluster->nodes, &cost);
    struct cluster_node *other;

    if (node && node->links[0] && node->links[0]->state != LINK_WAITING)
        return node;
    other = cheapest(cluster, &cluster->bootstrap, &cost);
    return other ? other : node;
}

static struct cluster_node *node_by_id(struct cluster *cluster, int32_t id)
{
    list_each (n, &cluster->nodes) {
        struct cluster_node *node = container_of(n, struct cluster_node, node_in);

        if (node->id == id && !node->is_gone)
            return node;
    }
    return NULL;
}

static struct cluster_node *target_node(struct cluster *cluster, const struct call *call)
{
    if (call->order.target == CALL_ANY)
        return any_node(cluster);
    if (call->order.target == CALL_CONTROLLER) {
        struct cluster_node *node = node_by_id(cluster, cluster->controller);

        return node ? node : any_node(cluster);
    }
    return node_by_id(cluster, call->order.target);
}

/* --- the life of a call ------------------------------------------------------ */

void cluster_link_changed(struct cluster *cluster)
{
    if (!cluster->is_stopping)
        loop_hook_ask(cluster->loop, &cluster->dispatch);
}

static void finish(struct call *call, enum call_outcome outcome)
{
    struct cluster *cluster = call->cluster;

    list_remove(&call->node_in);
    loop_timer_cancel(cluster->loop, &call->timer);
    call->cluster = NULL;
    call->outcome = outcome;
    call->events->done(call);
}

static void on_call_timer(struct loop_timer *timer)
{
    cluster_link_changed(container_of(timer, struct call, timer)->cluster);
}

/* When a pending call must be looked at again, whatever else happens. */
static int64_t wake_up_us(const struct cluster *cluster, const struct call *call)
{
    if (call->not_before_us > cluster->loop->now_us)
        return min_of(call->not_before_us, call->order.deadline_us);
    return call->order.deadline_us;
}

static void put_pending(struct cluster *cluster, struct call *call)
{
    call->timer.fire = on_call_timer;
    loop_timer_set(cluster->loop, &call->timer, wake_up_us(cluster, call));
    list_push(&cluster->pending, &call->node_in);
    cluster_link_changed(cluster);
}

/* Drops what an earlier attempt answered, and waits a little. */
static void try_again(struct cluster *cluster, struct call *call)
{
    call->response = NULL;
    call->frame = buf_unref(call->frame);
    arena_recycle(&call->arena);
    call->not_before_us =
        cluster->loop->now_us + cluster_backoff_us(cluster, call->attempts,
                                                   cluster->settings.retry_backoff_ms,
                                                   cluster->settings.retry_backoff_max_ms);
    call->attempts++;
    put_pending(cluster, call);
}

static bool may_try_again(const struct cluster *cluster, const struct call *call)
{
    return !cluster->is_stopping && !call->order.is_once &&
           cluster->loop->now_us < call->order.deadline_us;
}

void cluster_call_answered(struct cluster *cluster, struct call *call)
{
    int16_t error = call->events->verdict && call->response ? call->events->verdict(call) : 0;

    if (error != ERROR_NONE && error_is_retriable(error) && may_try_again(cluster, call)) {
        if (error_retry(error) == ERROR_REFRESH || error == ERROR_NOT_CONTROLLER)
            cluster_refresh(cluster);
        try_again(cluster, call);
        return;
    }
    finish(call, CALL_OK);
}

void cluster_call_failed(struct cluster *cluster, struct call *call, enum call_outcome outcome)
{
    if (outcome == CALL_E_BROKEN && may_try_again(cluster, call))
        try_again(cluster, call);
    else if (outcome == CALL_E_BROKEN && cluster->loop->now_us >= call->order.deadline_us)
        finish(call, CALL_E_TIMEOUT);
    else
        finish(call, outcome);
}

/* Sends one call if there is a link for it, or makes that there will be one. */
static void dispatch_one(struct cluster *cluster, struct call *call)
{
    struct cluster_node *node;
    struct link *link;
    enum call_outcome outcome;

    if (cluster->loop->now_us >= call->order.deadline_us) {
        finish(call, CALL_E_TIMEOUT);
        return;
    }
    if (call->not_before_us > cluster->loop->now_us)
        return;
    node = target_node(cluster, call);
    if (!node) { /* The node may be in the next metadata. */
        cluster_refresh(cluster);
        return;
    }
    link = link_of(cluster, node, call->order.lane);
    if (link->state != LINK_READY) {
        link_want(link);
        return;
    }
    list_remove(&call->node_in);
    loop_timer_cancel(cluster->loop, &call->timer);
    outcome = link_send(link, call);
    if (outcome != CALL_OK)
        finish(call, outcome);
}

/* A call that ends may start or cancel others: each step begins from what is there. */
static void dispatch(struct loop_hook *hook)
{
    struct cluster *cluster = container_of(hook, struct cluster, dispatch);
    struct list todo;
    struct list_node *node;

    list_init(&todo);
    list_append(&todo, &cluster->pending);
    while ((node = list_first(&todo))) {
        struct call *call = container_of(node, struct call, node_in);

        list_remove(node);
        list_push(&cluster->pending, node);
        loop_timer_set(cluster->loop, &call->timer, wake_up_us(cluster, call));
        dispatch_one(cluster, call);
    }
}

void cluster_call(struct cluster *cluster, struct call *call)
{
    assert(!call_is_under_way(call));
    assert(call->order.api && call->events && call->events->done);
    call->cluster = cluster;
    call->attempts = call->sends = 0;
    call->not_before_us = 0;
    if (call->order.deadline_us == 0)
        call->order.deadline_us = cluster->loop->now_us + cluster->settings.call_timeout_ms * 1000;
    put_pending(cluster, call);
}

/* --- metadata ---------------------------------------------------------------- */

static void refresh_send(struct cluster *cluster)
{
    struct call *call = &cluster->refresh;

    if (call_is_under_way(call) || cluster->is_stopping)
        return;
    loop_timer_cancel(cluster->loop, &cluster->refresh_timer);
    call->order = (struct call_order){
        .api = wire_api_find(API_METADATA),
        .target = CALL_ANY,
        .deadline_us = INT64_MAX,
    };
    cluster_call(cluster, call);
}

void metadata_wanted(struct cluster *cluster)
{
    cluster->is_refresh_short = call_is_under_way(&cluster->refresh);
    refresh_send(cluster);
}

static void on_refresh_timer(struct loop_timer *timer)
{
    refresh_send(container_of(timer, struct cluster, refresh_timer));
}

void cluster_refresh(struct cluster *cluster)
{
    int64_t at_us = cluster->loop->now_us;

    if (call_is_under_way(&cluster->refresh) || cluster->is_stopping ||
        cluster->settings.has_no_metadata)
        return;
    if (cluster->refresh_failures > 0 || cluster->refreshed_us > 0)
        at_us = max_of(at_us, cluster->refreshed_us +
                                  cluster_backoff_us(cluster, cluster->refresh_failures,
                                                     cluster->settings.retry_backoff_ms,
                                                     cluster->settings.retry_backoff_max_ms));
    if (at_us <= cluster->loop->now_us)
        refresh_send(cluster);
    else if (!cluster->refresh_timer.node.linked || at_us < cluster->refresh_timer.node.key)
        loop_timer_set(cluster->loop, &cluster->refresh_timer, at_us);
}

/* The request names the wanted topics of this moment. */
static void refresh_adapt(struct call *call, int16_t version)
{
    struct cluster *cluster = container_of(call, struct cluster, refresh);
    struct metadata_request *request = arena_new(&call->arena, sizeof(*request));
    struct metadata_request_topic *topics =
        arena_new(&call->arena, (cluster->topics.count + 1) * sizeof(*topics));

    *request = metadata_request_defaults;
    request->topics = topics;
    map_each (n, &cluster->topics) {
        struct cluster_topic *topic = container_of(n, struct cluster_topic, by_name);

        topics[request->topics_count] = metadata_request_topic_defaults;
        topics[request->topics_count++].name = slice_text(topic->name);
    }
    request->allow_auto_topic_creation = cluster->settings.allow_auto_create || version < 4;
    call->order.request = request;
    cluster->is_refresh_short = false;
}

static void refresh_done(struct call *call)
{
    struct cluster *cluster = container_of(call, struct cluster, refresh);
    bool is_unsettled = true;

    if (call->outcome == CALL_OK) {
        metadata_apply(cluster, call->response);
        is_unsettled = metadata_is_unsettled(cluster);
    }
    call_fini(call);
    if (cluster->is_stopping)
        return;
    cluster->refreshed_us = cluster->loop->now_us;
    cluster->refresh_failures = is_unsettled ? cluster->refresh_failures + 1 : 0;
    loop_timer_set(cluster->loop, &cluster->refresh_timer,
                   cluster->loop->now_us + cluster->settings.metadata_max_age_ms * 1000);
    if (cluster->is_refresh_short)
        refresh_send(cluster);
    else if (is_unsettled)
        cluster_refresh(cluster);
    list_each_safe (node, &cluster->watches) {
        struct cluster_watch *watch = container_of(node, struct cluster_watch, node_in);

        watch->changed(watch);
    }
    cluster_link_changed(cluster);
}

static const struct call_events refresh_events = {.done = refresh_done, .adapt = refresh_adapt};

void cluster_watch(struct cluster *cluster, struct cluster_watch *watch)
{
    list_push(&cluster->watches, &watch->node_in);
}

void cluster_unwatch(struct cluster_watch *watch)
{
    list_remove(&watch->node_in);
}

/* --- beginning and end ------------------------------------------------------- */

/* One "host:port" or "[v6]:port" of the list. */
static int add_bootstrap(struct cluster *cluster, const char *from, size_t size)
{
    const char *colon = memrchr(from, ':', size);
    size_t host_size = colon ? (size_t)(colon - from) : 0;
    int64_t port = 0;

    if (!colon || host_size == 0)
        return CLUSTER_E_BOOTSTRAP;
    for (const char *p = colon + 1; p < from + size; p++) {
        if (*p < '0' || *p > '9' || port > UINT16_MAX)
            return CLUSTER_E_BOOTSTRAP;
        port = port * 10 + (*p - '0');
    }
    if (port < 1 || port > UINT16_MAX)
        return CLUSTER_E_BOOTSTRAP;
    if (host_size > 2 && from[0] == '[' && from[host_size - 1] == ']') {
        from++;
        host_size -= 2;
    }
    metadata_add_node(&cluster->bootstrap, cluster->controller--, slice_of(from, host_size),
                      (uint16_t)port);
    return 0;
}

static int parse_bootstrap(struct cluster *cluster, const char *list)
{
    int count = 0;

    cluster->controller = -1; /* Counts the addresses down while they are added. */
    while (*list) {
        size_t size = strcspn(list, ",");
        size_t blanks = strspn(list, " ");

        if (blanks < size && add_bootstrap(cluster, list + blanks, size - blanks))
            return CLUSTER_E_BOOTSTRAP;
        count += blanks < size;
        list += size + (list[size] == ',');
    }
    cluster->controller = -1;
    return count ? 0 : CLUSTER_E_BOOTSTRAP;
}

int cluster_init(struct cluster *cluster, struct loop *loop, struct rng rng,
                 const struct cluster_settings *settings)
{
    *cluster = (struct cluster){
        .loop = loop,
        .settings = *settings,
        .client_id = mem_copy_text(settings->client_id, strlen(settings->client_id)),
        .rng = rng,
        .dispatch = {.run = dispatch},
        .refresh_timer = {.fire = on_refresh_timer},
    };
    list_init(&cluster->nodes);
    list_init(&cluster->bootstrap);
    list_init(&cluster->pending);
    list_init(&cluster->watches);
    map_init(&cluster->topics);
    budget_init(&cluster->budget, settings->frame_size_max);
    net_init(&cluster->net, loop, &cluster->budget, settings->frame_size_max);
    call_init(&cluster->refresh, &refresh_events);
    if (parse_bootstrap(cluster, settings->bootstrap ? settings->bootstrap : "")) {
        cluster_fini(cluster);
        return CLUSTER_E_BOOTSTRAP;
    }
    return 0;
}

static void drop_links(struct list *nodes)
{
    list_each (n, nodes) {
        struct cluster_node *node = container_of(n, struct cluster_node, node_in);

        for (int i = 0; i < CLUSTER_LANES; i++)
            node->links[i] = link_destroy(node->links[i]);
    }
}

void cluster_fini(struct cluster *cluster)
{
    struct list_node *node;

    cluster->is_stopping = true;
    call_fini(&cluster->refresh);
    drop_links(&cluster->nodes);
    drop_links(&cluster->bootstrap);
    while ((node = list_first(&cluster->pending)))
        finish(container_of(node, struct call, node_in), CALL_E_STOPPED);
    loop_timer_cancel(cluster->loop, &cluster->refresh_timer);
    loop_hook_cancel(&cluster->dispatch);
    net_fini(&cluster->net);
    metadata_fini(cluster);
    mem_free(cluster->client_id);
}
