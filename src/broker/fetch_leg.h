/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/fetch_leg.h - the part of a Fetch that one shard reads and waits for.
 *
 *      read --- something, an error, or too late? --- yes --> back
 *       ^              | no
 *       |              v
 *       +--- woken --- wait on every partition
 *             by any of them, the deadline, or called off
 *
 * A leg goes to the shard that is home to its partitions, and comes back when there is something
 * to tell.  It is not too late while nothing was found and what there is lay on disk: that is read
 * through first (replica/verifier.h), which takes its time as reading from a disk does.
 *
 * Threading: what is set before a leg goes and what it brings back is the sender's; the rest is
 *            its home's while it is there.
 * Errors:    each part has its own, in its result.
 */

#include "broker/fetch_session.h"
#include "broker/request.h"
#include "broker/shard.h"
#include "wire/msg/fetch.h"

/* Versions of Fetch from which on clients know something. */
enum {
    FETCH_VERSION_TIMES = 2,          /* Messages of format 1, which have times. */
    FETCH_VERSION_FIRST_IS_WHOLE = 3, /* Before, each partition is cut at its limit (KIP-74). */
    FETCH_VERSION_BATCHES = 4,
    FETCH_VERSION_LEADERS = 12,   /* Who leads instead (KIP-951), */
    FETCH_VERSION_ENDPOINTS = 16, /* and where that is. */
};

struct fetch_leg;
struct fetch_work;

/* A partition that is asked for. */
struct fetch_part {
    struct partition_read read;
    struct fetch_wait wait;
    struct fetch_part *next; /* On the same leg. */
    struct fetch_leg *leg;
    const struct image_topic *topic; /* NULL if there is none. */
    struct slice name;               /* As the request or the session names the topic. */
    struct uuid topic_id;
    const struct fetch_partition *wanted; /* Borrowed from there, too. */
    struct fetch_entry *entry;            /* Of the session, or NULL. */
    struct fetch_partition_data result;
};

/* Embedded in the request's memory; zeroed, it has no parts. */
struct fetch_leg {
    struct leg leg;
    struct leg cancel;       /* Calls it off. */
    struct fetch_work *work; /* The sender's. */
    struct request *request; /* Borrowed; read only. */
    struct fetch_part *first, **last;
    bool is_outstanding; /* The sender's: it has not come back. */
    /* What it is to do: */
    bool waits_first;   /* All was read before: only what is new counts. */
    bool is_called_off; /* It is to come back without waiting. */
    size_t bytes_min;   /* Less is nothing. */
    size_t bytes_max;
    int64_t deadline_us; /* Of its shard's clock, which all shards share. */
    /* On its home: */
    struct loop_timer deadline;
    bool is_waiting;
    /* What its last reading found: */
    size_t bytes;
    bool has_error, is_held_back;
    bool is_over; /* The deadline had passed. */
};

/* Makes an empty leg of `request`; done() is called on the shard that sends it. */
void fetch_leg_init(struct fetch_leg *leg, struct request *request, struct fetch_work *work,
                    void (*done)(struct leg *leg), void (*cancelled)(struct leg *leg));

/* Puts a part on it. */
void fetch_leg_add(struct fetch_leg *leg, struct fetch_part *part);

/* The part is answered with an error, and with the fields that clients see then. */
void fetch_part_refuse(struct fetch_part *part, int16_t error);

/* True if clients know messages of formats 0 and 1 only. */
bool fetch_is_old(const struct request *request);

/* True if only what is committed is read (KIP-98). */
bool fetch_is_committed(const struct request *request);
