/* SPDX-License-Identifier: Apache-2.0 */
#include "test/harness/check.h"
#include "wire/bytes.h"
#include "wire/frame.h"
#include "wire/msg/api_versions.h"
#include "wire/msg/fetch.h"

/* ApiVersions of version 3: key, version, correlation id, client id, no tags; body. */
static const uint8_t api_versions_v3[] = {0,   18,  0, 3, 0x11, 0x22, 0x33, 0x44, 0,   3,   'a',
                                          'b', 'c', 0, 4, 'l',  'i',  'b',  3,    '1', '2', 0};
/* The same without a client id, and version 2, whose header has no tags and whose body is
 * empty. */
static const uint8_t api_versions_v2[] = {0, 18, 0, 2, 0, 0, 0, 9, 0xff, 0xff};

TEST(frame, a_flexible_request_is_read)
{
    struct frame_request request;

    check_ok(frame_decode_request(slice_of(api_versions_v3, sizeof(api_versions_v3)), &request));
    check_eq(request.key, API_API_VERSIONS);
    check_eq(request.version, 3);
    check_eq(request.correlation_id, 0x11223344);
    check(slice_is_text(request.client_id, "abc"));
    check_eq(request.body.size, 8);
    check_eq(request.api->key, API_API_VERSIONS);
}

TEST(frame, an_old_request_without_client_id_is_read)
{
    struct frame_request request;

    check_ok(frame_decode_request(slice_of(api_versions_v2, sizeof(api_versions_v2)), &request));
    check_eq(request.version, 2);
    check_eq(request.correlation_id, 9);
    check(slice_is_null(request.client_id));
    check_eq(request.body.size, 0);
}

TEST(frame, a_header_that_is_cut_off_is_malformed)
{
    struct frame_request request = {.key = 7};

    for (size_t cut = 0; cut < 14; cut++)
        check_eq(frame_decode_request(slice_of(api_versions_v3, cut), &request), FRAME_E_MALFORMED);
    check_eq(request.key, 7);
}

TEST(frame, of_an_unknown_api_the_fixed_fields_are_read)
{
    uint8_t bytes[sizeof(api_versions_v3)];
    struct frame_request request;

    memcpy(bytes, api_versions_v3, sizeof(bytes));
    bytes[0] = 0x7f;
    check_eq(frame_decode_request(slice_of(bytes, sizeof(bytes)), &request), FRAME_E_UNKNOWN_API);
    check_eq(request.key, 0x7f12);
    check_eq(request.version, 3);
    check_eq(request.correlation_id, 0x11223344);
    check(!request.api);
}

/* The version is the dispatcher's business, also one that nobody knows. */
TEST(frame, a_version_out_of_range_is_no_error)
{
    uint8_t bytes[sizeof(api_versions_v3)];
    struct frame_request request;

    memcpy(bytes, api_versions_v3, sizeof(bytes));
    bytes[3] = 99;
    check_ok(frame_decode_request(slice_of(bytes, sizeof(bytes)), &request));
    check_eq(request.version, 99);
}

static const struct wire_api *some_api(struct rng *rng, int16_t *out_version)
{
    const struct wire_api *api = &wire_apis[rng_below(rng, (uint64_t)wire_api_count)];

    *out_version = (int16_t)rng_between(rng, api->min, api->latest);
    return api;
}

/* The size in front counts the rest; this is the rest. */
static struct slice frame_of(const struct codec_output *output)
{
    check_eq(bytes_load_i32(output->data) + 4, output->size + output->gap_bytes);
    return slice_of(output->data + 4, output->size - 4);
}

PROPERTY(frame, requests_are_read_as_they_were_written, 1000)
{
    int16_t version;
    const struct wire_api *api = some_api(rng, &version);
    int32_t id = (int32_t)rng_next(rng);
    struct slice client_id = rng_chance(rng, 20) ? slice_null() : slice_text("some client");
    struct codec_output output;
    struct frame_request request;
    struct arena arena;
    void *in;
    void *out;

    arena_init(&arena, NULL);
    in = arena_new(&arena, api->request->struct_size);
    out = arena_new(&arena, api->request->struct_size);
    check_ok(codec_randomise(api->request, version, rng, &arena, in));
    check_ok(frame_encode_request(api, version, id, client_id, in, &arena, &output));
    check_ok(frame_decode_request(frame_of(&output), &request));
    check(request.api == api);
    check_eq(request.version, version);
    check_eq(request.correlation_id, id);
    check(slice_equal(request.client_id, client_id));
    check_ok(codec_decode_all(api->request, version, request.body, &arena, out));
    check(codec_equal(api->request, version, in, out));
    arena_reset(&arena);
}

PROPERTY(frame, responses_are_read_as_they_were_written, 1000)
{
    int16_t version;
    const struct wire_api *api = some_api(rng, &version);
    int32_t id = (int32_t)rng_next(rng);
    struct codec_output output;
    struct slice body;
    struct arena arena;
    int32_t read_id;
    void *in;
    void *out;

    arena_init(&arena, NULL);
    in = arena_new(&arena, api->response->struct_size);
    out = arena_new(&arena, api->response->struct_size);
    check_ok(codec_randomise(api->response, version, rng, &arena, in));
    check_ok(frame_encode_response(api, version, id, in, &arena, &output));
    check_ok(frame_decode_response(api, version, frame_of(&output), &read_id, &body));
    check_eq(read_id, id);
    check_ok(codec_decode_all(api->response, version, body, &arena, out));
    check(codec_equal(api->response, version, in, out));
    arena_reset(&arena);
}

TEST(frame, the_size_in_front_counts_records_that_lie_elsewhere)
{
    const struct wire_api *api = wire_api_find(API_FETCH);
    int source;
    struct fetch_partition_data partition = fetch_partition_data_defaults;
    struct fetch_fetchable_topic_response topic = {
        .topic = slice_text("t"), .partitions = &partition, .partitions_count = 1};
    struct fetch_response response;
    struct codec_output output;
    struct arena arena;

    arena_init(&arena, NULL);
    codec_defaults(api->response, &response);
    partition.records = (struct wire_records){.source = &source, .source_size = 100000};
    response.responses = &topic;
    response.responses_count = 1;
    check_ok(frame_encode_response(api, 11, 5, &response, &arena, &output));
    check_eq(output.gap_count, 1);
    check_eq(output.gap_bytes, 100000);
    check_eq(bytes_load_i32(output.data), output.size - 4 + 100000);
    arena_reset(&arena);
}

FUZZ(frame, decode_request)
{
    struct frame_request request;

    if (frame_decode_request(slice_of(data, size), &request))
        return;
    check(request.body.size < size);
    check(request.body.data + request.body.size == data + size);
}

FUZZ(frame, decode_response)
{
    int32_t id;
    struct slice body;
    const struct wire_api *api;

    if (size < 2)
        return;
    api = &wire_apis[data[0] % wire_api_count];
    if (frame_decode_response(api, data[1], slice_of(data + 2, size - 2), &id, &body))
        return;
    check(body.data + body.size == data + size);
}
