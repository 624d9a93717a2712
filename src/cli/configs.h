/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/configs.h - what the parts of kafka-configs share.
 *
 *     configs.c           options that do not go together, and whose settings are meant
 *     configs_alter.c     --alter
 *     configs_describe.c  --describe
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why, which configs_run() prints as Kafka does.
 */

#include "cli/admin.h"

/* Whose settings: in the order in which Kafka names the types. */
enum configs_entity {
    TOPICS,
    CLIENTS,
    USERS,
    BROKERS,
    IPS,
    CLIENT_METRICS,
    GROUPS,
    LOGGERS,
    NO_ENTITY
};

enum configs_option {
#define OPTION(id, name, KIND, shows, initial, entity, about) CONFIGS_##id,
#include "cli/configs.def"
    CONFIGS_OPTION_COUNT
};

struct configs {
    struct cli *cli;
    struct admin admin;
    enum configs_entity type;
    const char *name; /* Borrowed; "": what holds for all; NULL: each one. */
    /* The sentence says what is wrong with the words; else it is what went wrong. */
    bool is_misused;
};

/* "topics", and 2 of the protocol's types of resources. */
struct configs_type {
    const char *name;
    int8_t resource; /* -1: not served. */
};

extern const struct configs_type configs_types[];

/* The node that is asked about a resource. */
int32_t configs_target(const struct configs *configs, const char *name);

/* The settings of one resource; the answer belongs to configs->admin. */
struct describe_configs_result;
NODISCARD bool configs_ask(struct configs *configs, const char *name,
                           const struct describe_configs_result **out);

/* --alter and --describe. */
NODISCARD bool configs_alter(struct configs *configs);
NODISCARD bool configs_describe(struct configs *configs);
