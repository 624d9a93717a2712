/* SPDX-License-Identifier: Apache-2.0 */

/* cli/groups_list.c - kafka-consumer-groups --list. */

#include "cli/groups_list.h"

#include "base/java_order.h"
#include "base/json.h"
#include "cli/groups.h"

#include <ctype.h>
#include <stdlib.h>

enum { WORDS_MAX = 16, GROUP_WIDTH_MIN = 15, GROUP_MARGIN = 10 };

static const char *const states[] = {
    "Stable",
    "PreparingRebalance",
    "CompletingRebalance",
    "Reconciling",
    "Empty",
    "Assigning",
    "Dead",
    NULL,
};

static const char *const types[] = {"Classic", "Consumer", NULL};

/* Every type that there is. */
static const char *const all_types[] = {"Classic", "Consumer", "Share", "Streams", NULL};

/* --- words ------------------------------------------------------------------- */

const char *groups_word(const char *const *words, struct slice s)
{
    for (; *words; words++) {
        size_t i = 0;

        while (i < s.size && (*words)[i] && tolower(s.data[i]) == tolower((*words)[i]))
            i++;
        if (i == s.size && !(*words)[i])
            return *words;
    }
    return NULL;
}

const char *groups_type_name(struct slice type)
{
    const char *name = groups_word(all_types, type);

    return name ? name : "Unknown";
}

void groups_listing_sort(struct admin *admin, struct admin_listing *listing)
{
    size_t count = listing->count;
    size_t *order = arena_new(&admin->arena, (count + 1) * sizeof(*order));
    struct slice *names = arena_new(&admin->arena, (count + 1) * sizeof(*names));
    struct list_groups_listed_group *sorted =
        arena_new(&admin->arena, (count + 1) * sizeof(*sorted));

    for (size_t i = 0; i < count; i++)
        names[i] = listing->groups[i].group_id;
    java_order_sort(names, count, 0, order);
    for (size_t i = 0; i < count; i++)
        sorted[i] = listing->groups[order[i]];
    listing->groups = sorted;
}

void groups_print_listed(const struct list_groups_listed_group *group, struct text *json)
{
    text_printf(json, "%s\n  {\"group\": ", json->size > 1 ? "," : "");
    json_print_string(group->group_id, json);
    text_printf(json, ", \"type\": \"%s\", \"protocol\": ", groups_type_name(group->group_type));
    json_print_string(group->protocol_type, json);
    text_printf(json, ", \"state\": ");
    json_print_string(group->group_state, json);
    text_printf(json, "}");
}

/* --- the filters ------------------------------------------------------------- */

struct list_filter {
    const char *words[WORDS_MAX]; /* Of a table. */
    size_t count;                 /* 0: all of them. */
};

static bool filter_has(const struct list_filter *filter, const char *word)
{
    for (size_t i = 0; i < filter->count; i++)
        if (filter->words[i] == word)
            return true;
    return filter->count == 0;
}

static void say_invalid(struct groups *g, const char *what, const char *value,
                        const char *const *words)
{
    struct text *why = &g->cli->why;

    text_printf(why, "Invalid %s list '%s'. Valid %s are: ", what, value,
                strcmp(what, "state") == 0 ? "states" : what);
    for (size_t i = 0; words[i]; i++)
        text_printf(why, "%s%s", i ? ", " : "", words[i]);
    groups_misused(g);
}

/* Reads words that are joined by commas. */
static bool read_filter(struct groups *g, enum groups_option option, const char *what,
                        const char *const *words, struct list_filter *out)
{
    const char *value = groups_value(g, option);
    const char *at = value;

    *out = (struct list_filter){.count = 0};
    if (g->cli->why.size > 0)
        return false;
    while (at && *at) {
        size_t size = strcspn(at, ",");
        size_t blanks = strspn(at, " ");
        struct slice s = slice_of(at + min_of(blanks, size), size - min_of(blanks, size));
        const char *word;

        while (s.size > 0 && s.data[s.size - 1] == ' ')
            s.size--;
        word = groups_word(words, s);
        if (!word || out->count == WORDS_MAX) {
            say_invalid(g, what, value, words);
            return false;
        }
        out->words[out->count++] = word;
        at += size + (at[size] == ',');
    }
    return true;
}

/* --- printing ---------------------------------------------------------------- */

static void print_table(const struct groups *g, const struct admin_listing *listing)
{
    struct console_out *out = &g->cli->out;
    bool has_type = groups_has(g, GROUPS_type);
    bool has_state = groups_has(g, GROUPS_state);
    int width = GROUP_WIDTH_MIN;

    for (size_t i = 0; i < listing->count; i++)
        width = max_of(width, (int)listing->groups[i].group_id.size);
    width += GROUP_MARGIN;
    console_printf(out, "%-*s", width, "GROUP");
    if (has_type)
        console_printf(out, " %-20s", "TYPE");
    if (has_state)
        console_printf(out, " %-20s", "STATE");
    console_printf(out, "\n");
    for (size_t i = 0; i < listing->count; i++) {
        const struct list_groups_listed_group *group = &listing->groups[i];

        console_printf(out, "%-*.*s", width, SLICE_ARG(group->group_id));
        if (has_type)
            console_printf(out, " %-20s", groups_type_name(group->group_type));
        if (has_state)
            console_printf(out, " %-20.*s", SLICE_ARG(group->group_state));
        console_printf(out, "\n");
    }
}

static void print_json(const struct groups *g, const struct admin_listing *listing)
{
    struct text json = {.data = NULL};

    text_printf(&json, "[");
    for (size_t i = 0; i < listing->count; i++)
        groups_print_listed(&listing->groups[i], &json);
    text_printf(&json, "%s]\n", json.size > 1 ? "\n" : "");
    console_write(&g->cli->out, json.data, json.size);
    text_fini(&json);
}

bool groups_list(struct groups *g)
{
    struct list_filter of_states, of_types;
    struct admin_listing listing;
    size_t count = 0;

    if (!read_filter(g, GROUPS_state, "state", states, &of_states) ||
        !read_filter(g, GROUPS_type, "types", types, &of_types))
        return false;
    if (!admin_groups_list(g->cli, &g->admin, &listing)) {
        admin_prefix(g->cli, "java.util.concurrent.ExecutionException: ");
        return false;
    }
    for (size_t i = 0; i < listing.count; i++) {
        const struct list_groups_listed_group *group = &listing.groups[i];
        const char *type = groups_type_name(group->group_type);

        if (groups_is_consumer(group) && filter_has(&of_types, type) &&
            filter_has(&of_states, groups_word(states, group->group_state)))
            listing.groups[count++] = *group;
    }
    listing.count = count;
    groups_listing_sort(&g->admin, &listing);
    if (groups_has(g, GROUPS_json)) {
        print_json(g, &listing);
    } else if (groups_has(g, GROUPS_state) || groups_has(g, GROUPS_type)) {
        print_table(g, &listing);
    } else {
        for (size_t i = 0; i < listing.count; i++)
            console_printf(&g->cli->out, "%.*s\n", SLICE_ARG(listing.groups[i].group_id));
    }
    return true;
}
