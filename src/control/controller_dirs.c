/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller_dirs.c - which of the node's folders of data a new partition goes into: the
 * one with the fewest.
 *
 * The numbers are kept as topics come and go.  A batch that fails leaves them a little wrong, until
 * the next start: they are for balance only.
 */

#include "base/mem.h"
#include "control/controller_internal.h"
#include "store/log_dir.h"

/* The folder, or -1 if it is none of ours. */
static int find_dir(const struct controller *c, struct uuid id)
{
    for (int i = 0; i < c->options.directory_count; i++)
        if (uuid_equal(c->options.directories[i], id))
            return i;
    return -1;
}

static void count_partition(struct controller *c, const struct image_partition *p, int64_t by)
{
    const struct image_replicas *replicas = p->replicas;

    for (int32_t k = 0; replicas && k < replicas->directory_count; k++) {
        int at = find_dir(c, replicas->directories[k]);

        if (at >= 0)
            c->loads[at] += by;
    }
}

void controller_count_topic(struct controller *c, const struct image_topic *topic, int64_t by)
{
    for (int32_t i = 0; i < topic->partition_count && c->loads; i++)
        count_partition(c, &topic->partitions[i], by);
}

void controller_count_all(struct controller *c)
{
    const struct image_topic *topic;
    struct tree_walk walk;

    if (c->options.directory_count < 2)
        return;
    c->loads = mem_new_array((size_t)c->options.directory_count, sizeof(*c->loads));
    image_walk_begin(&walk, c->image, slice_null());
    while ((topic = image_walk_next(&walk)))
        controller_count_topic(c, topic, 1);
}

struct uuid controller_choose_dir(struct controller *c)
{
    int best = 0;

    if (c->options.directory_count == 0)
        return log_dir_id(c->options.dir);
    if (!c->loads)
        return c->options.directories[0];
    for (int i = 1; i < c->options.directory_count; i++)
        if (c->loads[i] < c->loads[best])
            best = i;
    c->loads[best]++;
    return c->options.directories[best];
}

void controller_avoid(struct controller *c, struct uuid directory)
{
    int at = find_dir(c, directory);

    if (at >= 0 && c->loads)
        c->loads[at] += INT64_MAX / 2;
}
