/* SPDX-License-Identifier: Apache-2.0 */

/* cli/groups_reset.c - kafka-consumer-groups --reset-offsets.
 *
 *     groups -> their partitions -> a new offset for each -> commit -> print
 */

#include "base/java_order.h"
#include "base/json.h"
#include "cli/groups.h"
#include "wire/errors.h"

#include <stdlib.h>

enum { FILE_SIZE_MAX = 64 * 1024 * 1024, WIDTH_MIN = 15, HASH_FACTOR = 31 };

struct place {
    struct slice topic;
    int32_t partition;
    const struct metadata_response_partition *from; /* NULL: there is no such partition. */
    int64_t committed;                              /* -1: nothing. */
    int64_t found;                                  /* By the last question; -1: nothing. */
    int64_t offset;                                 /* The new one. */
};

struct plan {
    struct slice group;
    struct place *places; /* Arena: as they were named; once computed, as they are printed. */
    size_t count, room;
};

struct reset {
    struct groups *g;
    const struct metadata_response *metadata;
    struct plan *plans; /* Arena. */
    size_t count;
};

/* What goes wrong in Kafka's admin client comes wrapped. */
static bool thrown(struct reset *r)
{
    admin_prefix(r->g->cli, "java.util.concurrent.ExecutionException: ");
    return false;
}

static bool is_single(const struct groups *g)
{
    return options_nth(&g->cli->options, GROUPS_group, 0) &&
           !options_nth(&g->cli->options, GROUPS_group, 1);
}

/* --- which partitions -------------------------------------------------------- */

static const struct metadata_response_partition *
find_partition(const struct reset *r, struct slice topic, int32_t partition)
{
    const struct metadata_response_topic *from = groups_find_topic(r->metadata, topic);

    for (int32_t i = 0; from && i < from->partitions_count; i++)
        if (from->partitions[i].partition_index == partition)
            return &from->partitions[i];
    return NULL;
}

/* The place, which is added if it is not there yet. */
static struct place *add_place(struct reset *r, struct plan *plan, struct slice topic,
                               int32_t partition)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->places[i].partition == partition && slice_equal(plan->places[i].topic, topic))
            return &plan->places[i];
    plan->places = arena_grow(&r->g->admin.arena, plan->places, plan->count, &plan->room,
                              sizeof(*plan->places));
    plan->places[plan->count] = (struct place){
        .topic = topic,
        .partition = partition,
        .from = find_partition(r, topic, partition),
        .committed = -1,
        .found = -1,
    };
    return &plan->places[plan->count++];
}

/* All partitions of a topic. */
static bool add_whole(struct reset *r, struct plan *plan, struct slice name)
{
    const struct metadata_response_topic *topic = groups_find_topic(r->metadata, name);
    int16_t error = groups_topic_error(r->metadata, name);

    if (error != ERROR_NONE) {
        text_printf(&r->g->cli->why, "%s", error_meaning(error));
        return false;
    }
    for (int32_t i = 0; i < topic->partitions_count; i++)
        add_place(r, plan, name, i);
    return true;
}

/* These partitions of a topic, which must be there. */
static bool add_some(struct reset *r, struct plan *plan, const struct group_topic *topic)
{
    struct text *why = &r->g->cli->why;
    int16_t error = groups_topic_error(r->metadata, topic->name);
    struct text missing = {.data = NULL};

    if (error != ERROR_NONE) {
        admin_print_exception(error, slice_null(), why);
        return thrown(r);
    }
    for (size_t i = 0; i < topic->count; i++)
        if (!add_place(r, plan, topic->name, topic->partitions[i])->from)
            text_printf(&missing, "%s%.*s-%d", missing.size ? "," : "", SLICE_ARG(topic->name),
                        topic->partitions[i]);
    if (missing.size > 0)
        text_printf(why, "The partitions \"%s\" do not exist", missing.data);
    text_fini(&missing);
    return why->size == 0;
}

/* Those with numbers come first; the others in the order of a map. */
static bool add_named(struct reset *r, struct plan *plan)
{
    struct groups *g = r->g;
    struct group_names whole = {.rows = NULL};
    size_t room = 0;
    const char *word;

    for (int i = 0; (word = options_nth(&g->cli->options, GROUPS_topic, i)); i++) {
        struct group_topic topic;

        if (!group_words_topic(word, &g->admin.arena, &topic, &g->cli->why))
            return groups_misused(g);
        if (topic.count > 0 && !add_some(r, plan, &topic))
            return false;
        if (topic.count == 0)
            groups_add_name(g, &whole, &room, topic.name);
    }
    groups_sort(g, &whole);
    for (size_t i = 0; i < whole.count; i++)
        if (!add_whole(r, plan, whole.rows[i]))
            return false;
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    int order = admin_by_name(&x->topic, &y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

/* What the group has committed: for the places that there are, or as new ones. */
static bool add_committed(struct reset *r, struct plan *plan, bool is_all)
{
    const struct offset_fetch_response *committed;

    if (!admin_group_fetch(r->g->cli, &r->g->admin, plan->group, &committed))
        return thrown(r);
    for (int32_t t = 0; t < committed->topics_count; t++)
        for (int32_t i = 0; i < committed->topics[t].partitions_count; i++) {
            const struct offset_fetch_response_partition *p = &committed->topics[t].partitions[i];
            struct slice topic = committed->topics[t].name;

            if (p->error_code != ERROR_NONE || p->committed_offset < 0)
                continue;
            if (is_all)
                add_place(r, plan, topic, p->partition_index);
            for (size_t k = 0; k < plan->count; k++)
                if (plan->places[k].partition == p->partition_index &&
                    slice_equal(plan->places[k].topic, topic))
                    plan->places[k].committed = p->committed_offset;
        }
    if (is_all && plan->count > 0)
        qsort(plan->places, plan->count, sizeof(*plan->places), by_place);
    return true;
}

static bool find_places(struct reset *r, struct plan *plan)
{
    struct groups *g = r->g;

    if (groups_has(g, GROUPS_all_topics))
        return add_committed(r, plan, true);
    if (groups_has(g, GROUPS_topic))
        return groups_has(g, GROUPS_from_file) || add_named(r, plan);
    if (groups_has(g, GROUPS_from_file))
        return true;
    text_printf(&g->cli->why, "One of the reset scopes should be defined: --all-topics, --topic.");
    return groups_misused(g);
}

/* --- what the brokers know --------------------------------------------------- */

/* The questions about all places, sorted. */
static struct admin_offset *questions_of(struct reset *r, const struct plan *plan, int64_t time)
{
    struct admin_offset *rows = arena_new(&r->g->admin.arena, (plan->count + 1) * sizeof(*rows));

    for (size_t i = 0; i < plan->count; i++)
        rows[i] = admin_offset_of(plan->places[i].topic, plan->places[i].from, time);
    qsort(rows, plan->count, sizeof(*rows), admin_by_partition);
    return rows;
}

/* Asks for the offsets of all places at this time. */
static bool ask(struct reset *r, struct plan *plan, int64_t time)
{
    struct admin *admin = &r->g->admin;
    struct admin_offset *rows;

    for (size_t i = 0; i < plan->count; i++)
        if (!plan->places[i].from) {
            const struct place *p = &plan->places[i];

            text_printf(&r->g->cli->why,
                        "org.apache.kafka.common.errors.UnknownTopicOrPartitionException: Failed "
                        "to fetch metadata for partition %.*s-%d because metadata for topic "
                        "`%.*s` could not be found",
                        SLICE_ARG(p->topic), p->partition, SLICE_ARG(p->topic));
            return thrown(r);
        }
    rows = questions_of(r, plan, time);
    if (!admin_offsets_ask(r->g->cli, admin, rows, plan->count))
        return thrown(r);
    for (size_t i = 0; i < plan->count; i++) {
        struct admin_offset key = {
            .topic = plan->places[i].topic,
            .partition = plan->places[i].partition,
        };
        const struct admin_offset *row =
            bsearch(&key, rows, plan->count, sizeof(*rows), admin_by_partition);

        if (row && row->error != ERROR_NONE) {
            admin_print_exception(row->error, slice_null(), &r->g->cli->why);
            return thrown(r);
        }
        plan->places[i].found = row ? row->offset : -1;
    }
    return true;
}

static void log_moved(struct reset *r, const struct place *place, const char *how, int64_t bound)
{
    struct text sentence = {.data = NULL};

    text_printf(&sentence,
                "New offset (%lld) is %s offset for topic partition %.*s-%d. Value will be set "
                "to %lld",
                (long long)place->offset, how, SLICE_ARG(place->topic), place->partition,
                (long long)bound);
    cli_log_warn(r->g->cli, sentence.data);
    text_fini(&sentence);
}

/* Moves new offsets to where there are records. */
static bool keep_in_range(struct reset *r, struct plan *plan)
{
    int64_t *earliest = arena_new(&r->g->admin.arena, (plan->count + 1) * sizeof(*earliest));

    if (!ask(r, plan, ADMIN_EARLIEST))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        earliest[i] = plan->places[i].found;
    if (!ask(r, plan, ADMIN_LATEST))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        struct place *p = &plan->places[i];

        if (p->offset > p->found) {
            log_moved(r, p, "higher than latest", p->found);
            p->offset = p->found;
        } else if (p->offset < earliest[i]) {
            log_moved(r, p, "lower than earliest", earliest[i]);
            p->offset = earliest[i];
        }
    }
    return true;
}

static bool to_found(struct reset *r, struct plan *plan, int64_t time)
{
    if (!ask(r, plan, time))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        plan->places[i].offset = plan->places[i].found;
    return true;
}

/* --- the order of printing --------------------------------------------------- */

/* As a HashMap of Java's TopicPartition is walked. */
static void sort_places(struct reset *r, struct plan *plan)
{
    struct arena *arena = &r->g->admin.arena;
    int32_t *hashes = arena_new(arena, (plan->count + 1) * sizeof(*hashes));
    size_t *order = arena_new(arena, (plan->count + 1) * sizeof(*order));
    struct place *sorted = arena_new(arena, (plan->count + 1) * sizeof(*sorted));

    for (size_t i = 0; i < plan->count; i++)
        hashes[i] = (int32_t)((HASH_FACTOR + (uint32_t)plan->places[i].partition) * HASH_FACTOR +
                              (uint32_t)java_order_hash(plan->places[i].topic));
    java_order_sort_hashes(hashes, plan->count, 0, order);
    for (size_t i = 0; i < plan->count; i++)
        sorted[i] = plan->places[order[i]];
    plan->places = sorted;
}

/* --- the new offsets --------------------------------------------------------- */

static bool to_offset(struct reset *r, struct plan *plan)
{
    struct cli *cli = r->g->cli;
    int64_t offset = 0;

    if (options_number(&cli->options, GROUPS_to_offset, &offset, &cli->why))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        plan->places[i].offset = offset;
    return keep_in_range(r, plan);
}

static bool to_earliest(struct reset *r, struct plan *plan)
{
    return to_found(r, plan, ADMIN_EARLIEST);
}

static bool to_latest(struct reset *r, struct plan *plan)
{
    return to_found(r, plan, ADMIN_LATEST);
}

static bool shift_by(struct reset *r, struct plan *plan)
{
    struct cli *cli = r->g->cli;
    int64_t shift = 0;

    if (!add_committed(r, plan, false) ||
        options_number(&cli->options, GROUPS_shift_by, &shift, &cli->why))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        struct place *p = &plan->places[i];

        if (p->committed < 0) {
            text_printf(&cli->why,
                        "Cannot shift offset for partition %.*s-%d since there is no current "
                        "committed offset",
                        SLICE_ARG(p->topic), p->partition);
            return groups_misused(r->g);
        }
        if (__builtin_add_overflow(p->committed, shift, &p->offset))
            p->offset = shift < 0 ? INT64_MIN : INT64_MAX;
    }
    return keep_in_range(r, plan);
}

/* Where there is no record from then on, it is the end. */
static bool to_time(struct reset *r, struct plan *plan, int64_t time)
{
    if (!to_found(r, plan, time))
        return false;
    sort_places(r, plan);
    for (size_t i = 0; i < plan->count; i++)
        if (plan->places[i].offset < 0)
            console_printf(&r->g->cli->out,
                           "\nWarn: Partition %d from topic %.*s is empty. Falling back to latest "
                           "known offset.\n",
                           plan->places[i].partition, SLICE_ARG(plan->places[i].topic));
    if (!ask(r, plan, ADMIN_LATEST))
        return false;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->places[i].offset < 0)
            plan->places[i].offset = plan->places[i].found;
    return true;
}

static bool to_datetime(struct reset *r, struct plan *plan)
{
    const char *word = options_nth(&r->g->cli->options, GROUPS_to_datetime, 0);
    int64_t time;

    return group_words_datetime(word, &time, &r->g->cli->why) && to_time(r, plan, time);
}

static bool by_duration(struct reset *r, struct plan *plan)
{
    struct cli *cli = r->g->cli;
    const char *word = groups_value(r->g, GROUPS_by_duration);
    int64_t duration, time;

    if (!word || !group_words_duration(word, &duration, &cli->why))
        return false;
    if (__builtin_sub_overflow(io_wall_ms(cli->env->io), duration, &time))
        time = duration < 0 ? INT64_MAX : INT64_MIN;
    return to_time(r, plan, time);
}

static bool to_current(struct reset *r, struct plan *plan)
{
    if (!add_committed(r, plan, false) || !ask(r, plan, ADMIN_LATEST))
        return false;
    for (size_t i = 0; i < plan->count; i++) {
        struct place *p = &plan->places[i];

        p->offset = p->committed < 0 ? p->found : p->committed;
    }
    return true;
}

/* The lines of the file that are about the group. */
static bool take_lines(struct reset *r, struct plan *plan, const struct group_lines *lines)
{
    struct text why = {.data = NULL};

    for (size_t i = 0; i < lines->count; i++) {
        const struct group_line *line = &lines->rows[i];

        if (line->offset < 0) {
            text_printf(&r->g->cli->why, "Invalid negative offset");
            return groups_misused(r->g);
        }
        if (slice_is_null(line->group) || slice_equal(line->group, plan->group))
            add_place(r, plan, line->topic, line->partition)->offset = line->offset;
    }
    if (plan->count > 0)
        return keep_in_range(r, plan);
    text_printf(&why, "No reset plan for group %.*s found", SLICE_ARG(plan->group));
    groups_failed(r->g, why.data);
    text_fini(&why);
    return true;
}

static bool from_file(struct reset *r, struct plan *plan)
{
    struct groups *g = r->g;
    const char *path = groups_value(g, GROUPS_from_file);
    struct text file = {.data = NULL};
    struct group_lines lines;
    bool is_good;

    if (!path)
        return false;
    if (console_read_file(path, FILE_SIZE_MAX, &file)) {
        text_printf(&g->cli->why, "java.io.IOException: Unable to read file %s", path);
        return false;
    }
    plan->count = 0;
    is_good =
        group_words_file(text_slice(&file), is_single(g), &g->admin.arena, &lines, &g->cli->why) &&
        take_lines(r, plan, &lines);
    text_fini(&file);
    return is_good;
}

static const struct {
    enum groups_option option;
    bool (*compute)(struct reset *r, struct plan *plan);
} scenarios[] = {
    {GROUPS_to_offset, to_offset},     {GROUPS_to_earliest, to_earliest},
    {GROUPS_to_latest, to_latest},     {GROUPS_shift_by, shift_by},
    {GROUPS_to_datetime, to_datetime}, {GROUPS_by_duration, by_duration},
    {GROUPS_to_current, to_current},   {GROUPS_from_file, from_file},
};

static bool compute(struct reset *r, struct plan *plan)
{
    for (size_t i = 0; i < COUNT_OF(scenarios); i++)
        if (groups_has(r->g, scenarios[i].option))
            return scenarios[i].compute(r, plan);
    text_printf(&r->g->cli->why,
                "Option '[reset-offsets]' requires one of the following scenarios: "
                "[[to-offset], [to-datetime], [by-duration], [to-earliest], [to-latest], "
                "[shift-by], [from-file], [to-current]]");
    return groups_misused(r->g);
}

/* --- storing ----------------------------------------------------------------- */

static void add_commit(struct reset *r, struct offset_commit_request *request,
                       const struct plan *plan, const struct place *place)
{
    struct offset_commit_request_topic *topic = NULL;

    for (int32_t i = 0; i < request->topics_count && !topic; i++)
        if (slice_equal(request->topics[i].name, place->topic))
            topic = &request->topics[i];
    if (!topic) {
        topic = &request->topics[request->topics_count++];
        *topic = (struct offset_commit_request_topic){.name = place->topic};
        topic->partitions = arena_new(&r->g->admin.arena, plan->count * sizeof(*topic->partitions));
    }
    topic->partitions[topic->partitions_count++] = (struct offset_commit_request_partition){
        .partition_index = place->partition,
        .committed_offset = place->offset,
        .committed_leader_epoch = -1,
        .commit_timestamp = -1,
        .committed_metadata = slice_empty(),
    };
}

static bool commit(struct reset *r, const struct plan *plan)
{
    struct offset_commit_request request = offset_commit_request_defaults;
    const struct offset_commit_response *response;

    if (plan->count == 0)
        return true;
    request.group_id = plan->group;
    request.topics = arena_new(&r->g->admin.arena, plan->count * sizeof(*request.topics));
    for (size_t i = 0; i < plan->count; i++)
        add_commit(r, &request, plan, &plan->places[i]);
    if (!admin_group_commit(r->g->cli, &r->g->admin, &request, &response))
        return thrown(r);
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++)
            if (response->topics[t].partitions[i].error_code != ERROR_NONE) {
                admin_print_exception(response->topics[t].partitions[i].error_code, slice_null(),
                                      &r->g->cli->why);
                return thrown(r);
            }
    return true;
}

/* --- printing ---------------------------------------------------------------- */

static void print_table(const struct reset *r)
{
    struct console_out *out = &r->g->cli->out;
    int group_width = WIDTH_MIN;
    int topic_width = WIDTH_MIN;

    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->plans[i].count; k++) {
            group_width = max_of(group_width, (int)r->plans[i].group.size);
            topic_width = max_of(topic_width, (int)r->plans[i].places[k].topic.size);
        }
    console_printf(out, "\n");
    if (r->count > 0)
        console_printf(out, "%-*s %-*s %-10s %s\n", group_width, "GROUP", topic_width, "TOPIC",
                       "PARTITION", "NEW-OFFSET");
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->plans[i].count; k++) {
            const struct place *p = &r->plans[i].places[k];

            console_printf(out, "%-*.*s %-*.*s %-10d %lld\n", group_width,
                           SLICE_ARG(r->plans[i].group), topic_width, SLICE_ARG(p->topic),
                           p->partition, (long long)p->offset);
        }
}

static void add_json_place(const struct plan *plan, const struct place *place, struct text *out)
{
    text_printf(out, "%s\n  {\"group\": ", out->size > 1 ? "," : "");
    json_print_string(plan->group, out);
    text_printf(out, ", \"topic\": ");
    json_print_string(place->topic, out);
    text_printf(out, ", \"partition\": %d, \"offset\": %lld}", place->partition,
                (long long)place->offset);
}

static void add_csv_place(const struct reset *r, const struct plan *plan, const struct place *place,
                          struct text *out)
{
    if (!is_single(r->g)) {
        group_words_print(plan->group, out);
        text_printf(out, ",");
    }
    group_words_print(place->topic, out);
    text_printf(out, ",%d,%lld\n", place->partition, (long long)place->offset);
}

static void print_all(const struct reset *r)
{
    bool is_json = groups_has(r->g, GROUPS_json);
    struct text out = {.data = NULL};

    if (!is_json && !groups_has(r->g, GROUPS_export)) {
        print_table(r);
        return;
    }
    if (is_json)
        text_printf(&out, "[");
    for (size_t i = 0; i < r->count; i++)
        for (size_t k = 0; k < r->plans[i].count; k++)
            if (is_json)
                add_json_place(&r->plans[i], &r->plans[i].places[k], &out);
            else
                add_csv_place(r, &r->plans[i], &r->plans[i].places[k], &out);
    if (is_json)
        text_printf(&out, "%s]", out.size > 1 ? "\n" : "");
    text_printf(&out, "\n");
    console_write(&r->g->cli->out, out.data, out.size);
    text_fini(&out);
}

/* --- the action -------------------------------------------------------------- */

/* A group that nobody reads in: only of such can offsets be set.  One that is not there will
 * be made. */
static bool is_inactive(struct reset *r, const struct describe_groups_described_group *group,
                        struct slice name)
{
    struct text why = {.data = NULL};

    if (group->error_code == ERROR_GROUP_ID_NOT_FOUND ||
        slice_is_text(group->group_state, "Empty") || slice_is_text(group->group_state, "Dead"))
        return true;
    text_printf(&why,
                "Assignments can only be reset if the group '%.*s' is inactive, but the current "
                "state is %.*s.",
                SLICE_ARG(name), SLICE_ARG(group->group_state));
    groups_failed(r->g, why.data);
    text_fini(&why);
    return false;
}

static bool reset_one(struct reset *r, struct plan *plan)
{
    if (!find_places(r, plan) || !compute(r, plan))
        return false;
    sort_places(r, plan);
    return !groups_has(r->g, GROUPS_execute) || commit(r, plan);
}

/* All groups are looked at before the first is changed. */
static bool describe_all(struct reset *r, const struct group_names *names, struct admin_group *out)
{
    for (size_t i = 0; i < names->count; i++) {
        out[i] = (struct admin_group){.told = NULL};
        if (groups_describe_one(r->g, names->rows[i], &out[i]))
            continue;
        if (!out[i].told || out[i].told->error_code != ERROR_GROUP_ID_NOT_FOUND)
            return thrown(r);
        text_cut(&r->g->cli->why, 0);
    }
    return true;
}

bool groups_reset(struct groups *g)
{
    struct reset r = {.g = g};
    struct admin_group *described;
    struct group_names names;

    if (!groups_chosen(g, &names))
        return false;
    groups_sort(g, &names);
    described = arena_new(&g->admin.arena, (names.count + 1) * sizeof(*described));
    if (!describe_all(&r, &names, described))
        return false;
    if (!admin_metadata(g->cli, &g->admin, NULL, &r.metadata))
        return false;
    r.plans = arena_new(&g->admin.arena, (names.count + 1) * sizeof(*r.plans));
    for (size_t i = 0; i < names.count; i++) {
        struct plan *plan = &r.plans[r.count++];

        *plan = (struct plan){.group = names.rows[i]};
        if (is_inactive(&r, described[i].told, names.rows[i]) && !reset_one(&r, plan))
            return false;
    }
    print_all(&r);
    return true;
}
