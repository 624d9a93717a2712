/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/files.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, DESCRIPTORS_MAX = 16 };

static void join(char out[static PATH_SIZE], const char *dir, const char *name)
{
    int size = snprintf(out, PATH_SIZE, "%s/%s", dir, name);

    assert(size > 0 && size < PATH_SIZE);
}

bool files_read(const char *dir, const char *name, struct text *out)
{
    char path[PATH_SIZE];
    uint8_t piece[4096];
    size_t got;
    FILE *file;

    join(path, dir, name);
    file = fopen(path, "rb");
    if (!file)
        return false;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
        text_add(out, piece, got);
    assert(!ferror(file));
    fclose(file);
    return true;
}

void files_write(const char *dir, const char *name, struct slice bytes)
{
    char path[PATH_SIZE];
    FILE *file;

    join(path, dir, name);
    file = fopen(path, "wb");
    assert(file);
    assert(fwrite(bytes.data, 1, bytes.size, file) == bytes.size);
    assert(fclose(file) == 0);
}

int64_t files_size(const char *dir, const char *name)
{
    char path[PATH_SIZE];
    struct stat status;

    join(path, dir, name);
    return stat(path, &status) ? -1 : (int64_t)status.st_size;
}

void files_truncate(const char *dir, const char *name, int64_t size)
{
    char path[PATH_SIZE];

    join(path, dir, name);
    assert(truncate(path, size) == 0);
}

void files_flip(const char *dir, const char *name, int64_t at, uint8_t mask)
{
    char path[PATH_SIZE];
    FILE *file;
    int byte;

    join(path, dir, name);
    file = fopen(path, "r+b");
    assert(file);
    assert(fseek(file, at, SEEK_SET) == 0);
    byte = fgetc(file);
    assert(byte != EOF);
    assert(fseek(file, at, SEEK_SET) == 0);
    assert(fputc(byte ^ mask, file) != EOF);
    assert(fclose(file) == 0);
}

void files_remove(const char *dir, const char *name)
{
    char path[PATH_SIZE];

    join(path, dir, name);
    assert(unlink(path) == 0 || files_size(dir, name) < 0);
}

static void copy_file(const char *from, const char *to, const char *name)
{
    struct text bytes = {.data = NULL};

    assert(files_read(from, name, &bytes));
    files_write(to, name, text_slice(&bytes));
    text_fini(&bytes);
}

/* Folders lie one in the other only as deep as a data folder and its logs. */
static void copy_flat(const char *from, const char *to, int depth)
{
    DIR *entries = opendir(from);
    const struct dirent *entry;

    assert(entries && depth < 3);
    assert(mkdir(to, 0755) == 0);
    while ((entry = readdir(entries))) {
        char inner_from[PATH_SIZE], inner_to[PATH_SIZE];
        struct stat status;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        join(inner_from, from, entry->d_name);
        join(inner_to, to, entry->d_name);
        assert(stat(inner_from, &status) == 0);
        if (S_ISDIR(status.st_mode))
            copy_flat(inner_from, inner_to, depth + 1);
        else
            copy_file(from, to, entry->d_name);
    }
    closedir(entries);
}

void files_copy(const char *from, const char *to)
{
    copy_flat(from, to, 0);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

void files_remove_dir(const char *path)
{
    assert(path[0] == '/');
    if (access(path, F_OK) == 0)
        assert(nftw(path, remove_one, DESCRIPTORS_MAX, FTW_DEPTH | FTW_PHYS) == 0);
}

int files_count(const char *dir, const char *suffix)
{
    DIR *entries = opendir(dir);
    const struct dirent *entry;
    size_t size = strlen(suffix);
    int count = 0;

    if (!entries)
        return -1;
    while ((entry = readdir(entries))) {
        size_t name_size = strlen(entry->d_name);

        count += name_size >= size && strcmp(entry->d_name + name_size - size, suffix) == 0;
    }
    closedir(entries);
    return count;
}

bool files_equal(const char *dir_a, const char *dir_b, const char *name)
{
    struct text a = {.data = NULL};
    struct text b = {.data = NULL};
    bool is_equal = files_read(dir_a, name, &a) && files_read(dir_b, name, &b) &&
                    slice_equal(text_slice(&a), text_slice(&b));

    text_fini(&a);
    text_fini(&b);
    return is_equal;
}
