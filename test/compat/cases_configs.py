# SPDX-License-Identifier: Apache-2.0
"""DescribeConfigs, AlterConfigs, IncrementalAlterConfigs, ListConfigResources."""

from talk import case, case_for_all, case_for_each, case_in_each_version

TOPIC, BROKER, LOGGER, METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def describe(t, label, *resources, version=4, include_synonyms=True, **options):
    """`resources` are (type, name, keys)."""
    if version >= 3:
        options.setdefault("include_documentation", False)
    answer = t.quietly("describe_configs", version, {"resources": [
        {"resource_type": kind, "resource_name": name, "configuration_keys": keys}
        for kind, name, keys in resources], "include_synonyms": include_synonyms, **options})
    for result in answer["results"] if isinstance(answer, dict) else ():
        result["configs"] = sorted(result["configs"] or (), key=lambda one: one["name"])
    t.note_answer(label, answer)
    return answer


def alter(t, label, *resources, version=1, validate_only=False):
    """`resources` are (type, name, [(key, operation, value)])."""
    return t.ask(label, "incremental_alter_configs", version, {"resources": [
        {"resource_type": kind, "resource_name": name, "configs": [
            {"name": key, "config_operation": operation, "value": value}
            for key, operation, value in items]}
        for kind, name, items in resources], "validate_only": validate_only})


def replace(t, label, *resources, version=2, validate_only=False):
    """As alter(), with AlterConfigs; items are (key, value)."""
    return t.ask(label, "alter_configs", version, {"resources": [
        {"resource_type": kind, "resource_name": name,
         "configs": [{"name": key, "value": value} for key, value in items]}
        for kind, name, items in resources], "validate_only": validate_only})


def applied(t):
    """What was altered before this is known to the broker behind it: metadata has an order."""
    t.topic()


def of(t, kind, name):
    """The name of a resource of this case."""
    if name != "(own)":
        return name
    return t.topic()[0] if kind == TOPIC else t.name


def try_items(t, kind, name, items):
    """Alters, looks at what became of it, and takes it back."""
    name = of(t, kind, name)
    keys = sorted({key for key, _, _ in items}) or ["no.such"]
    alter(t, "validated", (kind, name, items), validate_only=True)
    applied(t)
    describe(t, "behind the validation", (kind, name, keys))
    alter(t, "altered", (kind, name, items))
    applied(t)
    describe(t, "behind it", (kind, name, keys))
    if kind == BROKER:
        describe(t, "all brokers behind it", (BROKER, "", keys))
    for key in keys:
        t.quietly("incremental_alter_configs", 1, {"resources": [{
            "resource_type": kind, "resource_name": name, "configs": [
                {"name": key, "config_operation": DELETE, "value": None}]}]})
    applied(t)
    describe(t, "taken back", (kind, name, keys))


# --- what there is ----------------------------------------------------------------------------

OF_THE_NODE = {"advertised.listeners", "listeners", "log.dir", "log.dirs", "node.id", "broker.id",
               "controller.listener.names", "controller.quorum.voters", "process.roles",
               "listener.security.protocol.map", "offsets.topic.replication.factor",
               "transaction.state.log.replication.factor", "transaction.state.log.min.isr",
               "share.coordinator.state.topic.replication.factor",
               "share.coordinator.state.topic.min.isr", "group.initial.rebalance.delay.ms",
               "broker.session.timeout.ms", "broker.heartbeat.interval.ms", "min.insync.replicas"}


@case
def configs_of_the_broker_in_full(t):
    """Names, types and modes of all, values of those that the two nodes have in common."""
    answer = t.quietly("describe_configs", 4, {"resources": [
        {"resource_type": BROKER, "resource_name": "1", "configuration_keys": None}],
        "include_synonyms": True})
    for one in sorted(answer["results"][0]["configs"], key=lambda one: one["name"]):
        if one["name"] in OF_THE_NODE:
            for key in ("value", "config_source", "synonyms", "documentation"):
                del one[key]
        t.note_answer(one.pop("name"), one)


@case
def configs_of_a_topic_in_full(t):
    name, _ = t.topic(retention_ms="5", segment_bytes="2000000")
    describe(t, "all", (TOPIC, name, None))
    answer = t.quietly("describe_configs", 4, {"resources": [
        {"resource_type": TOPIC, "resource_name": name, "configuration_keys": None}],
        "include_documentation": True})
    for one in answer["results"][0]["configs"]:
        t.note(f"{one['name']} has a documentation", bool(one["documentation"]))


@case_in_each_version("describe_configs")
def configs_described(t, version):
    name, _ = t.topic(retention_ms="12345")
    some = ["retention.ms", "segment.bytes", "no.such"]
    keys = ["log.segment.bytes", "num.partitions", "log.retention.ms", "message.max.bytes",
            "auto.create.topics.enable", "ssl.keystore.password"]
    for word, options in (("plain", {"include_synonyms": False}), ("synonyms", {})):
        describe(t, f"topic {word}", (TOPIC, name, some), version=version, **options)
        describe(t, f"broker {word}", (BROKER, "1", keys), version=version, **options)
        describe(t, f"all brokers {word}", (BROKER, "", keys), version=version, **options)
    describe(t, "no key", (TOPIC, name, []), version=version)
    describe(t, "several", (TOPIC, name, some), (BROKER, "1", keys), (TOPIC, "no-such", None),
             version=version)


@case_for_each([
    ("unknown topic", TOPIC, "no-such"), ("bad topic", TOPIC, "a/b"), ("empty topic", TOPIC, ""),
    ("another broker", BROKER, "77"), ("no number", BROKER, "x"), ("type 0", 0, "x"),
    ("type 1", 1, "x"), ("type 3", 3, "x"), ("type 64", 64, "x"), ("type 99", 99, "x"),
    ("type -1", -1, "x"), ("logger of another broker", LOGGER, "77"),
    ("logger of nobody", LOGGER, ""), ("logger of a word", LOGGER, "x"),
    ("metrics of no name", METRICS, ""), ("metrics that are not", METRICS, "no-such"),
    ("group of no name", GROUP, ""), ("group that is not", GROUP, "no-such")])
def configs_described_of_what_cannot_be(t, label, kind, name):
    describe(t, label, (kind, name, None))
    describe(t, f"{label}, twice", (kind, name, ["x"]), (kind, name, None))
    describe(t, f"{label}, v1", (kind, name, None), version=1)


# --- topics -----------------------------------------------------------------------------------

LEVELS = [(f"compression.{codec}.level", level) for codec, levels in
          {"gzip": (-1, 0, 9, 10), "lz4": (0, 17, 18), "zstd": (-131073, 22, 23)}.items()
          for level in map(str, levels)]

TOPIC_ITEMS = [
    *((f"{key} {value}", [(key, SET, value)]) for key, value in LEVELS),
    ("set", [("retention.ms", SET, "1000")]),
    ("two", [("retention.ms", SET, "1000"), ("segment.bytes", SET, "2000000")]),
    ("good and bad", [("retention.ms", SET, "1000"), ("segment.bytes", SET, "x")]),
    ("to the default", [("retention.ms", SET, "604800000")]),
    ("with blanks", [("retention.ms", SET, " 77 ")]),
    ("no number", [("retention.ms", SET, "x")]), ("empty", [("retention.ms", SET, "")]),
    ("null", [("retention.ms", SET, None)]), ("too small", [("retention.ms", SET, "-2")]),
    ("too large", [("segment.bytes", SET, "2147483648")]),
    ("unknown", [("no.such", SET, "1")]), ("no name", [("", SET, "1")]),
    ("delete what is not", [("retention.ms", DELETE, None)]),
    ("delete with a value", [("retention.ms", DELETE, "5")]),
    ("delete what nobody knows", [("no.such", DELETE, None)]),
    ("append to a list", [("leader.replication.throttled.replicas", APPEND, "0:1,1:1")]),
    ("append twice the same", [("cleanup.policy", APPEND, "delete")]),
    ("append nothing", [("leader.replication.throttled.replicas", APPEND, "")]),
    ("append null", [("cleanup.policy", APPEND, None)]),
    ("append what is no choice", [("cleanup.policy", APPEND, "no")]),
    ("subtract what is not", [("cleanup.policy", SUBTRACT, "compact")]),
    ("subtract null", [("cleanup.policy", SUBTRACT, None)]),
    ("append to a number", [("retention.ms", APPEND, "5")]),
    ("subtract from a number", [("retention.ms", SUBTRACT, "5")]),
    ("append to a text", [("compression.type", APPEND, "gzip")]),
    ("append to what nobody knows", [("no.such", APPEND, "5")]),
    ("twice", [("retention.ms", SET, "1"), ("retention.ms", SET, "2")]),
    ("set and delete", [("retention.ms", SET, "1"), ("retention.ms", DELETE, None)]),
    ("operation 4", [("retention.ms", 4, "1")]), ("operation -1", [("retention.ms", -1, "1")]),
    ("nothing", []),
    ("bool", [("preallocate", SET, "TRUE")]), ("no bool", [("preallocate", SET, "yes")]),
    ("double", [("min.cleanable.dirty.ratio", SET, "0.25")]),
    ("no double", [("min.cleanable.dirty.ratio", SET, "2")]),
    ("a replica list", [("leader.replication.throttled.replicas", SET, "x")]),
    ("a star", [("leader.replication.throttled.replicas", SET, "*")]),
    ("a broker's key", [("log.retention.ms", SET, "1")]),
    ("an older key", [("message.format.version", SET, "3.0")]),
    ("lag above the other", [("min.compaction.lag.ms", SET, "100"),
                             ("max.compaction.lag.ms", SET, "50")]),
    ("local above the whole", [("local.retention.ms", SET, "2000"), ("retention.ms", SET, "1000")]),
    ("sets an internal one", [("internal.segment.bytes", SET, "1000")]),
]


@case_for_each(TOPIC_ITEMS)
def configs_of_a_topic_altered(t, label, items):
    try_items(t, TOPIC, "(own)", items)


@case_for_each([
    ("unknown topic", TOPIC, "no-such"), ("bad topic", TOPIC, "a/b"), ("no topic", TOPIC, ""),
    ("another broker", BROKER, "77"), ("no number", BROKER, "x"), ("type 0", 0, "x"),
    ("type 1", 1, "x"), ("type 3", 3, "x"), ("type 64", 64, "x"), ("type 99", 99, "x"),
    ("type -1", -1, "x"), ("logger of another broker", LOGGER, "77"),
    ("logger of nobody", LOGGER, ""), ("logger of a word", LOGGER, "x"),
    ("metrics of no name", METRICS, ""), ("group of no name", GROUP, "")])
def configs_altered_of_what_cannot_be(t, label, kind, name):
    items = [("retention.ms" if kind == TOPIC else "log.retention.ms", SET, "1000")]
    alter(t, "one", (kind, name, items))
    alter(t, "nothing of it", (kind, name, []))
    alter(t, "twice", (kind, name, items), (kind, name, items))
    alter(t, "validated, v0", (kind, name, items), version=0, validate_only=True)
    replace(t, "replaced", (kind, name, [(items[0][0], "1000")]))
    replace(t, "replaced by nothing", (kind, name, []))


@case_in_each_version("incremental_alter_configs")
def configs_altered_in_each_version(t, version):
    name, _ = t.topic(retention_ms="7")
    items = [("retention.ms", DELETE, None), ("segment.bytes", SET, "3000000")]
    alter(t, "validated", (TOPIC, name, items), version=version, validate_only=True)
    describe(t, "validated only", (TOPIC, name, ["retention.ms", "segment.bytes"]))
    alter(t, "altered", (TOPIC, name, items), (TOPIC, "no-such", items), version=version)
    applied(t)
    describe(t, "altered", (TOPIC, name, ["retention.ms", "segment.bytes"]))
    alter(t, "nothing", version=version)
    alter(t, "a topic twice", (TOPIC, name, items), (TOPIC, name, []), version=version)


@case_in_each_version("alter_configs")
def configs_replaced_in_each_version(t, version):
    name, _ = t.topic(retention_ms="7", segment_bytes="2000000")
    keys = ["retention.ms", "segment.bytes", "flush.messages"]
    replace(t, "validated", (TOPIC, name, [("flush.messages", "1")]), version=version,
            validate_only=True)
    describe(t, "validated only", (TOPIC, name, keys))
    replace(t, "replaced", (TOPIC, name, [("flush.messages", "1"), ("retention.ms", "8")]),
            version=version)
    applied(t)
    describe(t, "replaced", (TOPIC, name, keys))
    replace(t, "by nothing", (TOPIC, name, []), version=version)
    applied(t)
    describe(t, "by nothing", (TOPIC, name, keys))
    replace(t, "nothing", version=version)


@case_for_each([
    ("unknown", [("no.such", "1")]), ("null", [("retention.ms", None)]),
    ("twice", [("retention.ms", "1"), ("retention.ms", "2")]), ("bad", [("retention.ms", "x")]),
    ("good and bad", [("flush.messages", "1"), ("retention.ms", "x")])])
def configs_replaced_badly(t, label, items):
    name, _ = t.topic(retention_ms="7")
    replace(t, label, (TOPIC, name, items))
    applied(t)
    describe(t, "as it was", (TOPIC, name, ["retention.ms", "flush.messages"]))


# --- brokers ----------------------------------------------------------------------------------

BROKER_ITEMS = [
    ("log.retention.ms", [("log.retention.ms", SET, "7200000")]),
    ("log.retention.hours", [("log.retention.hours", SET, "5")]),
    ("log.retention.minutes", [("log.retention.minutes", SET, "5")]),
    ("log.retention.bytes", [("log.retention.bytes", SET, "100000")]),
    ("log.roll.ms", [("log.roll.ms", SET, "100000")]),
    ("log.segment.bytes", [("log.segment.bytes", SET, "2000000")]),
    ("log.segment.bytes too small", [("log.segment.bytes", SET, "1")]),
    ("message.max.bytes", [("message.max.bytes", SET, "5000")]),
    ("message.max.bytes no number", [("message.max.bytes", SET, "x")]),
    ("message.max.bytes negative", [("message.max.bytes", SET, "-1")]),
    ("compression.type", [("compression.type", SET, "gzip")]),
    ("compression.type unknown", [("compression.type", SET, "x")]),
    *((f"{key} {value}", [(key, SET, value)]) for key, value in LEVELS),
    ("log.flush.interval.messages", [("log.flush.interval.messages", SET, "1")]),
    ("log.flush.interval.messages 0", [("log.flush.interval.messages", SET, "0")]),
    ("log.message.timestamp.type", [("log.message.timestamp.type", SET, "LogAppendTime")]),
    ("min.insync.replicas", [("min.insync.replicas", SET, "2")]),
    ("log.cleaner.threads", [("log.cleaner.threads", SET, "2")]),
    ("log.cleaner.threads 0", [("log.cleaner.threads", SET, "0")]),
    ("num.io.threads", [("num.io.threads", SET, "9")]),
    ("num.io.threads 0", [("num.io.threads", SET, "0")]),
    ("num.io.threads, too many more", [("num.io.threads", SET, "100")]),
    ("num.io.threads, too many less", [("num.io.threads", SET, "3")]),
    ("max.connections", [("max.connections", SET, "900")]),
    ("max.connections negative", [("max.connections", SET, "-1")]),
    ("max.connections.per.ip", [("max.connections.per.ip", SET, "900")]),
    ("max.connections.per.ip.overrides", [("max.connections.per.ip.overrides", SET,
                                           "10.0.0.1:5,h:6")]),
    ("max.connections.per.ip.overrides bad", [("max.connections.per.ip.overrides", SET, "x")]),
    ("max.connection.creation.rate", [("max.connection.creation.rate", SET, "9000")]),
    ("producer.id.expiration.ms", [("producer.id.expiration.ms", SET, "80000")]),
    ("transaction.partition.verification.enable",
     [("transaction.partition.verification.enable", SET, "false")]),
    ("unclean.leader.election.enable", [("unclean.leader.election.enable", SET, "true")]),
    ("a read-only key", [("auto.create.topics.enable", SET, "false")]),
    ("two read-only keys", [("num.partitions", SET, "2"), ("node.id", SET, "2")]),
    ("a read-only key that is deleted", [("num.partitions", DELETE, None)]),
    ("an unknown key", [("no.such", SET, "1")]),
    ("a good and an unknown key", [("message.max.bytes", SET, "5000"), ("no.such", SET, "1")]),
    ("an unknown key that is deleted", [("no.such", DELETE, None)]),
    ("a listener's key", [("listener.name.plaintext.max.connections", SET, "700")]),
    ("a password", [("ssl.keystore.password", SET, "secret")]),
    ("advertised.listeners", [("advertised.listeners", SET, "PLAINTEXT://127.0.0.1:1")]),
    ("listener.security.protocol.map", [("listener.security.protocol.map", SET, "x")]),
    ("null", [("message.max.bytes", SET, None)]),
    ("empty", [("message.max.bytes", SET, "")]),
    ("twice", [("message.max.bytes", SET, "5000"), ("message.max.bytes", SET, "6000")]),
    ("delete what is not", [("message.max.bytes", DELETE, None)]),
    ("append to a list", [("log.cleanup.policy", APPEND, "compact")]),
    ("subtract from a list", [("log.cleanup.policy", SUBTRACT, "delete")]),
    ("append to a number", [("message.max.bytes", APPEND, "5")]),
    ("operation 4", [("message.max.bytes", 4, "5")]),
    ("nothing", []),
    ("metric.reporters", [("metric.reporters", SET, "no.such.Class")]),
    ("leader.replication.throttled.rate", [("leader.replication.throttled.rate", SET, "5")]),
    ("log.cleaner.io.buffer.size", [("log.cleaner.io.buffer.size", SET, "1000000")]),
    ("remote.log.manager.copier.thread.pool.size",
     [("remote.log.manager.copier.thread.pool.size", SET, "9")]),
    ("group.share.max.groups", [("group.share.max.size", SET, "9")]),
]


@case_for_each(BROKER_ITEMS)
def configs_of_a_broker_altered(t, label, items):
    try_items(t, BROKER, "1", items)


@case_for_each(BROKER_ITEMS)
def configs_of_all_brokers_altered(t, label, items):
    try_items(t, BROKER, "", items)


@case
def configs_stand_before_each_other(t):
    """A topic's own, then the broker's, then all brokers'; the file's and the default behind."""
    name, _ = t.topic()
    keys = [(TOPIC, name, ["max.message.bytes"]), (BROKER, "1", ["message.max.bytes"]),
            (BROKER, "", ["message.max.bytes"])]

    def look(label):
        applied(t)
        describe(t, label, *keys)
        for size in (450, 1450, 2450, 3450):
            t.produce(f"{label}, {size} bytes", name, t.batch(1, value=bytes(size)))
    look("default")
    alter(t, "all brokers", (BROKER, "", [("message.max.bytes", SET, "1000")]))
    look("all brokers")
    alter(t, "the broker", (BROKER, "1", [("message.max.bytes", SET, "2000")]))
    look("the broker")
    alter(t, "the topic", (TOPIC, name, [("max.message.bytes", SET, "3000")]))
    look("the topic")
    alter(t, "not all brokers", (BROKER, "", [("message.max.bytes", DELETE, None)]))
    look("not all brokers")
    alter(t, "not the topic", (TOPIC, name, [("max.message.bytes", DELETE, None)]))
    look("not the topic")
    alter(t, "not the broker", (BROKER, "1", [("message.max.bytes", DELETE, None)]))
    look("not the broker")


@case_for_all(("1", ""))
def configs_of_brokers_replaced(t, name):
    keys = [(BROKER, "1", ["message.max.bytes", "log.retention.ms"]),
            (BROKER, "", ["message.max.bytes", "log.retention.ms"])]
    for label, items in (("two", [("message.max.bytes", "5000"), ("log.retention.ms", "70000")]),
                         ("one", [("message.max.bytes", "6000")]),
                         ("read-only", [("num.partitions", "2")]),
                         ("null", [("message.max.bytes", None)]),
                         ("bad", [("message.max.bytes", "x")]), ("nothing", [])):
        if not name:  # Kafka lets nobody take this away.
            items = [*items, ("min.insync.replicas", "1")]
        replace(t, f"{label} validated", (BROKER, name, items), validate_only=True)
        replace(t, label, (BROKER, name, items))
        applied(t)
        describe(t, f"{label} behind it", *keys)


# --- loggers ----------------------------------------------------------------------------------

LOGGER_ITEMS = [
    ("root", [("root", SET, "DEBUG")]),
    ("a class", [("kafka.server.KafkaApis", SET, "TRACE")]),
    ("in small letters", [("root", SET, "debug")]),
    ("no level", [("root", SET, "LOUD")]),
    ("no logger", [("no.such.logger", SET, "INFO")]),
    ("null", [("root", SET, None)]), ("empty", [("root", SET, "")]),
    ("delete root", [("root", DELETE, None)]),
    ("delete a class", [("kafka.server.KafkaApis", DELETE, None)]),
    ("delete no logger", [("no.such.logger", DELETE, None)]),
    ("append", [("root", APPEND, "DEBUG")]), ("subtract", [("root", SUBTRACT, "DEBUG")]),
    ("twice", [("root", SET, "INFO"), ("root", SET, "DEBUG")]),
    ("operation 4", [("root", 4, "DEBUG")]), ("nothing", []),
] + [(level, [("kafka.server.KafkaApis", SET, level)])
     for level in ("FATAL", "ERROR", "WARN", "INFO", "OFF", "ALL")]


@case_for_each(LOGGER_ITEMS)
def configs_of_loggers_altered(t, label, items):
    keys = sorted({key for key, _, _ in items}) or ["root"]
    before = describe(t, "before", (LOGGER, "1", keys))
    alter(t, "validated", (LOGGER, "1", items), validate_only=True)
    describe(t, "behind the validation", (LOGGER, "1", keys))
    alter(t, "altered", (LOGGER, "1", items))
    describe(t, "behind it", (LOGGER, "1", keys))
    for one in before["results"][0]["configs"]:
        t.quietly("incremental_alter_configs", 1, {"resources": [{
            "resource_type": LOGGER, "resource_name": "1", "configs": [
                {"name": one["name"], "config_operation": SET, "value": one["value"]}]}]})


# --- groups and client metrics ----------------------------------------------------------------

GROUP_ITEMS = [
    ("session", [("consumer.session.timeout.ms", SET, "50000")]),
    ("session too short", [("consumer.session.timeout.ms", SET, "1")]),
    ("session too long", [("consumer.session.timeout.ms", SET, "70000")]),
    ("no number", [("consumer.session.timeout.ms", SET, "x")]),
    ("heartbeat", [("consumer.heartbeat.interval.ms", SET, "6000")]),
    ("heartbeat above the session", [("consumer.heartbeat.interval.ms", SET, "14000"),
                                     ("consumer.session.timeout.ms", SET, "50000")]),
    ("share", [("share.auto.offset.reset", SET, "earliest")]),
    ("share, no choice", [("share.auto.offset.reset", SET, "x")]),
    ("share lock", [("share.record.lock.duration.ms", SET, "20000")]),
    ("unknown", [("no.such", SET, "1")]), ("null", [("consumer.session.timeout.ms", SET, None)]),
    ("empty", [("consumer.session.timeout.ms", SET, "")]),
    ("append", [("consumer.session.timeout.ms", APPEND, "5")]),
    ("delete what is not", [("consumer.session.timeout.ms", DELETE, None)]),
    ("nothing", []),
]


@case_for_each(GROUP_ITEMS)
def configs_of_a_group_altered(t, label, items):
    try_items(t, GROUP, "(own)", items)


METRICS_ITEMS = [
    ("all", [("interval.ms", SET, "60000"), ("metrics", SET, "org.apache.kafka"),
             ("match", SET, "client_id=.*")]),
    ("interval too short", [("interval.ms", SET, "50")]),
    ("interval too long", [("interval.ms", SET, "3600001")]),
    ("interval no number", [("interval.ms", SET, "x")]),
    ("match of no label", [("match", SET, "x=y")]),
    ("match of no regex", [("match", SET, "client_id=(")]),
    ("match without a value", [("match", SET, "client_id")]),
    ("append", [("metrics", APPEND, "a,b")]), ("unknown", [("no.such", SET, "1")]),
    ("null", [("interval.ms", SET, None)]), ("delete", [("interval.ms", DELETE, None)]),
    ("nothing", []),
]


@case_for_each(METRICS_ITEMS)
def configs_of_client_metrics_altered(t, label, items):
    try_items(t, METRICS, "(own)", items)


# --- ListConfigResources ----------------------------------------------------------------------


@case_for_all((0, 1), ("none", "topic", "broker", "logger", "metrics", "group", "type 1",
                       "type 99", "topic and type 99", "all"))
def config_resources_listed(t, version, what):
    kinds = {"none": [], "topic": [TOPIC], "broker": [BROKER], "logger": [LOGGER],
             "metrics": [METRICS], "group": [GROUP], "type 1": [1], "type 99": [99],
             "topic and type 99": [TOPIC, 99], "all": [TOPIC, BROKER, LOGGER, METRICS, GROUP]}
    name, _ = t.topic()
    alter(t, "group", (GROUP, name, [("consumer.session.timeout.ms", SET, "50000")]))
    alter(t, "metrics", (METRICS, name, [("interval.ms", SET, "60000")]))
    applied(t)
    answer = t.quietly("list_config_resources", version,
                       {"resource_types": kinds[what]} if version else {})
    if isinstance(answer, dict):
        answer["config_resources"] = [
            one for one in sorted(answer["config_resources"], key=str)
            if one["resource_name"] == name or one.get("resource_type") in (BROKER, LOGGER)]
    t.note_answer("listed", answer)
    alter(t, "no group", (GROUP, name, [("consumer.session.timeout.ms", DELETE, None)]))
    alter(t, "no metrics", (METRICS, name, [("interval.ms", DELETE, None)]))
