/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/churner.h - somebody who makes topics, uses them and deletes them.
 *
 *      create --> look it up --> write by id --> read by id --> delete --> look again --> ...
 *
 * One step at a time, each tried again until it is answered.  What was acknowledged must be
 * so at the next look, whatever has happened to the broker in between: a topic that was
 * made is there under the same id, one that was deleted is not.  Names come again under
 * new ids, and what is read there must not be from the topic that was there before.
 *
 * It also makes the topics that live as long as the run.
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/client.h"

struct churner;

/* One that belongs to `run`. */
struct churner *churner_create(struct run *run);

/* NULL is allowed; always returns NULL. */
struct churner *churner_destroy(struct churner *churner);

/* True when the topics of the run have been made. */
bool churner_is_set_up(const struct churner *churner);

/* Begins no new round. */
void churner_finish(struct churner *churner);

/* True when the last round is over. */
bool churner_is_done(const struct churner *churner);

/* Prints where it stands. */
void churner_print(const struct churner *churner, struct text *out);
