/* SPDX-License-Identifier: Apache-2.0 */
#include "client/cluster.h"
#include "client/cluster_internal.h"
#include "test/fakes/client_fixture.h"
#include "test/harness/check.h"
#include "wire/errors.h"

/* A Metadata request of all topics, and what came of it. */
struct asked {
    struct call call;
    struct metadata_request request;
    bool is_done;
};

static void on_done(struct call *call)
{
    container_of(call, struct asked, call)->is_done = true;
}

static int16_t topic_error(const struct call *call)
{
    const struct metadata_response *response = call->response;

    return response->topics_count > 0 ? response->topics[0].error_code : 0;
}

static const struct call_events plain_events = {.done = on_done};
static const struct call_events retried_events = {.done = on_done, .verdict = topic_error};

static struct metadata_request_topic named = {.name = {.data = NULL}};

static void ask(struct client_fixture *f, struct asked *asked, const struct call_events *events)
{
    asked->is_done = false;
    asked->request = metadata_request_defaults;
    named.name = slice_text("t");
    asked->request.topics = &named;
    asked->request.topics_count = 1;
    call_init(&asked->call, events);
    asked->call.order = (struct call_order){
        .api = wire_api_find(API_METADATA),
        .request = &asked->request,
        .target = CALL_ANY,
    };
    cluster_call(&f->cluster, &asked->call);
}

TEST(cluster, a_call_is_answered)
{
    struct client_fixture f;
    struct asked asked;
    const struct metadata_response *response;

    client_fixture_start(&f, 2);
    fake_cluster_add_topic(f.fake, "t", 3);
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    response = asked.call.response;
    check_eq(response->brokers_count, 2);
    check_eq(response->topics[0].partitions_count, 3);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

/* The node answers our newest ApiVersions with an error and its own range. */
TEST(cluster, versions_are_agreed_with_an_older_node)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    f.fake->version_max[API_API_VERSIONS] = 2;
    f.fake->version_max[API_METADATA] = 5;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    check_eq(asked.call.version, 5);
    check_eq(f.fake->requests[API_API_VERSIONS], 2);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

TEST(cluster, a_request_that_the_node_does_not_serve_is_told_apart)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.fake->is_unserved[API_METADATA] = true;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_E_UNSUPPORTED);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

/* Breaks the first three connections when they are used. */
static enum fake_fault break_three(struct fake_cluster *cluster, int16_t key)
{
    return cluster->requests[key] <= 3 ? FAKE_BREAK_BEFORE : FAKE_SERVE;
}

TEST(cluster, a_broken_connection_is_made_again_and_the_call_repeated)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    f.fake->fault = break_three;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    check(asked.call.sends > 1);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

TEST(cluster, a_call_that_may_go_once_is_not_repeated)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.fake->fault = break_three;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    asked.call.order.is_once = true;
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_E_BROKEN);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

/* The first two answers carry an error that may pass. */
static enum fake_fault refuse_two(struct fake_cluster *cluster, int16_t key)
{
    return cluster->requests[key] <= 2 ? FAKE_ERROR : FAKE_SERVE;
}

TEST(cluster, an_error_that_may_pass_is_tried_again)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    f.fake->fault = refuse_two;
    f.fake->fault_error = ERROR_REQUEST_TIMED_OUT;
    client_fixture_connect(&f);
    ask(&f, &asked, &retried_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    check_eq(topic_error(&asked.call), ERROR_NONE);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

TEST(cluster, an_error_that_will_not_pass_is_the_answer)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    f.fake->fault = refuse_two;
    f.fake->fault_error = ERROR_INVALID_TOPIC_EXCEPTION;
    client_fixture_connect(&f);
    ask(&f, &asked, &retried_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    check_eq(topic_error(&asked.call), ERROR_INVALID_TOPIC_EXCEPTION);
    check_eq(f.fake->requests[API_METADATA], 1);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

static enum fake_fault never_answer(struct fake_cluster *cluster, int16_t key)
{
    (void)cluster;
    (void)key;
    return FAKE_SILENCE;
}

TEST(cluster, a_deadline_ends_the_waiting)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.fake->fault = never_answer;
    f.settings.request_timeout_ms = 20;
    f.settings.call_timeout_ms = 100;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_E_TIMEOUT);
    check(asked.call.sends > 1); /* Silence of one attempt is not the end. */
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

TEST(cluster, a_deadline_counts_while_nobody_can_be_reached)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.settings.call_timeout_ms = 50;
    client_fixture_connect(&f);
    fake_cluster_kill(f.fake, 0);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_E_TIMEOUT);
    check_eq(asked.call.sends, 0);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

TEST(cluster, a_cancelled_call_is_not_heard_of_again)
{
    struct client_fixture f;
    struct asked asked, other;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    while (asked.call.sends == 0)
        loop_turn(&f.loop, 1000);
    call_fini(&asked.call);
    check(!asked.is_done);
    ask(&f, &other, &plain_events); /* The connection has survived it. */
    check(client_fixture_wait(&f, &other.is_done));
    check_eq(other.call.outcome, CALL_OK);
    check_eq(f.fake->requests[API_API_VERSIONS], 1);
    check(!asked.is_done);
    call_fini(&other.call);
    client_fixture_stop(&f);
}

TEST(cluster, calls_under_way_end_with_the_cluster)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.fake->fault = never_answer;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    while (asked.call.sends == 0)
        loop_turn(&f.loop, 1000);
    client_fixture_disconnect(&f);
    check(asked.is_done);
    check_eq(asked.call.outcome, CALL_E_STOPPED);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}

/* --- metadata ---------------------------------------------------------------- */

struct seen {
    struct cluster_watch watch;
    struct cluster_topic *topic;
    bool has_leaders;
};

static void on_changed(struct cluster_watch *watch)
{
    struct seen *seen = container_of(watch, struct seen, watch);

    seen->has_leaders = seen->topic->count > 0;
    for (int32_t i = 0; i < seen->topic->count; i++)
        if (seen->topic->partitions[i].leader < 0)
            seen->has_leaders = false;
}

TEST(cluster, metadata_is_asked_for_until_each_partition_has_a_leader)
{
    struct client_fixture f;
    struct seen seen = {.watch = {.changed = on_changed}};
    struct fake_topic *topic;

    client_fixture_start(&f, 2);
    topic = fake_cluster_add_topic(f.fake, "t", 2);
    topic->partitions[1].leader = -1;
    client_fixture_connect(&f);
    cluster_watch(&f.cluster, &seen.watch);
    seen.topic = cluster_want_topic(&f.cluster, slice_text("t"));
    client_fixture_turn(&f, 20);
    check(f.fake->requests[API_METADATA] > 1);
    check(!seen.has_leaders);
    fake_cluster_move(topic, 1, 1);
    check(client_fixture_wait(&f, &seen.has_leaders));
    check_eq(seen.topic->partitions[1].leader, 2);
    cluster_unwatch(&seen.watch);
    client_fixture_stop(&f);
}

TEST(cluster, the_bootstrap_connection_becomes_the_brokers)
{
    struct client_fixture f;
    struct seen seen = {.watch = {.changed = on_changed}};
    struct asked asked;

    client_fixture_start(&f, 1);
    fake_cluster_add_topic(f.fake, "t", 1);
    client_fixture_connect(&f);
    cluster_watch(&f.cluster, &seen.watch);
    seen.topic = cluster_want_topic(&f.cluster, slice_text("t"));
    check(client_fixture_wait(&f, &seen.has_leaders));
    ask(&f, &asked, &plain_events);
    asked.call.order.target = 1;
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_OK);
    check_eq(f.fake->requests[API_API_VERSIONS], 1); /* There was no second connection. */
    call_fini(&asked.call);
    cluster_unwatch(&seen.watch);
    client_fixture_stop(&f);
}

/* An older answer may arrive after a newer one: epochs of leaders only grow. */
TEST(cluster, an_older_leader_does_not_replace_a_newer_one)
{
    struct client_fixture f;
    struct metadata_response_partition partition = metadata_response_partition_defaults;
    struct metadata_response_topic topic = metadata_response_topic_defaults;
    struct metadata_response response = metadata_response_defaults;
    struct cluster_topic *known;

    client_fixture_start(&f, 1);
    client_fixture_connect(&f);
    known = cluster_want_topic(&f.cluster, slice_text("t"));
    topic.name = slice_text("t");
    topic.topic_id.bytes[3] = 1;
    topic.partitions = &partition;
    topic.partitions_count = 1;
    response.topics = &topic;
    response.topics_count = 1;
    partition.leader_id = 7;
    partition.leader_epoch = 5;
    metadata_apply(&f.cluster, &response);
    check_eq(known->partitions[0].leader, 7);
    partition.leader_id = 6;
    partition.leader_epoch = 4;
    metadata_apply(&f.cluster, &response);
    check_eq(known->partitions[0].leader, 7);
    topic.topic_id.bytes[3] = 2; /* Made anew: its epochs begin again. */
    metadata_apply(&f.cluster, &response);
    check_eq(known->partitions[0].leader, 6);
    client_fixture_stop(&f);
}

TEST(cluster, a_bootstrap_list_that_is_none_is_refused)
{
    static const char *const bad[] = {"", "host", "host:", ":9092", "host:x", "host:70000", ",,"};
    struct client_fixture f;
    struct cluster cluster;

    client_fixture_start(&f, 1);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        f.settings.bootstrap = bad[i];
        check_eq(cluster_init(&cluster, &f.loop, rng_of(1), &f.settings), CLUSTER_E_BOOTSTRAP);
    }
    f.settings.bootstrap = "a:1, [::1]:2,,b:3";
    check_ok(cluster_init(&cluster, &f.loop, rng_of(1), &f.settings));
    cluster_fini(&cluster);
    client_fixture_stop(&f);
}

/* A name without an address is a node that cannot be reached, and no crash. */
static size_t resolve_nothing(const char *host, uint16_t port, struct io_address *out, size_t max)
{
    (void)host;
    (void)port;
    (void)out;
    (void)max;
    return 0;
}

TEST(cluster, a_name_without_an_address_runs_into_the_deadline)
{
    struct client_fixture f;
    struct asked asked;

    client_fixture_start(&f, 1);
    f.settings.bootstrap = "nowhere.invalid:9092";
    f.settings.resolve = resolve_nothing;
    f.settings.call_timeout_ms = 50;
    client_fixture_connect(&f);
    ask(&f, &asked, &plain_events);
    check(client_fixture_wait(&f, &asked.is_done));
    check_eq(asked.call.outcome, CALL_E_TIMEOUT);
    call_fini(&asked.call);
    client_fixture_stop(&f);
}
