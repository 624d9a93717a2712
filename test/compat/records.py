# SPDX-License-Identifier: Apache-2.0
"""Records to write, and what must be true of them when they are read back."""

import collections
import json
import random
import typing

import faker

SEED = 20260
Header = typing.Tuple[str, bytes]


class Record(typing.NamedTuple):
    """What a writer was given.  What it could not set is None: then any value is right, as
    long as all readers see the same."""

    number: int
    key: typing.Optional[bytes]
    value: typing.Optional[bytes]
    headers: typing.Tuple[Header, ...]
    timestamp: typing.Optional[int]
    partition: typing.Optional[int]


class Read(typing.NamedTuple):
    """What a reader saw."""

    partition: int
    offset: int
    timestamp: int
    headers: typing.Tuple[Header, ...]
    key: typing.Optional[bytes]
    value: typing.Optional[bytes]


def make(count, first_timestamp):
    """`count` records, the same in each run but for their timestamps.

    Every 7th has no key, every 101st (with a key of its own) no value; a third has a fixed
    partition of three; headers may repeat a name or be empty.  No text holds a tab, a line
    end or, in keys and headers, a comma or colon: the console tools cannot say these."""
    people = faker.Faker(["en_US", "de_DE", "ja_JP", "el_GR"], use_weighting=False)
    faker.Faker.seed(SEED)
    chance = random.Random(SEED)
    records = []
    for number in range(count):
        has_value = number % 101 != 100
        key = f"customer-{chance.randrange(500)}" if has_value else f"gone-{number}"
        if has_value and number % 7 == 6:
            key = None
        value = json.dumps({
            "n": number,
            "name": people.name(),
            "city": people.city(),
            "mail": people.ascii_safe_email(),
            "amount": chance.randrange(10**6) / 100,
            "note": "x" * chance.choice([0, 0, 0, 40, 400]),
        }, ensure_ascii=False)
        headers = [("trace", b"%08x" % chance.getrandbits(32)), ("trace", b"again"), ("empty", b"")]
        records.append(Record(
            number=number,
            key=key.encode() if key is not None else None,
            value=value.encode() if has_value else None,
            headers=tuple(headers[:number % 4]),
            timestamp=first_timestamp + number * 3 - chance.randrange(1000),
            partition=chance.randrange(3) if number % 3 == 0 else None,
        ))
    return records


def number_of(read):
    """Which of the records this is."""
    if read.value is None:
        return int(read.key.rpartition(b"-")[2])
    return json.loads(read.value)["n"]


def _order_problem(reads):
    """Offsets of each partition begin at 0 and have no holes, and follow the writing."""
    next_offset = collections.Counter()
    last_number = collections.defaultdict(lambda: -1)
    for read in reads:
        if read.offset != next_offset[read.partition]:
            return f"offset {read.offset} of partition {read.partition}, expected " \
                   f"{next_offset[read.partition]}"
        number = number_of(read)
        if number <= last_number[read.partition]:
            return f"record {number} of partition {read.partition} behind " \
                   f"{last_number[read.partition]}"
        next_offset[read.partition] += 1
        last_number[read.partition] = number
    return None


def _record_problem(record, read, times):
    for field in ("key", "value", "headers", "timestamp", "partition"):
        wrote, got = getattr(record, field), getattr(read, field)
        if wrote is not None and wrote != got or wrote is None and got is not None \
                and field in ("key", "value"):
            return f"record {record.number}: {field} is {got!r}, was {wrote!r}"
    if record.timestamp is None and not times[0] <= read.timestamp <= times[1]:
        return f"record {record.number}: timestamp {read.timestamp} outside of {times}"
    return None


def problem(records, reads, times):
    """The first thing that is wrong with what was read, or None.

    `times` is when the records were written, from and to, in milliseconds."""
    by_number = {record.number: record for record in records}
    seen = collections.Counter()
    partition_of_key = {}
    for read in reads:
        number = number_of(read)
        seen[number] += 1
        if number not in by_number:
            return f"record {number} was never written"
        if seen[number] > 1:
            return f"record {number} is there twice"
        wrong = _record_problem(by_number[number], read, times)
        if wrong:
            return wrong
        if read.key is not None and by_number[number].partition is None:
            if partition_of_key.setdefault(read.key, read.partition) != read.partition:
                return f"key {read.key!r} in two partitions"
    if len(seen) != len(records):
        lost = sorted(set(by_number) - set(seen))
        return f"{len(lost)} of {len(records)} records are lost, the first is {lost[0]}"
    return _order_problem(reads)


def without_repeats(reads):
    """The first of each record: for a writer that sends again what it has no answer for.
    `reads` are sorted by partition and offset, which closes up behind what is left out."""
    seen = {}
    left_out = collections.Counter()
    kept = []
    for read in reads:
        first = seen.setdefault((number_of(read), read.partition), read)
        if first is not read and first._replace(offset=read.offset) == read:
            left_out[read.partition] += 1
        else:
            kept.append(read._replace(offset=read.offset - left_out[read.partition]))
    return kept


def read_again(log, marks):
    """Says which record a group may not have read again, or None.

    `log` holds (member, topic, Read) as it came.  `marks` are (length of the log then, what was
    committed then: (topic, partition) -> offset): from there on nothing below that may come
    again, and before the first of them nothing at all."""
    first = {}
    marks = list(marks)
    low = None
    for at, (member, topic, read) in enumerate(log):
        while marks and marks[0][0] <= at:
            low = marks.pop(0)[1]
        part = topic, read.partition
        before = first.setdefault((*part, read.offset), read)
        if before != read:
            return f"{topic}: {read} was {before} before"
        if before is not read and (low is None or read.offset < low[part]):
            return f"{member} reads {topic} {read.partition}:{read.offset} again, committed was " \
                   f"{low and low[part]}"
    return None
