/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/fetch_session.h"

#include "base/hash.h"
#include "base/mem.h"

enum { UNUSED_MAX_US = 120 * 1000 * 1000 }; /* Kafka's min.incremental.fetch.session.eviction.ms. */

void fetch_sessions_init(struct fetch_sessions *sessions, size_t slots)
{
    *sessions = (struct fetch_sessions){.slots = slots};
    map_init(&sessions->by_id);
    list_init(&sessions->by_use);
}

/* --- entries ---------------------------------------------------------------- */

static uint64_t entry_hash(struct slice topic, struct uuid id, int32_t partition)
{
    return hash_slice(topic, hash_slice(slice_of(id.bytes, sizeof(id.bytes)), (uint64_t)partition));
}

static struct fetch_entry *entry_find(const struct fetch_session *session, struct slice topic,
                                      struct uuid id, int32_t partition)
{
    struct map_node *n = map_find(&session->by_key, entry_hash(topic, id, partition));

    for (; n; n = map_find_next(n)) {
        struct fetch_entry *entry = container_of(n, struct fetch_entry, node);

        if (entry->wanted.partition == partition && uuid_equal(entry->topic_id, id) &&
            slice_equal(entry->topic, topic))
            return entry;
    }
    return NULL;
}

static void entry_free(struct fetch_session *session, struct fetch_entry *entry)
{
    list_remove(&entry->order);
    map_remove(&session->by_key, &entry->node);
    mem_free(entry);
}

/* The entry, made if it is not there: one block with the topic's name behind it. */
static struct fetch_entry *entry_get(struct fetch_session *session, struct slice topic,
                                     struct uuid id, int32_t partition)
{
    struct fetch_entry *entry = entry_find(session, topic, id, partition);
    uint8_t *name;

    if (entry)
        return entry;
    entry = mem_new(sizeof(*entry) + topic.size + 1);
    name = (uint8_t *)(entry + 1);
    memcpy(name, topic.data, topic.size);
    entry->topic = slice_of(name, topic.size);
    entry->topic_id = id;
    entry->high_watermark = entry->log_start = -1;
    list_push(&session->entries, &entry->order);
    map_put(&session->by_key, &entry->node, entry_hash(topic, id, partition));
    return entry;
}

/* A topic as it is named in the versions that name it so; the other way is empty. */
static struct slice key_name(struct slice name, bool by_topic_id)
{
    return by_topic_id || slice_is_null(name) ? slice_empty() : name;
}

static void add_topics(struct fetch_session *session, const struct fetch_request *request)
{
    for (int32_t i = 0; i < request->topics_count; i++) {
        const struct fetch_topic *topic = &request->topics[i];
        struct slice name = key_name(topic->topic, session->by_topic_id);

        for (int32_t k = 0; k < topic->partitions_count; k++) {
            const struct fetch_partition *wanted = &topic->partitions[k];

            entry_get(session, name, topic->topic_id, wanted->partition)->wanted = *wanted;
        }
    }
}

static void forget_topics(struct fetch_session *session, const struct fetch_request *request)
{
    for (int32_t i = 0; i < request->forgotten_topics_data_count; i++) {
        const struct fetch_forgotten_topic *topic = &request->forgotten_topics_data[i];
        struct slice name = key_name(topic->topic, session->by_topic_id);

        for (int32_t k = 0; k < topic->partitions_count; k++) {
            struct fetch_entry *entry =
                entry_find(session, name, topic->topic_id, topic->partitions[k]);

            if (entry)
                entry_free(session, entry);
        }
    }
}

/* --- sessions --------------------------------------------------------------- */

static uint64_t id_hash(int32_t id)
{
    return hash_u64((uint32_t)id);
}

static struct fetch_session *session_find(const struct fetch_sessions *sessions, int32_t id)
{
    for (struct map_node *n = map_find(&sessions->by_id, id_hash(id)); n; n = map_find_next(n)) {
        struct fetch_session *session = container_of(n, struct fetch_session, node);

        if (session->id == id)
            return session;
    }
    return NULL;
}

static void session_free(struct fetch_session *session)
{
    struct list_node *node;

    while ((node = list_first(&session->entries)))
        entry_free(session, container_of(node, struct fetch_entry, order));
    map_fini(&session->by_key);
    mem_free(session);
}

/* Nobody finds it any more; a request that is using it frees it in the end. */
static void give_up(struct fetch_sessions *sessions, struct fetch_session *session)
{
    map_remove(&sessions->by_id, &session->node);
    list_remove(&session->by_use);
    session->is_given_up = true;
    if (!session->is_busy)
        session_free(session);
}

void fetch_sessions_fini(struct fetch_sessions *sessions)
{
    struct list_node *node;

    while ((node = list_first(&sessions->by_use)))
        give_up(sessions, container_of(node, struct fetch_session, by_use));
    map_fini(&sessions->by_id);
}

void fetch_sessions_end(struct fetch_sessions *sessions, int32_t id)
{
    struct fetch_session *session = session_find(sessions, id);

    if (session)
        give_up(sessions, session);
}

static void touch(struct fetch_sessions *sessions, struct fetch_session *session, int64_t now_us)
{
    session->is_busy = true;
    session->used_us = now_us;
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
    list_remove(&session->by_use);
    list_push(&sessions->by_use, &session->by_use);
}

int fetch_sessions_use(struct fetch_sessions *sessions, const struct fetch_request *request,
                       bool by_topic_id, int64_t now_us, struct fetch_session **out)
{
    struct fetch_session *session = session_find(sessions, request->session_id);

    if (!session)
        return FETCH_SESSION_E_UNKNOWN;
    if (session->is_busy || session->epoch != request->session_epoch)
        return FETCH_SESSION_E_EPOCH;
    if (session->by_topic_id != by_topic_id)
        return FETCH_SESSION_E_TOPIC_IDS;
    forget_topics(session, request);
    add_topics(session, request);
    if (list_is_empty(&session->entries)) {
        give_up(sessions, session);
        *out = NULL;
        return 0;
    }
    touch(sessions, session, now_us);
    *out = session;
    return 0;
}

static bool make_room(struct fetch_sessions *sessions, int64_t now_us)
{
    struct list_node *first = list_first(&sessions->by_use);
    struct fetch_session *oldest;

    if (sessions->by_id.count < sessions->slots)
        return true;
    if (!first)
        return false;
    oldest = container_of(first, struct fetch_session, by_use);
    if (oldest->is_busy || now_us - oldest->used_us < UNUSED_MAX_US)
        return false;
    give_up(sessions, oldest);
    return true;
}

static int32_t new_id(const struct fetch_sessions *sessions, struct io *io)
{
    uint32_t id;

    do {
        io->ops->entropy(io, &id, sizeof(id));
        id &= INT32_MAX;
    } while (id == 0 || session_find(sessions, (int32_t)id));
    return (int32_t)id;
}

struct fetch_session *fetch_sessions_make(struct fetch_sessions *sessions, struct io *io,
                                          const struct fetch_request *request, bool by_topic_id,
                                          int64_t now_us)
{
    struct fetch_session *session = mem_new(sizeof(*session));

    session->by_topic_id = by_topic_id;
    list_init(&session->entries);
    map_init(&session->by_key);
    add_topics(session, request);
    if (list_is_empty(&session->entries) || !make_room(sessions, now_us)) {
        session_free(session);
        return NULL;
    }
    session->id = new_id(sessions, io);
    map_put(&sessions->by_id, &session->node, id_hash(session->id));
    touch(sessions, session, now_us); /* From epoch 0 to 1. */
    return session;
}

void fetch_session_rest(struct fetch_session *session)
{
    session->is_busy = false;
    if (session->is_given_up)
        session_free(session);
}

bool fetch_entry_tell(struct fetch_session *session, struct fetch_entry *entry,
                      const struct fetch_partition_data *data, bool has_records)
{
    bool has_news = has_records || data->error_code != 0 ||
                    data->high_watermark != entry->high_watermark ||
                    data->log_start_offset != entry->log_start;

    entry->high_watermark = data->error_code ? -1 : data->high_watermark;
    entry->log_start = data->log_start_offset;
    if (has_records) {
        list_remove(&entry->order);
        list_push(&session->entries, &entry->order);
    }
    return has_news;
}
