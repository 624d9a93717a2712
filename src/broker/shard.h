/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/shard.h - one thread's share of a broker.
 *
 * A shard has sessions (clients whose connection lives here) and replicas (partitions
 * whose home is here), its own memory budget, and its own view of the cluster.  What a
 * request needs from another shard is sent there as a leg and comes back as one.
 *
 * Threading: the shard's loop, unless said otherwise.
 * Errors:    none of its own.
 */

#include "base/arena.h"
#include "base/budget.h"
#include "broker/fetch_session.h"
#include "broker/metrics.h"
#include "broker/retention.h"
#include "broker/scrubber.h"
#include "broker/settings.h"
#include "coord/coordinator.h"
#include "meta/image.h"
#include "net/connection.h"
#include "os/loop.h"
#include "replica/partition.h"
#include "store/syncer.h"

struct broker;

struct shard {
    struct broker *broker; /* Borrowed: the owner. */
    int index;
    struct loop loop;
    struct settings settings;   /* As they are now: a copy of its own. */
    struct budget budget;       /* What clients may make us hold. */
    struct arena_spares spares; /* Of requests. */
    struct net net;
    struct list sessions; /* struct session. */
    struct replicas replicas;
    struct coordinators coordinators; /* Of groups whose home is here. */
    bool has_told_of_groups;          /* That their topic cannot be made. */
    struct fetch_sessions fetch_sessions;
    struct retention retention;
    struct scrubber scrubber;
    struct image *image;             /* Owned reference: the cluster as this shard knows it. */
    int64_t producer_id;             /* The next one to give out, */
    int64_t producer_id_end;         /* of the block that ends here. */
    struct list producer_id_waiters; /* struct producer_id_wait. */
    bool is_block_asked;             /* A block is on its way. */
    int works;                       /* Pieces of requests that are with a worker, */
    _Atomic bool is_hurried;         /* which is to do no more of them: nobody waits any longer. */
    bool is_stopping;
    struct mail stop;                /* broker_stop() reaches this shard, and its answer shard 0. */
    struct loop_timer expiry;        /* When producers that were idle for long are forgotten. */
    struct loop_timer stop_deadline; /* When clients that do not take their answers are left. */
    uint64_t requests;
    struct metrics metrics;
};

/* Prepares a shard on `io`. */
void shard_init(struct shard *shard, struct broker *broker, int index, struct io *io);

/* The shard's image has other settings of brokers: they count from now on. */
void shard_settings_changed(struct shard *shard);

/* Ends its sessions at once; what they began goes on without them. */
void shard_end_sessions(struct shard *shard);

/* Closes its partitions; `results`, one for each folder of data, is where one could not be closed
 * in order. */
void shard_end_replicas(struct shard *shard, bool clean, int results[]);

/* Frees what is left: sessions and partitions are gone, and no mail is under way. */
void shard_fini(struct shard *shard);

/* While the broker stops: tells it once this shard has no client any more, and no worker has
 * something of one. */
void shard_check_quiet(struct shard *shard);

/* A worker gave back a piece of a request. */
void shard_work_done(struct shard *shard);

/* Waits until no worker has anything of a request, when the shard dies. */
void shard_end_works(struct shard *shard);

/* Begins to stop: sessions end when what they began is answered, at most STOP_MAX_US later. */
void shard_stop(struct shard *shard);

/* A part of a request's work that is done on some shard.  Embedded in the request's
 * memory.  run() is called there and ends, then or later, with leg_finish(); done() is
 * called on the shard that sent it. */
struct leg {
    struct mail mail;
    struct shard *from, *to;
    void (*run)(struct leg *leg);
    void (*done)(struct leg *leg);
};

/* Runs the leg: at once where `to` is this shard, else by mail. */
void leg_send(struct leg *leg, struct shard *from, struct shard *to);

/* The leg's work is done; called on `to`. */
void leg_finish(struct leg *leg);
