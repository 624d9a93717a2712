/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/groups_list.h - what the two commands that list groups share: kafka-consumer-groups
 * and kafka-groups.
 *
 * Threading: one thread.
 * Errors:    none.
 */

#include "cli/admin_groups.h"

/* The word of the list (NULL ends it) that this is, whatever the case; or NULL. */
const char *groups_word(const char *const *words, struct slice s);

/* "Classic"; "Unknown" for a type that we do not know. */
const char *groups_type_name(struct slice type);

/* Puts the groups into the order of Java's HashMap. */
void groups_listing_sort(struct admin *admin, struct admin_listing *listing);

/* Adds the group to an array that was begun with "[". */
void groups_print_listed(const struct list_groups_listed_group *group, struct text *json);
