#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sequences of requests that are well formed, half well formed, and not at all, to a broker that
must answer or hang up, and go on serving others.

    hostile.py [--seed N] [--count N] [--requests N]

Fields take what the broker has said of fields with that name before - ids of topics, members and
producers, epochs, generations, offsets - so that requests meet what others have left.  Every so
often a client that wants no harm makes a topic, writes and reads.  In the end the broker stops in
order, and `moldau check` finds its folder in order.
$MOLDAU is the binary, unless set build/moldau: one with sanitizers sees more.
"""

import argparse
import pathlib
import random
import select
import socket
import struct
import subprocess
import sys
import tempfile
import uuid

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import peers  # noqa: E402
import tally  # noqa: E402
import talk  # noqa: E402
import wire  # noqa: E402

# What would end the node for everybody, by right.
LEFT_OUT = {"unregister_broker", "update_features"}
KEPT_MAX = 40  # Values of a field.
CONNECTIONS, WAIT_SECONDS = 6, 0.3
LOOK_EACH = 250
SETTINGS = ["node.id=1", "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=3",
            "log.retention.check.interval.ms=1000", "max.connections=1000"]
# Fields that would make a test wait, or a broker not a broker any more.
PINNED = {"max_wait_ms": [0, 1, 20], "rebalance_timeout_ms": [1, 100], "timeout_ms": [0, 1, 100],
          "session_timeout_ms": [6000, 7000, 1], "resource_type": [2, 32, 99, -1],
          "num_partitions": [-1, 0, 1, 3, 100], "replication_factor": [-1, 1, 2],
          "count": [1, 2, 7, -1, 0], "acks": [-1, 1, 7], "replica_id": [-1, -1, -1, 0, 7]}
STRINGS = ["", "t1", "t2", "t3", "g1", "g2", "consumer", "range", "__consumer_offsets", "x" * 250,
           "x" * 3000, ".", "a/b", "\u00e4\u4e2d", "retention.ms", "segment.bytes", "1", "-1",
           "cleanup.policy", "compact", "delete", "\0"]
NUMBERS = [0, 1, -1, 2, 3, 5, 100, 2**7 - 1, -2**7, 2**15 - 1, -2**15, 2**31 - 1, -2**31, 2**63 - 1,
           -2**63, 1700000000000]


class Speaker:
    """Makes requests up."""

    def __init__(self, rng):
        self.rng = rng
        self.apis = [api for name, api in sorted(wire.load(TREE).items())
                     if api.served and name not in LEFT_OUT]
        self.known = {}

    def learn(self, value):
        """Notes what an answer says, by the names of its fields."""
        if isinstance(value, list):
            for one in value[:KEPT_MAX]:
                self.learn(one)
        elif isinstance(value, dict):
            for name, part in value.items():
                if isinstance(part, (list, dict)):
                    self.learn(part)
                elif part is not None and part != "(default)":
                    kept = self.known.setdefault(name, [])
                    if len(kept) >= KEPT_MAX:
                        kept.pop(self.rng.randrange(KEPT_MAX))
                    kept.append(part)

    def fits(self, field, value):
        if field.type in wire.NUMBERS or field.type == "bool":
            return isinstance(value, (int, bool))
        return isinstance(value, uuid.UUID if field.type == "uuid" else
                          str if field.type == "string" else bytes)

    def records(self):
        rng = self.rng
        count = rng.randrange(1, 4)
        values = [wire.record(i, key=rng.choice([None, b"k"]), value=rng.randbytes(20))
                  for i in range(count)]
        made = wire.batch(values, base_timestamp=rng.choice([0, -1, 1700000000000]),
                          attributes=rng.choice([0, 0, 0, 8, 16, 32, 48, 1, 4]),
                          producer=rng.choice([(-1, -1, -1), self.producer()]))
        return made if rng.random() < 0.7 else self.spoil(made)

    def producer(self):
        known = self.known.get("producer_id", [5])
        return (self.rng.choice(known) % 2**62, self.rng.choice([0, 1, 7]),
                self.rng.choice([0, 1, 3, 100]))

    def scalar(self, field):
        rng = self.rng
        known = [one for one in self.known.get(field.name, []) if self.fits(field, one)]
        if field.name in PINNED and rng.random() < 0.98:
            return rng.choice(PINNED[field.name])
        if field.type == "records":
            return rng.choice([None, b"", self.records(), self.records()])
        if known and rng.random() < 0.6:
            return rng.choice(known)
        if field.type in wire.NUMBERS:
            low, high = bounds(field.type)
            return rng.choice([one for one in NUMBERS if low <= one <= high])
        if field.type == "bool":
            return rng.random() < 0.5
        if field.type == "uuid":
            return rng.choice([wire.NO_ID, uuid.UUID(int=rng.getrandbits(128))])
        if field.type == "string":
            return rng.choice(STRINGS)
        return rng.randbytes(rng.choice([0, 1, 8, 50]))

    def value(self, field, depth=0):
        rng = self.rng
        if field.null and rng.random() < 0.08:
            return None
        if not field.is_array:
            return self.one(field, depth)
        count = rng.choice([0, 1, 1, 1, 2, 3]) if rng.random() < 0.98 else rng.randrange(300)
        return [self.one(field, depth + 1) for _ in range(count if depth < 3 else 1)]

    def one(self, field, depth):
        if field.children is None:
            return self.scalar(field)
        return {child.name: self.value(child, depth + 1) for child in field.children}

    def spoil(self, raw):
        rng = self.rng
        raw = bytearray(raw)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(raw) + 1)
            kind = rng.randrange(4)
            if kind == 0 and raw:
                raw[min(at, len(raw) - 1)] ^= 1 << rng.randrange(8)
            elif kind == 1 and raw:
                raw[min(at, len(raw) - 1)] = rng.choice([0, 0x7f, 0x80, 0xff])
            elif kind == 2:
                del raw[at:at + rng.randrange(1, 9)]
            else:
                raw[at:at] = rng.randbytes(rng.randrange(1, 9))
        return bytes(raw)

    def request(self):
        """(api, version, frame); None where the schema has no way to say it."""
        rng = self.rng
        api = rng.choice(self.apis)
        version = rng.choice(api.served)
        body = {field.name: self.value(field) for field in api.messages["request"]
                if rng.random() < 0.97}
        try:
            frame = api.request_frame(version, body, correlation=rng.randrange(2**31))
        except (struct.error, TypeError, AttributeError, OverflowError):
            return None
        if rng.random() < 0.3:
            frame = wire.frame(self.spoil(frame[4:]))
        return api, version, frame


def bounds(kind):
    bits = 8 * struct.calcsize(wire.NUMBERS[kind])
    return (0, 2**bits - 1) if kind.startswith("u") else (-2**(bits - 1), 2**(bits - 1) - 1)


class Enemy:
    """A client that means harm."""

    def __init__(self, broker, rng):
        self.broker, self.rng = broker, rng
        self.speaker = Speaker(rng)
        self.connections = []
        self.answers = self.closed = self.silent = 0

    def connect(self):
        if len(self.connections) < CONNECTIONS and (not self.connections or
                                                    self.rng.random() < 0.3):
            self.connections.append(socket.create_connection(("127.0.0.1", self.broker.port), 30))
        return self.rng.choice(self.connections)

    def drop(self, connection):
        self.connections.remove(connection)
        connection.close()

    def step(self):
        made = self.speaker.request()
        if not made:
            return
        connection = None
        try:
            connection = self.connect()
            connection.sendall(made[2])
            if not select.select([connection], [], [], WAIT_SECONDS)[0]:
                self.silent += 1  # It waits, as it may; another time.
                self.drop(connection)
                return
            self.take(made, connection)
        except (OSError, peers.Failure):
            self.closed += 1
            if connection:
                self.drop(connection)

    def take(self, made, connection):
        connection.settimeout(30)
        head = peers.receive(connection, 4)
        if not head:
            raise ConnectionError("closed")
        payload = peers.receive(connection, struct.unpack(">i", head)[0])
        self.answers += 1
        try:
            self.speaker.learn(made[0].parse_response(made[1], payload))
        except (wire.Malformed, UnicodeDecodeError):
            pass  # The request's header was spoiled: it is of another version.

    def look(self, number):
        """A client that wants no harm."""
        one = talk.alone(f"friend{number}", self.broker)
        name, _ = one.topic()
        answer = one.quietly("produce", 7, one.produce_body(name, one.batch(3)))
        error = answer["responses"][0]["partition_responses"][0]["error_code"]
        part = one.quietly("fetch", 11, one.fetch_body(name))["responses"][0]["partitions"][0]
        served = sum(batch["count"] for batch in wire.batches(part["records"] or b""))
        one.close()
        return error == 0 and part["error_code"] == 0 and served == 3


def run(seed, requests, counts):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder).resolve()
        broker = peers.Moldau(folder, SETTINGS)
        with broker:
            enemy = Enemy(broker, random.Random(seed))
            good = True
            for number in range(requests):
                enemy.step()
                if broker.process.poll() is not None:
                    break
                if number % LOOK_EACH == LOOK_EACH - 1:
                    good = good and enemy.look(number)
            ended = broker.process.poll()
            counts.note("passed" if ended is None else "FAILED",
                        f"seed {seed}: lives through {requests} requests",
                        None if ended is None else broker.tail())
            counts.note("passed" if good else "FAILED", f"seed {seed}: others are served")
            most = enemy.answers > requests // 3
            counts.note("passed" if most else "FAILED", f"seed {seed}: {enemy.answers} answers, "
                        f"{enemy.closed} connections closed, {enemy.silent} without a word")
            for connection in enemy.connections:
                connection.close()
            status = broker.stop() if ended is None else ended
            counts.note("passed" if status == 0 else "FAILED", f"seed {seed}: stops in order",
                        None if status == 0 else broker.tail())
        done = subprocess.run([peers.Moldau.program, "check", folder / "data"], text=True,
                              capture_output=True, timeout=300, stdin=subprocess.DEVNULL)
        # Where no record has a time, the index by time is empty, and a start makes it again.
        wrong = [line for line in (done.stdout + done.stderr).splitlines()
                 if line.startswith(("mended", "damage")) and "indexes were missing" not in line]
        counts.note("FAILED" if wrong or done.returncode > 1 else "passed",
                    f"seed {seed}: the folder is in order", "\n".join(wrong) or None)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="how many brokers, one after another")
    parser.add_argument("--requests", type=int, default=2000, help="to each of them")
    options = parser.parse_args(words)
    counts = tally.Tally()
    for seed in range(options.seed, options.seed + options.count):
        run(seed, options.requests, counts)
    return counts.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
