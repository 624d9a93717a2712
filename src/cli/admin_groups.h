/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* cli/admin_groups.h - groups: which there are, and calls to the broker that coordinates one.
 *
 * A call goes to the coordinator that FindCoordinator names, and to the next one if that is
 * none any more.
 *
 * Threading: one thread.
 * Errors:    false, with a sentence in cli->why that begins with the class of Java's exception,
 *            as Kafka's tools print it.
 */

#include "cli/admin.h"
#include "wire/msg/consumer_group_describe.h"
#include "wire/msg/delete_groups.h"
#include "wire/msg/describe_groups.h"
#include "wire/msg/find_coordinator.h"
#include "wire/msg/list_groups.h"
#include "wire/msg/offset_commit.h"
#include "wire/msg/offset_delete.h"
#include "wire/msg/offset_fetch.h"

struct admin_listing {
    struct list_groups_listed_group *groups; /* Arena: each once. */
    size_t count;
};

/* All groups, in the order of the answers. */
NODISCARD bool admin_groups_list(struct cli *cli, struct admin *admin, struct admin_listing *out);

/* The group's coordinator. */
NODISCARD bool admin_group_find(struct cli *cli, struct admin *admin, struct slice group,
                                const struct find_coordinator_response **out);

/* A group with its members. */
struct admin_group {
    /* Classic, or told as if it were. */
    const struct describe_groups_described_group *told;
    /* The same one, with the members in the same order; NULL: it is classic. */
    const struct consumer_group_describe_described_group *from;
};

/* The group as its coordinator has it.  An error of the group is data. */
NODISCARD bool admin_group_describe(struct cli *cli, struct admin *admin, struct slice group,
                                    struct admin_group *out);

/* All offsets that the group has committed. */
NODISCARD bool admin_group_fetch(struct cli *cli, struct admin *admin, struct slice group,
                                 const struct offset_fetch_response **out);

/* Commits offsets for nobody in particular.  Errors of partitions are data. */
NODISCARD bool admin_group_commit(struct cli *cli, struct admin *admin,
                                  struct offset_commit_request *request,
                                  const struct offset_commit_response **out);

/* Deletes the group; `*out_error` is what the broker says. */
NODISCARD bool admin_group_delete(struct cli *cli, struct admin *admin, struct slice group,
                                  int16_t *out_error);

/* Deletes offsets of the group.  Errors are data. */
NODISCARD bool admin_group_forget(struct cli *cli, struct admin *admin,
                                  struct offset_delete_request *request,
                                  const struct offset_delete_response **out);

/* Puts `words` in front of the sentence in cli->why. */
void admin_prefix(struct cli *cli, const char *words);
