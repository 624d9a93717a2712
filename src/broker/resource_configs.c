/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/resource_configs.h"

#include "wire/errors.h"

#include <inttypes.h>
#include <stdlib.h>

#define KEPT CONFIG_UNSERVED
#define INTERNAL (CONFIG_UNSERVED | CONFIG_INTERNAL)
#define ANY .choices = NULL
#define RANGE(low, high) .min = (low), .max = (high)
#define CHOICE(list) .choices = (list)

static const struct config_row group_rows[] = {
#define GROUP_CONFIG(key, TYPE, dflt, VALID, FLAGS, synonym, lowest, highest)                      \
    {.name = key, .type = CONFIG_##TYPE, .initial = dflt, VALID, .flags = FLAGS, .broker = synonym},
#include "broker/group_config.def"
};

static const struct group_bounds group_bounds[] = {
#define GROUP_CONFIG(key, TYPE, dflt, VALID, FLAGS, synonym, lowest, highest) {lowest, highest},
#include "broker/group_config.def"
};

static const struct config_row metrics_rows[] = {
    {.name = "interval.ms",
     .type = CONFIG_INT,
     .initial = "300000",
     .min = INT32_MIN,
     .max = INT32_MAX,
     .about = "How often clients push their metrics."},
    {.name = "match",
     .type = CONFIG_LIST,
     .initial = "",
     .about = "Which clients: labels and patterns."},
    {.name = "metrics",
     .type = CONFIG_LIST,
     .initial = "",
     .about = "Which metrics: the beginnings of their names."},
};

const struct config_table group_config_table = {.rows = group_rows, .count = COUNT_OF(group_rows)};
const struct config_table metrics_config_table = {.rows = metrics_rows,
                                                  .count = COUNT_OF(metrics_rows)};

static int64_t number_of(const struct settings *settings, const char *key, int64_t otherwise)
{
    struct text text = {.data = NULL};
    int64_t n;

    if (!key)
        return otherwise;
    settings_print(settings, key, "", &text);
    n = text.size ? strtoll(text.data, NULL, 10) : otherwise;
    text_fini(&text);
    return n;
}

/* Of Kafka's three ways only by_duration needs a look: PnDTnHnMn.nS, not negative. */
static bool is_offset_reset(struct slice value)
{
    static const char by[] = "by_duration:";

    if (slice_is_text(value, "earliest") || slice_is_text(value, "latest"))
        return true;
    return value.size > sizeof(by) && memcmp(value.data, by, sizeof(by) - 1) == 0 &&
           (value.data[sizeof(by) - 1] | 0x20) == 'p';
}

int16_t group_config_check(const struct settings *settings, struct slice name, struct slice value,
                           struct text *why)
{
    const struct config_row *row = config_find(&group_config_table, name);
    const struct group_bounds *bounds;
    int64_t low, high, n;
    char digits[32] = "";

    if (!row) {
        text_printf(why, "Unknown group config name: %.*s", SLICE_ARG(name));
        return ERROR_INVALID_CONFIG;
    }
    if (config_check(row, value, why))
        return ERROR_INVALID_CONFIG;
    if (slice_is_text(name, "share.auto.offset.reset") && !is_offset_reset(value)) {
        text_printf(
            why,
            "Invalid value %.*s for configuration %s: Invalid value `%.*s` for configuration "
            "%s. The value must be either 'earliest', 'latest' or of the format "
            "'by_duration:<PnDTnHnMn.nS>'.",
            SLICE_ARG(value), row->name, SLICE_ARG(value), row->name);
        return ERROR_INVALID_CONFIG;
    }
    bounds = &group_bounds[row - group_rows];
    if (!bounds->lowest)
        return ERROR_NONE;
    memcpy(digits, value.data, min_of(value.size, sizeof(digits) - 1));
    n = strtoll(digits, NULL, 10);
    low = number_of(settings, bounds->lowest, INT64_MIN);
    high = number_of(settings, bounds->highest, INT64_MAX);
    if (n >= low && n <= high)
        return ERROR_NONE;
    text_printf(why, "%s must be in the range %" PRId64 " to %" PRId64 " inclusive.", row->name,
                low, high);
    return ERROR_INVALID_CONFIG;
}

/* One `label=pattern`: Kafka's labels, and a pattern whose brackets close. */
static bool is_match(struct slice element)
{
    static const char *const labels[] = {
        "client_instance_id",    "client_id",
        "client_software_name",  "client_software_version",
        "client_source_address", "client_source_port",
    };
    const uint8_t *equals = memchr(element.data, '=', element.size);
    int depth = 0;

    if (!equals)
        return false;
    for (const uint8_t *c = equals + 1; c < element.data + element.size; c++) {
        depth += (*c == '(') - (*c == ')');
        if (depth < 0)
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(labels) && depth == 0; i++)
        if (slice_is_text(slice_of(element.data, (size_t)(equals - element.data)), labels[i]))
            return true;
    return false;
}

static int16_t check_matches(struct slice list, struct text *why)
{
    while (list.size > 0) {
        const uint8_t *comma = memchr(list.data, ',', list.size);
        size_t size = comma ? (size_t)(comma - list.data) : list.size;

        if (!is_match(slice_of(list.data, size))) {
            text_printf(why, "Illegal client matching pattern: %.*s", (int)size,
                        (const char *)list.data);
            return ERROR_INVALID_CONFIG;
        }
        list = comma ? slice_of(comma + 1, list.size - size - 1) : slice_of(list.data, 0);
    }
    return ERROR_NONE;
}

int16_t metrics_config_check(struct slice name, struct slice value, struct text *why)
{
    enum { INTERVAL_MIN = 100, INTERVAL_MAX = 3600000 };
    const struct config_row *row = config_find(&metrics_config_table, name);
    char digits[32] = "";
    int64_t n;

    if (!row) {
        text_printf(why, "Unknown client metrics configuration: %.*s", SLICE_ARG(name));
        return ERROR_INVALID_REQUEST;
    }
    if (config_check(row, value, why))
        return ERROR_INVALID_CONFIG;
    if (slice_is_text(name, "match"))
        return check_matches(value, why);
    if (row->type != CONFIG_INT)
        return ERROR_NONE;
    memcpy(digits, value.data, min_of(value.size, sizeof(digits) - 1));
    n = strtoll(digits, NULL, 10);
    if (n >= INTERVAL_MIN && n <= INTERVAL_MAX)
        return ERROR_NONE;
    text_printf(why,
                "Invalid value %" PRId64 " for interval.ms, interval must be between 100 and "
                "3600000 (1 hour)",
                n);
    return ERROR_INVALID_REQUEST;
}
