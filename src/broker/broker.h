/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/broker.h - one node: its shards, its controller, its data; broker, controller, or both.
 *
 *      broker --- shard 0 --- loop, sessions, partitions whose home it is, controller (or the
 *             |               way to one in another process)
 *             \-- shard 1 --- loop, sessions, partitions ...
 *
 * A broker keeps no process state: several may live in one process.  Who makes it
 * gives it one io per shard; the program then runs each shard's loop on a thread, the
 * simulator turns them itself.
 *
 * The end comes in three steps: broker_stop() asks for it, is_stopped says when all
 * shards have let go of their clients (each on its own loop), broker_close() then
 * writes what a clean stop writes and frees.
 *
 * Threading: open and close with no shard running; broker_stop() on shard 0's loop.
 * Errors:    enum broker_outcome, with lines in the log that say what to do.
 */

#include "broker/admission.h"
#include "broker/dirs.h"
#include "broker/exporter.h"
#include "broker/settings.h"
#include "broker/shard.h"
#include "broker/uplink.h"
#include "control/controller.h"
#include "net/listener.h"
#include "store/keeper.h"
#include "store/log_dir.h"

struct broker_options {
    const struct settings *settings; /* Borrowed, as all of these. */
    struct diag *diag;
    struct io *const *ios; /* One per shard. */
    int shards;
    int64_t files_max; /* Descriptors that the process may have; 0: no bound is known. */
    const char
        *folder; /* That relative paths of the settings are in, for clients; NULL: not known. */
    const char *modules; /* The folder of the program's modules; NULL: there are none. */
    const char *version; /* Of the program; a constant. */
    /* Called once on shard 0's loop, when the broker can do nothing any more: the folder of the
     * metadata, or the last one of records, has failed.  May be NULL. */
    void (*failed)(struct broker *broker, void *context);
    /* Called once, on shard 0's loop or before broker_open() returns, when clients are let in; may
     * be NULL. */
    void (*serves)(struct broker *broker, void *context);
    void *context;
};

enum broker_outcome {
    BROKER_E_CONFIG = 1, /* The settings do not fit together, or an address is taken. */
    BROKER_E_DATA,       /* The data folder cannot be used. */
};

/* Where clients connect. */
struct broker_listener {
    struct listener listener;
    struct broker *broker;
    char name[ENDPOINT_NAME_MAX];
    char advertised_host[256];
    uint16_t advertised_port;
    bool is_controller;      /* Brokers and controllers' tools come here, on shard 0. */
    int64_t connections;     /* Of the first listener of a name: that came in by one of them. */
    int64_t connections_max; /* listener.name.X.max.connections. */
};

struct broker {
    const struct settings *settings; /* Borrowed. */
    struct diag *diag;
    int32_t node_id;
    struct dirs dirs; /* The first has the metadata. */
    int shard_count;
    int64_t files_max;                               /* See broker_options. */
    struct shard *shards;                            /* Owned array. */
    unsigned roles;                                  /* enum settings_role */
    struct controller *controller;                   /* Owned, or NULL; home: shard 0. */
    struct uplink uplink;                            /* The way to it; home: shard 0. */
    struct observer *observer;                       /* Owned, where it is elsewhere, else NULL; */
    struct life *life;                               /* as this one. */
    _Atomic int state;                               /* enum node_state; any thread. */
    struct exporter *exporter;                       /* Owned, or NULL. */
    bool is_in_order;                                /* What is on disk was recovered. */
    int32_t controller_epoch;                        /* Of the metadata log; any shard. */
    int64_t broker_epoch;                            /* Of our registration; any shard. */
    struct broker_listener listeners[ENDPOINTS_MAX]; /* On shard 0. */
    size_t listener_count;
    struct admission admission;
    int next_shard;          /* Who gets the next connection. */
    struct publish *publish; /* Owned: the image on its way to the shards. */
    int shards_busy;         /* While stopping: shards that still have clients. */
    void (*stopped)(struct broker *broker, void *context);
    void *stopped_context;
    void (*failed)(struct broker *broker, void *context);
    void (*serves)(struct broker *broker, void *context);
    void *failed_context; /* Of both. */
};

/* Opens data and controller, recovers what a crash left, and listens. */
NODISCARD int broker_open(const struct broker_options *options, struct broker **out);

/* Begins the end: closes listeners and connections; `stopped` is called on shard 0's
 * loop when every shard is quiet. */
void broker_stop(struct broker *broker, void (*stopped)(struct broker *broker, void *context),
                 void *context);

/* Writes what a clean stop writes, or (`clean` false) touches nothing on disk; frees.
 * Returns a negative code if the stop could not be made clean. */
int broker_close(struct broker *broker, bool clean);

/* The metadata of a controller elsewhere is there: brings in order what is on disk, and listens,
 * but lets nobody in. */
NODISCARD int broker_take_image(struct broker *broker, struct image *image);

/* Lets clients in. */
void broker_serve(struct broker *broker);

/* Publishes an image to every shard; the controller's publish(). */
void broker_publish(void *owner, const struct control_change *change);
