# SPDX-License-Identifier: Apache-2.0
"""Command lines of kafka-configs."""

from lines import ALTER, CONFIGS, DESCRIBE

# Entities of kafka-configs that ours does not serve.
UNSERVED = ["client c", "client-defaults", "user u", "user-defaults", "ip 127.0.0.1", "ip-defaults",
            "entity-type users --entity-name u", "client-metrics m"]

CASES = [
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
]

FILES = {"add": "retention.ms=7\nsegment.bytes=1048577\n"}
