/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/dispatch.h"
#include "test/harness/check.h"

TEST(dispatch, every_row_serves_versions_that_can_be_read_and_written)
{
    int rows = 0;

    for (int16_t key = 0; key < 128; key++) {
        const struct api *api = dispatch_find(key);
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

/* Clients decide by the lowest version of Produce what a broker can compress
 * (KAFKA-18659). */
TEST(dispatch, produce_is_advertised_from_0_and_served_from_3)
{
    const struct api *api = dispatch_find(API_PRODUCE);

    check_eq(api->min, 3);
    check_eq(api->min_advertised, 0);
}
