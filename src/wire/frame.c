/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "wire/bytes.h"
#include "wire/msg/request_header.h"
#include "wire/msg/response_header.h"

enum { SIZE_SIZE = 4, FIXED_SIZE = 8 }; /* Key, version and correlation id come first. */

int frame_decode_request(struct slice frame, struct frame_request *out)
{
    struct frame_request request = {.api = NULL};
    struct request_header header;
    size_t used;

    if (frame.size < FIXED_SIZE)
        return FRAME_E_MALFORMED;
    request.key = bytes_load_i16(frame.data);
    request.version = bytes_load_i16(frame.data + 2);
    request.correlation_id = bytes_load_i32(frame.data + 4);
    request.api = wire_api_find(request.key);
    if (!request.api) {
        *out = request;
        return FRAME_E_UNKNOWN_API;
    }
    if (codec_decode(&request_header_message,
                     wire_api_request_header_version(request.api, request.version), frame, NULL,
                     &header, &used))
        return FRAME_E_MALFORMED;
    request.client_id = header.client_id;
    request.body = slice_of(frame.data + used, frame.size - used);
    *out = request;
    return 0;
}

int frame_decode_response(const struct wire_api *api, int16_t version, struct slice frame,
                          int32_t *out_correlation_id, struct slice *out_body)
{
    struct response_header header;
    size_t used;

    if (codec_decode(&response_header_message, wire_api_response_header_version(api, version),
                     frame, NULL, &header, &used))
        return FRAME_E_MALFORMED;
    *out_correlation_id = header.correlation_id;
    *out_body = slice_of(frame.data + used, frame.size - used);
    return 0;
}

/* Writes size and header in front of a body.  Headers have no gaps. */
static int encode(const struct wire_message *header_message, int16_t header_version,
                  const void *header, const struct wire_message *message, int16_t version,
                  const void *body, struct arena *arena, struct codec_output *out)
{
    struct codec_output front;
    struct codec_output output;
    size_t size;
    int e;

    e = codec_encode(header_message, header_version, header, arena, &front);
    if (!e)
        e = codec_encode_behind(message, version, body, SIZE_SIZE + front.size, arena, &output);
    if (e)
        return e;
    size = output.size - SIZE_SIZE + output.gap_bytes;
    if (size > INT32_MAX)
        return CODEC_E_TOO_MANY;
    bytes_store_i32(output.data, (int32_t)size);
    memcpy(output.data + SIZE_SIZE, front.data, front.size);
    *out = output;
    return 0;
}

int frame_encode_request(const struct wire_api *api, int16_t version, int32_t correlation_id,
                         struct slice client_id, const void *request, struct arena *arena,
                         struct codec_output *out)
{
    struct request_header header = {.request_api_key = api->key,
                                    .request_api_version = version,
                                    .correlation_id = correlation_id,
                                    .client_id = client_id};

    return encode(&request_header_message, wire_api_request_header_version(api, version), &header,
                  api->request, version, request, arena, out);
}

int frame_encode_response(const struct wire_api *api, int16_t version, int32_t correlation_id,
                          const void *response, struct arena *arena, struct codec_output *out)
{
    struct response_header header = {.correlation_id = correlation_id};

    return encode(&response_header_message, wire_api_response_header_version(api, version), &header,
                  api->response, version, response, arena, out);
}
