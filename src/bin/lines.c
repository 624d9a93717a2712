/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/lines.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_SIZE = 4096 };

static size_t print_time(char *out, size_t size)
{
    struct timespec now;
    struct tm parts;
    size_t used;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    used = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts);
    return used + (size_t)snprintf(out + used, size - used, ".%03ldZ", now.tv_nsec / 1000000);
}

/* In one piece, so that lines of several threads stay whole. */
static void put(const char *bytes, size_t size)
{
    if (write(STDERR_FILENO, bytes, size) < 0)
        return; /* Nobody listens; there is nobody to tell, either. */
}

void lines_print(struct diag *diag, const struct diag_line *line)
{
    const struct lines *lines = container_of(diag, struct lines, diag);
    struct text json = {.data = NULL};
    char text[LINE_SIZE];
    size_t size = print_time(text, sizeof(text));

    if (lines->is_json) {
        diag_print_json(line, text, &json);
        text_add(&json, "\n", 1);
        put(json.data, json.size);
        text_fini(&json);
        return;
    }
    text[size++] = ' ';
    size += diag_print(line, text + size, sizeof(text) - size - 1);
    text[size++] = '\n';
    put(text, size);
}
