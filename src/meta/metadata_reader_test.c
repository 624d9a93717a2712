/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"
#include "test/harness/check.h"

static int refuse(void *context, int64_t offset, struct slice record)
{
    (void)record;
    return offset == *(int64_t *)context ? 7 : 0;
}

static void write_snapshot(struct text *out)
{
    struct snapshot_terms terms = {.epoch = 1, .now_ms = 5000};
    struct snapshot_writer writer;

    snapshot_begin(&writer, &terms, out);
    snapshot_add(&writer, slice_text("a"));
    snapshot_add(&writer, slice_text("b"));
    snapshot_end(&writer);
}

TEST(metadata_reader, who_listens_may_end_it)
{
    struct text bytes = {.data = NULL};
    struct metadata_reader reader;
    int64_t at = 2;
    size_t used;

    write_snapshot(&bytes);
    metadata_reader_init(&reader, refuse, &at);
    check_eq(metadata_reader_feed(&reader, text_slice(&bytes), &used), 7);
    metadata_reader_fini(&reader);
    text_fini(&bytes);
}

TEST(metadata_reader, a_batch_that_is_cut_is_left_for_later)
{
    struct text bytes = {.data = NULL};

    write_snapshot(&bytes);
    for (size_t cut = 0; cut < bytes.size; cut++) {
        struct metadata_reader reader;
        size_t used, rest;

        metadata_reader_init(&reader, NULL, NULL);
        check_ok(metadata_reader_feed(&reader, slice_of(bytes.data, cut), &used));
        check(used <= cut && !reader.has_footer);
        check_ok(
            metadata_reader_feed(&reader, slice_of(bytes.data + used, bytes.size - used), &rest));
        check(used + rest == bytes.size && reader.has_footer);
        metadata_reader_fini(&reader);
    }
    text_fini(&bytes);
}

TEST(metadata_reader, a_bit_that_is_wrong_is_seen)
{
    struct text bytes = {.data = NULL};

    write_snapshot(&bytes);
    for (size_t at = 16; at < bytes.size; at++) {
        struct metadata_reader reader;
        size_t used = 0;
        int r;

        metadata_reader_init(&reader, NULL, NULL);
        bytes.data[at] = (char)(bytes.data[at] ^ 4);
        r = metadata_reader_feed(&reader, text_slice(&bytes), &used);
        check(r == METADATA_READER_E_CORRUPT || used < bytes.size || reader.epoch != 1 ||
              reader.next != 4);
        bytes.data[at] = (char)(bytes.data[at] ^ 4);
        metadata_reader_fini(&reader);
    }
    text_fini(&bytes);
}

/* Bytes from anywhere. */
FUZZ(metadata_reader, feed)
{
    struct metadata_reader reader;
    size_t used = 0;
    int r;

    metadata_reader_init(&reader, NULL, NULL);
    r = metadata_reader_feed(&reader, slice_of(data, size), &used);
    check(r == 0 || r == METADATA_READER_E_CORRUPT);
    check(used <= size);
    metadata_reader_fini(&reader);
}
