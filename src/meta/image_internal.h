/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* meta/image_internal.h - what the files of the image share.
 *
 * Threading: as image.h.
 * Errors:    as image.h.
 */

#include "meta/image.h"
#include "wire/msg/abort_transaction_record.h"
#include "wire/msg/access_control_entry_record.h"
#include "wire/msg/begin_transaction_record.h"
#include "wire/msg/broker_registration_change_record.h"
#include "wire/msg/clear_elr_record.h"
#include "wire/msg/client_quota_record.h"
#include "wire/msg/config_record.h"
#include "wire/msg/delegation_token_record.h"
#include "wire/msg/feature_level_record.h"
#include "wire/msg/fence_broker_record.h"
#include "wire/msg/partition_change_record.h"
#include "wire/msg/partition_record.h"
#include "wire/msg/producer_ids_record.h"
#include "wire/msg/remove_access_control_entry_record.h"
#include "wire/msg/remove_delegation_token_record.h"
#include "wire/msg/remove_topic_record.h"
#include "wire/msg/remove_user_scram_credential_record.h"
#include "wire/msg/topic_record.h"
#include "wire/msg/unfence_broker_record.h"
#include "wire/msg/unregister_broker_record.h"
#include "wire/msg/unregister_controller_record.h"
#include "wire/msg/user_scram_credential_record.h"

/* What a record is decoded into. */
union image_record {
    struct topic_record topic;
    struct partition_record partition;
    struct partition_change_record partition_change;
    struct remove_topic_record remove_topic;
    struct clear_elr_record clear_elr;
    struct config_record config;
    struct feature_level_record feature;
    struct producer_ids_record producer_ids;
    struct begin_transaction_record begin;
    struct abort_transaction_record abort;
    struct register_broker_record register_broker;
    struct unregister_broker_record unregister_broker;
    struct fence_broker_record fence;
    struct unfence_broker_record unfence;
    struct broker_registration_change_record change;
    struct register_controller_record register_controller;
    struct unregister_controller_record unregister_controller;
    struct delegation_token_record token;
    struct remove_delegation_token_record remove_token;
    struct user_scram_credential_record scram;
    struct remove_user_scram_credential_record remove_scram;
    struct client_quota_record quota;
    struct access_control_entry_record acl;
    struct remove_access_control_entry_record remove_acl;
};

struct image_edit {
    struct image *image;  /* Owned: not finished, so not shared. */
    struct image *before; /* Owned: without the transaction that is open, or NULL. */
    struct arena arena;   /* For one record. */
};

struct image_resource_key {
    int8_t type;
    struct slice name;
};

struct image_kept_key {
    enum metadata_type type;
    struct slice key;
};

extern const struct tree_class image_brokers_class;
extern const struct tree_class image_controllers_class;
extern const struct tree_class image_kept_class;

/* Another image with the same content, of the next generation. */
struct image *image_next(const struct image *base);

/* Below, equal to or above zero, as `a` is below, at or above `b`. */
int image_compare_names(const char *a, struct slice b);

/* One more reference to a topic, and one less. */
void image_topic_ref(void *item);
void image_topic_unref(void *item);

/* Frees settings, and copies them. */
void image_configs_fini(struct image_configs *configs);
struct image_configs image_configs_copy(const struct image_configs *from);

/* Sets `name`, or takes it away if `value` is null. */
void image_configs_set(struct image_configs *configs, struct slice name, struct slice value);

/* A shared copy of these lists, with one reference. */
struct image_replicas *image_replicas_create(const struct image_replicas *lists);

/* True if they say the same. */
bool image_replicas_equal(const struct image_replicas *a, const struct image_replicas *b);

/* One more reference, and one less; NULL is allowed. */
struct image_replicas *image_replicas_ref(struct image_replicas *replicas);
struct image_replicas *image_replicas_unref(struct image_replicas *replicas);

/* Applies a record about a broker or a controller. */
NODISCARD int image_nodes_apply(struct image *image, enum metadata_type type,
                                const union image_record *record);

/* Keeps `bytes`, whose content is `fields`, or removes what such a record kept. */
NODISCARD int image_kept_apply(struct image *image, enum metadata_type type, const void *fields,
                               struct slice bytes);
