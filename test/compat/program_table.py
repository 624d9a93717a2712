#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which programs programs.py runs, and what each of them cannot do.

    program_table.py [FILE]    print docs/reference/clients.md, into FILE

What is a word in `cannot` is left out of the run, for the reason that stands beside it; there
is no other place that knows what a program can do.
"""

import pathlib
import re
import sys
import typing

HERE = pathlib.Path(__file__).resolve().parent

# What is asked of a client, and what the run does without it.
ABILITIES = {
    "create": ("create topics", "kafka-python creates them"),
    "read": ("read as a member of a group", "kafka-python reads"),
    "write": ("write", "kafka-python writes"),
    "partitions": ("choose a record's partition", "its partitioner does"),
    "timestamps": ("set a record's timestamp", "it must lie within the time of the writing"),
    "keys": ("write keys", "all keys are null"),
    "nulls": ("have null values", "such records are left out"),
    "text": ("carry text beyond ASCII", "it is escaped as JSON can"),
    "headers": ("write headers", "there are none"),
    "own headers": ("give each record headers of its own", "all have the same"),
    "topic": ("print the topic of what it reads", "the number in the record tells it"),
    "idempotence": ("write idempotently", "what is sent again may be there twice, in order"),
    "gzip": ("compress with gzip", "there is no such topic"),
    "snappy": ("compress with snappy", "there is no such topic"),
    "lz4": ("compress with lz4", "there is no such topic"),
    "zstd": ("compress with zstd", "there is no such topic"),
}


class Client(typing.NamedTuple):
    """A row: `pinned` is the file that pins it and a pattern for its version, or the words that
    say where it comes from; `kafka` is the release that it is run against as the oracle, `run`
    what is done with it (RUNS in programs.py)."""

    name: str
    what: str
    pinned: typing.Tuple[str, str]
    cannot: typing.Dict[str, str]
    kafka: str = "4.3.1"
    run: str = "records"

    def can(self, ability):
        assert ability in ABILITIES, ability
        return ability not in self.cannot

    def version(self):
        file, pattern = self.pinned
        if not file:
            return pattern
        return re.search(pattern, (HERE / file).read_text()).group(1)


KAFKA = ("pom.xml", r"<kafka.version>([\d.]+)")
CONSOLE = {
    "partitions": "the console producer has no word for it",
    "timestamps": "the console producer has no word for it",
    "topic": "the formatter has no word for it",
}
CLIENTS = [
    Client("confluent-kafka", "librdkafka in Python",
           ("requirements.txt", r"confluent-kafka==([\d.]+)"), {}),
    Client("kafka-python", "Python", ("requirements.txt", r"kafka-python==([\d.]+)"), {}),
    Client("java", "Kafka's Java clients: producer, consumer, admin", KAFKA, {}),
    Client("kcat", "librdkafka's command", ("", "Debian 12's"), {
        "create": "it has no requests of administrators",
        "partitions": "-p is for all records of a run",
        "timestamps": "it has no word for it",
        "own headers": "-H is for all records of a run",
    }),
    Client("kafkajs", "JavaScript; snappy, lz4 and zstd by packages beside it",
           ("programs/kafkajs/package.json", r'"kafkajs": "([\d.]+)'), {}),
    Client("franz-go", "Go", ("programs/franz-go/go.mod", r"franz-go v([\d.]+)"), {}),
    Client("console tools", "Kafka's console producer, console consumer and kafka-topics", KAFKA,
           CONSOLE),
    Client("rsyslog", "its output to Kafka, omkafka, which is librdkafka", ("", "Debian 12's"), {
        "create": "it only writes",
        "read": "it only writes",
        "partitions": "they are librdkafka's choice",
        "timestamps": "it has no word for it",
        "keys": "they would be a part of the line",
        "nulls": "a line is no null",
        "headers": "Debian 12's is older than that",
    }),
    Client("kafka-python-old", "the oldest kafka-python that a Python of today imports",
           ("requirements-old.txt", r"kafka-python==([\d.]+)"), {
               "create": "it has no requests of administrators",
               "headers": "it is older than headers",
               "idempotence": "it is older than that",
               "zstd": "it is older than that",
           }, "3.9.2"),
    Client("moldau", "our kafka-console-producer, kafka-console-consumer and kafka-topics",
           ("", "this one"), CONSOLE),
    Client("Kafka Streams", "the word count, with a compacted changelog", KAFKA, {
        "nulls": "a null has no words",
    }, run="streams"),
    Client("Kafka Connect", "standalone, with the source and the sink of files", KAFKA, {
        "nulls": "a line is no null",
        "text": "its source notes places in characters, and seeks them in bytes",
    }, run="connect"),
]
BY_NAME = {client.name: client for client in CLIENTS}


def page():
    """docs/reference/clients.md, line by line."""
    yield "# Clients"
    yield ""
    yield "Printed by `test/compat/program_table.py` (`make docs`): what `make compat` runs,"
    yield "unchanged, against Moldau and, with the same driver, against Apache Kafka;"
    yield "`test/compat/README.md` says how."
    yield ""
    yield "| client | version | what it is | beside Kafka |"
    yield "|---|---|---|---|"
    for one in CLIENTS:
        yield f"| {one.name} | {one.version()} | {one.what} | {one.kafka} |"
    yield ""
    yield "## What they cannot do"
    yield ""
    yield "| client | cannot | why | so in the run |"
    yield "|---|---|---|---|"
    for one in CLIENTS:
        for ability, why in one.cannot.items():
            yield f"| {one.name} | {ABILITIES[ability][0]} | {why} | {ABILITIES[ability][1]} |"


def main(words):
    text = "\n".join(page()) + "\n"
    if words:
        pathlib.Path(words[0]).write_text(text)
    else:
        print(text, end="")


if __name__ == "__main__":
    main(sys.argv[1:])
