/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/main.c - writes the pages of docs/reference, of the manual, completions, and
 * a file of settings:
 *
 *     refdoc DIR
 *     refdoc --man DIR
 *     refdoc --completion DIR
 *     refdoc --properties DIR
 */

#include "tools/refdoc/refdoc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static const struct page completions[] = {
    {"moldau.bash", refdoc_bash},
    {"_moldau", refdoc_zsh},
    {"moldau.fish", refdoc_fish},
};

static const struct page settings[] = {{"server.properties", refdoc_properties}};

bool refdoc_write(const char *dir, const char *name, const struct text *text)
{
    char path[4096];
    FILE *file;
    bool good;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    file = fopen(path, "wb");
    good = file && fwrite(text->data, 1, text->size, file) == text->size;
    if (file)
        good = fclose(file) == 0 && good;
    if (!good)
        fprintf(stderr, "refdoc: cannot write %s: %s\n", path, strerror(errno));
    return good;
}

static bool write_all(const char *dir, const struct page *list, size_t count)
{
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        struct text text = {.data = NULL};

        list[i].print(&text);
        good = refdoc_write(dir, list[i].name, &text) && good;
        text_fini(&text);
    }
    return good;
}

int main(int argc, char **argv)
{
    bool good;

    if (argc == 2 && argv[1][0] != '-') {
        good = write_all(argv[1], pages, COUNT_OF(pages));
    } else if (argc == 3 && strcmp(argv[1], "--man") == 0) {
        good = refdoc_man(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "--completion") == 0) {
        good = write_all(argv[2], completions, COUNT_OF(completions));
    } else if (argc == 3 && strcmp(argv[1], "--properties") == 0) {
        good = write_all(argv[2], settings, COUNT_OF(settings));
    } else {
        fprintf(stderr, "usage: refdoc [--man | --completion | --properties] DIR\n");
        return 2;
    }
    return good ? 0 : 1;
}
