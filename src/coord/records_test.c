/* SPDX-License-Identifier: Apache-2.0 */
#include "coord/group_test.h"
#include "coord/records.h"
#include "wire/codec.h"
#include "wire/msg/group_metadata_record.h"

/* The bytes of a literal, without its end. */
#define BYTES(literal) slice_of("" literal, sizeof(literal) - 1)

static const struct committed value_one = {
    .offset = 5,
    .leader_epoch = 2,
    .metadata = {.data = (const uint8_t *)"m", .size = 1},
    .commit_ms = 258,
    .expire_ms = -1,
    .topic_id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
};

TEST(records, an_offset_is_written_in_the_bytes_of_kafka)
{
    struct arena arena;
    struct records_pair pair;

    arena_init(&arena, NULL);
    pair = records_of_offset(&arena, slice_text("g"), slice_text("top"), 3, &value_one);
    check(slice_equal(pair.key, BYTES("\0\1\0\1g\0\3top\0\0\0\3")));
    check(slice_equal(pair.value, BYTES("\0\4\0\0\0\0\0\0\0\5\0\0\0\2\2m\0\0\0\0\0\0\1\2"
                                        "\1\0\20\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20")));
    pair = records_of_offset(&arena, slice_text("g"), slice_text("top"), 3, NULL);
    check(slice_equal(pair.key, BYTES("\0\1\0\1g\0\3top\0\0\0\3")));
    check(slice_is_null(pair.value));
    arena_reset(&arena);
}

TEST(records, an_offset_with_its_own_expiry_is_written_in_version_1)
{
    struct committed value = value_one, read;
    struct arena arena;
    struct records_pair pair;

    arena_init(&arena, NULL);
    value.expire_ms = 999;
    pair = records_of_offset(&arena, slice_text("g"), slice_text("top"), 3, &value);
    check_eq(pair.value.data[1], 1);
    check_ok(records_read_offset(pair.value, &read));
    check_eq(read.offset, 5);
    check_eq(read.expire_ms, 999);
    check_eq(read.leader_epoch, -1);
    arena_reset(&arena);
}

TEST(records, values_of_all_versions_are_read)
{
    struct committed read;

    check_ok(records_read_offset(BYTES("\0\0\0\0\0\0\0\0\0\7\0\1x\0\0\0\0\0\0\0\1"), &read));
    check_eq(read.offset, 7);
    check_eq(read.expire_ms, -1);
    check_ok(records_read_offset(BYTES("\0\3\0\0\0\0\0\0\0\7\0\0\0\6\0\0\0\0\0\0\0\0\0\1"), &read));
    check_eq(read.leader_epoch, 6);
    check_eq(records_read_offset(BYTES("\0\5\0\0\0\0\0\0\0\7"), &read), RECORDS_E_VERSION);
    check_eq(records_read_offset(BYTES("\0\3\0\0\0\0\0\0\0\7"), &read), RECORDS_E_MALFORMED);
    check_eq(records_read_offset(BYTES("\0"), &read), RECORDS_E_MALFORMED);
}

TEST(records, keys_tell_what_they_are_about)
{
    struct records_key key;

    check_ok(records_read_key(BYTES("\0\0\0\1g\0\1t\0\0\0\1"), &key));
    check_eq(key.kind, RECORDS_OFFSET); /* In logs of old. */
    check_ok(records_read_key(BYTES("\0\1\0\1g\0\1t\0\0\0\1"), &key));
    check_eq(key.kind, RECORDS_OFFSET);
    check(slice_is_text(key.group, "g"));
    check(slice_is_text(key.topic, "t"));
    check_eq(key.partition, 1);
    check_ok(records_read_key(BYTES("\0\2\0\1g"), &key));
    check_eq(key.kind, RECORDS_GROUP);
    check_ok(records_read_key(BYTES("\0\3\0\1g"), &key));
    check_eq(key.kind, RECORDS_FOREIGN_GROUP);
    check_ok(records_read_key(BYTES("\0\5\0\1g\0\1m"), &key));
    check_eq(key.kind, RECORDS_FOREIGN);
    check(slice_is_text(key.group, "g"));
    check_ok(records_read_key(BYTES("\0\x63zzz"), &key));
    check_eq(key.kind, RECORDS_UNKNOWN);
    check_eq(records_read_key(BYTES("\0"), &key), RECORDS_E_MALFORMED);
    check_eq(records_read_key(BYTES("\0\1\0\1g"), &key), RECORDS_E_MALFORMED);
}

static bool groups_equal(const struct group *a, const struct group *b)
{
    struct list_node *n = b->members.head.next;

    list_each (node, &a->members) {
        const struct member *x = container_of(node, struct member, node);
        const struct member *y = container_of(n, struct member, node);

        if (!slice_equal(x->id, y->id) || !slice_equal(x->instance_id, y->instance_id) ||
            !slice_equal(x->client_id, y->client_id) ||
            !slice_equal(x->client_host, y->client_host) ||
            x->session_timeout_ms != y->session_timeout_ms ||
            x->rebalance_timeout_ms != y->rebalance_timeout_ms ||
            !slice_equal(member_metadata(x, a->protocol), member_metadata(y, a->protocol)) ||
            !slice_equal(x->assignment, y->assignment))
            return false;
        n = n->next;
    }
    return a->state == b->state && a->generation == b->generation &&
           a->member_count == b->member_count && slice_equal(a->protocol, b->protocol) &&
           slice_equal(a->protocol_type, b->protocol_type) && a->state_ms == b->state_ms;
}

TEST(records, a_group_reads_back_as_it_was)
{
    struct play play;
    struct player p[3] = {{0}, {.instance = "i"}, {0}};
    struct group_metadata_value value;
    struct records_pair pair;
    struct arena arena;
    struct group read;

    arena_init(&arena, NULL);
    group_init(&read);
    play_init(&play);
    play_stable(&play, p, 1);
    play_join(&play, &p[1], "", "range");
    play_join(&play, &p[0], p[0].id, "range,roundrobin");
    play_sync(&play, &p[1], NULL, 0);
    play_sync_leader(&play, &p[0]);
    /* What goes to the log is what will be once it is there. */
    pair = records_of_group(&arena, slice_text("g"), &play.group);
    play_stored(&play, 0);
    check(slice_equal(pair.key, BYTES("\0\2\0\1g")));
    check_ok(records_read_group(pair.value, &arena, &value));
    check_eq(pair.value.data[1], 3);
    group_restore(&read, &value);
    play.group.state_ms = read.state_ms; /* It became stable a little later. */
    check(groups_equal(&read, &play.group));
    check(slice_is_text(read.leader->id, p[0].id));
    group_fini(&read);
    play_fini(&play);
    arena_reset(&arena);
}

TEST(records, an_empty_group_reads_back_as_it_was)
{
    struct play play;
    struct player a = {0};
    struct group_metadata_value value;
    struct records_pair pair;
    struct arena arena;
    struct group read;

    arena_init(&arena, NULL);
    group_init(&read);
    play_init(&play);
    play_stable(&play, &a, 1);
    check_ok(play_leave(&play, a.id, NULL));
    pair = records_of_group(&arena, slice_text("g"), &play.group);
    check_ok(records_read_group(pair.value, &arena, &value));
    group_restore(&read, &value);
    check(groups_equal(&read, &play.group));
    pair = records_of_group(&arena, slice_text("g"), NULL);
    check(slice_is_null(pair.value));
    group_fini(&read);
    play_fini(&play);
    arena_reset(&arena);
}

/* Whatever is in a log: nothing is worse than an outcome. */
FUZZ(records, read)
{
    struct group_metadata_value value;
    struct records_key key;
    struct committed committed;
    struct arena arena;
    struct group group;

    arena_init(&arena, NULL);
    group_init(&group);
    if (records_read_key(slice_of(data, size), &key) == 0)
        check(key.group.size <= size);
    if (records_read_offset(slice_of(data, size), &committed) == 0)
        check(committed.metadata.size <= size);
    if (records_read_group(slice_of(data, size), &arena, &value) == 0) {
        group_restore(&group, &value);
        group_check(&group);
    }
    group_fini(&group);
    arena_reset(&arena);
}
