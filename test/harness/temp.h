/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/temp.h - a folder of its own for a test that needs real files.
 *
 *     struct temp_dir dir;
 *     temp_dir_create(&dir);
 *     ... files below dir.path ...
 *     temp_dir_remove(&dir);
 *
 * After a failed check the folder stays, so that one can look into it.
 */

struct temp_dir {
    char path[256];
};

/* Makes a new, empty folder below $TMPDIR, /dev/shm or /tmp; ends the process if it cannot. */
void temp_dir_create(struct temp_dir *dir);

/* Removes it with all that is in it. */
void temp_dir_remove(struct temp_dir *dir);
