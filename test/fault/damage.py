#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One damage in one file of a broker's folder, and a start on it; again and again.

    damage.py [--count N] [--seed S] [--jobs N] [--ledger] [--keep DIR]

A broker makes a folder with topics of random settings: all codecs, several segments,
transactions, compaction, deleted records, commits, settings.  One copy of it was stopped in
order, another killed with much in its commit log.  For each damage a copy is taken, and in one
of its files a bit is turned over, or a block is zeroed, or two blocks change places, or its end
is cut off.  Then a broker is started on it, and everything is asked for.  It must hold:

  * no byte is served that nobody wrote, at any offset, and no batch is passed over in silence;
    but for what nobody can see (docs/reliability.md), and is counted as unseen;
  * what is not served any more lies in the damaged file, from the damage on, and the broker's
    log tells of it; all other partitions, commits and settings are whole;
  * a start that is refused names the file;
  * no process ends by a signal, or fails to end.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
sys.path.insert(0, str(TREE / "test/fault"))

import contents  # noqa: E402
import ledger  # noqa: E402
import life  # noqa: E402
import live_history  # noqa: E402
import peers  # noqa: E402
import takeover  # noqa: E402
import tally  # noqa: E402
import unclean  # noqa: E402
from contents import OFFSETS_TOPIC, SETTLE_S  # noqa: E402

TOPICS, STEPS, STEPS_AFTER, BURSTS = 8, 20, 8, 15
ROUNDS = 3  # Of commits and settings in each part of the broker's life.
GROUPS = ("early", "late")
SETTING, SETTING_FROM = "retention.bytes", 1 << 40
SETTINGS = [*takeover.NODE, *live_history.BROKER, "num.shards=1",
            "offsets.topic.num.partitions=3", "log.index.interval.bytes=500",
            "metadata.log.max.record.bytes.between.snapshots=2000"]
QUIET = [*SETTINGS, "log.cleaner.enable=false"]
BLOCKS = (16, 64, 512)
TRIES = 100
SLOW_S = 20
LOG, LOG_OF_OFFSETS, STARTS = "log", "log of offsets", "checkpoint of starts"
TIME_INDEX = "time index"
METADATA_OF_PARTITION = "partition.metadata"
IMPATIENT_S = 2  # Where groups cannot be read.
METADATA = "__cluster_metadata-0"
MAY_REFUSE = ("metadata log", "metadata snapshot", "quorum state", "meta.properties")


# --- the folders ----------------------------------------------------------------------------------


class Life(unclean.Burst):
    """Whose groups commit, and whose settings change; all that was told is noted."""

    def __init__(self, broker, topics, told):
        super().__init__(broker, topics)
        self.told = told

    def _produce(self, topic, partition, batch, transactional_id=None):
        base = super()._produce(topic, partition, batch, transactional_id)
        self.told["batch", topic, base] = batch[life.PLACED:]
        return base

    def end_some(self, rng):
        """Their coordinator has other epochs than that of a Burst."""
        self.end_transactions(rng.sample(self.topics, 2))

    def wait_for_compaction(self):
        """Of one log at least."""
        def attempt():
            return any(self._clean_point(topic) for topic in self.topics) or None
        self.until("nothing is compacted", attempt)

    def commit_offsets(self, rng):
        for group in GROUPS:
            chosen = rng.sample(self.topics, 3)
            self.ask_soon("no coordinator", "find_coordinator", life.COORDINATOR, {
                "key": group, "key_type": 0}, lambda answer: answer["error_code"])
            numbers = {topic.name: rng.randrange(1, topic.end + 2) for topic in chosen}
            self.ask_soon("no commit", "offset_commit", life.COMMIT, {
                "group_id": group, "generation_id_or_member_epoch": -1, "member_id": "",
                "topics": [{"name": name, "partitions": [
                    {"partition_index": 0, "committed_offset": number, "committed_metadata": ""}]}
                    for name, number in numbers.items()]},
                lambda answer: life.one_partition(answer, "topics", "partitions")["error_code"])
            for name, number in numbers.items():
                self.told.setdefault(("commits", group, name, 0), []).append(number)

    def alter(self, rng):
        topic, number = rng.choice(self.topics), SETTING_FROM + rng.randrange(1 << 20)
        self.configure(topic, SETTING, number)
        self.told.setdefault(("settings", topic.name, SETTING), ["-1"]).append(str(number))

    def rounds(self, rng):
        for _ in range(ROUNDS):
            self.commit_offsets(rng)
            self.alter(rng)


class Folder:
    """A folder of data, what is served of it, and what its clients were told."""

    def __init__(self, data, is_clean):
        self.data = data
        self.is_clean = is_clean
        self.expected = None

    def learn(self, told, scratch):
        """What is served of it undamaged: all that somebody was told."""
        self.told = dict(told)
        shutil.copytree(self.data, scratch / "data")
        broker = peers.Moldau(scratch, QUIET)
        with broker:
            self.expected = contents.read(broker.port, groups=GROUPS)
            broker.stop()
        found = self.expected
        if found.wrong or found.refused:
            raise peers.Failure(f"{self.data}: {found.wrong} {dict(found.refused)}")
        for (kind, *key), value in self.told.items():
            if kind == "commits" and found.commits[tuple(key)] != value[-1]:
                raise peers.Failure(f"the commit of {key} is {found.commits[tuple(key)]}")
            if kind == "settings" and found.settings[tuple(key)] != value[-1]:
                raise peers.Failure(f"the setting {key} is {found.settings[tuple(key)]}")
        self.files = collections.defaultdict(list)
        for path in sorted(self.data.rglob("*")):
            if path.is_file() and kind_of(path) and path.read_bytes().strip(b"\0"):
                self.files[kind_of(path)].append(path.relative_to(self.data))


def check_bytes(topics, folder):
    """What is served is what was written, where the broker was not told to change it."""
    checked = 0
    for topic in topics:
        if (topic.is_compacted or topic.settings["compression.type"] != "producer" or
                topic.settings["message.timestamp.type"] != "CreateTime"):
            continue
        for base, batch in folder.expected.batches[topic.name, 0].items():
            written = folder.told.get(("batch", topic.name, base))
            if written is not None and written != batch.raw[life.PLACED:]:
                raise peers.Failure(f"{topic.name} at {base} is not what was written")
            checked += written is not None
    if not checked:
        raise peers.Failure("nothing was served as it was written")


def make(folder, seed):
    """The two folders of this seed."""
    rng = random.Random(seed)
    topics = [live_history.Topic(f"d{number}", random.Random(f"{seed} {number}"))
              for number in range(TOPICS)]
    topics[0].settings |= {"cleanup.policy": "delete", "compression.type": "producer",
                           "message.timestamp.type": "CreateTime"}
    topics[0].is_compacted = False
    topics[1].settings |= {"cleanup.policy": "compact", "segment.index.bytes": str(10 << 20),
                           "segment.ms": "60000", "message.timestamp.type": "CreateTime"}
    topics[1].is_compacted = True
    told, source = {}, folder / "made/data"
    for steps in (STEPS, STEPS_AFTER):
        with peers.Moldau(folder / "made", SETTINGS) as broker:
            writer = Life(broker, topics, told)
            if steps == STEPS:
                writer.create()
            writer.rounds(rng)
            writer.steps(steps)
            topics[1].now_ms += live_history.HOUR_MS  # A segment of it ends.
            writer.steps(steps)
            writer.rounds(rng)
            if steps == STEPS:
                writer.end_transactions([topic for topic in topics if topic.is_compacted])
                writer.wait_for_compaction()
            if broker.stop():
                raise peers.Failure(f"the stop was not clean: {broker.tail()}")
    clean = Folder(folder / "clean", True)
    shutil.copytree(source, clean.data)
    clean.learn(told, folder / "of-clean")
    check_bytes(topics, clean)
    with peers.Moldau(folder / "made", QUIET) as broker:
        writer = Life(broker, topics, told)
        writer.bursts(rng, BURSTS)
        writer.rounds(rng)
        broker.kill()
    killed = Folder(folder / "killed", False)
    shutil.copytree(source, killed.data)
    killed.learn(told, folder / "of-killed")
    return clean, killed


# --- damages --------------------------------------------------------------------------------------


def kind_of(path):
    """What sort of file it is, or None if there is nothing in it to damage."""
    parent = path.parent.name
    if parent == "moldau.commit":
        return "commit log"
    if path.suffix == ".checkpoint":
        return "metadata snapshot"
    if path.suffix == ".log":
        return {METADATA: "metadata log"}.get(
            parent, LOG_OF_OFFSETS if parent.startswith(OFFSETS_TOPIC) else LOG)
    return {".index": "offset index", ".timeindex": TIME_INDEX,
            ".txnindex": "transaction index", ".snapshot": "producer snapshot"}.get(
        path.suffix) or {
            "leader-epoch-checkpoint": "leader epochs", METADATA_OF_PARTITION: path.name,
            "meta.properties": path.name, "quorum-state": "quorum state",
            "recovery-point-offset-checkpoint": "checkpoint of offsets",
            "replication-offset-checkpoint": "checkpoint of offsets",
            "cleaner-offset-checkpoint": "checkpoint of offsets",
            "log-start-offset-checkpoint": STARTS}.get(path.name)


def flip(whole, rng, size):
    at = rng.randrange(size)
    return whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1:]


def cut(whole, rng, size):
    return whole[:rng.randrange(size)]


def block(rng, size):
    length = min(rng.choice(BLOCKS), max(1, size // 2))
    return length, rng.randrange(size - length + 1)


def zero(whole, rng, size):
    length, at = block(rng, size)
    return whole[:at] + bytes(length) + whole[at + length:]


def swap(whole, rng, size):
    length, a = block(rng, size)
    b = rng.randrange(size - length + 1)
    a, b = min(a, b), max(a, b)
    if b < a + length:
        return whole
    return (whole[:a] + whole[b:b + length] + whole[a + length:b] + whole[a:a + length] +
            whole[b + length:])


DAMAGES = (flip, flip, cut, zero, swap)


class Damage:
    """What is done to one file; positions are those of bytes that are others then."""

    def __init__(self, folder, rng):
        self.folder = folder
        self.kind = rng.choice(sorted(folder.files))
        self.file = rng.choice(folder.files[self.kind])
        whole = (folder.data / self.file).read_bytes()
        for _ in range(TRIES):
            self.how = rng.choice(DAMAGES)
            self.bytes = self.how(whole, rng, len(whole.rstrip(b"\0")))
            if self.bytes != whole:
                break
        self.whole = whole
        self.at = [at for at, byte in enumerate(whole)
                   if at >= len(self.bytes) or self.bytes[at] != byte]
        self.log = self.file.parent.name

    def __str__(self):
        return (f"{'clean' if self.folder.is_clean else 'killed'}, {self.kind}: "
                f"{self.how.__name__} in {self.file} at {self.at[0]}")

    def damaged_place(self):
        """The partition that may not be whole now, or None."""
        if self.kind not in (LOG, LOG_OF_OFFSETS, METADATA_OF_PARTITION):
            return None
        topic, _, partition = self.log.rpartition("-")
        return topic, int(partition)

    def batches(self):
        """Those of the file that are not as they were: the position in each of its first byte
        that is another."""
        start, found = 0, {}
        for batch in contents.batches_in(self.whole):
            end = start + len(batch.raw)
            inside = [at - start for at in self.at if start <= at < end]
            if inside:
                found[batch.base] = inside
            start = end
        return found


# --- what must hold -------------------------------------------------------------------------------


def missing(damage, found):
    """By place: the base offsets of what was served and is not."""
    gone = {}
    for place, batches in damage.folder.expected.batches.items():
        lost = sorted(set(batches) - set(found.batches[place]))
        if damage.kind == STARTS:
            lost = [base for base in lost if batches[base].last >= found.starts.get(place, 0)]
        if lost:
            gone[place] = lost
    return gone


def judge_records(damage, found, said):
    """What is wrong with the records that are served, or None."""
    gone = missing(damage, found)
    for place, lost in gone.items():
        name = f"{place[0]}-{place[1]}"
        if place != damage.damaged_place():
            return f"{name} has no batch at {lost} any more, which was not damaged"
        first = min(damage.batches(), default=0)
        if lost[0] < first:
            return f"{name} has no batch at {lost}, and the damage begins at {first}"
        if not re.search(rf" (error|warn) .*{re.escape(name)}\b", said):
            return f"{name} has no batch at {lost} any more, and nobody tells"
    for place, refused in found.refused.items():
        is_group = place not in damage.folder.expected.ends
        if is_group and (damage.damaged_place() or ("",))[0] == OFFSETS_TOPIC:
            continue
        if place not in gone:
            return f"{place} refuses {refused}, and nothing is missing"
    return None


def judge_state(damage, found, said):
    """What is wrong with commits and settings, or None.  Of the tail of the metadata log of who
    was killed nobody knows whether it was ever whole."""
    told = damage.folder.told
    is_cut = damage.kind == "metadata log" and re.search(rf" warn .*M8017.*log={METADATA}", said)
    for key, value in damage.folder.expected.commits.items():
        ours = found.commits.get(key)
        if (damage.damaged_place() or ("",))[0] == OFFSETS_TOPIC:
            if ours not in (None, -1, *told.get(("commits", *key), ())):
                return f"the commit of {key} is {ours}, which nobody committed"
        elif ours != value:
            return f"the commit of {key} is {ours}, not {value}"
    for key, value in damage.folder.expected.settings.items():
        ours = found.settings.get(key)
        if ours != value and not (is_cut and ours in told.get(("settings", *key), ())):
            return f"the setting {key} is {ours}, not {value}"
    return None


def judge_times(damage, found):
    for (place, when), offset in found.times.items():
        right = damage.folder.expected.times[place, when]
        if place == damage.damaged_place() and (offset == -1 or offset > right):
            continue  # The batch that it was is not there any more.
        if damage.kind == TIME_INDEX and damage.log == "-".join(map(str, place)):
            if offset != right:
                found.unseen.append(f"{place} has offset {offset} at time {when}")
        elif offset != right and damage.kind != STARTS:
            return f"{place} has offset {offset} at time {when}, not {right}"
    return None


def judge_starts(damage, found):
    """A digit of their checkpoint may have become another one, which no checksum covers."""
    for place, start in damage.folder.expected.starts.items():
        ours = found.starts.get(place)
        if ours != start and place != damage.damaged_place() and damage.kind != STARTS:
            return f"{place} starts at {ours}, not at {start}"
    return None


def judge(damage, found, said):
    if damage.kind in (LOG, LOG_OF_OFFSETS):
        found.unseen += found.unseen_inside
    else:
        found.wrong += found.unseen_inside
    why = found.wrong[0] if found.wrong else None
    return (why or judge_starts(damage, found) or judge_records(damage, found, said) or
            judge_state(damage, found, said) or judge_times(damage, found))


def refusal(damage, broker, failure):
    """What is wrong with a start that was refused, or None."""
    if broker.process.poll() is None:
        return f"the start hangs: {failure}"
    if broker.process.returncode < 0:
        return f"the start ends by signal {-broker.process.returncode}: {broker.tail()}"
    if damage.kind not in MAY_REFUSE and not (
            damage.kind == METADATA_OF_PARTITION and damage.log == METADATA):
        return f"the start is refused: {broker.tail()}"
    if damage.file.name not in broker.tail() and damage.log not in broker.tail():
        return f"the start is refused and {damage.file} not named: {broker.tail()}"
    return None


def look(damage, folder, rng):
    """A broker on the damaged folder: what came of it, and what is wrong, or None."""
    shutil.copytree(damage.folder.data, folder / "data")
    (folder / "data" / damage.file).write_bytes(damage.bytes)
    broker = peers.Moldau(folder, QUIET)
    try:
        broker.start()
    except peers.Failure as failure:
        broker.__exit__()
        return "refused", refusal(damage, broker, failure)
    try:
        found = contents.read(broker.port, rng, damage.folder.expected, GROUPS,
                              IMPATIENT_S if OFFSETS_TOPIC in damage.log else SETTLE_S)
        status = broker.process.poll()
        if status is None:
            status = broker.stop()
        said = broker.log.read_text(errors="replace")
    except peers.Failure as failure:
        return "hung", str(failure)
    finally:
        broker.__exit__()
    if status < 0:
        return "ended", f"the broker ended by signal {-status}: {broker.tail()}"
    why = judge(damage, found, said)
    if not why and status and not re.search(" (error|warn) ", said):
        why = f"the broker ends with {status} and says nothing"
    if found.unseen:
        return "unseen", why
    return "partly" if missing(damage, found) else "whole", why


# --- what this test would see ---------------------------------------------------------------------


class Liar(contents.Reader):
    """Hears other answers than the broker gives; see_lies() has kinds of it."""

    def fetch(self, place, offset, size=8 << 20):
        error, batches = super().fetch(place, offset, size)
        if place == self.place and batches:
            return self.lie(error, batches)
        return error, batches


def other_byte(_, error, batches):
    raw = batches[-1].raw
    return error, [*batches[:-1], batches[-1]._replace(raw=raw[:-1] + bytes([raw[-1] ^ 1]))]


def left_out(_, error, batches):
    return error, batches[1:] or batches


def other_offset(_, error, batches):
    return error, [*batches[:-1], batches[-1]._replace(base=batches[-1].base + 1)]


def refused(_, error, batches):
    return contents.CORRUPT, []


def see_lies(folder, made, counts):
    """A broker without a damage, and answers with one: each must be found."""
    damage = Damage(made, random.Random(0))
    damage.kind = "none"
    place = max(made.expected.batches, key=lambda one: len(made.expected.batches[one]))
    shutil.copytree(made.data, folder / "data")
    with peers.Moldau(folder, QUIET) as broker:
        for lie in (None, other_byte, left_out, other_offset, refused):
            kind = type("Kind", (Liar,), {"place": place, "lie": lie}) if lie else contents.Reader
            found = contents.read(broker.port, random.Random(1), made.expected, GROUPS, kind=kind)
            why = judge(damage, found, broker.tail())
            name = lie.__name__ if lie else "nothing"
            counts.note("FAILED" if bool(why) != bool(lie) else "passed",
                        f"an answer with {name.replace('_', ' ')} wrong", why)
        broker.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=1000, help="damages in all")
    parser.add_argument("--per-folder", type=int, default=100, help="damages of each folder")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--ledger", action="store_true", help="note what came of it")
    parser.add_argument("--keep", metavar="DIR", help="leave there what failed")
    options = parser.parse_args()
    counts, events = tally.Tally(), collections.Counter()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-damage-", dir="/dev/shm"))

    def one(number, made):
        rng = random.Random(f"{seed} {number}")
        damage, began = Damage(rng.choice(made), rng), time.monotonic()
        place = folder / f"look-{number}"
        place.mkdir()
        try:
            outcome, why = look(damage, place, rng)
        except (OSError, ValueError) as failure:
            outcome, why = "failed", repr(failure)
        if why:
            counts.note("FAILED", f"damage {number} of seed {seed}: {damage}", why)
            if options.keep:
                shutil.copytree(place, pathlib.Path(options.keep) / place.name)
        else:
            counts.counts["passed"] += 1
        if time.monotonic() - began > SLOW_S:
            print(f"slow: damage {number} of seed {seed}: {damage}: "
                  f"{time.monotonic() - began:.0f} s", flush=True)
        events[outcome] += 1
        events[damage.kind] += 1
        shutil.rmtree(place)

    try:
        for first in range(0, options.count, options.per_folder):
            made = make(folder / f"of-{first}", seed + first)
            with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
                numbers = range(first, min(first + options.per_folder, options.count))
                list(pool.map(lambda number: one(number, made), numbers))
            if first + options.per_folder >= options.count:
                see_lies(folder / "lies", made[0], counts)
            shutil.rmtree(folder / f"of-{first}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    told = ", ".join(f"{events[name]} {name}" for name in sorted(events))
    print(f"seed {seed}: {told}")
    if options.ledger:
        ledger.append("damage", seed, options.count, counts.counts["FAILED"], told)
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
