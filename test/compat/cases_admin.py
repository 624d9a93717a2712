# SPDX-License-Identifier: Apache-2.0
"""CreatePartitions, DeleteRecords, elections, reassignments, the quorum, features, the cluster."""

from talk import APIS, case_for_all, case_for_each, case_in_each_version


def versions(api):
    return tuple(APIS[api].versions)


# --- CreatePartitions -------------------------------------------------------------------------


def grow(t, label, *topics, version=3, validate_only=False):
    """`topics` are (name, count, assignments)."""
    return t.ask(label, "create_partitions", version, {"topics": [
        {"name": name, "count": count, "assignments": None if assigned is None else [
            {"broker_ids": brokers} for brokers in assigned]}
        for name, count, assigned in topics], "timeout_ms": 10000,
        "validate_only": validate_only})


@case_in_each_version("create_partitions")
def partitions_added(t, version):
    name, _ = t.topic()
    grow(t, "validated", (name, 3, None), version=version, validate_only=True)
    grow(t, "added", (name, 3, None), version=version)
    t.until(lambda: t.end_offset(name, 2) is not None)
    t.ask("described", "metadata", 9, {"topics": [{"name": name}]})
    grow(t, "by hand", (name, 4, [[1]]), version=version)
    t.until(lambda: t.end_offset(name, 3) is not None)
    t.produce("into the new one", name, t.batch(1), partition=3)
    grow(t, "nothing", version=version)


@case_for_all(versions("create_partitions"), ("as many", "fewer", "none", "negative", "unknown",
                                              "bad name", "no name", "another broker", "too few",
                                              "too many brokers", "the same broker twice",
                                              "twice", "good and bad"))
def partitions_that_cannot_be_added(t, version, what):
    name, _ = t.topic(partitions=2)
    other, _ = t.topic()
    rows = {"as many": [(name, 2, None)], "fewer": [(name, 1, None)], "none": [(name, 0, None)],
            "negative": [(name, -1, None)], "unknown": [("no-such", 3, None)],
            "bad name": [("a/b", 3, None)], "no name": [("", 3, None)],
            "another broker": [(name, 3, [[7]])], "too few": [(name, 4, [[1]])],
            "too many brokers": [(name, 3, [[1, 2]])],
            "the same broker twice": [(name, 3, [[1, 1]])],
            "twice": [(name, 3, None), (name, 4, None)],
            "good and bad": [(other, 2, None), ("no-such", 3, None)]}
    grow(t, what, *rows[what], version=version)


# --- DeleteRecords ----------------------------------------------------------------------------


@case_for_all(versions("delete_records"), ("to 2", "to the end", "all", "nothing", "beyond",
                                           "negative", "unknown partition", "unknown topic",
                                           "bad name", "several", "no topics"))
def records_deleted(t, version, what):
    name, _ = t.topic(partitions=2)
    t.produce("records", name, t.batch(4))

    def rows(topic, *parts):
        return {"name": topic, "partitions": [{"partition_index": index, "offset": offset}
                                              for index, offset in parts]}
    asked = {"to 2": [rows(name, (0, 2))], "to the end": [rows(name, (0, 4))],
             "all": [rows(name, (0, -1))], "nothing": [rows(name, (0, 0))],
             "beyond": [rows(name, (0, 5))], "negative": [rows(name, (0, -2))],
             "unknown partition": [rows(name, (9, 0))], "unknown topic": [rows("no-such", (0, 0))],
             "bad name": [rows("a/b", (0, 0))],
             "several": [rows(name, (0, 1), (1, 0)), rows("no-such", (0, 0))], "no topics": []}
    t.ask(what, "delete_records", version, {"topics": asked[what], "timeout_ms": 10000})
    t.ask("start", "list_offsets", 5, {"replica_id": -1, "topics": [{
        "name": name, "partitions": [{"partition_index": 0, "timestamp": -2}]}]})


# --- elections and reassignments --------------------------------------------------------------


@case_for_all(versions("elect_leaders"), ("all", "one", "unknown partition", "unknown topic",
                                          "none", "unclean", "type 2"))
def leaders_elected(t, version, what):
    name, _ = t.topic(partitions=2)
    asked = {"one": [(name, [0, 1])], "unknown partition": [(name, [9])],
             "unknown topic": [("no-such", [0])], "none": [], "unclean": [(name, [0])],
             "type 2": [(name, [0])]}.get(what)
    body = {"topic_partitions": None if asked is None else [
        {"topic": topic, "partitions": parts} for topic, parts in asked], "timeout_ms": 10000}
    if version >= 1:
        body["election_type"] = {"unclean": 1, "type 2": 2}.get(what, 0)
    answer = t.quietly("elect_leaders", version, body)
    if what == "all" and isinstance(answer, dict):  # Of all topics only this case's.
        answer["replica_election_results"] = [
            one for one in answer["replica_election_results"] if one["topic"] == name]
    t.note_answer(what, answer)


@case_for_all(versions("alter_partition_reassignments"),
              ("to where it is", "to another", "cancelled", "to nobody", "twice the same",
               "unknown partition", "unknown topic", "nothing"))
def partitions_reassigned(t, version, what):
    name, _ = t.topic()
    asked = {"to where it is": (name, 0, [1]), "to another": (name, 0, [7]),
             "cancelled": (name, 0, None), "to nobody": (name, 0, []),
             "twice the same": (name, 0, [1, 1]), "unknown partition": (name, 9, [1]),
             "unknown topic": ("no-such", 0, [1])}.get(what)
    t.ask(what, "alter_partition_reassignments", version, {"timeout_ms": 10000, "topics": [] if (
        not asked) else [{"name": asked[0], "partitions": [
            {"partition_index": asked[1], "replicas": asked[2]}]}]})


@case_for_each([("all", None), ("none", []), ("one", "own"), ("unknown", "no-such")])
def reassignments_listed(t, label, topic):
    name, _ = t.topic()
    topics = topic if not isinstance(topic, str) else [
        {"name": name if topic == "own" else topic, "partition_indexes": [0, 7]}]
    t.ask(label, "list_partition_reassignments", 0, {"topics": topics, "timeout_ms": 10000})


# --- quorum, features, cluster ----------------------------------------------------------------


@case_for_each(versions("unregister_broker"))
def broker_unregistered_that_is_not_there(t, version):
    t.note_answer("answer", t.quietly("unregister_broker", version, {"broker_id": 77}))


@case_for_all(versions("describe_quorum"), ("the log", "another partition", "another topic",
                                            "nothing"))
def quorum_described(t, version, what):
    topic, partition = {"another partition": ("__cluster_metadata", 1),
                        "another topic": ("no-such", 0)}.get(what, ("__cluster_metadata", 0))
    answer = t.quietly("describe_quorum", version, {"topics": [] if what == "nothing" else [
        {"topic_name": topic, "partitions": [{"partition_index": partition}]}]})
    for one in (answer["topics"] if isinstance(answer, dict) else ()):
        for part in one["partitions"]:  # How far the log goes is the node's own.
            part["high_watermark"] = part["high_watermark"] > 0
            part["leader_epoch"] = part["leader_epoch"] > 0
            for voter in part["current_voters"] + part["observers"]:
                for key in ("log_end_offset", "last_fetch_timestamp", "last_caught_up_timestamp"):
                    if key in voter:
                        voter[key] = voter[key] > 0
                voter.pop("replica_directory_id", None)
    if isinstance(answer, dict):
        for node in answer.get("nodes", ()):
            node.pop("listeners")
    t.note_answer(what, answer)


@case_for_all(versions("update_features"), ("nothing", "unknown", "below the lowest",
                                            "above the highest", "as it is", "twice", "negative"))
def features_updated(t, version, what):
    asked = {"nothing": [], "unknown": [("no.such", 1)], "below the lowest": [
        ("metadata.version", 1)], "above the highest": [("metadata.version", 9999)],
        "as it is": [("group.version", 0)], "twice": [("metadata.version", 9999)] * 2,
        "negative": [("metadata.version", -1)]}[what]
    t.ask(what, "update_features", version, {"timeout_ms": 10000, "feature_updates": [
        {"feature": name, "max_version_level": level} for name, level in asked],
        **({"validate_only": True} if version else {})})


@case_for_all(versions("describe_cluster"), ("plain", "operations", "fenced", "controllers",
                                             "endpoint 0", "endpoint 3"))
def cluster_described(t, version, what):
    body = {"include_cluster_authorized_operations": what == "operations"}
    if version >= 1:
        body["endpoint_type"] = {"controllers": 2, "endpoint 0": 0, "endpoint 3": 3}.get(what, 1)
    if version >= 2:
        body["include_fenced_brokers"] = what == "fenced"
    t.ask(what, "describe_cluster", version, body)


@case_for_each([("one", ["own"], 2000, None), ("limited", ["own"], 1, None),
                ("unknown", ["no-such"], 2000, None), ("bad name", ["a/b"], 2000, None),
                ("twice", ["own", "own"], 2000, None), ("limit 0", ["own"], 0, None),
                ("limit -1", ["own"], -1, None), ("from partition 1", ["own"], 2000, ("own", 1)),
                ("from an unknown one", ["own"], 2000, ("no-such", 0)),
                ("from a negative one", ["own"], 2000, ("own", -1)),
                ("good and unknown", ["own", "no-such"], 2000, None)])
def topic_partitions_described(t, label, names, limit, cursor):
    own, _ = t.topic(partitions=3)

    def named(name):
        return own if name == "own" else name
    t.ask(label, "describe_topic_partitions", 0, {
        "topics": [{"name": named(name)} for name in names], "response_partition_limit": limit,
        "cursor": cursor and {"topic_name": named(cursor[0]), "partition_index": cursor[1]}})


# --- FindCoordinator --------------------------------------------------------------------------


@case_for_all(versions("find_coordinator"), ("a group", "no name"))
def coordinators_found(t, version, what):
    group = t.name if what == "a group" else ""
    body = {"coordinator_keys": [group]} if version >= 4 else {"key": group}

    def found():
        answer = t.quietly("find_coordinator", version, body)
        return not isinstance(answer, dict) or 15 not in (
            answer.get("error_code"), *(one["error_code"] for one in answer.get(
                "coordinators", ())))
    t.until(found)
    t.ask(what, "find_coordinator", version, body)


# --- epochs, producers, markers ---------------------------------------------------------------


@case_for_all(versions("offset_for_leader_epoch"), ("now", "earlier", "later", "fenced",
                                                    "unknown epoch", "unknown partition",
                                                    "unknown topic"))
def epochs_asked_for(t, version, what):
    name, _ = t.topic()
    t.produce("records", name, t.batch(3))
    partition = {"partition": 9 if what == "unknown partition" else 0,
                 "leader_epoch": {"earlier": -1, "later": 7}.get(what, 0),
                 "current_leader_epoch": {"fenced": -2, "unknown epoch": 50}.get(what, -1)}
    t.ask(what, "offset_for_leader_epoch", version, {"topics": [{
        "topic": "no-such" if what == "unknown topic" else name, "partitions": [partition]}]})


@case_for_each([("nobody", 0), ("one", 0), ("unknown partition", 9), ("unknown topic", 0)])
def producers_described(t, label, partition):
    name, _ = t.topic()
    if label == "one":
        t.produce("records", name, t.batch(2, producer=(t.producer_id(), 0, 0)))
    answer = t.quietly("describe_producers", 0, {"topics": [{
        "name": "no-such" if label == "unknown topic" else name,
        "partition_indexes": [partition]}]})
    for topic in answer["topics"] if isinstance(answer, dict) else ():
        for part in topic["partitions"]:
            for producer in part["active_producers"]:
                producer["producer_id"] = producer["producer_id"] >= 0
                producer["last_timestamp"] = producer["last_timestamp"] > 0
    t.note_answer(label, answer)


@case_for_all(tuple(v for v in versions("write_txn_markers") if v), ("nothing", "no topics",
                                                                    "unknown topic"))
def markers_written(t, version, what):
    topics = [{"name": "no-such", "partition_indexes": [0]}] if what == "unknown topic" else []
    t.ask(what, "write_txn_markers", version, {"markers": [] if what == "nothing" else [
        {"producer_id": 9, "producer_epoch": 0, "transaction_result": False, "topics": topics,
         "coordinator_epoch": 0}]})
