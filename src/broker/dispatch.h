/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/dispatch.h - from a frame to the handler of its API: apis.def.
 *
 * Threading: the session's shard.
 * Errors:    dispatch_why() for a frame that closes the connection, as Kafka does.
 */

#include "broker/request.h"

/* Which of the node's listeners a request may come in on. */
enum dispatch_listener {
    DISPATCH_CLIENT = 1 << 0,
    DISPATCH_PEER = 1 << 1,
    DISPATCH_CONTROLLER = 1 << 2,
    DISPATCH_FORWARD = 1 << 3, /* No listener: a broker passes it on to its controller. */
};

enum dispatch_authorize { DISPATCH_ON_CLUSTER, DISPATCH_IN_HANDLER, DISPATCH_NOBODY };

/* Answers `request` now, or keeps it and answers later. */
typedef void handler_fn(struct request *request);

struct api {
    int16_t key;
    handler_fn *handle;
    unsigned listeners;
    enum dispatch_authorize authorize;
    int16_t min, max;       /* Versions that are served, */
    int16_t min_advertised; /* ... and where the range that is advertised begins. */
};

/* The API as it is answered on a kind of listeners, or NULL if it is not. */
const struct api *dispatch_find(int16_t key, enum dispatch_listener where);

/* How many rows apis.def has, and which of them `api` is. */
size_t dispatch_count(void);
size_t dispatch_row(const struct api *api);

/* The row number `row`. */
const struct api *dispatch_api(size_t row);

/* Decodes the frame of `request` and starts its handler.  Not NULL: the constant
 * sentence that the connection is to be closed with; the request is the caller's. */
const char *dispatch(struct request *request, struct slice frame);

/* The kind of listeners that the request came in on. */
enum dispatch_listener dispatch_where(const struct request *request);

/* Who may do what.  There are no ACLs yet: the answer is yes.  Every place that Kafka
 * checks asks here, so that there will be one place to change. */
enum acl_operation {
    ACL_READ,
    ACL_WRITE,
    ACL_CREATE,
    ACL_DELETE,
    ACL_ALTER,
    ACL_DESCRIBE,
    ACL_CLUSTER,
};
bool authorize(const struct request *request, enum acl_operation operation, struct slice resource);

#define API(name, key, listeners, authorize, lowest, highest, from) handler_fn handle_##name;
#include "broker/apis.def"
