/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/shells.c - completions of bash, zsh and fish.
 *
 * bash and zsh share two functions: which words may follow some words, and which options stand
 * behind a command, be it by our name or by that of Kafka's script.
 */

#include "tools/refdoc/entries.h"
#include "tools/refdoc/refdoc.h"

#include <string.h>

/* The words that may come first, and those behind each of them. */
static void print_words(struct text *out, const struct entry *entries, int count)
{
    text_printf(out, "_moldau_words() {\n    case \"$1\" in\n    '') echo 'server version help");
    for (int i = 0; i < count; i++) {
        size_t size = strcspn(entries[i].words, " ");

        if (i == 0 || strncmp(entries[i - 1].words, entries[i].words, size + 1) != 0)
            text_printf(out, " %.*s", (int)size, entries[i].words);
    }
    text_printf(out, "' ;;\n");
    for (int i = 0; i < count; i++) {
        size_t size = strcspn(entries[i].words, " ");

        if (!entries[i].words[size])
            continue;
        if (i == 0 || strncmp(entries[i - 1].words, entries[i].words, size + 1) != 0)
            text_printf(out, "    '%.*s') echo '", (int)size, entries[i].words);
        text_printf(out, "%s ", entries[i].words + size + 1);
        if (i + 1 == count || strncmp(entries[i + 1].words, entries[i].words, size + 1) != 0)
            text_printf(out, "' ;;\n");
    }
    text_printf(out, "    esac\n}\n\n");
}

/* Kafka's name has the options of all its subcommands, ours those of one. */
static void print_case(struct text *out, const struct entry *entry, const char *suffix)
{
    bool is_kafka = suffix[0];

    text_printf(out, "    '%s%s') echo '", is_kafka ? entry->kafka : entry->words, suffix);
    for (int k = 0; k < entry->row_count; k++)
        if (is_kafka || entries_has_option(entry, &entry->rows[k]))
            text_printf(out, "--%s ", entry->rows[k].name);
    text_printf(out, "' ;;\n");
}

static void print_options(struct text *out, const struct entry *entries, int count)
{
    text_printf(out, "_moldau_options() {\n    case \"$1\" in\n");
    for (int i = 0; i < count; i++) {
        print_case(out, &entries[i], "");
        if (entries[i].kafka[0] && (i == 0 || strcmp(entries[i].kafka, entries[i - 1].kafka) != 0))
            print_case(out, &entries[i], ".sh");
    }
    text_printf(out, "    esac\n}\n\n");
}

void refdoc_bash(struct text *out)
{
    struct entry entries[ENTRIES_MAX];
    int count = entries_fill(entries);

    text_printf(out, "# Completion of moldau and of Kafka's names for bash, printed by "
                     "tools/refdoc.\n\n");
    print_words(out, entries, count);
    print_options(out, entries, count);
    text_printf(
        out, "# What stands in front of the word: the command, or what it may go on with.\n"
             "_moldau() {\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[0]##*/}\n"
             "    local first=${COMP_WORDS[1]} found\n"
             "    if [[ $command == moldau ]]; then\n"
             "        if ((COMP_CWORD == 1)); then\n"
             "            COMPREPLY=($(compgen -W \"$(_moldau_words '')\" -- \"$cur\"))\n"
             "            return\n"
             "        fi\n"
             "        found=$(_moldau_words \"$first\")\n"
             "        if ((COMP_CWORD == 2)) && [[ -n $found ]]; then\n"
             "            COMPREPLY=($(compgen -W \"$found\" -- \"$cur\"))\n"
             "            return\n"
             "        fi\n"
             "        command=$first${found:+ ${COMP_WORDS[2]}}\n"
             "    fi\n"
             "    if [[ $cur == -* ]]; then\n"
             "        COMPREPLY=($(compgen -W \"$(_moldau_options \"$command\")\" -- \"$cur\"))\n"
             "    else\n"
             "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
             "    fi\n"
             "}\n\n"
             "complete -F _moldau moldau");
    for (int i = 0; i < count; i++)
        if (entries[i].kafka[0] && (i == 0 || strcmp(entries[i].kafka, entries[i - 1].kafka) != 0))
            text_printf(out, " %s.sh", entries[i].kafka);
    text_printf(out, "\n");
}

void refdoc_zsh(struct text *out)
{
    struct entry entries[ENTRIES_MAX];
    int count = entries_fill(entries);

    text_printf(out, "#compdef moldau\n# Completion of moldau for zsh, printed by "
                     "tools/refdoc.\n\n");
    print_words(out, entries, count);
    print_options(out, entries, count);
    text_printf(out, "_moldau() {\n"
                     "    local found command\n"
                     "    if ((CURRENT == 2)); then\n"
                     "        compadd -- ${=$(_moldau_words '')}\n"
                     "        return\n"
                     "    fi\n"
                     "    found=$(_moldau_words \"$words[2]\")\n"
                     "    if ((CURRENT == 3)) && [[ -n $found ]]; then\n"
                     "        compadd -- ${=found}\n"
                     "        return\n"
                     "    fi\n"
                     "    command=$words[2]${found:+ $words[3]}\n"
                     "    if [[ $PREFIX == -* ]]; then\n"
                     "        compadd -- ${=$(_moldau_options \"$command\")}\n"
                     "    else\n"
                     "        _files\n"
                     "    fi\n"
                     "}\n\n"
                     "_moldau \"$@\"\n");
}

/* Between apostrophes; of an explanation the first line is enough. */
static void print_quoted(struct text *out, const char *text)
{
    text_printf(out, "'");
    for (; *text && *text != '\n'; text++)
        text_printf(out, *text == '\'' || *text == '\\' ? "\\%c" : "%c", *text);
    text_printf(out, "'");
}

static void print_fish_options(struct text *out, const struct entry *entry)
{
    for (int k = 0; k < entry->row_count; k++) {
        const struct option_row *row = &entry->rows[k];

        if (!entries_has_option(entry, row))
            continue;
        text_printf(out, "complete -c moldau -n '__moldau_is \"%s\"' -l %s%s -d ", entry->words,
                    row->name, row->kind == OPTION_FLAG ? "" : " -r");
        print_quoted(out, row->about);
        text_printf(out, "\n");
    }
}

void refdoc_fish(struct text *out)
{
    struct entry entries[ENTRIES_MAX];
    int count = entries_fill(entries);

    text_printf(out, "# Completion of moldau for fish, printed by tools/refdoc.\n\n"
                     "# True if the line begins with these words.\n"
                     "function __moldau_is\n"
                     "    set -l line (commandline -opc)\n"
                     "    set -l wanted (string split ' ' -- $argv[1])\n"
                     "    test (count $line) -gt (count $wanted)\n"
                     "    and test \"$line[2..(math 1 + (count $wanted))]\" = \"$wanted\"\n"
                     "end\n\n"
                     "# True if the line consists of moldau and these words.\n"
                     "function __moldau_ends\n"
                     "    test (string join ' ' -- (commandline -opc)[2..-1]) = \"$argv[1]\"\n"
                     "end\n\n");
    for (int i = 0; i < count; i++) {
        size_t size = strcspn(entries[i].words, " ");
        bool is_new = i == 0 || strncmp(entries[i - 1].words, entries[i].words, size + 1) != 0;

        if (is_new) {
            text_printf(out, "complete -c moldau -f -n '__moldau_ends \"\"' -a %.*s", (int)size,
                        entries[i].words);
            if (!entries[i].words[size]) {
                text_printf(out, " -d ");
                print_quoted(out, entries[i].about);
            }
            text_printf(out, "\n");
        }
        if (entries[i].words[size]) {
            text_printf(out, "complete -c moldau -f -n '__moldau_ends \"%.*s\"' -a %s -d ",
                        (int)size, entries[i].words, entries[i].words + size + 1);
            print_quoted(out, entries[i].about);
            text_printf(out, "\n");
        }
        print_fish_options(out, &entries[i]);
    }
}
