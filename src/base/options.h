/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/options.h - the words behind a command, read in the manner of Kafka's tools.
 *
 *     --name value    --name=value    --flag    -name value    -n value
 *
 * A command describes its options as rows of a .def file; from the same rows come the
 * parser, the check of values, and the usage text in two columns.  Names are not
 * abbreviated; `--` ends the options; what is no option is kept and ignored, as Kafka's
 * tools do.
 *
 * Of a command with subcommands each row says behind which it may be; base/arguments.h
 * reads such a line.
 *
 * The sentences about mistakes are Kafka's, since scripts look for them.
 *
 * Threading: none.
 * Errors:    enum options_outcome with a sentence.
 */

#include "base/text.h"

enum option_kind {
    OPTION_FLAG,     /* No argument. */
    OPTION_TEXT,     /* An argument, any text. */
    OPTION_INT,      /* An argument, a number of 32 bits. */
    OPTION_LONG,     /* Of 64 bits. */
    OPTION_OPTIONAL, /* Perhaps an argument. */
    OPTION_LIST,     /* An argument, any text; all that are given count. */
    OPTION_WORDS,    /* As a list; several may follow one name (base/arguments.h). */
};

enum option_need {
    OPTION_FREE,   /* May be left out. */
    OPTION_NEEDED, /* Must be given. */
    OPTION_EITHER, /* At most one of those with EITHER and ONE_OF. */
    OPTION_ONE_OF, /* Exactly one. */
};

/* What `under` says besides the names of subcommands: */
#define OPTION_EVERY "*"    /* Behind every subcommand. */
#define OPTION_ANYWHERE "+" /* Behind and in front of it. */
#define OPTION_OURS "-"     /* By our own words alone. */

struct option_row {
    const char *name; /* Without dashes. */
    enum option_kind kind;
    const char *shows;   /* What the usage calls the argument, or "". */
    const char *initial; /* The default, or NULL. */
    const char *about;   /* '\n' begins a new line. */
    char brief;          /* A letter that, behind one dash, is the same; 0: none. */
    /* The subcommands that it is for, joined by blanks; NULL: in front of the subcommand. */
    const char *under;
    enum option_need need; /* Of commands with subcommands. */
};

/* The row of an option of a command with subcommands. */
#define SUBCOMMAND_OPTION(name_, brief_, KIND, under_, NEED, about_)                               \
    {                                                                                              \
        .name = name_, .brief = brief_, .kind = OPTION_##KIND, .shows = "", .under = under_,       \
        .need = OPTION_##NEED, .about = about_                                                     \
    }

/* One option of the command line. */
struct option_use {
    int row;           /* Its index in the rows. */
    const char *value; /* Borrowed from argv; NULL: none. */
};

enum { OPTIONS_WORDS_MAX = 2 };

struct options {
    const struct option_row *rows; /* Borrowed. */
    int row_count;
    struct option_use *uses; /* Owned: in the order of the command line. */
    int use_count;
    bool *is_used; /* Owned: by row. */
    /* The first words that are no options and no values of one; NULL behind the last. */
    const char *words[OPTIONS_WORDS_MAX + 1];
    const char *subcommand; /* Borrowed: whose options may be given; NULL: those in front. */
    bool is_merged;         /* Ours and those in front of the subcommand as well. */
};

enum options_outcome {
    OPTIONS_E_INVALID = 1, /* A sentence tells why. */
};

/* Begins without any option given. */
void options_init(struct options *options, const struct option_row *rows, int row_count);

/* Frees what it owns; the values were argv's. */
void options_fini(struct options *options);

/* Reads the words argv[0 .. argc). */
NODISCARD int options_parse(struct options *options, int argc, char **argv, struct text *why);

/* The row of this name, or -1. */
int options_find(const struct options *options, const char *name);

/* True if the row is for this subcommand; NULL: for what is in front of it. */
bool options_is_under(const struct option_row *row, const char *subcommand);

/* True if the option may be given now. */
bool options_is_in_scope(const struct options *options, int row);

/* Acts as if the option had been given. */
void options_add(struct options *options, int row, const char *value);

/* True if the option was given. */
static inline bool options_has(const struct options *options, int row)
{
    return options->is_used[row];
}

/* The value of an option that may be given once: the default if it was not given. */
NODISCARD int options_get(const struct options *options, int row, const char **out,
                          struct text *why);

/* As options_get(), as a number; `*out` is left alone if there is neither value nor default. */
NODISCARD int options_number(const struct options *options, int row, int64_t *out,
                             struct text *why);

/* The `nth` value of an option, or NULL behind the last. */
const char *options_nth(const struct options *options, int row, int nth);

/* Adds the two columns that explain the options. */
void options_usage(const struct options *options, struct text *out);
