/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/configs.c - configs.md: the settings of a broker and of a topic; and
 * server.properties, the file of a package. */

#include "base/config.h"
#include "tools/refdoc/refdoc.h"

#include <inttypes.h>
#include <string.h>

#define AT_START CONFIG_AT_START
#define ALL_BROKERS CONFIG_DYNAMIC
#define ONE_BROKER (CONFIG_DYNAMIC | CONFIG_ONE_ONLY)
#define INTERNAL CONFIG_INTERNAL
#define RETIRED CONFIG_RETIRED
#define OURS CONFIG_OURS
#define SERVED 0
#define KEPT CONFIG_UNSERVED
#define ANY .choices = NULL
#define RANGE(low, high) .min = (low), .max = (high)
#define RANGE_OR(low, high, other) .min = (low), .max = (high), .choices = (other)
#define CHOICE(list) .choices = (list)

static const struct config_row broker_rows[] = {
#define CONFIG(id, key, TYPE, dflt, VALID, FLAGS, text)                                            \
    {.name = key, .type = CONFIG_##TYPE, .initial = dflt, VALID, .flags = FLAGS, .about = text},
#include "broker/config.def"
};

static const struct config_row topic_rows[] = {
#define TOPIC_CONFIG(id, key, TYPE, dflt, VALID, FLAGS, synonym, text)                             \
    {.name = key,                                                                                  \
     .type = CONFIG_##TYPE,                                                                        \
     .initial = dflt,                                                                              \
     VALID,                                                                                        \
     .flags = FLAGS,                                                                               \
     .broker = synonym,                                                                            \
     .about = text},
#include "broker/topic_config.def"
};

static const char *const known_names[] = {
#define KNOWN(key, TYPE, dflt, VALID, FLAGS) key,
#include "broker/known_configs.def"
};

static const struct {
    const char *prefix, *about;
} families[] = {
#define FAMILY(start, text) {.prefix = start, .about = text},
#include "broker/known_configs.def"
};

static const char *type_text(enum config_type type)
{
    switch (type) {
    case CONFIG_BOOL: return "boolean";
    case CONFIG_INT: return "int";
    case CONFIG_LONG: return "long";
    case CONFIG_SHORT: return "short";
    case CONFIG_DOUBLE: return "double";
    case CONFIG_TEXT: return "string";
    case CONFIG_LIST: return "list";
    case CONFIG_CLASS: return "class";
    case CONFIG_PASSWORD: return "password";
    }
    return "?";
}

/* The largest number of a type means that there is no bound but the type's. */
static void print_range(struct text *out, const struct config_row *row)
{
    bool is_open = row->max == INT64_MAX || (row->type == CONFIG_INT && row->max == INT32_MAX);

    if (is_open)
        text_printf(out, ", at least %" PRId64, row->min);
    else if (row->min == row->max)
        text_printf(out, ", only %" PRId64, row->min);
    else
        text_printf(out, ", %" PRId64 " to %" PRId64, row->min, row->max);
}

static void print_valid(struct text *out, const struct config_row *row)
{
    const char *choice = row->choices;

    text_printf(out, "%s", type_text(row->type));
    if (row->type == CONFIG_INT || row->type == CONFIG_LONG || row->type == CONFIG_DOUBLE)
        print_range(out, row);
    while (choice) {
        size_t size = strcspn(choice, "|");
        bool is_first = choice == row->choices;

        text_printf(out, "%s`%.*s`",
                    !is_first  ? ", "
                    : row->max ? " or "
                               : ": ",
                    (int)size, choice);
        choice = choice[size] ? choice + size + 1 : NULL;
    }
}

static void print_row(struct text *out, const struct config_row *row)
{
    text_printf(out, "### %s\n\n%s\n\n* ", row->name, row->about);
    print_valid(out, row);
    if (row->initial && *row->initial)
        text_printf(out, "\n* default: `%s`", row->initial);
    else
        text_printf(out, "\n* default: %s", row->initial ? "empty" : "not set");
    if (row->broker)
        text_printf(out, ", or what the broker's `%s` says", row->broker);
    if (row->flags & CONFIG_DYNAMIC)
        text_printf(out, "\n* can be changed while the broker runs.");
    if (row->flags & CONFIG_OURS)
        text_printf(out, "\n* Kafka does not know it.");
    if (row->flags & CONFIG_RETIRED)
        text_printf(out, "\n* Of an older release of Kafka.");
    if (row->flags & CONFIG_UNSERVED)
        text_printf(out, "\n* Checked, stored and described; it changes nothing yet.");
    text_printf(out, "\n\n");
}

void refdoc_configs(struct text *out)
{
    refdoc_title(out, "Settings", "src/broker/config.def, topic_config.def and known_configs.def");
    text_printf(out, "Names, types and defaults are Kafka's, unless it says otherwise.  A broker "
                     "reads its settings\nfrom a properties file when it starts.\n\n"
                     "## Of a broker\n\n");
    for (size_t i = 0; i < COUNT_OF(broker_rows); i++)
        print_row(out, &broker_rows[i]);
    text_printf(out, "## Of a topic\n\n");
    for (size_t i = 0; i < COUNT_OF(topic_rows); i++)
        print_row(out, &topic_rows[i]);
    text_printf(out, "## Known and not acted on\n\nA broker's file may have these keys of "
                     "Kafka's; each gives a warning and changes nothing yet.\nAny other key is "
                     "an error.\n\n");
    for (size_t i = 0; i < COUNT_OF(known_names); i++)
        text_printf(out, "* `%s`\n", known_names[i]);
    for (size_t i = 0; i < COUNT_OF(families); i++)
        text_printf(out, "* `%s*`: %s\n", families[i].prefix, families[i].about);
}

/* --- server.properties --------------------------------------------------------- */

enum { COMMENT_COLUMNS = 94 };

/* What the file of a package sets; all else is left at its default. */
static const struct {
    const char *name, *value, *why;
} packaged[] = {
    {"listeners", "PLAINTEXT://127.0.0.1:9092",
     "This computer alone, since nobody is asked for a password yet. For others: "
     "listeners=PLAINTEXT://:9092, and in advertised.listeners their name for this computer."},
    {"log.dirs", "/var/lib/moldau",
     "For a folder elsewhere the service needs ReadWritePaths=: systemctl edit moldau."},
    {"offsets.topic.replication.factor", "1", "All that a node alone can have."},
};

/* `text` as lines of comment, broken at spaces. */
static void print_comment(struct text *out, const char *text)
{
    while (*text) {
        size_t size = strlen(text);

        if (size > COMMENT_COLUMNS) {
            for (size = COMMENT_COLUMNS; size > 0 && text[size] != ' '; size--)
                continue;
            if (size == 0)
                size = strcspn(text, " ");
        }
        text_printf(out, "# %.*s\n", (int)size, text);
        text += size;
        text += strspn(text, " ");
    }
}

/* Its type and the values that it takes, without the marks of Markdown. */
static void print_kind(struct text *out, const struct config_row *row)
{
    struct text kind = {.data = NULL}, plain = {.data = NULL};

    print_valid(&kind, row);
    for (size_t i = 0; i < kind.size; i++) {
        if (kind.data[i] != '`')
            text_printf(&plain, "%c", kind.data[i]);
    }
    if (!row->initial)
        text_printf(&plain, "; not set");
    if (row->flags & CONFIG_DYNAMIC)
        text_printf(&plain, "; can be changed while the broker runs");
    if (row->flags & CONFIG_OURS)
        text_printf(&plain, "; Kafka does not know it");
    print_comment(out, plain.data);
    text_fini(&kind);
    text_fini(&plain);
}

static void print_setting(struct text *out, const struct config_row *row)
{
    text_printf(out, "\n");
    print_comment(out, row->about);
    print_kind(out, row);
    text_printf(out, "#%s=%s\n", row->name, row->initial ? row->initial : "");
    for (size_t i = 0; i < COUNT_OF(packaged); i++) {
        if (strcmp(packaged[i].name, row->name) == 0) {
            print_comment(out, packaged[i].why);
            text_printf(out, "%s=%s\n", row->name, packaged[i].value);
        }
    }
}

void refdoc_properties(struct text *out)
{
    text_printf(out,
                "# server.properties - the settings of a node of Moldau, read when it starts.\n"
                "#\n"
                "# Names, types and defaults are Kafka's, unless it says otherwise.  A line that\n"
                "# begins with #name= is the default; where nothing follows, it is not set.\n");
    for (size_t i = 0; i < COUNT_OF(broker_rows); i++) {
        if (!(broker_rows[i].flags & CONFIG_RETIRED))
            print_setting(out, &broker_rows[i]);
    }
}
