/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* offline/overlay.h - a world in which files can be changed without being changed.
 *
 *      what is written, renamed, made, unlinked      kept in memory
 *      everything else                               read from the world below
 *
 * So that recovery can be run on a folder to see what it would do.  Nothing in the world below
 * is written, made or touched; of locks only those are taken whose file is there.
 *
 * It has files and folders, no sockets; work is done at once.
 *
 * Threading: one thread.
 * Errors:    as os/io.h.
 */

#include "os/io.h"

struct overlay;

/* Over `lower`, which is borrowed. */
struct overlay *overlay_create(struct io *lower);

/* Closes what it has open below and frees.  Always returns NULL. */
struct overlay *overlay_destroy(struct overlay *overlay);

/* The world; borrowed. */
struct io *overlay_io(struct overlay *overlay);
