/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/exposition.h - what was gathered, as the text that Prometheus reads.
 *
 * It is made piece by piece while it is sent, on the server's thread: of 40,000
 * partitions there are some megabytes of it, and at no time more than a piece.
 *
 * Threading: made and filled on shard 0's loop; then whoever reads it.
 * Errors:    none.
 */

#include "broker/gather.h"
#include "net/http.h"

/* Of an API: since the start, and in the last minutes. */
struct request_report {
    struct request_times total, recent;
    bool is_there;
};

/* What was gathered, put together; shared by all who read it. */
struct report {
    _Atomic int refs;
    struct gather *gather;           /* Owned reference. */
    double node[METRIC_COUNT];       /* Of the families of the node. */
    struct request_report *requests; /* Owned: by report_row_count(). */
    struct metric_histogram sync_recent;
    const char *version; /* Constant. */
    char cluster_id[64];
    struct {
        char name[ENDPOINT_NAME_MAX];
    } listeners[ENDPOINTS_MAX];
    size_t listener_count;
    struct {
        const char *path; /* Borrowed: the broker's. */
        bool is_offline;
    } dirs[SETTINGS_DIRS_MAX];
    int dir_count;
};

/* How many rows of requests a report has: those of apis.def, and one for the Fetch of consumers. */
size_t report_row_count(void);

/* The rows that an API of apis.def is counted in: one, or two; the count of them. */
size_t report_rows_of(size_t api, size_t out[static 2]);

/* Gives a reference back; NULL is allowed, always returns NULL.  Any thread. */
struct report *report_unref(struct report *report);

/* A reader of `report`, of which it takes a reference. */
struct http_body *exposition_create(struct report *report);
