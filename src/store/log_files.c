/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_files.h"

#include "base/err.h"
#include "base/mem.h"
#include "store/log_internal.h"

#include <stdlib.h>

enum { NAME_DIGITS = 20 };

static void bases_add(struct log_bases *bases, int64_t base)
{
    if (bases->count == bases->room) {
        bases->room = max_of(bases->room * 2, (size_t)8);
        bases->items = mem_resize(bases->items, bases->room, sizeof(*bases->items));
    }
    bases->items[bases->count++] = base;
}

int64_t log_name_base(const char *name, const char *suffix)
{
    int64_t base = 0;

    for (int i = 0; i < NAME_DIGITS; i++) {
        if (name[i] < '0' || name[i] > '9' || base > (INT64_MAX - 9) / 10)
            return -1;
        base = base * 10 + (name[i] - '0');
    }
    return strcmp(name + NAME_DIGITS, suffix) == 0 ? base : -1;
}

static bool is_deleted(const char *name)
{
    static const char suffix[] = ".deleted";
    size_t size = strlen(name);

    return size >= sizeof(suffix) && strcmp(name + size + 1 - sizeof(suffix), suffix) == 0;
}

static int list_name(void *context, const char *name, bool is_dir)
{
    struct log_listing *listing = context;
    const struct {
        const char *suffix;
        struct log_bases *bases;
    } kinds[] = {
        {".log", &listing->segments},     {".snapshot", &listing->snapshots},
        {".index", &listing->indexes},    {".timeindex", &listing->indexes},
        {".txnindex", &listing->indexes}, {".txnindex", &listing->aborted},
    };

    if (!is_dir && is_deleted(name))
        text_add(&listing->deleted, name, strlen(name) + 1);
    for (size_t i = 0; i < COUNT_OF(kinds) && !is_dir; i++) {
        int64_t base = log_name_base(name, kinds[i].suffix);

        if (base >= 0)
            bases_add(kinds[i].bases, base);
    }
    return 0;
}

static int ascending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void sort(struct log_bases *bases)
{
    if (bases->count > 0)
        qsort(bases->items, bases->count, sizeof(*bases->items), ascending);
}

bool log_bases_have(const struct log_bases *bases, int64_t base)
{
    return bases->count > 0 &&
           bsearch(&base, bases->items, bases->count, sizeof(base), ascending) != NULL;
}

int log_list_folder(struct io *io, const struct file *folder, struct log_listing *out)
{
    int r = io->ops->dir_list(io, folder->fd, list_name, out);

    sort(&out->segments);
    sort(&out->snapshots);
    sort(&out->indexes);
    sort(&out->aborted);
    return err_pass(r);
}

void log_listing_fini(struct log_listing *listing)
{
    mem_free(listing->segments.items);
    mem_free(listing->snapshots.items);
    mem_free(listing->indexes.items);
    mem_free(listing->aborted.items);
    text_fini(&listing->deleted);
}

int log_unlink(const struct log *log, int64_t base, const char *suffix)
{
    char name[SEGMENT_NAME_SIZE];
    int r;

    segment_name(name, base, suffix);
    r = log->env.io->ops->unlink(log->env.io, log->folder->fd, name);
    return r == -ENOENT ? 0 : err_pass(r);
}

int log_unlink_indexes(const struct log *log, int64_t base)
{
    static const char *const suffixes[] = {".index", ".timeindex", ".txnindex"};
    int r = 0;

    for (size_t i = 0; i < COUNT_OF(suffixes) && r == 0; i++)
        r = log_unlink(log, base, suffixes[i]);
    return err_pass(r);
}
