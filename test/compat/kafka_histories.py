#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads folders of data that Apache Kafka has made of random histories.

    kafka_histories.py [--kafka VERSION] [--seed N] [--count N] [--topics N] [--keep DIR]

Each history is a folder with some topics, of a node of Kafka that is stopped and started in the
middle.  In the end it is asked everything that a broker can be asked of a topic, and stopped.
Then kafka-dump-log and ours print the same of every file, and `moldau check` finds it in order;
ours starts on the folder and says the same, and has changed no byte when it has stopped.  Kafka
starts on a copy, and ours once more: both know the same batches again, and which are to come next.
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

import histories
import histories_live
import live_history
import peers
import takeover
import tally
import wire

STEPS = 60
EPOCHS = 12  # More than a node that is started twice comes to.
# Kafka 4.4.0 leaves the indexes of the metadata log as long as it has made them.
# From so many topics on each kind of event must have happened.
ENOUGH = 12
EXPECTED = [*live_history.EVENTS, "compaction", "retention", "segments", "transaction_left_open"]


def write(folder, options, topics, events):
    """What Kafka says in the end of each topic, and what it was asked."""
    said = {}
    kafka = peers.Kafka(folder / "kafka", live_history.BROKER, version=options.kafka)
    with kafka:
        writer = live_history.Writer(kafka, topics, events)
        writer.create()
        writer.steps(STEPS)
        kafka.stop()
    kafka = takeover.OldKafka(folder / "kafka", live_history.BROKER, version=options.kafka)
    with kafka:
        writer = live_history.Writer(kafka, topics, events)
        writer.steps(STEPS)
        for topic in topics[::3]:
            writer.retain(topic)
        writer.end_transactions([topic for topic in topics if topic.is_compacted])
        writer.wait_for_cleaner()
        for topic in topics[::2]:
            writer.transactional(topic)
            events["transaction_left_open"] += 1
        writer.wait_for_cleaner()
        reader = live_history.Reader(kafka)
        for topic in topics:
            times = reader.times_of(topic.name, topic.rng)
            said[topic.name] = times, reader.everything(topic.name, times, EPOCHS)
        status = kafka.stop()
    if status not in (0, 143):
        raise peers.Failure(f"Kafka does not stop in order: {status}")
    return said


def serve(broker, said):
    """What a broker that begins to lead says to the same questions; it stops in order."""
    with broker:
        reader = live_history.Reader(broker)
        found = {topic: reader.everything(topic, times, EPOCHS)
                 for topic, (times, _) in said.items()}
        status = broker.stop()
    if status not in (0, 143):
        raise peers.Failure(f"{broker.name} does not stop in order: {status}")
    return found


def without_new_epoch(answers, last):
    """What one says as well who has led since the epoch `last`: nothing of newer ones."""
    kept = {}
    for question, answer in answers.items():
        if question.startswith("offset at -1 "):
            answer = answer[:3]
        if not question.startswith("end of epoch ") or int(question.split()[-1]) <= last:
            kept[question] = answer
    return kept


def first_difference(theirs, ours):
    """Where two values part, in words."""
    while isinstance(theirs, (list, tuple)) and isinstance(ours, (list, tuple)) and (
            len(theirs) == len(ours)):
        theirs, ours = next((a, b) for a, b in zip(theirs, ours) if a != b)
    return f"{str(theirs)[:200]}\n      and not {str(ours)[:200]}"


def compare(theirs, ours, how, check, is_known=None):
    """What was answered to the same questions, or is in the same files; `is_known` says of a
    name, with what both have, whether it is known to differ."""
    differ = [name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name) and
              not (is_known and is_known(name, theirs.get(name), ours.get(name)))]
    check(theirs and not differ, f"{how}, {len(theirs)} times", "".join(
        f"\n  {name}: {first_difference(theirs.get(name), ours.get(name))}" for name in differ[:8]))


def is_behind_what_is_empty(question, theirs, ours):
    """Kafka looks into the first segment alone that has had a record so late.  Where nothing is
    left of that time there, since it was compacted or the start has moved past it, Kafka finds
    none; ours finds the next."""
    words = question.split()
    return (words[:2] == ["offset", "at"] and theirs[2] == -1 and int(words[2]) >= 0 and
            ours[1] >= int(words[2]))


def is_of_what_is_gone(start_of):
    """Kafka takes snapshots of producers away that are not above the start: nobody needs them."""
    def is_known(name, theirs, ours):
        folder, _, file = name.partition("/")
        return theirs is None and file.endswith(".snapshot") and (
            int(pathlib.Path(file).stem) <= start_of[folder])
    return is_known


def compare_with_before(before, ours, how, check, is_known):
    """What is said by one who led before, and by one who has just begun to."""
    epoch = before["offset at -1 0"][3]
    kept, others = without_new_epoch(before, epoch), without_new_epoch(ours, epoch)
    compare(kept, others, how, check, is_known)


def files_of(data, topics):
    """All files of those topics, and the lines of them in the checkpoints."""
    files = {f"{topic}-0/{path.name}": path.read_bytes() for topic in topics
             for path in (data / f"{topic}-0").iterdir()}
    for name in histories_live.CHECKPOINTS:
        if (data / name).exists():
            files[name] = [histories_live.lines_of(data / name, topic) for topic in topics]
    return files


def go_on(broker, topics):
    """What becomes of batches that were there, are next, or are none of these."""
    found = {}
    with broker:
        client = live_history.Client(broker)
        for topic in topics:
            client.until("no leader", lambda name=topic.name: client.end_of(name))
            for number, batch, transactional_id in next_batches(topic):
                answer = client.ask("produce", 7, {
                    "transactional_id": transactional_id, "acks": -1, "timeout_ms": 10000,
                    "topic_data": [{"name": topic.name, "partition_data": [
                        {"index": 0, "records": batch}]}]})
                part = answer["responses"][0]["partition_responses"][0]
                found[f"{topic.name} batch {number}"] = part["error_code"], part["base_offset"]
            found[f"{topic.name} end"] = client.end_of(topic.name)
        broker.stop()
    return found


def is_of_the_past(_, theirs, ours):
    """A batch that is there, too long ago to know where, is a duplicate; Kafka tells of sequences
    out of order."""
    return theirs == (45, -1) and ours == (46, -1)


def next_batches(topic):
    """Of each producer its last batch, one too far, the next, and one of an older epoch."""
    number = 0
    for producer in topic.producers + topic.writers:
        is_transactional = producer in topic.writers
        if is_transactional and producer.first_offset is None:
            continue  # Between transactions there is nothing to be known again.
        name = "by hand" if is_transactional else None
        batches = [producer.last[0]] if producer.last else []
        for epoch, sequence in ((0, 7), (0, 0), (-1, 0)):
            if producer.epoch + epoch >= 0 and producer.last:
                batches.append(wire.batch(
                    [wire.record(0, key=b"next")], base_timestamp=topic.now_ms,
                    attributes=16 * is_transactional, producer=(
                        producer.id, producer.epoch + epoch, producer.sequence + sequence)))
        for batch in batches:
            yield number, batch, name
            number += 1


def read_offline(folder, said, topics, tools, check):
    """All files by kafka-dump-log and ours, and the whole by `moldau check`."""
    before = histories.counts[False]
    for topic in topics:
        answers = said[topic.name][1]
        served = [header for piece in answers[f"fetches 0 {1 << 20}"]
                  for header in wire.batches(piece[-1])]
        tools.look_at_log(topic.name, folder / f"{topic.name}-0", answers["offset at -2 0"][2],
                          answers["offset at -1 0"][2], sum(one["count"] for one in served),
                          topic.is_compacted)
    check(histories.counts[False] == before, "dump-log prints the same of all files")
    done = subprocess.run([peers.Moldau.program, "check", folder], capture_output=True, text=True,
                          timeout=peers.COMMAND_SECONDS, stdin=subprocess.DEVNULL)
    check(done.returncode == 0 and "bytes" in done.stdout, "moldau check finds it in order",
          done.stdout + done.stderr)


def run(folder, options, seed, tools, events, counts):
    def check(good, what, why=None):
        counts.note("passed" if good else "FAILED", f"seed {seed}: {what}", None if good else why)

    topics = [live_history.Topic(f"h{seed}-{number}", random.Random(f"{seed} {number}"))
              for number in range(options.topics)]
    said = write(folder, options, topics, events)
    data = folder / "kafka/data"
    names = list(said)
    before = files_of(data, names)
    events["segments"] += sum(name.endswith(".log") for name in before) > len(topics)
    shutil.copytree(data, folder / "again/data")
    shutil.copytree(data, folder / "moldau/data")
    read_offline(data, said, topics, tools, check)
    settings = takeover.NODE + live_history.BROKER
    ours = serve(peers.Moldau(folder / "moldau", settings), said)
    again = takeover.OldKafka(folder / "again", live_history.BROKER, version=options.kafka)
    again.log = folder / "again.log"
    theirs = serve(again, said)
    kept = files_of(folder / "again/data", names)
    compare({name: content for name, content in before.items() if name in kept},
            files_of(folder / "moldau/data", names), "a file is as it was, if Kafka keeps it",
            check, is_of_what_is_gone({f"{topic}-0": said[topic][1]["offset at -2 0"][2]
                                       for topic in names}))
    for topic in topics:
        compare_with_before(said[topic.name][1], ours[topic.name], f"{topic.name} is as before",
                            check, is_behind_what_is_empty)
        compare(theirs[topic.name], ours[topic.name], f"{topic.name} is as Kafka finds it",
                check, is_behind_what_is_empty)
    again = takeover.OldKafka(folder / "again", live_history.BROKER, version=options.kafka)
    again.log = folder / "on.log"
    compare(go_on(again, topics), go_on(peers.Moldau(folder / "moldau", settings), topics),
            "a batch fits as for Kafka", check, is_of_the_past)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kafka", default=peers.KAFKA_VERSION)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--count", type=int, default=1, help="how many histories")
    parser.add_argument("--topics", type=int, default=8, help="of each history")
    parser.add_argument("--keep", metavar="DIR", help="work there, and leave what comes of it")
    options = parser.parse_args(words)
    counts, events = tally.Tally(), collections.Counter()
    tools = histories.Histories(is_kafkas=True)
    with tempfile.TemporaryDirectory() as temporary:
        for seed in range(options.seed, options.seed + options.count):
            folder = pathlib.Path(options.keep or temporary).resolve() / f"seed-{seed}"
            run(folder, options, seed, tools, events, counts)
            if not options.keep:
                shutil.rmtree(folder)
    tools.theirs.stop()
    print(" ".join(f"{name}={events[name]}" for name in sorted(events)))
    if options.count * options.topics >= ENOUGH:
        for name in EXPECTED:
            counts.note("passed" if events[name] else "FAILED", f"there was {name}")
    return counts.close()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (peers.Failure, subprocess.SubprocessError, OSError) as failure:
        sys.exit(f"kafka_histories: {failure}")
