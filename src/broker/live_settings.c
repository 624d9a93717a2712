/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/live_settings.h"

#include <stdio.h>

const struct image_configs *live_settings_of(const struct image *image, int32_t node_id)
{
    char name[16] = "";

    if (node_id >= 0)
        (void)snprintf(name, sizeof(name), "%d", node_id);
    return image_find_configs(image, IMAGE_RESOURCE_BROKER, slice_text(name));
}

static void lay_over(struct settings *settings, const struct image_configs *configs)
{
    for (size_t i = 0; configs && i < configs->count; i++)
        settings_change(settings, configs->items[i].name, configs->items[i].value);
}

void live_settings_make(const struct settings *file, const struct image *image, int32_t node_id,
                        struct settings *out)
{
    settings_copy(file, out);
    lay_over(out, live_settings_of(image, -1));
    lay_over(out, live_settings_of(image, node_id));
}

bool live_settings_differ(const struct image *a, const struct image *b, int32_t node_id)
{
    return live_settings_of(a, -1) != live_settings_of(b, -1) ||
           live_settings_of(a, node_id) != live_settings_of(b, node_id);
}

size_t live_settings_sources(const struct settings *file, const struct image *image,
                             int32_t node_id, const char *key,
                             struct setting_source out[static SETTING_SOURCES_MAX])
{
    const struct config_row *row = settings_find(slice_text(key));
    const struct image_configs *own = live_settings_of(image, node_id);
    const struct image_configs *all = live_settings_of(image, -1);
    const struct setting_source candidates[SETTING_SOURCES_MAX] = {
        {ORIGIN_BROKER, own ? image_configs_get(own, key) : NULL},
        {ORIGIN_ALL_BROKERS, all ? image_configs_get(all, key) : NULL},
        {ORIGIN_FILE, settings_given(file, key)},
        {ORIGIN_DEFAULT, row && strcmp(row->name, key) == 0 ? row->initial : NULL},
    };
    size_t count = 0;

    for (size_t i = 0; i < SETTING_SOURCES_MAX; i++)
        if (candidates[i].value)
            out[count++] = candidates[i];
    return count;
}
