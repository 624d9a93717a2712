/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* os/module.h - parts of the program that are loaded when they are first asked for.
 *
 *      build/moldau             build/lib/moldau/http.so
 *      PREFIX/bin/moldau        PREFIX/lib/moldau/http.so
 *
 * What needs a library that costs every start is a module: a shared object of ours, which has one
 * table of functions (the header that declares the table says what they do).  It comes from the
 * one folder that belongs to the program, and from nowhere else; nothing is searched for.
 * A module stays until the process ends.
 *
 * Threading: any thread.
 * Errors:    enum module_outcome, with a sentence for the operator.
 */

#include "base/text.h"

enum module_outcome {
    MODULE_E_MISSING = 1, /* There is no such file; its package is to be installed. */
    MODULE_E_BROKEN,      /* It is there and cannot be loaded, or is none of ours. */
};

enum { MODULE_FOLDER_MAX = 4096 };

/* The folder that belongs to the running program; empty if that cannot be told. */
void module_folder(char out[static MODULE_FOLDER_MAX]);

/* Loads `folder`/`name`.so and finds its table, `symbol`; else `why` has a sentence. */
NODISCARD int module_load(const char *folder, const char *name, const char *symbol,
                          const void **out, struct text *why);
