/* SPDX-License-Identifier: Apache-2.0 */
#include "os/resolve.h"
#include "test/harness/check.h"

TEST(resolve, a_number_is_its_own_address)
{
    struct io_address addresses[4];

    check_eq(resolve_host("127.0.0.1", 9092, addresses, 4), 1);
    check_text(addresses[0].host, "127.0.0.1");
    check_eq(addresses[0].port, 9092);
}

/* What .invalid promises (RFC 6761). */
TEST(resolve, a_name_that_is_none_has_no_address)
{
    struct io_address addresses[4];

    check_eq(resolve_host("nowhere.invalid", 9092, addresses, 4), 0);
}
