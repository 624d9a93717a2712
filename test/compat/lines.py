# SPDX-License-Identifier: Apache-2.0
"""Words that begin many of the command lines of lines_*.py, which commands.py runs."""

TOPICS = "kafka-topics --bootstrap-server {b}"
PRODUCE = "kafka-console-producer --bootstrap-server {b}"
CONSUME = "kafka-console-consumer --bootstrap-server {b}"
OFFSETS = "kafka-get-offsets --bootstrap-server {b}"
DELETE = "kafka-delete-records --bootstrap-server {b}"
GROUPS = "kafka-consumer-groups --bootstrap-server {b}"
TYPES = "kafka-groups --bootstrap-server {b}"
CONFIGS = "kafka-configs --bootstrap-server {b}"
ALTER, DESCRIBE = f"{CONFIGS} --alter", f"{CONFIGS} --describe"
P1 = f"{PRODUCE} --topic c1"
C1 = f"{CONSUME} --topic c1"
G = f"{CONSUME} --topic grouped --group"
R, F, B, N = "--reader-property", "--formatter-property", "--from-beginning", "--max-messages"
STRINGS = "org.apache.kafka.common.serialization.StringDeserializer"
ALL = " ".join(f"{F} print.{field}=true" for field in
               ("timestamp", "key", "offset", "partition", "headers", "epoch", "delivery"))
