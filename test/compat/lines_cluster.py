# SPDX-License-Identifier: Apache-2.0
"""Command lines of the tools that look at and after a cluster as a whole."""

VERSIONS = "kafka-broker-api-versions --bootstrap-server {b}"

CASES = [
    # --- kafka-broker-api-versions
    (VERSIONS, ""),
    (f"{VERSIONS} extra", ""),
    (f"{VERSIONS} --help", ""),
    ("kafka-broker-api-versions --", ""),
    ("kafka-broker-api-versions --version", ""),
    ("kafka-broker-api-versions --command-config {client}", ""),
    ("kafka-broker-api-versions --bootstrap-server bad", ""),
    (f"{VERSIONS} --bootstrap-server {{b}}", ""),
    (f"{VERSIONS} --bootstrap-server", ""),
    (f"{VERSIONS} --nosuch", ""),
    (f"{VERSIONS} --json", ""),
    (f"{VERSIONS} --command-config /nonexistent", ""),
    (f"{VERSIONS} --command-config {{client}}", ""),
]

KNOWN = []
