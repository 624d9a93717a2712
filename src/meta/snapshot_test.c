/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/metadata_reader.h"
#include "meta/snapshot.h"
#include "test/harness/check.h"

TEST(snapshot, a_name_says_offset_and_epoch)
{
    struct snapshot_id id = {.end = 43, .epoch = 7};
    char name[SNAPSHOT_NAME_SIZE];

    snapshot_print_name(id, name);
    check_text(name, "00000000000000000043-0000000007.checkpoint");
    id.end = 0;
    check(snapshot_parse_name(name, &id) && id.end == 43 && id.epoch == 7);
    check(!snapshot_parse_name("00000000000000000043.log", &id));
    check(!snapshot_parse_name("00000000000000000043-0000000007.checkpoint.part", &id));
    check(!snapshot_parse_name("00000000000000000043-00000000x7.checkpoint", &id));
    check(!snapshot_parse_name("99999999999999999999-0000000007.checkpoint", &id));
    check(!snapshot_parse_name("00000000000000000043-9999999999.checkpoint", &id));
    check(!snapshot_parse_name("0000", &id));
    check(snapshot_is_older(id, (struct snapshot_id){.end = 44, .epoch = 7}));
    check(!snapshot_is_older(id, id));
}

static int collect(void *context, int64_t offset, struct slice record)
{
    text_printf(context, "[%d %.*s]", (int)offset, SLICE_ARG(record));
    return 0;
}

/* What a snapshot of two records is read as. */
static void write_and_read(const struct snapshot_terms *terms, struct metadata_reader *reader)
{
    struct snapshot_writer writer;
    struct text bytes = {.data = NULL};
    size_t used;

    snapshot_begin(&writer, terms, &bytes);
    snapshot_add(&writer, slice_text("a"));
    snapshot_add(&writer, slice_text("b"));
    snapshot_end(&writer);
    check_ok(metadata_reader_feed(reader, text_slice(&bytes), &used));
    check_eq(used, bytes.size);
    text_fini(&bytes);
}

TEST(snapshot, what_is_written_is_read)
{
    struct snapshot_terms terms = {.epoch = 3, .now_ms = 5000, .last_timestamp_ms = 4000};
    struct text records = {.data = NULL};
    struct metadata_reader reader;

    metadata_reader_init(&reader, collect, &records);
    write_and_read(&terms, &reader);
    check_text(records.data, "[1 a][2 b]");
    check(reader.has_header && reader.has_footer);
    check(reader.epoch == 3 && reader.snapshot_timestamp == 4000 && reader.last_timestamp == 5000);
    check(reader.kraft_version == 0 && reader.voters.size == 0 && reader.next == 4);
    metadata_reader_fini(&reader);
    text_fini(&records);
}

TEST(snapshot, it_says_who_votes_if_the_cluster_does)
{
    struct snapshot_terms terms = {
        .epoch = 1, .now_ms = 5000, .kraft_version = 1, .voters = slice_text("voters")};
    struct text records = {.data = NULL};
    struct metadata_reader reader;

    metadata_reader_init(&reader, collect, &records);
    write_and_read(&terms, &reader);
    check_text(records.data, "[3 a][4 b]");
    check_eq(reader.kraft_version, 1);
    check(slice_is_text(text_slice(&reader.voters), "voters"));
    metadata_reader_fini(&reader);
    text_fini(&records);
}

TEST(snapshot, a_large_one_is_many_batches)
{
    struct snapshot_terms terms = {.epoch = 1, .now_ms = 5000};
    struct metadata_reader reader;
    struct snapshot_writer writer;
    struct text bytes = {.data = NULL};
    uint8_t record[1000] = {0};
    size_t taken = 0, largest = 0, used;

    metadata_reader_init(&reader, NULL, NULL);
    snapshot_begin(&writer, &terms, &bytes);
    for (int i = 0; i < 5000; i++) {
        snapshot_add(&writer, slice_of(record, sizeof(record)));
        largest = max_of(largest, bytes.size);
        check_ok(metadata_reader_feed(&reader, text_slice(&bytes), &used)); /* As it is written. */
        check_eq(used, bytes.size);
        taken += used;
        text_cut(&bytes, 0);
    }
    snapshot_end(&writer);
    check_ok(metadata_reader_feed(&reader, text_slice(&bytes), &used));
    check(taken > 4000 * 1000 && largest < 1100 * 1000);
    check(reader.has_footer && reader.next == 5002);
    metadata_reader_fini(&reader);
    text_fini(&bytes);
}

TEST(snapshot, one_that_is_given_up_leaves_nothing)
{
    struct snapshot_terms terms = {.epoch = 1, .now_ms = 5000};
    struct snapshot_writer writer;
    struct text bytes = {.data = NULL};

    snapshot_begin(&writer, &terms, &bytes);
    snapshot_add(&writer, slice_text("a"));
    snapshot_fini(&writer);
    text_fini(&bytes);
}
