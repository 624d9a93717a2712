/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/keeping.h - the way of a shard's notes to the keeper of the checkpoints, which lives on
 * shard 0, and back.
 *
 * Threading: the shard's loop.
 * Errors:    told to notes->done().
 */

#include "broker/broker.h"

/* Takes the notes to the keeper; the shard's replicas->keep(). */
void keeping_notes(struct replicas *replicas, struct upkeep_notes *notes);

/* Tells the keeper of a folder (its number in broker->dirs) that a log is deleted. */
void keeping_forget(struct shard *shard, const struct image_topic *topic, int32_t index, int dir);
