/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_update_features.c - levels of features change (KIP-584): what is written today is
 * written at one level, so the level that there is may be asked for and no other. */

#include "broker/dispatch.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "wire/msg/update_features.h"

static int16_t check(struct request *request, const struct update_features_feature_update_key *key,
                     bool is_alone, struct slice *out_why)
{
    int16_t level = request->image->levels[FEATURE_METADATA];

    if (!is_alone) {
        *out_why = slice_text("The feature is named more than once.");
        return ERROR_INVALID_REQUEST;
    }
    if (!slice_is_text(key->feature, "metadata.version")) {
        *out_why = slice_text(arena_printf(
            &request->arena,
            "Invalid update version %d for feature %.*s. Controller does not support this feature.",
            key->max_version_level, SLICE_ARG(key->feature)));
        return ERROR_INVALID_UPDATE_VERSION;
    }
    if (key->max_version_level != level) {
        *out_why = slice_text(arena_printf(
            &request->arena,
            "Invalid update version %d for feature metadata.version: this release writes level %d.",
            key->max_version_level, level));
        return ERROR_INVALID_UPDATE_VERSION;
    }
    return ERROR_NONE;
}

static const struct repeat *find_repeats(struct request *request, size_t count)
{
    const struct update_features_request *body = request->body;
    struct slice *names = request_new(request, (count + 1) * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = body->feature_updates[i].feature;
    return repeats_find(request, names, count);
}

/* The first error is the answer's; without one each feature has a result before version 2. */
void handle_update_features(struct request *request)
{
    const struct update_features_request *body = request->body;
    size_t count = (size_t)max_of(body->feature_updates_count, 0);
    const struct repeat *repeats = find_repeats(request, count);
    struct update_features_updatable_feature_result *results =
        request_new(request, (count + 1) * sizeof(*results));
    struct update_features_response response;

    codec_defaults(&update_features_response_message, &response);
    response.error_message = slice_null();
    for (size_t i = 0; i < count; i++) {
        results[i].feature = body->feature_updates[i].feature;
        results[i].error_code = check(request, &body->feature_updates[i], repeats[i].is_alone,
                                      &results[i].error_message);
        if (response.error_code == ERROR_NONE && results[i].error_code != ERROR_NONE) {
            response.error_code = results[i].error_code;
            response.error_message = results[i].error_message;
        }
    }
    if (request->header.version < 2 && response.error_code == ERROR_NONE) {
        response.results = results;
        response.results_count = (int32_t)count;
    }
    request_answer(request, &response);
}
