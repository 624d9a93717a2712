/* SPDX-License-Identifier: Apache-2.0 */

/* cli/reassign_cluster.c - kafka-reassign-partitions: what it asks and orders. */

#include "cli/reassign.h"
#include "wire/errors.h"
#include "wire/msg/alter_partition_reassignments.h"
#include "wire/msg/alter_replica_log_dirs.h"
#include "wire/msg/describe_log_dirs.h"
#include "wire/msg/incremental_alter_configs.h"
#include "wire/msg/list_partition_reassignments.h"

#include <stdio.h>

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, SET = 0, DELETE = 1, BROKER_NAME_SIZE = 16 };

struct reassign_dirs {
    int32_t broker;
    const struct describe_log_dirs_response *response;
    struct reassign_dirs *next;
};

static int32_t timeout_ms(const struct reassign *r)
{
    return (int32_t)r->cli->cluster.settings.request_timeout_ms;
}

/* --- topics ------------------------------------------------------------------ */

bool reassign_ask_metadata(struct reassign *r)
{
    return r->metadata || admin_metadata(r->cli, &r->admin, NULL, &r->metadata);
}

const struct metadata_response_topic *reassign_find_topic(const struct reassign *r,
                                                          struct slice name)
{
    for (int32_t i = 0; i < r->metadata->topics_count; i++)
        if (slice_equal(r->metadata->topics[i].name, name))
            return &r->metadata->topics[i];
    return NULL;
}

const struct metadata_response_partition *reassign_find_part(const struct reassign *r,
                                                             struct slice topic, int32_t partition)
{
    const struct metadata_response_topic *t = reassign_find_topic(r, topic);

    for (int32_t i = 0; t && i < t->partitions_count; i++)
        if (t->partitions[i].partition_index == partition)
            return &t->partitions[i];
    return NULL;
}

/* --- log directories --------------------------------------------------------- */

static bool ask_dirs(struct reassign *r, int32_t broker)
{
    struct describe_log_dirs_request request = describe_log_dirs_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_DESCRIBE_LOG_DIRS),
        .request = &request,
        .target = broker,
    };
    struct reassign_dirs *dirs;
    struct call *call;

    request.topics = NULL;
    request.topics_count = -1;
    if (!admin_call(r->cli, &r->admin, &admin_once, order, &call))
        return false;
    dirs = arena_new(&r->admin.arena, sizeof(*dirs));
    *dirs = (struct reassign_dirs){
        .broker = broker,
        .response = call->response,
        .next = r->dirs,
    };
    r->dirs = dirs;
    return true;
}

static void look_into(const struct describe_log_dirs_result *dir, struct slice topic,
                      int32_t partition, struct slice *out, struct slice *out_future)
{
    for (int32_t t = 0; t < dir->topics_count; t++) {
        if (!slice_equal(dir->topics[t].name, topic))
            continue;
        for (int32_t i = 0; i < dir->topics[t].partitions_count; i++) {
            if (dir->topics[t].partitions[i].partition_index != partition)
                continue;
            if (dir->topics[t].partitions[i].is_future_key)
                *out_future = dir->log_dir;
            else
                *out = dir->log_dir;
        }
    }
}

/* True if a broker of this id is in the cluster. */
static bool is_alive(const struct reassign *r, int32_t broker)
{
    for (int32_t i = 0; i < r->metadata->brokers_count; i++)
        if (r->metadata->brokers[i].node_id == broker)
            return true;
    return false;
}

bool reassign_find_dirs(struct reassign *r, struct slice topic, int32_t partition, int32_t broker,
                        struct slice *out, struct slice *out_future)
{
    struct reassign_dirs *dirs = r->dirs;

    *out = *out_future = slice_null();
    while (dirs && dirs->broker != broker)
        dirs = dirs->next;
    if (!dirs && !is_alive(r, broker))
        return true;
    if (!dirs && !ask_dirs(r, broker))
        return false;
    dirs = dirs ? dirs : r->dirs;
    for (int32_t i = 0; i < dirs->response->results_count; i++)
        look_into(&dirs->response->results[i], topic, partition, out, out_future);
    return true;
}

bool reassign_current(struct reassign *r, struct slice topic,
                      const struct metadata_response_partition *from, struct reassign_part *out)
{
    size_t count = (size_t)max_of(from->replica_nodes_count, 0);

    *out = (struct reassign_part){
        .topic = topic,
        .partition = from->partition_index,
        .replicas = from->replica_nodes,
        .dirs = arena_new(&r->admin.arena, (count + 1) * sizeof(*out->dirs)),
        .replica_count = count,
    };
    for (size_t i = 0; i < count; i++) {
        struct slice future;

        if (!reassign_find_dirs(r, topic, from->partition_index, out->replicas[i], &out->dirs[i],
                                &future))
            return false;
        if (slice_is_null(out->dirs[i]))
            out->dirs[i] = slice_text("any");
    }
    return true;
}

/* True if the answer is of no error. */
static bool take_dir_answer(const struct alter_replica_log_dirs_response *response,
                            int16_t *out_error)
{
    *out_error = ERROR_UNKNOWN_SERVER_ERROR;
    if (response->results_count == 1 && response->results[0].partitions_count == 1)
        *out_error = response->results[0].partitions[0].error_code;
    return true;
}

bool reassign_alter_dir(struct reassign *r, const struct reassign_part *part, size_t replica,
                        int16_t *out_error)
{
    int32_t index = part->partition;
    struct alter_replica_log_dirs_alter_replica_log_dir_topic topic = {
        .name = part->topic,
        .partitions = &index,
        .partitions_count = 1,
    };
    struct alter_replica_log_dirs_alter_replica_log_dir dir = {
        .path = part->dirs[replica],
        .topics = &topic,
        .topics_count = 1,
    };
    struct alter_replica_log_dirs_request request = alter_replica_log_dirs_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_ALTER_REPLICA_LOG_DIRS),
        .request = &request,
        .target = part->replicas[replica],
    };
    struct call *call;

    request.dirs = &dir;
    request.dirs_count = 1;
    return admin_call(r->cli, &r->admin, &admin_once, order, &call) &&
           take_dir_answer(call->response, out_error);
}

/* --- moves ------------------------------------------------------------------- */

static int16_t list_verdict(const struct call *call)
{
    return ((const struct list_partition_reassignments_response *)call->response)->error_code;
}

static int16_t alter_verdict(const struct call *call)
{
    return ((const struct alter_partition_reassignments_response *)call->response)->error_code;
}

static const struct call_events list_events = {.done = admin_done, .verdict = list_verdict};
static const struct call_events alter_events = {.done = admin_done, .verdict = alter_verdict};

/* Controllers know of moves; one that was named is the only node that is known. */
static int32_t target(const struct reassign *r)
{
    return reassign_has(r, REASSIGN_controller) ? CALL_ANY : CALL_CONTROLLER;
}

bool reassign_list(struct reassign *r, const struct reassign_parts *parts,
                   const struct list_partition_reassignments_response **out)
{
    struct list_partition_reassignments_request request =
        list_partition_reassignments_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_LIST_PARTITION_REASSIGNMENTS),
        .request = &request,
        .target = target(r),
    };
    size_t count = parts ? parts->count : 0;
    struct call *call;

    request.timeout_ms = timeout_ms(r);
    request.topics = NULL;
    request.topics_count = -1;
    if (parts) {
        request.topics = arena_new(&r->admin.arena, (count + 1) * sizeof(*request.topics));
        request.topics_count = (int32_t)count;
    }
    for (size_t i = 0; i < count; i++)
        request.topics[i] = (struct list_partition_reassignments_topics){
            .name = parts->items[i].topic,
            .partition_indexes = &parts->items[i].partition,
            .partition_indexes_count = 1,
        };
    if (!admin_call(r->cli, &r->admin, &list_events, order, &call))
        return false;
    *out = call->response;
    if ((*out)->error_code != ERROR_NONE)
        admin_explain(r->cli, (*out)->error_code, (*out)->error_message);
    return (*out)->error_code == ERROR_NONE;
}

static void take_failures(const struct alter_partition_reassignments_response *response,
                          struct text *failures)
{
    for (int32_t t = 0; t < response->responses_count; t++)
        for (int32_t i = 0; i < response->responses[t].partitions_count; i++) {
            const struct alter_partition_reassignments_reassignable_partition_response *p =
                &response->responses[t].partitions[i];

            if (p->error_code == ERROR_NONE)
                continue;
            text_printf(failures, "%s%.*s-%d: ", failures->size ? "\n" : "",
                        SLICE_ARG(response->responses[t].name), p->partition_index);
            if (slice_is_null(p->error_message))
                text_printf(failures, "%s", error_meaning(p->error_code));
            else
                text_printf(failures, "%.*s", SLICE_ARG(p->error_message));
        }
}

/* The topic of the request that a partition belongs to. */
static struct alter_partition_reassignments_reassignable_topic *
topic_of(struct reassign *r, struct alter_partition_reassignments_request *request,
         const struct reassign_parts *parts, struct slice name)
{
    struct alter_partition_reassignments_reassignable_topic *topic;

    for (int32_t i = 0; i < request->topics_count; i++)
        if (slice_equal(request->topics[i].name, name))
            return &request->topics[i];
    topic = &request->topics[request->topics_count++];
    topic->name = name;
    topic->partitions = arena_new(&r->admin.arena, parts->count * sizeof(*topic->partitions));
    topic->partitions_count = 0;
    return topic;
}

bool reassign_alter(struct reassign *r, const struct reassign_parts *parts, bool is_cancel,
                    struct text *failures)
{
    struct alter_partition_reassignments_request request =
        alter_partition_reassignments_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_ALTER_PARTITION_REASSIGNMENTS),
        .request = &request,
        .target = target(r),
    };
    const struct alter_partition_reassignments_response *response;
    struct call *call;

    request.timeout_ms = timeout_ms(r);
    request.allow_replication_factor_change = !reassign_has(r, REASSIGN_same_factor);
    request.topics = arena_new(&r->admin.arena, (parts->count + 1) * sizeof(*request.topics));
    for (size_t i = 0; i < parts->count; i++) {
        const struct reassign_part *part = &parts->items[i];
        struct alter_partition_reassignments_reassignable_topic *topic =
            topic_of(r, &request, parts, part->topic);

        topic->partitions[topic->partitions_count++] =
            (struct alter_partition_reassignments_reassignable_partition){
                .partition_index = part->partition,
                .replicas = is_cancel ? NULL : part->replicas,
                .replicas_count = is_cancel ? -1 : (int32_t)part->replica_count,
            };
    }
    if (!admin_call(r->cli, &r->admin, &alter_events, order, &call))
        return false;
    response = call->response;
    if (response->error_code != ERROR_NONE) {
        admin_explain(r->cli, response->error_code, response->error_message);
        return false;
    }
    take_failures(response, failures);
    return true;
}

/* --- settings ---------------------------------------------------------------- */

bool reassign_configure(struct reassign *r, struct slice topic, int32_t broker,
                        const struct reassign_setting *settings, size_t count)
{
    bool is_topic = !slice_is_null(topic);
    struct incremental_alter_configs_request request = incremental_alter_configs_request_defaults;
    struct incremental_alter_configs_alter_configs_resource resource = {
        .resource_type = is_topic ? RESOURCE_TOPIC : RESOURCE_BROKER,
        .resource_name = topic,
        .configs = arena_new(&r->admin.arena, (count + 1) * sizeof(*resource.configs)),
        .configs_count = (int32_t)count,
    };
    struct call_order order = {
        .api = wire_api_find(API_INCREMENTAL_ALTER_CONFIGS),
        .request = &request,
        .target = is_topic ? CALL_ANY : broker,
    };
    const struct incremental_alter_configs_response *response;
    char name[BROKER_NAME_SIZE];
    struct call *call;

    snprintf(name, sizeof(name), "%d", broker);
    if (!is_topic)
        resource.resource_name = slice_text(name);
    for (size_t i = 0; i < count; i++)
        resource.configs[i] = (struct incremental_alter_configs_alterable_config){
            .name = slice_text(settings[i].name),
            .config_operation = slice_is_null(settings[i].value) ? DELETE : SET,
            .value = settings[i].value,
        };
    request.resources = &resource;
    request.resources_count = 1;
    if (!admin_call(r->cli, &r->admin, &admin_once, order, &call))
        return false;
    response = call->response;
    for (int32_t i = 0; i < response->responses_count; i++)
        if (response->responses[i].error_code != ERROR_NONE) {
            admin_explain(r->cli, response->responses[i].error_code,
                          response->responses[i].error_message);
            return false;
        }
    return true;
}
