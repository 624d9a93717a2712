/* SPDX-License-Identifier: Apache-2.0 */

/* cli/log_dirs.c - kafka-log-dirs: where brokers keep partitions, as JSON. */

#include "base/java_order.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/nodes.h"
#include "wire/errors.h"
#include "wire/msg/describe_log_dirs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum dirs_option {
#define OPTION(id, name, KIND, shows, initial, about) DIRS_##id,
#include "cli/log_dirs.def"
};

const struct option_row log_dirs_rows[] = {
#define OPTION(id, name_, KIND, shows_, initial_, about_)                                          \
    {.name = name_, .kind = OPTION_##KIND, .shows = shows_, .initial = initial_, .about = about_},
#include "cli/log_dirs.def"
};

const int log_dirs_row_count = COUNT_OF(log_dirs_rows);

/* One broker that is asked. */
struct asked {
    int32_t broker;
    const struct describe_log_dirs_response *response;
};

struct dirs {
    struct cli *cli;
    struct admin admin;
    const char *topics;
    struct asked *asked; /* Arena: by broker. */
    size_t count;
};

/* --- which brokers ----------------------------------------------------------- */

static int by_broker(const void *a, const void *b)
{
    const struct asked *x = a;
    const struct asked *y = b;

    return (x->broker > y->broker) - (x->broker < y->broker);
}

/* Adds the broker unless it is there. */
static void ask_broker(struct dirs *d, int32_t broker)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->asked[i].broker == broker)
            return;
    d->asked[d->count++] = (struct asked){.broker = broker};
}

static bool read_brokers(struct dirs *d, const char *list)
{
    d->asked = arena_new(&d->admin.arena, (strlen(list) + 1) * sizeof(*d->asked));
    while (*list) {
        size_t size = strcspn(list, ",");
        char *end;
        long id;

        errno = 0;
        id = strtol(list, &end, 10);
        if (size > 0 && (end != list + size || errno || id < INT32_MIN || id > INT32_MAX)) {
            text_printf(&d->cli->why, "For input string: \"%.*s\"", (int)size, list);
            return false;
        }
        if (size > 0)
            ask_broker(d, (int32_t)id);
        list += size + (list[size] == ',');
    }
    if (d->count > 1)
        qsort(d->asked, d->count, sizeof(*d->asked), by_broker);
    return true;
}

static bool exists(const struct describe_cluster_response *nodes, int32_t broker)
{
    for (int32_t i = 0; i < nodes->brokers_count; i++)
        if (nodes->brokers[i].broker_id == broker)
            return true;
    return false;
}

static bool find_brokers(struct dirs *d)
{
    const struct describe_cluster_response *nodes;
    struct text *why = &d->cli->why;

    if (!nodes_describe(d->cli, &d->admin, NODES_BROKERS, &nodes))
        return false;
    for (size_t i = 0; i < d->count; i++)
        if (!exists(nodes, d->asked[i].broker))
            text_printf(why, "%s%d",
                        why->size ? ","
                                  : "ERROR: The given brokers do not exist from --broker-list: ",
                        d->asked[i].broker);
    if (why->size > 0) {
        text_printf(why, ". Current existent brokers: ");
        for (int32_t i = 0; i < nodes->brokers_count; i++)
            text_printf(why, "%s%d", i ? "," : "", nodes->brokers[i].broker_id);
        return false;
    }
    if (d->count > 0)
        return true;
    d->asked = arena_new(&d->admin.arena, ((size_t)nodes->brokers_count + 1) * sizeof(*d->asked));
    for (int32_t i = 0; i < nodes->brokers_count; i++)
        ask_broker(d, nodes->brokers[i].broker_id);
    return true;
}

/* --- asking ------------------------------------------------------------------ */

static bool ask(struct dirs *d, struct asked *asked)
{
    struct describe_log_dirs_request request = describe_log_dirs_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_LOG_DIRS),
        .request = &request,
        .target = asked->broker,
    };
    struct call *call;

    request.topics = NULL;
    request.topics_count = -1;
    if (!admin_call(d->cli, &d->admin, &admin_once, order, &call))
        return false;
    asked->response = call->response;
    if (asked->response->error_code == ERROR_NONE)
        return true;
    admin_explain(d->cli, asked->response->error_code, slice_null());
    return false;
}

/* --- JSON -------------------------------------------------------------------- */

static bool is_wanted(const struct dirs *d, struct slice topic)
{
    const char *word = d->topics;
    bool has_words = false;

    while (*word) {
        size_t size = strcspn(word, ",");

        has_words = has_words || size > 0;
        if (slice_equal(slice_of(word, size), topic))
            return true;
        word += size + (word[size] == ',');
    }
    return !has_words;
}

struct placed {
    struct slice topic;
    const struct describe_log_dirs_partition *partition;
};

/* Puts them into the order of a map that they were added to one after the other. */
static void sort_as_map(struct dirs *d, struct placed *items, size_t count)
{
    struct arena *arena = &d->admin.arena;
    struct placed *before = arena_new(arena, (count + 1) * sizeof(*before));
    int32_t *hashes = arena_new(arena, (count + 1) * sizeof(*hashes));
    size_t *order = arena_new(arena, (count + 1) * sizeof(*order));

    for (size_t i = 0; i < count; i++) {
        before[i] = items[i];
        hashes[i] = java_order_hash_partition(items[i].topic, items[i].partition->partition_index);
    }
    java_order_sort_hashes(hashes, count, 0, order);
    for (size_t i = 0; i < count; i++)
        items[i] = before[order[i]];
}

/* The wanted ones, in the order of Kafka's tool: from a map of all they go to one of their own. */
static size_t sort_partitions(struct dirs *d, const struct describe_log_dirs_result *dir,
                              struct placed **out)
{
    size_t count = 0;
    size_t wanted = 0;

    for (int32_t t = 0; t < dir->topics_count; t++)
        count += (size_t)dir->topics[t].partitions_count;
    *out = arena_new(&d->admin.arena, (count + 1) * sizeof(**out));
    count = 0;
    for (int32_t t = 0; t < dir->topics_count; t++)
        for (int32_t i = 0; i < dir->topics[t].partitions_count; i++)
            (*out)[count++] = (struct placed){
                .topic = dir->topics[t].name,
                .partition = &dir->topics[t].partitions[i],
            };
    sort_as_map(d, *out, count);
    for (size_t i = 0; i < count; i++)
        if (is_wanted(d, (*out)[i].topic))
            (*out)[wanted++] = (*out)[i];
    sort_as_map(d, *out, wanted);
    return wanted;
}

static void print_partition(const struct placed *p, struct text *out)
{
    struct text name = {.data = NULL};

    text_printf(&name, "%.*s-%d", SLICE_ARG(p->topic), p->partition->partition_index);
    text_printf(out, "{\"partition\":");
    json_print_string(text_slice(&name), out);
    text_printf(out, ",\"size\":%lld,\"offsetLag\":%lld,\"isFuture\":%s}",
                (long long)p->partition->partition_size, (long long)p->partition->offset_lag,
                p->partition->is_future_key ? "true" : "false");
    text_fini(&name);
}

/* The name of the exception's class. */
static void print_error(int16_t error, struct text *out)
{
    struct text exception = {.data = NULL};

    if (error == ERROR_NONE) {
        text_printf(out, "null");
        return;
    }
    admin_print_exception(error, slice_null(), &exception);
    text_printf(out, "\"%.*s\"", (int)strcspn(exception.data, ":"), exception.data);
    text_fini(&exception);
}

static void print_dir(struct dirs *d, const struct describe_log_dirs_result *dir, struct text *out)
{
    struct placed *partitions;
    size_t count = sort_partitions(d, dir, &partitions);

    text_printf(out, "{\"partitions\":[");
    for (size_t i = 0; i < count; i++) {
        text_printf(out, "%s", i ? "," : "");
        print_partition(&partitions[i], out);
    }
    text_printf(out, "],\"error\":");
    print_error(dir->error_code, out);
    text_printf(out, ",\"logDir\":");
    json_print_string(dir->log_dir, out);
    text_printf(out, "}");
}

static void print_broker(struct dirs *d, const struct asked *asked, struct text *out)
{
    size_t count = (size_t)max_of(asked->response->results_count, 0);
    struct slice *names = arena_new(&d->admin.arena, (count + 1) * sizeof(*names));
    size_t *order = arena_new(&d->admin.arena, (count + 1) * sizeof(*order));

    for (size_t i = 0; i < count; i++)
        names[i] = asked->response->results[i].log_dir;
    java_order_sort(names, count, count, order);
    text_printf(out, "{\"broker\":%d,\"logDirs\":[", asked->broker);
    for (size_t i = 0; i < count; i++) {
        text_printf(out, "%s", i ? "," : "");
        print_dir(d, &asked->response->results[order[i]], out);
    }
    text_printf(out, "]}");
}

static void print(struct dirs *d)
{
    struct text out = {.data = NULL};

    text_printf(&out, "{\"brokers\":[");
    for (size_t i = 0; i < d->count; i++) {
        text_printf(&out, "%s", i ? "," : "");
        print_broker(d, &d->asked[i], &out);
    }
    text_printf(&out, "],\"version\":1}\n");
    console_write(&d->cli->out, out.data, out.size);
    text_fini(&out);
}

/* --- the command ------------------------------------------------------------- */

static bool describe(struct dirs *d)
{
    bool is_json = options_has(&d->cli->options, DIRS_json);
    struct console_out *out = &d->cli->out;
    const char *brokers;

    if (options_get(&d->cli->options, DIRS_topics, &d->topics, &d->cli->why) ||
        options_get(&d->cli->options, DIRS_brokers, &brokers, &d->cli->why) ||
        !read_brokers(d, brokers) || !find_brokers(d))
        return false;
    if (!is_json)
        console_printf(out, "Querying brokers for log directories information\n");
    for (size_t i = 0; i < d->count; i++)
        if (!ask(d, &d->asked[i]))
            return false;
    if (!is_json) {
        console_printf(out, "Received log directory information from brokers ");
        for (size_t i = 0; i < d->count; i++)
            console_printf(out, "%s%d", i ? "," : "", d->asked[i].broker);
        console_printf(out, "\n");
    }
    print(d);
    return true;
}

int log_dirs_run(struct cli *cli)
{
    struct dirs dirs = {.cli = cli};
    struct client_config config;
    bool is_good;

    if (!options_has(&cli->options, DIRS_bootstrap))
        return cli_misused(cli, "Missing required argument \"[bootstrap-server]\"");
    if (!options_has(&cli->options, DIRS_describe))
        return cli_misused(cli, "Missing required argument \"[describe]\"");
    admin_init(&dirs.admin);
    client_config_init(&config);
    is_good = admin_connect(cli, &config, DIRS_bootstrap, DIRS_command_config) && describe(&dirs);
    client_config_fini(&config);
    admin_fini(&dirs.admin);
    return is_good ? 0 : cli_failed(cli, cli->why.data);
}
