/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "test/harness/check.h"

TEST(buf, the_last_reference_gives_back_the_charge)
{
    struct budget budget;
    struct buf *buf;

    budget_init(&budget, 1000);
    buf = buf_create(600, &budget);
    check_eq(buf->capacity, 600);
    check_eq(buf->size, 0);
    check_eq(budget.used, 600);
    memset(buf->bytes, 7, buf->capacity);

    check(buf_ref(buf) == buf);
    check(!buf_unref(buf));
    check_eq(budget.used, 600);
    check_eq(buf->bytes[599], 7);
    check(!buf_unref(buf));
    check_eq(budget.used, 0);
    check(!buf_unref(NULL));
}

TEST(buf, a_buf_may_overdraw_or_not_be_charged)
{
    struct budget budget;
    scoped(buf_unrefp) struct buf *free_buf = buf_create(0, NULL);
    struct buf *buf;

    budget_init(&budget, 10);
    buf = buf_create(11, &budget);
    check_eq(budget.used, 11);
    buf_unref(buf);
    check_eq(free_buf->capacity, 0);
}

TEST(buf, a_dead_buf_is_not_revived)
{
    scoped(buf_unrefp) struct buf *buf = buf_create(8, NULL);

    buf->refs = 0;
    check_bug(buf_ref(buf));
    buf->refs = 1;
}
