#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/tidy/tidy_test.py - for every rule a tree that it must accept and trees that it must not.

Each fixture is a small tree of files.  A good one breaks no rule at all; a bad one breaks
exactly the rule it stands under, at the line that it names.
"""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
LOADER = importlib.machinery.SourceFileLoader("tidy", os.path.join(HERE, "tidy"))
SPEC = importlib.util.spec_from_loader("tidy", LOADER)
tidy = importlib.util.module_from_spec(SPEC)
LOADER.exec_module(tidy)

LICENCE = "/* SPDX-License-Identifier: Apache-2.0 */\n"
FLOORS = "base: \nos: base\nwire: base;messages\nstore: base;os;wire\nbroker: base;store\n"


def header(path, body, essay=" *\n * Threading: none.\n * Errors:    none.\n"):
    name = path.removeprefix("src/")
    return f"{LICENCE}#pragma once\n\n/* {name} - a thing.\n{essay} */\n\n{body}"


def function(lines, name="f"):
    """A function of so many lines, from its signature to its brace."""
    return (
        f"int {name}(void);\nint {name}(void)\n{{\n"
        + "    ;\n" * (lines - 4)
        + "    return 0;\n}\n"
    )


def nested(depth):
    opening = "".join("    " * (i + 1) + "if (a) {\n" for i in range(depth))
    closing = "".join("    " * (i + 1) + "}\n" for i in reversed(range(depth)))
    body = opening + "    " * (depth + 1) + "a = 0;\n" + closing
    return "void f(int a);\nvoid f(int a)\n{\n" + body + "}\n"


X_C = LICENCE + "#include <stddef.h>\n\n"
X_H = header("src/os/x.h", "")

# What the fixtures' folders are documented by, unless a fixture brings its own.
READMES = {
    f"src/{floor}/README.md": "x y z mem codec codec_walk x_y"
    for floor in ("base", "os", "wire", "store", "broker", "attic")
}

# Trees that no rule says anything about.
GOOD = {
    "a message with a number": {
        "src/base/README.md": "diag_messages",
        "src/base/diag_messages.def": LICENCE + 'MESSAGE(1, "said")\n',
        "src/broker/x.c": X_C
        + "void f(struct diag *d);\nvoid f(struct diag *d)\n{\n"
        + '    diag_warn(d, "sa"\n                 "id");\n}\n',
    },
    "an empty project": {},
    "a header of the lowest floor has an essay and needs no more": {
        "src/base/x.h": header("src/base/x.h", "/* Says it. */\nint say(void);\n", "")
    },
    "a higher header names threading and errors": {"src/os/x.h": X_H},
    "neighbours share a comment, and short inline functions need none": {
        "src/base/x.h": header(
            "src/base/x.h",
            "/* Both. */\nint one(void);\nint two(int a,\n        int b);\n\n"
            "static inline int three(void)\n{\n    return 3;\n}\n",
        )
    },
    "an internal header is for its folder": {
        "src/broker/x_internal.h": header("src/broker/x_internal.h", "int say(void);\n"),
        "src/broker/x.c": LICENCE + '#include "broker/x_internal.h"\n',
    },
    "a floor includes what it declares": {
        "src/broker/x.c": LICENCE
        + '#include "base/x.h"\n#include "store/y.h"\n\n#include <stdio.h>\n',
        "src/base/x.h": header("src/base/x.h", ""),
        "src/store/y.h": header("src/store/y.h", ""),
    },
    "a function, a file and a line may be as long as the limits": {
        "src/broker/x.c": X_C + function(70) + "/* " + "x" * 94 + " */\n" + "\n" * 0,
        "src/broker/y.c": LICENCE + "/* y */\n" * 799,
        "src/broker/z.h": header("src/broker/z.h", "/* z */\n" * 290),
    },
    "four blocks may be nested": {"src/broker/x.c": X_C + nested(4)},
    "words in comments, in literals and in names are no calls": {
        "src/broker/x.c": X_C
        + "/* malloc() and time() // are banned */\n"
        + 'const char *f(void);\nconst char *f(void)\n{\n    return "malloc(1) // free(2)";\n}\n'
        + "void chunk_free(struct x *x);\nvoid chunk_free(struct x *x)\n{\n"
        + "    x->ops->close(x);\n    x->free(x);\n}\n"
    },
    "the kernel is called in os, memory taken in base/mem.c": {
        "src/os/x.c": X_C + "void f(int fd);\nvoid f(int fd)\n{\n    close(fd);\n}\n",
        "src/os/x_test.c": X_C,
        "src/base/mem.c": X_C + "void f(void *p);\nvoid f(void *p)\n{\n    free(p);\n}\n",
        "src/base/mem_test.c": X_C,
    },
    "a macro may have statements": {"src/broker/x.c": LICENCE + "#define twice(x) (g(x), g(x))\n"},
    "#if between functions": {
        "src/broker/x.c": LICENCE + "#ifdef X\nint x;\n#else\nint y;\n#endif\n"
    },
    "a part without a header is tested with its module": {
        "src/wire/codec.c": X_C,
        "src/wire/codec_walk.c": X_C,
        "src/wire/codec_test.c": X_C,
    },
    "assertions, one for each function": {
        "src/store/x.c": X_C + "void f(int a);\nvoid f(int a)\n{\n    assert(a);\n}\n",
        "src/store/x_test.c": X_C,
    },
    "a typedef of a scalar and of a function": {
        "src/broker/x.h": header(
            "src/broker/x.h", "typedef long offset;\ntypedef int handler_fn(long);\n"
        )
    },
    "a program has the licence behind its #! line": {
        "tools/x": "#!/bin/bash\n# SPDX-License-Identifier: Apache-2.0\n"
    },
    "a README may name many modules with a star": {
        "src/broker/handle_a.c": X_C,
        "src/broker/handle_b.c": X_C,
        "src/broker/README.md": "`handle_*.c` are handlers",
    },
    "a table is as wide as its columns": {"src/broker/x.def": LICENCE + "ROW(" + "x" * 200 + ")\n"},
}

# (what is wrong, tree, rule, line)
SAYS = "void f(struct diag *d);\nvoid f(struct diag *d)\n{\n    diag_warn(d, \"said\");\n}\n"
ROW = 'MESSAGE(1, "said")\n'
TABLE = "src/base/diag_messages.def"
WITH_TABLE = {"src/base/README.md": "diag_messages"}

BAD = [
    ("a message without a number", {"src/broker/x.c": X_C + SAYS}, "messages", 7),
    ("a number that is not used", {TABLE: LICENCE + ROW} | WITH_TABLE, "messages", 2),
    (
        "a number twice",
        {
            TABLE: LICENCE + ROW + 'MESSAGE(1, "said too")\n',
            "src/broker/x.c": X_C + SAYS.replace('"said"', '"said" " too"'),
            "src/broker/y.c": X_C + SAYS,
        }
        | WITH_TABLE,
        "messages",
        3,
    ),
    ("no licence", {"src/broker/x.c": "#include <stddef.h>\n"}, "spdx", 1),
    ("no licence in a script", {"tools/x": "#!/bin/bash\n\n"}, "spdx", 1),
    ("no essay", {"src/base/x.h": LICENCE + "#pragma once\n"}, "essay", 4),
    (
        "an essay under another name",
        {"src/base/x.h": header("src/base/x.h", "").replace("base/x.h -", "base/y.h -")},
        "essay",
        4,
    ),
    (
        "no threading",
        {"src/os/x.h": header("src/os/x.h", "", " *\n * Errors: none.\n")},
        "essay",
        4,
    ),
    ("no errors", {"src/os/x.h": header("src/os/x.h", "", " *\n * Threading: -\n")}, "essay", 4),
    ("no pragma once", {"src/base/x.h": LICENCE + "\n\n/* base/x.h - x. */\n"}, "essay", 2),
    (
        "a function without a comment",
        {
            "src/base/x.h": header(
                "src/base/x.h", "/* One. */\nint one(void);\n\nint two(void);\n", ""
            )
        },
        "comments",
        10,
    ),
    (
        "a long inline function without a comment",
        {
            "src/base/x.h": header(
                "src/base/x.h", "static inline int f(int a)\n{\n" + "    a++;\n" * 4 + "}\n", ""
            )
        },
        "comments",
        7,
    ),
    ("a // comment", {"src/broker/x.c": LICENCE + "int x; // one\n"}, "slashes", 2),
    ("something left", {"src/broker/x.c": LICENCE + "/* TO" + "DO: more */\n"}, "unfinished", 2),
    ("a merge half done", {"src/broker/x.c": LICENCE + ">" * 7 + " main\n"}, "markers", 2),
    ("a function of 71 lines", {"src/broker/x.c": X_C + function(71)}, "length", 5),
    ("a file of 801 lines", {"src/broker/x.c": LICENCE + "/* x */\n" * 800}, "length", 800),
    (
        "a header of 301 lines",
        {"src/broker/x.h": header("src/broker/x.h", "/* x */\n" * 292)},
        "length",
        300,
    ),
    (
        "a line of 101 columns",
        {"src/broker/x.c": LICENCE + "/* " + "x" * 95 + " */\n"},
        "length",
        2,
    ),
    (
        "a line of 101 columns in a script",
        {"x.py": "# SPDX-License-Identifier: Apache-2.0\n#" + "x" * 100},
        "length",
        2,
    ),
    ("five blocks", {"src/broker/x.c": X_C + nested(5)}, "nesting", 5),
    (
        "a call upwards",
        {"src/base/x.c": LICENCE + '#include "store/x.h"\n', "src/base/x_test.c": X_C},
        "floors",
        2,
    ),
    ("a floor nobody declared", {"src/attic/x.c": X_C}, "floors", 1),
    (
        "a test's words in the program",
        {"src/broker/x.c": LICENCE + '#include "test/harness/check.h"\n'},
        "floors",
        2,
    ),
    (
        "somebody else's internals",
        {"src/broker/x.c": LICENCE + '#include "store/x_internal.h"\n'},
        "floors",
        2,
    ),
    (
        "somebody else's internals in a test",
        {"test/x/x.c": LICENCE + '#include "store/x_internal.h"\n'},
        "floors",
        2,
    ),
    (
        "malloc",
        {"src/broker/x.c": X_C + "void f(void);\nvoid f(void)\n{\n    malloc(1);\n}\n"},
        "banned",
        7,
    ),
    ("strcpy in a tool", {"tools/x/x.c": LICENCE + "int a[] = {strcpy(a, b)};\n"}, "banned", 2),
    ("a sleep in a test", {"src/broker/x_test.c": LICENCE + "int a = usleep(1);\n"}, "banned", 2),
    ("a system call", {"src/broker/x.c": LICENCE + "int a = fsync(1);\n"}, "banned", 2),
    ("the time", {"src/broker/x.c": LICENCE + "int a = time(NULL);\n"}, "banned", 2),
    ("a mutex", {"src/broker/x.c": LICENCE + "int a = pthread_mutex_lock(x);\n"}, "banned", 2),
    ("exit", {"src/os/x.c": LICENCE + "int a = exit(1);\n", "src/os/x_test.c": X_C}, "banned", 2),
    ("a header of the kernel", {"src/broker/x.c": LICENCE + "#include <unistd.h>\n"}, "banned", 2),
    (
        "a macro that returns",
        {"src/broker/x.c": LICENCE + "#define x(a) \\\n    if (a) return\n"},
        "macros",
        2,
    ),
    (
        "#if in a function",
        {"src/broker/x.c": LICENCE + "void f(void)\n{\n#if X\n    g();\n    g();\n#endif\n}\n"},
        "conditionals",
        4,
    ),
    ("a typedef of a struct", {"src/broker/x.c": LICENCE + "typedef struct x x;\n"}, "typedefs", 2),
    (
        "a typedef of a pointer",
        {"src/broker/x.c": LICENCE + "typedef char *name;\n"},
        "typedefs",
        2,
    ),
    ("no test", {"src/base/x.c": X_C}, "tested", 1),
    (
        "no test of a part with a header",
        {
            "src/wire/x.c": X_C,
            "src/wire/x_test.c": X_C,
            "src/wire/x_y.c": X_C,
            "src/wire/x_y.h": header("src/wire/x_y.h", ""),
        },
        "tested",
        1,
    ),
    ("a module its README does not name", {"src/broker/w.c": X_C}, "readmes", 0),
    (
        "no README",
        {"src/broker/x.c": X_C, "src/broker/README.md": ""},
        "readmes",
        0,
    ),
    (
        "no assertion where data is kept",
        {
            "src/store/x.c": LICENCE + "void f(void)\n{\n}\n",
            "src/store/x_test.c": X_C,
        },
        "assertions",
        0,
    ),
]

# The rules that ask other programs, with what these need.
LAYOUT_GOOD = {"src/broker/x.c": LICENCE + "int x;\n"}
LAYOUT_BAD = {"src/broker/x.c": LICENCE + "int  x ;\n"}
ALONE_GOOD = {"src/base/x.h": header("src/base/x.h", "#include <stddef.h>\nextern size_t x;\n")}
ALONE_BAD = {"src/base/x.h": header("src/base/x.h", "extern size_t x;\n")}
STATICS_GOOD = {
    "src/base/x.c": LICENCE + 'const char *const x[] = {"a"};\nstatic const int y = 7;\n'
    "const int *z(void);\nconst int *z(void)\n{\n    return &y;\n}\n"
}
STATICS_BAD = {
    "src/base/x.c": LICENCE + "int z(void);\nint z(void)\n{\n"
    "    static int count;\n    return ++count;\n}\n"
}

TEXT_RULES = [n for n in tidy.rules.RULES if n not in ("layout", "standalone", "statics")]


def make_tree(root, tree):
    os.makedirs(os.path.join(root, "build"))
    with open(os.path.join(root, "build", "floors.txt"), "w", encoding="utf-8") as file:
        file.write(FLOORS)
    for path, text in tree.items():
        full = os.path.join(root, path)
        os.makedirs(os.path.dirname(full) or root, exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)


def findings(tree, chosen, prepare=None, allowed=None):
    tree = READMES | tree
    with tempfile.TemporaryDirectory() as root:
        make_tree(root, tree)
        if prepare:
            prepare(root)
        project = tidy.Project(root, "build", list(tree))
        return tidy.check(project, chosen, allowed or {})


def compile_objects(root):
    out = os.path.join(root, "build/src/base/CMakeFiles/base.dir")
    os.makedirs(out)
    subprocess.run(
        ("gcc", "-c", "-fPIC", "-o", f"{out}/x.c.o", "src/base/x.c"), cwd=root, check=True
    )


def copy_format(root):
    with open(os.path.join(HERE, "../../.clang-format"), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(root, ".clang-format"), "w", encoding="utf-8") as file:
        file.write(text)


def is_broken_only(found, rule, line):
    return {f[2] for f in found} == {rule} and (line is None or found[0][1] == line)


def test_program(report, rule, good, bad, prepare=None):
    report(f"{rule}: accepts the good example", findings(good, [rule], prepare)[0] == [])
    report(
        f"{rule}: refuses the bad one",
        is_broken_only(findings(bad, [rule], prepare)[0], rule, None),
    )


def main():
    counts = {True: 0, False: 0}

    def report(what, good, detail=""):
        counts[bool(good)] += 1
        print(f"{'ok  ' if good else 'FAIL'} {what}{'' if good else f': {detail}'}")

    for what, tree in GOOD.items():
        found, _ = findings(tree, TEXT_RULES)
        report(f"accepts: {what}", found == [], found)
    for what, tree, rule, line in BAD:
        found, _ = findings(tree, TEXT_RULES)
        report(f"{rule}: refuses {what}", is_broken_only(found, rule, line), found)
    test_program(report, "layout", LAYOUT_GOOD, LAYOUT_BAD, copy_format)
    test_program(report, "standalone", ALONE_GOOD, ALONE_BAD)
    test_program(report, "statics", STATICS_GOOD, STATICS_BAD, compile_objects)

    long = {"src/broker/x.c": X_C + function(71)}
    allowed = {("length", "src/broker/x.c", "f"): 1}
    report("an exception holds", findings(long, TEXT_RULES, None, allowed) == ([], []))
    unused = findings({}, TEXT_RULES, None, allowed)[1]
    report("an exception that is not needed is found", unused == list(allowed))
    tested = {rule for _, _, rule, _ in BAD} | {"layout", "standalone", "statics"}
    missing = sorted(set(tidy.rules.RULES) - tested)
    report("every rule has a bad example", not missing, missing)

    print(f"{counts[True]} passed, {counts[False]} failed, 0 skipped")
    return 1 if counts[False] else 0


if __name__ == "__main__":
    sys.exit(main())
