/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/topic_watch.h - the topics that an expression names, also those that are made later.
 *
 * Every metadata.max.age.ms the cluster is asked for all of its topics, as Java's consumer does
 * that has subscribed to a pattern.  Internal topics are left out, as there.
 *
 * Threading: the command's loop.
 * Errors:    a look that fails later is tried again with the next one.
 */

#include "cli/command.h"
#include "cli/topic_filter.h"

struct topic_watch {
    struct cli *cli;
    struct topic_filter filter;
    struct call call; /* A look. */
    struct loop_timer timer;
    /* A topic matches; told with each look, also of those that were told before. */
    void (*found)(struct topic_watch *watch, struct slice name);
    bool is_started;
};

/* Looks for the first time, and waits for that; false with a sentence in cli->why. */
NODISCARD bool topic_watch_start(struct topic_watch *watch, struct cli *cli, const char *expression,
                                 void (*found)(struct topic_watch *watch, struct slice name));

/* Ends it; one that was not started, zeroed, is left alone. */
void topic_watch_stop(struct topic_watch *watch);
