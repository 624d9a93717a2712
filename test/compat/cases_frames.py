# SPDX-License-Identifier: Apache-2.0
"""Frames that are no requests, or odd ones: answered, or closed, as Kafka does."""

import struct

import wire
from talk import APIS, case, case_for_each

PROBE = struct.pack(">hhi", 18, 0, 9) + struct.pack(">h", -1)


def header(key, version, correlation=3, client=b"\0\1x", tags=b""):
    return struct.pack(">hhi", key, version, correlation) + client + tags


def closed_or(t, label, raw):
    """Sends on a connection of its own, and notes what comes."""
    t.connect()
    t.raw(label, raw)


@case_for_each({
    "size 0": struct.pack(">i", 0),
    "size -1": struct.pack(">i", -1),
    "size -2147483648": struct.pack(">i", -2**31),
    "size 104857601": struct.pack(">i", 104857601),
    "size 2147483647": struct.pack(">i", 2**31 - 1),
    "size 1": wire.frame(b"\0"),
    "size 7": wire.frame(PROBE[:7]),
    "size 8": wire.frame(PROBE[:8]),
    "size 9": wire.frame(PROBE[:9]),
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("16030100a5010000a10303"),
})
def frames_with_odd_sizes(t, label, raw):
    if label == "tls":  # Asks for a huge frame, 0x16030100 bytes.
        raw += bytes(200)
    closed_or(t, label, raw)


@case_for_each({
    "null client": PROBE,
    "client longer than the frame": header(18, 0, client=b"\x7f\xff"),
    "client length -2": header(18, 0, client=b"\xff\xfe"),
    "client not utf-8": header(18, 0, client=b"\0\2\xff\xfe"),
    "empty client": header(18, 0, client=b"\0\0"),
    "unknown key": header(9999, 0),
    "key -1": header(-1, 0),
    "key 32767": header(32767, 32767),
    "flexible without tags": header(3, 9),
    "flexible with a tag": header(3, 9, tags=b"\1\5\2hi") + b"\1\0\0\0\0",
    "flexible with tags out of order": header(3, 9, tags=b"\2\6\0\5\0") + b"\1\0\0\0\0",
    "flexible with a tag twice": header(3, 9, tags=b"\2\5\0\5\0") + b"\1\0\0\0\0",
    "flexible with a tag too long": header(3, 9, tags=b"\1\5\x7f") + b"\1\0\0\0\0",
    "flexible with many tags": header(3, 9, tags=b"\xff\xff\xff\xff\x07"),
})
def frames_with_odd_headers(t, label, payload):
    closed_or(t, label, wire.frame(payload))


@case_for_each([(name,) for name in APIS if name != "api_versions"])
def frames_of_versions_that_are_gone(t, name):
    """Below the lowest and above the highest, of each request that is served."""
    api = t.apis[name]
    lowest, highest = api.versions[0], api.versions[-1]
    for version in (-1, lowest - 1, highest + 1, 32767):
        if version == lowest - 1 == -1 or (version == highest + 1 and api.key == 22):
            continue
        if version == lowest - 1 and api.name in wire.FIRST_OF_KAFKA_4:
            continue
        body = header(api.key, version, tags=b"\0" if version > highest else b"")
        closed_or(t, f"{api.name} v{version}", wire.frame(body + bytes(40)))


@case_for_each({
    "no body": header(3, 1),
    "array longer than the frame": header(3, 1) + struct.pack(">i", 5) + b"\0\1a",
    "array of 2147483647": header(3, 1) + struct.pack(">i", 2**31 - 1),
    "array of -2": header(3, 1) + struct.pack(">i", -2),
    "string longer than the frame": header(3, 1) + struct.pack(">ih", 1, 100) + b"a",
    "string length -1": header(3, 1) + struct.pack(">ih", 1, -1),
    "string length -2": header(3, 1) + struct.pack(">ih", 1, -2),
    "name not utf-8": header(3, 1) + struct.pack(">ih", 1, 2) + b"\xff\xfe",
    "bytes behind": header(3, 1) + struct.pack(">i", 0) + b"more",
    "bool 2": header(3, 4) + struct.pack(">i", 0) + b"\2",
    "bool cut": header(3, 4) + struct.pack(">i", 1) + b"\0\1a",
    "flexible, bytes behind": header(3, 9, tags=b"\0") + b"\1\0\0\0\0more",
    "flexible, unknown tag": header(3, 9, tags=b"\0") + b"\1\0\0\0\1\x63\2hi",
    "flexible, unknown tag of nothing": header(3, 9, tags=b"\0") + b"\1\0\0\0\1\x63\0",
    "flexible, tag cut": header(3, 9, tags=b"\0") + b"\1\0\0\0\1\x63\7hi",
    "flexible, tag twice": header(3, 9, tags=b"\0") + b"\1\0\0\0\2\x63\0\x63\0",
    "flexible, null topics": header(3, 9, tags=b"\0") + b"\0\0\0\0\0",
    "flexible, count of 5 bytes": header(3, 9, tags=b"\0") + b"\xff\xff\xff\xff\x0f\0\0\0\0",
    "flexible, count of 6 bytes": header(3, 9, tags=b"\0") + b"\xff\xff\xff\xff\xff\1\0\0\0",
    "flexible, name of length 0": header(3, 9, tags=b"\0") + b"\2\0\0\0\0\0\0",
    "uuid cut": header(3, 12, tags=b"\0") + b"\2\1\2\3",
    "produce, array of 2147483647": header(0, 3) + struct.pack(">hhii", -1, -1, 1,
                                                               2**31 - 1),
    "produce, records longer than the frame": header(0, 3) + struct.pack(
        ">hhiih", -1, -1, 1, 1, 1) + b"a" + struct.pack(">iii", 1, 0, 10**6),
    "produce, records of -2": header(0, 3) + struct.pack(
        ">hhiih", -1, -1, 1, 1, 1) + b"a" + struct.pack(">iii", 1, 0, -2),
    "produce, null topics": header(0, 3) + struct.pack(">hhii", -1, -1, 1, -1),
    "fetch, null topics": header(1, 4) + struct.pack(">iiiibi", -1, 0, 0, 1, 0, -1),
    "create, null topics": header(19, 2) + struct.pack(">iib", -1, 1000, 0),
    "an api version request with a body": header(18, 0) + b"more",
})
def frames_with_bodies_that_do_not_fit(t, label, payload):
    closed_or(t, label, wire.frame(payload))


@case
def frames_in_a_pipeline(t):
    """Answers keep the order of the requests, whatever they are."""
    name, _ = t.topic()
    frames = []
    for n in range(60):
        if n % 3 == 0:
            frames.append(t.frame("produce", 9, t.produce_body(name, t.batch(1)), correlation=n))
        elif n % 3 == 1:
            frames.append(t.frame("fetch", 11, t.fetch_body(name, max_wait_ms=20, offset=0),
                                  correlation=n))
        else:
            frames.append(t.frame("api_versions", 1, {}, correlation=n))
    t.send(b"".join(frames))
    got = [t.receive() for _ in frames]
    t.note("order", [struct.unpack(">i", p[:4])[0] if isinstance(p, bytes) else p for p in got])


@case
def frames_behind_a_bad_one(t):
    """The connection ends at the bad one: what was asked before it is answered."""
    good = t.frame("api_versions", 0, {}, correlation=1)
    t.send(good + wire.frame(header(9999, 0)) + t.frame("api_versions", 0, {}, correlation=2))
    first = t.receive()
    t.note("before", "an answer" if isinstance(first, bytes) else first)
    t.raw("behind", b"")


@case
def frames_in_pieces(t):
    """However a frame is cut up, it is one request."""
    name, _ = t.topic()
    raw = t.frame("produce", 9, t.produce_body(name, t.batch(3)))
    for at in range(len(raw)):
        t.send(raw[at:at + 1])
    t.note_answer("byte by byte", t.parse("produce", 9, t.receive()))
    two = raw + raw
    t.send(two[:len(raw) + 7])
    t.note_answer("one and a bit", t.parse("produce", 9, t.receive()))
    t.send(two[len(raw) + 7:])
    t.note_answer("the rest", t.parse("produce", 9, t.receive()))


@case
def frames_that_end_too_early(t):
    """A client that goes in the middle of a frame harms nobody."""
    name, _ = t.topic()
    raw = t.frame("produce", 9, t.produce_body(name, t.batch(3)))
    for size in (1, 3, 4, 5, 12, 20, 60, len(raw) - 1):
        t.connect()
        t.send(raw[:size])
        t.close()
    t.note("nothing was appended", t.end_offset(name))
