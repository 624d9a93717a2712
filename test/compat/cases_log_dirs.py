# SPDX-License-Identifier: Apache-2.0
"""DescribeLogDirs, AlterReplicaLogDirs: the folders of the data, and what is in them."""

import wire
from talk import case


def until_all_there(t, name, partitions):
    """Kafka makes the logs of a topic one after the other."""
    for _ in range(5000):
        answer = t.quietly("describe_log_dirs", 4, {
            "topics": [wanted(name, *range(partitions))]})
        if sum(len(topic["partitions"]) for result in answer["results"]
               for topic in result["topics"]) == partitions:
            return
    raise wire.Malformed(f"{name} has not all of its logs")


def filled(t, name, partitions=2):
    """A topic with some records in its first partition."""
    t.quietly("create_topics", 5, {"timeout_ms": 10000, "topics": [
        {"name": name, "num_partitions": partitions, "replication_factor": 1}]})
    for _ in range(5000):  # Until it has a leader.
        answer = t.quietly("produce", 7, {"acks": -1, "timeout_ms": 10000, "topic_data": [
            {"name": name, "partition_data": [
                {"index": 0, "records": wire.batch([wire.record(0, value=b"v" * 50)])}]}]})
        if answer["responses"][0]["partition_responses"][0]["error_code"] == 0:
            until_all_there(t, name, partitions)
            return name
    raise wire.Malformed(f"{name} takes no records")


def describe(t, label, version, topics):
    return t.ask(label, "describe_log_dirs", version, {"topics": topics})


def wanted(name, *partitions):
    return {"topic": name, "partitions": list(partitions)}


@case
def describe_log_dirs_in_each_version(t):
    name = filled(t, "in-a-log-dir")
    for version in t.apis["describe_log_dirs"].versions:
        describe(t, f"v{version} all of it", version, [wanted(name, 0, 1)])
        describe(t, f"v{version} a part", version, [wanted(name, 0)])
        describe(t, f"v{version} nothing", version, [])
        answer = t.quietly("describe_log_dirs", version, {"topics": None})
        if isinstance(answer, str):
            t.note(f"v{version} everything", answer)
            continue
        for result in answer["results"]:  # Other cases have topics too.
            result["topics"] = [topic for topic in result["topics"] if topic["name"] == name]
        t.note_answer(f"v{version} everything", answer)


@case
def describe_log_dirs_of_what_is_not_there(t):
    name = filled(t, "partly-there")
    describe(t, "no such topic", 4, [wanted("no-such-topic", 0)])
    describe(t, "no such partition", 4, [wanted(name, 2, -1, 0)])
    describe(t, "no partition", 4, [wanted(name)])
    describe(t, "twice", 4, [wanted(name, 0, 0), wanted(name, 1), wanted(name, 0)])
    describe(t, "no name", 4, [wanted("", 0)])
    describe(t, "the metadata", 4, [wanted("__cluster_metadata", 0)])


@case
def replicas_are_altered_to_where_they_are(t):
    name = filled(t, "stays")
    answer = t.quietly("describe_log_dirs", 4, {"topics": []})
    here = answer["results"][0]["log_dir"]
    for version in t.apis["alter_replica_log_dirs"].versions:
        for label, path, topic, partitions in (
                ("here", here, name, [0, 1]), ("no such partition", here, name, [2, -1]),
                ("no such topic", here, "no-such-topic", [0]), ("nothing", here, name, []),
                ("no such folder", "/no/such/folder", name, [0]), ("no folder", "", name, [0]),
                ("neither", "/no/such/folder", "no-such-topic", [0]),
                ("a relative folder", "data", name, [0]),
                ("a longer way there", f"{here}/", name, [0]),
                ("a long name", here, "x" * 214, [0]), ("a longer name", here, "x" * 215, [0])):
            t.ask(f"v{version} {label}", "alter_replica_log_dirs", version, {"dirs": [
                {"path": path, "topics": [{"name": topic, "partitions": partitions}]}]})
        t.ask(f"v{version} none at all", "alter_replica_log_dirs", version, {"dirs": []})
