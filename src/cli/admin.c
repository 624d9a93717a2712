/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/admin.h"

#include "wire/errors.h"

#include <ctype.h>

/* --- connecting -------------------------------------------------------------- */

bool admin_connect_to(struct cli *cli, const struct cluster_settings *settings)
{
    struct text reason = {.data = NULL};

    /* As Kafka's tool says it: what failed first, and then why. */
    if (cli_connect(cli, settings))
        return true;
    reason = cli->why;
    cli->why = (struct text){.data = NULL};
    text_printf(&cli->why, "Failed to create new KafkaAdminClient\nCaused by: %s", reason.data);
    text_fini(&reason);
    return false;
}

bool admin_settings(struct cli *cli, struct client_config *config, int bootstrap_row,
                    int command_config_row, struct cluster_settings *out)
{
    const char *bootstrap, *file;

    if (options_get(&cli->options, bootstrap_row, &bootstrap, &cli->why) ||
        options_get(&cli->options, command_config_row, &file, &cli->why))
        return false;
    if (file && !client_settings_read(cli, config, file))
        return false;
    if (!client_settings_set(cli, config, slice_text("bootstrap.servers"), slice_text(bootstrap)))
        return false;
    if (client_config_check(config, &cli->why))
        return false;
    *out = client_config_cluster(config, "adminclient-1");
    out->allow_auto_create = false;
    return true;
}

bool admin_connect(struct cli *cli, struct client_config *config, int bootstrap_row,
                   int command_config_row)
{
    struct cluster_settings settings;

    return admin_settings(cli, config, bootstrap_row, command_config_row, &settings) &&
           admin_connect_to(cli, &settings);
}

bool admin_connect_either(struct cli *cli, struct client_config *config,
                          const struct admin_rows *rows)
{
    bool is_controller = options_has(&cli->options, rows->controller);
    struct cluster_settings settings;

    if (!admin_settings(cli, config, is_controller ? rows->controller : rows->bootstrap,
                        rows->command_config, &settings))
        return false;
    settings.has_no_metadata = is_controller;
    return admin_connect_to(cli, &settings);
}

bool admin_is_bootstrap(const char *text)
{
    for (;;) {
        size_t size = strcspn(text, ",");
        const char *colon = memrchr(text, ':', size);
        const char *end = text + size;

        if (!colon || colon == text || colon + 1 == end)
            return false;
        for (const char *c = colon + 1; c < end; c++)
            if (!isdigit((unsigned char)*c))
                return false;
        if (!*end)
            return true;
        text = end + 1;
    }
}

/* --- calls ------------------------------------------------------------------- */

void admin_init(struct admin *admin)
{
    *admin = (struct admin){.last = NULL};
    arena_init(&admin->arena, NULL);
}

void admin_fini(struct admin *admin)
{
    for (struct admin_answer *a = admin->last; a; a = a->next)
        call_fini(&a->call);
    arena_reset(&admin->arena);
}

/* What Kafka's admin client calls the request in its messages. */
static const char *call_name(const struct admin *admin, const struct wire_api *api)
{
    static const struct {
        int16_t key;
        const char *name;
    } names[] = {
        {API_ALTER_PARTITION_REASSIGNMENTS, "alterPartitionReassignments"},
        {API_ALTER_REPLICA_LOG_DIRS, "alterReplicaLogDirs"},
        {API_API_VERSIONS, "describeFeatures"},
        {API_CREATE_TOPICS, "createTopics"},
        {API_DELETE_RECORDS, "deleteRecords"},
        {API_DELETE_TOPICS, "deleteTopics"},
        {API_DESCRIBE_CLUSTER, "listNodes"},
        {API_DESCRIBE_CONFIGS, "describeConfigs"},
        {API_DESCRIBE_LOG_DIRS, "describeLogDirs"},
        {API_DESCRIBE_QUORUM, "describeMetadataQuorum"},
        {API_DESCRIBE_TOPIC_PARTITIONS, "describeTopicPartitions"},
        {API_ELECT_LEADERS, "electLeaders"},
        {API_INCREMENTAL_ALTER_CONFIGS, "incrementalAlterConfigs"},
        {API_LIST_GROUPS, "listGroups"},
        {API_LIST_CONFIG_RESOURCES, "listConfigResources"},
        {API_LIST_OFFSETS, "listOffsets"},
        {API_LIST_PARTITION_REASSIGNMENTS, "listPartitionReassignments"},
        {API_REMOVE_RAFT_VOTER, "removeRaftVoter"},
        {API_UNREGISTER_BROKER, "unregisterBroker"},
        {API_UPDATE_FEATURES, "updateFeatures"},
    };

    if (admin->purpose)
        return admin->purpose;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].key == api->key)
            return names[i].name;
    return "listTopics";
}

static void print_unsupported(const struct wire_api *api, struct text *out)
{
    text_printf(out, "The node does not support ");
    for (const char *c = api->name; *c; c++)
        text_printf(out, "%c", toupper((unsigned char)*c));
}

static void explain_outcome(struct cli *cli, const struct admin *admin, const struct call *call,
                            enum call_outcome outcome)
{
    const struct wire_api *api = call->order.api;

    if (outcome == CALL_E_TIMEOUT && call->sends == 0)
        text_printf(&cli->why, "Timed out waiting for a node assignment. Call: %s",
                    call_name(admin, api));
    else if (outcome == CALL_E_UNSUPPORTED)
        print_unsupported(api, &cli->why);
    else
        text_printf(&cli->why, "%s: %s", api->name, call_outcome_text(outcome));
}

bool admin_call(struct cli *cli, struct admin *admin, const struct call_events *events,
                struct call_order order, struct call **out)
{
    struct admin_answer *answer = arena_new(&admin->arena, sizeof(*answer));
    struct call *call = &answer->call;
    enum call_outcome outcome;

    answer->next = admin->last;
    admin->last = answer;
    call_init(call, events);
    call->order = order;
    outcome = cli_call(cli, call);
    *out = call;
    if (outcome == CALL_OK)
        return true;
    explain_outcome(cli, admin, call, outcome);
    return false;
}

void admin_explain(struct cli *cli, int16_t error, struct slice message)
{
    if (slice_is_null(message) || message.size == 0)
        text_printf(&cli->why, "%s", error_meaning(error));
    else
        text_printf(&cli->why, "%.*s", SLICE_ARG(message));
}

/* Java's class is the code's name in another spelling, but for these. */
static const struct {
    int16_t error;
    const char *name;
} exceptions[] = {
    {ERROR_UNKNOWN_SERVER_ERROR, "UnknownServerException"},
    {ERROR_CORRUPT_MESSAGE, "CorruptRecordException"},
    {ERROR_REQUEST_TIMED_OUT, "TimeoutException"},
    {ERROR_MESSAGE_TOO_LARGE, "RecordTooLargeException"},
    {ERROR_INVALID_CONFIG, "InvalidConfigurationException"},
    {ERROR_INVALID_TOPIC_EXCEPTION, "InvalidTopicException"},
    {ERROR_NETWORK_EXCEPTION, "NetworkException"},
    {ERROR_NON_EMPTY_GROUP, "GroupNotEmptyException"},
    {ERROR_TOPIC_ALREADY_EXISTS, "TopicExistsException"},
};

void admin_print_class(int16_t error, struct text *out)
{
    bool is_first = true; /* Of a word. */

    text_printf(out, "org.apache.kafka.common.errors.");
    for (size_t i = 0; i < COUNT_OF(exceptions); i++)
        if (exceptions[i].error == error) {
            text_printf(out, "%s", exceptions[i].name);
            return;
        }
    for (const char *c = error_name(error); *c; c++) {
        if (*c != '_')
            text_printf(out, "%c", is_first ? *c : tolower(*c));
        is_first = *c == '_';
    }
    text_printf(out, "Exception");
}

void admin_print_exception(int16_t error, struct slice message, struct text *out)
{
    admin_print_class(error, out);
    if (slice_is_null(message))
        text_printf(out, ": %s", error_meaning(error));
    else
        text_printf(out, ": %.*s", SLICE_ARG(message));
}

/* --- metadata ---------------------------------------------------------------- */

void admin_done(struct call *call)
{
    (void)call;
}

static int16_t metadata_verdict(const struct call *call)
{
    return ((const struct metadata_response *)call->response)->error_code;
}

const struct call_events admin_once = {.done = admin_done};

static const struct call_events metadata_events = {.done = admin_done, .verdict = metadata_verdict};

bool admin_metadata(struct cli *cli, struct admin *admin, const struct uuid *id,
                    const struct metadata_response **out)
{
    struct metadata_request request = metadata_request_defaults;
    struct metadata_request_topic topic = metadata_request_topic_defaults;
    struct call_order order = {
        .api = wire_api_find(API_METADATA),
        .request = &request,
        .target = CALL_ANY,
    };
    struct call *call;

    request.topics = NULL;
    request.topics_count = -1;
    request.allow_auto_topic_creation = false;
    if (id) {
        topic.topic_id = *id;
        topic.name = slice_null();
        request.topics = &topic;
        request.topics_count = 1;
    }
    if (!admin_call(cli, admin, &metadata_events, order, &call))
        return false;
    *out = call->response;
    if ((*out)->error_code == ERROR_NONE)
        return true;
    admin_explain(cli, (*out)->error_code, slice_null());
    return false;
}

/* --- names ------------------------------------------------------------------- */

int admin_by_name(const void *a, const void *b)
{
    const struct slice *x = a;
    const struct slice *y = b;
    int order = memcmp(x->data, y->data, min_of(x->size, y->size));

    return order ? order : (x->size > y->size) - (x->size < y->size);
}
