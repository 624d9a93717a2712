# SPDX-License-Identifier: Apache-2.0
"""confluent-kafka, which is librdkafka, as a program: README.md has the lines that it speaks."""

import json
import signal
import sys

import confluent_kafka
import confluent_kafka.admin

SECONDS = 120


def create(bootstrap, partitions, *topics):
    admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": bootstrap})
    wanted = [confluent_kafka.admin.NewTopic(topic, int(partitions), 1) for topic in topics]
    for future in admin.create_topics(wanted).values():
        future.result(SECONDS)


def write(bootstrap, *topics):
    failed = []

    def told(error, _):
        if error:
            failed.append(str(error))
    producers = {}
    for word in topics:
        topic, codec = word.split("=")
        producers[topic] = confluent_kafka.Producer({
            "bootstrap.servers": bootstrap, "compression.type": codec,
            "enable.idempotence": True, "linger.ms": 5, "on_delivery": told})
    for line in sys.stdin:
        one = json.loads(line)
        where = {} if one["partition"] is None else {"partition": one["partition"]}
        when = {} if one["timestamp"] is None else {"timestamp": one["timestamp"]}
        producer = producers[one["topic"]]
        producer.produce(one["topic"], key=one["key"], value=one["value"],
                         headers=[tuple(header) for header in one["headers"]], **where, **when)
        producer.poll(0)
    left = sum(producer.flush(SECONDS) for producer in producers.values())
    if left or failed:
        sys.exit(f"{left} are not sent, {len(failed)} have failed: {failed[:3]}")


def text_of(data):
    return None if data is None else data.decode()


def read(bootstrap, group, *topics):
    """What is printed is stored, and what is stored is committed in the background."""
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
        "auto.commit.interval.ms": 200, "enable.auto.offset.store": False,
        "session.timeout.ms": 6000, "heartbeat.interval.ms": 500, "check.crcs": True,
        "topic.metadata.refresh.interval.ms": 2000})
    consumer.subscribe(list(topics))
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    while not stopped:
        message = consumer.poll(0.2)
        if message is None or message.error():
            continue
        print(json.dumps({
            "topic": message.topic(), "partition": message.partition(),
            "offset": message.offset(), "timestamp": message.timestamp()[1],
            "headers": [(name, text_of(value)) for name, value in message.headers() or []],
            "key": text_of(message.key()), "value": text_of(message.value())}), flush=True)
        try:
            consumer.store_offsets(message)
        except confluent_kafka.KafkaException as error:
            # The partition was taken away meanwhile; its next owner reads the record again.
            if error.args[0].code() != confluent_kafka.KafkaError._STATE:
                raise
    consumer.close()


if __name__ == "__main__":
    {"create": create, "write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
