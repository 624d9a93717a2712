#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Folders of brokers that were killed, recovered by Apache Kafka and by Moldau.

    unclean.py [--kafka VERSION] [--seed N] [--count N] [--topics N] [--keep DIR]

Each history is a folder with topics of random settings (live_history.py), of a node of Kafka that
is killed.  Of some logs the files are damaged as a machine leaves them that has lost power: the
last segment is cut, or has zeros or garbage behind; indexes, snapshots and recovery points are
missing or half written.  Kafka recovers one copy, ours another.  Both must come to the same end,
say the same to every question, know the same batches again, and leave the same files.

Then Moldau itself has a history, with much in its commit log, and is killed.  `moldau recover`
brings one copy in order, on which Kafka starts, with its mark of a clean stop and without; Moldau
starts on another.  All three must come to the same.
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile

import histories_live
import kafka_histories
import live_history
import peers
import recover
import takeover
import tally
import wire

STEPS = 40
STEPS_AFTER = 15
BROKER = [*live_history.BROKER, "log.flush.offset.checkpoint.interval.ms=200",
          "log.flush.start.offset.checkpoint.interval.ms=200"]
# Nobody cleans while what was recovered is looked at.
QUIET = [*BROKER, "log.cleaner.enable=false"]
POINTS, EPOCHS = histories_live.CHECKPOINTS[0], histories_live.EPOCHS
MARK = ".kafka_cleanshutdown"
# That of transactions is not missed where it is missing: few segments have one.
INDEXES = (".index", ".timeindex")
OF_SEGMENT = (".log", *INDEXES, ".txnindex")
NO_SNAPSHOT = ".snapshot: is no snapshot of producers, or a damaged one"
SNAPSHOT_HEADER, SNAPSHOT_ENTRY = 10, 46
UNKNOWN_PRODUCER = 59
ENOUGH = 24


# --- what a failing machine does to files ---------------------------------------------------------


def segments_of(folder):
    return sorted(folder.glob("*.log"))


def cut(path, rng, most):
    """The end is gone."""
    size = path.stat().st_size
    os.truncate(path, size - rng.randrange(min(size, most) + 1))


def tail_cut(folder, rng):
    cut(segments_of(folder)[-1], rng, 1500)


def tail_zeros(folder, rng):
    with open(segments_of(folder)[-1], "ab") as file:
        file.write(bytes(rng.randrange(1, 5000)))


def tail_garbage(folder, rng):
    with open(segments_of(folder)[-1], "ab") as file:
        file.write(rng.randbytes(rng.randrange(1, 300)))


def epoch_fields(content):
    """Where batches have their leader's epoch, which no checksum covers: of another one neither
    can tell, and what becomes of it depends on what else was known."""
    found, at = set(), 0
    while at + 16 <= len(content):
        found.update(range(at + 12, at + 16))
        at += 12 + max(0, struct.unpack_from(">i", content, at + 8)[0])
    return found


def byte_changed(folder, rng):
    """In one of the last batches of the last segment, of which nothing is known to be durable:
    else it is bit rot, for which ours gives up no other record."""
    path = segments_of(folder)[-1]
    content = bytearray(path.read_bytes())
    places = sorted(set(range(max(0, len(content) - 1500), len(content))) - epoch_fields(content))
    if not places:
        return False
    content[rng.choice(places)] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    point_lost(folder, rng)


def of_suffix(folder, rng, suffixes):
    found = sorted(path for path in folder.iterdir() if path.suffix in suffixes)
    return rng.choice(found) if found else None


def index_missing(folder, rng):
    path = of_suffix(folder, rng, INDEXES)
    return path.unlink() if path else False


def index_half_written(folder, rng):
    """Of the last segment: the others were synced when they were full."""
    last = segments_of(folder)[-1]
    path = last.with_suffix(rng.choice(INDEXES))
    if not path.exists():
        return False
    cut(path, rng, path.stat().st_size)


def snapshot_missing(folder, rng):
    path = of_suffix(folder, rng, (".snapshot",))
    return path.unlink() if path else False


def snapshot_half_written(folder, rng):
    path = of_suffix(folder, rng, (".snapshot",))
    if path is None:
        return False
    cut(path, rng, path.stat().st_size)


def snapshots_missing(folder, _):
    for path in folder.glob("*.snapshot"):
        path.unlink()


def epochs_missing(folder, _):
    (folder / EPOCHS).unlink(missing_ok=True)


def point_lost(folder, _):
    """The recovery point was never written."""
    path = folder.parent / POINTS
    topic = folder.name.rpartition("-")[0]
    lines = [line for line in path.read_text().splitlines()[2:] if line.split()[0] != topic]
    path.write_text("\n".join(["0", str(len(lines)), *lines]) + "\n")


def copy_left(folder, rng, suffix):
    first = segments_of(folder)[0]
    for path in (first.with_suffix(kind) for kind in OF_SEGMENT):
        if path.exists():
            shutil.copy(path, f"{path}{suffix}")
            cut(pathlib.Path(f"{path}{suffix}"), rng, path.stat().st_size)


def cleaned_left(folder, rng):
    """The cleaner had not come to the end of the first segment."""
    copy_left(folder, rng, ".cleaned")


def deleted_left(folder, rng):
    """What was deleted was still there."""
    copy_left(folder, rng, ".deleted")


def swap_unfinished(folder, _):
    """The cleaned segment had not got its name yet, and the one before had lost it."""
    first, *more = segments_of(folder)
    if not more:
        return False
    for suffix in OF_SEGMENT:
        path = first.with_suffix(suffix)
        if path.exists():
            path.rename(f"{path}.swap")


DAMAGES = [cleaned_left, deleted_left, swap_unfinished, tail_cut, tail_zeros, tail_garbage,
           byte_changed, index_missing, index_half_written, snapshot_missing,
           snapshot_half_written, snapshots_missing, epochs_missing, point_lost]


def damage(data, topic, rng, events):
    """Does some of these to a log; what was done."""
    done = []
    chosen = rng.sample(DAMAGES, rng.choice((0, 1, 1, 2, 3)))
    for one in chosen + [point_lost] * (rng.random() < 0.4 and point_lost not in chosen):
        if one(data / f"{topic.name}-0", rng) is not False:
            done.append(one.__name__)
            events[one.__name__] += 1
    return done


# --- what is compared -----------------------------------------------------------------------------


def what_counts(answers, last):
    """Of the answers: how often a leader was elected is not the same, so epochs after the `last`
    that has records are `new`; and for aborted transactions what a reader leaves out, since of
    those that have no records left some may be told."""
    kept = {}
    for question, answer in answers.items():
        if question.startswith("offset at "):
            is_end = question.startswith("offset at -1 ")
            answer = (*answer[:3], "new" if is_end or answer[3] > last else answer[3])
        elif question.startswith("end of epoch ") and int(question.split()[-1]) > last:
            continue
        elif question.startswith("fetches "):
            answer = [(*piece[:5], histories_live.left_out(
                wire.batches(piece[6]), [(first, producer) for producer, first in piece[5]]),
                piece[6]) for piece in answer]
        kept[question] = answer
    return kept


def is_found_earlier(question, theirs, ours):
    """Where an index of times was missing, or what it tells of was cleaned away, Kafka begins to
    look too late, or looks into one segment alone: what ours finds is nearer to the time."""
    words = question.split()
    return (words[:2] == ["offset", "at"] and 0 <= int(words[2]) <= ours[1] and
            (theirs[2] == -1 or theirs[2] > ours[2]))


def last_epoch(answers):
    """That has records."""
    return max((header["leader_epoch"] for piece in answers[f"fetches 0 {1 << 20}"]
                for header in wire.batches(piece[-1])), default=-1)


def producers_of(path):
    """The entries of a snapshot, whose order is not the same."""
    content = path.read_bytes()
    return sorted(content[at:at + SNAPSHOT_ENTRY]
                  for at in range(SNAPSHOT_HEADER, len(content), SNAPSHOT_ENTRY))


def epochs_of(path, start, end):
    """Kafka notes at once that a leader has a new epoch, and moves with the start."""
    lines = [tuple(map(int, line.split())) for line in path.read_text().splitlines()[2:]]
    return [(epoch, max(first, start)) for epoch, first in lines if first < end]


def files_of(data, topic, answers, point):
    """What a log consists of in the end.  Kafka reads the whole segment again that the recovery
    point `point` is in, and ours from there on: then indexes have the same entries only of segments
    that lie behind it.  In those of times Kafka also has what batches say that were emptied.  And
    snapshots are left out that are for the next recovery, not for the end."""
    folder, files = data / f"{topic.name}-0", {}
    start, end = answers["offset at -2 0"][2], answers["offset at -1 0"][2]
    for path in folder.iterdir():
        is_index = path.suffix == ".index" or (
            path.suffix == ".timeindex" and not topic.is_compacted)
        if path.suffix == ".log" or (is_index and int(path.stem) >= point):
            files[path.name] = path.read_bytes()
    files[EPOCHS] = epochs_of(folder / EPOCHS, start, end)
    snapshot = folder / f"{end:020}.snapshot"
    files["snapshot"] = producers_of(snapshot) if snapshot.exists() else None
    for name in histories_live.CHECKPOINTS[:3]:
        files[name] = histories_live.lines_of(data / name, topic.name)
    return files


def point_of(data, topic):
    """The recovery point."""
    lines = histories_live.lines_of(data / POINTS, topic.name)
    return int(lines[0][2]) if lines else 0


def read_through(data, check):
    """Each entry of each index is true of what it is about.  Snapshots that are damaged and were
    not needed stay until their segments go."""
    done = subprocess.run([peers.Moldau.program, "check", data], capture_output=True, text=True,
                          timeout=peers.COMMAND_SECONDS, stdin=subprocess.DEVNULL)
    wrong = [line for line in (done.stdout + done.stderr).splitlines()
             if line and not line.endswith(" bytes") and NO_SNAPSHOT not in line]
    check(not wrong and "bytes" in done.stdout, "moldau check finds in order what is left",
          "\n".join(wrong))


def serve(broker, topics, times):
    return kafka_histories.serve(broker, {topic.name: (times[topic.name], None)
                                          for topic in topics})


def kafka_on(folder, options, name):
    kafka = takeover.OldKafka(folder, QUIET, version=options.kafka)
    kafka.log = folder / f"{name}.log"
    return kafka


def moldau_on(folder):
    return peers.Moldau(folder, takeover.NODE + QUIET)


# --- Kafka is killed ------------------------------------------------------------------------------


def kill_kafka(folder, options, topics, events):
    kafka = peers.Kafka(folder, BROKER, version=options.kafka)
    with kafka:
        writer = live_history.Writer(kafka, topics, events)
        writer.create()
        writer.steps(STEPS)
        kafka.stop()
    kafka = takeover.OldKafka(folder, BROKER, version=options.kafka)
    with kafka:
        writer = live_history.Writer(kafka, topics, events)
        writer.steps(STEPS)
        writer.end_transactions([topic for topic in topics if topic.is_compacted])
        writer.wait_for_cleaner()
        writer.steps(STEPS_AFTER)
        reader = live_history.Reader(kafka)
        times = {topic.name: reader.times_of(topic.name, topic.rng) for topic in topics}
        kafka.kill()
    return times


def make_topics(prefix, seed, options):
    topics = [live_history.Topic(f"{prefix}{seed}-{number}", random.Random(f"{seed} {number}"))
              for number in range(options.topics)]
    for topic in topics:  # Kafka does not start where its recovery finds that an index is full.
        topic.settings["segment.index.bytes"] = str(10 << 20)
    return topics


def look_at_killed_kafka(folder, options, seed, events, check):
    rng = random.Random(seed)
    topics = make_topics("k", seed, options)
    times = kill_kafka(folder / "kafka", options, topics, events)
    data = folder / "kafka/data"
    done = {topic.name: damage(data, topic, rng, events) for topic in topics}
    shutil.copytree(data, folder / "moldau/data")
    shutil.copytree(data, folder / "killed")
    theirs = serve(kafka_on(folder / "kafka", options, "recovers"), topics, times)
    ours = serve(moldau_on(folder / "moldau"), topics, times)
    for topic in topics:
        name = topic.name
        last = last_epoch(theirs[name])
        kafka_histories.compare(
            what_counts(theirs[name], last), what_counts(ours[name], last),
            f"{name} is recovered as by Kafka ({' '.join(done[name]) or 'killed'})", check,
            is_found_earlier if topic.is_compacted or "index" in str(done[name])
            else kafka_histories.is_behind_what_is_empty)
        point = point_of(folder / "killed", topic)
        kafka_histories.compare(
            files_of(data, topic, theirs[name], point),
            files_of(folder / "moldau/data", topic, ours[name], point),
            f"{name} has the same file", check)
    read_through(folder / "moldau/data", check)
    theirs = kafka_histories.go_on(kafka_on(folder / "kafka", options, "on"), topics)
    ours = kafka_histories.go_on(moldau_on(folder / "moldau"), topics)
    strangers = with_strangers(theirs, ours)
    events["strangers"] += len(strangers)
    kafka_histories.compare(
        *({name: told for name, told in every.items() if name.split()[0] not in strangers}
          for every in (theirs, ours)),
        "a batch fits as for Kafka", check, kafka_histories.is_of_the_past)


def with_strangers(theirs, ours):
    """Topics that have lost all batches of a producer.  Kafka lets any sequence of it begin anew;
    we tell it that nothing is known of it, so that no sequence is left out."""
    return {name.split()[0] for name, told in ours.items()
            if told == (UNKNOWN_PRODUCER, -1) and theirs[name][0] == 0}


# --- Moldau is killed -----------------------------------------------------------------------------


class Burst(live_history.Writer):
    """Writes to all topics at once, so that it is the commit log that makes it durable."""

    def produce(self, rng):
        parts, batches = [], []
        for topic in self.topics:
            kind = rng.choice((None, topic.producers, topic.writers))
            producer = rng.choice(kind) if kind else None
            batch = topic.batch(producer, kind is topic.writers)
            batches.append((topic, producer, kind is topic.writers, batch))
            parts.append({"name": topic.name, "partition_data": [{"index": 0, "records": batch}]})
        answer = self.ask("produce", 7, {"transactional_id": "by hand", "acks": -1,
                                         "timeout_ms": 10000, "topic_data": parts})
        found = {one["name"]: one["partition_responses"][0] for one in answer["responses"]}
        for topic, producer, is_transactional, batch in batches:
            if found[topic.name]["error_code"]:
                raise peers.Failure(f"{self.name}: {topic.name}: {found[topic.name]}")
            base = found[topic.name]["base_offset"]
            topic.end = base + wire.batches(batch)[0]["last_delta"] + 1
            if producer:
                producer.last = (batch, base)
                producer.sequence += topic.end - base
            if is_transactional and producer.first_offset is None:
                producer.first_offset = base

    def end_some(self, rng):
        """A marker for some of the open transactions, all at once."""
        chosen = [(topic, one) for topic in self.topics for one in topic.writers
                  if one.first_offset is not None and rng.random() < 0.6]
        answer = self.ask("write_txn_markers", 1, {"markers": [
            {"producer_id": one.id, "producer_epoch": one.epoch,
             "transaction_result": rng.random() < 0.5, "coordinator_epoch": 0,
             "topics": [{"name": topic.name, "partition_indexes": [0]}]}
            for topic, one in chosen]})
        for marker in answer["markers"]:
            if marker["topics"][0]["partitions"][0]["error_code"]:
                raise peers.Failure(f"{self.name}: no marker: {marker}")
        for topic, one in chosen:
            topic.end += 1
            one.first_offset = one.last = None

    def bursts(self, rng, count):
        for topic in self.topics:
            self.until("no leader", lambda name=topic.name: self.end_of(name))
        for _ in range(count):
            self.produce(rng)
            if rng.random() < 0.3:
                self.end_some(rng)
        self.events["burst"] += count


def kill_moldau(folder, topics, rng, events):
    """What it was asked for, and the sizes of segments whose files are durable by themselves: the
    first writes after a start open the logs, each in its turn.  From then on no segment begins,
    as its name could not be in the commit log."""
    settings = [*takeover.NODE, *live_history.BROKER, "num.shards=1"]
    with peers.Moldau(folder, settings) as broker:
        writer = Burst(broker, topics, events)
        writer.create()
        writer.bursts(rng, STEPS)
        broker.stop()
    with peers.Moldau(folder, [*settings, "log.cleaner.enable=false"]) as broker:
        writer = Burst(broker, topics, events)
        for topic in topics:
            writer.configure(topic, "segment.ms", 7 * 24 * live_history.HOUR_MS)
        writer.bursts(rng, STEPS_AFTER)
        sizes = {path: path.stat().st_size for path in (folder / "data").glob("m*/*.log")}
        writer.bursts(rng, STEPS)
        reader = live_history.Reader(broker)
        times = {topic.name: reader.times_of(topic.name, topic.rng) for topic in topics}
        broker.kill()
    return times, sizes


def lose_what_is_in_the_commit_log(data, topics, sizes, rng):
    """Of the last segments, as if the machine had lost power."""
    lost = 0
    for topic in topics:
        path = segments_of(data / f"{topic.name}-0")[-1]
        size, durable = path.stat().st_size, sizes.get(path, 0)
        os.truncate(path, rng.randrange(durable, size + 1))
        lost += size - path.stat().st_size
    return lost


def look_at_killed_moldau(folder, options, seed, events, check):
    rng = random.Random(seed)
    topics = make_topics("m", seed, options)
    for topic in topics:
        del topic.settings["flush.messages"]  # It would say that less need be durable.
    times, sizes = kill_moldau(folder / "killed", topics, rng, events)
    data = folder / "killed/data"
    check(lose_what_is_in_the_commit_log(data, topics, sizes, rng) > 0, "records are lost")
    shutil.copytree(data, folder / "moldau/data")
    status, out, err = recover.moldau_command("recover", data)
    check(status == 0, "moldau recover brings it in order", out + err)
    shutil.copytree(data, folder / "clean/data")
    shutil.copytree(data, folder / "unclean/data")
    (folder / "unclean/data" / MARK).unlink()
    brokers = {"after moldau recover": lambda: kafka_on(folder / "clean", options, "clean"),
               "without the mark": lambda: kafka_on(folder / "unclean", options, "unclean")}
    ours = serve(moldau_on(folder / "moldau"), topics, times)
    ends = {topic.name: ours[topic.name]["offset at -1 0"][2] for topic in topics}
    kafka_histories.compare({topic.name: topic.end for topic in topics}, ends,
                            "everything that was acknowledged is there", check)
    going_on = kafka_histories.go_on(moldau_on(folder / "moldau"), topics)
    for how, broker in brokers.items():
        theirs = serve(broker(), topics, times)
        for topic in topics:
            name = topic.name
            last = last_epoch(theirs[name])
            kafka_histories.compare(
                what_counts(theirs[name], last), what_counts(ours[name], last),
                f"{name} is served as by Kafka {how}", check,
                is_found_earlier if topic.is_compacted
                else kafka_histories.is_behind_what_is_empty)
        kafka_histories.compare(kafka_histories.go_on(broker(), topics), going_on,
                                f"a batch fits as for Kafka {how}", check,
                                kafka_histories.is_of_the_past)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", default=peers.KAFKA_VERSION)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--count", type=int, default=1, help="how many histories")
    parser.add_argument("--topics", type=int, default=10, help="of each history")
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    counts, events = tally.Tally(), collections.Counter()
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seed, options.seed + options.count):
            folder = pathlib.Path(options.keep or temporary).resolve() / f"seed-{seed}"

            def check(good, what, why=None):
                counts.note("passed" if good else "FAILED", f"seed {seed}: {what}",
                            None if good else why)
            look_at_killed_kafka(folder / "of-kafka", options, seed, events, check)
            look_at_killed_moldau(folder / "of-moldau", options, seed, events, check)
            if not options.keep:
                shutil.rmtree(folder)
    print(" ".join(f"{name}={events[name]}" for name in sorted(events)))
    if options.count * options.topics >= ENOUGH:
        for one in DAMAGES:
            counts.note("passed" if events[one.__name__] else "FAILED", f"there was {one.__name__}")
    return counts.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError, OSError) as failure:
        sys.exit(f"unclean: {failure}")
