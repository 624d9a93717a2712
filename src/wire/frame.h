/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/frame.h - requests and responses as they go over a connection.
 *
 *     i32 size | header | body
 *              '--- size bytes ---'
 *
 * Decoding begins behind the size, which is the connection's business; encoding
 * includes it, and counts the gaps of the body.
 *
 * Threading: pure functions; the arena is the caller's.
 * Errors:    enum frame_outcome when decoding, enum codec_outcome when encoding.
 */

#include "wire/api.h"
#include "wire/codec.h"

enum frame_outcome {
    FRAME_E_MALFORMED = 1, /* No header of a request. */
    FRAME_E_UNKNOWN_API,   /* `key`, `version` and `correlation_id` are filled nevertheless. */
};

/* A request whose body is not decoded yet.  Slices are borrowed from the frame. */
struct frame_request {
    int16_t key;
    int16_t version; /* Not compared with anything: may be one we do not know. */
    int32_t correlation_id;
    struct slice client_id;     /* May be null. */
    struct slice body;          /* The rest of the frame. */
    const struct wire_api *api; /* NULL after FRAME_E_UNKNOWN_API. */
};

/* Reads the header of a request frame, without its size. */
NODISCARD int frame_decode_request(struct slice frame, struct frame_request *out);

/* Reads the header of the response to a request of this version, without its size. */
NODISCARD int frame_decode_response(const struct wire_api *api, int16_t version, struct slice frame,
                                    int32_t *out_correlation_id, struct slice *out_body);

/* Writes a whole request, size included. */
NODISCARD int frame_encode_request(const struct wire_api *api, int16_t version,
                                   int32_t correlation_id, struct slice client_id,
                                   const void *request, struct arena *arena,
                                   struct codec_output *out);

/* Writes a whole response, size included. */
NODISCARD int frame_encode_response(const struct wire_api *api, int16_t version,
                                    int32_t correlation_id, const void *response,
                                    struct arena *arena, struct codec_output *out);
