# SPDX-License-Identifier: Apache-2.0
"""Command lines of kafka-get-offsets and kafka-delete-records."""

from lines import DELETE, OFFSETS, PRODUCE, TOPICS

# Files for kafka-delete-records.
PLACES = """{"version":1,"partitions":[{"topic":"o1","partition":0,"offset":1},
    {"topic":"o2","partition":0,"offset":2},{"topic":"o1","partition":1,"offset":-1}]}"""
BAD_PLACES = {
    "places_twice": """{"partitions":[{"topic":"o1","partition":0,"offset":0},
        {"topic":"o1","partition":0,"offset":-1}]}""",
    "places_version": """{"version":2,"partitions":[]}""",
    "places_none": """{"version":1}""",
    "places_empty": """{"version":1,"partitions":[]}""",
    "places_part": """{"version":1,"partitions":[{"topic":"o1","partition":0}]}""",
    "places_word": """{"partitions":[{"topic":"o1","partition":"x","offset":1}]}""",
    "places_nonsense": "nonsense",
    "places_range": """{"partitions":[{"topic":"o2","partition":0,"offset":-7}]}""",
}

CASES = [
    # --- kafka-get-offsets
    (f"{TOPICS} --create --topic o1 --partitions 3 --replica-assignment 1,1,1", ""),
    (f"{TOPICS} --create --topic o1 --replica-assignment 1,1,1", ""),
    (f"{TOPICS} --create --topic o2 --partitions 1", ""),
    (f"{PRODUCE} --topic o2", "a\nb\nc\n"),
    (f"{OFFSETS} --exclude-internal-topics", ""),
    (f"{OFFSETS} --topic [a-z]\\d", ""),
    (f"{OFFSETS} --help", ""),
    (f"{OFFSETS} --version", ""),
    ("kafka-get-offsets --topic o1", ""),
    ("kafka-get-offsets --broker-list {b} --topic o1", ""),
    ("kafka-get-offsets --bootstrap-server bad --topic o1", ""),
    ("kafka-get-offsets --bootstrap-server {b},bad:x --topic o1", ""),
    (f"{OFFSETS} --topic o1", ""),
    (f"{OFFSETS} --topic o.*", ""),
    (f"{OFFSETS} --topic nope", ""),
    (f"{OFFSETS} --topic [", ""),
    (f"{OFFSETS} --topic o1,o2 --partitions 0", ""),
    (f"{OFFSETS} --topic o1 --partitions 0,2", ""),
    (f"{OFFSETS} --topic o1 --partitions x", ""),
    (f"{OFFSETS} --topic o1 --partitions 7", ""),
    (f"{OFFSETS} --topic-partitions o1:0-2", ""),
    (f"{OFFSETS} --topic-partitions o1:1-,o2", ""),
    (f"{OFFSETS} --topic-partitions o1:-1,o2:0", ""),
    (f"{OFFSETS} --topic-partitions :2 --exclude-internal-topics", ""),
    (f"{OFFSETS} --topic-partitions o1:x", ""),
    (f"{OFFSETS} --topic-partitions o1:0-1-2", ""),
    (f"{OFFSETS} --topic-partitions o1:0 --topic o1", ""),
    (f"{OFFSETS} --topic-partitions o1:0 --partitions 0", ""),
    *((f"{OFFSETS} --topic o\\d --time {time}", "") for time in (
        -1, -2, -4, -5, -6, -9, 0, 1000, 99999999999999, "latest", "earliest", "earliest-local",
        "latest-tiered", "earliest-pending-upload", "LATEST", "abc")),
    (f"{TOPICS} --create --topic o3 --partitions 1", ""),
    (f"{PRODUCE} --topic o3", "one\n"),
    (f"{OFFSETS} --topic o3 --time -3", ""),
    (f"{OFFSETS} --topic o1,o3 --time max-timestamp", ""),
    (f"{OFFSETS} --topic o1 --command-config /nonexistent", ""),
    (f"{OFFSETS} --topic o2 --command-config {{client}}", ""),
    (f"{OFFSETS} --nosuch", ""),
    (f"{OFFSETS} --topic o1 --time", ""),
    # --- kafka-delete-records
    (f"{DELETE} --help", ""),
    (f"{DELETE} --version", ""),
    ("kafka-delete-records --offset-json-file {places}", ""),
    (DELETE, ""),
    (f"{DELETE} --nosuch", ""),
    (f"{DELETE} --offset-json-file /nonexistent", ""),
    ("kafka-delete-records --bootstrap-server bad --offset-json-file {places}", ""),
    (f"{DELETE} --offset-json-file {{places}}", ""),
    (f"{OFFSETS} --topic o2 --time earliest", ""),
    (f"{DELETE} --offset-json-file {{places}} --command-config {{client}}", ""),
    (f"{DELETE} --offset-json-file {{places}} --command-config /nonexistent", ""),
    *((f"{DELETE} --offset-json-file {{{name}}}", "") for name in BAD_PLACES),
]

KNOWN = []

FILES = {"places": PLACES, **BAD_PLACES}
