#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sends the same bytes to Apache Kafka and to Moldau and compares what comes back.

    differential.py [--kafka VERSION] [--slice] [--case PATTERN ...] [--setting KEY=VALUE ...]
                    [--show] [--list]

Every field of every answer is compared, but for ids, addresses and times.
differences.txt lists what may differ, with the reason; a difference that is not listed
fails, and so does a line there that no longer describes one.  When all cases are run,
every call that Moldau advertises must have been made and every error that its handlers
can give must have been seen (coverage.py).  --slice runs a part, for every day.
The Kafka is 4.4.0 unless said otherwise, but for cases that are about what only an
older one can do.
"""

import argparse
import collections
import fnmatch
import sys
import tempfile
import time

import coverage
import peers
import talk

import cases_versions  # noqa: F401 (each registers its cases)
import cases_topics  # noqa: F401
import cases_configs  # noqa: F401
import cases_admin  # noqa: F401
import cases_produce  # noqa: F401
import cases_fetch  # noqa: F401
import cases_frames  # noqa: F401
import cases_groups  # noqa: F401
import cases_offsets  # noqa: F401
import cases_old_formats  # noqa: F401
import cases_log_dirs  # noqa: F401

# On a busy machine Kafka would take its only broker for dead now and then.
PATIENT = ["broker.session.timeout.ms=30000"]

LISTED = peers.HERE / "differences.txt"
SETTINGS = ["node.id=1"]
ABSENT = "(absent)"
RELEASES = ("4.4.0", "4.3.1")


class Listed:
    """A line of differences.txt: path | Kafka | Moldau, all three patterns; `[4.3.1]` in front
    says that it is so of that Kafka only, `?` that it is not in every run."""

    def __init__(self, number, line, version):
        line = line.strip()
        self.is_of_another = False
        if line.startswith("["):
            only, _, line = line[1:].partition("] ")
            self.is_of_another = only != version
        self.may_be_absent = line.startswith("? ")
        parts = [part.strip() for part in line.strip().removeprefix("? ").split("|")]
        if len(parts) != 3:
            raise peers.Failure(f"{LISTED.name}:{number}: not path | Kafka | Moldau")
        self.path, self.kafka, self.moldau = parts
        self.number = number
        self.uses = 0

    def covers(self, path, kafka, moldau):
        return (not self.is_of_another and fnmatch.fnmatchcase(path, self.path) and
                fnmatch.fnmatchcase(str(kafka), self.kafka) and
                fnmatch.fnmatchcase(str(moldau), self.moldau))


def read_listed(version):
    """Indented lines, below the reason that they have in common."""
    listed, reason = [], ""
    for number, line in enumerate(LISTED.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            reason = line
        elif reason:
            listed.append(Listed(number, line, version))
        else:
            raise peers.Failure(f"{LISTED.name}:{number}: a difference without a reason")
    return listed


def run_cases(broker, cases, seen, now_ms):
    """All notes of one broker, by case."""
    notes = {}
    for case in cases:
        notes[case.name] = {}
        one = talk.Talk(case.name, broker, notes[case.name], seen, now_ms)
        try:
            case.function(one, *case.values)
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


def run_kafka(cases, version, now_ms):
    """The notes of Kafka, of as many versions of it as the cases ask for."""
    notes = {}
    seen = coverage.Seen()
    for wanted in dict.fromkeys(case.kafka_version or version for case in cases):
        own = [case for case in cases if (case.kafka_version or version) == wanted]
        with tempfile.TemporaryDirectory(prefix="moldau-kafka-") as folder:
            with peers.Kafka(folder, PATIENT, version=wanted) as broker:
                notes |= run_cases(broker, own, seen, now_ms)
    return notes


def run_both(cases, version, settings, seen):
    """The notes of both brokers; `seen` learns what Moldau answered."""
    now_ms = int(time.time() * 1000)
    kafka = run_kafka(cases, version, now_ms)
    with tempfile.TemporaryDirectory(prefix="moldau-moldau-") as folder:
        with peers.Moldau(folder, [*SETTINGS, *settings]) as broker:
            return kafka, run_cases(broker, cases, seen, now_ms)


def show(cases, version):
    """Prints what Kafka answers, for whoever writes a case."""
    notes = run_kafka(cases, version, int(time.time() * 1000))
    for case_notes in notes.values():
        for path, value in case_notes.items():
            print(f"{path} = {value}")
    return 0


def choose(patterns, is_slice):
    """The cases to run.  A slice has the first and the last of each table, and none that need
    a Kafka of their own."""
    cases = [case for case in talk.CASES if not patterns or any(
        fnmatch.fnmatchcase(case.name, pattern) for pattern in patterns)]
    if not is_slice:
        return cases
    of = collections.defaultdict(list)
    for case in cases:
        if not case.kafka_version:
            of[case.function].append(case)
    return [case for case in cases if case in of[case.function][:1] + of[case.function][-1:]]


def report(kafka, moldau, listed, is_part):
    """Prints what differs; returns how many cases passed, and how much failed."""
    counts = collections.Counter(
        bool(compare(name, kafka[name], moldau[name], listed)) for name in kafka)
    failed = counts[True]
    for line in listed:
        if not (line.uses or line.may_be_absent or line.is_of_another or is_part):
            print(f"FAILED  {LISTED.name}:{line.number} describes no difference: {line.path}")
            failed += 1
    return counts[False], failed


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", help="only these cases (a pattern)")
    parser.add_argument("--kafka", choices=RELEASES, default=RELEASES[0],
                        help="the Apache Kafka to compare with")
    parser.add_argument("--slice", action="store_true", help="a part, for every day")
    parser.add_argument("--setting", action="append", default=[], help="more of Moldau's")
    parser.add_argument("--show", action="store_true", help="print Kafka's answers instead")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    options = parser.parse_args(words)
    cases = choose(options.case, options.slice)
    if options.list:
        print(*(case.name for case in cases), sep="\n")
        return 0
    if options.show:
        return show(cases, options.kafka)
    is_part = bool(options.case or options.slice)
    seen = coverage.Seen()
    listed = read_listed(options.kafka)
    kafka, moldau = run_both(cases, options.kafka, options.setting, seen)
    passed, failed = report(kafka, moldau, listed, is_part)
    for sentence in () if is_part else coverage.missing(seen):
        print(f"FAILED  {sentence}")
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
