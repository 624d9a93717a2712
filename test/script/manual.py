#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The pages of the manual and the completions of shells, as the build has made them.

mandoc must find nothing to say about a page; each option of a command stands in its page; bash
completes words and options, by our names and by those of Kafka's scripts.  zsh and fish must read
their files, where they are installed.
"""

import pathlib
import re
import shutil
import subprocess
import sys

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
MAN, COMPLETION = TREE / "build/man", TREE / "build/completion"
COMPLETE = """
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_moldau
printf '%s\\n' "${COMPREPLY[@]}"
"""


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL)


def complete(*words):
    done = run("bash", "-c", COMPLETE, "bash", COMPLETION / "moldau.bash", *words)
    assert done.returncode == 0 and not done.stderr, done
    return set(done.stdout.split())


def check_man(check):
    pages = sorted(MAN.glob("*.1"))
    check(len(pages) > 30, f"{len(pages)} pages")
    for page in pages:
        text = page.read_text()
        if text.startswith(".so man1/"):
            check((MAN / text.split("/")[1].strip()).exists(), f"{page.name} leads nowhere")
            continue
        said = run("mandoc", "-T", "lint", "-W", "warning", page)
        # A page that is printed from tables has no date of its own.
        lines = [line for line in said.stdout.splitlines() if "missing date" not in line]
        check(not lines and not said.stderr, f"{page.name}: {lines[:4]}{said.stderr[:200]}")
    shown = run("mandoc", "-T", "ascii", MAN / "moldau-topics.1").stdout
    shown = re.sub(r".\x08", "", shown)
    for option in ("--bootstrap-server", "--replication-factor", "--json"):
        check(option in shown, f"moldau-topics.1 lacks {option}")


def check_bash(check):
    for words, wanted in [
            (("moldau", "top"), {"topics"}),
            (("moldau", ""), {"topics", "server", "groups", "perf", "check"}),
            (("moldau", "topics", ""), {"list", "create", "describe", "delete"}),
            (("moldau", "topics", "list", "--boot"), {"--bootstrap-server"}),
            (("moldau", "verify", "consume", "--assign"), {"--assignment-strategy"}),
            (("moldau", "features", "upgrade", "--rel"), {"--release-version"}),
            (("kafka-topics.sh", "--part"), {"--partitions"}),
            (("/usr/bin/kafka-configs.sh", "--entity-n"), {"--entity-name"})]:
        found = complete(*words)
        check(wanted <= found, f"{words}: {found} lacks {wanted - found}")
    found = complete("moldau", "features", "describe", "--rel")
    check(not found, f"an option of another subcommand: {found}")


def main():
    passed, mistakes, skipped = 0, [], 0

    def check(is_good, sentence):
        nonlocal passed
        passed += bool(is_good)
        if not is_good:
            mistakes.append(sentence)

    check_man(check)
    check_bash(check)
    for shell, file in (("zsh", "_moldau"), ("fish", "moldau.fish")):
        if not shutil.which(shell):
            skipped += 1
            continue
        said = run(shell, "-n", COMPLETION / file)
        check(said.returncode == 0 and not said.stderr, f"{shell}: {said.stderr[:300]}")
    for sentence in mistakes:
        print(f"FAIL {sentence}")
    print(f"{passed} passed, {len(mistakes)} failed, {skipped} skipped")
    return bool(mistakes)


if __name__ == "__main__":
    sys.exit(main())
