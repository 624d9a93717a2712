#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka's tools that read and make files, and ours: the same words, the same files.

    offline.py [--case TEXT] [--show] [--keep DIR] [--seed N]

A node of Kafka and one of ours are given a history of every kind of record and are stopped.
Then every file is dumped by both tools, with each way to look at it, and again after it was
damaged.  What is compared: exit status, standard output byte for byte, and standard error
as far as it is a tool's own sentence.

KNOWN lists what differs, with the reason; a line there that is not needed any more fails.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import commands
import peers

SETTINGS = ("log.segment.bytes=1048576", "log.index.interval.bytes=512")
ONE_EACH = ("offsets.topic.num.partitions=1", "transaction.state.log.num.partitions=1",
            "share.coordinator.state.topic.num.partitions=1")
DECODERS = {"__consumer_offsets-0": "--offsets-decoder",
            "__transaction_state-0": "--transaction-log-decoder",
            "__share_group_state-0": "--share-group-state-decoder",
            "__cluster_metadata-0": "--cluster-metadata-decoder",
            "remote-0": "--remote-log-metadata-decoder"}
KINDS = (".log", ".index", ".timeindex", ".txnindex", ".snapshot", ".checkpoint")

# (part of the label, what differs, why).
KNOWN = []

# What Kafka ends with where it is surprised; ours ends there too, and says in its own words
# why.
SURPRISES = re.compile("|".join((
    r"Exception in thread \"main\" [\w.]+$",
    r"Failed to load decoder class$",
    r"begin -?\d+, end -?\d+, length \d+$",
    r"Snapshot failed schema validation: ",
    r"This tool helps to parse a log file",
)))

counts = {True: 0, False: 0}


def check(good, what):
    counts[bool(good)] += 1
    if not good:
        print(f"FAIL {what}")
    return good


# --- what there is to look at -----------------------------------------------------------


def run_history(node, *parts):
    """Lets Kafka's clients write, commit and configure."""
    command = peers.java(peers.jars(peers.TOOLS_VERSION, True), ["-Xmx512m"])
    peers.run([*command, peers.HERE / "History.java", node.bootstrap, *parts])


def write_all(folder):
    """The folders of data of a stopped node of Kafka and of one of ours."""
    kafka = peers.Kafka(folder / "kafka", [*SETTINGS, *ONE_EACH, "broker.session.timeout.ms=60000"])
    with kafka:
        run_history(kafka, "codecs", "transactions", "settings", "new-groups", "share", "remote")
        kafka.stop()
    ours = peers.Moldau(folder / "moldau", [*SETTINGS, "offsets.topic.num.partitions=1"])
    with ours:
        run_history(ours, "codecs", "groups")
        check(ours.stop() == 0, "a node of ours stops in order")
    return [folder / "kafka/data", folder / "moldau/data"]


# --- cases ------------------------------------------------------------------------------


# Ours, for records that cannot be read; Kafka has one for each way.
OURS = ("Found invalid record structure", "Failed to decompress record stream")


def settle(theirs, ours):
    """Both said on standard error, with a line that is a surprise of Kafka's made the same."""
    mine = ours.splitlines()
    lines = theirs.splitlines()
    for i, line in enumerate(lines):
        if i < len(mine) and mine[i] and (SURPRISES.match(line) or mine[i] in OURS):
            lines[i] = mine[i] = "<why>"
    return "\n".join(lines), "\n".join(mine)


class Cases:
    """Command lines for both, and what both said."""

    def __init__(self, options):
        self.options = options
        self.theirs = commands.KafkaTools()
        self.ours = commands.OurTools(os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau"))
        self.used = set()
        self.seen = set()

    def run(self, label, *words):
        if self.options.case not in label:
            return
        words = [str(word) for word in words]
        results = []
        for tools in (self.theirs, self.ours):
            status, out, err = tools.run(words, "")
            # A record without a value surprises Kafka in the middle of a line.
            out = re.sub('Cannot invoke "java.*|It has no value', "<why>", out)
            results.append((status, out, commands.sentences(err)))
        self.seen.add(label)
        differences = []
        sentences = settle(results[0][2], results[1][2])
        pairs = [*zip(results[0][:2], results[1][:2]), sentences]
        for name, (a, b) in zip(("status", "stdout", "stderr"), pairs):
            if a == b:
                continue
            known = [k for k in KNOWN if k[0] in label and k[1] == name]
            self.used.update(known)
            if not known:
                lines = commands.lines_that_differ(a, b)[:12]
                differences.append(f"  {name}:\n" + "\n".join(line[:300] for line in lines))
        check(not differences, "\n".join([f"{label}: {' '.join(words)}", *differences]))
        if self.options.show:
            print(f"{label}\n  {results[0][0]}\n  {results[0][1][:2000]}\n  {results[0][2][:1000]}")

    def end(self):
        self.theirs.stop()
        for known in KNOWN:
            if any(known[0] in label for label in self.seen):
                check(known in self.used, f"nothing differs any more: {known[0]} ({known[1]})")


def dump_each(cases, data, name):
    """Every file of a folder of data, in every way."""
    for path in sorted(data.rglob("*")):
        if path.suffix not in KINDS or not path.is_file():
            continue
        label = f"{name} {path.relative_to(data)}"
        decoder = DECODERS.get(path.parent.name, "--cluster-metadata-decoder")
        ways = [()]
        if path.suffix in (".log", ".checkpoint"):
            ways += [("--deep-iteration",), ("--print-data-log",), (decoder,),
                     (decoder, "--skip-record-metadata"),
                     ("--print-data-log", "--skip-record-metadata"),
                     ("--deep-iteration", "--max-bytes", "1000"), ("--max-bytes", "100")]
        elif path.suffix in (".index", ".timeindex"):
            ways += [("--verify-index-only",), ("--index-sanity-check",)]
        for way in ways:
            cases.run(f"{label} {' '.join(way)}", "kafka-dump-log", "--files", path, *way)


def dump_mistakes(cases, data, folder):
    """Words that make no sense, and files that are none."""
    log = data / "codecs-0/00000000000000000000.log"
    for words in (["--files", folder / "none.log"], ["--files", folder / "7.log"],
                  ["--files", folder / "7.index"], ["--files", folder / "7.timeindex"],
                  ["--files", folder / "7.snapshot"], ["--files", folder / "7.txnindex"],
                  ["--files", folder / "x.txnindex"], ["--files", folder / "x.index"],
                  ["--files", folder / "unknown.file"], [], ["--deep-iteration"], ["--nosuch"],
                  ["--files"], ["--files", log, "--files", log],
                  ["--files", log, "--max-bytes", "q"], ["--files", log, "--max-bytes", "-1"],
                  ["--files", log.with_suffix(".index"), "--max-bytes", "q"],
                  ["--files", log.with_suffix(".index"), "--max-message-size", "q"],
                  ["--files", log.with_suffix(".index"), "--max-message-size", "99999999999"],
                  ["--files", log, "--max-message-size", "q"],
                  ["--files", f"{log},,{log}"], ["--files", f"{log},"], ["--files", ""],
                  ["--files", f"//{log}".replace("/00", "///00"), "--max-bytes", "50"],
                  ["--files", log, "--value-decoder-class", "none.Such"],
                  ["--files", log, "--key-decoder-class", "none.Such", "--offsets-decoder",
                   "--max-bytes", "2000"],
                  ["--files", log, "--value-decoder-class", "--max-bytes", "2000"],
                  ["--files", log, "--value-decoder-class",
                   "org.apache.kafka.tools.api.LongDecoder"],
                  ["--files", log, "--key-decoder-class",
                   "org.apache.kafka.tools.api.IntegerDecoder"],
                  ["--files", log, "--remote-log-metadata-decoder", "--max-bytes", "9000"],
                  ["--files", log, "--offsets-decoder", "--max-bytes", "9000"],
                  ["--files", log, "--transaction-log-decoder", "--max-bytes", "9000"],
                  ["--files", log, "--share-group-state-decoder", "--max-bytes", "9000"],
                  ["--files", log, "--cluster-metadata-decoder", "--max-bytes", "9000"],
                  ["--files", data / "__cluster_metadata-0/00000000000000000000.log",
                   "--offsets-decoder"],
                  ["--version", "x", "--help"]):
        cases.run(f"words {' '.join(map(str, words))}", "kafka-dump-log", *words)


# --- damage -----------------------------------------------------------------------------


def damage(rng, data, kind):
    """Other bytes instead of `data`."""
    data = bytearray(data)
    at = rng.randrange(len(data)) if data else 0
    if kind == "cut":
        del data[at:]
    elif kind == "flip" and data:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == "header" and len(data) > 61:
        data[rng.randrange(61)] ^= 1 << rng.randrange(8)
    elif kind == "zeros":
        data += bytes(rng.randrange(1, 100))
    elif kind == "rubbish":
        data += rng.randbytes(rng.randrange(1, 100))
    elif kind == "hole" and len(data) > 100:
        del data[at:at + rng.randrange(1, 3 * 12)]
    return bytes(data)


def dump_damaged(cases, data, folder, seed):
    """Files of one segment, one of them damaged."""
    rng = random.Random(seed)
    for i, kind in enumerate(["cut", "flip", "header", "zeros", "rubbish", "hole"] * 8):
        source = data / rng.choice(["codecs-0", "times-0", "txn-0"])
        target = folder / f"damaged-{i}" / source.name
        shutil.copytree(source, target)
        paths = [path for path in sorted(target.iterdir()) if path.suffix in KINDS]
        path = rng.choice(paths)
        path.write_bytes(damage(rng, path.read_bytes(), kind))
        label = f"damaged {i} {kind} {path.name}"
        for way in ((), ("--deep-iteration",)):
            cases.run(f"{label} {' '.join(way)}", "kafka-dump-log", "--files", path, *way)
        cases.run(f"{label} sane", "kafka-dump-log", "--index-sanity-check", "--files",
                  ",".join(str(p) for p in paths if p.suffix.endswith("index")))
        every = ",".join(map(str, paths))
        cases.run(f"{label} all", "kafka-dump-log", "--deep-iteration", "--files", every)


# --- kafka-storage ----------------------------------------------------------------------

ID = "MkU3OEVBNTcwNTJENDM2Qk"
LEVELS = [word for level in ("eligible.leader.replicas.version=1", "group.version=1",
                             "share.version=1", "streams.version=1", "transaction.version=2")
          for word in ("-f", level)]
STATIC = "controller.quorum.voters=1@127.0.0.1:9999"
DYNAMIC = "controller.quorum.bootstrap.servers=127.0.0.1:9999"


def node_properties(folder, quorum, dirs):
    """A server.properties of one node."""
    path = folder / "server.properties"
    path.write_text("\n".join((
        "process.roles=broker,controller", "node.id=1", quorum,
        "controller.listener.names=CONTROLLER",
        "listeners=PLAINTEXT://127.0.0.1:9998,CONTROLLER://127.0.0.1:9999",
        "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs=" + ",".join(str(folder / name) for name in dirs), "")))
    return path


def files_of(folder, ours):
    """What is in the folders, without what must differ: times, random ids, checksums."""
    result = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".checkpoint":
            words = ["dump-log", "--cluster-metadata-decoder", "--files", str(path)]
            _, out, _ = ours.run(words, "")
            text = re.sub(r"(CreateTime|crc|lastContainedLogTimestamp\"): ?[1-9]\d+", r"\1", out)
        elif path.is_file():
            text = path.read_text()
        else:
            text = "folder"
        text = re.sub(r"#.* UTC \d+", "#TIME", text)
        result[str(path.relative_to(folder))] = re.sub(r"(directory.id=|DirectoryId\":\")[\w-]{22}",
                                                       r"\1ID", text)
    return result


class Storage:
    """The same words to both, each on folders that look the same before."""

    def __init__(self, cases, folder):
        self.cases, self.folder = cases, folder

    def run(self, label, words, quorum=STATIC, dirs=("d",), before=(), names=None):
        label = f"storage {label} {' '.join(words)}"
        if self.cases.options.case not in label:
            return
        results = []
        for tools in (self.cases.theirs, self.cases.ours):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            properties = str(node_properties(self.folder, quorum, dirs))
            def fill(part):
                return [word.replace("CONFIG", properties) for word in part]
            for earlier in before:
                tools.run(["kafka-storage", *fill(earlier)], "")
            status, out, err = tools.run(["kafka-storage", *fill(words)], "")
            out = re.sub(r"directory.id=[\w-]{22}", "directory.id=ID", out)
            # Lines of the usage, and the same sentence broken in other places.
            err = re.sub(r"(?s)usage: .*(?=kafka-storage: +error)", "", commands.sentences(err))
            # Which of two folders is told of is chance with Kafka.
            err = re.sub(r"/[ab] is already", "/? is already", " ".join(err.split()))
            results.append((status, out, err,
                            files_of(self.folder, self.cases.ours)))
        for name, a, b in zip(("status", "stdout", "stderr", "files"), *results):
            if names and name not in names:
                continue
            check(a == b, "\n".join([f"{label}: {name}", *commands.lines_that_differ(
                *("\n".join(f"{k} {v}" for k, v in x.items()) if isinstance(x, dict) else x
                  for x in (a, b)))]))


def storage_cases(cases, folder):
    run = Storage(cases, folder).run
    plain = ["format", "-t", ID, "-c", "CONFIG"]
    full = [*plain, *LEVELS]
    for two in (("d",), ("b", "a")):
        run("new", full, dirs=two)
        run("info before", ["info", "-c", "CONFIG"], dirs=two)
        run("info after", ["info", "--config", "CONFIG"], dirs=two, before=[full])
        run("again", full, dirs=two, before=[full])
        run("ignored", [*full, "-g"], dirs=two, before=[full])
        run("ignored", [*full, "--ignore-formatted"], dirs=two, before=[full])
        run("other cluster", ["format", "-t", "x", "-c", "CONFIG"], dirs=two, before=[full])
    run("dynamic", full, DYNAMIC)
    run("dynamic", [*full, "-s"], DYNAMIC)
    run("dynamic", [*full, "--standalone"], DYNAMIC, ("d", "e"))
    run("dynamic", [*full, "-N"], DYNAMIC)
    run("dynamic", [*full, "-I", "1@localhost:9999:Vdj5rtAhTxC-vye-OEw8kw"], DYNAMIC)
    run("dynamic", [*full, "-I", "nope"], DYNAMIC)
    run("dynamic", [*full, "-s", "-N"], DYNAMIC, names=["status", "stdout", "files"])
    run("static", [*full, "-s"])
    for release in ("3.9", "3.9-IV0", "3.3-IV3", "4.0-IV1", "4.1", "4.2", "4.3", "4.3-IV0"):
        levels = {"4.0-IV1": LEVELS[2:4], "4.1": LEVELS[:4] + LEVELS[8:],
                  "4.2": LEVELS}.get(release, LEVELS if release[:3] == "4.3" else [])
        run("release", [*plain, "-r", release, *levels])
        run("mapping", ["version-mapping", "-r", release])
    for words in (["-r", "9.9"], ["-r", "3.2"], ["-f", "group.version=7"], ["-f", "nope.version=1"],
                  ["-f", "nope"], ["-f", "group.version=x"],
                  ["-r", "4.1", "-f", "metadata.version=22"],
                  ["-r", "3.9", "-f", "eligible.leader.replicas.version=1"]):
        # Of later releases 4.3.1 does not know.
        run("levels", [*plain, *words], names=["status", "stdout", "files"]
            if words[1] in ("9.9", "3.2") else None)
    run("mapping", ["version-mapping"])
    for feature in ("group.version=1", "eligible.leader.replicas.version=1", "group.version=9",
                    "eligible.leader.replicas.version=0", "transaction.version=2"):
        run("dependencies", ["feature-dependencies", "-f", feature])
    for words in ([], ["nosuch"], ["format"], ["format", "-t", ID], ["format", "-c", "CONFIG"],
                  ["info"], ["feature-dependencies"], ["format", "-t", ID, "-c", "none"],
                  ["random-uuid", "-c", "CONFIG"], [*plain, "--nosuch"]):
        run("mistakes", words, names=["status", "stdout", "files"])


class FormattedByUs(peers.Kafka):
    """Apache Kafka on a folder that our tool has formatted."""

    def prepare(self):
        super().prepare()
        shutil.rmtree(self.folder / "data")
        peers.run([peers.Moldau.program, "kafka-storage", "format", "-t", ID, "-c",
                   self.properties])


class OnTheirs(peers.Moldau):
    """Ours, on a folder that Kafka's tool has formatted."""

    def prepare(self):
        kafka = peers.Kafka(self.folder)
        kafka.prepare()

    def command(self):
        return [*super().command(), "--override", "node.id=1"]


def start_on_formatted(folder):
    """Each starts on what the other's tool has formatted."""
    for kind, name in ((FormattedByUs, "by-us"), (OnTheirs, "by-them")):
        node = kind(folder / name)
        with node:
            meta = (folder / name / "data/meta.properties").read_text()
            cluster = ID if kind is FormattedByUs else "bW9sZGF1LWNvbXBhdC10ZQ"
            check(f"cluster.id={cluster}" in meta, f"{name}: another cluster: {meta}")
            status = node.stop()
            check(status in (0, 143), f"{name}: it ends with {status}")


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="", help="only cases that contain this")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(options.keep or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if options.keep and (folder / "moldau/data").exists():
            theirs, ours = folder / "kafka/data", folder / "moldau/data"
        else:
            theirs, ours = write_all(folder)
        cases = Cases(options)
        try:
            dump_each(cases, theirs, "kafka")
            dump_each(cases, ours, "moldau")
            dump_mistakes(cases, theirs, folder)
            dump_damaged(cases, theirs, pathlib.Path(temporary), options.seed)
            storage_cases(cases, pathlib.Path(temporary) / "storage")
        finally:
            cases.end()
        start_on_formatted(pathlib.Path(temporary))
    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError) as failure:
        sys.exit(f"offline: {failure}")
