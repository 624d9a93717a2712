/* SPDX-License-Identifier: Apache-2.0 */

/* cli/reassign_moves.c - kafka-reassign-partitions: --execute, --verify and --cancel. */

#include "base/java_order.h"
#include "cli/reassign.h"
#include "wire/errors.h"
#include "wire/msg/list_partition_reassignments.h"

#include <stdio.h>
#include <stdlib.h>

#define LEADER_RATE "leader.replication.throttled.rate"
#define FOLLOWER_RATE "follower.replication.throttled.rate"
#define DIRS_RATE "replica.alter.log.dirs.io.max.bytes.per.second"
#define LEADER_REPLICAS "leader.replication.throttled.replicas"
#define FOLLOWER_REPLICAS "follower.replication.throttled.replicas"

enum { NUMBER_SIZE = 24 };

static bool is_any(struct slice dir)
{
    return slice_is_text(dir, "any");
}

static bool has_replica(const int32_t *replicas, size_t count, int32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (replicas[i] == id)
            return true;
    return false;
}

static bool is_same(const struct reassign_part *a, const struct reassign_part *b)
{
    return a->partition == b->partition && slice_equal(a->topic, b->topic);
}

static void print_names(const struct reassign_parts *parts, struct text *out)
{
    for (size_t i = 0; i < parts->count; i++)
        text_printf(out, "%s%.*s-%d", i ? "," : "", SLICE_ARG(parts->items[i].topic),
                    parts->items[i].partition);
}

/* --- which ids and topics a file has ----------------------------------------- */

struct ids {
    int32_t *items; /* Arena. */
    size_t count;
};

static int by_id(const void *a, const void *b)
{
    const int32_t *x = a;
    const int32_t *y = b;

    return (*x > *y) - (*x < *y);
}

/* All replicas of all partitions, sorted; there is room for `more`. */
static struct ids find_ids(struct reassign *r, const struct reassign_parts *parts, size_t more)
{
    struct ids ids = {.count = 0};
    size_t count = more + 1;

    for (size_t i = 0; i < parts->count; i++)
        count += parts->items[i].replica_count;
    ids.items = arena_new(&r->admin.arena, count * sizeof(*ids.items));
    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->items[i].replica_count; k++)
            if (!has_replica(ids.items, ids.count, parts->items[i].replicas[k]))
                ids.items[ids.count++] = parts->items[i].replicas[k];
    if (ids.count > 1)
        qsort(ids.items, ids.count, sizeof(*ids.items), by_id);
    return ids;
}

/* All topics, in the order of the set that Kafka's tool has them in. */
static struct reassign_topics find_topics(struct reassign *r, const struct reassign_parts *parts)
{
    struct arena *arena = &r->admin.arena;
    struct slice *names = arena_new(arena, (parts->count + 1) * sizeof(*names));
    size_t *order = arena_new(arena, (parts->count + 1) * sizeof(*order));
    struct reassign_topics topics = {.count = 0};

    topics.items = arena_new(arena, (parts->count + 1) * sizeof(*topics.items));
    for (size_t i = 0; i < parts->count; i++) {
        bool is_known = false;

        for (size_t k = 0; k < topics.count && !is_known; k++)
            is_known = slice_equal(names[k], parts->items[i].topic);
        if (!is_known)
            names[topics.count++] = parts->items[i].topic;
    }
    java_order_sort(names, topics.count, 0, order);
    for (size_t i = 0; i < topics.count; i++)
        topics.items[i] = names[order[i]];
    return topics;
}

/* The same partitions, sorted. */
static struct reassign_parts sorted(struct reassign *r, const struct reassign_parts *parts)
{
    struct reassign_parts copy = {.count = parts->count};

    copy.items = arena_new(&r->admin.arena, (parts->count + 1) * sizeof(*copy.items));
    for (size_t i = 0; i < parts->count; i++)
        copy.items[i] = parts->items[i];
    reassign_sort(&copy);
    return copy;
}

/* The move of a partition that is under way, or NULL. */
static const struct list_partition_reassignments_ongoing_partition_reassignment *
find_move(const struct list_partition_reassignments_response *moves,
          const struct reassign_part *part)
{
    for (int32_t t = 0; t < moves->topics_count; t++) {
        if (!slice_equal(moves->topics[t].name, part->topic))
            continue;
        for (int32_t i = 0; i < moves->topics[t].partitions_count; i++)
            if (moves->topics[t].partitions[i].partition_index == part->partition)
                return &moves->topics[t].partitions[i];
    }
    return NULL;
}

/* --- execute: what is wrong with the file ------------------------------------ */

static void check_twice(const struct reassign_parts *parts, struct text *why)
{
    for (size_t i = 0; i < parts->count; i++) {
        int before = 0;

        for (size_t k = 0; k < i; k++)
            before += is_same(&parts->items[i], &parts->items[k]);
        if (before == 1)
            text_printf(why, "%s%.*s-%d",
                        why->size ? ","
                                  : "Partition reassignment contains duplicate topic partitions: ",
                        SLICE_ARG(parts->items[i].topic), parts->items[i].partition);
    }
}

/* The replicas of one partition that are there twice. */
static void print_twice(const struct reassign_part *part, struct text *out)
{
    for (size_t i = 0; i < part->replica_count; i++) {
        int before = 0;

        for (size_t k = 0; k < i; k++)
            before += part->replicas[i] == part->replicas[k];
        if (before == 1)
            text_printf(out, "%s%d", out->size ? "," : "", part->replicas[i]);
    }
}

static void check_replicas(const struct reassign_parts *parts, struct text *why)
{
    for (size_t i = 0; i < parts->count; i++) {
        struct text twice = {.data = NULL};

        print_twice(&parts->items[i], &twice);
        if (twice.size > 0)
            text_printf(why, "%s%.*s-%d contains multiple entries for %s",
                        why->size ? ". "
                                  : "Partition replica lists may not contain duplicate entries: ",
                        SLICE_ARG(parts->items[i].topic), parts->items[i].partition, twice.data);
        text_fini(&twice);
    }
}

static bool check_parts(const struct reassign_parts *parts, struct text *why)
{
    if (parts->count == 0)
        text_printf(why, "Partition reassignment list cannot be empty");
    for (size_t i = 0; i < parts->count && why->size == 0; i++)
        if (parts->items[i].replica_count == 0)
            text_printf(why, "Partition replica list cannot be empty");
    if (why->size == 0)
        check_twice(parts, why);
    if (why->size == 0)
        check_replicas(parts, why);
    return why->size == 0;
}

/* --- execute: against what the cluster has ----------------------------------- */

static bool check_other_moves(struct reassign *r,
                              const struct list_partition_reassignments_response **out)
{
    if (!reassign_list(r, NULL, out))
        return false;
    if (reassign_has(r, REASSIGN_additional) || (*out)->topics_count == 0)
        return true;
    r->is_terse = true;
    text_printf(&r->cli->why,
                "Cannot execute because there is an existing partition assignment.  Use "
                "--additional to override this and create a new partition assignment in addition "
                "to the existing one. The --additional flag can also be used to change the "
                "throttle by resubmitting the current reassignment.");
    return false;
}

static bool check_brokers(struct reassign *r, const struct reassign_parts *parts)
{
    struct ids ids = find_ids(r, parts, 0);

    for (size_t i = 0; i < ids.count; i++) {
        bool is_known = false;

        for (int32_t k = 0; k < r->metadata->brokers_count && !is_known; k++)
            is_known = r->metadata->brokers[k].node_id == ids.items[i];
        if (!is_known) {
            text_printf(&r->cli->why, "Unknown broker id %d", ids.items[i]);
            return false;
        }
    }
    return true;
}

/* What the partitions have now: in the same order. */
static bool find_current(struct reassign *r, const struct reassign_parts *parts,
                         struct reassign_parts *out)
{
    struct text *why = &r->cli->why;

    out->count = 0;
    out->items = arena_new(&r->admin.arena, (parts->count + 1) * sizeof(*out->items));
    for (size_t i = 0; i < parts->count; i++)
        if (!reassign_find_topic(r, parts->items[i].topic)) {
            text_printf(why, "Topic %.*s not found.", SLICE_ARG(parts->items[i].topic));
            return false;
        }
    for (size_t i = 0; i < parts->count; i++) {
        const struct reassign_part *part = &parts->items[i];
        const struct metadata_response_partition *now =
            reassign_find_part(r, part->topic, part->partition);

        if (!now) {
            text_printf(why, "Unable to find partition: %.*s-%d", SLICE_ARG(part->topic),
                        part->partition);
            return false;
        }
        if (!reassign_current(r, part->topic, now, &out->items[out->count++]))
            return false;
    }
    return true;
}

/* Replicas that a move is adding do not send anything yet. */
static void leave_out_added(struct reassign *r,
                            const struct list_partition_reassignments_response *moves,
                            struct reassign_parts *now)
{
    for (size_t i = 0; i < now->count; i++) {
        struct reassign_part *part = &now->items[i];
        const struct list_partition_reassignments_ongoing_partition_reassignment *move =
            find_move(moves, part);
        int32_t *replicas =
            arena_new(&r->admin.arena, (part->replica_count + 1) * sizeof(*replicas));
        size_t count = 0;

        for (size_t k = 0; k < part->replica_count; k++)
            if (!move ||
                !has_replica(move->adding_replicas, (size_t)max_of(move->adding_replicas_count, 0),
                             part->replicas[k]))
                replicas[count++] = part->replicas[k];
        if (count > 1)
            qsort(replicas, count, sizeof(*replicas), by_id);
        part->replicas = replicas;
        part->replica_count = count;
    }
}

static void print_current(struct reassign *r, struct reassign_parts *now)
{
    struct text out = {.data = NULL};

    text_printf(&out, "Current partition replica assignment\n\n");
    reassign_print_parts(now, &out);
    text_printf(&out, "\n\nSave this to use as the --reassignment-json-file option during "
                      "rollback\n");
    console_write(&r->cli->out, out.data, out.size);
    text_fini(&out);
}

/* --- execute: throttles ------------------------------------------------------ */

static const struct reassign_part *find_same(const struct reassign_parts *parts,
                                             const struct reassign_part *part)
{
    for (size_t i = 0; i < parts->count; i++)
        if (is_same(&parts->items[i], part))
            return &parts->items[i];
    return NULL;
}

/* "partition:broker", of those that send and of those that get. */
static void print_throttled(const struct reassign_part *now, const struct reassign_part *then,
                            struct text *leaders, struct text *followers)
{
    for (size_t i = 0; i < now->replica_count; i++)
        text_printf(leaders, "%s%d:%d", leaders->size ? "," : "", now->partition, now->replicas[i]);
    for (size_t i = 0; i < then->replica_count; i++)
        if (!has_replica(now->replicas, now->replica_count, then->replicas[i]))
            text_printf(followers, "%s%d:%d", followers->size ? "," : "", then->partition,
                        then->replicas[i]);
}

static bool throttle_topic(struct reassign *r, struct slice topic, const struct reassign_parts *now,
                           const struct reassign_parts *then)
{
    struct text leaders = {.data = NULL}, followers = {.data = NULL};
    struct reassign_parts all = sorted(r, then);
    struct reassign_setting settings[2];
    bool is_good;

    for (size_t i = 0; i < all.count; i++) {
        const struct reassign_part *before = find_same(now, &all.items[i]);

        if (before && slice_equal(all.items[i].topic, topic))
            print_throttled(before, &all.items[i], &leaders, &followers);
    }
    settings[0] = (struct reassign_setting){LEADER_REPLICAS,
                                            leaders.size ? text_slice(&leaders) : slice_empty()};
    settings[1] = (struct reassign_setting){
        FOLLOWER_REPLICAS, followers.size ? text_slice(&followers) : slice_empty()};
    is_good = reassign_configure(r, topic, 0, settings, COUNT_OF(settings));
    text_fini(&leaders);
    text_fini(&followers);
    return is_good;
}

static bool throttle_brokers(struct reassign *r, const struct reassign_parts *now,
                             const struct reassign_parts *then, int64_t rate)
{
    struct ids ids = find_ids(r, now, find_ids(r, then, 0).count);
    struct ids more = find_ids(r, then, 0);
    char number[NUMBER_SIZE];
    struct reassign_setting settings[2];

    for (size_t i = 0; i < more.count; i++)
        if (!has_replica(ids.items, ids.count, more.items[i]))
            ids.items[ids.count++] = more.items[i];
    snprintf(number, sizeof(number), "%lld", (long long)rate);
    settings[0] = (struct reassign_setting){LEADER_RATE, slice_text(number)};
    settings[1] = (struct reassign_setting){FOLLOWER_RATE, slice_text(number)};
    for (size_t i = 0; i < ids.count; i++)
        if (!reassign_configure(r, slice_null(), ids.items[i], settings, COUNT_OF(settings)))
            return false;
    return true;
}

/* Brokers whose replicas are to be in certain directories. */
static bool throttle_dirs(struct reassign *r, const struct reassign_parts *then, int64_t rate)
{
    char number[NUMBER_SIZE];
    struct reassign_setting setting = {DIRS_RATE, slice_null()};
    struct ids ids = find_ids(r, then, 0);

    snprintf(number, sizeof(number), "%lld", (long long)rate);
    setting.value = slice_text(number);
    for (size_t b = 0; b < ids.count; b++) {
        bool has_dir = false;

        for (size_t i = 0; i < then->count; i++)
            for (size_t k = 0; k < then->items[i].replica_count; k++)
                has_dir = has_dir || (then->items[i].replicas[k] == ids.items[b] &&
                                      !is_any(then->items[i].dirs[k]));
        if (has_dir && !reassign_configure(r, slice_null(), ids.items[b], &setting, 1))
            return false;
    }
    return true;
}

static bool throttle(struct reassign *r, const struct reassign_parts *now,
                     const struct reassign_parts *then, int64_t rate, int64_t dirs_rate)
{
    struct reassign_topics topics = find_topics(r, then);
    struct console_out *out = &r->cli->out;

    if (rate < 0 && dirs_rate < 0)
        return true;
    console_printf(out, "Warning: You must run --verify periodically, until the reassignment "
                        "completes, to ensure the throttle is removed.\n");
    if (rate >= 0) {
        for (size_t i = 0; i < topics.count; i++)
            if (!throttle_topic(r, topics.items[i], now, then))
                return false;
        if (!throttle_brokers(r, now, then, rate))
            return false;
        console_printf(out, "The inter-broker throttle limit was set to %lld B/s\n",
                       (long long)rate);
    }
    if (dirs_rate >= 0) {
        if (!throttle_dirs(r, then, dirs_rate))
            return false;
        console_printf(out, "The replica-alter-dir throttle limit was set to %lld B/s\n",
                       (long long)dirs_rate);
    }
    return true;
}

/* --- execute ----------------------------------------------------------------- */

static bool start_moves(struct reassign *r, struct reassign_parts *parts)
{
    struct text failures = {.data = NULL}, names = {.data = NULL};
    bool is_good;

    if (!reassign_alter(r, parts, false, &failures))
        return false;
    is_good = failures.size == 0;
    reassign_sort(parts);
    print_names(parts, &names);
    if (is_good)
        console_printf(&r->cli->out, "Successfully started partition reassignment%s for %s\n",
                       parts->count > 1 ? "s" : "", names.data);
    else
        text_printf(&r->cli->why, "Error reassigning partition(s):\n%s", failures.data);
    r->is_terse = !is_good;
    text_fini(&failures);
    text_fini(&names);
    return is_good;
}

static bool start_dir_moves(struct reassign *r, const struct reassign_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->items[i].replica_count; k++) {
            const struct reassign_part *part = &parts->items[i];
            int16_t error;

            if (is_any(part->dirs[k]))
                continue;
            if (!reassign_alter_dir(r, part, k, &error))
                return false;
            if (error != ERROR_NONE) {
                text_printf(&r->cli->why, "Failed to alter dir for %.*s-%d-%d",
                            SLICE_ARG(part->topic), part->partition, part->replicas[k]);
                return false;
            }
            console_printf(&r->cli->out,
                           "Successfully started moving log directory to %.*s for replica "
                           "%.*s-%d with broker %d \n",
                           SLICE_ARG(part->dirs[k]), SLICE_ARG(part->topic), part->partition,
                           part->replicas[k]);
        }
    return true;
}

bool reassign_execute(struct reassign *r)
{
    struct options *options = &r->cli->options;
    const struct list_partition_reassignments_response *moves;
    int64_t rate = -1, dirs_rate = -1, timeout = 0;
    struct reassign_parts parts, now;

    if (options_number(options, REASSIGN_throttle, &rate, &r->cli->why) ||
        options_number(options, REASSIGN_dirs_throttle, &dirs_rate, &r->cli->why) ||
        options_number(options, REASSIGN_timeout, &timeout, &r->cli->why))
        return false;
    if (!reassign_read_parts(r, &parts) || !check_parts(&parts, &r->cli->why) ||
        !check_other_moves(r, &moves) || !reassign_ask_metadata(r) || !check_brokers(r, &parts) ||
        !find_current(r, &parts, &now))
        return false;
    print_current(r, &now);
    leave_out_added(r, moves, &now);
    return throttle(r, &now, &parts, rate, dirs_rate) && start_moves(r, &parts) &&
           start_dir_moves(r, &parts);
}

/* --- taking throttles away --------------------------------------------------- */

static bool clear_brokers(struct reassign *r, const struct reassign_parts *parts)
{
    static const struct reassign_setting settings[] = {
        {LEADER_RATE, {NULL, 0}}, {FOLLOWER_RATE, {NULL, 0}}, {DIRS_RATE, {NULL, 0}}};
    const struct metadata_response *m = r->metadata;
    struct ids ids = find_ids(r, parts, (size_t)m->brokers_count);

    for (int32_t i = 0; i < m->brokers_count; i++)
        if (!has_replica(ids.items, ids.count, m->brokers[i].node_id))
            ids.items[ids.count++] = m->brokers[i].node_id;
    if (ids.count > 1)
        qsort(ids.items, ids.count, sizeof(*ids.items), by_id);
    console_printf(&r->cli->out, "Clearing broker-level throttles on broker%s ",
                   ids.count == 1 ? "" : "s");
    for (size_t i = 0; i < ids.count; i++)
        console_printf(&r->cli->out, "%s%d", i ? "," : "", ids.items[i]);
    console_printf(&r->cli->out, "\n");
    for (size_t i = 0; i < ids.count; i++)
        if (!reassign_configure(r, slice_null(), ids.items[i], settings, COUNT_OF(settings)))
            return false;
    return true;
}

static bool clear_topics(struct reassign *r, const struct reassign_parts *parts)
{
    static const struct reassign_setting settings[] = {{LEADER_REPLICAS, {NULL, 0}},
                                                       {FOLLOWER_REPLICAS, {NULL, 0}}};
    struct reassign_topics topics = find_topics(r, parts);

    console_printf(&r->cli->out, "Clearing topic-level throttles on topic%s ",
                   topics.count == 1 ? "" : "s");
    for (size_t i = 0; i < topics.count; i++)
        console_printf(&r->cli->out, "%s%.*s", i ? "," : "", SLICE_ARG(topics.items[i]));
    console_printf(&r->cli->out, "\n");
    for (size_t i = 0; i < topics.count; i++)
        if (!reassign_configure(r, topics.items[i], 0, settings, COUNT_OF(settings)))
            return false;
    return true;
}

static bool clear_throttles(struct reassign *r, const struct reassign_parts *parts)
{
    return clear_brokers(r, parts) && clear_topics(r, parts);
}

/* --- verify ------------------------------------------------------------------ */

static bool is_done(const struct reassign_part *part, const struct metadata_response_partition *now)
{
    if (!now || (size_t)now->replica_nodes_count != part->replica_count)
        return false;
    for (size_t i = 0; i < part->replica_count; i++)
        if (now->replica_nodes[i] != part->replicas[i])
            return false;
    return true;
}

static void print_ids(const int32_t *ids, size_t count, struct console_out *out)
{
    for (size_t i = 0; i < count; i++)
        console_printf(out, "%s%d", i ? "," : "", ids[i]);
}

static void print_state(struct reassign *r, const struct reassign_part *part, bool is_moving)
{
    const struct metadata_response_partition *now =
        reassign_find_part(r, part->topic, part->partition);
    struct console_out *out = &r->cli->out;

    if (is_moving || is_done(part, now)) {
        console_printf(out, "Reassignment of partition %.*s-%d is %s.\n", SLICE_ARG(part->topic),
                       part->partition, is_moving ? "still in progress" : "completed");
        return;
    }
    console_printf(out, "There is no active reassignment of partition %.*s-%d, but replica set is ",
                   SLICE_ARG(part->topic), part->partition);
    if (now)
        print_ids(now->replica_nodes, (size_t)max_of(now->replica_nodes_count, 0), out);
    console_printf(out, " rather than ");
    print_ids(part->replicas, part->replica_count, out);
    console_printf(out, ".\n");
}

/* What became of a replica's way to a directory; `*out_is_moving` if it is under way. */
static bool print_dir_state(struct reassign *r, const struct reassign_part *part, size_t replica,
                            bool *out_is_moving)
{
    struct console_out *out = &r->cli->out;
    struct slice wanted = part->dirs[replica];
    int32_t broker = part->replicas[replica];
    struct slice dir, future;

    if (!reassign_find_dirs(r, part->topic, part->partition, broker, &dir, &future))
        return false;
    if (slice_is_null(future) && slice_equal(dir, wanted)) {
        console_printf(out, "Reassignment of replica %.*s-%d-%d completed successfully.\n",
                       SLICE_ARG(part->topic), part->partition, broker);
    } else if (slice_is_null(dir)) {
        console_printf(out,
                       "Partition %.*s-%d cannot be found in any live log directory on broker "
                       "%d.\n",
                       SLICE_ARG(part->topic), part->partition, broker);
    } else if (slice_is_null(future)) {
        console_printf(out,
                       "Partition %.*s-%d on broker %d is not being moved from log dir %.*s to "
                       "%.*s.\n",
                       SLICE_ARG(part->topic), part->partition, broker, SLICE_ARG(dir),
                       SLICE_ARG(wanted));
    } else if (slice_equal(future, wanted)) {
        *out_is_moving = true;
        console_printf(out, "Reassignment of replica %.*s-%d-%d is still in progress.\n",
                       SLICE_ARG(part->topic), part->partition, broker);
    } else {
        console_printf(out,
                       "Partition %.*s-%d on broker %d is being moved to log dir %.*s instead of "
                       "%.*s.\n",
                       SLICE_ARG(part->topic), part->partition, broker, SLICE_ARG(future),
                       SLICE_ARG(wanted));
    }
    return true;
}

static bool print_dir_states(struct reassign *r, const struct reassign_parts *parts,
                             bool *out_is_moving)
{
    bool has_any = false;

    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->items[i].replica_count; k++) {
            if (is_any(parts->items[i].dirs[k]))
                continue;
            has_any = true;
            if (!print_dir_state(r, &parts->items[i], k, out_is_moving))
                return false;
        }
    if (!has_any)
        console_printf(&r->cli->out, "\n");
    return true;
}

bool reassign_verify(struct reassign *r)
{
    const struct list_partition_reassignments_response *moves;
    struct reassign_parts in_file, parts;
    bool is_moving = false;

    if (!reassign_read_parts(r, &in_file) || !reassign_ask_metadata(r) ||
        !reassign_list(r, &in_file, &moves))
        return false;
    parts = sorted(r, &in_file);
    console_printf(&r->cli->out, "Status of partition reassignment:\n");
    for (size_t i = 0; i < parts.count; i++) {
        bool is_this_moving = find_move(moves, &parts.items[i]) != NULL;

        print_state(r, &parts.items[i], is_this_moving);
        is_moving = is_moving || is_this_moving;
    }
    if (!print_dir_states(r, &parts, &is_moving))
        return false;
    return is_moving || reassign_has(r, REASSIGN_preserve) || clear_throttles(r, &in_file);
}

/* --- cancel ------------------------------------------------------------------ */

static bool cancel_moves(struct reassign *r, const struct reassign_parts *parts)
{
    const struct list_partition_reassignments_response *moves;
    struct text failures = {.data = NULL}, names = {.data = NULL};
    struct reassign_parts active = {.count = 0};
    bool is_good;

    if (!reassign_list(r, parts, &moves))
        return false;
    active.items = arena_new(&r->admin.arena, (parts->count + 1) * sizeof(*active.items));
    for (size_t i = 0; i < parts->count; i++)
        if (find_move(moves, &parts->items[i]))
            active.items[active.count++] = parts->items[i];
    if (active.count == 0) {
        console_printf(&r->cli->out, "None of the specified partition reassignments are active.\n");
        return true;
    }
    if (!reassign_alter(r, &active, true, &failures))
        return false;
    is_good = failures.size == 0;
    print_names(&active, &names);
    if (is_good)
        console_printf(&r->cli->out, "Successfully cancelled partition reassignment%s for: %s\n",
                       active.count > 1 ? "s" : "", names.data);
    else
        text_printf(&r->cli->why, "Error cancelling partition reassignment%s for:\n%s",
                    active.count > 1 ? "s" : "", failures.data);
    r->is_terse = !is_good;
    text_fini(&failures);
    text_fini(&names);
    return is_good;
}

/* Lets a replica stay where it is; `*out_count` counts those that were on their way. */
static bool cancel_dir_move(struct reassign *r, const struct reassign_part *part, size_t replica,
                            int *out_count)
{
    struct reassign_part stay = *part;
    struct slice dir, future;
    int16_t error;

    if (is_any(part->dirs[replica]))
        return true;
    if (!reassign_find_dirs(r, part->topic, part->partition, part->replicas[replica], &dir,
                            &future))
        return false;
    if (slice_is_null(future) || slice_is_null(dir))
        return true;
    stay.replicas = &part->replicas[replica];
    stay.dirs = &dir;
    if (!reassign_alter_dir(r, &stay, 0, &error))
        return false;
    if (error != ERROR_NONE) {
        admin_explain(r->cli, error, slice_null());
        return false;
    }
    console_printf(&r->cli->out, "Successfully cancelled log directory move of %.*s-%d-%d\n",
                   SLICE_ARG(part->topic), part->partition, part->replicas[replica]);
    ++*out_count;
    return true;
}

/* Kafka's tool has the next line begin behind this sentence. */
static bool cancel_dir_moves(struct reassign *r, const struct reassign_parts *parts)
{
    int count = 0;

    for (size_t i = 0; i < parts->count; i++)
        for (size_t k = 0; k < parts->items[i].replica_count; k++)
            if (!cancel_dir_move(r, &parts->items[i], k, &count))
                return false;
    if (count == 0)
        console_printf(&r->cli->out, "None of the specified partition moves are active.%s",
                       r->cli->is_kafka ? "" : "\n");
    return true;
}

bool reassign_cancel(struct reassign *r)
{
    struct reassign_parts in_file, parts;
    int64_t timeout = 0;

    if (options_number(&r->cli->options, REASSIGN_timeout, &timeout, &r->cli->why) ||
        !reassign_read_parts(r, &in_file) || !reassign_ask_metadata(r))
        return false;
    parts = sorted(r, &in_file);
    if (!cancel_moves(r, &parts) || !cancel_dir_moves(r, &parts))
        return false;
    return reassign_has(r, REASSIGN_preserve) || clear_throttles(r, &in_file);
}
