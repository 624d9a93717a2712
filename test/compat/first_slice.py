#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What writers wrote must be what every reader reads, across a crash of the broker.

Each writer (kcat, kafka-python, Kafka's Java console producer, ours) writes records made by
Faker into a topic of three partitions, and fewer of them in each variant: the four
compressions, idempotence switched on or off.  Then the broker is killed with SIGKILL and
started again, and each reader (kcat, kafka-python without a group, our console consumer,
and for the large topics Kafka's Java console consumer) reads everything back.

The same program runs against Moldau and against Apache Kafka.  A check is one reader on
what one writer wrote, or one step that must go well; the closing line counts them.
"""

import argparse
import collections
import concurrent.futures
import shutil
import sys
import tempfile
import time

import peers

peers.enter_venv()

import clients  # noqa: E402 (needs the venv)
import records  # noqa: E402
import tally as tallies  # noqa: E402

PARTITIONS = 3
WRITERS = {
    "kcat": clients.kcat_write,
    "kafka-python": clients.python_write,
    "java-producer": clients.java_write,
    "our-producer": clients.our_write,
}
READERS = {
    "kcat": clients.kcat_read,
    "kafka-python": clients.python_read,
    "our-consumer": clients.our_read,
    "java-consumer": clients.java_read,
}
VARIANTS = {
    "plain": {},
    "gzip": {"compression": "gzip"},
    "snappy": {"compression": "snappy"},
    "lz4": {"compression": "lz4"},
    "zstd": {"compression": "zstd"},
    "idempotent": {"idempotent": True},
    "not-idempotent": {"idempotent": False},
}
# The other value of what each does by default.
SWITCHED = {"kcat": "idempotent", "kafka-python": "not-idempotent",
            "java-producer": "not-idempotent", "our-producer": "not-idempotent"}


class Job:
    """One topic: who writes it and how, and what was written."""

    def __init__(self, writer, variant, wanted):
        self.writer = writer
        self.variant = variant
        self.topic = f"{writer}.{variant}"
        self.wanted = wanted
        self.written = None
        self.times = None
        self.counts = None

    def write(self, bootstrap):
        from_ms = int(time.time() * 1000)
        self.written = WRITERS[self.writer](bootstrap, self.topic, self.wanted,
                                            **VARIANTS[self.variant])
        self.times = (from_ms, int(time.time() * 1000))

    def stored_as_wished(self, bootstrap):
        """Says which batch is not compressed, or not numbered, as its producer was told."""
        wished = VARIANTS[self.variant]
        wished_codec = wished.get("compression", "none")
        codecs = set()
        for batch in clients.stored_batches(bootstrap, self.topic, PARTITIONS):
            codec = clients.CODECS[batch["attributes"] & 7]
            codecs.add(codec)
            if not batch["crc_right"]:
                return f"bad checksum at {batch['base_offset']}"
            # kafka-python leaves what does not become smaller as it is.
            if codec != wished_codec and (codec != "none" or batch["count"] > 2):
                return f"{codec} at {batch['base_offset']}"
            if "idempotent" in wished and (batch["producer_id"] >= 0) != wished["idempotent"]:
                return f"producer id {batch['producer_id']} at {batch['base_offset']}"
        return None if wished_codec in codecs else f"no batch is compressed with {wished_codec}"

    def read(self, reader, bootstrap):
        """Says what is wrong with what this reader sees, or None."""
        reads = READERS[reader](bootstrap, self.topic, self.counts)
        if self.counts is None:
            self.counts = collections.Counter(read.partition for read in reads)
        return records.problem(self.written, reads, self.times)


class Round:
    """All checks against one subject."""

    def __init__(self, tally, broker, options):
        self.tally = tally
        self.broker = broker
        self.name = broker.name
        self.options = options
        self.pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
        day_ms = 24 * 3600 * 1000
        self.records = records.make(options.records, int(time.time() * 1000) - day_ms)
        self.jobs = [job for writer in WRITERS for job in self.jobs_of(writer)]

    def jobs_of(self, writer):
        few = self.records[:self.options.variant_records]
        names = ["gzip", "snappy", "lz4", "zstd", SWITCHED[writer]]
        return [Job(writer, "plain", self.records), *(Job(writer, name, few) for name in names)]

    def create(self):
        """The large topics by command line, ours and Kafka's; the others by kafka-python."""
        ours = self.name == "moldau"
        for job in self.jobs:
            if job.variant != "plain":
                continue
            if ours and job.writer != "java-producer":
                who, create = "our kafka-topics", clients.our_create
            else:
                who, create = "Java kafka-topics", clients.java_create
            self.tally.attempt(f"{self.name}: {who} creates {job.topic}", lambda: create(
                self.broker.bootstrap, [job.topic], PARTITIONS))
        small = [job.topic for job in self.jobs if job.variant != "plain"]
        self.tally.attempt(
            f"{self.name}: kafka-python creates {len(small)} topics",
            lambda: clients.python_create(self.broker.bootstrap, small, PARTITIONS))

    def write(self, jobs):
        def one(job):
            what = f"{self.name}: {job.writer} writes {len(job.wanted)} {job.variant}"
            return self.tally.attempt(what, lambda: job.write(self.broker.bootstrap))
        list(self.pool.map(one, jobs))

    def crash(self):
        def kill_and_start():
            self.broker.kill()
            self.broker.start()
        self.tally.attempt(f"{self.name}: SIGKILL and a new start", kill_and_start)

    def look(self):
        """A client must not find the broker so odd that it leaves compression away."""
        for job in self.jobs:
            what = f"{self.name}: batches of {job.writer} are {job.variant}"
            self.tally.attempt(what, lambda: job.stored_as_wished(self.broker.bootstrap))

    def read(self, reader, jobs):
        def one(job):
            what = f"{self.name}: {reader} reads {len(job.wanted)} {job.variant} of {job.writer}"
            if job.times is None:
                self.tally.note("FAILED", what, "was not written")
            elif reader == "java-consumer" and job.counts is None:
                self.tally.note("FAILED", what, "no other reader could read it")
            else:
                self.tally.attempt(what, lambda: job.read(reader, self.broker.bootstrap))
        list(self.pool.map(one, jobs))

    def run(self):
        self.create()
        if self.broker.starts_fast:
            for writer in WRITERS:
                self.write([job for job in self.jobs if job.writer == writer])
                self.crash()
        else:
            self.write(self.jobs)
            self.crash()
        self.look()
        for reader in ("kcat", "kafka-python", "our-consumer"):
            self.read(reader, self.jobs)
        if not self.options.quick:
            self.read("java-consumer", [job for job in self.jobs if job.variant == "plain"])
        self.tally.attempt(f"{self.name}: stops in order", self.stop)

    def stop(self):
        code = self.broker.stop()
        right = (0, 143) if self.name == "kafka" else (0,)
        return None if code in right else f"exit code {code}"


def parse(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=["moldau", "kafka", "both"], default="both")
    parser.add_argument("--records", type=int, default=10000, help="in the large topics")
    parser.add_argument("--variant-records", type=int, default=1000, help="in the small ones")
    parser.add_argument("--setting", action="append", default=[], help="more of Moldau's")
    parser.add_argument("--quick", action="store_true", help="1000 and 100, fewer Java starts")
    parser.add_argument("--keep", action="store_true", help="leave the brokers' folders")
    options = parser.parse_args(words)
    if options.quick:
        options.records, options.variant_records = 1000, 100
    return options


def main(words):
    options = parse(words)
    tally = tallies.Tally()
    subjects = ["moldau", "kafka"] if options.subject == "both" else [options.subject]
    print(f"clients: {clients.kcat_version()}; Python's and Java's are pinned")
    for name in subjects:
        folder = tempfile.mkdtemp(prefix=f"moldau-compat-{name}-")
        broker = peers.KINDS[name](folder, options.setting if name == "moldau" else ())
        with_broker(tally, broker, options)
        if options.keep or tally.counts["FAILED"]:
            print(f"the files of {name} are in {folder}")
        else:
            shutil.rmtree(folder)
    return tally.close()


def with_broker(tally, broker, options):
    if not tally.attempt(f"{broker.name}: starts", broker.start):
        return
    try:
        Round(tally, broker, options).run()
    finally:
        broker.__exit__()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
