/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics_describe.c - kafka-topics --describe, byte for byte as Kafka prints it.
 *
 * Topics are described by DescribeTopicPartitions where the broker has it, page by page,
 * and by Metadata where it has not or where they are named by id: then the eligible
 * leaders are not known ("N/A").
 */

#include "base/java_order.h"
#include "cli/topics.h"
#include "wire/errors.h"

#include <stdlib.h>

enum {
    RESOURCE_TOPIC = 2,
    SOURCE_DEFAULT = 5,
    PAGE_SIZE = 2000,
    ID_SIZE_MIN = 2,
    ID_SIZE_MAX = 24
};

struct description {
    struct cli *cli;
    struct admin *admin;
    struct topics_topic *topics; /* Arena. */
    size_t count;
    const struct metadata_response_broker *live; /* Brokers that answer. */
    int32_t live_count;
};

static bool asks(const struct cli *cli, enum topics_option option)
{
    return options_has(&cli->options, (int)option);
}

/* True if only some partitions are asked for. */
static bool asks_for_some(const struct cli *cli)
{
    return asks(cli, TOPICS_unavailable) || asks(cli, TOPICS_under_replicated) ||
           asks(cli, TOPICS_under_min_isr) || asks(cli, TOPICS_at_min_isr);
}

static int by_index(const void *a, const void *b)
{
    const struct topics_partition *x = a;
    const struct topics_partition *y = b;

    return (x->index > y->index) - (x->index < y->index);
}

/* --- topics from Metadata ---------------------------------------------------- */

static void take_metadata_topic(struct arena *arena, struct topics_topic *topic,
                                const struct metadata_response_topic *from)
{
    size_t count = (size_t)from->partitions_count;

    *topic = (struct topics_topic){
        .name = from->name,
        .id = from->topic_id,
        .is_internal = from->is_internal,
        .partitions = arena_new(arena, (count + 1) * sizeof(*topic->partitions)),
        .count = from->partitions_count,
    };
    for (size_t i = 0; i < count; i++) {
        const struct metadata_response_partition *p = &from->partitions[i];

        topic->partitions[i] = (struct topics_partition){
            .index = p->partition_index,
            .leader = p->leader_id,
            .replicas = p->replica_nodes,
            .replica_count = p->replica_nodes_count,
            .isr = p->isr_nodes,
            .isr_count = p->isr_nodes_count,
            .elr_count = -1,
            .last_elr_count = -1,
        };
    }
    qsort(topic->partitions, count, sizeof(*topic->partitions), by_index);
}

static bool take_metadata(struct description *d, const struct metadata_response *metadata,
                          const struct slice *names, size_t count)
{
    struct arena *arena = &d->admin->arena;

    d->topics = arena_new(arena, (count + 1) * sizeof(*d->topics));
    for (size_t i = 0; i < count; i++) {
        for (int32_t k = 0; k < metadata->topics_count; k++) {
            const struct metadata_response_topic *topic = &metadata->topics[k];

            if (slice_equal(topic->name, names[i]))
                take_metadata_topic(arena, &d->topics[d->count++], topic);
        }
    }
    return true;
}

/* --- topics from DescribeTopicPartitions ------------------------------------- */

static int16_t page_verdict(const struct call *call)
{
    const struct describe_topic_partitions_response *response = call->response;

    for (int32_t i = 0; i < response->topics_count; i++)
        if (response->topics[i].error_code != ERROR_NONE)
            return response->topics[i].error_code;
    return ERROR_NONE;
}

static const struct call_events page_events = {.done = admin_done, .verdict = page_verdict};

/* The topic that a page goes on with, or a new one. */
static struct topics_topic *topic_of_page(struct description *d,
                                          const struct describe_topic_partitions_response_topic *t)
{
    struct topics_topic *topic = d->count ? &d->topics[d->count - 1] : NULL;

    if (topic && slice_equal(topic->name, t->name))
        return topic;
    topic = &d->topics[d->count++];
    *topic = (struct topics_topic){
        .name = t->name,
        .id = t->topic_id,
        .is_internal = t->is_internal,
    };
    return topic;
}

static void take_page_topic(struct description *d,
                            const struct describe_topic_partitions_response_topic *t)
{
    struct topics_topic *topic = topic_of_page(d, t);
    size_t before = (size_t)topic->count;
    struct topics_partition *partitions = arena_new(
        &d->admin->arena, (before + (size_t)t->partitions_count + 1) * sizeof(*partitions));

    if (before > 0)
        memcpy(partitions, topic->partitions, before * sizeof(*partitions));
    for (int32_t i = 0; i < t->partitions_count; i++) {
        const struct describe_topic_partitions_response_partition *p = &t->partitions[i];

        partitions[topic->count++] = (struct topics_partition){
            .index = p->partition_index,
            .leader = p->leader_id,
            .replicas = p->replica_nodes,
            .replica_count = p->replica_nodes_count,
            .isr = p->isr_nodes,
            .isr_count = p->isr_nodes_count,
            .elr = p->eligible_leader_replicas,
            .elr_count = p->eligible_leader_replicas_count,
            .last_elr = p->last_known_elr,
            .last_elr_count = p->last_known_elr_count,
        };
    }
    topic->partitions = partitions;
    qsort(partitions, (size_t)topic->count, sizeof(*partitions), by_index);
}

/* True if a node told us that it does not know the request. */
static bool is_unsupported(const struct call *call)
{
    return !call_is_under_way(call) && call->outcome == CALL_E_UNSUPPORTED;
}

/* All pages.  `*out_known` is false if the broker does not serve the request. */
static bool take_pages(struct description *d, const struct slice *names, size_t count,
                       bool *out_known)
{
    struct describe_topic_partitions_request request = describe_topic_partitions_request_defaults;
    struct describe_topic_partitions_cursor cursor;
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_TOPIC_PARTITIONS),
        .request = &request,
        .target = CALL_ANY,
    };
    int64_t page_size = PAGE_SIZE;

    if (options_number(&d->cli->options, TOPICS_page_size, &page_size, &d->cli->why))
        return false;
    request.response_partition_limit = (int32_t)page_size;
    request.topics = arena_new(&d->admin->arena, (count + 1) * sizeof(*request.topics));
    request.topics_count = (int32_t)count;
    for (size_t i = 0; i < count; i++)
        request.topics[i].name = names[i];
    d->topics = arena_new(&d->admin->arena, (count + 1) * sizeof(*d->topics));
    for (;;) {
        const struct describe_topic_partitions_response *page;
        struct call *call;

        if (!admin_call(d->cli, d->admin, &page_events, order, &call)) {
            *out_known = !is_unsupported(call);
            return false;
        }
        page = call->response;
        if (page_verdict(call) != ERROR_NONE) {
            admin_explain(d->cli, page_verdict(call), slice_null());
            return false;
        }
        for (int32_t i = 0; i < page->topics_count && d->count <= count; i++)
            take_page_topic(d, &page->topics[i]);
        if (!page->next_cursor)
            return true;
        cursor.topic_name = page->next_cursor->topic_name;
        cursor.partition_index = page->next_cursor->partition_index;
        request.cursor = &cursor;
    }
}

/* --- which topics ------------------------------------------------------------ */

/* Why a text is no id, in Java's words. */
static void explain_id(struct cli *cli, const char *text)
{
    size_t size = slice_text(text).size;

    if (size < ID_SIZE_MIN)
        text_printf(&cli->why, "Input byte[] should at least have 2 bytes for base64 bytes");
    else if (size > ID_SIZE_MAX)
        text_printf(&cli->why,
                    "Input string with prefix `%.24s` is too long to be decoded as a base64 UUID",
                    text);
    else
        text_printf(&cli->why,
                    "Input string `%s` decoded as %zu bytes, which is not equal to the expected "
                    "16 bytes of a base64-encoded UUID",
                    text, size * 3 / 4);
}

static bool find_by_id(struct description *d, const char *text, bool *out_is_zero)
{
    const struct metadata_response *metadata;
    struct uuid id;
    size_t count = 0;

    *out_is_zero = false;
    if (uuid_parse(slice_text(text), &id)) {
        explain_id(d->cli, text);
        return false;
    }
    if (uuid_is_zero(id)) {
        *out_is_zero = true;
        return true;
    }
    if (!admin_metadata(d->cli, d->admin, NULL, &metadata))
        return false;
    for (int32_t i = 0; i < metadata->topics_count; i++)
        if (uuid_equal(metadata->topics[i].topic_id, id))
            count += take_metadata(d, metadata, &metadata->topics[i].name, 1);
    if (count > 0 || asks(d->cli, TOPICS_if_exists))
        return true;
    text_printf(&d->cli->why, "TopicId '%s' does not exist as expected", text);
    return false;
}

/* Asks again by Metadata, for brokers that do not have the newer request. */
static bool find_by_metadata(struct description *d, const struct slice *names, size_t count)
{
    const struct metadata_response *metadata;

    d->cli->why.size = 0;
    d->count = 0;
    return admin_metadata(d->cli, d->admin, NULL, &metadata) &&
           take_metadata(d, metadata, names, count);
}

static bool find_by_name(struct description *d)
{
    struct slice *names;
    size_t count;
    bool is_known = true;

    if (!topics_matching(d->cli, d->admin, &names, &count))
        return false;
    if (count == 0)
        return topics_missing(d->cli);
    if (take_pages(d, names, count, &is_known))
        return true;
    return !is_known && find_by_metadata(d, names, count);
}

/* Kafka walks the topics in the order of a map into which they went in the order of
 * another one. */
static void sort_topics(struct description *d)
{
    struct arena *arena = &d->admin->arena;
    struct slice *keys = arena_new(arena, (d->count + 1) * sizeof(*keys));
    size_t *order = arena_new(arena, (d->count + 1) * sizeof(*order));
    struct topics_topic *sorted = arena_new(arena, (d->count + 1) * sizeof(*sorted));

    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < d->count; i++)
            keys[i] = d->topics[i].name;
        java_order_sort(keys, d->count, d->count, order);
        for (size_t i = 0; i < d->count; i++)
            sorted[i] = d->topics[order[i]];
        if (d->count > 0)
            memcpy(d->topics, sorted, d->count * sizeof(*sorted));
    }
}

/* --- what else is printed ---------------------------------------------------- */

static int64_t min_isr(const struct describe_configs_result *configs)
{
    for (int32_t i = 0; i < configs->configs_count; i++)
        if (slice_is_text(configs->configs[i].name, "min.insync.replicas") &&
            !slice_is_null(configs->configs[i].value))
            return strtol((const char *)configs->configs[i].value.data, NULL, 10);
    return 1;
}

/* Answers come in the order of the question, as a rule. */
static void take_configs(struct description *d, const struct describe_configs_response *response)
{
    for (int32_t i = 0; i < response->results_count; i++) {
        const struct describe_configs_result *result = &response->results[i];
        size_t at = (size_t)i;

        if (at >= d->count || !slice_equal(d->topics[at].name, result->resource_name))
            for (at = 0; at < d->count; at++)
                if (slice_equal(d->topics[at].name, result->resource_name))
                    break;
        if (at == d->count)
            continue;
        d->topics[at].configs = result;
        d->topics[at].min_isr = min_isr(result);
    }
}

static bool get_configs(struct description *d)
{
    struct describe_configs_request request = describe_configs_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_CONFIGS),
        .request = &request,
        .target = CALL_ANY,
    };
    struct call *call;

    request.resources = arena_new(&d->admin->arena, (d->count + 1) * sizeof(*request.resources));
    request.resources_count = (int32_t)d->count;
    for (size_t i = 0; i < d->count; i++) {
        request.resources[i].resource_type = RESOURCE_TOPIC;
        request.resources[i].resource_name = d->topics[i].name;
        request.resources[i].configuration_keys_count = -1;
    }
    if (!admin_call(d->cli, d->admin, &admin_once, order, &call))
        return false;
    take_configs(d, call->response);
    return true;
}

/* Notes which partitions are being moved; a broker that cannot tell moves none. */
static bool get_moves(struct description *d)
{
    struct list_partition_reassignments_request request =
        list_partition_reassignments_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_LIST_PARTITION_REASSIGNMENTS),
        .request = &request,
        .target = CALL_CONTROLLER,
    };
    const struct list_partition_reassignments_response *response;
    struct call *call;

    if (!admin_call(d->cli, d->admin, &admin_once, order, &call)) {
        d->cli->why.size = 0;
        return is_unsupported(call);
    }
    response = call->response;
    for (int32_t t = 0; t < response->topics_count; t++)
        for (size_t i = 0; i < d->count; i++) {
            struct topics_topic *topic = &d->topics[i];

            if (!slice_equal(topic->name, response->topics[t].name))
                continue;
            for (int32_t p = 0; p < response->topics[t].partitions_count; p++)
                for (int32_t k = 0; k < topic->count; k++)
                    if (topic->partitions[k].index ==
                        response->topics[t].partitions[p].partition_index)
                        topic->partitions[k].moving = &response->topics[t].partitions[p];
        }
    return true;
}

/* --- printing ---------------------------------------------------------------- */

static void print_ids(struct console_out *out, const int32_t *ids, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        console_printf(out, "%s%d", i ? "," : "", ids[i]);
}

/* While replicas are moved, those that come are not counted. */
static int32_t replication_factor(const struct topics_partition *partition)
{
    return partition->replica_count -
           (partition->moving ? partition->moving->adding_replicas_count : 0);
}

static bool has_overrides(const struct topics_topic *topic)
{
    for (int32_t i = 0; topic->configs && i < topic->configs->configs_count; i++)
        if (topic->configs->configs[i].config_source != SOURCE_DEFAULT)
            return true;
    return false;
}

static void print_topic(struct description *d, const struct topics_topic *topic)
{
    const struct describe_configs_result *result = topic->configs;
    int32_t config_count = result ? result->configs_count : 0;
    struct arena *arena = &d->admin->arena;
    struct slice *keys = arena_new(arena, ((size_t)config_count + 1) * sizeof(*keys));
    size_t *order = arena_new(arena, ((size_t)config_count + 1) * sizeof(*order));
    struct console_out *out = &d->cli->out;
    char id[UUID_TEXT_SIZE + 1];
    struct text configs = {.data = NULL};

    for (int32_t i = 0; i < config_count; i++)
        keys[i] = result->configs[i].name;
    java_order_sort(keys, (size_t)config_count, 0, order);
    for (int32_t i = 0; i < config_count; i++) {
        const struct describe_configs_resource_result *c = &result->configs[order[i]];

        if (c->config_source != SOURCE_DEFAULT)
            text_printf(&configs, "%s%.*s=%.*s", configs.size ? "," : "", SLICE_ARG(c->name),
                        SLICE_ARG(c->value));
    }
    uuid_print(topic->id, id);
    if (!asks(d->cli, TOPICS_with_overrides) || configs.size > 0)
        console_printf(
            out,
            "Topic: %.*s\tTopicId: %s\tPartitionCount: %d\tReplicationFactor: %d\tConfigs: %s\n",
            SLICE_ARG(topic->name), id, topic->count,
            topic->count ? replication_factor(&topic->partitions[0]) : 0,
            configs.data ? configs.data : "");
    text_fini(&configs);
}

static bool is_live(const struct description *d, int32_t broker)
{
    for (int32_t i = 0; i < d->live_count; i++)
        if (d->live[i].node_id == broker)
            return true;
    return false;
}

static bool is_asked_for(const struct description *d, const struct topics_topic *topic,
                         const struct topics_partition *p)
{
    const struct cli *cli = d->cli;
    if (!asks_for_some(cli))
        return true;
    return (asks(cli, TOPICS_under_replicated) && replication_factor(p) > p->isr_count) ||
           (asks(cli, TOPICS_unavailable) && (p->leader < 0 || !is_live(d, p->leader))) ||
           (asks(cli, TOPICS_under_min_isr) && (p->leader < 0 || p->isr_count < topic->min_isr)) ||
           (asks(cli, TOPICS_at_min_isr) && p->isr_count == topic->min_isr);
}

static void print_optional_ids(struct console_out *out, const char *label, const int32_t *ids,
                               int32_t count)
{
    console_printf(out, "\t%s: ", label);
    if (count < 0)
        console_printf(out, "N/A");
    else
        print_ids(out, ids, count);
}

static void print_partition(struct description *d, const struct topics_topic *topic,
                            const struct topics_partition *p)
{
    struct console_out *out = &d->cli->out;

    console_printf(out, "\tTopic: %.*s\tPartition: %d\tLeader: ", SLICE_ARG(topic->name), p->index);
    if (p->leader < 0)
        console_printf(out, "none");
    else
        console_printf(out, "%d", p->leader);
    console_printf(out, "\tReplicas: ");
    print_ids(out, p->replicas, p->replica_count);
    console_printf(out, "\tIsr: ");
    print_ids(out, p->isr, p->isr_count);
    if (p->moving) {
        console_printf(out, "\tAdding Replicas: ");
        print_ids(out, p->moving->adding_replicas, p->moving->adding_replicas_count);
        console_printf(out, "\tRemoving Replicas: ");
        print_ids(out, p->moving->removing_replicas, p->moving->removing_replicas_count);
    }
    print_optional_ids(out, "Elr", p->elr, p->elr_count);
    print_optional_ids(out, "LastKnownElr", p->last_elr, p->last_elr_count);
    console_printf(out, "\n");
}

/* Topics of which no partition is asked for are left out where only some are. */
static void print_json(struct description *d)
{
    struct text json = {.data = NULL};
    const char *comma = "";

    text_printf(&json, "[");
    for (size_t i = 0; i < d->count; i++) {
        const struct topics_topic *topic = &d->topics[i];
        bool *is_asked =
            arena_new(&d->admin->arena, ((size_t)topic->count + 1) * sizeof(*is_asked));
        bool is_any = !asks_for_some(d->cli);

        for (int32_t k = 0; k < topic->count; k++) {
            is_asked[k] = is_asked_for(d, topic, &topic->partitions[k]);
            is_any |= is_asked[k];
        }
        if (!is_any || (asks(d->cli, TOPICS_with_overrides) && !has_overrides(topic)))
            continue;
        text_printf(&json, "%s\n  ", comma);
        topics_print_json(topic, is_asked, &json);
        comma = ",";
    }
    text_printf(&json, "%s]\n", *comma ? "\n" : "");
    console_write(&d->cli->out, json.data, json.size);
    text_fini(&json);
}

static void print_all(struct description *d)
{
    for (size_t i = 0; i < d->count; i++) {
        const struct topics_topic *topic = &d->topics[i];

        if (!asks_for_some(d->cli))
            print_topic(d, topic);
        for (int32_t k = 0; k < topic->count && !asks(d->cli, TOPICS_with_overrides); k++)
            if (is_asked_for(d, topic, &topic->partitions[k]))
                print_partition(d, topic, &topic->partitions[k]);
    }
}

bool topics_describe(struct cli *cli, struct admin *admin)
{
    struct description d = {.cli = cli, .admin = admin};
    const struct metadata_response *metadata;
    const char *id;
    bool is_zero = true;

    if (options_get(&cli->options, TOPICS_topic_id, &id, &cli->why))
        return false;
    if (id && !find_by_id(&d, id, &is_zero))
        return false;
    if (is_zero && !find_by_name(&d))
        return false;
    if (d.count == 0 && asks(cli, TOPICS_json))
        print_json(&d);
    if (d.count == 0)
        return true;
    if (!get_configs(&d) || !get_moves(&d))
        return false;
    if (asks(cli, TOPICS_unavailable)) {
        if (!admin_metadata(cli, admin, NULL, &metadata))
            return false;
        d.live = metadata->brokers;
        d.live_count = metadata->brokers_count;
    }
    sort_topics(&d);
    if (asks(cli, TOPICS_json))
        print_json(&d);
    else
        print_all(&d);
    return true;
}
