#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scripts of bin/ and the commands behind them, as a person at a shell uses them.

A server is started by kafka-server-start.sh -daemon in a folder of its own, used by the other
scripts, through pipes that break and signals, and ended by kafka-server-stop.sh.
$MOLDAU is the binary, unless set build/moldau.
"""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("MOLDAU") or TREE / "build/moldau").resolve()
SECONDS = 30


def free_port():
    for _ in range(1000):
        port = random.randint(20000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")


class Place:
    """An installed tree and a running server."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.bin = self.folder / "kafka" / "bin"
        self.port = free_port()
        self.node_id = random.randint(1000, 1000000)
        shutil.copytree(TREE / "bin", self.bin)
        # Not a link: kafka-server-stop.sh knows a server by its name.
        shutil.copy(BINARY, self.bin / "moldau")
        self.properties = self.folder / "server.properties"
        self.properties.write_text(f"node.id={self.node_id}\n"
                                   f"listeners=PLAINTEXT://127.0.0.1:{self.port}\n"
                                   "offsets.topic.replication.factor=1\n"
                                   f"log.dirs={self.folder / 'data'}\n")
        self.environment = {**os.environ, "LOG_DIR": str(self.folder / "logs")}
        self.environment.pop("MOLDAU", None)

    def words(self, name, *args):
        words = [self.bin / f"{name}.sh", *args]
        if name.startswith("kafka-") and "server" not in name:
            words += ["--bootstrap-server", f"127.0.0.1:{self.port}"]
        return [str(word) for word in words]

    def run(self, name, *args, given=""):
        return subprocess.run(self.words(name, *args), input=given, capture_output=True, text=True,
                              timeout=SECONDS, env=self.environment)

    def start(self, name, *args, **options):
        return subprocess.Popen(self.words(name, *args), env=self.environment, **options)

    def out(self, name, *args, given=""):
        done = self.run(name, *args, given=given)
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
        return done.stdout


def a_server_starts_in_the_background(place):
    done = place.run("kafka-server-start", "-daemon", place.properties)
    assert done.returncode == 0, done
    # The commands wait for a server that is still starting.
    assert place.out("kafka-topics", "--list") == "\n"


def a_server_without_settings_is_explained(place):
    done = place.run("kafka-server-start")
    assert done.returncode == 1 and "USAGE" in done.stdout, done


def a_topic_is_made_and_listed(place):
    assert place.out("kafka-topics", "--create", "--topic", "t") == "Created topic t.\n"
    assert place.out("kafka-topics", "--list") == "t\n"


def lines_go_in_and_come_out(place):
    lines = "".join(f"line {i}\n" for i in range(10000))
    place.out("kafka-console-producer", "--topic", "t", given=lines)
    got = place.out("kafka-console-consumer", "--topic", "t", "--from-beginning",
                    "--max-messages", "10000")
    assert got == lines


def our_words_do_the_same(place):
    address = f"127.0.0.1:{place.port}"
    words = [[str(place.bin / "moldau"), "topics", verb, *rest, "--bootstrap-server", address]
             for verb, rest in (("create", ["ours"]), ("list", []), ("delete", ["ours"]))]
    outs = [subprocess.run(w, capture_output=True, text=True, timeout=SECONDS) for w in words]
    assert [o.returncode for o in outs] == [0, 0, 0], outs
    assert outs[1].stdout == "ours\nt\n", outs


def a_broken_pipe_ends_a_consumer_quietly(place):
    consumer = place.start("kafka-console-consumer", "--topic", "t", "--from-beginning",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert consumer.stdout.readline() == b"line 0\n"
    consumer.stdout.close()
    # It notices with the next record, if the pipe had room for all that there are.
    place.out("kafka-console-producer", "--topic", "t", given="one more\n" * 10)
    err = consumer.stderr.read().decode()
    assert consumer.wait(SECONDS) == 0
    assert "Processed a total of" in err and "ERROR" not in err, err


def a_full_disk_is_told(place):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(place.words("kafka-topics", "--list"), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=SECONDS,
                              env=place.environment)
    assert done.returncode == 1 and "standard output" in done.stderr, done


def an_interrupt_ends_a_consumer(place):
    consumer = place.start("kafka-console-consumer", "--topic", "t", "--from-beginning",
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(10010):
        assert consumer.stdout.readline()
    consumer.send_signal(signal.SIGINT)
    out, err = consumer.communicate(timeout=SECONDS)
    assert out == b"" and err == b"Processed a total of 10010 messages\n", (out, err)
    assert consumer.returncode == 0


def a_topic_that_is_made_later_is_read_if_it_matches(place):
    for group in ([], ["--group", "matching"]):
        word = f"later{len(group)}"
        place.out("kafka-topics", "--create", "--topic", f"{word}.a")
        consumer = place.start("kafka-console-consumer", "--include", f"{word}.*", *group,
                               "--from-beginning", "--max-messages", "2", "--timeout-ms",
                               str(SECONDS * 1000), "--command-property",
                               "metadata.max.age.ms=50", stdout=subprocess.PIPE)
        place.out("kafka-console-producer", "--topic", f"{word}.a", given="first\n")
        assert consumer.stdout.readline() == b"first\n"
        place.out("kafka-topics", "--create", "--topic", f"{word}.b")
        place.out("kafka-console-producer", "--topic", f"{word}.b", given="second\n")
        assert consumer.communicate(timeout=SECONDS)[0] == b"second\n"
        assert consumer.returncode == 0


def zookeeper_is_not_needed(place):
    done = place.run("zookeeper-server-start", "zookeeper.properties")
    assert done.returncode == 0 and "not needed" in done.stdout, done


def a_missing_binary_is_named(place):
    (place.bin / "moldau").rename(place.bin / "away")
    try:
        done = place.run("kafka-topics", "--list")
        assert done.returncode == 1 and "there is no moldau" in done.stderr, done
    finally:
        (place.bin / "away").rename(place.bin / "moldau")


def only_the_named_server_is_stopped(place):
    done = place.run("kafka-server-stop", "--node-id", "999999999")
    assert done.returncode == 1 and "No kafka server to stop" in done.stdout, done
    assert "t" in place.out("kafka-topics", "--list")


def a_server_is_stopped_and_has_ended(place):
    done = place.run("kafka-server-stop", f"--node-id={place.node_id}")
    assert done.returncode == 0, done
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", place.port)) != 0
    assert place.run("kafka-server-stop", f"--node-id={place.node_id}").returncode == 1


def a_server_can_be_started_with_overrides(place):
    server = place.start("kafka-server-start", place.properties, "--override", "num.partitions=3",
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    place.out("kafka-topics", "--create", "--topic", "three")
    assert "PartitionCount: 3" in place.out("kafka-topics", "--describe", "--topic", "three")
    place.run("kafka-server-stop", f"--node-id={place.node_id}")
    assert server.wait(SECONDS) == 0


TESTS = [
    a_server_without_settings_is_explained,
    a_server_starts_in_the_background,
    a_topic_is_made_and_listed,
    lines_go_in_and_come_out,
    our_words_do_the_same,
    a_broken_pipe_ends_a_consumer_quietly,
    a_full_disk_is_told,
    an_interrupt_ends_a_consumer,
    a_topic_that_is_made_later_is_read_if_it_matches,
    zookeeper_is_not_needed,
    a_missing_binary_is_named,
    only_the_named_server_is_stopped,
    a_server_is_stopped_and_has_ended,
    a_server_can_be_started_with_overrides,
]


def main():
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder)
        try:
            for test in TESTS:
                try:
                    test(place)
                    print(f"ok   {test.__name__}")
                except Exception:
                    failed += 1
                    print(f"FAIL {test.__name__}")
                    traceback.print_exc()
        finally:
            place.run("kafka-server-stop", f"--node-id={place.node_id}")
    print(f"{len(TESTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
