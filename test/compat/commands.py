#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The same command lines to Apache Kafka's tools and to ours, against the same broker.

    commands.py [--subject kafka|moldau|both] [--case TEXT] [--show] [--list]

A case is a row of CASES: words, standard input.  All cases run in their order with Kafka's
tools; then the topics are deleted, and they run again with ours.  What is compared: exit
status, standard output, and standard error as far as it is a tool's own sentence (log lines,
stack traces and the usage are cut off).  Ids and times are masked.

KNOWN lists what differs, with the reason; a line there that is not needed any more fails.
$MOLDAU is the binary, unless set build/moldau.  $KAFKA_BOOTSTRAP names a running broker
instead of one that is started here.
"""

import argparse
import difflib
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import peers

TOPICS = "kafka-topics --bootstrap-server {b}"
PRODUCE = "kafka-console-producer --bootstrap-server {b}"
CONSUME = "kafka-console-consumer --bootstrap-server {b}"
OFFSETS = "kafka-get-offsets --bootstrap-server {b}"
DELETE = "kafka-delete-records --bootstrap-server {b}"
CONFIGS = "kafka-configs --bootstrap-server {b}"
ALTER, DESCRIBE = f"{CONFIGS} --alter", f"{CONFIGS} --describe"
P1 = f"{PRODUCE} --topic c1"
C1 = f"{CONSUME} --topic c1"
R, F, B, N = "--reader-property", "--formatter-property", "--from-beginning", "--max-messages"
STRINGS = "org.apache.kafka.common.serialization.StringDeserializer"
ALL = " ".join(f"{F} print.{field}=true" for field in
               ("timestamp", "key", "offset", "partition", "headers", "epoch", "delivery"))

CASE_SECONDS = 20
SETTLE_TRIES = 500

# Entities of kafka-configs that ours does not serve.
UNSERVED = ["client c", "client-defaults", "user u", "user-defaults", "ip 127.0.0.1", "ip-defaults",
            "entity-type users --entity-name u", "client-metrics m"]

# Files for kafka-delete-records.
PLACES = """{"version":1,"partitions":[{"topic":"o1","partition":0,"offset":1},
    {"topic":"o2","partition":0,"offset":2},{"topic":"o1","partition":1,"offset":-1}]}"""
BAD_PLACES = {
    "places_twice": """{"partitions":[{"topic":"o1","partition":0,"offset":0},
        {"topic":"o1","partition":0,"offset":-1}]}""",
    "places_version": """{"version":2,"partitions":[]}""",
    "places_none": """{"version":1}""",
    "places_empty": """{"version":1,"partitions":[]}""",
    "places_part": """{"version":1,"partitions":[{"topic":"o1","partition":0}]}""",
    "places_word": """{"partitions":[{"topic":"o1","partition":"x","offset":1}]}""",
    "places_nonsense": "nonsense",
    "places_range": """{"partitions":[{"topic":"o2","partition":0,"offset":-7}]}""",
}

# Words are split at blanks; \\x20 stands for a blank inside a word.
CASES = [
    # --- kafka-topics: create
    (f"{TOPICS} --create --topic a1 --partitions 2 --replication-factor 1"
     " --config retention.ms=1000 --config cleanup.policy=compact", ""),
    (f"{TOPICS} --create --topic a1", ""),
    (f"{TOPICS} --create --topic a1 --if-not-exists", ""),
    (f"{TOPICS} --create --topic a.b_c", ""),
    (f"{TOPICS} --create --topic a_b.c", ""),
    (f"{TOPICS} --create --topic bad\\x20name", ""),
    (f"{TOPICS} --create --topic .", ""),
    (f"{TOPICS} --create --topic " + "x" * 250, ""),
    (f"{TOPICS} --create --topic rf9 --replication-factor 9", ""),
    (f"{TOPICS} --create --topic rf0 --replication-factor 0", ""),
    (f"{TOPICS} --create --topic p0 --partitions 0", ""),
    (f"{TOPICS} --create --topic pn --partitions -1", ""),
    (f"{TOPICS} --create --topic px --partitions x", ""),
    (f"{TOPICS} --create --topic px --partitions 99999999999", ""),
    (f"{TOPICS} --create --topic px --replication-factor 40000", ""),
    (f"{TOPICS} --create --topic ra --replica-assignment 1,1,1", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment 1:2,1", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment 1:1,1", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment x", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment 7", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment 1 --partitions 2", ""),
    (f"{TOPICS} --create --topic ra2 --replica-assignment 1 --replication-factor 1", ""),
    (f"{TOPICS} --create --topic cc --config nope=1", ""),
    (f"{TOPICS} --create --topic cc --config retention.ms", ""),
    (f"{TOPICS} --create --topic cc --config retention.ms=", ""),
    (f"{TOPICS} --create --topic cc --config retention.ms=abc", ""),
    (f"{TOPICS} --create --topic cc --config retention.ms=-5", ""),
    (f"{TOPICS} --create --topic cc --config cleanup.policy=foo", ""),
    (f"{TOPICS} --create --topic cc --config a=b=c", ""),
    (f"{TOPICS} --create --topic cc3 --config cleanup.policy=compact,delete"
     " --config max.message.bytes\\x20=\\x2012345", ""),
    (f"{TOPICS} --create", ""),
    (f"{TOPICS} --create --topic x --topic y", ""),
    (f"{TOPICS} --create --topic x --delete-config q", ""),
    # --- list and describe
    (f"{TOPICS} --list", ""),
    (f"{TOPICS} --list --exclude-internal", ""),
    (f"{TOPICS} --list --topic a.*", ""),
    (f"{TOPICS} --list --topic a\\\\d", ""),
    (f"{TOPICS} --list --topic [ac]\\w+", ""),
    (f"{TOPICS} --list --topic (?:ra|x)", ""),
    (f"{TOPICS} --list --topic nope", ""),
    (f"{TOPICS} --list --topic \"a1\"", ""),
    (f"{TOPICS} --list extra", ""),
    (f"{TOPICS} --describe", ""),
    (f"{TOPICS} --describe --topic a1", ""),
    (f"{TOPICS} --describe --topic a.*", ""),
    (f"{TOPICS} --describe --topic a1,cc3", ""),
    (f"{TOPICS} --describe --topic a1,x,ra --partition-size-limit-per-response 1", ""),
    (f"{TOPICS} --describe --topic nope", ""),
    (f"{TOPICS} --describe --topic nope --if-exists", ""),
    (f"{TOPICS} --describe --topic a1|", ""),
    (f"{TOPICS} --describe --topic [", ""),
    (f"{TOPICS} --describe --topic-id nope", ""),
    (f"{TOPICS} --describe --topic-id 5xbFZyWYQxCPEqfx2pHpcQ5xbFZyWYQxCPEqfx2pHpcQ", ""),
    (f"{TOPICS} --describe --topic-id AAAAAAAAAAAAAAAAAAAAAA", ""),
    (f"{TOPICS} --describe --topic-id 5xbFZyWYQxCPEqfx2pHpcQ", ""),
    (f"{TOPICS} --describe --topic-id 5xbFZyWYQxCPEqfx2pHpcQ --if-exists", ""),
    (f"{TOPICS} --describe --topics-with-overrides", ""),
    (f"{TOPICS} --describe --unavailable-partitions", ""),
    (f"{TOPICS} --describe --under-replicated-partitions", ""),
    (f"{TOPICS} --describe --under-min-isr-partitions", ""),
    (f"{TOPICS} --describe --at-min-isr-partitions", ""),
    (f"{TOPICS} --describe --under-replicated-partitions --unavailable-partitions", ""),
    (f"{TOPICS} --describe --under-replicated-partitions --topics-with-overrides", ""),
    (f"{TOPICS} --describe --exclude-internal", ""),
    # --- delete
    (f"{TOPICS} --delete --topic nope", ""),
    (f"{TOPICS} --delete --topic nope --if-exists", ""),
    (f"{TOPICS} --delete", ""),
    (f"{TOPICS} --delete --topic cc3|ra", ""),
    (f"{TOPICS} --list", ""),
    # --- mistakes
    (f"{TOPICS}", ""),
    ("kafka-topics --list", ""),
    (f"{TOPICS} --list --create", ""),
    (f"{TOPICS} --list --nosuch", ""),
    (f"{TOPICS} --list -z", ""),
    (f"{TOPICS} -list", ""),
    (f"{TOPICS} --list --if-exists", ""),
    (f"{TOPICS} --list --if-not-exists", ""),
    (f"{TOPICS} --list --partitions 2", ""),
    (f"{TOPICS} --list --unavailable-partitions", ""),
    (f"{TOPICS} --list --topic-id x", ""),
    (f"{TOPICS} --list --config a=b", ""),
    (f"{TOPICS} --create --topic x --if-exists", ""),
    (f"{TOPICS} --create --topic x --topics-with-overrides", ""),
    (f"{TOPICS} --create --topic x --exclude-internal", ""),
    (f"{TOPICS} --delete --topic x --exclude-internal", ""),
    (f"{TOPICS} --describe --config a=b", ""),
    (f"{TOPICS} --alter --topic a1", ""),
    (f"{TOPICS} --alter --partitions 3", ""),
    (f"{TOPICS} --alter --topic a1 --replica-assignment 1", ""),
    (f"{TOPICS} --alter --topic a1 --partitions 2 --if-not-exists", ""),
    (f"{TOPICS} --describe --topics-with-overrides --at-min-isr-partitions", ""),
    (f"{TOPICS} --describe --topic a1 --topic-id x", ""),
    (f"{TOPICS} --describe --if-exists", ""),
    (f"{TOPICS} --create --topic-id x --topic q", ""),
    (f"{TOPICS} --list --partitions x --list", ""),
    (f"{TOPICS} --alter --topic a1 --config x=y", ""),
    (f"{TOPICS} --list --bootstrap-server", ""),
    (f"{TOPICS} --topic", ""),
    ("kafka-topics --bootstrap-server={b} --list", ""),
    ("kafka-topics --boot {b} --list", ""),
    ("kafka-topics --zookeeper x --list", ""),
    ("kafka-topics --bootstrap-server {b} --list --command-config /nonexistent", ""),
    ("kafka-topics --bootstrap-server bad --list", ""),
    ("kafka-topics --bootstrap-server 127.0.0.1:1 --list --command-config {short}", ""),
    # --- kafka-console-producer, and what kafka-console-consumer makes of it
    (f"{TOPICS} --create --topic c1 --partitions 1", ""),
    (f"{P1}", "a\nb\n\nc\r\nd\re\nlast"),
    (f"{P1}", ""),
    (f"{P1} {R} parse.key=true", "k1\tv1\nnokey\nk2\tv2\n"),
    (f"{P1} {R} parse.key=true {R} ignore.error=true",
     "k3\tv3\nnokey\nk4\tv4\n"),
    (f"{P1} {R} parse.key=true {R} key.separator=:"
     f" {R} null.marker=NULL", "k5:NULL\nNULL:v6\n:\n"),
    (f"{P1} {R} parse.headers=true {R} parse.key=true",
     "h1:v1,h2:v2\tk7\tv7\n\tk8\tv8\n"),
    (f"{P1} {R} parse.headers=true", "bad\tv7\n"),
    (f"{P1} {R} parse.headers=true", "no delimiter\n"),
    (f"{P1} {R} parse.headers=true", "h:v,,\tv\n"),
    (f"{P1} {R} parse.headers=true", ",\tv\n"),
    (f"{P1} {R} parse.headers=true {R} ignore.error=true",
     "bad\tv7\nno delimiter\n:\tempty key\n"),
    (f"{P1} {R} parse.headers=true {R} null.marker=N",
     "h:N,N:x\tv7\n"),
    (f"{P1} {R} parse.headers=true {R} null.marker=N",
     "h:N\tv8\nN\tv9\nh:v\tN\n"),
    (f"{P1} {R} parse.headers=true {R} headers.delimiter=|"
     f" {R} headers.separator=; {R} headers.key.separator==",
     "a=1;b=2|value\n"),
    (f"{P1} {R} headers.delimiter=, {R} parse.headers=true",
     "x\n"),
    (f"{P1} {R} null.marker=: {R} parse.key=true"
     f" {R} key.separator=:", "x\n"),
    (f"{P1} --compression-codec", "gzip\n"),
    (f"{P1} --compression-codec=zstd", "zstd\n"),
    (f"{P1} --compression-codec lz4", "lz4\n"),
    (f"{P1} --compression-codec snappy", "snappy\n"),
    (f"{P1} --compression-codec bad", "x\n"),
    (f"{P1} --property parse.key=true --property key.separator=,", "k9,v9\n"),
    (f"{P1} --sync", "s1\ns2\n"),
    (f"{P1} --request-required-acks 0", "a0\n"),
    (f"{P1} --request-required-acks 1", "a1\n"),
    (f"{P1} --request-required-acks all", "all\n"),
    (f"{P1} --request-required-acks 7", "a7\n"),
    (f"{P1} --command-property acks=1", "p1\n"),
    (f"{P1} --producer-property acks=1", "p2\n"),
    (f"{P1} --producer.config {{short}}", "p3\n"),
    (f"{P1} --command-property acks", "p4\n"),
    (f"{P1} {R} parse.key", "p5\n"),
    (f"{P1} {R} foo=1", "p6\n"),
    (f"{P1} --max-partition-memory-bytes 1000", "p7\n"),
    (f"{P1} extra", "p8\n"),
    (f"{PRODUCE}", "f\n"),
    ("kafka-console-producer --topic c1", "f\n"),
    ("kafka-console-producer --broker-list {b} --topic c1", "f\n"),
    ("kafka-console-producer --bootstrap-server bad --topic c1", "f\n"),
    (f"{P1} --nosuch", "f\n"),
    (f"{P1} --timeout x", "f\n"),
    (f"{P1} --producer-property a=b --command-property c=d", "f\n"),
    (f"{P1} --property a=b {R} c=d", "f\n"),
    (f"{P1} --producer.config a --command-config b", "f\n"),
    (f"{PRODUCE} --topic newt", "f\n"),
    (f"{PRODUCE} --topic bad\\x20name", "f\n"),
    (f"{P1} --max-block-ms -1", "f\n"),
    (f"{P1} --batch-size -1", "f\n"),
    (f"{P1} --message-send-max-retries -1", "f\n"),
    (f"{P1} --request-timeout-ms x", "f\n"),
    (f"{P1} --command-property enable.idempotence=true --request-required-acks 1", "f\n"),
    (f"{P1} --command-property max.in.flight.requests.per.connection=6", "six\n"),
    (f"{P1} --reader-config {{reader}}", "k;v\n"),
    (f"{P1} --line-reader nosuch", "f\n"),
    ("kafka-console-producer --bootstrap-server 127.0.0.1:1 --topic c1 --max-block-ms 300", "f\n"),
    (f"{C1} {B} --timeout-ms 2000 {ALL}", ""),
    (f"{C1} {B} --timeout-ms 2000", ""),
    (f"{C1} {B} {N} 2", ""),
    (f"{C1} {B} {N} 0", ""),
    (f"{C1} {B} {N} 12 {F} print.key=true"
     f" {F} key.separator=: {F} line.separator=;"
     f" {F} null.literal=NIL {F} print.value=false", ""),
    (f"{C1} {B} {N} 30 {F} print.headers=true"
     f" {F} headers.separator=;", ""),
    (f"{C1} {B} {N} 3 {F} print.value=false", ""),
    (f"{C1} --partition 0 --offset 2 {N} 2", ""),
    (f"{C1} --partition 0 --offset earliest {N} 2", ""),
    (f"{C1} --partition 0 --offset EARLIEST {N} 1", ""),
    (f"{C1} --partition 0 --offset latest --timeout-ms 500", ""),
    (f"{C1} --partition 0 --offset 99999 --timeout-ms 500", ""),
    (f"{C1} --partition 0 {B} {N} 1", ""),
    (f"{C1} --partition 0 --timeout-ms 500", ""),
    (f"{C1} --partition 7 --offset 0 --timeout-ms 500", ""),
    (f"{C1} --partition 0 --offset -3", ""),
    (f"{C1} --partition 0 --offset abc", ""),
    (f"{C1} --offset 0", ""),
    (f"{C1} --partition 0 --offset 1 {B}", ""),
    (f"{CONSUME} {B}", ""),
    ("kafka-console-consumer --topic c1", ""),
    (f"{CONSUME} --include c.* --topic c1", ""),
    (f"{CONSUME} --include c.* --partition 1", ""),
    (f"{CONSUME} --include c[0-9] {B} {N} 2", ""),
    (f"{C1} --isolation-level read_committed {B} {N} 1", ""),
    (f"{C1} --group g1 --partition 0", ""),
    (f"{C1} --property print.key=true {F} print.key=true", ""),
    (f"{C1} --consumer-property a=b --command-property c=d", ""),
    (f"{C1} --consumer.config a --command-config b", ""),
    (f"{C1} --property print.key=true {B} {N} 1", ""),
    (f"{C1} --consumer-property auto.offset.reset=earliest {N} 1", ""),
    (f"{C1} --command-property auto.offset.reset=latest {B}", ""),
    (f"{C1} --command-property auto.offset.reset=earliest {B} {N} 1", ""),
    (f"{C1} {F} nope=1 {B} {N} 1", ""),
    (f"{C1} --formatter nosuch", ""),
    (f"{C1} --nosuch", ""),
    (f"{C1} --key-deserializer org.apache.kafka.common.serialization.StringDeserializer"
     f" {F} print.key=true {B} {N} 9", ""),
    (f"{CONSUME} --topic newt {B} {N} 1", ""),
    # --- kafka-get-offsets
    (f"{TOPICS} --create --topic o1 --partitions 3 --replica-assignment 1,1,1", ""),
    (f"{TOPICS} --create --topic o1 --replica-assignment 1,1,1", ""),
    (f"{TOPICS} --create --topic o2 --partitions 1", ""),
    (f"{PRODUCE} --topic o2", "a\nb\nc\n"),
    (f"{OFFSETS} --exclude-internal-topics", ""),
    (f"{OFFSETS} --topic [a-z]\\d", ""),
    (f"{OFFSETS} --help", ""),
    (f"{OFFSETS} --version", ""),
    ("kafka-get-offsets --topic o1", ""),
    ("kafka-get-offsets --broker-list {b} --topic o1", ""),
    ("kafka-get-offsets --bootstrap-server bad --topic o1", ""),
    ("kafka-get-offsets --bootstrap-server {b},bad:x --topic o1", ""),
    (f"{OFFSETS} --topic o1", ""),
    (f"{OFFSETS} --topic o.*", ""),
    (f"{OFFSETS} --topic nope", ""),
    (f"{OFFSETS} --topic [", ""),
    (f"{OFFSETS} --topic o1,o2 --partitions 0", ""),
    (f"{OFFSETS} --topic o1 --partitions 0,2", ""),
    (f"{OFFSETS} --topic o1 --partitions x", ""),
    (f"{OFFSETS} --topic o1 --partitions 7", ""),
    (f"{OFFSETS} --topic-partitions o1:0-2", ""),
    (f"{OFFSETS} --topic-partitions o1:1-,o2", ""),
    (f"{OFFSETS} --topic-partitions o1:-1,o2:0", ""),
    (f"{OFFSETS} --topic-partitions :2", ""),
    (f"{OFFSETS} --topic-partitions o1:x", ""),
    (f"{OFFSETS} --topic-partitions o1:0-1-2", ""),
    (f"{OFFSETS} --topic-partitions o1:0 --topic o1", ""),
    (f"{OFFSETS} --topic-partitions o1:0 --partitions 0", ""),
    *((f"{OFFSETS} --topic o\\d --time {time}", "") for time in (
        -1, -2, -4, -5, -6, -9, 0, 1000, 99999999999999, "latest", "earliest", "earliest-local",
        "latest-tiered", "earliest-pending-upload", "LATEST", "abc")),
    (f"{TOPICS} --create --topic o3 --partitions 1", ""),
    (f"{PRODUCE} --topic o3", "one\n"),
    (f"{OFFSETS} --topic o3 --time -3", ""),
    (f"{OFFSETS} --topic o1,o3 --time max-timestamp", ""),
    (f"{OFFSETS} --topic o1 --command-config /nonexistent", ""),
    (f"{OFFSETS} --topic o2 --command-config {{client}}", ""),
    (f"{OFFSETS} --nosuch", ""),
    (f"{OFFSETS} --topic o1 --time", ""),
    # --- kafka-delete-records
    (f"{DELETE} --help", ""),
    (f"{DELETE} --version", ""),
    ("kafka-delete-records --offset-json-file {places}", ""),
    (DELETE, ""),
    (f"{DELETE} --nosuch", ""),
    (f"{DELETE} --offset-json-file /nonexistent", ""),
    ("kafka-delete-records --bootstrap-server bad --offset-json-file {places}", ""),
    (f"{DELETE} --offset-json-file {{places}}", ""),
    (f"{OFFSETS} --topic o2 --time earliest", ""),
    (f"{DELETE} --offset-json-file {{places}} --command-config {{client}}", ""),
    (f"{DELETE} --offset-json-file {{places}} --command-config /nonexistent", ""),
    *((f"{DELETE} --offset-json-file {{{name}}}", "") for name in BAD_PLACES),
    # --- kafka-configs: topics
    (f"{DESCRIBE} --entity-type topics --entity-name o1", ""),
    (f"{DESCRIBE} --entity-type topics", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms=5000,cleanup.policy=[compact,delete]", ""),
    (f"{DESCRIBE} --topic o1", ""),
    (f"{ALTER} --topic o1 --add-config segment.ms=6 --delete-config retention.ms,cleanup.policy"
     " --delete-config retention.bytes", ""),
    (f"{DESCRIBE} --topic o1", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms=5 --delete-config retention.ms", ""),
    (f"{ALTER} --topic o1 --delete-config nope", ""),
    (f"{ALTER} --topic o1 --add-config nope=1", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms=", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms=x", ""),
    (f"{ALTER} --topic o1 --add-config a=b=c", ""),
    (f"{ALTER} --topic o1 --add-config a=[b", ""),
    (f"{ALTER} --topic o1 --add-config =a", ""),
    (f"{ALTER} --topic o1 --add-config retention.ms\\x20=\\x207", ""),
    (f"{ALTER} --topic o1 --add-config-file {{add}}", ""),
    (f"{DESCRIBE} --topic o1", ""),
    (f"{ALTER} --topic o1 --add-config-file /nonexistent", ""),
    (f"{ALTER} --topic o1 --add-config-file {{add}} --add-config a=b", ""),
    (f"{ALTER} --topic o1 --add-config a=b --add-config c=d", ""),
    (f"{ALTER} --topic o1", ""),
    (f"{ALTER} --topic nope --add-config retention.ms=1", ""),
    (f"{ALTER} --topic bad\\x20name --add-config retention.ms=1", ""),
    (f"{DESCRIBE} --topic nope", ""),
    (f"{DESCRIBE} --topic bad\\x20name", ""),
    (f"{DESCRIBE} --topic o1 --command-config /nonexistent", ""),
    (f"{DESCRIBE} --topic o1 --command-config {{client}}", ""),
    (f"{DESCRIBE} --topic o1 --add-config-file a", ""),
    # --- brokers, their loggers, groups
    (f"{DESCRIBE} --entity-type brokers", ""),
    (f"{DESCRIBE} --entity-type brokers --entity-default", ""),
    (f"{DESCRIBE} --entity-type brokers --entity-name 1 --entity-default", ""),
    (f"{ALTER} --broker 1 --add-config log.cleaner.threads=2", ""),
    (f"{ALTER} --broker-defaults --add-config log.cleaner.threads=1", ""),
    (f"{DESCRIBE} --broker-defaults", ""),
    (f"{DESCRIBE} --broker 1", ""),
    (f"{ALTER} --entity-type brokers --entity-name 1 --delete-config log.cleaner.threads", ""),
    (f"{ALTER} --entity-type brokers --entity-default --delete-config log.cleaner.threads", ""),
    (f"{DESCRIBE} --broker 9", ""),
    (f"{DESCRIBE} --broker x", ""),
    (f"{ALTER} --entity-type brokers --entity-name x --add-config a=b", ""),
    (f"{ALTER} --entity-type brokers --add-config a=b", ""),
    (f"{DESCRIBE} --broker 1 --broker-defaults", ""),
    (f"{ALTER} --broker-logger 1 --add-config no.such=DEBUG", ""),
    (f"{DESCRIBE} --broker-logger x", ""),
    (f"{DESCRIBE} --entity-type broker-loggers", ""),
    (f"{ALTER} --entity-type broker-loggers --add-config a=b", ""),
    (f"{DESCRIBE} --group cg", ""),
    (f"{ALTER} --group cg --add-config consumer.session.timeout.ms=46000", ""),
    (f"{DESCRIBE} --entity-type groups --entity-name cg", ""),
    (f"{ALTER} --group cg --add-config nope=1", ""),
    (f"{ALTER} --group cg --delete-config consumer.session.timeout.ms", ""),
    (f"{ALTER} --entity-type groups --add-config a=b", ""),
    (f"{DESCRIBE} --entity-type groups --entity-default", ""),
    # --- mistakes, and what is not served
    ("kafka-configs --describe --topic o1", ""),
    ("kafka-configs --bootstrap-server bad --describe --topic o1", ""),
    (f"{CONFIGS} --bootstrap-controller {{b}} --describe --topic o1", ""),
    ("kafka-configs --bootstrap-controller {b} --describe --topic o1", ""),
    (CONFIGS, ""),
    (f"{CONFIGS} --help", ""),
    (f"{CONFIGS} --version", ""),
    (f"{CONFIGS} --nosuch", ""),
    (f"{DESCRIBE}", ""),
    (f"{DESCRIBE} --all", ""),
    (f"{DESCRIBE} --alter --topic o1", ""),
    (f"{DESCRIBE} --entity-name o1", ""),
    (f"{DESCRIBE} --entity-type nope", ""),
    (f"{DESCRIBE} --entity-type topics --entity-default", ""),
    (f"{DESCRIBE} --entity-type topics --entity-type brokers", ""),
    (f"{DESCRIBE} --entity-type topics --entity-name o1 --entity-name o2", ""),
    (f"{DESCRIBE} --entity-type topics --entity-name", ""),
    (f"{DESCRIBE} --topic o1 --entity-type topics", ""),
    (f"{DESCRIBE} --topic o1 --broker 1", ""),
    (f"{DESCRIBE} --topic o1 --topic o2", ""),
    (f"{DESCRIBE} --topic o1 --add-config a=b", ""),
    (f"{DESCRIBE} --topic o1 --delete-config a", ""),
    (f"{ALTER} --add-config a=b", ""),
    (f"{ALTER} --entity-type topics --add-config a=b", ""),
    *((f"{ALTER} --{words}", "") for words in UNSERVED),
]

# (part of the case, what differs, why).
KNOWN = [
    *((f"{ALTER} --{words}", "stderr", "quotas and metrics of clients are not served")
      for words in UNSERVED),
    ("--bootstrap-controller {b} --describe", "stderr", "ours says that this is not served"),
    ("--help", "stderr", "the line above the usage is our own"),
    ("--version", "stdout", "ours says that it is Moldau"),
    ("--line-reader nosuch", "stderr", "Kafka prints the name alone; ours says what is wrong"),
]

LOG_LINE = re.compile(r"^(\d\d:\d\d:\d\d\.\d{3}|\[\d{4}-\d\d-\d\d [\d:,]+\]) [EW]R?.*\n?", re.M)
STACK = re.compile(r"^(\tat .*|Caused by: .*|\t\.\.\. \d+ more)\n?", re.M)
USAGE = re.compile(r"^Option +Description.*", re.M | re.S)
# Said by Java's consumer about itself.
ADVICE = re.compile(r"^The consumer rebalance protocol .*\n?", re.M)
CLASS = re.compile(r"^(Error occurred: )?(?:Exception in thread \"main\" )?"
                   r"(?:(?:[a-z]+\.)+[A-Z]\w*(?:Exception|Error): )+", re.M)
# What a client says about an error's code is its own.
MEANING = re.compile(r"(error: org\.apache\.[\w.]+Exception): .*")


class KafkaTools:
    """Apache Kafka's tools, in one process that runs them one after the other."""

    def __init__(self):
        options = ["-Xmx512m", "-Dfile.encoding=UTF-8"]
        command = peers.java(peers.jars(peers.TOOLS_VERSION, True), options)
        self.process = subprocess.Popen([*command, peers.HERE / "Tools.java"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL)

    def run(self, words, given):
        words = [peers.TOOLS[words[0]], *words[1:]]
        request = struct.pack(">i", len(words))
        for part in [*(word.encode() for word in words), given.encode()]:
            request += struct.pack(">i", len(part)) + part
        self.process.stdin.write(request)
        self.process.stdin.flush()
        (status,) = struct.unpack(">i", self._read(4))
        return status, self._part(), self._part()

    def _read(self, size):
        data = self.process.stdout.read(size)
        if len(data) < size:
            raise peers.Failure("Kafka's tools have ended")
        return data

    def _part(self):
        (size,) = struct.unpack(">i", self._read(4))
        return self._read(size).decode(errors="replace")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


class OurTools:
    """Ours."""

    def __init__(self, binary):
        self.binary = binary

    def run(self, words, given):
        try:
            done = subprocess.run([self.binary, *words], input=given.encode(), capture_output=True,
                                  timeout=CASE_SECONDS)
        except subprocess.TimeoutExpired as late:
            return "it does not end", (late.stdout or b"").decode(errors="replace"), ""
        out, err = (part.decode(errors="replace") for part in (done.stdout, done.stderr))
        return done.returncode, out, err

    def stop(self):
        pass


def mask(text):
    text = MEANING.sub(r"\1", re.sub(r"TopicId: [\w-]{22}", "TopicId: ID", text))
    if "\npartition: " in text:  # The order of a map.
        text = "".join(sorted(text.splitlines(keepends=True)))
    return re.sub(r"(CreateTime|LogAppendTime):\d+", r"\1:TIME", text)


def sentences(text):
    """What of standard error is a tool's own sentence."""
    text = MEANING.sub(r"\1", USAGE.sub("<usage>\n", text))
    text = ADVICE.sub("", STACK.sub("", LOG_LINE.sub("", text)))
    # The order of a set.
    text = text.replace("[[config], [bootstrap-server]]", "[[bootstrap-server], [config]]")
    lines = [line for line in CLASS.sub(r"\1", text).splitlines() if line.strip()]
    # A sentence that is followed by its own exception is said once.
    lines = [line for i, line in enumerate(lines) if i == 0 or line != lines[i - 1]]
    return "\n".join(line for i, line in enumerate(lines)
                     if i == 0 or not lines[i - 1].endswith(": " + line))


def words_of(line, values):
    return [word.replace("\\x20", " ").format(**values) for word in line.split()]


def settle(tools, words, status, out, values):
    """A broker of Kafka's hears of what its controller has done a moment later: waits for that."""
    made = set(re.findall(r"^Created topic (\S+)\.$", out, re.MULTILINE))
    gone = words[words.index("--topic") + 1] if "--delete" in words and not status else None
    if words[0] == "kafka-configs" and "--alter" in words and not status:
        # What is altered shows itself in no list; a topic that is made behind it does.
        for change in ("--create", "--delete"):
            marker = words_of(f"{TOPICS} {change} --topic marker", values)
            settle(tools, marker, *tools.run(marker, "")[:2], values)
    if not made and not gone:
        return
    for _ in range(SETTLE_TRIES):
        names = tools.run(words_of(f"{TOPICS} --list", values), "")[1].split()
        if made <= set(names) and not (gone and any(re.fullmatch(gone, name) for name in names)):
            return
    raise peers.Failure(f"no end of waiting for {made or gone}")


def run_all(tools, cases, values):
    results = []
    for line, given in cases:
        words = words_of(line, values)
        status, out, err = tools.run(words, given)
        settle(tools, words, status, out, values)
        results.append((status, mask(out), sentences(err), err))
    return results


def clean(tools, values):
    """Deletes all topics that are not the cluster's own."""
    words = words_of(f"{TOPICS} --delete --if-exists --topic [^_].*", values)
    settle(tools, words, *tools.run(words, "")[:2], values)


def lines_that_differ(a, b):
    diff = difflib.unified_diff(str(a).splitlines(), str(b).splitlines(), lineterm="")
    return [f"    {line}" for line in list(diff)[2:]]


def compare(cases, kafka, ours, show):
    failed = 0
    used = set()
    for (line, _), theirs, mine in zip(cases, kafka, ours):
        differences = []
        for name, a, b in zip(("status", "stdout", "stderr"), theirs, mine):
            if a == b:
                continue
            known = [k for k in KNOWN if k[0] in line and k[1] == name]
            used.update(known)
            if not known:
                differences.append(f"  {name}:\n" + "\n".join(lines_that_differ(a, b)))
        failed += bool(differences)
        if differences or show:
            print(f"{'FAIL' if differences else 'ok  '} {line}", *differences, sep="\n")
        if show:
            print(f"    status {theirs[0]}\n    {theirs[1]!r}\n    {theirs[2]!r}")
    for known in KNOWN:
        if known not in used and any(known[0] in line for line, _ in cases):
            print(f"FAIL nothing differs any more: {known[0]} ({known[1]})")
            failed += 1
    return failed


def one_subject(bootstrap, folder, cases, binary, show):
    short = pathlib.Path(folder) / "short.properties"
    short.write_text("request.timeout.ms=500\ndefault.api.timeout.ms=1000\n")
    reader = pathlib.Path(folder) / "reader.properties"
    reader.write_text("parse.key=true\nkey.separator=;\n")
    values = {"b": bootstrap, "short": short, "reader": reader}
    values["client"] = pathlib.Path(folder) / "client.properties"
    values["client"].write_text("request.timeout.ms=30000\n")
    values["add"] = pathlib.Path(folder) / "add.properties"
    values["add"].write_text("retention.ms=7\nsegment.bytes=1048577\n")
    for name, text in {"places": PLACES, **BAD_PLACES}.items():
        values[name] = pathlib.Path(folder) / f"{name}.json"
        values[name].write_text(text)
    theirs, mine = KafkaTools(), OurTools(binary)
    try:
        # The cluster's own topics come with the first group: have them from the beginning.
        theirs.run(words_of(f"{PRODUCE} --topic first", values), "x\n")
        theirs.run(words_of(f"{CONSUME} --topic first {B} {N} 1", values), "")
        clean(theirs, values)
        kafka = run_all(theirs, cases, values)
        clean(theirs, values)
        ours = run_all(mine, cases, values)
        clean(theirs, values)
    finally:
        theirs.stop()
    return compare(cases, kafka, ours, show)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--subject", choices=["kafka", "moldau", "both"], default="both")
    parser.add_argument("--case", default="", help="only cases that contain this")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--list", action="store_true")
    args = parser.parse_args()
    cases = [case for case in CASES if args.case in case[0]]
    if args.list:
        print(*(line for line, _ in cases), sep="\n")
        return 0
    binary = os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau")
    failed = passed = 0
    subjects = ["kafka", "moldau"] if args.subject == "both" else [args.subject]
    with tempfile.TemporaryDirectory() as folder:
        for subject in subjects:
            given = os.environ.get("KAFKA_BOOTSTRAP")
            node = None
            if not given:
                path = pathlib.Path(folder) / subject
                node = peers.Moldau(path)
                if subject == "kafka":  # On a busy machine it would be taken for dead now and then.
                    node = peers.Kafka(path, ["broker.session.timeout.ms=30000"])
                node.start()
            try:
                bad = one_subject(given or node.bootstrap, folder, cases, binary, args.show)
            finally:
                if node:
                    node.stop()
            failed += bad
            passed += len(cases) - min(bad, len(cases))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
