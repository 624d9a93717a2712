/* SPDX-License-Identifier: Apache-2.0 */
#include "store/marks.h"

#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "store/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("store");

static const char recovery_points[] = "recovery-point-offset-checkpoint";
static const char high_watermarks[] = "replication-offset-checkpoint";
static const char log_starts[] = "log-start-offset-checkpoint";

void marks_init(struct marks *marks)
{
    map_init(&marks->by_name);
}

void marks_fini(struct marks *marks)
{
    struct map_node *node;

    while ((node = map_pop(&marks->by_name))) {
        struct mark *mark = container_of(node, struct mark, node);

        mem_free(mark->topic);
        mem_free(mark);
    }
    map_fini(&marks->by_name);
}

static uint64_t mark_hash(struct slice topic, int64_t partition)
{
    return hash_slice(topic, (uint64_t)partition);
}

struct mark *marks_find(const struct marks *marks, struct slice topic, int64_t partition)
{
    uint64_t hash = mark_hash(topic, partition);

    for (struct map_node *n = map_find(&marks->by_name, hash); n; n = map_find_next(n)) {
        struct mark *mark = container_of(n, struct mark, node);

        if (mark->partition == partition && slice_is_text(topic, mark->topic))
            return mark;
    }
    return NULL;
}

struct mark *marks_get(struct marks *marks, struct slice topic, int64_t partition)
{
    struct mark *mark = marks_find(marks, topic, partition);

    if (mark)
        return mark;
    mark = mem_new(sizeof(*mark));
    mark->topic = mem_copy_text(topic.data, topic.size);
    mark->partition = partition;
    mark->recovery_point = mark->high_watermark = mark->start = -1;
    map_put(&marks->by_name, &mark->node, mark_hash(topic, partition));
    return mark;
}

/* --- reading ---------------------------------------------------------------- */

static void note_recovery_point(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->recovery_point = offset;
}

static void note_high_watermark(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->high_watermark = offset;
}

static void note_start(void *context, struct slice topic, int64_t number, int64_t offset)
{
    marks_get(context, topic, number)->start = offset;
}

int marks_read(struct marks *marks, struct io *io, int dir, struct diag *diag)
{
    static const struct {
        const char *name;
        checkpoint_line_fn *note;
    } files[] = {
        {recovery_points, note_recovery_point},
        {high_watermarks, note_high_watermark},
        {log_starts, note_start},
    };

    for (size_t i = 0; i < COUNT_OF(files); i++) {
        int r = checkpoint_read(io, dir, files[i].name, true, files[i].note, marks);

        if (r < 0)
            return err_pass(r);
        if (r > 0)
            diag_warn(diag, "checkpoint cannot be read to its end", kv("file", files[i].name));
    }
    return 0;
}

/* --- writing ---------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct mark *x = *(const struct mark *const *)a;
    const struct mark *y = *(const struct mark *const *)b;
    int order = strcmp(x->topic, y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static int has_folder(const struct mark *mark, struct io *io, int dir, bool *out)
{
    char name[IO_NAME_MAX];
    int fd = -1;
    int r;

    (void)snprintf(name, sizeof(name), "%s-%" PRId64, mark->topic, mark->partition);
    r = io->ops->dir_open(io, dir, name, &fd);
    io_close(io, &fd);
    *out = r == 0;
    return r == -ENOENT ? 0 : err_pass(r);
}

/* The marks that get lines, by name.  The metadata log is not among what Kafka's checkpoints
 * list. */
static int sort(const struct marks *marks, struct io *io, int dir, const struct mark **out,
                size_t *out_count)
{
    size_t count = 0;

    map_each (node, &marks->by_name) {
        const struct mark *mark = container_of(node, struct mark, node);
        bool is_there = false;
        int r;

        if (strcmp(mark->topic, "__cluster_metadata") == 0)
            continue;
        r = has_folder(mark, io, dir, &is_there);
        if (r)
            return err_pass(r);
        if (is_there)
            out[count++] = mark;
    }
    qsort(out, count, sizeof(*out), by_name);
    *out_count = count;
    return 0;
}

int marks_write(const struct marks *marks, struct io *io, int dir, bool was_clean)
{
    struct checkpoint points = {.count = 0}, watermarks = {.count = 0}, starts = {.count = 0};
    scoped(mem_freep_any) const struct mark **sorted =
        mem_new_array(marks->by_name.count + 1, sizeof(*sorted));
    size_t count = 0;
    int r = sort(marks, io, dir, sorted, &count);
    int r2, r3;

    if (r)
        return err_pass(r);
    for (size_t i = 0; i < count; i++) {
        const struct mark *mark = sorted[i];
        struct slice topic = slice_text(mark->topic);
        bool is_in_order = mark->is_in_order || (was_clean && !mark->is_touched);

        if (is_in_order && mark->recovery_point >= 0)
            checkpoint_add(&points, topic, mark->partition, mark->recovery_point);
        if (mark->high_watermark >= 0)
            checkpoint_add(&watermarks, topic, mark->partition, mark->high_watermark);
        if (mark->start >= 0)
            checkpoint_add(&starts, topic, mark->partition, mark->start);
    }
    r = checkpoint_write(&points, io, dir, recovery_points);
    r2 = checkpoint_write(&watermarks, io, dir, high_watermarks);
    r3 = checkpoint_write(&starts, io, dir, log_starts);
    return err_pass(r ? r : r2 ? r2 : r3);
}
