#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many instructions the broker takes for a request, by Callgrind: a guard that neither the
machine nor its load can shake.

    instructions.py [--write] [--keep FOLDER] [REQUEST ...]

Each request is sent some hundred times, one at a time, by a process that asks for nothing else,
in two runs of different length; what the longer one took more is divided by how many more
requests it had.  Only instructions of the process count, not the kernel's.  One that takes
TOLERANCE more than test/script/instructions.txt says fails; --write writes the figures anew.
--keep leaves Callgrind's profiles in a folder, for callgrind_annotate.
"""

import argparse
import os
import pathlib
import platform
import re
import shutil
import socket
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import peers  # noqa: E402
import wire  # noqa: E402

FIGURES = pathlib.Path(__file__).with_suffix(".txt")
TOLERANCE = 0.05
FEW, MANY = 300, 1100
TOPIC, GROUP = "t", "g"
VALUE = b"x" * 1024
# The C library chooses by the processor how it copies and clears; this is what all can do.
PLAIN = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load"
APIS = wire.load(TREE)


class Counted(peers.Moldau):
    """A broker whose instructions Callgrind counts."""

    def profile(self):
        return self.folder / "callgrind.out"

    def command(self):
        return ["valgrind", "--tool=callgrind", "--quiet",
                f"--callgrind-out-file={self.profile()}", *super().command()]

    def instructions(self):
        """Of all its life; known once it has ended."""
        said = self.profile().read_text()
        return int(re.search(r"^(?:summary|totals): (\d+)", said, re.M).group(1))


class Client:
    """A connection that asks one thing at a time."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=60)

    def send(self, frame):
        self.connection.sendall(frame)
        return peers.receive(self.connection,
                             int.from_bytes(peers.receive(self.connection, 4), "big"))

    def ask(self, api, version, body):
        answer = self.send(APIS[api].request_frame(version, body))
        return APIS[api].parse_response(version, answer)


def create(client):
    answer = client.ask("create_topics", 5, {"timeout_ms": 60000, "topics": [
        {"name": TOPIC, "num_partitions": 1, "replication_factor": 1}]})
    assert answer["topics"][0]["error_code"] == 0, answer


# --- what is asked: each makes what it needs, and returns the frame ---------------------------


def produce(client):
    """A batch with one record of 1 KiB, acks=1."""
    create(client)
    batch = wire.batch([wire.record(0, value=VALUE)], base_timestamp=int(time.time() * 1000))
    frame = APIS["produce"].request_frame(9, {"acks": 1, "timeout_ms": 60000, "topic_data": [
        {"name": TOPIC, "partition_data": [{"index": 0, "records": batch}]}]})
    answer = APIS["produce"].parse_response(9, client.send(frame))
    assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0, answer
    return frame


def fetch(client):
    """The one batch that a partition has, without a fetch session."""
    produce(client)
    frame = APIS["fetch"].request_frame(11, {"max_bytes": 1 << 20, "min_bytes": 1, "topics": [
        {"topic": TOPIC, "partitions": [
            {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 20}]}]})
    answer = APIS["fetch"].parse_response(11, client.send(frame))
    assert len(answer["responses"][0]["partitions"][0]["records"]) > len(VALUE), answer
    return frame


def metadata(client):
    """One topic of one partition."""
    create(client)
    return APIS["metadata"].request_frame(9, {"topics": [{"name": TOPIC}]})


def heartbeat(client):
    """Of the only member of a group."""
    def join(member):
        return client.ask("join_group", 5, {
            "group_id": GROUP, "session_timeout_ms": 1800000, "rebalance_timeout_ms": 1800000,
            "member_id": member, "protocol_type": "consumer",
            "protocols": [{"name": "range", "metadata": b""}]})
    while client.ask("find_coordinator", 3, {"key": GROUP})["error_code"]:
        pass
    while (joined := join(""))["error_code"] in (14, 15, 16):  # The offsets are being loaded.
        pass
    joined = join(joined["member_id"])
    body = {"group_id": GROUP, "generation_id": joined["generation_id"],
            "member_id": joined["member_id"]}
    synced = client.ask("sync_group", 3, body)
    assert synced["error_code"] == 0, synced
    return APIS["heartbeat"].request_frame(4, body)


def produce_counted(client):
    """As produce, of a broker that times requests and counts by topic: it has metrics.listener."""
    return produce(client)


REQUESTS = {function.__name__: function
            for function in (produce, produce_counted, fetch, metadata, heartbeat)}
# What a request's broker is set to beyond what each is.
SETTINGS = {"produce_counted": ["metrics.listener=127.0.0.1:0"]}


def counted(name, count, keep):
    """Instructions of a broker that is asked so often."""
    with tempfile.TemporaryDirectory() as folder:
        with Counted(folder, ["log.ack.durability=page-cache", *SETTINGS.get(name, [])]) as broker:
            client = Client(broker.port)
            frame = REQUESTS[name](client)
            for _ in range(count):
                client.send(frame)
            assert broker.stop() == 0, broker.tail()
        if keep:
            shutil.copy(broker.profile(), keep / f"{name}.{count}")
        return broker.instructions()


def each(name, keep):
    """Instructions for one request."""
    few, many = (counted(name, count, keep) for count in (FEW, MANY))
    return (many - few) / (MANY - FEW)


def read_figures():
    rows = [line.split() for line in FIGURES.read_text().splitlines() if line[:1] != "#"]
    return {name: int(figure) for name, figure in rows}


def write_figures(figures):
    lines = ["# Instructions of the broker for one request (x86-64, gcc 12); written by",
             "# test/script/instructions.py --write, which says what each is."]
    lines += [f"{name:15} {figure:.0f}" for name, figure in figures.items()]
    FIGURES.write_text("\n".join(lines) + "\n")


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write the figures anew")
    parser.add_argument("--keep", type=pathlib.Path, help="leave the profiles here")
    parser.add_argument("requests", nargs="*", metavar="REQUEST", help=" ".join(REQUESTS))
    options = parser.parse_args(words)
    os.environ["GLIBC_TUNABLES"] = PLAIN
    names = options.requests or REQUESTS
    figures = {name: each(name, options.keep) for name in names}
    if options.write:
        write_figures(figures)
    wanted = read_figures() if platform.machine() == "x86_64" else figures
    failed = 0
    for name, figure in figures.items():
        change = figure / wanted[name] - 1
        bad = change > TOLERANCE
        failed += bad
        print(f"{'FAIL' if bad else 'ok  '} {name}: {figure:.0f} instructions a request, "
              f"{change:+.1%} against {wanted[name]:.0f}")
    print(f"{len(figures) - failed} passed, {failed} failed, 0 skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
