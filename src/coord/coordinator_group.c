/* SPDX-License-Identifier: Apache-2.0 */

/* coord/coordinator_group.c - the events of members: join, sync, heartbeat, leave, time. */

#include "coord/coordinator_internal.h"
#include "coord/group_internal.h"

void coordinator_begin_step(const struct coordinator *c, struct group_step *step)
{
    group_step_init(step, &c->all->config.group, c->all->loop->now_us / 1000,
                    io_wall_ms(c->all->loop->io));
}

static void set_timer(struct coord_group *cg)
{
    struct loop *loop = cg->coordinator->all->loop;

    if (cg->group.wake_ms == cg->timer_ms)
        return;
    cg->timer_ms = cg->group.wake_ms;
    if (cg->timer_ms == MEMBER_NEVER)
        loop_timer_cancel(loop, &cg->timer);
    else
        loop_timer_set(loop, &cg->timer, cg->timer_ms * 1000);
}

/* A group that cannot be written hears of it at once, and may want to be written anew. */
void coordinator_end_step(struct coord_group *cg, struct group_step *step)
{
    while (step->store) {
        uint64_t store = step->store;
        int r = coordinator_write_group(cg, store);

        step->store = 0;
        if (r)
            group_stored(&cg->group, store, r, step);
    }
    set_timer(cg);
}

void coordinator_group_woken(struct loop_timer *timer)
{
    struct coord_group *cg = container_of(timer, struct coord_group, timer);
    struct group_step step;

    cg->timer_ms = MEMBER_NEVER;
    if (cg->coordinator->has_failed)
        return; /* It is about to go. */
    coordinator_begin_step(cg->coordinator, &step);
    group_tick(&cg->group, &step);
    coordinator_end_step(cg, &step);
    coordinator_answer(&step);
}

/* --- joining ---------------------------------------------------------------- */

void coordinator_join(struct coordinator *c, struct slice group_id, struct group_join *join)
{
    struct coord_group *cg = coordinator_find_group(c, group_id);
    bool is_new = !cg;
    struct group_step step;

    coordinator_begin_step(c, &step);
    if (!cg && join->member_id.size > 0) {
        group_refuse_join(NULL, join, COORD_E_UNKNOWN_MEMBER, join->member_id, &step);
    } else if (cg && cg->is_foreign) {
        group_refuse_join(NULL, join, COORD_E_PROTOCOL, join->member_id, &step);
    } else {
        cg = coordinator_get_group(c, group_id);
        group_join(&cg->group, join, &step);
        coordinator_end_step(cg, &step);
        if (is_new) /* One that was refused leaves nothing behind. */
            coordinator_remove_if_void(cg);
    }
    coordinator_answer(&step);
}

void coordinator_sync(struct coordinator *c, struct slice group_id, struct group_sync *sync)
{
    struct coord_group *cg = coordinator_find_group(c, group_id);
    struct group_step step;

    coordinator_begin_step(c, &step);
    if (cg) {
        group_sync(&cg->group, sync, &step);
        coordinator_end_step(cg, &step);
    } else {
        group_refuse_sync(NULL, sync, COORD_E_UNKNOWN_MEMBER, &step);
    }
    coordinator_answer(&step);
}

/* --- staying and leaving ---------------------------------------------------- */

int coordinator_heartbeat(struct coordinator *c, struct slice group_id, const struct group_who *who)
{
    struct coord_group *cg = coordinator_find_group(c, group_id);
    struct group_step step;
    int r;

    if (!cg)
        return COORD_E_UNKNOWN_MEMBER;
    coordinator_begin_step(c, &step);
    r = group_heartbeat(&cg->group, who, &step);
    coordinator_end_step(cg, &step);
    return r;
}

int coordinator_leave(struct coordinator *c, struct slice group_id, struct group_leaver *leavers,
                      size_t count)
{
    struct coord_group *cg = coordinator_find_group(c, group_id);
    struct group_step step;

    if (!cg)
        return COORD_E_UNKNOWN_GROUP;
    coordinator_begin_step(c, &step);
    group_leave(&cg->group, leavers, count, &step);
    coordinator_end_step(cg, &step);
    coordinator_answer(&step);
    return 0;
}
