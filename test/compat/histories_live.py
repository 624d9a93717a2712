#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts Apache Kafka on logs with random histories that our store has written.

    histories_live.py [--kafka VERSION] [--seed N] [--count N] [--keep DIR]

A node of Kafka makes topics and stops; the folders of their partitions, and their lines in the
checkpoints, are replaced by those of history_peer.c.  Then Kafka starts on the folder, and ours
on a copy.  Both must serve the same batches with the same transactions aborted, and know the
same of producers; and leave the same files when they have stopped.  Ours then serves the same
from what Kafka has left.

And once more as if the machine had failed: there are no recovery points, and the ends of logs
are torn off.  Both must recover the same.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import histories
import peers
import takeover
import tally
import wire

CLEANED = "cleaner-offset-checkpoint"
CHECKPOINTS = ("recovery-point-offset-checkpoint", "replication-offset-checkpoint",
               "log-start-offset-checkpoint", CLEANED)
# The histories are of the past, and decide themselves what goes.
SETTINGS = {"retention.ms": "-1", "retention.bytes": "-1", "file.delete.delay.ms": "0"}
# The log cleaner does not come either, and nobody forgets a producer: they are that old at most.
BROKER = ["log.cleaner.enable=false", "producer.id.expiration.ms=2147483647"]
AGE_MS = 24 * 60 * 60 * 1000
# A new topic's first leader after a restart has a higher one.
EPOCH_MAX = 1
TORN = "torn"
EPOCHS = "leader-epoch-checkpoint"
# Of a log that it does not know yet the node has to say who leads.
RETRIABLE = (3, 5, 6)
IS_TRANSACTIONAL, IS_CONTROL = 1 << 4, 1 << 5


def last_offset(header):
    return header["base_offset"] + header["last_delta"]


def left_out(headers, aborted):
    """The batches that a consumer leaves out: of producers whose transaction is an aborted one,
    until it ends."""
    rest, active, found = sorted(aborted), set(), []
    for header in headers:
        while rest and rest[0][0] <= last_offset(header):
            active.add(rest.pop(0)[1])
        if header["attributes"] & IS_CONTROL:
            active.discard(header["producer_id"])
        elif header["attributes"] & IS_TRANSACTIONAL and header["producer_id"] in active:
            found.append(header["base_offset"])
    return found


class Client(takeover.Client):
    """Reads all that can be read."""

    def __init__(self, broker):
        super().__init__(broker, None)

    def make(self, topics):
        answer = self.ask("create_topics", 5, {"timeout_ms": 30000, "topics": [
            {"name": name, "num_partitions": 1, "replication_factor": 1,
             "configs": [{"name": key, "value": value} for key, value in SETTINGS.items()]}
            for name in topics]})
        if any(topic["error_code"] for topic in answer["topics"]):
            raise peers.Failure(f"topics were not made: {answer}")

    def producers(self, topic):
        """Of those whose last batch has no time, Kafka forgets when it starts who is idle."""
        def attempt():
            answer = self.ask("describe_producers", 0, {"topics": [
                {"name": topic, "partition_indexes": [0]}]})
            part = answer["topics"][0]["partitions"][0]
            if part["error_code"] in RETRIABLE:
                return None
            return sorted((one["producer_id"], one["producer_epoch"], one["last_sequence"],
                           one["last_timestamp"], one["coordinator_epoch"],
                           one["current_txn_start_offset"]) for one in part["active_producers"]
                          if one["last_timestamp"] >= 0 or one["current_txn_start_offset"] >= 0)
        return self.until(f"no producers of {topic}", attempt)

    def state(self, topic):
        """What is served of a topic, by what it is."""
        return {"start": self._offset(topic, 0, takeover.EARLIEST),
                "end": self._offset(topic, 0, takeover.LATEST),
                "batches": self.read(topic, 0, takeover.UNCOMMITTED),
                "producers": self.producers(topic)}

    def committed(self, topic):
        """What a reader gets up to the first open transaction."""
        at, found, aborted = self._offset(topic, 0, takeover.EARLIEST), [], set()
        while True:
            answer = self.ask("fetch", 11, {
                "replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 8 << 20,
                "isolation_level": takeover.COMMITTED, "topics": [{"topic": topic, "partitions": [
                    {"partition": 0, "fetch_offset": at, "partition_max_bytes": 8 << 20}]}]})
            part = answer["responses"][0]["partitions"][0]
            if part["error_code"]:
                raise peers.Failure(f"{self.name}: {topic} at {at}: {part}")
            aborted |= {(one["first_offset"], one["producer_id"])
                        for one in part["aborted_transactions"] or []}
            if not part["records"]:
                return (part["last_stable_offset"], [one["base_offset"] for one in found],
                        left_out(found, aborted))
            found += wire.batches(part["records"])
            at = last_offset(found[-1]) + 1


def name_of(seed, log):
    return f"s{seed}-{log.rpartition('-')[0]}"


def make_logs(folder, seeds):
    """The folders of the logs, by the names of topics."""
    logs, now_ms = {}, int(time.time() * 1000)
    for seed in seeds:
        own = folder / f"seed-{seed}"
        peers.run([histories.PEER, own, seed, now_ms - AGE_MS, EPOCH_MAX])
        logs.update((name_of(seed, path.name), path) for path in sorted(own.glob("h*-0")))
    return logs


def lines_of(path, topic):
    """What a checkpoint says of a topic."""
    found = [line.split() for line in path.read_text().splitlines()[2:]]
    return [words for words in found if words[0] == topic]


def put_into(data, logs):
    """The logs take the places of those that the node has made."""
    for topic, log in logs.items():
        place = data / f"{topic}-0"
        own = (place / "partition.metadata").read_bytes()
        shutil.rmtree(place)
        shutil.copytree(log, place)
        (place / "partition.metadata").write_bytes(own)
    for name in CHECKPOINTS:
        before = (data / name).read_text() if (data / name).exists() else ""
        lines = [line.split() for line in before.splitlines()[2:]]
        lines = [words for words in lines if words[0] not in logs]
        for topic, log in logs.items():
            lines += [[topic, *words[1:]] for words in
                      lines_of(log.parent / name, log.name.rpartition("-")[0])]
        text = "".join(" ".join(words) + "\n" for words in lines)
        (data / name).write_text(f"0\n{len(lines)}\n{text}")


def tear(data, logs, rng):
    """As a machine leaves them that has failed before anything was known to be durable."""
    for topic in logs:
        last = max((data / f"{topic}-0").glob("*.log"))
        size = last.stat().st_size
        os.truncate(last, size - rng.randrange(min(size, 3000) + 1))
    path = data / CHECKPOINTS[0]
    lines = [line for line in path.read_text().splitlines()[2:] if line.split()[0] not in logs]
    path.write_text("\n".join(["0", str(len(lines)), *lines]) + "\n")
    (data / ".kafka_cleanshutdown").unlink()


def serve(broker, logs):
    """What a broker serves of each topic; it stops in order."""
    with broker:
        client = Client(broker)
        found = {topic: (client.state(topic), client.committed(topic)) for topic in logs}
        client.talk.close()
        status = broker.stop()
    if status not in (0, 143):
        raise peers.Failure(f"{broker.name} does not stop in order: {status}")
    return found


def compare(theirs, ours, how, check):
    """What both served, topic by topic."""
    for topic, (state, committed) in theirs.items():
        other, other_committed = ours[topic]
        for what, value in state.items():
            check(value == other[what], f"{how}, {topic}: the same {what}",
                  f"{str(value)[:300]} and not {str(other[what])[:300]}")
        for what, a, b in zip(("stable offset", "committed batches", "aborted batches"),
                              committed, other_committed):
            check(a == b, f"{how}, {topic}: the same {what}",
                  f"{str(a)[:300]} and not {str(b)[:300]}")


def files_of(folder, state):
    """The files of a log, but for what Kafka alone does when it starts: it notes its epoch where
    the log ends, and takes snapshots away that are not above the start; so it knows less when it
    makes the index of transactions again of the segment that the log begins in."""
    files = {}
    for path in folder.iterdir():
        content = path.read_bytes()
        if path.name == EPOCHS:
            entries = [tuple(map(int, line.split())) for line in content.splitlines()[2:]]
            content = [entry for entry in entries if entry[1] < state["end"]]
        if path.suffix not in (".snapshot", ".txnindex") or int(path.stem) > state["start"]:
            files[path.name] = content
    return files


def compare_files(theirs, ours, served, how, check):
    """What both left in each log.  Of one that is torn, and was compacted or does not begin at 0,
    records and where they are: what both make again of its producers, transactions and times from
    what is left of the records is not the same."""
    for topic, (state, _) in served.items():
        a, b = (files_of(data / f"{topic}-0", state) for data in (theirs, ours))
        differ = sorted(name for name in {*a, *b} if a.get(name) != b.get(name))
        if how == TORN and (lines_of(theirs / CLEANED, topic) or state["start"] > 0):
            differ = [name for name in differ if name.endswith((".log", ".index", EPOCHS))]
        check(not differ, f"{how}, {topic}: the same files", " ".join(differ))


def complaints(kafka, logs):
    """What a node of Kafka says that is no good news, of those topics."""
    return [line for line in kafka.log.read_text(errors="replace").splitlines()
            if (" WARN " in line or " ERROR " in line) and any(topic in line for topic in logs)]


def turn(folder, options, logs, how, check):
    """Kafka and ours on two copies of a folder, and ours on what Kafka has left."""
    data, copy = folder / "kafka/data", folder / "moldau/data"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(data, copy)
    kafka = takeover.OldKafka(folder / "kafka", BROKER, version=options.kafka)
    kafka.log = folder / f"kafka-{how}.log"
    theirs = serve(kafka, logs)
    settings = takeover.NODE + BROKER
    compare(theirs, serve(peers.Moldau(folder / "moldau", settings), logs), how, check)
    compare_files(data, copy, theirs, how, check)
    compare(theirs, serve(peers.Moldau(folder / "kafka", settings), logs), f"{how}, back", check)
    return theirs, complaints(kafka, logs)


def run(folder, options, counts):
    def check(good, what, why=None):
        counts.note("passed" if good else "FAILED", what, why if not good else None)

    logs = make_logs(folder, range(options.seed, options.seed + options.count))
    kafka = peers.Kafka(folder / "kafka", BROKER, version=options.kafka)
    with kafka:
        Client(kafka).make(logs)
        kafka.stop()
    put_into(kafka.folder / "data", logs)
    stopped, said = turn(folder, options, logs, "stopped", check)
    check(not said, "Kafka does not complain", "\n".join(said[:8]))
    put_into(kafka.folder / "data", logs)
    tear(kafka.folder / "data", logs, random.Random(options.seed))
    torn, _ = turn(folder, options, logs, TORN, check)
    check(any(torn[topic][0]["end"] < stopped[topic][0]["end"] for topic in logs),
          "something was torn off")


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", default=peers.KAFKA_VERSION)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--count", type=int, default=2, help="how many histories")
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    counts = tally.Tally()
    with tempfile.TemporaryDirectory() as temporary:
        run(pathlib.Path(options.keep or temporary).resolve(), options, counts)
    return counts.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"histories_live: {failure}")
