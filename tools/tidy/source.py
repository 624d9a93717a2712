# SPDX-License-Identifier: Apache-2.0
"""tools/tidy/source.py - a C file as the rules look at it.

`code` is the text with the insides of comments and literals blanked out, so that a rule
that looks for a word cannot find it in prose; offsets and line numbers stay the same.
"""

import bisect
import re

LITERAL = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.M)


def blanked(text):
    return re.sub(r"[^\n]", " ", text)


class Comment:
    def __init__(self, text, first, last):
        self.text, self.first, self.last = text, first, last


class Function:
    """A function with a body: lines of its signature and of its closing brace."""

    def __init__(self, name, first, last, body):
        self.name, self.first, self.last, self.body = name, first, last, body


class Source:
    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = text.split("\n")
        self.line_starts = [0]
        for line in self.lines:
            self.line_starts.append(self.line_starts[-1] + len(line) + 1)
        self.comments = []
        self.code = LITERAL.sub(self._blank, text)
        self.directives = [
            (self.line_of(m.start()), m.group(0)) for m in DIRECTIVE.finditer(self.code)
        ]
        self.plain = DIRECTIVE.sub(lambda m: blanked(m.group(0)), self.code)
        self.includes = [
            (self.line_of(m.start()), m.group(1) == '"', m.group(2)) for m in INCLUDE.finditer(text)
        ]

    def _blank(self, match):
        token = match.group(0)
        if token[0] == "/":
            first = self.line_of(match.start())
            self.comments.append(Comment(token, first, first + token.count("\n")))
            return blanked(token)
        return token[0] + blanked(token[1:-1]) + token[-1]

    def line_of(self, offset):
        """The number of the line, from 1, that an offset lies in."""
        return bisect.bisect_right(self.line_starts, offset)

    def is_header(self):
        return self.path.endswith(".h")

    def is_test(self):
        return self.path.endswith(("_test.c", "_test.h")) or self.path.startswith("test/")

    def floor(self):
        """The folder under src/ that the file is in, or None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    def functions(self):
        """Functions with bodies.  clang-format puts their braces alone into column 0, but
        for `static inline` ones in headers too."""
        found = []
        for match in re.finditer(r"^\{\n(.*?)^\}", self.plain, re.S | re.M):
            first = self.line_of(match.start()) - 1
            while first > 1 and not self._ends_declaration(first - 1):
                first -= 1
            head = "\n".join(self.plain.split("\n")[first - 1 : self.line_of(match.start()) - 1])
            names = re.findall(r"(\w+)\s*\(", re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head))
            found.append(
                Function(
                    names[0] if names else "?", first, self.line_of(match.end() - 1), match.group(1)
                )
            )
        return found

    def _ends_declaration(self, number):
        """Whether nothing that begins on line `number` goes on below it."""
        line = self.plain.split("\n")[number - 1].rstrip() if number else ""
        return line == "" or line.endswith((";", "}", "{"))

    def declarations(self):
        """What stands at file scope, as (first line, last line, text), bodies left out."""
        found, depth, text, start = [], 0, [], None
        for match in re.finditer(r"[{};]|[^{};\s]+|\s+", self.plain):
            token = match.group(0)
            if depth == 0 and not token.isspace() and start is None:
                start = match.start()
            if token == "{":
                depth += 1
            elif token == "}":
                depth -= 1
            elif depth == 0 and start is not None and token != ";":
                text.append(token)
            ends_body = token == "}" and "(" in "".join(text) and "=" not in "".join(text)
            if depth == 0 and start is not None and (token == ";" or ends_body):
                found.append(
                    (self.line_of(start), self.line_of(match.start()), "".join(text).strip())
                )
                text, start = [], None
        return found


def declared_function(text):
    """The name of the function that a declaration at file scope declares, or None."""
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", text, flags=re.S)
    if re.match(r"\s*(typedef|_Static_assert)\b", text) or "=" in text:
        return None
    match = re.match(r"\s*((?:[\w]+[\s*]+)+)(\w+)\s*\(", text)
    return match.group(2) if match else None
