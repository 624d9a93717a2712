#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The options of Apache Kafka's tools, and whether ours have them.

    options.py [--list]

Each tool and each of its subcommands is asked for help, Kafka's and ours.  What Kafka's has must be
in ours; what ours marks with "Not served" must be refused with exit status 1 and its own name.
Options that Kafka's once had are refused with what to use instead.  --list prints the table:
command, option, served or not.  $MOLDAU is the binary, unless set build/moldau.
"""

import argparse
import os
import re
import subprocess
import sys

import commands
import peers

SUBCOMMANDS = {
    "kafka-cluster": ["cluster-id", "unregister", "list-endpoints"],
    "kafka-features": ["describe", "upgrade", "downgrade", "disable", "version-mapping",
                       "feature-dependencies"],
    "kafka-metadata-quorum": ["describe", "add-controller", "remove-controller"],
    "kafka-storage": ["info", "format", "version-mapping", "feature-dependencies", "random-uuid"],
}

# In front of the subcommand with us, behind it with Kafka: both places are served.
MOVED = {("kafka-metadata-quorum", "--bootstrap-controller")}

# It takes --help for a positional argument, and prints its help when it is given nothing.
WITHOUT_HELP = "kafka-e2e-latency"

# What else must be said so that an option is looked at.
COMPLETE = {
    "kafka-topics": "--bootstrap-server 127.0.0.1:1 --topic t --partitions 3",
    "kafka-configs": "--bootstrap-server 127.0.0.1:1 --describe",
    "kafka-producer-perf-test": "--bootstrap-server 127.0.0.1:1 --topic t --num-records 1 "
                                "--throughput 1 --record-size 1",
    "kafka-consumer-perf-test": "--bootstrap-server 127.0.0.1:1 --topic t --num-records 1",
}
# These stand in place of a word of COMPLETE.
INSTEAD = {"--bootstrap-controller": ("--bootstrap-server 127.0.0.1:1",
                                      "--entity-type brokers --entity-name 1")}
# What an option is given of which only some values are not served.
VALUES = {"--entity-type": "clients"}

OLD = [
    ("kafka-topics --zookeeper localhost:2181 --list", "--bootstrap-server"),
    ("kafka-configs --zookeeper localhost:2181 --describe", "--bootstrap-server"),
    ("kafka-console-producer --broker-list localhost:9092 --topic t", "--bootstrap-server"),
    ("kafka-get-offsets --broker-list localhost:9092 --topic t", "--bootstrap-server"),
    ("kafka-console-consumer --zookeeper localhost:2181 --topic t", "--bootstrap-server"),
    ("kafka-console-consumer --new-consumer --topic t", "leave it out"),
    ("kafka-console-consumer --whitelist t.*", "--include"),
    ("kafka-console-consumer --num-records 3", "--max-messages"),
    ("kafka-consumer-groups --new-consumer --list", "leave it out"),
    ("kafka-consumer-perf-test --broker-list localhost:9092 --topic t", "--bootstrap-server"),
    ("kafka-consumer-perf-test --threads 4", "leave it out"),
    ("kafka-consumer-perf-test --producer.config f", "--command-config"),
    ("kafka-producer-perf-test --broker-list localhost:9092", "--bootstrap-server"),
    ("kafka-verifiable-producer --broker-list localhost:9092", "--bootstrap-server"),
    ("kafka-topics --consumer.config f --list", "--command-config"),
]

NAME = re.compile(r"^ *(?:-\w(?: [A-Z][\w.-]*)?, )?(--[a-z][\w.-]*)(?=[ =\n]|$)", re.MULTILINE)
COLUMN = 41


def names(text):
    return set(NAME.findall(text))


def unserved(text):
    """The options of our help whose explanation says that they are not served."""
    found, option, about = set(), None, ""
    for line in [*text.splitlines(), "--end"]:
        name = NAME.match(line)
        if name or not line.startswith(" "):
            if option and "Not served" in about:
                found.add(option)
            option, about = (name[1] if name else None), ""
        about += " " + line[COLUMN:].strip()
    return found


class Audit:
    def __init__(self, binary):
        self.binary = binary
        self.rows = []
        self.passed = 0
        self.mistakes = []

    def run(self, words):
        done = subprocess.run([self.binary, *words], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    def check(self, is_good, sentence):
        self.passed += is_good
        if not is_good:
            self.mistakes.append(sentence)

    def compare(self, kafka, tool, subcommand):
        words = [tool, subcommand] if subcommand else [tool]
        _, out, err = kafka.run(words if tool == WITHOUT_HELP else [*words, "--help"], "")
        theirs = names(out + err) - {"--help"}
        self.check(bool(theirs) or bool(subcommand) or tool in SUBCOMMANDS,
                   f"{tool}: Kafka's help has no options")
        text = self.run([*words, "--help"])[1]
        ours, refused = names(text), unserved(text)
        for option in sorted(theirs):
            is_there = option in ours or (tool, option) in MOVED
            served = "missing" if not is_there else "no" if option in refused else "yes"
            self.rows.append((" ".join(words), option, served))
            self.check(is_there, f"{' '.join(words)}: Kafka has {option}, ours does not say so")
        return theirs & refused

    def refuse(self, tool, option):
        """An option that is not served says so, whatever value it has."""
        complete = COMPLETE[tool].replace(*INSTEAD.get(option, ("", "")))
        for value in ([], [VALUES.get(option, "1")]):
            status, said = self.run([tool, *complete.split(), option, *value])
            if status == 1 and "not served" in said and option.lstrip("-") in said:
                break
        self.check(status == 1 and "not served" in said and option.lstrip("-") in said,
                   f"{tool} {option}: status {status}, {said[:200]!r}")

    def advise(self, line, instead):
        status, said = self.run(line.split())
        lines = [text for text in said.splitlines() if text.startswith("moldau: --")]
        self.check(status == 1 and any(instead in text for text in lines),
                   f"{line}: status {status}, {said[:200]!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    audit = Audit(os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau"))
    kafka = commands.KafkaTools()
    try:
        for tool in peers.TOOLS:
            refused = set()
            for subcommand in [None, *SUBCOMMANDS.get(tool, [])]:
                refused |= audit.compare(kafka, tool, subcommand)
            for option in sorted(refused):
                audit.refuse(tool, option)
    finally:
        kafka.stop()
    for line, instead in OLD:
        audit.advise(line, instead)
    if args.list:
        for row in audit.rows:
            print("%-40s %-32s %s" % row)
    for sentence in audit.mistakes:
        print(f"FAIL {sentence}")
    print(f"{audit.passed} passed, {len(audit.mistakes)} failed, 0 skipped")
    return bool(audit.mistakes)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except peers.Failure as error:
        sys.exit(f"options.py: {error}")
