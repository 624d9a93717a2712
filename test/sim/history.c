/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "test/sim/history_internal.h"

#include <inttypes.h>

static const char *const kind_names[HISTORY_KIND_COUNT] = {
    [HISTORY_LOST_WRITE] = "lost write",
    [HISTORY_INCONSISTENT_OFFSETS] = "inconsistent offsets",
    [HISTORY_DUPLICATE] = "duplicate",
    [HISTORY_REORDERED] = "reordered",
    [HISTORY_NONMONOTONIC_POLL] = "non-monotonic poll",
    [HISTORY_OFFSET_GAP] = "offset gap",
    [HISTORY_PHANTOM] = "phantom",
    [HISTORY_UNREAD] = "unread",
    [HISTORY_WATERMARK] = "watermark",
    [HISTORY_START] = "log start",
    [HISTORY_UNDELETED] = "undeleted",
};

struct history *history_create(void)
{
    struct history *history = mem_new(sizeof(*history));

    history->clock = 1;
    return history;
}

struct history *history_destroy(struct history *history)
{
    if (!history)
        return NULL;
    mem_free(history->writes);
    mem_free(history->polls);
    mem_free(history->records);
    mem_free(history->ends);
    mem_free(history->starts);
    mem_free(history->lossy);
    mem_free(history->compacted);
    mem_free(history->by_value);
    mem_free(history->sightings);
    mem_free(history->anomalies);
    mem_free(history);
    return NULL;
}

void *history_room(void *p, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return p;
    *room = max_of(*room * 2, count + 16);
    return mem_resize(p, *room, size);
}

uint64_t history_now(struct history *history)
{
    return history->clock++;
}

size_t history_invoke(struct history *history, const struct history_write *write)
{
    assert(write->count > 0);
    history->writes = history_room(history->writes, &history->write_room, history->write_count,
                                   sizeof(*history->writes));
    history->writes[history->write_count] = (struct write_entry){
        .write = *write,
        .invoked = history_now(history),
        .sends = 1,
        .base_offset = -1,
    };
    return history->write_count++;
}

static struct write_entry *open_write(struct history *history, size_t write)
{
    assert(write < history->write_count);
    assert(history->writes[write].answered == 0);
    return &history->writes[write];
}

void history_resend(struct history *history, size_t write)
{
    open_write(history, write)->sends++;
}

void history_acknowledge(struct history *history, size_t write, int64_t base_offset)
{
    struct write_entry *entry = open_write(history, write);

    entry->is_acknowledged = true;
    entry->base_offset = base_offset;
    entry->answered = history_now(history);
}

void history_refuse(struct history *history, size_t write)
{
    struct write_entry *entry = open_write(history, write);

    entry->is_refused = true;
    entry->answered = history_now(history);
}

void history_poll(struct history *history, const struct history_poll *poll)
{
    struct poll_entry *entry;

    history->polls = history_room(history->polls, &history->poll_room, history->poll_count,
                                  sizeof(*history->polls));
    entry = &history->polls[history->poll_count++];
    *entry = (struct poll_entry){
        .poll = *poll,
        .first = history->record_count,
        .answered = history_now(history),
    };
    entry->poll.records = NULL;
    for (size_t i = 0; i < poll->count; i++) {
        history->records = history_room(history->records, &history->record_room,
                                        history->record_count, sizeof(*history->records));
        history->records[history->record_count++] = poll->records[i];
    }
}

void history_set_lossy(struct history *history, uint32_t partition)
{
    history->lossy = history_room(history->lossy, &history->lossy_room, history->lossy_count,
                                  sizeof(*history->lossy));
    history->lossy[history->lossy_count++] = partition;
}

void history_set_compacted(struct history *history, uint32_t partition,
                           uint64_t (*key_of)(uint64_t value))
{
    history->compacted = history_room(history->compacted, &history->compacted_room,
                                      history->compacted_count, sizeof(*history->compacted));
    history->compacted[history->compacted_count++] =
        (struct compacted_entry){.partition = partition, .key_of = key_of};
}

static void add_start(struct history *history, uint32_t partition, int64_t offset, bool is_moved)
{
    history->starts = history_room(history->starts, &history->start_room, history->start_count,
                                   sizeof(*history->starts));
    history->starts[history->start_count++] = (struct start_entry){
        .partition = partition,
        .offset = offset,
        .when = history_now(history),
        .is_moved = is_moved,
    };
}

void history_ask_start(struct history *history, uint32_t partition, int64_t offset)
{
    add_start(history, partition, offset, false);
}

void history_start_moved(struct history *history, uint32_t partition, int64_t log_start)
{
    add_start(history, partition, log_start, true);
}

void history_finish(struct history *history, uint32_t partition, uint32_t consumer,
                    int64_t log_start, int64_t high_watermark)
{
    history->ends =
        history_room(history->ends, &history->end_room, history->end_count, sizeof(*history->ends));
    history->ends[history->end_count++] = (struct end_entry){
        .partition = partition,
        .consumer = consumer,
        .log_start = log_start,
        .high_watermark = high_watermark,
    };
}

const struct history_anomaly *history_anomalies(const struct history *history, size_t *out_count)
{
    *out_count = history->anomaly_count;
    return history->anomalies;
}

size_t history_count(const struct history *history, enum history_anomaly_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < history->anomaly_count; i++)
        count += history->anomalies[i].kind == kind;
    return count;
}

const char *history_kind_name(enum history_anomaly_kind kind)
{
    assert((size_t)kind < HISTORY_KIND_COUNT);
    return kind_names[kind];
}

static void print_write(const struct history *history, FILE *out, uint64_t value)
{
    size_t index = history_find_write(history, value);
    const struct write_entry *w = index == NO_WRITE ? NULL : &history->writes[index];

    if (!w) {
        fprintf(out, "    nobody has written this value\n");
        return;
    }
    fprintf(out,
            "    written by producer %" PRIu32 "%s to partition %" PRIu32 ", values %" PRIu64
            " to %" PRIu64 ", sent %" PRIu32 " times from moment %" PRIu64,
            w->write.producer, w->write.is_idempotent ? " (idempotent)" : "", w->write.partition,
            w->write.first_value, w->write.first_value + w->write.count - 1, w->sends, w->invoked);
    if (w->is_acknowledged)
        fprintf(out, ", acknowledged at %" PRIu64 " from offset %" PRId64, w->answered,
                w->base_offset);
    else
        fprintf(out, w->is_refused ? ", refused at %" PRIu64 : ", never answered", w->answered);
    fputc('\n', out);
}

static void print_sightings(const struct history *history, FILE *out,
                            const struct history_anomaly *anomaly)
{
    enum { SHOWN_MAX = 8 };
    int shown = 0;

    for (size_t i = 0; i < history->sighting_count && shown < SHOWN_MAX; i++) {
        const struct sighting *s = &history->sightings[i];

        if (s->partition != anomaly->partition ||
            (s->value != anomaly->value && s->offset != anomaly->offset))
            continue;
        fprintf(out, "    %s at %" PRIu64 ": value %" PRIu64 " at offset %" PRId64 "%s\n",
                s->is_read ? "read" : "told", s->when, s->value, s->offset,
                s->is_final ? ", at the end" : "");
        shown++;
    }
}

void history_print(const struct history *history, FILE *out, size_t limit)
{
    for (size_t i = 0; i < min_of(history->anomaly_count, limit); i++) {
        const struct history_anomaly *a = &history->anomalies[i];

        fprintf(out, "  %s: partition %" PRIu32 " offset %" PRId64 " value %" PRIu64 "\n",
                history_kind_name(a->kind), a->partition, a->offset, a->value);
        if (a->kind != HISTORY_WATERMARK && a->kind != HISTORY_START)
            print_write(history, out, a->value);
        print_sightings(history, out, a);
    }
    if (history->anomaly_count > limit)
        fprintf(out, "  and %zu more\n", history->anomaly_count - limit);
}

void history_sizes(const struct history *history, size_t *out_writes, size_t *out_acknowledged,
                   size_t *out_read)
{
    *out_writes = history->write_count;
    *out_read = history->record_count;
    *out_acknowledged = 0;
    for (size_t i = 0; i < history->write_count; i++)
        *out_acknowledged += history->writes[i].is_acknowledged;
}
