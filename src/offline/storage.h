/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/storage.h - what the files of `storage` share.
 *
 *      storage.c         options, and the verbs that only print
 *      storage_config.c  what a server.properties says of folders and of the node
 *      storage_meta.c    meta.properties of a folder
 *      storage_levels.c  levels of features, as asked for
 *      storage_format.c  folders become those of a node
 *
 * Threading: one thread.
 * Errors:    STORAGE_E_FAILED with a sentence in `why`.
 */

#include "base/uuid.h"
#include "offline/tool.h"
#include "os/io.h"
#include "wire/features.h"

enum storage_outcome {
    STORAGE_E_FAILED = 1,  /* A sentence tells why. */
    STORAGE_E_UNFORMATTED, /* There is no meta.properties. */
};

/* --- storage_config.c --------------------------------------------------------- */

enum { STORAGE_DIRS_MAX = 64 };

struct storage_config {
    char *dirs[STORAGE_DIRS_MAX]; /* Owned: by name. */
    size_t dir_count;
    char *metadata_dir; /* Owned: where the metadata log is; one of `dirs`. */
    int32_t node_id;
    bool is_controller;        /* process.roles says so. */
    char *voters;              /* Owned, or NULL: controller.quorum.voters. */
    char *controller_name;     /* Owned, or NULL: the first controller listener, ... */
    char *controller_endpoint; /* Owned, or NULL: ... and what it is at, host:port. */
};

/* Reads a server.properties; storage_config_fini() follows also after a failure. */
NODISCARD int storage_config_read(struct io *io, const char *path, struct storage_config *out,
                                  struct text *why);

/* Frees what it holds. */
void storage_config_fini(struct storage_config *config);

/* --- storage_meta.c ------------------------------------------------------------ */

struct storage_meta {
    char cluster_id[256];
    char directory_id[UUID_TEXT_SIZE + 1]; /* Empty: it has none. */
    int32_t node_id;
    int32_t version;
};

/* Reads meta.properties of a folder. */
NODISCARD int storage_meta_read(struct io *io, const char *dir, struct storage_meta *out,
                                struct text *why);

/* Writes it, as Kafka does, durably; `dir` is an open folder. */
NODISCARD int storage_meta_write(struct io *io, int dir, const struct storage_meta *meta);

/* A new random id. */
struct uuid storage_new_id(struct io *io);

/* --- storage_levels.c ---------------------------------------------------------- */

/* The level of each feature of a new cluster, by enum feature_id. */
struct storage_levels {
    int16_t levels[FEATURE_COUNT];
};

/* Finds the metadata.version of a release; a sentence with all of them if there is none. */
NODISCARD int storage_release(const char *text, const struct metadata_version **out,
                              struct text *why);

/* Reads `name=level`. */
NODISCARD int storage_feature(const char *text, enum feature_id *out_id, int16_t *out_level,
                              struct text *why);

/* What the words ask for: a release, and levels of features. */
NODISCARD int storage_levels_read(struct tool *tool, int release_row, int feature_row,
                                  struct storage_levels *out);

/* Adds the file bootstrap.checkpoint. */
void storage_levels_print(const struct storage_levels *levels, int64_t now_ms, struct text *out);

/* Adds them in the manner of Java's toString(). */
void storage_levels_describe(const struct storage_levels *levels, struct text *out);

/* --- storage_format.c ---------------------------------------------------------- */

struct storage_format {
    struct tool *tool;
    struct storage_config config;
    const char *cluster_id;
    const char *initial; /* --initial-controllers, or NULL. */
    bool ignores_formatted, is_standalone, has_no_initial;
    struct storage_levels levels;
};

/* Formats the folders that are not formatted; prints what it does. */
NODISCARD int storage_format(struct storage_format *format, struct text *why);
