/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "meta/image_test.h"

/* The records of an image, one behind the other. */
static int add_record(void *context, struct slice record)
{
    struct text *text = context;
    uint32_t size = (uint32_t)record.size;

    text_add(text, &size, sizeof(size));
    text_add(text, record.data, record.size);
    return 0;
}

static int apply_record(void *context, struct slice record)
{
    return apply(context, record);
}

/* An image of what `image` tells tells the same. */
static void check_survives(const struct image *image)
{
    struct text before = {.data = NULL}, after = {.data = NULL};
    struct fixture f;

    fixture_init(&f);
    check_ok(image_tell(image, apply_record, &f));
    check_ok(image_tell(image, add_record, &before));
    check_ok(image_tell(image_of(&f), add_record, &after));
    check(slice_equal(text_slice(&before), text_slice(&after)));
    check_eq(image_topic_count(image_of(&f)), image_topic_count(image));
    check_eq(tree_count(&image_of(&f)->kept), tree_count(&image->kept));
    check_eq(image_of(&f)->next_producer_id, image->next_producer_id);
    text_fini(&before);
    text_fini(&after);
    fixture_fini(&f);
}

/* A random record of any type that fits, or not. */
static void apply_random(struct fixture *f, struct rng *rng)
{
    static const int types[] = {0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 14, 15, 17, 18, 19, 27, 28};
    int type = types[rng_below(rng, COUNT_OF(types))];
    uint8_t bytes[] = {1, (uint8_t)type, 0, 0};
    struct metadata_record parsed;
    union image_record fields;
    struct slice record;
    int number;

    check_ok(metadata_record_parse(slice_of(bytes, sizeof(bytes)), &parsed, &number));
    if (codec_randomise(parsed.message, parsed.message->max, rng, &f->arena, &fields))
        return;
    if (type == METADATA_PARTITION)
        fields.partition.partition_id = (int32_t)rng_below(rng, 3);
    record = record_of(f, parsed.message, (uint64_t)type, parsed.message->max, &fields);
    (void)apply(f, record);
}

PROPERTY(image_tell, an_image_is_what_its_records_say, 100)
{
    static const char *const names[] = {"a", "b", "c.d", "e_f"};
    struct fixture f;

    fixture_init(&f);
    for (uint8_t i = 0; i < COUNT_OF(names); i++)
        check_ok(add_topic(&f, names[i], i));
    for (uint64_t n = rng_below(rng, 60); n > 0; n--) {
        uint8_t id = (uint8_t)rng_below(rng, COUNT_OF(names));

        (void)set_partition(&f, id, (int32_t)rng_below(rng, 5), (int32_t)rng_below(rng, 9));
        (void)set_config(&f, (int8_t)(2 * rng_below(rng, 3)), names[id], names[n % 4], "1");
        apply_random(&f, rng);
    }
    check_survives(image_of(&f));
    fixture_fini(&f);
}

static int refuse(void *context, struct slice record)
{
    (void)record;
    return --*(int *)context == 0 ? 7 : 0;
}

TEST(image_tell, who_listens_may_end_it)
{
    struct fixture f;
    int left = 2;

    fixture_init(&f);
    check_ok(add_topic(&f, "a", 1));
    check_ok(add_topic(&f, "b", 2));
    check_ok(add_topic(&f, "c", 3));
    check_eq(image_tell(image_of(&f), refuse, &left), 7);
    check_eq(left, 0);
    fixture_fini(&f);
}
