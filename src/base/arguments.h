/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/arguments.h - the words behind a command that has subcommands, read in the manner
 * of those of Kafka's tools that have some.
 *
 *     [--name value ...] [subcommand] [--name value ... -n value -nvalue --name=value]
 *
 * The rows are those of base/options.h; `under` says on which side of the subcommand an
 * option stands.  A name may be cut short as long as no other option begins so.  An
 * option that is no OPTION_LIST has the value that it was given last.  A word too many is
 * a mistake.
 *
 * The sentences about mistakes are Kafka's, since scripts look for them.
 *
 * Threading: none.
 * Errors:    enum options_outcome with a sentence, or ARGUMENTS_E_HELP.
 */

#include "base/options.h"

enum arguments_outcome {
    ARGUMENTS_E_HELP = OPTIONS_E_INVALID + 1, /* --help: nothing behind it was read. */
};

struct arguments_grammar {
    const char *const *subcommands;
    int count;
};

/* Reads the words argv[0 .. argc) into `options`, of which options->subcommand becomes the
 * one that was named, if any; also after a mistake. */
NODISCARD int arguments_parse(struct options *options, const struct arguments_grammar *grammar,
                              int argc, char **argv, struct text *why);

/* Looks whether the options that must be given were given: `subcommand` are those behind
 * options->subcommand, else those in front of it. */
NODISCARD int arguments_check(const struct options *options, bool is_behind, struct text *why);

/* Adds one line: "usage: tool subcommand [-h] ...". */
void arguments_usage(const struct options *options, const struct arguments_grammar *grammar,
                     const char *tool, struct text *out);
