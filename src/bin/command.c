/* SPDX-License-Identifier: Apache-2.0 */

/* bin/command.c - signals and descriptors around a command. */

#include "bin/command.h"

#include "cli/cli.h"
#include "os/linux_io.h"

#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { SIGNAL_STATUS = 128 };

struct process {
    struct cli_env env;
    struct io_watch signals;
};

bool command_is_one(const char *word)
{
    return cli_has_command(word);
}

/* The first signal asks the command to end in order; the next ends the process. */
static void on_signal(struct io_watch *watch, unsigned events)
{
    struct process *process = container_of(watch, struct process, signals);
    struct signalfd_siginfo info;

    (void)events;
    if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (process->env.is_stopping)
        _exit(SIGNAL_STATUS + (int)info.ssi_signo);
    cli_stop(&process->env);
}

static int watch_signals(struct process *process)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    process->signals =
        (struct io_watch){.ready = on_signal, .fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (process->signals.fd < 0)
        return 1;
    io_watch(process->env.io, &process->signals, IO_READABLE);
    return 0;
}

int command_main(int count, char **args)
{
    scoped(linux_io_destroyp) struct io *io = NULL;
    struct process process = {
        .env =
            {
                .in_fd = STDIN_FILENO,
                .out_fd = STDOUT_FILENO,
                .err_fd = STDERR_FILENO,
                .version = MOLDAU_VERSION,
            },
    };
    int status;

    if (linux_io_create(&io)) {
        fprintf(stderr, "moldau: the kernel gives no epoll or eventfd\n");
        return 1;
    }
    process.env.io = io;
    if (watch_signals(&process)) {
        fprintf(stderr, "moldau: the kernel gives no signalfd\n");
        return 1;
    }
    status = cli_main(&process.env, count, args);
    io_watch(io, &process.signals, 0);
    io_close(io, &process.signals.fd);
    return status;
}
