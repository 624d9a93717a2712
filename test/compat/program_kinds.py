# SPDX-License-Identifier: Apache-2.0
"""How each client of program_table.py is run: one class for each way to be told what to do.

    create(bootstrap, topics, partitions)
    writers(bootstrap, topics)         -> [(the topics of it, command)]; topics: name -> codec
    line(record, topic)                -> the bytes that make a writer write a record
    reader(bootstrap, group, topics)   -> command; a member that prints what it reads
    parse(line)                        -> (topic or None, records.Read)

A writer ends with exit status 0 when all that it was given is acknowledged, a reader at
SIGTERM.
"""

import json
import sys

import clients
import peers
import records

FOLDER = peers.HERE / "programs"
SESSION_MS = 6000
# The members of a group, whatever they are: quick to see each other's deaths.
MEMBER = {"auto.offset.reset": "earliest", "session.timeout.ms": SESSION_MS,
          "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 200}
HEADERS = clients.KCAT_HEADERS


def text_of(data):
    return None if data is None else data.decode()


def bytes_of(text):
    return None if text is None else text.encode()


class Lines:
    """A program of ours around a library, which speaks JSON, a line for a record."""

    def __init__(self, *command):
        self.command = command

    def create(self, bootstrap, topics, partitions):
        peers.run([*self.command, "create", bootstrap, partitions, *topics])

    def writers(self, bootstrap, topics):
        words = [f"{topic}={codec}" for topic, codec in topics.items()]
        return [(list(topics), [*self.command, "write", bootstrap, *words])]

    def line(self, r, topic):
        return json.dumps({
            "topic": topic, "partition": r.partition, "timestamp": r.timestamp,
            "headers": [(name, value.decode()) for name, value in r.headers],
            "key": text_of(r.key), "value": text_of(r.value)}).encode() + b"\n"

    def reader(self, bootstrap, group, topics):
        return [*self.command, "read", bootstrap, group, *topics]

    def parse(self, line):
        got = json.loads(line)
        return got["topic"], records.Read(
            got["partition"], got["offset"], got["timestamp"],
            tuple((name, bytes_of(value)) for name, value in got["headers"]),
            bytes_of(got["key"]), bytes_of(got["value"]))


class Kcat:
    """The command as it is: a run writes one topic, and reads all."""

    def writers(self, bootstrap, topics):
        words = [word for name, value in HEADERS for word in ("-H", f"{name}={value.decode()}")]
        return [([topic], ["kcat", "-P", "-b", bootstrap, "-t", topic, "-z", codec, "-K", "\t",
                           "-Z", "-E", "-X", "enable.idempotence=true", *words])
                for topic, codec in topics.items()]

    def line(self, r, topic):
        return (b"" if r.key is None else r.key + b"\t") + (r.value or b"") + b"\n"

    def reader(self, bootstrap, group, topics):
        settings = {**MEMBER, "topic.metadata.refresh.interval.ms": 2000, "check.crcs": "true"}
        words = [word for pair in settings.items() for word in ("-X", "=".join(map(str, pair)))]
        return ["kcat", "-b", bootstrap, "-G", group, "-u", "-q", "-E", "-J", *words, *topics]

    def parse(self, line):
        got = json.loads(line)
        flat = got.get("headers", [])
        return got["topic"], records.Read(
            got["partition"], got["offset"], got["ts"],
            tuple(zip(flat[::2], (value.encode() for value in flat[1::2]))),
            bytes_of(got["key"]), bytes_of(got["payload"]))


class Console:
    """Console tools, Kafka's or ours: they are told the same."""

    def __init__(self, producer, consumer, create):
        self.producer, self.consumer, self.create = producer, consumer, create

    def writers(self, bootstrap, topics):
        return [([topic], [*self.producer(),
                           *clients.producer_words(bootstrap, topic, codec, True)])
                for topic, codec in topics.items()]

    def line(self, r, topic):
        return clients.console_line(r).encode()

    def reader(self, bootstrap, group, topics):
        words = ["--bootstrap-server", bootstrap, "--group", group, "--include", "|".join(topics)]
        for setting in clients.FORMAT:
            words += ["--formatter-property", setting]
        for name, value in {**MEMBER, "metadata.max.age.ms": 2000}.items():
            words += ["--command-property", f"{name}={value}"]
        return [*self.consumer(), *words]

    def parse(self, line):
        return None, clients.console_parse(line + b"\n")[0]


class Rsyslog:
    """Log lines into a topic; a process for each."""

    def writers(self, bootstrap, topics):
        return [([topic], [sys.executable, FOLDER / "rsyslog.py", "write", bootstrap,
                           f"{topic}={codec}"]) for topic, codec in topics.items()]

    def line(self, r, topic):
        return r.value + b"\n"


def java_program(name):
    """A program of ours around Kafka's jars."""
    jars = peers.program_jars()
    classes = peers.java_classes(FOLDER / f"{name}.java", jars)
    return [*peers.java(jars, ["-Xmx256m", "-XX:TieredStopAtLevel=1"], classes), name]


def kind(name):
    """How the client of this name is run; what it needs is fetched at its first use."""
    return {
        "confluent-kafka": lambda: Lines(sys.executable, FOLDER / "confluent.py"),
        "kafka-python": lambda: Lines(sys.executable, FOLDER / "python.py"),
        "java": lambda: Lines(*java_program("LineClient")),
        "kcat": Kcat,
        "kafkajs": lambda: Lines("env", f"NODE_PATH={peers.npm_modules(FOLDER / 'kafkajs')}",
                                 "node", FOLDER / "kafkajs/client.js"),
        "console tools": lambda: Console(
            lambda: peers.tool_command("kafka-console-producer"),
            lambda: peers.tool_command("kafka-console-consumer"), clients.java_create),
        "moldau": lambda: Console(
            lambda: [clients.OUR_PRODUCER], lambda: [clients.OUR_CONSUMER], clients.our_create),
        "rsyslog": Rsyslog,
        "kafka-python-old": lambda: Lines(peers.venv("requirements-old.txt"), FOLDER / "python.py"),
        "franz-go": lambda: Lines(peers.go_program(FOLDER / "franz-go")),
    }[name]()
