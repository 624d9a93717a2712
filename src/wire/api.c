/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/api.h"

const struct wire_api *wire_api_find(int16_t key)
{
    int low = 0;
    int high = wire_api_count;

    while (low < high) {
        int middle = (low + high) / 2;

        if (wire_apis[middle].key == key)
            return &wire_apis[middle];
        if (wire_apis[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct wire_record_type *wire_record_find(enum wire_log log, int16_t type)
{
    for (int i = 0; i < wire_record_type_count; i++)
        if (wire_record_types[i].log == log && wire_record_types[i].type == type)
            return &wire_record_types[i];
    return NULL;
}

const struct wire_message *wire_message_find(struct slice name)
{
    for (int i = 0; i < wire_message_count; i++)
        if (slice_equal(slice_text(wire_messages[i]->name), name))
            return wire_messages[i];
    return NULL;
}

int16_t wire_api_request_header_version(const struct wire_api *api, int16_t version)
{
    return version >= api->flexible ? 2 : 1;
}

int16_t wire_api_response_header_version(const struct wire_api *api, int16_t version)
{
    /* A client that does not know the broker's versions must be able to read this one
     * (KIP-511). */
    if (api->key == API_API_VERSIONS)
        return 0;
    return version >= api->flexible ? 1 : 0;
}
