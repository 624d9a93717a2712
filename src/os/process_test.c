/* SPDX-License-Identifier: Apache-2.0 */
#include "os/linux_io.h"
#include "os/process.h"
#include "test/harness/check.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

TEST(process, it_knows_what_it_uses)
{
    struct process_usage usage;
    double now = (double)time(NULL);

    process_look(&usage);
    check(usage.cpu_seconds >= 0 && usage.cpu_seconds < 1000);
    check(usage.started_at > now - 1000 && usage.started_at < now + 2);
    check(usage.resident_bytes > 100000 && usage.resident_bytes < usage.virtual_bytes);
    check_eq(usage.threads, 1);
    check(usage.open_files_max == -1 || usage.open_files_max >= usage.open_files);
}

TEST(process, a_file_more_is_one_more)
{
    struct process_usage before, after;
    int fd;

    process_look(&before);
    fd = open("/dev/null", O_RDONLY);
    process_look(&after);
    close(fd);
    check_eq(after.open_files, before.open_files + 1);
}

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
