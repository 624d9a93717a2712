/* SPDX-License-Identifier: Apache-2.0 */
#include "bin/welcome.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void welcome_print(struct broker *broker, void *context)
{
    char path[PATH_MAX];

    (void)context;
    printf("Moldau " MOLDAU_VERSION " is running as node %d\n", broker->node_id);
    for (size_t i = 0; i < broker->listener_count; i++)
        printf("  listening on  %s port %d\n", broker->listeners[i].listener.bound.host,
               broker->listeners[i].listener.bound.port);
    for (int i = 0; i < broker->dirs.count; i++) {
        const char *dir = broker->dirs.items[i].named.path;

        printf("  data in       %s\n", realpath(dir, path) ? path : dir);
    }
    for (size_t i = 0; i < broker->listener_count; i++) {
        const struct broker_listener *bl = &broker->listeners[i];

        if (bl->is_controller)
            continue;
        printf("  type next     bin/kafka-topics.sh --bootstrap-server %s:%d --create --topic "
               "hello\n",
               bl->advertised_host, bl->advertised_port);
        break;
    }
    printf("  stop with     Ctrl-C\n");
    fflush(stdout);
}
