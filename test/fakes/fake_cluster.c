/* SPDX-License-Identifier: Apache-2.0 */
#include "test/fakes/fake_cluster.h"

#include "base/mem.h"
#include "test/fakes/fake_requests.h"
#include "wire/batch.h"
#include "wire/errors.h"

#include <stdio.h>
#include <string.h>

enum { FRAME_MAX = 64 << 20 };

static struct fake_session *session_of(struct connection *c)
{
    return container_of(c, struct fake_session, connection);
}

static void answer_sent(struct outgoing *outgoing, bool whole)
{
    struct fake_answer *answer = container_of(outgoing, struct fake_answer, outgoing);

    (void)whole;
    arena_reset(&answer->arena);
    mem_free(answer);
}

static void send_answer(struct fake_session *session, const struct frame_request *request,
                        struct fake_answer *answer)
{
    struct codec_output output;
    int16_t version = request->version;
    int e;

    if (request->key == API_API_VERSIONS && answer->is_version_zero)
        version = 0;
    e = frame_encode_response(request->api, version, request->correlation_id, answer->response,
                              &answer->arena, &output);
    assert(e == 0 && output.gap_count == 0);
    answer->piece = (struct piece){.data = output.data, .size = output.size};
    answer->outgoing = (struct outgoing){.pieces = &answer->piece, .count = 1, .sent = answer_sent};
    connection_send(&session->connection, &answer->outgoing);
}

static void on_frame(struct connection *c, struct buf *holder, struct slice frame)
{
    struct fake_session *session = session_of(c);
    struct fake_cluster *cluster = session->node->cluster;
    struct frame_request request;
    enum fake_fault fault = FAKE_SERVE;
    struct fake_answer *answer;
    int e = frame_decode_request(frame, &request);

    (void)holder;
    assert(e == 0);
    cluster->requests[request.key]++;
    if (cluster->fault && request.key != API_API_VERSIONS)
        fault = cluster->fault(cluster, request.key);
    if (fault == FAKE_BREAK_BEFORE) {
        connection_close(c, "told to break", 0);
        return;
    }
    if (fault == FAKE_SILENCE)
        return;
    answer = mem_new(sizeof(*answer));
    arena_init(&answer->arena, NULL);
    answer->error = fault == FAKE_ERROR ? cluster->fault_error : (int16_t)ERROR_NONE;
    fake_request_handle(session->node, &request, answer);
    if (fault == FAKE_BREAK_AFTER || !answer->response) {
        if (fault == FAKE_BREAK_AFTER)
            connection_close(c, "told to break", 0);
        arena_reset(&answer->arena);
        mem_free(answer);
        return;
    }
    send_answer(session, &request, answer);
}

static void on_closed(struct connection *c, const char *why, int error)
{
    struct fake_session *session = session_of(c);

    (void)why;
    (void)error;
    list_remove(&session->node_in);
    mem_free(session);
}

static const struct connection_events session_events = {.frame = on_frame, .closed = on_closed};

static void on_accepted(struct listener *listener, int fd, const struct io_address *peer)
{
    struct fake_node *node = container_of(listener, struct fake_node, listener);
    struct fake_session *session = mem_new(sizeof(*session));

    session->node = node;
    connection_init(&session->connection, &node->net, fd, peer, &session_events);
    list_push(&node->sessions, &session->node_in);
}

void fake_cluster_start(struct fake_cluster *cluster, struct loop *loop, int node_count)
{
    memset(cluster, 0, sizeof(*cluster));
    cluster->loop = loop;
    cluster->node_count = node_count;
    cluster->next_producer_id = 1000;
    cluster->rng = rng_of(1);
    budget_init(&cluster->budget, 1u << 30);
    for (int i = 0; i < node_count; i++) {
        struct fake_node *node = &cluster->nodes[i];
        struct io_address address = {.host = "127.0.0.1"};

        node->cluster = cluster;
        node->id = i + 1;
        list_init(&node->sessions);
        net_init(&node->net, loop, &cluster->budget, FRAME_MAX);
        if (listener_open(&node->listener, loop, &address, on_accepted))
            bug("a test can listen on loopback", __FILE__, __LINE__);
    }
}

static void end_sessions(struct fake_node *node)
{
    struct list_node *n;

    while ((n = list_pop(&node->sessions))) {
        struct fake_session *session = container_of(n, struct fake_session, node_in);

        connection_fini(&session->connection);
        mem_free(session);
    }
}

void fake_cluster_break(struct fake_cluster *cluster)
{
    for (int i = 0; i < cluster->node_count; i++)
        end_sessions(&cluster->nodes[i]);
}

void fake_cluster_kill(struct fake_cluster *cluster, int node)
{
    listener_close(&cluster->nodes[node].listener);
    end_sessions(&cluster->nodes[node]);
}

void fake_cluster_stop(struct fake_cluster *cluster)
{
    for (int i = 0; i < cluster->node_count; i++) {
        fake_cluster_kill(cluster, i);
        net_fini(&cluster->nodes[i].net);
    }
    fake_group_fini(&cluster->group);
    for (int t = 0; t < cluster->topic_count; t++)
        for (int p = 0; p < cluster->topics[t].count; p++)
            text_fini(&cluster->topics[t].partitions[p].log);
}

void fake_cluster_bootstrap(const struct fake_cluster *cluster, char out[static 64])
{
    (void)snprintf(out, 64, "127.0.0.1:%d", cluster->nodes[0].listener.bound.port);
}

struct fake_topic *fake_cluster_add_topic(struct fake_cluster *cluster, const char *name,
                                          int partitions)
{
    struct fake_topic *topic = &cluster->topics[cluster->topic_count++];

    (void)snprintf(topic->name, sizeof(topic->name), "%s", name);
    topic->id.bytes[0] = 0x40;
    topic->id.bytes[15] = (uint8_t)cluster->topic_count;
    topic->count = partitions;
    for (int i = 0; i < partitions; i++)
        topic->partitions[i].leader = i % cluster->node_count;
    return topic;
}

void fake_cluster_move(struct fake_topic *topic, int partition, int node)
{
    topic->partitions[partition].leader = node;
    topic->partitions[partition].leader_epoch++;
}

void fake_cluster_append(struct fake_partition *partition, struct slice key, struct slice value,
                         uint16_t attributes, int64_t producer_id)
{
    struct batch_builder builder;

    batch_builder_init(&builder);
    builder.attributes = attributes;
    builder.producer_id = producer_id;
    batch_builder_add(&builder, 1000, key, value, NULL, 0);
    if (batch_builder_finish(&builder, COMPRESS_NONE, partition->log_end++, partition->leader_epoch,
                             &partition->log))
        bug("a plain batch can be built", __FILE__, __LINE__);
    batch_builder_fini(&builder);
}
