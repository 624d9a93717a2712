/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "base/err.h"

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t process_files_max(bool raise)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return 0;
    if (raise) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur == RLIM_INFINITY ? 0 : (int64_t)limit.rlim_cur;
}

/* A socket that is bound and does not listen: the kernel gives its port to nobody who wants any,
 * and SO_REUSEADDR lets in who wants this one. */
int process_hold_port(uint16_t *port, int *out_fd)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(*port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    int r;

    if (fd < 0)
        return err_raise(-errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, size) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        r = -errno;
        close(fd);
        return err_raise(r);
    }
    *port = ntohs(address.sin_port);
    *out_fd = fd;
    return 0;
}

void process_let_port(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}
