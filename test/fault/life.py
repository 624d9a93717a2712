# SPDX-License-Identifier: Apache-2.0
"""Clients of a broker whose power will be cut: what they do, are told, and what must hold.

Everything is noted in one order: what somebody is about to ask ("asks"), and what somebody
was told ("told").  Each note is marked in the disk's memory when it is made, so a cut has a
number of notes before it.  What was told before the cut holds after it; what was asked
before may have happened; what was asked later has not.
"""

import collections
import os
import random
import struct
import threading
import time
import uuid

import peers
import wire

APIS = wire.load(peers.TREE)
TOPICS = {"wide": 12, "narrow": 1, "mixed": 3}
PRODUCERS = 6
BATCH_HEADER = 61
PLACED = 16  # The broker writes base offset and leader epoch in front of here, the rest is ours.
TIMEOUT_S = 30
GROUP = "fault"
ALTERED = ("wide", "retention.bytes")
PRODUCE, FETCH, LIST, METADATA, CREATE, DELETE = 9, 11, 5, 12, 5, 5
RECORDS, COMMIT, OFFSETS, ALTER, DESCRIBE, COORDINATOR = 1, 7, 5, 0, 1, 2
EARLIEST, LATEST = -2, -1


class Line:
    """One connection; a request at a time."""

    def __init__(self, port):
        self.socket = peers.socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(peers.socket.IPPROTO_TCP, peers.socket.TCP_NODELAY, 1)

    def ask(self, name, version, body):
        api = APIS[name]
        self.socket.sendall(api.request_frame(version, body))
        size, = struct.unpack(">i", self._take(4))
        return api.parse_response(version, bytes(self._take(size)))

    def _take(self, size):
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            got = self.socket.recv_into(view)
            if not got:
                raise peers.Failure("the broker closed a connection")
            view = view[got:]
        return buffer

    def close(self):
        self.socket.close()


class Known:
    """All notes in their order.  Any thread may add to it."""

    def __init__(self, mark):
        self.mark = mark
        self.notes = []
        self.lock = threading.Lock()

    def note(self, kind, *facts):
        with self.lock:
            number = len(self.notes)
            self.notes.append((kind, *facts))
            os.pwrite(self.mark.fileno(), b"%d" % number, 0)
            return number

    def describe(self):
        kinds = collections.Counter(kind for kind, *_ in self.notes)
        return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))


def _fail_unless(good, what, answer):
    if not good:
        raise peers.Failure(f"{what}: {answer}")


def one_partition(answer, outer, inner):
    return answer[outer][0][inner][0]


# --- what clients do ----------------------------------------------------------------------


def _make_batch(rng):
    """A batch that is like no other; small ones are many."""
    size = rng.choice((50, 200, 700, 700, 4000, 4000, 40000))
    value = uuid.UUID(int=rng.getrandbits(128)).bytes + rng.randbytes(size)
    return wire.batch([wire.record(0, key=b"k", value=value)])


def _produce(line, known, rng, topics):
    """One request, with a batch for each of some partitions."""
    batches = {place: _make_batch(rng) for place in topics}
    for place, batch in batches.items():
        known.note("asks to write", place, batch[PLACED:])
    by_topic = collections.defaultdict(list)
    for (topic, partition), batch in batches.items():
        by_topic[topic].append({"index": partition, "records": batch})
    answer = line.ask("produce", PRODUCE, {
        "acks": -1, "timeout_ms": TIMEOUT_S * 1000,
        "topic_data": [{"name": topic, "partition_data": parts}
                       for topic, parts in by_topic.items()]})
    for topic in answer["responses"]:
        for part in topic["partition_responses"]:
            _fail_unless(part["error_code"] == 0, "a write", part)
            place = (topic["name"], part["index"])
            known.note("was told of", place, part["base_offset"], batches[place][PLACED:])


def _producer(port, known, seed, is_over):
    rng = random.Random(seed)
    line = Line(port)
    places = [(topic, at) for topic, count in TOPICS.items() for at in range(count)]
    while not is_over():
        _produce(line, known, rng, rng.sample(places, rng.choice((1, 1, 2, 12))))
    line.close()


def batches_in(raw):
    """Base offset, last offset and own bytes of each whole batch."""
    at = 0
    while at + BATCH_HEADER <= len(raw):
        base, length = struct.unpack_from(">qi", raw, at)
        delta, = struct.unpack_from(">i", raw, at + 23)
        end = at + 12 + length
        if end > len(raw):
            return
        yield base, base + delta, raw[at + PLACED:end]
        at = end


def _fetch(line, place, offset, wait_ms=0):
    topic, partition = place
    answer = line.ask("fetch", FETCH, {
        "replica_id": -1, "max_wait_ms": wait_ms, "min_bytes": 1, "max_bytes": 8 << 20,
        "topics": [{"topic": topic, "partitions": [
            {"partition": partition, "fetch_offset": offset, "partition_max_bytes": 8 << 20}]}]})
    part = one_partition(answer, "responses", "partitions")
    return part["error_code"], part["records"] or b""


def _reader(port, known, is_over):
    """Reads along; what it has read must stay."""
    line = Line(port)
    at = {(topic, part): 0 for topic, count in TOPICS.items() for part in range(count)}
    while not is_over():
        for place in at:
            error, records = _fetch(line, place, at[place])
            if error == 1:  # OFFSET_OUT_OF_RANGE: somebody had records deleted.
                at[place] = _list(line, place, EARLIEST)
                continue
            _fail_unless(error == 0, f"a read of {place}", error)
            for base, last, own in batches_in(records):
                known.note("has read", place, base, own)
                at[place] = last + 1
    line.close()


def _list(line, place, when):
    topic, partition = place
    answer = line.ask("list_offsets", LIST, {"replica_id": -1, "topics": [{
        "name": topic, "partitions": [{"partition_index": partition, "timestamp": when}]}]})
    part = one_partition(answer, "topics", "partitions")
    _fail_unless(part["error_code"] == 0, f"offsets of {place}", part)
    return part["offset"]


def _create(line, known, name, partitions):
    known.note("asks to create", name)
    answer = line.ask("create_topics", CREATE, {"timeout_ms": TIMEOUT_S * 1000, "topics": [
        {"name": name, "num_partitions": partitions, "replication_factor": 1}]})
    _fail_unless(answer["topics"][0]["error_code"] == 0, "a creation", answer)
    known.note("was told of creation", name)


def _delete(line, known, name):
    known.note("asks to delete", name)
    answer = line.ask("delete_topics", DELETE, {"topic_names": [name],
                                                "timeout_ms": TIMEOUT_S * 1000})
    _fail_unless(answer["responses"][0]["error_code"] == 0, "a deletion", answer)
    known.note("was told of deletion", name)


def _trim(line, known, rng):
    """Has the first half of a partition deleted."""
    place = ("mixed", rng.randrange(TOPICS["mixed"]))
    offset = _list(line, place, LATEST) // 2
    known.note("asks to trim", place, offset)
    answer = line.ask("delete_records", RECORDS, {"timeout_ms": TIMEOUT_S * 1000, "topics": [{
        "name": place[0], "partitions": [{"partition_index": place[1], "offset": offset}]}]})
    part = one_partition(answer, "topics", "partitions")
    _fail_unless(part["error_code"] == 0, "a trim", answer)
    known.note("was told of trim", place, offset)


def _committed(line):
    """What the group has committed, 0 if nothing, None while its coordinator is not ready."""
    answer = line.ask("offset_fetch", OFFSETS, {"group_id": GROUP, "topics": [
        {"name": "wide", "partition_indexes": [0]}]})
    if answer["error_code"]:
        return None
    return max(one_partition(answer, "topics", "partitions")["committed_offset"], 0)


def _find_coordinator(line):
    """Returns when the group has a coordinator that has read what there is to read."""
    until = time.monotonic() + TIMEOUT_S
    while time.monotonic() < until:
        answer = line.ask("find_coordinator", COORDINATOR, {"key": GROUP, "key_type": 0})
        if answer["error_code"] == 0 and _committed(line) is not None:
            return
        time.sleep(0.01)  # Before the next look.
    raise peers.Failure(f"the group has no coordinator: {answer}")


def _commit(line, known, number):
    known.note("asks to commit", number)
    answer = line.ask("offset_commit", COMMIT, {
        "group_id": GROUP, "generation_id_or_member_epoch": -1, "member_id": "",
        "topics": [{"name": "wide", "partitions": [
            {"partition_index": 0, "committed_offset": number,
             "committed_metadata": ""}]}]})
    part = one_partition(answer, "topics", "partitions")
    _fail_unless(part["error_code"] == 0, "a commit", answer)
    known.note("was told of commit", number)


def _alter(line, known, number):
    topic, name = ALTERED
    known.note("asks to alter", number)
    answer = line.ask("incremental_alter_configs", ALTER, {"resources": [{
        "resource_type": 2, "resource_name": topic, "configs": [
            {"name": name, "config_operation": 0, "value": str(number)}]}]})
    _fail_unless(answer["responses"][0]["error_code"] == 0, "a setting", answer)
    known.note("was told of alteration", number)


ALTER_FROM = 1 << 40  # Retention that never has to delete anything.


def _administrator(port, known, seed, is_over):
    rng = random.Random(seed)
    line = Line(port)
    number = 0
    while not is_over():
        number += 1
        _create(line, known, f"x{number}", rng.choice((1, 5)))
        _produce(line, known, rng, [(f"x{number}", 0)])
        if number > 2:
            _delete(line, known, f"x{number - 2}")
        _commit(line, known, number)
        _alter(line, known, ALTER_FROM + number)
        if number % 3 == 0:
            _trim(line, known, rng)
    line.close()


def run(port, known, seconds, rng):
    """Clients at work for that long."""
    line = Line(port)
    for topic, count in TOPICS.items():
        _create(line, known, topic, count)
    _find_coordinator(line)
    line.close()
    until = time.monotonic() + seconds
    failures = []

    def is_over():
        return failures or time.monotonic() > until

    def guarded(function, *arguments):
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001 (whatever it is, the life was no good)
            failures.append(f"{function.__name__}: {error!r}")

    jobs = [(_producer, port, known, rng.getrandbits(32), is_over) for _ in range(PRODUCERS)]
    jobs += [(_reader, port, known, is_over),
             (_administrator, port, known, rng.getrandbits(32), is_over)]
    threads = [threading.Thread(target=guarded, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise peers.Failure("; ".join(failures))


# --- what must hold -----------------------------------------------------------------------


class Held:
    """What the notes before a cut say of the time after it."""

    def __init__(self, notes):
        self.asked = collections.defaultdict(set)  # By place: own bytes of batches.
        self.told = collections.defaultdict(dict)  # By place: base offset to own bytes.
        self.topics = {}  # By name: whether it must be there, or None if it may.
        self.trim_asked = collections.defaultdict(int)
        self.trim_told = collections.defaultdict(int)
        self.highest = collections.defaultdict(int)  # Of what numbers count up.
        for kind, *facts in notes:
            self._take(kind, *facts)

    def _take(self, kind, *facts):
        if kind == "asks to write":
            self.asked[facts[0]].add(facts[1])
        elif kind in ("was told of", "has read"):
            place, base, own = facts
            if self.told[place].setdefault(base, own) != own:
                raise peers.Failure(f"{place} had two batches at {base} before any cut")
        elif kind in ("asks to create", "asks to delete"):
            self.topics[facts[0]] = None
        elif kind == "was told of creation":
            self.topics[facts[0]] = True
        elif kind == "was told of deletion":
            self.topics[facts[0]] = False
        elif kind == "asks to trim":
            self.trim_asked[facts[0]] = max(self.trim_asked[facts[0]], facts[1])
        elif kind == "was told of trim":
            self.trim_told[facts[0]] = max(self.trim_told[facts[0]], facts[1])
        elif kind not in ("begin", "end"):
            self.highest[kind] = facts[0]


def _read_all(line, place, start, end):
    found = {}
    while start < end:
        error, records = _fetch(line, place, start)
        if error:
            raise peers.Failure(f"{place} cannot be read at {start}: error {error}")
        for base, last, own in batches_in(records):
            found[base] = own
            start = last + 1
        if not records:
            raise peers.Failure(f"{place} has nothing at {start} although it ends at {end}")
    return found


def _judge_partition(line, place, held):
    start, end = _list(line, place, EARLIEST), _list(line, place, LATEST)
    if not held.trim_told[place] <= start <= held.trim_asked[place]:
        return f"{place} starts at {start}, not from {held.trim_told[place]} on"
    found = _read_all(line, place, start, end)
    for base, own in held.told[place].items():
        if base >= start and found.get(base) != own:
            return f"{place} at {base}: {'another' if base in found else 'no'} batch (end {end})"
    strangers = [base for base, own in found.items() if own not in held.asked[place]]
    if strangers:
        return f"{place} at {strangers[0]}: a batch that nobody wrote"
    if len(set(found.values())) != len(found):
        return f"{place} has a batch twice"
    return None


def _judge_number(what, value, held, asked, told):
    if not held.highest[told] <= value <= held.highest[asked]:
        return f"{what} is {value}, not {held.highest[told]} to {held.highest[asked]}"
    return None


def _altered(line):
    topic, name = ALTERED
    answer = line.ask("describe_configs", DESCRIBE, {"resources": [
        {"resource_type": 2, "resource_name": topic, "configuration_keys": [name]}]})
    return max(int(answer["results"][0]["configs"][0]["value"]), 0)


def judge(port, known, count):
    """What is wrong on a broker after a cut behind `count` notes, or None."""
    held = Held(known.notes[:count])
    line = Line(port)
    answer = line.ask("metadata", METADATA, {"topics": None})
    there = {topic["name"]: len(topic["partitions"]) for topic in answer["topics"]}
    for name, must_be in held.topics.items():
        if must_be is not None and must_be != (name in there):
            return f"topic {name} {'is gone' if must_be else 'is back'}"
    for name in there:
        if name not in held.topics and not name.startswith("__"):
            return f"topic {name} was never asked for"
    for name, partitions in there.items():
        for at in range(partitions if name in held.topics else 0):
            why = _judge_partition(line, (name, at), held)
            if why:
                return why
    _find_coordinator(line)
    why = _judge_number("the commit", _committed(line), held, "asks to commit",
                        "was told of commit")
    if not why and ALTERED[0] in there:
        why = _judge_number("the setting", _altered(line), held, "asks to alter",
                            "was told of alteration")
    line.close()
    return why
