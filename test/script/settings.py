#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server is started from the files that people have: of Kafka in its two forms, and bad ones.

$MOLDAU is the binary, unless set build/moldau.
"""

import pathlib
import re
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import cases  # noqa: E402
import peers  # noqa: E402
import talk  # noqa: E402

WARNING = re.compile(r"configuration key is (not served yet|of an older Kafka) and changes "
                     r"nothing key=(\S+)$")
DESCRIBE_BROKER = 4

# What config/server.properties of Kafka 4 sets.
KRAFT = r"""
# The roles of this process
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:{port},CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:{port},CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,\
    SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs={folder}/data
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
#log.flush.interval.messages=10000
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
"""

# What that of Kafka 2 and 3 sets, and before it the port.
ZOOKEEPER = r"""
############################# Server Basics #############################
broker.id=0
port={port}
delete.topic.enable=true
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs={folder}/data
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
zookeeper.connect=localhost:2181
zookeeper.connection.timeout.ms=18000
inter.broker.protocol.version=2.8
log.message.format.version=2.8
group.initial.rebalance.delay.ms=0
"""

# Kafka 0.8's, from older tutorials.
TUTORIAL = r"""
broker.id=3
host.name=127.0.0.1
port={port}
advertised.host.name=broker.example.com
advertised.port=19092
log.dir={folder}/data
zookeeper.connect=zk1:2181,zk2:2181/kafka
zookeeper.session.timeout.ms=6000
"""


class Broker(peers.Moldau):
    """A server with nothing but a file."""

    def __init__(self, folder, text):
        super().__init__(folder)
        self.path = self.folder / "server.properties"
        self.text = text.replace("{port}", str(self.port)).replace("{folder}", str(self.folder))

    def prepare(self):
        self.path.write_text(self.text)

    def command(self):
        return [self.program, "server", self.path]

    def ask(self, api, version, body):
        one = talk.alone("settings", self)
        answer = one.quietly(api, version, body)
        one.close()
        assert isinstance(answer, dict), answer
        return answer

    def broker(self):
        """Its number, and where clients are sent."""
        answer = self.ask("metadata", 8, {"topics": [], "allow_auto_topic_creation": False})
        one, = answer["brokers"]
        return one["node_id"], one["host"], one["port"]

    def value(self, key):
        node_id = str(self.broker()[0])
        answer = self.ask("describe_configs", 1, {"resources": [
            {"resource_type": DESCRIBE_BROKER, "resource_name": node_id,
             "configuration_keys": [key]}], "include_synonyms": False})
        return answer["results"][0]["configs"][0]["value"]

    def warnings(self):
        found = [WARNING.search(line) for line in self.log.read_text().splitlines()]
        return [(match[2], "older" in match[1]) for match in found if match]


def refused(folder, text, *args):
    """What a server says that does not start; its exit status is 1."""
    path = folder / "server.properties"
    path.write_text(text)
    done = subprocess.run([peers.Moldau.program, "server", path, *args], capture_output=True,
                          text=True, cwd=folder, timeout=30)
    assert done.returncode == 1 and done.stdout == "", done
    assert not list(folder.glob("moldau-data*")), "it has written something"
    return done.stderr


def kraft_s_own_file_starts_a_node(folder):
    with Broker(folder, KRAFT) as broker:
        assert broker.broker() == (1, "localhost", broker.port)
        assert (folder / "data/meta.properties").exists()
        warned = dict(broker.warnings())
        assert warned["num.io.threads"] is False and "num.partitions" not in warned, warned
        assert "inter.broker.listener.name" not in warned
        assert len(warned) == len(broker.warnings()), "a warning came twice"
        assert broker.stop() == 0


def zookeeper_s_file_starts_a_node(folder):
    with Broker(folder, ZOOKEEPER) as broker:
        assert broker.broker() == (0, "localhost", broker.port)
        assert (folder / "data/meta.properties").exists()
        warned = dict(broker.warnings())
        assert warned["zookeeper.connect"] and warned["inter.broker.protocol.version"]
        assert "broker.id" not in warned and "port" not in warned, warned
        assert broker.stop() == 0


def an_old_tutorial_s_file_starts_a_node(folder):
    with Broker(folder, TUTORIAL) as broker:
        assert broker.broker() == (3, "broker.example.com", 19092)
        assert sorted(broker.warnings()) == [("zookeeper.connect", True),
                                             ("zookeeper.session.timeout.ms", True)]


def advertised_listeners_count_without_listeners(folder):
    text = "port={port}\nlog.dirs={folder}/data\nadvertised.listeners=PLAINTEXT://out.side:7\n"
    with Broker(folder, text) as broker:
        assert broker.broker() == (1, "out.side", 7)


def a_file_is_read_as_java_reads_it(folder):
    text = ("! another comment \\\n"
            "listeners : PLAINTEXT://127.0.0.1:{port}\n"
            "log.dirs {folder}/da\\u0074a\r\n"
            "  num.\\\n    partitions = 3 \n"
            "message.max.bytes=1\rmessage.max.bytes=20\\\n  00\n"
            "log\\.retention.hours=5\n\n")
    with Broker(folder, text) as broker:
        assert broker.value("num.partitions") == "3"
        assert broker.value("message.max.bytes") == "2000"
        assert broker.value("log.retention.hours") == "5"
        assert (folder / "data/meta.properties").exists()


def a_key_that_is_known_warns_once(folder):
    text = ("listeners=PLAINTEXT://127.0.0.1:{port}\nlog.dirs={folder}/data\n"
            "num.io.threads=4\nnum.io.threads=5\nconfluent.support.metrics.enable=false\n"
            "listener.name.plaintext.ssl.keystore.type=PEM\nrsm.config.any.thing=1\n")
    with Broker(folder, text) as broker:
        assert broker.warnings() == [
            ("num.io.threads", False), ("confluent.support.metrics.enable", False),
            ("listener.name.plaintext.ssl.keystore.type", False),
            ("rsm.config.any.thing", False)], broker.warnings()
        assert broker.value("num.io.threads") == "5"


def a_key_that_nobody_knows_is_refused_with_the_nearest_name(folder):
    said = refused(folder, "num.partitons=3\n")
    assert said == (f"moldau server: {folder / 'server.properties'}: unknown configuration "
                    "num.partitons; did you mean num.partitions?\n"), said
    said = refused(folder, "zookeper.connect=localhost:2181\n")
    assert said.endswith("zookeper.connect; did you mean zookeeper.connect?\n"), said
    said = refused(folder, "quite.another.thing=1\n")
    assert said.endswith(": unknown configuration quite.another.thing\n"), said
    said = refused(folder, "", "--override", "num.partitons=3")
    assert said.startswith("moldau server: --override: unknown configuration"), said


def a_value_that_cannot_be_is_refused(folder):
    assert "Invalid value x for configuration num.partitions" in refused(folder,
                                                                         "num.partitions=x\n")
    assert "malformed \\u escape" in refused(folder, "num.partitions=\\u00g1\n")


if __name__ == "__main__":
    sys.exit(cases.main(globals()))
