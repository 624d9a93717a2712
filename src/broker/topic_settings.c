/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/topic_settings.h"

#include "base/err.h"

#define SERVED 0
#define KEPT CONFIG_UNSERVED
#define ANY .choices = NULL
#define RANGE(low, high) .min = (low), .max = (high)
#define RANGE_OR(low, high, other) .min = (low), .max = (high), .choices = (other)
#define CHOICE(list) .choices = (list)

static const struct config_row rows[] = {
#define TOPIC_CONFIG(id, key, TYPE, dflt, VALID, FLAGS, synonym, text)                             \
    {.name = key,                                                                                  \
     .type = CONFIG_##TYPE,                                                                        \
     .initial = dflt,                                                                              \
     VALID,                                                                                        \
     .flags = FLAGS,                                                                               \
     .broker = synonym,                                                                            \
     .about = text,                                                                                \
     .offset = offsetof(struct topic_settings, id)},
#include "broker/topic_config.def"
};

const struct config_table topic_settings_table = {.rows = rows, .count = COUNT_OF(rows)};

/* Values that would promise what is not done yet: the client must hear of it, since its
 * data would be treated otherwise than it asked for. */
static bool is_unserved(const struct config_row *row, struct slice value)
{
    if (slice_is_text(slice_text(row->name), "remote.storage.enable"))
        return !slice_is_text(value, "false");
    if (slice_is_text(slice_text(row->name), "min.insync.replicas"))
        return !slice_is_text(value, "1");
    return false;
}

/* `*`, nothing, or partition:broker pairs with commas between them. */
static bool are_replicas(struct slice list)
{
    bool has_digit = false, has_colon = false;

    if (list.size == 0 || slice_is_text(list, "*"))
        return true;
    for (size_t i = 0; i <= list.size; i++) {
        uint8_t c = i < list.size ? list.data[i] : ',';

        if (c >= '0' && c <= '9') {
            has_digit = true;
        } else if (!has_digit || (c != ':' && c != ',') || (c == ':') == has_colon) {
            return false;
        } else {
            has_colon = c == ':';
            has_digit = false;
        }
    }
    return true;
}

int topic_settings_check(struct slice name, struct slice value, struct text *why)
{
    const struct config_row *row = config_find(&topic_settings_table, name);
    int r;

    if (!row) {
        text_printf(why, "Unknown topic config name: %.*s", SLICE_ARG(name));
        return CONFIG_E_UNKNOWN;
    }
    if (slice_is_null(value)) {
        text_printf(why, "Null value not supported for topic configs: %s", row->name);
        return CONFIG_E_INVALID;
    }
    r = config_check(row, value, why);
    if (r)
        return r;
    if (strstr(row->name, ".replication.throttled.replicas") && !are_replicas(value)) {
        text_printf(why,
                    "Invalid value [%.*s] for configuration %s: %s must be the literal '*' or a "
                    "list of replicas in the following format: "
                    "[partitionId]:[brokerId],[partitionId]:[brokerId],...",
                    SLICE_ARG(value), row->name, row->name);
        return CONFIG_E_INVALID;
    }
    if (is_unserved(row, value)) {
        text_printf(why, "%s=%.*s is not served yet", row->name, SLICE_ARG(value));
        return CONFIG_E_INVALID;
    }
    return 0;
}

void topic_settings_value(const struct settings *settings, const struct image_topic *topic,
                          const struct config_row *row, struct text *out)
{
    const char *own = topic ? image_topic_config(topic, row->name) : NULL;

    if (own)
        config_normal(row, slice_text(own), out);
    else if (row->broker)
        settings_print(settings, row->broker, row->initial, out);
    else
        text_printf(out, "%s", row->initial);
}

enum compress_codec topic_settings_codec(const struct settings *settings,
                                         const struct image_topic *topic)
{
    const char *own = image_topic_config(topic, "compression.type");
    const char *name = own ? own : settings->compression_type;

    if (strcmp(name, "producer") == 0) /* Most topics, and each request asks. */
        return COMPRESS_CODEC_COUNT;
    return strcmp(name, "uncompressed") == 0 ? COMPRESS_NONE : compress_find(slice_text(name));
}

static void resolve_row(const struct settings *settings, const struct image_topic *topic,
                        const struct config_row *row, struct topic_settings *out)
{
    struct text value = {.data = NULL};
    struct text why = {.data = NULL};

    topic_settings_value(settings, topic, row, &value);
    /* A value that an older release let in and we would not: the default. */
    if (config_set(row, out, text_slice(&value), &why) &&
        config_set(row, out, slice_text(row->initial), &why))
        bug(row->name, __FILE__, __LINE__);
    text_fini(&value);
    text_fini(&why);
}

/* The settings of `topic`, all of them. */
static void resolve(const struct settings *settings, const struct image_topic *topic,
                    struct topic_settings *out)
{
    *out = (struct topic_settings){.flush_ms = 0};
    for (size_t i = 0; i < topic_settings_table.count; i++)
        resolve_row(settings, topic, &topic_settings_table.rows[i], out);
}

static bool is_disk(const struct settings *settings, const struct image_topic *topic)
{
    const char *own = image_topic_config(topic, "flush.messages");
    const char *given = settings_given(settings, "log.flush.interval.messages");

    if (own && strcmp(own, "1") == 0)
        return true;
    if (own && strcmp(own, "9223372036854775807") == 0)
        return false;
    if (!own && given && strcmp(given, "1") == 0)
        return true;
    return strcmp(settings->log_ack_durability, "disk") == 0;
}

int topic_settings_level(const struct settings *settings, const struct image_topic *topic,
                         enum compress_codec codec)
{
    static const char *const keys[COMPRESS_CODEC_COUNT] = {
        [COMPRESS_GZIP] = "compression.gzip.level",
        [COMPRESS_LZ4] = "compression.lz4.level",
        [COMPRESS_ZSTD] = "compression.zstd.level",
    };
    struct topic_settings one = {.flush_ms = 0};

    if (codec == COMPRESS_CODEC_COUNT || !keys[codec])
        return 0;
    resolve_row(settings, topic, config_find(&topic_settings_table, slice_text(keys[codec])), &one);
    return (int)(codec == COMPRESS_GZIP  ? one.compression_gzip_level
                 : codec == COMPRESS_LZ4 ? one.compression_lz4_level
                                         : one.compression_zstd_level);
}

void topic_settings_partition(const struct settings *settings, const struct image_topic *topic,
                              struct partition_config *out)
{
    struct topic_settings s;
    bool is_compacted;

    resolve(settings, topic, &s);
    is_compacted = strstr(s.cleanup_policy, "compact") != NULL;
    *out = (struct partition_config){
        .log = {.segment_bytes = s.segment_bytes,
                .segment_ms =
                    is_compacted ? min_of(s.segment_ms, s.max_compaction_lag_ms) : s.segment_ms,
                .segment_jitter_ms = s.segment_jitter_ms,
                .index_interval_bytes = (int32_t)s.index_interval_bytes,
                .index_size_max = (int32_t)s.segment_index_bytes,
                .max_message_bytes = (int32_t)s.max_message_bytes,
                .is_compacted = is_compacted,
                .producer_expiration_ms = settings->producer_id_expiration_ms},
        .rules = {.timestamp_before_max_ms = s.message_timestamp_before_max_ms,
                  .timestamp_after_max_ms = s.message_timestamp_after_max_ms,
                  .needs_keys = is_compacted,
                  .is_append_time = strcmp(s.message_timestamp_type, "LogAppendTime") == 0,
                  .record_max = (int32_t)s.max_decompressed_message_bytes},
        .is_disk = is_disk(settings, topic),
        .deletes = strstr(s.cleanup_policy, "delete") != NULL,
        .file_delete_delay_ms = s.file_delete_delay_ms,
        .compaction = {.min_dirty_ratio = s.min_cleanable_dirty_ratio,
                       .min_lag_ms = s.min_compaction_lag_ms,
                       .max_lag_ms = s.max_compaction_lag_ms,
                       .delete_retention_ms = s.delete_retention_ms},
        .retention = {.ms = s.retention_ms, .bytes = s.retention_bytes},
    };
    config_fini(&topic_settings_table, &s);
}
