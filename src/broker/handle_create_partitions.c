/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_create_partitions.c - each topic is one operation of the controller (KIP-195). */

#include "broker/dispatch.h"
#include "broker/producer_ids.h"
#include "broker/repeats.h"
#include "broker/reply.h"
#include "wire/msg/create_partitions.h"

struct addition {
    struct control_call call;
    struct addition_work *work;
    struct create_partitions_topic_result *result;
};

struct addition_work {
    struct request *request;
    struct create_partitions_response response;
    int pending;
};

static void part_done(struct addition_work *work)
{
    if (--work->pending == 0)
        request_answer(work->request, &work->response);
}

static void refuse(struct create_partitions_topic_result *result, int16_t error, const char *why)
{
    result->error_code = error;
    result->error_message = slice_text(why);
}

static void added(struct control_call *call)
{
    struct addition *addition = container_of(call, struct addition, call);

    if (call->op.outcome)
        refuse(addition->result, error_of_control(call->op.outcome),
               call->op.outcome == CONTROL_E_UNKNOWN_TOPIC ? NULL : call->op.why);
    part_done(addition->work);
}

/* A given assignment must place each new partition, on a broker that there is. */
static int16_t check_assignments(const struct request *request,
                                 const struct create_partitions_topic *wanted,
                                 const struct image_topic *topic, const char **out_why)
{
    if (wanted->assignments_count < 0 || !topic || wanted->count <= topic->partition_count)
        return ERROR_NONE;
    if (wanted->assignments_count != wanted->count - topic->partition_count) {
        *out_why = "The assignment does not name exactly the partitions that are to be added.";
        return ERROR_INVALID_REPLICA_ASSIGNMENT;
    }
    for (int32_t i = 0; i < wanted->assignments_count; i++) {
        const struct create_partitions_assignment *a = &wanted->assignments[i];

        if (a->broker_ids_count != 1 || !image_find_broker(request->image, a->broker_ids[0])) {
            *out_why = "The manual partition assignment includes a broker that is not registered, "
                       "or another number of replicas than the topic has.";
            return ERROR_INVALID_REPLICA_ASSIGNMENT;
        }
    }
    return ERROR_NONE;
}

static int16_t check(const struct request *request, const struct create_partitions_topic *wanted,
                     bool is_alone, const char **out_why)
{
    *out_why = NULL;
    if (!authorize(request, ACL_ALTER, wanted->name))
        return ERROR_TOPIC_AUTHORIZATION_FAILED;
    if (!is_alone) {
        *out_why = "Duplicate topic name.";
        return ERROR_INVALID_REQUEST;
    }
    return check_assignments(request, wanted, image_find_topic(request->image, wanted->name),
                             out_why);
}

/* The brokers of a given assignment, which was checked, or NULL. */
static const int32_t *take_places(struct request *request,
                                  const struct create_partitions_topic *wanted)
{
    int32_t *places;

    if (wanted->assignments_count <= 0)
        return NULL;
    places = request_new(request, (size_t)wanted->assignments_count * sizeof(*places));
    for (int32_t i = 0; i < wanted->assignments_count; i++)
        places[i] =
            wanted->assignments[i].broker_ids_count > 0 ? wanted->assignments[i].broker_ids[0] : -1;
    return places;
}

static const struct repeat *find_repeats(struct request *request, size_t count)
{
    const struct create_partitions_request *body = request->body;
    struct slice *names = request_new(request, (count + 1) * sizeof(*names));

    for (size_t i = 0; i < count; i++)
        names[i] = body->topics[i].name;
    return repeats_find(request, names, count);
}

void handle_create_partitions(struct request *request)
{
    const struct create_partitions_request *body = request->body;
    size_t count = (size_t)max_of(body->topics_count, 0);
    struct addition_work *work = request_new(request, sizeof(*work));
    struct addition *additions = request_new(request, (count + 1) * sizeof(*additions));
    const struct repeat *repeats = find_repeats(request, count);

    work->request = request;
    work->pending = 1;
    codec_defaults(&create_partitions_response_message, &work->response);
    work->response.results = request_new(request, (count + 1) * sizeof(*work->response.results));
    for (size_t i = 0; i < count; i++) {
        struct addition *addition = &additions[i];
        const char *why;
        int16_t error;

        if (!repeats[i].is_first)
            continue; /* One answer for each name. */
        addition->work = work;
        addition->result = &work->response.results[work->response.results_count++];
        addition->result->name = body->topics[i].name;
        error = check(request, &body->topics[i], repeats[i].is_alone, &why);
        if (error != ERROR_NONE) {
            refuse(addition->result, error, why);
            continue;
        }
        addition->call.op.kind = CONTROL_ADD_PARTITIONS;
        addition->call.op.name = body->topics[i].name;
        addition->call.op.partitions = body->topics[i].count;
        addition->call.op.places = take_places(request, &body->topics[i]);
        addition->call.op.place_count = body->topics[i].assignments_count;
        addition->call.op.validate_only = body->validate_only;
        addition->call.done = added;
        work->pending++;
        control_call_send(&addition->call, request->shard);
    }
    part_done(work);
}
