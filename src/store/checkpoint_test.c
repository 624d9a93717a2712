/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "store/checkpoint.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/temp.h"

#include <inttypes.h>

struct place {
    struct temp_dir temp;
    struct io *io;
    int dir;
};

static void place_init(struct place *place)
{
    temp_dir_create(&place->temp);
    check_ok(linux_io_create(&place->io));
    check_ok(place->io->ops->dir_open(place->io, IO_CWD, place->temp.path, &place->dir));
}

static void place_fini(struct place *place)
{
    io_close(place->io, &place->dir);
    place->io = linux_io_destroy(place->io);
    temp_dir_remove(&place->temp);
}

static void note(void *context, struct slice topic, int64_t number, int64_t offset)
{
    text_printf(context, "[%.*s|%" PRId64 "|%" PRId64 "]", SLICE_ARG(topic), number, offset);
}

/* What is heard of a file with this content. */
static int hear(struct place *place, bool has_topics, const char *content, struct text *out)
{
    files_write(place->temp.path, "c", slice_text(content));
    text_cut(out, 0);
    text_add(out, "", 0);
    return checkpoint_read(place->io, place->dir, "c", has_topics, note, out);
}

TEST(checkpoint, what_is_written_is_kafkas_text_and_is_read_again)
{
    struct checkpoint points = {.count = 0}, epochs = {.count = 0};
    struct text bytes = {.data = NULL};
    struct text heard = {.data = NULL};
    struct place place;

    place_init(&place);
    checkpoint_add(&points, slice_text("orders"), 0, 4210);
    checkpoint_add(&points, slice_text("a-b.c"), 12, 0);
    check_ok(checkpoint_write(&points, place.io, place.dir, "p"));
    check(files_read(place.temp.path, "p", &bytes));
    check_text(bytes.data, "0\n2\norders 0 4210\na-b.c 12 0\n");
    check_ok(checkpoint_read(place.io, place.dir, "p", true, note, &heard));
    check_text(heard.data, "[orders|0|4210][a-b.c|12|0]");

    checkpoint_add(&epochs, slice_null(), 0, 0);
    checkpoint_add(&epochs, slice_null(), 3, 1742);
    check_ok(checkpoint_write(&epochs, place.io, place.dir, "e"));
    text_cut(&bytes, 0);
    check(files_read(place.temp.path, "e", &bytes));
    check_text(bytes.data, "0\n2\n0 0\n3 1742\n");
    text_cut(&heard, 0);
    check_ok(checkpoint_read(place.io, place.dir, "e", false, note, &heard));
    check_text(heard.data, "[|0|0][|3|1742]");

    check_ok(checkpoint_write(&points, place.io, place.dir, "p")); /* It is empty again. */
    text_cut(&bytes, 0);
    check(files_read(place.temp.path, "p", &bytes));
    check_text(bytes.data, "0\n0\n");
    text_fini(&bytes);
    text_fini(&heard);
    place_fini(&place);
}

TEST(checkpoint, a_missing_or_empty_file_has_no_lines)
{
    struct text heard = {.data = NULL};
    struct place place;

    place_init(&place);
    check_ok(checkpoint_read(place.io, place.dir, "c", true, note, &heard));
    check_ok(hear(&place, true, "", &heard));
    check_ok(hear(&place, false, "0\n0\n", &heard));
    check_eq(heard.size, 0);
    text_fini(&heard);
    place_fini(&place);
}

TEST(checkpoint, a_malformed_file_is_told_up_to_where_it_breaks)
{
    static const char *const bad[] = {
        "1\n1\nt 0 1\n",   "x\n1\nt 0 1\n",  "0\n",          "0\n1\n",
        "0\n2\nt 0 1\n",   "0\n1\nt 0 1",    "0\n1\nt 0\n",  "0\n1\nt 0 1\nt 1 1\n",
        "0\n1\nt 0 1 2\n", "0\n1\nt x 1\n",  "0\n1\nt 0 \n", "0\n1\nt 0 9999999999999999999\n",
        "0\n0\nt 0 1\n",   "0\n1\n t 0 1\n",
    };
    struct text heard = {.data = NULL};
    struct place place;

    place_init(&place);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        check_eq(hear(&place, true, bad[i], &heard), CHECKPOINT_E_MALFORMED);
    check_eq(hear(&place, true, "0\n3\nt 0 1\nt 1 2\nt 2 ", &heard), CHECKPOINT_E_MALFORMED);
    check_text(heard.data, "[t|0|1][t|1|2]");
    check_ok(hear(&place, true, "0\n1\nt -1 -5\n", &heard));
    check_text(heard.data, "[t|-1|-5]");
    text_fini(&heard);
    place_fini(&place);
}

TEST(checkpoint, the_name_of_a_log_ends_with_its_partition)
{
    struct slice topic;
    int64_t partition;

    check(checkpoint_split("a-b-12", &topic, &partition));
    check(slice_is_text(topic, "a-b") && partition == 12);
    check(checkpoint_split("__cluster_metadata-0", &topic, &partition));
    check(slice_is_text(topic, "__cluster_metadata") && partition == 0);
    check(!checkpoint_split("orders", &topic, &partition));
    check(!checkpoint_split("-1", &topic, &partition));
    check(!checkpoint_split("orders-", &topic, &partition));
    check(!checkpoint_split("orders-1x", &topic, &partition));
    check(!checkpoint_split("orders-1.0123-delete", &topic, &partition));
}
