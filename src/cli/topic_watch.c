/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/topic_watch.h"

#include "wire/msg/metadata.h"

static void listed(struct call *call);

static const struct call_events events = {.done = listed};

static const struct metadata_request all_topics = {.topics_count = -1};

static void prepare(struct topic_watch *watch)
{
    call_fini(&watch->call);
    call_init(&watch->call, &events);
    watch->call.order = (struct call_order){
        .api = wire_api_find(API_METADATA), .request = &all_topics, .target = CALL_ANY};
}

static void look_later(struct topic_watch *watch)
{
    struct loop *loop = &watch->cli->loop;
    int64_t age_ms = watch->cli->cluster.settings.metadata_max_age_ms;

    loop_timer_set(loop, &watch->timer, loop->now_us + age_ms * 1000);
}

static void tell(struct topic_watch *watch)
{
    const struct metadata_response *response = watch->call.response;

    for (int32_t i = 0; i < response->topics_count; i++)
        if (!response->topics[i].is_internal &&
            topic_filter_matches(&watch->filter, response->topics[i].name))
            watch->found(watch, response->topics[i].name);
}

/* The first look is cli_call()'s: it sees that by itself. */
static void listed(struct call *call)
{
    struct topic_watch *watch = container_of(call, struct topic_watch, call);

    if (!watch->is_started || call->outcome == CALL_E_STOPPED)
        return;
    if (call->outcome == CALL_OK)
        tell(watch);
    look_later(watch);
}

static void on_timer(struct loop_timer *timer)
{
    struct topic_watch *watch = container_of(timer, struct topic_watch, timer);

    prepare(watch);
    cluster_call(&watch->cli->cluster, &watch->call);
}

bool topic_watch_start(struct topic_watch *watch, struct cli *cli, const char *expression,
                       void (*found)(struct topic_watch *watch, struct slice name))
{
    enum call_outcome outcome;

    *watch = (struct topic_watch){.cli = cli, .timer = {.fire = on_timer}, .found = found};
    if (topic_filter_init(&watch->filter, expression, &cli->why))
        return false;
    call_init(&watch->call, &events);
    prepare(watch);
    outcome = cli_call(cli, &watch->call);
    if (outcome != CALL_OK) {
        text_printf(&cli->why, "%s", call_outcome_text(outcome));
        call_fini(&watch->call);
        topic_filter_fini(&watch->filter);
        return false;
    }
    watch->is_started = true;
    tell(watch);
    look_later(watch);
    return true;
}

void topic_watch_stop(struct topic_watch *watch)
{
    if (!watch->is_started)
        return;
    watch->is_started = false;
    loop_timer_cancel(&watch->cli->loop, &watch->timer);
    call_fini(&watch->call);
    topic_filter_fini(&watch->filter);
}
