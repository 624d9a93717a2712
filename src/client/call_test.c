/* SPDX-License-Identifier: Apache-2.0 */
#include "client/call.h"
#include "test/harness/check.h"

static void on_done(struct call *call)
{
    (void)call;
    bug("a call that was never made is done", __FILE__, __LINE__);
}

static const struct call_events events = {.done = on_done};

TEST(call, one_that_was_never_made_can_be_ended)
{
    struct call call;

    call_init(&call, &events);
    check(!call_is_under_way(&call));
    call_fini(&call);
    call_fini(&call); /* And ended again. */
}

TEST(call, each_outcome_has_a_sentence)
{
    for (int i = CALL_OK; i <= CALL_E_STOPPED; i++)
        check(call_outcome_text((enum call_outcome)i)[0]);
}
