/* SPDX-License-Identifier: Apache-2.0 */

/* bin/server.c - signals and threads around a broker. */

#include "bin/server.h"

#include "base/mem.h"
#include "bin/lines.h"
#include "bin/server_args.h"
#include "bin/signals.h"
#include "bin/welcome.h"
#include "broker/broker.h"
#include "os/linux_io.h"
#include "os/thread.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SHARDS_MAX = 64, SHARDS_FROM_CORES = 4 };

struct server {
    struct settings settings;
    struct lines lines;
    struct io *ios[SHARDS_MAX];
    struct thread *threads[SHARDS_MAX]; /* Of shards 1 and up. */
    int shards;
    int64_t files_max; /* Descriptors we may have; 0: without bound. */
    struct broker *broker;
    struct io_watch signals;
    bool is_stopping, has_failed;
};

DIAG_MODULE("server");

/* --- running ---------------------------------------------------------------- */

static void all_quiet(struct broker *broker, void *context)
{
    struct server *server = context;

    for (int i = 0; i < server->shards; i++)
        loop_stop(&broker->shards[i].loop);
}

/* A second signal while stopping is not waited for: the process ends as if killed. */
static void on_signal(struct io_watch *watch, unsigned events)
{
    struct server *server = container_of(watch, struct server, signals);
    int signal = signals_take(watch);

    (void)events;
    if (!signal)
        return;
    if (server->is_stopping)
        _exit(1);
    server->is_stopping = true;
    diag_info(&server->lines.diag, "stopping", kv("signal", signal));
    broker_stop(server->broker, all_quiet, server);
}

/* Nothing is left that it could do: it ends as if killed, and the next start recovers. */
static void on_failure(struct broker *broker, void *context)
{
    struct server *server = context;

    server->has_failed = true;
    all_quiet(broker, server);
}

static void shard_main(void *context)
{
    loop_run(context);
}

static int run(struct server *server)
{
    char folder[PATH_MAX];
    struct broker_options options = {.settings = &server->settings,
                                     .diag = &server->lines.diag,
                                     .ios = server->ios,
                                     .shards = server->shards,
                                     .files_max = server->files_max,
                                     .folder = getcwd(folder, sizeof(folder)),
                                     .failed = on_failure,
                                     .serves = welcome_print,
                                     .context = server};
    int r = broker_open(&options, &server->broker);

    if (r)
        return 1; /* The log says why. */
    io_watch(server->ios[0], &server->signals, IO_READABLE);
    for (int i = 1; i < server->shards && r == 0; i++)
        r = thread_start(shard_main, &server->broker->shards[i].loop, &server->threads[i]);
    if (r == 0) {
        loop_run(&server->broker->shards[0].loop);
    }
    for (int i = 1; i < server->shards; i++) {
        loop_stop(&server->broker->shards[i].loop);
        server->threads[i] = thread_join(server->threads[i]);
    }
    io_watch(server->ios[0], &server->signals, 0);
    if (broker_close(server->broker, r == 0 && !server->has_failed) || server->has_failed) {
        diag_error(&server->lines.diag, "stop was not clean; the next start recovers");
        return 1;
    }
    return r ? 1 : 0;
}

/* --- setting up ------------------------------------------------------------- */

static int shard_count(const struct settings *settings)
{
    int cores = thread_cores();

    if (settings->num_shards > 0)
        return (int)min_of(settings->num_shards, (int64_t)SHARDS_MAX);
    return cores < SHARDS_FROM_CORES ? 1 : min_of(cores, (int)SHARDS_MAX);
}

/* Open logs and connections are descriptors: takes as many as we may have, and returns how many
 * these are; 0: without bound. */
static int64_t raise_limits(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur == RLIM_INFINITY ? 0 : (int64_t)limit.rlim_cur;
}

static int start(struct server *server, int count, char **args)
{
    struct text unserved = {.data = NULL};
    int r = server_args_read(&server->settings, count, args, &unserved);

    if (r == 0) {
        server->lines.is_json = strcmp(server->settings.server_log_format, "json") == 0;
        server_args_warn(&server->lines.diag, &unserved);
        server->files_max = raise_limits();
        server->signals = (struct io_watch){.ready = on_signal, .fd = -1};
        r = signals_open(&server->signals) ? 1 : 0;
        server->shards = shard_count(&server->settings);
    }
    text_fini(&unserved);
    for (int i = 0; i < server->shards && r == 0; i++)
        r = linux_io_create(&server->ios[i]) ? 1 : 0;
    if (r == 0)
        r = run(server);
    for (int i = 0; i < server->shards; i++)
        linux_io_destroy(server->ios[i]);
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
    server->lines.diag = (struct diag){.level = DIAG_INFO, .sink = lines_print};
    settings_init(&server->settings);
    r = start(server, count, args);
    settings_fini(&server->settings);
    mem_free(server);
    return r;
}
