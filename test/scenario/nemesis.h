/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* test/scenario/nemesis.h - who does harm, at times that the seed decides.
 *
 * Threading: one thread.
 * Errors:    none.
 */

#include "test/scenario/server.h"

struct nemesis;

/* Begins to do harm to the run's broker and to what lies between it and its clients. */
struct nemesis *nemesis_create(struct run *run, struct server *server);

/* Ends it and makes good what can be made good.  NULL is allowed; always returns NULL. */
struct nemesis *nemesis_destroy(struct nemesis *nemesis);
