# SPDX-License-Identifier: Apache-2.0
"""Command lines of kafka-verifiable-producer, kafka-verifiable-consumer, kafka-consumer-perf-test
and kafka-e2e-latency."""

from lines import B, CONSUME, GROUPS, N, TOPICS

VP = "kafka-verifiable-producer --bootstrap-server {b} --topic verified"
VC = "kafka-verifiable-consumer --bootstrap-server {b} --topic verified"
CP = "kafka-consumer-perf-test --bootstrap-server {b}"
CT = f"{CP} --topic verified"
E2E = "kafka-e2e-latency --bootstrap-server {b}"
ET = f"{E2E} --topic latency"
TEN = f"{ET} --num-records 10 --producer-acks"
STRATEGY = "--assignment-strategy org.apache.kafka.clients.consumer"

IS_SLOW = True  # Groups are joined and left, and some cases have a Java machine of their own.

CASES = [
    (f"{TOPICS} --create --topic verified --partitions 1", ""),
    (f"alone {VP} --max-messages 3", ""),
    (f"alone {VP} --max-messages 3 --throughput 100 --acks 1 --value-prefix 7 --repeating-keys 2"
     " --message-create-time 1000", ""),
    (f"{CONSUME} --topic verified {B} {N} 6 --formatter-property print.key=true"
     " --formatter-property print.offset=true", ""),
    (f"alone {VP} --max-messages 0 --command-config {{client}}", ""),
    (f"alone {VP} --max-messages 1 --acks 0 --producer.config {{client}}", ""),
    (f"{VP} --max-messages 1 --producer.config {{client}} --command-config {{client}}", ""),
    (f"{VP} --max-messages 1 --producer.config /nonexistent", ""),
    (f"{VP} --max-messages 1 --command-config /nonexistent", ""),
    (f"{VP} --max-messages 1 --acks 7", ""),
    (f"{VP} --max-messages x", ""),
    (f"{VP} --max-messages 5000000000", ""),
    (f"{VP} --throughput x", ""),
    (f"{VP} --value-prefix x", ""),
    (f"{VP} --repeating-keys x", ""),
    (f"{VP} --message-create-time x", ""),
    (f"{VP} --max-messages 1 --nosuch", ""),
    (f"{VP} --max-messages 1 word", ""),
    (f"{VP} --version", ""),
    (f"{VP} --help", ""),
    ("kafka-verifiable-producer --topic verified --max-messages 1", ""),
    ("kafka-verifiable-producer --bootstrap-server {b} --max-messages 1", ""),
    ("alone kafka-verifiable-producer --bootstrap-server {b} --topic bad! --max-messages 1", ""),
    ("kafka-verifiable-producer --bootstrap-server bad --topic verified --max-messages 1", ""),

    (f"{VC} --group-id v1 --max-messages 4", ""),
    (f"{VC} --group-id v1 --max-messages 2 --verbose", ""),
    (f"{GROUPS} --describe --group v1 --offsets", ""),
    (f"{VC} --group-id v2 --max-messages 2 --enable-autocommit", ""),
    (f"{VC} --group-id v3 --max-messages 2 --session-timeout 10000 --reset-policy earliest", ""),
    (f"{VC} --group-id v4 --max-messages 2 --group-instance-id one", ""),
    (f"{VC} --group-id v5 --max-messages 2 {STRATEGY}.RoundRobinAssignor", ""),
    (f"{VC} --group-id v5 --max-messages 2 {STRATEGY}.RangeAssignor", ""),
    (f"{VC} --group-id v5 --max-messages 2 --assignment-strategy nosuch", ""),
    (f"{VC} --group-id v6 --max-messages 2 --reset-policy none", ""),
    (f"{VC} --group-id v6 --max-messages 2 --reset-policy nosuch", ""),
    (f"{VC} --group-id v6 --max-messages 2 --group-protocol CLASSIC --group-remote-assignor x",
     ""),
    (f"{VC} --group-id v6 --max-messages 2 --group-protocol nosuch", ""),
    (f"{VC} --group-id v7 --max-messages 2 --consumer.config {{client}}", ""),
    (f"{VC} --group-id v8 --max-messages 2 --command-config {{client}}", ""),
    (f"{VC} --group-id v8 --max-messages 2 --command-config {{client}}"
     " --consumer.config {client}", ""),
    (f"{VC} --group-id v8 --max-messages 2 --command-config /nonexistent", ""),
    (f"{VC} --group-id v8 --max-messages 0", ""),
    (f"{VC} --group-id v8 --max-messages x", ""),
    (f"{VC} --group-id v8 --session-timeout x", ""),
    (f"{VC} --group-id v8 --nosuch", ""),
    (f"{VC} --max-messages 2", ""),
    (f"{VC} --help", ""),
    ("kafka-verifiable-consumer --bootstrap-server {b} --group-id v8", ""),
    ("kafka-verifiable-consumer --topic verified --group-id v8", ""),

    (f"{CT} {{three}}", ""),
    (f"{CT} {{three}} --hide-header", ""),
    (f"{CT} {{three}} --show-detailed-stats", ""),
    (f"{CT} {{three}} --show-detailed-stats --hide-header", ""),
    (f"{CT} --num-records 300 --timeout 4000", ""),
    (f"{CT} --num-records 0", ""),
    (f"{CT} {{three}} --timeout", ""),
    (f"{CT} {{three}} --timeout x", ""),
    (f"{CT} --messages 3", ""),
    (f"{CT} --messages 3 {{three}}", ""),
    (f"{CT} {{three}} {{three}}", ""),
    (f"{CT} --num-records x", ""),
    (CT, ""),
    (f"{CP} {{three}}", ""),
    (f"{CP} {{three}} --include verif.*", ""),
    (f"{CT} {{three}} --include verif.*", ""),
    ("kafka-consumer-perf-test --topic verified --num-records 3", ""),
    (f"{CT} {{three}} --nosuch", ""),
    (f"{CT} {{three}} --reporting-interval 0", ""),
    (f"{CT} {{three}} --reporting-interval x", ""),
    (f"{CT} {{three}} --reporting-interval 1 --show-detailed-stats", ""),
    (f"{CT} {{three}} --fetch-size 100 --socket-buffer-size 1000", ""),
    (f"{CT} {{three}} --fetch-size x", ""),
    (f"{CT} {{three}} --fetch-size -5", ""),
    (f"{CT} {{three}} --socket-buffer-size -5", ""),
    (f"{CT} {{three}} --date-format HH:mm", ""),
    (f"{CT} {{three}} --date-format QQQ", ""),
    (f"{CT} {{three}} --from-latest --timeout 300", ""),
    (f"{CT} {{three}} --group p7", ""),
    (f"{CT} --num-records 300 --timeout 4000 --group p7", ""),
    (f"{CT} {{three}} --command-property a=b --command-property client.id=x", ""),
    (f"{CT} {{three}} --command-property nosign", ""),
    (f"{CT} {{three}} --command-config {{client}}", ""),
    (f"{CT} {{three}} --command-config /nonexistent", ""),
    (f"{CT} {{three}} --consumer.config {{client}}", ""),
    (f"{CT} {{three}} --consumer.config {{client}} --command-config {{client}}", ""),
    ("kafka-consumer-perf-test --bootstrap-server bad --topic verified --num-records 3", ""),

    (f"{TEN} all --record-size 20", ""),
    (f"{TEN} 1 --record-size 20", ""),
    (f"{ET} --num-records 1001 --producer-acks 1 --record-size 20", ""),
    (f"{TEN} all --record-size 20 --record-key-size 3 --num-headers 2"
     " --record-header-key-size 4 --record-header-size 5", ""),
    (f"{TEN} all --record-size 20 --num-headers 2 --record-header-size -1", ""),
    (f"{TEN} 1 --record-size 20 --command-config {{client}}", ""),
    (f"{TEN} 1 --record-size 20 --command-config /nonexistent", ""),
    (f"{TEN} 1 --record-size 0", ""),
    (f"{TEN} 1 --record-size 1 word", ""),
    (f"{TEN} 0 --record-size 20", ""),
    (f"{TEN} 1 --record-size -1", ""),
    (f"{TEN} 1 --record-size x", ""),
    (f"{TEN} 1 --record-size 5 --num-headers -1", ""),
    (f"{TEN} 1 --record-size 5 --record-key-size -1", ""),
    (f"{TEN} 1 --record-size 5 --record-header-key-size -1", ""),
    (f"{TEN} 1 --record-size 5 --record-header-size -2", ""),
    (f"{TEN} 1", ""),
    (f"{ET} --num-records 10 --record-size 1", ""),
    (f"{ET} --producer-acks 1 --record-size 1", ""),
    (f"{ET} --num-records 0 --producer-acks 1 --record-size 5", ""),
    (f"{ET} --nosuch", ""),
    (f"{E2E} --num-records 10 --producer-acks 1 --record-size 1", ""),
    ("kafka-e2e-latency --bootstrap-server bad --topic latency --num-records 1 --producer-acks 1"
     " --record-size 1", ""),
    ("kafka-e2e-latency {b} latency 10 1 20", ""),
    ("kafka-e2e-latency {b} latency 10 all 20 {client}", ""),
    ("kafka-e2e-latency {b} latency 10 all 20 /nonexistent", ""),
    ("kafka-e2e-latency {b} latency 10 0 20", ""),
    ("kafka-e2e-latency {b} latency x 1 20", ""),
    ("kafka-e2e-latency a b c", ""),
]
CASES = [(line.replace("{three}", "--num-records 3"), given) for line, given in CASES]

# (part of the case, what differs, why).
KNOWN = [
    (f"{VP} --help", "stdout", "the usage is our own"),
    (f"{VC} --help", "stdout", "the usage is our own"),
    ("kafka-verifiable-producer --bootstrap-server bad", "stderr", "ours says what is wrong"),
    ("kafka-consumer-perf-test --bootstrap-server bad", "stderr", "ours says what is wrong"),
    ("kafka-e2e-latency --bootstrap-server bad", "stderr", "ours says what is wrong"),
    ("--assignment-strategy nosuch", "stderr", "ours says what is wrong"),
    ("--reset-policy nosuch", "stderr", "ours has fewer choices"),
]
