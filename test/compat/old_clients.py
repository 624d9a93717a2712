#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients of before Kafka 0.11 write and read: message formats 0 and 1, Produce 0 to 2,
Fetch 0 to 3, ListOffsets 0.

    old_clients.py [--subject moldau|kafka]

kafka-python 1.4.3 and kcat behave as if the broker was of an old version, each version with
each compression that it has; then each of them reads what any of them wrote, and so each
reads batches that were messages, and messages that were batches; and kafka-python goes on
in a group where another member stopped.  Kafka is 3.9.2, the last that serves them.  A check
is one writer, or one reader on what one writer wrote.
"""

import argparse
import collections
import concurrent.futures
import logging
import sys
import tempfile
import time
import warnings

import peers

peers.enter_venv("requirements-old.txt")

warnings.simplefilter("ignore")  # A client of 2018 has its odds with a Python of today.
logging.disable(logging.CRITICAL)

import kafka  # noqa: E402 (needs the venv)

import tally as tallies  # noqa: E402

RECORDS = 300
ANSWER_SECONDS = 20
AT_A_TIME = 4  # They mostly wait.
CODECS = (None, "gzip", "snappy", "lz4")
# Less than the largest batch: Kafka's answer is then one that never gets on.
FETCH_BYTES = {"moldau": 30000, "kafka": 1 << 20}
Record = collections.namedtuple("Record", "offset timestamp key value")


def records(now_ms):
    """Null values and large ones, null keys, times that go back."""
    return [Record(n, now_ms + n * 7 % 100, None if n % 10 == 5 else b"key %d" % n,
                   None if n % 10 == 3 else b"value %d " % n * (1 + n % 50 * 3))
            for n in range(RECORDS)]


class Python:
    """kafka-python, which believes what it is told of the broker."""

    def __init__(self, *version):
        self.version = version
        self.name = f"kafka-python as of {'.'.join(map(str, version))}"
        self.has_times = version >= (0, 10)

    def write(self, bootstrap, topic, codec, wanted):
        producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, api_version=self.version,
                                       compression_type=codec, linger_ms=5, batch_size=20000,
                                       acks="all")
        sent = [producer.send(topic, key=one.key, value=one.value, timestamp_ms=one.timestamp)
                for one in wanted]
        offsets = [future.get(ANSWER_SECONDS).offset for future in sent]
        producer.close()
        if offsets != [one.offset for one in wanted]:
            raise peers.Failure(f"was told the offsets {offsets}")

    def read(self, broker, topic):
        consumer = kafka.KafkaConsumer(bootstrap_servers=broker.bootstrap, api_version=self.version,
                                       enable_auto_commit=False,
                                      max_partition_fetch_bytes=FETCH_BYTES[broker.name],
                                       consumer_timeout_ms=ANSWER_SECONDS * 1000)
        part = kafka.TopicPartition(topic, 0)
        consumer.assign([part])
        consumer.seek_to_beginning(part)
        found = []
        for one in consumer:
            found.append(Record(one.offset, one.timestamp, one.key, one.value))
            if len(found) == RECORDS:
                break
        consumer.close()
        return found


    def read_in_a_group(self, broker, topic):
        """One half, a commit, and the rest by another member."""
        found = []
        for goal in (RECORDS // 2, RECORDS):
            consumer = kafka.KafkaConsumer(
                topic, bootstrap_servers=broker.bootstrap, api_version=self.version,
                group_id=f"group of {self.name}", auto_offset_reset="earliest",
                enable_auto_commit=False, max_poll_records=10,
                consumer_timeout_ms=ANSWER_SECONDS * 1000)
            for one in consumer:
                found.append(one.offset)
                if len(found) == goal:
                    break
            consumer.commit()
            consumer.close()
        return None if found == list(range(RECORDS)) else f"offsets {found}"


class Kcat:
    """librdkafka, told not to ask the broker what it knows."""

    def __init__(self, version, has_times):
        self.name = f"kcat as of {version}"
        self.has_times = has_times
        self.options = ["-X", "api.version.request=false", "-X",
                        f"broker.version.fallback={version}"]

    def write(self, bootstrap, topic, codec, wanted):
        """It cannot set times: those are the broker's business to keep, and not compared."""
        lines = b"".join((one.key + b"\t" if one.key else b"") + (one.value or b"") + b"\n"
                         for one in wanted)
        peers.run(["kcat", "-P", "-b", bootstrap, "-t", topic, "-p", "0", "-K", "\t", "-Z",
                   *self.options, *(["-z", codec] if codec else [])], input=lines)

    def read(self, broker, topic):
        said = peers.run(["kcat", "-C", "-b", broker.bootstrap, "-t", topic, "-p", "0",
                          "-o", "beginning",
                          "-e", "-q", "-Z", *self.options, "-f", "%o %T %K %S %k%s\n"])
        found = []
        while said:
            head, said = said[:100].split(b" ", 4)[:4], said.split(b" ", 4)[4]
            offset, timestamp, key_size, value_size = map(int, head)
            key, said = _take(said, key_size)
            value, said = _take(said, value_size)
            found.append(Record(offset, timestamp, key, value))
            said = said[1:]
        return found


def _take(said, size):
    """With -Z a null is printed as NULL, and its size is -1."""
    return (None, said[4:]) if size < 0 else (said[:size], said[size:])


CLIENTS = (Python(0, 8, 2), Python(0, 9), Python(0, 10, 0), Python(0, 10, 1), Python(0, 11),
           Kcat("0.9.0", False), Kcat("0.10.0", True), Kcat("0.11.0", True))


def wrong(wanted, found, has_times):
    """What is wrong with what was read, or None."""
    if [one.offset for one in found] != [one.offset for one in wanted]:
        return f"offsets {[one.offset for one in found]}"
    for want, got in zip(wanted, found):
        if (got.key, got.value) != (want.key, want.value):
            return f"{got} instead of {want}"
        if has_times and got.timestamp != want.timestamp:
            return f"{got} instead of {want}"
    return None


def codecs_of(client):
    """librdkafka does without lz4 if the broker is as old as the wrong checksum."""
    old = isinstance(client, Kcat) and not client.has_times
    return [codec for codec in CODECS if not (old and codec == "lz4")]


def run(tally, broker):
    wanted = records(int(time.time() * 1000) - 100000)
    topics = []

    def write(job):
        number, client, codec = job
        topic = f"written-{number}-{codec or 'plain'}"
        words = f"{codec or 'plain'} of {client.name}"
        if tally.attempt(f"{broker.name}: writes {words}",
                         lambda: client.write(broker.bootstrap, topic, codec, wanted)):
            topics.append((topic, words, client.has_times and isinstance(client, Python)))

    def read(job):
        reader, (topic, words, has_times) = job
        tally.attempt(f"{broker.name}: {reader.name} reads {words}", lambda: wrong(
            wanted, reader.read(broker, topic), has_times and reader.has_times))

    def join(client):
        if isinstance(client, Python):
            tally.attempt(f"{broker.name}: {client.name} reads as a group",
                          lambda: client.read_in_a_group(broker, topics[0][0]))

    with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
        list(pool.map(write, [(number, client, codec) for number, client in enumerate(CLIENTS)
                              for codec in codecs_of(client)]))
        list(pool.map(read, [(reader, topic) for reader in CLIENTS for topic in topics]))
        list(pool.map(join, CLIENTS))


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=["moldau", "kafka"], default="moldau")
    options = parser.parse_args(words)
    tally = tallies.Tally()
    with tempfile.TemporaryDirectory(prefix="moldau-old-") as folder:
        if options.subject == "kafka":
            broker = peers.Kafka(folder, version="3.9.2")
        else:
            broker = peers.Moldau(folder)
        with broker:
            run(tally, broker)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
