#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the same bytes to Apache Kafka and to Moldau and compares what comes back.

    differential.py [--kafka VERSION] [--case PATTERN ...] [--setting KEY=VALUE ...]
                    [--show] [--list]

Every field of every answer is compared, but for ids, addresses, times and the words of
error messages.  differences.txt lists what may differ, with the reason; a difference
that is not listed fails, and so does a line there that no longer describes one.
Kafka is 4.4.0, or the version that is asked for, but for cases that are about what only an
older one can do.
"""

import argparse
import collections
import fnmatch
import re
import sys
import tempfile
import time

import peers
import talk
import wire

import cases_versions  # noqa: F401 (each registers its cases)
import cases_topics  # noqa: F401
import cases_produce  # noqa: F401
import cases_fetch  # noqa: F401
import cases_frames  # noqa: F401
import cases_groups  # noqa: F401
import cases_offsets  # noqa: F401
import cases_old_formats  # noqa: F401
import cases_log_dirs  # noqa: F401

LISTED = peers.HERE / "differences.txt"
SETTINGS = ["node.id=1"]
ABSENT = "(absent)"
RELEASES = ("4.4.0", "4.3.1")
OF_A_RELEASE = re.compile(r"\[([0-9.]+)\] ")


class Listed:
    """A line of differences.txt: path | Kafka | Moldau, all three patterns."""

    def __init__(self, number, line):
        self.may_be_absent = line.strip().startswith("? ")
        parts = [part.strip() for part in line.strip().removeprefix("? ").split("|")]
        if len(parts) != 3:
            raise peers.Failure(f"{LISTED.name}:{number}: not path | Kafka | Moldau")
        self.path, self.kafka, self.moldau = parts
        self.number = number
        self.uses = 0

    def covers(self, path, kafka, moldau):
        return (fnmatch.fnmatchcase(path, self.path) and
                fnmatch.fnmatchcase(str(kafka), self.kafka) and
                fnmatch.fnmatchcase(str(moldau), self.moldau))


def read_listed(version):
    """Indented lines, below the reason that they have in common; those for this Kafka."""
    listed, reason = [], ""
    for number, line in enumerate(LISTED.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            reason = line
        elif reason:
            release = OF_A_RELEASE.match(line.strip())
            if release is None:
                listed.append(Listed(number, line))
            elif release[1] == version:
                listed.append(Listed(number, line.strip()[release.end():]))
        else:
            raise peers.Failure(f"{LISTED.name}:{number}: a difference without a reason")
    return listed


def run_cases(broker, apis, cases, now_ms):
    """All notes of one broker, by case."""
    notes = {}
    for function in cases:
        name = function.__name__
        notes[name] = {}
        one = talk.Talk(name, apis, broker, notes[name], now_ms)
        try:
            function(one)
        except Exception as error:  # noqa: BLE001 (an odd answer must not end the others)
            one.note("the case broke off", f"{type(error).__name__}: {error}")
        if broker.process.poll() is not None:
            one.note("the broker died", broker.tail())
            broker.start()
        one.alive()
    return notes


def is_below_a_difference(path, kafka, moldau):
    """Whether only one has this, because the answers or lists that it is a part of differ."""
    return (path in kafka) != (path in moldau) and any(
        kafka.get(path[:at]) != moldau.get(path[:at])
        for at, letter in enumerate(path) if letter in "./")


def compare(name, kafka, moldau, listed):
    """Prints the unlisted differences of one case and counts them."""
    count = 0
    for path in [*kafka, *(path for path in moldau if path not in kafka)]:
        ours, theirs = moldau.get(path, ABSENT), kafka.get(path, ABSENT)
        if ours == theirs:
            continue
        known = next((line for line in listed if line.covers(path, theirs, ours)), None)
        if known:
            known.uses += 1
            continue
        if is_below_a_difference(path, kafka, moldau):
            continue
        if count < 40:
            print(f"        {path}: Kafka {theirs!r}, Moldau {ours!r}")
        count += 1
    print(f"{'FAILED' if count else 'passed':7} {name}: {len(kafka)} fields"
          f"{f', {count} differ' if count else ''}", flush=True)
    return count


def run_kafka(cases, version, apis, now_ms):
    """The notes of Kafka, of as many versions of it as the cases ask for."""
    notes = {}
    for wanted in dict.fromkeys(function.kafka_version or version for function in cases):
        own = [function for function in cases if (function.kafka_version or version) == wanted]
        with tempfile.TemporaryDirectory(prefix="moldau-kafka-") as folder:
            with peers.Kafka(folder, version=wanted) as broker:
                notes |= run_cases(broker, apis, own, now_ms)
    return notes


def run_both(cases, version, settings):
    """The notes of both brokers; theirs are the same from run to run, so only ours counts."""
    apis = wire.load(peers.TREE)
    now_ms = int(time.time() * 1000)
    kafka = run_kafka(cases, version, apis, now_ms)
    with tempfile.TemporaryDirectory(prefix="moldau-moldau-") as folder:
        with peers.Moldau(folder, [*SETTINGS, *settings]) as broker:
            return kafka, run_cases(broker, apis, cases, now_ms)


def show(cases, version):
    """Prints what Kafka answers, for whoever writes a case."""
    notes = run_kafka(cases, version, wire.load(peers.TREE), int(time.time() * 1000))
    for case_notes in notes.values():
        for path, value in case_notes.items():
            print(f"{path} = {value}")
    return 0


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", choices=RELEASES, default=RELEASES[0])
    parser.add_argument("--case", action="append", help="only this case (a pattern)")
    parser.add_argument("--setting", action="append", default=[], help="more of Moldau's")
    parser.add_argument("--show", action="store_true", help="print Kafka's answers instead")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    options = parser.parse_args(words)
    cases = [function for function in talk.CASES if not options.case or any(
        fnmatch.fnmatch(function.__name__, pattern) for pattern in options.case)]
    if options.list:
        print(*(function.__name__ for function in cases), sep="\n")
        return 0
    if options.show:
        return show(cases, options.kafka)
    listed = read_listed(options.kafka)
    kafka, moldau = run_both(cases, options.kafka, options.setting)
    counts = collections.Counter(
        bool(compare(name, kafka[name], moldau[name], listed)) for name in kafka)
    stale = [line for line in listed if not (line.uses or line.may_be_absent or options.case)]
    for line in stale:
        print(f"FAILED  {LISTED.name}:{line.number} describes no difference: {line.path}")
    print(f"{counts[False]} passed, {counts[True] + len(stale)} failed, 0 skipped")
    return 1 if counts[True] or stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
