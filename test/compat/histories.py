#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Has Apache Kafka's tools read folders of data that random histories have left.

    histories.py [--seed N] [--count N] [--keep DIR]

history_peer.c makes one folder from each seed: all codecs, transactions, compaction, retention,
deleted records, stops and kills.  kafka-dump-log reads all files of each log, in three ways; it
must complain of nothing and print the same, byte for byte, as our own.  And the records that
it shows must be as many, with offsets as far, as a reader finds through our log.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import commands
import peers
import store

PEER = pathlib.Path(os.environ.get("HISTORY_PEER") or
                    peers.TREE / "build/test/compat/history_peer")
KINDS = (".log", ".index", ".timeindex", ".txnindex", ".snapshot")
# Said of a compacted log.
HOLE = re.compile(r"  \d+ is followed by \d+$")
# From so many histories on each kind of event must have happened.
ENOUGH = 20

counts = {True: 0, False: 0}


def check(good, what):
    counts[bool(good)] += 1
    if not good:
        print(f"FAIL {what}")
    return good


class Batches:
    """The batches that kafka-dump-log shows of one log, from the offset `start` on."""

    def __init__(self, lines, start):
        self.records, self.end = 0, 0
        is_behind = False
        for line in lines:
            if line.startswith("baseOffset: "):
                last = int(line.split()[3])
                is_behind = last >= start
                self.end = max(self.end, last + 1)
            elif line.startswith("| offset: ") and is_behind:
                self.records += 1


class Histories:
    """Kafka's tools, ours, and what happened in all histories.  Of what Kafka itself has left its
    tools may complain."""

    def __init__(self, is_kafkas=False):
        self.is_kafkas = is_kafkas
        self.theirs = commands.KafkaTools()
        self.ours = commands.OurTools(os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau"))
        self.events = collections.Counter()
        self.files = collections.Counter()

    def dump(self, label, files, holes, *way):
        """What both print, which is the same and no complaint; Kafka's lines."""
        words = ["kafka-dump-log", "--files", ",".join(map(str, files)), *way]
        theirs, ours = (tools.run(words, "") for tools in (self.theirs, self.ours))
        label = f"{label} {' '.join(way)}"
        check(theirs[0] == ours[0] == 0, f"{label}: status {theirs[0]}, ours {ours[0]}")
        if theirs[1] != ours[1]:
            lines = commands.lines_that_differ(theirs[1], ours[1])[:8]
            check(False, "\n".join([f"{label}: ours prints something else", *lines]))
        lines = theirs[1].splitlines()
        said = [line for line in commands.sentences(theirs[2]).splitlines()
                if not line.startswith(store.QUIRKS) and not (holes and HOLE.match(line))]
        wrong = store.records_of(lines)[1] + said
        check(self.is_kafkas or not wrong,
              f"{label}: Kafka complains:\n  " + "\n  ".join(wrong[:8]))
        return lines

    def look_at_log(self, label, folder, start, end, records, holes):
        """All files of one log."""
        files = sorted(path for path in folder.iterdir() if path.suffix in KINDS)
        self.files.update(path.suffix for path in files)
        lines = self.dump(label, files, holes, "--deep-iteration", "--print-data-log")
        for path in files:
            check(f"Dumping {path}" in lines, f"{label}: {path.name} is not shown")
        shown = Batches(lines, start)
        # Where nothing is left the name of the last segment says how far the log goes.
        shown.end = max([shown.end, *(int(path.stem) for path in files if path.suffix == ".log")])
        check((shown.records, shown.end) == (records, end),
              f"{label}: shows {shown.records} records up to {shown.end}, not {records} to {end}")
        indexes = [path for path in files if path.suffix in (".index", ".timeindex")]
        self.dump(label, indexes, holes, "--index-sanity-check")
        self.dump(label, indexes, holes, "--verify-index-only")

    def run(self, seed, folder):
        said = peers.run([PEER, folder, seed])
        for kind, name, *numbers in map(str.split, said.decode().splitlines()):
            if kind == "event":
                self.events[name] += int(numbers[0])
            else:
                self.look_at_log(f"seed {seed} {name}", folder / name, *map(int, numbers))

    def end(self, count):
        self.theirs.stop()
        print(" ".join(f"{name}={self.events[name]}" for name in sorted(self.events)))
        print(" ".join(f"{name}={self.files[name]}" for name in sorted(self.files)))
        if count >= ENOUGH:
            for name in [*(name for name in self.events), *KINDS]:
                check(self.events[name] or self.files[name], f"there was no {name}")


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--count", type=int, default=20, help="how many histories")
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what fails")
    options = parser.parse_args(words)
    histories = Histories()
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seed, options.seed + options.count):
            folder = pathlib.Path(options.keep or temporary).resolve() / f"seed-{seed}"
            failed = counts[False]
            histories.run(seed, folder)
            if counts[False] == failed:
                shutil.rmtree(folder)
    histories.end(options.count)
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"histories: {failure}")
