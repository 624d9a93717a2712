/* SPDX-License-Identifier: Apache-2.0 */
#include "os/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

size_t resolve_host(const char *host, uint16_t port, struct io_address *out, size_t max)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list = NULL;
    size_t count = 0;

    if (getaddrinfo(host, NULL, &hints, &list))
        return 0;
    for (const struct addrinfo *a = list; a && count < max; a = a->ai_next) {
        struct io_address address = {.port = port};

        if (getnameinfo(a->ai_addr, a->ai_addrlen, address.host, sizeof(address.host), NULL, 0,
                        NI_NUMERICHOST) == 0)
            out[count++] = address;
    }
    freeaddrinfo(list);
    return count;
}
