# SPDX-License-Identifier: Apache-2.0
"""Produce: what is accepted, what is refused and with which error, and what is stored."""

import gzip
import struct
import uuid
import zlib

import wire
from compress import framed_snappy, lz4, old_lz4, snappy
from talk import SAMPLE, case, case_for_all, case_for_each

HOUR_MS = 3600 * 1000


@case
def produce_in_each_version(t):
    name, topic_id = t.topic()
    for version in t.apis["produce"].versions:
        topic = topic_id if version >= 13 else name
        for acks in (1, -1):
            t.produce(f"v{version} acks {acks}", topic, t.batch(2), version, acks=acks)
    t.log("the", name)


@case
def produce_without_an_answer(t):
    """acks=0: nothing comes back, and an error closes the connection."""
    name, topic_id = t.topic()
    for version in (3, 7, 9, 12, 13):
        topic = topic_id if version >= 13 else name
        body = t.produce_body(topic, t.batch(1), acks=0)
        t.unanswered(f"v{version}", t.frame("produce", version, body))
    unknown = t.produce_body("no-such", t.batch(1), acks=0)
    t.unanswered("unknown topic", t.frame("produce", 9, unknown))
    broken = t.produce_body(name, t.batch(1, crc=1), acks=0)
    t.unanswered("bad checksum", t.frame("produce", 9, broken))
    t.log("the", name, end=5)


@case
def produce_to_what_there_is_not(t):
    name, topic_id = t.topic()
    for version in (3, 7, 9, 10, 12):
        t.produce(f"v{version} unknown topic", "no-such", t.batch(1), version)
        t.produce(f"v{version} unknown partition", name, t.batch(1), version, partition=5)
        t.produce(f"v{version} negative partition", name, t.batch(1), version, partition=-1)
        t.produce(f"v{version} bad name", "a/b", t.batch(1), version)
        t.produce(f"v{version} empty name", "", t.batch(1), version)
    t.produce("v13 unknown id", uuid.UUID(int=5), t.batch(1), 13)
    t.produce("v13 zero id", wire.NO_ID, t.batch(1), 13)
    t.produce("v13 unknown partition", topic_id, t.batch(1), 13, partition=9)


@case_for_all((2, -2, 32767, -32768), (3, 9, 12))
def produce_with_bad_acks(t, acks, version):
    name, _ = t.topic(partitions=2)
    t.produce(f"v{version} acks {acks}", name, t.batch(1), version, acks=acks)
    t.produce(f"unknown topic acks {acks}", "no-such", t.batch(1), version, acks=acks)
    t.log("the", name)


@case_for_each(range(3))
def produce_to_several_at_once(t, partition):
    """Each partition has its own answer; the good ones are appended."""
    name, _ = t.topic(partitions=3)
    other, _ = t.topic()
    parts = [{"index": 2, "records": t.batch(1)}, {"index": 0, "records": t.batch(1, crc=3)},
             {"index": 9, "records": t.batch(1)}, {"index": 1, "records": t.batch(2)}]
    body = {"acks": -1, "timeout_ms": 5000, "topic_data": [
        {"name": name, "partition_data": parts},
        {"name": "no-such", "partition_data": [{"index": 0, "records": t.batch(1)}]},
        {"name": other, "partition_data": [{"index": 0, "records": t.batch(1)}]}]}
    t.ask("mixed", "produce", 9, body)
    t.ask("nothing", "produce", 9, {"acks": -1, "timeout_ms": 1, "topic_data": []})
    t.ask("no partitions", "produce", 9, {
        "acks": -1, "timeout_ms": 1, "topic_data": [{"name": name, "partition_data": []}]})
    t.ask("nothing, bad acks", "produce", 9, {"acks": 5, "timeout_ms": 1, "topic_data": []})
    t.log(f"partition {partition}", name, partition)


@case
def produce_of_a_partition_twice(t):
    name, _ = t.topic()
    parts = [{"index": 0, "records": t.batch(1)}, {"index": 0, "records": t.batch(2)}]
    t.ask("in one topic", "produce", 9, {"acks": -1, "timeout_ms": 5000, "topic_data": [
        {"name": name, "partition_data": parts}]})
    t.log("the", name)


def shapes(t):
    """Record sets that are wrong, or look so, by label.

    Null is not among them: Kafka 4.4.0 never answers it, nor closes the connection."""
    good = t.batch(2)
    one = wire.record(0)
    now = t.now_ms
    v1 = struct.pack(">bbq", 1, 0, now) + struct.pack(">ii", -1, 1) + b"v"
    v1 = struct.pack(">I", zlib.crc32(v1)) + v1
    return {
        "empty": b"",
        "one byte": b"x",
        "header cut": good[:40],
        "last byte cut": good[:-1],
        "a byte behind": good + b"x",
        "two batches": good + good,
        "a batch and a half": good + good[:30],
        "bad checksum": t.batch(2, crc=12345),
        "a bit flipped": good[:-1] + bytes([good[-1] ^ 1]),
        "magic 0": t.batch(1, magic=0),
        "magic 1": t.batch(1, magic=1),
        "magic 3": t.batch(1, magic=3),
        "magic -1": t.batch(1, magic=-1),
        "an old message": struct.pack(">qi", 0, len(v1)) + v1,
        "length 0": t.batch(1, length=0),
        "length -1": t.batch(1, length=-1),
        "length too small": t.batch(1, length=10),
        "length one less": t.batch(1, length=len(good) - 13),
        "length huge": t.batch(1, length=2**31 - 1),
        "no records": wire.batch([], count=0, base_timestamp=now),
        "no records, last delta 0": wire.batch([], count=0, last_delta=0, base_timestamp=now),
        "count too large": t.batch(2, count=3, last_delta=2),
        "count too small": t.batch(2, count=1, last_delta=0),
        "count too small, right delta": t.batch(2, count=1, last_delta=1),
        "count negative": t.batch(1, count=-1, last_delta=0),
        "count huge": t.batch(1, count=2**31 - 1, last_delta=2**31 - 2),
        "last delta too large": t.batch(2, last_delta=5),
        "last delta too small": t.batch(2, last_delta=0),
        "last delta negative": t.batch(1, last_delta=-1),
        "deltas swapped": wire.batch([wire.record(1), wire.record(0)], base_timestamp=now),
        "deltas equal": wire.batch([one, one], base_timestamp=now),
        "deltas with a hole": wire.batch([wire.record(0), wire.record(2)], last_delta=2,
                                         base_timestamp=now),
        "first delta 1": wire.batch([wire.record(1)], last_delta=0, base_timestamp=now),
        "record cut": wire.batch([one[:-2]], base_timestamp=now),
        "record with bytes behind": wire.batch([wire.record(0, extra=b"zz")], base_timestamp=now),
        "bytes behind the records": wire.batch([one, b"\0\0"], count=1, base_timestamp=now),
        "record length negative": wire.batch([wire.put_signed(-5)], base_timestamp=now),
        "record length huge": wire.batch([wire.put_signed(2**30)], base_timestamp=now),
        "record of zeros": wire.batch([bytes(20)], base_timestamp=now),
        "negative header count": wire.batch(
            [wire.put_signed(6) + bytes([0]) + wire.put_signed(0) * 2 + b"\1\1\1"],
            base_timestamp=now),
        "header without name": wire.batch([wire.record(0, headers=[(None, b"x")])],
                                          base_timestamp=now),
        "header without value": wire.batch([wire.record(0, headers=[(b"x", None)])],
                                           base_timestamp=now),
        "null key and value": wire.batch([wire.record(0, None, None)], base_timestamp=now),
        "empty key and value": wire.batch([wire.record(0, b"", b"")], base_timestamp=now),
        "record attributes": wire.batch([wire.record(0, attributes=7)], base_timestamp=now),
        "base offset 500": t.batch(2, base_offset=500),
        "base offset negative": t.batch(2, base_offset=-5),
        "leader epoch 77": t.batch(1, leader_epoch=77),
        "max timestamp wrong": t.batch(1, max_timestamp=now + 5),
        "max timestamp -1": t.batch(1, max_timestamp=-1),
        "timestamp -1": t.batch(1, base_timestamp=-1, max_timestamp=-1),
        "timestamp -2": t.batch(1, base_timestamp=-2, max_timestamp=-2),
        "timestamp in two hours": t.batch(1, base_timestamp=now + 2 * HOUR_MS),
        "timestamp delta negative": wire.batch([wire.record(0, timestamp_delta=-5)],
                                               base_timestamp=now, max_timestamp=now),
        "control": t.batch(1, attributes=32),
        "transactional": t.batch(1, attributes=16),
        "transactional with producer": t.batch(1, attributes=16, producer=(1, 0, 0)),
        "append time claimed": t.batch(1, attributes=8),
        "delete horizon": t.batch(1, attributes=64),
        "unknown attributes": t.batch(1, attributes=0x4000),
        "producer epoch without id": t.batch(1, producer=(-1, 5, -1)),
        "sequence without id": t.batch(1, producer=(-1, -1, 5)),
        "producer without epoch": t.batch(1, producer=(10, -1, 0)),
        "producer without sequence": t.batch(1, producer=(10, 0, -1)),
        "codec 5": t.batch(1, attributes=5),
        "codec 7": t.batch(1, attributes=7),
        "not gzip": t.batch(1, attributes=1),
        "not snappy": t.batch(1, attributes=2),
        "not lz4": t.batch(1, attributes=3),
        "not zstd": t.batch(1, attributes=4),
        "gzip": t.batch(3, attributes=1, compress=gzip.compress),
        "gzip cut": t.batch(3, attributes=1, compress=lambda raw: gzip.compress(raw)[:-9]),
        "gzip of nothing": wire.batch([], count=1, attributes=1, compress=gzip.compress,
                                      base_timestamp=now),
        "gzip with count too large": t.batch(3, count=4, last_delta=3, attributes=1,
                                             compress=gzip.compress),
        "gzip with count too small": t.batch(3, count=2, last_delta=1, attributes=1,
                                             compress=gzip.compress),
        "gzip with deltas swapped": wire.batch([wire.record(1), wire.record(0)], attributes=1,
                                               compress=gzip.compress, base_timestamp=now),
        "gzip with bytes behind": t.batch(2, attributes=1,
                                          compress=lambda raw: gzip.compress(raw) + b"zz"),
        "gzip in two parts": t.batch(2, attributes=1, compress=lambda raw: gzip.compress(
            raw[:5]) + gzip.compress(raw[5:])),
        "gzip with a large last delta": t.batch(2, last_delta=9, attributes=1,
                                                compress=gzip.compress),
    }


@case_for_each([(label,) for label in shapes(SAMPLE)])
def produce_record_sets_of_all_shapes(t, label):
    """Each into a topic of its own, so that what is stored is seen too."""
    name, _ = t.topic()
    t.produce(label, name, shapes(t)[label])
    t.log(label, name)


@case_for_each(("empty", "two batches", "bad checksum", "magic 1", "an old message",
                  "no records", "count too large", "gzip", "control", "timestamp in two hours"))
def produce_shapes_in_the_first_and_last_version(t, label):
    cases = shapes(t)
    name, topic_id = t.topic()
    t.produce(f"{label} v3", name, cases[label], 3)
    t.produce(f"{label} v8", name, cases[label], 8)
    t.produce(f"{label} v13", topic_id, cases[label], 13)


@case
def produce_into_append_time(t):
    name, _ = t.topic(message_timestamp_type="LogAppendTime")
    t.produce("plain", name, t.batch(3))
    t.produce("v3", name, t.batch(2), 3)
    t.produce("old", name, t.batch(1, base_timestamp=1000))
    t.produce("in two hours", name, t.batch(1, base_timestamp=t.now_ms + 2 * HOUR_MS))
    t.produce("gzip", name, t.batch(2, attributes=1, compress=gzip.compress))
    t.produce("append time claimed", name, t.batch(1, attributes=8))
    answer = t.fetch("log", name)
    stamps = [b["max_timestamp"] for b in
              wire.batches(answer["topics" if "topics" in answer else "responses"][0]
                           ["partitions"][0]["records"])]
    t.note("append times are now", all(abs(s - t.now_ms) < HOUR_MS for s in stamps))


@case_for_each((800, 900, 920, 930, 940, 1000, 2000))
def produce_of_batches_up_to_a_limit(t, size):
    name, _ = t.topic(max_message_bytes="1000")
    t.produce(f"{size} bytes", name, t.batch(1, value=bytes(size)))
    t.produce(f"{size} bytes of v3", name, t.batch(1, value=bytes(size)), 3)


@case
def produce_of_large_batches(t):
    name, _ = t.topic(max_message_bytes="1000")
    packed = t.batch(1, value=bytes(5000), attributes=1, compress=gzip.compress)
    t.produce("large until it was compressed", name, packed)
    wide, _ = t.topic()
    t.produce("1 MiB by default", wide, t.batch(1, value=bytes(1024 * 1024)))
    t.produce("almost 1 MiB", wide, t.batch(1, value=bytes(1024 * 1024 - 200)))


@case
def produce_with_timestamps_out_of_range(t):
    strict, _ = t.topic(message_timestamp_before_max_ms="1000000",
                        message_timestamp_after_max_ms="1000000")
    for label, delta in (("now", 0), ("before", -2000000), ("after", 2000000),
                         ("a little before", -500000)):
        t.produce(label, strict, t.batch(1, base_timestamp=t.now_ms + delta))
        t.produce(f"{label} gzip", strict, t.batch(2, base_timestamp=t.now_ms + delta,
                                                   attributes=1, compress=gzip.compress))
    mixed = wire.batch([wire.record(0), wire.record(1, timestamp_delta=-2000000),
                        wire.record(2, timestamp_delta=-2000000)], base_timestamp=t.now_ms)
    t.produce("two of three before", strict, mixed)
    t.produce("two of three before v7", strict, mixed, 7)


def at_fault(t):
    """Records, some of them wrong in what only the topic says, by label; with them the fields of
    their batch."""
    one, late, soon = wire.record, -2000000, 2000000
    fine = one(0, key=b"k")
    many = [one(n) for n in range(5)]
    return {
        "many": (many, {}),
        "all sorts": ([fine, one(1), one(2, key=b"k", timestamp_delta=late),
                       one(3, timestamp_delta=soon), one(4, key=b"k", timestamp_delta=3000000),
                       one(5), one(6, key=b"k", headers=[(b"h", b"x")])], {}),
        "the last": ([fine, one(1, value=None)], {}),
        "without a time": (many, {"base_timestamp": -1}),
        "swapped": ([one(1), one(0)], {}),
        "of another offset": ([one(7, key=b"k", timestamp_delta=soon)], {"last_delta": 0}),
        "of a negative offset": ([one(-7, key=b"k", timestamp_delta=soon)], {"last_delta": 0}),
        "with a hole": ([one(0), one(2)], {"last_delta": 2}),
        "the last of time": ([one(0, key=b"k", timestamp_delta=2**62),
                              one(1, key=b"k", timestamp_delta=-2**63)], {}),
        "of a producer without a sequence": (many, {"producer": (10, 0, -1)}),
        "in a control batch": (many, {"attributes": 32}),
        "of another base offset": (many, {"base_offset": 500}),
        "then one cut": ([one(0, timestamp_delta=soon), fine[:-2]], {}),
        "then one with bytes behind": ([one(0, key=b"k", timestamp_delta=soon),
                                        one(1, extra=b"zz")], {}),
        "then one too few": ([one(0, key=b"k", timestamp_delta=soon), one(1)], {"count": 3}),
        "then one too many": ([one(0, key=b"k", timestamp_delta=soon), one(1)], {"count": 1}),
        "then no header name": ([one(0), one(1, headers=[(None, b"x")])], {}),
        "with a bad checksum": (many, {"crc": 1}),
    }


# Kafka takes them, or does not know what to say.
FINE_BUT_FOR_OFFSETS = (("swapped", "of now"), ("of another offset", "compacted"),
                        ("of a negative offset", "compacted"))
CLAIMED = [wire.record(0, key=b"k"), wire.record(1), wire.record(2, key=b"key", value=None)]


@case_for_each(("none", "gzip", "snappy", "lz4"))
def produce_of_records_at_fault(t, codec):
    """Which records made a batch be refused, and why, in Kafka's words (KIP-467)."""
    bits, compress = {"none": (0, None), "gzip": (1, gzip.compress), "snappy": (2, snappy),
                      "lz4": (3, lz4)}[codec]
    bounds = {"message_timestamp_before_max_ms": "1000000",
              "message_timestamp_after_max_ms": "1000000"}

    def send(label, topic, records, version=9, attributes=0, **fields):
        t.produce(label, topic, wire.batch(records, compress=compress, attributes=attributes | bits,
                                           **{"base_timestamp": t.now_ms, **fields}), version)
    compacted = t.topic(cleanup_policy="compact")
    topics = {"compacted": compacted, "of now": t.topic(**bounds),
              "both": t.topic(cleanup_policy="compact", **bounds),
              "both in gzip": t.topic(cleanup_policy="compact", compression_type="gzip", **bounds)}
    for label, (records, fields) in at_fault(t).items():
        for kind, (name, _) in topics.items():
            if (label, kind) not in FINE_BUT_FOR_OFFSETS:
                send(f"{label}, {kind}", name, records, **fields)
    for version in t.apis["produce"].versions:
        send(f"v{version}", compacted[version >= 13], CLAIMED, version)
    for policy in ("compact", "delete"):
        name, _ = t.topic(message_timestamp_type="LogAppendTime", cleanup_policy=policy)
        send(f"append time claimed, {policy}", name, CLAIMED, attributes=8)


@case_for_each({"13": {"length": 13}, "13 of format 3": {"length": 13, "magic": 3},
                "14 of format 3": {"length": 14, "magic": 3}, "-1": {"length": -1},
                "format -1": {"magic": -1}, "14": {"length": 14}, "48": {"length": 48},
                "the least": {"length": -2**31}, "format 127": {"magic": 127}})
def produce_of_records_at_fault_in_the_prefix(t, _, fields):
    name, _ = t.topic()
    t.produce("prefix", name, t.batch(1, **fields))


@case
def produce_in_sequence(t):
    name, _ = t.topic()
    pid = t.producer_id()

    def send(label, epoch, sequence, count=1):
        t.produce(label, name, t.batch(count, producer=(pid, epoch, sequence)))

    send("first", 0, 0, 2)
    send("first again", 0, 0, 2)
    send("second", 0, 2, 3)
    send("second again", 0, 2, 3)
    send("first again, behind the second", 0, 0, 2)
    send("a gap", 0, 9)
    send("overlapping", 0, 3, 3)
    send("inside", 0, 3, 1)
    for n in range(5, 11):
        send(f"sequence {n}", 0, n)
    send("the last again", 0, 10)
    send("five back", 0, 6)
    send("six back", 0, 5)
    send("the first again", 0, 0, 2)
    send("newer epoch in the middle", 1, 11)
    send("newer epoch from the start", 1, 0)
    send("older epoch", 0, 11)
    send("newer epoch, wrong next", 1, 5)
    send("much newer epoch", 32767, 0)
    t.log("the", name)


@case
def produce_of_an_unknown_producer(t):
    name, _ = t.topic(partitions=6)
    tries = {"from zero": (0, 0), "from the middle": (0, 77), "at the end": (0, 2**31 - 1),
             "with an epoch": (5, 0), "with an epoch, from the middle": (5, 3)}
    for partition, (label, (epoch, sequence)) in enumerate(tries.items()):
        pid = t.producer_id()
        for _ in range(2):
            t.produce(label, name, t.batch(1, producer=(pid, epoch, sequence)),
                      partition=partition)
        t.produce(f"{label}, next", name, t.batch(1, producer=(
            pid, epoch, sequence + 1 if sequence < 2**31 - 1 else 0)), partition=partition)
    t.produce("an id that nobody gave", name, t.batch(1, producer=(999999, 0, 0)), partition=5)


@case
def produce_across_the_end_of_sequences(t):
    name, _ = t.topic()
    pid = t.producer_id()
    for label, sequence, count in (("near the end", 2**31 - 3, 2), ("over the end", 2**31 - 1, 3),
                                   ("behind it", 2, 1), ("over the end again", 2**31 - 1, 3),
                                   ("wrong", 7, 1)):
        t.produce(label, name, t.batch(count, producer=(pid, 0, sequence)))
    t.log("the", name)


@case
def produce_in_transactions_that_do_not_exist(t):
    """The transactional bit and the id must fit; no transaction was begun here."""
    name, _ = t.topic()
    pid = t.producer_id()
    t.produce("id without the bit", name, t.batch(1), transactional_id="tx")
    t.produce("id without the bit, with producer", name, t.batch(1, producer=(pid, 0, 0)),
              transactional_id="tx")
    t.produce("the bit without id", name, t.batch(1, attributes=16, producer=(pid, 0, 0)))


@case
def produce_of_zstd_in_old_versions(t):
    """Before version 7 a client does not know zstd."""
    name, _ = t.topic()
    frame = bytes.fromhex("28b52ffd2000010000")  # An empty zstd frame, for the order of checks.
    for version in (3, 6, 7):
        t.produce(f"v{version}", name, wire.batch([], count=1, attributes=4,
                                                  compress=lambda raw: frame,
                                                  base_timestamp=t.now_ms), version)


@case
def produce_of_lz4_and_snappy(t):
    """What is inside is held to the same as what is not compressed, whatever the codec."""
    codecs = {"snappy": (2, snappy), "framed snappy": (2, framed_snappy), "lz4": (3, lz4),
              "lz4 with the old checksum": (3, old_lz4)}
    swapped = [wire.record(1), wire.record(0)]
    cases = {}
    for label, (codec, compress) in codecs.items():
        def batch(records=3, pack=compress, codec=codec, **fields):
            return t.batch(records, attributes=codec, compress=pack, **fields)
        cases |= {
            label: batch(),
            f"{label}, count too large": batch(count=4, last_delta=3),
            f"{label}, count too small": batch(count=2, last_delta=1),
            f"{label}, deltas swapped": wire.batch(swapped, attributes=codec, compress=compress,
                                                   base_timestamp=t.now_ms),
            f"{label}, cut": batch(pack=lambda raw, pack=compress: pack(raw)[:-1]),
            f"{label}, a record cut": batch(pack=lambda raw, pack=compress: pack(raw[:-1])),
            f"{label}, a byte behind the records": batch(
                pack=lambda raw, pack=compress: pack(raw + b"z")),
            f"{label}, a byte behind": batch(pack=lambda raw, pack=compress: pack(raw) + b"z"),
            f"{label}, twice": batch(pack=lambda raw, pack=compress: pack(raw) + pack(raw)),
            f"{label}, in two parts": batch(
                pack=lambda raw, pack=compress: pack(raw[:5]) + pack(raw[5:])),
            f"{label}, in two hours": batch(base_timestamp=t.now_ms + 2 * HOUR_MS),
            f"{label}, of nothing": batch(pack=lambda raw, pack=compress: pack(b"\0")[:-1]),
        }
    name, _ = t.topic(partitions=len(cases))
    for partition, (label, raw) in enumerate(cases.items()):
        t.produce(label, name, raw, partition=partition)
        t.log(label, name, partition)


@case_for_each(("uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"))
def produce_into_a_codec(t, codec):
    """compression.type: batches are stored with the topic's codec; all else of them stays."""
    name, _ = t.topic(partitions=4, compression_type=codec)
    sent = {"none": (0, None), "gzip": (1, gzip.compress), "snappy": (2, snappy), "lz4": (3, lz4)}
    for partition, (label, (bits, compress)) in enumerate(sent.items()):
        def batch(records=3, bits=bits, compress=compress, **fields):
            return t.batch(records, attributes=bits, compress=compress, **fields)
        t.produce(f"{label} v3", name, batch(), 3, partition=partition)
        t.produce(f"{label} of a producer", name, batch(producer=(4000, 0, 0)),
                  partition=partition)
        t.produce(f"{label} of a producer again", name, batch(producer=(4000, 0, 0)),
                  partition=partition)
        t.produce(f"{label} with times", name, wire.batch(
            [wire.record(0, key=b"k", timestamp_delta=5), wire.record(1, value=None),
             wire.record(2, headers=[(b"h", b"1"), (b"i", None)], timestamp_delta=-7)],
            base_timestamp=t.now_ms, max_timestamp=t.now_ms + 5, attributes=bits,
            compress=compress), partition=partition)
        t.produce(f"{label} with a bad checksum", name, batch(crc=1), partition=partition)
        t.produce(f"{label} with a wrong count", name, batch(count=4, last_delta=3),
                  partition=partition)
        t.produce(f"{label}, too late", name, batch(base_timestamp=t.now_ms + 2 * HOUR_MS),
                  partition=partition)
        t.log(label, name, partition)


@case_for_each(("gzip 1", "gzip 9", "lz4 1", "lz4 17", "zstd -5", "zstd 22"))
def produce_into_a_level(t, what):
    """compression.<codec>.level: what is stored can be read, whatever the effort (KIP-390)."""
    codec, level = what.split()
    name, _ = t.topic(**{"compression_type": codec, f"compression_{codec}_level": level})
    t.produce("a batch", name, t.batch(100))
    t.produce("a batch of another codec", name, t.batch(3, attributes=2, compress=snappy))
    t.log("the", name)


@case_for_each(("uncompressed", "zstd"))
def produce_into_a_codec_what_is_compacted_or_large(t, codec):
    name, _ = t.topic(compression_type=codec, cleanup_policy="compact", max_message_bytes="2000")
    t.produce("without keys", name, t.batch(2))
    raw = wire.batch([wire.record(0, key=b"k", value=b"v" * 1500)], base_timestamp=t.now_ms)
    t.produce("compressible", name, raw)
    large = [wire.record(0, key=b"k", value=b"v" * 3000)]
    t.produce("too large", name, wire.batch(large, base_timestamp=t.now_ms))
    t.produce("too large when it is not compressed", name, wire.batch(
        large, base_timestamp=t.now_ms, attributes=1, compress=gzip.compress))
    t.log("the", name)
