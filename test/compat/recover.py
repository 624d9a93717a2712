#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A broker that was killed: `moldau recover` leaves what a start of the broker would serve.

    recover.py

Many partitions are written to at once, so that much is in the commit log only; then the
broker is killed.  A copy of the folder is started on, and the folder itself recovered: both
must have every record that was acknowledged, and the same ends.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import peers
import tally
import talk
import wire

PARTITIONS = 24
ROUNDS = 40
IN_ORDER = "in order"


def moldau_command(*words):
    done = subprocess.run([peers.Moldau.program, *map(str, words)], capture_output=True, text=True,
                          timeout=peers.COMMAND_SECONDS, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Client:
    def __init__(self, broker):
        self.talk = talk.Talk("recover", wire.load(peers.TREE), broker, {}, 0)

    def create(self):
        self.talk.quietly("create_topics", 5, {"timeout_ms": 10000, "topics": [
            {"name": "many", "num_partitions": PARTITIONS, "replication_factor": 1}]})

    def write(self, number):
        """A batch into every partition at once: they are synced together."""
        records = wire.batch([wire.record(i, value=b"%d" % number) for i in range(3)])
        answer = self.talk.quietly("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": "many", "partition_data": [
                {"index": index, "records": records} for index in range(PARTITIONS)]}]})
        parts = answer["responses"][0]["partition_responses"]
        if any(part["error_code"] for part in parts):
            raise peers.Failure(f"a write was refused: {parts}")

    def ends(self):
        answer = self.talk.quietly("list_offsets", 5, {"replica_id": -1, "topics": [
            {"name": "many", "partitions": [{"partition_index": index, "timestamp": -1}
                                            for index in range(PARTITIONS)]}]})
        return {part["partition_index"]: part["offset"]
                for part in answer["topics"][0]["partitions"]}


def kill_in_the_middle(folder):
    broker = peers.Moldau(folder)
    with broker:
        client = Client(broker)
        client.create()
        for number in range(ROUNDS):
            client.write(number)
        said = moldau_command("recover", folder / "data")
        broker.kill()
    return said


def ends_of(folder):
    broker = peers.Moldau(folder)
    with broker:
        ends = Client(broker).ends()
        broker.stop()
    return ends


def main():
    counts = tally.Tally()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-recover-"))

    def check(good, what, why=None):
        counts.note("passed" if good else "FAILED", what, why if not good else None)

    try:
        killed, copied = folder / "killed", folder / "copied"
        status, out, err = kill_in_the_middle(killed)
        check(status == 1 and "in use by another" in err, "a folder in use is refused", out + err)
        data = killed / "data"
        shutil.copytree(data, copied / "data")
        check((data / "moldau.commit").exists(), "a killed broker leaves its commit log")
        status, out, err = moldau_command("recover", data)
        lines = out.splitlines()
        check(status == 0 and lines[-1].endswith(f"{IN_ORDER}, {PARTITIONS + 1} logs"),
              "a killed broker's folder is recovered", out + err)
        told = {int(line.split(":")[0].rpartition("-")[2]): int(line.split()[-1])
                for line in lines if line.startswith("many-")}
        check(set(told.values()) == {3 * ROUNDS}, "every acknowledged record is there", str(told))
        check(not (data / "moldau.commit").exists() and (data / ".kafka_cleanshutdown").exists(),
              "it is as a clean stop leaves it")
        check(told == ends_of(copied), "a start of the broker finds the same ends")
        before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        status, out, err = moldau_command("recover", "--dir", data)
        after = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
        check(status == 0 and before == after, "what is in order stays as it is", out + err)
        check(told == ends_of(killed), "a broker goes on with it")
        for words, what in (([folder / "nowhere"], "meta.properties"), ([], "which folder"),
                            ([folder], "meta.properties")):
            status, out, err = moldau_command("recover", *words)
            check(status == 1 and what in err, f"refused: {what}", out + err)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
