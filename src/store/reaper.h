/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* store/reaper.h - unlinks the files of dropped segments when their time has come.
 *
 * A segment that goes is renamed first (log_drop_segment) and its files stay for
 * file.delete.delay.ms, as Kafka's do: somebody may want to have them back.  Who reads from
 * them holds them open and needs no delay.  Large files take long to unlink, so a worker does
 * it.  What is left when the process ends goes when its log is opened next.
 *
 * Threading: one loop.
 * Errors:    a file that cannot be unlinked stays, with a line in the operator's log.
 */

#include "os/loop.h"
#include "store/log.h"

struct reaper;

/* Nothing to unlink yet. */
struct reaper *reaper_create(struct loop *loop, struct diag *diag);

/* Ends: what is in flight is waited for.  If `clean`, what was to stay for a while goes at
 * once.  NULL is allowed.  Always returns NULL. */
struct reaper *reaper_destroy(struct reaper *reaper, bool clean);

/* Unlinks the files of the segment `base`, dropped in `folder` (an owned reference, which is
 * taken over), after `delay_ms`. */
void reaper_add(struct reaper *reaper, struct file *folder, int64_t base, int64_t delay_ms);

/* How many segments wait. */
size_t reaper_count(const struct reaper *reaper);

/* Unlinks the files of a segment that was dropped, in its log's folder.  Any thread. */
NODISCARD int log_unlink_dropped(struct io *io, const struct file *folder, int64_t base);
