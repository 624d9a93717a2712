#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Proves our codec against Kafka's own classes, with made up messages.

    codec.py [--cases N] [--full] [--seed S] [--message NAME] [--show]

Every message in every version goes to Kafka's classes as bytes and as JSON, and back:
codec_peer.c says what is compared.  The classes are those of 4.4.0, and of 3.9.2 for the
versions that 4.4.0 has no more.  With --full every field of every version has another value
than its default 100 times or more.  How often is in build/test/codec-RELEASE.tsv, and with
--show on the screen.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import zipfile

import peers
import schemas

RELEASES = ("4.4.0", "3.9.2")
NON_DEFAULTS = 100
PEER = pathlib.Path(os.environ.get("CODEC_PEER") or peers.TREE / "build/test/compat/codec_peer")
REPORTS = peers.TREE / "build/test"
SHOWN = 5


def message_classes(release):
    """Kafka's class of each message, by our name of it."""
    found = {}
    for jar in peers.jars(release, release == peers.TOOLS_VERSION).glob(f"kafka-*-{release}.jar"):
        with zipfile.ZipFile(jar) as files:
            for name in files.namelist():
                if name.endswith("JsonConverter.class") and "$" not in name:
                    path = name.removesuffix("JsonConverter.class").replace("/", ".")
                    found[path.rpartition(".")[2]] = path
    return found


def plan(release, only):
    """Lines for codec_peer: message, class, lowest and highest version."""
    newest = {name: schemas.Definition(message)
              for name, message in schemas.definitions(schemas.NEWEST).items()}
    kafka = {name: schemas.Definition(message)
             for name, message in schemas.definitions(release).items()}
    classes = message_classes(release)
    for name, definition in sorted(kafka.items()):
        low, high = definition.versions
        if name not in newest or (only and name != only):
            continue
        if release != schemas.NEWEST:
            if definition.message["type"] != newest[name].message["type"]:
                continue  # Keys of 3.9 have their type for a version.
            high = min(high, newest[name].versions[0] - 1)
        if low > high or newest[name].versions[0] > newest[name].versions[1]:
            continue
        own = definition.message["name"]
        own += "Data" if definition.message["type"] in ("request", "response", "header") else ""
        yield f"{name} {classes[own]} {low} {high}\n"


def compile_peer(release):
    """The folder with CodecPeer compiled for this release."""
    folder = REPORTS / f"classes-{release}"
    source = peers.HERE / "CodecPeer.java"
    compiled = folder / "CodecPeer.class"
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        jars = peers.jars(release, release == peers.TOOLS_VERSION)
        peers.run(["javac", "-nowarn", "-d", folder, "-cp", f"{jars}/*", source])
    return folder


def run(release, options):
    """Lets the two halves talk; True if all is well."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = REPORTS / f"codec-{release}.plan"
    report = REPORTS / f"codec-{release}.tsv"
    path.write_text("".join(plan(release, options.message)))
    if not path.read_text():
        return True
    jars = peers.jars(release, release == peers.TOOLS_VERSION)
    java = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:-UsePerfData",
            "-cp", f"{compile_peer(release)}:{jars}/*", "CodecPeer"]
    ours = [PEER, path, report, options.cases, NON_DEFAULTS if options.full else 0, options.seed]
    kafka = subprocess.Popen(java, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        done = subprocess.run([str(word) for word in ours], stdin=kafka.stdout,
                              stdout=kafka.stdin, stderr=subprocess.PIPE, text=True)
        kafka.stdin.close()
        kafka.wait(peers.STOP_SECONDS)
    finally:
        kafka.kill()
    print("".join(f"{release}: {line}\n" for line in done.stderr.splitlines()), end="")
    rows = [line.split("\t") for line in report.read_text().splitlines()]
    rows.sort(key=lambda row: int(row[3]))
    for row in rows if options.show else rows[:SHOWN] if options.full else []:
        print(f"{release}: {row[0]} version {row[1]}: {row[2]} was set {row[3]} times")
    return done.returncode == 0


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=30, help="messages of each version, at least")
    parser.add_argument("--full", action="store_true",
                        help=f"until every field was set {NON_DEFAULTS} times")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--message", help="only this one")
    parser.add_argument("--show", action="store_true", help="print all counters")
    options = parser.parse_args(words)
    results = [run(release, options) for release in RELEASES]
    print(f"{results.count(True)} passed, {results.count(False)} failed, 0 skipped")
    return 0 if all(results) else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except peers.Failure as failure:
        sys.exit(f"codec: {failure}")
