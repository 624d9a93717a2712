# SPDX-License-Identifier: Apache-2.0
"""Command lines of the tools that look at and after a cluster as a whole."""

from lines import PRODUCE, TOPICS

VERSIONS = "kafka-broker-api-versions --bootstrap-server {b}"
CLUSTER = "kafka-cluster"
ID = f"{CLUSTER} cluster-id --bootstrap-server {{b}}"
ENDPOINTS = f"{CLUSTER} list-endpoints --bootstrap-server {{b}}"
UNREGISTER = f"{CLUSTER} unregister --bootstrap-server {{b}}"
FEATURES = "kafka-features --bootstrap-server {b}"
LEVELS = "kafka-features version-mapping"
NEEDS = "kafka-features feature-dependencies"
# Nobody listens there.
NOWHERE = "--bootstrap-server 127.0.0.1:1 --command-config {short}"
DIRS = "kafka-log-dirs --bootstrap-server {b}"
QUORUM = "kafka-metadata-quorum --bootstrap-server {b}"
DIRECTORY = "bW9sZGF1LWNvbXBhdC10ZQ"
ELECT = "kafka-leader-election --bootstrap-server {b}"
PREFERRED = f"{ELECT} --election-type preferred"

# Files for kafka-leader-election.
ELECTIONS = {
    "elect_some": """{"partitions":[{"topic":"l1","partition":0},{"topic":"l1","partition":3},
        {"topic":"l2","partition":1}]}""",
    "elect_nope": """{"partitions":[{"topic":"l1","partition":0},{"topic":"nope","partition":3},
        {"topic":"l2","partition":0}]}""",
    "elect_twice": """{"partitions":[{"topic":"a","partition":1},{"topic":"a","partition":1},
        {"topic":"b","partition":1},{"topic":"b","partition":1},{"topic":"c","partition":1}]}""",
    "elect_nonsense": "nonsense",
    "elect_missing": """{"version":1}""",
    "elect_none": """{"partitions":[]}""",
    "elect_part": """{"partitions":[{"topic":"l1"}]}""",
    "elect_word": """{"partitions":[{"topic":"l1","partition":"x"}]}""",
    "elect_number": """{"partitions":[{"topic":7,"partition":0}]}""",
    "elect_object": """{"partitions":{}}""",
    "elect_array": "[]",
    "elect_item": """{"partitions":[7]}""",
}
REASSIGN = "kafka-reassign-partitions --bootstrap-server {b}"
GENERATE = f"{REASSIGN} --generate --topics-to-move-json-file"

# Files for kafka-reassign-partitions.
TOPICS_TO_MOVE = {
    "move_some": """{"topics":[{"topic":"l2"},{"topic":"l1"}],"version":1}""",
    "move_nope": """{"topics":[{"topic":"nope"}],"version":1}""",
    "move_twice": """{"topics":[{"topic":"l1"},{"topic":"l1"}],"version":1}""",
    "move_none": """{"topics":[],"version":1}""",
    "move_version": """{"topics":[{"topic":"l1"}],"version":2}""",
    "move_missing": """{"version":1}""",
    "move_nonsense": "nonsense",
}
PLANS = {
    "plan_some": """{"version":1,"partitions":[
        {"topic":"l2","partition":11,"replicas":[1],"log_dirs":["any"]},
        {"topic":"l2","partition":2,"replicas":[1]},
        {"topic":"l1","partition":1,"replicas":[1]}]}""",
    "plan_one": """{"version":1,"partitions":[{"topic":"l1","partition":1,"replicas":[1]}]}""",
    "plan_topic": """{"version":1,"partitions":[{"topic":"nope","partition":0,"replicas":[1]},
        {"topic":"l1","partition":9,"replicas":[1]}]}""",
    "plan_partition": """{"version":1,"partitions":[
        {"topic":"l1","partition":9,"replicas":[1]}]}""",
    "plan_dir": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[1],
        "log_dirs":["/nonexistent"]}]}""",
    "plan_none": """{"version":1,"partitions":[]}""",
    "plan_missing": """{"version":1}""",
    "plan_empty": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[]}]}""",
    "plan_dirs": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[1],
        "log_dirs":["a","b"]}]}""",
    "plan_part": """{"version":1,"partitions":[{"topic":"l1","partition":0}]}""",
    "plan_word": """{"version":1,"partitions":[{"topic":"l1","partition":"x","replicas":[1]}]}""",
    "plan_version": """{"version":2,"partitions":[]}""",
    "plan_nonsense": "nonsense",
}
BAD_PLANS = {
    "plan_broker": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[1,2]}]}""",
    "plan_same": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[1,1]},
        {"topic":"l1","partition":1,"replicas":[1,2,1,2]}]}""",
    "plan_twice": """{"version":1,"partitions":[{"topic":"l1","partition":0,"replicas":[1]},
        {"topic":"l1","partition":0,"replicas":[1]}]}""",
}

CASES = [
    # Kafka's broker has their logs some time after its controller has made them.
    (f"{TOPICS} --create --topic l1 --partitions 5", ""),
    (f"{TOPICS} --create --topic l2 --partitions 20", ""),
    (f"{PRODUCE} --topic l1", "a\nb\n"),
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
    # --- kafka-features
    ("kafka-features", ""),
    ("kafka-features describe", ""),
    ("kafka-features --bootstrap-controller {b} describe", ""),
    ("kafka-features --bootstrap-server bad describe", ""),
    (f"kafka-features {NOWHERE} describe", ""),
    (f"kafka-features {NOWHERE} upgrade --feature group.version=1", ""),
    (FEATURES, ""),
    (f"{FEATURES} -h", ""),
    (f"{FEATURES} nosuch", ""),
    (f"{FEATURES} --nosuch describe", ""),
    (f"{FEATURES} --bootstrap-controller {{b}} describe", ""),
    (f"{FEATURES} --command-config /nonexistent describe", ""),
    (f"{FEATURES} --command-config {{client}} describe", ""),
    (f"{FEATURES} describe", ""),
    (f"{FEATURES} describe extra", ""),
    (f"{FEATURES} describe --json", ""),
    (f"{FEATURES} describe --node-id 1", ""),
    (f"{FEATURES} describe --node-id x", ""),
    (f"{FEATURES} --command-config {{short}} describe --node-id 7", ""),
    *((f"{FEATURES} upgrade {words}", "") for words in (
        "", "-h", "--feature", "--metadata 3.7-IV0", "--metadata 9.9 --dry-run",
        "--metadata 4.3-IV0 --dry-run", "--metadata 4.3 --feature metadata.version=30",
        "--release-version 4.3 --dry-run", "--release-version 3.7 --dry-run",
        "--release-version nope", "--release-version 4.3 --metadata 4.3",
        "--release-version 4.3 --feature group.version=1", "--unsafe")),
    *((f"{FEATURES} upgrade --dry-run --feature {words}", "") for words in (
        "group.version=1", "nope=1", "group.version=1 --feature nope=1", "group.version",
        "group.version=x", "group.version=", "group.version=9", "group.version=-1",
        "group.version=70000", "a=b=1", "=1", "kraft.version=1",
        "transaction.version=2 --feature share.version=1",
        "group.version=1 --feature group.version=1")),
    *((f"{FEATURES} downgrade {words}", "") for words in (
        "", "--metadata 3.7 --dry-run", "--metadata 3.7 --unsafe --dry-run",
        "--feature transaction.version=1 --dry-run", "--release-version 4.0 --dry-run",
        "--feature streams.version=0")),
    (f"{FEATURES} upgrade --feature streams.version=1", ""),
    *((f"{FEATURES} disable {words}", "") for words in (
        "", "--metadata 4.3", "--feature nope", "--feature group.version=1 --dry-run",
        "--feature group.version --feature transaction.version --unsafe --dry-run",
        "--feature group.version --feature group.version", "--feature metadata.version",
        "--feature streams.version")),
    (f"{FEATURES} upgrade --feature streams.version=1", ""),
    (LEVELS, ""),
    *((f"{LEVELS} --release-version {release}", "") for release in (
        "3.7", "3.7-IV0", "4.0-IV1", "4.2", "4.3", "3.2", "nope")),
    (NEEDS, ""),
    *((f"{NEEDS} --feature {words}", "") for words in (
        "group.version=1", "group.version=0 --feature nope=2", "nope=1", "group.version",
        "group.version=x", "group.version=9", "metadata.version=20", "metadata.version=99",
        "eligible.leader.replicas.version=0 --feature eligible.leader.replicas.version=1",
        "transaction.version=2 --feature share.version=1 --feature kraft.version=1")),
    # --- kafka-log-dirs
    (f"{DIRS} --describe", ""),
    ("kafka-log-dirs --describe", ""),
    ("kafka-log-dirs --version", ""),
    (f"{DIRS} --help", ""),
    (DIRS, ""),
    (f"{DIRS} --describe --nosuch", ""),
    (f"{DIRS} --describe --json", ""),
    (f"kafka-log-dirs {NOWHERE} --describe", ""),
    ("kafka-log-dirs --bootstrap-server bad --describe", ""),
    *((f"{DIRS} --describe --topic-list {words}", "") for words in (
        "l1", "l1 extra", "l1,nope", "l1,", "l2,l1", "nope", "l1 --topic-list l2",
        "l1 --command-config {client}", "l1 --command-config /nonexistent")),
    (f"{DIRS} --describe --topic-list", ""),
    *((f"{DIRS} --describe --topic-list l1 --broker-list {words}", "") for words in (
        "1", "1,1", ",1", "1,2", "3,2,9,5", "x", "1 --broker-list 1")),
    # --- kafka-metadata-quorum
    ("kafka-metadata-quorum", ""),
    ("kafka-metadata-quorum -h", ""),
    ("kafka-metadata-quorum describe", ""),
    ("kafka-metadata-quorum --bootstrap-controller {b} describe --status", ""),
    ("kafka-metadata-quorum --bootstrap-controller {b} describe --replication", ""),
    ("kafka-metadata-quorum --bootstrap-server bad describe --status", ""),
    (f"kafka-metadata-quorum {NOWHERE} describe --status", ""),
    (f"kafka-metadata-quorum {NOWHERE} describe --replication", ""),
    (QUORUM, ""),
    (f"{QUORUM} --bootstrap-controller {{b}} describe --status", ""),
    (f"{QUORUM} --command-config /nonexistent describe --status", ""),
    (f"{QUORUM} --command-config {{client}} describe --status", ""),
    *((f"{QUORUM} describe {words}", "") for words in (
        "", "-h", "extra", "--status", "--replication", "--re", "--replication --human-readable",
        "--re --hu", "--human-readable", "--status --human-readable", "--status --replication",
        "--replication --status --human-readable", "--status --json")),
    (f"{QUORUM} add-controller", ""),
    (f"{QUORUM} add-controller -h", ""),
    (f"{QUORUM} add-controller --dry-run", ""),
    (f"{QUORUM} --command-config {{client}} add-controller", ""),
    (f"{QUORUM} remove-controller", ""),
    (f"{QUORUM} remove-controller -h", ""),
    (f"{QUORUM} remove-controller --controller-id 1", ""),
    (f"{QUORUM} remove-controller -i x -d {DIRECTORY}", ""),
    (f"{QUORUM} remove-controller -i -1 -d {DIRECTORY}", ""),
    (f"{QUORUM} remove-controller -i 1 -d {DIRECTORY}", ""),
    (f"{QUORUM} remove-controller -i 1 -d {DIRECTORY} --dry-run", ""),
    *((f"{QUORUM} remove-controller --controller-id 1 --controller-directory-id {word}", "")
      for word in ("x", "xx", "!!", "AAAA", "AAAAAAAAA", "a" * 23, "a" * 25)),
    # --- kafka-leader-election
    ("kafka-leader-election --version", ""),
    ("kafka-leader-election --all-topic-partitions", ""),
    ("kafka-leader-election --election-type preferred --all-topic-partitions", ""),
    ("kafka-leader-election --bootstrap-server bad --election-type preferred --topic l1"
     " --partition 0", ""),
    (f"kafka-leader-election {NOWHERE} --election-type preferred --topic l1 --partition 0", ""),
    (ELECT, ""),
    (f"{ELECT} --help", ""),
    (f"{ELECT} --nosuch", ""),
    (f"{ELECT} --election-type nope --all-topic-partitions", ""),
    (f"{ELECT} --election-type unclean --all-topic-partitions", ""),
    (f"{ELECT} --election-type UNCLEAN --topic l1 --partition 0", ""),
    *((f"{PREFERRED} {words}", "") for words in (
        "", "--all-topic-partitions", "--all-topic-partitions extra", "--topic l1",
        "--topic l1 --partition 0", "--topic l1 --partition 9", "--topic l1 --partition x",
        "--topic l1 --partition -1", "--topic nope --partition 0", "--partition 1",
        "--topic l1 --topic l2 --partition 0", "--topic l1 --partition 0 --partition 1",
        "--topic l1 --partition 0 --all-topic-partitions", "--all-topic-partitions --partition 0",
        "--election-type unclean --all-topic-partitions", "--path-to-json-file /nonexistent",
        "--topic l1 --partition 0 --json", "--all-topic-partitions --admin.config /nonexistent",
        "--all-topic-partitions --admin.config {client}",
        "--all-topic-partitions --command-config {client}",
        "--all-topic-partitions --command-config /nonexistent",
        "--all-topic-partitions --command-config {client} --admin.config {client}")),
    *((f"{PREFERRED} --path-to-json-file {{{name}}}", "") for name in ELECTIONS),
    (f"{ELECT} --election-type unclean --path-to-json-file {{elect_nope}}", ""),
    # --- kafka-reassign-partitions
    ("kafka-reassign-partitions --version", ""),
    ("kafka-reassign-partitions --list", ""),
    ("kafka-reassign-partitions --additional", ""),
    ("kafka-reassign-partitions --bootstrap-server bad --list", ""),
    ("kafka-reassign-partitions --bootstrap-controller {b} --list", ""),
    ("kafka-reassign-partitions --bootstrap-controller {b} --verify"
     " --reassignment-json-file {plan_one}", ""),
    (f"kafka-reassign-partitions {NOWHERE} --list", ""),
    (REASSIGN, ""),
    *((f"{REASSIGN} {words}", "") for words in (
        "--help", "--nosuch", "--list", "--list --list", "--list extra", "--list --json",
        "--list --execute", "--list --additional", "--list --timeout 5",
        "--list --bootstrap-controller {b}", "--list --command-config /nonexistent",
        "--list --command-config {client}", "--generate", "--generate --throttle 5", "--execute",
        "--verify", "--cancel")),
    (f"{GENERATE} /nonexistent --broker-list 1", ""),
    (f"{GENERATE} {{move_some}}", ""),
    *((f"{GENERATE} {{{name}}} --broker-list 1", "") for name in TOPICS_TO_MOVE),
    *((f"{GENERATE} {{move_some}} --broker-list {words}", "") for words in (
        "1 --disable-rack-aware", "2", "1,2", "1,1", ",1", ",", "x", "1 --throttle 5")),
    (f"{REASSIGN} --execute --reassignment-json-file /nonexistent", ""),
    *((f"{REASSIGN} --execute --reassignment-json-file {{{name}}}", "")
      for name in (*PLANS, *BAD_PLANS)),
    *((f"{REASSIGN} --execute --reassignment-json-file {{plan_some}} {words}", "") for words in (
        "--throttle x", "--throttle -1", "--additional --timeout 500", "--preserve-throttles",
        "--disallow-replication-factor-change")),
    (f"{REASSIGN} --execute --reassignment-json-file {{plan_some}} --throttle 1000"
     " --replica-alter-log-dirs-throttle 2000", ""),
    *((f"{REASSIGN} --verify --reassignment-json-file {{{name}}}", "") for name in PLANS),
    *((f"{REASSIGN} --verify --reassignment-json-file {{plan_some}} {words}", "") for words in (
        "--preserve-throttles", "--throttle 5", "--timeout 5")),
    *((f"{REASSIGN} --cancel --reassignment-json-file {{{name}}}", "") for name in PLANS),
    *((f"{REASSIGN} --cancel --reassignment-json-file {{plan_some}} {words}", "") for words in (
        "--preserve-throttles", "--throttle 5", "--timeout 5")),
]

KNOWN = [
    (f"{CLUSTER} -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} cluster-id -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} list-endpoints -h", "stdout", "the usage is our own"),
    (f"{CLUSTER} unregister -h", "stdout", "the usage is our own"),
    (f"{FEATURES} -h", "stdout", "the usage is our own"),
    (f"{FEATURES} upgrade -h", "stdout", "the usage is our own"),
    ("kafka-metadata-quorum -h", "stdout", "the usage is our own"),
    (f"{QUORUM} describe -h", "stdout", "the usage is our own"),
    (f"{QUORUM} add-controller -h", "stdout", "the usage is our own"),
    (f"{QUORUM} remove-controller -h", "stdout", "the usage is our own"),
    (f"{QUORUM} --command-config {{client}} add-controller", "stderr", "this is not served"),
    ("--reassignment-json-file {plan_nonsense}", "stdout", "Kafka quotes its parser"),
]

FILES = {**ELECTIONS, **TOPICS_TO_MOVE, **PLANS, **BAD_PLANS}
