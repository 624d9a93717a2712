/* SPDX-License-Identifier: Apache-2.0 */
#include "os/process.h"

#include "base/err.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* What a file of /proc begins with, as text; false if there is no such file. */
static bool read_start(const char *path, char *out, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, out, size - 1);

    if (fd >= 0)
        close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static int64_t count_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int64_t count = 0;

    if (!dir)
        return -1;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 3; /* Two dots, and the folder itself. */
}

/* The field `number` of /proc/self/stat, counted from 1, from 3 on: the second one is a name in
 * brackets, which may have anything in it. */
static double field_of(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');

    for (int i = 2; at && i < number; i++)
        at = strchr(at + 1, ' ');
    return at ? strtod(at + 1, NULL) : -1;
}

/* When the machine was started: Unix time in seconds. */
static double boot_time(void)
{
    struct timespec wall, since;

    clock_gettime(CLOCK_REALTIME, &wall);
    clock_gettime(CLOCK_BOOTTIME, &since);
    return (double)(wall.tv_sec - since.tv_sec) + (double)(wall.tv_nsec - since.tv_nsec) / 1e9;
}

void process_look(struct process_usage *out)
{
    double ticks = (double)sysconf(_SC_CLK_TCK);
    struct rlimit files;
    char stat[1024];

    *out = (struct process_usage){.cpu_seconds = -1,
                                  .started_at = -1,
                                  .resident_bytes = -1,
                                  .virtual_bytes = -1,
                                  .open_files = count_files(),
                                  .open_files_max = -1,
                                  .threads = -1};
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur != RLIM_INFINITY)
        out->open_files_max = (int64_t)files.rlim_cur;
    if (!read_start("/proc/self/stat", stat, sizeof(stat)))
        return;
    out->cpu_seconds = (field_of(stat, 14) + field_of(stat, 15)) / ticks;
    out->threads = (int64_t)field_of(stat, 20);
    out->started_at = boot_time() + field_of(stat, 22) / ticks;
    out->virtual_bytes = (int64_t)field_of(stat, 23);
    out->resident_bytes = (int64_t)field_of(stat, 24) * sysconf(_SC_PAGESIZE);
}

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
