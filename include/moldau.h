/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* include/moldau.h - a Kafka-compatible broker inside your program.
 *
 *      struct moldau_options options = {.size = sizeof(options)};
 *      struct moldau *broker;
 *      char why[MOLDAU_TEXT_MAX];
 *
 *      if (moldau_start(&options, &broker, why))
 *          fail(why);
 *      connect_to(moldau_bootstrap(broker));      "127.0.0.1:40213"
 *      moldau_reset(broker, why);                 no topic, no group, no record; the same port
 *      moldau_stop(broker, why);
 *
 * A broker runs on threads of its own, which take no signals.  There may be several in a process;
 * they share nothing.  It is a whole cluster: broker and controller in one, listening on 127.0.0.1.
 * The library changes nothing of your process: no signal handlers, no environment, no current
 * folder, no limits, nothing on standard output or error.
 *
 * Threading: every function may be called from any thread; calls for one broker wait for each
 *            other.  Not from a callback of the same broker, and moldau_stop() once, last.
 *            After fork() the child has no broker: it must not use the parent's.
 * Errors:    enum moldau_error; `why` gets a sentence that says what to do ("" without an error).
 *
 * Members are only ever added to the options, behind the others; `size` tells the library which
 * of them you know.
 */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOLDAU_API __attribute__((visibility("default")))

struct moldau;

enum { MOLDAU_TEXT_MAX = 1024 };

enum moldau_error {
    MOLDAU_OK = 0,
    MOLDAU_E_ARGUMENT = 1, /* The options cannot be: a size, port or number out of range. */
    MOLDAU_E_CONFIG = 2,   /* A configuration key or value is refused, or an address is taken. */
    MOLDAU_E_DATA = 3,     /* The folder cannot be used: another's, in use, full, not writable. */
    MOLDAU_E_LIMIT = 4,    /* The process can have no more threads or descriptors. */
    MOLDAU_E_STOP = 5,     /* Stopped, but not cleanly: the next start on the folder recovers. */
    MOLDAU_E_ENDED = 6,    /* The broker has ended by itself, since its disk failed. */
    MOLDAU_E_BUG = 7,      /* The broker has ended by a bug of ours; see moldau_options.bug. */
};

enum moldau_level {
    MOLDAU_LOG_FATAL,
    MOLDAU_LOG_ERROR,
    MOLDAU_LOG_WARN,
    MOLDAU_LOG_INFO,
    MOLDAU_LOG_DEBUG,
    MOLDAU_LOG_TRACE,
};

/* All pointers are yours, and must be valid during moldau_start() only; `context` is handed
 * back as it is. */
struct moldau_options {
    size_t size; /* sizeof(struct moldau_options). */

    /* The folder of the data; it is made if it is not there.  NULL: a new one below
     * `temporary_in` (NULL: /tmp), which is removed by moldau_stop(); nothing in it is synced to
     * the disk unless log.ack.durability says so. */
    const char *folder;
    const char *temporary_in;

    /* The port on 127.0.0.1; 0: one that is free, kept until the stop.  With a `listeners` key
     * among the overrides that counts instead. */
    int port;

    /* Threads that serve; 0: one. */
    int shards;

    /* Configuration of the broker: Kafka's keys (docs/reference/configs.md), "key=value" each,
     * NULL behind the last; or NULL. */
    const char *const *overrides;

    /* Called with each line of the broker's log, without its end and without a time; on any of its
     * threads, and on two at once.  NULL: nobody hears. */
    void (*log)(void *context, int level, const char *line);

    /* Called when a broken promise is found inside the broker, on one of its threads: what it was,
     * for a report.  When it returns, the broker is dead and your program goes on: each call
     * returns MOLDAU_E_BUG, and moldau_stop() leaves behind the memory and the descriptors that
     * the broker held.  NULL: the process ends by abort(), with a stack on standard error. */
    void (*bug)(void *context, const char *what);

    void *context;
};

/* The version of the library: "0.1.0". */
MOLDAU_API const char *moldau_version(void);

/* What an error is, in general: a constant sentence. */
MOLDAU_API const char *moldau_error_text(int error);

/* Starts a broker, and returns when clients can connect.  `*out` is yours, to be ended by
 * moldau_stop(); it is written only without an error.  `why` has MOLDAU_TEXT_MAX bytes, or is
 * NULL, as in all of these. */
MOLDAU_API int moldau_start(const struct moldau_options *options, struct moldau **out, char *why);

/* Where clients connect, "host:port": the first of the listeners.  Valid until the next reset or
 * restart with `listeners` of your own, else until the stop. */
MOLDAU_API const char *moldau_bootstrap(const struct moldau *broker);

/* The folder of the data: for a look into it.  Valid until the stop. */
MOLDAU_API const char *moldau_folder(const struct moldau *broker);

/* Removes all topics, groups and records: a new cluster on the same port.  Connections end; clients
 * that live on connect again.  Also removes what a broker has left in a folder of yours. */
MOLDAU_API int moldau_reset(struct moldau *broker, char *why);

/* Stops cleanly and starts again, with all data, on the same port. */
MOLDAU_API int moldau_restart(struct moldau *broker, char *why);

/* Stops cleanly, removes a temporary folder, and frees `broker`, with an error too.  NULL is
 * allowed. */
MOLDAU_API int moldau_stop(struct moldau *broker, char *why);

#ifdef __cplusplus
}
#endif
