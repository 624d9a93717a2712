# SPDX-License-Identifier: Apache-2.0
"""Kafka's protocol by hand: requests as dicts, for the tests that send what no client sends.

The messages are those of schema/api, read here by code that shares nothing with the
broker's.  A field that a request does not name has the schema's default.

    metadata = load()["metadata"]
    frame = metadata.request_frame(12, {"topics": None})
    answer = metadata.parse_response(12, payload)
"""

import gzip
import re
import struct
import uuid
import zlib

SCHEMAS = "schema/api"
SERVED = "src/broker/apis.def"
FIRST_OF_KAFKA_4 = {"produce": 3, "fetch": 4, "list_offsets": 1}  # Where we serve more.
LAST = 32767
NUMBERS = {"i8": ">b", "i16": ">h", "u16": ">H", "i32": ">i", "u32": ">I", "i64": ">q",
           "f64": ">d"}
NO_ID = uuid.UUID(int=0)
NULL_STRUCT = b"\xff"


class Malformed(Exception):
    """These bytes are no such message."""


class Versions:
    def __init__(self, word):
        low, dash, high = word.partition("-")
        if word.endswith("+"):
            self.low, self.high = int(word[:-1]), LAST
        else:
            self.low = int(low)
            self.high = int(high) if dash else self.low

    def __contains__(self, version):
        return self.low <= version <= self.high


class Field:
    """One line of a schema."""

    def __init__(self, words):
        self.name = words[0]
        self.type = words[1]
        self.is_array = self.type.startswith("[]")
        self.type = self.type.removeprefix("[]")
        self.is_nullable = self.type.endswith("?")
        self.type = self.type.removesuffix("?")
        self.versions = Versions(words[2])
        self.null = self.versions if self.is_nullable else None
        self.tag = None
        self.is_classic = False
        self.default = None
        self.children = None
        rest = words[3:]
        while rest:
            word = rest.pop(0)
            if word == "=":
                self.default = rest.pop(0)
            elif word == "null":
                self.null = Versions(rest.pop(0))
            elif word == "tag":
                self.tag = int(rest.pop(0))
                self.tagged = self.versions
                if rest and rest[0][0].isdigit():
                    self.tagged = Versions(rest.pop(0))
            elif word == "was":
                rest.pop(0)
            elif word == "classic":
                self.is_classic = True

    def is_tagged(self, version):
        return self.tag is not None and version in self.tagged

    def has_null_byte(self, version):
        """Whether a byte in front says that the struct is there; an array has its count."""
        return self.is_nullable and not self.is_array and version in self.null

    def value_without(self):
        """What the field is where nobody gives it."""
        if self.default == "null":
            return None
        if self.is_array:
            return []
        if self.children is not None:
            return {}
        if self.type == "bool":
            return self.default == "true"
        if self.type in NUMBERS:
            return int(self.default, 0) if self.default else 0
        if self.type == "uuid":
            return NO_ID
        if self.type == "string":
            return self.default or ""
        return None if self.type == "records" and self.is_nullable else b""


def _lines(path):
    """Level and words of each line that says something."""
    for line in path.read_text().splitlines():
        text = line.partition("#")[0].rstrip()
        if text:
            yield (len(text) - len(text.lstrip())) // 2, text.split()


class Api:
    """One file of schema/api: a request and its response."""

    def __init__(self, path):
        self.flexible = LAST
        self.served = None
        self.messages = {}
        self.ranges = {}
        self.structs = {}  # By message ("struct": shared by all of them) and name.
        self._read(path)
        for (scope, _), fields in self.structs.items():
            for field in fields:
                field.children = self.structs.get(
                    (scope, field.type), self.structs.get(("struct", field.type)))

    def _read(self, path):
        owners, scope = {}, None
        for level, words in _lines(path):
            if words[0] in ("api", "data", "record") and level == 0:
                self.key = int(words[1]) if words[0] == "api" else None
                self.name = words[2 if words[0] == "api" else 1]
                if "flexible" in words:
                    self.flexible = Versions(words[words.index("flexible") + 1]).low
            elif level == 0:
                scope = words[0]
                name = words[1] if scope == "struct" else ""
                owners = {1: self.structs.setdefault((scope, name), [])}
                if scope != "struct":
                    self.messages[scope] = owners[1]
                    self.ranges[scope] = Versions(words[2])
            else:
                if level not in owners:
                    name = owners[level - 1][-1].type
                    owners[level] = self.structs.setdefault((scope, name), [])
                owners[level].append(Field(words))
                owners = {key: owners[key] for key in owners if key <= level}

    @property
    def versions(self):
        """The versions that Kafka 4 and we serve; the schema may know older ones."""
        return self.served or range(self.ranges["request"].low, self.ranges["request"].high + 1)

    # --- requests -------------------------------------------------------------------------

    def request_header(self, version, correlation, client="compat", flexible=None):
        out = struct.pack(">hhi", self.key, version, correlation) + _classic_string(client)
        if self.is_flexible(version) if flexible is None else flexible:
            out += b"\0"
        return out

    def request_frame(self, version, body, correlation=1, client="compat"):
        payload = self.request_header(version, correlation, client)
        return frame(payload + self.encode("request", version, body))

    def is_flexible(self, version):
        return version >= self.flexible

    def encode(self, message, version, body):
        return self._put_struct(self.messages[message], version, body)

    def _put_struct(self, fields, version, value):
        flexible = self.is_flexible(version)
        unknown = set(value) - {field.name for field in fields}
        assert not unknown, f"no such field: {unknown}"
        out, tags = b"", []
        for field in fields:
            if version not in field.versions:
                continue
            part = value.get(field.name, field.value_without())
            if not field.is_tagged(version):
                out += self._put(field, version, part)
            elif field.name in value:
                tags.append((field.tag, self._put(field, version, part)))
        if flexible:
            out += put_tags(sorted(tags))
        return out

    def _put(self, field, version, value):
        flexible = self.is_flexible(version) and not field.is_classic
        if field.is_array:
            if value is None:
                return b"\0" if flexible else struct.pack(">i", -1)
            count = put_varint(len(value) + 1) if flexible else struct.pack(">i", len(value))
            return count + b"".join(self._put_one(field, version, one) for one in value)
        return self._put_one(field, version, value)

    def _put_one(self, field, version, value):
        flexible = self.is_flexible(version) and not field.is_classic
        if field.children is not None:
            if not field.has_null_byte(version):
                return self._put_struct(field.children, version, value)
            if value is None:
                return NULL_STRUCT
            return b"\x01" + self._put_struct(field.children, version, value)
        if field.type in NUMBERS:
            return struct.pack(NUMBERS[field.type], value)
        if field.type == "bool":
            return bytes([value])
        if field.type == "uuid":
            return value.bytes
        raw = value.encode() if isinstance(value, str) else value
        if flexible:
            return b"\0" if raw is None else put_varint(len(raw) + 1) + raw
        if field.type == "string":
            return _classic_string(raw)
        return struct.pack(">i", -1 if raw is None else len(raw)) + (raw or b"")

    # --- responses ------------------------------------------------------------------------

    def parse_response(self, version, payload):
        """The response in these bytes, behind the size; checks that they are used up."""
        reader = Reader(payload)
        reader.number("i32")
        # The header of ApiVersions is never flexible, so that anybody can read it.
        if self.is_flexible(version) and self.key != 18:
            reader.tags()
        answer = self._get_struct(self.messages["response"], version, reader)
        if reader.at != len(payload):
            raise Malformed(f"{len(payload) - reader.at} bytes behind the response")
        return answer

    def _get_struct(self, fields, version, reader):
        value = {}
        by_tag = {}
        for field in fields:
            if version not in field.versions:
                continue
            if field.is_tagged(version):
                by_tag[field.tag] = field
                value[field.name] = "(default)"
            else:
                value[field.name] = self._get(field, version, reader)
        if self.is_flexible(version):
            for tag, raw in reader.tags():
                inner = Reader(raw)
                if tag not in by_tag:
                    value[f"unknown tag {tag}"] = raw
                    continue
                value[by_tag[tag].name] = self._get(by_tag[tag], version, inner)
                if inner.at != len(raw):
                    raise Malformed(f"tag {tag} is longer than its field")
        return value

    def _get(self, field, version, reader):
        if not field.is_array:
            return self._get_one(field, version, reader)
        flexible = self.is_flexible(version)
        count = reader.varint() - 1 if flexible else reader.number("i32")
        if count < 0:
            return None
        return [self._get_one(field, version, reader) for _ in range(count)]

    def _get_one(self, field, version, reader):
        if field.children is not None:
            if field.has_null_byte(version) and reader.take(1) == NULL_STRUCT:
                return None
            return self._get_struct(field.children, version, reader)
        if field.type in NUMBERS:
            return reader.number(field.type)
        if field.type == "bool":
            return bool(reader.take(1)[0])
        if field.type == "uuid":
            return uuid.UUID(bytes=reader.take(16))
        if self.is_flexible(version):
            size = reader.varint() - 1
        else:
            size = reader.number("i16" if field.type == "string" else "i32")
        if size < 0:
            return None
        raw = reader.take(size)
        return raw.decode() if field.type == "string" else raw


class Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, size):
        if size < 0 or self.at + size > len(self.data):
            raise Malformed("the response ends too early")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, word):
        return struct.unpack(NUMBERS[word], self.take(struct.calcsize(NUMBERS[word])))[0]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return value

    def tags(self):
        return [(self.varint(), self.take(self.varint())) for _ in range(self.varint())]


def put_varint(value):
    """An unsigned varint."""
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7f | 0x80])
        value >>= 7
    return out + bytes([value])


def put_signed(value):
    """A zigzag varint, as records use it."""
    return put_varint(value << 1 if value >= 0 else (-value << 1) - 1)


def put_tags(tags):
    return put_varint(len(tags)) + b"".join(
        put_varint(tag) + put_varint(len(raw)) + raw for tag, raw in tags)


def _classic_string(value):
    if value is None:
        return struct.pack(">h", -1)
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack(">h", len(raw)) + raw


def frame(payload):
    return struct.pack(">i", len(payload)) + payload


def load(tree):
    """All APIs by name."""
    apis = {}
    for path in sorted((tree / SCHEMAS).glob("*.msg")):
        api = Api(path)
        if api.key is not None:
            apis[api.name] = api
    rows = re.findall(r"^API\((\w+),.*?(\d+), +(\d+), +\d+\)", (tree / SERVED).read_text(), re.M)
    for name, lowest, highest in rows:
        lowest = max(int(lowest), FIRST_OF_KAFKA_4.get(name, 0))
        if name not in apis:
            continue  # The controller's own way to answer one of them.
        apis[name].served = range(lowest, int(highest) + 1)
    return apis


# --- record batches -------------------------------------------------------------------------


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def _part(raw):
    return put_signed(-1) if raw is None else put_signed(len(raw)) + raw


def record(delta, key=None, value=b"v", headers=(), timestamp_delta=0, attributes=0, extra=b""):
    body = bytes([attributes]) + put_signed(timestamp_delta) + put_signed(delta)
    body += _part(key) + _part(value) + put_signed(len(headers))
    for name, text in headers:
        body += _part(name) + _part(text)
    body += extra
    return put_signed(len(body)) + body


def batch(records, *, base_offset=0, leader_epoch=-1, magic=2, attributes=0, count=None,
          last_delta=None, base_timestamp=0, max_timestamp=None, producer=(-1, -1, -1),
          crc=None, length=None, compress=None):
    """A record batch; each argument that is given stands there as it is, right or wrong."""
    body = b"".join(records)
    if compress:
        body = compress(body)
    count = len(records) if count is None else count
    last_delta = count - 1 if last_delta is None else last_delta
    max_timestamp = base_timestamp if max_timestamp is None else max_timestamp
    tail = struct.pack(">hiqqqhii", attributes, last_delta, base_timestamp, max_timestamp,
                       *producer, count) + body
    crc = crc32c(tail) if crc is None else crc
    length = 9 + len(tail) if length is None else length
    return struct.pack(">qiibI", base_offset, length, leader_epoch, magic, crc) + tail


BATCH_FIELDS = ("base_offset", "length", "leader_epoch", "magic", "crc", "attributes",
                "last_delta", "base_timestamp", "max_timestamp", "producer_id", "producer_epoch",
                "base_sequence", "count")
BATCH_HEADER = ">qiibIhiqqqhii"
BATCH_HEADER_SIZE = struct.calcsize(BATCH_HEADER)


def _content(attributes, records):
    """The records as they are without compression, as far as Python's own library knows it."""
    try:
        return {0: bytes, 1: gzip.decompress}[attributes & 7](records)
    except (KeyError, OSError, EOFError, zlib.error):
        return "(compressed)"


def batches(raw):
    """The whole batches in a record set: their headers as dicts, with the bytes behind."""
    found = []
    while len(raw) >= BATCH_HEADER_SIZE:
        header = dict(zip(BATCH_FIELDS, struct.unpack_from(BATCH_HEADER, raw)))
        size = header["length"] + 12
        if size < BATCH_HEADER_SIZE or len(raw) < size:
            break
        header["crc_right"] = crc32c(raw[21:size]) == header["crc"]
        header["content"] = _content(header["attributes"], raw[BATCH_HEADER_SIZE:size])
        found.append(header)
        raw = raw[size:]
    return found


# --- messages of formats 0 and 1 ------------------------------------------------------------------


def _plain(raw):
    return struct.pack(">i", -1) if raw is None else struct.pack(">i", len(raw)) + raw


def message(key=None, value=b"v", *, magic=1, offset=0, attributes=0, timestamp=0, crc=None,
            size=None, extra=b""):
    """An entry of a message set; each argument that is given stands there, right or wrong."""
    tail = struct.pack(">bb", magic, attributes)
    if magic:
        tail += struct.pack(">q", timestamp)
    tail += _plain(key) + _plain(value) + extra
    crc = zlib.crc32(tail) if crc is None else crc
    size = 4 + len(tail) if size is None else size
    return struct.pack(">qiI", offset, size, crc) + tail


def wrapper(inner, compress, codec, **fields):
    """A message whose value is a compressed message set."""
    fields.setdefault("offset", 0)
    return message(value=compress(b"".join(inner)), attributes=fields.pop("attributes", 0) | codec,
                   **fields)


MESSAGE_PREFIX_SIZE = 12


def messages(raw):
    """The whole messages in a record set, as dicts; those within a gzip wrapper inside it."""
    found = []
    while len(raw) >= MESSAGE_PREFIX_SIZE + 6:
        offset, size, crc, magic, attributes = struct.unpack_from(">qiIbb", raw)
        end = MESSAGE_PREFIX_SIZE + size
        if size < 14 or len(raw) < end or magic not in (0, 1):
            break
        one = {"base_offset": offset, "magic": magic, "attributes": attributes,
               "crc_right": zlib.crc32(raw[16:end]) == crc}
        reader = Reader(raw[18:end])
        if magic:
            one["timestamp"] = reader.number("i64")
        for name in ("message_key", "message_value"):
            length = reader.number("i32")
            one[name] = None if length < 0 else reader.take(length)
        if attributes & 7:
            value = _content(attributes, one.pop("message_value"))
            one["inside"] = value if isinstance(value, str) else messages(value)
        found.append(one)
        raw = raw[end:]
    return found


def record_set(raw):
    """What is whole in a record set: batches, or messages of an older format."""
    return messages(raw) if len(raw) > 16 and raw[16] < 2 else batches(raw)
