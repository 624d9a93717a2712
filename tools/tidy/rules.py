# SPDX-License-Identifier: Apache-2.0
"""tools/tidy/rules.py - the rules that look at the text of the files.

A rule is a function of the project that yields (path, line, key, what is wrong); `key` is
what tools/tidy/allow.txt names an exception by.
"""

import fnmatch
import posixpath
import re

from source import declared_function

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 800
HEADER_LINES_MAX = 300
BIN_LINES_MAX = 200
LINE_COLUMNS_MAX = 100
NESTING_MAX = 4
INLINE_STATEMENTS_MAX = 3  # Of an inline function that needs no comment.
TESTED_FLOORS = ("base", "os", "wire", "net", "store", "client", "meta")
ASSERTED_FLOORS = ("store", "replica", "control", "coord")
SPDX = "SPDX-License-Identifier: Apache-2.0"

RULES = {}


def rule(name):
    def add(function):
        RULES[name] = function
        return function

    return add


@rule("spdx")
def spdx(project):
    """The licence stands in the first line (the second behind a #! line)."""
    for path, text in project.texts.items():
        lines = text.split("\n")
        line = lines[1] if text.startswith("#!") and len(lines) > 1 else lines[0]
        want = {"c": f"/* {SPDX} */", "h": f"/* {SPDX} */", "def": f"/* {SPDX} */"}.get(
            path.rsplit(".", 1)[-1], f"# {SPDX}"
        )
        if needs_licence(path, text) and line != want:
            yield path, 1, path, f"the first line is not `{want}`"


def needs_licence(path, text):
    return path.endswith((".c", ".h", ".def", ".py", ".sh")) or text.startswith("#!")


@rule("essay")
def essay(project):
    """A header begins with what it is, with its threading and its errors."""
    for source in project.headers():
        name = source.path.removeprefix("src/")
        if source.lines[1:2] != ["#pragma once"]:
            yield source.path, 2, source.path, "the second line is not `#pragma once`"
        opening = source.comments[1].text if len(source.comments) > 1 else ""
        if not opening.startswith(f"/* {name} - "):
            yield source.path, 4, source.path, f"does not open with `/* {name} - ...`"
            continue
        if source.floor() in (None, "base"):
            continue
        for word in ("Threading:", "Errors:"):
            if f"\n * {word}" not in opening:
                yield source.path, 4, source.path, f"the essay has no paragraph `{word}`"


def is_short(source, name):
    """An inline function of a few statements says by its name and itself what it does."""
    bodies = [f.body for f in source.functions() if f.name == name]
    return bool(bodies) and bodies[0].count(";") <= INLINE_STATEMENTS_MAX


@rule("comments")
def comments(project):
    """Every public function has a comment in its header; neighbours may share one."""
    for source in project.headers():
        if source.path.endswith("_internal.h") or source.is_test():
            continue
        commented = {c.last for c in source.comments}
        for first, last, text in source.declarations():
            name = declared_function(text)
            if first - 1 in commented:
                commented.add(last)
            elif name and not is_short(source, name):
                yield source.path, first, name, f"{name}() has no comment"


@rule("slashes")
def slashes(project):
    """Comments are written /* like this */."""
    for source in project.sources.values():
        for comment in source.comments:
            if comment.text.startswith("//"):
                yield source.path, comment.first, source.path, "a // comment"


@rule("unfinished")
def unfinished(project):
    """Nothing is left to be done later."""
    word = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")
    for path, text in project.texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if word.search(line):
                yield path, number, path, f"`{word.search(line).group(0)}`"


@rule("markers")
def markers(project):
    """No merge was left half done."""
    for path, text in project.texts.items():
        for number, line in enumerate(text.split("\n"), 1):
            if re.match(r"(<{7}|>{7})( |$)", line):
                yield path, number, path, "a mark of a merge that was not finished"


@rule("length")
def length(project):
    """Functions, files and lines have limits."""
    for source in project.sources.values():
        is_api = source.is_header() and not source.is_test()
        limit = HEADER_LINES_MAX if is_api else FILE_LINES_MAX
        if source.floor() == "bin":
            limit = BIN_LINES_MAX
        if len(source.lines) - 1 > limit:
            yield source.path, limit, source.path, f"longer than {limit} lines"
        for function in source.functions():
            size = function.last - function.first + 1
            if size > FUNCTION_LINES_MAX:
                yield (
                    source.path,
                    function.first,
                    function.name,
                    f"{function.name}() has {size} lines, {FUNCTION_LINES_MAX} are allowed",
                )
    for path, text in project.texts.items():
        if path.endswith((".md", ".def", ".msg", ".txt")):
            continue  # Prose flows, and tables have their columns.
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_COLUMNS_MAX:
                yield path, number, path, f"longer than {LINE_COLUMNS_MAX} columns"


@rule("nesting")
def nesting(project):
    """Blocks lie at most four deep inside a function."""
    for source in project.sources.values():
        for function in source.functions():
            depth = deepest = 0
            for brace in re.findall(r"[{}]", function.body):
                depth += 1 if brace == "{" else -1
                deepest = max(deepest, depth)
            if deepest > NESTING_MAX:
                yield (
                    source.path,
                    function.first,
                    function.name,
                    f"{function.name}() is nested {deepest} deep",
                )


@rule("floors")
def floors(project):
    """A file includes its own folder and the floors below that it declares."""
    for source in project.sources.values():
        here = posixpath.dirname(source.path.removeprefix("src/"))
        floor = source.floor()
        if floor and floor not in project.floors and floor != "bin":
            yield source.path, 1, floor, f"src/{floor} is no declared floor"
            continue
        for line, is_quoted, name in source.includes:
            there = posixpath.dirname(name)
            if not is_quoted:
                continue
            # A benchmark compares the ways to do a thing, of which others see the best alone.
            is_hidden = name.endswith("_internal.h") and not source.path.startswith("test/bench/")
            if is_hidden and there != here:
                yield source.path, line, name, f"{name} is the business of {there}/ alone"
            elif floor and not may_include(project, source, floor, name):
                yield source.path, line, name, f"{floor} may not include {name}"


def may_include(project, source, floor, name):
    there = name.split("/")[0]
    if "/" not in name:
        return False
    if name.startswith("test/"):
        return source.is_test()
    return floor == "bin" or there == floor or there in project.floors[floor]


BANNED_ANYWHERE = {
    "strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets": "writes without a bound",
    "atoi atol atoll atof": "cannot tell an error",
    "strtok": "has a state of its own",
    "alloca": "has no bound",
    "sleep usleep nanosleep": "waits for a time instead of for an event",
}
BANNED_BUT_IN_MEM = {
    "malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc "
    "strdup strndup asprintf vasprintf": "belongs to src/base/mem.c"
}
BANNED_ABOVE_OS = {
    "open openat creat read write pread pwrite preadv pwritev readv writev close fsync fdatasync "
    "ftruncate truncate rename renameat unlink unlinkat mkdir mkdirat rmdir opendir readdir "
    "fopen fdopen fread fwrite socket bind listen accept accept4 connect send sendto sendmsg recv "
    "recvfrom recvmsg sendfile epoll_create1 epoll_ctl epoll_wait poll select eventfd mmap munmap "
    "fork execve syscall ioctl fcntl flock stat fstat lstat getaddrinfo": "belongs to src/os",
    "time clock clock_gettime gettimeofday timespec_get": "is struct io's business",
    "rand srand random srandom drand48 rand_r getrandom getentropy": "is a parameter",
}
BANNED_BELOW_BIN = {
    "exit _exit quick_exit atexit signal sigaction chdir getopt getopt_long getenv setenv "
    "setlocale": "belongs to src/bin"
}
KERNEL_HEADER = re.compile(
    r"^(sys/(?!types|cdefs).*|unistd|fcntl|pthread|threads|signal|dirent|poll|sched|netdb|spawn|"
    r"netinet/.*|arpa/.*|linux/.*|termios)\.h$|^sys/.*|^netinet/.*|^arpa/.*|^linux/.*"
)


def calls(source, words):
    """Calls of one of `words` by that very name: no member, no declaration."""
    own = {function.name for function in source.functions()}
    pattern = r"(?<![\w.>])(" + "|".join(words) + r")\s*\("
    for match in re.finditer(pattern, source.code):
        if match.group(1) in own:
            continue  # A function of the file's, whatever libc has under that name.
        yield source.line_of(match.start()), match.group(1)


def banned_for(source):
    tables = [BANNED_ANYWHERE]
    if source.path != "src/base/mem.c":
        tables.append(BANNED_BUT_IN_MEM)
    if source.floor() and not source.is_test():
        if source.floor() not in ("os", "bin"):
            tables.append(BANNED_ABOVE_OS)
        if source.floor() != "bin":
            tables.append(BANNED_BELOW_BIN)
    return tables


@rule("banned")
def banned(project):
    """Some functions are not called, or in one place only."""
    for source in project.sources.values():
        for table in banned_for(source):
            for words, why in table.items():
                for line, name in calls(source, words.split()):
                    yield source.path, line, name, f"{name}() {why}"
        if not source.floor() or source.floor() in ("os", "bin") or source.is_test():
            continue
        for line, name in calls(source, [r"pthread_\w+"]):
            yield source.path, line, name, f"{name}() belongs to src/os"
        for line, is_quoted, name in source.includes:
            if not is_quoted and KERNEL_HEADER.match(name):
                yield source.path, line, name, f"<{name}> belongs to src/os"


@rule("macros")
def macros(project):
    """No macro hides control flow."""
    for source in project.sources.values():
        for line, text in source.directives:
            if not re.match(r"\s*#\s*define\b", text):
                continue
            body = re.sub(r"^\s*#\s*define\s+\w+(\([^)]*\))?", "", text)
            hidden = re.search(r"\b(return|goto|break|continue)\b", body)
            if hidden:
                name = re.match(r"\s*#\s*define\s+(\w+)", text).group(1)
                yield source.path, line, name, f"{name} hides a `{hidden.group(0)}`"


@rule("conditionals")
def conditionals(project):
    """No #if inside a function."""
    for source in project.sources.values():
        lines = [n for n, text in source.directives if re.match(r"\s*#\s*(if|el|endif)", text)]
        for function in source.functions():
            for number in lines:
                if function.first < number < function.last:
                    yield source.path, number, function.name, f"#if inside {function.name}()"


@rule("typedefs")
def typedefs(project):
    """A struct is called a struct, and a pointer looks like one."""
    for source in project.sources.values():
        for match in re.finditer(r"^\s*typedef\s+([^;{]*)[;{]", source.plain, re.M):
            text = match.group(1)
            if re.match(r"(struct|union|enum)\b", text) or re.search(r"\*\s*\w+\s*$", text):
                line = source.line_of(match.start(1))
                yield source.path, line, source.path, f"typedef {text.strip()}"


def is_covered(project, path):
    """By its own test, or as a part without a header of its own: codec_walk.c of codec."""
    stem = path.removesuffix(".c")
    if f"{stem}_test.c" in project.sources:
        return True
    while f"{stem}.h" not in project.sources and "_" in posixpath.basename(stem):
        stem = stem.rsplit("_", 1)[0]
        if f"{stem}.c" in project.sources and f"{stem}_test.c" in project.sources:
            return True
    return False


@rule("tested")
def tested(project):
    """Every module of the lower floors has a test beside it."""
    for source in project.sources.values():
        if source.floor() not in TESTED_FLOORS or not source.path.endswith(".c"):
            continue
        if not source.is_test() and not is_covered(project, source.path):
            yield source.path, 1, source.path, "has no test beside it"


@rule("readmes")
def readmes(project):
    """Every folder with code has a README that names its modules."""
    folders = {}
    for path in project.texts:
        if path.endswith((".c", ".h", ".def")) and path.startswith("src/"):
            folders.setdefault(posixpath.dirname(path), set()).add(module_of(path))
    for folder, modules in folders.items():
        readme = f"{folder}/README.md"
        named = re.findall(r"[\w*]+", project.texts.get(readme, ""))
        for module in sorted(modules):
            if not any(fnmatch.fnmatchcase(module, word) for word in named):
                yield readme, 0, module, f"does not name {module}"


MESSAGES = "src/base/diag_messages.def"


def sentences(source):
    """(line, sentence) of every message to the log."""
    for match in re.finditer(r"\bdiag_(?:error|warn|info|debug)\(", source.code):
        at = match.end()
        depth = 0
        while at < len(source.code) and (depth or source.code[at] != ","):
            depth += (source.code[at] in "([") - (source.code[at] in ")]")
            at += 1
        parts = re.match(r'(?:\s*"(?:\\.|[^"\\])*")+', source.text[at + 1 :])
        if parts:
            words = re.findall(r'"((?:\\.|[^"\\])*)"', parts.group(0))
            yield source.line_of(match.start()), "".join(words)


@rule("messages")
def messages(project):
    """What is said in the log has a number, and a number is for one message."""
    text = project.texts.get(MESSAGES, "")
    rows = {}
    ids = set()
    for line, row in enumerate(text.split("\n"), 1):
        match = re.fullmatch(r'MESSAGE\((\d+), "(.*)"\)', row)
        if match:
            if match[1] in ids or match[2] in rows:
                yield MESSAGES, line, match[1], "is there twice"
            ids.add(match[1])
            rows[match[2]] = line
    unused = dict(rows)
    for source in project.sources.values():
        if source.floor() and source.path.endswith(".c") and not source.is_test():
            for line, sentence in sentences(source):
                unused.pop(sentence, None)
                if sentence not in rows:
                    yield source.path, line, sentence, f"`{sentence}` has no row in {MESSAGES}"
    for sentence, line in unused.items():
        yield MESSAGES, line, sentence, f"nobody says `{sentence}`"


def module_of(path):
    return re.sub(r"(_internal|_test)?\.\w+$", "", posixpath.basename(path))


def assertions(project):
    """(floor, assertions, functions) of every floor."""
    counts = {}
    for source in project.sources.values():
        if source.floor() and not source.is_test():
            asserts = len(re.findall(r"\b(?:\w+_)?assert(?:_\w+)?\s*\(", source.plain))
            sums = counts.setdefault(source.floor(), [0, 0])
            sums[0] += asserts
            sums[1] += len(source.functions())
    return [(floor, *sums) for floor, sums in sorted(counts.items())]


@rule("assertions")
def asserted(project):
    """The floors that keep data hold at least one assertion per function."""
    for floor, asserts, functions in assertions(project):
        if floor in ASSERTED_FLOORS and asserts < functions:
            yield f"src/{floor}", 0, floor, f"{asserts} assertions in {functions} functions"
