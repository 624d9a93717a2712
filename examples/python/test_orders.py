# SPDX-License-Identifier: Apache-2.0
"""Tests of a program that uses Kafka, each with a broker that is empty."""

import time

import moldau
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer


def send(broker, value):
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    metadata = producer.send("orders", value=value).get(timeout=10)
    producer.close()
    return metadata.offset


def receive(broker):
    consumer = KafkaConsumer("orders", bootstrap_servers=broker.bootstrap,
                             auto_offset_reset="earliest", consumer_timeout_ms=10000)
    value = next(consumer).value
    consumer.close()
    return value


def topics(broker):
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    names = admin.list_topics()
    admin.close()
    return names


@pytest.mark.parametrize("value", [b"tea", b"bread"])
def test_a_record_goes_in_and_out_and_is_the_first_one(kafka_broker, value):
    assert send(kafka_broker, value) == 0
    assert receive(kafka_broker) == value


def test_a_session_keeps_what_was_sent(kafka_broker, kafka_broker_session):
    assert kafka_broker.bootstrap == kafka_broker_session.bootstrap
    send(kafka_broker_session, b"cake")
    kafka_broker_session.restart()
    assert receive(kafka_broker_session) == b"cake"


def test_a_broker_in_another_process(kafka_broker_alone):
    send(kafka_broker_alone, b"salt")
    kafka_broker_alone.restart()
    assert receive(kafka_broker_alone) == b"salt"
    kafka_broker_alone.reset()
    assert topics(kafka_broker_alone) == []


def test_brokers_know_nothing_of_each_other(tmp_path):
    with moldau.Broker(folder=tmp_path / "data") as one, moldau.Broker() as two:
        send(one, b"mine")
        assert topics(one) == ["orders"] and topics(two) == []


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(moldau.MoldauError, match="did you mean num.partitions"):
        moldau.Broker(overrides={"num.partition": 3})
    with moldau.Broker(folder=tmp_path), pytest.raises(moldau.MoldauError, match="in use"):
        moldau.ChildBroker(folder=tmp_path)


def test_how_long_it_takes():
    spent = {}
    for kind in (moldau.Broker, moldau.ChildBroker):
        began = time.monotonic()
        broker = kind()
        started = time.monotonic()
        broker.reset()
        emptied = time.monotonic()
        broker.stop()
        stopped = time.monotonic()
        spent[kind.__name__] = [started - began, emptied - started, stopped - emptied]
    for name, seconds in spent.items():
        start, reset, stop = (1000 * s for s in seconds)
        print(f"{name}: start {start:.1f} ms, reset {reset:.1f} ms, stop {stop:.1f} ms")
