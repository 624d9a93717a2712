/* SPDX-License-Identifier: Apache-2.0 */

/* offline/dump_complaints.c - what does not fit, told at the end: by kind, by file, and within
 * a file in the order of Kafka's maps. */

#include "base/java_order.h"
#include "base/mem.h"
#include "offline/dump.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct dump_complaint {
    enum dump_kind kind;
    char *path; /* Owned; absolute. */
    int64_t first, second;
    size_t number; /* In the order in which they were made. */
};

/* How the complaints of a file are told. */
static const struct {
    const char *heading; /* The file follows. */
    int order;           /* Of `first`, which comes once then; 0: as they were made. */
} forms[] = {
    [DUMP_INDEX_MISMATCH] = {"Mismatches in :", -1},
    [DUMP_TIME_MISMATCH] = {"Found timestamp mismatch in :", 0},
    [DUMP_TIME_ORDER] = {"Found out of order timestamp in :", 0},
    [DUMP_TIME_NO_OFFSET] = {"The following indexed offsets are not found in :", 0},
    [DUMP_GAP] = {"Non-consecutive offsets in ", 1},
};

void dump_complain(struct dump *dump, enum dump_kind kind, const char *path, int64_t first,
                   int64_t second)
{
    if (dump->complaint_count == dump->complaint_room) {
        dump->complaint_room = dump->complaint_room ? dump->complaint_room * 2 : 16;
        dump->complaints =
            mem_resize(dump->complaints, dump->complaint_room, sizeof(*dump->complaints));
    }
    dump->complaints[dump->complaint_count] = (struct dump_complaint){
        .kind = kind,
        .path = dump_absolute(dump, path),
        .first = first,
        .second = second,
        .number = dump->complaint_count,
    };
    dump->complaint_count++;
}

/* By kind and file; then in the order of the kind. */
static int by_place(const void *a, const void *b)
{
    const struct dump_complaint *x = a;
    const struct dump_complaint *y = b;
    int order =
        x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : strcmp(x->path, y->path);

    if (order == 0)
        order = forms[x->kind].order * ((x->first > y->first) - (x->first < y->first));
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static void print_line(struct dump *dump, const struct dump_complaint *c)
{
    struct console_out *err = &dump->tool->err;

    switch (c->kind) {
    case DUMP_INDEX_MISMATCH:
        console_printf(err, "  Index offset: %" PRId64 ", log offset: %" PRId64 "\n", c->first,
                       c->second);
        break;
    case DUMP_TIME_MISMATCH:
        console_printf(err, "  Index timestamp: %" PRId64 ", log timestamp: %" PRId64 "\n",
                       c->first, c->second);
        break;
    case DUMP_TIME_ORDER:
        console_printf(
            err, "  Index timestamp: %" PRId64 ", Previously indexed timestamp: %" PRId64 "\n",
            c->first, c->second);
        break;
    case DUMP_TIME_NO_OFFSET:
        console_printf(err, "Indexed offset: %" PRId64 ", found log offset: %" PRId64 "\n",
                       c->first, c->second);
        break;
    case DUMP_GAP:
        console_printf(err, "  %" PRId64 " is followed by %" PRId64 "\n", c->first, c->second);
        break;
    }
}

/* Complaints from `first` on that are of one kind and file. */
static size_t group_end(const struct dump *dump, size_t first)
{
    const struct dump_complaint *c = dump->complaints;
    size_t end = first + 1;

    while (end < dump->complaint_count && c[end].kind == c[first].kind &&
           strcmp(c[end].path, c[first].path) == 0)
        end++;
    return end;
}

/* Where an order makes one offset come once, the last that was told counts. */
static void print_group(struct dump *dump, size_t first, size_t end)
{
    const struct dump_complaint *c = dump->complaints;

    console_printf(&dump->tool->err, "%s%s\n", forms[c[first].kind].heading, c[first].path);
    for (size_t i = first; i < end; i++)
        if (forms[c[i].kind].order == 0 || i + 1 == end || c[i + 1].first != c[i].first)
            print_line(dump, &c[i]);
}

/* The groups of one kind, from `first` on: the files are those of a Java map, which got them in
 * the order in which they were complained of. */
static size_t print_kind(struct dump *dump, size_t first)
{
    size_t count = 0;
    size_t end = first;
    size_t starts_room = dump->complaint_count - first;
    size_t *starts = mem_new_array(starts_room, sizeof(*starts));
    size_t *order = mem_new_array(starts_room, sizeof(*order));
    struct slice *paths = mem_new_array(starts_room, sizeof(*paths));

    while (end < dump->complaint_count &&
           dump->complaints[end].kind == dump->complaints[first].kind) {
        starts[count] = end;
        paths[count++] = slice_text(dump->complaints[end].path);
        end = group_end(dump, end);
    }
    java_order_sort(paths, count, 0, order);
    for (size_t i = 0; i < count; i++)
        print_group(dump, starts[order[i]], group_end(dump, starts[order[i]]));
    mem_free(starts);
    mem_free(order);
    mem_free(paths);
    return end;
}

void dump_complaints_print(struct dump *dump)
{
    if (dump->complaint_count > 0)
        qsort(dump->complaints, dump->complaint_count, sizeof(*dump->complaints), by_place);
    for (size_t at = 0; at < dump->complaint_count;)
        at = print_kind(dump, at);
}

void dump_complaints_forget(struct dump *dump)
{
    for (size_t i = 0; i < dump->complaint_count; i++)
        mem_free(dump->complaints[i].path);
    dump->complaints = mem_free(dump->complaints);
    dump->complaint_count = dump->complaint_room = 0;
}
