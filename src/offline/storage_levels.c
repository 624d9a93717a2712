/* SPDX-License-Identifier: Apache-2.0 */

/* offline/storage_levels.c - which features a new cluster begins with.
 *
 * Kafka switches on all that the release has.  Here what is not served yet is off unless it is
 * asked for: a cluster must not promise what nobody keeps. */

#include "base/arena.h"
#include "meta/metadata_record.h"
#include "meta/snapshot.h"
#include "offline/storage.h"
#include "wire/msg/feature_level_record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LEVEL_NEW = 30 }; /* 4.3-IV0, which Kafka 4.3 and 4.4 both open. */

int storage_release(const char *text, const struct metadata_version **out, struct text *why)
{
    const struct metadata_version *found = metadata_version_parse(slice_text(text));

    if (found && found->level <= features[FEATURE_METADATA].max) {
        *out = found;
        return 0;
    }
    text_printf(why, "Unknown metadata.version '%s'. Supported metadata.version are: ", text);
    for (int i = 0; i < metadata_version_count; i++)
        if (metadata_versions[i].level <= features[FEATURE_METADATA].max)
            text_printf(why, "%s%s", i ? ", " : "", metadata_versions[i].name);
    return STORAGE_E_FAILED;
}

/* The features by name, without metadata.version. */
static size_t sort_features(enum feature_id out[static FEATURE_COUNT])
{
    size_t count = 0;

    for (int id = 0; id < FEATURE_COUNT; id++) {
        size_t at = count;

        if (id == FEATURE_METADATA)
            continue;
        for (; at > 0 && strcmp(features[out[at - 1]].name, features[id].name) > 0; at--)
            out[at] = out[at - 1];
        out[at] = (enum feature_id)id;
        count++;
    }
    return count;
}

static int unknown_feature(struct slice name, struct text *why)
{
    enum feature_id sorted[FEATURE_COUNT];
    size_t count = sort_features(sorted);

    text_printf(why, "Unsupported feature: %.*s. Supported features are: ", SLICE_ARG(name));
    for (size_t i = 0; i < count; i++)
        text_printf(why, "%s%s", i ? ", " : "", features[sorted[i]].name);
    return STORAGE_E_FAILED;
}

int storage_feature(const char *text, enum feature_id *out_id, int16_t *out_level, struct text *why)
{
    const char *equals = strchr(text, '=');
    struct slice name;
    char *end;
    long level;

    if (!equals) {
        text_printf(why, "Can't parse feature=level string %s: equals sign not found.", text);
        return STORAGE_E_FAILED;
    }
    name = slice_of(text, (size_t)(equals - text));
    level = strtol(equals + 1, &end, 10);
    if (end == equals + 1 || *end || level < 0 || level > INT16_MAX) {
        text_printf(why, "Can't parse feature=level string %s: unable to parse %s as a short.",
                    text, equals + 1);
        return STORAGE_E_FAILED;
    }
    *out_id = feature_find(name);
    *out_level = (int16_t)level;
    return *out_id == FEATURE_COUNT ? unknown_feature(name, why) : 0;
}

static int check_feature(enum feature_id id, int16_t level, int16_t metadata, struct text *why)
{
    const struct feature *feature = &features[id];

    if (id == FEATURE_KRAFT && level > 0)
        text_printf(why, "kraft.version is set by --standalone and --initial-controllers");
    else if (id != FEATURE_METADATA && level > feature->max)
        text_printf(why, "No feature:%s with feature level %d", feature->name, level);
    else if (id == FEATURE_METADATA && (level < feature->min || level > feature->max))
        text_printf(why, "Unknown metadata.version %d", level);
    else if (level > 0 && metadata < feature->needs)
        text_printf(why,
                    "%s could not be set to %d because it depends on metadata.version level %d",
                    feature->name, level, feature->needs);
    return why->size > 0 ? STORAGE_E_FAILED : 0;
}

static int read_feature(struct tool *tool, const char *text, bool has_release,
                        struct storage_levels *levels)
{
    enum feature_id id;
    int16_t level;

    if (storage_feature(text, &id, &level, &tool->why))
        return STORAGE_E_FAILED;
    if (id == FEATURE_METADATA && has_release) {
        text_printf(&tool->why, "Use --release-version instead of --feature metadata.version=X to "
                                "avoid ambiguity.");
        return STORAGE_E_FAILED;
    }
    levels->levels[id] = level;
    return 0;
}

int storage_levels_read(struct tool *tool, int release_row, int feature_row,
                        struct storage_levels *out)
{
    const struct metadata_version *release = NULL;
    const char *text;

    *out = (struct storage_levels){.levels = {[FEATURE_METADATA] = LEVEL_NEW}};
    if (options_get(&tool->options, release_row, &text, &tool->why) ||
        (text && storage_release(text, &release, &tool->why)))
        return STORAGE_E_FAILED;
    if (release)
        out->levels[FEATURE_METADATA] = release->level;
    for (int i = 0; (text = options_nth(&tool->options, feature_row, i)); i++)
        if (read_feature(tool, text, release != NULL, out))
            return STORAGE_E_FAILED;
    for (int id = 0; id < FEATURE_COUNT; id++)
        if (check_feature((enum feature_id)id, out->levels[id], out->levels[FEATURE_METADATA],
                          &tool->why))
            return STORAGE_E_FAILED;
    return 0;
}

/* Calls for metadata.version and then by name, for those that are not off. */
static size_t list_levels(const struct storage_levels *levels,
                          enum feature_id out[static FEATURE_COUNT])
{
    enum feature_id sorted[FEATURE_COUNT];
    size_t count = sort_features(sorted);
    size_t used = 0;

    out[used++] = FEATURE_METADATA;
    for (size_t i = 0; i < count; i++)
        if (levels->levels[sorted[i]] > 0)
            out[used++] = sorted[i];
    return used;
}

void storage_levels_print(const struct storage_levels *levels, int64_t now_ms, struct text *out)
{
    enum feature_id listed[FEATURE_COUNT];
    size_t count = list_levels(levels, listed);
    struct snapshot_writer writer;
    struct arena arena;

    arena_init(&arena, NULL);
    snapshot_begin(&writer, &(struct snapshot_terms){.now_ms = now_ms}, out);
    for (size_t i = 0; i < count; i++) {
        struct feature_level_record record = {.name = slice_text(features[listed[i]].name),
                                              .feature_level = levels->levels[listed[i]]};

        snapshot_add(&writer, metadata_record_encode(&arena, METADATA_FEATURE_LEVEL, levels->levels,
                                                     &record));
    }
    snapshot_end(&writer);
    arena_reset(&arena);
}

void storage_levels_describe(const struct storage_levels *levels, struct text *out)
{
    enum feature_id listed[FEATURE_COUNT];
    size_t count = list_levels(levels, listed);

    text_printf(out, "BootstrapMetadata(records=[");
    for (size_t i = 0; i < count; i++)
        text_printf(out,
                    "%sApiMessageAndVersion(FeatureLevelRecord(name='%s', featureLevel=%d) at "
                    "version 0)",
                    i ? ", " : "", features[listed[i]].name, levels->levels[listed[i]]);
    text_printf(out, "], metadataVersionLevel=%d, source=format command)",
                levels->levels[FEATURE_METADATA]);
}
