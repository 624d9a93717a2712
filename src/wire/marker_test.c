/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/bytes.h"
#include "wire/marker.h"

/* A control batch of one record. */
static void make_control(int16_t version, int16_t type, size_t value_size, struct text *out)
{
    struct batch_builder builder;
    uint8_t key[4];
    uint8_t value[64] = {0};

    bytes_store_i16(key, version);
    bytes_store_i16(key + 2, type);
    batch_builder_init(&builder);
    builder.producer_id = 7;
    builder.attributes = BATCH_IS_CONTROL;
    batch_builder_add(&builder, 1, slice_of(key, sizeof(key)), slice_of(value, value_size), NULL,
                      0);
    check_ok(batch_builder_finish(&builder, COMPRESS_NONE, 0, -1, out));
    batch_builder_fini(&builder);
}

TEST(marker, the_bytes_are_those_of_the_format)
{
    /* An abort of producer 4711 in epoch 3, laid out by hand; the checksum is left out. */
    static const uint8_t wanted[] = {
        0,    0,    0,    0, 0, 0,   0,    0,    0,    0,    0,    66, 255, 255,  255,  255,
        2,    0,    0,    0, 0, 0,   0x30, 0,    0,    0,    0,    0,  0,   1,    0x8b, 0xcf,
        0xe5, 0x68, 0x00, 0, 0, 1,   0x8b, 0xcf, 0xe5, 0x68, 0x00, 0,  0,   0,    0,    0,
        0,    0x12, 0x67, 0, 3, 255, 255,  255,  255,  0,    0,    0,  1,   0x20, 0,    0,
        0,    8,    0,    0, 0, 0,   12,   0,    0,    0,    0,    0,  9,   0,
    };
    struct marker marker = {.type = MARKER_ABORT, .coordinator_epoch = 9};
    struct marker_of of = {
        .producer_id = 4711, .producer_epoch = 3, .time_ms = INT64_C(1700000000000)};
    struct text out = {.data = NULL};

    marker_print(&marker, &of, &out);
    check(batch_crc_is_good(text_slice(&out)));
    check_eq(out.size, sizeof(wanted));
    memset(out.data + 17, 0, 4); /* The checksum, which is checked above. */
    check(memcmp(out.data, wanted, sizeof(wanted)) == 0);
    text_fini(&out);
}

TEST(marker, what_was_printed_is_read_again)
{
    for (int type = MARKER_ABORT; type <= MARKER_COMMIT; type++) {
        struct marker in = {.type = (enum marker_type)type, .coordinator_epoch = 40 + type};
        struct marker_of of = {.producer_id = 5, .producer_epoch = 2, .time_ms = 77};
        struct text bytes = {.data = NULL};
        struct batch_header header;
        struct marker out;
        bool is_marker = false;

        marker_print(&in, &of, &bytes);
        check_ok(batch_parse(text_slice(&bytes), &header));
        check_eq(header.attributes, BATCH_IS_TRANSACTIONAL | BATCH_IS_CONTROL);
        check_eq(header.producer_id, 5);
        check_eq(header.producer_epoch, 2);
        check_eq(header.base_sequence, -1);
        check_eq(header.max_timestamp, 77);
        check_ok(marker_parse(text_slice(&bytes), &out, &is_marker));
        check(is_marker && out.type == in.type && out.coordinator_epoch == 40 + type);
        text_fini(&bytes);
    }
}

TEST(marker, other_control_records_end_nothing)
{
    static const struct {
        int16_t type;
        size_t value_size;
    } others[] = {{2, 20}, {5, 4}, {0, 5}, {1, 0}, {-1, 6}};

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct text bytes = {.data = NULL};
        struct marker marker;
        bool is_marker = true;

        make_control(0, others[i].type, others[i].value_size, &bytes);
        check_ok(marker_parse(text_slice(&bytes), &marker, &is_marker));
        check(!is_marker);
        text_fini(&bytes);
    }
}

FUZZ(marker, any_bytes)
{
    struct batch_header header;
    struct marker marker;
    bool is_marker;

    if (batch_parse(slice_of(data, size), &header) || header.size > size)
        return;
    check(marker_parse(slice_of(data, header.size), &marker, &is_marker) >= 0);
}
