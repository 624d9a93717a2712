/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/record.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/rng.h"

enum {
    HEADERS_MAX = 3,
    KEY_MAX = 24,
    SMALL_MAX = 200,
    LARGE_MAX = 6000,
    HEADER_VALUE_MAX = 20,
    KEYS = 17
};

/* In the past of every clock here, so that no jump makes a time that is refused. */
static const int64_t time_begin_ms = 1700000000000;

/* What a record of this number is made of. */
struct recipe {
    int64_t timestamp;
    bool has_key;
    size_t key_size, value_size;
    size_t header_count;
};

/* A stream of bytes for each part of a record. */
static struct rng rng_for(uint64_t value, uint64_t part)
{
    return rng_of(hash_u64(value * 16 + part));
}

uint64_t record_key(uint64_t value)
{
    return value % KEYS;
}

static struct recipe recipe_of(uint64_t value)
{
    struct rng rng = rng_for(value, 0);
    bool is_large = rng_chance(&rng, 3);
    struct recipe recipe = {
        .timestamp = time_begin_ms + (int64_t)rng_below(&rng, 1000000),
        .has_key = rng_chance(&rng, 70),
        .key_size = (size_t)rng_below(&rng, KEY_MAX + 1),
        .value_size = sizeof(value) + (size_t)rng_below(&rng, is_large ? LARGE_MAX : SMALL_MAX),
        .header_count =
            rng_chance(&rng, 70) ? 0 : 1 + (size_t)rng_below(&rng, (uint64_t)HEADERS_MAX),
    };

    if (value & RECORD_KEYED) {
        recipe.has_key = true;
        recipe.key_size = 1 + (size_t)record_key(value);
    }
    return recipe;
}

static void fill(uint8_t *out, size_t size, uint64_t value, uint64_t part)
{
    struct rng rng = rng_for(value, part);

    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t word = rng_next(&rng);

        memcpy(out + at, &word, min_of(size - at, sizeof(word)));
    }
}

static void fill_key(uint8_t *out, size_t size, uint64_t value)
{
    fill(out, size, value & RECORD_KEYED ? record_key(value) : value, 2);
}

/* The bytes of a value: its number, and what follows from it. */
static void fill_value(uint8_t *out, size_t size, uint64_t value)
{
    memcpy(out, &value, sizeof(value));
    fill(out + sizeof(value), size - sizeof(value), value, 1);
}

static struct record_header header_of(uint64_t value, size_t index, uint8_t *bytes)
{
    static const char *const names[HEADERS_MAX] = {"trace", "", "content-type"};
    struct rng rng = rng_for(value, 3 + index);
    bool is_null = rng_chance(&rng, 20);
    size_t size = (size_t)rng_below(&rng, HEADER_VALUE_MAX + 1);

    fill(bytes, size, value, 8 + index);
    return (struct record_header){
        .key = slice_text(names[index]),
        .value = is_null ? slice_null() : slice_of(bytes, size),
    };
}

void record_add(struct batch_builder *builder, uint64_t value)
{
    uint8_t header_bytes[HEADERS_MAX][HEADER_VALUE_MAX + 8];
    struct record_header headers[HEADERS_MAX];
    struct recipe recipe = recipe_of(value);
    uint8_t key[KEY_MAX + 8];
    uint8_t *bytes = mem_new(recipe.value_size);

    fill_key(key, recipe.key_size, value);
    fill_value(bytes, recipe.value_size, value);
    for (size_t i = 0; i < recipe.header_count; i++)
        headers[i] = header_of(value, i, header_bytes[i]);
    batch_builder_add(builder, recipe.timestamp,
                      recipe.has_key ? slice_of(key, recipe.key_size) : slice_null(),
                      slice_of(bytes, recipe.value_size), headers, recipe.header_count);
    mem_free(bytes);
}

static bool has_headers(const struct record *record, uint64_t value, size_t count)
{
    struct slice rest = record->headers;

    if (record->header_count != (int32_t)count)
        return false;
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[HEADER_VALUE_MAX + 8];
        struct record_header wanted = header_of(value, i, bytes);
        struct record_header found;

        if (record_next_header(&rest, &found) || !slice_equal(found.key, wanted.key) ||
            !slice_equal(found.value, wanted.value))
            return false;
    }
    return true;
}

static bool has_bytes(const struct record *record, uint64_t value, const struct recipe *recipe)
{
    uint8_t key[KEY_MAX + 8];
    uint8_t *bytes = mem_new(recipe->value_size);
    bool is_equal;

    fill_key(key, recipe->key_size, value);
    fill_value(bytes, recipe->value_size, value);
    is_equal =
        slice_equal(record->value, slice_of(bytes, recipe->value_size)) &&
        slice_equal(record->key, recipe->has_key ? slice_of(key, recipe->key_size) : slice_null());
    mem_free(bytes);
    return is_equal;
}

uint64_t record_value(const struct record *record, bool is_append_time)
{
    struct recipe recipe;
    uint64_t value;

    if (record->value.size < sizeof(value))
        return HISTORY_GARBAGE;
    memcpy(&value, record->value.data, sizeof(value));
    recipe = recipe_of(value);
    if (record->value.size != recipe.value_size ||
        (!is_append_time && record->timestamp != recipe.timestamp) ||
        !has_bytes(record, value, &recipe) || !has_headers(record, value, recipe.header_count))
        return HISTORY_GARBAGE;
    return value;
}
