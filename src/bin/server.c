/* SPDX-License-Identifier: Apache-2.0 */

/* bin/server.c - signals, and what the command line says, around a node. */

#include "bin/server.h"

#include "base/mem.h"
#include "bin/host.h"
#include "bin/lines.h"
#include "bin/notify.h"
#include "bin/server_args.h"
#include "bin/signals.h"
#include "bin/welcome.h"
#include "library/wipe.h"
#include "os/process.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct server {
    struct node node;
    struct settings settings;
    struct server_args args;
    struct lines lines;
    struct host host;
    struct io_watch signals;
    char folder[PATH_MAX];    /* The current one. */
    char temporary[PATH_MAX]; /* The folder of the data, if it is to go away. */
    int held_port;            /* Or -1. */
};

DIAG_MODULE("server");

static void on_line(struct diag *diag, const struct diag_line *line)
{
    struct server *server = container_of(diag, struct server, lines.diag);

    lines_print(diag, line);
    host_note(&server->host, line);
}

/* --- running ---------------------------------------------------------------- */

/* A second signal while stopping is not waited for: the process ends as if killed. */
static void on_signal(struct io_watch *watch, unsigned events)
{
    struct server *server = container_of(watch, struct server, signals);
    int signal = signals_take(watch);

    (void)events;
    if (!signal)
        return;
    if (server->node.wish == NODE_STOP)
        _exit(1);
    diag_info(&server->lines.diag, "stopping", kv("signal", signal));
    notify_send("STOPPING=1");
    (void)node_end(&server->node, NODE_STOP);
}

static void on_host_stop(struct host *host)
{
    struct server *server = container_of(host, struct server, host);

    if (server->node.wish == NODE_STOP)
        return;
    diag_info(&server->lines.diag, "stopping: the program that has started this one wants it");
    notify_send("STOPPING=1");
    (void)node_end(&server->node, NODE_STOP);
}

static void on_serves(struct node *node, struct broker *broker)
{
    struct server *server = container_of(node, struct server, node);

    if (server->host.ready_fd < 0)
        welcome_print(broker, NULL);
    host_tell_ready(&server->host, broker);
    notify_send("READY=1\nSTATUS=Clients are served.");
}

/* --- setting up ------------------------------------------------------------- */

static int set(struct server *server, const char *key, const char *value)
{
    struct text unserved = {.data = NULL}, why = {.data = NULL};
    int r = settings_set(&server->settings, slice_text(key), slice_text(value), &unserved, &why);

    if (r)
        fprintf(stderr, "moldau server: %s\n", why.data);
    text_fini(&unserved);
    text_fini(&why);
    return r ? 1 : 0;
}

/* What goes away with the process needs no syncs, unless somebody wants them. */
static int make_temporary(struct server *server)
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(server->temporary, sizeof(server->temporary), "%s/moldau-XXXXXX",
                   parent && parent[0] ? parent : "/tmp");
    if (!mkdtemp(server->temporary)) {
        fprintf(stderr, "moldau server: --temporary: no folder can be made as %s\n",
                server->temporary);
        server->temporary[0] = '\0';
        return 1;
    }
    if (!settings_given(&server->settings, "log.ack.durability") &&
        set(server, "log.ack.durability", "page-cache"))
        return 1;
    return set(server, "log.dirs", server->temporary);
}

static int set_port(struct server *server)
{
    uint16_t port = (uint16_t)server->args.port;
    char value[64];

    if (process_hold_port(&port, &server->held_port) && port == 0) {
        fprintf(stderr, "moldau server: --port: no port is free\n");
        return 1;
    }
    (void)snprintf(value, sizeof(value), "PLAINTEXT://127.0.0.1:%d", port);
    return set(server, "listeners", value);
}

static int set_up(struct server *server, int count, char **args)
{
    struct text unserved = {.data = NULL};
    int r = server_args_read(&server->args, &server->settings, count, args, &unserved);
    const char *wrong = host_open(&server->host, server->args.control_fd, server->args.ready_fd);

    if (r == 0 && wrong) {
        fprintf(stderr, "moldau server: %s\n", wrong);
        r = 2;
    }
    if (r == 0) {
        server->lines.is_json = strcmp(server->settings.server_log_format, "json") == 0;
        node_warn(&server->lines.diag, &unserved);
    }
    text_fini(&unserved);
    if (r == 0 && server->args.is_temporary)
        r = make_temporary(server);
    if (r == 0 && server->args.port >= 0)
        r = set_port(server);
    return r;
}

static int run(struct server *server)
{
    int r;

    server->signals = (struct io_watch){.ready = on_signal, .fd = -1};
    server->node = (struct node){.settings = &server->settings,
                                 .diag = &server->lines.diag,
                                 .folder = getcwd(server->folder, sizeof(server->folder)),
                                 .files_max = process_files_max(true),
                                 .is_temporary = server->args.is_temporary,
                                 .serves = on_serves,
                                 .watches = {&server->signals, &server->host.control},
                                 .watch_count = server->host.control.fd >= 0 ? 2 : 1};
    server->host.node = &server->node;
    server->host.stop = on_host_stop;
    r = signals_open(&server->signals) || node_open(&server->node) || node_run(&server->node);
    if (server->temporary[0] && wipe_tree(server->node.ios[0], server->temporary))
        diag_warn(&server->lines.diag, "the temporary folder could not be removed",
                  kv("path", server->temporary));
    node_close(&server->node);
    return r;
}

int server_main(int count, char **args)
{
    struct server *server;
    int r;

    for (int i = 0; i < count; i++) {
        if (strcmp(args[i], "--help") == 0 || strcmp(args[i], "-h") == 0) {
            printf("%s", server_args_usage);
            return 0;
        }
    }
    server = mem_new(sizeof(*server));
    server->held_port = -1;
    server->lines.diag = (struct diag){.level = DIAG_INFO, .sink = on_line};
    settings_init(&server->settings);
    r = set_up(server, count, args);
    if (r == 0)
        r = run(server);
    if (r)
        host_tell_failed(&server->host);
    process_let_port(&server->held_port);
    settings_fini(&server->settings);
    mem_free(server);
    return r;
}
