#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a broker tells of itself over HTTP: metrics, health and readiness.

$MOLDAU is the binary, unless set build/moldau.
"""

import math
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402
import wire  # noqa: E402

SECONDS = 30
CONNECTIONS_MAX = 32  # Of the listener: src/broker/exporter.c.
RESIDENT_MAX = 64 << 20
READY = re.compile(rb"metrics are served host=\S+ port=(\d+)")


# --- HTTP, as bytes ------------------------------------------------------------


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=SECONDS)


def read_all(connection):
    """What comes until the other side closes; a reset is an end as well."""
    got = []
    try:
        while True:
            piece = connection.recv(1 << 16)
            if not piece:
                break
            got.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(got)


def unchunk(body):
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        size = int(size, 16)
        if size == 0:
            assert body == b"\r\n", body
            return whole
        whole, body = whole + body[:size], body[size:]
        assert body.startswith(b"\r\n")
        body = body[2:]


def ask(port, path, method="GET"):
    """The status, the head's lines and the body."""
    with connect(port) as connection:
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
                           .encode())
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    status = int(re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0])[1])
    fields = {name.lower(): value for name, value in
              (line.split(": ", 1) for line in lines[1:])}
    if fields.get("transfer-encoding") == "chunked":
        body = unchunk(body)
    return status, fields, body.decode()


# --- the text format 0.0.4, strictly ---------------------------------------------

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
SUFFIXES = {"histogram": {"_bucket", "_sum", "_count"}, "summary": {"", "_count"},
            "counter": {""}, "gauge": {""}}


def parse(text):
    """Family to type, and line (name, labels) to value; raises at whatever is not right."""
    assert text.endswith("\n") and "\n\n" not in text
    types, values, helped, family = {}, {}, set(), None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name = re.fullmatch(rf"# HELP ({NAME}) (?:[^\\]|\\[\\n])*", line)[1]
            assert name not in helped, line
            helped.add(name)
        elif line.startswith("#"):
            name, kind = re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line).groups()
            assert name in helped and name not in types and kind in SUFFIXES, line
            types[name] = kind
            family = name
        else:
            match = re.fullmatch(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)", line)
            assert match, line
            name, labels = match[1], tuple(re.findall(LABEL, match[2] or ""))
            assert name.startswith(family), line  # Lines of a family stand together.
            assert name[len(family):] in SUFFIXES[types[family]], line
            assert len({label for label, _ in labels}) == len(labels), line
            key = name, labels
            assert key not in values, line
            values[key] = float(match.groups()[-1])
            assert not math.isnan(values[key]), line
            assert types[family] != "counter" or values[key] >= 0, line
    check_histograms(types, values)
    return types, values


def check_histograms(types, values):
    for family in [name for name, kind in types.items() if kind == "histogram"]:
        series = {}
        for (name, labels), value in values.items():
            if name == f"{family}_bucket":
                bound = float(dict(labels)["le"])
                rest = tuple(label for label in labels if label[0] != "le")
                series.setdefault(rest, []).append((bound, value))
        assert series, family
        for labels, buckets in series.items():
            assert buckets == sorted(buckets) and buckets[-1][0] == math.inf, family
            assert [b[1] for b in buckets] == sorted(b[1] for b in buckets), family
            assert values[f"{family}_count", labels] == buckets[-1][1], family
            assert f"{family}_sum", labels in values


# --- brokers ---------------------------------------------------------------------


class Broker(peers.Moldau):
    """One that tells of itself, at a port that it chooses."""

    def __init__(self, folder, *settings, shards=1):
        super().__init__(folder, ["metrics.listener=:0", f"num.shards={shards}",
                                  "log.retention.ms=-1", *settings])

    @property
    def metrics_port(self):
        return int(READY.findall(self.log.read_bytes())[-1])

    def scrape(self):
        status, fields, body = ask(self.metrics_port, "/metrics")
        assert status == 200, (status, body)
        assert fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        return parse(body)[1]

    def value(self, name, **labels):
        return self.scrape()[name, tuple(labels.items())]

    def ask(self, api, version, body):
        one = talk.alone("metrics", self)
        answer = one.quietly(api, version, body)
        one.close()
        assert isinstance(answer, dict), answer
        return answer

    def create(self, name, partitions):
        answer = self.ask("create_topics", 5, {"topics": [
            {"name": name, "num_partitions": partitions, "replication_factor": 1}],
            "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == 0, answer

    def delete(self, name):
        answer = self.ask("delete_topics", 5, {"topic_names": [name], "timeout_ms": 10000})
        assert answer["responses"][0]["error_code"] == 0, answer

    def produce(self, name, partition, batch):
        answer = self.ask("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": name, "partition_data": [{"index": partition, "records": batch}]}]})
        return answer["responses"][0]["partition_responses"][0]["error_code"]

    def fetch(self, name, partition, offset):
        answer = self.ask("fetch", 11, fetch_of(name, partition, offset, 0))
        return answer["responses"][0]["partitions"][0]["records"] or b""


def fetch_of(name, partition, offset, wait_ms):
    return {"replica_id": -1, "max_wait_ms": wait_ms, "min_bytes": 1, "max_bytes": 1 << 24,
            "session_epoch": -1, "topics": [{"topic": name, "partitions": [
                {"partition": partition, "current_leader_epoch": -1, "fetch_offset": offset,
                 "log_start_offset": -1, "partition_max_bytes": 1 << 24}]}]}


def batch_of(count, size=10):
    return wire.batch([wire.record(i, value=b"x" * size) for i in range(count)])


def until(what, is_so):
    """The first value for which it is so; bounded."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        value = what()
        if is_so(value):
            return value
    raise AssertionError(f"it stays {value!r}")


TOPIC = "kafka_server_brokertopicmetrics_"
LOG = "kafka_log_log_"


def check_known_load(folder, shards):
    """Records and bytes, in and out, to the last one; partitions in order."""
    partitions = 6
    with Broker(folder, shards=shards) as broker:
        broker.create("load", partitions)
        broker.create("idle", 2)
        sizes, counts = [], []
        for p in range(partitions):
            batch = batch_of(10 + p)
            assert broker.produce("load", p, batch) == 0
            sizes.append(len(batch))
            counts.append(10 + p)
        read = sum(len(broker.fetch("load", p, 0)) for p in range(partitions))
        assert read == sum(sizes)
        got = broker.scrape()
        for labels in ((), (("topic", "load"),)):
            assert got[f"{TOPIC}messagesin_total", labels] == sum(counts)
            assert got[f"{TOPIC}bytesin_total", labels] == sum(sizes)
            assert got[f"{TOPIC}bytesout_total", labels] == read
            assert got[f"{TOPIC}totalproducerequests_total", labels] == partitions
            assert got[f"{TOPIC}totalfetchrequests_total", labels] == partitions
            assert got[f"{TOPIC}failedproducerequests_total", labels] == 0
        assert (f"{TOPIC}messagesin_total", (("topic", "idle"),)) not in got
        for p in range(partitions):
            where = (("topic", "load"), ("partition", str(p)))
            assert got[f"{LOG}size", where] == sizes[p]
            assert got[f"{LOG}logendoffset", where] == counts[p]
            assert got[f"{LOG}logstartoffset", where] == 0
            assert got[f"{LOG}numlogsegments", where] == 1
        assert got["kafka_server_replicamanager_partitioncount", ()] == partitions + 2
        assert got["kafka_server_replicamanager_leadercount", ()] == partitions + 2
        assert got["kafka_server_replicamanager_underreplicatedpartitions", ()] == 0
        assert got["kafka_controller_kafkacontroller_activecontrollercount", ()] == 1
        assert got["kafka_controller_kafkacontroller_globaltopiccount", ()] == 2
        assert got["kafka_controller_kafkacontroller_globalpartitioncount", ()] == partitions + 2
        assert got["kafka_controller_kafkacontroller_activebrokercount", ()] == 1
        assert got["kafka_server_kafkaserver_brokerstate", ()] == 3
        assert got["moldau_log_open_partitions", ()] == partitions
        assert got["moldau_log_unused_partitions", ()] == 2
        assert got["moldau_shards", ()] == shards
        requests = "kafka_network_requestmetrics_"
        assert got[f"{requests}requests_total", (("request", "Produce"),)] == partitions
        for name in ("Fetch", "FetchConsumer"):
            assert got[f"{requests}requests_total", (("request", name),)] == partitions
            assert got[f"{requests}totaltimems_count", (("request", name),)] == partitions
        times = {stage: got[f"{requests}{stage}ms", (("request", "Produce"), ("quantile", "0.99"))]
                 for stage in ("totaltime", "localtime", "remotetime")}
        assert 0 < times["remotetime"] <= times["totaltime"] < 10000, times
        assert got["moldau_sync_seconds_count", ()] >= partitions
        assert got["moldau_sync_seconds_count", ()] == got["moldau_sync_rounds_total", ()]
        assert got["moldau_sync_queue_seconds_count", ()] == got["moldau_sync_rounds_total", ()]
        assert 0 < got["kafka_network_socketserver_networkprocessoravgidlepercent", ()] <= 1
        broker.delete("load")
        got = until(broker.scrape, lambda all: (f"{TOPIC}bytesin_total", (("topic", "load"),))
                    not in all)
        assert got[f"{TOPIC}bytesin_total", ()] == sum(sizes)
        assert got["kafka_server_replicamanager_partitioncount", ()] == 2
        assert got["moldau_log_open_partitions", ()] == 0
        assert broker.stop() == 0


def a_known_load_is_told_to_the_last_byte_with_one_shard(folder):
    check_known_load(folder, 1)


def a_known_load_is_told_to_the_last_byte_with_four_shards(folder):
    check_known_load(folder, 4)


def what_is_refused_is_counted_as_that(folder):
    with Broker(folder, "message.max.bytes=1000") as broker:
        broker.create("small", 1)
        assert broker.produce("small", 0, batch_of(3)) == 0
        large = batch_of(1, 5000)
        assert broker.produce("small", 0, large) == 10  # MESSAGE_TOO_LARGE
        got = broker.scrape()
        for labels in ((), (("topic", "small"),)):
            assert got[f"{TOPIC}bytesrejected_total", labels] == len(large)
            assert got[f"{TOPIC}failedproducerequests_total", labels] == 1
            assert got[f"{TOPIC}totalproducerequests_total", labels] == 2
            assert got[f"{TOPIC}messagesin_total", labels] == 3


def connections_and_waiting_fetches_are_counted(folder):
    with Broker(folder) as broker:
        broker.create("quiet", 1)
        assert broker.produce("quiet", 0, batch_of(1)) == 0
        labels = {"listener": "PLAINTEXT", "networkProcessor": "0"}
        count = "kafka_server_socket_server_metrics_connection_count"
        before = until(lambda: broker.value(count, **labels), lambda n: n == 0)
        held = [connect(broker.port) for _ in range(5)]
        until(lambda: broker.value(count, **labels), lambda n: n == before + 5)
        assert broker.value("moldau_connections", listener="PLAINTEXT", shard="0") == before + 5
        one = talk.alone("waiting", broker)
        answers = []
        wait = threading.Thread(target=lambda: answers.append(
            one.quietly("fetch", 11, fetch_of("quiet", 0, 1, 60000))))
        wait.start()
        until(lambda: broker.value("moldau_parked_fetches", shard="0"), lambda n: n == 1)
        assert broker.value("kafka_server_delayedoperationpurgatory_purgatorysize",
                            delayedOperation="Fetch") == 1
        assert broker.produce("quiet", 0, batch_of(1)) == 0
        wait.join(SECONDS)
        assert len(answers) == 1
        one.close()
        assert broker.value("moldau_parked_fetches", shard="0") == 0
        for connection in held:
            connection.close()
        until(lambda: broker.value(count, **labels), lambda n: n == 0)


def groups_and_offsets_are_counted(folder):
    with Broker(folder, "offsets.topic.num.partitions=4", shards=4) as broker:
        broker.create("read", 3)

        def commit(group):
            return broker.ask("offset_commit", 7, {
                "group_id": group, "generation_id_or_member_epoch": -1, "topics": [
                    {"name": "read", "partitions": [
                        {"partition_index": p, "committed_offset": 0, "committed_leader_epoch": -1}
                        for p in range(3)]}]})["topics"][0]["partitions"][0]["error_code"]

        broker.ask("find_coordinator", 2, {"key": "a", "key_type": 0})
        for group in ("a", "b", "c", "d", "e"):
            until(lambda group=group: commit(group), lambda error: error == 0)
        got = broker.scrape()
        groups = "kafka_coordinator_group_groupmetadatamanager_"
        assert got[f"{groups}numgroups", ()] == 5
        assert got[f"{groups}numgroupsempty", ()] == 5
        assert got[f"{groups}numgroupsstable", ()] == 0
        assert got[f"{groups}numoffsets", ()] == 15


def a_partition_that_nobody_has_used_is_not_opened(folder):
    broker = Broker(folder)
    with broker:
        broker.create("rest", 50)
        for p in range(50):
            assert broker.produce("rest", p, batch_of(1)) == 0
        assert broker.stop() == 0
        broker.start()
        files = broker.value("process_open_fds")
        for _ in range(3):
            got = broker.scrape()
        assert got["moldau_log_open_partitions", ()] == 0
        assert got["moldau_log_unused_partitions", ()] == 50
        assert not [key for key in got if key[0].startswith(LOG)]
        assert got["process_open_fds", ()] <= files + 2
        assert broker.fetch("rest", 7, 0)
        got = broker.scrape()
        assert got[f"{LOG}logendoffset", (("topic", "rest"), ("partition", "7"))] == 1
        assert got["moldau_log_open_partitions", ()] == 1


def a_partition_at_rest_is_told_from_what_is_kept_of_it(folder):
    with Broker(folder, "log.flush.offset.checkpoint.interval.ms=100") as broker:
        broker.create("rest", 3)
        batches = [batch_of(p + 1) for p in range(3)]
        for p, batch in enumerate(batches):
            assert broker.produce("rest", p, batch) == 0
        got = until(broker.scrape, lambda all: all["moldau_log_open_partitions", ()] == 0)
        for p, batch in enumerate(batches):
            where = (("topic", "rest"), ("partition", str(p)))
            assert got[f"{LOG}size", where] == len(batch)
            assert got[f"{LOG}logendoffset", where] == p + 1
            assert got[f"{LOG}numlogsegments", where] == 1


def the_process_is_told_as_the_kernel_has_it(folder):
    with Broker(folder) as broker:
        got = broker.scrape()
        proc = pathlib.Path(f"/proc/{broker.process.pid}")
        resident = int(re.search(r"VmRSS:\s+(\d+)", (proc / "status").read_text())[1]) * 1024
        assert abs(got["process_resident_memory_bytes", ()] - resident) < 4 << 20
        assert abs(got["process_open_fds", ()] - len(list((proc / "fd").iterdir()))) <= 3
        assert 0 <= got["process_cpu_seconds_total", ()] < 60
        assert abs(got["process_start_time_seconds", ()] - time.time()) < 60
        info = [dict(labels) for name, labels in got if name == "moldau_info"]
        assert len(info) == 1 and info[0]["node_id"] == "1" and len(info[0]["cluster_id"]) == 22


def what_is_documented_is_what_is_told(folder):
    page = (TREE / "docs/reference/metrics.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z0-9_]+)` \| (counter|gauge|histogram|summary) \|",
                                 page, re.M))
    with Broker(folder) as broker:
        told = parse(ask(broker.metrics_port, "/metrics")[2])[0]
    assert told == documented


# --- health and readiness ----------------------------------------------------------


def health_and_readiness_follow_the_life_of_a_broker(folder):
    with Broker(folder, shards=4) as broker:
        port = broker.metrics_port
        assert ask(port, "/readyz")[::2] == (200, "serving\n")
        assert ask(port, "/healthz")[::2] == (200, "ok\n")
        # A client that does not read its answers holds the stop up for some seconds.
        slow = connect(broker.port)
        ask_in_vain(slow, broker)
        broker.process.send_signal(signal.SIGTERM)
        status, _, words = until(lambda: ask_or_nothing(port, "/readyz"), lambda a: a[0] != 200)
        assert (status, words) in ((503, "stopping\n"), (0, "")), (status, words)
        slow.close()
        assert broker.process.wait(SECONDS) == 0
        assert ask_or_nothing(port, "/readyz")[0] == 0


def ask_in_vain(connection, broker):
    """Many requests of Metadata whose answers nobody reads, until the broker takes no more."""
    frame = struct.pack(">hhih1si", 3, 1, 1, 1, b"x", -1)
    frame = struct.pack(">i", len(frame)) + frame
    connection.settimeout(0.2)
    try:
        for _ in range(200):
            connection.sendall(frame * 1000)
    except socket.timeout:
        pass


def ask_or_nothing(port, path):
    try:
        return ask(port, path)
    except (OSError, TypeError):
        return 0, {}, ""


def a_broker_without_its_controller_is_not_ready(folder):
    nowhere = peers.free_port()
    broker = Broker(folder, "process.roles=broker", "node.id=2",
                    f"controller.quorum.bootstrap.servers=127.0.0.1:{nowhere}",
                    "controller.listener.names=CONTROLLER")
    properties = folder / "server.properties"
    properties.write_text("\n".join([*broker.settings, f"log.dirs={folder / 'data'}",
                                     f"listeners=PLAINTEXT://127.0.0.1:{broker.port}"]))
    subprocess.run([broker.program, "storage", "format", "-t", "moldau-metrics-test-01", "-c",
                    properties], check=True, stdout=subprocess.DEVNULL)
    with open(broker.log, "ab") as log:
        broker.process = subprocess.Popen([str(word) for word in broker.command()], stdout=log,
                                          stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
    try:
        port = int(until(lambda: READY.findall(broker.log.read_bytes()), bool)[0])
        seen = until(lambda: ask(port, "/readyz")[::2], lambda a: a != (503, "starting\n"))
        assert seen == (503, "reading the metadata from the controller\n"), seen
        assert until(lambda: ask(port, "/healthz")[::2], lambda a: a == (200, "ok\n"))
        assert ask(port, "/metrics")[0] == 200
    finally:
        broker.process.kill()
        broker.process.wait(SECONDS)


def a_loop_that_does_not_turn_is_not_healthy(folder):
    with Broker(folder, shards=2) as broker:
        port = broker.metrics_port
        stopped = stop_thread_of_shard(broker.process.pid)
        try:
            status, _, words = ask(port, "/healthz")
            assert (status, words) == (503, "a loop of this node does not turn\n")
            assert ask(port, "/readyz")[0] == 200
        finally:
            stopped.detach()
        assert until(lambda: ask(port, "/healthz")[::2], lambda a: a == (200, "ok\n"))


class Stopped:
    """A thread that a debugger holds: ptrace, without anybody's help."""

    def __init__(self, thread):
        import ctypes
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                                     ctypes.c_void_p]
        self.thread = thread
        assert self.libc.ptrace(16, thread, None, None) == 0, "PTRACE_ATTACH"
        os.waitpid(thread, 0x40000000)  # __WALL

    def detach(self):
        assert self.libc.ptrace(17, self.thread, None, None) == 0, "PTRACE_DETACH"


def stop_thread_of_shard(pid):
    return Stopped(pid)  # The first thread is shard 0.


# --- strangers -----------------------------------------------------------------------


def what_is_not_there_is_told(folder):
    with Broker(folder) as broker:
        port = broker.metrics_port
        assert ask(port, "/")[0] == 404
        assert ask(port, "/metrics/")[0] == 404
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "ODD"):
            status, fields, body = ask(port, "/metrics", method)
            assert (status, fields["allow"], body) == (405, "GET", "only GET\n"), method


def resident(broker):
    text = pathlib.Path(f"/proc/{broker.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024


def strangers_cannot_do_harm(folder):
    with Broker(folder) as broker:
        port = broker.metrics_port
        for what in (b"GET /" + b"a" * 1000000 + b" HTTP/1.1\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\n" + b"A: " + b"b" * 1000000 + b"\r\n\r\n",
                     b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 200000 + b"\r\n",
                     b"\x00\xff" * 100000, b"\r\n" * 100000,
                     b"GET /metrics HTTP/9.9\r\n\r\n",
                     b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999"
                     b"\r\n\r\n",
                     b"POST /metrics HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                     b"zzzz\r\n"):
            with connect(port) as connection:
                try:
                    connection.sendall(what)
                    connection.shutdown(socket.SHUT_WR)
                except OSError:
                    pass  # It was closed in the middle.
                head = read_all(connection)[:12]
                assert not head.startswith(b"HTTP/1.1 200"), what[:40]
        assert ask(port, "/metrics")[0] == 200
        assert resident(broker) < RESIDENT_MAX
        # More than there may be, all of them with half a request.
        half = []
        for _ in range(CONNECTIONS_MAX * 4):
            connection = connect(port)
            half.append(connection)
            try:
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: ")
            except OSError:
                pass
        threads = len(list(pathlib.Path(f"/proc/{broker.process.pid}/task").iterdir()))
        assert threads <= CONNECTIONS_MAX + 16, threads
        assert resident(broker) < RESIDENT_MAX
        broker.create("meanwhile", 1)
        assert broker.produce("meanwhile", 0, batch_of(5)) == 0
        for connection in half:
            connection.close()
        status = until(lambda: ask_or_nothing(port, "/metrics")[0], lambda s: s == 200)
        assert status == 200
        assert broker.stop() == 0


def a_reader_who_stops_reading_does_not_hold_up_the_end(folder):
    with Broker(folder) as broker:
        broker.create("many", 2000)
        for p in range(0, 2000, 40):
            assert broker.produce("many", p, batch_of(1)) == 0
        readers = [connect(broker.metrics_port) for _ in range(4)]
        for reader in readers:
            reader.sendall(b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n")
            assert reader.recv(1) == b"H"
        assert broker.stop() == 0
        for reader in readers:
            reader.close()


def many_scrapes_at_once_agree(folder):
    with Broker(folder, shards=4) as broker:
        broker.create("load", 8)
        for p in range(8):
            assert broker.produce("load", p, batch_of(5)) == 0
        port, got = broker.metrics_port, []

        def scrape():
            got.append(parse(ask(port, "/metrics")[2])[1][f"{TOPIC}messagesin_total", ()])

        threads = [threading.Thread(target=scrape) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert got == [40] * 16, got


# --- settings --------------------------------------------------------------------------


def refused(folder, listener, program=None):
    """What a start with this address, which fails, says."""
    broker = peers.Moldau(folder, [f"metrics.listener={listener}"])
    if program:
        broker.program = program
    done = subprocess.run([str(word) for word in broker.command()], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=SECONDS, cwd=folder)
    assert done.returncode == 1, done
    return done.stderr


def a_wrong_address_is_an_error_that_says_so(folder):
    for text in ("here", "9404", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:-1",
                 "127.0.0.1:65536", "127.0.0.1:12x", "example.org:9404", "::1:9404", "[::1:9404",
                 "[]:9404" + "1"):
        said = refused(folder, text)
        assert "metrics.listener is not host:port" in said and f"value={text}" in said, said
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused(folder, f"127.0.0.1:{port}")
        assert "cannot listen for metrics" in said and f"port={port}" in said, said
    said = refused(folder, "192.0.2.1:9404")
    assert "cannot listen for metrics" in said, said


def without_a_host_it_is_the_loopback_interface(folder):
    with Broker(folder) as broker:
        line = next(line for line in broker.log.read_text().split("\n") if "are served" in line)
        assert "host=127.0.0.1 " in line, line


def without_the_key_nothing_is_loaded(folder):
    with peers.Moldau(folder) as broker:
        maps = pathlib.Path(f"/proc/{broker.process.pid}/maps").read_text()
        assert "http.so" not in maps and "microhttpd" not in maps
        tasks = list(pathlib.Path(f"/proc/{broker.process.pid}/task").iterdir())
    done = subprocess.run(["ldd", str(peers.Moldau.program)], capture_output=True, text=True)
    assert "microhttpd" not in done.stdout and tasks


def a_missing_module_names_its_package(folder):
    (folder / "alone").mkdir()
    program = folder / "alone/moldau"
    shutil.copy2(peers.Moldau.program, program)
    said = refused(folder, ":0", program)
    assert f"there is no module {folder}/alone/lib/moldau/http.so" in said, said
    assert "install the package moldau-http" in said, said
    (folder / "alone/lib/moldau").mkdir(parents=True)
    (folder / "alone/lib/moldau/http.so").write_bytes(b"this is none")
    said = refused(folder, ":0", program)
    assert "cannot be loaded" in said and "moldau-http" in said, said


def an_installed_one_has_its_module_beside_its_folder(folder):
    (folder / "bin").mkdir()
    (folder / "lib/moldau").mkdir(parents=True)
    program = folder / "bin/moldau"
    shutil.copy2(peers.Moldau.program, program)
    shutil.copy2(peers.Moldau.program.parent / "lib/moldau/http.so", folder / "lib/moldau")
    broker = Broker(folder / "run")
    broker.program = program
    with broker:
        assert broker.scrape()["moldau_shards", ()] == 1


if __name__ == "__main__":
    sys.exit(cases.main(globals(), sys.argv[1:]))
