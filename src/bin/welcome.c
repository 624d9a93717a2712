/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/welcome.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void welcome_print(const struct broker *broker)
{
    char path[PATH_MAX];

    printf("Moldau " MOLDAU_VERSION " is running as node %d\n", broker->node_id);
    for (size_t i = 0; i < broker->listener_count; i++)
        printf("  listening on  %s port %d\n", broker->listeners[i].listener.bound.host,
               broker->listeners[i].listener.bound.port);
    for (int i = 0; i < broker->dirs.count; i++) {
        const char *dir = broker->dirs.items[i].named.path;

        printf("  data in       %s\n", realpath(dir, path) ? path : dir);
    }
    printf("  type next     bin/kafka-topics.sh --bootstrap-server %s:%d --create --topic hello\n",
           broker->listeners[0].advertised_host, broker->listeners[0].advertised_port);
    printf("  stop with     Ctrl-C\n");
    fflush(stdout);
}
