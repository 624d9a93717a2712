# SPDX-License-Identifier: Apache-2.0
"""Kafka Connect, standalone, as a run of programs.py: lines of files go into topics, one for
each codec, and from there into other files, while the broker is killed, and then Connect."""

import json

import clients
import peers
import program_kinds as kinds
import program_watch as watch
import records

PARTITIONS = 3
HELPER = "kafka-python"  # Creates the topics.
WORKER = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "offset.flush.interval.ms": 200,
    "plugin.discovery": "service_load",
    "consumer.session.timeout.ms": kinds.SESSION_MS,
    "consumer.heartbeat.interval.ms": 500,
}


def properties(path, pairs):
    """Writes a file of properties, and returns its path."""
    path.write_text("".join(f"{name}={value}\n" for name, value in pairs.items()))
    return path


def ascii_only(record):
    return record._replace(value=json.dumps(json.loads(record.value)).encode())


class Pipe:
    """One topic with the file that goes into it and the one that comes out."""

    def __init__(self, folder, codec):
        self.codec = codec
        self.topic = f"lines.{codec}"
        self.source, self.sink = f"source-{codec}", f"sink-{codec}"
        self.group = f"connect-{self.sink}"
        self.path_in = folder / f"{codec}.in"
        self.path_out = folder / f"{codec}.out"
        self.path_in.touch()
        self.lines = []  # What was put in, record by record.

    def configs(self, folder):
        source = {"name": self.source, "connector.class": "FileStreamSource", "tasks.max": 1,
                  "file": self.path_in, "topic": self.topic,
                  "producer.override.compression.type": self.codec,
                  "producer.override.enable.idempotence": "true"}
        sink = {"name": self.sink, "connector.class": "FileStreamSink", "tasks.max": 1,
                "file": self.path_out, "topics": self.topic}
        return [properties(folder / f"{pairs['name']}.properties", pairs)
                for pairs in (source, sink)]

    def put(self, part):
        with open(self.path_in, "ab") as file:
            file.write(b"".join(record.value + b"\n" for record in part))
        self.lines += [record.value for record in part]

    def out(self):
        """The whole lines that came out."""
        if not self.path_out.exists():
            return []
        return self.path_out.read_bytes().split(b"\n")[:-1]


class Run(watch.Watch):
    """One worker and one broker."""

    def __init__(self, broker, client, wanted):
        super().__init__(broker, "connect")
        self.helper = kinds.kind(HELPER)
        self.wanted = [record if client.can("text") else ascii_only(record) for record in wanted
                       if record.value is not None or client.can("nulls")]
        self.pipes = [Pipe(self.folder, codec) for codec in clients.CODECS
                      if codec == "none" or client.can(codec)]
        self.offsets = self.folder / "connect.offsets"
        self.settled = []  # How many lines of each were committed when Connect died.
        port = peers.free_port()
        worker = properties(self.folder / "worker.properties", {
            **WORKER, "bootstrap.servers": broker.bootstrap,
            "offset.storage.file.filename": self.offsets,
            "listeners": f"http://127.0.0.1:{port}"})
        words = [word for pipe in self.pipes for word in pipe.configs(self.folder)]
        self.program = watch.Process(
            [*peers.java(peers.program_jars(), ["-Xmx512m", "-XX:TieredStopAtLevel=1"]),
             "org.apache.kafka.connect.cli.ConnectStandalone", worker, *words],
            self.folder / "connect.log")

    def stuck(self):
        self.program.stuck()

    def progress(self):
        return ", ".join(f"{len(set(pipe.out()))} of {len(pipe.lines)} lines of {pipe.topic}"
                         for pipe in self.pipes)

    def begin(self):
        self.helper.create(self.broker.bootstrap, [pipe.topic for pipe in self.pipes], PARTITIONS)
        self.program.start()
        for pipe in self.pipes:
            self.share(1, pipe.group)

    def put(self, part):
        for at, pipe in enumerate(self.pipes):
            pipe.put(part[at::len(self.pipes)])

    def all_are_out(self):
        for pipe in self.pipes:
            wanted = set(pipe.lines)
            self.wait(f"all of {pipe.topic} are out", lambda: wanted <= set(pipe.out()))
            ends = self.ends([pipe.topic], PARTITIONS)
            self.wait("all are committed", lambda: self.committed(
                [pipe.topic], PARTITIONS, pipe.group) == ends)
            place = json.dumps({"position": pipe.path_in.stat().st_size}, separators=(",", ":"))
            self.wait("the source has noted where it is",
                      lambda: place.encode() in self.offsets.read_bytes())

    def broker_dies(self):
        quarter = len(self.wanted) // 4
        self.put(self.wanted[:quarter])
        self.wait("some are out", lambda: all(pipe.out() for pipe in self.pipes))
        self.put(self.wanted[quarter:2 * quarter])
        self.broker.kill()
        self.broker.start()
        self.all_are_out()

    def program_dies(self):
        """What was committed before does not come again; what came meanwhile may."""
        self.settled = [len(pipe.lines) for pipe in self.pipes]
        before = [len(pipe.out()) for pipe in self.pipes]
        self.put(self.wanted[len(self.wanted) // 4 * 2:])
        self.wait("some are out", lambda: any(
            len(pipe.out()) > many for pipe, many in zip(self.pipes, before)))
        self.program.kill()
        self.program.start()
        self.all_are_out()
        for pipe, many, mark in zip(self.pipes, self.settled, before):
            again = set(pipe.lines[:many]) & set(pipe.out()[mark:])
            if again:
                return f"{pipe.topic}: {len(again)} lines come out again"
        return None

    def all_are_in_order(self):
        """What was committed when Connect died is there once and in order, by partition, in the
        topic and in the file that came out; what came later may have been sent again then."""
        for pipe, many in zip(self.pipes, self.settled):
            reads = clients.python_read(self.broker.bootstrap, pipe.topic, None)
            if {read.value for read in reads} != set(pipe.lines):
                return f"{pipe.topic}: not what was put in"
            if set(pipe.out()) != set(pipe.lines):
                return f"{pipe.topic}: not what was put in came out"
            settled = {json.loads(line)["n"] for line in pipe.lines[:many]}
            reads.sort(key=lambda read: (read.partition, read.offset))
            partition_of = {records.number_of(read): read.partition for read in reads}
            for what, values in (("the topic", [read.value for read in reads]),
                                 ("what came out", pipe.out())):
                numbers = [number for number in (json.loads(value)["n"] for value in values)
                           if number in settled]
                if len(numbers) != len(settled):
                    return f"{pipe.topic}: {len(numbers)} of {len(settled)} in {what}"
                for partition in range(PARTITIONS):
                    mine = [number for number in numbers if partition_of[number] == partition]
                    if mine != sorted(mine):
                        return f"{pipe.topic}: {what} is not in order"
        return None

    def steps(self):
        return [("starts its connectors", self.begin),
                ("carries lines while the broker is killed", self.broker_dies),
                ("is killed, and goes on where it has committed", self.program_dies),
                ("carries every line, in order", self.all_are_in_order),
                ("leaves a broker that stops in order", self.leave)]

    def leave(self):
        self.program.close()
        return self.stop()

    def close(self):
        self.program.close()
        super().close()
