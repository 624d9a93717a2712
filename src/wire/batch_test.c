/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/batch.h"
#include "wire/bytes.h"

/* A batch of one record, made by hand: key "k", value null, a header "h" = "v". */
static const uint8_t small[] = {
    0,  0, 0, 0,  0, 0,   0,    100,                  /* Base offset. */
    0,  0, 0, 61,                                     /* Length. */
    0,  0, 0, 7,                                      /* Leader epoch. */
    2,                                                /* Magic. */
    0,  0, 0, 0,                                      /* CRC: set by the tests. */
    0,  0,                                            /* Attributes. */
    0,  0, 0, 0,                                      /* Last offset delta. */
    0,  0, 0, 0,  0, 0,   0x03, 0xe8,                 /* Base timestamp: 1000. */
    0,  0, 0, 0,  0, 0,   0x03, 0xe9,                 /* Largest timestamp: 1001. */
    0,  0, 0, 0,  0, 0,   0,    9,                    /* Producer id. */
    0,  3,                                            /* Producer epoch. */
    0,  0, 0, 5,                                      /* Base sequence. */
    0,  0, 0, 1,                                      /* Record count. */
    22, 0, 2, 0,  2, 'k', 1,    2,    2, 'h', 2, 'v', /* The record; its length is the first. */
};

TEST(batch, every_field_of_the_header_is_read)
{
    struct batch_header h;

    check_ok(batch_parse(slice_of(small, BATCH_HEADER_SIZE), &h));
    check_eq(h.size, 73);
    check_eq(h.base_offset, 100);
    check_eq(h.leader_epoch, 7);
    check_eq(h.attributes, 0);
    check_eq(h.last_offset_delta, 0);
    check_eq(h.base_timestamp, 1000);
    check_eq(h.max_timestamp, 1001);
    check_eq(h.producer_id, 9);
    check_eq(h.producer_epoch, 3);
    check_eq(h.base_sequence, 5);
    check_eq(h.record_count, 1);
    check_eq(batch_last_offset(&h), 100);
}

TEST(batch, a_header_that_is_cut_off_is_short)
{
    struct batch_header h = {.size = 1};

    for (size_t cut = 0; cut < BATCH_HEADER_SIZE; cut++)
        check_eq(batch_parse(slice_of(small, cut), &h), BATCH_E_SHORT);
    check_eq(h.size, 1);
}

TEST(batch, other_formats_and_lengths_below_a_header_are_refused)
{
    uint8_t bytes[sizeof(small)];
    struct batch_header h;

    memcpy(bytes, small, sizeof(bytes));
    for (uint8_t magic = 0; magic < 2; magic++) {
        bytes[16] = magic;
        check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MAGIC);
    }
    bytes[16] = 3;
    check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MALFORMED);
    bytes[16] = 0xff;
    check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MALFORMED);
    bytes[16] = 2;
    bytes[11] = 48;
    check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MALFORMED);
    bytes[11] = 49;
    check_ok(batch_parse(slice_of(bytes, sizeof(bytes)), &h));
    bytes[8] = 0x80;
    check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MALFORMED);
    memset(bytes, 0, sizeof(bytes));
    check_eq(batch_parse(slice_of(bytes, sizeof(bytes)), &h), BATCH_E_MALFORMED);
}

TEST(batch, place_is_written_outside_of_the_checksum)
{
    uint8_t bytes[sizeof(small)];
    struct batch_header h;

    memcpy(bytes, small, sizeof(bytes));
    batch_set_append_time(bytes, sizeof(bytes), 5000);
    check(batch_crc_is_good(slice_of(bytes, sizeof(bytes))));
    batch_set_place(bytes, INT64_C(0x1122334455667788), -1);
    check(batch_crc_is_good(slice_of(bytes, sizeof(bytes))));
    check_ok(batch_parse(slice_of(bytes, sizeof(bytes)), &h));
    check_eq(h.base_offset, INT64_C(0x1122334455667788));
    check_eq(h.leader_epoch, -1);
    check_eq(h.attributes, BATCH_IS_APPEND_TIME);
    check_eq(h.max_timestamp, 5000);
    check_eq(h.record_count, 1);
}

TEST(batch, every_byte_from_the_attributes_on_is_in_the_checksum)
{
    uint8_t bytes[sizeof(small)];

    memcpy(bytes, small, sizeof(bytes));
    check(!batch_crc_is_good(slice_of(bytes, sizeof(bytes))));
    batch_set_append_time(bytes, sizeof(bytes), 5000);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bool is_covered = i >= 17;

        bytes[i] ^= 0x10;
        check_eq(batch_crc_is_good(slice_of(bytes, sizeof(bytes))), !is_covered);
        bytes[i] ^= 0x10;
    }
    check(!batch_crc_is_good(slice_of(bytes, sizeof(bytes) - 1)));
    check(!batch_crc_is_good(slice_of(bytes, 10)));
}

TEST(batch, a_record_made_by_hand_is_read)
{
    struct text scratch = {.size = 0};
    struct record_header header;
    struct batch_reader reader;
    struct record record;
    bool is_end;

    check_ok(batch_reader_open(&reader, slice_of(small, sizeof(small)), &scratch, NULL, 0));
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check(!is_end);
    check_eq(record.offset, 100);
    check_eq(record.timestamp, 1001);
    check(slice_is_text(record.key, "k"));
    check(slice_is_null(record.value));
    check_eq(record.header_count, 1);
    check_ok(record_next_header(&record.headers, &header));
    check(slice_is_text(header.key, "h"));
    check(slice_is_text(header.value, "v"));
    check_eq(record.headers.size, 0);
    check_ok(batch_reader_next(&reader, &record, &is_end));
    check(is_end);
    text_fini(&scratch);
}
