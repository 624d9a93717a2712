# SPDX-License-Identifier: Apache-2.0
"""Committed offsets: keeping, reading and deleting them."""

import uuid

import wire
from groups import Member, hears_of_it, ready, stable, subscription, topic_of
from talk import case

STRANGER = "stranger-1b4e28ba-2fa1-41d2-883f-0016d3cca427"


def commit(t, label, group, topic, version=9, partitions=None, **fields):
    partitions = partitions or [{"partition_index": 0, "committed_offset": 7}]
    return t.ask(label, "offset_commit", version, {
        "group_id": group, "topics": [topic_of(topic, version, partitions)], **fields})


def fetch_body(group, topics, version):
    """`topics` are (topic, partitions), or None for all."""
    def parts(of):
        if topics is None:
            return None
        return [{**topic_of(topic, version if of else 0, None), "partition_indexes": indexes}
                for topic, indexes in topics]

    def clean(asked):
        for one in asked or ():
            del one["partitions"]
        return asked
    if version >= 8:
        return {"groups": [{"group_id": group, "topics": clean(parts(True))}]}
    return {"group_id": group, "topics": clean(parts(False))}


def fetch(t, label, group, topics, version=9, **fields):
    answer = t.quietly("offset_fetch", version, {**fetch_body(group, topics, version), **fields})
    if not isinstance(answer, str):  # In no order where all was asked for.
        for one in [answer, *answer.get("groups", [])]:
            for topic in one.get("topics") or ():
                topic["partitions"].sort(key=lambda p: p["partition_index"])
            if one.get("topics"):
                one["topics"].sort(key=lambda found: found.get("name") or "")
    t.note_answer(label, answer)


@case
def offsets_in_each_version(t):
    topic = t.topic(partitions=2)
    other = t.topic()
    for version in t.apis["offset_commit"].versions:
        group = ready(t, f"{t.name}-{version}")
        parts = [{"partition_index": 1, "committed_offset": 40 + version,
                  "committed_metadata": "a note"},
                 {"partition_index": 0, "committed_offset": version, "committed_metadata": None}]
        if version >= 6:
            parts[0]["committed_leader_epoch"] = 0
        commit(t, f"v{version}", group, topic, version, parts)
        fetch(t, f"v{version} read", group, [(topic, [0, 1]), (other, [0])])
    group = f"{t.name}-9"
    for version in t.apis["offset_fetch"].versions:
        fetch(t, f"v{version} fetch", group, [(topic, [1, 0, 7]), (other, [0])], version)
        fetch(t, f"v{version} nothing", group, [], version)
        if version >= 2:
            fetch(t, f"v{version} all", group, None, version)
        fetch(t, f"v{version} no such group", f"{t.name}-none", [(topic, [0])], version)
        if version >= 2:
            fetch(t, f"v{version} all of no such group", f"{t.name}-none", None, version)
        if version >= 7:
            fetch(t, f"v{version} stable", group, [(topic, [0])], version, require_stable=True)
        fetch(t, f"v{version} empty group", "", [(topic, [0])], version)


@case
def offsets_go_forth_and_back_as_they_are_told(t):
    topic = t.topic()
    group = ready(t, t.name)
    for offset in (5, 3, 0, 2 ** 62, -1, -5):
        commit(t, f"{offset}", group, topic, partitions=[
            {"partition_index": 0, "committed_offset": offset}])
        fetch(t, f"{offset} read", group, [(topic, [0])])
    commit(t, "twice in one", group, topic, partitions=[
        {"partition_index": 0, "committed_offset": 1},
        {"partition_index": 0, "committed_offset": 2}])
    fetch(t, "twice in one read", group, [(topic, [0])])


@case
def offsets_of_several_groups(t):
    topic = t.topic()
    groups = [ready(t, f"{t.name}-{n}") for n in range(3)]
    for at, group in enumerate(groups):
        commit(t, f"commit {at}", group, topic, partitions=[
            {"partition_index": 0, "committed_offset": at}])
    for version in (8, 9):
        t.ask(f"v{version}", "offset_fetch", version, {"groups": [
            {"group_id": group, "topics": [{"name": topic[0], "partition_indexes": [0]}]}
            for group in [*groups, f"{t.name}-none", groups[0]]]})
        t.ask(f"v{version} none", "offset_fetch", version, {"groups": []})


@case
def offsets_that_cannot_be_kept(t):
    topic = t.topic()
    unknown = ("no-such-topic", uuid.UUID(int=77))
    group = ready(t, t.name)
    ok = {"partition_index": 0, "committed_offset": 1}
    for version in t.apis["offset_commit"].versions:
        if version < 2:
            continue
        commit(t, f"v{version} unknown topic", group, unknown, version)
        commit(t, f"v{version} no topic", group, ("", wire.NO_ID), version)
        commit(t, f"v{version} unknown partitions", group, topic, version, [
            {"partition_index": 1, "committed_offset": 1}, ok,
            {"partition_index": -1, "committed_offset": 1}])
        commit(t, f"v{version} long note", group, topic, version, [
            {**ok, "committed_metadata": "x" * 4097}])
        commit(t, f"v{version} longest note", group, topic, version, [
            {**ok, "committed_metadata": "\u00e9" * 4096}])
        commit(t, f"v{version} a generation of no group", f"{t.name}-none", topic, version,
               generation_id_or_member_epoch=3, member_id=STRANGER)
        commit(t, f"v{version} generation 0 of no group", f"{t.name}-none", topic, version,
               generation_id_or_member_epoch=0, member_id="")
        commit(t, f"v{version} a generation of an empty group", group, topic, version,
               generation_id_or_member_epoch=3, member_id=STRANGER)
        commit(t, f"v{version} a member of an empty group", group, topic, version,
               generation_id_or_member_epoch=-1, member_id=STRANGER)
        commit(t, f"v{version} empty group id", "", topic, version)
        t.ask(f"v{version} nothing", "offset_commit", version, {"group_id": group, "topics": []})
        t.ask(f"v{version} some of it", "offset_commit", version, {
            "group_id": group, "topics": [topic_of(unknown, version, [ok]),
                                          topic_of(topic, version, [ok])]})
    fetch(t, "what was kept", group, [(topic, [0]), (unknown, [0])])


@case
def offsets_of_members(t):
    topic = t.topic()
    member = stable(t, t.name)[0]
    for version in t.apis["offset_commit"].versions:
        if version < 2:
            continue

        def ask(label, **fields):
            member.commit(f"v{version} {label}", topic, 100 + version, version, **fields)
        ask("good")
        ask("later generation", generation_id_or_member_epoch=member.generation + 1)
        ask("earlier generation", generation_id_or_member_epoch=member.generation - 1)
        ask("stranger", member_id=STRANGER)
        ask("no member", member_id="")
        ask("no generation", generation_id_or_member_epoch=-1)
        ask("neither", generation_id_or_member_epoch=-1, member_id="")
        if version >= 7:
            ask("no such instance", group_instance_id="i")
            ask("an instance alone", group_instance_id="i", generation_id_or_member_epoch=-1,
                member_id="")
        fetch(t, f"v{version} read", t.name, [(topic, [0])])
    second = Member(t, t.name)
    second.begin_enter()
    hears_of_it(t, member)
    member.commit("while the rebalance is prepared", topic, 200)
    member.join("first")
    second.end("second")
    member.commit("before the assignments", topic, 300)
    second.commit("before the assignments, follower", topic, 300)
    second.begin_sync()
    member.lead()
    second.end()
    second.commit("behind them", topic, 400)
    fetch(t, "read", t.name, [(topic, [0])])
    member.leave()
    second.leave()
    commit(t, "once it is empty", t.name, topic)
    fetch(t, "once it is empty read", t.name, [(topic, [0])])


@case
def offsets_by_id(t):
    topic = t.topic()
    group = ready(t, t.name)
    commit(t, "commit", group, topic, 10)
    fetch(t, "read", group, [(topic, [0])], 10)
    fetch(t, "read all", group, None, 10)
    fetch(t, "unknown", group, [(topic, [0]), (("x", uuid.UUID(int=77)), [0, 1])], 10)
    fetch(t, "zero", group, [(("x", wire.NO_ID), [0])], 10)
    t.quietly("delete_topics", 6, {"topics": [{"topic_id": topic[1]}], "timeout_ms": 10000})
    t.until(lambda: t.end_offset(topic[0]) is None)
    fetch(t, "gone", group, [(topic, [0])], 10)


@case
def offsets_go_with_their_topic(t):
    topic, stays = t.topic(), t.topic()
    group = ready(t, t.name)
    commit(t, "commit", group, topic)
    commit(t, "commit what stays", group, stays)
    t.quietly("delete_topics", 6, {"topics": [{"name": topic[0]}], "timeout_ms": 10000})

    def gone():
        answer = t.quietly("offset_fetch", 5, {"group_id": group, "topics": [
            {"name": topic[0], "partition_indexes": [0]}]})
        return answer["topics"][0]["partitions"][0]["committed_offset"] == -1
    t.until(gone)
    fetch(t, "read", group, [(topic, [0]), (stays, [0])])
    fetch(t, "read all", group, None)


@case
def offsets_deleted(t):
    topic, other = t.topic(partitions=2), t.topic()
    group = ready(t, t.name)

    def delete(label, group_id, *topics):
        t.ask(label, "offset_delete", 0, {"group_id": group_id, "topics": [
            {"name": name, "partitions": [{"partition_index": at} for at in parts]}
            for name, parts in topics]})
    delete("no such group", f"{t.name}-none", (topic[0], [0]))
    delete("no such group and topic", f"{t.name}-none", ("no-such-topic", [0]))
    delete("empty group", "", (topic[0], [0]))
    delete("empty group and no such topic", "", ("no-such-topic", [0]))
    delete("nothing", group)
    delete("nothing of no such group", f"{t.name}-none")
    commit(t, "commit", group, topic, partitions=[
        {"partition_index": at, "committed_offset": 9} for at in (0, 1)])
    delete("unknown partitions", group, (topic[0], [7, -1]), ("no-such-topic", [0]))
    delete("one", group, (topic[0], [0]))
    fetch(t, "one left", group, [(topic, [0, 1])])
    delete("some", group, (topic[0], [0, 1, 2]), (other[0], [0]))
    fetch(t, "none left", group, [(topic, [0, 1])])
    t.ask("described", "describe_groups", 6, {"groups": [group]})


@case
def offsets_of_groups_with_members_deleted(t):
    topic, other = t.topic(), t.topic()

    def delete(label, group_id, *topics):
        t.ask(label, "offset_delete", 0, {"group_id": group_id, "topics": [
            {"name": name, "partitions": [{"partition_index": 0}]} for name in topics]})
    ready(t, t.name)
    commit(t, "commit", t.name, other)
    commit(t, "commit of what will be read", t.name, topic)
    reader = stable(t, t.name, metadata=subscription(topic[0]))[0]
    delete("while one is read", t.name, topic[0], other[0])
    fetch(t, "read", t.name, [(topic, [0]), (other, [0])])
    reader.begin_join()
    reader.end()
    delete("between generations", t.name, topic[0])
    reader.leave()
    delete("once it has left", t.name, topic[0])
    fetch(t, "read then", t.name, [(topic, [0])])
    opaque = stable(t, f"{t.name}-opaque", metadata=b"\xff")[0]
    delete("of who knows what", opaque.group, topic[0])
    worker = stable(t, f"{t.name}-worker", kind="connect")[0]
    delete("of a worker", worker.group, topic[0])
    worker.leave()
    delete("of a worker that has left", worker.group, topic[0])


@case
def offsets_go_with_their_group(t):
    topic = t.topic()
    group = ready(t, t.name)
    commit(t, "commit", group, topic)
    t.ask("delete", "delete_groups", 2, {"groups_names": [group]})
    fetch(t, "read", group, [(topic, [0])])
    fetch(t, "read all", group, None)
    commit(t, "commit again", group, topic)
    fetch(t, "read again", group, [(topic, [0])])


@case
def offsets_that_fill_more_than_a_batch(t):
    """300 notes of 4096 bytes are more than a batch of __consumer_offsets may hold."""
    topic = t.topic(partitions=300)
    group = ready(t, t.name)
    t.ask("commit", "offset_commit", 9, {"group_id": group, "topics": [topic_of(topic, 9, [
        {"partition_index": at, "committed_offset": at, "committed_metadata": "n" * 4096}
        for at in range(300)])]})
    fetch(t, "read", group, [(topic, [0, 299])])
