/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/offsets_filter.h"

#include <ctype.h>
#include <stdlib.h>

static struct offsets_rule *add_rule(struct offsets_filter *filter, struct arena *arena)
{
    struct offsets_rule *rule = arena_new(arena, sizeof(*rule));

    *rule = (struct offsets_rule){.end = INT32_MAX, .next = filter->rules};
    filter->rules = rule;
    return rule;
}

/* A number of 32 bits at the beginning of `at`; leaves `*out` alone where there is none. */
static const char *read_number(const char *at, int32_t *out, bool *out_fits)
{
    int64_t number = 0;

    if (!isdigit((unsigned char)*at))
        return at;
    for (; isdigit((unsigned char)*at); at++)
        number = min_of(number * 10 + (*at - '0'), (int64_t)INT32_MAX + 1);
    if (number > INT32_MAX)
        *out_fits = false;
    else
        *out = (int32_t)number;
    return at;
}

/* What stands behind the colon: nothing, N, N-, -N, N-N. */
static bool read_range(struct offsets_rule *rule, const char *at)
{
    bool fits = true;
    int32_t from = -1;

    at = read_number(at, &from, &fits);
    if (*at == '-')
        at = read_number(at + 1, &rule->end, &fits);
    else if (from >= 0)
        rule->end = from == INT32_MAX ? from : from + 1;
    rule->from = max_of(from, 0);
    return fits && *at == '\0';
}

static bool read_rule(struct offsets_filter *filter, struct arena *arena, const char *word,
                      struct text *why)
{
    const char *colon = strchr(word, ':');
    size_t size = colon ? (size_t)(colon - word) : strlen(word);
    struct offsets_rule *rule = add_rule(filter, arena);

    if (colon && !read_range(rule, colon + 1)) {
        text_printf(why, "Invalid rule specification: %s", word);
        return false;
    }
    return topic_filter_init(&rule->topics, size > 0 ? arena_text(arena, word, size) : ".*", why) ==
           0;
}

bool offsets_filter_rules(struct offsets_filter *filter, struct arena *arena, const char *words,
                          struct text *why)
{
    *filter = (struct offsets_filter){.rules = NULL};
    for (;;) {
        size_t size = strcspn(words, ",");

        if (!read_rule(filter, arena, arena_text(arena, words, size), why))
            return false;
        if (words[size] == '\0')
            return true;
        words += size + 1;
    }
}

/* Calls for each number of "1,2": true if one is `wanted`; `*out_valid` says whether all
 * are numbers. */
static bool has_number(const char *numbers, int32_t wanted, bool *out_valid)
{
    bool is_found = false;

    *out_valid = true;
    for (;;) {
        int32_t number = -1;

        numbers = read_number(numbers, &number, out_valid);
        *out_valid = *out_valid && number >= 0 && (*numbers == ',' || *numbers == '\0');
        is_found = is_found || number == wanted;
        if (!*out_valid || *numbers == '\0')
            return is_found;
        numbers++;
    }
}

bool offsets_filter_words(struct offsets_filter *filter, struct arena *arena, const char *topics,
                          const char *partitions, struct text *why)
{
    bool is_valid = true;

    *filter = (struct offsets_filter){.partitions = partitions};
    if (partitions && partitions[0])
        (void)has_number(partitions, 0, &is_valid);
    if (!is_valid) {
        text_printf(why,
                    "--partitions expects a comma separated list of numeric partition ids, but "
                    "received: %s",
                    partitions);
        return false;
    }
    return topic_filter_init(&add_rule(filter, arena)->topics, topics ? topics : ".*", why) == 0;
}

void offsets_filter_fini(struct offsets_filter *filter)
{
    for (struct offsets_rule *rule = filter->rules; rule; rule = rule->next)
        topic_filter_fini(&rule->topics);
}

bool offsets_filter_matches(const struct offsets_filter *filter, struct slice topic,
                            int32_t partition)
{
    bool is_valid;

    if (filter->partitions && filter->partitions[0] &&
        !has_number(filter->partitions, partition, &is_valid))
        return false;
    for (const struct offsets_rule *rule = filter->rules; rule; rule = rule->next)
        if (partition >= rule->from && partition < rule->end &&
            topic_filter_matches(&rule->topics, topic))
            return true;
    return false;
}
