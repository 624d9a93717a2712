/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/fetch_session.h - what a consumer fetches, kept between its requests (KIP-227).
 *
 * A consumer of a thousand partitions would name them all in every Fetch, and be told of
 * them all.  With a session it names only what has changed, and hears only of partitions
 * that have news:
 *
 *      epoch 0    all partitions           -->  a session, its id in the answer
 *      epoch 1    p7 moved on to 4711      -->  p7: records; nothing of the others
 *      epoch 2    (nothing changed)        -->  p3: a new high watermark
 *      epoch -1   ends it
 *
 * Partitions that had records go to the end of the session's order, so that each gets its
 * turn when answers are full.
 *
 * Threading: the shard's loop; a session lives on the shard of the connection that made it.
 * Errors:    enum fetch_session_outcome.
 */

#include "base/list.h"
#include "base/map.h"
#include "base/uuid.h"
#include "os/io.h"
#include "wire/msg/fetch.h"

enum fetch_session_outcome {
    FETCH_SESSION_E_UNKNOWN = 1, /* No session has this id, or it has been given up. */
    FETCH_SESSION_E_EPOCH,       /* Not the epoch that comes next. */
    FETCH_SESSION_E_TOPIC_IDS,   /* Made with names and used with ids, or the other way round. */
};

enum { FETCH_SESSION_NEW = 0, FETCH_SESSION_FINAL = -1 }; /* Epochs with a meaning. */

/* One partition of a session. */
struct fetch_entry {
    struct map_node node;   /* In session->by_key. */
    struct list_node order; /* In session->entries. */
    struct slice topic;     /* Owned bytes; empty when topics go by id. */
    struct uuid topic_id;
    struct fetch_partition wanted;
    int64_t high_watermark; /* As the client was told; -1: tell it again. */
    int64_t log_start;
};

struct fetch_session {
    struct map_node node;    /* In sessions->by_id. */
    struct list_node by_use; /* In sessions->by_use, the longest unused first. */
    int32_t id;
    int32_t epoch; /* That the next request must have. */
    bool by_topic_id;
    bool is_busy;     /* A request is using it. */
    bool is_given_up; /* Freed when that request is done. */
    int64_t used_us;
    struct list entries; /* Owned struct fetch_entry, in the order they are served. */
    struct map by_key;
};

/* The sessions of one shard. */
struct fetch_sessions {
    struct map by_id;
    struct list by_use;
    size_t slots; /* The most there may be. */
};

/* No sessions yet, and room for `slots`. */
void fetch_sessions_init(struct fetch_sessions *sessions, size_t slots);

/* Frees all; none is busy. */
void fetch_sessions_fini(struct fetch_sessions *sessions);

/* Finds the session that `request`, an incremental one, is about, makes the changes that it
 * asks for, and marks the session busy.  `*out` is NULL if nothing was left in it: it is
 * gone, and the request is to be answered without a session. */
NODISCARD int fetch_sessions_use(struct fetch_sessions *sessions,
                                 const struct fetch_request *request, bool by_topic_id,
                                 int64_t now_us, struct fetch_session **out);

/* Makes a session of what a full `request` names, and marks it busy; NULL if there is no
 * room: sessions unused for two minutes make some.  `io` gives its id. */
struct fetch_session *fetch_sessions_make(struct fetch_sessions *sessions, struct io *io,
                                          const struct fetch_request *request, bool by_topic_id,
                                          int64_t now_us);

/* Ends the session with this id, if there is one. */
void fetch_sessions_end(struct fetch_sessions *sessions, int32_t id);

/* The request that used the session is done. */
void fetch_session_rest(struct fetch_session *session);

/* Whether the client must hear of `data`, and notes that it does.  An entry with records goes to
 * the end of the order. */
bool fetch_entry_tell(struct fetch_session *session, struct fetch_entry *entry,
                      const struct fetch_partition_data *data, bool has_records);
