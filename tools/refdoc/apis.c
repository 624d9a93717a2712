/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/apis.c - apis.md: what can be asked, and what is answered. */

#include "tools/refdoc/refdoc.h"
#include "wire/api.h"

enum { CLIENT = 1, PEER = 2, CONTROLLER = 4, FORWARD = 8, RECORD_TYPE_MAX = 255 };
enum { BOTH = CLIENT | CONTROLLER, ADMIN = BOTH | FORWARD, ANY = CLIENT | PEER | CONTROLLER };

/* What this broker answers. */
static const struct served {
    int16_t key;
    unsigned listeners;
    int min, max, min_advertised;
} served[] = {
#define API(name, id, where, check, lowest, highest, from)                                         \
    {.key = id, .listeners = (where), .min = (lowest), .max = (highest), .min_advertised = (from)},
#include "broker/apis.def"
};

static const struct served *served_find(int16_t key)
{
    for (size_t i = 0; i < COUNT_OF(served); i++)
        if (served[i].key == key)
            return &served[i];
    return NULL;
}

static void print_versions(struct text *out, int low, int high)
{
    if (low == high)
        text_printf(out, "%d", low);
    else
        text_printf(out, "%d-%d", low, high);
}

/* On all rows of the API: what brokers and controllers answer may be two rows. */
static void print_listeners(struct text *out, int16_t key)
{
    static const struct {
        unsigned flag;
        const char *name;
    } kinds[] = {{CLIENT, "clients"}, {PEER, "peers"}, {CONTROLLER, "the controller's"}};
    unsigned listeners = 0;
    const char *comma = "";

    for (size_t i = 0; i < COUNT_OF(served); i++)
        listeners |= served[i].key == key ? served[i].listeners : 0;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (!(listeners & kinds[i].flag))
            continue;
        text_printf(out, "%s%s", comma, kinds[i].name);
        comma = ", ";
    }
    if (listeners & FORWARD)
        text_printf(out, "; passed on");
}

static void print_api(struct text *out, const struct wire_api *api)
{
    const struct served *s = served_find(api->key);

    text_printf(out, "| %d | %s | ", api->key, api->name);
    print_versions(out, api->min, api->max);
    if (api->latest > api->max)
        text_printf(out, " (%d is unstable)", api->latest);
    if (api->flexible == WIRE_NEVER)
        text_printf(out, " | never | ");
    else
        text_printf(out, " | %d | ", api->flexible);
    if (!s) {
        text_printf(out, "no | |\n");
        return;
    }
    print_versions(out, s->min, s->max);
    if (s->min_advertised < s->min)
        text_printf(out, ", advertised from %d", s->min_advertised);
    text_printf(out, " | ");
    print_listeners(out, api->key);
    text_printf(out, " |\n");
}

static void print_record(struct text *out, const struct wire_record_type *record)
{
    text_printf(out, "| %d | ", record->type);
    if (record->key)
        text_printf(out, "%s | ", record->key->name);
    text_printf(out, "%s | ", record->value->name);
    print_versions(out, record->value->min, record->value->max);
    text_printf(out, " |\n");
}

static void print_log(struct text *out, enum wire_log log, const char *name, bool has_keys)
{
    text_printf(out, "\n## Records of %s\n\n", name);
    text_printf(out, has_keys ? "| type | key | value | versions |\n|--:|---|---|---|\n"
                              : "| type | name | versions |\n|--:|---|---|\n");
    for (int16_t type = 0; type <= RECORD_TYPE_MAX; type++)
        if (wire_record_find(log, type))
            print_record(out, wire_record_find(log, type));
}

void refdoc_apis(struct text *out)
{
    refdoc_title(out, "APIs of the protocol", "schema/ and src/broker/apis.def");
    text_printf(out, "Every request that this release knows, with the versions it can read and "
                     "write, and what\nthe broker answers.  What is not served is refused: it is "
                     "not listed in ApiVersions, and\nasking for it closes the connection.\n"
                     "A broker whose controller is in another process passes on what is marked "
                     "so.\n\n"
                     "| key | name | versions | flexible from | served | to |\n"
                     "|--:|---|---|---|---|---|\n");
    for (int i = 0; i < wire_api_count; i++)
        print_api(out, &wire_apis[i]);
    print_log(out, WIRE_LOG_METADATA, "the metadata log", false);
    print_log(out, WIRE_LOG_GROUPS, "`__consumer_offsets`", true);
    print_log(out, WIRE_LOG_TRANSACTIONS, "`__transaction_state`", true);
    print_log(out, WIRE_LOG_SHARE, "`__share_group_state`", true);
    print_log(out, WIRE_LOG_REMOTE, "`__remote_log_metadata`", false);
}
