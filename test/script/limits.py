#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many connections a broker takes, and for how long.

With the word kafka the same is asked of Apache Kafka: what passes there is what Kafka does.
$MOLDAU is the binary, unless set build/moldau.
"""

import pathlib
import select
import socket
import struct
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402

SECONDS = 30
BROKER, SET = 4, 0
ASK = struct.pack(">ihhih4s", 14, 18, 0, 1, 4, b"test")
KIND = peers.KINDS[sys.argv[1] if len(sys.argv) > 1 else "moldau"]


class Client:
    """One connection."""

    def __init__(self, port, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=SECONDS)

    def ask(self):
        """Whether it is answered; False if it is closed instead."""
        try:
            self.socket.sendall(ASK)
            size = peers.receive(self.socket, 4)
            return bool(size and peers.receive(self.socket, struct.unpack(">i", size)[0]))
        except ConnectionError:
            return False

    def send(self):
        self.socket.sendall(ASK)

    def has_answer(self):
        return bool(select.select([self.socket], [], [], 0)[0])

    def is_closed(self):
        """Waits for the end."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.socket.close()


def enter(port):
    """A client that is answered: who left just before may still be counted."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        client = Client(port)
        if client.ask():
            return client
        client.close()
    raise AssertionError("nobody is let in")


def stays_outside(client, others):
    """While the others are served again and again, this one is not."""
    client.send()
    for _ in range(50):
        assert all(other.ask() for other in others)
        assert not client.has_answer()


def alter(admin, *items, name="1"):
    answer = admin.quietly("incremental_alter_configs", 1, {"resources": [
        {"resource_type": BROKER, "resource_name": name, "configs": [
            {"name": key, "config_operation": SET, "value": value} for key, value in items]}],
        "validate_only": False})
    assert isinstance(answer, dict) and answer["responses"][0]["error_code"] == 0, answer


def one_address_may_not_have_too_many(folder):
    with KIND(folder, ["max.connections.per.ip=2"]) as broker:
        clients = [enter(broker.port) for _ in range(2)]
        for _ in range(3):
            assert Client(broker.port).is_closed()
        assert all(client.ask() for client in clients)
        clients[0].close()
        clients[0] = enter(broker.port)
        assert Client(broker.port).is_closed()


def an_address_has_a_bound_of_its_own(folder):
    with KIND(folder, ["max.connections.per.ip=1",
                       "max.connections.per.ip.overrides=10.0.0.1:7,127.0.0.1:3"]) as broker:
        clients = [enter(broker.port) for _ in range(3)]
        assert Client(broker.port).is_closed()
        assert all(client.ask() for client in clients)


def the_bound_of_an_address_changes_while_it_runs(folder):
    with KIND(folder) as broker:
        admin = talk.alone("limits", broker)
        alter(admin, ("max.connections.per.ip", "2"))
        clients = [enter(broker.port)]
        assert Client(broker.port).is_closed()
        alter(admin, ("max.connections.per.ip.overrides", "127.0.0.1:3"))
        clients.append(enter(broker.port))
        assert Client(broker.port).is_closed()
        assert all(client.ask() for client in clients)
        admin.close()


def one_too_many_waits_until_another_leaves(folder):
    with KIND(folder, ["max.connections=3"]) as broker:
        clients = [enter(broker.port) for _ in range(3)]
        late = Client(broker.port)
        stays_outside(late, clients)
        clients[0].close()
        assert peers.receive(late.socket, 4)


def those_that_were_quiet_for_longest_leave_when_the_bound_is_lowered(folder):
    with KIND(folder) as broker:
        admin = talk.alone("limits", broker)
        quiet = [enter(broker.port) for _ in range(4)]
        busy = enter(broker.port)
        alter(admin, ("max.connections", "2"))
        assert all(client.is_closed() for client in quiet)
        assert busy.ask()
        late = Client(broker.port)
        stays_outside(late, [busy])
        alter(admin, ("max.connections", "3"))
        assert peers.receive(late.socket, 4)
        admin.close()


def two_listeners(*settings):
    """Settings of a broker with two listeners, and the port of the second."""
    port = peers.free_port()

    def start(folder):
        broker = KIND(folder, settings)
        pairs = [f"PLAINTEXT://127.0.0.1:{broker.port}", f"OTHER://127.0.0.1:{port}"]
        names = ["PLAINTEXT:PLAINTEXT", "OTHER:PLAINTEXT"]
        if broker.name == "kafka":
            pairs.append(f"CONTROLLER://127.0.0.1:{broker.controller_port}")
            names.append("CONTROLLER:PLAINTEXT")
        broker.settings += [f"listeners={','.join(pairs)}",
                            f"listener.security.protocol.map={','.join(names)}"]
        return broker
    return start, port


def a_listener_has_a_bound_of_its_own(folder):
    start, port = two_listeners("listener.name.other.max.connections=2")
    with start(folder) as broker:
        clients = [enter(port) for _ in range(2)]
        late = Client(port)
        stays_outside(late, clients)
        others = [enter(broker.port) for _ in range(3)]
        admin = talk.alone("limits", broker)
        alter(admin, ("listener.name.other.max.connections", "3"))
        assert peers.receive(late.socket, 4)
        assert all(other.ask() for other in others)
        admin.close()


def the_listener_of_brokers_is_open_beyond_the_bound(folder):
    start, port = two_listeners("max.connections=3")
    with start(folder) as broker:
        quiet = enter(port)
        clients = [enter(port) for _ in range(2)]
        late = Client(port)
        stays_outside(late, clients)
        among_brokers = enter(broker.port)
        assert quiet.is_closed()
        assert all(client.ask() for client in [*clients, among_brokers])


def who_is_idle_is_closed(folder):
    with KIND(folder, ["connections.max.idle.ms=500"]) as broker:
        idle, busy = enter(broker.port), enter(broker.port)
        start = time.monotonic()
        while not idle.has_answer():  # Its end, since it has asked for nothing.
            assert busy.ask() and time.monotonic() < start + SECONDS
        assert idle.is_closed() and time.monotonic() - start > 0.4
        assert busy.ask()


def a_fetch_that_waits_is_not_idle(folder):
    with KIND(folder, ["connections.max.idle.ms=300"]) as broker:
        one = talk.alone("limits", broker)
        name = one.topic()
        answer = one.quietly("fetch", 11, {**one.fetch_body(name), "max_wait_ms": 2000,
                                           "min_bytes": 1})
        assert isinstance(answer, dict), answer
        one.close()


def many_consumers_wait_at_once_in_little_memory(folder):
    settings = ["queued.max.request.bytes=4194304", "socket.request.max.bytes=1048576"]
    settings += ["num.shards=1"] if KIND is peers.Moldau else []
    with KIND(folder, settings) as broker:
        one = talk.alone("limits", broker)
        name, _ = one.topic()
        body = one.fetch_body(name) | {"max_wait_ms": SECONDS * 1000}
        clients = [Client(broker.port) for _ in range(400)]
        for client in clients:
            client.socket.sendall(one.frame("fetch", 11, body))
        answer = one.quietly("produce", 7, one.produce_body(name, one.batch(1)))
        assert answer["responses"][0]["partition_responses"][0]["error_code"] == 0, answer
        for client in clients:
            assert len(peers.receive(client.socket, 4)) == 4, "it was closed"
            client.close()
        one.close()


def bounds_that_make_no_sense_are_explained(folder):
    if KIND is peers.Kafka:
        return  # Its words are other ones.
    for setting, said in (("max.connections.per.ip=0", "only if max.connections.per.ip.overrides"),
                          ("max.connections.per.ip.overrides=nobody", "nobody"),
                          ("listener.name.other.max.connections=x", "x")):
        broker = KIND(folder / str(len(said)), [setting])
        try:
            broker.start()
        except peers.Failure:
            assert said in broker.tail(), broker.tail()
            assert broker.process.returncode in (1, 2), broker.process.returncode
            continue
        broker.kill()
        raise AssertionError(f"it started with {setting}")


if __name__ == "__main__":
    sys.exit(cases.main(globals()))
