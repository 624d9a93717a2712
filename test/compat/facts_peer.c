/* SPDX-License-Identifier: Apache-2.0 */

/* test/compat/facts_peer.c - prints what our tables say, a line for each fact, in the words
 * of Facts.java: facts.py compares the two.
 */

#include "broker/settings.h"
#include "broker/topic_settings.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/features.h"

#include <inttypes.h>
#include <stdio.h>

static void print_apis(void)
{
    static const char *const listeners[] = {"", "broker", "controller", "broker,controller"};

    for (int i = 0; i < wire_api_count; i++) {
        const struct wire_api *api = &wire_apis[i];

        printf("api\t%d\t%s\t%s\n", api->key, api->name, listeners[api->listeners]);
        for (int16_t v = api->min; v <= api->latest; v++)
            printf("version\t%d\t%d\t%s\trequest header %d\tresponse header %d\n", api->key, v,
                   v <= api->max ? "stable" : "unstable", wire_api_request_header_version(api, v),
                   wire_api_response_header_version(api, v));
    }
}

static void print_errors(void)
{
    static const char *const retry[] = {
        [ERROR_FATAL] = "fatal", [ERROR_RETRIABLE] = "retriable", [ERROR_REFRESH] = "refresh"};

    for (int16_t code = ERROR_CODE_MIN; code <= ERROR_CODE_MAX; code++)
        printf("error\t%d\t%s\t%s\n", code, error_name(code), retry[error_retry(code)]);
}

/* The name that both messages of a pair have, without what tells them apart. */
static int stem_size(const struct wire_record_type *record)
{
    size_t size = strlen(record->value->name);

    return (int)(record->key ? size - strlen("_value") : size);
}

static void print_records(void)
{
    static const char *const logs[] = {
        [WIRE_LOG_METADATA] = "metadata",
        [WIRE_LOG_GROUPS] = "groups",
        [WIRE_LOG_TRANSACTIONS] = "transactions",
        [WIRE_LOG_SHARE] = "share",
        [WIRE_LOG_REMOTE] = "remote",
    };

    for (int i = 0; i < wire_record_type_count; i++) {
        const struct wire_record_type *record = &wire_record_types[i];

        printf("record\t%s\t%d\t%.*s\t%d-%d\n", logs[record->log], record->type, stem_size(record),
               record->value->name, record->value->min, record->value->max);
    }
}

static void print_features(void)
{
    for (int id = 0; id < FEATURE_COUNT; id++) {
        printf("feature\t%s\t%d-%d\n", features[id].name, features[id].min, features[id].max);
        if (features[id].needs)
            printf("needs\t%s\t1\tmetadata.version\t%d\n", features[id].name, features[id].needs);
    }
    for (int i = 0; i < metadata_version_count; i++) {
        const struct metadata_version *version = &metadata_versions[i];

        printf("metadata.version\t%d\t%s\t%s\n", version->level, version->name,
               version->is_departure ? "changed" : "same");
        for (int id = FEATURE_METADATA + 1; id < FEATURE_COUNT; id++)
            printf("default\t%d\t%s\t%d\n", version->level, features[id].name,
                   feature_default((enum feature_id)id, version->level));
    }
}

/* What is ours alone, or of an older release, is not Kafka's to confirm. */
static void print_configs(const char *of, const struct config_table *table)
{
    static const char *const types[] = {
        [CONFIG_BOOL] = "boolean",  [CONFIG_INT] = "int",     [CONFIG_LONG] = "long",
        [CONFIG_DOUBLE] = "double", [CONFIG_TEXT] = "string", [CONFIG_LIST] = "list",
        [CONFIG_SHORT] = "short",   [CONFIG_CLASS] = "class", [CONFIG_PASSWORD] = "password",
    };

    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->rows[i];

        if (row->flags & (CONFIG_OURS | CONFIG_RETIRED))
            continue;
        printf("config\t%s\t%s\t%s\t%s\n", of, row->name, types[row->type],
               row->initial ? row->initial : "null");
        if (row->type == CONFIG_INT || row->type == CONFIG_LONG || row->type == CONFIG_SHORT)
            printf("bounds\t%s\t%s\t%" PRId64 " to %" PRId64 "\n", of, row->name, row->min,
                   row->max);
    }
}

/* Keys of the broker that are only known to be Kafka's. */
static void print_known_configs(void)
{
    const struct config_row *row;

    for (size_t i = 0; (row = settings_row(i)); i++)
        if (!settings_is_served(row) && !(row->flags & CONFIG_RETIRED))
            printf("known\tbroker\t%s\n", row->name);
}

int main(void)
{
    print_apis();
    print_errors();
    print_records();
    print_features();
    print_configs("broker", &settings_table);
    print_configs("topic", &topic_settings_table);
    print_known_configs();
    return 0;
}
