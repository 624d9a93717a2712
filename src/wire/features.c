/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/features.h"

const struct feature features[FEATURE_COUNT] = {
#define FEATURE(id, name_, lowest, highest, one, two, needs_)                                      \
    [FEATURE_##id] = {.name = (name_), .min = (lowest), .max = (highest), .needs = (needs_)},
#include "wire/features.def"
};

/* The metadata.version from which on a new cluster has level 1, and level 2. */
#define NEVER INT16_MAX
static const int16_t default_from[FEATURE_COUNT][2] = {
#define FEATURE(id, name, lowest, highest, one, two, needs) [FEATURE_##id] = {(one), (two)},
#include "wire/features.def"
};

#define SAME false
#define CHANGED true
const struct metadata_version metadata_versions[] = {
#define METADATA_VERSION(level_, name_, records)                                                   \
    {.level = (level_), .name = (name_), .is_departure = (records)},
#include "wire/metadata_versions.def"
};
const int metadata_version_count = COUNT_OF(metadata_versions);

enum feature_id feature_find(struct slice name)
{
    int id = 0;

    while (id < FEATURE_COUNT && !slice_is_text(name, features[id].name))
        id++;
    return (enum feature_id)id;
}

int16_t feature_default(enum feature_id id, int16_t metadata_version)
{
    assert(id < FEATURE_COUNT);
    if (id == FEATURE_METADATA)
        return metadata_version;
    if (metadata_version >= default_from[id][1])
        return 2;
    return metadata_version >= default_from[id][0] ? 1 : 0;
}

const struct metadata_version *metadata_version_find(int16_t level)
{
    for (int i = 0; i < metadata_version_count; i++)
        if (metadata_versions[i].level == level)
            return &metadata_versions[i];
    return NULL;
}

const struct metadata_version *metadata_version_parse(struct slice text)
{
    for (int i = metadata_version_count - 1; i >= 0; i--) {
        const char *name = metadata_versions[i].name;
        size_t release_size = strcspn(name, "-");

        if (slice_is_text(text, name) || slice_equal(text, slice_of(name, release_size)))
            return &metadata_versions[i];
    }
    return NULL;
}
