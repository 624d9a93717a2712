# SPDX-License-Identifier: Apache-2.0
"""tools/tidy/rules_build.py - the rules that ask other programs: compiler, objdump, formatter."""

import concurrent.futures
import glob
import os
import re
import subprocess

from rules import rule


def run(project, *command, stdin=None):
    return subprocess.run(
        command, cwd=project.root, input=stdin, capture_output=True, text=True, check=False
    )


@rule("layout")
def layout(project):
    """Every C file is as clang-format leaves it."""
    paths = sorted(project.sources)
    if not paths:
        return
    result = run(project, "clang-format-14", "--dry-run", *paths)
    seen = set()
    for match in re.finditer(r"^(?:\./)?([^:\n]+):(\d+):\d+: warning:", result.stderr, re.M):
        path = os.path.relpath(os.path.join(project.root, match.group(1)), project.root)
        if path not in seen:
            seen.add(path)
            yield path, int(match.group(2)), path, "is not formatted (make format)"
    if result.returncode and not seen:
        yield ".", 0, "clang-format", result.stderr.strip()[:200]


def compile_alone(project, path):
    return run(
        project,
        *("gcc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fsyntax-only", "-x", "c"),
        *("-I.", "-Isrc", f"-I{project.build}/gen", "-"),
        stdin=f'#include "{path}"\n',
    )


@rule("standalone")
def standalone(project):
    """Every header compiles alone."""
    paths = [source.path for source in project.headers()]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda path: compile_alone(project, path), paths)
    for path, result in zip(paths, results):
        if result.returncode:
            yield path, 1, path, "does not compile alone: " + first_error(result.stderr)


def first_error(text):
    errors = re.findall(r"error: (.*)", text)
    return errors[0] if errors else text.strip()[:200]


# Sections whose bytes a running program may change.
MUTABLE = re.compile(r"^\.(data|bss|tdata|tbss)(\.|$)|^\*COM\*$")


@rule("statics")
def statics(project):
    """No object of src/ has a variable that outlives a call: several nodes live in one process."""
    pattern = os.path.join(project.root, project.build, "src", "*", "CMakeFiles", "*.dir", "*.o")
    for path in sorted(glob.glob(pattern)):
        floor = path.split("/")[-4]
        source = f"src/{floor}/{os.path.basename(path).removesuffix('.o')}"
        if source not in project.sources or source.endswith("_test.c"):
            continue
        for name, section in variables(run(project, "objdump", "-t", path).stdout):
            if MUTABLE.match(section) and not section.startswith(".data.rel.ro"):
                yield source, 1, name, f"`{name}` is a mutable static ({section})"


def variables(table):
    """(name, section) of the objects in what `objdump -t` prints."""
    for line in table.splitlines():
        match = re.match(r"^[0-9a-f]+ .{6}O (\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if match:
            yield match.group(2), match.group(1)
