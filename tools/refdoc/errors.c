/* SPDX-License-Identifier: Apache-2.0 */

/* tools/refdoc/errors.c - errors.md: the error codes and what to do about them. */

#include "wire/errors.h"

#include "tools/refdoc/refdoc.h"

static const char *retry_text(enum error_retry retry)
{
    switch (retry) {
    case ERROR_FATAL: break;
    case ERROR_RETRIABLE: return "later";
    case ERROR_REFRESH: return "after asking for metadata or the coordinator again";
    }
    return "no";
}

void refdoc_errors(struct text *out)
{
    refdoc_title(out, "Error codes", "src/wire/errors.def");
    text_printf(out, "| code | name | same request again? | meaning |\n|--:|---|---|---|\n");
    for (int code = ERROR_CODE_MIN; code <= ERROR_CODE_MAX; code++)
        text_printf(out, "| %d | %s | %s | %s |\n", code, error_name((int16_t)code),
                    code == ERROR_NONE ? "" : retry_text(error_retry((int16_t)code)),
                    error_meaning((int16_t)code));
}
