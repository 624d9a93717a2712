# SPDX-License-Identifier: Apache-2.0
"""Writers and readers: each a real client, told what to do in one form.

    write(bootstrap, topic, records, **variant) -> the records as this client could write them
    read(bootstrap, topic, counts)              -> list of records.Read, partition by partition

A variant is `compression` (gzip, snappy, lz4, zstd) and `idempotent` (True or False); what
is not said is left at the client's default.  `counts` is how many records each partition
holds, for clients that must be told when to stop.
"""

import json
import socket
import subprocess

import kafka
import kafka.structs

import peers
import records
import wire

READ_SECONDS = 60
NOTHING = "\x01nothing"  # Stands for null where a console tool needs a word for it.


# --- kcat ---------------------------------------------------------------------------------

KCAT_HEADERS = (("source", b"kcat"), ("empty", b""))


def _kcat_lines(part):
    """With -K and -Z: a line without a tab has no key, an empty part is null."""
    return b"".join((b"" if r.key is None else r.key + b"\t") + (r.value or b"") + b"\n"
                    for r in part)


def kcat_write(bootstrap, topic, wanted, compression=None, idempotent=None):
    """kcat gives all records of a run the same headers, so it runs twice: with and without.
    It can set neither timestamps nor, with this partitioner, partitions."""
    command = ["kcat", "-P", "-b", bootstrap, "-t", topic, "-K", "\t", "-Z"]
    if compression:
        command += ["-z", compression]
    if idempotent is not None:
        command += ["-X", f"enable.idempotence={str(idempotent).lower()}"]
    if not idempotent:  # A batch that is sent again would come behind those in flight with it.
        command += ["-X", "max.in.flight.requests.per.connection=1"]
    half = len(wanted) // 2
    written = []
    for part, headers in ((wanted[:half], KCAT_HEADERS), (wanted[half:], ())):
        words = [w for name, value in headers for w in ("-H", f"{name}={value.decode()}")]
        peers.run([*command, *words], input=_kcat_lines(part))
        written += [r._replace(headers=headers, timestamp=None, partition=None) for r in part]
    return written


def kcat_read(bootstrap, topic, counts):
    said = peers.run(["kcat", "-C", "-b", bootstrap, "-t", topic, "-o", "beginning", "-e", "-q",
                      "-J", "-X", "check.crcs=true"])
    reads = []
    for line in said.splitlines():
        got = json.loads(line)
        flat = got.get("headers", [])
        reads.append(records.Read(
            partition=got["partition"],
            offset=got["offset"],
            timestamp=got["ts"],
            headers=tuple(zip(flat[::2], (value.encode() for value in flat[1::2]))),
            key=got["key"].encode() if got["key"] is not None else None,
            value=got["payload"].encode() if got["payload"] is not None else None,
        ))
    return reads


# --- kafka-python -------------------------------------------------------------------------


def python_write(bootstrap, topic, wanted, compression=None, idempotent=None):
    options = {"compression_type": compression, "linger_ms": 5, "acks": "all"}
    if idempotent is not None:
        options["enable_idempotence"] = idempotent
    if idempotent is False:
        options["max_in_flight_requests_per_connection"] = 1
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, **options)
    sent = [producer.send(topic, value=r.value, key=r.key, headers=list(r.headers),
                          timestamp_ms=r.timestamp, partition=r.partition) for r in wanted]
    for future in sent:
        future.get(READ_SECONDS)
    producer.close()
    return wanted


def python_read(bootstrap, topic, counts):
    """Without a group: the partitions are assigned, and read to their ends."""
    consumer = kafka.KafkaConsumer(bootstrap_servers=bootstrap, group_id=None,
                                   enable_auto_commit=False, consumer_timeout_ms=20000)
    numbers = sorted(consumer.partitions_for_topic(topic))
    parts = [kafka.structs.TopicPartition(topic, number) for number in numbers]
    consumer.assign(parts)
    consumer.seek_to_beginning(*parts)
    ends = consumer.end_offsets(parts)
    reads = []
    open_parts = {part for part in parts if ends[part] > 0}
    while open_parts:
        polled = consumer.poll(timeout_ms=READ_SECONDS * 1000)
        if not polled:
            raise peers.Failure(f"kafka-python got nothing more, {len(reads)} of {ends}")
        for part, messages in polled.items():
            reads += [records.Read(m.partition, m.offset, m.timestamp, tuple(m.headers), m.key,
                                   m.value) for m in messages]
            if consumer.position(part) >= ends[part]:
                open_parts.discard(part)
    consumer.close()
    return reads


def python_create(bootstrap, topics, partitions):
    """Creates topics with kafka-python's admin client."""
    admin = kafka.KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([kafka.admin.NewTopic(topic, partitions, 1) for topic in topics])
    admin.close()


# --- the console tools: Kafka's own, in Java, and ours, which speak alike --------------------

OUR_TOPICS = peers.TREE / "bin/kafka-topics.sh"
OUR_PRODUCER = peers.TREE / "bin/kafka-console-producer.sh"
OUR_CONSUMER = peers.TREE / "bin/kafka-console-consumer.sh"
FORMAT = ["print.timestamp=true", "print.partition=true", "print.offset=true",
          "print.headers=true", "print.key=true", f"null.literal={NOTHING}"]


def console_line(r):
    headers = ",".join(f"{name}:{value.decode()}" for name, value in r.headers) or NOTHING
    key = NOTHING if r.key is None else r.key.decode()
    value = NOTHING if r.value is None else r.value.decode()
    return f"{headers}\t{key}\t{value}\n"


def producer_words(bootstrap, topic, compression, idempotent):
    """A console producer can set neither timestamps nor partitions."""
    words = ["--bootstrap-server", bootstrap, "--topic", topic]
    for setting in ("parse.key=true", "parse.headers=true", f"null.marker={NOTHING}"):
        words += ["--reader-property", setting]
    if compression:
        words.append(f"--compression-codec={compression}")
    if idempotent is not None:
        words += ["--command-property", f"enable.idempotence={str(idempotent).lower()}"]
    return words


def _console_write(command, bootstrap, topic, wanted, compression, idempotent):
    words = producer_words(bootstrap, topic, compression, idempotent)
    peers.run([*command, *words], input="".join(map(console_line, wanted)).encode())
    return [r._replace(timestamp=None, partition=None) for r in wanted]


def java_write(bootstrap, topic, wanted, compression=None, idempotent=None):
    command = peers.tool_command("kafka-console-producer")
    return _console_write(command, bootstrap, topic, wanted, compression, idempotent)


def our_write(bootstrap, topic, wanted, compression=None, idempotent=None):
    return _console_write([OUR_PRODUCER], bootstrap, topic, wanted, compression, idempotent)


def _marked(word, mark):
    if not word.startswith(mark):
        raise peers.Failure(f"the console consumer printed {word!r} for {mark}...")
    return int(word[len(mark):])


def console_parse(said):
    reads = []
    for line in said.decode().split("\n")[:-1]:
        time, partition, offset, headers, key, value = line.split("\t")
        pairs = [] if headers == "NO_HEADERS" else [h.split(":", 1) for h in headers.split(",")]
        reads.append(records.Read(
            partition=_marked(partition, "Partition:"),
            offset=_marked(offset, "Offset:"),
            timestamp=_marked(time, "CreateTime:"),
            headers=tuple((name, text.encode()) for name, text in pairs),
            key=None if key == NOTHING else key.encode(),
            value=None if value == NOTHING else value.encode(),
        ))
    return reads


def _console_words(bootstrap, topic):
    words = ["--bootstrap-server", bootstrap, "--topic", topic, "--timeout-ms", 20000]
    for setting in FORMAT:
        words += ["--formatter-property", setting]
    return words


def java_read(bootstrap, topic, counts):
    """Partition by partition: so it needs no group."""
    reads = []
    for partition, count in sorted(counts.items()):
        reads += console_parse(peers.tool(
            "kafka-console-consumer", *_console_words(bootstrap, topic), "--partition", partition,
            "--offset", "earliest", "--max-messages", count))
    return reads


def our_read(bootstrap, topic, counts):
    return console_parse(peers.run([
        OUR_CONSUMER, *_console_words(bootstrap, topic), "--from-beginning",
        "--max-messages", sum(counts.values())]))


def our_create(bootstrap, topics, partitions):
    for topic in topics:
        peers.run([OUR_TOPICS, "--bootstrap-server", bootstrap, "--create", "--topic", topic,
                   "--partitions", partitions, "--replication-factor", 1])


def java_create(bootstrap, topics, partitions):
    for topic in topics:
        peers.tool("kafka-topics", "--bootstrap-server", bootstrap, "--create", "--topic", topic,
                   "--partitions", partitions)


# --- bytes: what the batches say of themselves ------------------------------------------------

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]


def stored_batches(bootstrap, topic, partitions):
    """The headers of all batches, fetched without a client's library in between."""
    fetch = wire.load(peers.TREE)["fetch"]
    host, _, port = bootstrap.partition(":")
    found = []
    with socket.create_connection((host, int(port)), timeout=READ_SECONDS) as connection:
        for partition in range(partitions):
            offset = 0
            while True:
                connection.sendall(fetch.request_frame(11, {
                    "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 1 << 24, "topics": [{
                        "topic": topic, "partitions": [{
                            "partition": partition, "fetch_offset": offset,
                            "partition_max_bytes": 1 << 24}]}]}))
                size = int.from_bytes(peers.receive(connection, 4), "big")
                answer = fetch.parse_response(11, peers.receive(connection, size))
                batches = wire.batches(answer["responses"][0]["partitions"][0]["records"] or b"")
                if not batches:
                    break
                found += batches
                offset = batches[-1]["base_offset"] + batches[-1]["last_delta"] + 1
    return found


def kcat_version():
    said = subprocess.run(["kcat", "-V"], capture_output=True, check=True).stdout.decode()
    return next(line for line in said.splitlines() if "Version" in line)
