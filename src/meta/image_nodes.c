/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image_nodes.c - brokers and controllers, as they registered and as they changed since. */

#include "base/mem.h"
#include "meta/image_internal.h"
#include "wire/codec.h"

#include <stdatomic.h>

enum { FENCED = 1, UNFENCED = -1, IN_SHUTDOWN = 1 };

/* --- what the maps hold ----------------------------------------------------- */

static int compare_ids(int32_t a, int32_t b)
{
    return (a > b) - (a < b);
}

static int compare_broker(const void *item, const void *key)
{
    return compare_ids(((const struct image_broker *)item)->record.broker_id,
                       *(const int32_t *)key);
}

static int compare_controller(const void *item, const void *key)
{
    return compare_ids(((const struct image_controller *)item)->record.controller_id,
                       *(const int32_t *)key);
}

static void broker_ref(void *item)
{
    atomic_fetch_add_explicit(&((struct image_broker *)item)->refs, 1, memory_order_relaxed);
}

static void broker_unref(void *item)
{
    struct image_broker *broker = item;

    if (atomic_fetch_sub_explicit(&broker->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_reset(&broker->arena);
    mem_free(broker);
}

static void controller_ref(void *item)
{
    atomic_fetch_add_explicit(&((struct image_controller *)item)->refs, 1, memory_order_relaxed);
}

static void controller_unref(void *item)
{
    struct image_controller *controller = item;

    if (atomic_fetch_sub_explicit(&controller->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_reset(&controller->arena);
    mem_free(controller);
}

const struct tree_class image_brokers_class = {
    .compare = compare_broker, .ref = broker_ref, .unref = broker_unref};
const struct tree_class image_controllers_class = {
    .compare = compare_controller, .ref = controller_ref, .unref = controller_unref};

/* Copies a record with all that it points to. */
static void record_copy(const struct wire_message *message, const void *from, struct arena *arena,
                        void *out)
{
    struct codec_output bytes;
    int r = codec_encode(message, message->max, from, arena, &bytes);

    if (r == 0)
        r = codec_decode_all(message, message->max, slice_of(bytes.data, bytes.size), arena, out);
    assert(r == 0); /* It was read from bytes, and the newest version can say it. */
}

/* --- brokers ---------------------------------------------------------------- */

static void broker_put(struct image *image, const struct register_broker_record *record)
{
    struct image_broker *broker = mem_new(sizeof(*broker));

    atomic_init(&broker->refs, 1);
    arena_init(&broker->arena, NULL);
    record_copy(&register_broker_record_message, record, &broker->arena, &broker->record);
    tree_put(&image->brokers, &record->broker_id, broker);
}

/* The broker's registration, if it is the one that `epoch` is of. */
static const struct image_broker *find(const struct image *image, int32_t id, int64_t epoch)
{
    const struct image_broker *broker = image_find_broker(image, id);

    return broker && broker->record.broker_epoch == epoch ? broker : NULL;
}

static int broker_remove(struct image *image, const struct unregister_broker_record *record)
{
    if (!find(image, record->broker_id, record->broker_epoch))
        return IMAGE_E_INCONSISTENT;
    tree_remove(&image->brokers, &record->broker_id);
    return 0;
}

static int broker_change(struct image *image,
                         const struct broker_registration_change_record *change)
{
    const struct image_broker *broker = find(image, change->broker_id, change->broker_epoch);
    struct register_broker_record record;

    if (!broker)
        return IMAGE_E_INCONSISTENT;
    record = broker->record;
    if (change->fenced == FENCED || change->fenced == UNFENCED)
        record.fenced = change->fenced == FENCED;
    record.in_controlled_shutdown |= change->in_controlled_shutdown == IN_SHUTDOWN;
    if (change->log_dirs_count > 0) {
        record.log_dirs = change->log_dirs;
        record.log_dirs_count = change->log_dirs_count;
    }
    if (change->cordoned_log_dirs_count >= 0) {
        record.cordoned_log_dirs = change->cordoned_log_dirs;
        record.cordoned_log_dirs_count = change->cordoned_log_dirs_count;
    }
    broker_put(image, &record);
    return 0;
}

static int broker_fence(struct image *image, int32_t id, int64_t epoch, int8_t fenced)
{
    struct broker_registration_change_record change = broker_registration_change_record_defaults;

    change.broker_id = id;
    change.broker_epoch = epoch;
    change.fenced = fenced;
    return broker_change(image, &change);
}

const struct image_broker *image_find_broker(const struct image *image, int32_t id)
{
    return tree_find(&image->brokers, &id);
}

bool image_is_broker_alive(const struct image *image, int32_t id)
{
    const struct image_broker *broker = image_find_broker(image, id);

    return broker && !broker->record.fenced;
}

/* --- controllers ------------------------------------------------------------ */

static void controller_put(struct image *image, const struct register_controller_record *record)
{
    struct image_controller *controller = mem_new(sizeof(*controller));

    atomic_init(&controller->refs, 1);
    arena_init(&controller->arena, NULL);
    record_copy(&register_controller_record_message, record, &controller->arena,
                &controller->record);
    tree_put(&image->controllers, &record->controller_id, controller);
}

int image_nodes_apply(struct image *image, enum metadata_type type,
                      const union image_record *record)
{
    switch ((int)type) {
    case METADATA_REGISTER_BROKER: broker_put(image, &record->register_broker); return 0;
    case METADATA_UNREGISTER_BROKER: return broker_remove(image, &record->unregister_broker);
    case METADATA_REGISTRATION_CHANGE: return broker_change(image, &record->change);
    case METADATA_FENCE_BROKER:
        return broker_fence(image, record->fence.id, record->fence.epoch, FENCED);
    case METADATA_UNFENCE_BROKER:
        return broker_fence(image, record->unfence.id, record->unfence.epoch, UNFENCED);
    case METADATA_REGISTER_CONTROLLER:
        controller_put(image, &record->register_controller);
        return 0;
    case METADATA_UNREGISTER_CONTROLLER:
        return tree_remove(&image->controllers, &record->unregister_controller.controller_id)
                   ? 0
                   : IMAGE_E_INCONSISTENT;
    default: return IMAGE_E_UNKNOWN_RECORD;
    }
}
