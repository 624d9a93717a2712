/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/api.h"

TEST(api, every_api_is_found_by_its_key_and_no_other)
{
    int found = 0;

    for (int key = INT16_MIN; key <= INT16_MAX; key++) {
        const struct wire_api *api = wire_api_find((int16_t)key);

        check(!api || api->key == key);
        found += api ? 1 : 0;
    }
    check_eq(found, wire_api_count);
}

TEST(api, the_tables_agree_with_themselves)
{
    for (int i = 0; i < wire_api_count; i++) {
        const struct wire_api *api = &wire_apis[i];

        check(i == 0 || wire_apis[i - 1].key < api->key);
        check(api->min <= api->max && api->max <= api->latest);
        check(api->listeners & (API_ON_BROKER | API_ON_CONTROLLER));
        check(api->request->min <= api->min && api->latest <= api->request->max);
        check(api->response->min <= api->min && api->latest <= api->response->max);
        check_eq(api->request->flexible, api->response->flexible);
        check_eq(api->flexible, api->request->flexible);
    }
}

TEST(api, headers_have_the_version_that_the_body_asks_for)
{
    const struct wire_api *fetch = wire_api_find(API_FETCH);

    check_eq(wire_api_request_header_version(fetch, 11), 1);
    check_eq(wire_api_request_header_version(fetch, 12), 2);
    check_eq(wire_api_response_header_version(fetch, 11), 0);
    check_eq(wire_api_response_header_version(fetch, 12), 1);
}

/* A client must be able to read the answer before it knows the broker's versions. */
TEST(api, the_answer_to_api_versions_has_the_oldest_header)
{
    const struct wire_api *api = wire_api_find(API_API_VERSIONS);

    check_eq(wire_api_request_header_version(api, 3), 2);
    for (int16_t version = api->min; version <= api->latest; version++)
        check_eq(wire_api_response_header_version(api, version), 0);
}

TEST(api, every_type_of_record_is_found_in_its_log_and_no_other)
{
    int found = 0;

    for (enum wire_log log = WIRE_LOG_METADATA; log <= WIRE_LOG_REMOTE; log++) {
        for (int type = INT16_MIN; type <= INT16_MAX; type++) {
            const struct wire_record_type *record = wire_record_find(log, (int16_t)type);

            check(!record || (record->log == log && record->type == type && record->value));
            found += record ? 1 : 0;
        }
    }
    check_eq(found, wire_record_type_count);
}

TEST(api, records_of_coordinators_have_keys)
{
    const struct wire_record_type *topic = wire_record_find(WIRE_LOG_METADATA, RECORD_TOPIC_RECORD);
    const struct wire_record_type *offset =
        wire_record_find(WIRE_LOG_GROUPS, GROUP_RECORD_OFFSET_COMMIT);

    check(!topic->key);
    check_text(topic->value->name, "topic_record");
    check_text(offset->key->name, "offset_commit_key");
    check_text(offset->value->name, "offset_commit_value");
}

TEST(api, every_message_is_found_by_its_name)
{
    for (int i = 0; i < wire_message_count; i++)
        check(wire_message_find(slice_text(wire_messages[i]->name)) == wire_messages[i]);
    check(!wire_message_find(slice_text("fetch")));
    check(!wire_message_find(slice_null()));
}
