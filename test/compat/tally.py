# SPDX-License-Identifier: Apache-2.0
"""Counts checks, prints a line for each, and the closing line that tools/runtests reads."""

import collections
import threading
import time


class Tally:
    """Any thread may add to it."""

    def __init__(self):
        self.counts = collections.Counter()
        self.lock = threading.Lock()

    def note(self, outcome, what, why=None):
        with self.lock:
            self.counts[outcome] += 1
            print(f"{outcome:7} {what}{': ' if why else ''}{why or ''}", flush=True)

    def attempt(self, what, action):
        """Runs `action`; a text it returns, or a Failure, is what went wrong."""
        began = time.monotonic()
        try:
            why = action()
        except Exception as error:  # noqa: BLE001 (clients raise what they like)
            why = f"{type(error).__name__}: {error}"
        if why:
            self.note("FAILED", what, why)
        else:
            self.note("passed", f"{what} ({time.monotonic() - began:.1f} s)")
        return not why

    def close(self):
        c = self.counts
        print(f"{c['passed']} passed, {c['FAILED']} failed, {c['skipped']} skipped")
        return 1 if c["FAILED"] or not c["passed"] else 0
