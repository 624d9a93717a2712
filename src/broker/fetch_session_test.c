/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fetch_session.h"
#include "test/harness/check.h"

/* A world that knows nothing but chance. */
struct chance {
    struct io io;
    struct rng rng;
};

static void entropy(struct io *io, void *out, size_t size)
{
    struct chance *chance = container_of(io, struct chance, io);
    uint8_t *bytes = out;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)rng_next(&chance->rng);
}

static const struct io_ops ops = {.entropy = entropy};

static struct chance chance_of(uint64_t seed)
{
    return (struct chance){.io = {.ops = &ops}, .rng = rng_of(seed)};
}

/* A request for partitions 0 to count - 1 of one topic; the arrays are the caller's. */
static struct fetch_request request_of(struct fetch_topic *topic,
                                       struct fetch_partition *partitions, int32_t count,
                                       int32_t id, int32_t epoch)
{
    for (int32_t i = 0; i < count; i++)
        partitions[i] = (struct fetch_partition){.partition = i, .fetch_offset = 100 + i};
    *topic = (struct fetch_topic){
        .topic = slice_text("orders"), .partitions = partitions, .partitions_count = count};
    return (struct fetch_request){
        .session_id = id, .session_epoch = epoch, .topics = topic, .topics_count = count > 0};
}

static struct fetch_entry *first_entry(const struct fetch_session *session)
{
    struct list_node *first = list_first(&session->entries);

    check(first);
    return container_of(first, struct fetch_entry, order);
}

TEST(fetch_session, the_epoch_counts_and_a_wrong_one_is_refused)
{
    struct chance chance = chance_of(1);
    struct fetch_sessions sessions;
    struct fetch_topic topic;
    struct fetch_partition partitions[3];
    struct fetch_request full = request_of(&topic, partitions, 3, 0, FETCH_SESSION_NEW);
    struct fetch_request next;
    struct fetch_session *session;

    fetch_sessions_init(&sessions, 10);
    session = fetch_sessions_make(&sessions, &chance.io, &full, false, 0);
    check(session && session->by_key.count == 3 && session->epoch == 1);
    next = (struct fetch_request){.session_id = session->id, .session_epoch = 1};
    check_eq(fetch_sessions_use(&sessions, &next, false, 0, &session), FETCH_SESSION_E_EPOCH);
    fetch_session_rest(session);
    check_eq(fetch_sessions_use(&sessions, &next, true, 0, &session), FETCH_SESSION_E_TOPIC_IDS);
    check_ok(fetch_sessions_use(&sessions, &next, false, 0, &session));
    fetch_session_rest(session);
    check_eq(fetch_sessions_use(&sessions, &next, false, 0, &session), FETCH_SESSION_E_EPOCH);
    next.session_id++;
    check_eq(fetch_sessions_use(&sessions, &next, false, 0, &session), FETCH_SESSION_E_UNKNOWN);
    fetch_sessions_fini(&sessions);
}

TEST(fetch_session, changes_stay_and_forgetting_all_ends_it)
{
    struct chance chance = chance_of(2);
    struct fetch_sessions sessions;
    struct fetch_topic topic;
    struct fetch_partition partitions[2];
    struct fetch_request request = request_of(&topic, partitions, 2, 0, FETCH_SESSION_NEW);
    int32_t gone[2] = {0, 1};
    struct fetch_forgotten_topic forgotten = {
        .topic = slice_text("orders"), .partitions = gone, .partitions_count = 2};
    struct fetch_session *session;
    const struct fetch_entry *first;

    fetch_sessions_init(&sessions, 10);
    session = fetch_sessions_make(&sessions, &chance.io, &request, false, 0);
    check(session);
    fetch_session_rest(session);
    request = request_of(&topic, partitions, 1, session->id, 1);
    partitions[0].fetch_offset = 4711;
    check_ok(fetch_sessions_use(&sessions, &request, false, 0, &session));
    first = first_entry(session);
    check_eq(first->wanted.fetch_offset, 4711);
    check_eq(session->by_key.count, 2);
    fetch_session_rest(session);
    request = (struct fetch_request){.session_id = session->id,
                                     .session_epoch = 2,
                                     .forgotten_topics_data = &forgotten,
                                     .forgotten_topics_data_count = 1};
    check_ok(fetch_sessions_use(&sessions, &request, false, 0, &session));
    check(!session);
    check_eq(sessions.by_id.count, 0);
    fetch_sessions_fini(&sessions);
}

TEST(fetch_session, a_full_table_gives_up_only_what_is_long_unused)
{
    struct chance chance = chance_of(3);
    struct fetch_sessions sessions;
    struct fetch_topic topic;
    struct fetch_partition partitions[1];
    struct fetch_request full = request_of(&topic, partitions, 1, 0, FETCH_SESSION_NEW);
    struct fetch_session *first;

    fetch_sessions_init(&sessions, 1);
    first = fetch_sessions_make(&sessions, &chance.io, &full, false, 0);
    check(first);
    check(!fetch_sessions_make(&sessions, &chance.io, &full, false, 130 * 1000 * 1000));
    fetch_session_rest(first);
    check(!fetch_sessions_make(&sessions, &chance.io, &full, false, 100 * 1000 * 1000));
    first = fetch_sessions_make(&sessions, &chance.io, &full, false, 130 * 1000 * 1000);
    check(first);
    fetch_session_rest(first);
    fetch_sessions_fini(&sessions);
}

TEST(fetch_session, a_busy_session_that_is_ended_lives_until_its_request_is_done)
{
    struct chance chance = chance_of(4);
    struct fetch_sessions sessions;
    struct fetch_topic topic;
    struct fetch_partition partitions[1];
    struct fetch_request full = request_of(&topic, partitions, 1, 0, FETCH_SESSION_NEW);
    struct fetch_session *session;

    fetch_sessions_init(&sessions, 1);
    session = fetch_sessions_make(&sessions, &chance.io, &full, false, 0);
    check(session);
    fetch_sessions_end(&sessions, session->id);
    check_eq(session->by_key.count, 1);
    fetch_session_rest(session); /* The sanitizer would tell of a leak. */
    fetch_sessions_fini(&sessions);
}

TEST(fetch_session, only_news_are_told_and_records_move_an_entry_back)
{
    struct chance chance = chance_of(5);
    struct fetch_sessions sessions;
    struct fetch_topic topic;
    struct fetch_partition partitions[2];
    struct fetch_request full = request_of(&topic, partitions, 2, 0, FETCH_SESSION_NEW);
    struct fetch_partition_data news = {.high_watermark = 7, .log_start_offset = 0};
    struct fetch_session *session;
    struct fetch_entry *entry;

    fetch_sessions_init(&sessions, 1);
    session = fetch_sessions_make(&sessions, &chance.io, &full, false, 0);
    check(session);
    entry = first_entry(session);
    check(fetch_entry_tell(session, entry, &news, false));
    check(!fetch_entry_tell(session, entry, &news, false));
    news.high_watermark = 8;
    check(fetch_entry_tell(session, entry, &news, false));
    check(fetch_entry_tell(session, entry, &news, true));
    check(list_first(&session->entries) != &entry->order);
    news.error_code = 3;
    check(fetch_entry_tell(session, entry, &news, false));
    news.error_code = 0;
    check(fetch_entry_tell(session, entry, &news, false));
    fetch_session_rest(session);
    fetch_sessions_fini(&sessions);
}
