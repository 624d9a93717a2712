/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "test/harness/check.h"
#include "wire/api.h"
#include "wire/codec_json.h"
#include "wire/msg/client_quota_record.h"
#include "wire/msg/fetch.h"
#include "wire/msg/kraft_version_record.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"
#include "wire/msg/vote.h"

#include <math.h>
#include <stdio.h>

static const struct wire_message *some_message(struct rng *rng, int16_t *out_version)
{
    const struct wire_message *m = wire_messages[rng_below(rng, (uint64_t)wire_message_count)];

    *out_version = (int16_t)rng_between(rng, m->min, m->max);
    return m;
}

/* --- printing --------------------------------------------------------------- */

static void check_printed(const struct wire_message *m, int16_t version, const void *in,
                          unsigned flags, const char *text)
{
    struct text out = {.data = NULL};

    codec_print(m, version, in, flags, &out);
    check_text(out.data, text);
    text_fini(&out);
}

TEST(codec_json, a_message_is_printed_as_one_line_of_json)
{
    struct produce_partition_produce_data partition = {
        .index = 3,
        .records = {.bytes = slice_text("123456")},
    };
    struct produce_topic_produce_data topic = {
        .name = slice_text("a \"b\" \\ \n"),
        .partition_data = &partition,
        .partition_data_count = 1,
    };
    struct produce_request request = produce_request_defaults;

    request.acks = -1;
    request.timeout_ms = 1500;
    request.topic_data = &topic;
    request.topic_data_count = 1;
    check_printed(&produce_request_message, 7, &request, 0,
                  "{\"transactionalId\":null,\"acks\":-1,\"timeoutMs\":1500,"
                  "\"topicData\":[{\"name\":\"a \\\"b\\\" \\\\ \\n\","
                  "\"partitionData\":[{\"index\":3,\"records\":\"MTIzNDU2\"}]}]}");
    partition.records = (struct wire_records){.source = &partition, .source_size = 77};
    topic.name = slice_empty();
    check_printed(&produce_request_message, 7, &request, 0,
                  "{\"transactionalId\":null,\"acks\":-1,\"timeoutMs\":1500,"
                  "\"topicData\":[{\"name\":\"\","
                  "\"partitionData\":[{\"index\":3,\"recordsSizeInBytes\":77}]}]}");
    partition.records = (struct wire_records){.bytes = slice_text("abc")};
    check_printed(&produce_request_message, 7, &request, CODEC_JSON_SIZES,
                  "{\"transactionalId\":null,\"acks\":-1,\"timeoutMs\":1500,"
                  "\"topicData\":[{\"name\":\"\","
                  "\"partitionData\":[{\"index\":3,\"recordsSizeInBytes\":3}]}]}");
}

TEST(codec_json, tagged_fields_are_printed_unless_they_have_their_default)
{
    struct fetch_request request = fetch_request_defaults;
    struct text out = {.data = NULL};

    codec_print(&fetch_request_message, 15, &request, 0, &out);
    check(!strstr(out.data, "clusterId") && !strstr(out.data, "replicaState"));
    text_cut(&out, 0);
    request.replica_state.replica_id = 4;
    codec_print(&fetch_request_message, 15, &request, 0, &out);
    check(strstr(out.data, "\"replicaState\":{\"replicaId\":4,\"replicaEpoch\":-1}"));
    text_fini(&out);
}

TEST(codec_json, real_numbers_are_as_short_as_they_can_be)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-1, "-1.0"},
                 {0.1, "0.1"},
                 {1e300, "1e+300"},
                 {1.0 / 3, "0.3333333333333333"},
                 {HUGE_VAL, "\"Infinity\""},
                 {-HUGE_VAL, "\"-Infinity\""},
                 {(double)NAN, "\"NaN\""}};
    struct client_quota_record record = client_quota_record_defaults;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[100];

        record.value = cases[i].value;
        snprintf(text, sizeof(text), "{\"entity\":[],\"key\":\"\",\"value\":%s,\"remove\":false}",
                 cases[i].text);
        check_printed(&client_quota_record_message, 0, &record, 0, text);
    }
}

TEST(codec_json, kraft_is_written_as_kafka_writes_it)
{
    struct kraft_version_record record = {.version = 0, .kraft_version = 1};

    check_printed(&kraft_version_record_message, 0, &record, 0,
                  "{\"version\":0,\"kRaftVersion\":1}");
}

/* --- parsing ---------------------------------------------------------------- */

struct reading {
    struct arena arena;
    struct codec_mistake mistake;
    struct vote_request vote;
    struct metadata_request metadata;
    struct produce_request produce;
    struct client_quota_record quota;
};

static int read_vote(struct reading *r, const char *text)
{
    return codec_parse(&vote_request_message, 2, slice_text(text), &r->arena, &r->vote,
                       &r->mistake);
}

TEST(codec_json, members_come_in_any_order_and_may_be_left_out)
{
    struct reading r;

    arena_init(&r.arena, NULL);
    check_ok(read_vote(&r,
                       "{\"topics\": [ {\"partitions\": [{\"preVote\": true, \"replicaId\": 3}],"
                       "\"topicName\": \"t\"} ], \"voterId\": 9}\n"));
    check_eq(r.vote.voter_id, 9);
    check(slice_is_null(r.vote.cluster_id));
    check_eq(r.vote.topics_count, 1);
    check(slice_is_text(r.vote.topics[0].topic_name, "t"));
    check_eq(r.vote.topics[0].partitions[0].replica_id, 3);
    check(r.vote.topics[0].partitions[0].pre_vote);
    check_ok(read_vote(&r, "{}"));
    check_eq(r.vote.voter_id, -1);
    arena_reset(&r.arena);
}

TEST(codec_json, names_are_in_camel_or_in_snake_case)
{
    struct kraft_version_record record;
    struct reading r;

    arena_init(&r.arena, NULL);
    check_ok(read_vote(&r, "{\"voter_id\": 1, \"clusterId\": \"c\"}"));
    check_eq(r.vote.voter_id, 1);
    check(slice_is_text(r.vote.cluster_id, "c"));
    check_eq(read_vote(&r, "{\"VoterID\": 1}"), 0);
    check_eq(read_vote(&r, "{\"voterid\": 1}"), CODEC_E_MALFORMED);
    check_eq(read_vote(&r, "{\"voterI\": 1}"), CODEC_E_MALFORMED);
    check_eq(read_vote(&r, "{\"voterIds\": 1}"), CODEC_E_MALFORMED);
    check_eq(read_vote(&r, "{\"\": 1}"), CODEC_E_MALFORMED);
    check_ok(codec_parse(&kraft_version_record_message, 0, slice_text("{\"kRaftVersion\": 7}"),
                         &r.arena, &record, &r.mistake));
    check_eq(record.kraft_version, 7);
    arena_reset(&r.arena);
}

static void check_mistake(const char *text, int line, const char *where, const char *why)
{
    struct reading r;

    arena_init(&r.arena, NULL);
    check_eq(read_vote(&r, text), CODEC_E_MALFORMED);
    check_text(r.mistake.where, where);
    check_text(r.mistake.why, why);
    check_eq(r.mistake.line, line);
    arena_reset(&r.arena);
}

TEST(codec_json, a_mistake_is_told_with_its_place)
{
    check_mistake("", 1, "", "the text ends too early");
    check_mistake("[]", 1, "", "this is not an object");
    check_mistake("{}\n{}", 2, "", "more follows behind the end");
    check_mistake("{\"voterId\":\n 2147483648}", 2, "voterId",
                  "this number does not fit the field");
    check_mistake("{\"topics\": [{\"partitions\": [{\"replicaId\": \"1\"}]}]}", 1,
                  "topics.partitions.replicaId", "this is not a number");
    check_mistake("{\"topics\": null}", 1, "topics", "this may not be null");
    check_mistake("{\"topics\": {}}", 1, "topics", "this is not an array");
    check_mistake("{\"topics\": [{\"name\": 1}]}", 1, "topics.name",
                  "this version has no such field");
    check_mistake("{\"topics\": [{\"partitions\": [{\"voterDirectoryId\": \"x\"}]}]}", 1,
                  "topics.partitions.voterDirectoryId",
                  "this is not an id: 22 characters of URL-safe base64");
}

TEST(codec_json, bytes_are_base64_and_may_be_null_where_the_version_says_so)
{
    struct reading r;

    arena_init(&r.arena, NULL);
    check_ok(
        codec_parse(&produce_request_message, 9,
                    slice_text("{\"topicData\":[{\"partitionData\":[{\"records\":\"MTIzNDU2\"},"
                               "{\"records\":null},{\"records\":\"\"}]}]}"),
                    &r.arena, &r.produce, &r.mistake));
    check(slice_is_text(r.produce.topic_data->partition_data[0].records.bytes, "123456"));
    check(slice_is_null(r.produce.topic_data->partition_data[1].records.bytes));
    check(slice_is_text(r.produce.topic_data->partition_data[2].records.bytes, ""));
    check_eq(codec_parse(&produce_request_message, 9,
                         slice_text("{\"topicData\":[{\"partitionData\":[{\"records\":\"M\"}]}]}"),
                         &r.arena, &r.produce, &r.mistake),
             CODEC_E_MALFORMED);
    check_text(r.mistake.why, "this is not base64");
    arena_reset(&r.arena);
}

TEST(codec_json, numbers_that_json_lacks_are_strings)
{
    static const char *const texts[] = {"\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "\"nan\""};
    struct reading r;

    arena_init(&r.arena, NULL);
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        const char *text = arena_printf(&r.arena, "{\"value\":%s}", texts[i]);

        check_eq(codec_parse(&client_quota_record_message, 0, slice_text(text), &r.arena, &r.quota,
                             &r.mistake),
                 i < 3 ? 0 : CODEC_E_MALFORMED);
        if (i < 3)
            check(i == 0 ? isnan(r.quota.value) : isinf(r.quota.value) == (i == 1 ? 1 : -1));
    }
    arena_reset(&r.arena);
}

TEST(codec_json, there_must_be_such_a_version)
{
    struct reading r;

    arena_init(&r.arena, NULL);
    check_eq(codec_parse(&metadata_request_message, 99, slice_text("{}"), &r.arena, &r.metadata,
                         &r.mistake),
             CODEC_E_VERSION);
    arena_reset(&r.arena);
}

TEST(codec_json, a_full_budget_ends_the_parsing)
{
    struct text text = {.data = NULL};
    struct budget budget;
    struct reading r;

    text_printf(&text, "{\"topics\":[");
    for (int i = 0; i < 3000; i++)
        text_printf(&text, "%s{}", i ? "," : "");
    text_printf(&text, "]}");
    budget_init(&budget, 16384);
    arena_init(&r.arena, &budget);
    check_eq(codec_parse(&metadata_request_message, 9, text_slice(&text), &r.arena, &r.metadata,
                         &r.mistake),
             CODEC_E_MALFORMED);
    check_text(r.mistake.why, "there is not enough memory");
    arena_reset(&r.arena);
    text_fini(&text);
}

/* What is printed is JSON, and reads back as what was printed. */
static void check_comes_back(const struct wire_message *m, int16_t version, struct rng *rng)
{
    struct text out = {.data = NULL};
    struct codec_mistake mistake;
    struct arena arena;
    struct json json;
    void *before;
    void *after;

    arena_init(&arena, NULL);
    before = arena_new(&arena, m->struct_size);
    after = arena_new(&arena, m->struct_size);
    check_ok(codec_randomise(m, version, rng, &arena, before));
    codec_print(m, version, before, 0, &out);
    json_init(&json, text_slice(&out));
    check(json_skip(&json) && json_end(&json));
    check_ok(codec_parse(m, version, text_slice(&out), &arena, after, &mistake));
    check(codec_equal(m, version, before, after));
    text_fini(&out);
    arena_reset(&arena);
}

TEST(codec_json, every_message_in_every_version_comes_back)
{
    for (int i = 0; i < wire_message_count; i++) {
        const struct wire_message *m = wire_messages[i];

        for (int16_t version = m->min; version <= m->max; version++) {
            struct rng local = rng_of((uint64_t)i * 100 + (uint64_t)version);

            for (int k = 0; k < 3; k++)
                check_comes_back(m, version, &local);
        }
    }
}

PROPERTY(codec_json, random_messages_come_back, 1000)
{
    int16_t version;
    const struct wire_message *m = some_message(rng, &version);

    check_comes_back(m, version, rng);
}

/* Any text is a message or a mistake; what is read is printed and reads the same again. */
FUZZ(codec_json, parse)
{
    const struct wire_message *m;
    struct codec_mistake mistake;
    struct arena arena;
    int16_t version;
    void *out;

    if (size < 3)
        return;
    m = wire_messages[(data[0] << 8 | data[1]) % wire_message_count];
    version = (int16_t)(m->min + data[2] % (m->max - m->min + 1));
    arena_init(&arena, NULL);
    out = arena_new(&arena, m->struct_size);
    if (!codec_parse(m, version, slice_of(data + 3, size - 3), &arena, out, &mistake)) {
        struct text text = {.data = NULL};
        void *again = arena_new(&arena, m->struct_size);

        codec_print(m, version, out, 0, &text);
        check_ok(codec_parse(m, version, text_slice(&text), &arena, again, &mistake));
        check(codec_equal(m, version, out, again));
        text_fini(&text);
    } else {
        check(mistake.why);
    }
    arena_reset(&arena);
}
