#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our tables of APIs, errors, record types, features and settings with Kafka's own.

    facts.py [--show RELEASE]

Kafka's are read by reflection out of the classes of 4.3.1 and 4.4.0: Facts.java.  We may
have versions of requests that only 3.9.2 had.  Settings are compared by type, default and
bounds, but those of the broker that we do not act on yet by their names alone.  What else
may differ is in facts_differences.txt, with the reason; a line there that describes no
difference fails.
"""

import argparse
import collections
import fnmatch
import os
import pathlib
import subprocess
import sys

import peers

RELEASES = ("4.4.0", "4.3.1")
OLD_RELEASE = "3.9.2"
LISTED = peers.HERE / "facts_differences.txt"
PEER = pathlib.Path(os.environ.get("FACTS_PEER") or peers.TREE / "build/test/compat/facts_peer")


def kafka_facts(release):
    folder = peers.jars(release, release == peers.TOOLS_VERSION)
    what = ["apis"] if release == OLD_RELEASE else []
    said = peers.run([*peers.java(folder), peers.HERE / "Facts.java", *what])
    return said.decode().splitlines()


def our_facts():
    return subprocess.run([PEER], check=True, capture_output=True, text=True).stdout.splitlines()


def as_far_as_known(facts, ours):
    """Kafka's facts; of a setting that we only know by name, no more than that."""
    for fact in facts:
        word, *rest = fact.split("\t")
        known = "\t".join(["known", *rest[:2]])
        yield known if word in ("config", "bounds") and known in ours else fact


class Listed:
    """A line of the list: release | who says it | the fact | reason, the first three patterns."""

    def __init__(self, number, line):
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 4 or not parts[3]:
            raise peers.Failure(f"{LISTED.name}:{number}: release | who | fact | reason")
        self.release, self.who, self.fact, self.reason = parts
        self.number = number
        self.uses = 0

    def covers(self, release, who, fact):
        return (fnmatch.fnmatchcase(release, self.release) and
                fnmatch.fnmatchcase(who, self.who) and
                fnmatch.fnmatchcase(fact.replace("\t", " "), self.fact))


def read_listed():
    return [Listed(number, line) for number, line in enumerate(LISTED.read_text().splitlines(), 1)
            if line.strip() and not line.startswith("#")]


def compare(release, ours, old, listed):
    """Prints what only one side says; returns how many facts are well and how many not."""
    counts = collections.Counter()
    theirs = set(as_far_as_known(kafka_facts(release), ours))
    for who, facts, other in (("Kafka", theirs, ours), ("Moldau", ours, theirs)):
        for fact in sorted(facts):
            known = fact in old if who == "Moldau" else None
            if fact not in other and not known:
                known = next((line for line in listed if line.covers(release, who, fact)), None)
                if not known:
                    print(f"{release}: only {who} says: " + fact.replace("\t", " "))
                    counts[False] += 1
                    continue
                known.uses += 1
            counts[True] += 1
    print(f"{release}: {len(theirs)} facts of Kafka's, {len(ours)} of ours")
    return counts


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--show", metavar="RELEASE", help="print Kafka's facts instead")
    options = parser.parse_args(words)
    if options.show:
        print("\n".join(kafka_facts(options.show)))
        return 0
    listed = read_listed()
    ours = set(our_facts())
    old = {fact for fact in kafka_facts(OLD_RELEASE) if fact.startswith("version")}
    counts = sum((compare(release, ours, old, listed) for release in RELEASES),
                 collections.Counter())
    stale = [line for line in listed if not line.uses]
    for line in stale:
        print(f"{LISTED.name}:{line.number} describes no difference: {line.fact}")
    failed = counts[False] + len(stale)
    print(f"{counts[True]} passed, {failed} failed, 0 skipped")
    return 1 if failed or not counts[True] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.CalledProcessError) as failure:
        sys.exit(f"facts: {failure}")
