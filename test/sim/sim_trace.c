/* SPDX-License-Identifier: Apache-2.0 */

/* test/sim/sim_trace.c - what has happened, summed up and if asked for printed. */

#include "base/hash.h"
#include "test/sim/sim_internal.h"

#include <inttypes.h>
#include <string.h>

struct trace_words {
    const char *name, *a, *b, *c; /* An argument without a word is not printed. */
};

static const struct trace_words words[TRACE_KIND_COUNT] = {
    [TRACE_TURN] = {"turn", "ready", NULL, NULL},
    [TRACE_READY] = {"ready", "fd", "events", NULL},
    [TRACE_WORK_RUN] = {"work runs", "cost_us", NULL, NULL},
    [TRACE_WORK_DONE] = {"work is done", NULL, NULL, NULL},
    [TRACE_PACKET] = {"packet", "kind", "size", "sum"},
    [TRACE_NAMES] = {"names", "call", "sum", "result"},
    [TRACE_OPEN] = {"open", "fd", "sum", "result"},
    [TRACE_READ] = {"read", "fd", "at", "size"},
    [TRACE_WRITE] = {"write", "fd", "at", "sum"},
    [TRACE_TRUNCATE] = {"truncate", "fd", "size", "result"},
    [TRACE_SYNC] = {"sync", "fd", "result", NULL},
    [TRACE_LOCK] = {"lock", "fd", "result", NULL},
    [TRACE_CLOSE] = {"close", "fd", NULL, NULL},
    [TRACE_LISTEN] = {"listen", "fd", "port", NULL},
    [TRACE_CONNECT] = {"connect", "fd", "port", NULL},
    [TRACE_ACCEPT] = {"accept", "fd", "port", NULL},
    [TRACE_SEND] = {"send", "fd", "size", "sum"},
    [TRACE_RECV] = {"recv", "fd", "size", NULL},
    [TRACE_ENTROPY] = {"entropy", "size", NULL, NULL},
    [TRACE_EVENT] = {"event of the test", NULL, NULL, NULL},
    [TRACE_KILL] = {"killed", NULL, NULL, NULL},
    [TRACE_POWER_LOSS] = {"lost power", NULL, NULL, NULL},
    [TRACE_BOOT] = {"boots", NULL, NULL, NULL},
    [TRACE_RESET] = {"connection reset", NULL, NULL, NULL},
};

static void print_argument(FILE *out, const char *word, int64_t value)
{
    if (word && strcmp(word, "sum") == 0)
        fprintf(out, " %s=%016" PRIx64, word, (uint64_t)value);
    else if (word)
        fprintf(out, " %s=%" PRId64, word, value);
}

static void print_event(const struct sim *sim, const struct trace_words *w,
                        const struct sim_node *node, const int64_t arguments[static 3])
{
    FILE *out = sim->options.trace;

    fprintf(out, "%10" PRId64 " %s: %s", sim->now_us, node ? node->name : "world", w->name);
    print_argument(out, w->a, arguments[0]);
    print_argument(out, w->b, arguments[1]);
    print_argument(out, w->c, arguments[2]);
    fputc('\n', out);
}

void sim_trace(struct sim *sim, enum trace_kind kind, const struct sim_node *node, int64_t a,
               int64_t b, int64_t c)
{
    const int64_t arguments[] = {a, b, c};
    uint64_t sum = sim->trace_hash ^ (uint64_t)sim->now_us;

    sum = hash_u64(sum + ((uint64_t)kind << 32) + (uint64_t)(node ? node->index + 1 : 0));
    for (size_t i = 0; i < COUNT_OF(arguments); i++)
        sum = hash_u64(sum + (uint64_t)arguments[i]);
    sim->trace_hash = sum;
    if (sim->options.trace)
        print_event(sim, &words[kind], node, arguments);
}

int64_t sim_sum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t sum = size;
    size_t at = 0;

    for (; at + sizeof(sum) <= size; at += sizeof(sum)) {
        uint64_t word;

        memcpy(&word, bytes + at, sizeof(word));
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    for (; at < size; at++)
        sum = (sum ^ bytes[at]) * 0x100000001b3u;
    return (int64_t)sum;
}
