/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fakes/fake_requests.h"

#include "wire/batch.h"
#include "wire/errors.h"
#include "wire/msg/api_versions.h"
#include "wire/msg/fetch.h"
#include "wire/msg/init_producer_id.h"
#include "wire/msg/list_offsets.h"
#include "wire/msg/metadata.h"
#include "wire/msg/produce.h"

#include <string.h>

enum { LATEST = -1, EARLIEST = -2 };

static struct fake_topic *topic_by(struct fake_cluster *cluster, struct slice name, struct uuid id)
{
    for (int i = 0; i < cluster->topic_count; i++) {
        struct fake_topic *topic = &cluster->topics[i];

        if (name.size > 0 ? slice_is_text(name, topic->name) : uuid_equal(id, topic->id))
            return topic;
    }
    return NULL;
}

/* The partition if this node leads it, else an error. */
static struct fake_partition *led(struct fake_node *node, struct fake_topic *topic, int32_t index,
                                  int16_t *error)
{
    *error = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
    if (!topic || index < 0 || index >= topic->count)
        return NULL;
    *error = ERROR_NOT_LEADER_OR_FOLLOWER;
    if (topic->partitions[index].leader != node->id - 1)
        return NULL;
    *error = ERROR_NONE;
    return &topic->partitions[index];
}

/* --- versions and metadata --------------------------------------------------- */

static int16_t served_max(const struct fake_cluster *cluster, const struct wire_api *api)
{
    int16_t max = cluster->version_max[api->key];

    return max ? max : api->max;
}

static void api_versions(struct fake_cluster *cluster, const struct frame_request *request,
                         struct fake_answer *answer)
{
    struct api_versions_response *response = arena_new(&answer->arena, sizeof(*response));

    *response = api_versions_response_defaults;
    response->api_keys =
        arena_new(&answer->arena, (size_t)wire_api_count * sizeof(*response->api_keys));
    answer->is_version_zero = request->version > served_max(cluster, request->api);
    response->error_code =
        answer->is_version_zero ? ERROR_UNSUPPORTED_VERSION : (int16_t)ERROR_NONE;
    for (int i = 0; i < wire_api_count; i++) {
        const struct wire_api *api = &wire_apis[i];

        if (cluster->is_unserved[api->key] ||
            (answer->is_version_zero && api->key != API_API_VERSIONS))
            continue;
        response->api_keys[response->api_keys_count++] = (struct api_versions_api_version){
            .api_key = api->key,
            .min_version = api->min,
            .max_version = served_max(cluster, api),
        };
    }
    answer->response = response;
}

static void fill_partitions(struct arena *arena, struct fake_topic *topic,
                            struct metadata_response_topic *out)
{
    out->partitions_count = topic->count;
    out->partitions = arena_new(arena, (size_t)topic->count * sizeof(*out->partitions));
    for (int i = 0; i < topic->count; i++) {
        struct metadata_response_partition *p = &out->partitions[i];

        *p = metadata_response_partition_defaults;
        p->partition_index = i;
        p->leader_id = topic->partitions[i].leader + 1;
        if (topic->partitions[i].leader < 0) {
            p->leader_id = -1;
            p->error_code = ERROR_LEADER_NOT_AVAILABLE;
        }
        p->leader_epoch = topic->partitions[i].leader_epoch;
    }
}

static void metadata(struct fake_cluster *cluster, const struct metadata_request *request,
                     struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct metadata_response *response = arena_new(arena, sizeof(*response));

    *response = metadata_response_defaults;
    response->brokers = arena_new(arena, (size_t)cluster->node_count * sizeof(*response->brokers));
    for (int i = 0; i < cluster->node_count; i++)
        if (cluster->nodes[i].listener.watch.fd >= 0)
            response->brokers[response->brokers_count++] = (struct metadata_response_broker){
                .node_id = cluster->nodes[i].id,
                .host = slice_text("127.0.0.1"),
                .port = cluster->nodes[i].listener.bound.port,
            };
    response->controller_id = 1;
    response->topics =
        arena_new(arena, ((size_t)request->topics_count + 1) * sizeof(*response->topics));
    for (int32_t i = 0; i < request->topics_count; i++) {
        struct metadata_response_topic *out = &response->topics[response->topics_count++];
        struct fake_topic *topic =
            topic_by(cluster, request->topics[i].name, request->topics[i].topic_id);

        *out = metadata_response_topic_defaults;
        out->name = request->topics[i].name;
        out->error_code = answer->error;
        if (!topic)
            out->error_code = ERROR_UNKNOWN_TOPIC_OR_PARTITION;
        if (out->error_code != ERROR_NONE || !topic)
            continue;
        out->topic_id = topic->id;
        fill_partitions(arena, topic, out);
    }
    answer->response = response;
}

/* --- produce ----------------------------------------------------------------- */

static void init_producer_id(struct fake_cluster *cluster, struct fake_answer *answer)
{
    struct init_producer_id_response *response = arena_new(&answer->arena, sizeof(*response));

    *response = init_producer_id_response_defaults;
    response->error_code = answer->error;
    if (answer->error == ERROR_NONE)
        response->producer_id = cluster->next_producer_id++;
    answer->response = response;
}

static struct fake_producer *producer_of(struct fake_partition *partition, int64_t id)
{
    for (int i = 0; i < partition->producer_count; i++)
        if (partition->producers[i].id == id)
            return &partition->producers[i];
    return NULL;
}

/* As a broker checks the numbers of an idempotent producer: a batch that it has already is
 * found among the last five, any other must follow without a gap. */
static int16_t check_sequence(struct fake_partition *partition, const struct batch_header *header,
                              int64_t *offset)
{
    struct fake_producer *producer = producer_of(partition, header->producer_id);

    if (!producer) {
        assert(partition->producer_count < FAKE_PRODUCERS_MAX);
        producer = &partition->producers[partition->producer_count++];
        *producer = (struct fake_producer){
            .id = header->producer_id,
            .epoch = header->producer_epoch,
            .next_sequence = header->base_sequence,
        };
    }
    for (int i = 0; i < producer->last_count; i++)
        if (producer->last[i].sequence == header->base_sequence &&
            producer->last[i].count == header->record_count) {
            *offset = producer->last[i].offset;
            return ERROR_NONE;
        }
    if (header->base_sequence != producer->next_sequence)
        return ERROR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    producer->next_sequence += header->record_count;
    if (producer->last_count == (int)COUNT_OF(producer->last)) {
        memmove(&producer->last[0], &producer->last[1], sizeof(producer->last[0]) * 4);
        producer->last_count--;
    }
    producer->last[producer->last_count++] = (struct fake_appended){
        .sequence = header->base_sequence,
        .count = header->record_count,
        .offset = partition->log_end,
    };
    return ERROR_NONE;
}

static int16_t append(const struct fake_cluster *cluster, struct fake_partition *partition,
                      struct slice batch, int64_t *out_offset)
{
    const struct batch_rules rules = {
        .timestamp_before_max_ms = INT64_MAX,
        .timestamp_after_max_ms = INT64_MAX,
    };
    struct batch_header header;
    int64_t known = -1;
    int16_t error = ERROR_NONE;

    if (cluster->message_max > 0 && batch.size > cluster->message_max)
        return ERROR_MESSAGE_TOO_LARGE;
    if (batch_parse(batch, &header) || header.size != batch.size)
        return ERROR_CORRUPT_MESSAGE;
    if (batch_check(batch, &header, &rules))
        return ERROR_CORRUPT_MESSAGE;
    if (header.producer_id >= 0)
        error = check_sequence(partition, &header, &known);
    if (error != ERROR_NONE)
        return error;
    *out_offset = known;
    if (known >= 0)
        return ERROR_NONE;
    *out_offset = partition->log_end;
    text_add(&partition->log, batch.data, batch.size);
    batch_set_place((uint8_t *)partition->log.data + partition->log.size - batch.size,
                    partition->log_end, partition->leader_epoch);
    partition->log_end += header.record_count;
    return ERROR_NONE;
}

static void produce(struct fake_node *node, const struct produce_request *request,
                    struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct produce_response *response = arena_new(arena, sizeof(*response));

    *response = produce_response_defaults;
    response->responses_count = request->topic_data_count;
    response->responses =
        arena_new(arena, (size_t)request->topic_data_count * sizeof(*response->responses));
    for (int32_t t = 0; t < request->topic_data_count; t++) {
        const struct produce_topic_produce_data *from = &request->topic_data[t];
        struct produce_topic_produce_response *to = &response->responses[t];
        struct fake_topic *topic = topic_by(node->cluster, from->name, from->topic_id);

        to->name = from->name;
        to->topic_id = from->topic_id;
        to->partition_responses_count = from->partition_data_count;
        to->partition_responses =
            arena_new(arena, (size_t)from->partition_data_count * sizeof(*to->partition_responses));
        for (int32_t p = 0; p < from->partition_data_count; p++) {
            struct produce_partition_produce_response *out = &to->partition_responses[p];
            struct fake_partition *partition;

            *out = produce_partition_produce_response_defaults;
            out->index = from->partition_data[p].index;
            out->base_offset = -1;
            partition = led(node, topic, out->index, &out->error_code);
            if (answer->error != ERROR_NONE)
                out->error_code = answer->error;
            else if (partition)
                out->error_code = append(node->cluster, partition,
                                         from->partition_data[p].records.bytes, &out->base_offset);
        }
    }
    answer->response = request->acks == 0 ? NULL : response;
}

/* --- fetch ------------------------------------------------------------------- */

static void list_offsets(struct fake_node *node, const struct list_offsets_request *request,
                         struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct list_offsets_response *response = arena_new(arena, sizeof(*response));

    *response = list_offsets_response_defaults;
    response->topics_count = request->topics_count;
    response->topics = arena_new(arena, (size_t)request->topics_count * sizeof(*response->topics));
    for (int32_t t = 0; t < request->topics_count; t++) {
        const struct list_offsets_topic *from = &request->topics[t];
        struct list_offsets_topic_response *to = &response->topics[t];
        struct fake_topic *topic = topic_by(node->cluster, from->name, (struct uuid){.bytes = {0}});

        to->name = from->name;
        to->partitions_count = from->partitions_count;
        to->partitions = arena_new(arena, (size_t)from->partitions_count * sizeof(*to->partitions));
        for (int32_t p = 0; p < from->partitions_count; p++) {
            struct list_offsets_partition_response *out = &to->partitions[p];
            struct fake_partition *partition;

            *out = list_offsets_partition_response_defaults;
            out->partition_index = from->partitions[p].partition_index;
            partition = led(node, topic, out->partition_index, &out->error_code);
            if (answer->error != ERROR_NONE)
                out->error_code = answer->error;
            else if (partition && from->partitions[p].timestamp == EARLIEST)
                out->offset = partition->log_start;
            else if (partition && from->partitions[p].timestamp == LATEST)
                out->offset = partition->log_end;
        }
    }
    answer->response = response;
}

/* The batches from the one with `offset` on, at most about `size_max` bytes. */
static struct slice read_log(const struct fake_partition *partition, int64_t offset,
                             size_t size_max)
{
    struct slice rest = text_slice(&partition->log);
    struct batch_header header;
    size_t size = 0;

    while (batch_parse(rest, &header) == 0 && batch_last_offset(&header) < offset)
        rest = slice_of(rest.data + header.size, rest.size - header.size);
    while (size < rest.size &&
           batch_parse(slice_of(rest.data + size, rest.size - size), &header) == 0 &&
           (size == 0 || size + header.size <= size_max))
        size += header.size;
    return slice_of(rest.data, size);
}

static void tell_aborted(struct fake_cluster *cluster, struct arena *arena,
                         struct fetch_partition_data *out)
{
    if (cluster->aborted_producer == 0)
        return;
    out->aborted_transactions_count = 1;
    out->aborted_transactions = arena_new(arena, sizeof(*out->aborted_transactions));
    out->aborted_transactions[0].producer_id = cluster->aborted_producer;
    out->aborted_transactions[0].first_offset = cluster->aborted_first;
}

static void fetch_one(struct fake_node *node, struct fake_topic *topic,
                      const struct fetch_partition *from, struct fake_answer *answer,
                      struct fetch_partition_data *out)
{
    struct fake_partition *partition;

    *out = fetch_partition_data_defaults;
    out->partition_index = from->partition;
    out->aborted_transactions_count = -1;
    partition = led(node, topic, from->partition, &out->error_code);
    out->records.bytes = slice_empty();
    if (answer->error != ERROR_NONE)
        out->error_code = answer->error;
    if (!partition || out->error_code != ERROR_NONE)
        return;
    out->high_watermark = out->last_stable_offset = partition->log_end;
    out->log_start_offset = partition->log_start;
    tell_aborted(node->cluster, &answer->arena, out);
    if (from->fetch_offset < partition->log_start || from->fetch_offset > partition->log_end)
        out->error_code = ERROR_OFFSET_OUT_OF_RANGE;
    else
        out->records.bytes =
            read_log(partition, from->fetch_offset, (size_t)from->partition_max_bytes);
}

static void fetch(struct fake_node *node, const struct fetch_request *request,
                  struct fake_answer *answer)
{
    struct arena *arena = &answer->arena;
    struct fetch_response *response = arena_new(arena, sizeof(*response));

    *response = fetch_response_defaults;
    response->responses_count = request->topics_count;
    response->responses =
        arena_new(arena, (size_t)request->topics_count * sizeof(*response->responses));
    for (int32_t t = 0; t < request->topics_count; t++) {
        const struct fetch_topic *from = &request->topics[t];
        struct fetch_fetchable_topic_response *to = &response->responses[t];
        struct fake_topic *topic = topic_by(node->cluster, from->topic, from->topic_id);

        to->topic = from->topic;
        to->topic_id = from->topic_id;
        to->partitions_count = from->partitions_count;
        to->partitions = arena_new(arena, (size_t)from->partitions_count * sizeof(*to->partitions));
        for (int32_t p = 0; p < from->partitions_count; p++)
            fetch_one(node, topic, &from->partitions[p], answer, &to->partitions[p]);
    }
    answer->response = response;
}

void fake_request_handle(struct fake_node *node, const struct frame_request *request,
                         struct fake_answer *answer)
{
    void *message = arena_new(&answer->arena, request->api->request->struct_size);

    if (request->key == API_API_VERSIONS) {
        api_versions(node->cluster, request, answer);
        return;
    }
    assert(request->version <= served_max(node->cluster, request->api));
    if (codec_decode_all(request->api->request, request->version, request->body, &answer->arena,
                         message))
        bug("our client's requests can be decoded", __FILE__, __LINE__);
    if (fake_group_handle(node, request->key, message, answer))
        return;
    switch (request->key) {
    case API_METADATA: metadata(node->cluster, message, answer); break;
    case API_INIT_PRODUCER_ID: init_producer_id(node->cluster, answer); break;
    case API_PRODUCE: produce(node, message, answer); break;
    case API_LIST_OFFSETS: list_offsets(node, message, answer); break;
    case API_FETCH: fetch(node, message, answer); break;
    default: bug("a fake node answers few requests", __FILE__, __LINE__);
    }
}
