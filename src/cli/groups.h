/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/groups.h - what the parts of kafka-consumer-groups share.
 *
 *     groups.c           options that do not go together, and which groups are meant
 *     groups_list.c      --list
 *     groups_describe.c  --describe
 *     groups_reset.c     --reset-offsets
 *     groups_delete.c    --delete and --delete-offsets
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why, which groups_run() prints as Kafka does.
 */

#include "cli/admin_groups.h"
#include "cli/admin_offsets.h"
#include "cli/group_words.h"

enum groups_option {
#define OPTION(id, name, KIND, shows, initial, about) GROUPS_##id,
#include "cli/groups.def"
    GROUPS_OPTION_COUNT
};

struct groups {
    struct cli *cli;
    struct admin admin;
    bool is_misused; /* The sentence says what is wrong with the words: the usage follows. */
    bool has_failed; /* Something was said to have failed, though all was done that could be. */
};

/* Names of groups, each once. */
struct group_names {
    struct slice *rows; /* Arena. */
    size_t count;
};

static inline bool groups_has(const struct groups *g, enum groups_option option)
{
    return options_has(&g->cli->options, (int)option);
}

/* The value of an option that may be given once; NULL: none, or why not is in cli->why. */
const char *groups_value(struct groups *g, enum groups_option option);

/* Notes that the words are to blame, and returns false. */
bool groups_misused(struct groups *g);

/* Prints "Error: " and a sentence on standard output, and notes that something failed. */
void groups_failed(struct groups *g, const char *sentence);

/* The groups that are meant. */
NODISCARD bool groups_chosen(struct groups *g, struct group_names *out);

/* Adds a name, unless it is there already; `*room` is for arena_grow(). */
void groups_add_name(struct groups *g, struct group_names *names, size_t *room, struct slice name);

/* Puts the names into the order of Java's HashMap. */
void groups_sort(struct groups *g, struct group_names *names);

/* Classic and new consumer groups, all others left out. */
bool groups_is_consumer(const struct list_groups_listed_group *group);

/* The group as its coordinator has it; false if it is none of consumers, or not there. */
NODISCARD bool groups_describe_one(struct groups *g, struct slice group, struct admin_group *out);

/* The topic of this name, or NULL. */
const struct metadata_response_topic *groups_find_topic(const struct metadata_response *metadata,
                                                        struct slice name);

/* ERROR_NONE, or why there is no such topic. */
int16_t groups_topic_error(const struct metadata_response *metadata, struct slice name);

/* The actions. */
NODISCARD bool groups_list(struct groups *g);
NODISCARD bool groups_describe(struct groups *g);
NODISCARD bool groups_reset(struct groups *g);
NODISCARD bool groups_delete(struct groups *g);
NODISCARD bool groups_delete_offsets(struct groups *g);
