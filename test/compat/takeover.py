#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""In-place takeover: Apache Kafka and Moldau take turns on one folder of data.

    takeover.py [--kafka VERSION] [--turns N] [--keep]

Kafka makes the folder: topics of several segments and all codecs, a compacted topic,
transactions that were committed and aborted, groups with commits, settings of topics, and
what Moldau does not serve yet (SCRAM credentials).  Then each of them stops and the other
starts, N times to and fro.  Each writes more, and each must have everything that was there
before: cluster id, topic ids, every batch where it was, byte by byte, commits and settings.
"""

import argparse
import collections
import gzip
import pathlib
import random
import shutil
import sys
import tempfile
import time

import peers
import tally
import talk
import wire

PLAIN, SMALL, COMPACTED, TRANSACTIONS = "plain", "small", "compacted", "transactions"
TOPICS = {PLAIN: (3, {"segment.bytes": "1048576"}),
          SMALL: (5, {"retention.ms": "-1", "max.message.bytes": "2000000"}),
          COMPACTED: (1, {"cleanup.policy": "compact"}),
          TRANSACTIONS: (1, {})}
GROUP, USER, TRANSACTIONAL_ID = "readers", "alice", "writer-1"
PLACED = 16  # Base offset and leader epoch stand in front; the rest of a batch is the writer's.
COMMITTED, UNCOMMITTED = 1, 0
LATEST, EARLIEST = -1, -2
WAIT_S = 60
NODE = ["node.id=1"]


class OldKafka(peers.Kafka):
    """Kafka on a folder that is somebody's already."""

    def prepare(self):
        self.write_properties()


class Client:
    """Speaks to whoever has the folder just now, and remembers what it was told."""

    def __init__(self, broker, apis, known):
        self.talk = talk.Talk("takeover", apis, broker, {}, 0)
        self.name = broker.name
        self.known = known

    def ask(self, api, version, body):
        answer = self.talk.quietly(api, version, body)
        if isinstance(answer, str):
            raise peers.Failure(f"{self.name}: {api}: {answer}")
        return answer

    def until(self, what, attempt):
        """What `attempt` returns, when it is not None: leaders and coordinators take a moment."""
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            result = attempt()
            if result is not None:
                return result
            time.sleep(0.02)  # Before it is asked again.
        raise peers.Failure(f"{self.name}: {what} for {WAIT_S} s")

    # --- writing --------------------------------------------------------------------------

    def create(self):
        answer = self.ask("create_topics", 5, {"timeout_ms": 30000, "topics": [
            {"name": name, "num_partitions": count, "replication_factor": 1,
             "configs": [{"name": key, "value": value} for key, value in configs.items()]}
            for name, (count, configs) in TOPICS.items()]})
        errors = [topic["error_code"] for topic in answer["topics"]]
        if any(errors):
            raise peers.Failure(f"topics were not made: {answer}")

    def _produce(self, topic, partition, batch, transactional_id=None):
        def attempt():
            answer = self.ask("produce", 7, {
                "transactional_id": transactional_id, "acks": -1, "timeout_ms": 10000,
                "topic_data": [{"name": topic, "partition_data": [
                    {"index": partition, "records": batch}]}]})
            part = answer["responses"][0]["partition_responses"][0]
            if part["error_code"] in (3, 5, 6):  # Not the leader yet.
                return None
            if part["error_code"]:
                raise peers.Failure(f"{self.name}: a write to {topic}: {part}")
            return part["base_offset"]
        return self.until("no leader", attempt)

    def write(self, topic, partition, batch):
        base = self._produce(topic, partition, batch)
        self.known.batches[topic, partition][base] = batch[PLACED:]

    def write_all(self, rng):
        """Some of everything but transactions."""
        for partition in range(TOPICS[PLAIN][0]):
            for _ in range(40):
                records = [wire.record(i, key=b"k%d" % rng.randrange(9), value=rng.randbytes(8000),
                                       headers=[(b"h", b"x"), (b"h", b"")]) for i in range(2)]
                self.write(PLAIN, partition, wire.batch(records, base_timestamp=rng.randrange(
                    1, 1 << 40)))
        for partition in range(TOPICS[SMALL][0]):
            text = [wire.record(i, value=b"v" * rng.randrange(1, 300)) for i in range(5)]
            self.write(SMALL, partition, wire.batch(text, attributes=1, compress=gzip.compress))
            self.write(SMALL, partition, wire.batch(text))
        for number in range(20):
            key = b"key-%d" % rng.randrange(5)
            value = None if rng.random() < 0.2 else b"%d" % rng.getrandbits(30)
            self.write(COMPACTED, 0, wire.batch([wire.record(0, key=key, value=value)]))

    def commit(self, number):
        def attempt():
            found = self.ask("find_coordinator", 2, {"key": GROUP, "key_type": 0})
            if found["error_code"]:
                return None
            answer = self.ask("offset_commit", 7, {
                "group_id": GROUP, "generation_id_or_member_epoch": -1, "member_id": "",
                "topics": [{"name": SMALL, "partitions": [
                    {"partition_index": index, "committed_offset": number + index,
                     "committed_metadata": f"of {number}"}
                    for index in range(TOPICS[SMALL][0])]}]})
            errors = {part["error_code"] for part in answer["topics"][0]["partitions"]}
            return True if errors == {0} else None
        self.until("no coordinator takes the commit", attempt)
        self.known.commit = number

    def configure(self, number):
        answer = self.ask("incremental_alter_configs", 0, {"resources": [
            {"resource_type": 2, "resource_name": PLAIN, "configs": [
                {"name": "file.delete.delay.ms", "config_operation": 0, "value": str(number)}]}]})
        if answer["responses"][0]["error_code"]:
            raise peers.Failure(f"{self.name}: a setting: {answer}")
        self.known.setting = str(number)

    # --- what only Kafka can do yet -------------------------------------------------------

    def _begin(self):
        def attempt():
            found = self.ask("find_coordinator", 2, {"key": TRANSACTIONAL_ID, "key_type": 1})
            if found["error_code"]:
                return None
            answer = self.ask("init_producer_id", 2, {"transactional_id": TRANSACTIONAL_ID,
                                                      "transaction_timeout_ms": 60000})
            return None if answer["error_code"] else answer
        answer = self.until("no coordinator of transactions", attempt)
        return answer["producer_id"], answer["producer_epoch"]

    def transact(self, rng):
        """Transactions, of which some are aborted: nobody may read those."""
        producer, epoch = self._begin()
        sequence = 0
        for number in range(6):
            self.until("the transaction does not begin", lambda: None if self.ask(
                "add_partitions_to_txn", 3, {
                    "v3_and_below_transactional_id": TRANSACTIONAL_ID,
                    "v3_and_below_producer_id": producer, "v3_and_below_producer_epoch": epoch,
                    "v3_and_below_topics": [{"name": TRANSACTIONS, "partitions": [0]}]},
            )["results_by_topic_v3_and_below"][0]["results_by_partition"][0][
                "partition_error_code"] else True)
            commits = rng.random() < 0.5 if number else False
            for _ in range(3):
                batch = wire.batch([wire.record(i, value=rng.randbytes(20)) for i in range(2)],
                                   attributes=16, producer=(producer, epoch, sequence))
                sequence += 2
                base = self._produce(TRANSACTIONS, 0, batch, TRANSACTIONAL_ID)
                if commits:
                    self.known.batches[TRANSACTIONS, 0][base] = batch[PLACED:]
                else:
                    self.known.aborted.append((base, producer))
            self.until("the transaction does not end", lambda: None if self.ask("end_txn", 2, {
                "transactional_id": TRANSACTIONAL_ID, "producer_id": producer,
                "producer_epoch": epoch, "committed": commits})["error_code"] else True)

    def add_user(self):
        answer = self.ask("alter_user_scram_credentials", 0, {"upsertions": [
            {"name": USER, "mechanism": 1, "iterations": 4096, "salt": b"salt" * 4,
             "salted_password": b"p" * 32}]})
        if answer["results"][0]["error_code"]:
            raise peers.Failure(f"no user: {answer}")

    def users(self):
        answer = self.ask("describe_user_scram_credentials", 0, {"users": None})
        return [(user["user"], [info["iterations"] for info in user["credential_infos"]])
                for user in answer["results"]]

    # --- reading --------------------------------------------------------------------------

    def _offset(self, topic, partition, when):
        def attempt():
            answer = self.ask("list_offsets", 5, {"replica_id": -1, "topics": [
                {"name": topic, "partitions": [{"partition_index": partition,
                                                "timestamp": when}]}]})
            part = answer["topics"][0]["partitions"][0]
            return None if part["error_code"] else part["offset"]
        return self.until(f"no offset of {topic}", attempt)

    def read(self, topic, partition, isolation):
        """Batches by base offset, and the aborted transactions that were told of."""
        at, end = self._offset(topic, partition, EARLIEST), self._offset(topic, partition, LATEST)
        found, aborted = {}, set()
        while at < end:
            answer = self.ask("fetch", 11, {
                "replica_id": -1, "max_wait_ms": 100, "min_bytes": 1, "max_bytes": 8 << 20,
                "isolation_level": isolation, "topics": [{"topic": topic, "partitions": [
                    {"partition": partition, "fetch_offset": at,
                     "partition_max_bytes": 8 << 20}]}]})
            part = answer["responses"][0]["partitions"][0]
            if part["error_code"]:
                raise peers.Failure(f"{self.name}: {topic}-{partition} at {at}: {part}")
            aborted |= {(one["first_offset"], one["producer_id"])
                        for one in part["aborted_transactions"] or []}
            raw = part["records"] or b""
            size = 0
            for header in wire.batches(raw):
                whole = raw[size:size + header["length"] + 12]
                size += len(whole)
                found[header["base_offset"]] = whole[PLACED:]
                at = header["base_offset"] + header["last_delta"] + 1
            if not raw:
                raise peers.Failure(f"{self.name}: {topic}-{partition} ends at {at}, not {end}")
        return found, aborted

    def identity(self):
        answer = self.ask("metadata", 10, {"topics": None})
        return answer["cluster_id"], {topic["name"]: topic["topic_id"]
                                      for topic in answer["topics"] if topic["name"] in TOPICS}

    def commits(self):
        def attempt():
            answer = self.ask("offset_fetch", 5, {"group_id": GROUP, "topics": [
                {"name": SMALL, "partition_indexes": list(range(TOPICS[SMALL][0]))}]})
            if answer["error_code"] or self.ask("find_coordinator", 2, {
                    "key": GROUP, "key_type": 0})["error_code"]:
                return None
            return {part["partition_index"]: (part["committed_offset"], part["metadata"])
                    for part in answer["topics"][0]["partitions"]}
        return self.until("no coordinator has the commits", attempt)

    def settings(self):
        answer = self.ask("describe_configs", 1, {"resources": [
            {"resource_type": 2, "resource_name": name, "configuration_keys": None}
            for name in TOPICS]})
        return {result["resource_name"]: {
            config["name"]: config["value"] for config in result["configs"]
            if config["config_source"] == 1} for result in answer["results"]}


class Known:
    """What was told so far, and must be there in whoever's turn."""

    def __init__(self):
        self.batches = collections.defaultdict(dict)
        self.aborted = []
        self.commit = self.setting = self.identity = None


def judge(client, known):
    """What is missing or wrong, as lines."""
    wrong = []
    for (topic, partition), batches in sorted(known.batches.items()):
        found, aborted = client.read(topic, partition, COMMITTED)
        lost = [base for base, own in batches.items() if found.get(base) != own]
        if lost:
            wrong.append(f"{topic}-{partition}: {len(lost)} of {len(batches)} batches, "
                         f"first {lost[0]}")
        if topic == TRANSACTIONS:
            firsts = {base for base, _ in known.aborted}
            missed = [base for base, producer in known.aborted if not any(
                first <= base and producer == of for first, of in aborted)]
            if missed or not {first for first, _ in aborted} <= firsts:
                wrong.append(f"aborted transactions: {sorted(aborted)} for batches at "
                             f"{sorted(firsts)}")
    identity = client.identity()
    if identity != known.identity:
        wrong.append(f"identity {identity} and not {known.identity}")
    commits = {index: (known.commit + index, f"of {known.commit}")
               for index in range(TOPICS[SMALL][0])}
    if client.commits() != commits:
        wrong.append(f"commits {client.commits()} and not {commits}")
    settings = {name: dict(configs) for name, (_, configs) in TOPICS.items()}
    settings[PLAIN]["file.delete.delay.ms"] = known.setting
    if client.settings() != settings:
        wrong.append(f"settings {client.settings()} and not {settings}")
    return wrong


def turn(broker, apis, known, rng, number, counts):
    """One of them has the folder: it must have everything, and writes more."""
    is_kafka = broker.name == "kafka"
    with broker:
        client = Client(broker, apis, known)
        if number == 0:
            client.create()
            client.add_user()
            known.identity = client.identity()
        else:
            counts.attempt(f"turn {number}, {broker.name}: everything is there",
                           lambda: "; ".join(judge(client, known)))
        if is_kafka and number:
            users = client.users()
            counts.note("passed" if users == [(USER, [4096])] else "FAILED",
                        f"turn {number}: Kafka's user is still there", None if users else "no")
        client.write_all(rng)
        if is_kafka:
            client.transact(rng)
        client.commit(100 * number)
        client.configure(1000 + number)
        counts.attempt(f"turn {number}, {broker.name}: what it wrote is there",
                       lambda: "; ".join(judge(client, known)))
        client.talk.close()
        status = broker.stop()
    counts.note("passed" if status in (0, 143) else "FAILED",
                f"turn {number}, {broker.name}: stops in order", None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kafka", default=peers.KAFKA_VERSION)
    parser.add_argument("--turns", type=int, default=2, help="behind the first, in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    counts = tally.Tally()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-takeover-"))
    rng, known, apis = random.Random(options.seed), Known(), wire.load(peers.TREE)
    try:
        for number in range(options.turns + 1):
            if number % 2:
                broker = peers.Moldau(folder, NODE)
            else:
                broker = (OldKafka if number else peers.Kafka)(folder, version=options.kafka)
            turn(broker, apis, known, rng, number, counts)
    except peers.Failure as failure:
        counts.note("FAILED", "a turn", str(failure))
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
