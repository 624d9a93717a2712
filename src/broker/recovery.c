/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/recovery.h"

#include "base/err.h"
#include "broker/topic_settings.h"

#include <stdio.h>

DIAG_MODULE("broker");

static int recover_partition(struct broker *broker, const struct image_topic *topic, int32_t index)
{
    const struct log_env *env = &broker->shards[0].replicas.env;
    struct partition_config config;
    char name[IO_NAME_MAX];
    struct log *log;
    int r;

    (void)snprintf(name, sizeof(name), "%s-%d", topic->name, index);
    if (!log_dir_has_log(broker->dir, env->io, name))
        return 0;
    topic_settings_partition(&broker->shards[0].settings, topic, &config);
    r = log_dir_open_log(broker->dir, env, name, topic->id, &config.log, &log);
    if (r == 0)
        r = log_dir_close_log(broker->dir, log);
    if (r)
        diag_error(broker->diag, "log could not be recovered; its partition is offline",
                   kv("log", name), kv("error", r));
    return r;
}

/* Checkpoints first: a crash from here on finds recovery points at the ends of the logs, and
 * none of a log that is gone.  A new folder has neither checkpoints nor a commit log. */
static int finish(struct broker *broker)
{
    int r;

    if (log_dir_is_new(broker->dir))
        return 0;
    r = log_dir_is_fenced(broker->dir) ? err_raise(-EIO) : log_dir_write_marks(broker->dir);

    return err_pass(r ? r : log_dir_recovered(broker->dir));
}

int recovery_run(struct broker *broker)
{
    const struct image *image = controller_image(broker->controller);
    const struct image_topic *topic;
    struct tree_walk walk;
    int64_t count = 0;
    int64_t failed = 0;

    if (log_dir_was_clean(broker->dir))
        return err_pass(log_dir_recovered(broker->dir));
    image_walk_begin(&walk, image, slice_null());
    while ((topic = image_walk_next(&walk))) {
        count += topic->partition_count;
        for (int32_t i = 0; i < topic->partition_count; i++)
            failed += recover_partition(broker, topic, i) != 0;
    }
    if (count > 0)
        diag_info(broker->diag, "logs recovered after an unclean stop", kv("logs", count),
                  kv("failed", failed));
    return finish(broker);
}
