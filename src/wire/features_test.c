/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/features.h"

TEST(features, a_feature_is_found_by_its_name)
{
    for (int id = 0; id < FEATURE_COUNT; id++) {
        check_eq(feature_find(slice_text(features[id].name)), id);
        check(features[id].min <= features[id].max);
    }
    check_eq(feature_find(slice_text("metadata")), FEATURE_COUNT);
    check_eq(feature_find(slice_null()), FEATURE_COUNT);
}

TEST(features, levels_of_the_metadata_ascend_without_a_hole)
{
    check_eq(metadata_versions[0].level, features[FEATURE_METADATA].min);
    for (int i = 1; i < metadata_version_count; i++)
        check_eq(metadata_versions[i].level, metadata_versions[i - 1].level + 1);
    check(metadata_version_find(features[FEATURE_METADATA].max));
    check(!metadata_version_find(6));
    check_text(metadata_version_find(30)->name, "4.3-IV0");
}

TEST(features, a_release_means_its_last_level)
{
    check_eq(metadata_version_parse(slice_text("4.3-IV0"))->level, 30);
    check_eq(metadata_version_parse(slice_text("4.2"))->level, 29);
    check_eq(metadata_version_parse(slice_text("4.2-IV0"))->level, 28);
    check(!metadata_version_parse(slice_text("4")));
    check(!metadata_version_parse(slice_text("4.2-")));
    check(!metadata_version_parse(slice_text("")));
}

TEST(features, a_new_cluster_has_what_its_metadata_version_is_for)
{
    check_eq(feature_default(FEATURE_METADATA, 30), 30);
    check_eq(feature_default(FEATURE_TRANSACTION, 23), 0);
    check_eq(feature_default(FEATURE_TRANSACTION, 24), 2);
    check_eq(feature_default(FEATURE_SHARE, 27), 0);
    check_eq(feature_default(FEATURE_SHARE, 28), 1);
    check_eq(feature_default(FEATURE_SHARE, 31), 2);
    check_eq(feature_default(FEATURE_GROUP, 33), 1);
}
