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

bool slice_to_i32(struct slice s, int32_t *out)
{
    bool is_negative = s.size > 0 && s.data[0] == '-';
    int64_t n = 0;

    if (s.size <= is_negative)
        return false;
    for (size_t i = is_negative; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9' || n > INT32_MAX)
            return false;
        n = n * 10 + (s.data[i] - '0');
    }
    n = is_negative ? -n : n;
    if (n < INT32_MIN || n > INT32_MAX)
        return false;
    *out = (int32_t)n;
    return true;
}
