#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads the files of a broker with the tables of docs/formats, which are thus known to be true.

A broker is written to, killed and looked at, started again, stopped and looked at: each file
must be one that the pages name, and be as they say.  $MOLDAU is the binary, unless set
build/moldau.
"""

import json
import pathlib
import re
import struct
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import peers  # noqa: E402
import talk  # noqa: E402
import tally  # noqa: E402
import wire  # noqa: E402

PAGES = TREE / "docs/formats"
CODES = {"i8": "b", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q",
         "uuid": "16s"}
PARTITIONS = 12
CONTROL = 0x20


class Wrong(Exception):
    """A file is not as the page says."""


def need(good, *what):
    if not good:
        raise Wrong(*what)


class Layout:
    """A table of bytes: the one below the title of that name."""

    def __init__(self, page, title):
        text = (PAGES / page).read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (\d+) \| (\d+) \| (\w+) \| (\w+) \|", text, re.MULTILINE)
        self.names = [name for *_, name in rows]
        self.form = ">" + "".join(CODES[kind] for _, _, kind, _ in rows)
        self.size = struct.calcsize(self.form)
        self.offsets = {name: int(at) for at, _, _, name in rows}
        end = 0
        for at, size, kind, name in rows:
            need(int(at) == end and int(size) == struct.calcsize(">" + CODES[kind]), page, name)
            end += int(size)
        need(end == self.size > 0, page, title)

    def read(self, raw, at=0):
        return dict(zip(self.names, struct.unpack_from(self.form, raw, at)))

    def all(self, raw):
        need(len(raw) % self.size == 0, "no whole number of entries")
        return [self.read(raw, at) for at in range(0, len(raw), self.size)]

    def crc_is_good(self, entry, raw):
        return entry["crc"] == wire.crc32c(raw[self.offsets["crc"] + 4:])


BATCH = Layout("segments.md", "Batch")
INDEX = Layout("segments.md", "Offset index")
TIMEINDEX = Layout("segments.md", "Time index")
TXNINDEX = Layout("segments.md", "Transaction index")
SNAPSHOT = Layout("state.md", "Producer snapshot")
PRODUCER = Layout("state.md", "Producer entry")
ENTRY = Layout("commit-log.md", "Entry")


# --- the readers, by the names of README.md ----------------------------------------------


def batches(raw):
    """Position and header of each batch of a file."""
    at = 0
    while at < len(raw):
        batch = BATCH.read(raw, at)
        end = at + 12 + batch["batch_length"]
        need(batch["magic"] == 2 and end <= len(raw), "no batch at", at)
        need(BATCH.crc_is_good(batch, raw[at:end]), "a wrong CRC at", at)
        yield at, batch
        at = end


def base_of(path):
    return int(path.name.split(".")[0])


def read_log(path):
    following = base_of(path)
    for at, batch in batches(path.read_bytes()):
        need(batch["base_offset"] >= following, "offsets go back at", at)
        following = batch["base_offset"] + batch["last_offset_delta"] + 1
    return following > base_of(path)


def read_index(path):
    found = INDEX.all(path.read_bytes())
    places = {at: batch for at, batch in batches(path.with_suffix(".log").read_bytes())}
    for entry in found:
        batch = places[entry["position"]]
        last = batch["base_offset"] + batch["last_offset_delta"]
        need(last - base_of(path) == entry["relative_offset"], entry)
    return found


def read_timeindex(path):
    found = TIMEINDEX.all(path.read_bytes())
    for a, b in zip(found, found[1:]):
        need(a["timestamp"] < b["timestamp"] and a["relative_offset"] < b["relative_offset"], b)
    if found:
        highest = max(batch["max_timestamp"]
                      for _, batch in batches(path.with_suffix(".log").read_bytes()))
        need(found[-1]["timestamp"] == highest, found[-1], highest)
    return found


def read_txnindex(path):
    found = TXNINDEX.all(path.read_bytes())
    markers = {batch["base_offset"]: batch
               for _, batch in batches(path.with_suffix(".log").read_bytes())
               if batch["attributes"] & CONTROL}
    for entry in found:
        need(entry["version"] == 0 and entry["first_offset"] < entry["last_offset"], entry)
        need(markers[entry["last_offset"]]["producer_id"] == entry["producer_id"], entry)
    return found


def read_snapshot(path):
    raw = path.read_bytes()
    head = SNAPSHOT.read(raw)
    need(head["version"] == 1 and SNAPSHOT.crc_is_good(head, raw), head)
    found = PRODUCER.all(raw[SNAPSHOT.size:])
    need(len(found) == head["count"], head)
    for entry in found:
        need(entry["last_offset"] < base_of(path), entry)
        need(entry["current_txn_first_offset"] == -1, entry)
    return found


def read_lines(path, form):
    version, count, *lines = path.read_text().splitlines()
    need(version == "0" and int(count) == len(lines), "version or count")
    need(all(re.fullmatch(form, line) for line in lines), lines)
    return lines


def read_offsets(path):
    return read_lines(path, r"\S+ \d+ \d+") or path.name != "recovery-point-offset-checkpoint"


def read_epochs(path):
    pairs = [tuple(map(int, line.split())) for line in read_lines(path, r"\d+ \d+")]
    need(pairs == sorted(pairs), pairs)
    return pairs


def read_partition_metadata(path):
    return re.fullmatch(r"version: 0\ntopic_id: [\w-]{22}\n?", path.read_text())


def read_meta(path):
    lines = [line.split("=", 1) for line in path.read_text().splitlines() if line[:1] != "#"]
    return {key for key, _ in lines} == {"version", "cluster.id", "node.id", "directory.id"}


def read_quorum_state(path):
    state = json.loads(path.read_text())
    need(state["leaderId"] == 1 and state["votedId"] == -1 and state["data_version"] == 0, state)
    return set(state) >= {"clusterId", "appliedOffset", "currentVoters"} and state["leaderEpoch"]


READERS = {
    r"(?:__cluster_metadata-0|.+-\d+)/\d{20}\.log": read_log,
    r".+-\d+/\d{20}\.index": read_index,
    r".+-\d+/\d{20}\.timeindex": read_timeindex,
    r".+-\d+/\d{20}\.txnindex": read_txnindex,
    r".+-\d+/\d{20}\.snapshot": read_snapshot,
    r".+-\d+/leader-epoch-checkpoint": read_epochs,
    r".+-\d+/partition\.metadata": read_partition_metadata,
    r"__cluster_metadata-0/quorum-state": read_quorum_state,
    r"(?:recovery-point|replication|log-start|cleaner)-offset-checkpoint": read_offsets,
    r"meta\.properties": read_meta,
    r"\.kafka_cleanshutdown": lambda path: json.loads(path.read_text())["version"] == 0,
    r"\.lock": lambda path: path.stat().st_size == 0,
}
EMPTY = re.compile(r".*\.(?:log|index|timeindex|snapshot)")  # May have nothing in them.


def read_file(data, path):
    """Why the file is not as the pages say, or None; and how much was in it."""
    name = str(path.relative_to(data))
    readers = [reader for form, reader in READERS.items() if re.fullmatch(form, name)]
    if not readers:
        return f"{name}: no page names it", None
    try:
        found = readers[0](path)
        return (None if found or EMPTY.fullmatch(name) else f"{name}: nothing in it"), found
    except (Wrong, KeyError, ValueError, struct.error) as error:
        return f"{name}: {error!r}", None


def read_commit_log(data):
    """The entries of all blocks."""
    found = []
    for path in sorted((data / "moldau.commit").iterdir()):
        raw = path.read_bytes()
        generation, number = None, 0
        while len(raw) >= ENTRY.size:
            entry = ENTRY.read(raw)
            end = ENTRY.size + entry["name_size"] + entry["size"]
            if (entry["magic"] != 0x4d4c4345 or entry["number"] != number or
                    generation not in (None, entry["generation"])):
                break
            need(ENTRY.crc_is_good(entry, raw[:end]), path.name, number)
            entry["name"] = raw[ENTRY.size:ENTRY.size + entry["name_size"]].decode()
            entry["bytes"] = raw[ENTRY.size + entry["name_size"]:end]
            found.append(entry)
            generation, number, raw = entry["generation"], number + 1, raw[end:]
    return found


# --- the broker --------------------------------------------------------------------------


def produce(t, batches_by_partition):
    answer = t.quietly("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
        {"name": "t", "partition_data": [{"index": index, "records": batch}
                                         for index, batch in batches_by_partition.items()]}]})
    for part in answer["responses"][0]["partition_responses"]:
        need(part["error_code"] == 0, part)


def write(broker):
    """Plain and idempotent records and a marker, enough for entries in the indexes."""
    t = talk.alone("formats", broker)
    answer = t.quietly("create_topics", 5, {"timeout_ms": 10000, "topics": [
        {"name": "t", "num_partitions": PARTITIONS, "replication_factor": 1}]})
    need(answer["topics"][0]["error_code"] == 0, answer)
    for turn in range(20):
        batch = wire.batch([wire.record(0, value=b"x" * 3000)], base_timestamp=1000 + turn)
        produce(t, {index: batch for index in range(PARTITIONS)})
    produce(t, {0: wire.batch([wire.record(0), wire.record(1)], producer=(7, 0, 0))})
    answer = t.quietly("write_txn_markers", 1, {"markers": [
        {"producer_id": 8, "producer_epoch": 0, "transaction_result": False,
         "coordinator_epoch": 0, "topics": [{"name": "t", "partition_indexes": [0]}]}]})
    need(answer["markers"][0]["topics"][0]["partitions"][0]["error_code"] == 0, answer)
    t.close()


def main():
    counts = tally.Tally()
    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder) / "data"
        settings = ["log.retention.ms=-1", f"log.dirs={data}"]
        with peers.Moldau(pathlib.Path(folder), settings) as broker:
            write(broker)
            broker.kill()
            entries = read_commit_log(data)
            names = {entry["name"] for entry in entries}
            whole = all(list(batches(entry["bytes"])) for entry in entries)
            counts.note("passed" if names & {f"t-{i}" for i in range(PARTITIONS)} and whole
                        else "FAILED", "the commit log of a killed broker", sorted(names))
            broker.start()
            if broker.stop():
                counts.note("FAILED", "a clean stop", broker.tail())
        amounts = {}
        for path in sorted(path for path in data.rglob("*") if path.is_file()):
            why, found = read_file(data, path)
            counts.note("FAILED" if why else "passed", str(path.relative_to(data)), why)
            kind = path.suffix if path.parent.name == "t-0" else path.name
            amounts[kind] = max(amounts.get(kind, 0), len(found) if isinstance(found, list) else 1)
        for kind, least in ((".index", 5), (".timeindex", 5), (".snapshot", 2)):
            enough = amounts.get(kind, 0) >= least
            counts.note("passed" if enough else "FAILED", f"entries of {kind}",
                        f"{amounts.get(kind)} of {least}")
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
