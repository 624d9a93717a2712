/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/recovery.h"

#include "base/err.h"
#include "broker/topic_settings.h"

#include <stdio.h>

DIAG_MODULE("broker");

/* Zero also where there is nothing to recover; `*count` is of what there was. */
static int recover_partition(struct broker *broker, const struct image_topic *topic, int32_t index,
                             int64_t *count)
{
    const struct log_env *env = &broker->shards[0].replicas.env;
    int place = dirs_place(broker, topic, index);
    struct partition_config config;
    char name[IO_NAME_MAX];
    struct log_dir *dir;
    struct log *log;
    int r;

    if (place < 0)
        return 0; /* Its folder is offline. */
    dir = broker->dirs.items[place].dir;
    (void)snprintf(name, sizeof(name), "%s-%d", topic->name, index);
    if (log_dir_was_clean(dir) || !log_dir_has_log(dir, env->io, name))
        return 0;
    ++*count;
    topic_settings_partition(&broker->shards[0].settings, topic, &config);
    r = log_dir_open_log(dir, env, name, topic->id, &config.log, &log);
    if (r == 0)
        r = log_dir_close_log(dir, log);
    if (r)
        diag_error(broker->diag, "log could not be recovered; its partition is offline",
                   kv("log", name), kv("error", r));
    return r;
}

/* Checkpoints first: a crash from here on finds recovery points at the ends of the logs, and
 * none of a log that is gone.  A new folder has neither checkpoints nor a commit log. */
static int finish(struct log_dir *dir)
{
    int r;

    if (log_dir_was_clean(dir))
        return err_pass(log_dir_recovered(dir));
    if (log_dir_is_new(dir))
        return 0;
    r = log_dir_is_fenced(dir) ? err_raise(-EIO) : log_dir_write_marks(dir);
    return err_pass(r ? r : log_dir_recovered(dir));
}

/* The broker can do without a folder, but not without that of the metadata. */
static int finish_all(struct broker *broker)
{
    bool has_one = false;

    for (int i = 0; i < broker->dirs.count; i++) {
        struct broker_dir *dir = &broker->dirs.items[i];
        int r = dir->dir && !dir->is_given_up ? finish(dir->dir) : -EIO;

        if (r && i == 0)
            return err_pass(r);
        if (r && dir->dir && !dir->is_given_up)
            dirs_give_up(dir);
        has_one |= r == 0 && dir->named.is_for_logs;
    }
    return has_one ? 0 : err_raise(-EIO);
}

static bool were_all_clean(const struct broker *broker)
{
    for (int i = 0; i < broker->dirs.count; i++)
        if (broker->dirs.items[i].dir && !log_dir_was_clean(broker->dirs.items[i].dir))
            return false;
    return true;
}

int recovery_run(struct broker *broker)
{
    const struct image *image = broker->shards[0].image;
    const struct image_topic *topic;
    struct tree_walk walk;
    int64_t count = 0;
    int64_t failed = 0;

    if (were_all_clean(broker))
        return err_pass(finish_all(broker));
    image_walk_begin(&walk, image, slice_null());
    while ((topic = image_walk_next(&walk)))
        for (int32_t i = 0; i < topic->partition_count; i++)
            failed += recover_partition(broker, topic, i, &count) != 0;
    if (count > 0)
        diag_info(broker->diag, "logs recovered after an unclean stop", kv("logs", count),
                  kv("failed", failed));
    return err_pass(finish_all(broker));
}
