/* SPDX-License-Identifier: Apache-2.0 */

/* cli/topics_json.c - topics as JSON: everything that --describe prints, under names of its own. */

#include "base/json.h"
#include "cli/topics.h"

enum { SOURCE_DEFAULT = 5 };

/* Null where it is not known. */
static void print_ids(struct text *out, const char *name, const int32_t *ids, int32_t count)
{
    text_printf(out, ", \"%s\": %s", name, count < 0 ? "null" : "[");
    for (int32_t i = 0; i < count; i++)
        text_printf(out, "%s%d", i ? ", " : "", (int)ids[i]);
    if (count >= 0)
        text_printf(out, "]");
}

static void print_partition(struct text *out, const struct topics_partition *p)
{
    text_printf(out, "{\"partition\": %d, \"leader\": ", (int)p->index);
    if (p->leader < 0)
        text_printf(out, "null");
    else
        text_printf(out, "%d", (int)p->leader);
    print_ids(out, "replicas", p->replicas, p->replica_count);
    print_ids(out, "isr", p->isr, p->isr_count);
    print_ids(out, "adding", p->moving ? p->moving->adding_replicas : NULL,
              p->moving ? p->moving->adding_replicas_count : 0);
    print_ids(out, "removing", p->moving ? p->moving->removing_replicas : NULL,
              p->moving ? p->moving->removing_replicas_count : 0);
    print_ids(out, "elr", p->elr, p->elr_count);
    print_ids(out, "lastKnownElr", p->last_elr, p->last_elr_count);
    text_printf(out, "}");
}

static void print_configs(struct text *out, const struct describe_configs_result *configs)
{
    const char *comma = "";

    text_printf(out, ", \"configs\": {");
    for (int32_t i = 0; configs && i < configs->configs_count; i++) {
        const struct describe_configs_resource_result *c = &configs->configs[i];

        if (c->config_source == SOURCE_DEFAULT)
            continue;
        text_printf(out, "%s", comma);
        json_print_string(c->name, out);
        text_printf(out, ": ");
        if (slice_is_null(c->value))
            text_printf(out, "null");
        else
            json_print_string(c->value, out);
        comma = ", ";
    }
    text_printf(out, "}");
}

void topics_print_json(const struct topics_topic *topic, const bool *is_asked, struct text *out)
{
    const char *comma = "";
    char id[UUID_TEXT_SIZE + 1];

    uuid_print(topic->id, id);
    text_printf(out, "{\"topic\": ");
    json_print_string(topic->name, out);
    text_printf(out, ", \"id\": \"%s\", \"internal\": %s", id,
                topic->is_internal ? "true" : "false");
    print_configs(out, topic->configs);
    text_printf(out, ", \"partitions\": [");
    for (int32_t i = 0; i < topic->count; i++) {
        if (!is_asked[i])
            continue;
        text_printf(out, "%s\n    ", comma);
        print_partition(out, &topic->partitions[i]);
        comma = ",";
    }
    text_printf(out, "]}");
}
