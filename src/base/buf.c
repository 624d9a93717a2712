/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"

#include <stdatomic.h>

struct buf *buf_create(size_t capacity, struct budget *budget)
{
    struct buf *buf = mem_resize(NULL, sizeof(*buf) + capacity, 1);

    atomic_init(&buf->refs, 1);
    buf->capacity = capacity;
    buf->size = 0;
    buf->budget = budget;
    if (budget)
        budget_charge_always(budget, capacity);
    return buf;
}

struct buf *buf_ref(struct buf *buf)
{
    uint32_t before = atomic_fetch_add_explicit(&buf->refs, 1, memory_order_relaxed);

    assert(before > 0);
    return buf;
}

struct buf *buf_unref(struct buf *buf)
{
    if (!buf)
        return NULL;
    if (atomic_fetch_sub_explicit(&buf->refs, 1, memory_order_acq_rel) == 1) {
        if (buf->budget)
            budget_release(buf->budget, buf->capacity);
        mem_free(buf);
    }
    return NULL;
}
