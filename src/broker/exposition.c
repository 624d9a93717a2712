/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/exposition.h"

#include "base/mem.h"
#include "broker/dispatch.h"
#include "os/process.h"
#include "wire/api.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    PIECE_SIZE = 32 * 1024,
    SHARDS_MAX = 64,
    API_NAME_MAX = 64,
};

struct exposition {
    struct http_body body;
    struct report *report; /* Owned reference. */
    struct process_usage process;
    struct text text; /* What was made, */
    size_t at;        /* and how much of that was read. */
    int family;       /* The next one. */
    bool is_inside;   /* Its head has been told. */
    int part;         /* Where it is, of those that are many: */
    size_t cursors[SHARDS_MAX];
};

/* --- the report -------------------------------------------------------------- */

size_t report_row_count(void)
{
    return dispatch_count() + 1;
}

/* An API that is answered on several kinds of listeners has a row for each in apis.def. */
size_t report_rows_of(size_t api, size_t out[static 2])
{
    int16_t key = dispatch_api(api)->key;
    size_t first = 0;

    while (dispatch_api(first)->key != key)
        first++;
    out[0] = first;
    out[1] = dispatch_count();
    return key == API_FETCH && dispatch_api(api)->listeners & DISPATCH_CLIENT ? 2 : 1;
}

struct report *report_unref(struct report *report)
{
    if (!report || atomic_fetch_sub_explicit(&report->refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    gather_unref(report->gather);
    mem_free(report->requests);
    mem_free(report);
    return NULL;
}

/* `list_offsets` is ListOffsets. */
static void name_request(size_t row, char out[static API_NAME_MAX])
{
    const char *name = "fetch_consumer";
    bool is_first = true;

    if (row < dispatch_count())
        name = wire_api_find(dispatch_api(row)->key)->name;
    for (; *name; name++) {
        if (*name != '_')
            *out++ = is_first ? (char)toupper((unsigned char)*name) : *name;
        is_first = *name == '_';
    }
    *out = '\0';
}

/* --- families of which there are few lines ------------------------------------ */

static int64_t sum_of(const struct gather *gather, int family)
{
    int64_t sum = 0;

    for (int i = 0; i < gather->part_count; i++)
        sum += gather->parts[i].values[family];
    return sum;
}

static void tell_value(struct exposition *e, int family)
{
    const struct metric_label fetches[] = {{"delayedOperation", "Fetch"}, {NULL, NULL}};

    metric_tell_whole(&e->text, &metric_rows[family], "",
                      family == METRIC_delayed_fetches ? fetches : NULL,
                      sum_of(e->report->gather, family));
}

/* What the process uses is looked at on the server's thread, when somebody reads. */
static double node_value(struct exposition *e, int family)
{
    if (family == METRIC_process_cpu)
        process_look(&e->process);
    switch (family) {
    case METRIC_process_cpu: return e->process.cpu_seconds;
    case METRIC_process_started: return e->process.started_at;
    case METRIC_process_resident: return (double)e->process.resident_bytes;
    case METRIC_process_virtual: return (double)e->process.virtual_bytes;
    case METRIC_process_files: return (double)e->process.open_files;
    case METRIC_process_files_max: return (double)e->process.open_files_max;
    default: return e->report->node[family];
    }
}

static void tell_shards(struct exposition *e, int family)
{
    const struct gather *gather = e->report->gather;

    for (int i = 0; i < gather->part_count; i++) {
        int64_t value = gather->parts[i].values[family];
        char shard[16];
        const struct metric_label labels[] = {{"shard", shard}, {NULL, NULL}};

        (void)snprintf(shard, sizeof(shard), "%d", i);
        if (family == METRIC_loop_idle)
            metric_tell(&e->text, &metric_rows[family], "", labels, (double)value / 1e6);
        else
            metric_tell_whole(&e->text, &metric_rows[family], "", labels, value);
    }
}

static int64_t connections_of(const struct metrics_connections *of, int family)
{
    switch (family) {
    case METRIC_connections_made: return of->made;
    case METRIC_connections_closed: return of->closed;
    default: return of->made - of->closed;
    }
}

/* Listeners of one name, as there are without a configuration file, are counted as one. */
static void tell_listener(struct exposition *e, int family, size_t listener, int shard)
{
    const struct report *report = e->report;
    const struct gather_part *part = &report->gather->parts[shard];
    const char *name = report->listeners[listener].name;
    char number[16];
    const struct metric_label labels[] = {
        {"listener", name},
        {family == METRIC_listener_connections ? "shard" : "networkProcessor", number},
        {NULL, NULL}};
    int64_t value = 0;

    for (size_t i = 0; i < report->listener_count; i++) {
        if (strcmp(report->listeners[i].name, name) != 0)
            continue;
        if (i < listener)
            return;
        value += connections_of(&part->listeners[i], family);
    }
    (void)snprintf(number, sizeof(number), "%d", shard);
    metric_tell_whole(&e->text, &metric_rows[family], "", labels, value);
}

static void tell_listeners(struct exposition *e, int family)
{
    for (size_t i = 0; i < e->report->listener_count; i++)
        for (int shard = 0; shard < e->report->gather->part_count; shard++)
            tell_listener(e, family, i, shard);
}

static void tell_requests(struct exposition *e, int family)
{
    int stage = family - METRIC_total_time;

    for (size_t row = 0; row < report_row_count(); row++) {
        const struct request_report *request = &e->report->requests[row];
        char name[API_NAME_MAX];
        const struct metric_label labels[] = {{"request", name}, {NULL, NULL}};

        if (!request->is_there)
            continue;
        name_request(row, name);
        if (family == METRIC_requests)
            metric_tell_whole(&e->text, &metric_rows[family], "", labels,
                              (int64_t)request->total.count);
        else
            metric_tell_summary(&e->text, &metric_rows[family], labels,
                                &request->recent.stages[stage], request->total.count);
    }
}

static void tell_directories(struct exposition *e, int family)
{
    for (int i = 0; i < e->report->dir_count; i++) {
        const struct metric_label labels[] = {{"logDirectory", e->report->dirs[i].path},
                                              {NULL, NULL}};

        metric_tell_whole(&e->text, &metric_rows[family], "", labels,
                          e->report->dirs[i].is_offline);
    }
}

static void tell_times(struct exposition *e, int family)
{
    const struct gather *gather = e->report->gather;
    struct metric_histogram sum = {.count = 0};

    for (int i = 0; i < gather->part_count; i++) {
        const struct gather_part *part = &gather->parts[i];

        if (family == METRIC_loop_time)
            metric_histogram_add(&sum, &part->turns);
        else if (family == METRIC_sync_queue_time)
            metric_histogram_add(&sum, &part->sync_queue);
        else
            metric_histogram_add(&sum, &part->sync);
    }
    if (family == METRIC_flush_time)
        metric_tell_summary(&e->text, &metric_rows[family], NULL, &e->report->sync_recent,
                            sum.count);
    else
        metric_tell_histogram(&e->text, &metric_rows[family], NULL, &sum);
}

static void tell_info(struct exposition *e, int family)
{
    char node[16];
    const struct metric_label labels[] = {{"version", e->report->version},
                                          {"node_id", node},
                                          {"cluster_id", e->report->cluster_id},
                                          {NULL, NULL}};

    (void)snprintf(node, sizeof(node), "%d", (int)e->report->gather->broker->node_id);
    metric_tell_whole(&e->text, &metric_rows[family], "", labels, 1);
}

/* --- families of which there are many ------------------------------------------ */

/* The next topic that any of the shards has, with the sum of them; false: there is none. */
static bool take_topic(struct exposition *e, struct topic_sample *out)
{
    const struct gather *gather = e->report->gather;
    const struct topic_sample *next = NULL;

    for (int i = 0; i < gather->part_count; i++) {
        const struct gather_part *part = &gather->parts[i];

        if (e->cursors[i] < part->topic_count &&
            (!next || part->topics[e->cursors[i]].order < next->order))
            next = &part->topics[e->cursors[i]];
    }
    if (!next)
        return false;
    *out = (struct topic_sample){.topic = next->topic, .order = next->order};
    for (int i = 0; i < gather->part_count; i++) {
        const struct gather_part *part = &gather->parts[i];

        if (e->cursors[i] == part->topic_count || part->topics[e->cursors[i]].order != out->order)
            continue;
        for (int kind = 0; kind < TRAFFIC_KINDS; kind++)
            out->counts.of[kind] += part->topics[e->cursors[i]].counts.of[kind];
        e->cursors[i]++;
    }
    return true;
}

static bool tell_topic(struct exposition *e, int family)
{
    struct topic_sample sample;
    int kind = family - METRIC_messages_in;

    if (!take_topic(e, &sample))
        return false;
    metric_tell_whole(&e->text, &metric_rows[family], "",
                      (const struct metric_label[]){{"topic", sample.topic->name}, {NULL, NULL}},
                      sample.counts.of[kind]);
    return true;
}

static int64_t value_of(const struct partition_sample *p, int family)
{
    switch (family) {
    case METRIC_log_size: return p->size;
    case METRIC_log_start_offset: return p->start;
    case METRIC_log_end_offset: return p->end;
    default: return p->segments;
    }
}

static bool tell_partition(struct exposition *e, int family)
{
    const struct gather *gather = e->report->gather;
    const struct partition_sample *p;
    char index[16];

    while (e->part < gather->part_count &&
           e->cursors[e->part] == gather->parts[e->part].partition_count)
        e->part++;
    if (e->part == gather->part_count)
        return false;
    p = &gather->parts[e->part].partitions[e->cursors[e->part]++];
    (void)snprintf(index, sizeof(index), "%d", (int)p->index);
    metric_tell_whole(&e->text, &metric_rows[family], "",
                      (const struct metric_label[]){
                          {"topic", p->topic->name}, {"partition", index}, {NULL, NULL}},
                      value_of(p, family));
    return true;
}

/* --- the text ------------------------------------------------------------------ */

static void tell_family(struct exposition *e, int family)
{
    switch (metric_sources[family]) {
    case METRIC_FROM_TOPIC: /* The sum; the others follow. */
    case METRIC_FROM_VALUE: tell_value(e, family); break;
    case METRIC_FROM_NODE:
        metric_tell(&e->text, &metric_rows[family], "", NULL, node_value(e, family));
        break;
    case METRIC_FROM_SHARD: tell_shards(e, family); break;
    case METRIC_FROM_LISTENER: tell_listeners(e, family); break;
    case METRIC_FROM_REQUEST: tell_requests(e, family); break;
    case METRIC_FROM_DIRECTORY: tell_directories(e, family); break;
    case METRIC_FROM_TIMES: tell_times(e, family); break;
    case METRIC_FROM_INFO: tell_info(e, family); break;
    case METRIC_FROM_PARTITION: break;
    }
}

/* One more line, or the head and the few lines of a family; false: all has been told. */
static bool tell_more(struct exposition *e)
{
    bool has_more = false;

    if (e->family == METRIC_COUNT)
        return false;
    if (!e->is_inside) {
        metric_tell_head(&e->text, &metric_rows[e->family]);
        tell_family(e, e->family);
        e->is_inside = true;
        e->part = 0;
        memset(e->cursors, 0, sizeof(e->cursors));
        return true;
    }
    if (metric_sources[e->family] == METRIC_FROM_TOPIC)
        has_more = tell_topic(e, e->family);
    else if (metric_sources[e->family] == METRIC_FROM_PARTITION)
        has_more = tell_partition(e, e->family);
    if (!has_more) {
        e->family++;
        e->is_inside = false;
    }
    return true;
}

static size_t read_text(struct http_body *body, char *out, size_t size)
{
    struct exposition *e = container_of(body, struct exposition, body);
    size_t part;

    if (e->at == e->text.size) {
        text_cut(&e->text, 0);
        e->at = 0;
        while (e->text.size < PIECE_SIZE && tell_more(e))
            ;
    }
    part = min_of(size, e->text.size - e->at);
    if (part)
        memcpy(out, e->text.data + e->at, part);
    e->at += part;
    return part;
}

static void release(struct http_body *body)
{
    struct exposition *e = container_of(body, struct exposition, body);

    report_unref(e->report);
    text_fini(&e->text);
    mem_free(e);
}

struct http_body *exposition_create(struct report *report)
{
    struct exposition *e = mem_new(sizeof(*e));

    assert(report->gather->part_count <= SHARDS_MAX);
    atomic_fetch_add_explicit(&report->refs, 1, memory_order_relaxed);
    e->report = report;
    e->body = (struct http_body){.read = read_text, .release = release};
    return &e->body;
}
