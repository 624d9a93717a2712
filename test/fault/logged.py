# SPDX-License-Identifier: Apache-2.0
"""The memory of a logged disk, and the disk as a cut at any place of it would have left it."""

import bisect
import os
import subprocess
import struct

SECTOR = 512
HEAD = struct.Struct("=BQI")
WRITE, FLUSH, MARK = b"WFM"
# Of what was not flushed, how much gets through: all, nothing, or sectors by chance.
LUCK = (1.0, 0.0, 0.5, 0.5, 0.1, 0.9)


class Log:
    """What happened, in order: entries are (kind, offset or number, bytes)."""

    def __init__(self, entries):
        self.entries = entries
        self.flushes = [at for at, entry in enumerate(entries) if entry[0] == FLUSH]
        self.marks = [at for at, entry in enumerate(entries) if entry[0] == MARK]

    def mark_at(self, number):
        """Where the mark of this number stands; they count from 0."""
        assert self.entries[self.marks[number]][1] == number
        return self.marks[number]

    def last_flush_before(self, place):
        """Everything before it was flushed, or 0."""
        found = bisect.bisect_left(self.flushes, place)
        return self.flushes[found - 1] if found else 0

    def describe(self):
        writes = len(self.entries) - len(self.flushes) - len(self.marks)
        return f"{writes} writes, {len(self.flushes)} flushes"


def read(path):
    raw = memoryview(path.read_bytes())
    entries, at = [], 0
    while at < len(raw):
        kind, where, size = HEAD.unpack_from(raw, at)
        at += HEAD.size
        entries.append((kind, where, raw[at:at + size]))
        at += size
    return Log(entries)


class Replay:
    """Makes images for places that only grow."""

    def __init__(self, log, path, size):
        self.log = log
        self.path = path
        self.done = 0
        self.flushed = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.ftruncate(self.flushed, size)

    def make(self, place, image, rng):
        """The disk after a cut before the entry at `place`."""
        flush = self.log.last_flush_before(place)
        for kind, where, data in self.log.entries[self.done:flush]:
            if kind == WRITE:
                os.pwrite(self.flushed, data, where)
        self.done = max(self.done, flush)
        subprocess.run(["cp", "--sparse=auto", self.path, image], check=True)
        luck = rng.choice(LUCK)
        with open(image, "r+b", buffering=0) as after:
            for kind, where, data in self.log.entries[flush:place]:
                if kind != WRITE:
                    continue
                for at in range(0, len(data), SECTOR):
                    if rng.random() < luck:
                        os.pwrite(after.fileno(), data[at:at + SECTOR], where + at)
