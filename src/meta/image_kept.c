/* SPDX-License-Identifier: Apache-2.0 */

/* meta/image_kept.c - records of what we do not serve yet, by what identifies them.
 *
 * The key of a record is what a later one must share to replace or remove it; its bytes are ours
 * alone and never stored. */

#include "base/mem.h"
#include "base/text.h"
#include "meta/image_internal.h"

#include <stdatomic.h>
#include <stdlib.h>

/* --- what the map holds ----------------------------------------------------- */

static int compare_kept(const void *item, const void *key)
{
    const struct image_kept *kept = item;
    const struct image_kept_key *wanted = key;
    size_t common = min_of(kept->key.size, wanted->key.size);
    int order;

    if (kept->type != wanted->type)
        return kept->type < wanted->type ? -1 : 1;
    order = common ? memcmp(kept->key.data, wanted->key.data, common) : 0;
    return order ? order
                 : (kept->key.size > wanted->key.size) - (kept->key.size < wanted->key.size);
}

static void kept_ref(void *item)
{
    atomic_fetch_add_explicit(&((struct image_kept *)item)->refs, 1, memory_order_relaxed);
}

static void kept_unref(void *item)
{
    struct image_kept *kept = item;

    if (atomic_fetch_sub_explicit(&kept->refs, 1, memory_order_acq_rel) != 1)
        return;
    slice_drop(&kept->key);
    slice_drop(&kept->record);
    mem_free(kept);
}

const struct tree_class image_kept_class = {
    .compare = compare_kept, .ref = kept_ref, .unref = kept_unref};

/* --- keys ------------------------------------------------------------------- */

/* Text with its size in front, so that two in a row have one meaning; null is no size. */
static void add_text(struct text *key, struct slice text)
{
    uint32_t size = slice_is_null(text) ? UINT32_MAX : (uint32_t)text.size;

    text_add(key, &size, sizeof(size));
    text_add(key, text.data, text.size);
}

static int by_type(const void *a, const void *b)
{
    const struct client_quota_record_entity_data *x = a;
    const struct client_quota_record_entity_data *y = b;
    size_t common = min_of(x->entity_type.size, y->entity_type.size);
    int order = common ? memcmp(x->entity_type.data, y->entity_type.data, common) : 0;

    return order ? order
                 : (x->entity_type.size > y->entity_type.size) -
                       (x->entity_type.size < y->entity_type.size);
}

/* The parts of an entity come in any order. */
static void add_quota(struct text *key, const struct client_quota_record *quota)
{
    if (quota->entity_count > 0)
        qsort(quota->entity, (size_t)quota->entity_count, sizeof(*quota->entity), by_type);
    for (int32_t i = 0; i < quota->entity_count; i++) {
        add_text(key, quota->entity[i].entity_type);
        add_text(key, quota->entity[i].entity_name);
    }
    add_text(key, quota->key);
}

/* What identifies a record, and which type it keeps or removes. */
struct identity {
    enum metadata_type type;
    struct text key;
    bool is_removal;
};

static void identify(enum metadata_type type, const void *fields, struct identity *out)
{
    const union image_record *record = fields;

    *out = (struct identity){.type = type, .is_removal = true};
    switch ((int)type) {
    case METADATA_ACL: out->is_removal = false; __attribute__((fallthrough));
    case METADATA_REMOVE_ACL:
        out->type = METADATA_ACL;
        text_add(&out->key, &record->acl.id, sizeof(record->acl.id));
        break;
    case METADATA_DELEGATION_TOKEN:
        out->is_removal = false;
        add_text(&out->key, record->token.token_id);
        break;
    case METADATA_REMOVE_DELEGATION_TOKEN:
        out->type = METADATA_DELEGATION_TOKEN;
        add_text(&out->key, record->remove_token.token_id);
        break;
    case METADATA_SCRAM_CREDENTIAL:
        out->is_removal = false;
        add_text(&out->key, record->scram.name);
        text_add(&out->key, &record->scram.mechanism, 1);
        break;
    case METADATA_REMOVE_SCRAM_CREDENTIAL:
        out->type = METADATA_SCRAM_CREDENTIAL;
        add_text(&out->key, record->remove_scram.name);
        text_add(&out->key, &record->remove_scram.mechanism, 1);
        break;
    case METADATA_CLIENT_QUOTA:
        out->is_removal = record->quota.remove;
        add_quota(&out->key, &record->quota);
        break;
    default: /* A feature without a place of its own. */
        out->is_removal = record->feature.feature_level == 0;
        add_text(&out->key, record->feature.name);
        break;
    }
}

int image_kept_apply(struct image *image, enum metadata_type type, const void *fields,
                     struct slice bytes)
{
    struct image_kept_key key;
    struct identity identity;
    struct image_kept *kept;

    identify(type, fields, &identity);
    key = (struct image_kept_key){.type = identity.type, .key = text_slice(&identity.key)};
    if (identity.is_removal) {
        tree_remove(&image->kept, &key); /* What is not there need not go. */
    } else {
        kept = mem_new(sizeof(*kept));
        atomic_init(&kept->refs, 1);
        kept->type = identity.type;
        kept->key = slice_keep(key.key);
        kept->record = slice_keep(bytes);
        tree_put(&image->kept, &key, kept);
    }
    text_fini(&identity.key);
    return 0;
}

size_t image_count_kept(const struct image *image, enum metadata_type type)
{
    struct image_kept_key from = {.type = type, .key = slice_empty()};
    const struct image_kept *kept;
    struct tree_walk walk;
    size_t count = 0;

    tree_walk_begin(&walk, &image->kept, &from);
    while ((kept = tree_walk_next(&walk)) && kept->type == type)
        count++;
    return count;
}
