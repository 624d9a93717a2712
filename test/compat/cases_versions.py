# SPDX-License-Identifier: Apache-2.0
"""ApiVersions, Metadata, and what asks for ids and coordinators."""

import uuid

import wire
from talk import case, case_in_each_version, case_in_versions

SOFTWARE = {"client_software_name": "compat", "client_software_version": "1.0"}


@case_in_versions(range(6))
def api_versions_in_each_version(t, version):
    t.ask(f"v{version}", "api_versions", version, SOFTWARE if version >= 3 else {})


@case
def api_versions_that_nobody_has(t):
    """Answered in version 0 with error 35, whatever the body is."""
    api = t.apis["api_versions"]
    for version in (6, 7, 100, 32767):
        header = api.request_header(version, 5, flexible=True)
        t.raw(f"v{version}", wire.frame(header + api.encode("request", 3, SOFTWARE)),
              "api_versions", 0)
        t.raw(f"v{version} without a body", wire.frame(api.request_header(version, 5)),
              "api_versions", 0)
    t.raw("v-1", wire.frame(api.request_header(-1, 5)), "api_versions", 0)


@case
def api_versions_with_odd_software(t):
    names = ["", " ", "a b", "-a", "a-", "a.b-c", "A1", ".", "a\u00e9", "a_b", "x" * 300]
    for name in names:
        t.ask(f"name '{name[:9]}'", "api_versions", 3, {**SOFTWARE, "client_software_name": name})
        t.ask(f"version '{name[:9]}'", "api_versions", 4,
              {**SOFTWARE, "client_software_version": name})


@case
def api_versions_for_another_node(t):
    for cluster, node in ((None, 1), ("other", -1), ("other", 1), ("other", 7), (None, -1),
                          ("", 1)):
        t.ask(f"cluster {cluster} node {node}", "api_versions", 5,
              {**SOFTWARE, "cluster_id": cluster, "node_id": node})
    own = t.quietly("metadata", 9, {"topics": []})["cluster_id"]
    t.ask("itself", "api_versions", 5, {**SOFTWARE, "cluster_id": own, "node_id": 1})
    t.ask("its cluster, another node", "api_versions", 5,
          {**SOFTWARE, "cluster_id": own, "node_id": 2})


@case_in_each_version("metadata")
def metadata_of_a_topic_in_each_version(t, version):
    name, topic_id = t.topic(partitions=3)
    t.ask(f"v{version}", "metadata", version, {"topics": [{"name": name}]})
    if version >= 10:
        t.ask(f"v{version} by id", "metadata", version,
              {"topics": [{"topic_id": topic_id, "name": None}]})
    if version >= 4:
        t.ask(f"v{version} nothing", "metadata", version, {"topics": []})


@case_in_each_version("metadata")
def metadata_of_all_topics(t, version):
    """Null asks for all; in version 0 an empty list does.  Only the case's own is compared."""
    name, _ = t.topic()
    answer = t.quietly("metadata", version, {"topics": [] if version == 0 else None})
    own = [topic for topic in answer["topics"] if topic["name"] == name]
    t.note_answer(f"v{version}", {**answer, "topics": own})
    t.note(f"v{version} has many", len(answer["topics"]) > 1)
    if version > 0:
        t.ask(f"v{version} empty list", "metadata", version, {"topics": []})


@case
def metadata_of_unknown_topics(t):
    """Creation is forbidden, so nothing is made."""
    for version in range(4, 14):
        t.ask(f"v{version}", "metadata", version,
              {"topics": [{"name": "no-such"}, {"name": "nor-this"}],
               "allow_auto_topic_creation": False})
    for name in ("", ".", "..", "a/b", "a b", "x" * 249, "x" * 250, "\u00fc", "a_b.c-D9"):
        t.ask(f"name '{name[:9]}' {len(name)}", "metadata", 9,
              {"topics": [{"name": name}], "allow_auto_topic_creation": False})


@case_in_versions((10, 11, 12, 13))
def metadata_by_unknown_ids(t, version):
    ids = {"zero": wire.NO_ID, "one": uuid.UUID(int=1), "random": uuid.UUID(int=0x1234 << 100)}
    name, topic_id = t.topic()
    for word, value in ids.items():
        t.ask(f"v{version} {word}", "metadata", version,
              {"topics": [{"topic_id": value, "name": None}]})
    t.ask(f"v{version} id and name", "metadata", version,
          {"topics": [{"topic_id": topic_id, "name": name}]})
    t.ask(f"v{version} null name without id", "metadata", version,
          {"topics": [{"name": None}]})
    t.ask(f"v{version} one by id, one by name", "metadata", version,
          {"topics": [{"topic_id": topic_id, "name": None}, {"name": name}]})
    t.ask(f"v{version} one known, one unknown id", "metadata", version,
          {"topics": [{"topic_id": topic_id, "name": None},
                      {"topic_id": uuid.UUID(int=1), "name": None}]})


@case
def metadata_with_repeated_names(t):
    name, _ = t.topic()
    for version in (1, 5, 9, 12):
        t.ask(f"v{version} twice", "metadata", version,
              {"topics": [{"name": name}, {"name": name}]})
    t.ask("twice unknown", "metadata", 9, {"topics": [{"name": "not-there"}] * 2,
                                           "allow_auto_topic_creation": False})


@case_in_versions(range(8, 14))
def metadata_with_operations(t, version):
    name, _ = t.topic()
    body = {"topics": [{"name": name}], "include_topic_authorized_operations": True}
    if version <= 10:
        body["include_cluster_authorized_operations"] = True
    t.ask(f"v{version}", "metadata", version, body)


@case
def metadata_creates_topics(t):
    """The first answer is an error, and a moment later the topic is there."""
    for version in (0, 1, 3, 4, 8, 9, 12, 13):
        name = f"made-by-metadata-{version}"
        t.ask(f"v{version} first", "metadata", version, {"topics": [{"name": name}]})
        t.until(lambda: t.end_offset(name) is not None)
        t.ask(f"v{version} later", "metadata", version, {"topics": [{"name": name}]})
    t.ask("bad name", "metadata", 9, {"topics": [{"name": "a/b"}, {"name": ""}]})
    t.ask("internal", "metadata", 9, {"topics": [{"name": "__cluster_metadata"}]})
    t.topic_a = t.quietly("metadata", 9, {"topics": [{"name": "col.lision"}]})
    t.until(lambda: t.end_offset("col.lision") is not None)
    t.ask("collision", "metadata", 9, {"topics": [{"name": "col_lision"}]})


@case_in_versions(range(6))
def init_producer_id_in_each_version(t, version):
    t.producer_id()  # Before the first, Kafka has none.
    t.ask(f"v{version}", "init_producer_id", version,
          {"transactional_id": None, "transaction_timeout_ms": 1000})
    t.ask(f"v{version} no timeout", "init_producer_id", version,
          {"transactional_id": None, "transaction_timeout_ms": 0})
    t.ask(f"v{version} empty transactional id", "init_producer_id", version,
          {"transactional_id": "", "transaction_timeout_ms": 1000})
    if version < 3:
        return
    for producer in ((5, -1), (-1, 5), (5, 5), (-2, -2)):
        t.ask(f"v{version} has {producer}", "init_producer_id", version,
              {"transactional_id": None, "transaction_timeout_ms": 1000,
               "producer_id": producer[0], "producer_epoch": producer[1]})


@case
def init_producer_id_that_is_not_stable(t):
    t.ask("v6", "init_producer_id", 6, {"transactional_id": None, "transaction_timeout_ms": 1000})
    t.ask("v7", "init_producer_id", 7, {"transactional_id": None, "transaction_timeout_ms": 1000})


@case
def init_producer_ids_differ(t):
    ids = [t.producer_id() for _ in range(50)]
    t.note("all different", len(set(ids)))
    t.note("growing", ids == sorted(ids))


@case
def find_coordinator_of_what_there_is_not(t):
    for version in range(1, 7):
        for kind in (3, -1, 100):
            body = {"key_type": kind}
            body.update({"coordinator_keys": ["a", "b"]} if version >= 4 else {"key": "a"})
            t.ask(f"v{version} type {kind}", "find_coordinator", version, body)
    for version in range(4, 7):
        t.ask(f"v{version} no keys", "find_coordinator", version, {"coordinator_keys": []})
        t.ask(f"v{version} share without a partition", "find_coordinator", version,
              {"key_type": 2, "coordinator_keys": ["a", "a:b:c", ""]})
