# SPDX-License-Identifier: Apache-2.0
"""CreateTopics, DeleteTopics, DescribeConfigs."""

import uuid

import wire
from talk import case, case_for_each, case_in_each_version, case_in_versions


def creation(name, partitions=1, replicas=1, configs=(), assignments=()):
    return {"name": name, "num_partitions": partitions, "replication_factor": replicas,
            "configs": [{"name": key, "value": value} for key, value in configs],
            "assignments": [{"partition_index": index, "broker_ids": list(brokers)}
                            for index, brokers in assignments]}


def create(t, label, *topics, version=7, validate_only=False):
    return t.ask(label, "create_topics", version,
                 {"topics": list(topics), "timeout_ms": 10000, "validate_only": validate_only})


@case
def create_topics_in_each_version(t):
    for version in t.apis["create_topics"].versions:
        create(t, f"v{version}", creation(f"created-in-{version}", 2), version=version)
        create(t, f"v{version} again", creation(f"created-in-{version}", 2), version=version)
        create(t, f"v{version} defaults", creation(f"defaults-in-{version}", -1, -1),
               version=version)
        create(t, f"v{version} validated", creation(f"never-in-{version}", 2), version=version,
               validate_only=True)
        t.ask(f"v{version} nothing", "create_topics", version, {"topics": []})
    t.ask("none was made", "metadata", 9, {"topics": [{"name": "never-in-7"}],
                                           "allow_auto_topic_creation": False})


@case_for_each(("", ".", "..", "a/b", "a b", "a:b", "\u00fc", "x" * 249, "x" * 250, "...", "-"))
def create_topics_with_bad_names(t, name):
    label = f"'{name[:9]}' {len(name)}"
    create(t, label, creation(name), validate_only=True)
    create(t, f"{label} v2", creation(name), version=2, validate_only=True)


@case_for_each([(f"{partitions} x {replicas}", partitions, replicas) for partitions, replicas in (
    (0, 1), (-1, 1), (-2, 1), (1, 0), (1, -2), (1, 2), (1, 32767), (0, 0), (1, -1), (100001, 1),
    (2147483647, 1))])
def create_topics_with_bad_counts(t, label, partitions, replicas):
    create(t, label, creation("bad-counts", partitions, replicas), validate_only=True)


@case_in_versions((2, 3))
def create_topics_with_defaults_before_they_could_be(t, version):
    create(t, f"v{version} defaults", creation("old-defaults", -1, -1), version=version,
           validate_only=True)


BAD_CONFIGS = [
    ("no.such", "1"), ("retention.ms", "x"), ("retention.ms", ""), ("retention.ms", None),
    ("retention.ms", "-2"), ("segment.bytes", "1"), ("segment.bytes", "14"),
    ("segment.bytes", "1048575"), ("segment.bytes", "2147483648"), ("segment.bytes", " 2000000 "),
    ("cleanup.policy", "no"), ("cleanup.policy", ""), ("cleanup.policy", "delete"),
    ("cleanup.policy", "delete,delete"), ("compression.type", "brotli"),
    ("compression.type", "ZSTD"), ("message.timestamp.type", "logappendtime"),
    ("min.insync.replicas", "0"), ("preallocate", "yes"), ("preallocate", "TRUE"),
    ("flush.messages", "0"), ("min.cleanable.dirty.ratio", "1.5"),
    ("min.cleanable.dirty.ratio", "0.7"), ("index.interval.bytes", "-1"),
    ("index.interval.bytes", "0x10"), ("max.message.bytes", "-1"), ("segment.ms", "0"),
    ("segment.jitter.ms", "-1"), ("unclean.leader.election.enable", "1"),
    ("leader.replication.throttled.replicas", "x"),
    ("leader.replication.throttled.replicas", "0:1"), ("local.retention.ms", "-3"), ("", "1"),
    ("log.retention.ms", "1000"), ("message.format.version", "3.0"),
    ("message.downconversion.enable", "true"), ("segment.index.bytes", "3"),
    ("retention.bytes", "-2"), ("message.timestamp.difference.max.ms", "1"),
]


@case_for_each([(f"{name}='{value}'", name, value) for name, value in BAD_CONFIGS])
def create_topics_with_a_config(t, label, name, value):
    create(t, label, creation("bad-configs", configs=[(name, value)]), validate_only=True)


@case
def create_topics_with_configs(t):
    good = [("retention.ms", "1000"), ("segment.bytes", "1048576"), ("flush.messages", "1"),
            ("max.message.bytes", "100"), ("message.timestamp.type", "LogAppendTime")]
    create(t, "good", creation("good-configs", configs=good), validate_only=True)
    create(t, "twice", creation("bad-configs", configs=[("retention.ms", "1"),
                                                        ("retention.ms", "2")]),
           validate_only=True)
    create(t, "old version", creation("bad-configs", configs=[("no.such", "1")]), version=2,
           validate_only=True)


@case
def create_topics_describes_what_it_made(t):
    create(t, "plain", creation("described"), validate_only=True)
    create(t, "made", creation("described", 3))
    create(t, "v5", creation("described-5", configs=[("retention.ms", "5000")]), version=5)


@case
def create_topics_that_repeat_or_collide(t):
    create(t, "twice", creation("twin"), creation("twin"), creation("single"))
    create(t, "thrice", *[creation("triplet")] * 3)
    create(t, "the single one is there", creation("single"))
    create(t, "first", creation("col.li.sion"))
    create(t, "collides", creation("col_li.sion"))
    create(t, "collides in one request", creation("other.name"), creation("other_name"))
    create(t, "bad and good", creation("a/b"), creation("good-beside-bad"), creation("x", 0))
    create(t, "internal", creation("__consumer_offsets_not"), creation("__x"))
    create(t, "the metadata log", creation("__cluster_metadata"))


@case_for_each({
    "right": (-1, -1, [(0, [1]), (1, [1])]),
    "right, out of order": (-1, -1, [(1, [1]), (0, [1])]),
    "with partitions": (2, -1, [(0, [1]), (1, [1])]),
    "with replicas": (-1, 1, [(0, [1])]),
    "with both": (1, 1, [(0, [1])]),
    "hole": (-1, -1, [(0, [1]), (2, [1])]),
    "from one": (-1, -1, [(1, [1])]),
    "negative": (-1, -1, [(-1, [1])]),
    "twice": (-1, -1, [(0, [1]), (0, [1])]),
    "another broker": (-1, -1, [(0, [7])]),
    "same broker twice": (-1, -1, [(0, [1, 1])]),
    "no broker": (-1, -1, [(0, [])]),
    "two brokers": (-1, -1, [(0, [1, 2])]),
    "uneven": (-1, -1, [(0, [1]), (1, [])]),
})
def create_topics_by_hand(t, label, how):
    partitions, replicas, assignments = how
    create(t, label, creation("by-hand", partitions, replicas, assignments=assignments),
           validate_only=True)


@case_in_each_version("delete_topics")
def delete_topics_in_each_version(t, version):
    name, _ = t.topic()
    names = {"topics": [{"name": name}]} if version >= 6 else {"topic_names": [name]}
    t.ask(f"v{version}", "delete_topics", version, {**names, "timeout_ms": 10000})
    t.until(lambda: t.end_offset(name) is None)
    t.ask(f"v{version} again", "delete_topics", version, {**names, "timeout_ms": 10000})
    nothing = {"topics": []} if version >= 6 else {"topic_names": []}
    t.ask(f"v{version} nothing", "delete_topics", version, nothing)
    t.ask(f"v{version} gone", "metadata", 9, {"topics": [{"name": name}],
                                              "allow_auto_topic_creation": False})


@case
def delete_topics_that_cannot_be(t):
    name, topic_id = t.topic()
    unknown = uuid.UUID(int=77)
    tries = {
        "unknown name": [{"name": "no-such"}],
        "unknown id": [{"topic_id": unknown}],
        "zero id": [{"topic_id": wire.NO_ID}],
        "name and id": [{"name": name, "topic_id": topic_id}],
        "name twice": [{"name": name}, {"name": name}],
        "id twice": [{"topic_id": topic_id}, {"topic_id": topic_id}],
        "by name and by id": [{"name": name}, {"topic_id": topic_id}],
        "unknown name twice": [{"name": "no-such"}] * 2,
        "unknown id twice": [{"topic_id": unknown}] * 2,
        "empty name": [{"name": ""}],
        "bad name": [{"name": "a/b"}],
    }
    for label, topics in tries.items():
        t.ask(label, "delete_topics", 6, {"topics": topics, "timeout_ms": 10000})
    for version in (1, 4, 5):
        t.ask(f"v{version} twice", "delete_topics", version,
              {"topic_names": [name, name], "timeout_ms": 10000})
        t.ask(f"v{version} unknown", "delete_topics", version,
              {"topic_names": ["no", "", "a/b"], "timeout_ms": 10000})
    t.ask("still there", "metadata", 9, {"topics": [{"name": name}]})
    t.ask("by id", "delete_topics", 6, {"topics": [{"topic_id": topic_id}],
                                        "timeout_ms": 10000})


@case
def topics_are_made_anew_with_another_id(t):
    name, first = t.topic()
    t.produce("first life", name, t.batch(3))
    t.ask("delete", "delete_topics", 6, {"topics": [{"name": name}], "timeout_ms": 10000})
    t.until(lambda: t.end_offset(name) is None)
    answer = create(t, "again", creation(name))
    t.until(lambda: t.end_offset(name) is not None)
    t.note("another id", answer["topics"][0]["topic_id"] != first)
    t.note("empty", t.end_offset(name))
    t.produce("old id", first, t.batch(1), version=13)
    t.fetch("old id fetched", first, version=13)


def describe(t, label, *resources, version=4, **options):
    return t.ask(label, "describe_configs", version, {"resources": [
        {"resource_type": kind, "resource_name": name, "configuration_keys": keys}
        for kind, name, keys in resources], **options})


@case
def describe_configs_of_a_topic(t):
    name, _ = t.topic(retention_ms="12345")
    some = ["retention.ms", "segment.bytes", "no.such"]
    for version in t.apis["describe_configs"].versions:
        describe(t, f"v{version}", (2, name, None), version=version)
        describe(t, f"v{version} some", (2, name, some), version=version)
        describe(t, f"v{version} synonyms", (2, name, some), version=version,
                 include_synonyms=True)
    describe(t, "no key", (2, name, []))


@case
def describe_configs_that_cannot_be(t):
    tries = {
        "unknown topic": (2, "no-such", None),
        "bad topic": (2, "a/b", None),
        "empty topic": (2, "", None),
        "another broker": (4, "77", ["log.segment.bytes"]),
        "no number": (4, "x", ["log.segment.bytes"]),
        "type 0": (0, "x", None),
        "type 1": (1, "x", None),
        "type 3": (3, "x", None),
        "type 99": (99, "x", None),
    }
    for label, resource in tries.items():
        describe(t, label, resource)
    describe(t, "nothing")
    describe(t, "the same twice", (2, "no-such", None), (2, "no-such", None))


@case
def describe_configs_of_the_broker(t):
    some = ["log.segment.bytes", "num.partitions", "log.retention.ms", "message.max.bytes",
            "node.id", "auto.create.topics.enable"]
    for version in t.apis["describe_configs"].versions:
        describe(t, f"v{version}", (4, "1", some), version=version)
    describe(t, "synonyms", (4, "1", some), include_synonyms=True)
    describe(t, "cluster-wide", (4, "", some))
