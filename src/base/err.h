/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* base/err.h - the law of return codes.
 *
 *     0     it worked
 *     < 0   the world failed (disk, memory, peer): a negated errno.  Never inspected,
 *           only passed up with err_pass() until somebody owns the decision.
 *     > 0   a named outcome of the callee (LOG_E_TOO_LARGE, ...).  Must be handled
 *           by the immediate caller; err_fold() says "this cannot happen here".
 *
 * The macros mark the places an error passes through.  In builds with slow asserts
 * err_trace() hears of each, so that a debugger or a test can follow its path; in
 * release builds they cost nothing.
 */

#include "base/base.h"

#include <errno.h>

/* Called for each place a negative code passes through, in builds with slow asserts.
 * Does nothing itself: it is where a breakpoint goes.  Any thread. */
int err_trace(int r, const char *func, const char *file, int line);

/* Turns an outcome that cannot happen here into -ENOTRECOVERABLE; passes the rest. */
static inline int err_fold(int r)
{
    return r > 0 ? -ENOTRECOVERABLE : r;
}

#ifdef MOLDAU_SLOW_ASSERTS
#    define err_raise(r) err_trace((r), __func__, __FILE__, __LINE__)
#    define err_pass(r) err_trace((r), __func__, __FILE__, __LINE__)
#else
#    define err_raise(r) (r)
#    define err_pass(r) (r)
#endif
