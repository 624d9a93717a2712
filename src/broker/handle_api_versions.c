/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_api_versions.c - what this node answers, from apis.def.
 *
 * The one request whose version may be above ours: it is answered in version 0 with
 * the range that we have, and the client asks again (KIP-511). */

#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/features.h"
#include "wire/msg/api_versions.h"

enum { APIS_MAX = 128 };

static bool is_software_name(struct slice s)
{
    for (size_t i = 0; i < s.size; i++) {
        uint8_t c = s.data[i];
        uint8_t lower = c | 0x20;
        bool is_inner = i > 0 && i + 1 < s.size;

        if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') &&
            !(is_inner && (c == '.' || c == '-')))
            return false;
    }
    return s.size > 0;
}

/* KIP-1242: from version 5 on a client may say whom it meant to reach. */
static int16_t check_target(const struct request *request, const struct api_versions_request *body)
{
    bool has_cluster = !slice_is_null(body->cluster_id);

    if (has_cluster != (body->node_id != -1))
        return ERROR_INVALID_REQUEST;
    if (has_cluster && (!slice_equal(body->cluster_id, reply_cluster_id(request)) ||
                        body->node_id != request->shard->broker->node_id))
        return ERROR_REBOOTSTRAP_REQUIRED;
    return ERROR_NONE;
}

static void list_apis(struct request *request, struct api_versions_response *response)
{
    struct api_versions_api_version *keys = request_new(request, APIS_MAX * sizeof(*keys));
    int32_t count = 0;

    for (int16_t key = 0; key < APIS_MAX; key++) {
        const struct api *api = dispatch_find(key, dispatch_where(request));

        if (!api)
            continue;
        keys[count++] = (struct api_versions_api_version){
            .api_key = key,
            .min_version = api->min_advertised,
            .max_version = api->max,
        };
    }
    response->api_keys = keys;
    response->api_keys_count = count;
}

/* Older parsers refuse a supported feature whose minimum is 0 (KAFKA-17011); ours has
 * none such.  Nothing but metadata.version is finalized: see the README. */
static void list_features(struct request *request, struct api_versions_response *response)
{
    const struct feature *metadata = &features[FEATURE_METADATA];
    int16_t level = request->image->levels[FEATURE_METADATA];
    struct api_versions_supported_feature_key *supported = request_new(request, sizeof(*supported));
    struct api_versions_finalized_feature_key *finalized = request_new(request, sizeof(*finalized));

    *supported = (struct api_versions_supported_feature_key){.name = slice_text(metadata->name),
                                                             .min_version = metadata->min,
                                                             .max_version = metadata->max};
    *finalized = (struct api_versions_finalized_feature_key){
        .name = slice_text(metadata->name), .min_version_level = level, .max_version_level = level};
    response->supported_features = supported;
    response->supported_features_count = 1;
    response->finalized_features = finalized;
    response->finalized_features_count = 1;
    response->finalized_features_epoch = request->image->offset;
}

static void answer_unsupported(struct request *request)
{
    struct api_versions_response response;
    struct api_versions_api_version self = {
        .api_key = API_API_VERSIONS,
        .min_version = request->api->min,
        .max_version = request->api->max,
    };

    codec_defaults(&api_versions_response_message, &response);
    response.error_code = ERROR_UNSUPPORTED_VERSION;
    response.api_keys = &self;
    response.api_keys_count = 1;
    request_answer_as(request, 0, &response);
}

void handle_api_versions(struct request *request)
{
    const struct api_versions_request *body = request->body;
    int16_t version = request->header.version;
    struct api_versions_response response;

    if (!body) {
        answer_unsupported(request);
        return;
    }
    codec_defaults(&api_versions_response_message, &response);
    if (version >= 3 && (!is_software_name(body->client_software_name) ||
                         !is_software_name(body->client_software_version)))
        response.error_code = ERROR_INVALID_REQUEST;
    else if (version >= 5)
        response.error_code = check_target(request, body);
    if (response.error_code == ERROR_NONE) {
        list_apis(request, &response);
        if (version >= 3)
            list_features(request, &response);
    }
    request_answer(request, &response);
}
