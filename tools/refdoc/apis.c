/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/apis.c - apis.md: what can be asked, and what is answered. */

#include "tools/refdoc/refdoc.h"
#include "wire/api.h"

enum { CLIENT = 1, PEER = 2, RECORD_TYPE_MAX = 255 };

/* What this broker answers. */
static const struct served {
    int16_t key;
    unsigned listeners;
    int min;
} served[] = {
#define API(name, id, where, check, lowest) {.key = id, .listeners = (where), .min = (lowest)},
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

static const char *listeners_text(unsigned listeners)
{
    return listeners == (CLIENT | PEER) ? "clients, peers"
           : listeners == PEER          ? "peers"
                                        : "clients";
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
    print_versions(out, api->min, api->max);
    if (s->min >= 0 && s->min < api->min)
        text_printf(out, ", advertised from %d", s->min);
    text_printf(out, " | %s |\n", listeners_text(s->listeners));
}

static void print_record(struct text *out, int16_t type, const struct wire_message *message)
{
    text_printf(out, "| %d | %s | ", type, message->name);
    print_versions(out, message->min, message->max);
    text_printf(out, " |\n");
}

void refdoc_apis(struct text *out)
{
    refdoc_title(out, "APIs of the protocol", "schema/ and src/broker/apis.def");
    text_printf(out, "Every request that this release knows, with the versions it can read and "
                     "write, and what\nthe broker answers.  What is not served is refused: it is "
                     "not listed in ApiVersions, and\nasking for it closes the connection.\n\n"
                     "| key | name | versions | flexible from | served | to |\n"
                     "|--:|---|---|---|---|---|\n");
    for (int i = 0; i < wire_api_count; i++)
        print_api(out, &wire_apis[i]);
    text_printf(out, "\n## Records of the metadata log\n\n"
                     "| type | name | versions |\n|--:|---|---|\n");
    for (int16_t type = 0; type <= RECORD_TYPE_MAX; type++)
        if (wire_record_find(type))
            print_record(out, type, wire_record_find(type));
}
