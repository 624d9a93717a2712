#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what our store leaves on disk with what Apache Kafka leaves, and has Kafka read it.

    store.py [--keep DIR]

A folder that was stopped, killed and stopped again is shown to kafka-dump-log, which must
read every file and complain of nothing.  And the batches of a log that Kafka wrote are
appended to one of ours with the same settings: then every file must be the same, byte by
byte, but for the id of the topic.  What we leave in a log that was not stopped yet must not
trouble Kafka.  And what retention by time and by size leaves is the same.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import peers
import talk
import wire

PEER = pathlib.Path(os.environ.get("STORE_PEER") or peers.TREE / "build/test/compat/store_peer")
SEGMENT_BYTES = 1 << 20
RECORDS = 20000
# What each writer is told besides; each is a producer of its own.
WRITERS = ("compression.type=none", "compression.type=lz4", "compression.type=gzip",
           "enable.idempotence=false", "compression.type=zstd", "compression.type=snappy")
# The tool says this of the first record of every segment that does not begin at 0, of
# Kafka's own as well.
QUIRKS = ("Non-consecutive offsets in ", "  -1 is followed by ")
ID_SIZE = 22
# In a log that was not stopped yet since it was made; src/store/log_open.c says why.
THIRD_LINE = b"\nnever_stopped: true"
DUMPED = (".log", ".index", ".timeindex", ".snapshot")

counts = {True: 0, False: 0}


def check(good, what):
    counts[bool(good)] += 1
    if not good:
        print(what)


def dump(folder):
    """What kafka-dump-log says of all files of a log, and what it complains of."""
    files = sorted(str(path) for path in folder.iterdir() if path.suffix in DUMPED)
    command = peers.tool_command("kafka-dump-log", "--deep-iteration", "--files", ",".join(files))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=peers.COMMAND_SECONDS)
    if done.returncode:
        raise peers.Failure(f"kafka-dump-log ends with {done.returncode}: {done.stderr[-2000:]}")
    complaints = [line for line in done.stderr.splitlines() if not line.startswith(QUIRKS)]
    return files, done.stdout.splitlines(), complaints


def records_of(lines):
    """The offsets of the records, and which batches or entries were said to be wrong."""
    offsets, wrong = [], []
    for line in lines:
        if line.startswith("| offset: "):
            offsets.append(int(line.split()[2]))
        elif line.startswith("baseOffset: ") and " isvalid: true" not in line:
            wrong.append(line)
        elif line.lower().startswith(("mismatch", "corrupt", "found", "invalid")):
            wrong.append(line)
    return offsets, wrong


def show_to_kafka(folder):
    """Kafka's tool reads what we wrote."""
    end = int(peers.run([PEER, folder]))
    files, lines, complaints = dump(folder / "peer-0")
    offsets, wrong = records_of(lines)
    check(offsets == list(range(end)), f"kafka-dump-log shows {len(offsets)} of {end} records")
    check(not wrong, "kafka-dump-log finds wrong:\n  " + "\n  ".join(wrong[:10]))
    check(not complaints, "kafka-dump-log complains:\n  " + "\n  ".join(complaints[:10]))
    for path in files:
        check(f"Dumping {path}" in lines, f"kafka-dump-log does not show {path}")


def write_by_kafka(folder):
    """The folder of a log that a node of Kafka wrote and left in order."""
    kafka = peers.Kafka(folder, [f"log.segment.bytes={SEGMENT_BYTES}"])
    with kafka:
        address = f"127.0.0.1:{kafka.port}"
        peers.tool("kafka-topics", "--bootstrap-server", address, "--create", "--topic", "t",
                   "--partitions", 1)
        for writer in WRITERS:
            peers.tool("kafka-producer-perf-test", "--topic", "t", "--num-records", RECORDS,
                       "--record-size", 100, "--throughput", -1, "--producer-props",
                       f"bootstrap.servers={address}", writer)
        kafka.stop()
    return folder / "data/t-0"


def show_third_line(folder):
    """Kafka takes no notice of the line that is ours in a log which was not stopped yet."""
    kafka = peers.Kafka(folder)
    path = folder / "data/t-0/partition.metadata"
    with kafka:
        peers.tool("kafka-topics", "--bootstrap-server", kafka.bootstrap, "--create",
                   "--topic", "t", "--partitions", 1)
        kafka.stop()
        own = path.read_bytes()
        path.write_bytes(own + THIRD_LINE)
        kafka.log.unlink()
        kafka.start()
        peers.tool("kafka-producer-perf-test", "--topic", "t", "--num-records", 10,
                   "--record-size", 100, "--throughput", -1, "--producer-props",
                   f"bootstrap.servers={kafka.bootstrap}")
        check(kafka.stop() in (0, 143), "Kafka does not stop in order")
    said = [line for line in kafka.log.read_text(errors="replace").splitlines()
            if " WARN " in line or " ERROR " in line]
    check(not any("metadata" in line and "t-0" in line for line in said),
          "Kafka complains of our line:\n  " + "\n  ".join(said))
    check(path.read_bytes() in (own, own + THIRD_LINE),
          "Kafka has made another partition.metadata")
    log = folder / "data/t-0" / f"{0:020}.log"
    check(log.stat().st_size > 0, "Kafka has not used the log")


def write_as_kafka(theirs, folder):
    """The folder of our log of the same batches."""
    peers.run([PEER, folder, SEGMENT_BYTES, *sorted(theirs.glob("*.log"))])
    return folder / "peer-0"


def compare(theirs, ours):
    """Every file of one log with that of the other."""
    names = {path.name for path in theirs.iterdir()}
    check(names == {path.name for path in ours.iterdir()}, "the logs have other files")
    check(len(names) > 20, f"only {len(names)} files")
    for name in sorted(names):
        a, b = (theirs / name).read_bytes(), (ours / name).read_bytes()
        if name == "partition.metadata":
            check(len(a) == len(b) and a[-ID_SIZE:] != b[-ID_SIZE:], f"{name} has another size")
            a, b = a[:-ID_SIZE], b[:-ID_SIZE]
        check(a == b, f"{name} is not the same: {len(a)} bytes of Kafka's, {len(b)} of ours")


class Expiring:
    """A broker that has two topics: all records of one are old, and the other is too large."""

    TOPICS = {"all": {"retention.ms": "1"},
              "some": {"retention.ms": "100000000000000", "segment.ms": "1000",
                       "retention.bytes": "250"}}
    TIMES = {"all": (1000,), "some": [1700000000000 + 5000 * i for i in range(6)]}
    CHECKPOINTS = ("recovery-point-offset-checkpoint", "replication-offset-checkpoint",
                   "log-start-offset-checkpoint")

    def __init__(self, kind, folder, settings=()):
        self.broker = kind(folder, ["log.retention.check.interval.ms=100",
                                    "log.initial.task.delay.ms=0", *settings])
        self.data = self.broker.folder / "data"
        self.talk = talk.Talk("store", wire.load(peers.TREE), self.broker, {}, 0)

    def create(self):
        self.talk.quietly("create_topics", 5, {"timeout_ms": 10000, "topics": [
            {"name": name, "num_partitions": 1, "replication_factor": 1, "configs": [
                {"name": key, "value": value}
                for key, value in {**configs, "file.delete.delay.ms": "0"}.items()]}
            for name, configs in self.TOPICS.items()]})

    def write(self, name, time_ms):
        records = wire.batch([wire.record(i, value=b"v" * 50) for i in range(2)],
                             base_timestamp=time_ms)
        body = {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": name, "partition_data": [{"index": 0, "records": records}]}]}
        for _ in range(1000):
            answer = self.talk.quietly("produce", 7, body)
            if answer["responses"][0]["partition_responses"][0]["error_code"] == 0:
                return
        raise peers.Failure(f"{self.broker.name}: {name} takes no records")

    def segments(self, name):
        return len(list((self.data / f"{name}-0").glob("*.log*")))

    def live(self):
        """What is left in the two logs, and in the checkpoints, when all that goes is gone."""
        with self.broker:
            self.create()
            for name, times in self.TIMES.items():
                for time_ms in times:
                    self.write(name, time_ms)
            until = time.monotonic() + peers.COMMAND_SECONDS
            all_log = self.data / "all-0" / f"{2:020}.log"
            while not (all_log.exists() and self.segments("all") == 1 and
                       self.segments("some") == 2):
                if time.monotonic() > until:
                    raise peers.Failure(f"{self.broker.name} does not delete")
            self.talk.close()
            self.broker.stop()
        files = {}
        for name in self.TOPICS:
            for path in (self.data / f"{name}-0").iterdir():
                size = -ID_SIZE if path.name == "partition.metadata" else None
                files[f"{name}-0/{path.name}"] = path.read_bytes()[:size]
        for name in self.CHECKPOINTS:
            files[name] = sorted((self.data / name).read_bytes().splitlines())
        return files


def compare_expired(folder):
    """What retention leaves."""
    theirs = Expiring(peers.Kafka, folder / "kafka").live()
    ours = Expiring(peers.Moldau, folder / "moldau", ["node.id=1"]).live()
    check(theirs.keys() == ours.keys(), f"retention leaves other files: {sorted(ours)} and not "
                                        f"{sorted(theirs)}")
    for name in sorted(theirs):
        check(theirs[name] == ours.get(name), f"retention leaves another {name}: {ours.get(name)} "
                                              f"and not {theirs[name]}")


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.keep or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        show_to_kafka(folder / "moldau")
        show_third_line(folder / "third")
        theirs = write_by_kafka(folder / "kafka")
        compare(theirs, write_as_kafka(theirs, folder / "copy"))
        compare_expired(folder / "expired")
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"store: {failure}")
