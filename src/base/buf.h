/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/buf.h - a block of bytes with several holders.
 *
 * A buf is written by its maker and from then on only read; it dies with its last
 * reference.  Request frames are bufs, so that the log may write records straight
 * from the frame while the connection has gone on.
 *
 * Threading: the count is atomic; the bytes are whoever fills them until shared.
 */

#include "base/base.h"
#include "base/budget.h"

struct buf {
    _Atomic uint32_t refs;
    size_t capacity;       /* Of `bytes`. */
    size_t size;           /* Filled from the start. */
    struct budget *budget; /* Borrowed; NULL when not charged. */
    uint8_t bytes[];
};

/* A new buf with one reference and room for `capacity` bytes, charged to `budget`
 * if there is one (the charge may overdraw: ask the budget first). */
struct buf *buf_create(size_t capacity, struct budget *budget) NODISCARD;

/* One more reference. */
struct buf *buf_ref(struct buf *buf);

/* Drops a reference; NULL is allowed.  Always returns NULL. */
struct buf *buf_unref(struct buf *buf);

SCOPED_BY(buf_unref, struct buf *);
