/* SPDX-License-Identifier: Apache-2.0 */

/* coord/coordinator.c - a shard's set of coordinators, and the groups of each. */

#include "coord/coordinator.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/utf16.h"
#include "coord/coordinator_internal.h"

DIAG_MODULE("coord");

int32_t coordinator_index(struct slice group_id, int32_t partitions)
{
    int32_t hash = utf16_hash(group_id);

    /* The one number without a positive counterpart counts as 0, as in Kafka. */
    return hash == INT32_MIN ? 0 : (hash < 0 ? -hash : hash) % partitions;
}

/* --- answers ---------------------------------------------------------------- */

void coordinator_finish(struct coord_call *call, int outcome)
{
    list_remove(&call->node);
    call->outcome = outcome;
    call->done(call);
}

void coordinator_answer(struct group_step *step)
{
    struct list answered;
    struct list_node *node;

    list_init(&answered);
    list_append(&answered, &step->answered);
    while ((node = list_pop(&answered))) {
        struct group_call *call = container_of(node, struct group_call, node);

        call->done(call);
    }
}

static void finish_all(struct list *calls, int outcome)
{
    struct list ended;
    struct list_node *node;

    list_init(&ended);
    list_append(&ended, calls);
    while ((node = list_first(&ended)))
        coordinator_finish(container_of(node, struct coord_call, node), outcome);
}

/* --- groups ----------------------------------------------------------------- */

struct coord_group *coordinator_find_any(const struct coordinator *c, struct slice id)
{
    for (struct map_node *n = map_find(&c->groups, hash_slice(id, 0)); n; n = map_find_next(n)) {
        struct coord_group *cg = container_of(n, struct coord_group, node);

        if (slice_equal(cg->id, id))
            return cg;
    }
    return NULL;
}

struct coord_group *coordinator_find_group(const struct coordinator *c, struct slice id)
{
    struct coord_group *cg = coordinator_find_any(c, id);

    return cg && !cg->is_deleted ? cg : NULL;
}

struct coord_group *coordinator_get_group(struct coordinator *c, struct slice id)
{
    struct coord_group *cg = coordinator_find_any(c, id);

    if (!cg) {
        cg = mem_new(sizeof(*cg));
        cg->coordinator = c;
        cg->id = slice_keep(id);
        cg->timer.fire = coordinator_group_woken;
        cg->timer_ms = MEMBER_NEVER;
        group_init(&cg->group);
        offsets_init(&cg->offsets);
        map_put(&c->groups, &cg->node, hash_slice(id, 0));
    }
    cg->is_deleted = false;
    return cg;
}

static void free_group(struct coord_group *cg)
{
    loop_timer_cancel(cg->coordinator->all->loop, &cg->timer);
    group_fini(&cg->group);
    offsets_fini(&cg->offsets);
    slice_drop(&cg->id);
    mem_free(cg);
}

void coordinator_delete_group_now(struct coord_group *cg)
{
    uint64_t stores = cg->group.stores;

    group_fini(&cg->group);
    group_init(&cg->group);
    cg->group.stores = stores; /* What is in flight is not taken for what comes. */
    offsets_fini(&cg->offsets);
    offsets_init(&cg->offsets);
    cg->is_stored = cg->is_foreign = false;
    cg->is_deleted = true;
    coordinator_remove_if_void(cg);
}

void coordinator_remove_if_void(struct coord_group *cg)
{
    const struct group *g = &cg->group;

    if (cg->in_flight > 0 || cg->is_stored || cg->is_foreign || cg->offsets.count > 0 ||
        g->state != GROUP_EMPTY || g->pending_count > 0)
        return;
    map_remove(&cg->coordinator->groups, &cg->node);
    free_group(cg);
}

void coordinator_drop_groups(struct coordinator *c, int outcome, struct group_step *step)
{
    struct map_node *node;

    while ((node = map_pop(&c->groups))) {
        struct coord_group *cg = container_of(node, struct coord_group, node);

        group_end(&cg->group, outcome, step);
        free_group(cg);
    }
}

void coordinator_list_groups(struct coordinator *c, struct list *out)
{
    list_init(out);
    map_each (node, &c->groups)
        list_push(out, &container_of(node, struct coord_group, node)->look);
}

const struct group *coordinator_find(const struct coordinator *c, struct slice group_id)
{
    const struct coord_group *cg = coordinator_find_group(c, group_id);

    return cg ? &cg->group : NULL;
}

/* --- one coordinator -------------------------------------------------------- */

/* Memory is given up; what it was made of may be read again. */
static void give_up(struct coordinator *c, int outcome)
{
    struct group_step step;

    coordinator_begin_step(c, &step);
    loop_hook_cancel(&c->give_up);
    coordinator_stop_loading(c);
    coordinator_drop_groups(c, outcome, &step);
    c->life++;
    c->has_failed = false;
    if (c->state != COORDINATOR_BROKEN)
        c->state = COORDINATOR_UNREAD;
    coordinator_answer(&step);
}

static void give_up_hook(struct loop_hook *hook)
{
    give_up(container_of(hook, struct coordinator, give_up), COORD_E_NOT_COORDINATOR);
}

void coordinator_fail(struct coordinator *c)
{
    if (!c->has_failed)
        diag_warn(c->all->diag, "groups are read again, since a change could not be written",
                  kv("partition", c->index));
    c->has_failed = true;
    loop_hook_ask(c->all->loop, &c->give_up);
}

struct partition *coordinator_partition(struct coordinator *c)
{
    const struct image *image = c->all->image(c->all);
    const struct image_topic *topic = image_find_topic_by_id(image, c->topic_id);
    struct partition *p = NULL;

    if (!topic || c->index >= topic->partition_count ||
        replicas_get(c->all->replicas, topic, c->index, &p))
        return NULL;
    return p;
}

static uint64_t place_hash(struct uuid topic_id, int32_t index)
{
    return hash_slice(slice_of(topic_id.bytes, sizeof(topic_id.bytes)), (uint64_t)index);
}

static struct coordinator *find_place(const struct coordinators *all, struct uuid topic_id,
                                      int32_t index)
{
    for (struct map_node *n = map_find(&all->by_place, place_hash(topic_id, index)); n;
         n = map_find_next(n)) {
        struct coordinator *c = container_of(n, struct coordinator, by_place);

        if (c->index == index && uuid_equal(c->topic_id, topic_id))
            return c;
    }
    return NULL;
}

static struct coordinator *add_place(struct coordinators *all, struct uuid topic_id, int32_t index)
{
    struct coordinator *c = mem_new(sizeof(*c));

    c->all = all;
    c->topic_id = topic_id;
    c->index = index;
    c->give_up.run = give_up_hook;
    map_init(&c->groups);
    list_init(&c->in_flight);
    list_push(&all->all, &c->node);
    map_put(&all->by_place, &c->by_place, place_hash(topic_id, index));
    return c;
}

int coordinators_get(struct coordinators *all, const struct image_topic *topic, int32_t index,
                     struct coordinator **out)
{
    struct coordinator *c = find_place(all, topic->id, index);

    if (all->is_stopping)
        return COORD_E_STOPPING;
    if (!c)
        c = add_place(all, topic->id, index);
    if (c->has_failed)
        give_up(c, COORD_E_NOT_COORDINATOR);
    if (c->state == COORDINATOR_UNREAD)
        coordinator_load(c);
    switch (c->state) {
    case COORDINATOR_READY: *out = c; return 0;
    case COORDINATOR_UNREAD:
    case COORDINATOR_LOADING: return COORD_E_LOADING;
    case COORDINATOR_BROKEN: break;
    }
    return COORD_E_NOT_COORDINATOR;
}

/* --- a shard's -------------------------------------------------------------- */

static bool is_offsets_topic(const struct image_topic *topic)
{
    return strcmp(topic->name, "__consumer_offsets") == 0;
}

static bool is_loading(const struct coordinators *all)
{
    list_each (node, &all->all)
        if (container_of(node, struct coordinator, node)->state == COORDINATOR_LOADING)
            return true;
    return false;
}

void coordinators_loaded(struct coordinators *all)
{
    if (!is_loading(all))
        finish_all(&all->loaded_waiters, 0);
}

static void begin_all(struct coordinators *all)
{
    const struct image *image = all->image(all);
    const struct image_topic *topic = image_find_topic(image, slice_text("__consumer_offsets"));
    struct coordinator *c;

    for (int32_t i = 0; topic && i < topic->partition_count; i++) {
        int r = all->is_home(all, topic, i) ? coordinators_get(all, topic, i, &c) : 0;

        (void)r; /* It is there, or on its way, or broken, which was said. */
    }
}

void coordinators_load_all(struct coordinators *all, struct coord_call *call)
{
    if (all->is_stopping) {
        coordinator_finish(call, COORD_E_STOPPING);
        return;
    }
    list_push(&all->loaded_waiters, &call->node);
    begin_all(all);
    coordinators_loaded(all);
}

void coordinators_each(struct coordinators *all, coord_group_fn *fn, void *context)
{
    list_each (node, &all->all) {
        const struct coordinator *c = container_of(node, struct coordinator, node);

        if (c->state != COORDINATOR_READY || c->has_failed)
            continue;
        map_each (group, &c->groups) {
            const struct coord_group *cg = container_of(group, struct coord_group, node);

            if (!cg->is_deleted)
                fn(context, cg->id, &cg->group);
        }
    }
}

static void count_groups(const struct coordinator *c, struct coordinator_counts *sum)
{
    if (c->state != COORDINATOR_READY || c->has_failed)
        return;
    map_each (group, &c->groups) {
        const struct coord_group *cg = container_of(group, struct coord_group, node);

        assert(cg->group.state <= GROUP_STABLE);
        if (cg->is_deleted)
            continue;
        sum->groups[cg->group.state]++;
        sum->offsets += (int64_t)cg->offsets.count;
    }
}

bool coordinators_count(const struct coordinators *all, size_t at, struct coordinator_counts *sum)
{
    assert(sum);
    list_each (node, &all->all) {
        if (at-- > 0)
            continue;
        count_groups(container_of(node, struct coordinator, node), sum);
        return true;
    }
    return false;
}

/* Each turn of the loop looks at one coordinator. */
static void expiry_passed(struct loop_timer *timer)
{
    struct coordinators *all = container_of(timer, struct coordinators, expiry);
    struct coordinator *c = take(all->expiring);
    struct list_node *next;
    int64_t wait_ms = 0;

    if (!c) {
        begin_all(all);
        next = all->all.head.next;
    } else {
        next = c->node.next;
        if (c->state == COORDINATOR_READY && !c->has_failed)
            coordinator_expire(c);
    }
    if (next == &all->all.head)
        wait_ms = all->config.check_interval_ms;
    else
        all->expiring = container_of(next, struct coordinator, node);
    loop_timer_set(all->loop, &all->expiry, all->loop->now_us + wait_ms * 1000);
}

void coordinators_init(struct coordinators *all)
{
    map_init(&all->by_place);
    list_init(&all->all);
    list_init(&all->completed);
    list_init(&all->orphans);
    list_init(&all->loaded_waiters);
    all->complete = (struct loop_hook){.run = coordinator_complete};
    all->expiry = (struct loop_timer){.fire = expiry_passed};
    all->expiring = NULL;
    all->is_stopping = false;
    loop_timer_set(all->loop, &all->expiry,
                   all->loop->now_us + all->config.check_interval_ms * 1000);
}

void coordinators_stop(struct coordinators *all)
{
    if (all->is_stopping)
        return;
    all->is_stopping = true;
    loop_timer_cancel(all->loop, &all->expiry);
    list_each (node, &all->all)
        give_up(container_of(node, struct coordinator, node), COORD_E_STOPPING);
    finish_all(&all->loaded_waiters, COORD_E_STOPPING);
}

static void destroy(struct coordinator *c)
{
    assert(list_is_empty(&c->in_flight));
    loop_hook_cancel(&c->give_up);
    list_remove(&c->node);
    map_remove(&c->all->by_place, &c->by_place);
    map_fini(&c->groups);
    mem_free(c);
}

void coordinators_fini(struct coordinators *all)
{
    struct list_node *node;

    coordinators_stop(all);
    coordinator_complete(&all->complete);
    loop_hook_cancel(&all->complete);
    coordinator_await_orphans(all);
    while ((node = list_first(&all->all)))
        destroy(container_of(node, struct coordinator, node));
    map_fini(&all->by_place);
}

/* Its coordinators stay, as empty shells: a change may still be in flight. */
static void forget_offsets_topic(struct coordinators *all, const struct image_topic *topic)
{
    list_each (node, &all->all) {
        struct coordinator *c = container_of(node, struct coordinator, node);

        if (uuid_equal(c->topic_id, topic->id))
            give_up(c, COORD_E_NOT_COORDINATOR);
    }
    coordinators_loaded(all);
}

void coordinators_forget_topic(struct coordinators *all, const struct image_topic *topic)
{
    if (all->is_stopping)
        return;
    if (is_offsets_topic(topic)) {
        forget_offsets_topic(all, topic);
        return;
    }
    list_each (node, &all->all) {
        struct coordinator *c = container_of(node, struct coordinator, node);

        if (c->state != COORDINATOR_READY || c->has_failed)
            continue;
        map_each (group, &c->groups)
            coordinator_forget_lost(container_of(group, struct coord_group, node), all->image(all));
    }
}
