/* SPDX-License-Identifier: Apache-2.0 */
#include "client/call.h"

#include "client/cluster_internal.h"

void call_init(struct call *call, const struct call_events *events)
{
    *call = (struct call){.events = events};
    arena_init(&call->arena, NULL);
}

void call_fini(struct call *call)
{
    if (call->cluster) {
        list_remove(&call->node_in);
        loop_timer_cancel(call->cluster->loop, &call->timer);
        if (call->exchange)
            link_forget(call->exchange);
        call->cluster = NULL;
    }
    call->response = NULL;
    call->frame = buf_unref(call->frame);
    arena_reset(&call->arena);
}

const char *call_outcome_text(enum call_outcome outcome)
{
    switch (outcome) {
    case CALL_OK: return "answered";
    case CALL_E_TIMEOUT: return "no answer in time";
    case CALL_E_BROKEN: return "the connection broke";
    case CALL_E_UNSUPPORTED: return "the node does not serve this request";
    case CALL_E_MALFORMED: return "the answer cannot be read";
    case CALL_E_UNSAYABLE: return "the node is too old for what is asked";
    case CALL_E_STOPPED: return "stopped";
    }
    return "unknown";
}
