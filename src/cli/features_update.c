/* SPDX-License-Identifier: Apache-2.0 */

/* cli/features_update.c - kafka-features: upgrade, downgrade and disable. */

#include "base/java_order.h"
#include "cli/features.h"
#include "wire/errors.h"
#include "wire/msg/update_features.h"

#include <stdlib.h>
#include <string.h>

enum { UPGRADE = 1, SAFE_DOWNGRADE = 2, UNSAFE_DOWNGRADE = 3 };

struct update {
    struct cli *cli;
    struct admin *admin;
    const char *verb;              /* upgrade, downgrade or disable. */
    struct features_level *levels; /* Arena: in the order of the command line. */
    size_t count;
    int16_t top_error; /* Of all. */
    struct slice top_message;
    const struct update_features_response *response;
};

static bool is_disabling(const struct update *u)
{
    return strcmp(u->verb, "disable") == 0;
}

/* --- which levels ------------------------------------------------------------ */

static bool add(struct update *u, struct features_level level)
{
    struct text *why = &u->cli->why;

    for (size_t i = 0; i < u->count; i++)
        if (slice_equal(u->levels[i].name, level.name)) {
            text_printf(why, "Feature %.*s was specified more than once.", SLICE_ARG(level.name));
            return false;
        }
    if (level.level < 0) {
        text_printf(why, "Cannot specify a negative version level.");
        return false;
    }
    u->levels[u->count++] = level;
    return true;
}

/* A new level of 0 is no upgrade. */
static bool add_release(struct update *u, const char *release)
{
    bool is_upgrade = strcmp(u->verb, "upgrade") == 0;
    const struct metadata_version *version;
    bool is_good = true;

    if (!features_release(u->cli, release, &version))
        return false;
    for (int i = 0; i < FEATURE_COUNT && is_good; i++) {
        struct features_level level = {.name = slice_text(features[i].name)};

        level.level = i == FEATURE_METADATA ? version->level
                                            : feature_default((enum feature_id)i, version->level);
        if (level.level > 0 || !is_upgrade)
            is_good = add(u, level);
    }
    return is_good;
}

static bool add_metadata(struct update *u, const char *word)
{
    const struct metadata_version *version;

    console_printf(&u->cli->out,
                   " `metadata` flag is deprecated and may be removed in a future release.\n");
    return features_release(u->cli, word, &version) &&
           add(u, (struct features_level){.name = slice_text(features[FEATURE_METADATA].name),
                                          .level = version->level});
}

static bool add_words(struct update *u)
{
    const char *word;
    bool is_good = true;

    for (int i = 0; is_good && (word = options_nth(&u->cli->options, FEATURES_feature, i)); i++) {
        struct features_level level = {.name = slice_text(word)};

        is_good = (is_disabling(u) || features_parse(u->cli, word, &level)) && add(u, level);
    }
    return is_good;
}

static bool read_levels(struct update *u)
{
    struct options *options = &u->cli->options;
    const char *release = options_nth(options, FEATURES_release, 0);
    const char *metadata = options_nth(options, FEATURES_metadata, 0);
    struct text *why = &u->cli->why;

    u->levels = arena_new(&u->admin->arena,
                          ((size_t)options->use_count + FEATURE_COUNT) * sizeof(*u->levels));
    if (release && (metadata || features_has(u->cli, FEATURES_feature))) {
        text_printf(why, "Can not specify `release-version` with other feature flags.");
        return false;
    }
    if ((release && !add_release(u, release)) || (metadata && !add_metadata(u, metadata)) ||
        !add_words(u))
        return false;
    if (u->count == 0)
        text_printf(why, "You must specify at least one feature to %s", u->verb);
    for (size_t i = 0; i < u->count && why->size == 0; i++)
        if (u->levels[i].name.size == 0)
            text_printf(why, "Provided feature can not be empty.");
    return why->size == 0;
}

/* --- the request ------------------------------------------------------------- */

static int16_t verdict(const struct call *call)
{
    return ((const struct update_features_response *)call->response)->error_code;
}

static const struct call_events update_events = {.done = admin_done, .verdict = verdict};

static int8_t type_of(const struct update *u)
{
    if (strcmp(u->verb, "upgrade") == 0)
        return UPGRADE;
    return features_has(u->cli, FEATURES_unsafe) ? UNSAFE_DOWNGRADE : SAFE_DOWNGRADE;
}

/* Kafka's tool sends them in the order of a map, and the first that is wrong is named. */
static void fill(struct update *u, struct update_features_request *request)
{
    struct arena *arena = &u->admin->arena;
    struct slice *names = arena_new(arena, u->count * sizeof(*names));
    size_t *order = arena_new(arena, u->count * sizeof(*order));
    int8_t type = type_of(u);

    for (size_t i = 0; i < u->count; i++)
        names[i] = u->levels[i].name;
    java_order_sort(names, u->count, 0, order);
    request->feature_updates = arena_new(arena, u->count * sizeof(*request->feature_updates));
    request->feature_updates_count = (int32_t)u->count;
    for (size_t i = 0; i < u->count; i++)
        request->feature_updates[i] = (struct update_features_feature_update_key){
            .feature = u->levels[order[i]].name,
            .max_version_level = u->levels[order[i]].level,
            .upgrade_type = type,
        };
    request->timeout_ms = (int32_t)u->cli->cluster.settings.request_timeout_ms;
    request->validate_only = features_has(u->cli, FEATURES_dry_run);
}

static void send(struct update *u)
{
    struct update_features_request request = update_features_request_defaults;
    struct call_order order = {
        .api = wire_api_find(API_UPDATE_FEATURES),
        .request = &request,
        .target = features_has(u->cli, FEATURES_controller) ? CALL_ANY : CALL_CONTROLLER,
    };
    struct call *call;

    fill(u, &request);
    if (admin_call(u->cli, u->admin, &update_events, order, &call)) {
        u->response = call->response;
        u->top_error = u->response->error_code;
        u->top_message = u->response->error_message;
        return;
    }
    u->top_error = ERROR_UNKNOWN_SERVER_ERROR; /* The sentence says more. */
    u->top_message = slice_text(arena_text(&u->admin->arena, u->cli->why.data, u->cli->why.size));
    text_fini(&u->cli->why);
}

/* --- printing ---------------------------------------------------------------- */

static int16_t error_of(const struct update *u, struct slice name, struct slice *out_message)
{
    *out_message = u->top_message;
    if (u->top_error != ERROR_NONE)
        return u->top_error;
    for (int32_t i = 0; i < u->response->results_count; i++)
        if (slice_equal(u->response->results[i].feature, name)) {
            *out_message = u->response->results[i].error_message;
            return u->response->results[i].error_code;
        }
    return ERROR_NONE;
}

static void print_level(struct update *u, const struct features_level *level, int16_t error,
                        struct slice message)
{
    const char *start = features_has(u->cli, FEATURES_dry_run) ? error ? "Can not " : " can be "
                        : error                                ? "Could not "
                                                               : " was ";
    const char *past = is_disabling(u) ? "disabled" : NULL;
    struct console_out *out = &u->cli->out;

    if (error)
        console_printf(out, "%s%s %.*s", start, u->verb, SLICE_ARG(level->name));
    else
        console_printf(out, "%.*s%s%s%s", SLICE_ARG(level->name), start, past ? past : u->verb,
                       past ? "" : "d");
    if (!is_disabling(u))
        console_printf(out, " to %d", level->level);
    if (!error)
        console_printf(out, ".\n");
    else if (slice_is_null(message))
        console_printf(out, ". %s\n", error_meaning(error));
    else
        console_printf(out, ". %.*s\n", SLICE_ARG(message));
}

static int by_name(const void *a, const void *b)
{
    const struct features_level *x = a;
    const struct features_level *y = b;

    return admin_by_name(&x->name, &y->name);
}

bool features_update(struct cli *cli, struct admin *admin)
{
    struct update u = {.cli = cli, .admin = admin, .verb = cli->command->implies};
    size_t failed = 0;

    if (!read_levels(&u))
        return false;
    send(&u);
    qsort(u.levels, u.count, sizeof(*u.levels), by_name);
    for (size_t i = 0; i < u.count; i++) {
        struct slice message;
        int16_t error = error_of(&u, u.levels[i].name, &message);

        failed += error != ERROR_NONE;
        print_level(&u, &u.levels[i], error, message);
    }
    if (failed > 0)
        text_printf(&cli->why, "%zu out of %zu operation(s) failed.", failed, u.count);
    return failed == 0;
}
