/* SPDX-License-Identifier: Apache-2.0 */
#include "os/module.h"
#include "test/harness/check.h"

TEST(module, the_folder_is_below_that_of_the_program)
{
    char folder[MODULE_FOLDER_MAX];

    module_folder(folder);
    check(folder[0] == '/');
    check(strlen(folder) > strlen("/lib/moldau"));
    check_text(folder + strlen(folder) - strlen("/lib/moldau"), "/lib/moldau");
}

TEST(module, one_that_is_missing_is_told_with_its_package)
{
    struct text why = {.data = NULL};
    const void *table = NULL;

    check_eq(module_load("/nowhere", "http", "moldau_http", &table, &why), MODULE_E_MISSING);
    check(!table);
    check_text(why.data, "there is no module /nowhere/http.so; install the package moldau-http");
    text_fini(&why);
}

TEST(module, a_folder_that_is_not_absolute_has_none)
{
    struct text why = {.data = NULL};
    const void *table = NULL;

    check_eq(module_load("", "http", "moldau_http", &table, &why), MODULE_E_MISSING);
    check_eq(module_load("lib", "http", "moldau_http", &table, &why), MODULE_E_MISSING);
    text_fini(&why);
}
