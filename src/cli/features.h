/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/features.h - what the files of kafka-features share.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why.
 */

#include "cli/admin.h"
#include "wire/features.h"

enum features_option {
#define OPTION(id, name, brief, KIND, under, NEED, about) FEATURES_##id,
#include "cli/features.def"
};

static inline bool features_has(const struct cli *cli, enum features_option option)
{
    return options_has(&cli->options, (int)option);
}

/* A feature and the level that a word names. */
struct features_level {
    struct slice name;
    int16_t level;
};

/* Reads "feature=level". */
NODISCARD bool features_parse(struct cli *cli, const char *word, struct features_level *out);

/* The level of metadata.version that a person means, as 4.3 or 4.3-IV0. */
NODISCARD bool features_release(struct cli *cli, const char *word,
                                const struct metadata_version **out);

/* upgrade, downgrade and disable. */
NODISCARD bool features_update(struct cli *cli, struct admin *admin);
