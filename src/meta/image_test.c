/* SPDX-License-Identifier: Apache-2.0 */
#include "meta/image_test.h"

#include "wire/msg/no_op_record.h"

#include <inttypes.h>

/* Everything that an image says, as text. */
static void print(const struct image *image, struct text *out)
{
    struct tree_walk walk;
    const struct image_topic *t;

    text_printf(out, "@%" PRId64 " %d %" PRId64, image->offset, image->levels[FEATURE_METADATA],
                image->next_producer_id);
    image_walk_begin(&walk, image, slice_null());
    while ((t = image_walk_next(&walk))) {
        text_printf(out, " %s(%d)", t->name, t->id.bytes[15]);
        for (int32_t i = 0; i < t->partition_count; i++)
            text_printf(out, "%s%" PRId32, i ? "," : ":", t->partitions[i].leader_epoch);
        for (size_t i = 0; i < t->configs.count; i++)
            text_printf(out, " %s=%s", t->configs.items[i].name, t->configs.items[i].value);
        check(image_find_topic(image, slice_text(t->name)) == t);
        check(image_find_topic_by_id(image, t->id) == t);
    }
}

static bool prints(const struct image *image, const char *want)
{
    struct text out = {.data = NULL};
    bool same;

    print(image, &out);
    same = slice_is_text(text_slice(&out), want);
    if (!same)
        check_text(out.data, want);
    text_fini(&out);
    return same;
}

TEST(image, an_empty_cluster_has_nothing)
{
    scoped(image_unrefp) struct image *image = image_create();

    check(prints(image, "@-1 0 0"));
    check_eq(image_topic_count(image), 0);
    check(!image_find_topic(image, slice_text("orders")));
    check(!image_find_topic(image, slice_null()));
    check(!image_find_topic_by_id(image, id_of(1)));
    check(!image_find_configs(image, IMAGE_RESOURCE_BROKER, slice_text("1")));
    check(image_ref(image) == image);
    check(!image_unref(image));
    check(!image_unref(NULL));
}

TEST(image, topics_are_told_in_order_of_name)
{
    struct fixture f;

    fixture_init(&f);
    check_ok(add_topic(&f, "users", 1));
    check_ok(add_topic(&f, "orders", 2));
    check_ok(add_topic(&f, "order", 3));
    check_ok(set_partition(&f, 2, 0, 0));
    check_ok(set_partition(&f, 2, 1, 5));
    check(prints(image_of(&f), "@4 0 0 order(3) orders(2):0,5 users(1)"));
    check_eq(image_topic_count(image_of(&f)), 3);
    fixture_fini(&f);
}

TEST(image, a_walk_begins_where_it_is_told)
{
    struct tree_walk walk;
    struct fixture f;

    fixture_init(&f);
    check_ok(add_topic(&f, "a", 1));
    check_ok(add_topic(&f, "c", 2));
    image_walk_begin(&walk, image_of(&f), slice_text("b"));
    check_text(image_walk_next(&walk)->name, "c");
    check(!image_walk_next(&walk));
    image_walk_begin(&walk, image_of(&f), slice_text("a"));
    check_text(image_walk_next(&walk)->name, "a");
    image_walk_begin(&walk, image_of(&f), slice_text("d"));
    check(!image_walk_next(&walk));
    fixture_fini(&f);
}

TEST(image, whoever_holds_an_image_sees_it_unchanged)
{
    struct fixture f;
    struct image *before;
    struct image *after;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_ok(set_partition(&f, 1, 0, 0));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "retention.ms", "1"));
    before = image_edit_finish(f.edit);

    f.edit = image_edit_create(before);
    check_ok(set_partition(&f, 1, 0, 7));
    check_ok(set_partition(&f, 1, 1, 7));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "retention.ms", "2"));
    check_ok(add_topic(&f, "users", 2));
    after = image_edit_finish(f.edit);

    f.edit = image_edit_create(after);
    check_ok(remove_topic(&f, 1));
    check(prints(image_of(&f), "@7 0 0 users(2)"));
    check(prints(after, "@6 0 0 orders(1):7,7 retention.ms=2 users(2)"));
    check(prints(before, "@2 0 0 orders(1):0 retention.ms=1"));
    image_unref(before);
    check(prints(after, "@6 0 0 orders(1):7,7 retention.ms=2 users(2)"));
    image_unref(after);
    fixture_fini(&f);
}

TEST(image, what_was_not_touched_is_shared)
{
    struct fixture f;
    struct image *before;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_ok(add_topic(&f, "users", 2));
    before = image_edit_finish(f.edit);
    f.edit = image_edit_create(before);
    check_ok(set_partition(&f, 2, 0, 1));
    check(image_find_topic_by_id(image_of(&f), id_of(1)) ==
          image_find_topic_by_id(before, id_of(1)));
    check(image_find_topic_by_id(image_of(&f), id_of(2)) !=
          image_find_topic_by_id(before, id_of(2)));
    image_unref(before);
    fixture_fini(&f);
}

TEST(image, partitions_have_no_holes)
{
    struct fixture f;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_eq(set_partition(&f, 1, 1, 0), IMAGE_E_INCONSISTENT);
    check_eq(set_partition(&f, 1, -1, 0), IMAGE_E_INCONSISTENT);
    check_eq(set_partition(&f, 2, 0, 0), IMAGE_E_INCONSISTENT);
    for (int32_t i = 0; i < 100; i++)
        check_ok(set_partition(&f, 1, i, i));
    for (int32_t i = 0; i < 100; i++)
        check_eq(image_find_topic(image_of(&f), slice_text("orders"))->partitions[i].leader_epoch,
                 i);
    fixture_fini(&f);
}

TEST(image, names_and_ids_are_taken_once)
{
    struct fixture f;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_eq(add_topic(&f, "orders", 2), IMAGE_E_INCONSISTENT);
    check_eq(add_topic(&f, "users", 1), IMAGE_E_INCONSISTENT);
    check_eq(remove_topic(&f, 2), IMAGE_E_INCONSISTENT);
    check_ok(remove_topic(&f, 1));
    check_eq(remove_topic(&f, 1), IMAGE_E_INCONSISTENT);
    check_ok(add_topic(&f, "orders", 1));
    check(prints(image_of(&f), "@2 0 0 orders(1)"));
    fixture_fini(&f);
}

TEST(image, a_name_does_not_end_early)
{
    struct fixture f;
    struct topic_record record = {.name = slice_of("or\0ders", 7), .topic_id = id_of(1)};

    fixture_init(&f);
    check_eq(apply(&f, record_of(&f, &topic_record_message, 2, 0, &record)), IMAGE_E_MALFORMED);
    check_eq(image_topic_count(image_of(&f)), 0);
    fixture_fini(&f);
}

TEST(image, names_that_metrics_cannot_tell_apart_are_found)
{
    struct fixture f;
    const struct image *image;

    fixture_init(&f);
    check_ok(add_topic(&f, "a.b_c", 1));
    check_ok(add_topic(&f, "plain", 2));
    image = image_of(&f);
    check(image_find_collision(image, slice_text("a_b.c")) ==
          image_find_topic(image, slice_text("a.b_c")));
    check(image_find_collision(image, slice_text("a.b_c")) != NULL);
    check(!image_find_collision(image, slice_text("a.b.c.d")));
    check(!image_find_collision(image, slice_text("a-b-c")));
    check_ok(remove_topic(&f, 1));
    check(!image_find_collision(image_of(&f), slice_text("a_b_c")));
    fixture_fini(&f);
}

TEST(image, settings_are_set_replaced_and_taken_away)
{
    struct fixture f;
    const struct image_topic *t;
    const struct image_configs *c;

    fixture_init(&f);
    check_ok(add_topic(&f, "orders", 1));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "b", "1"));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "a", "2"));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "c", "3"));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "b", ""));
    check(prints(image_of(&f), "@4 0 0 orders(1) a=2 b= c=3"));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "a", NULL));
    check_ok(set_config(&f, IMAGE_RESOURCE_TOPIC, "orders", "never set", NULL));
    t = image_find_topic(image_of(&f), slice_text("orders"));
    check(!image_topic_config(t, "a"));
    check_text(image_topic_config(t, "c"), "3");
    check_eq(set_config(&f, IMAGE_RESOURCE_TOPIC, "users", "a", "1"), IMAGE_E_INCONSISTENT);

    check_ok(set_config(&f, IMAGE_RESOURCE_BROKER, "1", "log.cleaner.threads", "2"));
    check_ok(set_config(&f, IMAGE_RESOURCE_BROKER, "", "log.cleaner.threads", "3"));
    c = image_find_configs(image_of(&f), IMAGE_RESOURCE_BROKER, slice_text("1"));
    check_text(image_configs_get(c, "log.cleaner.threads"), "2");
    c = image_find_configs(image_of(&f), IMAGE_RESOURCE_BROKER, slice_empty());
    check_text(image_configs_get(c, "log.cleaner.threads"), "3");
    check(!image_find_configs(image_of(&f), IMAGE_RESOURCE_BROKER, slice_text("2")));
    fixture_fini(&f);
}

TEST(image, features_and_producer_ids_are_remembered)
{
    struct feature_level_record ours = {.name = slice_text("metadata.version"),
                                        .feature_level = 30};
    struct feature_level_record other = {.name = slice_text("share.version"), .feature_level = 1};
    struct producer_ids_record ids = {.next_producer_id = 1000};
    struct fixture f;

    fixture_init(&f);
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &ours)));
    check_ok(apply(&f, record_of(&f, &feature_level_record_message, 12, 0, &other)));
    check_ok(apply(&f, record_of(&f, &producer_ids_record_message, 15, 0, &ids)));
    check(prints(image_of(&f), "@2 30 1000"));
    fixture_fini(&f);
}

TEST(image, records_of_other_parts_move_the_offset_only)
{
    struct no_op_record nothing = {0};
    struct fixture f;

    fixture_init(&f);
    check_ok(apply(&f, record_of(&f, &no_op_record_message, 20, 0, &nothing)));
    check(prints(image_of(&f), "@0 0 0"));
    fixture_fini(&f);
}

TEST(image, a_record_of_a_newer_release_is_refused)
{
    struct topic_record topic = {.name = slice_text("orders"), .topic_id = id_of(1)};
    struct fixture f;
    struct slice record;

    fixture_init(&f);
    record = record_of(&f, &topic_record_message, 2, 0, &topic);
    for (size_t i = 0; i < 3; i++) {
        uint8_t bytes[64];

        memcpy(bytes, record.data, record.size);
        bytes[i] = 100; /* The frame, the type, the version. */
        check_eq(apply(&f, slice_of(bytes, record.size)), IMAGE_E_UNKNOWN_RECORD);
    }
    check(prints(image_of(&f), "@-1 0 0"));
    fixture_fini(&f);
}

TEST(image, a_record_that_is_cut_or_too_long_is_refused)
{
    struct topic_record topic = {.name = slice_text("orders"), .topic_id = id_of(1)};
    struct fixture f;
    struct slice record;
    uint8_t longer[64] = {0};

    fixture_init(&f);
    record = record_of(&f, &topic_record_message, 2, 0, &topic);
    for (size_t cut = 0; cut < record.size; cut++)
        check_eq(apply(&f, slice_of(record.data, cut)), IMAGE_E_MALFORMED);
    memcpy(longer, record.data, record.size);
    check_eq(apply(&f, slice_of(longer, record.size + 1)), IMAGE_E_MALFORMED);
    check(prints(image_of(&f), "@-1 0 0"));
    check_ok(apply(&f, record));
    fixture_fini(&f);
}

/* One random change; what does not fit is refused and changes nothing. */
static void change(struct fixture *f, struct rng *rng)
{
    static const char *const names[] = {"a", "b", "c.d", "c_d", "e", "f_g", "h", "i"};
    size_t which = rng_below(rng, COUNT_OF(names));
    uint8_t id = (uint8_t)(which + 8 * rng_below(rng, 2));
    const char *value = rng_chance(rng, 30) ? NULL : names[rng_below(rng, COUNT_OF(names))];
    int r = 0;

    switch (rng_below(rng, 4)) {
    case 0: r = add_topic(f, names[which], id); break;
    case 1: r = rng_chance(rng, 40) ? remove_topic(f, id) : 0; break;
    case 2: r = set_partition(f, id, (int32_t)rng_below(rng, 5), (int32_t)rng_below(rng, 9)); break;
    default: r = set_config(f, IMAGE_RESOURCE_TOPIC, names[which], names[id % 8], value);
    }
    check(r == 0 || r == IMAGE_E_INCONSISTENT);
}

PROPERTY(image, every_image_in_a_history_stays_what_it_was, 100)
{
    struct image *images[12];
    struct text texts[12];
    struct fixture f;

    fixture_init(&f);
    for (size_t i = 0; i < COUNT_OF(images); i++) {
        texts[i] = (struct text){.data = NULL};
        for (uint64_t n = rng_below(rng, 30); n > 0; n--)
            change(&f, rng);
        images[i] = image_edit_finish(f.edit);
        print(images[i], &texts[i]);
        f.edit = image_edit_create(images[i]);
    }
    for (size_t i = 0; i < COUNT_OF(images); i++) { /* Some die before others are looked at. */
        size_t at = (i * 5) % COUNT_OF(images);

        check(prints(images[at], texts[at].data));
        image_unref(images[at]);
        text_fini(&texts[at]);
    }
    fixture_fini(&f);
}

/* Records from anywhere, each with its size in front: applied or refused. */
FUZZ(image, apply)
{
    struct fixture f;
    size_t at = 0;

    fixture_init(&f);
    while (at < size) {
        size_t length = min_of((size_t)data[at], size - at - 1);
        int r = apply(&f, slice_of(data + at + 1, length));

        check(r >= 0 && r <= IMAGE_E_INCONSISTENT);
        at += 1 + length;
    }
    check(image_topic_count(image_of(&f)) <= size);
    fixture_fini(&f);
}
