/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "test/sim/disk.h"

#include <errno.h>
#include <stdio.h>

enum { SECTOR = 512 };

static struct inode *make(struct disk *disk, const char *name)
{
    struct inode *file;

    check_ok(disk_make(disk, disk_root(disk), name, false, &file));
    return file;
}

static void sync_root(struct disk *disk)
{
    check_ok(disk_sync_names(disk, disk_root(disk)));
}

/* Writes `size` times the byte `fill`. */
static void fill_at(struct disk *disk, struct inode *file, uint64_t at, char fill, size_t size)
{
    char bytes[8 * SECTOR];

    check(size <= sizeof(bytes));
    memset(bytes, fill, size);
    check_ok(disk_write(disk, file, at, bytes, size));
}

static struct inode *find(struct disk *disk, const char *name)
{
    struct inode *file = NULL;
    int r = disk_find(disk, disk_root(disk), name, &file);

    check(r == 0 || r == -ENOENT);
    return file;
}

/* A byte of a file; 0 behind its end. */
static char byte_at(struct disk *disk, struct inode *file, uint64_t at)
{
    char byte = 0;
    size_t got;

    check_ok(disk_read(disk, file, at, &byte, 1, &got));
    return byte;
}

TEST(disk, what_is_synced_survives_a_power_loss)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *file = make(disk, "a");

    fill_at(disk, file, 100, 'x', 2 * SECTOR);
    check_eq(disk_dirty_pages(disk), 1);
    check_ok(disk_sync(disk, file));
    sync_root(disk);
    check_eq(disk_dirty_pages(disk), 0);
    check_eq(disk_dirty_names(disk), 0);
    disk_power_loss(disk);

    file = find(disk, "a");
    check(file);
    check_eq(inode_size(file), 100 + 2 * SECTOR);
    check_eq(byte_at(disk, file, 99), 0);
    check_eq(byte_at(disk, file, 100), 'x');
    check_eq(byte_at(disk, file, 99 + 2 * SECTOR), 'x');
}

TEST(disk, without_a_sync_of_its_directory_a_name_may_be_lost)
{
    int kept = 0;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");

        fill_at(disk, file, 0, 'x', SECTOR);
        check_ok(disk_sync(disk, file));
        disk_power_loss(disk);
        file = find(disk, "a");
        kept += file != NULL;
        check(!file || byte_at(disk, file, 0) == 'x');
    }
    check(kept > 10 && kept < 90);
}

/* Two synced sectors, one of which is then overwritten twice. */
TEST(disk, an_unsynced_sector_is_the_old_one_a_new_one_or_one_in_between)
{
    int seen[256] = {0};

    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");

        fill_at(disk, file, 0, 'o', 2 * SECTOR);
        check_ok(disk_sync(disk, file));
        sync_root(disk);
        fill_at(disk, file, SECTOR, 'b', SECTOR);
        fill_at(disk, file, SECTOR, 'n', SECTOR);
        check_eq(byte_at(disk, file, SECTOR), 'n');
        disk_power_loss(disk);

        file = find(disk, "a");
        check_eq(byte_at(disk, file, 0), 'o');
        check_eq(inode_size(file), 2 * SECTOR);
        for (uint64_t at = SECTOR; at < 2 * SECTOR; at++) /* Never torn. */
            check_eq(byte_at(disk, file, at), byte_at(disk, file, SECTOR));
        seen[(uint8_t)byte_at(disk, file, SECTOR)]++;
    }
    check(seen['o'] > 100 && seen['b'] > 10 && seen['n'] > 100);
    check_eq(seen['o'] + seen['b'] + seen['n'], 1000);
}

TEST(disk, of_an_unsynced_tail_any_part_may_survive)
{
    bool all = false;
    bool none = false;
    bool hole = false;

    for (uint64_t seed = 0; seed < 300; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");
        uint64_t end;

        fill_at(disk, file, 0, 'o', 100);
        check_ok(disk_sync(disk, file));
        sync_root(disk);
        fill_at(disk, file, 100, 'n', 6 * SECTOR);
        disk_power_loss(disk);

        file = find(disk, "a");
        end = inode_size(file);
        check(end >= 100 && end <= 100 + 6 * SECTOR);
        check_eq(byte_at(disk, file, 0), 'o');
        all |= end == 100 + 6 * SECTOR && byte_at(disk, file, end - 1) == 'n';
        none |= end == 100;
        hole |= end > 3 * SECTOR && byte_at(disk, file, 2 * SECTOR) == 0 &&
                byte_at(disk, file, 3 * SECTOR) == 'n';
    }
    check(all && none && hole);
}

/* Behind a cut the cache has zeroes; the disk has them after a sync. */
TEST(disk, an_unsynced_cut_may_give_the_old_end_back)
{
    bool back = false;
    bool stays = false;
    bool cut = false;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");

        fill_at(disk, file, 0, 'o', 4 * SECTOR);
        check_ok(disk_sync(disk, file));
        sync_root(disk);
        check_ok(disk_truncate(disk, file, SECTOR));
        check_ok(disk_truncate(disk, file, 4 * SECTOR));
        check_eq(byte_at(disk, file, SECTOR), 0);
        if (seed % 2 == 1)
            check_ok(disk_sync(disk, file));
        disk_power_loss(disk);

        file = find(disk, "a");
        back |= byte_at(disk, file, SECTOR) == 'o';
        stays |= byte_at(disk, file, SECTOR) == 0;
        cut |= inode_size(file) == SECTOR;
        if (seed % 2 == 1)
            check(inode_size(file) == 4 * SECTOR && byte_at(disk, file, SECTOR) == 0);
    }
    check(back && stays && cut);
}

/* The way to replace a file safely: write aside, sync, rename, sync the directory. */
PROPERTY(disk, a_synced_file_renamed_over_another_is_one_of_the_two, 300)
{
    scoped(disk_destroyp) struct disk *disk = disk_create(rng);
    struct inode *file = make(disk, "a");
    bool is_dir_synced = rng_chance(rng, 50);
    char byte;

    fill_at(disk, file, 0, 'o', 10);
    check_ok(disk_sync(disk, file));
    sync_root(disk);
    file = make(disk, "a.new");
    fill_at(disk, file, 0, 'n', 20);
    check_ok(disk_sync(disk, file));
    check_ok(disk_rename(disk, disk_root(disk), "a.new", disk_root(disk), "a"));
    if (is_dir_synced)
        sync_root(disk);
    disk_power_loss(disk);

    file = find(disk, "a");
    check(file);
    byte = byte_at(disk, file, 0);
    check(byte == 'n' || (byte == 'o' && !is_dir_synced));
    check_eq(inode_size(file), byte == 'n' ? 20 : 10);
    check(byte == 'o' || !find(disk, "a.new"));
}

enum { MOVES_FILES = 4, MOVES_DIRS = 2 };

static void names_make(struct disk *disk, struct inode **dirs)
{
    for (int i = 0; i < MOVES_DIRS; i++) {
        const char *names[] = {"d0", "d1"};

        check_ok(disk_make(disk, disk_root(disk), names[i], true, &dirs[i]));
    }
    sync_root(disk);
    for (int i = 0; i < MOVES_FILES; i++) {
        const char *names[] = {"f0", "f1", "f2", "f3"};
        struct inode *file;

        check_ok(disk_make(disk, dirs[0], names[i], false, &file));
        fill_at(disk, file, 0, (char)('0' + i), 1);
        check_ok(disk_sync(disk, file));
    }
    check_ok(disk_sync_names(disk, dirs[0]));
}

/* Counts where the file with the byte `fill` is found. */
static int count_names(struct disk *disk, struct inode **dirs, char fill)
{
    int count = 0;

    for (int d = 0; d < MOVES_DIRS; d++)
        for (char name[] = "f0"; name[1] <= '9'; name[1]++) {
            struct inode *file;

            if (disk_find(disk, dirs[d], name, &file) == 0)
                count += byte_at(disk, file, 0) == fill;
        }
    return count;
}

/* Files are moved to free names, so that none is ever replaced. */
PROPERTY(disk, a_moved_file_is_at_one_place_whatever_survives, 500)
{
    scoped(disk_destroyp) struct disk *disk = disk_create(rng);
    struct inode *dirs[MOVES_DIRS];

    names_make(disk, dirs);
    for (int i = 0; i < 12; i++) {
        struct inode *from_dir = dirs[rng_below(rng, MOVES_DIRS)];
        struct inode *to_dir = dirs[rng_below(rng, MOVES_DIRS)];
        char from[] = {'f', (char)('0' + rng_below(rng, 10)), 0};
        char to[] = {'f', (char)('0' + rng_below(rng, 10)), 0};
        struct inode *there;

        if (disk_find(disk, to_dir, to, &there) == -ENOENT)
            (void)!disk_rename(disk, from_dir, from, to_dir, to);
        if (rng_chance(rng, 20))
            check_ok(disk_sync_names(disk, dirs[rng_below(rng, MOVES_DIRS)]));
    }
    disk_power_loss(disk);
    check_ok(disk_find(disk, disk_root(disk), "d0", &dirs[0]));
    check_ok(disk_find(disk, disk_root(disk), "d1", &dirs[1]));
    for (int i = 0; i < MOVES_FILES; i++)
        check_eq(count_names(disk, dirs, (char)('0' + i)), 1);
}

TEST(disk, a_file_in_a_directory_whose_name_is_lost_is_lost_too)
{
    bool lost = false;

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *dir;
        struct inode *file;

        check_ok(disk_make(disk, disk_root(disk), "d", true, &dir));
        check_ok(disk_make(disk, dir, "f", false, &file));
        check_ok(disk_sync_names(disk, dir));
        disk_power_loss(disk);
        dir = find(disk, "d");
        lost |= !dir;
        if (dir)
            check_ok(disk_find(disk, dir, "f", &file));
    }
    check(lost);
}

TEST(disk, a_failed_sync_is_told_once_and_what_it_lost_stays_lost)
{
    bool lost = false;
    bool written = false;

    for (uint64_t seed = 0; seed < 100; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");

        sync_root(disk);
        fill_at(disk, file, 0, 'x', SECTOR);
        disk_set_fault(disk, DISK_SYNC, (struct disk_fault){.nth = 1, .error = -EIO});
        check_eq(disk_sync(disk, file), -EIO);
        check_ok(disk_sync(disk, file));
        disk_power_loss(disk);
        file = find(disk, "a");
        check_eq(inode_size(file), SECTOR);
        written |= byte_at(disk, file, 0) == 'x';
        lost |= byte_at(disk, file, 0) == 0;
    }
    check(lost && written);
}

TEST(disk, a_refreshed_file_shows_what_is_durable)
{
    bool lost = false;

    for (uint64_t seed = 0; seed < 50; seed++) {
        struct rng chance = rng_of(seed);
        scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
        struct inode *file = make(disk, "a");
        char before;

        sync_root(disk);
        fill_at(disk, file, 0, 'x', SECTOR);
        disk_set_fault(disk, DISK_SYNC, (struct disk_fault){.nth = 1, .error = -EIO});
        check_eq(disk_sync(disk, file), -EIO);
        check_ok(disk_refresh(disk, file));
        before = byte_at(disk, file, 0);
        lost |= before == 0;
        disk_power_loss(disk);
        check_eq(byte_at(disk, find(disk, "a"), 0), before);
    }
    check(lost);
}

TEST(disk, the_nth_call_fails_and_others_do_not)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *file = make(disk, "a");
    char byte;
    size_t got;

    disk_set_fault(disk, DISK_WRITE, (struct disk_fault){.nth = 2, .error = -ENOSPC});
    fill_at(disk, file, 0, 'x', 1);
    check_eq(disk_write(disk, file, 0, "yy", 2), -ENOSPC);
    fill_at(disk, file, 0, 'z', 1);
    disk_set_fault(disk, DISK_READ, (struct disk_fault){.per_million = 1000000, .error = -EIO});
    check_eq(disk_read(disk, file, 0, &byte, 1, &got), -EIO);
    disk_set_fault(disk, DISK_READ, (struct disk_fault){.error = 0});
    check_eq(byte_at(disk, file, 0), 'z');
}

TEST(disk, a_full_disk_takes_what_fits)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *file = make(disk, "a");
    char bytes[3 * 4096];

    memset(bytes, 'x', sizeof(bytes));
    disk_set_capacity(disk, 2 * 4096);
    check_eq(disk_write(disk, file, 0, bytes, sizeof(bytes)), -ENOSPC);
    check_eq(inode_size(file), 2 * 4096);
    check_ok(disk_write(disk, file, 10, bytes, 4096)); /* What is there can be changed. */
    check_ok(disk_truncate(disk, file, 0));
    check_ok(disk_write(disk, file, 0, bytes, 2 * 4096));
}

TEST(disk, a_held_file_outlives_its_name)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *file = make(disk, "a");

    inode_hold(file);
    fill_at(disk, file, 0, 'x', 1);
    check_ok(disk_remove(disk, disk_root(disk), "a", false));
    sync_root(disk);
    check(!find(disk, "a"));
    check_eq(byte_at(disk, file, 0), 'x');
    inode_put(file);
}

static int count_name(void *context, const char *name, bool is_dir)
{
    int *counts = context;

    check(is_dir == (name[0] == 'd'));
    counts[name[0] == 'd']++;
    return counts[1] == 2 ? 7 : 0;
}

TEST(disk, names_are_listed_until_the_caller_has_enough)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *dir;
    int counts[2] = {0};

    make(disk, "f");
    make(disk, "g");
    check_ok(disk_make(disk, disk_root(disk), "d", true, &dir));
    check_ok(disk_list(disk, disk_root(disk), count_name, counts));
    check_eq(counts[0], 2);
    check_eq(counts[1], 1);
    check_eq(disk_list(disk, disk_root(disk), count_name, counts), 7);
}

TEST(disk, names_refuse_what_the_kernel_refuses)
{
    struct rng chance = rng_of(1);
    scoped(disk_destroyp) struct disk *disk = disk_create(&chance);
    struct inode *root = disk_root(disk);
    struct inode *file = make(disk, "f");
    struct inode *dir;
    struct inode *out;

    check_ok(disk_make(disk, root, "d", true, &dir));
    check_ok(disk_make(disk, dir, "g", false, &out));
    check_eq(disk_make(disk, root, "f", false, &out), -EEXIST);
    check_eq(disk_make(disk, file, "x", false, &out), -ENOTDIR);
    check_eq(disk_find(disk, root, "x", &out), -ENOENT);
    check_eq(disk_remove(disk, root, "d", false), -EISDIR);
    check_eq(disk_remove(disk, root, "f", true), -ENOTDIR);
    check_eq(disk_remove(disk, root, "d", true), -ENOTEMPTY);
    check_eq(disk_rename(disk, root, "d", dir, "d"), -EINVAL);
    check_eq(disk_rename(disk, root, "f", root, "d"), -EISDIR);
    check_eq(disk_rename(disk, root, "x", root, "y"), -ENOENT);
}
