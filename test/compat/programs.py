#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real programs, unchanged, through the death of a member and of the broker.

    programs.py [--subject moldau|kafka|both] [--client NAME ...] [--records N] [--setting K=V]

Each client of program_table.py does the same, with a broker of its own: five topics of three
partitions, one for each codec; records made by Faker; a group of two members.  While it
writes and reads the broker is killed with SIGKILL and started again; then a member is killed
in the middle of its reading and another one takes its place; then all leave, and a last one
goes on.  Every record must be there, in order within its partition, with its key, value,
headers and timestamp; and none may be read again but from what the group had committed on.
What a client cannot do is left out, by the table.

A check is one step; the closing line counts them.
"""

import argparse
import collections
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import peers

peers.enter_venv()

import clients  # noqa: E402 (needs the venv)
import program_connect  # noqa: E402
import program_kinds as kinds  # noqa: E402
import program_streams  # noqa: E402
import program_table as table  # noqa: E402
import program_watch as watch  # noqa: E402
import records  # noqa: E402
import tally as tallies  # noqa: E402

PARTITIONS = 3
SHARED = 200  # What is written when the new member has its share.
LAST = 100  # What the last member reads.
HELPER = "kafka-python"  # Does what a client cannot.


class Member:
    """A consumer in a process of its own."""

    def __init__(self, run, name):
        self.name = name
        self.run = run
        self.path = run.folder / "members.log"
        with open(self.path, "ab") as log:
            self.process = watch.spawn(
                run.reader.reader(run.broker.bootstrap, run.group, list(run.topics)), log,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                return  # A kill has cut it off.
            try:
                topic, read = self.run.reader.parse(line[:-1])
            except (ValueError, LookupError, peers.Failure) as error:
                self.run.strange.append(f"{self.name} printed {line[:200]!r}: {error}")
                continue
            self.run.note(self.name, topic, read)

    def end(self, how):
        watch.end(self.process, how, self.name)
        self.thread.join(watch.WAIT_SECONDS)


class Run(watch.Watch):
    """One client and one broker."""

    def __init__(self, broker, client, wanted):
        word = client.name.replace(" ", "-")
        super().__init__(broker, f"group-of-{word}")
        self.client = client
        self.kind = kinds.kind(client.name)
        helper = kinds.kind(HELPER)
        self.writer = self.kind if client.can("write") else helper
        self.reader = self.kind if client.can("read") else helper
        self.creator = self.kind if client.can("create") else helper
        codecs = [codec for codec in clients.CODECS if codec == "none" or client.can(codec)]
        self.topics = {f"{word}.{codec}": codec for codec in codecs}
        names = list(self.topics)
        self.wanted = [(names[at % len(names)], self.as_written(record))
                       for at, record in enumerate(wanted)
                       if record.value is not None or client.can("nulls")]
        self.topic_of = {record.number: topic for topic, record in self.wanted}
        self.members = []
        self.lock = threading.Lock()
        self.log = []  # (member, topic, Read), as it came.
        self.marks = []  # (length of the log, what was committed before anything was read again)
        self.strange = []
        self.times = None

    def as_written(self, record):
        """What of a record the client can say."""
        can = self.client.can
        headers = (record.headers if can("own headers") else kinds.HEADERS) \
            if can("headers") else ()
        return record._replace(
            headers=headers, key=record.key if can("keys") else None,
            timestamp=record.timestamp if can("timestamps") else None,
            partition=record.partition if can("partitions") else None)

    # --- what is seen ---

    def note(self, member, topic, read):
        topic = topic or self.topic_of[records.number_of(read)]
        with self.lock:
            self.log.append((member, topic, read))

    def reads_of(self, member=None, since=0):
        with self.lock:
            return [(topic, read) for who, topic, read in self.log[since:]
                    if member in (None, who)]

    def numbers(self):
        return {records.number_of(read) for _, read in self.reads_of()}

    def stuck(self):
        if self.strange:
            raise peers.Failure(self.strange[0])
        for member in self.members:
            if member.process.poll() is not None and member.process.returncode != -signal.SIGKILL:
                raise peers.Failure(f"{member.name} ended with {member.process.returncode}: "
                                    f"{member.path.read_text(errors='replace')[-1500:]}")

    def progress(self):
        return f"{len(self.numbers())} records of {len(self.wanted)} are read"

    def now_committed(self):
        return self.committed(self.topics, PARTITIONS)

    def mark(self):
        """From here on nothing below these offsets may be read again."""
        with self.lock:
            at = len(self.log)
        self.marks.append((at, self.now_committed()))
        return self.marks[-1][1]

    def all_are_read(self, many):
        """The first `many` records are read, and committed."""
        wanted = {record.number for _, record in self.wanted[:many]}
        self.wait("all are read", lambda: wanted <= self.numbers())
        ends = self.ends(self.topics, PARTITIONS)
        self.wait("all are committed", lambda: self.now_committed() == ends)

    # --- the steps ---

    def start(self, name):
        member = Member(self, name)
        self.members.append(member)
        return member

    def begin(self):
        self.creator.create(self.broker.bootstrap, list(self.topics), PARTITIONS)
        self.first, self.second = self.start("first"), self.start("second")
        self.share(2)

    def write_all(self, pairs, meanwhile=None):
        seen = len(self.log)
        self.write(self.writer, self.topics, pairs, lambda: len(self.log) > seen, meanwhile)

    def broker_dies(self):
        before = []

        def kill_and_start():
            before.append(self.mark())
            self.broker.kill()
            self.broker.start()
            before.append(self.now_committed())
        from_ms = int(time.time()) * 1000  # rsyslog's times are whole seconds.
        many = (len(self.wanted) - SHARED - LAST) // 2
        self.write_all(self.wanted[:many], kill_and_start)
        first, then = before
        lost = {part for part in first if then[part] < first[part]}
        self.all_are_read(many)
        self.times = from_ms, None
        return f"offsets of {lost} went back from {first} to {then}" if lost else None

    def member_dies(self):
        self.share(2)
        many = len(self.wanted) - SHARED - LAST
        seen = len(self.log)

        def kill_and_replace():
            self.wait("the first member reads", lambda: self.reads_of("first", seen))
            self.first.end(signal.SIGKILL)
            self.mark()
            self.start("third")
        self.write_all(self.wanted[many // 2:many], kill_and_replace)
        self.all_are_read(many)
        self.share(2)
        seen = len(self.log)
        self.write_all(self.wanted[many:many + SHARED])
        self.all_are_read(many + SHARED)
        for member in ("second", "third"):
            if not self.reads_of(member, seen):
                return f"the {member} member has no share"
        return None

    def another_goes_on(self):
        for member in self.members[1:]:
            member.end(signal.SIGTERM)
        self.members = []
        seen = len(self.log)
        self.mark()
        self.start("last")
        self.share(1)
        self.write_all(self.wanted[-LAST:])
        self.times = self.times[0], int(time.time() * 1000)
        self.all_are_read(len(self.wanted))
        self.members[0].end(signal.SIGTERM)
        self.members = []
        new = {record.number for _, record in self.wanted[-LAST:]}
        again = [read for _, read in self.reads_of("last", seen)
                 if records.number_of(read) not in new]
        return f"{len(again)} records are read again: {again[:3]}" if again else None

    # --- what must be so of all of it ---

    def read_again(self):
        return records.read_again(self.log, self.marks)

    def all_are_equal(self):
        written = collections.defaultdict(list)
        for topic, record in self.wanted:
            written[topic].append(record)
        reads = collections.defaultdict(dict)
        for topic, read in self.reads_of():
            reads[topic][read.partition, read.offset] = read
        for topic in self.topics:
            got = [reads[topic][place] for place in sorted(reads[topic])]
            if not self.client.can("idempotence"):
                got = records.without_repeats(got)
            why = records.problem(written[topic], got, self.times)
            if why:
                return f"{topic}: {why}"
        return None

    def all_are_compressed(self):
        for topic, wished in self.topics.items():
            codecs = set()
            for batch in clients.stored_batches(self.broker.bootstrap, topic, PARTITIONS):
                codec = clients.CODECS[batch["attributes"] & 7]
                codecs.add(codec)
                if not batch["crc_right"]:
                    return f"{topic}: bad checksum at {batch['base_offset']}"
                # Some leave what does not become smaller as it is.
                if codec not in (wished, "none"):
                    return f"{topic}: {codec} at {batch['base_offset']}"
            if wished not in codecs:
                return f"{topic}: no batch is compressed with {wished}"
        return None

    def steps(self):
        return [("creates topics, and two members share them", self.begin),
                ("writes and reads while the broker is killed", self.broker_dies),
                ("goes on when a member is killed and replaced", self.member_dies),
                ("goes on where the group has committed", self.another_goes_on),
                ("reads again only what was not committed", self.read_again),
                ("reads every record as it was written", self.all_are_equal),
                ("compresses as it was told", self.all_are_compressed),
                ("leaves a broker that stops in order", self.stop)]

    def close(self):
        for member in self.members:
            member.process.kill()
            member.process.wait()
        super().close()


# What is done with a client: the third column of its row.
RUNS = {"records": Run, "streams": program_streams.Run, "connect": program_connect.Run}


def one(tally, name, client, options):
    """One client and one broker of that kind."""
    for ability, why in client.cannot.items():
        print(f"        {client.name} cannot {table.ABILITIES[ability][0]} ({why}): "
              f"{table.ABILITIES[ability][1]}")
    folder = tempfile.mkdtemp(prefix=f"moldau-programs-{client.name.replace(' ', '-')}-")
    if name == "kafka":
        broker = peers.Kafka(folder, version=client.kafka)
    else:
        broker = peers.Moldau(folder, options.setting)
    failed = tally.counts["FAILED"]
    # Kafka forgets idempotent producers whose records are older than a day when it starts.
    hour_ms = 3600 * 1000
    wanted = records.make(options.records, int(time.time() * 1000) - hour_ms)
    if tally.attempt(f"{name}: starts for {client.name}", broker.start):
        with_broker(tally, broker, client, wanted)
    if tally.counts["FAILED"] > failed:
        print(f"the files of {name} are in {folder}")
    else:
        shutil.rmtree(folder)


def with_broker(tally, broker, client, wanted):
    """All steps, or as many as go well."""
    run = None
    try:
        run = RUNS[client.run](broker, client, wanted)
        for what, step in run.steps():
            if not tally.attempt(f"{broker.name}: {client.name} {what}", step):
                return
    except Exception as error:  # noqa: BLE001 (what a client needs could not be made)
        tally.note("FAILED", f"{broker.name}: {client.name}", f"{type(error).__name__}: {error}")
    finally:
        if run:
            run.close()
        broker.__exit__()


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=["moldau", "kafka", "both"], default="moldau")
    parser.add_argument("--client", action="append", choices=list(table.BY_NAME), default=[])
    parser.add_argument("--records", type=int, default=10000)
    parser.add_argument("--setting", action="append", default=[], help="more of Moldau's")
    options = parser.parse_args(words)
    tally = tallies.Tally()
    for client in table.CLIENTS:
        if not options.client or client.name in options.client:
            for name in ["moldau", "kafka"] if options.subject == "both" else [options.subject]:
                one(tally, name, client, options)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
