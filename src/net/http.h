/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* net/http.h - an HTTP server, as the module `http` gives it (modules/http).
 *
 *      a client --GET /path--> server's thread --request()--> whoever answers, on any thread
 *                                   |                                  |
 *                                   \<----- body, piece by piece ------/ answer()
 *
 * The program itself links no library for HTTP; it loads this table (os/module.h) when its
 * configuration asks for a server.  Connections are few, since these are those of operators, and
 * each has a thread of the server's.  What strangers send is bounded: the size of a request's
 * head, how long a connection may be silent, how many there may be.  A request that nobody
 * answers in time is answered with 503.
 *
 * Threading: start and stop by one thread; answer() any thread; request() and the body's
 *            functions are called on the server's.
 * Errors:    base/err.h.
 */

#include "base/base.h"

struct http_server;
struct http_exchange; /* One request, from its head to its answer. */

/* What an answer consists of.  Embedded in whatever makes it. */
struct http_body {
    /* Puts at most `size` bytes of what comes next at `out`, and says how many; 0: that was all. */
    size_t (*read)(struct http_body *body, char *out, size_t size);
    /* It is not needed any more, read or not. */
    void (*release)(struct http_body *body);
};

struct http_options {
    int fd; /* The socket that listens, which is the server's from now on. */
    int connections_max;
    int idle_seconds; /* A connection that is silent for longer is closed. */
    size_t head_max;  /* Bytes of a request's head, about. */
    int64_t wait_us;  /* A request that is not answered by then is late. */
    const char *late; /* Borrowed: the sentence that it is answered with. */
    /* Somebody wants `path`, with GET, all that there is; answer() is to be called once. */
    void (*request)(void *context, struct http_exchange *exchange, const char *path);
    void *context;
};

enum { HTTP_VERSION = 1 }; /* Of this table. */

struct http_module {
    int version;
    /* Begins to serve. */
    int (*start)(const struct http_options *options, struct http_server **out);
    /* Answers; `type` is a constant, `body` is released in any case. */
    void (*answer)(struct http_exchange *exchange, int status, const char *type,
                   struct http_body *body);
    /* Ends: who waits is answered with 503.  Exchanges that are not answered yet still have to be.
     * NULL is allowed. */
    void (*stop)(struct http_server *server);
};

#define HTTP_SYMBOL "moldau_http" /* The module's table. */
