# SPDX-License-Identifier: Apache-2.0
"""Fetch and ListOffsets."""

import uuid

import wire
from talk import case, case_for_each, case_in_each_version, case_in_versions

STEP_MS = 1000


def filled(t, partitions=1, **configs):
    """A topic with three batches of two records a second apart in partition 0."""
    name, topic_id = t.topic(partitions=partitions, **configs)
    for n in range(3):
        records = [wire.record(0, value=b"a%d" % n),
                   wire.record(1, value=b"b%d" % n, timestamp_delta=STEP_MS // 2)]
        start = t.now_ms + n * STEP_MS
        t.produce(f"batch {n}", name, wire.batch(
            records, base_timestamp=start, max_timestamp=start + STEP_MS // 2))
    return name, topic_id


@case_in_each_version("fetch")
def fetch_in_each_version(t, version):
    name, topic_id = filled(t)
    topic = topic_id if version >= 13 else name
    t.fetch(f"v{version}", topic, version)
    t.fetch(f"v{version} from 3", topic, version, offset=3)
    t.fetch(f"v{version} at the end", topic, version, offset=6)
    t.fetch(f"v{version} committed", topic, version, isolation_level=1)


@case
def fetch_of_what_there_is_not(t):
    name, topic_id = filled(t)
    for version in (4, 7, 11, 12):
        t.fetch(f"v{version} unknown topic", "no-such", version)
        t.fetch(f"v{version} unknown partition", name, version, partition=4)
        t.fetch(f"v{version} negative partition", name, version, partition=-4)
        t.fetch(f"v{version} bad name", "a/b", version)
    for version in (13, 16, 18):
        t.fetch(f"v{version} unknown id", uuid.UUID(int=9), version)
        t.fetch(f"v{version} zero id", wire.NO_ID, version)
        t.fetch(f"v{version} unknown partition", topic_id, version, partition=4)


@case_for_each((-1, -2, 7, 100, 2**63 - 1, -2**63))
def fetch_out_of_range(t, offset):
    name, topic_id = filled(t)
    for version in (4, 11, 12):
        t.fetch(f"v{version} {offset}", name, version, offset=offset)
    t.fetch(f"v13 {offset}", topic_id, 13, offset=offset)


@case
def fetch_with_limits(t):
    """At least one batch comes, however small the limits are."""
    name, _ = filled(t)
    for size in (0, 1, 61, 80, 100, 160, 200, 1000, -1, 2**31 - 1):
        t.fetch(f"partition limit {size}", name, partition_max_bytes=size)
        t.fetch(f"whole limit {size}", name, max_bytes=size)
        t.fetch(f"both limits {size}", name, max_bytes=size, partition_max_bytes=size)
    t.fetch("min bytes of all", name, min_bytes=10**6, max_wait_ms=50)
    t.fetch("no wait", name, min_bytes=10**6, max_wait_ms=0)
    t.fetch("negative wait", name, min_bytes=1, max_wait_ms=-1)
    t.fetch("min bytes negative", name, min_bytes=-1)
    t.fetch("at the end, min bytes 0", name, offset=6, min_bytes=0, max_wait_ms=5000)


@case
def fetch_of_several_partitions(t):
    name, _ = filled(t, partitions=3)
    for limit in (0, 100, 250, 1 << 20):
        parts = [{"partition": p, "fetch_offset": 0, "partition_max_bytes": 1 << 20}
                 for p in (2, 0, 1)]
        t.ask(f"limit {limit}", "fetch", 11, {
            "max_wait_ms": 100, "min_bytes": 1, "max_bytes": limit,
            "topics": [{"topic": name, "partitions": parts},
                       {"topic": "no-such", "partitions": [{"partition": 0}]}]})
    t.ask("nothing", "fetch", 11, {"max_wait_ms": 10, "min_bytes": 0, "topics": []})
    t.ask("no partitions", "fetch", 11, {"max_wait_ms": 10, "min_bytes": 0,
                                         "topics": [{"topic": name, "partitions": []}]})
    t.ask("one twice", "fetch", 11, {
        "max_wait_ms": 10, "min_bytes": 0, "max_bytes": 1 << 20, "topics": [{
            "topic": name, "partitions": [
                {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20},
                {"partition": 0, "fetch_offset": 4, "partition_max_bytes": 1 << 20}]}]})


@case
def fetch_with_leader_epochs(t):
    name, topic_id = filled(t)
    for version in (9, 11, 12):
        for epoch in (-2, -1, 0, 1, 100):
            t.fetch(f"v{version} epoch {epoch}", name, version, current_leader_epoch=epoch)
    for epoch in (-2, -1, 0, 1, 100):
        t.fetch(f"v16 epoch {epoch}", topic_id, 16, current_leader_epoch=epoch)
    for epoch in (-1, 0, 1):
        t.fetch(f"last epoch {epoch}", name, 12, last_fetched_epoch=epoch, offset=3)
        t.fetch(f"last epoch {epoch} far", name, 12, last_fetched_epoch=epoch, offset=100)


@case
def fetch_as_another_replica(t):
    """Nobody of that number is a replica."""
    name, topic_id = filled(t)
    for replica in (-2, -3, 0, 1, 7):
        t.fetch(f"v11 replica {replica}", name, 11, replica_id=replica)
    for replica in (-2, 7):
        t.fetch(f"v16 replica {replica}", topic_id, 16,
                replica_state={"replica_id": replica, "replica_epoch": -1})


def session_fetch(t, label, topic, session, epoch, parts=(), version=11, forget=()):
    key = "topic" if isinstance(topic, str) else "topic_id"
    topics = [{key: topic, "partitions": [
        {"partition": p, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
        for p, offset in parts]}] if parts else []
    forgotten = [{key: topic, "partitions": list(forget)}] if forget else []
    return t.ask(label, "fetch", version, {
        "max_wait_ms": 50, "min_bytes": 1, "max_bytes": 1 << 20, "session_id": session,
        "session_epoch": epoch, "topics": topics, "forgotten_topics_data": forgotten})


def _sessions(t, topic, name, version):
    def ask(label, session, epoch, parts=(), **more):
        return session_fetch(t, f"v{version} {label}", topic, session, epoch, parts,
                             version=version, **more)

    answer = ask("begin", 0, 0, [(0, 0), (1, 0), (2, 0)])
    sid = answer["session_id"]
    ask("continue", sid, 1)
    ask("move on", sid, 2, [(0, 6)])
    t.produce(f"v{version} more", name, t.batch(1), partition=1)
    ask("what is new", sid, 3)
    ask("moved on", sid, 4, [(1, 1)])
    ask("forget", sid, 5, forget=[1, 2])
    t.produce(f"v{version} for the forgotten", name, t.batch(1), partition=2)
    ask("nothing of the forgotten", sid, 6)
    ask("forget what is not there", sid, 7, forget=[17])
    ask("add again", sid, 8, [(2, 0)])
    ask("out of range in the session", sid, 9, [(2, 99)])
    ask("again after an error", sid, 10, [(2, 1)])
    ask("an unknown partition", sid, 11, [(33, 0)])
    ask("an old epoch", sid, 5)
    ask("a far epoch", sid, 500)
    ask("end", sid, -1, [(0, 0)])
    ask("after the end", sid, 12)
    ask("unknown session", 123456789, 5)
    ask("unknown session, epoch 0", 123456789, 0, [(0, 0)])
    ask("unknown session, final", 123456789, -1, [(0, 0)])
    ask("no session, later epoch", 0, 5, [(0, 0)])
    ask("negative epoch", 0, -2, [(0, 0)])


@case
def fetch_sessions_by_name(t):
    name, _ = filled(t, partitions=3)
    _sessions(t, name, name, 11)


@case
def fetch_sessions_by_id(t):
    name, topic_id = filled(t, partitions=3)
    _sessions(t, topic_id, name, 13)


@case
def fetch_sessions_by_name_when_flexible(t):
    name, _ = filled(t, partitions=3)
    _sessions(t, name, name, 12)


@case
def fetch_session_with_an_unknown_topic(t):
    name, topic_id = filled(t)
    first = session_fetch(t, "by name", "not-made-yet", 0, 0, [(0, 0)])
    session_fetch(t, "again", "not-made-yet", first["session_id"], 1)
    other = session_fetch(t, "by id", uuid.UUID(int=31), 0, 0, [(0, 0)], version=13)
    if isinstance(other, dict):
        session_fetch(t, "by id again", uuid.UUID(int=31), other["session_id"], 1, version=13)
    mixed = session_fetch(t, "ids, then names", topic_id, 0, 0, [(0, 0)], version=13)
    session_fetch(t, "names now", name, mixed["session_id"], 1, [(0, 0)], version=12)
    empty = session_fetch(t, "nothing at all", name, 0, 0)
    session_fetch(t, "nothing, again", name, empty["session_id"], 1)


@case
def fetch_waits_for_records(t):
    """A fetch at the end comes back as soon as there is something."""
    name, _ = filled(t)
    t.send(t.frame("fetch", 11, t.fetch_body(name, offset=6, max_wait_ms=10000)))
    waiting, t.connection = t.connection, None
    t.produce("woken by", name, t.batch(1))
    t.close()
    t.connection = waiting
    t.note_answer("woken", t.parse("fetch", 11, t.receive()))


def list_offsets(t, label, topic, timestamp, version=5, partition=0, **fields):
    part = {"partition_index": partition, "timestamp": timestamp}
    if "current_leader_epoch" in fields:
        part["current_leader_epoch"] = fields.pop("current_leader_epoch")
    return t.ask(label, "list_offsets", version, {
        "replica_id": -1, "topics": [{"name": topic, "partitions": [part]}], **fields})


def _relative(t, answer, label):
    """The timestamp that was found, from the start of the test."""
    if isinstance(answer, dict):
        found = answer["topics"][0]["partitions"][0]
        t.note(f"{label} relative", found["timestamp"] - t.now_ms
               if found["timestamp"] > 0 else found["timestamp"])


@case_in_each_version("list_offsets")
def list_offsets_of_special_times(t, version):
    name, _ = filled(t)
    empty, _ = t.topic()
    for special in (-1, -2, -3, -4, -5, -6, -7, -100):
        list_offsets(t, f"v{version} {special}", name, special, version)
        list_offsets(t, f"v{version} {special} empty", empty, special, version)


@case_in_versions((1, 2, 5, 7, 11))
def list_offsets_of_times(t, version):
    name, _ = filled(t)
    for delta in (-10000, -1, 0, 1, 499, 500, 501, 999, 1000, 2499, 2500, 2501, 10**9):
        list_offsets(t, f"v{version} {delta}", name, t.now_ms + delta, version)
    list_offsets(t, f"v{version} zero", name, 0, version)
    list_offsets(t, f"v{version} far", name, 2**63 - 1, version)


@case
def list_offsets_of_times_out_of_order(t):
    """The first record that is not older, whatever the order of the timestamps."""
    name, _ = t.topic()
    for delta in (5000, 1000, 9000, 9000, 3000):
        t.produce(f"at {delta}", name, t.batch(1, base_timestamp=t.now_ms + delta))
    for delta in (0, 1000, 3000, 5000, 5001, 9000, 9001):
        list_offsets(t, f"{delta}", name, t.now_ms + delta)
    list_offsets(t, "max", name, -3, 7)


@case_in_versions((1, 4, 5, 6, 11))
def list_offsets_of_what_there_is_not(t, version):
    name, _ = filled(t)
    list_offsets(t, f"v{version} unknown topic", "no-such", -1, version)
    list_offsets(t, f"v{version} unknown partition", name, -1, version, partition=9)
    list_offsets(t, f"v{version} negative partition", name, -1, version, partition=-9)
    list_offsets(t, f"v{version} bad name", "a/b", -1, version)
    if version >= 4:
        for epoch in (-2, 0, 1, 50):
            list_offsets(t, f"v{version} epoch {epoch}", name, -1, version,
                         current_leader_epoch=epoch)
            list_offsets(t, f"v{version} epoch {epoch} of a time", name, t.now_ms, version,
                         current_leader_epoch=epoch)
    for isolation in (0, 1) if version >= 2 else ():
        list_offsets(t, f"v{version} isolation {isolation}", name, -1, version,
                     isolation_level=isolation)
    for replica in (-2, 0, 1, 7):
        list_offsets(t, f"v{version} replica {replica}", name, -1, version,
                     replica_id=replica)


@case_in_versions((1, 5, 8))
def list_offsets_of_a_partition_twice(t, version):
    name, _ = filled(t)
    t.ask(f"v{version}", "list_offsets", version, {"replica_id": -1, "topics": [
        {"name": name, "partitions": [{"partition_index": 0, "timestamp": -1},
                                      {"partition_index": 0, "timestamp": -2}]}]})
    t.ask(f"v{version} nothing", "list_offsets", version, {"replica_id": -1, "topics": []})
    t.ask(f"v{version} no partitions", "list_offsets", version,
          {"replica_id": -1, "topics": [{"name": name, "partitions": []}]})
