/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* coord/group_internal.h - what the files of the group share.
 *
 *     group.c          the events but one, and the way from one generation to the next
 *     group_join.c     the event JoinGroup
 *     group_members.c  who is in, which protocols they have, who waits
 *
 * Threading: the group's home.
 * Errors:    enum coord_outcome.
 */

#include "coord/group.h"

/* --- group_members.c -------------------------------------------------------- */

/* Tells the group that something is due at `at_ms`. */
void group_wake_at(struct group *group, int64_t at_ms);

/* The member has shown a sign of life. */
void group_touch(struct group *group, struct member *member, const struct group_step *step);

/* Takes in a member whose protocols are set; the first one leads. */
void group_add(struct group *group, struct member *member);

/* Notes an id that somebody was told. */
void group_add_pending(struct group *group, struct member *member);

/* The pending member of this id, or NULL. */
struct member *group_find_pending(const struct group *group, struct slice id);

/* Takes out a member, or a pending one; what waits ends with `outcome`. */
void group_remove(struct group *group, struct member *member, int outcome, struct group_step *step);

/* The member with the instance id, or NULL. */
struct member *group_find_instance(const struct group *group, struct slice instance_id);

/* Gives a member another id; the old one is fenced. */
void group_rename(struct group *group, struct member *member, struct slice id,
                  struct group_step *step);

/* Replaces what the member said when it joined. */
void group_update(struct group *group, struct member *member, const struct group_join *join);

/* Finds who speaks.  COORD_E_UNKNOWN_MEMBER, COORD_E_FENCED_INSTANCE. */
NODISCARD int group_identify(const struct group *group, struct slice id, struct slice instance_id,
                             struct member **out);

/* True if a member with these protocols could be in the group. */
bool group_supports(const struct group *group, const struct group_join *join);

/* The protocol that the members would choose now; they have one in common. */
struct slice group_vote(struct group *group);

/* The longest that a member gives the others to rejoin. */
int32_t group_rebalance_timeout(const struct group *group);

/* The member must ask for its assignment, or need not any more. */
void group_set_must_sync(struct group *group, struct member *member, bool must);

/* From now on the members that must ask for their assignment have a rebalance timeout for it. */
void group_await_syncs(struct group *group, const struct group_step *step);

/* --- calls that wait --- */

/* Makes the member wait for the rebalance; an older call of it ends. */
void group_await_join(struct group *group, struct member *member, struct group_join *join,
                      struct group_step *step);

/* Fills in what the member is told of this generation. */
void group_fill_join(const struct group *group, const struct member *member,
                     struct group_join *join);

/* Answers the call that waits, if one does, with what group_fill_join() says. */
void group_answer_join(struct group *group, struct member *member, struct group_step *step);

/* Ends a call: what it says is filled in, or it is refused. */
void group_answer(struct group *group, struct group_call *call, int outcome,
                  struct group_step *step);
void group_refuse_join(struct group *group, struct group_join *join, int outcome,
                       struct slice member_id, struct group_step *step);
void group_refuse_sync(struct group *group, struct group_sync *sync, int outcome,
                       struct group_step *step);

/* Ends the calls of a member that wait. */
void group_end_waits(struct group *group, struct member *member, int outcome,
                     struct group_step *step);

/* --- group.c ---------------------------------------------------------------- */

/* Begins a rebalance where the state allows it, else ends one if all have joined. */
void group_rebalance(struct group *group, struct group_step *step);

/* Ends the rebalance if all have joined. */
void group_maybe_complete(struct group *group, struct group_step *step);

/* Wants the group written; the number that group_stored() will be told. */
uint64_t group_ask_store(struct group *group, struct group_step *step);
