/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/null_log.h"

#include "base/mem.h"
#include "test/bench/client.h"
#include "wire/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { AT_LAST_DELTA = 23, HEADER_SIZE = 61, ONE_LOG_SIZE = 64 << 20 };

struct null_topic *null_topic_get(struct null_log *log, struct slice name)
{
    struct null_topic *topic = log->topics;

    while (topic && !slice_is_text(name, topic->name))
        topic = topic->next;
    if (topic)
        return topic;
    topic = mem_new(sizeof(*topic));
    topic->name = mem_copy_text(name.data, name.size);
    topic->partitions = mem_new_array((size_t)log->partitions, sizeof(*topic->partitions));
    for (int32_t i = 0; i < log->partitions; i++)
        topic->partitions[i].fd = -1;
    topic->next = log->topics;
    log->topics = topic;
    return topic;
}

static void write_batch(struct null_log *log, struct null_topic *topic, int32_t index,
                        struct slice batch)
{
    struct null_partition *partition = &topic->partitions[index];
    char name[300];

    if (partition->fd < 0) {
        (void)snprintf(name, sizeof(name), "%s-%d", topic->name, index);
        partition->fd = openat(log->dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    }
    if (pwrite(partition->fd, batch.data, batch.size, partition->size) != (ssize_t)batch.size)
        bench_fail("%s-%d: %s", topic->name, index, strerror(errno));
    if (partition->count == partition->room) {
        partition->room = max_of(partition->room * 2, (size_t)1024);
        partition->batches =
            mem_resize(partition->batches, partition->room, sizeof(*partition->batches));
    }
    partition->batches[partition->count++] =
        (struct null_batch){.offset = partition->end, .position = partition->size};
    partition->size += (int64_t)batch.size;
    partition->is_dirty = true;
}

/* Filled before its first use, as a log is whose blocks are recycled. */
static void open_one(struct null_log *log)
{
    static const char fill[1 << 20];
    int fd = openat(log->dir, "one-log", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    for (int64_t at = 0; at < ONE_LOG_SIZE; at += (int64_t)sizeof(fill))
        if (pwrite(fd, fill, sizeof(fill), at) != (ssize_t)sizeof(fill))
            bench_fail("one-log: %s", strerror(errno));
    if (fsync(fd))
        bench_fail("one-log: %s", strerror(errno));
    log->one.fd = fd;
}

static void write_one(struct null_log *log, struct slice batch)
{
    if (log->one.fd < 0)
        open_one(log);
    if (log->one.size + (int64_t)batch.size > ONE_LOG_SIZE)
        log->one.size = 0;
    if (pwrite(log->one.fd, batch.data, batch.size, log->one.size) != (ssize_t)batch.size)
        bench_fail("one-log: %s", strerror(errno));
    log->one.size += (int64_t)batch.size;
    log->one.is_dirty = true;
}

int64_t null_append(struct null_log *log, struct null_topic *topic, int32_t index,
                    struct slice batch)
{
    struct null_partition *partition = &topic->partitions[index];
    int64_t first = partition->end;

    if (batch.size < HEADER_SIZE)
        bench_fail("a client sent what is no batch");
    if (log->mode != NULL_DISCARD)
        bytes_store_i64((uint8_t *)(uintptr_t)batch.data, first); /* The frame is ours. */
    if (log->mode == NULL_ONE_LOG)
        write_one(log, batch);
    else if (log->mode != NULL_DISCARD)
        write_batch(log, topic, index, batch);
    partition->end += bytes_load_i32(batch.data + AT_LAST_DELTA) + 1;
    return first;
}

static void sync_file(struct null_partition *partition)
{
    if (partition->is_dirty && fdatasync(partition->fd))
        bench_fail("fdatasync: %s", strerror(errno));
    partition->is_dirty = false;
}

void null_sync(struct null_log *log)
{
    if (log->mode != NULL_SYNC && log->mode != NULL_ONE_LOG)
        return;
    sync_file(&log->one);
    for (struct null_topic *topic = log->topics; topic; topic = topic->next)
        for (int32_t i = 0; i < log->partitions; i++)
            sync_file(&topic->partitions[i]);
}

/* The batch that holds `offset`, or the count of batches at the end. */
static size_t batch_of(const struct null_partition *partition, int64_t offset)
{
    size_t low = 0;
    size_t high = partition->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (partition->batches[middle].offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 && offset < partition->end ? low - 1 : partition->count;
}

static int64_t position_of(const struct null_partition *partition, size_t batch)
{
    return batch < partition->count ? partition->batches[batch].position : partition->size;
}

int64_t null_find(const struct null_partition *partition, int64_t offset, int64_t bytes_max,
                  int64_t *out_position)
{
    size_t first = batch_of(partition, offset);
    size_t last = first;

    *out_position = position_of(partition, first);
    if (first == partition->count)
        return 0;
    do {
        last++;
    } while (last < partition->count &&
             position_of(partition, last + 1) - *out_position <= bytes_max);
    return position_of(partition, last) - *out_position;
}
