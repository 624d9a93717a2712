/* SPDX-License-Identifier: Apache-2.0 */

/* coord/coordinator_change.c - from memory to the log: groups, offsets, deletions, expiry. */

#include "base/mem.h"
#include "base/mutant.h"
#include "base/utf16.h"
#include "coord/coordinator_internal.h"
#include "coord/group_internal.h"

/* --- changes on their way --------------------------------------------------- */

static void journal_done(struct journal *journal, int outcome)
{
    struct change *change = container_of(journal, struct change, journal);
    struct coordinators *all = change->coordinator->all;

    (void)outcome; /* It is in the journal. */
    list_push(&all->completed, &change->completed);
    loop_hook_ask(all->loop, &all->complete);
}

/* A change of a group; NULL if the partition cannot be had. */
static struct change *change_begin(struct coordinator *c, struct slice group_id)
{
    struct partition *p = coordinator_partition(c);
    struct change *change;

    if (!p)
        return NULL;
    change = mem_new(sizeof(*change));
    change->coordinator = c;
    change->life = c->life;
    change->group_id = slice_keep(group_id);
    list_init(&change->calls);
    journal_init(&change->journal, p, c->all->config.codec, io_wall_ms(c->all->loop->io));
    change->journal.done = journal_done;
    return change;
}

static void change_free(struct change *change)
{
    assert(list_is_empty(&change->calls));
    journal_fini(&change->journal);
    slice_drop(&change->group_id);
    mem_free(change);
}

/* Sends it off, with a call to answer when it is durable; NULL for either stands for none.
 * If it cannot be sent it is gone, and the call is not answered.  What the log has of it is
 * then not known, unless it was too large. */
static int change_send(struct coordinator *c, struct change *change, struct coord_call *call)
{
    int r = change ? journal_send(&change->journal) : COORD_E_NOT_COORDINATOR;

    if (r == 0) {
        list_push(&c->in_flight, &change->node);
        coordinator_find_group(c, change->group_id)->in_flight++;
        if (call)
            list_push(&change->calls, &call->node);
        return 0;
    }
    if (change)
        change_free(change);
    if (r != COORD_E_TOO_LARGE)
        coordinator_fail(c);
    return r;
}

/* The group hears of what it wanted to have written. */
static void tell_group(struct change *change, struct group_step *step)
{
    struct coordinator *c = change->coordinator;
    struct coord_group *cg = coordinator_find_any(c, change->group_id);

    assert(cg && cg->in_flight > 0);
    cg->in_flight--;
    if (change->store && !cg->is_deleted) {
        group_stored(&cg->group, change->store, 0, step);
        coordinator_end_step(cg, step);
    }
    if (cg->is_deleted)
        coordinator_remove_if_void(cg);
}

static void complete_one(struct change *change)
{
    struct coordinator *c = change->coordinator;
    int outcome = change->journal.outcome;
    struct group_step step;
    struct list calls;
    struct list_node *node;

    coordinator_begin_step(c, &step);
    list_remove(&change->node);
    if (change->life == c->life) {
        if (outcome)
            coordinator_fail(c);
        else
            tell_group(change, &step);
    }
    list_init(&calls);
    list_append(&calls, &change->calls);
    change_free(change);
    coordinator_answer(&step);
    while ((node = list_first(&calls)))
        coordinator_finish(container_of(node, struct coord_call, node), outcome);
}

void coordinator_complete(struct loop_hook *hook)
{
    struct coordinators *all = container_of(hook, struct coordinators, complete);
    struct list_node *node;

    while ((node = list_pop(&all->completed)))
        complete_one(container_of(node, struct change, completed));
}

/* --- the group itself ------------------------------------------------------- */

/* Scratch for a record or a few. */
static void scratch_init(struct arena *arena)
{
    arena_init(arena, NULL);
}

int coordinator_write_group(struct coord_group *cg, uint64_t store)
{
    struct coordinator *c = cg->coordinator;
    struct change *change = change_begin(c, cg->id);
    struct arena arena;
    int r;

    if (change) {
        scratch_init(&arena);
        journal_add(&change->journal, records_of_group(&arena, cg->id, &cg->group));
        change->store = store;
        arena_reset(&arena);
    }
    r = change_send(c, change, NULL);
    cg->is_stored |= r == 0;
    return r;
}

/* --- commits ---------------------------------------------------------------- */

/* Offsets that are left after each was looked at for itself. */
static size_t check_offsets(const struct coordinator *c, struct coord_change *commit)
{
    size_t good = 0;

    for (size_t i = 0; i < commit->count; i++) {
        struct coord_offset *offset = &commit->offsets[i];
        int64_t units = (int64_t)utf16_length(offset->value.metadata);

        offset->outcome =
            units > c->all->config.metadata_max_units ? COORD_E_METADATA_TOO_LARGE : 0;
        good += offset->outcome == 0;
    }
    return good;
}

static int check_commit(struct coordinator *c, struct coord_change *commit)
{
    struct coord_group *cg = coordinator_find_group(c, commit->group_id);
    struct group_step step;
    int r;

    if (!cg) /* Who is in no group may make one. */
        return commit->who.generation < 0 ? 0 : COORD_E_UNKNOWN_GROUP;
    coordinator_begin_step(c, &step);
    r = group_check_commit(&cg->group, &commit->who, &step);
    coordinator_end_step(cg, &step);
    return r;
}

static void apply_offsets(struct coord_group *cg, const struct coord_change *commit)
{
    for (size_t i = 0; i < commit->count; i++) {
        const struct coord_offset *offset = &commit->offsets[i];

        if (offset->outcome == 0)
            offsets_put(&cg->offsets, offset->topic, offset->partition, &offset->value);
    }
}

static void add_offsets(struct change *change, const struct coord_change *commit)
{
    struct arena arena;

    scratch_init(&arena);
    for (size_t i = 0; i < commit->count; i++) {
        const struct coord_offset *offset = &commit->offsets[i];

        if (offset->outcome == 0)
            journal_add(&change->journal, records_of_offset(&arena, commit->group_id, offset->topic,
                                                            offset->partition, &offset->value));
    }
    arena_reset(&arena);
}

void coordinator_commit(struct coordinator *c, struct coord_change *commit)
{
    int r = check_commit(c, commit);
    struct coord_group *cg;
    struct change *change;

    if (r || check_offsets(c, commit) == 0) {
        coordinator_finish(&commit->call, r);
        return;
    }
    cg = coordinator_get_group(c, commit->group_id);
    change = change_begin(c, cg->id);
    if (change)
        add_offsets(change, commit);
    r = change_send(c, change, &commit->call);
    if (r == 0) {
        apply_offsets(cg, commit);
        return;
    }
    coordinator_remove_if_void(cg);
    coordinator_finish(&commit->call, r);
}

/* --- reading ---------------------------------------------------------------- */

/* What is read may not be durable yet: then it is told once the last change is. */
void coordinator_read(struct coordinator *c, struct coord_read *read)
{
    struct coord_group *cg = coordinator_find_group(c, read->group_id);
    struct change *newest;

    read->read(read, cg ? &cg->offsets : NULL);
    if (!cg || cg->in_flight == 0) {
        coordinator_finish(&read->call, 0);
        return;
    }
    newest = container_of(c->in_flight.head.prev, struct change, node);
    list_push(&newest->calls, &read->call.node);
}

/* --- forgetting ------------------------------------------------------------- */

/* Which offsets of a group go. */
typedef bool doomed_fn(const struct coord_group *cg, const struct offsets_topic *topic,
                       const struct offsets_entry *entry, const void *context);

/* Adds tombstones for what is doomed and returns how many. */
static size_t add_tombstones(struct change *change, const struct coord_group *cg,
                             doomed_fn *is_doomed, const void *context)
{
    struct arena arena;
    size_t count = 0;

    scratch_init(&arena);
    list_each (t, &cg->offsets.topics) {
        const struct offsets_topic *topic = container_of(t, struct offsets_topic, node);

        list_each (e, &topic->entries) {
            const struct offsets_entry *entry = container_of(e, struct offsets_entry, node);

            if (!is_doomed(cg, topic, entry, context))
                continue;
            journal_add(&change->journal,
                        records_of_offset(&arena, cg->id, topic->name, entry->partition, NULL));
            count++;
        }
        arena_recycle(&arena);
    }
    arena_reset(&arena);
    return count;
}

static void remove_doomed(struct coord_group *cg, doomed_fn *is_doomed, const void *context)
{
    list_each_safe (t, &cg->offsets.topics) {
        struct offsets_topic *topic = container_of(t, struct offsets_topic, node);
        size_t left = topic->by_partition.count;

        for (struct list_node *e = topic->entries.head.next; left > 0; left--) {
            const struct offsets_entry *entry = container_of(e, struct offsets_entry, node);

            e = e->next; /* The topic goes with its last entry, and `left` is 1 then. */
            if (is_doomed(cg, topic, entry, context))
                (void)offsets_remove(&cg->offsets, topic->name, entry->partition);
        }
    }
}

static void add_group_tombstone(struct change *change, const struct coord_group *cg)
{
    struct arena arena;

    scratch_init(&arena);
    journal_add(&change->journal, records_of_group(&arena, cg->id, NULL));
    arena_reset(&arena);
}

static bool is_any(const struct coord_group *cg, const struct offsets_topic *topic,
                   const struct offsets_entry *entry, const void *context)
{
    (void)cg;
    (void)topic;
    (void)entry;
    (void)context;
    return true;
}

void coordinator_delete_group(struct coordinator *c, struct coord_change *change)
{
    struct coord_group *cg = coordinator_find_group(c, change->group_id);
    struct change *sent;
    int r = !cg ? COORD_E_UNKNOWN_GROUP : 0;

    if (cg && (cg->group.state != GROUP_EMPTY || cg->is_foreign) &&
        !mutant_is(MUTANT_DELETE_ACTIVE))
        r = COORD_E_NOT_EMPTY;
    if (r) {
        coordinator_finish(&change->call, r);
        return;
    }
    sent = change_begin(c, cg->id);
    if (sent) {
        (void)add_tombstones(sent, cg, is_any, NULL);
        add_group_tombstone(sent, cg);
    }
    r = change_send(c, sent, &change->call);
    if (r == 0)
        coordinator_delete_group_now(cg);
    else
        coordinator_finish(&change->call, r);
}

/* Marks what may not go, and counts what is there of the rest. */
static size_t check_deletions(const struct coord_group *cg, struct coord_change *change)
{
    size_t count = 0;

    for (size_t i = 0; i < change->count; i++) {
        struct coord_offset *offset = &change->offsets[i];

        offset->outcome = group_is_subscribed(&cg->group, offset->topic) ? COORD_E_SUBSCRIBED : 0;
        count += offset->outcome == 0 &&
                 offsets_find(&cg->offsets, offset->topic, offset->partition) != NULL;
    }
    return count;
}

static void add_deletions(struct change *sent, const struct coord_group *cg,
                          const struct coord_change *change)
{
    struct arena arena;

    scratch_init(&arena);
    for (size_t i = 0; i < change->count; i++) {
        const struct coord_offset *offset = &change->offsets[i];

        if (offset->outcome == 0 && offsets_find(&cg->offsets, offset->topic, offset->partition))
            journal_add(&sent->journal,
                        records_of_offset(&arena, cg->id, offset->topic, offset->partition, NULL));
    }
    arena_reset(&arena);
}

void coordinator_delete_offsets(struct coordinator *c, struct coord_change *change)
{
    struct coord_group *cg = coordinator_find_group(c, change->group_id);
    struct change *sent;
    int r = !cg ? COORD_E_UNKNOWN_GROUP : 0;

    /* Of a group that is not of consumers nobody knows what it reads. */
    if (cg && cg->group.state != GROUP_EMPTY && !group_is_consumer(&cg->group))
        r = COORD_E_NOT_EMPTY;
    if (r || check_deletions(cg, change) == 0) {
        coordinator_finish(&change->call, r);
        return;
    }
    sent = change_begin(c, cg->id);
    if (sent)
        add_deletions(sent, cg, change);
    r = change_send(c, sent, &change->call);
    if (r) {
        coordinator_finish(&change->call, r);
        return;
    }
    for (size_t i = 0; i < change->count; i++)
        if (change->offsets[i].outcome == 0)
            (void)offsets_remove(&cg->offsets, change->offsets[i].topic,
                                 change->offsets[i].partition);
}

/* --- time and topics -------------------------------------------------------- */

/* Forgets what is doomed, and with `and_group` the group too if nothing else is left. */
static void forget(struct coord_group *cg, doomed_fn *is_doomed, const void *context,
                   bool and_group)
{
    struct coordinator *c = cg->coordinator;
    struct change *change = change_begin(c, cg->id);
    size_t count = change ? add_tombstones(change, cg, is_doomed, context) : 0;
    bool is_last = and_group && count == cg->offsets.count && cg->group.state == GROUP_EMPTY &&
                   cg->group.pending_count == 0;

    if (change && count == 0 && !(is_last && cg->is_stored)) {
        change_free(change);
        if (is_last)
            coordinator_remove_if_void(cg);
        return;
    }
    if (change && is_last && cg->is_stored)
        add_group_tombstone(change, cg);
    if (change_send(c, change, NULL))
        return;
    remove_doomed(cg, is_doomed, context);
    if (is_last)
        coordinator_delete_group_now(cg);
}

static bool is_lost(const struct coord_group *cg, const struct offsets_topic *topic,
                    const struct offsets_entry *entry, const void *context)
{
    const struct image *image = context;
    const struct image_topic *there = image_find_topic(image, topic->name);

    (void)cg;
    return !there ||
           (!uuid_is_zero(entry->value.topic_id) && !uuid_equal(entry->value.topic_id, there->id));
}

void coordinator_forget_lost(struct coord_group *cg, const struct image *image)
{
    list_each (t, &cg->offsets.topics) {
        const struct offsets_topic *topic = container_of(t, struct offsets_topic, node);

        list_each (e, &topic->entries) {
            if (is_lost(cg, topic, container_of(e, struct offsets_entry, node), image)) {
                forget(cg, is_lost, image, false);
                return;
            }
        }
    }
}

struct ages {
    enum group_expiry rule;
    int64_t now_ms, retention_ms;
};

static bool is_too_old(const struct coord_group *cg, const struct offsets_topic *topic,
                       const struct offsets_entry *entry, const void *context)
{
    const struct ages *ages = context;
    int64_t base_ms =
        ages->rule == GROUP_EXPIRES_BY_STATE ? cg->group.state_ms : entry->value.commit_ms;

    if (mutant_is(MUTANT_EXPIRE_ACTIVE))
        return committed_is_expired(&entry->value, base_ms, ages->now_ms, ages->retention_ms);
    return ages->rule != GROUP_KEEPS_OFFSETS && !group_is_subscribed(&cg->group, topic->name) &&
           committed_is_expired(&entry->value, base_ms, ages->now_ms, ages->retention_ms);
}

void coordinator_expire(struct coordinator *c)
{
    struct ages ages = {.now_ms = loop_age_ms(c->all->loop),
                        .retention_ms = c->all->config.retention_ms};
    struct list groups;
    struct list_node *node;

    coordinator_list_groups(c, &groups);
    while ((node = list_pop(&groups))) {
        struct coord_group *cg = container_of(node, struct coord_group, look);

        if (cg->is_foreign || cg->is_deleted || c->has_failed)
            continue;
        ages.rule = group_expiry(&cg->group);
        forget(cg, is_too_old, &ages, true);
    }
}
