/* SPDX-License-Identifier: Apache-2.0 */
#include "os/resolve.h"
#include "test/harness/check.h"

TEST(resolve, a_numeric_address_is_itself)
{
    struct io_address out[4];

    check_eq(resolve_host("127.0.0.1", 9092, out, COUNT_OF(out)), 1);
    check_text(out[0].host, "127.0.0.1");
    check_eq(out[0].port, 9092);
}

TEST(resolve, this_machine_has_a_name)
{
    struct io_address out[8];
    size_t count = resolve_host("localhost", 7, out, COUNT_OF(out));

    check(count > 0);
    for (size_t i = 0; i < count; i++) {
        check(strcmp(out[i].host, "127.0.0.1") == 0 || strcmp(out[i].host, "::1") == 0);
        check_eq(out[i].port, 7);
    }
}

TEST(resolve, no_more_addresses_come_than_there_is_room_for)
{
    struct io_address out = {.port = 7};

    check_eq(resolve_host("localhost", 9092, &out, 0), 0);
    check_eq(out.port, 7);
}

TEST(resolve, what_is_no_name_has_no_address)
{
    struct io_address out[4];
    char label[200]; /* Longer than any part of a name: nobody needs to be asked. */

    memset(label, 'a', sizeof(label) - 1);
    label[sizeof(label) - 1] = 0;
    check_eq(resolve_host(label, 9092, out, COUNT_OF(out)), 0);
}
