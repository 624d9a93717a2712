/* SPDX-License-Identifier: Apache-2.0 */
#include "library/node.h"

#include "library/wipe.h"
#include "os/linux_io.h"
#include "os/module.h"

DIAG_MODULE("server");

enum { SHARDS_FROM_CORES = 4 };

static void end_loops(const struct node *node, struct broker *broker)
{
    for (int i = 0; i < node->shards; i++)
        loop_stop(&broker->shards[i].loop);
}

static void all_quiet(struct broker *broker, void *context)
{
    end_loops(context, broker);
}

/* Nothing is left that it could do: it ends as if killed, and the next start recovers. */
static void on_failure(struct broker *broker, void *context)
{
    struct node *node = context;

    node->has_failed = true;
    end_loops(node, broker);
}

static void on_serves(struct broker *broker, void *context)
{
    struct node *node = context;

    node->broker = broker; /* From now on somebody may look. */
    if (node->serves)
        node->serves(node, broker);
}

static void shard_main(void *context)
{
    loop_run(context);
}

static void watch_all(struct node *node, unsigned events)
{
    for (int i = 0; i < node->watch_count; i++)
        io_watch(node->ios[0], node->watches[i], events);
}

/* Turns all shards until their loops are told to end. */
static int turn(struct node *node)
{
    int r = 0;

    watch_all(node, IO_READABLE);
    for (int i = 1; i < node->shards && r == 0; i++)
        r = thread_start(shard_main, &node->broker->shards[i].loop, &node->threads[i]);
    if (r)
        diag_error(node->diag, "threads of the shards cannot be started", kv("error", r));
    else
        loop_run(&node->broker->shards[0].loop);
    for (int i = 1; i < node->shards; i++) {
        loop_stop(&node->broker->shards[i].loop);
        node->threads[i] = thread_join(node->threads[i]);
    }
    watch_all(node, 0);
    return r;
}

/* Nothing needs to be written down, and nobody to be waited for. */
static bool loses_data(const struct node *node, enum node_wish wish)
{
    return wish == NODE_RESET || (wish == NODE_STOP && node->is_temporary);
}

static int live(struct node *node)
{
    char modules[MODULE_FOLDER_MAX];
    struct broker_options options = {.settings = node->settings,
                                     .diag = node->diag,
                                     .ios = node->ios,
                                     .shards = node->shards,
                                     .files_max = node->files_max,
                                     .folder = node->folder,
                                     .failed = on_failure,
                                     .serves = on_serves,
                                     .modules = modules,
                                     .version = MOLDAU_VERSION,
                                     .context = node};
    struct broker *broker = NULL;
    bool clean;
    int r;

    node->wish = NODE_NONE;
    module_folder(modules);
    r = broker_open(&options, &broker);
    if (r)
        broker = NULL;
    if (node->broker != broker)
        node->broker = broker;
    if (r)
        return r == BROKER_E_CONFIG ? NODE_E_CONFIG : NODE_E_DATA;
    r = turn(node);
    if (node->is_abandoned)
        return NODE_E_STOP;
    clean = r == 0 && !node->has_failed && !loses_data(node, node->wish);
    if (broker_close(take(node->broker), clean) || node->has_failed) {
        diag_error(node->diag, "stop was not clean; the next start recovers");
        return NODE_E_STOP;
    }
    if (r == 0 && node->wish == NODE_RESET && wipe_dirs(node->ios[0], node->settings)) {
        diag_error(node->diag, "the data could not be removed; look into the folders of log.dirs");
        return NODE_E_DATA;
    }
    return r ? NODE_E_THREADS : 0;
}

int node_run(struct node *node)
{
    int r;

    do {
        r = live(node);
    } while (r == 0 && node->wish != NODE_STOP);
    return r;
}

bool node_end(struct node *node, enum node_wish wish)
{
    bool is_first = node->wish == NODE_NONE;

    assert(node->broker && wish != NODE_NONE);
    node->wish = max_of(node->wish, wish);
    if (is_first && loses_data(node, wish))
        end_loops(node, node->broker);
    else if (is_first)
        broker_stop(node->broker, all_quiet, node);
    return is_first;
}

void node_abandon(struct node *node)
{
    node->is_abandoned = true;
    if (node->broker)
        end_loops(node, node->broker);
}

static int shard_count(const struct settings *settings)
{
    int cores = thread_cores();

    if (settings->num_shards > 0)
        return (int)min_of(settings->num_shards, (int64_t)NODE_SHARDS_MAX);
    return cores < SHARDS_FROM_CORES ? 1 : min_of(cores, (int)NODE_SHARDS_MAX);
}

int node_open(struct node *node)
{
    int r = 0;

    node->shards = shard_count(node->settings);
    for (int i = 0; i < node->shards && r == 0; i++)
        r = linux_io_create(&node->ios[i]) ? NODE_E_THREADS : 0;
    return r;
}

void node_close(struct node *node)
{
    assert(!node->is_abandoned && !node->broker);
    for (int i = 0; i < node->shards; i++)
        node->ios[i] = linux_io_destroy(node->ios[i]);
    node->shards = 0;
}

void node_warn(struct diag *diag, const struct text *unserved)
{
    const char *at = unserved->data;

    while (at && *at) {
        size_t size = strcspn(at, "\n");

        const struct config_row *row = settings_find(slice_of(at, size));

        if (row && row->flags & CONFIG_RETIRED)
            diag_warn(diag, "configuration key is of an older Kafka and changes nothing",
                      kv("key", slice_of(at, size)));
        else
            diag_warn(diag, "configuration key is not served yet and changes nothing",
                      kv("key", slice_of(at, size)));
        at += size + (at[size] == '\n');
    }
}
