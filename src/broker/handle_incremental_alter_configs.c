/* SPDX-License-Identifier: Apache-2.0 */

/* broker/handle_incremental_alter_configs.c - single settings of resources change (KIP-339). */

#include "broker/alter_configs.h"
#include "broker/dispatch.h"
#include "broker/reply.h"
#include "wire/msg/incremental_alter_configs.h"

static void answer(struct alter_work *work)
{
    struct incremental_alter_configs_response response;

    codec_defaults(&incremental_alter_configs_response_message, &response);
    response.responses =
        request_new(work->request, (work->count + 1) * sizeof(*response.responses));
    response.responses_count = (int32_t)work->count;
    for (size_t i = 0; i < work->count; i++) {
        const struct alter_resource *resource = &work->resources[i];

        response.responses[i] = (struct incremental_alter_configs_alter_configs_resource_response){
            .error_code = resource->error,
            .error_message = resource->why,
            .resource_type = resource->type,
            .resource_name = resource->name,
        };
    }
    request_answer(work->request, &response);
}

static void take_resource(struct request *request,
                          const struct incremental_alter_configs_alter_configs_resource *from,
                          struct alter_resource *out)
{
    size_t count = (size_t)max_of(from->configs_count, 0);
    struct alter_item *items = request_new(request, (count + 1) * sizeof(*items));

    for (size_t i = 0; i < count; i++)
        items[i] = (struct alter_item){.name = from->configs[i].name,
                                       .value = from->configs[i].value,
                                       .operation = from->configs[i].config_operation};
    out->type = from->resource_type;
    out->name = from->resource_name;
    out->items = items;
    out->item_count = count;
}

void handle_incremental_alter_configs(struct request *request)
{
    const struct incremental_alter_configs_request *body = request->body;
    size_t count = (size_t)max_of(body->resources_count, 0);
    struct alter_work *work = alter_work_new(request, count);

    for (size_t i = 0; i < count; i++)
        take_resource(request, &body->resources[i], &work->resources[i]);
    work->validate_only = body->validate_only;
    work->answer = answer;
    alter_work_start(work);
}
