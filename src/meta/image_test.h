/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/image_test.h - images being made, for the tests of this folder.
 *
 * Threading: the test's.
 * Errors:    as image.h.
 */

#include "base/mem.h"
#include "base/text.h"
#include "meta/image_internal.h"
#include "test/harness/check.h"
#include "wire/codec.h"
#include "wire/varint.h"

/* Images being made, and the records they are made of. */
struct fixture {
    struct arena arena;
    struct image_edit *edit;
    int64_t offset; /* Of the next record. */
};

/* An empty cluster. */
static inline void fixture_init(struct fixture *f)
{
    struct image *empty = image_create();

    arena_init(&f->arena, NULL);
    f->edit = image_edit_create(empty);
    f->offset = 0;
    image_unref(empty);
}

/* Frees all. */
static inline void fixture_fini(struct fixture *f)
{
    f->edit = image_edit_destroy(f->edit);
    arena_reset(&f->arena);
}

/* The image as it is so far. */
static inline const struct image *image_of(const struct fixture *f)
{
    return image_edit_image(f->edit);
}

/* A record's value as it is in the log: three numbers and the message. */
static inline struct slice record_of(struct fixture *f, const struct wire_message *message,
                                     uint64_t type, int16_t version, const void *in)
{
    struct codec_output out;
    size_t at;

    check_ok(codec_encode_behind(message, version, in, 3, &f->arena, &out));
    at = varint_encode(1, out.data);
    at += varint_encode(type, out.data + at);
    at += varint_encode((uint64_t)version, out.data + at);
    check_eq(at, 3);
    return slice_of(out.data, out.size);
}

/* Applies a record, at the next offset. */
static inline int apply(struct fixture *f, struct slice record)
{
    int r = image_edit_apply(f->edit, f->offset, record);

    f->offset += r == 0;
    return r;
}

/* An id that ends in `number`. */
static inline struct uuid id_of(uint8_t number)
{
    return (struct uuid){{0x40, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, number}};
}

/* One record each, which is applied; the outcome. */
static inline int add_topic(struct fixture *f, const char *name, uint8_t id)
{
    struct topic_record record = {.name = slice_text(name), .topic_id = id_of(id)};

    return apply(f, record_of(f, &topic_record_message, 2, 0, &record));
}

static inline int remove_topic(struct fixture *f, uint8_t id)
{
    struct remove_topic_record record = {.topic_id = id_of(id)};

    return apply(f, record_of(f, &remove_topic_record_message, 9, 0, &record));
}

static inline int set_partition(struct fixture *f, uint8_t id, int32_t index, int32_t leader_epoch)
{
    struct partition_record record = partition_record_defaults;

    record.partition_id = index;
    record.topic_id = id_of(id);
    record.leader = 1;
    record.leader_epoch = leader_epoch;
    record.partition_epoch = 0;
    return apply(f, record_of(f, &partition_record_message, 3, 0, &record));
}

static inline int set_config(struct fixture *f, int8_t type, const char *resource, const char *name,
                             const char *value)
{
    struct config_record record = {
        .resource_type = type,
        .resource_name = slice_text(resource),
        .name = slice_text(name),
        .value = slice_text(value),
    };

    return apply(f, record_of(f, &config_record_message, 4, 0, &record));
}
