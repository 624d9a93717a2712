# SPDX-License-Identifier: Apache-2.0
"""Which calls and which errors the cases of the differential test have to show, and did.

A call is an (API, version) that apis.def advertises.  An error is an (API, error) that a
handler can give; which ones those are is read from the code: the ERROR_ constants in
handle_<api>.c and in the functions of src/broker that it reaches by their names; of what the
controller decides by itself, in controller_serve_<api>().  Those that no case can bring about
are listed in uncovered.txt, with the reason.
"""

import fnmatch
import re

import peers

BROKER = peers.TREE / "src/broker"
CONTROL = peers.TREE / "src/control"
LISTED = peers.HERE / "uncovered.txt"
FUNCTION = re.compile(r"^(?:static |struct |const |void |bool |int\d*(?:_t)? |char |\*|\w+ )*"
                      r"\**(\w+)\([^;]*?\)\n\{\n(.*?)^\}", re.M | re.S)


class Seen:
    """What came back from one broker."""

    def __init__(self):
        self.calls = set()
        self.errors = set()

    def add(self, api, version, answer):
        self.calls.add((api, version))
        self._errors(api, answer)

    def _errors(self, api, value):
        if isinstance(value, list):
            for one in value:
                self._errors(api, one)
        elif isinstance(value, dict):
            for name, inner in value.items():
                if name.endswith("error_code") and isinstance(inner, int):
                    self.errors.add((api, inner))
                else:
                    self._errors(api, inner)


def error_names():
    """Error codes by the constants of the code."""
    text = (peers.TREE / "src/wire/errors.def").read_text()
    return {name: int(code) for name, code in re.findall(r"^ERROR\((\w+), +(-?\d+),", text, re.M)}


def advertised_calls():
    rows = re.findall(r"^API\((\w+),\s+\w+,(?!\s*CONTROLLER)[^)]*?(\d+), +(\d+), +(\d+)\)",
                      (BROKER / "apis.def").read_text(), re.M | re.S)
    return {(name, version) for name, _, highest, first in rows
            for version in range(int(first), int(highest) + 1)}


def _functions():
    """The body of each function of src/broker, by file and name."""
    files = {}
    for path in sorted(BROKER.glob("*.c")):
        if not path.name.endswith("_test.c"):
            files[path.stem] = dict(FUNCTION.findall(path.read_text()))
    return files


# What carries requests and answers of all APIs: its errors are its callers'.
CARRIERS = ("dispatch", "session", "shard", "broker", "request", "life", "observer")


def errors_of_controller():
    """As errors_of_handlers(), of what clients ask the controller for."""
    asked = {api for api, _ in advertised_calls()}
    return {(name.removeprefix("controller_serve_"), error)
            for path in CONTROL.glob("*.c")
            for name, body in FUNCTION.findall(path.read_text())
            if name.removeprefix("controller_serve_") in asked
            for error in re.findall(r"\bERROR_(\w+)", body) if error != "NONE"}


def errors_of_handlers():
    """The (API, error name) that the code names."""
    files = _functions()
    shared = {name: body for stem, own in files.items()
              if not stem.startswith("handle_") and stem not in CARRIERS
              for name, body in own.items()}
    found = errors_of_controller()
    for stem, own in files.items():
        if not stem.startswith("handle_"):
            continue
        todo, done = list(own.values()), set()
        while todo:
            body = todo.pop()
            for error in re.findall(r"\bERROR_(\w+)", body):
                if error != "NONE":
                    found.add((stem.removeprefix("handle_"), error))
            for name in re.findall(r"\b(\w+)\b", body):
                if name in shared and name not in done:
                    done.add(name)
                    todo.append(shared[name])
    return found


def read_listed():
    """Lines `api: ERROR ERROR ...` below the reason that they have in common."""
    rows, reason = [], ""
    for number, line in enumerate(LISTED.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith(" "):
            reason = line
            continue
        api, _, errors = line.partition(":")
        if not reason or not errors:
            raise peers.Failure(f"{LISTED.name}:{number}: not `api: ERROR ...` below a reason")
        rows += [(number, api.strip(), error) for error in errors.split()]
    return rows


def missing(seen):
    """Sentences on what was to be seen and was not, or is listed and should not be."""
    names = error_names()
    found = [f"{api} v{version} was not called"
             for api, version in sorted(advertised_calls() - seen.calls)]
    can = errors_of_handlers()
    listed = read_listed()

    def excuses(api, error):
        return [row for row in listed
                if fnmatch.fnmatchcase(api, row[1]) and fnmatch.fnmatchcase(error, row[2])]
    for api, error in sorted(can):
        was_seen = (api, names[error]) in seen.errors
        if not was_seen and not excuses(api, error):
            found.append(f"{api} was not seen to answer {error}")
    used = {row for api, error in can if (api, names[error]) not in seen.errors
            for row in excuses(api, error)}
    found += [f"{LISTED.name}:{number} excuses nothing: {api}: {error}"
              for number, api, error in listed if (number, api, error) not in used]
    by_code = {code: name for name, code in names.items()}
    for api, code in sorted(seen.errors):
        if code and (api, by_code.get(code)) not in can:
            found.append(f"{api} answered {by_code.get(code)}, which was not found in its code")
    return found
