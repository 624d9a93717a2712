# SPDX-License-Identifier: Apache-2.0
"""Classic groups: joining, assignments, heartbeats, leaving, and looking at groups."""

from groups import NEWEST, Member, hears_of_it, ready, stable, subscription
from talk import case, case_for_each, case_in_each_version, case_in_versions

STRANGER = "stranger-1b4e28ba-2fa1-41d2-883f-0016d3cca427"


# --- the life of a group in each version -----------------------------------------------------


@case_in_each_version("join_group")
def groups_of_one_in_each_version(t, version):
    group = ready(t, f"{t.name}-{version}")
    member = Member(t, group, version=version, protocols=("range", "roundrobin"))
    member.enter(f"v{version} join")
    others = {api: min(version, newest) for api, newest in NEWEST.items()}
    member.lead(f"v{version} sync", version=others["sync_group"])
    member.heartbeat(f"v{version} heartbeat", version=others["heartbeat"])
    member.join(f"v{version} join of the leader")
    member.leave(f"v{version} leave", version=others["leave_group"])
    member.heartbeat(f"v{version} heartbeat behind", version=others["heartbeat"])
    member.close()


@case
def groups_of_two(t):
    first, second = (Member(t, ready(t, t.name)) for _ in range(2))
    first.enter("first")
    first.lead("first's sync")
    second.join("second told an id")
    first.heartbeat("before it joins")
    second.begin_join()
    hears_of_it(t, first)
    first.begin_join()
    second.end("second")
    first.end("first again")
    second.begin_sync()
    first.lead("leader's sync")
    second.end("follower's sync")
    second.sync("follower's sync again")
    second.join("follower rejoins unchanged")
    first.heartbeat("still stable")
    second.metadata = b"other"
    second.begin_join()
    hears_of_it(t, first)
    first.sync("sync during the rebalance")
    first.join("first rejoins")
    second.end("second rejoins")
    first.leave("first leaves")
    second.heartbeat("left alone")
    second.join("left alone, joins")
    second.leave("second leaves")
    for member in (first, second):
        member.close()


@case
def groups_of_other_protocol_types(t):
    group = ready(t, t.name)
    worker = Member(t, group, kind="connect", protocols=("compatible", "default"), version=6)
    worker.enter("worker")
    worker.lead("worker's sync")
    Member(t, group, kind="consumer", protocols=("compatible",)).join("consumer")
    t.ask("described", "describe_groups", 5, {"groups": [group]})
    worker.leave()
    other = Member(t, group, kind="consumer")
    other.enter("once it is empty")
    t.ask("described then", "describe_groups", 5, {"groups": [group]})


# --- joining --------------------------------------------------------------------------------


@case
def groups_that_cannot_be_joined(t):
    group = ready(t, t.name)
    for version in t.apis["join_group"].versions:
        new = Member(t, group, version=version)
        new.join(f"v{version} empty group", group_id="")
        new.join(f"v{version} short session", session_timeout_ms=5999)
        new.join(f"v{version} long session", session_timeout_ms=1800001)
        new.join(f"v{version} negative session", session_timeout_ms=-1)
        new.join(f"v{version} no such group", group_id=f"{t.name}-none", member_id=STRANGER)
    members = stable(t, group)
    for version in t.apis["join_group"].versions:
        new = Member(t, group, version=version)
        new.join(f"v{version} no such member", member_id=STRANGER)
        new.join(f"v{version} no protocols", protocols=[])
        new.join(f"v{version} other protocols", protocols=[{"name": "x", "metadata": b""}])
        new.join(f"v{version} another type", protocol_type="connect")
        new.join(f"v{version} no type", protocol_type="")
        if version >= 5:
            new.join(f"v{version} no such instance", member_id=STRANGER, group_instance_id="i")
            new.join(f"v{version} a member as an instance", member_id=members[0].id,
                     group_instance_id="i")
        new.close()
    members[0].join("a member without the common protocol", protocols=[
        {"name": "x", "metadata": b""}])
    members[0].heartbeat("it is still in")


@case_for_each((("none", {"protocols": []}), ("no type", {"protocol_type": ""}),
                          ("neither", {"protocols": [], "protocol_type": ""})))
def groups_that_are_new_cannot_be_joined_without_protocols(t, label, fields):
    ready(t, t.name)
    for version in (3, 4, 9):
        Member(t, f"{t.name}-{label}-{version}", version=version).join(f"{label} v{version}",
                                                                      **fields)


@case
def groups_choose_the_protocol_that_most_want(t):
    group = ready(t, t.name)
    wishes = (("a", "b", "c"), ("b", "a"), ("x", "b", "a"))
    members = [Member(t, group, protocols=wish) for wish in wishes]
    members[0].enter()
    for at in (1, 2):
        members[at].begin_enter()
        for other in members[:at]:
            hears_of_it(t, other)
            other.begin_join()
        for number, one in enumerate(members[:at + 1]):
            answer = one.end()
            t.note(f"round {at} member {number} protocol", answer["protocol_name"])
            t.note(f"round {at} member {number} members", len(answer["members"]))


@case
def groups_with_a_pending_member(t):
    group = ready(t, t.name)
    pending = Member(t, group)
    pending.join("told an id")
    answer = t.quietly("describe_groups", 5, {"groups": [group]})
    for one in answer["groups"]:
        del one["group_state"]  # Of Kafka `Dead`, until its coordinator writes anything at all.
    t.note_answer("described", answer)
    pending.heartbeat("heartbeat", generation_id=-1)
    pending.sync("sync", generation_id=-1)
    pending.commit("commit", ("t", None), generation_id_or_member_epoch=-1)
    pending.leave("leaves")
    pending.join("joins then")


@case
def groups_answer_joins_again_while_assignments_are_made(t):
    group = ready(t, t.name)
    first = Member(t, group)
    first.enter("first")
    first.join("the same again")
    first.metadata = b"other"
    first.join("something else")
    first.lead("sync")


# --- static members -------------------------------------------------------------------------


@case_in_versions((5, 8, 9))
def groups_with_a_static_member_that_restarts(t, version):
    group = ready(t, f"{t.name}-{version}")
    old = Member(t, group, instance="i1", version=version)
    old.enter(f"v{version} joins")
    old.lead(f"v{version} sync")
    new = Member(t, group, instance="i1", version=version)
    new.enter(f"v{version} restarted")
    new.sync(f"v{version} restarted, sync")
    new.heartbeat(f"v{version} restarted, heartbeat")
    old.heartbeat(f"v{version} old heartbeat")
    old.sync(f"v{version} old sync")
    old.join(f"v{version} old join")
    old.commit(f"v{version} old commit", ("t", None))
    old.leave(f"v{version} old leaves")
    t.ask(f"v{version} described", "describe_groups", 5, {"groups": [group]})
    new.leave(f"v{version} removed by instance", members=[
        {"member_id": "", "group_instance_id": "i1"}])
    new.heartbeat(f"v{version} removed, heartbeat")


@case
def groups_with_a_static_member_that_restarts_with_other_protocols(t):
    group = ready(t, t.name)
    old = Member(t, group, instance="i1", protocols=("range", "sticky"))
    old.enter("joins")
    old.lead("sync")
    new = Member(t, group, instance="i1", protocols=("sticky", "range"))
    new.enter("restarted")
    again = Member(t, group, instance="i1", protocols=("sticky", "range"))
    again.enter("restarted before it had an assignment")
    again.lead("sync then")


@case
def groups_with_a_static_follower_that_restarts(t):
    group = ready(t, t.name)
    leader = Member(t, group, instance="leader")
    leader.enter()
    leader.lead()
    follower = Member(t, group, instance="follower")
    follower.begin_join()
    hears_of_it(t, leader)
    leader.join("leader")
    follower.end("follower")
    follower.begin_sync()
    leader.lead("leader's sync")
    follower.end("follower's sync")
    again = Member(t, group, instance="follower")
    again.enter("restarted")
    again.sync("restarted, sync")
    leader.heartbeat("leader is not disturbed")
    leader.join("leader joins with the follower's instance", group_instance_id="follower")
    leader.heartbeat("leader beats with the follower's instance", group_instance_id="follower")
    leader.leave("leaves as the follower", members=[
        {"member_id": leader.id, "group_instance_id": "follower"}])
    leader.begin_join()
    hears_of_it(t, again)  # So the leader's call is there before the next one.
    replaced = Member(t, group, instance="leader")
    replaced.begin_join()
    leader.end("fenced while it waits")
    hears_of_it(t, again)
    again.join("follower rejoins")
    replaced.end("leader replaced while it waited")


# --- SyncGroup and Heartbeat ----------------------------------------------------------------


@case_in_each_version("sync_group")
def groups_refuse_sync(t, version):
    group = f"{t.name}-stable"
    member = stable(t, group)[0]
    def ask(label, **fields):
        member.sync(f"v{version} {label}", version=version, **fields)
    ask("empty group", group_id="")
    ask("no such group", group_id=f"{t.name}-none")
    ask("no such member", member_id=STRANGER)
    ask("later generation", generation_id=member.generation + 1)
    ask("earlier generation", generation_id=member.generation - 1)
    ask("no generation", generation_id=-1)
    if version >= 3:
        ask("no such instance", group_instance_id="i")
    if version >= 5:
        ask("no type", protocol_type=None)
        ask("no protocol", protocol_name=None)
        ask("another type", protocol_type="connect")
        ask("another protocol", protocol_name="x")
        ask("no type, no group", protocol_type=None, group_id="")
    ask("good")


@case
def groups_give_assignments_to_members_only(t):
    member = Member(t, ready(t, t.name))
    member.enter("join")
    member.sync("sync", [(STRANGER, b"x"), (member.id, b"first"), (member.id, b"second")])
    other = Member(t, ready(t, f"{t.name}-2"))
    other.enter("other join")
    other.sync("nothing is given", [])
    third = Member(t, ready(t, f"{t.name}-3"))
    third.enter("third join")
    third.sync("only a stranger gets something", [(STRANGER, b"x")])


@case_in_each_version("heartbeat")
def groups_refuse_heartbeats(t, version):
    member = stable(t, f"{t.name}-stable")[0]
    def ask(label, **fields):
        member.heartbeat(f"v{version} {label}", version=version, **fields)
    ask("empty group", group_id="")
    ask("no such group", group_id=f"{t.name}-none")
    ask("no such member", member_id=STRANGER)
    ask("empty member", member_id="")
    ask("later generation", generation_id=member.generation + 1)
    ask("no generation", generation_id=-1)
    if version >= 3:
        ask("no such instance", group_instance_id="i")
    ask("good")


# --- leaving --------------------------------------------------------------------------------


@case_in_each_version("leave_group")
def groups_are_left_in_each_version(t, version):
    group = f"{t.name}-{version}"
    member = stable(t, group)[0]
    member.leave(f"v{version} empty group", version, group_id="")
    member.leave(f"v{version} no such group", version, group_id=f"{t.name}-none")
    if version < 3:
        member.leave(f"v{version} stranger", version, member_id=STRANGER)
        member.leave(f"v{version} nobody", version, member_id="")
    else:
        member.leave(f"v{version} no member", version, members=[])
        member.leave(f"v{version} strangers", version, members=[
            {"member_id": STRANGER}, {"member_id": ""},
            {"member_id": "", "group_instance_id": "i"},
            {"member_id": STRANGER, "group_instance_id": "i"},
            {"member_id": member.id, "group_instance_id": "i"}])
    member.leave(f"v{version} good", version)
    member.leave(f"v{version} once more", version)


@case
def groups_are_left_by_several_at_once(t):
    first, second = stable(t, t.name, 2)
    first.leave("both and a stranger", members=[
        {"member_id": first.id}, {"member_id": STRANGER}, {"member_id": second.id},
        {"member_id": first.id}])
    t.ask("described", "describe_groups", 5, {"groups": [t.name]})


# --- looking at groups ----------------------------------------------------------------------


@case
def groups_described_in_each_version(t):
    group = f"{t.name}-stable"
    member = stable(t, group)[0]
    empty = stable(t, f"{t.name}-empty")[0]
    empty.leave()
    for version in t.apis["describe_groups"].versions:
        for name in (group, empty.group, f"{t.name}-none", ""):
            t.ask(f"v{version} {name}", "describe_groups", version, {"groups": [name]})
        t.ask(f"v{version} all", "describe_groups", version, {
            "groups": [f"{t.name}-none", group, group, empty.group]})
        t.ask(f"v{version} none", "describe_groups", version, {"groups": []})
        if version >= 3:
            t.ask(f"v{version} operations", "describe_groups", version, {
                "groups": [group, f"{t.name}-none"], "include_authorized_operations": True})
    member.close()


@case
def groups_described_in_each_state(t):
    group = t.name

    def describe(label):
        answer = t.quietly("describe_groups", 5, {"groups": [group]})
        answer["groups"][0]["members"].sort(key=lambda one: one["member_assignment"])
        t.note_answer(label, answer)
    first = Member(t, ready(t, group), metadata=subscription("orders"))
    first.enter()
    describe("completing")
    first.lead()
    describe("stable")
    second = Member(t, group, metadata=subscription("orders"))
    second.begin_enter()
    hears_of_it(t, first)
    describe("preparing")
    first.join("first")
    second.end("second")
    second.leave()
    first.leave()
    describe("empty")


def list_groups(t, label, version, **filters):
    """Only this case's groups: there are those of other cases."""
    answer = t.quietly("list_groups", version, filters)
    if not isinstance(answer, str):
        answer["groups"] = sorted((one for one in answer["groups"]
                                   if one["group_id"].startswith(t.name)),
                                  key=lambda one: one["group_id"])
    t.note_answer(label, answer)


@case
def groups_listed(t):
    stable(t, f"{t.name}-stable")
    stable(t, f"{t.name}-empty")[0].leave()
    completing = Member(t, ready(t, f"{t.name}-completing"), kind="connect")
    completing.enter()
    for version in t.apis["list_groups"].versions:
        list_groups(t, f"v{version}", version)
        if version >= 4:
            for states in (["Stable"], ["stable", "EMPTY"], ["nonsense"], ["Dead"],
                           ["CompletingRebalance"], [" Stable "], [""]):
                list_groups(t, f"v{version} {states}", version, states_filter=states)
    for types in (["classic"], ["Classic", "consumer"], ["consumer"], ["nonsense"], ["share"],
                  [" classic"], [""]):
        list_groups(t, f"types {types}", 5, types_filter=types)
    list_groups(t, "both", 5, types_filter=["classic"], states_filter=["stable"])
    list_groups(t, "neither", 5, types_filter=["consumer"], states_filter=["stable"])


@case_in_each_version("delete_groups")
def groups_deleted_in_each_version(t, version):
    group = f"{t.name}-{version}"
    member = stable(t, group)[0]

    def ask(label, *names):
        t.ask(f"v{version} {label}", "delete_groups", version, {"groups_names": list(names)})
    ask("of members", group)
    ask("not there", f"{t.name}-none")
    ask("empty name", "")
    ask("nothing")
    member.leave()
    ask("empty, twice, and one that is not there", group, f"{t.name}-none", group)
    ask("again", group)
    t.ask(f"v{version} described", "describe_groups", 6, {"groups": [group]})
    member.heartbeat(f"v{version} heartbeat")
    Member(t, group).join(f"v{version} made anew")


# --- time -----------------------------------------------------------------------------------


@case
def groups_forget_members_that_are_silent(t):
    silent = stable(t, t.name, session_ms=6000)[0]
    pending = Member(t, t.name, session_ms=6000)
    pending.join("told an id")
    silent.heartbeat("at first")
    t.until(lambda: t.quietly("describe_groups", 5, {"groups": [t.name]})["groups"][0][
        "group_state"] == "Empty")
    silent.heartbeat("then")
    silent.sync("sync")
    silent.join("join")
    pending.join("join of the pending one")
    t.ask("described", "describe_groups", 5, {"groups": [t.name]})


@case
def groups_go_on_without_who_does_not_rejoin(t):
    slow = stable(t, t.name, rebalance_ms=1500)[0]
    other = Member(t, t.name, rebalance_ms=1500)
    other.begin_enter()
    other.end("alone")
    slow.heartbeat("too late")
    slow.join("too late, joins")
    other.heartbeat("is not disturbed")


@case
def groups_go_on_without_who_does_not_sync(t):
    first = Member(t, ready(t, t.name), rebalance_ms=2000)
    first.enter("first")
    t.until(lambda: first.line.quietly("heartbeat", 4, {
        "group_id": t.name, "generation_id": first.generation,
        "member_id": first.id})["error_code"] != 0)
    first.heartbeat("too late")
    t.ask("described", "describe_groups", 5, {"groups": [t.name]})


@case
def groups_with_static_members_that_do_not_rejoin(t):
    away = Member(t, ready(t, t.name), instance="away", rebalance_ms=1500)
    away.enter()
    away.lead()
    other = Member(t, t.name, rebalance_ms=1500)
    other.begin_enter()
    answer = other.end("other")
    t.note("members", len(answer["members"]))
    other.lead("other's sync") if answer["members"] else other.sync("other's sync")
    away.heartbeat("old generation")
    away.join("comes back")
    t.ask("described", "describe_groups", 5, {"groups": [t.name]})


@case
def groups_whose_assignments_are_too_large(t):
    member = Member(t, ready(t, t.name))
    member.enter("join")
    member.sync("sync", [(member.id, b"x" * 1_200_000)])
    t.ask("described", "describe_groups", 5, {"groups": [t.name]})
    member.heartbeat("heartbeat")
    member.join("join again")
