#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a broker says on standard error, as text and as JSON, and how much of it.

$MOLDAU is the binary, unless set build/moldau.
"""

import json
import pathlib
import re
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
LOGGER, SET, DELETE = 8, 0, 1
METADATA = 3
REFUSED = "connection closed: request refused"
CLOSED = "connection closed"
ODD = b"\x00\xff\"\\\n\xed\xa0\x80{}\x1b[31m\xe2\x82"


def be_refused(broker, client_id):
    """Sends a request of Metadata that ends in its middle, and is closed for it."""
    frame = struct.pack(">hhih", METADATA, 1, 1, len(client_id)) + client_id
    with socket.create_connection(("127.0.0.1", broker.port), timeout=SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(frame)) + frame)
        assert connection.recv(1) == b""


def lines_until(broker, found):
    """The lines of the log, as soon as there is one like that."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        lines = broker.log.read_bytes().split(b"\n")[:-1]
        if any(found(line) for line in lines):
            return lines
    raise AssertionError(broker.tail())


def objects(broker):
    """The lines of the log; before them stands what is for the eyes of who started it."""
    lines = broker.log.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines if not line.startswith((b"Moldau ", b"  "))]


def messages(broker):
    return [line["message"] for line in objects(broker)]


def a_line_of_text_has_time_level_module_number_and_fields(folder):
    with peers.Moldau(folder) as broker:
        be_refused(broker, b"me and\nyou")
        lines = lines_until(broker, lambda line: REFUSED.encode() in line)
        line, = [line.decode() for line in lines if REFUSED.encode() in line]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn broker M1\d{3}: " +
                            REFUSED + r" why=.*", line), line


def each_line_is_json_whatever_clients_send(folder):
    with peers.Moldau(folder, ["server.log.format=json", "num.io.threads=8"]) as broker:
        for client_id in (ODD, b"", bytes(range(1, 256)), b"x" * 30000):
            be_refused(broker, client_id)
        lines_until(broker, lambda line: b"xxx" in line)
        lines = objects(broker)
        for line in lines:
            assert list(line) == ["time", "level", "id", "logger", "message", "fields"], line
            assert re.fullmatch(r"M\d{4}", line["id"]) and line["logger"].startswith("moldau.")
        refused = [line for line in lines if line["message"] == REFUSED]
        assert len(refused) == 4 and len({line["id"] for line in refused}) == 1, refused
        assert refused[0]["fields"]["api"] == METADATA
        assert any(line["fields"].get("key") == "num.io.threads" for line in lines)


def levels_change_while_it_runs(folder):
    with peers.Moldau(folder, ["server.log.format=json"]) as broker:
        admin = talk.alone("logs", broker)

        def alter(operation, value):
            answer = admin.quietly("incremental_alter_configs", 1, {"resources": [
                {"resource_type": LOGGER, "resource_name": "1", "configs": [
                    {"name": "kafka.server.KafkaApis", "config_operation": operation,
                     "value": value}]}], "validate_only": False})
            assert answer["responses"][0]["error_code"] == 0, answer

        be_refused(broker, b"before")
        assert CLOSED not in messages(broker)
        alter(SET, "DEBUG")
        be_refused(broker, b"while")
        lines_until(broker, lambda line: f'"{CLOSED}"'.encode() in line)
        closed = [line for line in objects(broker) if line["message"] == CLOSED]
        assert all(line["level"] == "debug" for line in closed), closed
        alter(DELETE, None)
        many = len(closed)
        for _ in range(5):
            be_refused(broker, b"after")
        assert messages(broker).count(CLOSED) <= many + 1  # One may have been on its way.
        alter(SET, "ERROR")
        warned = messages(broker).count(REFUSED)
        be_refused(broker, b"not told")
        assert messages(broker).count(REFUSED) == warned
        admin.close()


if __name__ == "__main__":
    sys.exit(cases.main(globals()))
