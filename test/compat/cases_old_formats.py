# SPDX-License-Identifier: Apache-2.0
"""What clients of before Kafka 0.11 send and get: message formats 0 and 1, Produce 0 to 2,
Fetch 0 to 3, ListOffsets 0, JoinGroup 0 and 1, OffsetCommit 0 and 1, DescribeConfigs 0.
Kafka 3.9 is the last that knows them."""

import gzip
import struct

import wire
from compress import framed_snappy, lz4, old_lz4, snappy
from groups import Member, ready
from talk import SAMPLE, case_for_each, case_in_versions, case_of

HOUR_MS = 3600 * 1000
OLD = "3.9.2"
MAGICS = (0, 1)


def messages(t, magic, many=3, first=0, **fields):
    """As clients put them together: with offsets from `first` on."""
    return [wire.message(b"k%d" % n, b"value %d" % n, magic=magic, offset=first + n,
                         timestamp=t.now_ms + n, **fields) for n in range(many)]


def packed(t, magic, compress=gzip.compress, codec=1, many=3, first=0, **fields):
    fields.setdefault("offset", first + many - 1)
    return wire.wrapper(messages(t, magic, many, first), compress, codec, magic=magic,
                        timestamp=t.now_ms + many - 1, **fields)


@case_in_versions(range(3), OLD)
def produce_old_messages(t, version):
    name, _ = t.topic(partitions=6)
    for magic in MAGICS:
        partition = version * 2 + magic
        for acks in (1, -1):
            t.produce(f"v{version} format {magic} acks {acks}", name,
                      b"".join(messages(t, magic)), version, acks=acks, partition=partition)
        t.produce(f"v{version} format {magic} gzip", name, packed(t, magic), version,
                  partition=partition)
        t.log(f"v{version} format {magic}", name, partition)
    body = t.produce_body(name, b"".join(messages(t, 0)), acks=0)
    t.unanswered(f"v{version} acks 0", t.frame("produce", version, body))
    broken = t.produce_body(name, wire.message(magic=0, crc=1), acks=0)
    t.unanswered(f"v{version} acks 0, bad checksum", t.frame("produce", version, broken))


@case_in_versions(range(3), OLD)
def produce_old_messages_to_what_there_is_not(t, version):
    name, _ = t.topic()
    t.produce(f"v{version} topic", "no-such", wire.message(), version)
    t.produce(f"v{version} partition", name, wire.message(), version, partition=5)
    t.produce(f"v{version} acks", name, wire.message(), version, acks=3)


@case_of(OLD)
def produce_old_compressed_messages(t):
    codecs = {"gzip": (gzip.compress, 1), "snappy": (snappy, 2),
              "framed snappy": (framed_snappy, 2),
              "lz4": (lz4, 3), "old lz4": (old_lz4, 3)}
    name, _ = t.topic(partitions=2 * len(codecs))
    partition = 0
    for label, (compress, codec) in codecs.items():
        for magic in MAGICS:
            t.produce(f"{label} format {magic}", name, packed(t, magic, compress, codec), 2,
                      partition=partition)
            t.until(lambda: t.end_offset(name, partition) is not None)
            answer = t.quietly("fetch", 11, t.fetch_body(name, partition=partition))
            raw = answer["responses"][0]["partitions"][0]["records"]
            for batch in wire.batches(raw):
                t.note(f"{label} format {magic} attributes", batch["attributes"])
                t.note(f"{label} format {magic} count", batch["count"])
            partition += 1


def shapes(t, magic):
    """Message sets that are wrong, or look so, by label."""
    now = t.now_ms
    one = wire.message(b"k", magic=magic, timestamp=now)
    first = wire.message(b"a", magic=magic, timestamp=now)
    second = wire.message(b"b", magic=magic, timestamp=now, offset=1)

    def inside(*inner, **fields):
        fields.setdefault("offset", len(inner) - 1)
        return wire.wrapper(inner, gzip.compress, 1, magic=magic, timestamp=now, **fields)

    return {
        "empty": b"",
        "one byte": b"x",
        "prefix alone": one[:12],
        "seventeen bytes": one[:17],
        "last byte cut": one[:-1],
        "a byte behind": one + b"x",
        "one and a half": first + second[:-3],
        "bad checksum": wire.message(magic=magic, crc=1),
        "bad checksum in the second": first + wire.message(magic=magic, crc=1),
        "size 0": wire.message(magic=magic, size=0),
        "size 13": wire.message(magic=magic, size=13),
        "size -1": wire.message(magic=magic, size=-1),
        "size huge": wire.message(magic=magic, size=2**31 - 1),
        "size small": wire.message(magic=magic, size=15),
        "bytes behind the value": wire.message(magic=magic, timestamp=now, extra=b"zz"),
        "key beyond the end": _odd(magic, now, struct.pack(">i", 100) + b"k"),
        "value beyond the end": _odd(magic, now, struct.pack(">ii", -1, 100) + b"v"),
        "no value": _odd(magic, now, struct.pack(">i", -1)),
        "key of -2": _odd(magic, now, struct.pack(">ii", -2, 1) + b"v"),
        "value of -2": _odd(magic, now, struct.pack(">ii", -1, -2)),
        "value of -100": _odd(magic, now, struct.pack(">ii", -1, -100)),
        "null key and value": wire.message(None, None, magic=magic, timestamp=now),
        "empty key and value": wire.message(b"", b"", magic=magic, timestamp=now),
        "offsets 7 and 5": (wire.message(magic=magic, offset=7, timestamp=now) +
                            wire.message(magic=magic, offset=5, timestamp=now)),
        "offsets negative": wire.message(magic=magic, offset=-9, timestamp=now),
        "the other format behind": first + wire.message(magic=1 - magic, timestamp=now),
        "format 2 behind": first + t.batch(1),
        "format 2 before": t.batch(1) + first,
        "format 3": wire.message(magic=3, timestamp=now),
        "format -1": wire.message(magic=-1, timestamp=now),
        "append time claimed": wire.message(magic=magic, attributes=8, timestamp=now),
        "unknown attributes": wire.message(magic=magic, attributes=0x70, timestamp=now),
        "codec 4": wire.wrapper([one], gzip.compress, 4, magic=magic, timestamp=now),
        "codec 5": wire.wrapper([one], gzip.compress, 5, magic=magic, timestamp=now),
        "codec 7": wire.wrapper([one], gzip.compress, 7, magic=magic, timestamp=now),
        "timestamp -1": wire.message(magic=magic, timestamp=-1),
        "timestamp -2": wire.message(magic=magic, timestamp=-2),
        "timestamp in two hours": wire.message(magic=magic, timestamp=now + 2 * HOUR_MS),
        "not gzip": wire.message(magic=magic, attributes=1, timestamp=now),
        "gzip of null": wire.message(magic=magic, value=None, attributes=1, timestamp=now),
        "gzip of nothing": inside(offset=0),
        "gzip": inside(first, second),
        "gzip with a key": wire.message(b"key", gzip.compress(one), magic=magic, attributes=1,
                                        timestamp=now),
        "gzip cut": wire.message(None, gzip.compress(one)[:-9], magic=magic, attributes=1,
                                 timestamp=now),
        "gzip of a cut message": inside(one[:-1]),
        "gzip of a message and a half": inside(first, second[:-1]),
        "gzip with bytes behind": wire.message(None, gzip.compress(one) + b"zz", magic=magic,
                                               attributes=1, timestamp=now),
        "gzip twice": inside(first) + inside(second),
        "gzip and plain": inside(first) + second,
        "plain and gzip": first + inside(second),
        "gzip in gzip": inside(inside(first, second)),
        "gzip of the other format": inside(wire.message(magic=1 - magic, timestamp=now)),
        "gzip of format 2": inside(t.batch(1)),
        "gzip with a bad checksum inside": inside(wire.message(magic=magic, crc=1)),
        "gzip with the second's bad": inside(first, wire.message(magic=magic, crc=1, offset=1)),
        "gzip, inner offsets 0": inside(first, first),
        "gzip, inner offsets 1 0": inside(second, first),
        "gzip, inner offsets 5": inside(wire.message(magic=magic, offset=5, timestamp=now)),
        "gzip, outer offset 0": inside(first, second, offset=0),
        "gzip, outer offset 100": inside(first, second, offset=100),
        "gzip, outer offset -1": inside(first, second, offset=-1),
        "gzip, other times inside": inside(wire.message(magic=magic, timestamp=now - 5),
                                           wire.message(magic=magic, timestamp=now + 5, offset=1)),
        "gzip, inner append time": inside(wire.message(magic=magic, timestamp=now, attributes=8)),
        "gzip, outer append time": inside(first, second, attributes=8),
        "gzip, inner time in two hours": inside(
            wire.message(magic=magic, timestamp=now + 2 * HOUR_MS)),
    }


def _odd(magic, now, tail):
    """A message whose fields behind the attributes are given as they are."""
    body = struct.pack(">bb", magic, 0) + (struct.pack(">q", now) if magic else b"") + tail
    return struct.pack(">qiI", 0, 4 + len(body), wire.zlib.crc32(body)) + body


LABELS = [(label,) for label in shapes(SAMPLE, 0)]


def _one_shape(t, label, magic, version):
    name, _ = t.topic(message_timestamp_after_max_ms="3600000")
    t.produce(label, name, shapes(t, magic)[label], version)
    t.log(label, name)


@case_for_each(LABELS, OLD)
def produce_messages_of_format_0_of_all_shapes(t, label):
    _one_shape(t, label, 0, 2)


@case_for_each(LABELS, OLD)
def produce_messages_of_format_1_of_all_shapes(t, label):
    _one_shape(t, label, 1, 2)


@case_for_each(LABELS, OLD)
def produce_messages_of_format_1_in_version_0(t, label):
    _one_shape(t, label, 1, 0)


@case_of(OLD)
def produce_old_messages_without_waiting(t):
    """What was sent behind a set that takes long to convert is stored behind it."""
    name, _ = t.topic()
    large = [wire.message(value=b"%d" % n * 1000, timestamp=t.now_ms, offset=n)
             for n in range(1000)]
    sets = [(2, wire.wrapper(large, gzip.compress, 1, offset=999, timestamp=t.now_ms)),
            (2, b"".join(messages(t, 1))), (9, t.batch(2)), (0, packed(t, 0)), (3, t.batch(1))]
    for version, records in sets:
        t.send(t.frame("produce", version, t.produce_body(name, records)))
    t.send(t.frame("fetch", 11, t.fetch_body(name, 1000)))
    for number, (version, _) in enumerate(sets):
        t.note_answer(f"answer {number}", t.parse("produce", version, t.receive()))
    t.note_answer("log", t.parse("fetch", 11, t.receive()))


@case_for_each(MAGICS, OLD)
def produce_old_messages_into_append_time(t, magic):
    name, _ = t.topic(partitions=4, message_timestamp_type="LogAppendTime")
    for version in range(3):
        t.produce(f"v{version} format {magic}", name, b"".join(messages(t, magic)), version,
                  partition=magic)
    t.produce(f"format {magic} gzip", name, packed(t, magic), 2, partition=2 + magic)
    t.produce(f"format {magic} of 1970", name, wire.message(magic=magic, timestamp=5), 2,
              partition=magic)
    t.produce(f"format {magic} append time", name,
              wire.message(magic=magic, timestamp=5, attributes=8), 2, partition=magic)
    t.log(f"format {magic}", name, magic)
    t.log(f"format {magic} gzip", name, 2 + magic)


@case_for_each(MAGICS, OLD)
def produce_old_messages_into_a_compacted_topic(t, magic):
    name, _ = t.topic(cleanup_policy="compact")
    t.produce(f"format {magic} with keys", name, b"".join(messages(t, magic)), 2)
    t.produce(f"format {magic} without", name, wire.message(magic=magic), 2)
    t.produce(f"format {magic} gzip with keys", name, packed(t, magic), 2)
    t.produce(f"format {magic} gzip without", name,
              wire.wrapper([wire.message(magic=magic)], gzip.compress, 1, magic=magic), 2)


@case_for_each((("now", 0), ("before", -2000000), ("after", 2000000)), OLD)
def produce_old_messages_with_timestamps_out_of_range(t, label, delta):
    name, _ = t.topic(message_timestamp_before_max_ms="1000000",
                      message_timestamp_after_max_ms="1000000")
    for magic in MAGICS:
        t.produce(f"{label} format {magic}", name,
                  wire.message(magic=magic, timestamp=t.now_ms + delta), 2)


@case_for_each(MAGICS, OLD)
def produce_large_old_messages(t, magic):
    name, _ = t.topic(max_message_bytes="1000")
    for size in (800, 950, 1000, 2000):
        t.produce(f"format {magic} of {size} bytes", name,
                  wire.message(magic=magic, value=bytes(size), timestamp=t.now_ms), 2)
    many = [wire.message(magic=magic, value=bytes(100), timestamp=t.now_ms, offset=n)
            for n in range(20)]
    t.produce(f"format {magic}, many small ones", name, b"".join(many), 2)
    t.produce(f"format {magic}, many small ones in gzip", name,
              wire.wrapper(many, gzip.compress, 1, magic=magic, offset=19,
                           timestamp=t.now_ms), 2)


@case_of(OLD)
def produce_batches_in_old_versions(t):
    name, _ = t.topic(partitions=8)
    for version in range(3):
        t.produce(f"v{version} a batch", name, t.batch(2), version)
        t.produce(f"v{version} two batches", name, t.batch(2) + t.batch(1), version, partition=1)
        t.produce(f"v{version} gzip", name, t.batch(2, attributes=1, compress=gzip.compress),
                  version, partition=2)
        t.produce(f"v{version} a cut batch", name, t.batch(2)[:-1], version, partition=3)
        t.produce(f"v{version} a byte behind", name, t.batch(2) + b"x", version, partition=4)
        t.produce(f"v{version} base offset 7", name, t.batch(2, base_offset=7), version,
                  partition=5)
    for partition in range(8):
        t.log(f"partition {partition}", name, partition)


@case_in_versions((3, 7, 9, 11), OLD)
def produce_old_messages_in_new_versions(t, version):
    name, _ = t.topic()
    for magic in MAGICS:
        t.produce(f"v{version} format {magic}", name, wire.message(magic=magic), version)
        t.produce(f"v{version} format {magic} gzip", name, packed(t, magic), version)


@case_of(OLD)
def fetch_in_old_versions(t):
    """What was stored as batches comes as messages, the offsets in place."""
    name, _ = t.topic(partitions=3)
    t.produce("plain", name, t.batch(3), 9)
    t.produce("with headers", name, wire.batch(
        [wire.record(n, b"k%d" % n, None if n == 1 else b"v%d" % n, [(b"h", b"x")], n)
         for n in range(3)], base_timestamp=t.now_ms), 9)
    for label, fields in (("gzip", {"attributes": 1, "compress": gzip.compress}),
                          ("gzip again", {"attributes": 1, "compress": gzip.compress})):
        t.produce(label, name, t.batch(3, **fields), 9, partition=1)
    t.produce("mixed plain", name, t.batch(2), 9, partition=2)
    t.produce("mixed gzip", name, t.batch(2, attributes=1, compress=gzip.compress), 9, partition=2)
    t.produce("mixed old", name, b"".join(messages(t, 1)), 2, partition=2)
    for version in range(4):
        for partition in range(3):
            for offset in (0, 1, 2, 3, 4, 5, 6, 7, 8):
                t.fetch(f"v{version} partition {partition} from {offset}", name, version,
                        offset=offset, partition=partition, max_wait_ms=1)


@case_in_versions(range(4), OLD)
def fetch_what_there_is_not_in_old_versions(t, version):
    name, _ = t.topic()
    t.fetch(f"v{version} unknown topic", "no-such", version)
    t.fetch(f"v{version} unknown partition", name, version, partition=4)
    t.fetch(f"v{version} beyond the end", name, version, offset=5)
    t.fetch(f"v{version} below the start", name, version, offset=-1)
    t.fetch(f"v{version} nothing there", name, version, max_wait_ms=1)
    t.fetch(f"v{version} as a replica", name, version, replica_id=7)


@case_in_versions((0, 1, 2, 3, 4, 9, 10), OLD)
def fetch_zstd_in_old_versions(t, version):
    name, _ = t.topic(partitions=2)
    # Three records of format 2, as zstd: a frame of one raw block.
    def zstd(raw):
        return b"\x28\xb5\x2f\xfd\x20" + bytes([len(raw)]) + struct.pack(
            "<I", len(raw) << 3 | 1)[:3] + raw
    t.produce("zstd", name, t.batch(3, attributes=4, compress=zstd), 9)
    t.produce("plain", name, t.batch(3), 9, partition=1)
    t.produce("zstd behind", name, t.batch(3, attributes=4, compress=zstd), 9, partition=1)
    for partition, offset in ((0, 0), (0, 2), (1, 0), (1, 3)):
        t.fetch(f"v{version} partition {partition} from {offset}", name, version,
                partition=partition, offset=offset)


@case_in_versions(range(4), OLD)
def fetch_append_time_in_old_versions(t, version):
    name, _ = t.topic(partitions=2, message_timestamp_type="LogAppendTime")
    t.produce("plain", name, t.batch(2), 9)
    t.produce("gzip", name, t.batch(2, attributes=1, compress=gzip.compress), 9, partition=1)
    for partition in range(2):
        answer = t.quietly("fetch", version, t.fetch_body(name, partition=partition))
        raw = answer["responses"][0]["partitions"][0]["records"]
        for number, one in enumerate(_flat(wire.messages(raw))):
            label = f"v{version} partition {partition} message {number}"
            t.note(f"{label} attributes", one["attributes"])
            t.note(f"{label} format", one["magic"])
            if version >= 2:
                t.note(f"{label} time", abs(one["timestamp"] - t.now_ms) < HOUR_MS)


def _flat(found):
    for one in found:
        yield one
        yield from _flat(one.get("inside", []))


@case_of(OLD)
def fetch_with_limits_in_old_versions(t):
    """The first message comes whole, however small the limit."""
    name, _ = t.topic(partitions=2)
    for _ in range(3):
        t.produce("plain", name, t.batch(3, value=bytes(100)), 9)
        t.produce("gzip", name, t.batch(3, value=bytes(100), attributes=1, compress=gzip.compress),
                  9, partition=1)
    for version in range(4):
        for partition in range(2):
            for limit in (1, 60, 200, 2000):
                answer = t.quietly("fetch", version, t.fetch_body(
                    name, partition=partition, partition_max_bytes=limit))
                part = answer["responses"][0]["partitions"][0]
                t.note(f"v{version} partition {partition} limit {limit}",
                       [one["base_offset"] for one in wire.messages(part["records"] or b"")])


@case_in_versions(range(4), OLD)
def fetch_of_an_idempotent_producer_in_old_versions(t, version):
    """The records lose what made them so."""
    name, _ = t.topic()
    t.produce("idempotent", name, t.batch(2, producer=(t.producer_id(), 0, 0)), 9)
    t.fetch(f"v{version}", name, version)


@case_of(OLD)
def list_offsets_in_version_0(t):
    name, _ = t.topic(partitions=2)
    t.produce("three", name, t.batch(3), 9)
    for partition in range(2):
        for time in (-1, -2, -3, -4, 0, t.now_ms - HOUR_MS, t.now_ms + HOUR_MS, 2**62):
            for many in (-1, 0, 1, 2, 5):
                t.ask(f"partition {partition} time {_word(t, time)} at most {many}",
                      "list_offsets", 0,
                     {"replica_id": -1, "topics": [{"name": name, "partitions": [{
                          "partition_index": partition, "timestamp": time,
                          "max_num_offsets": many}]}]})
    for topic, partition in (("no-such", 0), (name, 5), (name, -1)):
        t.ask(f"unknown {topic == name} {partition}", "list_offsets", 0,
              {"replica_id": -1, "topics": [{
            "name": topic, "partitions": [{"partition_index": partition, "timestamp": -1}]}]})
    twice = {"partition_index": 0, "timestamp": -1}
    t.ask("twice", "list_offsets", 0, {"replica_id": -1, "topics": [
        {"name": name, "partitions": [twice, twice]}]})


def _word(t, time):
    """A time as it is named from run to run."""
    return f"now{time - t.now_ms:+}" if abs(time - t.now_ms) <= HOUR_MS else str(time)


@case_of(OLD)
def list_offsets_of_several_segments_in_version_0(t):
    name, _ = t.topic(segment_bytes=str(1 << 20))
    for _ in range(8):
        t.produce("large", name, t.batch(1, value=bytes(400000)), 9)
    for time in (-1, -2, t.now_ms - HOUR_MS, t.now_ms + HOUR_MS):
        for many in (1, 2, 3, 100):
            t.ask(f"time {_word(t, time)} at most {many}", "list_offsets", 0, {
                "replica_id": -1, "topics": [{"name": name, "partitions": [{
                    "partition_index": 0, "timestamp": time, "max_num_offsets": many}]}]})


@case_of(OLD)
def describe_configs_in_version_0(t):
    """It says only whether a value is the default, not where it comes from."""
    name, _ = t.topic(retention_ms="12345")
    for label, kind, who, keys in (
            ("topic", 2, name, ["retention.ms", "segment.bytes", "compression.type", "no.such"]),
            ("unknown topic", 2, "no-such", None),
            ("broker", 4, "1", ["log.segment.bytes", "num.partitions", "message.max.bytes"]),
            ("another broker", 4, "77", None)):
        t.ask(label, "describe_configs", 0, {"resources": [
            {"resource_type": kind, "resource_name": who, "configuration_keys": keys}]})


@case_of(OLD)
def commit_offsets_in_old_versions(t):
    """Version 0 names no member, 1 has times."""
    name, _ = t.topic(partitions=2)
    for version in (0, 1):
        group = ready(t, f"{t.name}-{version}")
        for label, topic, partition, time in (
                ("plain", name, 0, -1), ("with a time", name, 1, t.now_ms - HOUR_MS),
                ("no such partition", name, 7, -1), ("no such topic", "no-such", 0, -1)):
            part = {"partition_index": partition, "committed_offset": 40 + partition,
                    "committed_metadata": "a note"}
            if version == 1:
                part["commit_timestamp"] = time
            t.ask(f"v{version} {label}", "offset_commit", version, {
                "group_id": group, "topics": [{"name": topic, "partitions": [part]}]})
        t.ask(f"v{version} read", "offset_fetch", 5, {"group_id": group, "topics": [
            {"name": name, "partition_indexes": [0, 1]}]})


@case_of(OLD)
def groups_in_old_versions(t):
    """Who joins in version 0 has one time-out for all; a commit in version 1 names the member."""
    name, _ = t.topic()
    for version in (0, 1):
        member = Member(t, ready(t, f"{t.name}-{version}"), version=version)
        member.join(f"v{version} join")
        member.lead(f"v{version} sync", 0)
        body = {"group_id": member.group, "member_id": member.id, "topics": [
            {"name": name, "partitions": [{"partition_index": 0, "committed_offset": 5}]}]}
        for label, generation, who in (("right", member.generation, member.id),
                                       ("another generation", 7, member.id),
                                       ("a stranger", member.generation, "nobody")):
            t.ask(f"v{version} commit, {label}", "offset_commit", 1, {
                **body, "generation_id_or_member_epoch": generation, "member_id": who})
        member.heartbeat(f"v{version} heartbeat", 0)
        member.leave(f"v{version} leave", 0)
        member.close()
