/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* replica/partition_test.h - partitions of one topic `t` on one loop, for the tests of this folder;
 * notes for the checkpoints are as good as written.
 *
 *     replicas_kit_init(&kit);        what is to be there before may be written to kit.store
 *     replicas_kit_open(&kit);        kit.config and the workers of kit.replicas are the caller's
 *     replicas_kit_close(&kit);       behind the stops of those workers
 *     replicas_kit_fini(&kit);        behind their ends
 *
 * Threading: the test's.
 * Errors:    checks that fail.
 */

#include "replica/partition.h"
#include "test/harness/check.h"
#include "test/harness/store_kit.h"

enum { REPLICAS_KIT_PARTITIONS = 4 };

struct replicas_kit {
    struct store_kit store;
    struct loop loop;
    struct replicas replicas;
    struct image_partition places[REPLICAS_KIT_PARTITIONS];
    struct image_topic topic;
    struct partition_config config; /* Of each partition. */
    char name[8];
};

static inline void replicas_kit_configure(struct replicas *replicas,
                                          const struct image_topic *topic,
                                          struct partition_config *out)
{
    (void)topic;
    *out = ((struct replicas_kit *)replicas->owner)->config;
}

static inline void replicas_kit_keep(struct replicas *replicas, struct upkeep_notes *notes)
{
    (void)replicas;
    notes->done(notes, 0);
}

static inline void replicas_kit_init(struct replicas_kit *kit)
{
    *kit = (struct replicas_kit){.name = "t"};
    store_kit_init(&kit->store);
    loop_init(&kit->loop, kit->store.env.io);
    kit->config = (struct partition_config){
        .log = kit->store.config,
        .rules = {.timestamp_before_max_ms = INT64_MAX,
                  .timestamp_after_max_ms = INT64_MAX,
                  .record_max = 1 << 20},
    };
    kit->topic = (struct image_topic){.name = kit->name,
                                      .id = kit->store.topic_id,
                                      .partition_count = REPLICAS_KIT_PARTITIONS,
                                      .partitions = kit->places};
}

static inline void replicas_kit_open(struct replicas_kit *kit)
{
    struct replica_dir *dir = &kit->replicas.dirs[0];

    kit->replicas = (struct replicas){.loop = &kit->loop,
                                      .diag = kit->store.env.diag,
                                      .env = kit->store.env,
                                      .dir_count = 1,
                                      .configure = replicas_kit_configure,
                                      .keep = replicas_kit_keep,
                                      .owner = kit};
    dir->dir = kit->store.dir;
    dir->syncer = syncer_create(&(struct syncer_options){
        .loop = &kit->loop, .diag = kit->store.env.diag, .dir = kit->store.dir});
    replicas_init(&kit->replicas);
    dir->upkeep = upkeep_create(
        &(struct upkeep_options){.replicas = &kit->replicas, .interval_ms = INT32_MAX});
}

static inline void replicas_kit_close(struct replicas_kit *kit)
{
    upkeep_stop(kit->replicas.dirs[0].upkeep);
    check_ok(replicas_fini(&kit->replicas, true));
}

static inline void replicas_kit_fini(struct replicas_kit *kit)
{
    upkeep_destroy(kit->replicas.dirs[0].upkeep, true);
    syncer_destroy(kit->replicas.dirs[0].syncer);
    loop_fini(&kit->loop);
    store_kit_fini(&kit->store);
}
