# SPDX-License-Identifier: Apache-2.0
"""Command lines of kafka-producer-perf-test."""

from lines import B, CONSUME, N, TOPICS

PERF = "kafka-producer-perf-test --bootstrap-server {b} --topic perf"
FAST = f"{PERF} --throughput -1"

CASES = [
    (f"{TOPICS} --create --topic perf --partitions 1", ""),
    (f"{FAST} --num-records 10 --record-size 10", ""),
    (f"{FAST} --num-records 10 --payload-monotonic", ""),
    (f"{CONSUME} --topic perf {B} {N} 20 --formatter-property print.value=false"
     " --formatter-property print.partition=true", ""),
    (f"{CONSUME} --topic perf --partition 0 --offset 10 {N} 10", ""),
    (f"{FAST} --num-records 10 --payload-file {{payloads}}", ""),
    (f"{FAST} --num-records 4 --payload-file {{alone}} --payload-delimiter ;", ""),
    (f"{CONSUME} --topic perf --partition 0 --offset 30 {N} 4", ""),
    (f"{FAST} --num-records 4 --payload-file /nonexistent", ""),
    (f"{FAST} --num-records 4 --payload-file {{nothing}}", ""),
    (f"{PERF} --num-records 20 --record-size 10 --throughput 200", ""),
    (f"{PERF} --num-records 20 --record-size 10 --throughput 200.5", ""),
    (f"{PERF} --num-records 20 --record-size 10 --throughput x", ""),
    (f"{FAST} --num-records 20 --record-size 10 --warmup-records 5", ""),
    (f"{FAST} --num-records 20 --record-size 10 --warmup-records 20", ""),
    (f"{FAST} --num-records 20 --record-size 10 --warmup-records x", ""),
    (f"{FAST} --num-records 20 --record-size 10 --reporting-interval 60000", ""),
    (f"{FAST} --num-records 20 --record-size 10 --reporting-interval 0", ""),
    (f"{FAST} --num-records 5 --record-size 10 --command-property linger.ms=0 acks=1", ""),
    (f"{FAST} --num-records 5 --record-size 10 --command-property linger.ms", ""),
    (f"{FAST} --num-records 5 --record-size 10 --command-property", ""),
    (f"{FAST} --num-records 5 --record-size 10 --producer-props linger.ms=0 acks=1", ""),
    (f"{FAST} --num-records 5 --record-size 10 --producer-props acks=1"
     " --command-property acks=1", ""),
    (f"{FAST} --num-records 5 --record-size 10 --command-config {{client}}", ""),
    (f"{FAST} --num-records 5 --record-size 10 --producer.config {{client}}", ""),
    (f"{FAST} --num-records 5 --record-size 10 --producer.config {{client}}"
     " --command-config {client}", ""),
    (f"{FAST} --num-records 0 --record-size 10", ""),
    (f"{FAST} --num-records x --record-size 10", ""),
    (f"{FAST} --num-records 5 --record-size 0", ""),
    (f"{FAST} --num-records 5 --record-size x", ""),
    (f"{FAST} --num-records 5", ""),
    (f"{FAST} --record-size 5", ""),
    (f"{FAST} --num-records 5 --record-size 10 --payload-monotonic", ""),
    (f"{FAST} --num-records 5 --record-size 10 --nosuch", ""),
    (f"{FAST} --num-records 5 --record-size 10 word", ""),
    (f"{PERF} --num-records 5 --record-size 10", ""),
    (f"{PERF} --payload-monotonic", ""),
    (f"{PERF} --help", ""),
    ("kafka-producer-perf-test --topic perf --throughput -1 --num-records 5 --record-size 9", ""),
    ("kafka-producer-perf-test --bootstrap-server bad --topic perf --throughput -1 --num-records 5"
     " --record-size 9", ""),
]

# (part of the case, what differs, why).
KNOWN = [
    ("--topic perf --payload-monotonic", "stderr", "Kafka's order is that of a map"),
    ("kafka-producer-perf-test --bootstrap-server bad", "stderr", "ours says what is wrong"),
    (f"{PERF} --help", "stdout", "the usage is our own"),
]

FILES = {"payloads": "one\ntwo\nthree\n", "alone": "first;", "nothing": ""}
