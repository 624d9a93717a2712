#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings that are altered while a broker runs: they count at once, and those of topics, brokers
and groups are there after a stop and after a SIGKILL.

    dynamic.py [--subject moldau|kafka] [--kafka VERSION]

What is altered is altered by `moldau configs alter`, of Apache Kafka too.
$MOLDAU is the binary, unless set build/moldau.
"""

import argparse
import collections
import gzip
import pathlib
import re
import socket
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402
import wire  # noqa: E402

SECONDS = 60
TOPIC, BROKER, LOGGER, GROUP = 2, 4, 8, 32
TOO_LARGE, BAD_TIME, BAD_RECORD = 10, 32, 87
DAY_MS = 24 * 3600 * 1000
# Where a value is from, as DescribeConfigs numbers it.
OF_TOPIC, OF_BROKER, OF_ALL_BROKERS, OF_FILE, OF_DEFAULT, OF_GROUP = 1, 2, 3, 4, 5, 8
SOON = ["log.retention.check.interval.ms=100", "log.initial.task.delay.ms=10",
        "log.cleaner.backoff.ms=100"]

# Who hears of a level: a logger, a level that makes it talk, and what it says of each request or
# connection then.
Logger = collections.namedtuple("Logger", "name level words")
LOGGERS = {"moldau": Logger("moldau.broker", "DEBUG", "connection closed"),
           "kafka": Logger("kafka.request.logger", "DEBUG", "Completed request")}
OPTIONS = argparse.Namespace(subject="moldau", kafka="4.4.0")


def now_ms():
    return int(time.time() * 1000)


class Node:
    """A broker, with what the cases say to it."""

    def __init__(self, folder, *settings):
        if OPTIONS.subject == "kafka":
            self.subject = peers.Kafka(folder / "node", settings, version=OPTIONS.kafka)
        else:
            self.subject = peers.Moldau(folder / "node", ["node.id=1", *settings])
        self.logger = LOGGERS[OPTIONS.subject]

    def __enter__(self):
        self.subject.start()
        return self

    def __exit__(self, *_):
        self.subject.__exit__()

    def again(self, way):
        """Ends it, by "stop" or by "kill", and starts it."""
        if way == "stop":
            assert self.subject.stop() in (0, 143), self.subject.tail()
        else:
            self.subject.kill()
        self.subject.start()

    def ask(self, api, version, body):
        one = talk.alone("dynamic", self.subject)
        answer = one.quietly(api, version, body)
        one.close()
        assert isinstance(answer, dict), answer
        return answer

    def alter(self, *words, add=None, delete=None):
        """`words` say of whom: `--topic`, "name"."""
        if add:
            words += ("--add-config", add)
        if delete:
            words += ("--delete-config", delete)
        peers.run([peers.Moldau.program, "configs", "alter", "--bootstrap-server",
                   self.subject.bootstrap, *words])

    def create(self, name, **configs):
        topic = {"name": name, "num_partitions": 1, "replication_factor": 1,
                 "configs": [{"name": key.replace("_", "."), "value": value}
                             for key, value in configs.items()]}
        answer = self.ask("create_topics", 5, {"topics": [topic], "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == 0, answer
        until(lambda: self.offset(name, -1) is not None, f"{name} is served")

    def produce(self, name, value=b"value", key=b"key", codec=0, **fields):
        """The error code."""
        fields.setdefault("base_timestamp", now_ms())
        if codec:
            fields |= {"attributes": codec, "compress": gzip.compress}
        raw = wire.batch([wire.record(0, key=key, value=value)], **fields)
        answer = self.ask("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": name, "partition_data": [{"index": 0, "records": raw}]}]})
        return answer["responses"][0]["partition_responses"][0]["error_code"]

    def offset(self, name, timestamp):
        """Of the end (-1) or of the start (-2); None while nobody can say."""
        answer = self.ask("list_offsets", 5, {"replica_id": -1, "topics": [
            {"name": name, "partitions": [{"partition_index": 0, "timestamp": timestamp}]}]})
        part = answer["topics"][0]["partitions"][0]
        return None if part["error_code"] else part["offset"]

    def last_batch(self, name):
        """The header of the last batch, by field."""
        answer = self.ask("fetch", 11, {
            "replica_id": -1, "max_wait_ms": 100, "min_bytes": 1, "max_bytes": 1 << 20,
            "session_epoch": -1, "topics": [{"topic": name, "partitions": [
                {"partition": 0, "current_leader_epoch": -1, "log_start_offset": -1,
                 "fetch_offset": self.offset(name, -1) - 1, "partition_max_bytes": 1 << 20}]}]})
        return wire.batches(answer["responses"][0]["partitions"][0]["records"])[-1]

    def described(self, kind, name, key):
        """(value, where it is from)"""
        answer = self.ask("describe_configs", 2, {"include_synonyms": False, "resources": [
            {"resource_type": kind, "resource_name": name, "configuration_keys": [key]}]})
        one, = answer["results"][0]["configs"]
        return one["value"], one["config_source"]

    def closed_connection(self):
        """A client that the broker does not understand and leaves."""
        with socket.create_connection(("127.0.0.1", self.subject.port), timeout=SECONDS):
            pass
        assert peers.answers(self.subject.port, SECONDS)

    def told(self):
        """How often the logger has spoken."""
        return len(re.findall(rf"{self.logger.words}\b", self.subject.log.read_text()))


def until(condition, what):
    """Asks again until it is so: Kafka's broker hears of a change a moment after the answer."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"in vain: {what}"


def until_is(value, ask, *args, **fields):
    until(lambda: ask(*args, **fields) == value, f"{ask.__name__} {args} {fields} is {value}")


# --- topics ---------------------------------------------------------------------------------


def a_topic_has_another_size_of_batches(folder):
    with Node(folder) as node:
        node.create("sized")
        assert node.produce("sized", bytes(5000)) == 0
        node.alter("--topic", "sized", add="max.message.bytes=1000")
        until_is(TOO_LARGE, node.produce, "sized", bytes(5000))
        assert node.produce("sized", bytes(500)) == 0
        node.alter("--topic", "sized", add="max.message.bytes=6000")
        until_is(0, node.produce, "sized", bytes(5000))
        assert node.produce("sized", bytes(6000)) == TOO_LARGE
        node.alter("--topic", "sized", delete="max.message.bytes")
        until_is(0, node.produce, "sized", bytes(6000))


def a_topic_is_kept_for_less_time(folder):
    with Node(folder, *SOON) as node:
        old = now_ms() - DAY_MS
        node.create("short", retention_ms="1000")
        node.create("long")
        for name in ("long", "short"):
            assert node.produce(name, base_timestamp=old) == 0
        until_is(1, node.offset, "short", -2)
        assert node.offset("long", -2) == 0
        node.alter("--topic", "long", add="retention.ms=1000")
        until_is(1, node.offset, "long", -2)
        node.alter("--topic", "short", add="retention.ms=-1")
        until(lambda: node.described(TOPIC, "short", "retention.ms")[0] == "-1", "it is told")
        assert node.produce("short", base_timestamp=old) == 0
        assert node.produce("long", base_timestamp=old) == 0
        until_is(2, node.offset, "long", -2)
        assert node.offset("short", -2) == 1


def a_topic_is_kept_in_fewer_bytes(folder):
    with Node(folder, *SOON) as node:
        node.create("much", segment_bytes=str(1 << 20), retention_ms="-1")
        for _ in range(5):
            assert node.produce("much", bytes(700000)) == 0
        assert node.offset("much", -2) == 0
        node.alter("--topic", "much", add="retention.bytes=1500000")
        until_is(2, node.offset, "much", -2)


def a_topic_is_compacted_from_now_on(folder):
    with Node(folder) as node:
        node.create("keyed")
        assert node.produce("keyed", key=None) == 0
        node.alter("--topic", "keyed", add="cleanup.policy=compact")
        until_is(BAD_RECORD, node.produce, "keyed", key=None)
        assert node.produce("keyed") == 0
        node.alter("--topic", "keyed", add="cleanup.policy=[compact,delete]")
        until(lambda: node.described(TOPIC, "keyed", "cleanup.policy")[0] == "compact,delete",
              "both policies are told")
        assert node.produce("keyed", key=None) == BAD_RECORD
        node.alter("--topic", "keyed", add="cleanup.policy=delete")
        until_is(0, node.produce, "keyed", key=None)


def a_topic_looks_at_times_otherwise(folder):
    with Node(folder) as node:
        node.create("timed")
        long_ago = now_ms() - DAY_MS
        assert node.produce("timed", base_timestamp=long_ago) == 0
        assert node.last_batch("timed")["base_timestamp"] == long_ago
        node.alter("--topic", "timed", add="message.timestamp.before.max.ms=3600000")
        until_is(BAD_TIME, node.produce, "timed", base_timestamp=long_ago)
        node.alter("--topic", "timed", add="message.timestamp.type=LogAppendTime")
        until_is(0, node.produce, "timed", base_timestamp=long_ago)
        assert node.last_batch("timed")["max_timestamp"] > long_ago + DAY_MS // 2


def a_topic_has_another_codec(folder):
    with Node(folder) as node:
        node.create("packed")

        def stored():
            assert node.produce("packed", bytes(1000)) == 0
            return node.last_batch("packed")["attributes"] & 7
        assert stored() == 0
        node.alter("--topic", "packed", add="compression.type=gzip")
        until_is(1, stored)
        node.alter("--topic", "packed", add="compression.type=zstd")
        until_is(4, stored)
        node.alter("--topic", "packed", delete="compression.type")
        until_is(0, stored)


# --- brokers --------------------------------------------------------------------------------


def the_topic_s_own_counts_more_than_the_broker_s_than_that_of_all(folder):
    with Node(folder, "message.max.bytes=100000") as node:
        node.create("plain")
        node.create("own", max_message_bytes="50000")

        def told():
            return node.described(BROKER, "1", "message.max.bytes")
        assert told() == ("100000", OF_FILE)
        assert node.produce("plain", bytes(5000)) == 0
        node.alter("--broker-defaults", add="message.max.bytes=3000")
        until_is(TOO_LARGE, node.produce, "plain", bytes(5000))
        assert told() == ("3000", OF_ALL_BROKERS)
        assert node.produce("own", bytes(5000)) == 0
        node.alter("--broker", "1", add="message.max.bytes=6000")
        until_is(0, node.produce, "plain", bytes(5000))
        assert told() == ("6000", OF_BROKER)
        assert node.produce("plain", bytes(7000)) == TOO_LARGE
        assert node.produce("own", bytes(7000)) == 0
        node.alter("--broker", "1", delete="message.max.bytes")
        until_is(TOO_LARGE, node.produce, "plain", bytes(5000))
        node.alter("--broker-defaults", delete="message.max.bytes")
        until_is(0, node.produce, "plain", bytes(7000))
        assert told() == ("100000", OF_FILE)
        assert node.produce("own", bytes(60000)) == TOO_LARGE


def all_brokers_keep_for_less_time(folder):
    with Node(folder, *SOON) as node:
        old = now_ms() - DAY_MS
        node.create("plain")
        node.create("own", retention_ms=str(2 * DAY_MS))
        for name in ("plain", "own"):
            assert node.produce(name, base_timestamp=old) == 0
        node.alter("--broker-defaults", add="log.retention.ms=1000")
        until_is(1, node.offset, "plain", -2)
        assert node.offset("own", -2) == 0


def all_brokers_have_another_codec_and_other_times(folder):
    with Node(folder) as node:
        node.create("plain")

        def stored():
            assert node.produce("plain", bytes(1000)) == 0
            return node.last_batch("plain")["attributes"] & 15
        assert stored() == 0
        node.alter("--broker-defaults", add="compression.type=lz4")
        until_is(3, stored)
        node.alter("--broker-defaults", add="log.message.timestamp.type=LogAppendTime")
        until_is(3 + 8, stored)


def all_brokers_have_fewer_connections(folder):
    with Node(folder) as node:
        def is_let_in():
            return peers.answers(node.subject.port, SECONDS)
        kept = [socket.create_connection(("127.0.0.1", node.subject.port)) for _ in range(4)]
        assert is_let_in()
        node.alter("--broker-defaults", add="max.connections.per.ip=3")
        until(lambda: not is_let_in(), "a further connection is closed")
        for one in kept:
            one.close()
        until(is_let_in, "there is room")


# --- loggers --------------------------------------------------------------------------------


def a_logger_speaks_while_it_is_to(folder):
    with Node(folder) as node:
        logger = node.logger
        node.closed_connection()
        assert node.told() == 0, node.subject.tail()
        node.alter("--broker-logger", "1", add=f"{logger.name}={logger.level}")
        assert node.described(LOGGER, "1", logger.name)[0] == logger.level

        def speaks():
            node.closed_connection()
            return node.told() > 0
        until(speaks, "it speaks")
        node.alter("--broker-logger", "1", add=f"{logger.name}=ERROR")
        assert node.described(LOGGER, "1", logger.name)[0] == "ERROR"
        many = node.told()
        for _ in range(10):
            node.closed_connection()
        assert node.told() <= many + 3, node.subject.tail()  # Those that were on their way.


# --- what holds -----------------------------------------------------------------------------

HELD = [
    (TOPIC, "held", "max.message.bytes", "7000", OF_TOPIC),
    (TOPIC, "held", "cleanup.policy", "compact,delete", OF_TOPIC),
    (TOPIC, "plain", "max.message.bytes", "3000", OF_BROKER),
    (BROKER, "1", "message.max.bytes", "3000", OF_BROKER),
    (BROKER, "1", "log.retention.ms", "86400001", OF_ALL_BROKERS),
    (GROUP, "readers", "consumer.session.timeout.ms", "50000", OF_GROUP),
]


def set_all(node):
    node.create("held")
    node.create("plain")
    node.alter("--topic", "held", add="max.message.bytes=7000,cleanup.policy=[compact,delete]")
    node.alter("--broker-defaults", add="log.retention.ms=86400001,message.max.bytes=2000")
    node.alter("--broker", "1", add="message.max.bytes=3000")
    node.alter("--group", "readers", add="consumer.session.timeout.ms=50000")
    node.alter("--broker-logger", "1", add=f"{node.logger.name}={node.logger.level}")


def check_all(node):
    for kind, name, key, value, origin in HELD:
        until(lambda: node.described(kind, name, key) == (value, origin),
              f"{name} {key}: {node.described(kind, name, key)}")
    until_is(TOO_LARGE, node.produce, "plain", bytes(4000))
    until_is(0, node.produce, "held", bytes(4000))
    assert node.produce("held", bytes(8000)) == TOO_LARGE
    assert node.produce("held", key=None) == BAD_RECORD


def settings_hold_after(folder, way):
    with Node(folder) as node:
        level = node.described(LOGGER, "1", node.logger.name)
        set_all(node)
        check_all(node)
        assert node.described(LOGGER, "1", node.logger.name)[0] == node.logger.level
        for _ in range(2):
            node.again(way)
            check_all(node)
            assert node.described(LOGGER, "1", node.logger.name) == level, "the logger is held"
        node.alter("--topic", "held", delete="max.message.bytes,cleanup.policy")
        node.alter("--broker", "1", delete="message.max.bytes")
        node.alter("--broker-defaults", delete="message.max.bytes")
        node.alter("--group", "readers", delete="consumer.session.timeout.ms")
        node.again(way)  # What was taken back is gone.
        until_is(0, node.produce, "plain", bytes(4000), key=None)
        until_is(0, node.produce, "held", bytes(8000), key=None)
        assert node.described(BROKER, "1", "message.max.bytes")[1] == OF_DEFAULT
        assert node.described(GROUP, "readers", "consumer.session.timeout.ms")[0] == "45000"
        assert node.described(BROKER, "1", "log.retention.ms") == ("86400001", OF_ALL_BROKERS)


def settings_hold_after_a_stop(folder):
    settings_hold_after(folder, "stop")


def settings_hold_after_a_kill(folder):
    settings_hold_after(folder, "kill")


def settings_of_brokers_come_before_the_file_that_a_start_reads(folder):
    with Node(folder, "message.max.bytes=9000") as node:
        node.create("plain")
        node.alter("--broker-defaults", add="message.max.bytes=2000")
        until_is(TOO_LARGE, node.produce, "plain", bytes(4000))
        node.again("kill")
        until_is(TOO_LARGE, node.produce, "plain", bytes(4000))
        assert node.described(BROKER, "1", "message.max.bytes") == ("2000", OF_ALL_BROKERS)
        node.alter("--broker-defaults", delete="message.max.bytes")
        until_is(0, node.produce, "plain", bytes(4000))
        assert node.produce("plain", bytes(10000)) == TOO_LARGE


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--subject", choices=peers.KINDS, default="moldau")
    parser.add_argument("--kafka", default="4.4.0")
    parser.add_argument("names", nargs="*")
    parser.parse_args(namespace=OPTIONS)
    return cases.main(globals(), OPTIONS.names)


if __name__ == "__main__":
    sys.exit(main())
