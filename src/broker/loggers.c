/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/loggers.h"

#include <stdio.h>

static const char *const level_names[] = {"FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

/* Beginnings of Kafka's names; the first that fits counts. */
static const struct {
    const char *prefix;
    enum diag_module module;
} of_kafka[] = {
    {"kafka.log", DIAG_MODULE_store},
    {"org.apache.kafka.storage", DIAG_MODULE_store},
    {"kafka.controller", DIAG_MODULE_control},
    {"org.apache.kafka.controller", DIAG_MODULE_control},
    {"org.apache.kafka.metadata", DIAG_MODULE_control},
    {"kafka.coordinator", DIAG_MODULE_coord},
    {"org.apache.kafka.coordinator", DIAG_MODULE_coord},
    {"kafka.cluster", DIAG_MODULE_replica},
    {"state.change.logger", DIAG_MODULE_replica},
    {"kafka", DIAG_MODULE_broker},
    {"org.apache.kafka", DIAG_MODULE_broker},
};

static bool begins_with(struct slice name, const char *prefix)
{
    size_t size = strlen(prefix);

    return name.size >= size && memcmp(name.data, prefix, size) == 0 &&
           (name.size == size || name.data[size] == '.');
}

bool logger_find(struct slice name, enum diag_module *out)
{
    char own[LOGGER_NAME_SIZE];

    for (int module = 0; module <= DIAG_MODULES; module++) {
        logger_name((enum diag_module)module, own);
        *out = (enum diag_module)module;
        if (slice_is_text(name, own))
            return true;
    }
    for (size_t i = 0; i < COUNT_OF(of_kafka); i++) {
        *out = of_kafka[i].module;
        if (begins_with(name, of_kafka[i].prefix))
            return true;
    }
    return false;
}

void logger_name(enum diag_module module, char out[static LOGGER_NAME_SIZE])
{
    (void)snprintf(out, LOGGER_NAME_SIZE, "%s%s", module < DIAG_MODULES ? "moldau." : "root",
                   module < DIAG_MODULES ? diag_module_name(module) : "");
}

int logger_level(struct slice name)
{
    for (size_t i = 0; i < COUNT_OF(level_names); i++)
        if (slice_is_text(name, level_names[i]))
            return (int)i;
    return -1;
}

const char *logger_level_name(enum diag_level level)
{
    assert((size_t)level < COUNT_OF(level_names));
    return level_names[level];
}
