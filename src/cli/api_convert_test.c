/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"
#include "base/rng.h"
#include "cli/api_convert.h"
#include "test/harness/check.h"
#include "wire/api.h"

static void check_form(struct api_wish wish, const char *name, int16_t version)
{
    struct text why = {.data = NULL};
    struct api_form form;

    check_ok(api_form_find(&wish, &form, &why));
    check_text(form.message->name, name);
    check_eq(form.version, version);
    text_fini(&why);
}

TEST(api_convert, a_message_has_many_names)
{
    check_form((struct api_wish){.name = "1", .version = "12"}, "fetch_request", 12);
    check_form((struct api_wish){.name = "fetch", .is_response = true}, "fetch_response", 18);
    check_form((struct api_wish){.name = "ListOffsets"}, "list_offsets_request", 11);
    check_form((struct api_wish){.name = "LIST-OFFSETS", .version = "0"}, "list_offsets_request",
               0);
    check_form((struct api_wish){.name = "OffsetCommitValue"}, "offset_commit_value", 4);
    check_form((struct api_wish){.name = "fetch_response", .version = "4"}, "fetch_response", 4);
}

/* The last version of InitProducerId is not stable. */
TEST(api_convert, the_last_stable_version_is_meant_if_none_is_said)
{
    check_form((struct api_wish){.name = "init_producer_id"}, "init_producer_id_request", 5);
    check_form((struct api_wish){.name = "init_producer_id", .version = "6"},
               "init_producer_id_request", 6);
}

static void check_no_form(struct api_wish wish, const char *sentence)
{
    struct text why = {.data = NULL};
    struct api_form form;

    check_eq(api_form_find(&wish, &form, &why), API_CONVERT_E_INVALID);
    check_text(why.data, sentence);
    text_fini(&why);
}

TEST(api_convert, what_there_is_not_is_refused_with_a_sentence)
{
    check_no_form((struct api_wish){.name = "4"},
                  "There is no API and no message 4; moldau api list names them");
    check_no_form((struct api_wish){.name = "fetc"},
                  "There is no API and no message fetc; moldau api list names them");
    check_no_form((struct api_wish){.name = "fetch", .version = "19"},
                  "fetch_request has the versions 0 to 18, not 19");
    check_no_form((struct api_wish){.name = "fetch", .version = "x"},
                  "fetch_request has the versions 0 to 18, not x");
    check_no_form((struct api_wish){.name = "topic_record", .has_header = true},
                  "topic_record is no API: it has no response, header or frame");
}

static struct api_form form_of(struct api_wish wish)
{
    struct text why = {.data = NULL};
    struct api_form form;

    check_ok(api_form_find(&wish, &form, &why));
    return form;
}

static void check_encoded(const struct api_form *form, const char *json, const char *hex)
{
    struct text bytes = {.data = NULL};
    struct text out = {.data = NULL};
    struct text why = {.data = NULL};

    check_ok(api_convert_encode(form, slice_text(json), &bytes, &why));
    base64_print_hex(text_slice(&bytes), &out);
    check_text(out.data, hex);
    text_fini(&bytes);
    text_fini(&out);
    text_fini(&why);
}

static void check_decoded(const struct api_form *form, const char *hex, const char *json)
{
    struct text out = {.data = NULL};
    struct text why = {.data = NULL};
    uint8_t bytes[256];
    size_t count;

    check_ok(base64_parse_hex(slice_text(hex), bytes, &count));
    check_ok(api_convert_decode(form, slice_of(bytes, count), 0, &out, &why));
    check_text(out.data, json);
    text_fini(&out);
    text_fini(&why);
}

TEST(api_convert, a_body_alone)
{
    struct api_form form = form_of((struct api_wish){.name = "heartbeat", .version = "0"});

    check_encoded(&form, "{\"groupId\":\"g\",\"memberId\":\"m\",\"generationId\":3}",
                  "00016700000003"
                  "00016d");
    check_decoded(&form, "0001670000000300016d",
                  "{\"groupId\":\"g\",\"generationId\":3,\"memberId\":\"m\"}");
}

TEST(api_convert, a_frame_has_size_header_and_body)
{
    struct api_form form =
        form_of((struct api_wish){.name = "metadata", .version = "9", .has_size = true});

    check_encoded(&form,
                  "{\"header\":{\"correlationId\":7,\"clientId\":\"me\",\"requestApiKey\":9},"
                  "\"body\":{\"topics\":null,\"allowAutoTopicCreation\":false}}",
                  "000000120003000900000007"
                  "00026d65000000000000");
    check_decoded(&form,
                  "000000120003000900000007"
                  "00026d65000000000000",
                  "{\"header\":{\"requestApiKey\":3,\"requestApiVersion\":9,\"correlationId\":7,"
                  "\"clientId\":\"me\"},\"body\":{\"topics\":null,"
                  "\"allowAutoTopicCreation\":false,\"includeClusterAuthorizedOperations\":false,"
                  "\"includeTopicAuthorizedOperations\":false}}");
}

TEST(api_convert, the_header_of_a_response_to_api_versions_is_the_oldest)
{
    struct api_form form = form_of((struct api_wish){
        .name = "api_versions", .version = "3", .is_response = true, .has_header = true});

    check_encoded(&form, "{\"header\":{\"correlationId\":1}}",
                  "00000001"
                  "0000"
                  "01"
                  "00000000"
                  "00");
}

static void check_refused(const struct api_form *form, const char *json, const char *sentence)
{
    struct text out = {.data = NULL};
    struct text why = {.data = NULL};

    check_eq(api_convert_encode(form, slice_text(json), &out, &why), API_CONVERT_E_INVALID);
    check_text(why.data, sentence);
    text_fini(&out);
    text_fini(&why);
}

TEST(api_convert, a_mistake_in_json_is_told_with_its_line)
{
    struct api_form body = form_of((struct api_wish){.name = "heartbeat"});
    struct api_form whole = form_of((struct api_wish){.name = "heartbeat", .has_header = true});

    check_refused(&body, "{\n\"group\": 1}", "Line 2, group: this version has no such field");
    check_refused(&body, "", "Line 1: the text ends too early");
    check_refused(&whole, "{\"header\":{},\n\"body\":{\n\"groupId\":1}}",
                  "Line 3, groupId: this is not a string");
    check_refused(&whole, "{\"head\":{}}", "Line 1: only header and body belong here");
    check_refused(&whole, "{\"body\":", "Line 1: the text ends too early");
    check_refused(&whole, "{\"body\":{},}", "Line 1: the name of a member is missing");
}

static void check_no_message(const struct api_form *form, const char *hex, const char *sentence)
{
    struct text out = {.data = NULL};
    struct text why = {.data = NULL};
    uint8_t bytes[256];
    size_t count;

    check_ok(base64_parse_hex(slice_text(hex), bytes, &count));
    check_eq(api_convert_decode(form, slice_of(bytes, count), 0, &out, &why),
             API_CONVERT_E_INVALID);
    check_text(why.data, sentence);
    text_fini(&out);
    text_fini(&why);
}

TEST(api_convert, bytes_that_are_no_message_are_refused)
{
    struct api_form body = form_of((struct api_wish){.name = "heartbeat", .version = "0"});
    struct api_form frame =
        form_of((struct api_wish){.name = "heartbeat", .version = "0", .has_size = true});

    check_no_message(&body, "000167000000030001",
                     "This is no heartbeat_request of version 0: the bytes end inside it");
    check_no_message(&body, "0001670000000300016d00",
                     "This is no heartbeat_request of version 0: more bytes follow behind it");
    check_no_message(&body, "ffff",
                     "This is no heartbeat_request of version 0: no such message begins like this");
    check_no_message(&frame, "0000",
                     "There are 2 bytes, which is not what a frame of this size has");
    check_no_message(&frame, "0000000200",
                     "There are 5 bytes, which is not what a frame of this size has");
}

/* What is decoded is encoded to the same bytes, for requests and responses in frames. */
PROPERTY(api_convert, frames_come_back, 300)
{
    const struct wire_api *api = &wire_apis[rng_below(rng, (uint64_t)wire_api_count)];
    struct api_wish wish = {
        .name = api->name, .is_response = rng_chance(rng, 50), .has_size = true};
    struct text bytes = {.data = NULL};
    struct text again = {.data = NULL};
    struct text json = {.data = NULL};
    struct text why = {.data = NULL};
    struct api_form form = form_of(wish);
    struct codec_output output;
    struct arena arena;
    void *in;

    arena_init(&arena, NULL);
    in = arena_new(&arena, form.message->struct_size);
    check_ok(codec_randomise(form.message, form.version, rng, &arena, in));
    check_ok(codec_encode(form.message, form.version, in, &arena, &output));
    check_ok(api_convert_encode(&form, slice_text("{}"), &bytes, &why));
    text_fini(&bytes);
    form.has_size = false;
    form.header = NULL;
    check_ok(api_convert_decode(&form, slice_of(output.data, output.size), 0, &json, &why));
    check_ok(api_convert_encode(&form, text_slice(&json), &again, &why));
    check(slice_equal(text_slice(&again), slice_of(output.data, output.size)));
    text_fini(&again);
    text_fini(&json);
    arena_reset(&arena);
}
