/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/api.h - which requests there are, in which versions.
 *
 * The tables are printed by tools/msgc from schema/; API_FETCH and the other keys and
 * RECORD_TOPIC_RECORD and the other record types are in wire/msg/all.h.
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

/* A record of the metadata log. */
struct wire_record_type {
    int16_t type;
    const struct wire_message *message;
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

/* The message of a metadata record, or NULL if we know none. */
const struct wire_message *wire_record_find(int16_t type);

/* The version of the header in front of a request or response body. */
int16_t wire_api_request_header_version(const struct wire_api *api, int16_t version);
int16_t wire_api_response_header_version(const struct wire_api *api, int16_t version);
