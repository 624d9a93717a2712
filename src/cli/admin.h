/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/admin.h - what the commands that ask and order a cluster share: connecting, a call
 * after another, and what is said about errors.
 *
 * Answers are borrowed from until admin_fini().
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/client_settings.h"
#include "wire/msg/metadata.h"

struct admin {
    struct admin_answer {
        struct call call;
        struct admin_answer *next;
    } * last; /* Arena. */
    /* What Kafka's admin client calls that which is done, in its sentence about a node that
     * cannot be reached; NULL: by the request. */
    const char *purpose;
    struct arena arena;
};

/* Begins without any answer. */
void admin_init(struct admin *admin);

/* Frees all answers, and what borrows from them. */
void admin_fini(struct admin *admin);

/* Reads the client's settings from the values of these two options and makes the
 * cluster.  `config` is initialised, and outlives the command. */
NODISCARD bool admin_connect(struct cli *cli, struct client_config *config, int bootstrap_row,
                             int command_config_row);

/* What admin_connect() does in two steps, for those who want other settings in between. */
NODISCARD bool admin_settings(struct cli *cli, struct client_config *config, int bootstrap_row,
                              int command_config_row, struct cluster_settings *out);
NODISCARD bool admin_connect_to(struct cli *cli, const struct cluster_settings *settings);

struct admin_rows {
    int bootstrap, controller, command_config;
};

/* As admin_connect(), but of the two options that name nodes the one that was given counts.
 * Controllers are asked without knowing any node but those that are named. */
NODISCARD bool admin_connect_either(struct cli *cli, struct client_config *config,
                                    const struct admin_rows *rows);

/* True if the text is host:port, or several joined by commas. */
bool admin_is_bootstrap(const char *text);

/* Sends a request and waits.  False: no answer.  The outcome is in the call, which
 * belongs to `admin`. */
NODISCARD bool admin_call(struct cli *cli, struct admin *admin, const struct call_events *events,
                          struct call_order order, struct call **out);

/* Does nothing, at the end of a call: admin_call() looks when the loop has turned. */
void admin_done(struct call *call);

/* A call's events where the first answer is the last. */
extern const struct call_events admin_once;

/* Metadata of all topics, or of one by its id. */
NODISCARD bool admin_metadata(struct cli *cli, struct admin *admin, const struct uuid *id,
                              const struct metadata_response **out);

/* A sentence about the code of an answer: the broker's own if it gave one. */
void admin_explain(struct cli *cli, int16_t error, struct slice message);

/* The same as Java's clients show it: the exception's class, a colon, the sentence. */
void admin_print_exception(int16_t error, struct slice message, struct text *out);

/* The class alone, with its package. */
void admin_print_class(int16_t error, struct text *out);

/* Compares two struct slice, for qsort(). */
int admin_by_name(const void *a, const void *b);
