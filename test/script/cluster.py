#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One controller and three brokers, each a process of its own, as an operator and clients see
them.

$MOLDAU is the binary, unless set build/moldau.
"""

import pathlib
import subprocess
import sys
import time

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402

SECONDS = 60
CLUSTER = "bW9sZGF1LWNvbXBhdC10ZQ"
NONE, NOT_LEADER, NOT_COORDINATOR, INVALID_ASSIGNMENT, INVALID_REQUEST = 0, 6, 16, 39, 42
CONTROLLER_ID = 100


class Node(peers.Moldau):
    """A node of one role, by a file of settings."""

    def __init__(self, folder, node_id, *settings):
        super().__init__(pathlib.Path(folder) / f"node-{node_id}", settings)
        self.node_id = node_id
        self.properties = self.folder / "server.properties"
        self.cluster = CLUSTER
        self.prepare_folder = True

    def prepare(self):
        lines = [f"node.id={self.node_id}", f"log.dirs={self.folder / 'data'}",
                 "controller.listener.names=CONTROLLER", "offsets.topic.replication.factor=1",
                 "offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0",
                 "broker.session.timeout.ms=1500", "broker.heartbeat.interval.ms=100",
                 *self.settings]
        self.properties.write_text("\n".join(lines) + "\n")
        if not self.prepare_folder:
            return
        subprocess.run([self.program, "storage", "format", "-t", self.cluster, "-c",
                        self.properties], check=True, stdout=subprocess.DEVNULL)

    def command(self):
        return [self.program, "server", self.properties]

    def ask(self, api, version, body):
        one = talk.alone("cluster", self)
        answer = one.quietly(api, version, body)
        one.close()
        assert isinstance(answer, dict), (api, answer, self.tail())
        return answer


class Controller(Node):
    def __init__(self, folder, *settings):
        super().__init__(folder, CONTROLLER_ID, "process.roles=controller", *settings)
        self.settings += [f"listeners=CONTROLLER://127.0.0.1:{self.port}",
                          f"controller.quorum.voters={CONTROLLER_ID}@127.0.0.1:{self.port}"]


class Broker(Node):
    def __init__(self, folder, node_id, controller, *settings):
        super().__init__(folder, node_id, "process.roles=broker",
                         f"controller.quorum.bootstrap.servers={controller.bootstrap}", *settings)
        self.settings += [f"listeners=PLAINTEXT://127.0.0.1:{self.port}"]


class Cluster:
    def __init__(self, folder, *settings):
        self.controller = Controller(folder, *settings)
        self.brokers = [Broker(folder, i, self.controller) for i in (1, 2, 3)]

    def __enter__(self):
        for node in [self.controller, *self.brokers]:
            node.start()
        return self

    def __exit__(self, *_):
        for node in [*self.brokers, self.controller]:
            node.__exit__()

    def stop(self):
        assert [broker.stop() for broker in self.brokers] == [0, 0, 0]
        assert self.controller.stop() == 0


def command(node, *words, text=None):
    done = subprocess.run([node.program, words[0], "--bootstrap-server", node.bootstrap,
                           *words[1:]], input=text, capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr, node.tail())
    return done.stdout


def create(node, name, partitions):
    command(node, "kafka-topics", "--create", "--topic", name, "--partitions", str(partitions))


def produce(node, name, values):
    command(node, "kafka-console-producer", "--topic", name,
            text="".join(f"{value}\n" for value in values))


def consume(node, name, count):
    out = command(node, "kafka-console-consumer", "--topic", name, "--from-beginning",
                  "--max-messages", str(count))
    return sorted(int(line) for line in out.split())


def leaders(node, name):
    answer = node.ask("metadata", 8, {"topics": [{"name": name}]})
    topic = answer["topics"][0]
    return [partition["leader_id"]
            for partition in sorted(topic["partitions"], key=lambda p: p["partition_index"])]


def wait_for(what, probe):
    until = time.monotonic() + SECONDS
    while not probe():
        assert time.monotonic() < until, what
        time.sleep(0.02)


def partitions_are_spread_and_found_through_any_broker(folder):
    with Cluster(folder) as cluster:
        one, two, three = cluster.brokers
        create(two, "t", 6)
        assert sorted(leaders(two, "t")) == [1, 1, 2, 2, 3, 3]
        nodes = two.ask("metadata", 8, {"topics": []})["brokers"]
        assert {node["node_id"]: node["port"] for node in nodes} == {
            broker.node_id: broker.port for broker in cluster.brokers}
        produce(three, "t", range(1000))
        for broker in cluster.brokers:
            wait_for("image", lambda broker=broker: len(leaders(broker, "t")) == 6)
            assert consume(broker, "t", 1000) == list(range(1000))
        logs = {broker.node_id: len(list(broker.folder.glob("data/t-*")))
                for broker in cluster.brokers}
        assert all(count <= 2 for count in logs.values()) and sum(logs.values()) >= 1, logs
        cluster.stop()


def a_broker_that_is_killed_comes_back_with_all_it_had(folder):
    with Cluster(folder) as cluster:
        one, two, three = cluster.brokers
        create(one, "t", 6)
        produce(one, "t", range(500))
        two.kill()
        wait_for("fenced", lambda: -1 in leaders(one, "t"))
        assert sorted(set(leaders(one, "t"))) == [-1, 1, 3]
        two.start()
        wait_for("back", lambda: -1 not in leaders(one, "t"))
        produce(three, "t", range(500, 1000))
        assert consume(two, "t", 1000) == list(range(1000))


def without_the_controller_records_go_on(folder):
    with Cluster(folder) as cluster:
        one, two, three = cluster.brokers
        create(one, "t", 6)
        for broker in cluster.brokers:
            wait_for("image", lambda broker=broker: len(leaders(broker, "t")) == 6)
        produce(one, "t", range(300))
        cluster.controller.kill()
        produce(two, "t", range(300, 600))
        assert consume(three, "t", 600) == list(range(600))
        cluster.controller.start()
        create(three, "u", 3)
        produce(one, "u", range(10))
        assert consume(two, "u", 10) == list(range(10))
        assert consume(one, "t", 600) == list(range(600))
        assert sorted(set(leaders(one, "t"))) == [1, 2, 3]


def a_clean_stop_of_all_loses_nothing_and_gives_up_leaders(folder):
    with Cluster(folder) as cluster:
        one, two, three = cluster.brokers
        create(one, "t", 6)
        produce(one, "t", range(100))
        assert two.stop() == 0
        assert sorted(set(leaders(one, "t"))) == [-1, 1, 3]
        two.start()
        cluster.stop()
        for node in [cluster.controller, *cluster.brokers]:
            node.start()
        assert consume(three, "t", 100) == list(range(100))


def a_broker_that_comes_late_takes_a_snapshot(folder):
    with Cluster(folder, "metadata.log.max.record.bytes.between.snapshots=1",
                 "metadata.max.retention.bytes=1", "metadata.log.segment.ms=1") as cluster:
        one, two, three = cluster.brokers
        assert three.stop() == 0
        for i in range(20):
            create(one, f"t{i}", 1)
        three.start()
        assert "taking a snapshot" in three.tail(), three.tail()
        names = command(three, "kafka-topics", "--list").split()
        assert sorted(names) == sorted(f"t{i}" for i in range(20))


def loggers_are_the_brokers_own(folder):
    with Cluster(folder) as cluster:
        one = cluster.brokers[0]
        create(one, "t", 1)
        level = {"name": "root", "config_operation": 0, "value": "DEBUG"}
        logger = {"resource_type": 8, "resource_name": "1", "configs": [level]}
        topic = {"resource_type": 2, "resource_name": "t", "configs": [
            {"name": "retention.ms", "config_operation": 0, "value": "5000"}]}
        answer = one.ask("incremental_alter_configs", 1, {"resources": [logger]})
        assert answer["responses"][0]["error_code"] == NONE, answer
        answer = one.ask("incremental_alter_configs", 1, {"resources": [logger, topic]})
        assert [row["error_code"] for row in answer["responses"]] == [INVALID_REQUEST, NONE], answer


def who_asks_the_wrong_broker_is_told_the_leader(folder):
    with Cluster(folder) as cluster:
        create(cluster.brokers[0], "t", 3)
        for broker in cluster.brokers:
            wait_for("image", lambda broker=broker: len(leaders(broker, "t")) == 3)
        topic_id = cluster.brokers[0].ask("metadata", 12, {"topics": [
            {"name": "t"}]})["topics"][0]["topic_id"]
        asked = cluster.brokers[0]
        led = leaders(asked, "t")
        other = next(i for i in range(3) if led[i] != asked.node_id)
        port = {broker.node_id: broker.port for broker in cluster.brokers}[led[other]]
        answer = asked.ask("fetch", 16, {
            "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1000, "session_epoch": -1, "topics": [
                {"topic_id": topic_id, "partitions": [
                    {"partition": other, "partition_max_bytes": 1000}]}]})
        partition = answer["responses"][0]["partitions"][0]
        assert partition["error_code"] == NOT_LEADER, answer
        assert partition["current_leader"]["leader_id"] == led[other], answer
        assert [(node["node_id"], node["port"]) for node in answer["node_endpoints"]] == [
            (led[other], port)], answer


def a_group_is_coordinated_by_one_broker_of_three(folder):
    with Cluster(folder) as cluster:
        one = cluster.brokers[0]
        found = one.ask("find_coordinator", 3, {"key": "g", "key_type": 0})
        assert found["error_code"] == NONE, found
        for broker in cluster.brokers:
            wait_for("same", lambda broker=broker: broker.ask(
                "find_coordinator", 3, {"key": "g", "key_type": 0})["node_id"] == found["node_id"])
            answer = broker.ask("heartbeat", 3, {"group_id": "g", "generation_id": 1,
                                                 "member_id": "m"})
            assert (answer["error_code"] == NOT_COORDINATOR) == \
                (broker.node_id != found["node_id"]), answer


def the_controller_answers_tools_itself(folder):
    with Cluster(folder) as cluster:
        controller, one = cluster.controller, cluster.brokers[0]
        keys = {row["api_key"] for row in controller.ask("api_versions", 3, {
            "client_software_name": "t", "client_software_version": "1"})["api_keys"]}
        assert {1, 18, 19, 55, 56, 58, 59, 60, 62, 63, 64, 67} <= keys and 0 not in keys, keys
        found = controller.ask("describe_cluster", 1, {"endpoint_type": 2})
        assert [node["broker_id"] for node in found["brokers"]] == [CONTROLLER_ID], found
        topic = {"name": "placed", "num_partitions": -1, "replication_factor": -1,
                 "assignments": [{"partition_index": 0, "broker_ids": [3]},
                                 {"partition_index": 1, "broker_ids": [1]}], "configs": []}
        answer = controller.ask("create_topics", 5, {"topics": [topic], "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == NONE, answer
        wait_for("image", lambda: leaders(one, "placed") == [3, 1])
        topic["name"] = "elsewhere"
        topic["assignments"][0]["broker_ids"] = [7]
        answer = one.ask("create_topics", 5, {"topics": [topic], "timeout_ms": 10000})
        assert answer["topics"][0]["error_code"] == INVALID_ASSIGNMENT, answer


def a_broker_joins_a_node_that_is_both(folder):
    whole = Node(folder, 1, "process.roles=broker,controller")
    inner = peers.free_port()
    whole.settings += [f"listeners=PLAINTEXT://127.0.0.1:{whole.port},"
                       f"CONTROLLER://127.0.0.1:{inner}",
                       f"controller.quorum.voters=1@127.0.0.1:{inner}"]
    other = Broker(folder, 2, whole)
    other.settings[1] = f"controller.quorum.bootstrap.servers=127.0.0.1:{inner}"
    with whole, other:
        wait_for("both", lambda: len(whole.ask("metadata", 8, {"topics": []})["brokers"]) == 2)
        create(other, "t", 4)
        wait_for("image", lambda: sorted(leaders(whole, "t")) == [1, 1, 2, 2])
        produce(whole, "t", range(100))
        assert consume(other, "t", 100) == list(range(100))
        whole.kill()
        whole.start()
        wait_for("back", lambda: sorted(leaders(other, "t")) == [1, 1, 2, 2])
        assert consume(whole, "t", 100) == list(range(100))
        assert other.stop() == 0 and whole.stop() == 0


def producer_ids_of_all_brokers_differ(folder):
    with Cluster(folder) as cluster:
        ids = [broker.ask("init_producer_id", 1, {"transactional_id": None,
                                                  "transaction_timeout_ms": 1000})["producer_id"]
               for broker in cluster.brokers for _ in range(3)]
        assert len(set(ids)) == 9, ids


def a_broker_of_another_cluster_is_refused(folder):
    controller = Controller(folder)
    broker = Broker(folder, 1, controller)
    broker.cluster = "MkU3OEVBNTcwNTJENDM2Qg"
    with controller:
        try:
            broker.start()
        except peers.Failure as failure:
            assert "INCONSISTENT_CLUSTER_ID" in str(failure), failure
            return
        raise AssertionError("it was taken")


def a_broker_needs_a_folder_that_is_formatted(folder):
    broker = Broker(folder, 1, Controller(folder))
    broker.prepare_folder = False
    try:
        broker.start()
    except peers.Failure as failure:
        assert "is not formatted" in str(failure), failure
        assert not (broker.folder / "data").exists()
        return
    raise AssertionError("it started")


def a_broker_needs_to_know_its_controllers(folder):
    broker = Broker(folder, 1, Controller(folder))
    broker.settings = [row for row in broker.settings if "bootstrap" not in row]
    try:
        broker.start()
    except peers.Failure as failure:
        assert "controller.quorum.bootstrap.servers" in str(failure), failure
        return
    raise AssertionError("it started")


if __name__ == "__main__":
    sys.exit(cases.main(globals(), sys.argv[1:]))
