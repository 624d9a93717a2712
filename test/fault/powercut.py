#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Cuts the power under a broker, on real file systems, at any point of its life.

    powercut.py [--fs ext4|xfs|both] [--points N] [--lives N] [--seconds S] [--seed S] [--keep]

A broker works on ext4 or xfs, on a loop device, on a disk that remembers every write and
every flush (logged_disk.c).  Clients write, read, delete, commit, and what they were told
is marked in the disk's memory at that moment.  Afterwards the disk is made again as a cut
at a random point would have left it: all that was flushed, and of each sector that was not
yet flushed the old or the new bytes.  That is mounted, a broker started on it, and
everything looked at: what any client was told before the cut must hold.

Last comes a life in which the broker does not sync (log.ack.durability=page-cache): cuts
must be seen to lose what it told, or this test would see nothing.

Needs root, loop devices and FUSE; the mounts are in a namespace that ends with the test.
"""

import argparse
import bisect
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
sys.path.insert(0, str(TREE / "test/fault"))

import peers  # noqa: E402
import tally  # noqa: E402
import life  # noqa: E402
import logged  # noqa: E402

LOGGED_DISK = TREE / "build/test/fault/logged_disk"
MIB = {"ext4": 96, "xfs": 320}  # mkfs.xfs wants no less.
MAKE = {"ext4": ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard"],
        "xfs": ["mkfs.xfs", "-q", "-K"]}
CONTROL_POINTS = 8
CONTROL_SECONDS = 2  # In more it would fill the disk, as it waits for nothing.
ENTERED = "MOLDAU_FAULT_NAMESPACE"
SETTINGS = ["log.segment.bytes=1048576", "log.flush.offset.checkpoint.interval.ms=300",
            "offsets.topic.num.partitions=3"]


def enter_namespace():
    """Goes on where mounts are our own, so that none outlives us."""
    if os.environ.get(ENTERED):
        return
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private",
                          sys.executable, *sys.argv])


def missing():
    """What this machine lacks, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for need in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(need):
            return f"needs {need}"
    return None if LOGGED_DISK.exists() else f"needs {LOGGED_DISK}"


class Disk:
    """A logged disk with a file system of its own, mounted while it is in use."""

    def __init__(self, folder, kind):
        self.kind = kind
        self.fuse, self.mount = folder / "fuse", folder / "disk"
        self.image, self.log = folder / "image", folder / "log"
        for one in (self.fuse, self.mount):
            one.mkdir()

    def __enter__(self):
        self.process = subprocess.Popen(
            [LOGGED_DISK, self.fuse, str(MIB[self.kind]), self.image, self.log],
            stdout=subprocess.PIPE)
        if self.process.stdout.readline() != b"ready\n":
            raise peers.Failure("the logged disk does not come up")
        peers.run([*MAKE[self.kind], self.fuse / "disk"])
        peers.run(["mount", "-o", "loop", "-t", self.kind, self.fuse / "disk", self.mount])
        return self

    def __exit__(self, *_):
        peers.run(["umount", self.mount])
        peers.run(["umount", self.fuse])
        self.process.wait(30)


def work(folder, kind, seconds, rng, durability):
    """One life of a broker; returns the log of its disk and what its clients know."""
    shards = rng.choice((1, 4))
    with Disk(folder, kind) as disk, open(disk.fuse / "mark", "wb", buffering=0) as mark:
        known = life.Known(mark)
        broker = peers.Moldau(folder / "server", [*SETTINGS, f"num.shards={shards}",
                                                  f"log.ack.durability={durability}",
                                                  f"log.dirs={disk.mount}/data"])
        with broker:
            known.note("begin")
            try:
                life.run(broker.port, known, seconds, rng)
            except peers.Failure as failure:
                raise peers.Failure(f"{failure}; the broker said: {broker.tail()}") from failure
            end = known.note("end")
            if broker.stop():
                raise peers.Failure(f"the broker did not stop well: {broker.tail()}")
    return logged.read(folder / "log"), known, end


def look(image, mount, folder, kind, known, count):
    """A broker on the disk after the cut: what is wrong, or None."""
    done = subprocess.run(["mount", "-o", "loop", "-t", kind, image, mount], capture_output=True)
    if done.returncode:
        return f"cannot be mounted: {done.stderr.decode()}"
    try:
        broker = peers.Moldau(folder, [*SETTINGS, f"log.dirs={mount}/data"])
        with broker:
            why = life.judge(broker.port, known, count)
            if broker.stop() and not why:
                why = f"the stop was not clean: {broker.tail()}"
        return why
    finally:
        peers.run(["umount", mount])


def cut(folder, kind, log, known, end, points, rng):
    """Cuts the power `points` times; yields the name of each cut and what was wrong after it."""
    first, last = log.mark_at(0), log.mark_at(end)
    places = sorted(rng.randrange(first + 1, last) for _ in range(points))
    replay = logged.Replay(log, folder / "flushed", MIB[kind] << 20)
    mount = folder / "after"
    mount.mkdir()
    for place in places:
        image = folder / "image-after"
        replay.make(place, image, rng)
        count = bisect.bisect_left(log.marks, place)
        why = look(image, mount, folder / "again", kind, known, count)
        yield f"{kind}: cut at {place} of {last}, behind {count} of {end} notes", why
        shutil.rmtree(folder / "again", ignore_errors=True)


def live(kind, durability, points, seconds, seed, keep):
    """A life and its cuts: yields as cut() does."""
    rng = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-fault-", dir="/dev/shm"))
    try:
        log, known, end = work(folder, kind, seconds, rng, durability)
        print(f"{kind}, {durability}, seed {seed}: {log.describe()}; {known.describe()}",
              flush=True)
        yield from cut(folder, kind, log, known, end, points, rng)
    except peers.Failure as failure:
        yield f"{kind}: a life", str(failure)
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fs", choices=(*MIB, "both"), default="both")
    parser.add_argument("--points", type=int, default=500, help="cuts in all")
    parser.add_argument("--lives", type=int, default=4, help="on each file system")
    parser.add_argument("--seconds", type=float, default=5, help="of each life")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    counts = tally.Tally()
    lack = missing()
    if lack:
        counts.note("skipped", "cuts of power under real file systems", lack)
        return counts.close()
    enter_namespace()

    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    kinds = list(MIB) if options.fs == "both" else [options.fs]
    lives = [kind for kind in kinds for _ in range(options.lives)]
    for number, kind in enumerate(lives):
        points = (options.points + number) // len(lives)
        for name, why in live(kind, "disk", points, options.seconds, seed + number, options.keep):
            counts.note("FAILED" if why else "passed", name, why)
    losses = [why for _, why in live(kinds[0], "page-cache", CONTROL_POINTS,
                                     min(options.seconds, CONTROL_SECONDS), seed, options.keep)
              if why]
    counts.note("passed" if losses else "FAILED", "without syncs, losses are seen",
                f"{len(losses)} of {CONTROL_POINTS}" + (f", as {losses[0]}" if losses else ""))
    return counts.close()


if __name__ == "__main__":
    sys.exit(main())
