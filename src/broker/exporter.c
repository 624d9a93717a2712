/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/exporter.h"

#include "base/err.h"
#include "base/mem.h"
#include "broker/dispatch.h"
#include "broker/exposition.h"
#include "os/module.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

DIAG_MODULE("broker");

enum {
    CONNECTIONS_MAX = 32,
    IDLE_SECONDS = 10,
    HEAD_MAX = 64 * 1024,
    WAIT_US = 5 * 1000 * 1000,
    RECENT_US = 150 * 1000 * 1000, /* Quantiles are of the last one or two of these. */
};

/* What had been counted at some time, that later counts are compared with. */
struct base {
    int64_t at_us, idle_us;
    struct metric_histogram sync;
    struct request_times *requests; /* Owned: by report_row_count(). */
};

struct exporter {
    struct broker *broker;
    const struct http_module *http;
    struct http_server *server;
    const char *version;
    struct loop_hook turning; /* Runs when the loop turns for the first time. */
    _Atomic bool is_turning;  /* Somebody will answer questions. */
    bool is_stopping;         /* And now nobody. */
    struct gather *gather;    /* Under way, or NULL, */
    bool is_gathering;
    struct list asked;   /* struct question: of those it is for, */
    struct list waiting; /* and of those that came later. */
    struct base older, newer;
};

/* Somebody who wants metrics, or to know that every loop turns. */
struct question {
    struct mail mail;
    struct list_node node; /* In exporter->asked or ->waiting, else bare. */
    struct exporter *exporter;
    struct http_exchange *exchange;
    int pending;
    struct leg legs[]; /* Of a question of health: one for each shard. */
};

/* --- short answers ----------------------------------------------------------- */

struct sentence {
    struct http_body body;
    const char *left; /* Of a constant. */
};

static size_t read_sentence(struct http_body *body, char *out, size_t size)
{
    struct sentence *sentence = container_of(body, struct sentence, body);
    size_t part = min_of(size, strlen(sentence->left));

    memcpy(out, sentence->left, part);
    sentence->left += part;
    return part;
}

static void release_sentence(struct http_body *body)
{
    mem_free(container_of(body, struct sentence, body));
}

static void say(struct exporter *exporter, struct http_exchange *exchange, int status,
                const char *words)
{
    struct sentence *sentence = mem_new(sizeof(*sentence));

    sentence->body = (struct http_body){.read = read_sentence, .release = release_sentence};
    sentence->left = words;
    exporter->http->answer(exchange, status, "text/plain; charset=utf-8", &sentence->body);
}

/* --- the report -------------------------------------------------------------- */

static void add_times(struct request_times *to, const struct request_times *times)
{
    to->count += times->count;
    for (int stage = 0; stage < STAGES; stage++)
        metric_histogram_add(&to->stages[stage], &times->stages[stage]);
}

static void add_requests(struct report *report, const struct gather_part *part)
{
    for (size_t i = 0; i < part->request_count; i++) {
        size_t rows[2];
        size_t count = report_rows_of(part->requests[i].row, rows);

        for (size_t k = 0; k < count; k++) {
            report->requests[rows[k]].is_there = true;
            add_times(&report->requests[rows[k]].total, &part->requests[i].times);
        }
    }
}

/* What came in since the base. */
static void find_recent(struct report *report, const struct base *base)
{
    for (size_t row = 0; row < report_row_count(); row++) {
        struct request_report *request = &report->requests[row];

        if (!request->is_there)
            continue;
        request->recent = request->total;
        for (int stage = 0; base->requests && stage < STAGES; stage++)
            metric_histogram_subtract(&request->recent.stages[stage],
                                      &base->requests[row].stages[stage]);
    }
    metric_histogram_subtract(&report->sync_recent, &base->sync);
}

/* Now and then what there is becomes what later times are compared with. */
static void move_bases(struct exporter *exporter, const struct report *report,
                       const struct base *now)
{
    if (now->at_us - exporter->newer.at_us < RECENT_US)
        return;
    mem_free(exporter->older.requests);
    exporter->older = exporter->newer;
    exporter->newer = *now;
    exporter->newer.requests = mem_new_array(report_row_count(), sizeof(*now->requests));
    for (size_t row = 0; row < report_row_count(); row++)
        if (report->requests[row].is_there)
            exporter->newer.requests[row] = report->requests[row].total;
}

/* As Kafka numbers what a broker does. */
static int kafka_state(enum node_state state)
{
    switch (state) {
    case NODE_RECOVERING: return 2;
    case NODE_SERVING: return 3;
    case NODE_LEAVING: return 6;
    case NODE_STOPPING: return 7;
    case NODE_STARTING:
    case NODE_READING:
    case NODE_REGISTERING:
    case NODE_FENCED: break;
    }
    return 1;
}

static void find_brokers(const struct image *image, double *node)
{
    struct tree_walk walk;
    const struct image_broker *broker;

    tree_walk_begin(&walk, &image->brokers, NULL);
    while ((broker = tree_walk_next(&walk)))
        node[broker->record.fenced ? METRIC_fenced_brokers : METRIC_active_brokers]++;
}

static void find_node(struct report *report, const struct broker *broker)
{
    double *node = report->node;

    node[METRIC_active_controllers] = broker->controller ? 1 : 0;
    if (broker->controller) {
        node[METRIC_global_topics] = (double)image_topic_count(report->gather->image);
        find_brokers(report->gather->image, node);
    }
    node[METRIC_broker_state] = kafka_state(atomic_load(&broker->state));
    node[METRIC_shards] = broker->shard_count;
    for (size_t i = 0; i < broker->listener_count; i++)
        memcpy(report->listeners[i].name, broker->listeners[i].name,
               sizeof(report->listeners[i].name));
    report->listener_count = broker->listener_count;
    report->dir_count = broker->dirs.count;
    for (int i = 0; i < broker->dirs.count; i++) {
        report->dirs[i].path = broker->dirs.items[i].path;
        report->dirs[i].is_offline = !dirs_is_online(&broker->dirs.items[i]);
        node[METRIC_offline_directories] += report->dirs[i].is_offline;
    }
    (void)snprintf(report->cluster_id, sizeof(report->cluster_id), "%s",
                   log_dir_cluster_id(broker->dirs.items[0].dir));
}

static struct report *make_report(struct exporter *exporter, struct gather *gather)
{
    struct report *report = mem_new(sizeof(*report));
    struct base now = {.at_us = gather->at_us};
    const struct base *base = &exporter->older;
    double span_us;

    atomic_init(&report->refs, 1);
    report->gather = gather;
    report->version = exporter->version;
    report->requests = mem_new_array(report_row_count(), sizeof(*report->requests));
    for (int i = 0; i < gather->part_count; i++) {
        add_requests(report, &gather->parts[i]);
        metric_histogram_add(&now.sync, &gather->parts[i].sync);
        now.idle_us += gather->parts[i].values[METRIC_loop_idle];
    }
    report->sync_recent = now.sync;
    find_node(report, exporter->broker);
    find_recent(report, base);
    span_us = (double)max_of(now.at_us - base->at_us, INT64_C(1)) * gather->part_count;
    report->node[METRIC_network_idle] = report->node[METRIC_handler_idle] =
        min_of((double)(now.idle_us - base->idle_us) / span_us, 1.0);
    move_bases(exporter, report, &now);
    return report;
}

/* --- metrics ----------------------------------------------------------------- */

static void begin_gathering(struct exporter *exporter);

static void gathered(struct gather *gather, void *context)
{
    struct exporter *exporter = context;
    struct report *report;
    struct list_node *node;

    exporter->is_gathering = false;
    exporter->gather = NULL;
    if (exporter->is_stopping) {
        gather_unref(gather);
        return;
    }
    report = make_report(exporter, gather);
    while ((node = list_pop(&exporter->asked))) {
        struct question *question = container_of(node, struct question, node);

        exporter->http->answer(question->exchange, 200, "text/plain; version=0.0.4; charset=utf-8",
                               exposition_create(report));
        mem_free(question);
    }
    report_unref(report);
    if (!list_is_empty(&exporter->waiting))
        begin_gathering(exporter);
}

/* For all who have asked by now: what is told is not older than the question. */
static void begin_gathering(struct exporter *exporter)
{
    struct gather *gather;

    list_append(&exporter->asked, &exporter->waiting);
    exporter->is_gathering = true;
    gather = gather_start(exporter->broker, gathered, exporter);
    if (exporter->is_gathering && !exporter->gather)
        exporter->gather = gather;
}

static void asked_for_metrics(struct mail *mail)
{
    struct question *question = container_of(mail, struct question, mail);
    struct exporter *exporter = question->exporter;

    if (exporter->is_stopping) {
        say(exporter, question->exchange, 503, "stopping\n");
        mem_free(question);
        return;
    }
    list_push(&exporter->waiting, &question->node);
    if (!exporter->is_gathering)
        begin_gathering(exporter);
}

/* --- health ------------------------------------------------------------------ */

static void part_is_healthy(struct question *question)
{
    if (--question->pending > 0)
        return;
    say(question->exporter, question->exchange, 200, "ok\n");
    mem_free(question);
}

static void loop_has_turned(struct leg *leg)
{
    leg_finish(leg);
}

/* The legs of a question are told apart by their place. */
static void loop_was_asked(struct leg *leg)
{
    struct leg *first = leg - leg->to->index;

    part_is_healthy(container_of(first, struct question, legs[0]));
}

static void asked_for_health(struct mail *mail)
{
    struct question *question = container_of(mail, struct question, mail);
    struct broker *broker = question->exporter->broker;

    question->pending = broker->shard_count + 1;
    for (int i = 0; i < broker->shard_count; i++) {
        question->legs[i] = (struct leg){.run = loop_has_turned, .done = loop_was_asked};
        leg_send(&question->legs[i], &broker->shards[0], &broker->shards[i]);
    }
    part_is_healthy(question);
}

/* --- requests; on the server's threads ---------------------------------------- */

static void ask(struct exporter *exporter, struct http_exchange *exchange,
                void (*receive)(struct mail *mail))
{
    size_t legs = (size_t)exporter->broker->shard_count;
    struct question *question = mem_new(sizeof(*question) + legs * sizeof(question->legs[0]));

    question->exporter = exporter;
    question->exchange = exchange;
    question->mail.receive = receive;
    mailbox_send(&exporter->broker->shards[0].loop.mailbox, &question->mail);
}

static const char *words_of(enum node_state state)
{
    switch (state) {
    case NODE_STARTING: return "starting\n";
    case NODE_READING: return "reading the metadata from the controller\n";
    case NODE_RECOVERING: return "bringing in order what is on disk\n";
    case NODE_REGISTERING: return "registering with the controller\n";
    case NODE_FENCED: return "fenced: the controller does not let this broker lead\n";
    case NODE_SERVING: return "serving\n";
    case NODE_LEAVING: return "leaving: its partitions get other leaders\n";
    case NODE_STOPPING: return "stopping\n";
    }
    return "?\n";
}

static void on_request(void *context, struct http_exchange *exchange, const char *path)
{
    struct exporter *exporter = context;
    enum node_state state = (enum node_state)atomic_load(&exporter->broker->state);
    bool is_turning = atomic_load(&exporter->is_turning);

    if (strcmp(path, "/readyz") == 0)
        say(exporter, exchange, state == NODE_SERVING ? 200 : 503, words_of(state));
    else if (strcmp(path, "/healthz") == 0 && (!is_turning || state == NODE_RECOVERING))
        say(exporter, exchange, 200, words_of(state)); /* It has no time to answer, rightly. */
    else if (strcmp(path, "/healthz") == 0)
        ask(exporter, exchange, asked_for_health);
    else if (strcmp(path, "/metrics") == 0 && !is_turning)
        say(exporter, exchange, 503, words_of(state));
    else if (strcmp(path, "/metrics") == 0)
        ask(exporter, exchange, asked_for_metrics);
    else
        say(exporter, exchange, 404, "there are /metrics, /healthz and /readyz\n");
}

/* --- beginning and end --------------------------------------------------------- */

/* host:port, [host]:port or :port. */
static bool parse_address(const char *text, struct io_address *out)
{
    const char *colon = strrchr(text, ':');
    const char *host = text;
    char *end;
    long port;
    size_t size;

    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    port = strtol(colon + 1, &end, 10);
    size = (size_t)(colon - text);
    if (*end || port > UINT16_MAX)
        return false;
    if (size >= 2 && host[0] == '[' && host[size - 1] == ']') {
        host++;
        size -= 2;
    } else if (memchr(host, ':', size)) {
        return false;
    }
    if (size == 0 || (size == strlen("localhost") && memcmp(host, "localhost", size) == 0)) {
        host = "127.0.0.1";
        size = strlen(host);
    }
    if (size >= sizeof(out->host) || strspn(host, "0123456789abcdefABCDEF.:") < size)
        return false;
    *out = (struct io_address){.port = (uint16_t)port};
    memcpy(out->host, host, size);
    return true;
}

static int load(struct exporter *exporter, const char *modules)
{
    struct diag *diag = exporter->broker->diag;
    struct text why = {.data = NULL};
    const void *table = NULL;
    int r = module_load(modules ? modules : "", "http", HTTP_SYMBOL, &table, &why);

    exporter->http = table;
    if (r == 0 && exporter->http->version != HTTP_VERSION) {
        text_printf(&why, "the module http is of another release; install its package moldau-http");
        r = MODULE_E_BROKEN;
    }
    if (r)
        diag_error(diag, "metrics.listener needs a module that cannot be had",
                   kv("why", text_slice(&why)));
    text_fini(&why);
    return r ? BROKER_E_CONFIG : 0;
}

static int listen_at(struct exporter *exporter, const char *text, int *out_fd)
{
    struct io *io = exporter->broker->shards[0].loop.io;
    struct diag *diag = exporter->broker->diag;
    struct io_address address, bound;
    int r;

    if (!parse_address(text, &address)) {
        diag_error(diag, "metrics.listener is not host:port with a numeric host, localhost or none",
                   kv("value", text));
        return BROKER_E_CONFIG;
    }
    r = io->ops->listen(io, &address, out_fd, &bound);
    if (r) {
        diag_error(diag, "cannot listen for metrics; is metrics.listener wrong, or in use?",
                   kv("host", address.host), kv("port", address.port), kv("error", r));
        return BROKER_E_CONFIG;
    }
    diag_info(diag, "metrics are served", kv("host", bound.host), kv("port", bound.port));
    return 0;
}

static void turning(struct loop_hook *hook)
{
    atomic_store(&container_of(hook, struct exporter, turning)->is_turning, true);
}

static int start(struct exporter *exporter, const char *modules)
{
    struct broker *broker = exporter->broker;
    struct http_options options = {
        .connections_max = CONNECTIONS_MAX,
        .idle_seconds = IDLE_SECONDS,
        .head_max = HEAD_MAX,
        .wait_us = WAIT_US,
        .late = "a loop of this node does not turn\n",
        .request = on_request,
        .context = exporter,
    };
    int r = load(exporter, modules);

    if (r == 0)
        r = listen_at(exporter, broker->settings->metrics_listener, &options.fd);
    if (r)
        return r;
    r = exporter->http->start(&options, &exporter->server);
    if (r) {
        io_close(broker->shards[0].loop.io, &options.fd);
        diag_error(broker->diag, "the server of metrics could not be started", kv("error", r));
        return BROKER_E_CONFIG;
    }
    loop_hook_ask(&broker->shards[0].loop, &exporter->turning);
    return 0;
}

int exporter_open(struct broker *broker, const char *modules, const char *version,
                  struct exporter **out)
{
    struct exporter *exporter;
    int r;

    if (!broker->settings->metrics_listener)
        return 0;
    exporter = mem_new(sizeof(*exporter));
    exporter->broker = broker;
    exporter->version = version ? version : "";
    exporter->turning.run = turning;
    exporter->older.at_us = exporter->newer.at_us = broker->shards[0].loop.now_us;
    list_init(&exporter->asked);
    list_init(&exporter->waiting);
    r = start(exporter, modules);
    if (r)
        mem_free(exporter);
    else
        *out = exporter;
    return r;
}

static void refuse_all(struct exporter *exporter, struct list *questions)
{
    struct list_node *node;

    while ((node = list_pop(questions))) {
        struct question *question = container_of(node, struct question, node);

        say(exporter, question->exchange, 503, "stopping\n");
        mem_free(question);
    }
}

void exporter_stop(struct exporter *exporter)
{
    if (!exporter)
        return;
    exporter->is_stopping = true;
    exporter->http->stop(exporter->server);
    refuse_all(exporter, &exporter->asked);
    refuse_all(exporter, &exporter->waiting);
    loop_hook_cancel(&exporter->turning);
    if (exporter->gather)
        gather_cancel(exporter->gather);
}

struct exporter *exporter_close(struct exporter *exporter)
{
    if (!exporter)
        return NULL;
    assert(!exporter->is_gathering);
    mem_free(exporter->older.requests);
    mem_free(exporter->newer.requests);
    mem_free(exporter);
    return NULL;
}
