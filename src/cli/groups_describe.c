/* SPDX-License-Identifier: Apache-2.0 */

/* cli/groups_describe.c - kafka-consumer-groups --describe: offsets, members, or the state. */

#include "base/json.h"
#include "cli/groups.h"
#include "wire/codec.h"
#include "wire/errors.h"
#include "wire/msg/consumer_protocol_assignment.h"

#include <stdlib.h>

enum {
    WIDTH_MIN = 15,
    COORDINATOR_WIDTH_MIN = 25,
    ASSIGNMENT_WIDTH_MIN = 20,
    VERSION_SIZE = 2, /* In front of an assignment. */
};

struct member_row {
    const struct describe_groups_described_group_member *from;
    struct consumer_protocol_assignment assignment; /* Sorted. */
    struct consumer_protocol_assignment target;     /* Sorted; of new groups. */
    int32_t partitions;                             /* How many there are in it. */
    int32_t index;                                  /* In the answer. */
};

/* A line about an offset. */
struct line {
    struct slice topic;
    int32_t partition;
    int64_t committed, end; /* -1: not known. */
    int32_t epoch;          /* -1: not known. */
    const struct member_row *member;
};

struct described {
    const struct describe_groups_described_group *from;
    const struct consumer_group_describe_described_group *fresh; /* NULL: a classic group. */
    struct member_row *members; /* Arena: in the order of the answer. */
    struct line *lines;         /* Arena. */
    size_t line_count;
    const struct find_coordinator_response *coordinator;
};

struct describing {
    struct groups *g;
    const struct metadata_response *metadata;
    struct described *groups; /* Arena: by name. */
    size_t count;
    struct text json;
};

/* --- assignments ------------------------------------------------------------- */

static int by_topic(const void *a, const void *b)
{
    return admin_by_name(&((const struct consumer_protocol_assignment_topic_partition *)a)->topic,
                         &((const struct consumer_protocol_assignment_topic_partition *)b)->topic);
}

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;

    return (x > y) - (x < y);
}

static void sort_assignment(struct consumer_protocol_assignment *assignment)
{
    if (assignment->assigned_partitions_count > 0)
        qsort(assignment->assigned_partitions, (size_t)assignment->assigned_partitions_count,
              sizeof(*assignment->assigned_partitions), by_topic);
    for (int32_t i = 0; i < assignment->assigned_partitions_count; i++) {
        struct consumer_protocol_assignment_topic_partition *t =
            &assignment->assigned_partitions[i];

        if (t->partitions_count > 0)
            qsort(t->partitions, (size_t)t->partitions_count, sizeof(*t->partitions), by_number);
    }
}

/* What cannot be read is as nothing. */
static void read_assignment(struct arena *arena, struct member_row *member)
{
    const struct wire_message *message = &consumer_protocol_assignment_message;
    struct consumer_protocol_assignment *assignment = &member->assignment;
    struct slice bytes = member->from->member_assignment;
    int16_t version;
    size_t used;

    *assignment = consumer_protocol_assignment_defaults;
    if (bytes.size < VERSION_SIZE)
        return;
    version = (int16_t)(bytes.data[0] << 8 | bytes.data[1]);
    if (version > message->max)
        version = message->max;
    if (version < 0 || codec_decode(message, version,
                                    slice_of(bytes.data + VERSION_SIZE, bytes.size - VERSION_SIZE),
                                    arena, assignment, &used)) {
        *assignment = consumer_protocol_assignment_defaults;
        return;
    }
    sort_assignment(assignment);
    for (int32_t i = 0; i < assignment->assigned_partitions_count; i++)
        member->partitions += assignment->assigned_partitions[i].partitions_count;
}

static void read_target(struct arena *arena, struct member_row *member,
                        const struct consumer_group_describe_assignment *from)
{
    struct consumer_protocol_assignment *target = &member->target;
    size_t count = (size_t)from->topic_partitions_count;

    target->assigned_partitions =
        arena_new(arena, (count + 1) * sizeof(*target->assigned_partitions));
    target->assigned_partitions_count = from->topic_partitions_count;
    for (size_t i = 0; i < count; i++)
        target->assigned_partitions[i] = (struct consumer_protocol_assignment_topic_partition){
            .topic = from->topic_partitions[i].topic_name,
            .partitions = from->topic_partitions[i].partitions,
            .partitions_count = from->topic_partitions[i].partitions_count,
        };
    sort_assignment(target);
}

static void read_members(struct groups *g, struct described *d)
{
    size_t count = (size_t)d->from->members_count;

    d->members = arena_new(&g->admin.arena, (count + 1) * sizeof(*d->members));
    for (size_t i = 0; i < count; i++) {
        d->members[i].from = &d->from->members[i];
        d->members[i].index = (int32_t)i;
        read_assignment(&g->admin.arena, &d->members[i]);
        if (d->fresh)
            read_target(&g->admin.arena, &d->members[i], &d->fresh->members[i].target_assignment);
    }
}

/* --- offsets ----------------------------------------------------------------- */

/* Those with more partitions come first. */
static int by_size(const void *a, const void *b)
{
    const struct member_row *x = *(const struct member_row *const *)a;
    const struct member_row *y = *(const struct member_row *const *)b;

    if (x->partitions != y->partitions)
        return x->partitions > y->partitions ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void add_line(struct describing *d, struct described *group, size_t *room, struct line line)
{
    group->lines = arena_grow(&d->g->admin.arena, group->lines, group->line_count, room,
                              sizeof(*group->lines));
    group->lines[group->line_count++] = line;
}

static void add_assigned(struct describing *d, struct described *group, size_t *room)
{
    size_t count = (size_t)group->from->members_count;
    const struct member_row **members =
        arena_new(&d->g->admin.arena, (count + 1) * sizeof(struct member_row *));

    for (size_t i = 0; i < count; i++)
        members[i] = &group->members[i];
    qsort(members, count, sizeof(struct member_row *), by_size);
    for (size_t i = 0; i < count; i++)
        for (int32_t t = 0; t < members[i]->assignment.assigned_partitions_count; t++) {
            const struct consumer_protocol_assignment_topic_partition *topic =
                &members[i]->assignment.assigned_partitions[t];

            for (int32_t k = 0; k < topic->partitions_count; k++)
                add_line(d, group, room,
                         (struct line){
                             .topic = topic->topic,
                             .partition = topic->partitions[k],
                             .committed = -1,
                             .end = -1,
                             .epoch = -1,
                             .member = members[i],
                         });
        }
}

static int by_place(const void *a, const void *b)
{
    const struct line *x = a;
    const struct line *y = b;
    int order = admin_by_name(&x->topic, &y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

/* Those that nobody reads come last, sorted. */
static void add_committed(struct describing *d, struct described *group, size_t *room,
                          const struct offset_fetch_response *committed)
{
    size_t assigned = group->line_count;

    for (int32_t t = 0; t < committed->topics_count; t++)
        for (int32_t i = 0; i < committed->topics[t].partitions_count; i++) {
            const struct offset_fetch_response_partition *p = &committed->topics[t].partitions[i];
            struct line line = {
                .topic = committed->topics[t].name,
                .partition = p->partition_index,
                .committed = p->committed_offset,
                .end = -1,
                .epoch = p->committed_leader_epoch,
            };
            bool is_assigned = false;

            if (p->error_code != ERROR_NONE || p->committed_offset < 0)
                continue;
            for (size_t k = 0; k < assigned; k++)
                if (by_place(&group->lines[k], &line) == 0) {
                    group->lines[k].committed = line.committed;
                    group->lines[k].epoch = line.epoch;
                    is_assigned = true;
                }
            if (!is_assigned)
                add_line(d, group, room, line);
        }
    if (group->line_count > assigned)
        qsort(group->lines + assigned, group->line_count - assigned, sizeof(*group->lines),
              by_place);
}

/* The leader of a line's partition is asked, if there is one. */
static void add_end(const struct describing *d, const struct line *line, struct admin_offset *rows,
                    size_t *count)
{
    const struct metadata_response_topic *topic = groups_find_topic(d->metadata, line->topic);

    for (int32_t i = 0; topic && i < topic->partitions_count; i++)
        if (topic->partitions[i].partition_index == line->partition)
            rows[(*count)++] = admin_offset_of(line->topic, &topic->partitions[i], ADMIN_LATEST);
}

static bool find_ends(struct describing *d, struct described *group)
{
    struct admin_offset *rows =
        arena_new(&d->g->admin.arena, (group->line_count + 1) * sizeof(*rows));
    size_t found = 0;
    size_t count = 0;

    for (size_t i = 0; i < group->line_count; i++)
        add_end(d, &group->lines[i], rows, &found);
    qsort(rows, found, sizeof(*rows), admin_by_partition);
    for (size_t i = 0; i < found; i++)
        if (count == 0 || admin_by_partition(&rows[count - 1], &rows[i]) != 0)
            rows[count++] = rows[i];
    if (!admin_offsets_ask(d->g->cli, &d->g->admin, rows, count))
        return false;
    for (size_t i = 0; i < group->line_count; i++) {
        struct admin_offset key = {
            .topic = group->lines[i].topic,
            .partition = group->lines[i].partition,
        };
        const struct admin_offset *row =
            count ? bsearch(&key, rows, count, sizeof(*rows), admin_by_partition) : NULL;

        if (row && row->error == ERROR_NONE)
            group->lines[i].end = row->offset;
    }
    return true;
}

static bool find_offsets(struct describing *d, struct described *group)
{
    const struct offset_fetch_response *committed;
    size_t room = 0;

    if (!admin_group_fetch(d->g->cli, &d->g->admin, group->from->group_id, &committed))
        return false;
    add_assigned(d, group, &room);
    add_committed(d, group, &room, committed);
    return find_ends(d, group);
}

/* --- what is said about the state -------------------------------------------- */

/* Says what is unusual; false if there is no such group. */
static bool say_state(const struct describing *d, const struct described *group)
{
    static const char *const unstable[] = {"PreparingRebalance", "CompletingRebalance", "Assigning",
                                           "Reconciling"};
    struct cli *cli = d->g->cli;
    struct slice state = group->from->group_state;
    struct slice name = group->from->group_id;

    if (slice_is_text(state, "Dead")) {
        struct text why = {.data = NULL};

        text_printf(&why, "Consumer group '%.*s' does not exist.", SLICE_ARG(name));
        groups_failed(d->g, why.data);
        text_fini(&why);
        return false;
    }
    if (slice_is_text(state, "Empty"))
        console_printf(&cli->err, "\nConsumer group '%.*s' has no active members.\n",
                       SLICE_ARG(name));
    for (size_t i = 0; i < COUNT_OF(unstable); i++)
        if (slice_is_text(state, unstable[i]))
            console_printf(&cli->err, "\nWarning: Consumer group '%.*s' is rebalancing.\n",
                           SLICE_ARG(name));
    return true;
}

static int width_of(int width, struct slice s)
{
    return max_of(width, (int)s.size);
}

static void print_number(struct console_out *out, int64_t number, bool is_known)
{
    if (is_known)
        console_printf(out, " %-15lld", (long long)number);
    else
        console_printf(out, " %-15s", "-");
}

/* --- printing offsets -------------------------------------------------------- */

struct widths {
    int group, topic, id, instance, host, client;
};

static struct widths widths_of(const struct described *group)
{
    struct widths w = {
        .group = width_of(WIDTH_MIN, group->from->group_id),
        .topic = WIDTH_MIN,
        .id = WIDTH_MIN,
        .instance = (int)strlen("GROUP-INSTANCE-ID"),
        .host = WIDTH_MIN,
        .client = WIDTH_MIN,
    };

    for (size_t i = 0; i < group->line_count; i++)
        w.topic = width_of(w.topic, group->lines[i].topic);
    for (int32_t i = 0; i < group->from->members_count; i++) {
        const struct describe_groups_described_group_member *m = &group->from->members[i];

        w.id = width_of(w.id, m->member_id);
        w.instance = width_of(w.instance, m->group_instance_id);
        w.host = width_of(w.host, m->client_host);
        w.client = width_of(w.client, m->client_id);
    }
    return w;
}

static void print_line(const struct describing *d, const struct described *group,
                       const struct line *line, const struct widths *w)
{
    struct console_out *out = &d->g->cli->out;
    bool has_offset = line->committed >= 0;
    struct slice none = slice_text("-");
    const struct describe_groups_described_group_member *m =
        line->member ? line->member->from : NULL;

    console_printf(out, "%-*.*s %-*.*s %-10d", w->group, SLICE_ARG(group->from->group_id), w->topic,
                   SLICE_ARG(line->topic), line->partition);
    if (groups_has(d->g, GROUPS_verbose))
        print_number(out, line->epoch, line->epoch >= 0);
    print_number(out, line->committed, has_offset);
    print_number(out, line->end, line->end >= 0);
    print_number(out, line->end - line->committed, has_offset && line->end >= 0);
    console_printf(out, " %-*.*s %-*.*s %.*s\n", w->id, SLICE_ARG(m ? m->member_id : none), w->host,
                   SLICE_ARG(m ? m->client_host : none), SLICE_ARG(m ? m->client_id : none));
}

static void print_offsets(const struct describing *d, const struct described *group)
{
    struct console_out *out = &d->g->cli->out;
    struct widths w = widths_of(group);

    if (group->line_count == 0)
        return;
    console_printf(out, "\n%-*s %-*s %-10s", w.group, "GROUP", w.topic, "TOPIC", "PARTITION");
    if (groups_has(d->g, GROUPS_verbose))
        console_printf(out, " %-15s", "LEADER-EPOCH");
    console_printf(out, " %-15s %-15s %-15s %-*s %-*s %s\n", "CURRENT-OFFSET", "LOG-END-OFFSET",
                   "LAG", w.id, "CONSUMER-ID", w.host, "HOST", "CLIENT-ID");
    for (size_t i = 0; i < group->line_count; i++)
        print_line(d, group, &group->lines[i], &w);
}

/* --- printing members -------------------------------------------------------- */

/* "a:0,1;b:2" */
static void add_assignment(const struct consumer_protocol_assignment *assignment, struct text *out)
{
    for (int32_t t = 0; t < assignment->assigned_partitions_count; t++) {
        const struct consumer_protocol_assignment_topic_partition *topic =
            &assignment->assigned_partitions[t];

        text_printf(out, "%s%.*s:", t ? ";" : "", SLICE_ARG(topic->topic));
        for (int32_t i = 0; i < topic->partitions_count; i++)
            text_printf(out, "%s%d", i ? "," : "", topic->partitions[i]);
    }
    if (out->size == 0)
        text_printf(out, "-");
}

static int assignment_width(const struct described *group, bool is_target)
{
    int width = ASSIGNMENT_WIDTH_MIN;

    for (int32_t i = 0; i < group->from->members_count; i++) {
        struct text text = {.data = NULL};

        add_assignment(is_target ? &group->members[i].target : &group->members[i].assignment,
                       &text);
        width = width_of(width, text_slice(&text));
        text_fini(&text);
    }
    return width;
}

static bool has_instances(const struct described *group)
{
    for (int32_t i = 0; i < group->from->members_count; i++)
        if (!slice_is_null(group->from->members[i].group_instance_id))
            return true;
    return false;
}

/* A classic group has no epochs. */
static void print_epoch(struct console_out *out, int width, int32_t epoch, bool is_known)
{
    if (is_known)
        console_printf(out, "%-*d ", width, epoch);
    else
        console_printf(out, "%-*s ", width, "-");
}

static void print_assignments(struct console_out *out, const struct described *group,
                              const struct member_row *member)
{
    const struct consumer_group_describe_described_group *fresh = group->fresh;
    struct text current = {.data = NULL};
    struct text target = {.data = NULL};

    add_assignment(&member->assignment, &current);
    add_assignment(&member->target, &target);
    print_epoch(out, WIDTH_MIN, fresh ? fresh->members[member->index].member_epoch : 0, fresh);
    console_printf(out, "%-*s ", assignment_width(group, false), current.data);
    print_epoch(out, WIDTH_MIN, fresh ? fresh->assignment_epoch : 0, fresh);
    console_printf(out, "%-*s", assignment_width(group, true), target.data);
    text_fini(&current);
    text_fini(&target);
}

static void print_member(const struct describing *d, const struct described *group,
                         const struct member_row *member, const struct widths *w)
{
    struct console_out *out = &d->g->cli->out;
    struct slice instance = member->from->group_instance_id;

    console_printf(out, "%-*.*s %-*.*s ", w->group, SLICE_ARG(group->from->group_id), w->id,
                   SLICE_ARG(member->from->member_id));
    if (has_instances(group))
        console_printf(out, "%-*.*s ", w->instance, SLICE_ARG(instance));
    console_printf(out, "%-*.*s %-*.*s %-15d ", w->host, SLICE_ARG(member->from->client_host),
                   w->client, SLICE_ARG(member->from->client_id), member->partitions);
    if (groups_has(d->g, GROUPS_verbose))
        print_assignments(out, group, member);
    console_printf(out, "\n");
}

static void print_members(const struct describing *d, const struct described *group)
{
    struct console_out *out = &d->g->cli->out;
    struct widths w = widths_of(group);

    console_printf(out, "\n%-*s %-*s ", w.group, "GROUP", w.id, "CONSUMER-ID");
    if (has_instances(group))
        console_printf(out, "%-*s ", w.instance, "GROUP-INSTANCE-ID");
    console_printf(out, "%-*s %-*s %-15s ", w.host, "HOST", w.client, "CLIENT-ID", "#PARTITIONS");
    if (groups_has(d->g, GROUPS_verbose))
        console_printf(out, "%-15s %-*s %-15s %-*s", "CURRENT-EPOCH",
                       assignment_width(group, false), "CURRENT-ASSIGNMENT", "TARGET-EPOCH",
                       assignment_width(group, true), "TARGET-ASSIGNMENT");
    console_printf(out, "\n");
    for (int32_t i = 0; i < group->from->members_count; i++)
        print_member(d, group, &group->members[i], &w);
}

/* --- printing the state ------------------------------------------------------ */

static void print_state(const struct describing *d, const struct described *group)
{
    struct console_out *out = &d->g->cli->out;
    const struct find_coordinator_response *at = group->coordinator;
    bool is_verbose = groups_has(d->g, GROUPS_verbose);
    struct slice strategy = group->from->protocol_data;
    int width = width_of(WIDTH_MIN, group->from->group_id);
    struct text node = {.data = NULL};
    int node_width;

    text_printf(&node, "%.*s:%d  (%d)", SLICE_ARG(at->host), at->port, at->node_id);
    node_width = width_of(COORDINATOR_WIDTH_MIN, text_slice(&node));
    console_printf(out, "\n%-*s %-*s %-20s %-20s ", width, "GROUP", node_width, "COORDINATOR (ID)",
                   "ASSIGNMENT-STRATEGY", "STATE");
    if (is_verbose)
        console_printf(out, "%-15s %-25s ", "GROUP-EPOCH", "TARGET-ASSIGNMENT-EPOCH");
    console_printf(out, "%s\n%-*.*s %-*s %-20.*s %-20.*s ", "#MEMBERS", width,
                   SLICE_ARG(group->from->group_id), node_width, node.data,
                   SLICE_ARG(strategy.size ? strategy : slice_text("-")),
                   SLICE_ARG(group->from->group_state));
    if (is_verbose) {
        print_epoch(out, WIDTH_MIN, group->fresh ? group->fresh->group_epoch : 0, group->fresh);
        print_epoch(out, COORDINATOR_WIDTH_MIN, group->fresh ? group->fresh->assignment_epoch : 0,
                    group->fresh);
    }
    console_printf(out, "%d\n", group->from->members_count);
    text_fini(&node);
}

/* --- JSON -------------------------------------------------------------------- */

static void add_text(struct text *json, const char *name, struct slice value)
{
    text_printf(json, ", \"%s\": ", name);
    if (slice_is_null(value))
        text_printf(json, "null");
    else
        json_print_string(value, json);
}

static void add_number(struct text *json, const char *name, int64_t value, bool is_known)
{
    if (is_known)
        text_printf(json, ", \"%s\": %lld", name, (long long)value);
    else
        text_printf(json, ", \"%s\": null", name);
}

/* Begins an object with the group's name. */
static void begin_object(struct text *json, const struct described *group)
{
    text_printf(json, "%s\n  {\"group\": ", json->size > 1 ? "," : "");
    json_print_string(group->from->group_id, json);
}

static void add_json_offsets(struct text *json, const struct described *group)
{
    for (size_t i = 0; i < group->line_count; i++) {
        const struct line *line = &group->lines[i];
        const struct describe_groups_described_group_member *m =
            line->member ? line->member->from : NULL;
        bool has_offset = line->committed >= 0;

        begin_object(json, group);
        add_text(json, "topic", line->topic);
        add_number(json, "partition", line->partition, true);
        add_number(json, "leaderEpoch", line->epoch, line->epoch >= 0);
        add_number(json, "currentOffset", line->committed, has_offset);
        add_number(json, "logEndOffset", line->end, line->end >= 0);
        add_number(json, "lag", line->end - line->committed, has_offset && line->end >= 0);
        add_text(json, "consumerId", m ? m->member_id : slice_null());
        add_text(json, "host", m ? m->client_host : slice_null());
        add_text(json, "clientId", m ? m->client_id : slice_null());
        text_printf(json, "}");
    }
}

static void add_json_members(struct text *json, const struct described *group)
{
    for (int32_t i = 0; i < group->from->members_count; i++) {
        const struct member_row *member = &group->members[i];

        begin_object(json, group);
        add_text(json, "consumerId", member->from->member_id);
        add_text(json, "instanceId", member->from->group_instance_id);
        add_text(json, "host", member->from->client_host);
        add_text(json, "clientId", member->from->client_id);
        text_printf(json, ", \"assignment\": {");
        for (int32_t t = 0; t < member->assignment.assigned_partitions_count; t++) {
            const struct consumer_protocol_assignment_topic_partition *topic =
                &member->assignment.assigned_partitions[t];

            text_printf(json, "%s", t ? ", " : "");
            json_print_string(topic->topic, json);
            text_printf(json, ": [");
            for (int32_t k = 0; k < topic->partitions_count; k++)
                text_printf(json, "%s%d", k ? ", " : "", topic->partitions[k]);
            text_printf(json, "]");
        }
        text_printf(json, "}}");
    }
}

static void add_json_state(struct text *json, const struct described *group)
{
    begin_object(json, group);
    add_number(json, "coordinator", group->coordinator->node_id, true);
    add_text(json, "host", group->coordinator->host);
    add_number(json, "port", group->coordinator->port, true);
    add_text(json, "assignmentStrategy", group->from->protocol_data);
    add_text(json, "state", group->from->group_state);
    add_number(json, "members", group->from->members_count, true);
    text_printf(json, "}");
}

/* --- the action -------------------------------------------------------------- */

static void print_group(struct describing *d, const struct described *group)
{
    bool is_json = groups_has(d->g, GROUPS_json);

    if (!say_state(d, group))
        return;
    if (groups_has(d->g, GROUPS_members))
        is_json ? add_json_members(&d->json, group) : print_members(d, group);
    else if (groups_has(d->g, GROUPS_state))
        is_json ? add_json_state(&d->json, group) : print_state(d, group);
    else
        is_json ? add_json_offsets(&d->json, group) : print_offsets(d, group);
}

/* Everything is asked before anything is printed. */
static bool find_groups(struct describing *d, const struct group_names *names)
{
    struct groups *g = d->g;
    bool has_state = groups_has(g, GROUPS_state);
    bool has_offsets = !has_state && !groups_has(g, GROUPS_members);

    for (size_t i = 0; i < names->count; i++) {
        struct described *group = &d->groups[d->count++];
        struct admin_group told;

        if (!groups_describe_one(g, names->rows[i], &told))
            return false;
        group->from = told.told;
        group->fresh = told.from;
        read_members(g, group);
        if (has_state && !admin_group_find(g->cli, &g->admin, names->rows[i], &group->coordinator))
            return false;
    }
    if (has_offsets && names->count > 0 && !admin_metadata(g->cli, &g->admin, NULL, &d->metadata))
        return false;
    for (size_t i = 0; has_offsets && i < d->count; i++)
        if (!find_offsets(d, &d->groups[i]))
            return false;
    return true;
}

bool groups_describe(struct groups *g)
{
    struct describing d = {.g = g};
    struct group_names names;
    bool is_good;

    if (!groups_chosen(g, &names))
        return false;
    if (names.count > 0)
        qsort(names.rows, names.count, sizeof(*names.rows), admin_by_name);
    d.groups = arena_new(&g->admin.arena, (names.count + 1) * sizeof(*d.groups));
    is_good = find_groups(&d, &names);
    text_printf(&d.json, "[");
    for (size_t i = 0; is_good && i < d.count; i++)
        print_group(&d, &d.groups[i]);
    text_printf(&d.json, "%s]\n", d.json.size > 1 ? "\n" : "");
    if (is_good && groups_has(g, GROUPS_json))
        console_write(&g->cli->out, d.json.data, d.json.size);
    text_fini(&d.json);
    return is_good;
}
