# SPDX-License-Identifier: Apache-2.0
"""Random histories of topics on a broker that runs, and all that it says of them.

A Writer makes topics with random settings and lets random things happen to them: batches of
all codecs, with and without producers, transactions, tombstones, records sent again, deleted
records, compaction.  A Reader asks everything of a topic that a broker can be asked.  Both
speak to Kafka and to Moldau alike.
"""

import collections
import contextlib
import gzip
import time

import compress
import histories_live
import peers
import takeover
import wire

# Markers are written by hand, as a coordinator would; the broker must not ask for one.  Nobody
# comes to clean up behind us, but for the cleaner of logs.
BROKER = ["transaction.partition.verification.enable=false", "producer.id.expiration.ms=2147483647",
          "log.retention.check.interval.ms=100", "log.initial.task.delay.ms=0",
          "log.cleaner.backoff.ms=50",
          "transaction.state.log.num.partitions=1", "transaction.max.timeout.ms=2147483647"]
KEYS, PRODUCERS, WRITERS = 12, 3, 2
HOUR_MS = 60 * 60 * 1000
CODECS = {"none": [None], "gzip": [gzip.compress],
          "snappy": [compress.snappy, compress.framed_snappy], "lz4": [compress.lz4],
          "zstd": [compress.zstd]}
CODEC_NUMBERS = {name: number for number, name in enumerate(CODECS)}
EVENTS = {"plain": 8, "idempotent": 8, "again": 2, "producer_epoch": 1, "transactional": 8,
          "commit": 3, "abort": 3, "coordinated": 0.5, "delete_records": 0.5, "time_passes": 2}
TIMES = 8
SPECIAL_TIMES = (-1, -2, -3, -4, -5, -6)
RETENTION_BYTES = 1000
# Not yet: a leader, the coordinator, its partition, and the end of the transaction before.
SOON = (*histories_live.RETRIABLE, 14, 15, 16, 41, 51)
PIECE_SIZES = (1, 700, 5000, 1 << 20)
CLEANED = "cleaner-offset-checkpoint"


def random_settings(rng):
    """Of a topic; segments end by time or when an index is full."""
    policy = rng.choice(("delete", "compact", "compact,delete"))
    settings = {
        "cleanup.policy": policy,
        "index.interval.bytes": rng.choice((0, 200, 1000, 4096)),
        # Kafka's cleaner fails at an index that is full: nothing would be cleaned any more.
        "segment.index.bytes": rng.choice((120, 600)) if policy == "delete" else 10 << 20,
        "segment.ms": rng.choice((60000, 600000, 7 * 24 * HOUR_MS)),
        "segment.bytes": 1 << 20,
        "compression.type": rng.choice(("producer", "producer", *CODECS)).replace(
            "none", "uncompressed"),
        "message.timestamp.type": rng.choice(("CreateTime", "CreateTime", "LogAppendTime")),
        "delete.retention.ms": rng.choice((0, 24 * HOUR_MS)),
        "preallocate": rng.choice(("false", "false", "true")),
        "flush.messages": rng.choice((1, 40, (1 << 63) - 1)),
        "min.cleanable.dirty.ratio": 0, "file.delete.delay.ms": 0,
        "message.timestamp.after.max.ms": (1 << 63) - 1,
        "retention.ms": -1, "retention.bytes": -1,
    }
    return {name: str(value) for name, value in settings.items()}


def sizes_of(folder):
    """Of the segments, and of what becomes of them; some may go meanwhile."""
    sizes = {}
    for path in folder.glob("*.log*"):
        with contextlib.suppress(FileNotFoundError):
            sizes[path] = path.stat().st_size
    return sizes


class Producer:
    """One that has an id, and its next batch."""

    def __init__(self, number):
        self.id = number
        self.epoch = self.sequence = 0
        self.last = None  # Its last batch, and where that is.
        self.first_offset = None  # Of its open transaction.


class Topic:
    """What was done with one so far."""

    def __init__(self, name, rng):
        self.name = name
        self.rng = rng
        self.settings = random_settings(rng)
        self.is_compacted = "compact" in self.settings["cleanup.policy"]
        self.producers, self.writers = [], []
        self.now_ms = int(time.time() * 1000) - rng.choice((0, 2, 6)) * HOUR_MS
        self.end = self.start = 0
        self.coordinator_epoch = 0

    def records(self):
        rng, made = self.rng, []
        for number in range(rng.randrange(1, 7)):
            key = b"key-%d" % rng.randrange(KEYS)
            if not self.is_compacted and rng.random() < 0.3:
                key = None
            value = None if rng.random() < 0.15 else rng.randbytes(rng.randrange(1, 120))
            headers = [(b"h", b"x"), (b"h", None)] if rng.random() < 0.2 else []
            made.append(wire.record(number, key=key, value=value, headers=headers))
        return made

    def batch(self, producer=None, is_transactional=False):
        self.now_ms += self.rng.randrange(2000)
        codec = self.rng.choice(list(CODECS))
        fields = {"producer": (producer.id, producer.epoch, producer.sequence)} if producer else {}
        return wire.batch(self.records(), base_timestamp=self.now_ms - self.rng.randrange(3000),
                          attributes=CODEC_NUMBERS[codec] | 16 * is_transactional,
                          compress=self.rng.choice(CODECS[codec]), **fields)

    def first_unstable(self):
        return min((one.first_offset for one in self.writers if one.first_offset is not None),
                   default=None)


class Client(histories_live.Client):
    """What those below have in common."""

    def end_of(self, topic):
        """In a tuple; None if nobody leads yet."""
        end = self.talk.end_offset(topic)
        return None if end is None else (end,)

    def size(self, topic):
        answer = self.ask("describe_log_dirs", 1, {"topics": [
            {"topic": topic, "partitions": [0]}]})
        return [(part["partition_size"], part["offset_lag"]) for folder in answer["results"]
                for one in folder["topics"] for part in one["partitions"]]

    def ask_soon(self, what, api, version, body, error_of):
        """Asks until nobody says any more that it is too soon."""
        def attempt():
            answer = self.ask(api, version, body)
            if error_of(answer) in SOON:
                return None
            if error_of(answer):
                raise peers.Failure(f"{self.name}: {what}: {answer}")
            return answer
        return self.until(what, attempt)


class Writer(Client):
    """Lets things happen to topics, and counts them."""

    def __init__(self, broker, topics, events=None):
        super().__init__(broker)
        self.has_coordinator = broker.name == "kafka"
        self.data = broker.folder / "data"
        self.topics = topics
        self.events = collections.Counter() if events is None else events

    def create(self):
        answer = self.ask("create_topics", 5, {"timeout_ms": 30000, "topics": [
            {"name": topic.name, "num_partitions": 1, "replication_factor": 1, "configs": [
                {"name": name, "value": value} for name, value in topic.settings.items()]}
            for topic in self.topics]})
        if any(topic["error_code"] for topic in answer["topics"]):
            raise peers.Failure(f"topics were not made: {answer}")
        for topic in self.topics:
            topic.producers = [Producer(self.talk.producer_id()) for _ in range(PRODUCERS)]
            topic.writers = [Producer(self.talk.producer_id()) for _ in range(WRITERS)]

    def append(self, topic, batch, transactional_id=None):
        base = self._produce(topic.name, 0, batch, transactional_id)
        topic.end = base + wire.batches(batch)[0]["last_delta"] + 1
        return base

    def _append_of(self, topic, producer, is_transactional):
        batch = topic.batch(producer, is_transactional)
        base = self.append(topic, batch, "by hand" if is_transactional else None)
        producer.last = (batch, base)
        producer.sequence += topic.end - base
        return base

    def plain(self, topic):
        self.append(topic, topic.batch())

    def idempotent(self, topic):
        self._append_of(topic, topic.rng.choice(topic.producers), False)

    def again(self, topic):
        """A batch is sent again that is there."""
        producer = topic.rng.choice(topic.producers)
        if producer.last is None:
            return False
        batch, base = producer.last
        if self._produce(topic.name, 0, batch) != base:
            raise peers.Failure(f"{self.name}: {topic.name}: not known again: {base}")

    def producer_epoch(self, topic):
        producer = topic.rng.choice(topic.producers)
        producer.epoch, producer.sequence, producer.last = producer.epoch + 1, 0, None

    def transactional(self, topic):
        producer = topic.rng.choice(topic.writers)
        base = self._append_of(topic, producer, True)
        if producer.first_offset is None:
            producer.first_offset = base

    def end_transaction(self, topic, is_committed, producer=None):
        open_ones = [one for one in topic.writers if one.first_offset is not None]
        if producer is None and not open_ones:
            return False
        producer = producer or topic.rng.choice(open_ones)
        if topic.rng.random() < 0.2:
            topic.coordinator_epoch += 1
        if topic.rng.random() < 0.5:  # As transactions of version 2 end, by hand.
            producer.epoch, producer.sequence = producer.epoch + 1, 0
        self.ask_soon("no marker", "write_txn_markers", 1, {"markers": [{
            "producer_id": producer.id, "producer_epoch": producer.epoch,
            "transaction_result": is_committed, "coordinator_epoch": topic.coordinator_epoch,
            "topics": [{"name": topic.name, "partition_indexes": [0]}]}]},
            lambda answer: answer["markers"][0]["topics"][0]["partitions"][0]["error_code"])
        producer.first_offset = producer.last = None
        topic.end += 1

    def commit(self, topic):
        return self.end_transaction(topic, True)

    def abort(self, topic):
        return self.end_transaction(topic, False)

    def coordinated(self, topic):
        """A whole transaction, told to the coordinator."""
        if not self.has_coordinator:
            return False
        own = {"transactional_id": f"of {topic.name}"}
        self.ask_soon("no coordinator", "find_coordinator", 2, {
            "key": own["transactional_id"], "key_type": 1}, lambda answer: answer["error_code"])
        answer = self.ask_soon("no producer id", "init_producer_id", 2, {
            **own, "transaction_timeout_ms": 60000}, lambda answer: answer["error_code"])
        producer = Producer(answer["producer_id"])
        producer.epoch = answer["producer_epoch"]
        self.ask_soon("no transaction", "add_partitions_to_txn", 3, {
            "v3_and_below_transactional_id": own["transactional_id"],
            "v3_and_below_producer_id": producer.id, "v3_and_below_producer_epoch": producer.epoch,
            "v3_and_below_topics": [{"name": topic.name, "partitions": [0]}]},
            lambda answer: answer["results_by_topic_v3_and_below"][0][
                "results_by_partition"][0]["partition_error_code"])
        self.append(topic, topic.batch(producer, True), own["transactional_id"])
        self.ask_soon("no end", "end_txn", 2, {
            **own, "producer_id": producer.id, "producer_epoch": producer.epoch,
            "committed": topic.rng.random() < 0.5}, lambda answer: answer["error_code"])
        topic.end += 1
        self.until("no marker", lambda: self.end_of(topic.name) == (topic.end,) or None)

    def delete_records(self, topic):
        """Up to somewhere between the beginning and the first open transaction."""
        if topic.settings["cleanup.policy"] == "compact":
            return False  # Kafka refuses that.
        limit = topic.end if topic.first_unstable() is None else topic.first_unstable()
        if limit <= topic.start:
            return False
        topic.start += topic.rng.randrange(1, max(2, (limit - topic.start) // 2 + 1))
        self.ask_soon("records are not deleted", "delete_records", 1, {
            "timeout_ms": 10000, "topics": [{"name": topic.name, "partitions": [
                {"partition_index": 0, "offset": topic.start}]}]},
            lambda answer: answer["topics"][0]["partitions"][0]["error_code"])

    def time_passes(self, topic):
        topic.now_ms += topic.rng.randrange(10 * 60 * 1000)

    def steps(self, count):
        """As many for each topic, in turns."""
        for _ in range(count):
            for topic in self.topics:
                event = topic.rng.choices(list(EVENTS), list(EVENTS.values()))[0]
                if getattr(self, event)(topic) is not False:
                    self.events[event] += 1

    def end_transactions(self, topics):
        for topic in topics:
            for producer in topic.writers:
                if producer.first_offset is not None:
                    self.end_transaction(topic, topic.rng.random() < 0.5, producer)

    def configure(self, topic, name, value):
        self.ask_soon("a setting", "incremental_alter_configs", 0, {"resources": [
            {"resource_type": 2, "resource_name": topic.name, "configs": [
                {"name": name, "config_operation": 0, "value": str(value)}]}]},
            lambda answer: answer["responses"][0]["error_code"])

    def retain(self, topic):
        """The log is to be small, and whole segments go.  Of a file that is preallocated the size
        does not tell how much is in it."""
        if (topic.settings["cleanup.policy"] == "compact" or
                topic.settings.get("preallocate") == "true"):
            return
        self.configure(topic, "retention.bytes", RETENTION_BYTES)
        folder = self.data / f"{topic.name}-0"

        def is_small():
            sizes = sizes_of(folder)
            is_busy = any(path.suffix != ".log" for path in sizes)
            return None if is_busy or sum(sizes.values()) - min(sizes.items())[1] >= (
                RETENTION_BYTES) else True
        before = len(list(folder.glob("*.log")))
        self.until(f"{topic.name} stays large", is_small)
        self.events["retention"] += len(list(folder.glob("*.log"))) < before

    # --- what is waited for -----------------------------------------------------------------

    def _clean_point(self, topic):
        """How far the log is clean, by the checkpoint of the folder."""
        path = self.data / CLEANED
        lines = histories_live.lines_of(path, topic.name) if path.exists() else []
        return int(lines[0][2]) if lines else 0

    def wait_for_cleaner(self):
        """Until all compacted logs are clean up to their active segments, in which open
        transactions begin."""
        compacted = [topic for topic in self.topics if topic.is_compacted]
        for topic in compacted:
            folder = self.data / f"{topic.name}-0"

            def is_clean():
                names = [path.name for path in folder.iterdir()]
                active = max(int(name[:20]) for name in names if name.endswith(".log"))
                point = self._clean_point(topic)
                is_busy = any(name.endswith((".deleted", ".cleaned", ".swap")) for name in names)
                return True if point >= active and not is_busy else None
            self.until(f"{topic.name} is not clean", is_clean)
            self.events["compaction"] += self._clean_point(topic) > 0


class Reader(Client):
    """Asks all that a broker can be asked of a topic.  Where it is asked with numbers, those
    are the same for everybody."""

    def list_offsets(self, topic, times):
        found = {}
        for isolation in (takeover.UNCOMMITTED, takeover.COMMITTED):
            for when in times:
                answer = self.ask("list_offsets", 11, {
                    "replica_id": -1, "isolation_level": isolation, "topics": [
                        {"name": topic, "partitions": [{"partition_index": 0,
                                                        "timestamp": when}]}]})
                part = answer["topics"][0]["partitions"][0]
                found[f"{when} {isolation}"] = (part["error_code"], part["timestamp"],
                                                part["offset"], part["leader_epoch"])
        return found

    def epoch_ends(self, topic, epochs):
        found = {}
        for epoch in range(epochs):
            answer = self.ask("offset_for_leader_epoch", 4, {"topics": [
                {"topic": topic, "partitions": [{"partition": 0, "leader_epoch": epoch}]}]})
            part = answer["topics"][0]["partitions"][0]
            found[epoch] = (part["error_code"], part["leader_epoch"], part["end_offset"])
        return found

    def fetches(self, topic, isolation, size):
        """Each answer on the way from the beginning to the end, in pieces of that size."""
        at, found = self._offset(topic, 0, takeover.EARLIEST), []
        while True:
            answer = self.ask("fetch", 11, {
                "replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 8 << 20,
                "isolation_level": isolation, "topics": [{"topic": topic, "partitions": [
                    {"partition": 0, "fetch_offset": at, "partition_max_bytes": size}]}]})
            part = answer["responses"][0]["partitions"][0]
            raw = part["records"] or b""
            headers = wire.batches(raw)
            whole = sum(one["length"] + 12 for one in headers)
            # Those that begin behind what is sent are told of as far as an index says so.
            last = histories_live.last_offset(headers[-1]) if headers else -1
            aborted = sorted((one["producer_id"], one["first_offset"])
                             for one in part["aborted_transactions"] or []
                             if one["first_offset"] <= last)
            found.append((at, part["error_code"], part["high_watermark"],
                          part["last_stable_offset"], part["log_start_offset"], aborted,
                          raw[:whole]))
            if not headers:
                return found
            at = last + 1

    def everything(self, topic, times, epochs):
        """What is said of the topic, by what was asked."""
        self.until(f"{topic} has no leader", lambda: self.end_of(topic))
        found = {f"offset at {key}": value for key, value in
                 self.list_offsets(topic, times).items()}
        found |= {f"end of epoch {key}": value for key, value in
                  self.epoch_ends(topic, epochs).items()}
        found["producers"] = self.producers(topic)
        found["size"] = self.size(topic)
        for isolation in (takeover.UNCOMMITTED, takeover.COMMITTED):
            for size in PIECE_SIZES:
                found[f"fetches {isolation} {size}"] = self.fetches(topic, isolation, size)
        return found

    def times_of(self, topic, rng):
        """Times to ask for: special ones, and those of some batches."""
        headers = [header for piece in self.fetches(topic, takeover.UNCOMMITTED, 1 << 20)
                   for header in wire.batches(piece[-1])]
        times = {0, 1 << 60}
        for header in rng.sample(headers, min(len(headers), TIMES)):
            times |= {header["max_timestamp"], header["base_timestamp"] + 1,
                      header["max_timestamp"] + 1}
        return [*SPECIAL_TIMES, *sorted(time for time in times if time >= 0)]
