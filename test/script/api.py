#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""moldau api as a person at a shell uses it.

What it encodes is compared with test/compat/wire.py, which reads the schemas by itself.
$MOLDAU is the binary, unless set build/moldau.
"""

import json
import os
import pathlib
import subprocess
import sys
import traceback

TREE = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("MOLDAU") or TREE / "build/moldau").resolve()
SECONDS = 30

sys.path.insert(0, str(TREE / "test/compat"))
import wire  # noqa: E402


def run(*words, given=b"", status=0):
    """What a command prints; it must end with this status."""
    done = subprocess.run([BINARY, "api", *map(str, words)], input=given, capture_output=True,
                          timeout=SECONDS)
    assert done.returncode == status, (words, done.returncode, done.stderr)
    return (done.stdout if status == 0 else done.stderr).decode()


def the_list_names_every_api():
    rows = [line.split() for line in run("list").splitlines()[1:]]
    apis = wire.load(TREE)
    assert {row[1]: int(row[0]) for row in rows} == {n: api.key for n, api in apis.items()}
    assert "offset_commit_value" in run("list", "--all")


def requests_are_encoded_as_another_encoder_does():
    for name, api in wire.load(TREE).items():
        versions = api.ranges["request"]
        for version in sorted({versions.low, versions.high}):
            want = api.encode("request", version, {}).hex()
            got = run("encode", name, version, given=b"{}").strip()
            assert got == want, (name, version, got, want)


def what_is_encoded_is_decoded():
    body = {"topics": [{"name": "a"}, {"name": "\u00e4"}], "allowAutoTopicCreation": False}
    frame = run("encode", 3, 4, "--frame", given=json.dumps({"body": body}).encode())
    said = json.loads(run("decode", "Metadata", 4, "--frame", given=frame.encode()))
    assert said["body"] == body, said
    assert said["header"]["requestApiVersion"] == 4
    again = run("decode", 3, 4, "--frame", "--binary", given=bytes.fromhex(frame))
    assert json.loads(again) == said


def record_batches_can_be_left_out():
    body = {"topicData": [{"name": "t", "partitionData": [{"records": "AAAA"}]}]}
    text = run("encode", "produce", 9, given=json.dumps(body).encode())
    said = json.loads(run("decode", "produce", 9, "--sizes", given=text.encode()))
    assert said["topicData"][0]["partitionData"] == [{"index": 0, "recordsSizeInBytes": 3}]


def mistakes_are_told():
    assert "no API" in run("decode", "nothing", 1, status=1)
    assert "versions 0 to 18" in run("decode", "fetch", 77, status=1)
    assert "no hex" in run("decode", "fetch", 4, given=b"xyz", status=1)
    assert "Line 1, topics" in run("encode", "metadata", 9, given=b'{"topics":1}', status=1)
    assert "Option" in run("decode", status=1)
    assert "Option" in run("list", "--encode", status=1)


TESTS = [the_list_names_every_api, requests_are_encoded_as_another_encoder_does,
         what_is_encoded_is_decoded, record_batches_can_be_left_out, mistakes_are_told]


def main():
    failed = 0
    for test in TESTS:
        try:
            test()
            print(f"ok   {test.__name__}")
        except Exception:  # noqa: BLE001 (the next one shall run)
            traceback.print_exc()
            print(f"FAIL {test.__name__}")
            failed += 1
    print(f"{len(TESTS) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
