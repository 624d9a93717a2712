/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_internal.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/store_kit.h"

TEST(log_files, a_name_is_an_offset_and_a_suffix)
{
    check_eq(log_name_base("00000000000000004210.log", ".log"), 4210);
    check_eq(log_name_base("09223372036854775799.log", ".log"), INT64_MAX - 8);
    check_eq(log_name_base("09223372036854775808.log", ".log"), -1);
    check_eq(log_name_base("00000000000000004210.log", ".index"), -1);
    check_eq(log_name_base("0000000000000004210.log", ".log"), -1);
    check_eq(log_name_base("00000000000000004210.log.deleted", ".log"), -1);
    check_eq(log_name_base("", ".log"), -1);
}

TEST(log_files, what_is_in_the_folder_is_listed_by_kind_and_ascending)
{
    static const char *const names[] = {
        "00000000000000000007.log",      "00000000000000000005.log",
        "00000000000000000005.index",    "00000000000000000005.txnindex",
        "00000000000000000009.snapshot", "00000000000000000001.log.deleted",
        "leader-epoch-checkpoint",
    };
    struct log_listing listing = {.segments = {.items = NULL}};
    struct store_kit kit;
    struct log *log;

    store_kit_init(&kit);
    log = store_kit_log(&kit, "t-0"); /* Has a segment at 0, with two indexes. */
    for (size_t i = 0; i < COUNT_OF(names); i++)
        files_write(store_kit_path(&kit, "t-0"), names[i], slice_empty());
    check_ok(log_list_folder(kit.env.io, log->folder, &listing));
    check(listing.segments.count == 3 && listing.segments.items[1] == 5 &&
          listing.segments.items[2] == 7);
    check_eq(listing.indexes.count, 4);
    check(log_bases_have(&listing.aborted, 5) && !log_bases_have(&listing.aborted, 0));
    check(listing.snapshots.count == 1 && listing.snapshots.items[0] == 9);
    check_text(listing.deleted.data, "00000000000000000001.log.deleted");
    log_listing_fini(&listing);
    listing = (struct log_listing){.segments = {.items = NULL}};
    check_ok(log_unlink_indexes(log, 5));
    check_ok(log_unlink_indexes(log, 5)); /* Nothing there is no error. */
    check_ok(log_list_folder(kit.env.io, log->folder, &listing));
    check_eq(listing.indexes.count, 2);
    log_listing_fini(&listing);
    log_abandon(log);
    store_kit_fini(&kit);
}
