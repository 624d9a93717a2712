/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/server.h"

#include "base/mem.h"

enum { LINE_SIZE = 1000, DOWN_MIN_US = 5 * 1000, DOWN_MAX_US = 400 * 1000 };

static void told(struct diag *diag, const struct diag_line *line)
{
    struct server *server = container_of(diag, struct server, diag);
    char text[LINE_SIZE];

    if (line->level == DIAG_ERROR)
        server->errors_told++;
    if (!server->run->options.is_verbose)
        return;
    text[diag_print(line, text, sizeof(text) - 1)] = 0;
    run_say(server->run, "    %s", text);
}

static void set(struct server *server, const char *key, const char *value)
{
    struct text unserved = {.data = NULL};
    struct text why = {.data = NULL};

    if (settings_set(&server->settings, slice_text(key), slice_text(value), &unserved, &why))
        run_fail(server->run, "setting %s=%s: %s", key, value, why.data);
    text_fini(&unserved);
    text_fini(&why);
}

/* What groups depend on: little of it is as long as in the real world. */
static void set_groups(struct server *server)
{
    static const char *const partitions[] = {"1", "3", "8"};
    static const char *const delays[] = {"0", "50", "300"};
    static const char *const retentions[] = {"1", "10080"};
    static const char *const segments[] = {"10000", "1000000", "104857600"};
    struct rng *rng = &server->run->rng;

    set(server, "offsets.topic.replication.factor", "1");
    set(server, "offsets.topic.num.partitions", partitions[rng_below(rng, COUNT_OF(partitions))]);
    set(server, "offsets.topic.segment.bytes", segments[rng_below(rng, COUNT_OF(segments))]);
    set(server, "group.initial.rebalance.delay.ms", delays[rng_below(rng, COUNT_OF(delays))]);
    set(server, "group.min.session.timeout.ms", "100");
    set(server, "offsets.retention.minutes", retentions[rng_below(rng, COUNT_OF(retentions))]);
    set(server, "offsets.retention.check.interval.ms", "100");
}

/* Snapshots of the metadata with each batch, now and then, and never; logs that are trimmed. */
static void set_metadata(struct server *server)
{
    static const char *const bytes[] = {"1", "1000", "20000", "20971520"};
    static const char *const roll_ms[] = {"1", "100", "604800000"};
    static const char *const retention[] = {"1", "3000", "104857600"};
    struct rng *rng = &server->run->rng;

    set(server, "metadata.log.max.record.bytes.between.snapshots",
        bytes[rng_below(rng, COUNT_OF(bytes))]);
    set(server, "metadata.log.segment.ms", roll_ms[rng_below(rng, COUNT_OF(roll_ms))]);
    set(server, "metadata.max.retention.bytes", retention[rng_below(rng, COUNT_OF(retention))]);
}

static const char cluster_id[] = "c2ltdWxhdGVkY2x1c3Rlcg";

/* Folders of a cluster's nodes must say of which: as `moldau storage format` makes them. */
static void format(struct server *server)
{
    struct settings_dir dirs[SETTINGS_DIRS_MAX];
    struct text why = {.data = NULL};
    struct io *io = sim_io_create(server->node);
    int count;

    if (settings_dirs(&server->settings, dirs, &count, &why))
        run_fail(server->run, "folders: %s", why.data);
    for (int i = 0; i < count; i++) {
        struct log_dir *dir = NULL;

        if (log_dir_open(&(struct log_dir_options){.io = io,
                                                   .diag = &server->diag,
                                                   .path = dirs[i].path,
                                                   .node_id = settings_node_id(&server->settings),
                                                   .cluster_id = cluster_id},
                         &dir) ||
            log_dir_close(dir, true))
            run_fail(server->run, "folder %s cannot be made", dirs[i].path);
        mem_free(dirs[i].path);
    }
    sim_io_destroy(io);
}

/* Sessions are short: who was killed is to come back soon. */
static void set_role(struct server *server, enum server_role role, int node_id,
                     const struct server *controller)
{
    static const char *const sessions[] = {"200", "500", "2000"};
    struct rng *rng = &server->run->rng;
    char text[100];

    if (role == SERVER_WHOLE)
        return;
    (void)snprintf(text, sizeof(text), "%d", node_id);
    set(server, "node.id", text);
    set(server, "process.roles", role == SERVER_BROKER ? "broker" : "controller");
    set(server, "controller.listener.names", "CONTROLLER");
    set(server, "offsets.retention.minutes", "10080"); /* Each of them has a clock of its own. */
    set(server, "offsets.topic.segment.bytes", "1048576"); /* Less is no topic's to ask for. */
    set(server, "broker.heartbeat.interval.ms", rng_chance(rng, 50) ? "20" : "100");
    set(server, "broker.session.timeout.ms", sessions[rng_below(rng, COUNT_OF(sessions))]);
    (void)snprintf(text, sizeof(text), "%s://%s:%d",
                   role == SERVER_BROKER ? "PLAINTEXT" : "CONTROLLER", sim_node_host(server->node),
                   SERVER_PORT);
    set(server, "listeners", text);
    if (role == SERVER_BROKER) {
        (void)snprintf(text, sizeof(text), "%s:%d", sim_node_host(controller->node), SERVER_PORT);
        set(server, "controller.quorum.bootstrap.servers", text);
    }
    format(server);
}

struct server *server_create(struct run *run, int shards, enum server_role role, int node_id,
                             const struct server *controller)
{
    /* Blocks that are full every moment, now and then, never, and not there at all. */
    static const char *const blocks[] = {"16384", "65536", "1048576", "0"};
    /* Recovery points that move all the time, now and then, and never. */
    static const char *const intervals[] = {"5", "50", "500", "60000"};
    static const char *const pauses[] = {"20", "100", "1000"};
    /* None, so that partitions sleep now and then, and few, so that they never stay awake. */
    static const int64_t files[] = {0, 12, 24, 100};
    /* Retention that looks all the time, and now and then. */
    static const char *const looks[] = {"3", "40", "400"};
    static const char *const scrubs[] = {"20", "500", "604800000"};
    static const char *const dirs[] = {"/var/moldau", "/var/moldau", "/var/a,/var/b",
                                       "/var/a, /var/b, /var/c/d"};
    struct server *server = mem_new(sizeof(*server));
    char text[100];

    assert(shards >= 1 && shards <= SHARDS_MAX);
    server->run = run;
    server->shards = shards;
    server->files_max = files[rng_below(&run->rng, COUNT_OF(files))] * shards;
    server->node = sim_node_create(run->sim, role == SERVER_CONTROLLER ? "controller" : "broker");
    server->diag = (struct diag){.level = DIAG_INFO, .sink = told};
    settings_init(&server->settings);
    (void)snprintf(text, sizeof(text), "PLAINTEXT://%s:%d", sim_node_host(server->node),
                   SERVER_PORT);
    set(server, "listeners", text);
    set(server, "log.dirs", dirs[rng_below(&run->rng, COUNT_OF(dirs))]);
    if (rng_chance(&run->rng, 20))
        set(server, "metadata.log.dir", "/var/metadata");
    set(server, "auto.create.topics.enable", "false");
    set(server, "commit.log.block.bytes", blocks[rng_below(&run->rng, COUNT_OF(blocks))]);
    set(server, "log.flush.offset.checkpoint.interval.ms",
        intervals[rng_below(&run->rng, COUNT_OF(intervals))]);
    set_metadata(server);
    set(server, "log.cleaner.backoff.ms", pauses[rng_below(&run->rng, COUNT_OF(pauses))]);
    set(server, "log.cleaner.dedupe.buffer.size", rng_chance(&run->rng, 80) ? "134217728" : "1000");
    set(server, "log.cleaner.io.max.bytes.per.second",
        rng_chance(&run->rng, 80) ? "1000000000" : "100000");
    set(server, "log.retention.ms", "-1"); /* Times of records are long past. */
    set(server, "log.retention.check.interval.ms", looks[rng_below(&run->rng, COUNT_OF(looks))]);
    set(server, "log.scrub.interval.ms", scrubs[rng_below(&run->rng, COUNT_OF(scrubs))]);
    set(server, "log.scrub.io.max.bytes.per.second",
        rng_chance(&run->rng, 80) ? "1000000000" : "100000");
    set(server, "log.initial.task.delay.ms", rng_chance(&run->rng, 50) ? "0" : "100");
    (void)snprintf(text, sizeof(text), "%d", shards);
    set(server, "num.shards", text);
    set_groups(server);
    set_role(server, role, node_id, controller);
    return server;
}

/* Frees what the process had, and its part of the world. */
static void bury(struct server *server, bool clean)
{
    if (server->broker && broker_close(server->broker, clean) && clean && !server->may_fail &&
        sim_node_is_up(server->node))
        run_fail(server->run, "a stop was not clean although nothing was wrong");
    server->broker = NULL;
    for (int i = 0; i < server->shards; i++)
        server->ios[i] = sim_io_destroy(server->ios[i]);
}

struct server *server_destroy(struct server *server)
{
    if (!server)
        return NULL;
    if (sim_node_is_up(server->node))
        sim_node_kill(server->node, SIM_KILL);
    bury(server, false);
    settings_fini(&server->settings);
    mem_free(server);
    return NULL;
}

static void failed(struct broker *broker, void *context)
{
    struct server *server = context;

    (void)broker;
    run_say(server->run, "node can do nothing any more");
    server->has_failed = true;
    if (!server->may_fail && sim_node_is_up(server->node)) /* Not what a dying process thinks. */
        run_fail(server->run, "the broker gives up although nothing is wrong");
}

bool server_start(struct server *server)
{
    struct broker_options options = {.settings = &server->settings,
                                     .diag = &server->diag,
                                     .ios = server->ios,
                                     .shards = server->shards,
                                     .files_max = server->files_max,
                                     .failed = failed,
                                     .context = server};
    struct broker *broker = NULL;
    int r;

    assert(!server->broker);
    if (!sim_node_is_up(server->node))
        sim_node_boot(server->node);
    for (int i = 0; i < server->shards; i++)
        server->ios[i] = sim_io_create(server->node);
    server->starts++;
    server->has_failed = false;
    r = broker_open(&options, &broker);
    if (r) {
        if (sim_node_is_up(server->node) && !server->may_fail)
            run_fail(server->run, "the broker does not open (%d) although nothing is wrong", r);
        if (sim_node_is_up(server->node))
            sim_node_kill(server->node, SIM_KILL); /* Its main() has returned. */
        return false;
    }
    server->broker = broker;
    for (int i = 0; i < server->shards; i++)
        sim_attach(server->ios[i], &broker->shards[i].loop);
    run_say(server->run, "node is open");
    return true;
}

void server_kill(struct server *server, enum sim_death death)
{
    if (death == SIM_KILL ? sim_node_is_up(server->node) : sim_node_has_power(server->node))
        sim_node_kill(server->node, death);
}

static void stopped(struct broker *broker, void *context)
{
    struct server *server = context;

    (void)broker;
    server->has_stopped = true;
}

void server_stop(struct server *server)
{
    server->has_stopped = false;
    broker_stop(server->broker, stopped, server);
}

static bool is_down(const struct server *server)
{
    return server->broker == NULL && server->ios[0] == NULL;
}

void server_tick(struct server *server)
{
    struct sim *sim = server->run->sim;

    if (server->has_failed && sim_node_is_up(server->node))
        sim_node_kill(server->node, SIM_KILL); /* Its main() returns. */
    if (!is_down(server) && !sim_node_is_up(server->node)) {
        run_say(server->run, "broker is dead");
        server->has_stopped = false;
        bury(server, false);
        server->starts_at_us =
            sim_now_us(sim) + rng_between(&server->run->rng, DOWN_MIN_US, DOWN_MAX_US);
        return;
    }
    if (server->has_stopped) {
        run_say(server->run, "broker has stopped");
        server->has_stopped = false;
        bury(server, true);
        sim_node_kill(server->node, SIM_KILL); /* Its main() has returned. */
        server->starts_at_us = sim_now_us(sim) + DOWN_MIN_US;
    }
    if (is_down(server) && sim_now_us(sim) >= server->starts_at_us)
        (void)server_start(server);
}

struct io_address server_address(const struct server *server)
{
    struct io_address address = {.port = SERVER_PORT};

    (void)snprintf(address.host, sizeof(address.host), "%s", sim_node_host(server->node));
    return address;
}
