# SPDX-License-Identifier: Apache-2.0
"""Command lines of the tools that look at and after a cluster as a whole."""

VERSIONS = "kafka-broker-api-versions --bootstrap-server {b}"
CLUSTER = "kafka-cluster"
ID = f"{CLUSTER} cluster-id --bootstrap-server {{b}}"
ENDPOINTS = f"{CLUSTER} list-endpoints --bootstrap-server {{b}}"
UNREGISTER = f"{CLUSTER} unregister --bootstrap-server {{b}}"
# Nobody listens there.
NOWHERE = "--bootstrap-server 127.0.0.1:1 --command-config {short}"

CASES = [
    # --- kafka-broker-api-versions
    (VERSIONS, ""),
    (f"{VERSIONS} extra", ""),
    (f"{VERSIONS} --help", ""),
    ("kafka-broker-api-versions --", ""),
    ("kafka-broker-api-versions --version", ""),
    ("kafka-broker-api-versions --command-config {client}", ""),
    ("kafka-broker-api-versions --bootstrap-server bad", ""),
    (f"{VERSIONS} --bootstrap-server {{b}}", ""),
    (f"{VERSIONS} --bootstrap-server", ""),
    (f"{VERSIONS} --nosuch", ""),
    (f"{VERSIONS} --json", ""),
    (f"{VERSIONS} --command-config /nonexistent", ""),
    (f"{VERSIONS} --command-config {{client}}", ""),
    # --- kafka-cluster
    (CLUSTER, ""),
    (f"{CLUSTER} -h", ""),
    (f"{CLUSTER} --verbose", ""),
    (f"{CLUSTER} nosuch", ""),
    (f"{CLUSTER} --bootstrap-server {{b}} cluster-id", ""),
    (f"{CLUSTER} cluster-id", ""),
    (f"{CLUSTER} cluster-id -h", ""),
    (f"{CLUSTER} cluster-id -b {{b}}", ""),
    (f"{CLUSTER} cluster-id -b{{b}}", ""),
    (f"{CLUSTER} cluster-id -b={{b}}", ""),
    (f"{CLUSTER} cluster-id --boot {{b}}", ""),
    (f"{CLUSTER} cluster-id --bootstrap-server={{b}}", ""),
    (f"{CLUSTER} cluster-id --bootstrap-server --config x", ""),
    (f"{CLUSTER} cluster-id --bootstrap-server bad", ""),
    (f"{CLUSTER} cluster-id --bootstrap-controller {{b}}", ""),
    (f"{CLUSTER} cluster-id -C {{b}}", ""),
    (f"{CLUSTER} cluster-id {NOWHERE}", ""),
    (ID, ""),
    (f"{ID} extra", ""),
    (f"{ID} --nosuch", ""),
    (f"{ID} --nosuch=5", ""),
    (f"{ID} --json", ""),
    (f"{ID} --id 5", ""),
    (f"{ID} --bootstrap-server {{b}}", ""),
    (f"{ID} --bootstrap-controller {{b}}", ""),
    (f"{ID} --conf {{client}}", ""),
    (f"{ID} --config {{client}}", ""),
    (f"{ID} --config /nonexistent", ""),
    (f"{ID} --command-config {{client}}", ""),
    (f"{ID} -c /nonexistent", ""),
    (f"{ID} --config {{client}} --command-config {{client}}", ""),
    (f"{CLUSTER} list-endpoints", ""),
    (f"{CLUSTER} list-endpoints -h", ""),
    (f"{CLUSTER} list-endpoints --bootstrap-controller {{b}}", ""),
    (f"{CLUSTER} list-endpoints --bootstrap-controller {{b}} --include-fenced-brokers", ""),
    (ENDPOINTS, ""),
    (f"{ENDPOINTS} --include-fenced-brokers", ""),
    (f"{ENDPOINTS} --include-fenced-brokers=x", ""),
    (f"{CLUSTER} unregister", ""),
    (f"{CLUSTER} unregister -h", ""),
    (f"{CLUSTER} unregister --id 77", ""),
    (f"{CLUSTER} unregister --id 77 --bootstrap-controller {{b}}", ""),
    (f"{CLUSTER} unregister --id 77 {NOWHERE}", ""),
    (UNREGISTER, ""),
    (f"{UNREGISTER} --id 77", ""),
    (f"{UNREGISTER} -i 77", ""),
    (f"{UNREGISTER} --id -1", ""),
    (f"{UNREGISTER} --id x", ""),
    (f"{UNREGISTER} --id 99999999999", ""),
]

KNOWN = [
    (f"{CLUSTER} -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} cluster-id -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} list-endpoints -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} unregister -h", "stdout", "the usage is our own"),
]
