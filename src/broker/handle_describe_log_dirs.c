/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_describe_log_dirs.c - the folders of data, what is in them and how much room there
 * is (KIP-113, KIP-827).
 *
 * Sizes are those of files, which a worker looks at: a partition at rest stays so. */

#include "base/mem.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/describe_log_dirs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A partition, and what the worker finds. */
struct item {
    const struct image_topic *topic; /* Borrowed: the request has its image. */
    int32_t index;
    int place; /* Which of the folders; -1: an offline one. */
    int64_t size;
};

struct folder {
    int64_t total, usable;
    int result; /* Of the look at it. */
};

struct look {
    struct io_work work;
    struct request *request;
    struct item *items; /* Owned. */
    size_t count, room;
    struct folder folders[SETTINGS_DIRS_MAX];
};

/* --- the worker's part ------------------------------------------------------ */

static void look_at(struct look *look, struct item *item, struct io *io)
{
    const struct dirs *dirs = &look->request->shard->broker->dirs;
    char name[IO_NAME_MAX];
    int r;

    if (item->place < 0 || look->folders[item->place].result)
        return;
    (void)snprintf(name, sizeof(name), "%s-%" PRId32, item->topic->name, item->index);
    r = log_dir_log_size(dirs->items[item->place].dir, io, name, &item->size);
    if (r)
        look->folders[item->place].result = r;
}

static void run(struct io_work *work, struct io *io)
{
    struct look *look = container_of(work, struct look, work);
    struct shard *shard = look->request->shard;
    const struct dirs *dirs = &shard->broker->dirs;

    for (int i = 0; i < dirs->count; i++) {
        struct folder *folder = &look->folders[i];

        folder->result =
            dirs_is_online(&dirs->items[i])
                ? log_dir_space(dirs->items[i].dir, io, &folder->total, &folder->usable)
                : -EIO;
    }
    for (size_t i = 0; i < look->count && !shard->is_hurried; i++)
        look_at(look, &look->items[i], io);
}

/* --- what is wanted --------------------------------------------------------- */

static void want(struct look *look, const struct image_topic *topic, int32_t index)
{
    if (look->count == look->room) {
        look->room = max_of(look->room * 2, (size_t)64);
        look->items = mem_resize(look->items, look->room, sizeof(*look->items));
    }
    look->items[look->count++] = (struct item){
        .topic = topic,
        .index = index,
        .place = dirs_place(look->request->shard->broker, topic, index),
    };
}

static void want_all(struct look *look)
{
    const struct image_topic *topic;
    struct tree_walk walk;

    image_walk_begin(&walk, look->request->image, slice_null());
    while ((topic = image_walk_next(&walk)))
        for (int32_t i = 0; i < topic->partition_count; i++)
            want(look, topic, i);
}

static int by_name(const void *a, const void *b)
{
    const struct item *x = a;
    const struct item *y = b;
    int order = strcmp(x->topic->name, y->topic->name);

    return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void want_topic(struct look *look,
                       const struct describe_log_dirs_describable_log_dir_topic *wanted)
{
    const struct image_topic *topic = image_find_topic(look->request->image, wanted->topic);

    for (int32_t i = 0; topic && i < wanted->partitions_count; i++)
        if (wanted->partitions[i] >= 0 && wanted->partitions[i] < topic->partition_count)
            want(look, topic, wanted->partitions[i]);
}

/* What is there twice counts once; what is not there, not at all. */
static void want_listed(struct look *look)
{
    const struct describe_log_dirs_request *body = look->request->body;
    size_t count = 0;

    for (int32_t i = 0; i < body->topics_count; i++)
        want_topic(look, &body->topics[i]);
    if (look->count > 0)
        qsort(look->items, look->count, sizeof(*look->items), by_name);
    for (size_t i = 0; i < look->count; i++)
        if (count == 0 || by_name(&look->items[count - 1], &look->items[i]) != 0)
            look->items[count++] = look->items[i];
    look->count = count;
}

/* --- the answer ------------------------------------------------------------- */

static void answer_partition(struct describe_log_dirs_topic *out, const struct item *item)
{
    out->partitions[out->partitions_count++] = (struct describe_log_dirs_partition){
        .partition_index = item->index,
        .partition_size = item->size,
    };
}

/* The items of one topic stand beside each other. */
static void answer_topics(struct look *look, int place, struct describe_log_dirs_result *out)
{
    const struct image_topic *last = NULL;
    size_t count = 0;

    for (size_t i = 0; i < look->count; i++)
        count += look->items[i].place == place;
    out->topics = request_new(look->request, (count + 1) * sizeof(*out->topics));
    for (size_t i = 0; i < look->count; i++) {
        const struct item *item = &look->items[i];

        if (item->place != place)
            continue;
        if (item->topic != last) {
            struct describe_log_dirs_topic *topic = &out->topics[out->topics_count++];

            topic->name = slice_text(item->topic->name);
            topic->partitions = request_new(look->request, (size_t)item->topic->partition_count *
                                                               sizeof(*topic->partitions));
        }
        last = item->topic;
        answer_partition(&out->topics[out->topics_count - 1], item);
    }
}

static void answer_dir(struct look *look, int place, struct describe_log_dirs_result *out)
{
    const struct broker_dir *dir = &look->request->shard->broker->dirs.items[place];
    const struct folder *folder = &look->folders[place];

    *out = describe_log_dirs_result_defaults;
    out->log_dir = slice_text(dir->path);
    if (folder->result) {
        out->error_code = ERROR_KAFKA_STORAGE_ERROR;
        return;
    }
    out->total_bytes = folder->total;
    out->usable_bytes = folder->usable;
    answer_topics(look, place, out);
}

static void done(struct io_work *work, struct io *io)
{
    struct look *look = container_of(work, struct look, work);
    struct request *request = look->request;
    struct shard *shard = request->shard;
    const struct dirs *dirs = &shard->broker->dirs;
    struct describe_log_dirs_response response;

    (void)io;
    codec_defaults(&describe_log_dirs_response_message, &response);
    response.results = request_new(request, SETTINGS_DIRS_MAX * sizeof(*response.results));
    for (int i = 0; i < dirs->count; i++)
        if (dirs->items[i].named.is_for_logs)
            answer_dir(look, i, &response.results[response.results_count++]);
    request_answer(request, &response);
    look->items = mem_free(look->items);
    mem_free(look);
    shard_work_done(shard);
}

void handle_describe_log_dirs(struct request *request)
{
    const struct describe_log_dirs_request *body = request->body;
    struct look *look;

    if (!authorize(request, ACL_DESCRIBE, slice_text("kafka-cluster"))) {
        struct describe_log_dirs_response response;

        codec_defaults(&describe_log_dirs_response_message, &response);
        response.error_code = ERROR_CLUSTER_AUTHORIZATION_FAILED;
        request_answer(request, &response);
        return;
    }
    look = mem_new(sizeof(*look));
    look->request = request;
    look->work = (struct io_work){.run = run, .done = done};
    if (body->topics_count < 0)
        want_all(look);
    else
        want_listed(look);
    request->shard->works++;
    request->shard->loop.io->ops->work_submit(request->shard->loop.io, &look->work);
}
