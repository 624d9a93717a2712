/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire/errors.h - the error codes of the protocol, which are data: a field of a
 * response.  Our own functions return the codes of base/err.h instead; only broker/,
 * coord/ and control/ turn one into the other.
 *
 * Threading: constants.
 * Errors:    none.
 */

#include "base/base.h"

enum error_code {
#define ERROR(name, number, retry, meaning) ERROR_##name = (number),
#include "wire/errors.def"
    ERROR_CODE_MIN = ERROR_UNKNOWN_SERVER_ERROR,
    ERROR_CODE_MAX = ERROR_CONTROLLER_ID_NOT_REGISTERED,
};

/* What a client should do about an error. */
enum error_retry {
    ERROR_FATAL,     /* The same request would fail again. */
    ERROR_RETRIABLE, /* It may succeed later. */
    ERROR_REFRESH,   /* It may, after asking for metadata or the coordinator again. */
};

/* `UNKNOWN_TOPIC_OR_PARTITION`.  A code that we do not know has the name of -1, which
 * is what clients take it for. */
const char *error_name(int16_t code);

/* One sentence for people. */
const char *error_meaning(int16_t code);

/* What a client should do; nothing for codes that we do not know. */
enum error_retry error_retry(int16_t code);

/* True for ERROR_RETRIABLE and ERROR_REFRESH. */
bool error_is_retriable(int16_t code);
