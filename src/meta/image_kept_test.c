/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/image_test.h"

static int add_acl(struct fixture *f, uint8_t id)
{
    struct access_control_entry_record record = {.id = id_of(id),
                                                 .resource_type = 2,
                                                 .resource_name = slice_text("orders"),
                                                 .principal = slice_text("User:ada"),
                                                 .host = slice_text("*")};

    return apply(f, record_of(f, &access_control_entry_record_message, 18, 0, &record));
}

static int set_quota(struct fixture *f, const char *first, const char *second, double value,
                     bool remove)
{
    struct client_quota_record_entity_data entity[] = {
        {.entity_type = slice_text(first), .entity_name = slice_text("ada")},
        {.entity_type = slice_text(second), .entity_name = slice_null()},
    };
    struct client_quota_record record = {.entity = entity,
                                         .entity_count = 2,
                                         .key = slice_text("producer_byte_rate"),
                                         .value = value,
                                         .remove = remove};

    return apply(f, record_of(f, &client_quota_record_message, 14, 0, &record));
}

TEST(image_kept, acls_are_kept_by_id)
{
    struct remove_access_control_entry_record gone = {.id = id_of(1)};
    struct fixture f;

    fixture_init(&f);
    check_ok(add_acl(&f, 1));
    check_ok(add_acl(&f, 2));
    check_ok(add_acl(&f, 2));
    check_eq(image_count_kept(image_of(&f), METADATA_ACL), 2);
    for (int i = 0; i < 2; i++)
        check_ok(
            apply(&f, record_of(&f, &remove_access_control_entry_record_message, 19, 0, &gone)));
    check_eq(image_count_kept(image_of(&f), METADATA_ACL), 1);
    check_eq(image_count_kept(image_of(&f), METADATA_CLIENT_QUOTA), 0);
    fixture_fini(&f);
}

TEST(image_kept, credentials_are_kept_by_user_and_mechanism)
{
    struct user_scram_credential_record record = {.name = slice_text("ada"), .mechanism = 1};
    struct remove_user_scram_credential_record gone = {.name = slice_text("ada"), .mechanism = 2};
    struct fixture f;

    record.salt = record.stored_key = record.server_key = slice_text("x");
    fixture_init(&f);
    check_ok(apply(&f, record_of(&f, &user_scram_credential_record_message, 11, 0, &record)));
    record.mechanism = 2;
    check_ok(apply(&f, record_of(&f, &user_scram_credential_record_message, 11, 0, &record)));
    record.iterations = 8192;
    check_ok(apply(&f, record_of(&f, &user_scram_credential_record_message, 11, 0, &record)));
    check_eq(image_count_kept(image_of(&f), METADATA_SCRAM_CREDENTIAL), 2);
    check_ok(apply(&f, record_of(&f, &remove_user_scram_credential_record_message, 22, 0, &gone)));
    check_eq(image_count_kept(image_of(&f), METADATA_SCRAM_CREDENTIAL), 1);
    fixture_fini(&f);
}

TEST(image_kept, tokens_are_kept_by_id)
{
    struct delegation_token_record record = {.owner = slice_text("User:ada"),
                                             .requester = slice_text("User:ada"),
                                             .token_id = slice_text("t1")};
    struct remove_delegation_token_record gone = {.token_id = slice_text("t1")};
    struct fixture f;

    fixture_init(&f);
    check_ok(apply(&f, record_of(&f, &delegation_token_record_message, 10, 0, &record)));
    check_eq(image_count_kept(image_of(&f), METADATA_DELEGATION_TOKEN), 1);
    check_ok(apply(&f, record_of(&f, &remove_delegation_token_record_message, 26, 0, &gone)));
    check_eq(image_count_kept(image_of(&f), METADATA_DELEGATION_TOKEN), 0);
    fixture_fini(&f);
}

TEST(image_kept, the_parts_of_a_quota_s_entity_come_in_any_order)
{
    struct fixture f;

    fixture_init(&f);
    check_ok(set_quota(&f, "user", "client-id", 1024, false));
    check_ok(set_quota(&f, "user", "client-id", 2048, false));
    check_eq(image_count_kept(image_of(&f), METADATA_CLIENT_QUOTA), 1);
    check_ok(set_quota(&f, "client-id", "user", 1, false)); /* Another: the names differ. */
    check_eq(image_count_kept(image_of(&f), METADATA_CLIENT_QUOTA), 2);
    check_ok(set_quota(&f, "user", "client-id", 0, true));
    check_eq(image_count_kept(image_of(&f), METADATA_CLIENT_QUOTA), 1);
    fixture_fini(&f);
}

TEST(image_kept, a_feature_without_a_place_is_kept)
{
    struct feature_level_record record = {.name = slice_text("zebra.version"), .feature_level = 1};
    struct fixture f;

    fixture_init(&f);
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &record)));
    check_eq(image_count_kept(image_of(&f), METADATA_FEATURE_LEVEL), 1);
    record.feature_level = 0;
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &record)));
    check_eq(image_count_kept(image_of(&f), METADATA_FEATURE_LEVEL), 0);
    fixture_fini(&f);
}
