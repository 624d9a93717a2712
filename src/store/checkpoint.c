/* SPDX-License-Identifier: Apache-2.0 */
#include "store/checkpoint.h"

#include "base/err.h"
#include "store/file.h"

#include <inttypes.h>
#include <string.h>

enum { FILE_SIZE_MAX = 64 * 1024 * 1024, NUMBER_DIGITS_MAX = 18 };

/* Takes the word up to `end`, which must be there, off `*rest`. */
static bool take_word(struct slice *rest, char end, struct slice *out)
{
    const uint8_t *at = rest->size ? memchr(rest->data, end, rest->size) : NULL;

    if (!at)
        return false;
    *out = slice_of(rest->data, (size_t)(at - rest->data));
    *rest = slice_of(at + 1, rest->size - out->size - 1);
    return true;
}

static bool parse_number(struct slice word, int64_t *out)
{
    bool negative = word.size > 0 && word.data[0] == '-';
    int64_t value = 0;

    if (negative)
        word = slice_of(word.data + 1, word.size - 1);
    if (word.size == 0 || word.size > NUMBER_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < word.size; i++) {
        if (word.data[i] < '0' || word.data[i] > '9')
            return false;
        value = value * 10 + (word.data[i] - '0');
    }
    *out = negative ? -value : value;
    return true;
}

static bool take_number(struct slice *rest, char end, int64_t *out)
{
    struct slice word;

    return take_word(rest, end, &word) && parse_number(word, out);
}

static int parse(struct slice rest, bool has_topics, checkpoint_line_fn *fn, void *context)
{
    int64_t version, count;

    if (rest.size == 0) /* Kafka makes the file before it has a line for it. */
        return 0;
    if (!take_number(&rest, '\n', &version) || version != 0 || !take_number(&rest, '\n', &count))
        return CHECKPOINT_E_MALFORMED;
    for (int64_t i = 0; i < count; i++) {
        struct slice topic = slice_null();
        int64_t number, offset;

        if ((has_topics && !take_word(&rest, ' ', &topic)) || !take_number(&rest, ' ', &number) ||
            !take_number(&rest, '\n', &offset))
            return CHECKPOINT_E_MALFORMED;
        fn(context, topic, number, offset);
    }
    return rest.size ? CHECKPOINT_E_MALFORMED : 0;
}

int checkpoint_read(struct io *io, int dir, const char *name, bool has_topics,
                    checkpoint_line_fn *fn, void *context)
{
    struct text file = {.data = NULL};
    int r = file_load(io, dir, name, FILE_SIZE_MAX, &file);

    if (r == 0)
        r = parse(text_slice(&file), has_topics, fn, context);
    text_fini(&file);
    return r == -ENOENT ? 0 : r;
}

void checkpoint_add(struct checkpoint *checkpoint, struct slice topic, int64_t number,
                    int64_t offset)
{
    if (!slice_is_null(topic))
        text_printf(&checkpoint->lines, "%.*s ", SLICE_ARG(topic));
    text_printf(&checkpoint->lines, "%" PRId64 " %" PRId64 "\n", number, offset);
    checkpoint->count++;
}

void checkpoint_print(struct checkpoint *checkpoint, struct text *out)
{
    text_printf(out, "0\n%" PRId64 "\n", checkpoint->count);
    text_add(out, text_slice(&checkpoint->lines).data, checkpoint->lines.size);
    text_fini(&checkpoint->lines);
    checkpoint->count = 0;
}

int checkpoint_write(struct checkpoint *checkpoint, struct io *io, int dir, const char *name)
{
    struct text file = {.data = NULL};
    int r;

    checkpoint_print(checkpoint, &file);
    r = file_replace(io, dir, name, text_slice(&file));
    text_fini(&file);
    return err_pass(r);
}

bool checkpoint_split(const char *log_name, struct slice *out_topic, int64_t *out_partition)
{
    const char *dash = strrchr(log_name, '-');
    int64_t number;

    if (!dash || dash == log_name || !parse_number(slice_text(dash + 1), &number) || number < 0)
        return false;
    *out_topic = slice_of(log_name, (size_t)(dash - log_name));
    *out_partition = number;
    return true;
}
