# SPDX-License-Identifier: Apache-2.0
"""What a case of the differential test has in its hands: one broker, spoken to by bytes.

Everything that comes back is noted under `case/label/field`, with what must differ
between two brokers masked (see _mask()).  The notes of two brokers are compared by
differential.py.
"""

import itertools
import re
import socket
import struct
import time

import peers
import wire

ANSWER_SECONDS = 40
# An answer that is a list is noted by the first of these that its elements have.
KEYS = ("name", "topic", "api_key", "index", "partition_index", "node_id", "resource_name", "key",
        "broker_id", "base_offset", "group_id", "member_id")
# What Kafka's sentence about a record's time says of the time at which it was looked at.
TIMES = re.compile(r"within \[-?\d+, -?\d+\]")
WORDS = ("error_message", "batch_index_error_message")
RANDOM_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
CASES = []
APIS = wire.load(peers.TREE)


class Case:
    """A name, a function of a Talk and some values, and the Kafka that it is compared with:
    None is the one that was asked for."""

    def __init__(self, name, function, values=(), kafka_version=None):
        self.name = name
        self.function = function
        self.values = values
        self.kafka_version = kafka_version


def case(function):
    """Marks a function as a case; they run in the order of the files."""
    return case_of(None)(function)


def case_of(version):
    """As case(), compared with this version of Kafka instead of the one that is asked for."""
    def mark(function):
        CASES.append(Case(function.__name__, function, (), version))
        return function
    return mark


def _word(value):
    """How a value stands in the name of a case."""
    word = f"'{value}'" if isinstance(value, str) and value.strip() != value else str(value)
    return word if 0 < len(word) <= 60 else f"{word[:9]}'{len(word)}"


def case_for_each(rows, version=None):
    """A case for each row, named by its first value; a row that is a tuple is handed over as its
    values.  The rows of a dict are its items."""
    def mark(function):
        for row in rows.items() if isinstance(rows, dict) else rows:
            values = row if isinstance(row, tuple) else (row,)
            CASES.append(Case(f"{function.__name__}: {_word(values[0])}", function, values,
                              version))
        return function
    return mark


def case_for_all(*tables, version=None):
    """A case for each way to take one value of each table."""
    def mark(function):
        for values in itertools.product(*tables):
            words = " ".join(_word(value) for value in values)
            CASES.append(Case(f"{function.__name__}: {words}", function, values, version))
        return function
    return mark


def case_in_versions(versions, version=None):
    """A case for each of these versions of an API, which the function is handed."""
    def mark(function):
        for one in versions:
            CASES.append(Case(f"{function.__name__}: v{one}", function, (one,), version))
        return function
    return mark


def case_in_each_version(api, version=None):
    """A case for each version of the API that Kafka 4 and we serve."""
    return case_in_versions(APIS[api].versions, version)


def _mask(name, value, siblings):
    """What two right brokers may differ in: ids, addresses, times, and the words of errors."""
    if name == "topic_id":
        return "none" if value == wire.NO_ID else "some id"
    if name in ("host", "port", "rack"):
        return "(address)"
    if name in ("member_id", "leader"):
        return RANDOM_ID.sub("(a random id)", value)
    if name == "cluster_id" or name in WORDS:
        return value if value in (None, "", "(default)") else "some text"
    if name in ("producer_id", "finalized_features_epoch") and value not in (-1, "(default)"):
        return "some number"
    if name == "session_id":
        return "some number" if value else value
    if name == "log_append_time_ms":
        return "some time" if value > 0 else value
    if name == "log_dir":
        return "some folder"
    if name in ("total_bytes", "usable_bytes"):
        return "some number" if value > 0 else value
    if name == "crc":
        return "(see crc_right)"
    if name == "throttle_time_ms":
        return "(not compared)"
    if name in ("max_timestamp",) and siblings.get("attributes", 0) & 8:
        return "some time"
    return value


class Talk:
    """One case against one broker."""

    def __init__(self, name, broker, notes, seen, now_ms):
        self.path = name
        self.name = re.sub("[^A-Za-z0-9_]", "-", name)  # For topics and groups.
        self.apis = APIS
        self.broker = broker
        self.notes = notes
        self.seen = seen
        # Whether the words of errors are compared too, and not only whether there are some.
        self.compares_words = name.startswith(("configs_", "produce_of_records_at_fault"))
        self.now_ms = now_ms
        self.connection = None
        self.correlation = 100
        self.topics = 0

    # --- notes ----------------------------------------------------------------------------

    def note(self, label, value):
        path = f"{self.path}/{label}"
        count = 1
        while path in self.notes:
            count += 1
            path = f"{self.path}/{label} ({count})"
        self.notes[path] = value

    def note_answer(self, label, answer):
        """Notes every field of an answer; a text is all there was of it."""
        if isinstance(answer, str):
            self.note(label, answer)
            return
        self.note(label, "an answer")
        self._flatten(f"{label}/", answer)

    def _flatten(self, prefix, value):
        for name, inner in value.items():
            if name == "records" and isinstance(inner, bytes):
                self._flatten(prefix, {"batches": wire.record_set(inner)})
            elif isinstance(inner, dict):
                self._flatten(f"{prefix}{name}.", inner)
            elif isinstance(inner, list) and inner and isinstance(inner[0], dict):
                self._flatten_list(f"{prefix}{name}", inner)
            elif isinstance(inner, list):
                self.note(f"{prefix}{name}", f"list of {len(inner)}")
                self.note(f"{prefix}{name}.values", inner)
            else:
                is_word = name in WORDS and self.compares_words and inner is not None
                self.note(f"{prefix}{name}", TIMES.sub("within (times)", inner) if is_word
                          else _mask(name, inner, value))

    def _flatten_list(self, prefix, elements):
        self.note(prefix, f"list of {len(elements)}")
        seen = {}
        for at, element in enumerate(elements):
            word = next((str(_mask(key, element[key], element)) for key in KEYS
                         if element.get(key) is not None),
                        "null" if "name" in element else f"[{at}]")
            seen[word] = seen.get(word, 0) + 1
            path = f"{prefix}.{word}{'' if seen[word] == 1 else f'#{seen[word]}'}"
            self.note(path, "there")
            self._flatten(f"{path}.", element)

    # --- bytes ----------------------------------------------------------------------------

    def connect(self):
        self.close()
        self.connection = socket.create_connection(("127.0.0.1", self.broker.port),
                                                   timeout=ANSWER_SECONDS)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    def send(self, raw):
        if not self.connection:
            self.connect()
        try:
            self.connection.sendall(raw)
        except OSError:
            pass  # The next receive() tells.

    def receive(self):
        """The next frame's payload; or a text: closed, or silent for too long."""
        try:
            size = peers.receive(self.connection, 4)
            if not size:
                raise ConnectionError
            return peers.receive(self.connection, struct.unpack(">i", size)[0])
        except TimeoutError:
            self.close()
            return "silent"
        except OSError:
            self.close()
            return "closed"

    def frame(self, api, version, body, correlation=None):
        if correlation is None:
            self.correlation += 1
            correlation = self.correlation
        return self.apis[api].request_frame(version, body, correlation)

    def parse(self, api, version, payload):
        if isinstance(payload, str):
            return payload
        try:
            answer = self.apis[api].parse_response(version, payload)
        except wire.Malformed as error:
            return f"malformed: {error}"
        self.seen.add(api, version, answer)
        return answer

    # --- requests -------------------------------------------------------------------------

    def ask(self, label, api, version, body):
        """Asks and notes the answer, which is a dict, or a text if there was none."""
        answer = self.quietly(api, version, body)
        self.note_answer(label, answer)
        return answer

    def quietly(self, api, version, body):
        """Asks without a note."""
        self.send(self.frame(api, version, body))
        payload = self.receive()
        if isinstance(payload, bytes) and payload[:4] != struct.pack(">i", self.correlation):
            return f"the answer to another request: {payload[:4].hex()}"
        return self.parse(api, version, payload)

    def raw(self, label, raw, api=None, version=0):
        """Sends these bytes and notes what comes back, parsed if it is known as what."""
        self.send(raw)
        payload = self.receive()
        if api is None and isinstance(payload, bytes):
            self.note(label, "an answer")
        else:
            self.note_answer(label, self.parse(api, version, payload) if api else payload)
        return payload

    def unanswered(self, label, raw):
        """Sends what may get no answer, and a request behind it whose answer shows that."""
        self.send(raw)
        self.send(self.frame("api_versions", 0, {}, correlation=77777))
        payload = self.receive()
        if isinstance(payload, str):
            self.note(label, payload)
        elif payload[:4] == struct.pack(">i", 77777):
            self.note(label, "no answer")
        else:
            self.note(label, "an answer")
            self.receive()

    def alive(self):
        """Notes whether the broker still answers, on a new connection."""
        self.connect()
        answer = self.quietly("api_versions", 0, {})
        self.note("alive", "yes" if isinstance(answer, dict) else answer)
        self.close()

    # --- topics and records -------------------------------------------------------------------

    def topic(self, partitions=1, **configs):
        """Makes a topic of this case and waits until the broker serves it: (name, id)."""
        self.topics += 1
        name = f"{self.name}-{self.topics}"
        answer = {}

        def ask():  # Kafka on a slow machine loses its only broker for a moment: error 38.
            nonlocal answer
            answer = self.quietly("create_topics", 7, body)
            return isinstance(answer, str) or answer["topics"][0]["error_code"] != 38
        body = {"topics": [{
            "name": name, "num_partitions": partitions, "replication_factor": 1,
            "configs": [{"name": key.replace("_", "."), "value": value}
                        for key, value in configs.items()]}], "timeout_ms": 10000}
        self.until(ask)
        if isinstance(answer, str) or answer["topics"][0]["error_code"]:
            raise peers.Failure(f"{self.broker.name} does not make {name}: {answer}")
        for partition in range(partitions):
            self.until(lambda: self.end_offset(name, partition) is not None)
        return name, answer["topics"][0]["topic_id"]

    def until(self, condition):
        """Asks again until it is true: a new topic reaches a broker a moment later."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                raise peers.Failure(f"{self.broker.name}: {self.name} waited in vain")

    def end_offset(self, topic, partition=0):
        answer = self.quietly("list_offsets", 5, {"replica_id": -1, "topics": [{
            "name": topic,
            "partitions": [{"partition_index": partition, "timestamp": -1}]}]})
        found = answer["topics"][0]["partitions"][0]
        return None if found["error_code"] else found["offset"]

    def producer_id(self):
        """A producer id; asks again while the broker has none to give."""
        got = []

        def ask():
            got.append(self.quietly("init_producer_id", 4, {
                "transactional_id": None, "transaction_timeout_ms": 1000})["producer_id"])
            return got[-1] >= 0
        self.until(ask)
        return got[-1]

    def batch(self, many=1, **fields):
        """A right batch of `many` records, unless a field says otherwise."""
        fields.setdefault("base_timestamp", self.now_ms)
        value = fields.pop("value", b"value")
        return wire.batch([wire.record(n, value=value) for n in range(many)], **fields)

    def produce_body(self, topic, records, acks=-1, partition=0, transactional_id=None):
        """`topic` is a name, or an id for version 13."""
        where = {"name": topic} if isinstance(topic, str) else {"topic_id": topic}
        return {"transactional_id": transactional_id, "acks": acks, "timeout_ms": 5000,
                "topic_data": [{**where,
                                "partition_data": [{"index": partition, "records": records}]}]}

    def produce(self, label, topic, records, version=9, **options):
        return self.ask(label, "produce", version, self.produce_body(topic, records, **options))

    def fetch_body(self, topic, offset=0, partition=0, **fields):
        where = {"topic": topic} if isinstance(topic, str) else {"topic_id": topic}
        part = {"partition": partition, "fetch_offset": offset, "partition_max_bytes": 1 << 20}
        for name in ("current_leader_epoch", "last_fetched_epoch", "log_start_offset",
                     "partition_max_bytes"):
            if name in fields:
                part[name] = fields.pop(name)
        return {"max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1 << 20,
                "topics": [{**where, "partitions": [part]}], **fields}

    def fetch(self, label, topic, version=11, **fields):
        return self.ask(label, "fetch", version, self.fetch_body(topic, **fields))

    def log(self, label, topic, partition=0, end=None):
        """Notes all that is in a partition; waits until it ends at `end`, if that is said,
        since what was not answered yet may not be readable yet."""
        if end is not None:
            self.until(lambda: self.end_offset(topic, partition) == end)
        return self.fetch(f"{label} log", topic, partition=partition)


# For what is to be known of a case before there is a broker: the names of its rows.
SAMPLE = Talk("sample", None, {}, None, 0)


class _Unseen:
    def add(self, *_):
        """Nobody counts what was called."""


def alone(name, broker):
    """For who wants to talk to a broker, and compares nothing."""
    return Talk(name, broker, {}, _Unseen(), 0)
