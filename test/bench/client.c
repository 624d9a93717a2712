/* SPDX-License-Identifier: Apache-2.0 */
#include "test/bench/client.h"

#include "test/bench/frames.h"
#include "wire/bytes.h"
#include "wire/errors.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME_MAX = 256 << 20, READY_SECONDS_MAX = 300 };

void bench_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

int64_t bench_number(const char *word, int64_t low)
{
    char *end;
    int64_t value;

    errno = 0;
    value = strtoll(word, &end, 10);
    if (errno || *end || end == word || value < low)
        bench_fail("not a number of at least %lld: %s", (long long)low, word);
    return value;
}

bool bench_key(const char *word, const char *key, const char **out_value)
{
    size_t size = strlen(key);

    *out_value = word + size + 1;
    return strncmp(word, key, size) == 0 && word[size] == '=';
}

void bench_pause(void)
{
    (void)poll(NULL, 0, 1);
}

int64_t bench_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int client_connect(uint16_t port, int *out_fd)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        return -errno;
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))) {
        int error = errno;

        close(fd);
        return -error;
    }
    *out_fd = fd;
    return 0;
}

int client_connect_when_ready(uint16_t port)
{
    int64_t deadline = bench_now_ns() + (int64_t)READY_SECONDS_MAX * 1000000000;
    int fd;
    int r;

    while ((r = client_connect(port, &fd)) == -ECONNREFUSED && bench_now_ns() < deadline)
        bench_pause();
    if (r)
        bench_fail("connect: %s", strerror(-r));
    return fd;
}

int client_send(int fd, struct slice bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(fd, bytes.data, bytes.size, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return -errno;
        if (sent > 0)
            bytes = slice_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
    return 0;
}

static int receive_all(int fd, uint8_t *out, size_t size)
{
    while (size > 0) {
        ssize_t got = recv(fd, out, size, 0);

        if (got == 0)
            return -ECONNRESET;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0) {
            out += got;
            size -= (size_t)got;
        }
    }
    return 0;
}

int client_receive(int fd, struct text *out)
{
    uint8_t prefix[FRAME_PREFIX];
    uint32_t size;
    int r = receive_all(fd, prefix, sizeof(prefix));

    if (r)
        return r;
    size = bytes_load_u32(prefix);
    if (size > FRAME_MAX)
        return -EMSGSIZE;
    text_cut(out, 0);
    return receive_all(fd, text_add_space(out, size), size);
}

void client_call(int fd, const struct text *request, struct text *response)
{
    int r = client_send(fd, text_slice(request));

    if (r == 0)
        r = client_receive(fd, response);
    if (r)
        bench_fail("the broker does not answer: %s", strerror(-r));
}

static int16_t try_to_write(int fd, const char *topic, int32_t partition, struct slice batch,
                            struct text *request, struct text *response)
{
    struct reader reader;

    text_cut(request, 0);
    frame_produce(request, 2, topic, partition, -1, batch);
    client_call(fd, request, response);
    reader = reader_of(response->data, response->size);
    get_i32(&reader);
    return read_produce_error(&reader);
}

void client_create_topic(int fd, const char *topic, int32_t partitions, const char *const *config)
{
    struct text request = {.data = NULL};
    struct text response = {.data = NULL};
    struct text batch = {.data = NULL};
    struct reader reader;
    int16_t error;

    frame_create_topic(&request, 1, topic, partitions, config);
    client_call(fd, &request, &response);
    reader = reader_of(response.data, response.size);
    get_i32(&reader);
    error = read_create_error(&reader);
    if (error)
        bench_fail("topic %s was not created: error %d", topic, error);
    batch_make(&batch, 1, 1);
    for (int32_t i = 0; i < partitions; i++) {
        do {
            error = try_to_write(fd, topic, i, text_slice(&batch), &request, &response);
        } while (error == ERROR_UNKNOWN_TOPIC_OR_PARTITION || error == ERROR_LEADER_NOT_AVAILABLE ||
                 error == ERROR_NOT_LEADER_OR_FOLLOWER);
        if (error)
            bench_fail("topic %s cannot be written to: error %d", topic, error);
    }
    text_fini(&batch);
    text_fini(&response);
    text_fini(&request);
}
