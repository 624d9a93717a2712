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

TEST(api, every_type_of_metadata_record_is_found)
{
    for (int i = 0; i < wire_record_type_count; i++)
        check(wire_record_find(wire_record_types[i].type) == wire_record_types[i].message);
    check_text(wire_record_find(RECORD_TOPIC_RECORD)->name, "topic_record");
    check(!wire_record_find(-1));
    check(!wire_record_find(INT16_MAX));
}
