/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/dump.h - what the files of `dump-log` share.
 *
 *      dump_log.c         options, and which file is of which kind
 *      dump_view.c        a file, and the batches in it
 *      dump_batches.c     batches and records of format 2
 *      dump_old.c         messages of formats 0 and 1
 *      dump_text.c        keys and values as text and numbers
 *      dump_records.c     records of internal topics as JSON
 *      dump_remote.c      records of __remote_log_metadata
 *      dump_index.c       indexes, compared with the batches
 *      dump_state.c       snapshots of producers, indexes of aborted transactions
 *      dump_complaints.c  what does not fit, told at the end
 *
 * Output is that of Kafka 4.3.1's kafka-dump-log, byte for byte; where that tool ends with
 * the stack of an exception, ours ends with its sentence.
 *
 * Threading: one thread.
 * Errors:    0; DUMP_E_FAILED with a sentence in `dump->tool->why`; negative codes likewise
 *            end the command.
 */

#include "offline/tool.h"
#include "os/io.h"
#include "wire/batch.h"

enum dump_outcome {
    DUMP_E_FAILED = 1, /* A sentence tells why. */
};

enum dump_decoder {
    DUMP_TEXTS, /* Keys and values one by one: enum dump_class. */
    DUMP_GROUPS,
    DUMP_TRANSACTIONS,
    DUMP_METADATA,
    DUMP_REMOTE,
    DUMP_SHARE,
};

struct dump {
    struct tool *tool;
    bool prints_content, is_deep, is_verify, is_sanity, skips_metadata;
    int32_t message_max, bytes_max;
    enum dump_decoder decoder;
    const char *key_class, *value_class; /* Names of Java classes. */
    struct dump_complaint *complaints;   /* Owned array. */
    size_t complaint_count, complaint_room;
};

/* Adds a sentence to what went wrong; returns DUMP_E_FAILED. */
int dump_fail(struct dump *dump, const char *format, ...) PRINTF(2, 3);

/* --- dump_view.c ------------------------------------------------------------ */

/* A file of which pieces are read. */
struct dump_view {
    struct io *io;
    int fd;
    uint64_t end; /* Its size, or where reading is to stop. */
    char *path;   /* Owned. */
    uint8_t *bytes;
    uint64_t at;       /* Owned: a piece of the file, which begins here, */
    size_t size, room; /* and is so long. */
};

/* Opens a file; its path is the sentence if it is not there. */
NODISCARD int dump_view_open(struct dump *dump, struct dump_view *view, const char *path);

/* Closes it; a view that is all zero is left alone. */
void dump_view_close(struct dump_view *view);

/* Reads `size` bytes at `at`: fewer only at the end.  Borrowed until the next call. */
NODISCARD int dump_view_read(struct dump *dump, struct dump_view *view, uint64_t at, uint64_t size,
                             struct slice *out);

/* A batch, or an old message, as its first bytes describe it. */
struct dump_batch {
    uint64_t position;
    struct batch_header header; /* Of format 2; else only size and base_offset are set. */
    int8_t magic;
};

/* Reads what is at `position`; `*out_end` is true if there is no more. */
NODISCARD int dump_view_batch(struct dump *dump, struct dump_view *view, uint64_t position,
                              struct dump_batch *out, bool *out_end);

/* --- dump_batches.c, dump_old.c ---------------------------------------------- */

/* A log or a snapshot of the metadata log. */
NODISCARD int dump_batches(struct dump *dump, const char *path);

/* Prints the line of an old message, which `bytes` is; the wrapper of a compressed set too. */
NODISCARD int dump_old_line(struct dump *dump, const struct dump_batch *batch, struct slice bytes);

/* Hears of an old record: its bytes, its own and for compressed ones its wrapper's time. */
struct dump_old_record {
    int64_t offset, timestamp;
    uint32_t crc;
    bool is_valid;
    struct record record;
};
typedef int dump_old_fn(void *context, const struct dump_old_record *record);

/* Tells each record of an old message. */
NODISCARD int dump_old_records(struct dump *dump, struct slice bytes, dump_old_fn *fn,
                               void *context);

/* CreateTime, LogAppendTime or NoTimestampType. */
const char *dump_time_type(int8_t magic, uint16_t attributes);

/* The name of a codec; DUMP_E_FAILED if there is none. */
NODISCARD int dump_codec(struct dump *dump, unsigned codec, const char **out);

/* Prints key and payload of a record; `prefix` is in front of the first of them. */
NODISCARD int dump_content(struct dump *dump, const struct record *record, const char *prefix);

/* --- dump_text.c, dump_records.c, dump_remote.c ------------------------------ */

/* DUMP_E_FAILED unless there is a decoder of that name. */
NODISCARD int dump_text_check(struct dump *dump, const char *class_name);

/* Adds a key or value as that decoder prints it. */
NODISCARD int dump_text_add(struct dump *dump, const char *class_name, struct slice bytes,
                            struct text *out);

/* Adds a text as Java prints it: what is not UTF-8 becomes U+FFFD. */
void dump_text_add_java(struct slice bytes, struct text *out);

/* A record of an internal topic; `*out_has_key` and `*out_has_value` tell what is printed. */
NODISCARD int dump_record(struct dump *dump, const struct record *record, struct text *key,
                          struct text *value, bool *out_has_key, bool *out_has_value);

/* Adds a message, as JSON, that `bytes` hold in `version`; false if they do not. */
struct wire_message;
NODISCARD bool dump_json(const struct wire_message *message, int16_t version, struct slice bytes,
                         struct text *out);

/* Takes off what is in front of a metadata record, or one of a remote segment; false with a
 * sentence if that is not there. */
NODISCARD bool dump_take_frame(struct slice *rest, int16_t *out_type, int16_t *out_version,
                               struct text *why);

/* Adds what the record of a remote segment says, or why it cannot be read. */
void dump_remote_add(struct slice bytes, int64_t offset, struct text *out);

/* --- dump_index.c, dump_state.c ---------------------------------------------- */

/* An index by offset or by time, a snapshot of producers, an index of transactions. */
NODISCARD int dump_index(struct dump *dump, const char *path);
NODISCARD int dump_time_index(struct dump *dump, const char *path);
NODISCARD int dump_snapshot(struct dump *dump, const char *path);
NODISCARD int dump_transactions(struct dump *dump, const char *path);

/* --- dump_complaints.c ------------------------------------------------------- */

enum dump_kind {
    DUMP_INDEX_MISMATCH, /* Offset of an entry, offset in the log. */
    DUMP_TIME_MISMATCH,
    DUMP_TIME_ORDER,
    DUMP_TIME_NO_OFFSET,
    DUMP_GAP, /* Offset of a record, and of the next. */
};

/* Remembers something that does not fit in a file. */
void dump_complain(struct dump *dump, enum dump_kind kind, const char *path, int64_t first,
                   int64_t second);

/* Prints all of it on standard error. */
void dump_complaints_print(struct dump *dump);

/* Forgets all of it. */
void dump_complaints_forget(struct dump *dump);

/* --- names ------------------------------------------------------------------- */

/* The absolute path, from the heap. */
char *dump_absolute(const struct dump *dump, const char *path) NODISCARD;

/* What is behind the last `/`. */
const char *dump_name(const char *path);

/* The number in front of the first dot of the name; DUMP_E_FAILED if it is none. */
NODISCARD int dump_base(struct dump *dump, const char *path, int64_t *out);
