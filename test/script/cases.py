# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of a script: each is a function whose only parameter is `folder`."""

import inspect
import pathlib
import sys
import tempfile
import traceback


def cases_of(script):
    return [value for value in script.values()
            if inspect.isfunction(value) and value.__module__ == "__main__" and
            list(inspect.signature(value).parameters) == ["folder"]]


def main(script, names=()):
    """Runs those of `script`, its globals(), that are in `names`, or all, each in an empty folder
    of its own; says how it went, and returns an exit status."""
    passed = failed = 0
    for function in cases_of(script):
        if names and function.__name__ not in names:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                function(pathlib.Path(folder).resolve())
                passed += 1
                print(f"ok   {function.__name__}", flush=True)
            except Exception:  # noqa: BLE001 (the others are to run)
                failed += 1
                traceback.print_exc(file=sys.stdout)
                print(f"FAIL {function.__name__}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return failed > 0 or passed == 0
