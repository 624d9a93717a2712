/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/mailbox.h - how shards speak to each other.
 *
 * A mail is embedded in the object it concerns; while it is under way that object
 * belongs to nobody else.  Any thread sends, the owning loop receives, in the order
 * of sending per sender.  A loop is woken once per empty-to-non-empty step, however
 * many mails follow.
 *
 * Every loop has a mailbox (os/loop.h) and empties it once a turn.
 *
 * Threading: mailbox_send() any thread; the rest the owner's.
 * Errors:    none.
 */

#include "os/io.h"

struct mail {
    void (*receive)(struct mail *mail); /* Called on the receiver's loop. */
    struct mail *next;                  /* The mailbox's own. */
    bool is_sent;                       /* From send until receive() begins. */
};

struct mailbox {
    struct io *io;                /* Borrowed: the receiver's; woken when mail comes. */
    _Atomic(struct mail *) mails; /* A stack, newest first. */
    uint64_t received;            /* Mails so far: what shards cost each other. */
};

/* Makes the mailbox of the loop that runs on `io`. */
void mailbox_init(struct mailbox *mailbox, struct io *io);

/* Hands over `mail`, which is not under way. */
void mailbox_send(struct mailbox *mailbox, struct mail *mail);

/* Calls receive() for everything that was sent.  loop_turn() calls this;
 * returns how many there were. */
size_t mailbox_receive(struct mailbox *mailbox);
