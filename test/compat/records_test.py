# SPDX-License-Identifier: Apache-2.0
"""The comparison of what was written and what was read must be able to say no."""

import sys
import unittest

import peers

peers.enter_venv()

import records  # noqa: E402 (needs the venv)

START = 1_700_000_000_000
TIMES = (START, START + 1000)


def read_back(written):
    """What a right broker would give, by the partition that each record asks for."""
    ends = {}
    reads = []
    for record in written:
        partition = record.number % 3 if record.partition is None else record.partition
        if record.partition is None and record.key is not None:
            partition = sum(record.key) % 3
        offset = ends.get(partition, 0)
        ends[partition] = offset + 1
        reads.append(records.Read(partition, offset, record.timestamp or START, record.headers,
                                  record.key, record.value))
    return sorted(reads)


class Problem(unittest.TestCase):
    def setUp(self):
        self.written = records.make(300, START)
        self.reads = read_back(self.written)

    def check(self, wanted, reads=None):
        found = records.problem(self.written, self.reads if reads is None else reads, TIMES)
        self.assertRegex(str(found), wanted)

    def change(self, at, **fields):
        self.reads[at] = self.reads[at]._replace(**fields)

    def test_what_is_right_is_no_problem(self):
        self.check("^None$")

    def test_a_lost_record_is_seen(self):
        self.check("1 of 300 records are lost", self.reads[:-1])

    def test_a_record_that_is_there_twice_is_seen(self):
        twice = self.reads[-1]._replace(offset=self.reads[-1].offset + 1)
        self.check("there twice", [*self.reads, twice])

    def test_a_hole_in_the_offsets_is_seen(self):
        self.change(-1, offset=self.reads[-1].offset + 1)
        self.check("offset .* expected")

    def test_another_order_is_seen(self):
        a, b = self.reads[0], self.reads[1]
        self.reads[0] = b._replace(offset=a.offset)
        self.reads[1] = a._replace(offset=b.offset)
        self.check("behind")

    def test_another_key_value_header_or_time_is_seen(self):
        at = next(i for i, read in enumerate(self.reads) if read.key and read.value)
        right = self.reads[at]
        for field, wrong in (("key", b"other"), ("key", None), ("headers", (("a", b"b"),)),
                             ("value", right.value + b" "), ("timestamp", right.timestamp + 1)):
            self.reads[at] = right._replace(**{field: wrong})
            self.check(field)

    def test_a_key_where_there_was_none_is_seen(self):
        at = next(i for i, read in enumerate(self.reads) if read.key is None)
        self.change(at, key=b"")
        self.check("key is b''")

    def test_another_partition_is_seen(self):
        record = next(r for r in self.written if r.partition is not None and r.value)
        at = next(i for i, read in enumerate(self.reads)
                  if read.value and records.number_of(read) == record.number)
        self.change(at, partition=(record.partition + 1) % 3)
        self.check("partition is")

    def test_a_time_outside_of_the_writing_is_seen(self):
        self.written = [record._replace(timestamp=None) for record in self.written]
        self.check("outside")

    def test_records_are_the_same_in_each_run(self):
        self.assertEqual(self.written, records.make(300, START))

    def test_what_was_sent_again_is_left_out_and_nothing_else(self):
        again = []
        for read in self.reads:
            if read.partition == 0:
                again.append(read._replace(offset=2 * read.offset))
                again.append(read._replace(offset=2 * read.offset + 1))
            else:
                again.append(read)
        self.check("there twice", again)
        self.check("^None$", records.without_repeats(again))
        again[1] = again[1]._replace(timestamp=START + 1)
        self.check("twice|timestamp", records.without_repeats(again))
        del again[4]
        self.check("offset .* expected|twice", records.without_repeats(again))


class ReadAgain(unittest.TestCase):
    def setUp(self):
        self.log = [("first", "t", records.Read(0, offset, START, (), b"k", b"v%d" % offset))
                    for offset in range(10)]
        self.marks = [(6, {("t", 0): 5})]

    def check(self, wanted):
        self.assertRegex(str(records.read_again(self.log, self.marks)), wanted)

    def again(self, offset):
        return ("second", self.log[offset][1], self.log[offset][2]._replace())

    def test_what_was_not_committed_may_come_again(self):
        self.log += [self.again(offset) for offset in range(5, 10)]
        self.check("^None$")

    def test_what_was_committed_may_not(self):
        self.log.append(self.again(4))
        self.check("second reads t 0:4 again, committed was 5")

    def test_nothing_may_before_anybody_died(self):
        self.log.insert(6, self.again(5))
        self.marks = [(7, {("t", 0): 5})]
        self.check("committed was None")

    def test_the_newest_mark_counts(self):
        self.marks.append((10, {("t", 0): 8}))
        self.log.append(self.again(7))
        self.check("committed was 8")

    def test_it_must_be_the_same(self):
        member, topic, read = self.again(9)
        self.log.append((member, topic, read._replace(value=b"other")))
        self.check("was .* before")


if __name__ == "__main__":
    outcome = unittest.main(exit=False).result
    bad = len(outcome.failures) + len(outcome.errors)
    print(f"{outcome.testsRun - bad} passed, {bad} failed, 0 skipped")
    sys.exit(1 if bad else 0)
