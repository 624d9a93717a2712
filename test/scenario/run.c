/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/run.h"

#include "base/mem.h"
#include "test/scenario/churner.h"
#include "test/scenario/consumer.h"
#include "test/scenario/groups.h"
#include "test/scenario/nemesis.h"
#include "test/scenario/producer.h"
#include "test/scenario/record.h"
#include "test/scenario/server.h"
#include "test/scenario/trimmer.h"
#include "wire/errors.h"

#include <inttypes.h>
#include <stdarg.h>

enum {
    TICK_US = 3 * 1000,
    SETUP_MAX_US = 30 * 1000 * 1000,
    WORK_MIN_US = 1000 * 1000,
    WORK_MAX_US = 4000 * 1000,
    PLANNED_WORK_MAX_US = 600 * 1000 * 1000,
    HEAL_MAX_US = 120 * 1000 * 1000,
    RESTART_MAX_US = 60 * 1000 * 1000,
    READ_MAX_US = 120 * 1000 * 1000,
    PRODUCERS_MAX = 3,
    CONSUMERS_MAX = 2,
    BATCHES_MAX = 80,
    READER_NUMBER = 999,
    TRIMMED_PERCENT = 50,
    COMPACTED_PERCENT = 40,
    EXPIRING_PERCENT = 40,
    CLUSTER_PERCENT = 25,
    ANOMALIES_SHOWN = 6,
    FAILURES_SHOWN = 10,
};

static const char *const phase_names[] = {
    "setting up", "working", "healing", "stopping and starting", "reading", "over"};

void run_say(struct run *run, const char *format, ...)
{
    va_list args;

    if (!run->options.is_verbose)
        return;
    fprintf(stderr, "%10" PRId64 " ", sim_now_us(run->sim));
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void run_note_id(struct run *run, int64_t id)
{
    for (size_t at = 0; at < run->ids.size; at += sizeof(id))
        if (memcmp(run->ids.data + at, &id, sizeof(id)) == 0)
            run_fail(run, "producer id %" PRId64 " was given out twice", id);
    text_add(&run->ids, &id, sizeof(id));
}

void run_fail(struct run *run, const char *format, ...)
{
    char line[500];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    run_say(run, "FAILED: %s", line);
    if (run->failures++ < FAILURES_SHOWN)
        text_printf(&run->why, "  at %" PRId64 " us: %s\n", sim_now_us(run->sim), line);
}

uint64_t run_values(struct run *run, uint32_t count)
{
    uint64_t first = run->next_value;

    run->next_value += count;
    return first;
}

/* --- setting up ------------------------------------------------------------- */

/* By age, where times are the broker's: all of it is gone at one time, and then something is there
 * again; or by size; or both. */
static void plan_retention(struct run *run, struct run_topic *topic)
{
    static const char *const ages[] = {"1", "50", "300", "2000"};
    static const char *const sizes[] = {"0", "3000", "20000"};

    if (run->options.plan || !rng_chance(&run->rng, EXPIRING_PERCENT))
        return;
    topic->is_append_time = rng_chance(&run->rng, 70);
    if (topic->is_append_time)
        topic->retention_ms = ages[rng_below(&run->rng, COUNT_OF(ages))];
    if (!topic->is_append_time || rng_chance(&run->rng, 30))
        topic->retention_bytes = sizes[rng_below(&run->rng, COUNT_OF(sizes))];
    for (int32_t i = 0; i < topic->partitions; i++)
        history_ask_start(run->history, topic->first_number + (uint32_t)i, INT64_MAX);
}

static void plan_topics(struct run *run)
{
    const struct run_plan *plan = run->options.plan;

    run->topic_count = plan ? 1 : (int)rng_between(&run->rng, 1, 2);
    for (int i = 0; i < run->topic_count; i++) {
        struct run_topic *topic = &run->topics[i];

        (void)snprintf(topic->name, sizeof(topic->name), "topic-%d", i);
        topic->partitions = (int32_t)rng_between(&run->rng, 1, PARTITIONS_MAX);
        if (plan)
            topic->partitions = plan->partitions;
        topic->first_number = run->next_number;
        topic->is_lossy = i == 1 && rng_chance(&run->rng, 40);
        topic->is_compacted = !plan && rng_chance(&run->rng, COMPACTED_PERCENT);
        plan_retention(run, topic);
        run->next_number += (uint32_t)topic->partitions;
    }
}

static void start_planned_clients(struct run *run)
{
    run->producers[run->producer_count++] =
        producer_create(run, 0, PRODUCER_IDEMPOTENT, run->options.plan->batches, 0);
    churner_finish(run->churner);
}

static void start_clients(struct run *run)
{
    int producers = (int)rng_between(&run->rng, 1, PRODUCERS_MAX);
    int consumers = (int)rng_between(&run->rng, 1, CONSUMERS_MAX);

    for (int i = 0; i < producers; i++) {
        /* The first is idempotent; of the others each kind comes up. */
        enum producer_kind kind = i == 0 || rng_chance(&run->rng, 40)
                                      ? PRODUCER_IDEMPOTENT
                                      : (enum producer_kind)rng_below(&run->rng, 4);

        int batches = (int)rng_between(&run->rng, 10, BATCHES_MAX);

        for (int at = run_first_broker(run); at < run->server_count; at++)
            if (run_has_leader(run, at)) {
                run->producers[run->producer_count] =
                    producer_create(run, (uint32_t)run->producer_count, kind, batches, at);
                run->producer_count++;
            }
    }
    for (int i = 0; i < consumers; i++)
        for (int at = run_first_broker(run); at < run->server_count; at++)
            if (run_has_leader(run, at)) {
                run->consumers[run->consumer_count] =
                    consumer_create(run, (uint32_t)run->consumer_count, CONSUMER_FOLLOWER, at);
                run->consumer_count++;
            }
    if (rng_chance(&run->rng, TRIMMED_PERCENT))
        run->trimmer = trimmer_create(run);
    run->groups = groups_create(run);
}

static void to_phase(struct run *run, enum run_phase phase, int64_t at_most_us)
{
    run->phase = phase;
    run->phase_ends_us = sim_now_us(run->sim) + at_most_us;
    run_say(run, "--- %s", phase_names[phase]);
}

static void begin_work(struct run *run)
{
    if (run->options.plan) {
        start_planned_clients(run);
        to_phase(run, RUN_WORK, PLANNED_WORK_MAX_US);
        return;
    }
    start_clients(run);
    if (!run->options.is_calm)
        for (int i = 0; i < run->server_count; i++)
            run->nemeses[i] = nemesis_create(run, run->servers[i]);
    to_phase(run, RUN_WORK, rng_between(&run->rng, WORK_MIN_US, WORK_MAX_US));
}

/* --- from phase to phase ---------------------------------------------------- */

static bool are_producers_done(const struct run *run)
{
    for (int i = 0; i < run->producer_count; i++)
        if (!producer_is_done(run->producers[i]))
            return false;
    return true;
}

static void end_nemeses(struct run *run)
{
    for (int i = 0; i < run->server_count; i++)
        run->nemeses[i] = nemesis_destroy(run->nemeses[i]);
}

static bool are_all_up(const struct run *run, bool again)
{
    for (int i = 0; i < run->server_count; i++) {
        const struct server *server = run->servers[i];

        if (!server->broker || (again && server->starts <= server->starts_before))
            return false;
    }
    return true;
}

static void begin_healing(struct run *run)
{
    end_nemeses(run);
    for (int i = 0; i < run->producer_count; i++)
        producer_finish(run->producers[i]);
    churner_finish(run->churner);
    if (run->trimmer)
        trimmer_finish(run->trimmer);
    if (run->groups)
        groups_finish(run->groups);
    to_phase(run, RUN_HEAL, HEAL_MAX_US);
}

/* Power that is lost at the end tells apart what was durable from what looked so. */
static void restart(struct run *run, struct server *server)
{
    uint64_t how = rng_below(&run->rng, 3);

    server->starts_before = server->starts;
    if (run->options.plan)
        server_kill(server, run->options.plan->death);
    else if (how == 0 || run->options.is_calm)
        server_stop(server);
    else
        server_kill(server, how == 1 ? SIM_KILL : SIM_POWER_LOSS);
}

static void begin_restart(struct run *run)
{
    to_phase(run, RUN_RESTART, RESTART_MAX_US);
    for (int i = run->server_count; i-- > 0;) /* The controller last: the others ask it. */
        restart(run, run->servers[i]);
}

/* Page-cache topics may have lost something if the power was ever lost. */
static void note_lossy_topics(struct run *run)
{
    bool has_lost_power = sim_stats(run->sim)->power_losses > 0;

    for (int t = 0; t < run->topic_count; t++)
        for (int32_t i = 0; i < run->topics[t].partitions; i++)
            if (run->topics[t].is_lossy && has_lost_power)
                history_set_lossy(run->history, run->topics[t].first_number + (uint32_t)i);
}

static void note_compacted_topics(struct run *run)
{
    for (int t = 0; t < run->topic_count; t++)
        for (int32_t i = 0; i < run->topics[t].partitions; i++)
            if (run->topics[t].is_compacted)
                history_set_compacted(run->history, run->topics[t].first_number + (uint32_t)i,
                                      record_key);
}

static void begin_reading(struct run *run)
{
    for (int at = run_first_broker(run); at < run->server_count; at++)
        if (run_has_leader(run, at)) {
            run->readers[run->reader_count] = consumer_create(
                run, (uint32_t)(READER_NUMBER + run->reader_count), CONSUMER_READER, at);
            run->reader_count++;
        }
    if (run->groups)
        groups_begin_reading(run->groups);
    to_phase(run, RUN_READ, READ_MAX_US);
}

static void too_late(struct run *run)
{
    struct text where = {.data = NULL};

    for (int i = 0; i < run->producer_count; i++)
        if (!producer_is_done(run->producers[i]))
            producer_print(run->producers[i], &where);
    if (!churner_is_done(run->churner))
        churner_print(run->churner, &where);
    if (run->trimmer && !trimmer_is_done(run->trimmer))
        trimmer_print(run->trimmer, &where);
    if (run->groups)
        groups_print(run->groups, &where);
    for (int i = 0; i < run->reader_count; i++)
        consumer_print(run->readers[i], &where);
    run_fail(run, "nothing goes on while %s; %s up\n%s", phase_names[run->phase],
             are_all_up(run, false) ? "all is" : "not all is", where.data ? where.data : "");
    text_fini(&where);
    run->phase = RUN_OVER;
}

static bool are_readers_done(const struct run *run)
{
    for (int i = 0; i < run->reader_count; i++)
        if (!consumer_is_done(run->readers[i]))
            return false;
    return true;
}

static void tick(struct sim *sim, struct sim_event *event)
{
    struct run *run = container_of(event, struct run, tick);

    for (int i = 0; i < run->server_count; i++)
        server_tick(run->servers[i]);
    if (run->groups)
        groups_tick(run->groups);
    switch (run->phase) {
    case RUN_SETUP:
        if (churner_is_set_up(run->churner))
            begin_work(run);
        break;
    case RUN_WORK:
        if (sim_now_us(sim) >= run->phase_ends_us || (run->options.plan && are_producers_done(run)))
            begin_healing(run);
        break;
    case RUN_HEAL:
        if (are_producers_done(run) && churner_is_done(run->churner) &&
            (!run->trimmer || trimmer_is_done(run->trimmer)) && are_all_up(run, false) &&
            (!run->groups || groups_are_settled(run->groups)))
            begin_restart(run);
        break;
    case RUN_RESTART:
        if (are_all_up(run, true))
            begin_reading(run);
        break;
    case RUN_READ:
        if (are_readers_done(run) &&
            (!run->groups || (groups_are_read(run->groups) && groups_are_settled(run->groups))))
            run->phase = RUN_OVER;
        break;
    case RUN_OVER: break;
    }
    if (run->phase != RUN_OVER && sim_now_us(sim) >= run->phase_ends_us)
        too_late(run);
    sim_event_set(sim, event, sim_now_us(sim) + TICK_US);
}

/* --- the whole -------------------------------------------------------------- */

struct io_address run_any_broker(struct run *run)
{
    int first = run_first_broker(run);

    return server_address(run->servers[rng_between(&run->rng, first, run->server_count - 1)]);
}

bool run_may_not_know(const struct run *run, int16_t error)
{
    return run->is_cluster &&
           (error == ERROR_UNKNOWN_TOPIC_OR_PARTITION || error == ERROR_UNKNOWN_TOPIC_ID);
}

bool run_has_leader(const struct run *run, int at)
{
    for (int t = 0; t < run->topic_count; t++)
        for (int32_t i = 0; i < run->topics[t].partitions; i++)
            if (run->topics[t].leaders[i] == at)
                return true;
    return false;
}

/* The numbers of a cluster's brokers are their places in run->servers. */
static void create_servers(struct run *run, int shards)
{
    run->server_count = run->is_cluster ? SERVERS_MAX : 1;
    run->servers[0] = server_create(run, run->is_cluster ? 1 : shards,
                                    run->is_cluster ? SERVER_CONTROLLER : SERVER_WHOLE,
                                    SERVER_CONTROLLER_ID, NULL);
    run->server = run->servers[0];
    for (int i = 1; i < run->server_count; i++)
        run->servers[i] = server_create(run, shards, SERVER_BROKER, i, run->server);
}

static struct run *run_create(const struct run_options *options)
{
    struct run *run = mem_new(sizeof(*run));
    int shards = options->shards;

    run->options = *options;
    run->rng = rng_of(options->seed ^ 0x5eed5eed5eed5eedu);
    run->sim = sim_create(&(struct sim_options){
        .seed = options->seed,
        .trace = options->trace,
        .is_calm = options->is_calm,
    });
    run->history = history_create();
    run->next_value = 1;
    if (shards == 0)
        shards = rng_chance(&run->rng, 50) ? 1 : 4;
    run->is_cluster = !options->plan && rng_chance(&run->rng, CLUSTER_PERCENT);
    create_servers(run, shards);
    plan_topics(run);
    run->churner = churner_create(run);
    run->tick.fire = tick;
    return run;
}

static void run_destroy(struct run *run)
{
    sim_event_cancel(run->sim, &run->tick);
    end_nemeses(run);
    for (int i = run->server_count; i-- > 0;)
        run->servers[i] = server_destroy(run->servers[i]);
    for (int i = 0; i < run->producer_count; i++)
        run->producers[i] = producer_destroy(run->producers[i]);
    for (int i = 0; i < run->consumer_count; i++)
        run->consumers[i] = consumer_destroy(run->consumers[i]);
    for (int i = 0; i < run->reader_count; i++)
        run->readers[i] = consumer_destroy(run->readers[i]);
    run->churner = churner_destroy(run->churner);
    run->trimmer = trimmer_destroy(run->trimmer);
    run->groups = groups_destroy(run->groups);
    run->history = history_destroy(run->history);
    run->sim = sim_destroy(run->sim);
    text_fini(&run->why);
    text_fini(&run->ids);
    mem_free(run);
}

static bool is_over(void *context)
{
    return ((struct run *)context)->phase == RUN_OVER;
}

static bool judge(struct run *run, FILE *out)
{
    size_t anomalies;
    bool is_good_for_groups;

    note_lossy_topics(run);
    note_compacted_topics(run);
    anomalies = history_check(run->history);
    is_good_for_groups = !run->groups || groups_judge(run->groups, NULL);
    if (run->failures == 0 && anomalies == 0 && is_good_for_groups)
        return true;
    if (!out)
        return false;
    fprintf(out, "seed %" PRIu64 ", %d shards%s:\n", run->options.seed,
            run->servers[run->server_count - 1]->shards, run->is_cluster ? ", a cluster" : "");
    if (run->failures > 0)
        fprintf(out, "%s", run->why.data);
    history_print(run->history, out, ANOMALIES_SHOWN);
    if (!is_good_for_groups)
        (void)groups_judge(run->groups, out);
    return false;
}

struct run_result run_seed(const struct run_options *options, FILE *out)
{
    struct run *run = run_create(options);
    struct run_result result;

    to_phase(run, RUN_SETUP, SETUP_MAX_US);
    sim_event_set(run->sim, &run->tick, 0);
    (void)sim_run_until(run->sim, INT64_MAX / 2, is_over, run);
    result = (struct run_result){
        .is_good = judge(run, out),
        .hash = sim_trace_hash(run->sim),
        .stats = *sim_stats(run->sim),
        .virtual_us = sim_now_us(run->sim),
        .values = (size_t)run->next_value - 1,
    };
    if (run->groups)
        result.groups = groups_sizes(run->groups);
    for (int i = 0; i < run->reader_count; i++)
        result.records_at_end += consumer_count(run->readers[i]);
    history_sizes(run->history, &result.writes, &result.acknowledged, &result.records_read);
    run_destroy(run);
    return result;
}
