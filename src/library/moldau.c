/* SPDX-License-Identifier: Apache-2.0 */

/* library/moldau.c - the functions of include/moldau.h.
 *
 * The host's threads touch nothing of a running broker: they ask its thread (os/calls.h) and wait.
 */

#include "base/err.h"
#include "base/mem.h"
#include "library/node.h"
#include "library/wipe.h"
#include "os/calls.h"
#include "os/linux_io.h"
#include "os/process.h"

#include <inttypes.h>
#include <limits.h>
#include <moldau.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_BYTES = 4096 };

struct moldau {
    struct node node;
    struct settings settings;
    struct diag diag;
    struct bug_hook hook;
    struct calls calls;
    struct thread *thread;
    struct moldau_options options; /* Its pointers are dead after the start, but the callbacks. */
    char folder[PATH_MAX];
    bool is_temporary;
    int held_port; /* The descriptor that keeps the port ours, or -1. */
    char bootstrap[320];
    _Atomic bool has_bug;
};

static int outcome(enum node_outcome r)
{
    switch (r) {
    case NODE_E_CONFIG: return MOLDAU_E_CONFIG;
    case NODE_E_DATA: return MOLDAU_E_DATA;
    case NODE_E_THREADS: return MOLDAU_E_LIMIT;
    case NODE_E_STOP: return MOLDAU_E_STOP;
    }
    return MOLDAU_OK;
}

const char *moldau_error_text(int error)
{
    switch (error) {
    case MOLDAU_OK: return "no error";
    case MOLDAU_E_ARGUMENT: return "an option is out of its range; see moldau.h";
    case MOLDAU_E_CONFIG: return "a configuration key or value is refused, or an address is taken";
    case MOLDAU_E_DATA: return "the folder of the data cannot be used";
    case MOLDAU_E_LIMIT: return "the process can have no more threads or file descriptors";
    case MOLDAU_E_STOP: return "the stop was not clean; the next start on the folder recovers";
    case MOLDAU_E_ENDED: return "the broker has ended, since its disk failed; see its log";
    case MOLDAU_E_BUG: return "the broker has ended by a bug of its own; please report it";
    default: return "not an error of Moldau";
    }
}

const char *moldau_version(void)
{
    return MOLDAU_VERSION;
}

/* --- what the broker says ---------------------------------------------------- */

static void on_line(struct diag *diag, const struct diag_line *line)
{
    struct moldau *m = container_of(diag, struct moldau, diag);
    char text[LINE_MAX_BYTES];
    struct text why = {.data = NULL};

    (void)diag_print(line, text, sizeof(text));
    if (line->level <= DIAG_ERROR) {
        text_printf(&why, "%s", line->sentence);
        for (size_t i = 0; i < line->field_count; i++) {
            const struct diag_field *field = &line->fields[i];

            if (field->type == DIAG_I64)
                text_printf(&why, "%s%s=%" PRId64, i ? ", " : ": ", field->key, field->value.i64);
            else
                text_printf(&why, "%s%s=%.*s", i ? ", " : ": ", field->key,
                            (int)field->value.text.size, (const char *)field->value.text.data);
        }
        calls_say(&m->calls, why.data);
        text_fini(&why);
    }
    if (m->options.log)
        m->options.log(m->options.context, (int)line->level, text);
}

/* What is left is the host's: this thread ends, and the loops of the others do. */
__attribute__((noreturn)) static void on_bug(struct bug_hook *hook, const char *what,
                                             const char *file, int line)
{
    struct moldau *m = container_of(hook, struct moldau, hook);
    char text[CALLS_TEXT_MAX];

    m->has_bug = true;
    (void)snprintf(text, sizeof(text), "Moldau " MOLDAU_VERSION ": %s:%d: %s", file, line, what);
    m->options.bug(m->options.context, text);
    calls_say(&m->calls, text);
    calls_close(&m->calls, MOLDAU_E_BUG);
    node_abandon(&m->node);
    thread_exit();
}

/* --- the broker's thread ----------------------------------------------------- */

static void on_serves(struct node *node, struct broker *broker)
{
    struct moldau *m = container_of(node, struct moldau, node);

    for (size_t i = 0; i < broker->listener_count; i++) {
        const struct broker_listener *bl = &broker->listeners[i];

        if (bl->is_controller)
            continue;
        (void)snprintf(m->bootstrap, sizeof(m->bootstrap),
                       strchr(bl->advertised_host, ':') ? "[%s]:%d" : "%s:%d", bl->advertised_host,
                       bl->advertised_port);
        break;
    }
    calls_answer(&m->calls, MOLDAU_OK);
}

static void on_call(struct io_watch *watch, unsigned events)
{
    struct moldau *m = container_of(watch, struct moldau, calls.watch);
    int what = calls_take(&m->calls);

    (void)events;
    if (what)
        (void)node_end(&m->node, (enum node_wish)what);
}

static void broker_main(void *context)
{
    struct moldau *m = context;
    int r;

    if (m->options.bug)
        bug_set_hook(&m->hook);
    r = node_run(&m->node);
    if (m->node.has_failed)
        calls_close(&m->calls, MOLDAU_E_ENDED);
    else
        calls_close(&m->calls, outcome((enum node_outcome)r));
}

/* --- the options ------------------------------------------------------------- */

static int refuse(int error, char *why, const char *text)
{
    if (why)
        (void)snprintf(why, MOLDAU_TEXT_MAX, "%s", text);
    return error;
}

static int set(struct moldau *m, const char *key, size_t key_size, const char *value, char *why)
{
    struct text text = {.data = NULL}, unserved = {.data = NULL};
    int r =
        settings_set(&m->settings, slice_of(key, key_size), slice_text(value), &unserved, &text);

    node_warn(&m->diag, &unserved);
    if (r)
        r = refuse(MOLDAU_E_CONFIG, why, text.data ? text.data : "a key is refused");
    text_fini(&text);
    text_fini(&unserved);
    return r;
}

static int set_number(struct moldau *m, const char *key, const char *before, int number, char *why)
{
    char value[64];

    (void)snprintf(value, sizeof(value), "%s%d", before, number);
    return set(m, key, strlen(key), value, why);
}

static int set_overrides(struct moldau *m, const char *const *overrides, char *why)
{
    int r = 0;

    for (size_t i = 0; overrides && overrides[i] && r == 0; i++) {
        const char *equals = strchr(overrides[i], '=');

        if (!equals)
            return refuse(MOLDAU_E_ARGUMENT, why, "an override is not of the form key=value");
        r = set(m, overrides[i], (size_t)(equals - overrides[i]), equals + 1, why);
    }
    return r;
}

static int make_folder(struct moldau *m, char *why)
{
    const char *parent = m->options.temporary_in ? m->options.temporary_in : "/tmp";
    char text[MOLDAU_TEXT_MAX];

    if (m->options.folder) {
        (void)snprintf(m->folder, sizeof(m->folder), "%s", m->options.folder);
        return 0;
    }
    (void)snprintf(m->folder, sizeof(m->folder), "%s/moldau-XXXXXX", parent);
    if (!mkdtemp(m->folder)) {
        (void)snprintf(text, sizeof(text), "no folder can be made in %s: %s", parent,
                       strerror(errno));
        return refuse(MOLDAU_E_DATA, why, text);
    }
    m->is_temporary = true;
    return 0;
}

/* A port that is taken is told of by the broker, which cannot listen then. */
static int hold_port(struct moldau *m, char *why)
{
    uint16_t port = (uint16_t)m->options.port;

    if (settings_given(&m->settings, "listeners"))
        return 0;
    if (process_hold_port(&port, &m->held_port) && port == 0)
        return refuse(MOLDAU_E_LIMIT, why, moldau_error_text(MOLDAU_E_LIMIT));
    return set_number(m, "listeners", "PLAINTEXT://127.0.0.1:", port, why);
}

static int read_options(struct moldau *m, char *why)
{
    const struct moldau_options *options = &m->options;
    int r;

    if (options->port < 0 || options->port > UINT16_MAX)
        return refuse(MOLDAU_E_ARGUMENT, why, "port is not from 0 to 65535");
    if (options->shards < 0 || options->shards > NODE_SHARDS_MAX)
        return refuse(MOLDAU_E_ARGUMENT, why, "shards is not from 0 to 64");
    if (options->folder && strlen(options->folder) >= sizeof(m->folder))
        return refuse(MOLDAU_E_ARGUMENT, why, "folder is too long");
    settings_set_alone(&m->settings);
    r = set_number(m, "num.shards", "", max_of(options->shards, 1), why);
    if (r == 0 && !options->folder)
        r = set(m, "log.ack.durability", strlen("log.ack.durability"), "page-cache", why);
    if (r == 0)
        r = set_overrides(m, options->overrides, why);
    if (r == 0)
        r = make_folder(m, why);
    if (r == 0)
        r = set(m, "log.dirs", strlen("log.dirs"), m->folder, why);
    return r ? r : hold_port(m, why);
}

/* --- start, calls, stop ------------------------------------------------------ */

static void remove_folder(struct moldau *m)
{
    scoped(linux_io_destroyp) struct io *io = NULL;

    if (m->is_temporary && (linux_io_create(&io) || wipe_tree(io, m->folder)))
        m->is_temporary = false; /* It stays; there is nobody to tell who could do more. */
}

/* Frees what no thread uses any more. */
static void destroy(struct moldau *m)
{
    process_let_port(&m->held_port);
    node_close(&m->node);
    remove_folder(m);
    if (m->calls.watch.fd >= 0)
        calls_fini(&m->calls);
    settings_fini(&m->settings);
    mem_free(m);
}

static int start(struct moldau *m, char *why)
{
    char text[CALLS_TEXT_MAX];
    int r = read_options(m, why);

    if (r)
        return r;
    m->node = (struct node){.settings = &m->settings,
                            .diag = &m->diag,
                            .files_max = process_files_max(false),
                            .is_temporary = m->is_temporary,
                            .serves = on_serves,
                            .watches = {&m->calls.watch},
                            .watch_count = 1};
    if (calls_open(&m->calls, on_call) || node_open(&m->node) ||
        thread_start(broker_main, m, &m->thread))
        return refuse(MOLDAU_E_LIMIT, why, moldau_error_text(MOLDAU_E_LIMIT));
    r = calls_wait(&m->calls, text);
    return r ? refuse(r, why, text[0] ? text : moldau_error_text(r)) : 0;
}

/* After a bug another thread may still be in the middle of something: what it uses stays. */
static void end(struct moldau *m)
{
    if (m->has_bug) {
        for (size_t i = 0; m->node.broker && i < m->node.broker->listener_count; i++)
            io_close(m->node.ios[0], &m->node.broker->listeners[i].listener.watch.fd);
        process_let_port(&m->held_port);
        remove_folder(m);
        return;
    }
    m->thread = thread_join(m->thread);
    destroy(m);
}

int moldau_start(const struct moldau_options *options, struct moldau **out, char *why)
{
    struct moldau *m;
    int r;

    if (why)
        why[0] = '\0';
    if (!options || options->size < offsetof(struct moldau_options, context) + sizeof(void *) ||
        options->size > sizeof(*options))
        return refuse(MOLDAU_E_ARGUMENT, why,
                      "options.size is not sizeof(struct moldau_options) of this library");
    m = mem_new(sizeof(*m));
    memcpy(&m->options, options, options->size);
    m->held_port = -1;
    m->calls.watch.fd = -1;
    m->diag = (struct diag){.level = DIAG_INFO, .sink = on_line};
    m->hook.caught = on_bug;
    settings_init(&m->settings);
    r = start(m, why);
    if (r)
        end(m);
    else
        *out = m;
    return r;
}

static int call(struct moldau *m, enum node_wish wish, char *why)
{
    char text[CALLS_TEXT_MAX];
    int r = calls_make(&m->calls, wish, text);

    return refuse(r, why, r == 0 ? "" : text[0] ? text : moldau_error_text(r));
}

int moldau_reset(struct moldau *broker, char *why)
{
    return call(broker, NODE_RESET, why);
}

int moldau_restart(struct moldau *broker, char *why)
{
    return call(broker, NODE_RESTART, why);
}

int moldau_stop(struct moldau *broker, char *why)
{
    int r;

    if (why)
        why[0] = '\0';
    if (!broker)
        return MOLDAU_OK;
    r = call(broker, NODE_STOP, why);
    end(broker);
    return r;
}

const char *moldau_bootstrap(const struct moldau *broker)
{
    return broker->bootstrap;
}

const char *moldau_folder(const struct moldau *broker)
{
    return broker->folder;
}
