/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/conversion.h"

#include "base/err.h"

#include <errno.h>

/* --- on the worker ---------------------------------------------------------- */

static int read_range(struct io *io, const struct log_range *range, struct text *out)
{
    size_t got = 0;
    int r = io->ops->file_read(io, range->fd, range->position, text_add_space(out, range->size),
                               range->size, &got);

    if (r)
        return err_pass(r);
    text_cut(out, got);
    return 0;
}

static int to_messages(struct conversion_item *item, struct io *io)
{
    struct text batches = {.data = NULL};
    int r = read_range(io, item->range, &batches);

    if (r == 0)
        r = old_from_batches(text_slice(&batches), &item->wish, &item->out);
    text_fini(&batches);
    return r;
}

static int recompress(struct conversion_item *item, struct slice batch,
                      struct deflater_cache *deflaters)
{
    deflaters->has_level = true;
    deflaters->level = item->level;
    return batch_recompress(batch, item->codec, OLD_DECODED_MAX, item->wish.cache, deflaters,
                            &item->out);
}

/* Messages become a batch with their codec, and that one with the topic's. */
static int to_batch(struct conversion_item *item, struct deflater_cache *deflaters)
{
    struct batch_header header;
    struct text batch;
    int r = old_to_batch(item->set, item->wish.cache, &item->out);

    if (r || item->codec == COMPRESS_CODEC_COUNT || batch_parse(text_slice(&item->out), &header) ||
        batch_codec(&header) == item->codec)
        return r;
    batch = item->out;
    item->out = (struct text){.data = NULL};
    r = recompress(item, text_slice(&batch), deflaters);
    text_fini(&batch);
    return r;
}

static int convert(struct conversion *conversion, struct conversion_item *item,
                   struct deflater_cache *deflaters, struct io *io)
{
    if (conversion->shard->is_hurried)
        return err_raise(-ECANCELED);
    if (item->range)
        return to_messages(item, io);
    return item->is_batch ? recompress(item, item->set, deflaters) : to_batch(item, deflaters);
}

static void run(struct io_work *work, struct io *io)
{
    struct conversion *conversion = container_of(work, struct conversion, work);
    struct inflater_cache cache = {.idle = NULL};
    struct deflater_cache deflaters = {.idle = NULL};

    for (size_t i = 0; i < conversion->count; i++) {
        conversion->items[i].wish.cache = &cache;
        conversion->items[i].outcome = convert(conversion, &conversion->items[i], &deflaters, io);
    }
    inflater_cache_fini(&cache);
    deflater_cache_fini(&deflaters);
}

/* --- on the shard ----------------------------------------------------------- */

static void done(struct io_work *work, struct io *io)
{
    struct conversion *conversion = container_of(work, struct conversion, work);
    struct shard *shard = conversion->shard;

    (void)io;
    budget_release(&shard->budget, conversion->charged);
    conversion->charged = 0;
    for (size_t i = 0; i < conversion->count; i++)
        conversion->charged += conversion->items[i].out.capacity;
    budget_charge_always(&shard->budget, conversion->charged);
    conversion->done(conversion);
    shard_work_done(shard);
}

int conversion_start(struct conversion *conversion)
{
    struct shard *shard = conversion->shard;
    struct io *io = shard->loop.io;
    size_t incoming = 0;

    assert(conversion->done && conversion->count);
    for (size_t i = 0; i < conversion->count; i++) {
        const struct conversion_item *item = &conversion->items[i];

        incoming += item->range ? item->range->size : item->set.size;
    }
    if (budget_charge(&shard->budget, incoming))
        return CONVERSION_E_NO_MEMORY;
    conversion->charged = incoming;
    conversion->work = (struct io_work){.run = run, .done = done};
    shard->works++;
    io->ops->work_submit(io, &conversion->work);
    return 0;
}

void conversion_fini(struct conversion *conversion)
{
    for (size_t i = 0; i < conversion->count; i++)
        text_fini(&conversion->items[i].out);
    if (conversion->charged)
        budget_release(&conversion->shard->budget, conversion->charged);
    conversion->charged = 0;
}
