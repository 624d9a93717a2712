#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares schema/ with the definitions inside Apache Kafka's jars, field by field.

    schemas.py [--message NAME] [--show RELEASE NAME]

Every message is projected on each of its versions: the ordered list of its fields, each
with name, type, whether it may be null, tag and default.  On our side that is what
`msgc --project` prints, on Kafka's side it is worked out here from the JSON in the jars.
The lists must be equal

    to those of 4.4.0, with the map keys and what is ignorable, for all versions of 4.4.0,
    to those of 4.3.1, for all versions of 4.3.1,
    to those of 3.9.2, for the versions below the lowest of 4.4.0.

A field that our schema says was called otherwise before 4.4 has that name in the older
releases, and one that came with 4.4 to a version that there was before is not in them.
There is no list of exceptions.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import zipfile

import peers

NEWEST = "4.4.0"
RELEASES = [NEWEST, "4.3.1", "3.9.2"]
ALWAYS = 32767
MSGC = pathlib.Path(os.environ.get("MSGC") or peers.TREE / "build/tools/msgc/msgc")
TYPES = {"int8": "i8", "int16": "i16", "uint16": "u16", "int32": "i32", "uint32": "u32",
         "int64": "i64", "float64": "f64"}
# Kafka's words for a kind of message, and ours: kind and part.
PARTS = {"request": ("api", "request"), "response": ("api", "response"),
         "metadata": ("record", "fields"), "coordinator-key": ("record", "key"),
         "coordinator-value": ("record", "value"), "header": ("data", "fields"),
         "data": ("data", "fields")}
# Which log a jar's records are of.
LOGS = {"metadata": "metadata", "storage": "remote", "group-coordinator": "groups",
        "transaction-coordinator": "transactions", "share-coordinator": "share"}
# Where the jars hold definitions.
FOLDERS = ("common/message/", "common/metadata/")

Field = collections.namedtuple("Field", "name type null tag default")


def snake(name):
    """FetchRequest -> fetch_request, KRaftVersion -> kraft_version: as Kafka does it."""
    out, was_capital = "", True
    for letter in name:
        if letter.isupper() and not was_capital:
            out += "_"
        was_capital = letter.isupper()
        out += letter.lower()
    return out


def versions(text):
    """The first and the last of `3`, `3-7`, `3+` or `none`."""
    if text in (None, "none"):
        return (1, 0)
    if text.endswith("+"):
        return (int(text[:-1]), ALWAYS)
    low, dash, high = text.partition("-")
    return (int(low), int(high if dash else low))


def within(version, bounds):
    return bounds[0] <= version <= bounds[1]


# --- Kafka's side ---------------------------------------------------------------------------


def definitions(release):
    """Kafka's messages by our names, each as its JSON with the log it belongs to."""
    folder = peers.jars(release, release == peers.TOOLS_VERSION)
    found = {}
    for jar in sorted(folder.glob(f"kafka-*-{release}.jar")):
        part = jar.name.removeprefix("kafka-").removesuffix(f"-{release}.jar")
        with zipfile.ZipFile(jar) as files:
            for name in files.namelist():
                if not name.endswith(".json") or "/metrics/" in name:
                    continue
                text = files.read(name).decode()
                lines = [line for line in text.splitlines() if not line.strip().startswith("//")]
                message = json.loads("\n".join(lines))
                if not isinstance(message, dict) or "validVersions" not in message:
                    continue
                message["log"] = LOGS.get(part, "")
                found[snake(message["name"])] = message
    return found


class Definition:
    """One of Kafka's messages."""

    def __init__(self, message):
        self.message = message
        self.versions = versions(message["validVersions"])
        flexible = versions(message.get("flexibleVersions"))
        self.flexible = flexible[0] if flexible[0] <= flexible[1] else ALWAYS
        self.structs = {}
        for common in message.get("commonStructs", []):
            self.structs[common["name"]] = common["fields"]
        self._collect(message.get("fields", []))
        for common in message.get("commonStructs", []):
            self._collect(common["fields"])

    def _collect(self, fields):
        for field in fields:
            if "fields" in field:
                self.structs[field["type"].removeprefix("[]")] = field["fields"]
                self._collect(field["fields"])

    def project(self, version, fields=None):
        """The fields of a version: each a Field, with `extra` facts and the fields inside."""
        out = []
        for field in self.message["fields"] if fields is None else fields:
            tagged = versions(field.get("taggedVersions"))
            if not within(version, versions(field["versions"]) if "versions" in field else tagged):
                continue
            word = field["type"].removeprefix("[]")
            is_struct = word in self.structs
            kind = "struct" if is_struct else TYPES.get(word, word)
            is_array = field["type"].startswith("[]")
            out.append((
                Field(snake(field["name"]), ("[]" if is_array else "") + kind,
                      within(version, versions(field.get("nullableVersions"))),
                      int(field["tag"]) if within(version, tagged) else None,
                      default(field, kind, is_array)),
                {"key": bool(field.get("mapKey")), "ignorable": bool(field.get("ignorable"))},
                self.project(version, self.structs[word]) if is_struct else None))
        return out


def default(field, kind, is_array):
    """A field's default as JSON would say it."""
    text = field.get("default")
    text = "" if text is None else str(text)  # A null of JSON's is no default, "null" is one.
    if text == "null":
        return None
    if is_array:
        return []
    if kind == "struct":
        return {}
    if kind == "bool":
        return text.lower() == "true"
    if kind == "f64":
        return float(text or 0)
    if kind in TYPES.values():
        return int(text or "0", 0)
    return text


# --- our side -------------------------------------------------------------------------------


def our_messages():
    """What msgc prints of all files of schema/, by name."""
    paths = sorted((peers.TREE / "schema").glob("*/*.msg"))
    done = subprocess.run([MSGC, "--project", *paths], capture_output=True, text=True)
    if done.returncode:
        raise peers.Failure(f"{MSGC} failed: {done.stderr}")
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    return {message["name"]: message for message in messages}


def our_projection(fields, release):
    """Our fields as a release had them, as Definition.project() returns Kafka's."""
    number = tuple(map(int, release.split(".")))
    out = []
    for field in fields:
        if "since" in field and number < tuple(map(int, field["since"].split("."))):
            continue
        name = field.get("was", field["name"]) if number < (4, 4) else field["name"]
        out.append((
            Field(name, field["type"], field["null"], field["tag"], field["default"]),
            {"key": field.get("key", False), "ignorable": field.get("ignorable", False)},
            our_projection(field["fields"], release) if "fields" in field else None))
    return out


# --- the comparison -------------------------------------------------------------------------


def compare_fields(kafka, ours, with_extra, path):
    """Sentences about what differs."""
    for index in range(max(len(kafka), len(ours))):
        if index >= len(ours) or index >= len(kafka):
            side, left = ("we lack", kafka) if index >= len(ours) else ("Kafka lacks", ours)
            yield f"{path}: {side} {left[index][0].name}"
            continue
        theirs, extra, inside = kafka[index]
        mine, my_extra, my_inside = ours[index]
        if theirs != mine or type(theirs.default) is not type(mine.default):
            yield f"{path}: Kafka {theirs}, we {mine}"
        elif with_extra and extra != my_extra:
            yield f"{path}.{mine.name}: Kafka {extra}, we {my_extra}"
        elif inside is not None:
            yield from compare_fields(inside, my_inside, with_extra, f"{path}.{mine.name}")


def compare_heads(name, kafka, ours):
    """The same for what is said once of a message; 4.4.0 only."""
    message = kafka.message
    kind, part = PARTS[message["type"]]
    said = {"kind": kind, "part": part, "flexible": kafka.flexible}
    if kind != "data":
        said["key"] = message["apiKey"]
    if kind == "record":
        said["log"] = message["log"]
    if message["type"] == "request":
        said["broker"] = "broker" in message["listeners"]
        said["controller"] = "controller" in message["listeners"]
        said["unstable"] = kafka.versions[1] if message.get("latestVersionUnstable") else ALWAYS
    for word, value in said.items():
        if ours[word] != value:
            yield f"{name}: {word}: Kafka {value}, we {ours[word]}"
    if kafka.versions[1] != max(map(int, ours["versions"])):
        yield f"{name}: Kafka has versions to {kafka.versions[1]}"


def compare_message(release, kafka, ours, lowest):
    """What differs in one message between a release and ours; and how many versions."""
    said = []
    count = 0
    low, high = kafka.versions
    if release == "3.9.2":
        high = min(high, lowest - 1)
    for version in range(low, high + 1):
        fields = ours["versions"].get(str(version))
        count += 1
        if fields is None:
            said.append(f"{ours['name']}: we have no version {version}")
            continue
        said += compare_fields(kafka.project(version), our_projection(fields, release),
                               release == NEWEST, f"{ours['name']} v{version}")
    if release == NEWEST:
        said += compare_heads(ours["name"], kafka, ours)
    return said, count


def compare_release(release, newest, ours, only):
    """Prints what differs; returns how many messages are equal and how many are not."""
    kafka = newest if release == NEWEST else {
        name: Definition(message) for name, message in definitions(release).items()}
    good = bad = total = 0
    for name in sorted(set(kafka) | set(ours if release == NEWEST else ())):
        theirs = kafka.get(name)
        has_none = theirs and theirs.versions[0] > theirs.versions[1]
        is_gone = release != NEWEST and (name not in newest or
                                         newest[name].versions[0] > newest[name].versions[1])
        if has_none or is_gone or (only and name != only):
            continue
        if release == "3.9.2" and theirs.message["type"] != newest[name].message["type"]:
            continue  # Keys of 3.9 have their type for a version.
        if theirs is None or name not in ours:
            said, count = [f"{name}: {'we lack it' if theirs else 'Kafka has none'}"], 0
        else:
            said, count = compare_message(release, theirs, ours[name], newest[name].versions[0])
            if not count:
                continue
        for sentence in said[:20]:
            print(f"{release} {sentence}")
        total += count
        good, bad = (good, bad + 1) if said else (good + 1, bad)
    print(f"{release}: {good} messages in {total} versions are equal, {bad} differ")
    return good, bad


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--message", help="only this one")
    parser.add_argument("--show", nargs=2, metavar=("RELEASE", "NAME"),
                        help="print Kafka's definition instead")
    options = parser.parse_args(words)
    if options.show:
        release, name = options.show
        print(json.dumps(definitions(release)[name], indent=1))
        return 0
    ours = our_messages()
    newest = {name: Definition(message) for name, message in definitions(NEWEST).items()}
    results = [compare_release(release, newest, ours, options.message) for release in RELEASES]
    passed = sum(good for good, _ in results)
    failed = sum(bad for _, bad in results)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except peers.Failure as failure:
        sys.exit(f"schemas: {failure}")
