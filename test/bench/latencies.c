/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/latencies.h"

#include "base/mem.h"

#include <stdlib.h>

void latencies_add(struct latencies *latencies, int64_t ns)
{
    if (latencies->count == latencies->room) {
        latencies->room = max_of(latencies->room * 2, (size_t)4096);
        latencies->ns = mem_resize(latencies->ns, latencies->room, sizeof(*latencies->ns));
    }
    latencies->ns[latencies->count++] = ns;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a;
    const int64_t *y = b;

    return (*x > *y) - (*x < *y);
}

double latencies_us(struct latencies *latencies, size_t per_mille)
{
    size_t n = latencies->count;

    if (n == 0)
        return 0;
    qsort(latencies->ns, n, sizeof(*latencies->ns), compare);
    return (double)latencies->ns[min_of(n * per_mille / 1000, n - 1)] / 1e3;
}

double latencies_mean_ms(const struct latencies *latencies, size_t from, size_t to)
{
    double sum = 0;

    for (size_t i = from; i < to; i++)
        sum += (double)latencies->ns[i];
    return to > from ? sum / (double)(to - from) / 1e6 : 0;
}

void latencies_fini(struct latencies *latencies)
{
    mem_free(latencies->ns);
    *latencies = (struct latencies){.ns = NULL};
}
