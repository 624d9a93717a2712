#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A broker that is restarted again and again, under clients that are not.

    storm.py [--restarts N] [--seed S] [--ledger] [--keep]

A Java producer and one of librdkafka write, each a topic of its own, and a member of each reads
both topics in a group of its own.  All have their defaults but for quick sessions, so both
producers are idempotent.  Meanwhile the broker gets SIGTERM or SIGKILL, by chance, and starts
again.  In the end each record must be there once, in its writer's order within its partition, each
group must have read all of them, and no client may have ended or given a record up.
"""

import argparse
import json
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
sys.path.insert(0, str(TREE / "test/fault"))

import peers  # noqa: E402

peers.enter_venv()

import contents  # noqa: E402 (needs the venv, as all of these)
import ledger  # noqa: E402
import program_kinds  # noqa: E402
import program_watch  # noqa: E402
import records  # noqa: E402
import tally  # noqa: E402

KINDS = {"java": "lz4", "confluent-kafka": "zstd"}  # Its codec.
PARTITIONS = 3
PER_WRITE = 20  # Records of each writer.
APART_S = 0.4  # At most, from a start to the next signal.
FLIGHT_S = 0.02  # At most, from a write to that: requests may be on their way.
END_S = 120
SETTINGS = ["offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0"]


class Member:
    """A consumer in a process of its own, and what it has printed."""

    def __init__(self, name, kind, bootstrap, topics, folder):
        self.name, self.kind = name, kind
        self.seen = {}  # By topic, partition and offset: the value.
        self.strange = []
        self.path = folder / f"reader-{name}.log"
        with open(self.path, "ab") as log:
            self.process = program_watch.spawn(
                kind.reader(bootstrap, f"group-{name}", topics), log,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            topic, one = self.kind.parse(line.rstrip(b"\n"))
            known = self.seen.setdefault((topic, one.partition, one.offset), one.value)
            if known != one.value:
                self.strange.append(f"{topic} {one.partition} {one.offset} was {known!r}, "
                                    f"and is {one.value!r}")

    def end(self):
        program_watch.end(self.process, signal.SIGTERM, self.name)
        self.thread.join(program_watch.WAIT_SECONDS)


class Storm:
    """Clients, and what was written: by topic the values, in their order."""

    def __init__(self, folder, broker):
        self.broker = broker
        self.written = {f"of-{name}": [] for name in KINDS}
        kinds = {name: program_kinds.kind(name) for name in KINDS}
        topics = list(self.written)
        kinds["java"].create(broker.bootstrap, topics, PARTITIONS)
        self.members = [Member(name, kind, broker.bootstrap, topics, folder)
                        for name, kind in kinds.items()]
        self.writers = {}
        for (name, codec), topic in zip(KINDS.items(), topics):
            (folder / name).mkdir()
            self.writers[topic] = program_watch.Writers(
                kinds[name], broker.bootstrap, {topic: codec}, folder / name)

    def write(self, rng):
        for topic, values in self.written.items():
            made = []
            for _ in range(PER_WRITE):
                value = json.dumps({"n": len(values), "x": "x" * rng.choice((0, 10, 900))}).encode()
                values.append(value)
                made.append((topic, records.Record(
                    len(values), b"key-%d" % rng.randrange(50), value, (), None, None)))
            self.writers[topic].give(made)

    def ended(self):
        """A client that has ended by itself, or None."""
        every = [(f"the reader {member.name}", member.process, member.path)
                 for member in self.members]
        every += [(f"the writer of {topic}", process, writers.path)
                  for topic, writers in self.writers.items() for process in writers.processes]
        return next((f"{name} has ended with {process.returncode}: {path.read_text()[-1500:]}"
                     for name, process, path in every if process.poll() is not None), None)

    def turn(self, rng, events):
        """Some records, and a restart somewhere in their middle: where the signal meets the broker
        is to be by chance."""
        self.write(rng)
        time.sleep(rng.uniform(0, APART_S))
        self.write(rng)
        time.sleep(rng.uniform(0, FLIGHT_S))
        how = rng.choice(("SIGTERM", "SIGKILL"))
        if how == "SIGTERM" and self.broker.stop():
            raise peers.Failure(f"the broker did not stop well: {self.broker.tail()}")
        if how == "SIGKILL":
            self.broker.kill()
        events[how] += 1
        self.broker.start()
        why = self.ended()
        if why:
            raise peers.Failure(why)

    def begin(self, rng):
        """All clients are at work."""
        self.write(rng)
        self.wait_until_read()

    def finish(self):
        """All is written and read, in time."""
        for writers in self.writers.values():
            writers.finish()
        self.wait_until_read()

    def wait_until_read(self):
        wanted, until = sum(map(len, self.written.values())), time.monotonic() + END_S
        while any(len(member.seen) < wanted for member in self.members):
            if time.monotonic() > until:
                counts = {member.name: len(member.seen) for member in self.members}
                raise peers.Failure(f"of {wanted} records were read: {counts}")
            time.sleep(0.05)  # Before it is looked again.

    def judge(self):
        """What is wrong in the end; yields a name and a reason, or None."""
        found = contents.read(self.broker.port)
        yield "all can be read", "; ".join(found.wrong) or (
            str(dict(found.refused)) if found.refused else None)
        for topic, values in self.written.items():
            ends = sum(found.ends[topic, part] for part in range(PARTITIONS))
            yield f"{topic} has each record once", None if ends == len(values) else (
                f"{ends} offsets for {len(values)} records")
        for member in self.members:
            yield f"{member.name} read the same at each offset", "; ".join(member.strange) or None
            for topic, values in self.written.items():
                yield f"{member.name} read all of {topic}, in order", self._order(
                    member, topic, values)

    def _order(self, member, topic, values):
        got = sorted((part, offset, value) for (name, part, offset), value in member.seen.items()
                     if name == topic)
        numbers = [(part, json.loads(value)["n"]) for part, _, value in got]
        if sorted(value for *_, value in got) != sorted(values):
            return f"{len(got)} records read, {len(values)} written, and they are not the same"
        return None if numbers == sorted(numbers) else "not in the order of the writer"

    def end(self):
        """Whatever has happened, nothing of it goes on."""
        for member in self.members:
            if member.process.poll() is None:
                member.process.kill()
                member.process.wait()
        for writers in self.writers.values():
            for process in writers.processes:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--restarts", type=int, default=200)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--ledger", action="store_true", help="note what came of it")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    rng, counts, events = random.Random(seed), tally.Tally(), {"SIGTERM": 0, "SIGKILL": 0}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-storm-"))
    storm = None
    try:
        with peers.Moldau(folder / "broker", SETTINGS) as broker:
            storm = Storm(folder, broker)
            storm.begin(rng)
            for _ in range(options.restarts):
                storm.turn(rng, events)
            counts.note("passed", "no client ended")
            storm.finish()
            counts.note("passed", "all was acknowledged and read")
            for name, why in storm.judge():
                counts.note("FAILED" if why else "passed", name, why)
            for member in storm.members:
                member.end()
            status = broker.stop()
            counts.note("FAILED" if status else "passed", "the broker stops in order")
    except peers.Failure as failure:
        counts.note("FAILED", f"seed {seed}", str(failure))
    finally:
        if storm:
            storm.end()
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    total = sum(map(len, storm.written.values())) if storm else 0
    told = f"{events['SIGTERM']} SIGTERM, {events['SIGKILL']} SIGKILL, {total} records"
    print(f"seed {seed}: {told}")
    if options.ledger:
        ledger.append("storm", seed, sum(events.values()), counts.counts["FAILED"], told)
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
