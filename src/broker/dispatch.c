/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dispatch.h"

#include "base/err.h"
#include "broker/forward.h"
#include "broker/session.h"

#define CLIENT DISPATCH_CLIENT
#define PEER DISPATCH_PEER
#define CONTROLLER DISPATCH_CONTROLLER
#define BOTH (CLIENT | CONTROLLER)
#define ADMIN (BOTH | DISPATCH_FORWARD)
#define ANY (CLIENT | PEER | CONTROLLER)

/* In the order of apis.def; there are few, and a request looks once. */
static const struct api apis[] = {
#define API(name, id, where, check, lowest, highest, from)                                         \
    {.key = id,                                                                                    \
     .handle = handle_##name,                                                                      \
     .listeners = where,                                                                           \
     .authorize = DISPATCH_##check,                                                                \
     .min = lowest,                                                                                \
     .max = highest,                                                                               \
     .min_advertised = from},
#include "broker/apis.def"
};

const struct api *dispatch_find(int16_t key, enum dispatch_listener where)
{
    for (size_t i = 0; i < COUNT_OF(apis); i++)
        if (apis[i].key == key && apis[i].listeners & where)
            return &apis[i];
    return NULL;
}

size_t dispatch_count(void)
{
    return COUNT_OF(apis);
}

size_t dispatch_row(const struct api *api)
{
    assert(api >= apis && api < apis + COUNT_OF(apis));
    return (size_t)(api - apis);
}

const struct api *dispatch_api(size_t row)
{
    assert(row < COUNT_OF(apis));
    return &apis[row];
}

enum dispatch_listener dispatch_where(const struct request *request)
{
    return request->is_at_controller ? DISPATCH_CONTROLLER : DISPATCH_CLIENT;
}

bool authorize(const struct request *request, enum acl_operation operation, struct slice resource)
{
    (void)request;
    (void)operation;
    (void)resource;
    return true;
}

static bool is_version_known(const struct request *request)
{
    int16_t version = request->header.version;

    return version >= request->api->min && version <= request->api->max;
}

/* ApiVersions is answered in any version, in version 0 if it is not ours (KIP-511). */
static bool is_version_served(const struct request *request)
{
    return request->wire->key == API_API_VERSIONS || is_version_known(request);
}

static const char *decode_body(struct request *request)
{
    const struct wire_message *message = request->wire->request;
    size_t used;
    int r;

    request->body = arena_try(&request->arena, message->struct_size);
    if (!request->body)
        return "request does not fit into queued.max.request.bytes";
    r = codec_decode(message, request->header.version, request->header.body, &request->arena,
                     request->body, &used);
    switch (r) {
    case 0: return NULL;
    case CODEC_E_NO_MEMORY: return "request does not fit into queued.max.request.bytes";
    default: return "request cannot be decoded";
    }
}

const char *dispatch(struct request *request, struct slice frame)
{
    struct shard *shard = request->shard;
    const char *why;

    if (frame_decode_request(frame, &request->header) == FRAME_E_MALFORMED)
        return "request header cannot be decoded";
    request->bytes = frame;
    request->api = dispatch_find(request->header.key, dispatch_where(request));
    request->wire = request->header.api;
    if (!request->api || !request->wire)
        return "request of an API that is not served here";
    if (!is_version_served(request))
        return "request of a version that is not served";
    if (is_version_known(request)) {
        why = decode_body(request);
        if (why)
            return why;
    }
    if (request->api->authorize == DISPATCH_ON_CLUSTER &&
        !authorize(request, ACL_CLUSTER, slice_text("kafka-cluster")))
        return "request is not allowed";
    shard->requests++;
    metrics_started(&shard->metrics, request);
    if (forward_is_needed(request))
        forward_start(request);
    else
        request->api->handle(request);
    metrics_returned(&shard->metrics);
    return NULL;
}
