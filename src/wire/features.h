/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/features.h - what a cluster can agree on, so that all its nodes understand what any
 * of them writes: features with levels, of which metadata.version is the one that every
 * cluster has.  Facts of Kafka's; which levels are served here is the broker's business.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "base/slice.h"

enum feature_id {
#define FEATURE(id, name, lowest, highest, one, two, needs) FEATURE_##id,
#include "wire/features.def"
    FEATURE_COUNT,
};

struct feature {
    const char *name; /* metadata.version */
    int16_t min, max; /* Levels; 0 is off. */
    int16_t needs;    /* The metadata.version from which on it can be switched on. */
};

/* All of them, by enum feature_id. */
extern const struct feature features[FEATURE_COUNT];

/* The feature with this name, or FEATURE_COUNT if there is none. */
enum feature_id feature_find(struct slice name);

/* The level that a new cluster has with this metadata.version. */
int16_t feature_default(enum feature_id id, int16_t metadata_version);

/* A level of metadata.version. */
struct metadata_version {
    int16_t level;
    const char *name;  /* 4.3-IV0 */
    bool is_departure; /* It has records that the level before lacks. */
};

/* By ascending level; the last may be above what is ready for production. */
extern const struct metadata_version metadata_versions[];
extern const int metadata_version_count;

/* The level, or NULL if it is none. */
const struct metadata_version *metadata_version_find(int16_t level);

/* What a person means: `4.3-IV0` is that level, `4.3` the last one of the release.  NULL if
 * it is neither. */
const struct metadata_version *metadata_version_parse(struct slice text);
