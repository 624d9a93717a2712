/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/trimmer.h - somebody who has records deleted.
 *
 *      where does it end? --> delete what is below some offset --> ... --> another partition
 *
 * A deletion is tried again until it is answered; from then on the partition begins there,
 * whatever happens to the broker (test/sim/history.h judges that).
 *
 * Threading: one thread.
 * Errors:    see run_fail().
 */

#include "test/scenario/client.h"

struct trimmer;

/* One that belongs to `run`. */
struct trimmer *trimmer_create(struct run *run);

/* NULL is allowed; always returns NULL. */
struct trimmer *trimmer_destroy(struct trimmer *trimmer);

/* Begins no other deletion. */
void trimmer_finish(struct trimmer *trimmer);

/* True when the last deletion is answered. */
bool trimmer_is_done(const struct trimmer *trimmer);

/* Prints where it stands. */
void trimmer_print(const struct trimmer *trimmer, struct text *out);
