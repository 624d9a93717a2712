/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/diag_lines.h"

static void keep(struct diag *diag, const struct diag_line *line)
{
    struct diag_lines *lines = container_of(diag, struct diag_lines, diag);
    char text[1024];
    size_t size = diag_print(line, text, sizeof(text));

    text_add(&lines->text, text, size);
    text_add(&lines->text, "\n", 1);
}

void diag_lines_init(struct diag_lines *lines)
{
    *lines = (struct diag_lines){.diag = {.level = DIAG_DEBUG, .sink = keep}};
}

void diag_lines_fini(struct diag_lines *lines)
{
    text_fini(&lines->text);
}

bool diag_lines_have(const struct diag_lines *lines, const char *part)
{
    return lines->text.data && strstr(lines->text.data, part);
}

void diag_lines_clear(struct diag_lines *lines)
{
    text_cut(&lines->text, 0);
}
