/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/history_check.c - a few passes over sorted sightings.
 *
 * A sighting is a value at an offset of a partition, read by a consumer or told to a
 * producer.  Each kind of anomaly is one pass of its own, so that each can be read, and
 * tested, alone.
 */

#include "base/mem.h"
#include "test/sim/history_internal.h"

#include <stdlib.h>

static void report(struct history *history, enum history_anomaly_kind kind, uint32_t partition,
                   int64_t offset, uint64_t value)
{
    history->anomalies = history_room(history->anomalies, &history->anomaly_room,
                                      history->anomaly_count, sizeof(*history->anomalies));
    history->anomalies[history->anomaly_count++] = (struct history_anomaly){
        .kind = kind,
        .partition = partition,
        .offset = offset,
        .value = value,
    };
}

static void report_sighting(struct history *history, enum history_anomaly_kind kind,
                            const struct sighting *s)
{
    report(history, kind, s->partition, s->offset, s->value);
}

static int order_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int order_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static bool is_lossy(const struct history *history, uint32_t partition)
{
    for (size_t i = 0; i < history->lossy_count; i++)
        if (history->lossy[i] == partition)
            return true;
    return false;
}

/* What tells the keys of a compacted partition; NULL: it is none. */
static const struct compacted_entry *find_compacted(const struct history *history,
                                                    uint32_t partition)
{
    for (size_t i = 0; i < history->compacted_count; i++)
        if (history->compacted[i].partition == partition)
            return &history->compacted[i];
    return NULL;
}

static const struct end_entry *find_end(const struct history *history, uint32_t partition)
{
    for (size_t i = 0; i < history->end_count; i++)
        if (history->ends[i].partition == partition)
            return &history->ends[i];
    return NULL;
}

/* --- writes by value -------------------------------------------------------- */

static int order_by_first_value(const void *a, const void *b, void *context)
{
    const struct history *history = context;
    const size_t *left = a;
    const size_t *right = b;

    return order_u64(history->writes[*left].write.first_value,
                     history->writes[*right].write.first_value);
}

static void index_writes(struct history *history)
{
    mem_free(history->by_value);
    history->by_value = mem_new_array(max_of(history->write_count, (size_t)1), sizeof(size_t));
    for (size_t i = 0; i < history->write_count; i++)
        history->by_value[i] = i;
    qsort_r(history->by_value, history->write_count, sizeof(size_t), order_by_first_value, history);
}

size_t history_find_write(const struct history *history, uint64_t value)
{
    size_t low = 0;
    size_t high = history->write_count;

    while (low < high) { /* The last write that begins at `value` or below. */
        size_t middle = low + (high - low) / 2;

        if (history->writes[history->by_value[middle]].write.first_value <= value)
            low = middle + 1;
        else
            high = middle;
    }
    if (low > 0) {
        size_t index = history->by_value[low - 1];
        const struct history_write *write = &history->writes[index].write;

        if (value - write->first_value < write->count)
            return index;
    }
    return NO_WRITE;
}

/* --- sightings -------------------------------------------------------------- */

static void add_sighting(struct history *history, const struct sighting *sighting)
{
    history->sightings = history_room(history->sightings, &history->sighting_room,
                                      history->sighting_count, sizeof(*history->sightings));
    history->sightings[history->sighting_count++] = *sighting;
}

static void see_poll(struct history *history, const struct poll_entry *entry)
{
    const struct history_poll *poll = &entry->poll;
    const struct end_entry *end = find_end(history, poll->partition);
    bool is_final = end && end->consumer == poll->consumer;

    if (!is_final && is_lossy(history, poll->partition))
        return;
    for (size_t i = 0; i < poll->count; i++) {
        const struct history_record *record = &history->records[entry->first + i];

        add_sighting(history, &(struct sighting){
                                  .partition = poll->partition,
                                  .offset = record->offset,
                                  .value = record->value,
                                  .write = history_find_write(history, record->value),
                                  .when = entry->answered,
                                  .is_read = true,
                                  .is_final = is_final,
                              });
    }
}

static void see_acknowledgement(struct history *history, size_t index)
{
    const struct write_entry *entry = &history->writes[index];

    if (!entry->is_acknowledged || entry->base_offset < 0 ||
        is_lossy(history, entry->write.partition))
        return;
    /* Of acks=1 a crash may take back what was told; what was read stays. */
    if (!entry->write.is_durable)
        return;
    for (uint32_t i = 0; i < entry->write.count; i++)
        add_sighting(history, &(struct sighting){
                                  .partition = entry->write.partition,
                                  .offset = entry->base_offset + i,
                                  .value = entry->write.first_value + i,
                                  .write = index,
                                  .when = entry->answered,
                              });
}

static int order_by_place(const void *a, const void *b)
{
    const struct sighting *left = a;
    const struct sighting *right = b;
    int order = order_u64(left->partition, right->partition);

    order = order ? order : order_i64(left->offset, right->offset);
    order = order ? order : order_u64(left->value, right->value);
    return order ? order : order_u64(left->when, right->when);
}

static int order_by_value(const void *a, const void *b)
{
    const struct sighting *left = a;
    const struct sighting *right = b;
    int order = order_u64(left->partition, right->partition);

    order = order ? order : order_u64(left->value, right->value);
    order = order ? order : order_i64(left->offset, right->offset);
    return order ? order : order_u64(left->when, right->when);
}

static void sort_sightings(struct history *history, int (*order)(const void *a, const void *b))
{
    if (history->sighting_count > 0)
        qsort(history->sightings, history->sighting_count, sizeof(*history->sightings), order);
}

/* --- the passes; by value --------------------------------------------------- */

static void check_phantoms(struct history *history)
{
    for (size_t i = 0; i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];
        const struct write_entry *w = s->write == NO_WRITE ? NULL : &history->writes[s->write];

        if (!s->is_read)
            continue;
        if (!w || w->write.partition != s->partition || w->invoked > s->when || w->is_refused)
            report_sighting(history, HISTORY_PHANTOM, s);
    }
}

/* True if sighting `i` is of another value than the one before it. */
static bool begins_value(const struct history *history, size_t i)
{
    const struct sighting *s = &history->sightings[i];

    return i == 0 || s[-1].value != s->value || s[-1].partition != s->partition;
}

static void check_duplicates(struct history *history)
{
    uint32_t offsets = 0;

    for (size_t i = 0; i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];
        const struct write_entry *w;

        if (begins_value(history, i))
            offsets = 0;
        else if (s[-1].offset == s->offset)
            continue;
        if (s->write == NO_WRITE)
            continue;
        w = &history->writes[s->write];
        if (++offsets > (w->write.is_idempotent ? 1 : w->sends))
            report_sighting(history, HISTORY_DUPLICATE, s);
    }
}

/* Of one idempotent producer: the greatest offset so far. */
struct producer_mark {
    uint32_t partition, producer;
    int64_t offset;
};

static struct producer_mark *find_mark(struct producer_mark *marks, size_t count,
                                       uint32_t partition, uint32_t producer)
{
    for (size_t i = 0; i < count; i++)
        if (marks[i].partition == partition && marks[i].producer == producer)
            return &marks[i];
    return NULL;
}

/* The values of a producer grow in the order in which it sends them. */
static void check_producer_order(struct history *history)
{
    struct producer_mark *marks = NULL;
    size_t count = 0;
    size_t room = 0;

    for (size_t i = 0; i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];
        const struct history_write *w;
        struct producer_mark *mark;

        if (!begins_value(history, i) || s->write == NO_WRITE)
            continue;
        w = &history->writes[s->write].write;
        if (!w->is_idempotent || w->partition != s->partition)
            continue;
        mark = find_mark(marks, count, w->partition, w->producer);
        if (!mark) {
            marks = history_room(marks, &room, count, sizeof(*marks));
            mark = &marks[count++];
            *mark = (struct producer_mark){
                .partition = w->partition,
                .producer = w->producer,
                .offset = -1,
            };
        }
        if (s->offset <= mark->offset)
            report_sighting(history, HISTORY_REORDERED, s);
        mark->offset = max_of(mark->offset, s->offset);
    }
    mem_free(marks);
}

/* --- by place --------------------------------------------------------------- */

static void check_offsets(struct history *history)
{
    for (size_t i = 1; i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];

        if (s[-1].partition == s->partition && s[-1].offset == s->offset && s[-1].value != s->value)
            report_sighting(history, HISTORY_INCONSISTENT_OFFSETS, s);
    }
}

/* From the end of each log to its start: `earliest` is when the first of the writes behind
 * was acknowledged; whatever is invoked after that does not belong before it. */
static void check_real_time(struct history *history)
{
    uint64_t earliest = UINT64_MAX;

    for (size_t i = history->sighting_count; i-- > 0;) {
        const struct sighting *s = &history->sightings[i];
        const struct write_entry *w = s->write == NO_WRITE ? NULL : &history->writes[s->write];

        if (i + 1 == history->sighting_count || s[1].partition != s->partition)
            earliest = UINT64_MAX;
        if (!w)
            continue;
        if (w->invoked > earliest)
            report_sighting(history, HISTORY_REORDERED, s);
        if (!s->is_read)
            earliest = min_of(earliest, w->answered);
    }
}

static bool is_in_final(const struct history *history, size_t i)
{
    const struct sighting *s = &history->sightings[i];
    size_t k = i;

    while (k > 0 && order_i64(s->offset, history->sightings[k - 1].offset) == 0 &&
           history->sightings[k - 1].partition == s->partition)
        k--;
    for (; k < history->sighting_count && history->sightings[k].partition == s->partition &&
           history->sightings[k].offset == s->offset;
         k++)
        if (history->sightings[k].is_final && history->sightings[k].value == s->value)
            return true;
    return false;
}

/* True if a record of the same key is there at the end, behind `offset`. */
static bool is_superseded(const struct history *history, uint32_t partition, int64_t offset,
                          uint64_t value)
{
    const struct compacted_entry *entry = find_compacted(history, partition);

    for (size_t i = 0; entry && i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];

        if (s->is_final && s->partition == partition && s->offset > offset &&
            entry->key_of(s->value) == entry->key_of(value))
            return true;
    }
    return false;
}

/* What was told or read at an offset that is still there at the end must be there. */
static void check_ends(struct history *history)
{
    for (size_t i = 0; i < history->sighting_count; i++) {
        const struct sighting *s = &history->sightings[i];
        const struct end_entry *end = find_end(history, s->partition);

        if (!end || s->is_final || s->offset < end->log_start || is_in_final(history, i) ||
            is_superseded(history, s->partition, s->offset, s->value))
            continue;
        if (i > 0 && s[-1].partition == s->partition && s[-1].offset == s->offset &&
            s[-1].value == s->value && s[-1].is_read == s->is_read)
            continue; /* Said already. */
        report_sighting(history, s->is_read ? HISTORY_UNREAD : HISTORY_LOST_WRITE, s);
    }
}

/* --- acknowledged without an offset ----------------------------------------- */

static bool is_seen_at_end(const struct history *history, uint64_t value)
{
    for (size_t i = 0; i < history->sighting_count; i++)
        if (history->sightings[i].is_final && history->sightings[i].value == value)
            return true;
    return false;
}

static void check_unplaced_writes(struct history *history)
{
    for (size_t i = 0; i < history->write_count; i++) {
        const struct write_entry *w = &history->writes[i];
        const struct end_entry *end = find_end(history, w->write.partition);

        if (!w->is_acknowledged || !w->write.is_durable || w->base_offset >= 0 || !end ||
            end->log_start > 0 || is_lossy(history, w->write.partition))
            continue;
        for (uint32_t k = 0; k < w->write.count; k++)
            if (!is_seen_at_end(history, w->write.first_value + k) &&
                !is_superseded(history, w->write.partition, -1, w->write.first_value + k))
                report(history, HISTORY_LOST_WRITE, w->write.partition, -1,
                       w->write.first_value + k);
    }
}

/* --- polls ------------------------------------------------------------------ */

static void check_poll(struct history *history, const struct poll_entry *entry)
{
    const struct history_poll *poll = &entry->poll;
    int64_t next = poll->position;

    for (size_t i = 0; i < poll->count; i++) {
        const struct history_record *record = &history->records[entry->first + i];

        if (record->offset < next)
            report(history, HISTORY_NONMONOTONIC_POLL, poll->partition, record->offset,
                   record->value);
        else if (record->offset > next && !find_compacted(history, poll->partition))
            report(history, HISTORY_OFFSET_GAP, poll->partition, next, record->value);
        if (poll->high_watermark >= 0 && record->offset >= poll->high_watermark)
            report(history, HISTORY_WATERMARK, poll->partition, record->offset, record->value);
        next = max_of(next, record->offset + 1);
    }
    if (poll->log_start >= 0 && poll->high_watermark >= 0 && poll->log_start > poll->high_watermark)
        report(history, HISTORY_START, poll->partition, poll->log_start, 0);
}

/* Each consumer's polls follow on each other, and the last one reaches the end. */
static void check_end(struct history *history, const struct end_entry *end)
{
    int64_t next = end->log_start;

    for (size_t i = 0; i < history->poll_count; i++) {
        const struct poll_entry *entry = &history->polls[i];

        if (entry->poll.partition != end->partition || entry->poll.consumer != end->consumer)
            continue;
        for (size_t k = 0; k < entry->poll.count; k++)
            next = max_of(next, history->records[entry->first + k].offset + 1);
    }
    if (next != end->high_watermark && !find_compacted(history, end->partition))
        report(history, HISTORY_OFFSET_GAP, end->partition, next, 0);
}

/* A fact about a partition that holds for whatever is asked later. */
struct bound {
    uint32_t partition;
    uint64_t since;
    int64_t high_watermark, log_start;
};

static int order_by_since(const void *a, const void *b)
{
    const struct bound *left = a;
    const struct bound *right = b;
    int order = order_u64(left->partition, right->partition);

    return order ? order : order_u64(left->since, right->since);
}

static size_t gather_bounds(const struct history *history, struct bound *bounds)
{
    size_t count = 0;

    for (size_t i = 0; i < history->poll_count; i++)
        bounds[count++] = (struct bound){
            .partition = history->polls[i].poll.partition,
            .since = history->polls[i].answered,
            .high_watermark = history->polls[i].poll.high_watermark,
            .log_start = history->polls[i].poll.log_start,
        };
    for (size_t i = 0; i < history->write_count; i++) {
        const struct write_entry *w = &history->writes[i];

        if (w->is_acknowledged && w->write.is_durable && w->base_offset >= 0)
            bounds[count++] = (struct bound){
                .partition = w->write.partition,
                .since = w->answered,
                .high_watermark = w->base_offset + w->write.count,
                .log_start = -1,
            };
    }
    for (size_t i = 0; i < history->start_count; i++)
        if (history->starts[i].is_moved)
            bounds[count++] = (struct bound){
                .partition = history->starts[i].partition,
                .since = history->starts[i].when,
                .high_watermark = -1,
                .log_start = history->starts[i].offset,
            };
    return count;
}

/* Makes each bound as strong as all before it of its partition. */
static void accumulate(struct bound *bounds, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (bounds[i].partition != bounds[i - 1].partition)
            continue;
        bounds[i].high_watermark = max_of(bounds[i].high_watermark, bounds[i - 1].high_watermark);
        bounds[i].log_start = max_of(bounds[i].log_start, bounds[i - 1].log_start);
    }
}

/* The last bound of the partition from before `when`, or NULL. */
static const struct bound *find_bound(const struct bound *bounds, size_t count, uint32_t partition,
                                      uint64_t when)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bound *b = &bounds[middle];

        if (b->partition < partition || (b->partition == partition && b->since < when))
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && bounds[low - 1].partition == partition ? &bounds[low - 1] : NULL;
}

/* What a poll shows is not less than what was known when it was asked for. */
static void check_bound(struct history *history, const struct poll_entry *entry,
                        const struct bound *bound)
{
    const struct history_poll *poll = &entry->poll;
    const struct history_record *first = &history->records[entry->first];

    if (poll->high_watermark >= 0 && poll->high_watermark < bound->high_watermark)
        report(history, HISTORY_WATERMARK, poll->partition, poll->high_watermark, 0);
    if (poll->log_start >= 0 && poll->log_start < bound->log_start)
        report(history, HISTORY_START, poll->partition, poll->log_start, 0);
    if (poll->count > 0 && first->offset < bound->log_start)
        report(history, HISTORY_UNDELETED, poll->partition, first->offset, first->value);
}

/* Neither mark is ever seen to go back, nor below what was acknowledged. */
static void check_watermarks(struct history *history)
{
    size_t room = history->poll_count + history->write_count + history->start_count;
    struct bound *bounds = mem_new_array(max_of(room, (size_t)1), sizeof(*bounds));
    size_t count = gather_bounds(history, bounds);

    qsort(bounds, count, sizeof(*bounds), order_by_since);
    accumulate(bounds, count);
    for (size_t i = 0; i < history->poll_count; i++) {
        const struct history_poll *poll = &history->polls[i].poll;
        const struct bound *bound = find_bound(bounds, count, poll->partition, poll->invoked);

        if (bound && !is_lossy(history, poll->partition))
            check_bound(history, &history->polls[i], bound);
    }
    mem_free(bounds);
}

/* As far as anybody has asked for records to be deleted by `when`. */
static int64_t asked_for(const struct history *history, uint32_t partition, uint64_t when)
{
    int64_t most = 0;

    for (size_t i = 0; i < history->start_count && history->starts[i].when <= when; i++)
        if (history->starts[i].partition == partition)
            most = max_of(most, history->starts[i].offset);
    return most;
}

/* Nothing goes that nobody wanted gone. */
static void check_starts(struct history *history)
{
    for (size_t i = 0; i < history->poll_count; i++) {
        const struct poll_entry *entry = &history->polls[i];
        int64_t start = entry->poll.log_start;

        if (start > 0 && start > asked_for(history, entry->poll.partition, entry->answered) &&
            !is_lossy(history, entry->poll.partition))
            report(history, HISTORY_START, entry->poll.partition, start, 0);
    }
}

/* --- all of them ------------------------------------------------------------ */

static int order_by_kind(const void *a, const void *b)
{
    const struct history_anomaly *left = a;
    const struct history_anomaly *right = b;
    int order = order_i64(left->kind, right->kind);

    order = order ? order : order_u64(left->partition, right->partition);
    order = order ? order : order_i64(left->offset, right->offset);
    return order ? order : order_u64(left->value, right->value);
}

size_t history_check(struct history *history)
{
    history->anomaly_count = 0;
    history->sighting_count = 0;
    index_writes(history);
    for (size_t i = 0; i < history->poll_count; i++)
        see_poll(history, &history->polls[i]);
    for (size_t i = 0; i < history->write_count; i++)
        see_acknowledgement(history, i);

    sort_sightings(history, order_by_value);
    check_phantoms(history);
    check_duplicates(history);
    check_producer_order(history);
    sort_sightings(history, order_by_place);
    check_offsets(history);
    check_real_time(history);
    check_ends(history);
    check_unplaced_writes(history);
    for (size_t i = 0; i < history->poll_count; i++)
        check_poll(history, &history->polls[i]);
    for (size_t i = 0; i < history->end_count; i++)
        check_end(history, &history->ends[i]);
    check_watermarks(history);
    check_starts(history);
    if (history->anomaly_count > 0)
        qsort(history->anomalies, history->anomaly_count, sizeof(*history->anomalies),
              order_by_kind);
    return history->anomaly_count;
}
