#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every command that lists or describes prints JSON, under names that stay.

A word that begins to list something must be added to src/cli/json_names.def, to MORE, or to EXEMPT
with a reason.
$MOLDAU is the binary, unless set build/moldau.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TREE / "test/compat"))
import peers  # noqa: E402

# Words whose names depend on what there is.
MORE = ["configs describe --entity-type brokers --entity-name 1", "features mapping",
        "groups describe g --members", "moves list", "topics describe"]
ROW = re.compile(r'^JSON_NAMES\("([^"]*)", "([^"]*)",\s+"([^"]*)"\)', re.MULTILINE)
EXEMPT = {
    "api list": "of this program, not of a cluster",
}
LISTS = re.compile(r"^  (\S+ (?:list|describe|nodes|id|types|mapping|needs|api-versions))\s",
                   re.MULTILINE)


def names_of(value):
    """The names of the objects in it, and of those in lists, with where they are."""
    if isinstance(value, dict):
        found = set()
        for name, inner in value.items():
            found |= {name} | {f"{name}.{below}" for below in names_of(inner)}
        return found
    if isinstance(value, list):
        return set().union(*map(names_of, value)) if value else set()
    return set()


def table():
    """What must be printed: words with what stands behind them, and the names; None: any."""
    rows = ROW.findall((TREE / "src/cli/json_names.def").read_text())
    # Of topics the one that is named: names of settings are not of the table.
    known = {f"{words} {'t' if words == 'topics describe' else behind}".strip(): set(names.split())
             for words, behind, names in rows}
    return known | {words: None for words in MORE}


def main():
    words_known = table()
    binary = os.environ.get("MOLDAU") or str(peers.TREE / "build/moldau")
    passed, mistakes = 0, []

    def run(*words):
        return subprocess.run([binary, *words], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL)

    with tempfile.TemporaryDirectory() as folder:
        node = peers.Moldau(pathlib.Path(folder) / "node")
        node.start()
        at = ("--bootstrap-server", node.bootstrap)
        try:
            run("topics", "create", "t", "--partitions", "2", "--config", "retention.ms=1000000",
                *at).check_returncode()
            run("verify", "produce", "--topic", "t", "--max-messages", "3",
                *at).check_returncode()
            run("verify", "consume", "--topic", "t", "--group-id", "g", "--max-messages", "3",
                *at).check_returncode()
            for words, names in words_known.items():
                done = run(*words.split(), "--json", *at)
                try:
                    said = json.loads(done.stdout)
                except ValueError:
                    said = None
                seen = {name for name in names_of(said) if not name.startswith("configs.ret")}
                is_good = (done.returncode == 0 and said is not None
                           and (names is None or names == seen))
                passed += is_good
                if not is_good:
                    mistakes.append(f"{words}: {done.returncode} {done.stdout[:300]!r} "
                                    f"{done.stderr[:300]!r}")
                if "--show" in sys.argv:
                    print(words, sorted(names_of(said)))
            described = json.loads(run("topics", "describe", "t", "--json", *at).stdout)[0]
            partition = described["partitions"][0]
            is_good = (described["configs"] == {"retention.ms": "1000000"}
                       and len(described["partitions"]) == 2
                       and partition["leader"] == partition["replicas"][0] == partition["isr"][0])
            passed += is_good
            if not is_good:
                mistakes.append(f"topics describe t: {described}")
        finally:
            node.stop()
    refused = run("kafka-topics", "--list", "--json", *at)
    is_good = refused.returncode == 1 and "json is not a recognized option" in refused.stderr
    passed += is_good
    if not is_good:
        mistakes.append(f"kafka-topics --json: {refused}")
    covered = {" ".join(words.split()[:2]) for words in words_known} | EXEMPT.keys()
    for words in LISTS.findall(run("--help").stdout):
        passed += words in covered
        if words not in covered:
            mistakes.append(f"moldau {words} is neither in json_names.def nor in MORE or EXEMPT")
    for sentence in mistakes:
        print(f"FAIL {sentence}")
    print(f"{passed} passed, {len(mistakes)} failed, 0 skipped")
    return bool(mistakes)


if __name__ == "__main__":
    sys.exit(main())
