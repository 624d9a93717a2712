/* SPDX-License-Identifier: Apache-2.0 */

/* cli/groups_delete.c - kafka-consumer-groups --delete and --delete-offsets. */

#include "base/json.h"
#include "cli/groups.h"
#include "wire/errors.h"

#include <stdlib.h>

enum { WIDTH_MIN = 15, NO_PARTITION = -1 };

/* --- --delete ---------------------------------------------------------------- */

struct deleted {
    struct slice group;
    struct text why; /* Empty: it is gone. */
};

static void delete_one(struct groups *g, struct deleted *d)
{
    struct text *why = &g->cli->why;
    int16_t error = ERROR_NONE;

    g->admin.purpose = "deleteConsumerGroups(api=FIND_COORDINATOR)";
    if (admin_group_delete(g->cli, &g->admin, d->group, &error) && error != ERROR_NONE)
        admin_print_exception(error, slice_null(), why);
    if (why->size > 0)
        text_add(&d->why, why->data, why->size);
    text_cut(why, 0);
}

/* The names of those that are gone: 'a', 'b' */
static void add_gone(const struct deleted *rows, size_t count, struct text *out)
{
    bool is_first = true;

    for (size_t i = 0; i < count; i++) {
        if (rows[i].why.size > 0)
            continue;
        text_printf(out, "%s'%.*s'", is_first ? "" : ", ", SLICE_ARG(rows[i].group));
        is_first = false;
    }
}

static void print_deleted(struct groups *g, const struct deleted *rows, size_t count)
{
    struct console_out *out = &g->cli->out;
    struct text gone = {.data = NULL};
    bool is_good = true;

    add_gone(rows, count, &gone);
    for (size_t i = 0; i < count; i++)
        is_good = is_good && rows[i].why.size == 0;
    if (is_good) {
        console_printf(out, "Deletion of requested consumer groups (%s) was successful.\n",
                       gone.data ? gone.data : "");
        text_fini(&gone);
        return;
    }
    groups_failed(g, "Deletion of some consumer groups failed:");
    for (size_t i = 0; i < count; i++)
        if (rows[i].why.size > 0)
            console_printf(out, "* Group '%.*s' could not be deleted due to: %s\n",
                           SLICE_ARG(rows[i].group), rows[i].why.data);
    if (gone.size > 0)
        console_printf(out, "\nThese consumer groups were deleted successfully: %s\n", gone.data);
    text_fini(&gone);
}

static void print_deleted_json(struct groups *g, const struct deleted *rows, size_t count)
{
    struct text json = {.data = NULL};

    text_printf(&json, "[");
    for (size_t i = 0; i < count; i++) {
        text_printf(&json, "%s\n  {\"group\": ", i ? "," : "");
        json_print_string(rows[i].group, &json);
        text_printf(&json, ", \"error\": ");
        if (rows[i].why.size > 0)
            json_print_string(text_slice(&rows[i].why), &json);
        else
            text_printf(&json, "null");
        text_printf(&json, "}");
        g->has_failed = g->has_failed || rows[i].why.size > 0;
    }
    text_printf(&json, "%s]\n", count ? "\n" : "");
    console_write(&g->cli->out, json.data, json.size);
    text_fini(&json);
}

bool groups_delete(struct groups *g)
{
    struct group_names names;
    struct deleted *rows;

    if (!groups_chosen(g, &names))
        return false;
    groups_sort(g, &names);
    rows = arena_new(&g->admin.arena, (names.count + 1) * sizeof(*rows));
    for (size_t i = 0; i < names.count; i++) {
        rows[i].group = names.rows[i];
        delete_one(g, &rows[i]);
    }
    if (groups_has(g, GROUPS_json))
        print_deleted_json(g, rows, names.count);
    else
        print_deleted(g, rows, names.count);
    for (size_t i = 0; i < names.count; i++)
        text_fini(&rows[i].why);
    return true;
}

/* --- --delete-offsets: what -------------------------------------------------- */

struct forgotten {
    struct slice topic;
    int32_t partition; /* NO_PARTITION: the topic is not there. */
    int16_t error;
};

struct forgetting {
    struct groups *g;
    struct slice group;
    struct forgotten *rows; /* Arena. */
    size_t count, room;
};

static int by_place(const void *a, const void *b)
{
    const struct forgotten *x = a;
    const struct forgotten *y = b;
    int order = admin_by_name(&x->topic, &y->topic);

    return order ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static void add_row(struct forgetting *f, struct forgotten row)
{
    for (size_t i = 0; i < f->count; i++)
        if (by_place(&f->rows[i], &row) == 0)
            return;
    f->rows = arena_grow(&f->g->admin.arena, f->rows, f->count, &f->room, sizeof(row));
    f->rows[f->count++] = row;
}

static void add_topic(struct forgetting *f, const struct metadata_response *metadata,
                      const struct group_topic *topic)
{
    const struct metadata_response_topic *from = groups_find_topic(metadata, topic->name);
    int16_t error = groups_topic_error(metadata, topic->name);

    for (size_t i = 0; i < topic->count; i++)
        add_row(f, (struct forgotten){.topic = topic->name, .partition = topic->partitions[i]});
    if (topic->count > 0)
        return;
    if (error != ERROR_NONE)
        add_row(
            f, (struct forgotten){.topic = topic->name, .partition = NO_PARTITION, .error = error});
    for (int32_t i = 0; error == ERROR_NONE && i < from->partitions_count; i++)
        add_row(f, (struct forgotten){.topic = topic->name, .partition = i});
}

static bool find_rows(struct forgetting *f)
{
    struct groups *g = f->g;
    const struct metadata_response *metadata;
    const char *word;

    if (!admin_metadata(g->cli, &g->admin, NULL, &metadata))
        return false;
    for (int i = 0; (word = options_nth(&g->cli->options, GROUPS_topic, i)); i++) {
        struct group_topic topic;

        if (!group_words_topic(word, &g->admin.arena, &topic, &g->cli->why))
            return groups_misused(g);
        add_topic(f, metadata, &topic);
    }
    qsort(f->rows, f->count, sizeof(*f->rows), by_place);
    return true;
}

/* --- --delete-offsets: the request ------------------------------------------- */

/* Rows are sorted by topic. */
static void add_to_request(struct forgetting *f, struct offset_delete_request *request,
                           const struct forgotten *row)
{
    struct offset_delete_request_topic *topic =
        request->topics_count ? &request->topics[request->topics_count - 1] : NULL;

    if (!topic || !slice_equal(topic->name, row->topic)) {
        topic = &request->topics[request->topics_count++];
        *topic = (struct offset_delete_request_topic){.name = row->topic};
        topic->partitions = arena_new(&f->g->admin.arena, f->count * sizeof(*topic->partitions));
    }
    topic->partitions[topic->partitions_count++].partition_index = row->partition;
}

static void take_answer(struct forgetting *f, const struct offset_delete_response *response)
{
    for (int32_t t = 0; t < response->topics_count; t++)
        for (int32_t i = 0; i < response->topics[t].partitions_count; i++) {
            struct forgotten key = {
                .topic = response->topics[t].name,
                .partition = response->topics[t].partitions[i].partition_index,
            };
            struct forgotten *row = bsearch(&key, f->rows, f->count, sizeof(key), by_place);

            if (row)
                row->error = response->topics[t].partitions[i].error_code;
        }
}

/* An error of the group is that of each partition. */
static void spread(struct forgetting *f, int16_t error)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].partition != NO_PARTITION)
            f->rows[i].error = error;
}

/* Sends the request; `*out_error` is the group's error, or that of one of the partitions. */
static bool forget(struct forgetting *f, int16_t *out_error)
{
    struct offset_delete_request request = offset_delete_request_defaults;
    const struct offset_delete_response *response;

    *out_error = ERROR_NONE;
    request.group_id = f->group;
    request.topics = arena_new(&f->g->admin.arena, (f->count + 1) * sizeof(*request.topics));
    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].partition != NO_PARTITION)
            add_to_request(f, &request, &f->rows[i]);
    if (!admin_group_forget(f->g->cli, &f->g->admin, &request, &response))
        return false;
    *out_error = response->error_code;
    if (*out_error != ERROR_NONE) {
        spread(f, *out_error);
        return true;
    }
    take_answer(f, response);
    for (size_t i = 0; i < f->count; i++)
        if (f->rows[i].partition != NO_PARTITION && f->rows[i].error != ERROR_NONE)
            *out_error = f->rows[i].error;
    return true;
}

/* --- --delete-offsets: printing ---------------------------------------------- */

static void say_outcome(struct forgetting *f, int16_t error)
{
    struct text why = {.data = NULL};

    switch (error) {
    case ERROR_NONE:
        console_printf(&f->g->cli->out, "Request succeeded for deleting offsets from group %.*s.\n",
                       SLICE_ARG(f->group));
        return;
    case ERROR_INVALID_GROUP_ID:
    case ERROR_GROUP_ID_NOT_FOUND:
    case ERROR_GROUP_AUTHORIZATION_FAILED:
    case ERROR_NON_EMPTY_GROUP: text_printf(&why, "%s", error_meaning(error)); break;
    case ERROR_GROUP_SUBSCRIBED_TO_TOPIC:
    case ERROR_TOPIC_AUTHORIZATION_FAILED:
    case ERROR_UNKNOWN_TOPIC_OR_PARTITION:
        text_printf(&why, "Encountered some partition-level error, see the follow-up details.");
        break;
    default: text_printf(&why, "Encountered some unknown error: %s", error_name(error));
    }
    groups_failed(f->g, why.data);
    text_fini(&why);
}

static void print_rows(const struct forgetting *f)
{
    struct console_out *out = &f->g->cli->out;
    int width = WIDTH_MIN;

    for (size_t i = 0; i < f->count; i++)
        width = max_of(width, (int)f->rows[i].topic.size);
    console_printf(out, "\n%-*s %-10s %-15s\n", width, "TOPIC", "PARTITION", "STATUS");
    for (size_t i = 0; i < f->count; i++) {
        const struct forgotten *row = &f->rows[i];
        struct text status = {.data = NULL};

        text_printf(&status, row->error == ERROR_NONE ? "Successful" : "Error: ");
        if (row->error != ERROR_NONE)
            admin_print_exception(row->error, slice_null(), &status);
        console_printf(out, "%-*.*s ", width, SLICE_ARG(row->topic));
        if (row->partition == NO_PARTITION)
            console_printf(out, "%-10s %-15s\n", "-", status.data);
        else
            console_printf(out, "%-10d %-15s\n", row->partition, status.data);
        text_fini(&status);
    }
}

static void print_rows_json(const struct forgetting *f)
{
    struct text json = {.data = NULL};

    text_printf(&json, "[");
    for (size_t i = 0; i < f->count; i++) {
        const struct forgotten *row = &f->rows[i];

        text_printf(&json, "%s\n  {\"topic\": ", i ? "," : "");
        json_print_string(row->topic, &json);
        if (row->partition == NO_PARTITION)
            text_printf(&json, ", \"partition\": null");
        else
            text_printf(&json, ", \"partition\": %d", row->partition);
        if (row->error == ERROR_NONE)
            text_printf(&json, ", \"error\": null}");
        else
            text_printf(&json, ", \"error\": \"%s\"}", error_name(row->error));
    }
    text_printf(&json, "\n]\n");
    console_write(&f->g->cli->out, json.data, json.size);
    text_fini(&json);
}

bool groups_delete_offsets(struct groups *g)
{
    struct forgetting f = {.g = g, .group = slice_text(groups_value(g, GROUPS_group))};
    int16_t error;

    if (slice_is_null(f.group) || !find_rows(&f) || !forget(&f, &error))
        return false;
    for (size_t i = 0; i < f.count; i++)
        g->has_failed = g->has_failed || f.rows[i].error != ERROR_NONE;
    if (groups_has(g, GROUPS_json)) {
        print_rows_json(&f);
    } else {
        say_outcome(&f, error);
        print_rows(&f);
    }
    return true;
}
