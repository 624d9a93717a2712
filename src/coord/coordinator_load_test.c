/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/coordinator_test.h"

enum { PRODUCER = 77 };

static void add_commit(struct batch_builder *builder, const char *group, int64_t offset)
{
    struct committed value = {
        .offset = offset, .leader_epoch = -1, .metadata = slice_text("note"), .expire_ms = -1};
    struct records_pair pair;
    struct arena arena;

    arena_init(&arena, NULL);
    pair = records_of_offset(&arena, slice_text(group), slice_text("orders"), 0,
                             offset < 0 ? NULL : &value);
    batch_builder_add(builder, 1000, pair.key, pair.value, NULL, 0);
    arena_reset(&arena);
}

static void write_commit(struct stage *s, const char *group, int64_t offset, int64_t producer)
{
    struct batch_builder builder;

    batch_builder_init(&builder);
    add_commit(&builder, group, offset);
    if (producer >= 0) {
        builder.producer_id = producer;
        builder.producer_epoch = 0;
        builder.base_sequence = 0;
        builder.attributes = BATCH_IS_TRANSACTIONAL;
    }
    stage_write(s, group, &builder);
    batch_builder_fini(&builder);
}

static void write_marker(struct stage *s, const char *group, int64_t producer, bool is_commit)
{
    const uint8_t key[] = {0, 0, 0, is_commit ? 1 : 0}, value[6] = {0};
    struct batch_builder builder;

    batch_builder_init(&builder);
    batch_builder_add(&builder, 1000, slice_of(key, sizeof(key)), slice_of(value, sizeof(value)),
                      NULL, 0);
    builder.producer_id = producer;
    builder.producer_epoch = 0;
    builder.attributes = BATCH_IS_TRANSACTIONAL | BATCH_IS_CONTROL;
    stage_write(s, group, &builder);
    batch_builder_fini(&builder);
}

TEST(coordinator_load, offsets_of_a_transaction_count_when_it_is_committed)
{
    struct stage s;

    stage_open(&s);
    write_commit(&s, "g", 5, -1);
    write_commit(&s, "g", 6, PRODUCER);
    write_commit(&s, "g", 7, PRODUCER + 1);
    write_marker(&s, "g", PRODUCER + 1, false);
    check_eq(stage_offset(&s, "g", 0), 5); /* One is open, one aborted. */
    stage_restart(&s, true);
    write_marker(&s, "g", PRODUCER, true);
    check_eq(stage_offset(&s, "g", 0), 6);
    stage_close(&s);
}

TEST(coordinator_load, tombstones_take_away)
{
    struct stage s;

    stage_open(&s);
    write_commit(&s, "g", 5, -1);
    write_commit(&s, "g", -1, -1);
    check_eq(stage_offset(&s, "g", 0), -1);
    check(!coordinator_find(stage_coordinator(&s, "g"), slice_text("g")));
    stage_close(&s);
}

TEST(coordinator_load, a_log_of_many_pieces_is_read_to_its_end)
{
    struct stage s;

    stage_open(&s);
    s.message_max = 1 << 19;
    for (int batch = 0; batch < 40; batch++) {
        struct batch_builder builder;

        batch_builder_init(&builder);
        for (int i = 0; i < 500; i++) {
            char group[16];

            /* Names that live in the same partition: an even sum of their letters. */
            (void)snprintf(group, sizeof(group), "%c%c", 'a' + (batch * 500 + i) % 25,
                           'a' + (batch * 500 + i) % 25);
            add_commit(&builder, group, batch * 500 + i);
        }
        stage_write(&s, "aa", &builder);
        batch_builder_fini(&builder);
    }
    check(stage_log_end(&s, "aa") == 20000);
    check_eq(stage_offset(&s, "aa", 0), 19975);
    check_eq(stage_offset(&s, "yy", 0), 19999);
    stage_close(&s);
}

TEST(coordinator_load, a_stop_in_the_middle_is_nothing)
{
    struct stage s;
    struct coordinator *c = NULL;

    stage_open(&s);
    write_commit(&s, "g", 5, -1);
    check_eq(stage_get(&s, "g", &c), COORD_E_LOADING);
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), 5);
    stage_close(&s);
}

static void flip_byte(const struct stage *s, const char *group)
{
    char path[400];
    uint8_t byte;
    int fd;

    (void)snprintf(path, sizeof(path), "%s/__consumer_offsets-%d/00000000000000000000.log",
                   s->folder.path, coordinator_index(slice_text(group), STAGE_PARTITIONS));
    fd = open(path, O_RDWR | O_CLOEXEC);
    check(fd >= 0);
    check_eq(pread(fd, &byte, 1, 80), 1);
    byte ^= 1;
    check_eq(pwrite(fd, &byte, 1, 80), 1);
    close(fd);
}

TEST(coordinator_load, a_broken_batch_takes_only_its_partition_out)
{
    struct stage s;
    struct coordinator *c = NULL;
    int r = COORD_E_LOADING;

    stage_open(&s);
    check_ok(stage_commit(&s, "a", 0, 5));
    check_ok(stage_commit(&s, "b", 0, 6));
    stage_end(&s, true);
    flip_byte(&s, "a");
    stage_begin(&s);
    for (int i = 0; i < STAGE_TURNS_MAX && r == COORD_E_LOADING; i++) {
        loop_turn(&s.loop, 1000);
        r = stage_get(&s, "a", &c);
    }
    check_eq(r, COORD_E_NOT_COORDINATOR);
    check(s.errors > 0);
    check_eq(stage_offset(&s, "b", 0), 6);
    stage_close(&s);
}

TEST(coordinator_load, offsets_of_topics_that_are_gone_are_forgotten)
{
    struct stage s;
    struct remove_topic_record gone = {.topic_id = stage_orders_id};
    int64_t end;

    stage_open(&s);
    check_ok(stage_commit(&s, "g", 0, 5));
    stage_end(&s, true);
    stage_apply(&s, 9, &remove_topic_record_message, 0, &gone);
    stage_add_topic(&s, "orders", (struct uuid){{9, 9}}); /* The same name, another topic. */
    stage_begin(&s);
    check_eq(stage_offset(&s, "g", 0), -1);
    end = stage_log_end(&s, "g");
    check_eq(end, 2); /* The commit and its tombstone. */
    stage_restart(&s, true);
    check_eq(stage_offset(&s, "g", 0), -1);
    check_eq(stage_log_end(&s, "g"), end);
    stage_close(&s);
}

/* A KIP-848 group, as Kafka left it: key type 3, value version 0. */
static void write_foreign(struct stage *s, const char *group, bool is_there)
{
    uint8_t key[32] = {0, 3, 0, (uint8_t)strlen(group)};
    const uint8_t value[] = {0, 0, 0, 0, 0, 1, 0};
    struct batch_builder builder;

    memcpy(key + 4, group, strlen(group));
    batch_builder_init(&builder);
    batch_builder_add(&builder, 1000, slice_of(key, 4 + strlen(group)),
                      is_there ? slice_of(value, sizeof(value)) : slice_null(), NULL, 0);
    stage_write(s, group, &builder);
    batch_builder_fini(&builder);
}

TEST(coordinator_load, groups_of_other_types_are_left_alone)
{
    struct stage s;
    struct stage_member m = {.id = ""};
    struct stage_ask ask;

    stage_open(&s);
    write_foreign(&s, "g", true);
    write_commit(&s, "g", 5, -1);
    check_eq(stage_offset(&s, "g", 0), 5);
    stage_begin_join(&s, &m, "g", "");
    check_eq(m.outcome, COORD_E_PROTOCOL);
    stage_prepare(&ask, "g", 0, 0);
    coordinator_delete_group(stage_coordinator(&s, "g"), &ask.change);
    check(ask.is_done);
    check_eq(ask.change.call.outcome, COORD_E_NOT_EMPTY);
    stage_restart(&s, true);
    write_foreign(&s, "g", false);
    stage_stable(&s, &m, "g");
    stage_close(&s);
}

TEST(coordinator_load, records_that_nobody_can_read_are_passed_over)
{
    struct stage s;
    struct batch_builder builder;

    stage_open(&s);
    batch_builder_init(&builder);
    batch_builder_add(&builder, 1000, slice_null(), slice_text("x"), NULL, 0);
    batch_builder_add(&builder, 1000, slice_text(""), slice_text("x"), NULL, 0);
    batch_builder_add(&builder, 1000, slice_of("\0\1\0", 3), slice_text("x"), NULL, 0);
    batch_builder_add(&builder, 1000, slice_of("\0\2\0\1g", 5), slice_text("x"), NULL, 0);
    batch_builder_add(&builder, 1000, slice_of("\0\x63zz", 4), slice_text("x"), NULL, 0);
    add_commit(&builder, "g", 5);
    stage_write(&s, "g", &builder);
    batch_builder_fini(&builder);
    check_eq(stage_offset(&s, "g", 0), 5);
    stage_close(&s);
}
