# SPDX-License-Identifier: Apache-2.0
"""Brokers to talk to, and the clients to talk with.

A subject is a broker in a process of its own, on a free port of the loopback interface
and in a folder of its own: `Moldau`, from the build folder, or `Kafka`, Apache Kafka from
its released jars.  Both can be started, killed, started again on the same files and
stopped, and nobody needs to sleep in between: start() returns when the port answers an
ApiVersions request.

What is downloaded goes into one cache folder, once: `$MOLDAU_CACHE`, unless set
`~/.cache/moldau`.
"""

import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent
CACHE = pathlib.Path(os.environ.get("MOLDAU_CACHE") or pathlib.Path.home() / ".cache/moldau")

# Servers of 4.4.0 and 3.9.2 (the last with the old protocol versions) can be had too; the
# tools are always those of TOOLS_VERSION, the newest whose tools are published.
TOOLS_VERSION = "4.3.1"
KAFKA_VERSION = os.environ.get("KAFKA_VERSION") or TOOLS_VERSION

START_SECONDS = 90
STOP_SECONDS = 60
COMMAND_SECONDS = 120
FETCH_SECONDS = 900

TOOLS = {
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "kafka-features": "org.apache.kafka.tools.FeatureCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
}

LOG4J = """\
rootLogger.level = ${sys:kafka.log:-warn}
rootLogger.appenderRef.e.ref = E
appender.e.type = Console
appender.e.name = E
appender.e.target = SYSTEM_ERR
appender.e.layout.type = PatternLayout
appender.e.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n
"""


class Failure(Exception):
    """Something that a person must look at; its text is all there is to say."""


def venv(requirements="requirements.txt"):
    """The Python that has the clients of that file, made on first use."""
    wanted = (HERE / requirements).read_bytes()
    folder = CACHE / f"python-{hashlib.sha256(wanted).hexdigest()[:12]}"
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        base = sys.executable if sys.prefix == sys.base_prefix else "python3"
        subprocess.run([base, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-input",
                        "--disable-pip-version-check", "-r", HERE / requirements],
                       check=True)
        (folder / "complete").touch()
    return python


def enter_venv(requirements="requirements.txt"):
    """Goes on in that Python."""
    python = venv(requirements)
    if pathlib.Path(sys.prefix) != python.parent.parent:
        os.execv(python, [str(python), *sys.argv])


def jars(version, with_tools):
    """The folder with the jars of a release, fetched by Maven on first use."""
    return _fetched(version, "tools" if with_tools else None)


def program_jars():
    """The same with Streams and Connect, as new as the tools."""
    return _fetched(TOOLS_VERSION, "programs")


def _fetched(version, profile):
    folder = CACHE / f"kafka-{version}{f'-{profile}' if profile else ''}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mvn", "-q", "-B", "-f", HERE / "pom.xml", f"-Dkafka.version={version}",
               "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
    if profile:
        command[1:1] = ["-P", profile]
    with open(f"{folder}.log", "wb") as log:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    if done.returncode:
        raise Failure(f"Maven could not get Apache Kafka {version}: see {folder}.log")
    (folder / "complete").touch()
    return folder


def java_classes(source, folder_of_jars):
    """The folder with the classes of one file of ours, compiled on first use."""
    wanted = source.read_bytes() + TOOLS_VERSION.encode()
    folder = CACHE / f"{source.stem}-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        run(["javac", "-nowarn", "-d", folder, "-cp", f"{folder_of_jars}/*", source])
        (folder / "complete").touch()
    return folder


def _made_of(folder, names):
    """A folder of the cache for what is made of these files; an empty one if it is to be made."""
    data = b"".join((folder / name).read_bytes() for name in names)
    made = CACHE / f"{folder.name}-{hashlib.sha256(data).hexdigest()[:12]}"
    if not (made / "complete").exists():
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
    return made


def npm_modules(folder):
    """The node_modules of a package.json, fetched by npm on first use."""
    made = _made_of(folder, ["package.json"])
    if not (made / "complete").exists():
        shutil.copy(folder / "package.json", made)
        run(["npm", "install", "--no-audit", "--no-fund"], cwd=made, timeout=FETCH_SECONDS)
        (made / "complete").touch()
    return made / "node_modules"


def go_program(folder):
    """The program of a go.mod, built on first use; its modules are fetched by go."""
    made = _made_of(folder, ("go.mod", "go.sum", "main.go"))
    if not (made / "complete").exists():
        run(["go", "build", "-o", made / "program", "."], cwd=folder, timeout=FETCH_SECONDS)
        (made / "complete").touch()
    return made / "program"


def java(folder, options=(), classes=None):
    """The beginning of a command that runs a class of the jars in `folder`, or of `classes`."""
    config = CACHE / "log4j2.properties"
    if not config.exists() or config.read_text() != LOG4J:
        config.write_text(LOG4J)
    return ["java", "-XX:+UseSerialGC", "-XX:-UsePerfData", *options,
            f"-Dlog4j2.configurationFile={config}", "-cp",
            f"{classes}:{folder}/*" if classes else f"{folder}/*"]


def tool_command(name, *args):
    """The command that runs one of Kafka's own tools."""
    start = java(jars(TOOLS_VERSION, True), ["-Xmx512m", "-XX:TieredStopAtLevel=1"])
    return [*start, TOOLS[name], *map(str, args)]


def run(command, **options):
    """Runs a command to its end; raises Failure with what it said if it failed."""
    options.setdefault("timeout", COMMAND_SECONDS)
    if "input" not in options:
        options.setdefault("stdin", subprocess.DEVNULL)
    try:
        done = subprocess.run([str(word) for word in command], capture_output=True, **options)
    except subprocess.TimeoutExpired as late:
        raise Failure(f"{command[0]} did not end within {late.timeout} s: "
                      f"{(late.stderr or b'')[-2000:].decode(errors='replace')}") from None
    if done.returncode:
        words = " ".join(str(word) for word in command if "/*" not in str(word))
        said = (done.stderr + done.stdout)[-2000:].decode(errors="replace")
        raise Failure(f"exit {done.returncode} of: {words}\n{said}")
    return done.stdout


def tool(name, *args, **options):
    """Runs one of Kafka's own tools and returns what it printed."""
    return run(tool_command(name, *args), **options)


def free_port():
    """A loopback port that nobody listens on, and that the kernel gives to no client."""
    for _ in range(1000):
        port = random.randint(20000, 30000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Failure("no port is free")


def receive(connection, size):
    """Exactly `size` bytes; b"" if the other side closed before the first of them."""
    got = b""
    while len(got) < size:
        more = connection.recv(size - len(got))
        if not more:
            if got:
                raise ConnectionError("closed inside a frame")
            return b""
        got += more
    return got


def answers(port, seconds):
    """Whether a broker answers ApiVersions on this port."""
    ask = struct.pack(">ihhih4s", 14, 18, 0, 1, 4, b"wait")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(ask)
            return len(receive(connection, 10)) == 10
    except OSError:
        return False


class Subject:
    """A broker process.  Its kind says which command it is, and how a folder is made ready."""

    name = "?"
    starts_fast = False

    def __init__(self, folder, settings=()):
        self.folder = pathlib.Path(folder)
        self.settings = list(settings)
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.process = None
        self.log = self.folder / "server.log"

    def prepare(self):
        """Makes the folder ready, before the first start."""

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts the broker and returns when it answers."""
        if self.process is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.prepare()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(word) for word in self.command()],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, start_new_session=True)
        self.wait_for_answer()

    def wait_for_answer(self):
        tries = START_SECONDS * 100
        while tries > 0 and not answers(self.port, START_SECONDS):
            tries -= 1
            try:
                self.process.wait(0.01)
            except subprocess.TimeoutExpired:
                continue
            raise Failure(f"{self.name} ended with {self.process.returncode}: {self.tail()}")
        if tries == 0:
            raise Failure(f"{self.name} does not answer: {self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:]

    def kill(self):
        """Ends the broker the hard way: it has no time to write anything."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self):
        """Ends the broker in order, and returns its exit code."""
        if self.process is None or self.process.poll() is not None:
            return self.process and self.process.returncode
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not stop: {self.tail()}") from None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.kill()


class Moldau(Subject):
    """The program of the build folder; `$MOLDAU` names another one."""

    name = "moldau"
    starts_fast = True
    program = pathlib.Path(os.environ.get("MOLDAU") or TREE / "build/moldau")

    def command(self):
        own = [f"listeners=PLAINTEXT://127.0.0.1:{self.port}", f"log.dirs={self.folder / 'data'}"]
        words = [self.program, "server"]
        for setting in [*own, *self.settings]:
            words += ["--override", setting]
        return words


class Kafka(Subject):
    """One node of Apache Kafka, broker and controller at once."""

    name = "kafka"

    def __init__(self, folder, settings=(), version=KAFKA_VERSION):
        super().__init__(folder, settings)
        self.version = version
        self.controller_port = free_port()
        self.properties = self.folder / "server.properties"

    def jars(self):
        return jars(self.version, self.version == TOOLS_VERSION)

    def write_properties(self):
        lines = [
            "process.roles=broker,controller",
            "node.id=1",
            f"controller.quorum.voters=1@127.0.0.1:{self.controller_port}",
            "controller.listener.names=CONTROLLER",
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},"
            f"CONTROLLER://127.0.0.1:{self.controller_port}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            f"log.dirs={self.folder / 'data'}",
            "offsets.topic.replication.factor=1",
            "transaction.state.log.replication.factor=1",
            "transaction.state.log.min.isr=1",
            "share.coordinator.state.topic.replication.factor=1",
            "share.coordinator.state.topic.min.isr=1",
            "group.initial.rebalance.delay.ms=0",
            # After a SIGKILL the controller waits this long before it takes the node back.
            "broker.session.timeout.ms=2000",
            "broker.heartbeat.interval.ms=200",
            *self.settings,
        ]
        self.properties.write_text("\n".join(lines) + "\n")

    def prepare(self):
        self.write_properties()
        run([*java(self.jars(), ["-XX:TieredStopAtLevel=1"]), "kafka.tools.StorageTool", "format",
             "-t", "bW9sZGF1LWNvbXBhdC10ZQ", "-c", self.properties])

    def command(self):
        options = ["-Xms512m", "-Xmx512m", "-Dkafka.log=info"]
        return [*java(self.jars(), options), "kafka.Kafka", self.properties]


KINDS = {"moldau": Moldau, "kafka": Kafka}
