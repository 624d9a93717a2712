/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* broker/forward.h - what only the controller can do is passed on to it, where it is in another
 * process (KIP-590).
 *
 * The request goes as it came, in an Envelope with who asked, and the answer comes back as it is.
 * The client gets it when the image of this broker has what it led to, so that it finds here what
 * it has made.
 *
 * Threading: the session's shard.
 * Errors:    when the controller cannot be reached, the connection is closed: nobody knows what
 *            became of the request.
 */

#include "broker/request.h"

/* Whether the request is to be passed on, instead of being handled here. */
bool forward_is_needed(const struct request *request);

/* Passes it on; its answer follows. */
void forward_start(struct request *request);
