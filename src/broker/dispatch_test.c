/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dispatch.h"
#include "test/harness/check.h"

TEST(dispatch, every_row_serves_versions_that_can_be_read_and_written)
{
    int rows = 0;

    for (int i = 0; i < 2 * 128; i++) {
        int16_t key = (int16_t)(i / 2);
        const struct api *api = dispatch_find(key, i % 2 ? DISPATCH_CLIENT : DISPATCH_CONTROLLER);
        const struct wire_api *wire = wire_api_find(key);

        if (!api)
            continue;
        rows++;
        check(wire);
        check(api->min >= wire->min && api->max <= wire->max);
        check(api->min <= api->max);
        check(api->min_advertised >= wire->min && api->min_advertised <= api->max);
    }
    check(rows > 0);
}

/* And told so: clients decide by the lowest version of Produce what a broker can compress
 * (KAFKA-18659), and by those of Fetch and ListOffsets which formats it has. */
TEST(dispatch, clients_of_before_batches_are_served)
{
    const int16_t keys[] = {API_PRODUCE, API_FETCH, API_LIST_OFFSETS};

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        check_eq(dispatch_find(keys[i], DISPATCH_CLIENT)->min, 0);
        check_eq(dispatch_find(keys[i], DISPATCH_CLIENT)->min_advertised, 0);
    }
}

/* What a broker passes on must be answered by the controller in the same versions. */
TEST(dispatch, what_is_passed_on_is_taken)
{
    int rows = 0;

    for (int16_t key = 0; key < 128; key++) {
        const struct api *api = dispatch_find(key, DISPATCH_CLIENT);

        if (!api || !(api->listeners & DISPATCH_FORWARD))
            continue;
        check(dispatch_find(key, DISPATCH_CONTROLLER) == api);
        rows++;
    }
    check(rows > 8);
}
