#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real clients as members of groups, across deaths of members and of the broker.

    consumers.py [--subject moldau|kafka|both] [--setting KEY=VALUE ...] [--quick]

Two consumers, of the same kind or not, share a topic of four partitions: one alone, then
both; one is killed and the other takes over; the broker is killed and started again, with a
member at work; the last one leaves, and another goes on where it was.  Every record must be
read, none may be lost to a commit that came too early, and none that was read before an
orderly stop is read again.  Kafka's kafka-consumer-groups then looks at the group, resets
and deletes it.

A check is one step; the closing line counts them.
"""

import argparse
import collections
import signal
import subprocess
import sys
import tempfile
import threading
import time

import peers

peers.enter_venv()

import kafka  # noqa: E402 (needs the venv)

import clients  # noqa: E402
import groups  # noqa: E402
import talk  # noqa: E402
import tally as tallies  # noqa: E402

PARTITIONS = 4
WAIT_SECONDS = 60
SESSION_MS = 6000
PAIRS = [("kafka-python", "kafka-python"), ("kcat", "kcat"), ("kafka-python", "kcat"),
         ("kcat-cooperative", "kcat-cooperative"), ("moldau", "moldau"), ("moldau", "kcat"),
         ("java", "kcat"), ("java", "java"), ("moldau", "java"), ("java", "moldau")]


# --- members --------------------------------------------------------------------------------


def python_member(bootstrap, group, topic):
    """What `consumers.py --member` does: prints what it reads until it is told to stop."""
    consumer = kafka.KafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
        auto_commit_interval_ms=200, session_timeout_ms=SESSION_MS, heartbeat_interval_ms=500,
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
                print(m.partition, m.offset, m.value.decode(), flush=True)
    consumer.close()


def _command(kind, bootstrap, group, topic):
    if kind == "kafka-python":
        return [sys.executable, __file__, "--member", bootstrap, group, topic]
    if kind.startswith("kcat"):
        strategy = "cooperative-sticky" if kind == "kcat-cooperative" else "range"
        return ["kcat", "-b", bootstrap, "-G", group, "-u", "-q", "-E", "-f", "%p %o %s\n",
                "-X", "auto.offset.reset=earliest", "-X", f"session.timeout.ms={SESSION_MS}",
                "-X", "heartbeat.interval.ms=500", "-X", "auto.commit.interval.ms=200",
                "-X", "topic.metadata.refresh.interval.ms=2000",
                "-X", f"partition.assignment.strategy={strategy}", topic]
    words = ["--bootstrap-server", bootstrap, "--group", group, "--topic", topic,
             "--formatter-property", "print.partition=true",
             "--formatter-property", "print.offset=true"]
    for setting in ("auto.offset.reset=earliest", f"session.timeout.ms={SESSION_MS}",
                    "heartbeat.interval.ms=500", "auto.commit.interval.ms=200",
                    "metadata.max.age.ms=2000"):
        words += ["--command-property", setting]
    if kind == "moldau":
        return [clients.OUR_CONSUMER, *words]
    return peers.tool_command("kafka-console-consumer", *words)


def _parse(kind, line):
    if kind in ("java", "moldau"):
        partition, offset, value = line.split("\t")
        return int(partition.split(":")[1]), int(offset.split(":")[1]), int(value)
    partition, offset, value = line.split()
    return int(partition), int(offset), int(value)


class Member:
    """A consumer in a process of its own, and what it has read."""

    def __init__(self, kind, bootstrap, group, topic):
        self.kind = kind
        self.reads = []
        self.process = subprocess.Popen(
            [str(word) for word in _command(kind, bootstrap, group, topic)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            start_new_session=True, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                self.reads.append(_parse(self.kind, line.rstrip("\n")))
            except (ValueError, IndexError):
                pass  # A line that a kill has cut off.

    def end(self, how):
        self.process.send_signal(how)
        self.process.wait(WAIT_SECONDS)
        self.reader.join(WAIT_SECONDS)

    def values(self):
        return {value for _, _, value in list(self.reads)}


# --- a group --------------------------------------------------------------------------------


class Group:
    """One topic, one group, and all that is said about both."""

    def __init__(self, broker, name):
        self.broker = broker
        self.name = name
        self.topic = f"topic-of-{name}"
        self.written = 0
        self.members = []
        self.talk = talk.alone(name, broker)
        answer = self.talk.quietly("create_topics", 5, {"topics": [{
            "name": self.topic, "num_partitions": PARTITIONS, "replication_factor": 1}],
            "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == 0, answer

    def write(self, count):
        """Numbers, the next ones, over all partitions in turn."""
        for partition in range(PARTITIONS):
            mine = [n for n in range(self.written, self.written + count)
                    if n % PARTITIONS == partition]
            peers.run(["kcat", "-P", "-b", self.broker.bootstrap, "-t", self.topic,
                       "-p", partition], input="".join(f"{n}\n" for n in mine).encode())
        self.written += count

    def start(self, kind):
        member = Member(kind, self.broker.bootstrap, self.name, self.topic)
        self.members.append(member)
        return member

    def read_by_anybody(self):
        return set().union(*(member.values() for member in self.members))

    def wait(self, what, condition):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > deadline:
                missing = set(range(self.written)) - self.read_by_anybody()
                raise peers.Failure(f"waited in vain until {what}; of {self.written} written "
                                    f"{len(missing)} are not read: {sorted(missing)[:10]}")
            time.sleep(0.05)

    def all_are_read(self):
        self.wait("all are read", lambda: len(self.read_by_anybody()) == self.written)

    def committed(self):
        """The group's offsets, by partition; asks again while the broker is not ready."""
        got = []

        def ask():
            answer = self.talk.quietly("offset_fetch", 5, {
                "group_id": self.name, "topics": [{
                    "name": self.topic, "partition_indexes": list(range(PARTITIONS))}]})
            if isinstance(answer, str) or answer["error_code"]:
                return False
            got.append({p["partition_index"]: p["committed_offset"]
                        for p in answer["topics"][0]["partitions"]})
            return True
        self.wait("the broker tells what is committed", ask)
        return got[-1]

    def all_are_committed(self):
        self.wait("all are committed", lambda: sum(self.committed().values()) == self.written)

    def close(self):
        for member in self.members:
            if member.process.poll() is None:
                member.end(signal.SIGKILL)
        self.talk.close()


class Story:
    """What happens to one pair of members."""

    def __init__(self, tally, broker, first, second):
        self.tally = tally
        self.broker = broker
        self.what = f"{broker.name}: {first} and {second}"
        self.kinds = first, second
        self.group = Group(broker, f"{first}-{second}")
        self.first = self.second = None

    def one_alone(self):
        self.group.write(40)
        self.first = self.group.start(self.kinds[0])
        self.group.all_are_read()

    def two_share(self):
        self.second = self.group.start(self.kinds[1])

        def second_reads():
            self.group.write(PARTITIONS)
            return self.second.values()
        self.group.wait("the second member reads", second_reads)
        marks = [len(member.reads) for member in (self.first, self.second)]
        self.group.write(40)
        self.group.all_are_read()
        owners = collections.defaultdict(set)
        for member, mark in zip((self.first, self.second), marks):
            for partition, _, value in member.reads[mark:]:
                if value >= self.group.written - 40:
                    owners[partition].add(member)
        if any(len(who) != 1 for who in owners.values()):
            return f"a partition has two owners: {dict(owners)}"
        return None if len(set.union(*owners.values())) == 2 else "one member has everything"

    def the_broker_dies(self):
        before = self.group.committed()
        self.broker.kill()
        self.broker.start()
        after = self.group.committed()
        if any(after[p] < before[p] for p in before):
            return f"offsets went back from {before} to {after}"
        self.group.write(40)
        self.group.all_are_read()
        return None

    def one_dies(self):
        self.first.end(signal.SIGKILL)
        self.group.write(40)
        self.group.all_are_read()

    def the_other_leaves(self):
        self.group.all_are_committed()
        self.second.end(signal.SIGTERM)

    def another_goes_on(self):
        last = self.group.start(self.kinds[1])
        self.group.write(20)
        self.group.all_are_read()
        self.group.all_are_committed()
        last.end(signal.SIGTERM)
        again = [value for _, _, value in last.reads if value < self.group.written - 20]
        return f"{len(again)} records are read again: {again[:10]}" if again else None

    def run(self):
        steps = [("one reads alone", self.one_alone), ("both share the partitions", self.two_share)]
        if self.broker.starts_fast:
            steps.append(("the broker is killed", self.the_broker_dies))
        steps += [("one is killed", self.one_dies), ("the other leaves", self.the_other_leaves),
                  ("another goes on", self.another_goes_on)]
        try:
            for what, step in steps:
                if not self.tally.attempt(f"{self.what}: {what}", step):
                    return
        finally:
            self.group.close()


# --- Kafka's tool ---------------------------------------------------------------------------


def tool(broker, *words):
    return peers.tool("kafka-consumer-groups", "--bootstrap-server", broker.bootstrap,
                      *words).decode()


def rows(said):
    """The table of --describe, line by line."""
    lines = [line.split() for line in said.splitlines() if line.strip()]
    head = next(at for at, line in enumerate(lines) if line[0] == "GROUP")
    return [dict(zip(lines[head], line)) for line in lines[head + 1:]]


def with_tool(tally, broker):
    group = Group(broker, "looked-at")
    group.write(40)
    member = group.start("kcat")
    name = f"{broker.name}: kafka-consumer-groups"

    def describe():
        group.all_are_read()
        group.all_are_committed()
        table = rows(tool(broker, "--describe", "--group", group.name))
        if sorted(row["PARTITION"] for row in table) != [str(p) for p in range(PARTITIONS)]:
            return f"it describes {table}"
        return None if all(row["LAG"] == "0" and row["CONSUMER-ID"].startswith("rdkafka")
                           for row in table) else f"it describes {table}"

    def state():
        said = rows(tool(broker, "--describe", "--group", group.name, "--state"))
        return None if "Stable" in said[0].values() else f"it says {said}"

    def listed():
        said = tool(broker, "--list", "--state")
        return None if f"{group.name} " in said and "Stable" in said else f"it lists {said}"

    def refused():
        try:
            said = tool(broker, "--delete", "--group", group.name)
        except peers.Failure as failure:
            said = str(failure)
        return None if "GroupNotEmpty" in said else f"it says {said}"

    def reset():
        member.end(signal.SIGTERM)
        tool(broker, "--reset-offsets", "--group", group.name, "--topic", group.topic,
             "--to-offset", "3", "--execute")
        got = group.committed()
        return None if set(got.values()) == {3} else f"offsets are {got}"

    def delete_offsets():
        tool(broker, "--delete-offsets", "--group", group.name, "--topic", f"{group.topic}:1")
        got = group.committed()
        return None if got == {0: 3, 1: -1, 2: 3, 3: 3} else f"offsets are {got}"

    def delete():
        tool(broker, "--delete", "--group", group.name)
        said = tool(broker, "--list")
        return f"it lists {said}" if group.name in said.split() else None

    try:
        for what, step in (("describes", describe), ("tells the state", state),
                           ("lists", listed), ("may not delete", refused),
                           ("resets", reset), ("deletes offsets", delete_offsets),
                           ("deletes", delete)):
            if not tally.attempt(f"{name} {what}", step):
                return
    finally:
        group.close()


def stop_with_a_member(broker):
    """One member at rest, another that waits for it to rejoin: it must not hold up the stop."""
    line = talk.alone("stopping", broker)
    groups.stable(line, "stopping")
    waiting = groups.Member(line, "stopping")
    waiting.begin_enter()
    began = time.monotonic()
    code = broker.stop()
    took = time.monotonic() - began
    answer = waiting.end()
    if code not in (0, 143) or (broker.starts_fast and took > 2):
        return f"exit code {code} after {took:.1f} s"
    told = answer if isinstance(answer, str) else answer["error_code"]
    return None if told == (15 if broker.starts_fast else "closed") else f"it is told {told}"


def main(words):
    if words[:1] == ["--member"]:
        python_member(*words[1:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subject", choices=["moldau", "kafka", "both"], default="moldau")
    parser.add_argument("--setting", action="append", default=[], help="more of Moldau's")
    parser.add_argument("--quick", action="store_true", help="without Java members")
    options = parser.parse_args(words)
    tally = tallies.Tally()
    for name in ["moldau", "kafka"] if options.subject == "both" else [options.subject]:
        with tempfile.TemporaryDirectory(prefix=f"moldau-consumers-{name}-") as folder:
            settings = options.setting if name == "moldau" else ()
            with peers.KINDS[name](folder, settings) as broker:
                for pair in PAIRS:
                    if not (options.quick and "java" in pair):
                        Story(tally, broker, *pair).run()
                with_tool(tally, broker)
                tally.attempt(f"{name}: stops in order, with a member that waits",
                              lambda: stop_with_a_member(broker))
    return tally.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
