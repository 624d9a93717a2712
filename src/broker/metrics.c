/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/metrics.h"

#include "base/mem.h"
#include "broker/broker.h"
#include "broker/dispatch.h"

const struct metric_row metric_rows[METRIC_COUNT] = {
#define METRIC(id, KIND, SOURCE, unit_, name_, labels_, mbean_, help_)                             \
    [METRIC_##id] = {.name = name_,                                                                \
                     .kind = METRIC_##KIND,                                                        \
                     .unit = unit_,                                                                \
                     .labels = labels_,                                                            \
                     .mbean = mbean_,                                                              \
                     .help = help_},
#include "broker/metrics.def"
};

const enum metric_source metric_sources[METRIC_COUNT] = {
#define METRIC(id, KIND, SOURCE, unit, name, labels, mbean, help)                                  \
    [METRIC_##id] = METRIC_FROM_##SOURCE,
#include "broker/metrics.def"
};

void metrics_init(struct metrics *metrics, bool is_timed)
{
    *metrics = (struct metrics){.is_timed = is_timed};
    if (is_timed)
        metrics->requests = mem_new_array(dispatch_count(), sizeof(*metrics->requests));
}

void metrics_fini(struct metrics *metrics)
{
    for (size_t i = 0; metrics->requests && i < dispatch_count(); i++)
        mem_free(metrics->requests[i]);
    metrics->requests = mem_free(metrics->requests);
}

static int64_t now_of(struct metrics *metrics, const struct request *request)
{
    metrics->read_us = io_monotonic_us(request->shard->loop.io);
    return metrics->read_us;
}

void metrics_started(struct metrics *metrics, struct request *request)
{
    if (!metrics->is_timed || !request->session)
        return;
    request->clock.started_us = max_of(metrics->read_us, request->shard->loop.now_us);
    metrics->handling = request;
}

void metrics_returned(struct metrics *metrics)
{
    struct request *request = metrics->handling;

    metrics->handling = NULL;
    if (request)
        request->clock.returned_us = now_of(metrics, request);
}

void metrics_answered(struct metrics *metrics, struct request *request)
{
    if (!metrics->is_timed || !request->clock.started_us)
        return;
    request->clock.answered_us = metrics->last_answer_us = now_of(metrics, request);
    if (metrics->handling == request)
        metrics->handling = NULL;
}

static struct request_times *times_of(struct metrics *metrics, const struct api *api)
{
    struct request_times **times = &metrics->requests[dispatch_row(api)];

    if (!*times)
        *times = mem_new(sizeof(**times));
    return *times;
}

/* What was not waited for was done at once. */
void metrics_sent(struct metrics *metrics, const struct request *request)
{
    const struct request_clock *clock = &request->clock;
    struct request_times *times;
    int64_t sent_us, returned_us, handed_us;

    if (!metrics->is_timed || !clock->answered_us)
        return;
    times = times_of(metrics, request->api);
    sent_us = clock->handed_us ? now_of(metrics, request) : clock->answered_us;
    handed_us = clock->handed_us ? clock->handed_us : clock->answered_us;
    returned_us = clock->returned_us ? clock->returned_us : clock->answered_us;
    times->count++;
    metric_observe(&times->stages[STAGE_TOTAL], sent_us - clock->arrived_us);
    metric_observe(&times->stages[STAGE_QUEUE], clock->started_us - clock->arrived_us);
    metric_observe(&times->stages[STAGE_LOCAL], returned_us - clock->started_us);
    metric_observe(&times->stages[STAGE_REMOTE], clock->answered_us - returned_us);
    metric_observe(&times->stages[STAGE_RESPONSE_QUEUE], handed_us - clock->answered_us);
    metric_observe(&times->stages[STAGE_SEND], sent_us - handed_us);
}
