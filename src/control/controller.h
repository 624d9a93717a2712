/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* control/controller.h - who decides what the cluster consists of.
 *
 * Operations queue up; all that are waiting are decided together against one image,
 * written as one batch of metadata records, and answered when the batch is durable and
 * the image that it leads to has been published.  So an answer is never forgotten, and
 * who got it finds its topic on every shard.
 *
 *      queue -> decide against image N -> append + sync -> image N+1 published -> done()
 *
 * Threading: one loop, that of its home shard.
 * Errors:    enum control_outcome, for each operation; negative codes from opening.
 */

#include "base/arena.h"
#include "control/mlog.h"
#include "meta/image.h"

enum control_outcome {
    CONTROL_E_EXISTS = 1,  /* The topic is there already. */
    CONTROL_E_NAME,        /* Not a name a topic may have. */
    CONTROL_E_RESERVED,    /* The metadata log's own name. */
    CONTROL_E_COLLIDES,    /* Differs from a topic there is only in `.` and `_`. */
    CONTROL_E_PARTITIONS,  /* Not a number of partitions. */
    CONTROL_E_REPLICATION, /* Not a replication factor that this cluster has. */
    CONTROL_E_ASSIGNMENT,  /* Replicas on brokers that are not registered. */
    CONTROL_E_FENCED,      /* There is no broker that could lead. */
    CONTROL_E_UNKNOWN_TOPIC,
    CONTROL_E_UNKNOWN_ID,
    CONTROL_E_STORAGE, /* The metadata log failed. */
    CONTROL_E_STOPPED,
};

enum { CONTROL_PRODUCER_IDS = 1000, CONTROL_PARTITIONS_MAX = 100000, CONTROL_WHY_SIZE = 512 };

enum control_kind {
    CONTROL_CREATE_TOPIC,
    CONTROL_DELETE_TOPIC,
    CONTROL_ADD_PARTITIONS,
    CONTROL_ALTER_CONFIGS,
    CONTROL_FRAME,  /* A request: see controller_frames.h. */
    CONTROL_EXPIRE, /* The controller's own: sessions of brokers end. */
};

/* A setting to make, or to take away if the value is null. */
struct control_config {
    struct slice name, value;
};

/* One thing that is asked of the controller.  Embedded in the asker's memory, which
 * stays until done(). */
struct control_op {
    struct list_node node; /* In the controller's queue, else bare. */
    enum control_kind kind;
    void (*done)(struct control_op *op, int outcome);

    /* A topic to create or to give partitions, or to delete by name or, if `name` is null, by
     * id; or a resource whose settings change. */
    struct slice name;
    struct uuid id;       /* Out for a creation and for a deletion. */
    int8_t resource_type; /* Of CONTROL_ALTER_CONFIGS. */
    int32_t partitions;   /* Of CONTROL_ADD_PARTITIONS: how many there are to be. */
    int16_t replication_factor;
    const struct control_config *configs; /* Checked already. */
    size_t config_count;
    const int32_t *places; /* Brokers that the new partitions go to; NULL: whoever's turn it is. */
    int32_t place_count;
    bool validate_only;
    char why[160]; /* Out: a sentence for the client, with an outcome. */

    int outcome; /* The controller's own. */
};

/* Whether something is wrong with this name of a topic. */
bool control_check_name(struct slice name);

/* What it is, as a sentence. */
void control_name_fault(struct slice name, char out[static CONTROL_WHY_SIZE]);

struct controller;

/* From one image to the next.  All of it is borrowed until controller_published(). */
struct control_change {
    struct image *image;                      /* The next. */
    const struct image_topic *const *removed; /* Topics of the image before that are gone. */
    size_t removed_count;
    const struct uuid *altered; /* Ids of topics whose settings are others. */
    size_t altered_count;
};

struct controller_options {
    struct loop *loop;
    struct diag *diag;
    struct log_dir *dir;
    const struct log_env *env;
    struct syncer *syncer;
    int32_t node_id;
    struct mlog_config mlog;
    int64_t session_timeout_ms; /* Brokers of other processes are fenced after this silence. */
    bool has_broker;            /* The broker `node_id` is in this process. */
    const struct uuid
        *directories; /* Of this node, where partitions may go; none: that of `dir`. */
    int directory_count;
    /* Makes the change known everywhere and then calls controller_published(). */
    void (*publish)(void *owner, const struct control_change *change);
    void *owner;
};

/* Opens the metadata log and replays it; on success the image there is has not been
 * published.  The first records of a new log become durable with controller_settle(), as does the
 * registration of the broker of this process, which follows: one sync for both. */
NODISCARD int controller_open(const struct controller_options *options, struct controller **out);

/* Ends waiting operations with CONTROL_E_STOPPED, closes the log and frees.  If `clean`, the broker
 * of this process is fenced first, so that another controller need not wait for its session. */
int controller_close(struct controller *controller, bool clean);

/* The image of all that is durable; borrowed. */
struct image *controller_image(const struct controller *controller);

/* The epoch of the metadata log that this opening began; the same until it is closed. */
int32_t controller_epoch(const struct controller *controller);

/* Its log, for who reads along; borrowed. */
struct mlog *controller_log(const struct controller *controller);

/* Somebody who wants to know when there may be more to read in the log.  Embedded in its owner. */
struct control_watch {
    struct list_node node; /* In the controller's list, else bare. */
    void (*wake)(struct control_watch *watch);
};

/* Calls wake() once, when more has become durable. */
void controller_watch(struct controller *controller, struct control_watch *watch);

/* Puts no new partition there, if there is another place. */
void controller_avoid(struct controller *controller, struct uuid directory);

/* Queues `op`. */
void controller_ask(struct controller *controller, struct control_op *op);

/* What publish() led to is done: operations of that batch are answered. */
void controller_published(struct controller *controller);
