/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/verifier.h - has what lay on disk read through before it is served.
 *
 * A reader that comes to records that nobody has looked at since their log was opened
 * (store/log_verify.h) waits as one does that comes to the end of the log, and is woken when a
 * worker has read them, and some more.  So the loop never waits for a disk here, and who
 * reads on finds that the rest has been read ahead.
 *
 * Threading: the home shard's loop.
 * Errors:    damage and failures are told to the partition, which tells its next reader.
 */

#include "os/loop.h"
#include "store/log_verify.h"

struct partition;
struct verifier;

/* The verifier of one shard. */
struct verifier *verifier_create(struct loop *loop);

/* Begins nothing any more and waits for the workers. */
void verifier_stop(struct verifier *verifier);

/* Ends behind verifier_stop(); NULL is allowed.  Always returns NULL. */
struct verifier *verifier_destroy(struct verifier *verifier);

/* A reader of `partition` has found `range`: what is not known of it is read, and where all of it
 * is known what comes behind.  True if partition_verified() will be called: then what is not
 * known may be. */
bool verifier_want(struct verifier *verifier, struct partition *partition,
                   const struct log_range *range);

/* The partition ends: it is not told anything any more.  NULL is allowed. */
void verifier_forget(struct verifier *verifier, struct partition *partition);
