/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/main.c - writes the pages of docs/reference:
 *
 *     refdoc DIR
 */

#include "tools/refdoc/refdoc.h"

#include <errno.h>
#include <stdio.h>

void refdoc_title(struct text *out, const char *title, const char *source)
{
    text_printf(out,
                "<!-- Printed by tools/refdoc from %s.  Do not edit: `make docs`. -->\n\n# %s\n\n",
                source, title);
}

static const struct page {
    const char *name;
    void (*print)(struct text *out);
} pages[] = {
    {"apis.md", refdoc_apis},         {"errors.md", refdoc_errors},
    {"configs.md", refdoc_configs},   {"commands.md", refdoc_commands},
    {"messages.md", refdoc_messages}, {"metrics.md", refdoc_metrics},
};

static bool page_write(const char *dir, const struct page *page)
{
    struct text text = {.data = NULL};
    char path[4096];
    FILE *file;
    bool good;

    page->print(&text);
    snprintf(path, sizeof(path), "%s/%s", dir, page->name);
    file = fopen(path, "wb");
    good = file && fwrite(text.data, 1, text.size, file) == text.size;
    if (file)
        good = fclose(file) == 0 && good;
    if (!good)
        fprintf(stderr, "refdoc: cannot write %s: %s\n", path, strerror(errno));
    text_fini(&text);
    return good;
}

int main(int argc, char **argv)
{
    bool good = true;

    if (argc != 2) {
        fprintf(stderr, "usage: refdoc DIR\n");
        return 2;
    }
    for (size_t i = 0; i < COUNT_OF(pages); i++)
        good = page_write(argv[1], &pages[i]) && good;
    return good ? 0 : 1;
}
