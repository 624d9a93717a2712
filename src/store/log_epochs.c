/* SPDX-License-Identifier: Apache-2.0 */

/* store/log_epochs.c - which leader's epoch a record is of, and where each epoch ends. */

#include "base/mem.h"
#include "store/log_internal.h"

enum { EPOCH_NONE = -1 };

void log_note_epoch(struct log *log, int32_t epoch, int64_t start)
{
    int32_t last = log->epoch_count ? log->epochs[log->epoch_count - 1].epoch : EPOCH_NONE;

    if (epoch <= last)
        return;
    log->epochs = mem_resize(log->epochs, log->epoch_count + 1, sizeof(*log->epochs));
    log->epochs[log->epoch_count++] = (struct log_epoch){.epoch = epoch, .start = start};
    log->has_new_epochs = true;
}

void log_begin_epoch(struct log *log, int32_t epoch)
{
    size_t before = log->epoch_count;

    while (epoch >= 0 && log->epoch_count > 0 && log->epochs[log->epoch_count - 1].epoch > epoch)
        log->epoch_count--;
    log->has_new_epochs |= log->epoch_count < before;
    log_note_epoch(log, epoch, log->end);
}

void log_cut_epochs(struct log *log)
{
    size_t before = log->epoch_count;

    while (log->epoch_count > 0 && log->epochs[log->epoch_count - 1].start >= log->end)
        log->epoch_count--;
    log->has_new_epochs |= log->epoch_count < before;
}

/* How many epochs are at most `epoch`. */
static size_t count_upto(const struct log *log, int32_t epoch)
{
    size_t count = log->epoch_count;

    while (count > 0 && log->epochs[count - 1].epoch > epoch)
        count--;
    return count;
}

void log_find_epoch_end(const struct log *log, int32_t epoch, int32_t *out_epoch, int64_t *out_end)
{
    size_t upto = count_upto(log, epoch);
    bool is_last = upto > 0 && log->epochs[upto - 1].epoch == epoch && upto == log->epoch_count;

    *out_epoch = EPOCH_NONE;
    *out_end = -1;
    if (epoch < 0 || (upto == log->epoch_count && !is_last))
        return;
    *out_epoch = upto > 0 ? log->epochs[upto - 1].epoch : epoch;
    *out_end = is_last ? log->end : log->epochs[upto].start;
}

void log_find_led_epoch_end(const struct log *log, int32_t leader, int32_t epoch,
                            int32_t *out_epoch, int64_t *out_end)
{
    log_find_epoch_end(log, epoch, out_epoch, out_end);
    if (*out_epoch >= 0 || epoch < 0 || epoch > leader)
        return;
    assert(count_upto(log, epoch) == log->epoch_count);
    *out_epoch =
        epoch == leader || log->epoch_count == 0 ? epoch : log->epochs[log->epoch_count - 1].epoch;
    *out_end = log->end;
}

int32_t log_epoch_at(const struct log *log, int32_t leader, int64_t offset)
{
    size_t count = log->epoch_count;

    if (offset >= log->end)
        return leader;
    while (count > 0 && log->epochs[count - 1].start > offset)
        count--;
    return count > 0 ? log->epochs[count - 1].epoch : EPOCH_NONE;
}
