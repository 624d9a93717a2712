# SPDX-License-Identifier: Apache-2.0
"""What programs.py sees of a run without the program's help: groups, what they have committed,
where logs end.  And the processes that write."""

import signal
import subprocess
import threading
import time

import peers
import talk

WAIT_SECONDS = 150


def spawn(command, log, **streams):
    """A process of its own session, whose errors go into the file `log`."""
    return subprocess.Popen([str(word) for word in command], stderr=log, start_new_session=True,
                            **streams)


def end(process, how, what):
    """Ends a process, and waits for that."""
    process.send_signal(how)
    try:
        process.wait(WAIT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise peers.Failure(f"{what} does not end") from None


class Writers:
    """The processes that write all topics; they end when everything is acknowledged."""

    def __init__(self, kind, bootstrap, topics, folder):
        self.kind = kind
        self.by_topic = {}
        self.processes = []
        self.path = folder / "writers.log"
        with open(self.path, "ab") as log:
            for mine, command in kind.writers(bootstrap, topics):
                process = spawn(command, log, stdin=subprocess.PIPE, stdout=log)
                self.processes.append(process)
                self.by_topic.update(dict.fromkeys(mine, process))

    def give(self, pairs):
        try:
            for topic, record in pairs:
                self.by_topic[topic].stdin.write(self.kind.line(record, topic))
            for process in self.processes:
                process.stdin.flush()
        except BrokenPipeError:
            pass  # One has ended: finish() says which, and why.

    def finish(self):
        for process in self.processes:
            try:
                process.stdin.close()
            except BrokenPipeError:
                pass
        deadline = time.monotonic() + WAIT_SECONDS
        for process in self.processes:
            try:
                code = process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise peers.Failure(f"a writer does not end: {self.said()}") from None
            if code:
                raise peers.Failure(f"a writer ended with {code}: {self.said()}")

    def said(self):
        return self.path.read_text(errors="replace")[-1500:]

    def close(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()


class Watch:
    """One broker and one program's group of consumers.  A run of a program is one of these,
    and says of itself what stuck() and progress() are."""

    def __init__(self, broker, group):
        self.broker = broker
        self.folder = broker.folder
        self.group = group
        self.talk = talk.alone(group, broker)
        self.writers = None

    def stuck(self):
        """Raises Failure if nothing can come any more."""

    def progress(self):
        """How far it is, for whoever waits in vain."""
        return "no more is known"

    def wait(self, what, condition):
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            self.stuck()
            if time.monotonic() > deadline:
                raise peers.Failure(f"waited in vain until {what}; {self.progress()}")
            time.sleep(0.02)

    def asked(self, api, version, body, right):
        """The first right answer; asks again while the broker is not ready."""
        got = []

        def ask():
            answer = self.talk.quietly(api, version, body)
            if isinstance(answer, str) or not right(answer):
                return False
            got.append(answer)
            return True
        self.wait(f"{api} is answered", ask)
        return got[-1]

    def committed(self, topics, partitions, group=None):
        """What the group has committed: (topic, partition) -> offset, 0 where nothing is."""
        answer = self.asked("offset_fetch", 5, {"group_id": group or self.group, "topics": [
            {"name": topic, "partition_indexes": list(range(partitions))} for topic in topics]},
            lambda answer: not answer["error_code"])
        return {(topic["name"], p["partition_index"]): max(0, p["committed_offset"])
                for topic in answer["topics"] for p in topic["partitions"]}

    def ends(self, topics, partitions):
        """Where the logs end: (topic, partition) -> offset."""
        answer = self.asked("list_offsets", 5, {"replica_id": -1, "topics": [
            {"name": topic, "partitions": [{"partition_index": partition, "timestamp": -1}
                                           for partition in range(partitions)]}
            for topic in topics]}, lambda answer: not any(
                p["error_code"] for topic in answer["topics"] for p in topic["partitions"]))
        return {(topic["name"], p["partition_index"]): p["offset"]
                for topic in answer["topics"] for p in topic["partitions"]}

    def share(self, count, group=None):
        """Waits until so many members are at rest."""
        def stable():
            answer = self.talk.quietly("describe_groups", 4, {"groups": [group or self.group]})
            if isinstance(answer, str):
                return False
            found = answer["groups"][0]
            return found["group_state"] == "Stable" and len(found["members"]) == count
        self.wait(f"{count} members share the group", stable)

    def write(self, kind, topics, pairs, some_are_through=None, meanwhile=None):
        """Writes all of that; `meanwhile` happens when a half is given and, of that, some are
        through."""
        self.writers = Writers(kind, self.broker.bootstrap, topics, self.folder)
        half = len(pairs) // 2 if meanwhile else 0
        self.writers.give(pairs[:half])
        if meanwhile:
            self.wait("some are through", some_are_through)
        giver = threading.Thread(target=self.writers.give, args=(pairs[half:],), daemon=True)
        giver.start()
        if meanwhile:
            meanwhile()
        giver.join(WAIT_SECONDS)
        self.writers.finish()

    def stop(self):
        """The last step of every run: the broker stops in order."""
        code = self.broker.stop()
        return None if code == 0 or code == 143 and self.broker.name == "kafka" \
            else f"exit code {code}"

    def close(self):
        if self.writers:
            self.writers.close()
        self.talk.close()


class Process:
    """A program that runs all the time, and can be killed and started again."""

    def __init__(self, command, path):
        self.command, self.path = command, path
        self.process = None

    def start(self):
        with open(self.path, "ab") as log:
            self.process = spawn(self.command, log, stdin=subprocess.DEVNULL, stdout=log)

    def said(self):
        return self.path.read_text(errors="replace")[-1500:]

    def stuck(self):
        if self.process and self.process.poll() is not None:
            raise peers.Failure(f"it ended with {self.process.returncode}: {self.said()}")

    def kill(self):
        end(self.process, signal.SIGKILL, "it")
        self.process = None

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
