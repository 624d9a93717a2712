/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_verify.h"

#include "base/err.h"
#include "store/log_internal.h"

DIAG_MODULE("store");

/* So much is read in one go, and one batch. */
enum { STEP_BYTES = 2 << 20 };

/* Where the stretch that is known and has `position` ends; `position` itself if none has. */
static uint64_t known_end(const struct segment *segment, uint64_t position)
{
    uint64_t end = position;

    if (segment->verified_from <= position && position <= segment->verified_upto)
        end = segment->verified_upto;
    return end >= segment->opened_size ? UINT64_MAX : end; /* The rest was written here. */
}

bool log_is_damaged_at(const struct segment *segment, uint64_t position)
{
    return segment->is_damaged && segment->damaged_at == position;
}

size_t log_known_good(const struct segment *segment, uint64_t position, size_t size)
{
    return (size_t)min_of(known_end(segment, position) - position, (uint64_t)size);
}

bool log_verify_begin(const struct log *log, const struct log_range *range, uint64_t ahead,
                      struct log_verify *out)
{
    const struct segment *segment = &log->segments[log_find_segment(log, range->base)];
    uint64_t from = known_end(segment, range->position);

    assert(range->size > 0 && segment->base == range->base);
    if (from >= segment->opened_size || from >= range->position + range->size + ahead ||
        log_is_damaged_at(segment, from))
        return false;
    *out = (struct log_verify){
        .file = file_ref(range->file),
        .base = segment->base,
        .cleanings = log->cleanings,
        .from = from,
        .upto = min_of(segment->opened_size, from + STEP_BYTES),
        .end = segment->size,
        .good = from,
    };
    return true;
}

void log_verify_run(struct log_verify *verify)
{
    struct scan_batch batch;
    struct scan scan;
    bool at_end = false;
    int r = 0;

    scan_init(&scan, verify->file, verify->from, verify->end);
    while (verify->good < verify->upto && r == 0 && !at_end) {
        r = scan_next(&scan, &batch, &at_end);
        if (r == 0 && !at_end && !batch_crc_is_good(batch.bytes))
            r = SCAN_E_BROKEN;
        if (r == 0)
            verify->good = scan.position;
    }
    scan_fini(&scan);
    verify->result = r > 0 ? LOG_E_CORRUPT : r;
}

void log_note_damage(const struct log *log, struct segment *segment, uint64_t position)
{
    char name[SEGMENT_NAME_SIZE];

    if (log_is_damaged_at(segment, position))
        return;
    segment->is_damaged = true;
    segment->damaged_at = position;
    segment_name(name, segment->base, ".log");
    diag_error(log->env.diag, "a batch on disk is damaged and is not served", kv("log", log->name),
               kv("file", name), kv("position", (int64_t)position));
}

/* The segment, if it is still the one that was read; else NULL. */
static struct segment *find(const struct log *log, const struct log_verify *verify)
{
    struct segment *segment;

    if (!log || log->cleanings != verify->cleanings || verify->base < log->segments[0].base)
        return NULL;
    segment = &log->segments[log_find_segment(log, verify->base)];
    return segment->base == verify->base ? segment : NULL;
}

static void note(const struct log *log, struct segment *segment, const struct log_verify *verify)
{
    uint64_t good = min_of(verify->good, segment->opened_size); /* Something was cut off. */

    if (verify->from < segment->verified_from || verify->from > segment->verified_upto) {
        segment->verified_from = verify->from;
        segment->verified_upto = verify->from;
    }
    segment->verified_upto = max_of(segment->verified_upto, good);
    if (verify->result == LOG_E_CORRUPT && verify->good < segment->opened_size)
        log_note_damage(log, segment, verify->good);
}

int log_verify_end(struct log *log, struct log_verify *verify)
{
    struct segment *segment = find(log, verify);

    verify->file = file_unref(verify->file);
    if (segment)
        note(log, segment, verify);
    return verify->result;
}
