/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/dirs.h - the folders of data that a broker has, and which of them has a partition.
 *
 *      dirs[0]   has the metadata log, and partitions if log.dirs names it
 *      dirs[1]   partitions
 *      ...
 *
 * The metadata says where a partition is to be (the controller has chosen the folder with the
 * fewest); where its folder is found at the start counts more, since operators move them.  A
 * folder that cannot be used takes its partitions with it, and the broker goes on with the others;
 * without the metadata, or with none left, it ends.
 *
 * Threading: opening and closing with no shard running; dirs_place() on any shard.
 * Errors:    enum broker_outcome, with lines in the operator's log.
 */

#include "base/map.h"
#include "broker/settings.h"
#include "os/mailbox.h"
#include "store/keeper.h"
#include "store/log_dir.h"

struct broker;
struct image_topic;

struct broker_dir {
    struct broker *broker;     /* Borrowed. */
    struct settings_dir named; /* Owned. */
    char *path;                /* Owned: the absolute one, as clients are told. */
    struct log_dir *dir;       /* Owned; NULL: it could not be opened. */
    struct keeper *keeper;     /* Owned; home: shard 0. */
    struct mail fenced;        /* Tells shard 0. */
    bool is_given_up;          /* It could not be brought in order at the start. */
};

struct dirs {
    struct broker_dir items[SETTINGS_DIRS_MAX];
    int count;
    struct map found; /* Owned struct found_log: what is elsewhere than the metadata says. */
    struct uuid ids[SETTINGS_DIRS_MAX]; /* Where the controller may put partitions. */
    int id_count;
    _Atomic bool hears; /* From when there are shards until they end: of folders that fail. */
};

/* Opens them all.  One that cannot be read is left out, but not that of the metadata; one that is
 * another's is an error. */
NODISCARD int dirs_open(struct broker *broker, struct io *io, const char *folder);

/* Looks where the logs are, by the names of their folders: those of no partition are moved aside.
 * A partition that is in two folders is an error. */
NODISCARD int dirs_find_logs(struct broker *broker);

/* True if the folder can be used. */
bool dirs_is_online(const struct broker_dir *dir);

/* Which folder has or gets the log of the partition; -1: one that cannot be used. */
int dirs_place(const struct broker *broker, const struct image_topic *topic, int32_t index);

/* The folder for logs that clients know as `path`, or -1. */
int dirs_find(const struct dirs *dirs, struct slice path);

/* The folder could not be brought in order: it is not used any more. */
void dirs_give_up(struct broker_dir *dir);

/* Closes them: if `clean`, in order those of which the result is zero. */
int dirs_close(struct broker *broker, bool clean, const int results[static SETTINGS_DIRS_MAX]);
