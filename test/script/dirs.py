#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A broker with several folders of data, as an operator and an admin client see it.

$MOLDAU is the binary, unless set build/moldau.
"""

import pathlib
import shutil
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402
import wire  # noqa: E402

SECONDS = 30
STORAGE, NO_DIR, INVALID, UNKNOWN, CORRUPT = 56, 57, 42, 3, 2


class Broker(peers.Moldau):
    """A broker on three folders, below the one it is started in."""

    def __init__(self, folder, *settings, dirs=("a", "b", "c")):
        folder = pathlib.Path(folder)
        super().__init__(folder, [f"log.dirs={','.join(dirs)}", "log.retention.ms=-1", *settings])
        self.dirs = [folder / name for name in dirs]

    def talk(self):
        return talk.alone("dirs", self)

    def ask(self, api, version, body):
        one = self.talk()
        answer = one.quietly(api, version, body)
        one.close()
        assert isinstance(answer, dict), answer
        return answer

    def create(self, name, partitions, **configs):
        topic = {"name": name, "num_partitions": partitions, "replication_factor": 1,
                 "configs": [{"name": key.replace("_", "."), "value": value}
                             for key, value in configs.items()]}
        answer = self.ask("create_topics", 5, {"topics": [topic], "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == 0, answer

    def produce(self, name, partition, value, timestamp=0):
        records = wire.batch([wire.record(0, value=value)], base_timestamp=timestamp)
        answer = self.ask("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": name, "partition_data": [{"index": partition, "records": records}]}]})
        return answer["responses"][0]["partition_responses"][0]["error_code"]

    def fetch(self, name, partition, offset):
        """The error code and the bytes from `offset` on."""
        answer = self.ask("fetch", 11, {
            "replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1 << 20,
            "session_epoch": -1, "topics": [{"topic": name, "partitions": [
                {"partition": partition, "current_leader_epoch": -1, "fetch_offset": offset,
                 "log_start_offset": -1, "partition_max_bytes": 1 << 20}]}]})
        part = answer["responses"][0]["partitions"][0]
        return part["error_code"], part["records"] or b""

    def offsets(self, name, partition, timestamp):
        answer = self.ask("list_offsets", 2, {"replica_id": -1, "topics": [
            {"name": name, "partitions": [{"partition_index": partition,
                                           "timestamp": timestamp}]}]})
        part = answer["topics"][0]["partitions"][0]
        return part["offset"] if part["error_code"] == 0 else -part["error_code"]

    def places(self):
        """What DescribeLogDirs tells: folder to partitions, or to an error code."""
        answer = self.ask("describe_log_dirs", 4, {"topics": None})
        return {pathlib.Path(result["log_dir"]):
                result["error_code"] or {(topic["name"], part["partition_index"]):
                                         part["partition_size"]
                                         for topic in result["topics"]
                                         for part in topic["partitions"]}
                for result in answer["results"]}

    def move(self, path, name, partition):
        answer = self.ask("alter_replica_log_dirs", 2, {"dirs": [
            {"path": str(path), "topics": [{"name": name, "partitions": [partition]}]}]})
        return answer["results"][0]["partitions"][0]["error_code"]

    def place_of(self, name, partition):
        return next(path for path, parts in self.places().items()
                    if parts.__class__ is dict and (name, partition) in parts)

    def refuses(self, *words):
        """Starts it, which must fail and be explained."""
        try:
            self.start()
        except peers.Failure:
            said = self.tail()
            assert all(word in said for word in words), said
            return
        raise AssertionError("it started")


def properties(path):
    return dict(line.split("=", 1) for line in (path / "meta.properties").read_text().splitlines()
                if "=" in line)


def partitions_are_spread_and_each_folder_has_its_own_identity(folder):
    with Broker(folder) as broker:
        broker.create("spread", 7)
        for index in range(7):
            assert broker.produce("spread", index, b"x" * (10 + index)) == 0
        places = broker.places()
        assert list(places) == broker.dirs, places
        assert sorted(len(parts) for parts in places.values()) == [2, 2, 3], places
        for path, parts in places.items():
            for (name, index), size in parts.items():
                log = path / f"{name}-{index}" / f"{0:020}.log"
                assert log.stat().st_size == size > 0, (log, size)
        assert broker.stop() == 0
        found = [properties(path) for path in broker.dirs]
        assert len({one["cluster.id"] for one in found}) == 1
        assert len({one["directory.id"] for one in found}) == 3
        for path in broker.dirs:
            assert (path / ".kafka_cleanshutdown").exists()
            assert not (path / "moldau.commit").exists()
        assert [(path / "__cluster_metadata-0").exists() for path in broker.dirs] == [1, 0, 0]
        broker.start()
        assert broker.places() == places
        assert all(broker.offsets("spread", index, -1) == 1 for index in range(7))


def the_metadata_may_have_a_folder_of_its_own(folder):
    with Broker(folder, f"metadata.log.dir={folder / 'meta'}") as broker:
        broker.create("t", 3)
        assert list(broker.places()) == broker.dirs
        assert (folder / "meta" / "__cluster_metadata-0").exists()
        assert not (broker.dirs[0] / "__cluster_metadata-0").exists()
        assert broker.stop() == 0
        broker.start()
        assert sum(len(parts) for parts in broker.places().values()) == 3


def another_order_of_the_folders_does_not_lose_the_metadata(folder):
    with Broker(folder) as broker:
        broker.create("t", 3)
        assert broker.stop() == 0
    Broker(folder, dirs=("b", "a", "c")).refuses("metadata log is in another folder", "path=a")
    Broker(folder, dirs=("new", "a", "b", "c")).refuses("metadata log is in another folder")
    assert not (folder / "new").exists()
    with Broker(folder, "metadata.log.dir=a", dirs=("new", "b", "a", "c")) as broker:
        assert sum(len(parts) for parts in broker.places().values()) == 3


def replicas_are_not_moved_while_they_are_used(folder):
    with Broker(folder) as broker:
        broker.create("t", 1)
        here = broker.place_of("t", 0)
        there = next(path for path in broker.dirs if path != here)
        assert broker.move(here, "t", 0) == 0
        assert broker.move(there, "t", 0) == INVALID
        assert "stop the broker" in broker.tail()
        assert broker.move(folder / "no", "t", 0) == NO_DIR
        assert broker.move("a", "t", 0) == NO_DIR
        assert broker.move(here, "t", 1) == UNKNOWN
        assert broker.move(here, "no", 0) == UNKNOWN


def a_folder_that_was_moved_is_found(folder):
    with Broker(folder) as broker:
        broker.create("t", 1)
        assert broker.produce("t", 0, b"here") == 0
        here = broker.place_of("t", 0)
        there = next(path for path in broker.dirs if path != here)
        assert broker.stop() == 0
        shutil.move(here / "t-0", there / "t-0")
        broker.start()
        assert broker.place_of("t", 0) == there
        assert broker.offsets("t", 0, -1) == 1
        assert broker.produce("t", 0, b"there") == 0
        assert broker.stop() == 0
        shutil.copytree(there / "t-0", here / "t-0")
        broker.refuses("two data folders", "t-0", str(here.name), str(there.name))


def what_belongs_to_no_topic_is_moved_aside(folder):
    with Broker(folder) as broker:
        broker.create("t", 2)
        assert broker.produce("t", 1, b"x") == 0
        here = broker.place_of("t", 1)
        assert broker.stop() == 0
        shutil.copytree(here / "t-1", here / "gone-7")
        shutil.copytree(here / "t-1", here / "t-2")
        broker.start()
        names = sorted(path.name for path in here.iterdir() if path.name.endswith("-stray"))
        assert len(names) == 2 and not (here / "gone-7").exists(), names
        for name, stem in zip(names, ("gone-7.", "t-2.")):
            assert name.startswith(stem) and len(name) == len(stem) + 32 + len("-stray"), names
        assert (here / names[0] / f"{0:020}.log").stat().st_size > 0


def a_folder_that_cannot_be_read_takes_its_partitions_with_it(folder):
    with Broker(folder) as broker:
        broker.create("t", 3)
        for index in range(3):
            assert broker.produce("t", index, b"x") == 0
        places = {broker.place_of("t", index): index for index in range(3)}
        lost = places[broker.dirs[1]]
        assert broker.stop() == 0
        broker.dirs[1].rename(folder / "aside")
        broker.dirs[1].write_text("not a folder")
        broker.start()
        assert broker.places()[broker.dirs[1]] == STORAGE
        for index in range(3):
            assert broker.produce("t", index, b"y") == (STORAGE if index == lost else 0)
        broker.create("more", 4)
        assert all(broker.produce("more", index, b"z") == 0 for index in range(4))
        assert broker.stop() == 0
        broker.dirs[1].unlink()
        (folder / "aside").rename(broker.dirs[1])
        broker.start()
        assert broker.offsets("t", lost, -1) == 1
        assert broker.stop() == 0
        broker.dirs[0].rename(folder / "aside")
        broker.dirs[0].write_text("not a folder")
        broker.refuses("data folder cannot be opened")


def what_is_another_s_is_refused(folder):
    with Broker(folder / "one", dirs=("a",)) as one:
        other = Broker(folder / "one", dirs=("a",))
        other.process = one.process  # Its folder is ready.
        other.refuses("in use by another broker", "stop that one")
        assert one.stop() == 0
    with Broker(folder / "two", dirs=("a",)) as two:
        assert two.stop() == 0
    mixed = Broker(folder / "one", dirs=("a", str(folder / "two" / "a")))
    mixed.refuses("another cluster", "metadata.log.dir")
    shutil.copytree(folder / "one" / "a", folder / "one" / "copy")
    Broker(folder / "one", dirs=("a", "copy")).refuses("same directory.id")
    Broker(folder / "one", dirs=("a", "b", "a")).refuses("names a twice")
    Broker(folder / "one", "node.id=7", dirs=("a",)).refuses("another node", "node.id")
    meta = folder / "one" / "a" / "meta.properties"
    meta.write_text(meta.read_text().replace("version=1", "version=2"))
    Broker(folder / "one", dirs=("a",)).refuses("start the release that wrote it")


def records_go_by_themselves(folder):
    """Also those of a partition that nobody has used since the start."""
    with Broker(folder, "log.retention.check.interval.ms=50",
                "log.initial.task.delay.ms=0") as broker:
        broker.create("short", 3, retention_ms="1", file_delete_delay_ms="0")
        broker.create("long", 3)
        for index in range(3):
            assert broker.produce("long", index, b"x") == 0
            assert broker.produce("short", index, b"x") == 0
        until = time.monotonic() + SECONDS
        while any(broker.offsets("short", index, -2) == 0 for index in range(3)):
            assert time.monotonic() < until, "nothing is deleted"
        assert all(broker.offsets("short", index, -1) == 1 for index in range(3))
        assert all(broker.offsets("long", index, -2) == 0 for index in range(3))
        assert broker.stop() == 0
        logs = sorted(path.name for path in folder.glob("*/short-*/*.log"))
        assert logs == [f"{1:020}.log"] * 3, logs
    again = Broker(folder, "log.retention.check.interval.ms=50", "log.initial.task.delay.ms=0",
                   "log.retention.hours=1")
    again.settings.remove("log.retention.ms=-1")
    with again:  # Their times are long past.
        until = time.monotonic() + SECONDS
        while list(folder.glob(f"*/long-*/{0:020}.log")):
            assert time.monotonic() < until, "what rests is not deleted"


def a_batch_that_the_disk_has_changed_is_not_served_and_hides_no_other(folder):
    with Broker(folder, dirs=("a",)) as broker:
        broker.create("t", 1)
        for value in (b"first", b"second", b"third"):
            assert broker.produce("t", 0, value) == 0
        whole = broker.fetch("t", 0, 0)[1]
        size = len(whole) // 3
        assert broker.stop() == 0
        log = broker.dirs[0] / "t-0" / f"{0:020}.log"
        damaged = whole.replace(b"second", b"sEcond")
        assert log.read_bytes() == whole != damaged and len(whole) == len(damaged)
        log.write_bytes(damaged)
        broker.start()
        assert broker.fetch("t", 0, 1) == (CORRUPT, b"")
        error, records = broker.fetch("t", 0, 0)
        first = records.split(b"first")[0]
        assert error == 0 and whole.startswith(first + b"first") and b"sEcond" not in records
        error, records = broker.fetch("t", 0, 2)
        assert error == 0 and b"third" in records and len(records) < 2 * size
        assert f"file={log.name}" in broker.tail(), broker.tail()
        assert broker.produce("t", 0, b"fourth") == 0
        assert b"fourth" in broker.fetch("t", 0, 3)[1]


def damage_is_found_before_anybody_asks(folder):
    broker = Broker(folder, "log.initial.task.delay.ms=0", "log.scrub.interval.ms=50", dirs=("a",))
    with broker:
        broker.create("t", 1)
        for value in (b"first", b"second"):
            assert broker.produce("t", 0, value) == 0
        assert broker.stop() == 0
        log = broker.dirs[0] / "t-0" / f"{0:020}.log"
        log.write_bytes(log.read_bytes().replace(b"second", b"sEcond"))
        broker.start()
        until = time.monotonic() + SECONDS
        while f"file={log.name}" not in broker.tail():
            assert time.monotonic() < until, "the damage is not found"
        assert "a batch on disk is damaged" in broker.tail()
        assert b"first" in broker.fetch("t", 0, 0)[1]
        assert broker.fetch("t", 0, 1) == (CORRUPT, b"")


if __name__ == "__main__":
    sys.exit(cases.main(globals()))
