/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/metrics.h - what one shard counts for metrics.def.
 *
 *      request  arrived --queue--> started --local--> waits --remote--> answered
 *                   --response queue--> handed to the connection --send--> sent
 *
 * A request starts where the loop's turn did, or where what was timed last in it was left: reading
 * and decoding it belong to its local time, and cost no look at the clock.
 *
 * Counting is adding to a number of the shard's own.  Requests are timed, and topics counted
 * one by one, only where somebody may ask: metrics.listener is set.
 *
 * Threading: the shard's loop; the rows are constant.
 * Errors:    none.
 */

#include "base/metric.h"
#include "broker/settings.h"

struct request;

enum metric_id {
#define METRIC(id, KIND, SOURCE, unit, name, labels, mbean, help) METRIC_##id,
#include "broker/metrics.def"
    METRIC_COUNT,
};

/* Where the lines of a family come from; see metrics.def. */
enum metric_source {
    METRIC_FROM_VALUE,
    METRIC_FROM_NODE,
    METRIC_FROM_SHARD,
    METRIC_FROM_TOPIC,
    METRIC_FROM_PARTITION,
    METRIC_FROM_LISTENER,
    METRIC_FROM_REQUEST,
    METRIC_FROM_DIRECTORY,
    METRIC_FROM_TIMES,
    METRIC_FROM_INFO,
};

extern const struct metric_row metric_rows[METRIC_COUNT];
extern const enum metric_source metric_sources[METRIC_COUNT];

/* What Kafka divides the time of a request into; in the order of metrics.def from total_time on. */
enum request_stage {
    STAGE_TOTAL,
    STAGE_QUEUE,
    STAGE_LOCAL,
    STAGE_REMOTE,
    STAGE_RESPONSE_QUEUE,
    STAGE_SEND,
    STAGES,
};

/* When things happened to a request: monotonic; 0: they did not. */
struct request_clock {
    int64_t arrived_us, started_us, returned_us, answered_us, handed_us;
};

/* Of all requests of one API on one kind of listener. */
struct request_times {
    uint64_t count;
    struct metric_histogram stages[STAGES];
};

struct metrics_connections {
    int64_t made, closed;
};

struct metrics {
    bool is_timed;                   /* Somebody may ask for times of requests. */
    struct request *handling;        /* The request whose handler runs; NULL: it is answered. */
    int64_t read_us;                 /* The newest time that was read for these. */
    int64_t last_answer_us;          /* When the last request was answered. */
    int64_t parked_fetches;          /* That wait for records. */
    struct request_times **requests; /* Owned array of owned, by row of apis.def; NULL: none yet. */
    struct metrics_connections listeners[ENDPOINTS_MAX];
};

/* Nothing yet. */
void metrics_init(struct metrics *metrics, bool is_timed);

/* Frees. */
void metrics_fini(struct metrics *metrics);

/* The steps of a request's life; each does nothing where requests are not timed.  A request may be
 * gone when its handler returns: then `handling` is NULL. */
void metrics_started(struct metrics *metrics, struct request *request);
void metrics_returned(struct metrics *metrics);
void metrics_answered(struct metrics *metrics, struct request *request);

/* Its life is over: the answer was sent, or there is none. */
void metrics_sent(struct metrics *metrics, const struct request *request);
