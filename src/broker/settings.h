/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/settings.h - what a node was told to be: config.def, a file, and overrides.
 *
 * Threading: made before the broker starts; read-only from then on.
 * Errors:    enum settings_outcome, with a sentence for the operator.
 */

#include "base/config.h"
#include "base/diag.h"
#include "os/io.h"

/* A key as it was written down, known to Kafka or ours. */
struct setting_given {
    char *key, *value; /* Owned. */
};

struct settings {
    struct setting_given *given; /* Owned array: what the members below and others are from. */
    size_t given_count;
#define CONFIG(id, name, TYPE, initial, VALID, FLAGS, about) CONFIG_MEMBER_##TYPE(id)
#include "broker/config.def"
};

extern const struct config_table settings_table;

enum settings_outcome {
    SETTINGS_E_INVALID = 1, /* An unknown key, a bad value, or values that do not fit. */
};

/* The defaults. */
void settings_init(struct settings *settings);

/* What a node is that was given no file: the whole cluster, with nobody to wait for. */
void settings_set_alone(struct settings *settings);

/* Frees what the settings own. */
void settings_fini(struct settings *settings);

/* Sets one key.  A key that Kafka knows and we do not act on is added to `unserved`,
 * one in a line; an unknown one is refused with the nearest name in `why`. */
NODISCARD int settings_set(struct settings *settings, struct slice key, struct slice value,
                           struct text *unserved, struct text *why);

/* The row of a key that we act on or that Kafka knows; of `listener.name.X.key` that of
 * `key`.  NULL if nobody knows it. */
const struct config_row *settings_find(struct slice key);

/* All keys: those that we act on, then those that Kafka knows.  NULL behind the last. */
const struct config_row *settings_row(size_t at);

/* Whether we act on the key of `row`. */
bool settings_is_served(const struct config_row *row);

/* What was written down for `key`, borrowed, or NULL. */
const char *settings_given(const struct settings *settings, const char *key);

/* The value of a key that topics take their default from, in their unit: log.retention.ms may
 * be made of log.retention.hours.  `unset` if there is none. */
void settings_print(const struct settings *settings, const char *key, const char *unset,
                    struct text *out);

/* Changes one key while the broker runs; one that we do not act on is kept only.  What is
 * not valid, or cannot change, was let in by another release and is left out. */
void settings_change(struct settings *settings, const char *key, const char *value);

/* Copies all; `to` must be zeroed. */
void settings_copy(const struct settings *from, struct settings *to);

/* Sets all keys of a properties file.  Of a key that comes twice the last counts. */
NODISCARD int settings_read(struct settings *settings, struct slice file, struct text *unserved,
                            struct text *why);

/* What a node is: process.roles. */
enum settings_role { ROLE_BROKER = 1 << 0, ROLE_CONTROLLER = 1 << 1 };

/* The roles of this node; without process.roles it has both. */
unsigned settings_roles(const struct settings *settings);

/* Adds where the controllers of a broker are, "host:port,host:port", to `out`. */
NODISCARD int settings_controllers(const struct settings *settings, struct text *out,
                                   struct text *why);

/* One place to listen, and how clients are told to get there. */
enum { ENDPOINT_NAME_MAX = 64 };

struct endpoint {
    struct io_address listen;
    char name[ENDPOINT_NAME_MAX]; /* PLAINTEXT, or another that the operator chose. */
    char advertised_host[256];
    uint16_t advertised_port; /* 0: the port that was bound. */
    bool is_controller;       /* Brokers and controllers' tools come here, no clients. */
};

enum { ENDPOINTS_MAX = 8 };

/* The addresses of `listeners` and `advertised.listeners`: PLAINTEXT only. */
NODISCARD int settings_endpoints(const struct settings *settings,
                                 struct endpoint out[static ENDPOINTS_MAX], size_t *out_count,
                                 struct text *why);

/* One folder of data. */
struct settings_dir {
    char *path; /* Owned. */
    bool is_for_metadata;
    bool is_for_logs; /* Of partitions. */
};

enum { SETTINGS_DIRS_MAX = 32 };

/* The folders of data: that of the metadata first, then those of log.dirs (or log.dir) as they are
 * named there.  The caller frees the paths. */
NODISCARD int settings_dirs(const struct settings *settings,
                            struct settings_dir out[static SETTINGS_DIRS_MAX], int *out_count,
                            struct text *why);

/* The number of this node. */
int32_t settings_node_id(const struct settings *settings);
