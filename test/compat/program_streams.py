# SPDX-License-Identifier: Apache-2.0
"""Kafka Streams' word count, as a run of programs.py: the broker is killed while it counts,
then the program, which finds its counts in the changelog again, since its folder is gone."""

import collections
import shutil

import kafka
import kafka.structs

import clients
import program_kinds as kinds
import program_watch as watch

PARTITIONS = 3
INPUT, OUTPUT = "lines", "counts-of-words"
HELPER = "kafka-python"  # Creates the topics, and writes the lines.


class Run(watch.Watch):
    """One program and one broker.  Its guarantee is at_least_once: so it is killed when all
    that was counted is committed."""

    def __init__(self, broker, client, wanted):
        super().__init__(broker, "word-count")
        self.helper = kinds.kind(HELPER)
        self.state = self.folder / "streams"
        self.program = watch.Process(
            [*kinds.java_program("WordCount"), broker.bootstrap, self.group, INPUT, OUTPUT,
             self.state], self.folder / "streams.log")
        self.wanted = [record for record in wanted
                       if record.value is not None or client.can("nulls")]
        self.repartition = f"{self.group}-words-repartition"
        self.changelog = f"{self.group}-counts-changelog"
        self.consumer = None
        self.counts = {}
        self.expected = collections.Counter()

    def stuck(self):
        self.program.stuck()

    def progress(self):
        wrong = [(word, count, self.counts.get(word)) for word, count in self.expected.items()
                 if self.counts.get(word) != count]
        return f"{len(wrong)} of {len(self.expected)} counts are wrong: {wrong[:5]}"

    def look(self):
        """Reads on in the output: the last count of a word is right."""
        for messages in self.consumer.poll(timeout_ms=100).values():
            for message in messages:
                self.counts[message.key.decode()] = int(message.value)

    def begin(self):
        self.helper.create(self.broker.bootstrap, [INPUT, OUTPUT], PARTITIONS)
        self.program.start()
        self.share(1)
        self.consumer = kafka.KafkaConsumer(bootstrap_servers=self.broker.bootstrap,
                                            group_id=None, enable_auto_commit=False)
        parts = [kafka.structs.TopicPartition(OUTPUT, number) for number in range(PARTITIONS)]
        self.consumer.assign(parts)
        self.consumer.seek_to_beginning(*parts)

    def count(self, part, meanwhile=None):
        """Writes these lines, and waits until their words are counted and committed."""
        for record in part:
            self.expected.update(word for word in record.value.decode().split(" ") if word)
        self.write(self.helper, {INPUT: "lz4"}, [(INPUT, record) for record in part],
                   lambda: sum(self.ends([OUTPUT], PARTITIONS).values()) > 0, meanwhile)
        topics = [INPUT, self.repartition]

        def all_are_counted():
            self.look()
            return self.committed(topics, PARTITIONS) == self.ends(topics, PARTITIONS)
        self.wait("all is committed", all_are_counted)

        def all_are_right():
            self.look()
            return all(self.counts.get(word) == count for word, count in self.expected.items())
        self.wait("all counts are right", all_are_right)
        more = set(self.counts) - set(self.expected)
        return f"words that were never written: {sorted(more)[:5]}" if more else None

    def broker_dies(self):
        def kill_and_start():
            self.broker.kill()
            self.broker.start()
        return self.count(self.wanted[:len(self.wanted) // 2], kill_and_start)

    def program_dies(self):
        self.program.kill()
        shutil.rmtree(self.state)
        self.program.start()
        return self.count(self.wanted[len(self.wanted) // 2:])

    def is_compacted(self):
        answer = self.asked("describe_configs", 4, {"resources": [{
            "resource_type": 2, "resource_name": self.changelog,
            "configuration_keys": ["cleanup.policy"]}]},
            lambda answer: not answer["results"][0]["error_code"])
        value = answer["results"][0]["configs"][0]["value"]
        return None if value == "compact" else f"cleanup.policy is {value}"

    def changelog_is_right(self):
        """Nobody but Streams reads it: a count is eight bytes there."""
        found = {}
        consumer = clients.python_read(self.broker.bootstrap, self.changelog, None)
        for read in consumer:
            found[read.key.decode()] = int.from_bytes(read.value, "big")
        wrong = [word for word, count in self.expected.items() if found.get(word) != count]
        return f"{len(wrong)} counts are wrong in it: {wrong[:5]}" if wrong else None

    def steps(self):
        return [("creates its topics, and waits for lines", self.begin),
                ("counts while the broker is killed", self.broker_dies),
                ("is killed, and finds its counts in the changelog", self.program_dies),
                ("has a compacted changelog", self.is_compacted),
                ("has all counts in the changelog", self.changelog_is_right),
                ("leaves a broker that stops in order", self.leave)]

    def leave(self):
        self.consumer.close()
        self.program.close()
        return self.stop()

    def close(self):
        self.program.close()
        super().close()
