/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void tell(const struct host *host, const char *word, const char *text)
{
    char line[HOST_TEXT_MAX + HOST_LINE_MAX];
    int size = snprintf(line, sizeof(line), "%s %s\n", word, text);

    if (host->ready_fd < 0)
        return;
    if (write(host->ready_fd, line, min_of((size_t)size, sizeof(line) - 1)) < 0)
        return; /* It is gone; the end of its file says so, too. */
}

static void obey(struct host *host, const char *line)
{
    if (strcmp(line, "stop") == 0)
        host->stop(host);
    else if (strcmp(line, "reset") == 0)
        (void)node_end(host->node, NODE_RESET);
    else if (strcmp(line, "restart") == 0)
        (void)node_end(host->node, NODE_RESTART);
    else if (line[0])
        tell(host, "refused", "that line is not reset, restart or stop");
}

static void take_byte(struct host *host, char byte)
{
    if (byte == '\n') {
        host->line[host->line_size] = '\0';
        host->line_size = 0;
        obey(host, host->line);
    } else if (byte != '\r' && host->line_size < sizeof(host->line) - 1) {
        host->line[host->line_size++] = byte;
    }
}

static void on_control(struct io_watch *watch, unsigned events)
{
    struct host *host = container_of(watch, struct host, control);
    char bytes[HOST_LINE_MAX];
    ssize_t got = read(watch->fd, bytes, sizeof(bytes));

    (void)events;
    for (ssize_t i = 0; i < got; i++)
        take_byte(host, bytes[i]);
    if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    io_watch(host->node->ios[0], watch, 0); /* It has ended, and so do we. */
    host->stop(host);
}

const char *host_open(struct host *host, int control_fd, int ready_fd)
{
    struct stat kind;

    host->ready_fd = ready_fd;
    host->control = (struct io_watch){.ready = on_control, .fd = control_fd};
    if (ready_fd >= 0 && fcntl(ready_fd, F_GETFL) < 0)
        return "--ready-fd is not a descriptor that is open";
    if (control_fd < 0)
        return NULL;
    if (fstat(control_fd, &kind))
        return "--control-fd is not a descriptor that is open";
    if (!S_ISFIFO(kind.st_mode) && !S_ISSOCK(kind.st_mode) && !isatty(control_fd))
        return "--control-fd is not a pipe, socket or terminal";
    return NULL;
}

void host_tell_ready(struct host *host, const struct broker *broker)
{
    char at[sizeof(broker->listeners[0].advertised_host) + HOST_LINE_MAX];

    for (size_t i = 0; i < broker->listener_count; i++) {
        const struct broker_listener *bl = &broker->listeners[i];

        if (bl->is_controller)
            continue;
        (void)snprintf(at, sizeof(at), strchr(bl->advertised_host, ':') ? "[%s]:%d" : "%s:%d",
                       bl->advertised_host, bl->advertised_port);
        tell(host, "ready", at);
        return;
    }
    tell(host, "ready", "-"); /* A controller, which has no clients. */
}

void host_note(struct host *host, const struct diag_line *line)
{
    bool has_one = false;

    if (line->level <= DIAG_ERROR && host->ready_fd >= 0 &&
        atomic_compare_exchange_strong(&host->has_reason, &has_one, true))
        (void)diag_print(line, host->reason, sizeof(host->reason));
}

void host_tell_failed(struct host *host)
{
    tell(host, "failed", host->has_reason ? host->reason : "see its standard error");
}
