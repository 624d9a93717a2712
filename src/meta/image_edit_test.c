/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/image_test.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/end_transaction_record.h"

static const struct image_partition *partition_of(const struct fixture *f, int32_t index)
{
    return &image_find_topic_by_id(image_of(f), id_of(1))->partitions[index];
}

static int apply_change(struct fixture *f, const struct partition_change_record *record)
{
    return apply(f, record_of(f, &partition_change_record_message, 5, 2, record));
}

static int apply_bare(struct fixture *f, enum metadata_type type)
{
    static const int16_t levels[FEATURE_COUNT] = {30};
    union image_record fields = {.begin = begin_transaction_record_defaults};

    return apply(f, metadata_record_encode(&f->arena, type, levels, &fields));
}

/* A topic whose partitions have three replicas, of which the first leads. */
static void add_replicated(struct fixture *f, int32_t partitions)
{
    int32_t nodes[] = {1, 2, 3};
    struct uuid directories[] = {id_of(51), id_of(52), id_of(53)};
    struct partition_record record = partition_record_defaults;

    check_ok(add_topic(f, "orders", 1));
    record.topic_id = id_of(1);
    record.leader = 1;
    record.leader_epoch = record.partition_epoch = 0;
    record.replicas = record.isr = nodes;
    record.replicas_count = record.isr_count = 3;
    record.directories = directories;
    record.directories_count = 3;
    for (record.partition_id = 0; record.partition_id < partitions; record.partition_id++)
        check_ok(apply(f, record_of(f, &partition_record_message, 3, 2, &record)));
}

TEST(image_edit, a_partition_has_its_replicas)
{
    const struct image_partition *p;
    struct fixture f;

    fixture_init(&f);
    add_replicated(&f, 2);
    p = partition_of(&f, 1);
    check(p->replicas->replicas.count == 3 && p->replicas->replicas.ids[2] == 3);
    check(p->replicas->isr.count == 3 && p->replicas->elr.count == 0);
    check(p->replicas->directory_count == 3);
    check(uuid_equal(p->replicas->directories[1], id_of(52)));
    check(p->replicas == partition_of(&f, 0)->replicas); /* They agree, and share. */
    fixture_fini(&f);
}

TEST(image_edit, a_change_says_what_is_different)
{
    struct partition_change_record record = partition_change_record_defaults;
    const struct image_partition *p;
    int32_t isr[] = {2, 3};
    int32_t elr[] = {1};
    struct fixture f;

    fixture_init(&f);
    add_replicated(&f, 2);
    record.topic_id = id_of(1);
    record.partition_id = 1;
    record.leader = 2;
    record.isr = isr;
    record.isr_count = 2;
    record.eligible_leader_replicas = elr;
    record.eligible_leader_replicas_count = 1;
    check_ok(apply_change(&f, &record));
    p = partition_of(&f, 1);
    check(p->leader == 2 && p->leader_epoch == 1 && p->partition_epoch == 1);
    check(p->replicas->isr.count == 2 && p->replicas->isr.ids[0] == 2);
    check(p->replicas->elr.count == 1 && p->replicas->replicas.count == 3);
    check(p->replicas->directory_count == 3);
    p = partition_of(&f, 0);
    check(p->leader == 1 && p->partition_epoch == 0 && p->replicas->isr.count == 3);

    record = partition_change_record_defaults;
    record.topic_id = id_of(1);
    record.partition_id = 1;
    record.leader_recovery_state = 1;
    check_ok(apply_change(&f, &record));
    p = partition_of(&f, 1);
    check(p->leader == 2 && p->leader_epoch == 1 && p->partition_epoch == 2 && p->recovery == 1);
    record.partition_id = 2;
    check_eq(apply_change(&f, &record), IMAGE_E_INCONSISTENT);
    fixture_fini(&f);
}

TEST(image_edit, eligible_leaders_are_forgotten_by_topic_or_everywhere)
{
    struct partition_change_record record = partition_change_record_defaults;
    struct clear_elr_record clear = {.topic_name = slice_text("orders")};
    int32_t elr[] = {3};
    struct fixture f;

    fixture_init(&f);
    add_replicated(&f, 1);
    record.topic_id = id_of(1);
    record.partition_id = 0;
    record.eligible_leader_replicas = record.last_known_elr = elr;
    record.eligible_leader_replicas_count = record.last_known_elr_count = 1;
    for (int i = 0; i < 2; i++) {
        check_ok(apply_change(&f, &record));
        check_eq(partition_of(&f, 0)->replicas->last_elr.count, 1);
        check_ok(apply(&f, record_of(&f, &clear_elr_record_message, 28, 0, &clear)));
        check_eq(partition_of(&f, 0)->replicas->elr.count, 0);
        check_eq(partition_of(&f, 0)->replicas->last_elr.count, 0);
        clear.topic_name = slice_empty();
    }
    clear.topic_name = slice_text("users");
    check_eq(apply(&f, record_of(&f, &clear_elr_record_message, 28, 0, &clear)),
             IMAGE_E_INCONSISTENT);
    fixture_fini(&f);
}

TEST(image_edit, a_transaction_counts_when_it_ends)
{
    struct fixture f;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_ok(set_partition(&f, 1, 0, 0));
    check_ok(apply_bare(&f, METADATA_BEGIN_TRANSACTION));
    check(image_edit_is_open(f.edit));
    check_ok(set_partition(&f, 1, 0, 7));
    check_ok(add_topic(&f, "users", 2));
    check_eq(apply_bare(&f, METADATA_BEGIN_TRANSACTION), IMAGE_E_INCONSISTENT);
    check_ok(apply_bare(&f, METADATA_END_TRANSACTION));
    check(!image_edit_is_open(f.edit));
    check_eq(image_topic_count(image_of(&f)), 2);
    check_eq(partition_of(&f, 0)->leader_epoch, 7);
    check_eq(apply_bare(&f, METADATA_END_TRANSACTION), IMAGE_E_INCONSISTENT);
    fixture_fini(&f);
}

TEST(image_edit, a_transaction_that_is_aborted_never_was)
{
    struct fixture f;

    fixture_init(&f);
    check_eq(apply_bare(&f, METADATA_ABORT_TRANSACTION), IMAGE_E_INCONSISTENT);
    check_ok(add_topic(&f, "orders", 1));
    check_ok(set_partition(&f, 1, 0, 0));
    check_ok(apply_bare(&f, METADATA_BEGIN_TRANSACTION));
    check_ok(set_partition(&f, 1, 0, 7));
    check_ok(add_topic(&f, "users", 2));
    check_ok(apply_bare(&f, METADATA_ABORT_TRANSACTION));
    check_eq(image_topic_count(image_of(&f)), 1);
    check_eq(partition_of(&f, 0)->leader_epoch, 0);
    check_eq(image_of(&f)->offset, 5);
    check_ok(add_topic(&f, "users", 2));
    check_ok(apply_bare(&f, METADATA_BEGIN_TRANSACTION)); /* Open to the end. */
    fixture_fini(&f);
}

TEST(image_edit, a_level_above_what_we_know_is_refused)
{
    struct feature_level_record record = {.name = slice_text("metadata.version"),
                                          .feature_level = 34};
    struct fixture f;

    fixture_init(&f);
    check_eq(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &record)),
             IMAGE_E_UNKNOWN_RECORD);
    record.feature_level = 33;
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &record)));
    record = (struct feature_level_record){.name = slice_text("group.version"), .feature_level = 1};
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &record)));
    check_eq(image_of(&f)->levels[FEATURE_METADATA], 33);
    check_eq(image_of(&f)->levels[FEATURE_GROUP], 1);
    fixture_fini(&f);
}
