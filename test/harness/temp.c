/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/temp.h"

#include "base/base.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* In memory where there is such a place: thousands of small files are slow on a disk. */
static const char *place(void)
{
    const char *wanted = getenv("TMPDIR");

    if (wanted)
        return wanted;
    return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

void temp_dir_create(struct temp_dir *dir)
{
    int size = snprintf(dir->path, sizeof(dir->path), "%s/moldau-test-XXXXXX", place());

    assert(size > 0 && (size_t)size < sizeof(dir->path));
    assert(mkdtemp(dir->path));
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void temp_dir_remove(struct temp_dir *dir)
{
    enum { DESCRIPTORS_MAX = 16 };

    assert(dir->path[0] == '/');
    assert(nftw(dir->path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS) == 0);
    dir->path[0] = 0;
}
