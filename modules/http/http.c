/* SPDX-License-Identifier: Apache-2.0 */

/* modules/http/http.c - net/http.h by libmicrohttpd.
 *
 * Each connection has a thread, which waits while its request is with whoever answers it:
 * there are few connections, and a wait with an end needs no timer of anybody's.  An exchange
 * belongs to two, the thread and the answerer, and dies with the second of them. */

#include "net/http.h"

#include "base/err.h"
#include "base/list.h"
#include "base/mem.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

enum { PIECE_SIZE = 64 * 1024, STACK_SIZE = 256 * 1024 };

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_options options;
    pthread_mutex_t lock;
    struct list waiting; /* struct http_exchange; below `lock`. */
    bool is_stopping;    /* Below `lock`. */
};

struct http_exchange {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct list_node node; /* In server->waiting while the thread waits, else bare. */
    int owners;            /* The thread, the answerer. */
    bool is_over;          /* The thread does not wait any more, or is not to. */
    int status;            /* 0: not answered. */
    const char *type;
    struct http_body *body;
};

/* --- exchanges --------------------------------------------------------------- */

static struct http_exchange *exchange_create(void)
{
    struct http_exchange *x = mem_new(sizeof(*x));
    pthread_condattr_t attributes;

    x->owners = 2;
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&x->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return x;
}

/* Called with the lock held, which is let go. */
static void exchange_leave(struct http_exchange *x)
{
    bool is_last = --x->owners == 0;

    pthread_mutex_unlock(&x->lock);
    if (!is_last)
        return;
    pthread_cond_destroy(&x->changed);
    pthread_mutex_destroy(&x->lock);
    mem_free(x);
}

static void answer(struct http_exchange *x, int status, const char *type, struct http_body *body)
{
    pthread_mutex_lock(&x->lock);
    if (x->is_over) {
        body->release(body);
    } else {
        x->status = status;
        x->type = type;
        x->body = body;
        pthread_cond_signal(&x->changed);
    }
    exchange_leave(x);
}

/* Until it is answered, late, or the server stops; the status, or 0. */
static int wait_for_answer(struct http_server *server, struct http_exchange *x)
{
    struct timespec until;
    int64_t us = server->options.wait_us;
    int r = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    us += until.tv_nsec / 1000;
    until.tv_sec += us / 1000000;
    until.tv_nsec = us % 1000000 * 1000;
    pthread_mutex_lock(&x->lock);
    while (!x->status && !x->is_over && r == 0)
        r = pthread_cond_timedwait(&x->changed, &x->lock, &until);
    x->is_over = true;
    r = x->status;
    pthread_mutex_unlock(&x->lock);
    return r;
}

/* False: the server stops. */
static bool begin_wait(struct http_server *server, struct http_exchange *x)
{
    bool may;

    pthread_mutex_lock(&server->lock);
    may = !server->is_stopping;
    if (may)
        list_push(&server->waiting, &x->node);
    pthread_mutex_unlock(&server->lock);
    return may;
}

static void end_wait(struct http_server *server, struct http_exchange *x)
{
    pthread_mutex_lock(&server->lock);
    list_remove(&x->node);
    pthread_mutex_unlock(&server->lock);
}

/* --- answers ----------------------------------------------------------------- */

static enum MHD_Result respond(struct MHD_Connection *connection, unsigned status, const char *type,
                               struct MHD_Response *response)
{
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *connection, unsigned status,
                                    const char *text)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);

    return respond(connection, status, "text/plain; charset=utf-8", response);
}

static ssize_t read_body(void *context, uint64_t at, char *out, size_t size)
{
    struct http_body *body = context;
    size_t got = body->read(body, out, size);

    (void)at;
    return got ? (ssize_t)got : MHD_CONTENT_READER_END_OF_STREAM;
}

static void release_body(void *context)
{
    struct http_body *body = context;

    body->release(body);
}

static enum MHD_Result exchange(struct http_server *server, struct MHD_Connection *connection,
                                const char *path)
{
    struct http_exchange *x = exchange_create();
    enum MHD_Result result;
    int status;

    if (!begin_wait(server, x)) {
        x->owners = 1;
        pthread_mutex_lock(&x->lock);
        exchange_leave(x);
        return respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "stopping\n");
    }
    server->options.request(server->options.context, x, path);
    status = wait_for_answer(server, x);
    end_wait(server, x);
    if (status)
        result = respond(connection, (unsigned)status, x->type,
                         MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE_SIZE, read_body,
                                                           x->body, release_body));
    else
        result = respond_text(connection, MHD_HTTP_SERVICE_UNAVAILABLE, server->options.late);
    pthread_mutex_lock(&x->lock);
    exchange_leave(x);
    return result;
}

/* Called first when the head of a request is there, then for each piece of its body, which is
 * thrown away, and once more at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *data, size_t *data_size, void **state)
{
    static const char begun[] = "";
    struct http_server *server = context;

    (void)version;
    (void)data;
    if (!*state) {
        *state = (void *)(uintptr_t)begun;
        return MHD_YES;
    }
    if (*data_size) {
        *data_size = 0;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
        return respond_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    return exchange(server, connection, path);
}

/* --- the server -------------------------------------------------------------- */

/* What the library has to say is of no use to an operator. */
static void say_nothing(void *context, const char *format, va_list arguments)
{
    (void)context;
    (void)format;
    (void)arguments;
}

static int start(const struct http_options *options, struct http_server **out)
{
    struct http_server *server = mem_new(sizeof(*server));

    server->options = *options;
    list_init(&server->waiting);
    pthread_mutex_init(&server->lock, NULL);
    server->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
            MHD_USE_ITC | MHD_USE_ERROR_LOG,
        0, NULL, NULL, on_request, server, MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
        MHD_OPTION_LISTEN_SOCKET, options->fd, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)options->idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->head_max,
        MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE, MHD_OPTION_END);
    if (!server->daemon) {
        pthread_mutex_destroy(&server->lock);
        mem_free(server);
        return err_raise(-EMFILE);
    }
    *out = server;
    return 0;
}

static void stop(struct http_server *server)
{
    if (!server)
        return;
    pthread_mutex_lock(&server->lock);
    server->is_stopping = true;
    list_each (node, &server->waiting) {
        struct http_exchange *x = container_of(node, struct http_exchange, node);

        pthread_mutex_lock(&x->lock);
        x->is_over = x->is_over || !x->status;
        pthread_cond_signal(&x->changed);
        pthread_mutex_unlock(&x->lock);
    }
    pthread_mutex_unlock(&server->lock);
    MHD_stop_daemon(server->daemon);
    pthread_mutex_destroy(&server->lock);
    mem_free(server);
}

extern const struct http_module moldau_http;

__attribute__((visibility("default"))) const struct http_module moldau_http = {
    .version = HTTP_VERSION,
    .start = start,
    .answer = answer,
    .stop = stop,
};
