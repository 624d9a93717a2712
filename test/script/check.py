#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`moldau check DIR`: what is wrong with a folder of data, told without changing it.

$MOLDAU is the binary, unless set build/moldau.
"""

import json
import random
import re
import shutil
import subprocess
import sys

import cases
from dirs import Broker, wire

IN_ORDER, MENDED, DAMAGED, UNKNOWN = 0, 1, 2, 3
LEVELS = "note", "mended", "damage"
SECONDS = 60
LOG = f"{0:020}.log"
BATCHES = 40
WIDE, ROUNDS = 30, 5
SNAPSHOT_TRIES = 100


def run(*words):
    return subprocess.run([Broker.program, *map(str, words)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=SECONDS, check=False)


def state_of(root):
    """Every name, its bytes and its times."""
    return {path: (path.is_file() and path.read_bytes(), path.stat().st_mtime_ns,
                   path.stat().st_ctime_ns)
            for path in sorted(root.rglob("*"))}


def check(folder, wanted):
    """What it prints of a folder that must stay as it is; what it says as JSON agrees."""
    before = state_of(folder)
    done = run("check", folder)
    assert done.returncode == wanted, (done.returncode, done.stdout, done.stderr)
    as_json = run("check", folder, "--json")
    assert as_json.returncode == wanted, as_json
    assert state_of(folder) == before, "something was changed"
    if wanted == UNKNOWN:
        assert done.stdout == as_json.stdout == "" and done.stderr
        return done.stderr
    told = json.loads(as_json.stdout)
    lines = done.stdout.splitlines()
    assert len(lines) == len(told["findings"]) + 1, done.stdout
    for line, finding in zip(lines, told["findings"]):
        assert line.startswith(finding["level"]) and line.endswith(finding["what"]), line
        place = f" at {finding['position']}" if "position" in finding else ""
        assert f"{finding['file']}{place}: " in line, line
    assert f"{told['records']} records" in lines[-1], lines
    assert told["worst"] == LEVELS[wanted]
    return done.stdout


def fill(broker):
    broker.create("t", 2)
    for i in range(BATCHES):
        assert broker.produce("t", i % 2, b"value %d" % i, 1000 + i) == 0
    return broker.dirs[0]


def write_wide(broker):
    """To many partitions at once, so that the commit log has it."""
    broker.create("wide", WIDE)
    for i in range(ROUNDS):
        records = wire.batch([wire.record(0, value=b"round %d" % i)], base_timestamp=1000 + i)
        answer = broker.ask("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": "wide", "partition_data": [{"index": index, "records": records}
                                                for index in range(WIDE)]}]})
        parts = answer["responses"][0]["partition_responses"]
        assert all(part["error_code"] == 0 for part in parts), answer


def stopped(folder, *settings):
    """A folder that was left in order."""
    with Broker(folder, "log.index.interval.bytes=100", *settings, dirs=("a",)) as broker:
        data = fill(broker)
        assert broker.stop() == 0
    return data


def what_was_left_in_order_is(folder):
    data = stopped(folder)
    told = check(data, IN_ORDER)
    assert "in order: 3 logs" in told and told.count("\n") == 1, told


def what_recovery_would_do_is_what_it_does(folder):
    with Broker(folder, dirs=("a",)) as broker:
        data = fill(broker)
        write_wide(broker)
        broker.kill()
    with open(data / "t-0" / LOG, "ab") as log:
        log.write(b"torn" * 5)
    told = check(data, MENDED)
    assert "moldau.commit" in told and "was not stopped in order" in told, told
    assert re.search(r"log tail cut off.*log=t-0 .*bytes=20", told), told
    ends = dict(re.findall(r"/([\w-]+): recovery leaves offsets (\d+ to \d+)", told))
    recovered = run("recover", data)
    assert recovered.returncode == 0, recovered
    assert ends == dict(re.findall(r"(?m)^([\w-]+): offsets (\d+ to \d+)", recovered.stdout))
    assert ends["t-0"] == ends["t-1"] == f"0 to {BATCHES // 2}", ends
    assert all(ends[f"wide-{index}"] == f"0 to {ROUNDS}" for index in range(WIDE)), ends
    check(data, IN_ORDER)


def damage_is_told_with_its_place(folder):
    data = stopped(folder)
    path = data / "t-1" / LOG
    whole = path.read_bytes()
    at = whole.index(b"value 21")
    path.write_bytes(whole.replace(b"value 21", b"valUe 21"))
    told = check(data, DAMAGED)
    size = len(whole) // (BATCHES // 2)
    place = re.search(rf"damage: .*/t-1/{LOG} at (\d+): .*offsets 10 to 10 .*checksum", told)
    assert place and at - size < int(place[1]) < at, told
    assert told.count("damage:") == 1 and ": damaged: " in told, told
    path.write_bytes(whole[:-1])
    assert re.search(rf"{LOG} at \d+: there is no whole batch", check(data, DAMAGED))


def indexes_are_compared_with_the_segment(folder):
    data = stopped(folder)
    for kind, position in ((".index", 7), (".index", 11), (".timeindex", 7), (".timeindex", 11)):
        path = (data / "t-0" / LOG).with_suffix(kind)
        whole = path.read_bytes()
        assert len(whole) > 24, (kind, len(whole))
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1:])
        told = check(data, MENDED)
        assert re.search(rf"mended: .*/t-0/{path.name}", told), told
        path.write_bytes(whole)
    check(data, IN_ORDER)


def small_files_are_read_too(folder):
    data = stopped(folder)
    snapshot = next((data / "t-0").glob("*.snapshot"))
    for path, wanted in ((snapshot, MENDED), (data / "t-0/partition.metadata", DAMAGED),
                         (data / "t-0/leader-epoch-checkpoint", MENDED),
                         (data / "recovery-point-offset-checkpoint", MENDED)):
        whole = path.read_bytes()
        path.write_bytes(b"rubbish")
        assert path.name in check(data, wanted) or path.parent.name in check(data, wanted)
        path.write_bytes(whole)
    (data / "t-9-delete").mkdir()
    (data / "t-0" / f"{5:020}.log.deleted").write_bytes(b"")
    told = check(data, IN_ORDER)
    assert told.count("note:") == 2, told


def metadata_is_read_as_a_start_reads_it(folder):
    settings = "metadata.log.max.record.bytes.between.snapshots=1"
    metadata = folder / "a/__cluster_metadata-0"
    with Broker(folder, settings, dirs=("a",)) as broker:
        data = fill(broker)
        for i in range(SNAPSHOT_TRIES):  # One is not begun while another is being written.
            broker.create(f"more{i}", 1)
            if len(list(metadata.glob("*.checkpoint"))) > 1:
                break
        assert broker.stop() == 0
    snapshots = sorted(metadata.glob("*.checkpoint"))
    assert len(snapshots) > 1, snapshots
    check(data, IN_ORDER)
    bootstrap = data / "bootstrap.checkpoint"
    bootstrap.write_bytes(snapshots[0].read_bytes())
    check(data, IN_ORDER)
    for path, wanted in ((metadata / "quorum-state", MENDED), (bootstrap, DAMAGED),
                         (snapshots[0], DAMAGED), (snapshots[-1], DAMAGED)):
        whole = path.read_bytes()
        for damaged in (b"rubbish", whole[:-1], whole.replace(b"t", b"u", 1)):
            if damaged != whole and (wanted == DAMAGED or damaged == b"rubbish"):
                path.write_bytes(damaged)
                told = check(data, wanted)
                assert path.name in told and told.count(f"{LEVELS[wanted]}:") == 1, told
        path.write_bytes(whole)
    bootstrap.unlink()
    newest = snapshots[-1].read_bytes()
    for snapshot in snapshots:
        snapshot.unlink()
    check(data, IN_ORDER)  # The log has everything.
    (metadata / f"{10**6:020}-{1:010}.checkpoint").write_bytes(newest)
    told = check(data, DAMAGED)
    assert "its newest snapshot ends at 1000000" in told, told
    Broker(folder, settings, dirs=("a",)).refuses("do not meet")
    (metadata / f"{10**6:020}-{1:010}.checkpoint").unlink()
    snapshots[-1].write_bytes(newest[:-1])
    Broker(folder, settings, dirs=("a",)).refuses("snapshot of the metadata")


def what_is_held_or_none_is_refused(folder):
    with Broker(folder, dirs=("a",)) as broker:
        done = run("check", fill(broker))
        assert done.returncode == UNKNOWN and "in use by another" in done.stderr, done
        assert broker.stop() == 0
    data = broker.dirs[0]
    (data / "meta.properties").write_text("version=7\n")
    check(data, UNKNOWN)
    assert "no meta.properties" in check(data / "t-0", UNKNOWN)
    assert run("check", folder / "none").returncode == UNKNOWN
    assert run("check").returncode == UNKNOWN


def no_damage_ends_it(folder):
    with Broker(folder, dirs=("a",)) as broker:
        fill(broker)
        broker.kill()
    rng = random.Random(7)
    statuses = set()
    for i in range(60):
        data = folder / "copy"
        shutil.copytree(broker.dirs[0], data)
        path = rng.choice([path for path in sorted(data.rglob("*")) if path.is_file()])
        whole = bytearray(path.read_bytes())
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(whole) + 1)
            kind = rng.randrange(3)
            if kind == 0 and whole:
                whole[min(at, len(whole) - 1)] ^= 1 << rng.randrange(8)
            elif kind == 1:
                del whole[at:]
            else:
                whole[at:at] = rng.randbytes(rng.randrange(50))
        path.write_bytes(whole)
        before = state_of(data)
        done = run("check", data)
        assert done.returncode in (IN_ORDER, MENDED, DAMAGED, UNKNOWN), (i, path, done)
        assert state_of(data) == before, (i, path)
        statuses.add(done.returncode)
        shutil.rmtree(data)
    assert {MENDED, DAMAGED} <= statuses, statuses


if __name__ == "__main__":
    sys.exit(cases.main(globals()))
