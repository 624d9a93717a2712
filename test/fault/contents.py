# SPDX-License-Identifier: Apache-2.0
"""All that a broker serves of its folder, and what differs between two such answers.

read() asks for every batch, from the beginning to the end, and for some of them by offset and by
time, for what groups have committed and for the settings of topics.  It goes on behind what is
refused, and notes that.
"""

import collections
import struct
import time

import life
import peers

SETTLE_S = 30
NOT_YET = (5, 6, 14, 15, 16)  # Of leaders and coordinators that are on their way.
CORRUPT = 2
PROBES = 8
OFFSETS_TOPIC = "__consumer_offsets"
EPOCH = set(range(12, 16))  # That of the leader who wrote the batch.
Batch = collections.namedtuple("Batch", "base last time raw")


def batches_in(raw):
    """Each whole batch, with all its bytes."""
    at = 0
    while at + life.BATCH_HEADER <= len(raw):
        base, length = struct.unpack_from(">qi", raw, at)
        delta, = struct.unpack_from(">i", raw, at + 23)
        largest, = struct.unpack_from(">q", raw, at + 35)
        end = at + 12 + length
        if length < life.BATCH_HEADER - 12 or end > len(raw):
            return
        yield Batch(base, base + delta, largest, raw[at:end])
        at = end


def differences(wanted, batch):
    """Where the bytes of a batch are others, as a set; or what else is wrong with it."""
    if wanted is None:
        return "there was no batch"
    if len(wanted.raw) != len(batch.raw):
        return f"{len(batch.raw)} bytes, not {len(wanted.raw)}"
    return {at for at, pair in enumerate(zip(wanted.raw, batch.raw)) if pair[0] != pair[1]}


class Contents:
    """What was served, by place, which is a topic and a partition."""

    def __init__(self):
        self.starts, self.ends = {}, {}
        self.batches = collections.defaultdict(dict)  # By place: base offset to batch.
        self.times = {}  # By place and time: the offset.
        self.refused = collections.defaultdict(list)  # By place: offset and error.
        self.wrong = []  # What no damage excuses.
        self.unseen = []  # What no checksum covers.
        self.unseen_inside = []  # Passed over by who began to read in its middle.
        self.commits = {}  # By group, topic and partition.
        self.settings = {}  # By topic and name.


class Reader:
    """Reads what is served now; `expected` is what was served before a damage, or None."""

    def __init__(self, port, expected, patience_s):
        self.patience_s = patience_s
        self.line = life.Line(port)
        self.expected = expected
        self.found = Contents()

    def patiently(self, attempt):
        """The error and the answer of `attempt`, once it does not say any more that it is too
        soon."""
        until = time.monotonic() + self.patience_s
        while True:
            error, answer = attempt()
            if error not in NOT_YET or time.monotonic() > until:
                return error, answer
            time.sleep(0.01)  # Before it is asked again.

    def offset_at(self, place, when):
        def attempt():
            answer = self.line.ask("list_offsets", life.LIST, {"replica_id": -1, "topics": [
                {"name": place[0], "partitions": [{"partition_index": place[1],
                                                   "timestamp": when}]}]})
            part = life.one_partition(answer, "topics", "partitions")
            return part["error_code"], part["offset"]
        return self.patiently(attempt)

    def fetch(self, place, offset, size=8 << 20):
        def attempt():
            answer = self.line.ask("fetch", life.FETCH, {
                "replica_id": -1, "max_wait_ms": 2000, "min_bytes": 1, "max_bytes": 8 << 20,
                "topics": [{"topic": place[0], "partitions": [
                    {"partition": place[1], "fetch_offset": offset,
                     "partition_max_bytes": size}]}]})
            part = life.one_partition(answer, "responses", "partitions")
            return part["error_code"], part["records"] or b""
        error, raw = self.patiently(attempt)
        return error, list(batches_in(raw))

    def take(self, place, at, batches):
        """Notes what came; the offset behind it."""
        known = self.expected.batches[place] if self.expected else None
        for batch in batches:
            if batch.last < at:
                continue  # Kafka's answers may begin earlier.
            if known is not None:
                is_deleted = batch.base < self.expected.starts[place]
                if not is_deleted and (batch.base not in known or
                                       known[batch.base].raw != batch.raw):
                    others = differences(known.get(batch.base), batch)
                    into = self.found.unseen if EPOCH.issuperset(others) else self.found.wrong
                    into.append(f"{place} at {batch.base} serves other bytes: {others}")
                passed = [base for base, one in known.items()
                          if at <= one.last and base < batch.base]
                if passed:
                    is_inside = passed == [base for base in passed if base < at]
                    into = self.found.unseen_inside if is_inside else self.found.wrong
                    into.append(f"{place} passes silently over {passed}")
            self.found.batches[place][batch.base] = batch
            at = max(at, batch.last + 1)
        return at

    def refuse(self, place, at, error):
        """Notes it; where to go on, or None."""
        self.found.refused[place].append((at, error))
        if error != CORRUPT or not self.expected:
            return None
        return min((base for base in self.expected.batches[place] if base > at), default=None)

    def read_through(self, place):
        for when, into in ((life.EARLIEST, self.found.starts), (life.LATEST, self.found.ends)):
            error, into[place] = self.offset_at(place, when)
            if error:
                self.found.refused[place].append((when, error))
                return
        at, end = self.found.starts[place], self.found.ends[place]
        while at is not None and at < end:
            error, batches = self.fetch(place, at)
            if error:
                at = self.refuse(place, at, error)
            elif not batches:
                self.found.wrong.append(f"{place} has nothing at {at}, and ends at {end}")
                return
            else:
                at = self.take(place, at, batches)

    def read_times(self, place):
        """What is at the time of each batch."""
        for when in {batch.time for batch in self.found.batches[place].values()}:
            self.found.times[place, when] = self.offset_at(place, when)[1]

    def probe(self, place, rng):
        """Some batches, by offset and by time, before anybody has read what leads there."""
        known = sorted(self.expected.batches[place].values())
        for batch in rng.sample(known, min(len(known), PROBES)):
            error, batches = self.fetch(place, batch.last, 1)
            if not error:
                self.take(place, batch.last, batches)
            error, offset = self.offset_at(place, batch.time)
            if not error:
                self.found.times[place, batch.time] = offset

    def read_commits(self, groups, places):
        by_topic = collections.defaultdict(list)
        for topic, partition in places:
            by_topic[topic].append(partition)
        for group in groups:
            def attempt(group=group):
                answer = self.line.ask("offset_fetch", life.OFFSETS, {
                    "group_id": group, "topics": [
                        {"name": topic, "partition_indexes": parts}
                        for topic, parts in by_topic.items()]})
                return answer["error_code"], answer
            error, answer = self.patiently(attempt)
            if error:
                self.found.refused[group].append((0, error))
                continue
            for topic in answer["topics"]:
                for part in topic["partitions"]:
                    key = (group, topic["name"], part["partition_index"])
                    self.found.commits[key] = part["committed_offset"]

    def read_settings(self, topics, name="retention.bytes"):
        answer = self.line.ask("describe_configs", life.DESCRIBE, {"resources": [
            {"resource_type": 2, "resource_name": topic, "configuration_keys": [name]}
            for topic in topics]})
        for one in answer["results"]:
            for config in one["configs"] or []:
                self.found.settings[one["resource_name"], name] = config["value"]

    def places(self):
        answer = self.line.ask("metadata", life.METADATA, {"topics": None})
        return sorted((topic["name"], part["partition_index"]) for topic in answer["topics"]
                      for part in topic["partitions"])


def read(port, rng=None, expected=None, groups=(), patience_s=SETTLE_S, kind=Reader):
    """All that the broker on this port serves; some of it first in the order of `rng`."""
    reader = kind(port, expected, patience_s)
    try:
        places = reader.places()
        if expected and rng:
            asked = [place for place in places if place in expected.starts]
            for place in rng.sample(asked, len(asked)):
                reader.probe(place, rng)
        for place in places:
            reader.read_through(place)
            if not expected:
                reader.read_times(place)
        reader.read_commits(groups, [place for place in places if place[0] != OFFSETS_TOPIC])
        reader.read_settings(sorted({topic for topic, _ in places}))
    except (OSError, struct.error, peers.Failure) as failure:
        reader.found.wrong.append(f"the broker does not answer: {failure!r}")
    finally:
        reader.line.close()
    return reader.found
