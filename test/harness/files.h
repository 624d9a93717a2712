/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/harness/files.h - what tests do to files behind the back of the code under test.
 *
 * Every function ends the process if the file system refuses what it must do.
 */

#include "base/text.h"

/* Adds the whole file to `out`; false if it is not there. */
bool files_read(const char *dir, const char *name, struct text *out);

/* Makes `bytes` the content of the file. */
void files_write(const char *dir, const char *name, struct slice bytes);

/* The size of the file, or -1 if it is not there. */
int64_t files_size(const char *dir, const char *name);

/* Cuts the file, or makes it longer with zeros. */
void files_truncate(const char *dir, const char *name, int64_t size);

/* Turns the bits of `mask` of the byte at `at` over. */
void files_flip(const char *dir, const char *name, int64_t at, uint8_t mask);

/* Removes the file if it is there. */
void files_remove(const char *dir, const char *name);

/* Copies the folder and all that is in it to `to`, which is not there yet. */
void files_copy(const char *from, const char *to);

/* Removes the folder and all that is in it, if it is there. */
void files_remove_dir(const char *path);

/* How many names in the folder end with `suffix`; -1 if there is no folder. */
int files_count(const char *dir, const char *suffix);

/* True if the files are there and have the same bytes. */
bool files_equal(const char *dir_a, const char *dir_b, const char *name);
