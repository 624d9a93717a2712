/* SPDX-License-Identifier: Apache-2.0 */
#include "test/scenario/assignor.h"

#include "wire/bytes.h"
#include "wire/msg/consumer_protocol_subscription.h"

enum { OWNED_SIZE = 8, ASSIGNMENT_SIZE = 16, VERSION_SIZE = 2, SUBSCRIPTION_VERSION_MAX = 3 };

const char *assignor_name(const struct group_plan *group)
{
    return group->is_cooperative ? "cooperative-sticky" : "range";
}

/* --- metadata --------------------------------------------------------------- */

struct slice assignor_metadata(struct run *run, const struct group_plan *group, struct arena *arena,
                               uint64_t owned, int32_t generation)
{
    struct consumer_protocol_subscription fields = consumer_protocol_subscription_defaults;
    int16_t version = (int16_t)rng_between(&run->rng, 0, SUBSCRIPTION_VERSION_MAX);
    uint8_t *bits = arena_new(arena, OWNED_SIZE);
    struct codec_output body;
    uint8_t *bytes;

    bytes_store_i64(bits, (int64_t)owned);
    if (!group->is_of_consumers)
        return slice_of(bits, OWNED_SIZE);
    fields.topics = arena_new(arena, (size_t)run->topic_count * sizeof(*fields.topics));
    for (int t = 0; t < run->topic_count; t++)
        fields.topics[fields.topics_count++] = slice_text(run->topics[t].name);
    fields.user_data = slice_of(bits, OWNED_SIZE);
    fields.generation_id = generation;
    if (codec_encode(&consumer_protocol_subscription_message, version, &fields, arena, &body))
        run_fail(run, "a subscription cannot be encoded");
    bytes = arena_new(arena, VERSION_SIZE + body.size);
    bytes_store_i16(bytes, version);
    memcpy(bytes + VERSION_SIZE, body.data, body.size);
    return slice_of(bytes, VERSION_SIZE + body.size);
}

uint64_t assignor_owned(struct run *run, const struct group_plan *group, struct arena *arena,
                        struct slice metadata)
{
    struct consumer_protocol_subscription fields = {.user_data = metadata};

    if (group->is_of_consumers &&
        (metadata.size < VERSION_SIZE ||
         codec_decode_all(&consumer_protocol_subscription_message, bytes_load_i16(metadata.data),
                          slice_of(metadata.data + VERSION_SIZE, metadata.size - VERSION_SIZE),
                          arena, &fields)))
        fields.user_data = slice_null();
    if (fields.user_data.size != OWNED_SIZE) {
        run_fail(run, "the leader is told metadata that no member has sent");
        return 0;
    }
    return (uint64_t)bytes_load_i64(fields.user_data.data);
}

/* --- assignments ------------------------------------------------------------ */

static int count_bits(uint64_t bits)
{
    return __builtin_popcountll(bits);
}

static size_t poorest(const uint64_t *out, size_t count)
{
    size_t best = 0;

    for (size_t i = 1; i < count; i++)
        if (count_bits(out[i]) < count_bits(out[best]))
            best = i;
    return best;
}

/* What somebody owns stays, or is withheld: of it nobody else gets anything yet. */
static uint64_t keep(uint64_t all, const uint64_t *owned, uint64_t *out, size_t count)
{
    int most = (count_bits(all) + (int)count - 1) / (int)count;
    uint64_t claimed = 0;
    uint64_t contested = 0;

    for (size_t i = 0; i < count; i++) {
        contested |= claimed & owned[i];
        claimed |= owned[i];
    }
    for (size_t i = 0; i < count; i++)
        for (int p = 0; p < LEDGER_PARTITIONS_MAX; p++)
            if (owned[i] & all & ~contested & UINT64_C(1) << p && count_bits(out[i]) < most)
                out[i] |= UINT64_C(1) << p;
    return claimed;
}

void assignor_assign(const struct group_plan *group, uint64_t all, const uint64_t *owned,
                     uint64_t *out, size_t count)
{
    uint64_t taken = 0;

    for (size_t i = 0; i < count; i++)
        out[i] = 0;
    if (group->is_cooperative)
        taken = keep(all, owned, out, count);
    for (int p = 0; p < LEDGER_PARTITIONS_MAX; p++)
        if (all & ~taken & UINT64_C(1) << p)
            out[poorest(out, count)] |= UINT64_C(1) << p;
}

struct slice assignor_encode(struct arena *arena, uint64_t plan, uint64_t partitions)
{
    uint8_t *bytes = arena_new(arena, ASSIGNMENT_SIZE);

    bytes_store_i64(bytes, (int64_t)plan);
    bytes_store_i64(bytes + 8, (int64_t)partitions);
    return slice_of(bytes, ASSIGNMENT_SIZE);
}

void assignor_decode(struct run *run, struct slice bytes, uint64_t *out_plan,
                     uint64_t *out_partitions)
{
    *out_plan = *out_partitions = 0;
    if (bytes.size == 0)
        return; /* The leader has not heard of us. */
    if (bytes.size != ASSIGNMENT_SIZE) {
        run_fail(run, "an assignment that no leader has made");
        return;
    }
    *out_plan = (uint64_t)bytes_load_i64(bytes.data);
    *out_partitions = (uint64_t)bytes_load_i64(bytes.data + 8);
}
