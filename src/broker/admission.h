/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/admission.h - how many connections there may be.
 *
 *      max.connections.per.ip, or its override    one more is closed at once
 *      listener.name.X.max.connections            one more has to wait in the kernel's queue
 *      max.connections                            the same
 *
 * Nobody is let in before the broker serves.  As in Kafka, the listener that brokers use among
 * themselves, where it is one of several, is open beyond max.connections; so is one of the
 * controller.  While there are more than that, for this reason or since the bound was lowered,
 * those of other listeners that were quiet for longest are closed.
 *
 * Threading: shard 0, where listeners are.
 * Errors:    none.
 */

#include "base/map.h"
#include "broker/shard.h"

struct broker_listener;

struct admission {
    struct broker *broker; /* Borrowed: the owner. */
    struct map addresses;  /* Those that connections come from. */
    int64_t total;
    int64_t leaving;     /* Of these, that were told to end. */
    struct leg shedding; /* Asks a shard to end some: */
    int64_t wanted;      /* how many, */
    int64_t found;       /* and how many it has told to. */
    int shard;           /* Who is asked next. */
    int in_vain;         /* How many in a row had none. */
    bool is_shedding;
    bool is_open; /* The broker serves. */
};

/* Prepares it for a broker that listens nowhere yet. */
void admission_init(struct admission *admission, struct broker *broker);

/* Lets clients in, as far as the bounds allow. */
void admission_open(struct admission *admission);

/* Frees what it knows. */
void admission_fini(struct admission *admission);

/* Whether the bounds of `settings` can be understood; else `why` has a sentence. */
bool admission_check(const struct settings *settings, struct text *why);

/* The bounds may be others now, or a listener has been opened. */
void admission_settings_changed(struct admission *admission);

/* Somebody connected; false if that is one too many of this address, and is to be closed. */
bool admission_enter(struct admission *admission, struct broker_listener *listener,
                     const struct io_address *peer);

/* A connection that had entered is closed; `was_shed`: because there were too many. */
void admission_leave(struct admission *admission, const struct broker_listener *listener,
                     const struct io_address *peer, bool was_shed);
