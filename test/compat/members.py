# SPDX-License-Identifier: Apache-2.0
"""Groups with members that stay, for the command lines of lines_groups.py.

A case's line may be, instead of a command:

    members GROUP PROTOCOL NAME=TOPIC:0,1;TOPIC:2 NAME= ...    members with their partitions
    members GROUP PROTOCOL NAME                                one that waits for its share
    members GROUP                                              all of them leave

PROTOCOL is range, or for members that are no consumers TYPE/PROTOCOL.  A name with a + before
it is also the id of a static member.  Whoever has a session of ten
minutes needs no heartbeat here.
"""

import struct

import groups
import talk

SESSION_MS = 600000
REBALANCING = 27


class Broker:
    """What a Talk wants of a broker."""

    name = "broker"

    def __init__(self, bootstrap):
        self.port = int(bootstrap.rsplit(":", 1)[1])


class Unseen:
    """Notes no coverage."""

    def add(self, *_):
        pass


def assignment(words):
    """Version 0 of ConsumerProtocolAssignment."""
    topics = [word.split(":") for word in words.split(";") if word]
    data = struct.pack(">hi", 0, len(topics))
    for topic, partitions in topics:
        numbers = [int(number) for number in partitions.split(",")]
        data += struct.pack(">h", len(topic)) + topic.encode()
        data += struct.pack(f">i{len(numbers)}i", len(numbers), *numbers)
    return data + struct.pack(">i", -1)


class Groups:
    """The groups of one run of the cases."""

    def __init__(self, bootstrap):
        self.broker = Broker(bootstrap)
        self.members = {}

    def run(self, words):
        group, *rest = words
        if rest:
            self.join(group, rest[0], rest[1:])
        else:
            self.leave(group)

    def member(self, group, protocol, word):
        name, _, partitions = word.partition("=")
        t = talk.Talk(group, self.broker, {}, Unseen(), 0)
        kind, _, protocol = f"consumer/{protocol}".rpartition("/")
        topics = [topic.split(":")[0] for topic in partitions.split(";") if topic]
        member = groups.Member(t, groups.ready(t, group), name[1:] if name[0] == "+" else None,
                               metadata=groups.subscription(*topics), protocols=(protocol,),
                               kind=kind.split("/")[-1], session_ms=SESSION_MS)
        t.close()
        return member

    @staticmethod
    def wait_for(member):
        """Until the group wants the member to join again."""
        body = {"group_id": member.group, "generation_id": member.generation,
                "member_id": member.id}
        body = member.named("heartbeat", 4, body)
        member.t.until(lambda: member.line.quietly("heartbeat", 4, body)["error_code"]
                       == REBALANCING)

    def join(self, group, protocol, words):
        all_members = []
        for word in words:
            new = self.member(group, protocol, word)
            if not all_members:
                new.enter()
            else:  # The others hear of it and join again.
                new.begin_enter()
                self.wait_for(all_members[0])
                for member in all_members:
                    member.begin_join()
                for member in [*all_members, new]:
                    member.end()
            all_members.append(new)
        self.members[group] = all_members
        if any("=" not in word for word in words):
            return
        shares = [(member.id, assignment(word.partition("=")[2]))
                  for member, word in zip(all_members, words)]
        for member in sorted(all_members, key=lambda member: not member.members):
            member.sync(None, shares if member.members else ())

    def leave(self, group):
        for member in self.members.pop(group, []):
            member.leave()
            member.close()

    def stop(self):
        for group in list(self.members):
            self.leave(group)
