#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same command lines to Apache Kafka's tools and to ours, against the same broker.

    commands.py [--subject kafka|moldau|both] [--case TEXT] [--show] [--list]

A case is a row of CASES in lines_*.py: words, standard input.  Words are split at blanks; \\x20
stands for a blank inside a word.  `members ...` makes a group with members that stay or lets
them go (members.py), `nobody` deletes all groups, `alone` gives a tool of Kafka's a process of
its own.  All cases run in their order with Kafka's
tools; then the topics are deleted, and they run again with ours.  What is compared: exit
status, standard output, and standard error as far as it is a tool's own sentence (log lines,
stack traces and the usage are cut off).  Ids and times are masked.

KNOWN lists what differs, with the reason; a line there that is not needed any more fails.
$MOLDAU is the binary, unless set build/moldau.  $KAFKA_BOOTSTRAP names a running broker
instead of one that is started here.
"""

import argparse
import difflib
import json
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import lines_cluster
import lines_configs
import lines_console
import lines_groups
import lines_offsets
import lines_perf
import lines_topics
import lines_verify
import members
import peers
from lines import B, CONSUME, GROUPS, N, PRODUCE, TOPICS, TYPES

# Each has CASES and KNOWN; FILES, where it has them: the value {name} is a file of that text;
# IS_SLOW, if it is for `make compat` only.
MODULES = [lines_topics, lines_console, lines_offsets, lines_configs, lines_cluster,
           lines_groups, lines_perf, lines_verify]
CASES = [case for module in MODULES for case in module.CASES]
KNOWN = [known for module in MODULES for known in module.KNOWN]

# What others are built on, which run too when only some cases are asked for.
GROUND = ("members", "nobody", f"{TOPICS} --create", PRODUCE)

CASE_SECONDS = 20
ALONE_SECONDS = 90  # A Java machine starts, perhaps on a busy computer.
SETTLE_TRIES = 500
ENDS_PROCESS = -1

LOG_LINE = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}|\[\d{4}-\d\d-\d\d [\d:,]+\]) [EW]R?.*\n?", re.M)
STACK = re.compile(r"^(\tat .*|\tSuppressed: .*|Caused by: .*|\t\.\.\. \d+ more)\n?", re.M)
USAGE = re.compile(r"^Option( \(\* = required\))? +Description.*", re.M | re.S)
# Tools with subcommands break and justify the line behind their usage, and advise.
ARGPARSE = re.compile(r"^usage: .*?^([\w-]+:\s+error:.*?)(?:Did you mean:.*)?\Z", re.M | re.S)
# Said by Java's consumer about itself.
ADVICE = re.compile(r"^The consumer rebalance protocol .*\n?", re.M)
# Ours says what to use instead of options that are gone.
INSTEAD = re.compile(r"^moldau: --.*\n?", re.M)
CLASS = re.compile(r"^(Error occurred: )?(?:Exception in thread \"main\" )?"
                   r"(?:(?:[a-z]\w*\.)+[A-Z]\w*(?:Exception|Error): )+", re.M)
# Features: what they are counts, not how often the cluster has been changed.
EPOCH = re.compile(r"(Feature: .*Epoch: )\d+")
# What is in a log directory.
SIZE = re.compile(r'"size":\d+')
PLACED = re.compile(r'(?<="partitions":\[){.*?}(?=\])')
# kafka-reassign-partitions says its errors, with classes and stacks, on standard output.
REASSIGN_ERROR = re.compile(r"^Error: (?:(?:[a-z]\w*\.)+\w+: )?(.*)\n(?:.*\n)*", re.M)
# How far the metadata log is, and when.
WATERMARK = re.compile(r"(HighWatermark: +)\d+")
REPLICA = re.compile(r"^(\d+ +\t[\w-]{22}\t).*\t(\d+ +\t)(\d+( ms ago)? *\t){2}", re.M)
# Ours knows levels of metadata.version that Kafka 4.3.1 does not.
LEVELS = re.compile(r"(Supported metadata.version are: .*4\.3-IV0).*")
NEWEST = re.compile(r"(SupportedMaxVersion: )(UNKNOWN 33|4\.4-IV2) *")
# Ours knows requests, and versions of two, that Kafka 4.3.1 does not.
NEWER = re.compile(r",\n\t\w+\(9[34]\): UNSUPPORTED")
USABLE = re.compile(r"(\t(?:ApiVersions\(18\)|DeleteGroups\(42\)): .*usable: )\d+")
# What of a measurement is the same each time: the words, and how exact the numbers are.
MEASURED = re.compile(r"(?<= records sent, ).*")
NUMBER = re.compile(r"\d+(\.\d+)?")
# The same of kafka-consumer-perf-test, where how many records there were stays, and of
# kafka-e2e-latency.
CONSUMED = re.compile(r"^(?:\d{4}-|\d\d:\d\d, ).*, .*$", re.M)
LATENCY = re.compile(r"^(?:\d+\t|Avg latency: |Percentiles: ).*$", re.M)
# What happens to a client, as kafka-verifiable-producer and -consumer tell it: not when, nor the
# order of fields.
EVENT = re.compile(r'^{"timestamp":.*}$', re.M)
# Said when the process ends, which is later where it runs other tools, too.
REQUESTED = re.compile(r'^{"timestamp":\d+,"name":"shutdown_requested"}\n', re.M)
# What a client says about an error's code is its own.
MEANING = re.compile(r"((?:error|Error|due to): org\.apache\.[\w.]+Exception): .*")
# The order of a set, which differs each time.
SET = re.compile(r"((?:states|types) are: |(?:these|following) options: |scenarios: )(.*)")
# Where Java's parser of files was.
PLACE = re.compile(r"^ at \[Source: .*\n?", re.M)
MEMBER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class KafkaTools:
    """Apache Kafka's tools, in one process that runs them one after the other.

    A tool that ends the process gets a new one behind it.
    """

    def __init__(self):
        self._start()

    def _start(self):
        options = ["-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8"]
        command = peers.java(peers.jars(peers.TOOLS_VERSION, True), options)
        self.process = subprocess.Popen([*command, peers.HERE / "Tools.java"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def run(self, words, given):
        words = [peers.TOOLS[words[0]], *words[1:]]
        request = struct.pack(">i", len(words))
        for part in [*(word.encode() for word in words), given.encode()]:
            request += struct.pack(">i", len(part)) + part
        self.process.stdin.write(request)
        self.process.stdin.flush()
        (status,) = struct.unpack(">i", self._read(4))
        out, err = self._part(), self._part()
        if status == ENDS_PROCESS:
            self.process.stdin.close()
            status = self.process.wait()
            self._start()
        return status, out, err

    def run_alone(self, words):
        """In a process of its own, for a tool that says things when the process ends."""
        done = subprocess.run(peers.tool_command(*words), capture_output=True, text=True,
                              timeout=ALONE_SECONDS, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise peers.Failure("Kafka's tools have ended")
        return data

    def _part(self):
        (size,) = struct.unpack(">i", self._read(4))
        return self._read(size).decode(errors="replace")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class OurTools:
    """Ours."""

    def __init__(self, binary):
        self.binary = binary

    def run(self, words, given):
        try:
            done = subprocess.run([self.binary, *words], input=given.encode(), capture_output=True,
                                  timeout=CASE_SECONDS)
        except subprocess.TimeoutExpired as late:
            return "it does not end", (late.stdout or b"").decode(errors="replace"), ""
        out, err = (part.decode(errors="replace") for part in (done.stdout, done.stderr))
        return done.returncode, out, err

    def run_alone(self, words):
        return self.run(words, "")

    def stop(self):
        pass


def sort_topics(found):
    """Partitions of several topics come in an order that the broker has a part in."""
    topics = set(re.findall(r'"partition":"(.*?)-\d+"', found[0]))
    items = re.findall("{.*?}", found[0])
    return ",".join(sorted(items) if len(topics) > 1 else items)


def sort_set(found):
    words = found[2].replace("[[", "[").replace("]]", "]").split(", ")
    return found[1] + ", ".join(sorted(words))


def mask_consumed(found):
    fields = found[0].split(", ")
    return ", ".join(field if i == 4 else re.sub(r"[\d.]+|NaN|Infinity", "N", field)
                     for i, field in enumerate(fields))


def mask_event(found):
    event = json.loads(found[0])
    for field in ("timestamp", "avg_throughput"):
        event.pop(field, None)
    return json.dumps(event, sort_keys=True)


def mask(text):
    text = text if "tool_data" in text else REQUESTED.sub("", text)
    text = EVENT.sub(mask_event, CONSUMED.sub(mask_consumed, text))
    text = LATENCY.sub(lambda line: re.sub(r"(?<=[\t ])[\d.]+(?=,| |$)", "N", line[0]), text)
    text = MEMBER.sub("(an id that is as long as this one)", PLACE.sub("", text))
    text = EPOCH.sub(r"\1N", NEWEST.sub(r"\1NEWEST ", text))
    text = REASSIGN_ERROR.sub(r"Error: \1\n", text)
    text = WATERMARK.sub(r"\1N", text)
    text = REPLICA.sub(lambda row: f"{row[1]}N\t{row[2]}{row[4]}\t", text)
    text = PLACED.sub(sort_topics, SIZE.sub('"size":N', text))
    text = USABLE.sub(r"\1N", NEWER.sub("", text))
    text = MEASURED.sub(lambda line: NUMBER.sub(
        lambda number: f"N{len(number[1] or '')}", line[0]), text)
    text = MEANING.sub(r"\1", re.sub(r"TopicId: [\w-]{22}", "TopicId: ID", text))
    if "#PARTITIONS" in text:  # Members come in no order.
        text = "".join(sorted(text.splitlines(keepends=True)))
    if "\npartition: " in text:  # The order of a map.
        text = "".join(sorted(text.splitlines(keepends=True)))
    return re.sub(r"(CreateTime|LogAppendTime):\d+", r"\1:TIME", text)


def sentences(text):
    """What of standard error is a tool's own sentence."""
    text = INSTEAD.sub("", text)
    text = MEANING.sub(r"\1", USAGE.sub("<usage>\n", text))
    text = ARGPARSE.sub(lambda found: " ".join(re.sub(r"-\n", "-", found[1]).split()), text)
    text = LEVELS.sub(r"\1", text)
    text = ADVICE.sub("", STACK.sub("", LOG_LINE.sub("", text)))
    text = SET.sub(sort_set, PLACE.sub("", text))
    # The order of a set.
    text = text.replace("[[config], [bootstrap-server]]", "[[bootstrap-server], [config]]")
    lines = [line for line in CLASS.sub(r"\1", text).splitlines() if line.strip()]
    # A sentence that is followed by its own exception is said once.
    lines = [line for i, line in enumerate(lines) if i == 0 or line != lines[i - 1]]
    return "\n".join(line for i, line in enumerate(lines)
                     if i == 0 or not lines[i - 1].endswith(": " + line))


def words_of(line, values):
    return [word.replace("\\x20", " ").format(**values) for word in line.split()]


def settle(tools, words, status, out, values):
    """A broker of Kafka's hears of what its controller has done a moment later: waits for that."""
    made = set(re.findall(r"^Created topic (\S+)\.$", out, re.MULTILINE))
    is_gone = words[0] == "kafka-topics" and "--delete" in words and not status
    gone = words[words.index("--topic") + 1] if is_gone else None
    if words[0] in ("kafka-configs", "kafka-topics") and "--alter" in words and not status:
        # What is altered shows itself in no list; a topic that is made behind it does.
        for change in ("--create", "--delete"):
            marker = words_of(f"{TOPICS} {change} --topic marker", values)
            settle(tools, marker, *tools.run(marker, "")[:2], values)
    if not made and not gone:
        return
    for _ in range(SETTLE_TRIES):
        names = tools.run(words_of(f"{TOPICS} --list", values), "")[1].split()
        if made <= set(names) and not (gone and any(re.fullmatch(gone, name) for name in names)):
            return
    raise peers.Failure(f"no end of waiting for {made or gone}")


def run_all(tools, cases, values):
    results = []
    live = members.Groups(values["b"])
    for line, given in cases:
        words = words_of(line, values)
        if words[0] in ("members", "nobody"):
            live.run(words[1:]) if words[1:] else clean_groups(tools, values)
            results.append((0, "", "", ""))
            continue
        if words[0] == "alone":
            words = words[1:]
            status, out, err = tools.run_alone(words)
        else:
            status, out, err = tools.run(words, given)
        settle(tools, words, status, out, values)
        results.append((status, mask(out), sentences(err), err))
    live.stop()
    return results


def clean_groups(tools, values):
    """Deletes all groups."""
    rows = tools.run(words_of(f"{TYPES} --list", values), "")[1].splitlines()[1:]
    names = " ".join(f"--group {row.split()[0]}" for row in rows)
    if names:
        tools.run(words_of(f"{GROUPS} --delete {names}", values), "")


def clean(tools, values):
    """Deletes all topics that are not the cluster's own."""
    words = words_of(f"{TOPICS} --delete --if-exists --topic [^_].*", values)
    settle(tools, words, *tools.run(words, "")[:2], values)
    clean_groups(tools, values)


def lines_that_differ(a, b):
    diff = difflib.unified_diff(str(a).splitlines(), str(b).splitlines(), lineterm="")
    return [f"    {line}" for line in list(diff)[2:]]


def compare(cases, kafka, ours, show):
    failed = 0
    used = set()
    for (line, _), theirs, mine in zip(cases, kafka, ours):
        differences = []
        for name, a, b in zip(("status", "stdout", "stderr"), theirs, mine):
            if a == b:
                continue
            known = [k for k in KNOWN if k[0] in line and k[1] == name]
            used.update(known)
            if not known:
                differences.append(f"  {name}:\n" + "\n".join(lines_that_differ(a, b)))
        failed += bool(differences)
        if differences or show:
            print(f"{'FAIL' if differences else 'ok  '} {line}", *differences, sep="\n")
        if show:
            print(f"    status {theirs[0]}\n    {theirs[1]!r}\n    {theirs[2]!r}")
    for known in KNOWN:
        if known not in used and any(known[0] in line for line, _ in cases):
            print(f"FAIL nothing differs any more: {known[0]} ({known[1]})")
            failed += 1
    return failed


def one_subject(bootstrap, folder, cases, binary, show):
    short = pathlib.Path(folder) / "short.properties"
    short.write_text("request.timeout.ms=500\ndefault.api.timeout.ms=1000\n")
    reader = pathlib.Path(folder) / "reader.properties"
    reader.write_text("parse.key=true\nkey.separator=;\n")
    values = {"b": bootstrap, "short": short, "reader": reader}
    values["client"] = pathlib.Path(folder) / "client.properties"
    values["client"].write_text("request.timeout.ms=30000\n")
    for module in MODULES:
        for name, text in getattr(module, "FILES", {}).items():
            values[name] = pathlib.Path(folder) / name
            values[name].write_text(text)
    theirs, mine = KafkaTools(), OurTools(binary)
    try:
        # The cluster's own topics come with the first group: have them from the beginning.
        theirs.run(words_of(f"{PRODUCE} --topic first", values), "x\n")
        theirs.run(words_of(f"{CONSUME} --topic first {B} {N} 1", values), "")
        clean(theirs, values)
        kafka = run_all(theirs, cases, values)
        clean(theirs, values)
        ours = run_all(mine, cases, values)
        clean(theirs, values)
    finally:
        theirs.stop()
    return compare(cases, kafka, ours, show)


def choose(text, quick):
    """The cases that contain the text, and what they are built on."""
    chosen = []
    for module in MODULES:
        if quick and getattr(module, "IS_SLOW", False):
            continue
        if any(text in line for line, _ in module.CASES):
            chosen += [case for case in module.CASES
                       if text in case[0] or case[0].startswith(GROUND)]
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--subject", choices=["kafka", "moldau", "both"], default="both")
    parser.add_argument("--case", default="", help="only cases that contain this")
    parser.add_argument("--quick", action="store_true", help="leave out what takes long")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    cases = choose(args.case, args.quick)
    if args.list:
        print(*(line for line, _ in cases), sep="\n")
        return 0
    binary = os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau")
    failed = passed = 0
    subjects = ["kafka", "moldau"] if args.subject == "both" else [args.subject]
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            given = os.environ.get("KAFKA_BOOTSTRAP")
            node = None
            if not given:
                path = pathlib.Path(folder) / subject
                node = peers.Moldau(path)
                if subject == "kafka":  # On a busy machine it would be taken for dead now and then.
                    node = peers.Kafka(path, ["broker.session.timeout.ms=30000"])
                node.start()
            try:
                bad = one_subject(given or node.bootstrap, folder, cases, binary, args.show)
            finally:
                if node:
                    node.stop()
            failed += bad
            passed += len(cases) - min(bad, len(cases))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
