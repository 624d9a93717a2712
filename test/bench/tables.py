# SPDX-License-Identifier: Apache-2.0
"""What is measured, as tables of Markdown, and the conditions it was measured under."""

import datetime
import os
import pathlib
import platform
import statistics
import subprocess

TREE = pathlib.Path(__file__).resolve().parent.parent.parent


def show(values, digits=1):
    """The median, and the range that it is from."""
    if not values:
        return "-"
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


class Table:
    def __init__(self, *heads):
        self.rows = [heads]

    def add(self, *cells):
        self.rows.append([str(cell) for cell in cells])

    def text(self):
        widths = [max(len(row[i]) for row in self.rows) for i in range(len(self.rows[0]))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
                 for row in self.rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(lines)


def conditions():
    def ask(*command):
        done = subprocess.run(command, cwd=TREE, capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else "unknown"
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return (f"{now}, commit {ask('git', 'describe', '--always', '--dirty')}; {os.cpu_count()} "
            f"cores ({model}), Linux {platform.release()}; load average at the start {load}")
