/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/metadata_record.h"
#include "test/harness/check.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/register_broker_record.h"

static const int16_t levels[FEATURE_COUNT] = {[FEATURE_METADATA] = 30};

TEST(metadata_record, what_is_written_can_be_read)
{
    struct begin_transaction_record begin = begin_transaction_record_defaults;
    struct metadata_record record;
    struct slice bytes;
    struct arena arena;
    int number;

    arena_init(&arena, NULL);
    bytes = metadata_record_encode(&arena, METADATA_BEGIN_TRANSACTION, levels, &begin);
    check(bytes.size == 4 && memcmp(bytes.data, "\x01\x17\x00\x00", 4) == 0);
    check_ok(metadata_record_parse(bytes, &record, &number));
    check(number == 23 && record.type == METADATA_BEGIN_TRANSACTION && record.version == 0);
    check(record.fate == METADATA_APPLIED && record.body.size == 1);
    arena_reset(&arena);
}

TEST(metadata_record, what_is_newer_than_we_are_is_told_from_what_is_broken)
{
    struct metadata_record record;
    int number = 0;

    check_eq(metadata_record_parse(slice_of("\x01\x02", 2), &record, &number),
             METADATA_RECORD_E_MALFORMED);
    check_eq(metadata_record_parse(slice_of("\x02\x02\x00\x00", 4), &record, &number),
             METADATA_RECORD_E_UNKNOWN);
    check_eq(metadata_record_parse(slice_of("\x01\x2a\x00\x00", 4), &record, &number),
             METADATA_RECORD_E_UNKNOWN);
    check_eq(number, 42);
    check_eq(metadata_record_parse(slice_of("\x01\x02\x01\x00", 4), &record, &number),
             METADATA_RECORD_E_UNKNOWN);
    check_eq(number, 2);
    check_text(metadata_record_name(2), "topic_record");
    check(!metadata_record_name(6) && !metadata_record_name(-1));
}

TEST(metadata_record, versions_follow_the_levels_of_features)
{
    int16_t now[FEATURE_COUNT] = {[FEATURE_METADATA] = 7};

    check_eq(metadata_record_version(METADATA_REGISTER_BROKER, now), 1);
    check_eq(metadata_record_version(METADATA_PARTITION, now), 0);
    now[FEATURE_METADATA] = 17;
    check_eq(metadata_record_version(METADATA_REGISTER_BROKER, now), 3);
    check_eq(metadata_record_version(METADATA_REGISTRATION_CHANGE, now), 2);
    check_eq(metadata_record_version(METADATA_PARTITION_CHANGE, now), 1);
    now[FEATURE_METADATA] = 33;
    now[FEATURE_ELIGIBLE_LEADER_REPLICAS] = 1;
    check_eq(metadata_record_version(METADATA_REGISTER_BROKER, now), 4);
    check_eq(metadata_record_version(METADATA_REGISTRATION_CHANGE, now), 3);
    check_eq(metadata_record_version(METADATA_PARTITION, now), 2);
    check_eq(metadata_record_version(METADATA_TOPIC, now), 0);
}

TEST(metadata_record, what_a_version_cannot_say_is_said_in_the_newest)
{
    struct register_broker_record broker = register_broker_record_defaults;
    int16_t old[FEATURE_COUNT] = {[FEATURE_METADATA] = 7};
    struct metadata_record record;
    struct uuid directory = {{1}};
    struct arena arena;
    int number;

    arena_init(&arena, NULL);
    broker.cordoned_log_dirs = &directory;
    broker.cordoned_log_dirs_count = 1;
    check_ok(metadata_record_parse(
        metadata_record_encode(&arena, METADATA_REGISTER_BROKER, old, &broker), &record, &number));
    check_eq(record.version, 4);
    arena_reset(&arena);
}
