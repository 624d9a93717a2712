# SPDX-License-Identifier: Apache-2.0
"""kafka-python, any version of it, as a program: README.md has the lines that it speaks."""

import json
import signal
import sys
import warnings

warnings.simplefilter("ignore")  # A client of 2018 has its odds with a Python of today.

import kafka  # noqa: E402

SECONDS = 120
# What the older ones do not know of is left out, as the table says.
MODERN = int(kafka.__version__.split(".")[0]) >= 2


def create(bootstrap, partitions, *topics):
    import kafka.admin
    admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([kafka.admin.NewTopic(topic, int(partitions), 1) for topic in topics])
    admin.close()


def write(bootstrap, *topics):
    options = {"enable_idempotence": True} if MODERN else {
        "retries": 1000000, "max_in_flight_requests_per_connection": 1,
        "request_timeout_ms": SECONDS * 1000}  # Batches live no longer than that.
    producers = {}
    for word in topics:
        topic, codec = word.split("=")
        producers[topic] = kafka.KafkaProducer(
            bootstrap_servers=bootstrap, acks="all", linger_ms=5,
            compression_type=None if codec == "none" else codec, **options)
    sent = []
    for line in sys.stdin:
        one = json.loads(line)
        fields = {"headers": [(name, value.encode()) for name, value in one["headers"]]} \
            if MODERN else {}
        sent.append(producers[one["topic"]].send(
            one["topic"], key=bytes_of(one["key"]), value=bytes_of(one["value"]),
            partition=one["partition"], timestamp_ms=one["timestamp"], **fields))
    for future in sent:
        future.get(SECONDS)
    for producer in producers.values():
        producer.close()


def bytes_of(text):
    return None if text is None else text.encode()


def text_of(data):
    return None if data is None else data.decode()


def read(bootstrap, group, *topics):
    """Commits what is printed: the position of a later poll."""
    consumer = kafka.KafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
        auto_commit_interval_ms=200, session_timeout_ms=6000, heartbeat_interval_ms=500,
        request_timeout_ms=20000, metadata_max_age_ms=2000)
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped:
        # A poll that ends in the middle of a rebalance makes kafka-python 3.0.12 forget it,
        # and one that finds no broker raises.
        try:
            polled = consumer.poll(timeout_ms=2000)
        except kafka.errors.KafkaConnectionError:
            continue
        for messages in polled.values():
            for m in messages:
                headers = [(name, text_of(value)) for name, value in m.headers] if MODERN else []
                print(json.dumps({
                    "topic": m.topic, "partition": m.partition, "offset": m.offset,
                    "timestamp": m.timestamp, "headers": headers, "key": text_of(m.key),
                    "value": text_of(m.value)}))
        sys.stdout.flush()
    consumer.close()


if __name__ == "__main__":
    {"create": create, "write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
