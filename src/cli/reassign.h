/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/reassign.h - what the files of kafka-reassign-partitions share.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/admin.h"

enum reassign_option {
#define OPTION(id, name, KIND, shows, initial, actions, about) REASSIGN_##id,
#include "cli/reassign.def"
};

/* A partition with the replicas that it has or is to have. */
struct reassign_part {
    struct slice topic;
    int32_t partition;
    int32_t *replicas;  /* Arena. */
    struct slice *dirs; /* Arena: of each replica; "any": not said. */
    size_t replica_count;
};

struct reassign_parts {
    struct reassign_part *items; /* Arena. */
    size_t count;
};

struct reassign_topics {
    struct slice *items; /* Arena. */
    size_t count;
};

/* What a broker has told of its log directories. */
struct reassign_dirs;

struct reassign {
    struct cli *cli;
    struct admin admin;
    struct text file;                         /* What names are borrowed from. */
    const struct metadata_response *metadata; /* NULL: not asked for yet. */
    struct reassign_dirs *dirs;               /* Arena. */
    bool is_terse;                            /* The sentence is said as it is. */
};

static inline bool reassign_has(const struct reassign *r, enum reassign_option option)
{
    return options_has(&r->cli->options, (int)option);
}

/* --- reassign_files.c */

/* Reads --reassignment-json-file: in the order of the file. */
NODISCARD bool reassign_read_parts(struct reassign *r, struct reassign_parts *out);

/* Reads --topics-to-move-json-file. */
NODISCARD bool reassign_read_topics(struct reassign *r, struct reassign_topics *out);

/* Prints them as such a file, sorted. */
void reassign_print_parts(struct reassign_parts *parts, struct text *out);

/* Sorts them by topic and partition. */
void reassign_sort(struct reassign_parts *parts);

/* --- reassign_cluster.c */

/* Asks for all topics, once. */
NODISCARD bool reassign_ask_metadata(struct reassign *r);

/* The topic, or NULL. */
const struct metadata_response_topic *reassign_find_topic(const struct reassign *r,
                                                          struct slice name);

/* The partition, or NULL. */
const struct metadata_response_partition *reassign_find_part(const struct reassign *r,
                                                             struct slice topic, int32_t partition);

/* Fills `out` with the replicas that a partition has, and where they are. */
NODISCARD bool reassign_current(struct reassign *r, struct slice topic,
                                const struct metadata_response_partition *from,
                                struct reassign_part *out);

/* The log directory of a replica, and the one that it is on its way to; null: not known. */
NODISCARD bool reassign_find_dirs(struct reassign *r, struct slice topic, int32_t partition,
                                  int32_t broker, struct slice *out, struct slice *out_future);

/* Asks which moves are under way: of all partitions, or of these. */
struct list_partition_reassignments_response;
NODISCARD bool reassign_list(struct reassign *r, const struct reassign_parts *parts,
                             const struct list_partition_reassignments_response **out);

/* Starts moves, or cancels them.  What is said about partitions that could not is added to
 * `failures`. */
NODISCARD bool reassign_alter(struct reassign *r, const struct reassign_parts *parts,
                              bool is_cancel, struct text *failures);

/* Lets a replica go to another log directory of its broker; `*out_error` is the answer. */
NODISCARD bool reassign_alter_dir(struct reassign *r, const struct reassign_part *part,
                                  size_t replica, int16_t *out_error);

/* One setting; a null value deletes it. */
struct reassign_setting {
    const char *name;
    struct slice value;
};

/* Changes settings of a broker, or of a topic if it is not null. */
NODISCARD bool reassign_configure(struct reassign *r, struct slice topic, int32_t broker,
                                  const struct reassign_setting *settings, size_t count);

/* --- reassign_moves.c */

/* Starts what the file says. */
NODISCARD bool reassign_execute(struct reassign *r);

/* Prints how far that is. */
NODISCARD bool reassign_verify(struct reassign *r);

/* Stops it. */
NODISCARD bool reassign_cancel(struct reassign *r);
