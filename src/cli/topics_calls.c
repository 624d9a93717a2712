/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics_calls.c - which topics kafka-topics is about. */

#include "cli/topics.h"

#include <stdlib.h>

bool topics_matching(struct cli *cli, struct admin *admin, struct slice **out_names,
                     size_t *out_count)
{
    const struct metadata_response *metadata;
    struct topic_filter filter = {.is_compiled = false};
    const char *expression;
    struct slice *names;
    size_t count = 0;

    if (options_get(&cli->options, TOPICS_topic, &expression, &cli->why))
        return false;
    if (!admin_metadata(cli, admin, NULL, &metadata))
        return false;
    if (expression && topic_filter_init(&filter, expression, &cli->why))
        return false;
    names = arena_new(&admin->arena, ((size_t)metadata->topics_count + 1) * sizeof(*names));
    for (int32_t i = 0; i < metadata->topics_count; i++) {
        const struct metadata_response_topic *topic = &metadata->topics[i];

        if (expression && !topic_filter_matches(&filter, topic->name))
            continue;
        if (topic->is_internal && options_has(&cli->options, TOPICS_exclude_internal))
            continue;
        names[count++] = topic->name;
    }
    qsort(names, count, sizeof(*names), admin_by_name);
    topic_filter_fini(&filter);
    *out_names = names;
    *out_count = count;
    return true;
}
