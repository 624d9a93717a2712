/* SPDX-License-Identifier: Apache-2.0 */
#include "os/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* Beside `bin` where the program is installed, else below the folder that it is in. */
void module_folder(char out[static MODULE_FOLDER_MAX])
{
    static const char tail[] = "/lib/moldau";
    ssize_t size = readlink("/proc/self/exe", out, MODULE_FOLDER_MAX - sizeof(tail));
    char *slash;

    out[size > 0 ? size : 0] = '\0';
    slash = strrchr(out, '/');
    if (!slash)
        return;
    *slash = '\0';
    slash = strrchr(out, '/');
    if (slash && strcmp(slash, "/bin") == 0)
        *slash = '\0';
    memcpy(out + strlen(out), tail, sizeof(tail));
}

int module_load(const char *folder, const char *name, const char *symbol, const void **out,
                struct text *why)
{
    char path[MODULE_FOLDER_MAX + 64];
    void *handle;
    void *table;

    (void)snprintf(path, sizeof(path), "%s/%s.so", folder, name);
    if (path[0] != '/' || access(path, F_OK)) {
        text_printf(why, "there is no module %s; install the package moldau-%s", path, name);
        return MODULE_E_MISSING;
    }
    handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!handle) {
        text_printf(why, "the module %s cannot be loaded: %s; install the package moldau-%s anew",
                    path, dlerror(), name);
        return MODULE_E_BROKEN;
    }
    table = dlsym(handle, symbol);
    if (!table) {
        text_printf(why, "%s is not a module of this release; install its package moldau-%s", path,
                    name);
        dlclose(handle);
        return MODULE_E_BROKEN;
    }
    *out = table;
    return 0;
}
