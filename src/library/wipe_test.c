/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "broker/settings.h"
#include "library/wipe.h"
#include "os/linux_io.h"
#include "test/harness/check.h"
#include "test/harness/files.h"
#include "test/harness/temp.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder below with a file in it. */
static void make(const char *path, const char *name)
{
    char inner[512];

    (void)snprintf(inner, sizeof(inner), "%s/%s", path, name);
    check_ok(mkdir(inner, 0755));
    files_write(inner, "f", slice_text("x"));
}

TEST(wipe, what_a_broker_made_goes_and_the_rest_stays)
{
    static const char *const gone[] = {"orders-0",      "a-b-12",       "moldau.commit",
                                       "t-1.ab-delete", "t-2.ab-stray", "__cluster_metadata-0"};
    static const char *const kept[] = {"lost+found", "backup", "v2", "-7", "7"};
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct settings settings;
    struct text unserved = {.data = NULL}, why = {.data = NULL};
    struct temp_dir dir;
    char path[512];

    temp_dir_create(&dir);
    settings_init(&settings);
    check_ok(linux_io_create(&io));
    check_ok(
        settings_set(&settings, slice_text("log.dirs"), slice_text(dir.path), &unserved, &why));
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        make(dir.path, gone[i]);
    for (size_t i = 0; i < COUNT_OF(kept); i++)
        make(dir.path, kept[i]);
    files_write(dir.path, "meta.properties", slice_text("x"));
    files_write(dir.path, "recovery-point-offset-checkpoint", slice_text("x"));
    files_write(dir.path, "server.properties", slice_text("x"));
    (void)snprintf(path, sizeof(path), "%s/out-3", dir.path);
    check_ok(symlink("backup", path));

    check_ok(wipe_dirs(io, &settings));
    for (size_t i = 0; i < COUNT_OF(gone); i++)
        check_eq(files_count(dir.path, gone[i]), 0);
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir.path, kept[i]);
        check_eq(files_size(path, "f"), 1);
    }
    check_eq(files_size(dir.path, "meta.properties"), -1);
    check_eq(files_size(dir.path, "recovery-point-offset-checkpoint"), -1);
    check_eq(files_size(dir.path, "server.properties"), 1);
    check_ok(wipe_tree(io, dir.path));
    check_eq(files_count(dir.path, ""), -1);
    check_ok(wipe_tree(io, dir.path));
    check_ok(wipe_dirs(io, &settings));
    settings_fini(&settings);
    text_fini(&unserved);
    text_fini(&why);
}
