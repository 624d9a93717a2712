/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image_replicas.c - the lists of a partition, in one piece of memory. */

#include "base/mem.h"
#include "meta/image_internal.h"

#include <stdatomic.h>

enum { LISTS = 6 };

static void list_ids(const struct image_replicas *r, struct image_ids out[LISTS])
{
    const struct image_ids lists[LISTS] = {r->replicas, r->isr, r->removing,
                                           r->adding,   r->elr, r->last_elr};

    memcpy(out, lists, sizeof(lists));
}

/* Copies `from` to `*next`, and moves that behind the copy. */
static struct image_ids copy_ids(struct image_ids from, int32_t **next)
{
    struct image_ids to = {.ids = *next, .count = from.count};

    if (from.count > 0)
        memcpy(*next, from.ids, (size_t)from.count * sizeof(*from.ids));
    *next += from.count;
    return to;
}

struct image_replicas *image_replicas_create(const struct image_replicas *lists)
{
    struct image_ids ids[LISTS];
    size_t directories = (size_t)lists->directory_count;
    struct image_replicas *r;
    size_t numbers = 0;
    int32_t *next;

    list_ids(lists, ids);
    for (size_t i = 0; i < LISTS; i++)
        numbers += (size_t)ids[i].count;
    r = mem_new(sizeof(*r) + numbers * sizeof(int32_t) + directories * sizeof(struct uuid));
    atomic_init(&r->refs, 1);
    next = (int32_t *)(void *)(r + 1);
    r->replicas = copy_ids(ids[0], &next);
    r->isr = copy_ids(ids[1], &next);
    r->removing = copy_ids(ids[2], &next);
    r->adding = copy_ids(ids[3], &next);
    r->elr = copy_ids(ids[4], &next);
    r->last_elr = copy_ids(ids[5], &next);
    r->directories = (struct uuid *)(void *)next;
    r->directory_count = lists->directory_count;
    if (directories > 0)
        memcpy(r->directories, lists->directories, directories * sizeof(struct uuid));
    return r;
}

bool image_replicas_equal(const struct image_replicas *a, const struct image_replicas *b)
{
    struct image_ids left[LISTS], right[LISTS];

    list_ids(a, left);
    list_ids(b, right);
    for (size_t i = 0; i < LISTS; i++)
        if (left[i].count != right[i].count ||
            (left[i].count > 0 &&
             memcmp(left[i].ids, right[i].ids, (size_t)left[i].count * sizeof(int32_t)) != 0))
            return false;
    return a->directory_count == b->directory_count &&
           (a->directory_count == 0 ||
            memcmp(a->directories, b->directories,
                   (size_t)a->directory_count * sizeof(struct uuid)) == 0);
}

struct image_replicas *image_replicas_ref(struct image_replicas *r)
{
    if (r)
        atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

struct image_replicas *image_replicas_unref(struct image_replicas *r)
{
    if (r && atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        mem_free(r);
    return NULL;
}
