/* SPDX-License-Identifier: Apache-2.0 */

/* control/controller_open.c - from the metadata log to an image, and the first records of a new
 * log. */

#include "base/err.h"
#include "base/mem.h"
#include "control/controller_internal.h"
#include "wire/msg/abort_transaction_record.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/broker_registration_change_record.h"
#include "wire/msg/end_transaction_record.h"
#include "wire/msg/feature_level_record.h"

DIAG_MODULE("control");

enum { METADATA_VERSION = 30 }; /* 4.3-IV0: what Kafka 4.3.1 and 4.4.0 both open. */

/* Says why a record ends the opening, and what helps. */
static void refuse_record(struct diag *diag, int64_t offset, struct slice bytes, int outcome)
{
    struct metadata_record record;
    int number = -1;
    int r = metadata_record_parse(bytes, &record, &number);
    const char *name = metadata_record_name(number);

    if (outcome == IMAGE_E_UNKNOWN_RECORD)
        diag_error(diag,
                   "metadata is of a newer release than this one; start the release that wrote it, "
                   "or a newer one",
                   kv("offset", offset), kv("record", number), kv("name", name ? name : "unknown"),
                   kv("version", r == 0 ? record.version : -1));
    else
        diag_error(diag,
                   "metadata record does not fit what is before it; restore the folder "
                   "__cluster_metadata-0 from a backup",
                   kv("offset", offset), kv("record", number));
}

static int replay_record(void *context, int64_t offset, struct slice record)
{
    struct controller *c = context;
    int r = image_edit_apply(c->edit, offset, record);

    if (r)
        refuse_record(c->options.diag, offset, record, r);
    return r ? MLOG_E_CORRUPT : 0;
}

/* What an earlier leader began and did not end never was. */
static void abort_transaction(struct controller *c)
{
    struct abort_transaction_record record = abort_transaction_record_defaults;

    record.reason = slice_text("The controller was started again.");
    controller_add(c, METADATA_ABORT_TRANSACTION, &record);
}

static int add_bootstrap(void *context, int64_t offset, struct slice record)
{
    struct controller *c = context;
    int r = controller_add_bytes(c, record);

    if (r)
        refuse_record(c->options.diag, offset, record, r);
    return r ? MLOG_E_CORRUPT : 0;
}

/* A new log begins with what a formatter wrote down for it, else with the release whose records
 * it holds; as one transaction, as Kafka has it. */
static int add_first(struct controller *c)
{
    struct begin_transaction_record begin = {.name = slice_text("Bootstrap records")};
    struct end_transaction_record end = {0};
    struct feature_level_record level = {.name = slice_text(features[FEATURE_METADATA].name),
                                         .feature_level = METADATA_VERSION};
    int r;

    controller_add(c, METADATA_BEGIN_TRANSACTION, &begin);
    r = mlog_read_bootstrap(c->mlog, add_bootstrap, c);
    if (r)
        return r;
    if (image_edit_image(c->edit)->levels[FEATURE_METADATA] == 0)
        controller_add(c, METADATA_FEATURE_LEVEL, &level);
    controller_add(c, METADATA_END_TRANSACTION, &end);
    return 0;
}

void controller_begin_now(struct controller *c)
{
    if (!c->edit)
        c->edit = image_edit_create(c->image);
}

/* Makes the records of the batch durable before anybody is there to wait, and takes their image. */
int controller_settle(struct controller *c)
{
    int r;

    if (!c->edit)
        return 0;
    r = c->record_count > 0 ? mlog_append_now(c->mlog, c->records, c->record_count) : 0;
    if (r == 0) {
        image_unref(c->image);
        c->image = image_edit_finish(take(c->edit));
    }
    c->edit = image_edit_destroy(c->edit);
    controller_reset(c);
    return err_pass(r);
}

/* What we keep for others is told: an operator would look for it in vain. */
static void list_kept(const struct controller *c)
{
    static const struct {
        enum metadata_type type;
        const char *what;
    } kinds[] = {
        {METADATA_ACL, "ACLs"},
        {METADATA_SCRAM_CREDENTIAL, "SCRAM credentials"},
        {METADATA_DELEGATION_TOKEN, "delegation tokens"},
        {METADATA_CLIENT_QUOTA, "client quotas"},
        {METADATA_FEATURE_LEVEL, "levels of unknown features"},
    };

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        size_t count = image_count_kept(c->image, kinds[i].type);

        if (count > 0)
            diag_warn(c->options.diag, "kept, not served", kv("what", kinds[i].what),
                      kv("count", (int64_t)count));
    }
}

static int replay(struct controller *c)
{
    scoped(image_unrefp) struct image *empty = image_create();
    int r;

    c->edit = image_edit_create(empty);
    r = mlog_open(&(struct mlog_options){.dir = c->options.dir,
                                         .env = c->options.env,
                                         .syncer = c->options.syncer,
                                         .config = c->options.mlog,
                                         .node_id = c->options.node_id,
                                         .replay = replay_record,
                                         .context = c},
                  &c->mlog);
    if (r)
        return r;
    if (image_edit_is_open(c->edit))
        abort_transaction(c);
    if (!mlog_is_empty(c->mlog))
        return controller_settle(c);
    c->image = image_ref(empty); /* The first records wait for the first broker. */
    return add_first(c);
}

static void expired(struct control_op *op, int outcome)
{
    (void)op;
    (void)outcome; /* What was not written is noticed again. */
}

static void expire(struct loop_timer *timer)
{
    struct controller *c = container_of(timer, struct controller, expiry);

    if (!list_node_is_linked(&c->expire.node))
        controller_ask(c, &c->expire);
}

int controller_open(const struct controller_options *options, struct controller **out)
{
    struct controller *c = mem_new(sizeof(*c));
    int r;

    c->options = *options;
    list_init(&c->queue);
    list_init(&c->batch);
    list_init(&c->watches);
    arena_init(&c->arena, NULL);
    c->decide = (struct loop_hook){.run = controller_decide};
    c->expiry.fire = expire;
    c->expire = (struct control_op){.kind = CONTROL_EXPIRE, .done = expired};
    r = replay(c);
    if (r) {
        (void)controller_close(c, false);
        return err_pass(r);
    }
    list_kept(c);
    controller_begin_sessions(c);
    controller_count_all(c);
    *out = c;
    return 0;
}

/* The broker of this process ends with us: it leads no more, which costs one record.  Its
 * partitions are its own again when it comes back. */
static void fence_ourselves(struct controller *c)
{
    const struct image_broker *broker = image_find_broker(c->image, c->options.node_id);
    struct broker_registration_change_record change = broker_registration_change_record_defaults;

    if (!broker || broker->record.fenced || mlog_is_failed(c->mlog))
        return;
    change.broker_id = c->options.node_id;
    change.broker_epoch = broker->record.broker_epoch;
    change.fenced = 1;
    controller_begin_now(c);
    controller_add(c, METADATA_REGISTRATION_CHANGE, &change);
    if (controller_settle(c))
        diag_warn(c->options.diag, "the broker could not be fenced for the stop");
}

int controller_close(struct controller *c, bool clean)
{
    int r;

    if (!c)
        return 0;
    assert(list_is_empty(&c->watches));
    loop_hook_cancel(&c->decide);
    controller_end_ops(&c->batch, CONTROL_E_STOPPED);
    controller_end_ops(&c->queue, CONTROL_E_STOPPED);
    loop_timer_cancel(c->options.loop, &c->expiry);
    c->edit = image_edit_destroy(c->edit);
    if (clean) {
        controller_reset(c);
        fence_ourselves(c);
    }
    r = mlog_close(c->mlog, clean);
    image_unref(c->previous);
    image_unref(c->image);
    arena_reset(&c->arena);
    mem_free(c->sessions);
    mem_free(c->loads);
    mem_free(c);
    return err_pass(r);
}
