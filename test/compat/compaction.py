#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives Apache Kafka and us the same records, and compares what compaction leaves of them.

    compaction.py [--keep DIR]

Each record is a batch of its own, so that both have the same segments and clean up to the same
offset.  Below it the same records must be left: offset, key and value.  Then kafka-dump-log reads
our files, and Kafka starts on our folder and serves what we have served.
"""

import argparse
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import peers

TOPIC = "compacted"
RECORDS = 5000
KEYS = 300
VALUE_SIZE = 1000
WAIT_SECONDS = 60
SETTINGS = ("log.cleaner.backoff.ms=200",)
OURS = ("log.flush.offset.checkpoint.interval.ms=100",)
CONFIGS = ("cleanup.policy=compact", "segment.bytes=1048576", "min.cleanable.dirty.ratio=0.001",
           "file.delete.delay.ms=0")
# Where records are gone, offsets are not consecutive, in Kafka's own logs as well.
QUIRKS = ("Non-consecutive offsets in ",)
DUMPED = (".log", ".index", ".timeindex", ".snapshot")

counts = {True: 0, False: 0}


def check(good, what):
    counts[bool(good)] += 1
    if not good:
        print(what)


def lines():
    """Keys and values; some are tombstones."""
    chance = random.Random(7)
    for number in range(RECORDS):
        value = "NULL" if chance.random() < 0.05 else f"{number}-".ljust(VALUE_SIZE, "v")
        yield f"key-{chance.randrange(KEYS)}\t{value}\n"


def produce(subject):
    text = "".join(lines()).encode()
    peers.tool("kafka-console-producer", "--bootstrap-server", subject.bootstrap, "--topic", TOPIC,
               "--reader-property", "parse.key=true", "--reader-property", "null.marker=NULL",
               "--command-property", "batch.size=0", "--command-property", "linger.ms=0",
               input=text)


def clean_point(data):
    """How far the log is clean, by the checkpoint of the folder."""
    path = data / "cleaner-offset-checkpoint"
    if path.exists():
        for line in path.read_text().splitlines()[2:]:
            topic, _, offset = line.split()
            if topic == TOPIC:
                return int(offset)
    return 0


def active_base(data):
    return max(int(path.stem) for path in (data / f"{TOPIC}-0").glob("*.log"))


def wait_until_clean(data):
    deadline = time.monotonic() + WAIT_SECONDS
    while clean_point(data) < active_base(data):
        if time.monotonic() > deadline:
            raise peers.Failure(f"{data}: clean up to {clean_point(data)} of {active_base(data)}")
        time.sleep(0.1)  # Between two looks at what has a bound.
    return clean_point(data)


def consume(subject):
    out = peers.tool("kafka-console-consumer", "--bootstrap-server", subject.bootstrap, "--topic",
                     TOPIC, "--from-beginning", "--timeout-ms", 8000, "--formatter-property",
                     "print.offset=true", "--formatter-property", "print.key=true",
                     "--formatter-property", "null.literal=NULL")
    return [line for line in out.decode().splitlines() if line.startswith("Offset:")]


def write(subject):
    """What is left, and up to where it is clean."""
    with subject:
        configs = [word for config in CONFIGS for word in ("--config", config)]
        peers.tool("kafka-topics", "--bootstrap-server", subject.bootstrap, "--create", "--topic",
                   TOPIC, "--partitions", 1, *configs)
        produce(subject)
        point = wait_until_clean(subject.folder / "data")
        left = consume(subject)
        code = subject.stop()
    check(code in (0, 143), f"{subject.name} ends with {code}")
    return left, point


def expected(point):
    """By the rule: below the clean point the newest of each key, above it all."""
    records = [line.rstrip("\n").split("\t") for line in lines()]
    newest = {key: number for number, (key, _) in enumerate(records[:point])}
    return [f"Offset:{number}\t{key}\t{value}" for number, (key, value) in enumerate(records)
            if number >= point or newest[key] == number]


def show_to_dump_log(folder):
    files = sorted(str(path) for path in folder.iterdir() if path.suffix in DUMPED)
    command = peers.tool_command("kafka-dump-log", "--deep-iteration", "--files", ",".join(files))
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=peers.COMMAND_SECONDS)
    said = [line for line in done.stderr.splitlines()
            if not line.startswith(QUIRKS) and " is followed by " not in line]
    check(done.returncode == 0 and not said, "kafka-dump-log complains:\n" + "\n".join(said[:10]))
    wrong = [line for line in done.stdout.splitlines()
             if line.startswith("baseOffset: ") and " isvalid: true" not in line]
    check(not wrong, "kafka-dump-log finds wrong:\n" + "\n".join(wrong[:10]))
    check(files and not list(folder.glob("*.swap")) and not list(folder.glob("*.cleaned")),
          "names of a pass are left")


class Heir(peers.Kafka):
    """Kafka on a folder that is there."""

    def prepare(self):
        format_it, peers.run = peers.run, lambda *_: None
        try:
            super().prepare()
        finally:
            peers.run = format_it


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.keep or temporary).resolve()
        ours = peers.Moldau(folder / "moldau", [*SETTINGS, *OURS])
        left, point = write(ours)
        check(left == expected(point), f"{len(left)} records of ours, clean up to {point}, are not "
              f"the {len(expected(point))} that should be left")
        theirs, their_point = write(peers.Kafka(folder / "kafka", SETTINGS))
        check(point == their_point > 0, f"clean up to {point}, and Kafka up to {their_point}")
        check(left == theirs, f"{len(left)} records of ours are not Kafka's {len(theirs)}")
        show_to_dump_log(ours.folder / "data" / f"{TOPIC}-0")
        shutil.copytree(ours.folder / "data", folder / "heir" / "data")
        with Heir(folder / "heir", SETTINGS) as heir:
            check(consume(heir) == left, "Kafka on our folder serves other records")
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"compaction: {failure}")
