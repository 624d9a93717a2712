/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/process.h"
#include "test/harness/check.h"

TEST(process, it_may_have_descriptors_and_raising_does_not_take_any_away)
{
    int64_t before = process_files_max(false);
    int64_t after = process_files_max(true);

    check(before == 0 || before > 2);
    check(after == 0 || (before > 0 && after >= before));
}

TEST(process, a_port_that_is_held_can_be_listened_at_again_and_again)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct io_address at = {.host = "127.0.0.1"}, bound;
    int held = -1, other = -1;
    uint16_t port = 0;

    check_ok(linux_io_create(&io));
    check_ok(process_hold_port(&at.port, &held));
    check(at.port > 0);
    check_ok(process_hold_port(&port, &other));
    check(port != at.port);
    for (int i = 0; i < 3; i++) {
        int fd = -1, second = -1;

        check_ok(io->ops->listen(io, &at, &fd, &bound));
        check_eq(bound.port, at.port);
        check(io->ops->listen(io, &at, &second, &bound) < 0); /* As always. */
        io_close(io, &fd);
    }
    process_let_port(&held);
    process_let_port(&held);
    check_eq(held, -1);
    process_let_port(&other);
}
