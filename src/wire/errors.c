/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/errors.h"

struct error_facts {
    const char *name;
    const char *meaning;
    enum error_retry retry;
};

/* Indexed by code - ERROR_CODE_MIN; there are no holes. */
static const struct error_facts facts[] = {
#define ERROR(name_, number_, retry_, meaning_)                                                    \
    [(number_)-ERROR_CODE_MIN] = {#name_, meaning_, ERROR_##retry_},
#include "wire/errors.def"
};

static const struct error_facts *find(int16_t code)
{
    if (code < ERROR_CODE_MIN || code > ERROR_CODE_MAX)
        code = ERROR_UNKNOWN_SERVER_ERROR;
    return &facts[code - ERROR_CODE_MIN];
}

const char *error_name(int16_t code)
{
    return find(code)->name;
}

const char *error_meaning(int16_t code)
{
    return find(code)->meaning;
}

enum error_retry error_retry(int16_t code)
{
    return find(code)->retry;
}

bool error_is_retriable(int16_t code)
{
    return error_retry(code) != ERROR_FATAL;
}
