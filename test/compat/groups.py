# SPDX-License-Identifier: Apache-2.0
"""Members of groups for the differential cases: each on a connection of its own, so that
one can wait in JoinGroup while another speaks."""

import struct

import talk

NEWEST = {"join_group": 9, "sync_group": 5, "heartbeat": 4, "leave_group": 5, "offset_commit": 9,
          "offset_fetch": 9}
RETRY = (14, 15, 16)  # Being loaded, not made yet, not here yet.


def ready(t, group):
    """Waits until the broker coordinates the group."""
    t.until(lambda: t.quietly("find_coordinator", 3, {"key": group})["error_code"] == 0)
    t.until(lambda: t.quietly("offset_fetch", 5, {"group_id": group, "topics": []})[
        "error_code"] not in RETRY)
    return group


def subscription(*topics):
    """What a consumer says when it joins: version 0 of ConsumerProtocolSubscription."""
    names = b"".join(struct.pack(">h", len(name)) + name.encode() for name in topics)
    return struct.pack(">hi", 0, len(topics)) + names + struct.pack(">i", -1)


class Member:
    """One member, and what it was told last."""

    def __init__(self, t, group, instance=None, version=9, metadata=b"meta", protocols=("range",),
                 kind="consumer", session_ms=30000, rebalance_ms=60000):
        self.t = t
        self.line = talk.Talk(t.path, t.broker, t.notes, t.seen, t.now_ms)
        self.group, self.instance, self.version, self.kind = group, instance, version, kind
        self.metadata, self.protocols = metadata, protocols
        self.session_ms, self.rebalance_ms = session_ms, rebalance_ms
        self.id, self.generation, self.members, self.waiting = "", -1, [], None

    def close(self):
        self.line.close()

    def named(self, api, version, body):
        """The instance id, in the versions that have it."""
        since = {"join_group": 5, "sync_group": 3, "heartbeat": 3, "offset_commit": 7}[api]
        if self.instance is not None and version >= since:
            body["group_instance_id"] = self.instance
        return body

    # --- calls that wait ---

    def begin(self, api, version, body):
        self.line.send(self.line.frame(api, version, body))
        self.waiting = (api, version)

    def end(self, label=None):
        """The answer to what was begun."""
        api, version = self.waiting
        answer = self.line.parse(api, version, self.line.receive())
        if api == "join_group" and not isinstance(answer, str):  # Members come in no order.
            answer["members"].sort(key=lambda one: (one.get("group_instance_id") or "",
                                                    one["metadata"]))
        if label:
            self.line.note_answer(label, answer)
        if api == "join_group" and not isinstance(answer, str):
            self.id = answer["member_id"]
            self.generation = answer["generation_id"]
            self.members = [one["member_id"] for one in answer["members"]]
        return answer

    def join_body(self, **fields):
        body = {"group_id": self.group, "session_timeout_ms": self.session_ms,
                "rebalance_timeout_ms": self.rebalance_ms, "member_id": self.id,
                "protocol_type": self.kind,
                "protocols": [{"name": name, "metadata": self.metadata}
                              for name in self.protocols]}
        return {**self.named("join_group", self.version, body), **fields}

    def begin_join(self, **fields):
        self.begin("join_group", self.version, self.join_body(**fields))

    def join(self, label=None, **fields):
        self.begin_join(**fields)
        return self.end(label)

    def enter(self, label=None):
        """Joins, with the second call that dynamic members need from version 4 on."""
        answer = self.join(label and f"{label} first")
        if answer["error_code"] == 79:
            answer = self.join(label and f"{label} again")
        return answer

    def begin_enter(self):
        """As enter(), but the last call waits."""
        if self.version >= 4 and self.instance is None and not self.id:
            self.join()
        self.begin_join()

    def sync_body(self, version, assignments=(), **fields):
        body = {"group_id": self.group, "generation_id": self.generation, "member_id": self.id,
                "assignments": [{"member_id": one, "assignment": what}
                                for one, what in assignments]}
        if version >= 5:
            body["protocol_type"] = self.kind
            body["protocol_name"] = self.protocols[0]
        return {**self.named("sync_group", version, body), **fields}

    def begin_sync(self, assignments=(), version=NEWEST["sync_group"], **fields):
        self.begin("sync_group", version, self.sync_body(version, assignments, **fields))

    def sync(self, label=None, assignments=(), version=NEWEST["sync_group"], **fields):
        self.begin_sync(assignments, version, **fields)
        return self.end(label)

    def lead(self, label=None, version=NEWEST["sync_group"]):
        """Gives everybody an assignment."""
        return self.sync(label, [(one, b"the leader's" if one == self.id else b"a follower's")
                                 for one in self.members], version)

    # --- calls that are answered at once ---

    def heartbeat(self, label, version=NEWEST["heartbeat"], **fields):
        body = {"group_id": self.group, "generation_id": self.generation, "member_id": self.id}
        return self.line.ask(label, "heartbeat", version,
                             {**self.named("heartbeat", version, body), **fields})

    def leave(self, label=None, version=NEWEST["leave_group"], members=None, **fields):
        if version < 3:
            body = {"group_id": self.group, "member_id": self.id}
        else:
            body = {"group_id": self.group, "members": members if members is not None else [
                {"member_id": self.id, "group_instance_id": self.instance}]}
        body = {**body, **fields}
        if label:
            return self.line.ask(label, "leave_group", version, body)
        return self.line.quietly("leave_group", version, body)

    def commit(self, label, topic, offset=5, version=NEWEST["offset_commit"], **fields):
        body = {"group_id": self.group, "generation_id_or_member_epoch": self.generation,
                "member_id": self.id, "topics": [topic_of(topic, version, [{
                    "partition_index": 0, "committed_offset": offset}])]}
        body = {**self.named("offset_commit", version, body), **fields}
        return self.line.ask(label, "offset_commit", version, body)


def topic_of(topic, version, partitions):
    """`topic` is (name, id); version 10 of offset requests wants the id."""
    name, topic_id = topic
    where = {"topic_id": topic_id} if version >= 10 else {"name": name}
    return {**where, "partitions": partitions}


def hears_of_it(t, member):
    """Waits until the member's heartbeat tells it to join again."""
    t.until(lambda: member.line.quietly("heartbeat", 3, member.named("heartbeat", 3, {
        "group_id": member.group, "generation_id": member.generation,
        "member_id": member.id}))["error_code"] == 27)


def stable(t, group, count=1, **options):
    """A group of `count` members at rest; the first one leads."""
    ready(t, group)
    members = [Member(t, group, **options) for _ in range(count)]
    members[0].enter()
    for at in range(1, count):
        members[at].begin_enter()
        for other in members[:at]:
            # Who is told of the rebalance by its heartbeat joins again.
            hears_of_it(t, other)
            other.begin_join()
        for one in members[:at + 1]:
            one.end()
    for one in members[1:]:
        one.begin_sync()
    members[0].lead()
    for one in members[1:]:
        one.end()
    return members
