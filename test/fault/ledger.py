#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the campaigns have come to: a line for each run in ledger.tsv, and a page that adds them up.

    ledger.py    prints docs/reliability.md anew
"""

import collections
import datetime
import pathlib
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
LEDGER = TREE / "test/fault/ledger.tsv"
PAGE = TREE / "docs/reliability.md"
COLUMNS = ("date", "commit", "campaign", "seed", "trials", "failed", "counts")
# By name: the word of make, what is tried, and what must hold.
CAMPAIGNS = {
    "damage": ("make damage COUNT=1000",
               "one damage in one file of a folder (a bit, a zeroed block, two blocks that have "
               "changed places, a cut), and a start on it",
               "no byte is served that nobody wrote; what is not served any more was damaged, and "
               "the log of the broker tells; everything else is whole; no process crashes or "
               "hangs"),
    "storm": ("make storm RESTARTS=200",
              "a restart, by SIGTERM or SIGKILL, while clients write and read that are never "
              "restarted",
              "each record is there once, in order within its partition, and its group has read "
              "it; no client gives up"),
}
HEAD = """\
<!-- Printed by test/fault/ledger.py from test/fault/ledger.tsv.  Do not edit. -->

# Reliability: what was tried, and how often

Each campaign tries something again and again on real processes and files, each time by other
numbers, and says what must hold. Each run that was noted counts here, also those that failed:
what they found was mended since, or stands below. `make` words add to the ledger; the short runs
of `make test` do not.

| campaign | command | a trial is | what must hold | runs | trials | failed | last |
|---|---|---|---|--:|--:|--:|---|
"""
TAIL = """
## What is known not to be seen

Kafka's format has no checksum over these, and a single node has nothing to compare them with:

* the leader's epoch of a batch, which is served as it stands;
* how many offsets a damaged batch has, where a reader begins in its middle: if its header says
  that it ends earlier, that reader gets the next batch. Who comes to its beginning is told;
* `log-start-offset-checkpoint`: a digit that has become another one moves the first offset of a
  log, so that deleted records are shown again, or others are not;
* a time index that was cut between two entries, or whose offsets are others: offsets for times of
  that log may be too late. `moldau check` compares it with the segment;
* the id in `partition.metadata`: a log with another one is another topic's, and is moved aside
  (`-stray`), which the log of the broker tells.
"""


def commit():
    """The commit that is tried, with a plus if the tree has changes."""
    done = subprocess.run(["git", "describe", "--always", "--dirty=+", "--abbrev=10"], cwd=TREE,
                          capture_output=True, text=True, check=True)
    return done.stdout.strip()


def append(campaign, seed, trials, failed, counts):
    """Notes a run."""
    line = (datetime.date.today(), commit(), campaign, seed, trials, failed, counts)
    with open(LEDGER, "a", encoding="utf-8") as file:
        if file.tell() == 0:
            file.write("\t".join(COLUMNS) + "\n")
        file.write("\t".join(map(str, line)) + "\n")


def main():
    rows = collections.defaultdict(list)
    for line in LEDGER.read_text().splitlines()[1:]:
        row = dict(zip(COLUMNS, line.split("\t")))
        rows[row["campaign"]].append(row)
    page = HEAD
    for name, (command, trial, holds) in CAMPAIGNS.items():
        runs = rows[name]
        trials, failed = (sum(int(run[key]) for run in runs) for key in ("trials", "failed"))
        last = f"{runs[-1]['date']}, {runs[-1]['commit']}" if runs else ""
        page += (f"| {name} | `{command}` | {trial} | {holds} | {len(runs)} | {trials} | {failed} "
                 f"| {last} |\n")
    PAGE.write_text(page + TAIL)


if __name__ == "__main__":
    sys.exit(main())
