/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slice.h"

#include "base/mem.h"

struct slice slice_keep(struct slice s)
{
    return s.data ? slice_of(mem_copy_text(s.data, s.size), s.size) : s;
}

void slice_drop(struct slice *s)
{
    mem_free((void *)(uintptr_t)s->data);
    *s = slice_null();
}
