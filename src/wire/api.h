/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/api.h - which requests there are, in which versions.
 *
 * The tables are printed by tools/msgc from schema/; API_FETCH and the other keys,
 * RECORD_TOPIC_RECORD, GROUP_RECORD_OFFSET_COMMIT and the other record types are in
 * wire/msg/all.h.
 *
 * Versions here are those that can be read and written.  Which of them the broker serves
 * is in broker/apis.def.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "wire/message.h"
#include "wire/msg/all.h"

enum { API_ON_BROKER = 1, API_ON_CONTROLLER = 2 };

struct wire_api {
    int16_t key;
    const char *name;   /* fetch */
    int16_t min, max;   /* Versions that are stable. */
    int16_t latest;     /* Above `max` if Kafka calls the last versions unstable. */
    int16_t flexible;   /* First flexible version, or WIRE_NEVER. */
    unsigned listeners; /* API_ON_BROKER | API_ON_CONTROLLER: where Kafka answers it. */
    const struct wire_message *request, *response;
};

/* The logs whose records are messages.  Record types count anew in each. */
enum wire_log {
    WIRE_LOG_METADATA,     /* __cluster_metadata: only values. */
    WIRE_LOG_GROUPS,       /* __consumer_offsets */
    WIRE_LOG_TRANSACTIONS, /* __transaction_state */
    WIRE_LOG_SHARE,        /* __share_group_state */
    WIRE_LOG_REMOTE,       /* __remote_log_metadata: only values. */
};

/* A record of such a log.  Where records have keys, the key is `i16 type` and a message
 * in version 0, and the value is `i16 version` and a message, or null. */
struct wire_record_type {
    enum wire_log log;
    int16_t type;
    const struct wire_message *key; /* NULL if the log's records have none. */
    const struct wire_message *value;
};

/* All of them; APIs by ascending key. */
extern const struct wire_api wire_apis[];
extern const int wire_api_count;
extern const struct wire_record_type wire_record_types[];
extern const int wire_record_type_count;
extern const struct wire_message *const wire_messages[];
extern const int wire_message_count;

/* The API with this key, or NULL if we know none. */
const struct wire_api *wire_api_find(int16_t key);

/* The record of this type, or NULL if we know none. */
const struct wire_record_type *wire_record_find(enum wire_log log, int16_t type);

/* The message with this name, such as `fetch_request`, or NULL if we know none. */
const struct wire_message *wire_message_find(struct slice name);

/* The version of the header in front of a request or response body. */
int16_t wire_api_request_header_version(const struct wire_api *api, int16_t version);
int16_t wire_api_response_header_version(const struct wire_api *api, int16_t version);
