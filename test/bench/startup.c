/* SPDX-License-Identifier: Apache-2.0 */

/* test/bench/startup.c - from fork() to the first acknowledged record, and from SIGTERM to the end.
 *
 *     startup ROUNDS PORT COMMAND...
 *
 * Each round runs COMMAND, in which @ROUND@ stands for the number of the round, so that each
 * gets a folder that does not exist yet.  It creates a topic and produces one record to it
 * with acks=all; the time ends with the answer.  Prints a line for each round: milliseconds
 * to the first answer that the port gives at all, to the record, and of the stop.
 */

#include "test/bench/client.h"
#include "test/bench/frames.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_SECONDS_MAX = 60, ROUNDS_MAX = 1000, NS_PER_SECOND = 1000000000 };

/* `word` with @ROUND@ replaced; the result lives in `out`. */
static char *fill_in(const char *word, int round, struct text *out)
{
    static const char mark[] = "@ROUND@";
    const char *at = strstr(word, mark);

    if (!at)
        text_printf(out, "%s", word);
    else
        text_printf(out, "%.*s%d%s", (int)(at - word), word, round, at + sizeof(mark) - 1);
    return out->data;
}

static _Noreturn void run_child(char **words, int count, int round, int output)
{
    char *argv[64];
    int fd = dup2(output, STDOUT_FILENO);

    if (fd < 0 || count >= (int)COUNT_OF(argv))
        _exit(126);
    for (int i = 0; i < count; i++) {
        struct text word = {.data = NULL};

        argv[i] = fill_in(words[i], round, &word); /* Gone with the process. */
    }
    argv[count] = NULL;
    execvp(argv[0], argv);
    _exit(127);
}

/* Connects as soon as the port is there.  What the child prints wakes us, so that nothing is
 * polled in vain; a child that prints nothing is tried each millisecond. */
static int connect_when_ready(uint16_t port, int output, int64_t deadline_ns)
{
    struct pollfd wait = {.fd = output, .events = POLLIN};
    char scratch[4096];
    int fd;

    for (;;) {
        int r = client_connect(port, &fd);

        if (r == 0)
            return fd;
        if (r != -ECONNREFUSED)
            bench_fail("connect: %s", strerror(-r));
        if (bench_now_ns() > deadline_ns)
            bench_fail("the broker does not listen on port %u", port);
        if (poll(&wait, 1, 1) > 0 && read(output, scratch, sizeof(scratch)) <= 0)
            bench_fail("the broker ended, or closed its output");
    }
}

static double ms_since(int64_t from_ns)
{
    return (double)(bench_now_ns() - from_ns) / 1e6;
}

static void measure(char **words, int count, int round, uint16_t port)
{
    int64_t began = bench_now_ns();
    int64_t stopped;
    double listening_ms;
    double written_ms;
    int pipe_fds[2];
    int status;
    pid_t child;
    int fd;

    if (pipe(pipe_fds))
        bench_fail("pipe: %s", strerror(errno));
    child = fork();
    if (child < 0)
        bench_fail("fork: %s", strerror(errno));
    if (child == 0)
        run_child(words, count, round, pipe_fds[1]);
    close(pipe_fds[1]);
    fd = connect_when_ready(port, pipe_fds[0], began + (int64_t)START_SECONDS_MAX * NS_PER_SECOND);
    listening_ms = ms_since(began);
    client_create_topic(fd, "first", 1, NULL);
    written_ms = ms_since(began);
    close(fd);
    stopped = bench_now_ns();
    kill(child, SIGTERM);
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status))
        bench_fail("the broker did not end well: status %d", status);
    printf("%.3f %.3f %.3f\n", listening_ms, written_ms, ms_since(stopped));
    close(pipe_fds[0]);
}

int main(int argc, char **argv)
{
    int rounds;
    uint16_t port;

    if (argc < 4)
        bench_fail("usage: startup ROUNDS PORT COMMAND...");
    rounds = (int)min_of(bench_number(argv[1], 1), (int64_t)ROUNDS_MAX);
    port = (uint16_t)bench_number(argv[2], 1);
    for (int round = 0; round < rounds; round++)
        measure(argv + 3, argc - 3, round, port);
    return 0;
}
