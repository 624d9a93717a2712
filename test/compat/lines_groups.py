# SPDX-License-Identifier: Apache-2.0
"""Command lines of kafka-consumer-groups and kafka-groups."""

from lines import GROUPS, PRODUCE, TOPICS, TYPES

RESET = f"{GROUPS} --reset-offsets"
DESCRIBE = f"{GROUPS} --describe"
FORGET = f"{GROUPS} --delete-offsets"
WIDE = "omega-with-a-long-name-so-wide"

# Files for --from-file: without a group, and with one.
PLAIN_FILES = {
    "csv_plain": "gt1,0,1\ngt1,2,0\n",
    "csv_short": "gt1,0\n",
    "csv_shorter": "gt1\ngt1,1,2\n",
    "csv_range": "gt3,0,100\ngt1,1,0\n",
    "csv_negative": "gt1,0,1\ngt1,1,-3\n",
    "csv_quotes": '"gt1", 0 ,1\ngt1,1,2\n\n',
    "csv_twice": "gt1,0,1\ngt1,0,2\n",
}
BAD_FILES = {
    "csv_empty_line": "gt1,0,100\n\ngt1,1,3\n",
    "csv_empty": "",
    "csv_long": "gt1,0,1,x\n",
    "csv_no_offset": "gt1,0,x\ngt1,1,2\n",
}
GROUPED = "gg1,gt1,0,1\ngg1,gt1,1,2\ngg2,gt1,0,0\n"

DURATIONS = ["P1D", "PT0S", "P1DT1H1M1S", "pt0.001s", "PT-1H", "-P1D", "P", "PT", "P1W", "P1Y", "x",
             "P99999999999999999999D", "P999999999999999D"]
TIMES = ["2020-01-01T00:00:00.000", "2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000+02:00",
         "2020-01-01T00:00:00.000+0200", "2020-01-01T00:00:00.000+02", "2020-1-1T0:0:0.0Z",
         "2099-01-01T00:00:00.000", "2020-01-01T00:00:00.000Zx", "2020-01-01T00:00:00",
         "2020-01-01", "2020-13-01T00:00:00.000", "2020-02-30T00:00:00.000",
         "2020-01-01T25:00:00.000", "2020-01-01T", "2020-01-01TT", "T00:00:00.000", "x"]
REGEXES = ["a.*", "[", "(?=a)", "*", "a(b", "a)b", "a**", "a{{3,1}}", "a{{1001}}", "a{{2}}{{3}}",
           "a{{,3}}", "\\q", "a\\", "(?P<n>x)", "(?<n>x)", "(?P<n", "(?P<n>a)(?P<n>b)", "[z-a]",
           "[[:foo:]]", "[[:alpha:]]", "\\pN\\p{{Greek}}", "\\p{{X}}", "(?i)x(?i:y)", "(?z)", "(?",
           "(?:a", "(?-i)a", "(?i-)a", "a++", "a+?", "a??", "a???", "(a|b)*\\d\\bfoo$", "\\1",
           "\\8", "\\x", "\\x41", "\\x{{110000}}", "?", "a|*", "(*)", "(", "((a)", "[a", "[]a]",
           "[]", "[\\d-z]", "[a-\\d]", "\\Qa\\E", "\\C", "\\A\\z", "\\Z", "^*"]

CASES = [
    (f"{TOPICS} --create --topic gt1 --partitions 3", ""),
    (f"{TOPICS} --create --topic gt2 --partitions 12", ""),
    (f"{TOPICS} --create --topic longtopicname-of-many --partitions 2", ""),
    (f"{TOPICS} --create --topic gt3 --partitions 1", ""),
    (f"{PRODUCE} --topic gt3", "a\nb\nc\nd\n"),
    ("nobody", ""),
    # --- the words
    (f"{GROUPS} --help", ""),
    (GROUPS, ""),
    (f"{GROUPS} --version", ""),
    (f"{GROUPS} --nosuch", ""),
    ("kafka-consumer-groups --list", ""),
    ("kafka-consumer-groups --bootstrap-server bad --list", ""),
    ("kafka-consumer-groups --bootstrap-server bad:x --list", ""),
    (f"{GROUPS} --list --command-config /nonexistent", ""),
    (f"{GROUPS} --list --command-config {{client}}", ""),
    (f"{GROUPS} --list --describe", ""),
    (f"{GROUPS} --list --reset-offsets", ""),
    (f"{GROUPS} --list --group g", ""),
    (f"{GROUPS} --list --topic gt1", ""),
    (f"{GROUPS} --list --verbose", ""),
    (f"{GROUPS} --list --members --verbose", ""),
    (f"{GROUPS} --list --timeout x", ""),
    (f"{GROUPS} --list --timeout 1 --timeout 2", ""),
    (f"{GROUPS} --list --to-latest", ""),
    ("kafka-consumer-groups --bootstrap-server localhost:1 --list --timeout 100", ""),
    ("kafka-consumer-groups --bootstrap-server localhost:1 --describe --group x --timeout 100",
     ""),
    ("kafka-consumer-groups --bootstrap-server localhost:1 --delete --group x --timeout 100", ""),
    ("kafka-consumer-groups --bootstrap-server localhost:1 --reset-offsets --group x --topic t"
     " --to-latest --dry-run --timeout 100", ""),
    *((f"kafka-consumer-groups --validate-regex {regex}", "") for regex in REGEXES),
    (f"{GROUPS} --validate-regex x --group g", ""),
    (f"{GROUPS} --validate-regex x --list", ""),
    ("kafka-consumer-groups --validate-regex", ""),
    # --- groups without members
    (f"{GROUPS} --list", ""),
    (f"{GROUPS} --list --state", ""),
    (f"{RESET} --all-groups --topic gt1 --to-latest --dry-run", ""),
    (f"{RESET} --all-groups --all-topics --to-latest --dry-run --export", ""),
    (f"{GROUPS} --delete --all-groups", ""),
    (f"{DESCRIBE} --all-groups", ""),
    (f"{RESET} --group gg1 --topic gt1 --to-latest --execute", ""),
    *((f"{GROUPS} --list {words}", "") for words in (
        "", "--state", "--type", "--state --type", "--state Stable,Empty", "--state EMPTY",
        "--state stable", "--state foo", "--state Stable,,Empty", "--state=", "--type classic",
        "--type Classic,consumer", "--type consumer", "--type foo", "--state Dead --type classic",
        "--all-groups", "--timeout 20000")),
    *((f"{DESCRIBE} --group gg1 {words}", "") for words in (
        "", "--verbose", "--offsets", "--members", "--members --verbose", "--state",
        "--state --verbose", "--timeout 20000", "--group nope", "--group gg1", "--all-groups",
        "--members --state", "--offsets --state", "--offsets --verbose", "--state Stable",
        "--topic gt1", "--execute", "--to-latest", "--all-topics", "--type")),
    (f"{DESCRIBE} --group nope", ""),
    (f"{DESCRIBE} --group nope --members", ""),
    (f"{DESCRIBE} --group nope --state", ""),
    (f"{DESCRIBE} --group", ""),
    (f"{DESCRIBE} --all-groups", ""),
    # --- --reset-offsets: the words
    *((f"{RESET} {words}", "") for words in (
        "", "--group gg1", "--group gg1 --to-latest", "--group gg1 --topic gt1", "--dry-run",
        "--group gg1 --all-groups --topic gt1 --to-latest", "--from-file /nonexistent --dry-run",
        "--group gg1 --topic gt1 --to-latest --dry-run --execute",
        "--group gg1 --topic gt1 --to-latest --to-earliest",
        "--group gg1 --topic gt1 --to-offset 3 --to-datetime x",
        "--group gg1 --topic gt1 --by-duration 3 --to-datetime x",
        "--group gg1 --topic gt1 --by-duration 3 --to-earliest",
        "--group gg1 --topic gt1 --shift-by 3 --to-earliest",
        "--group gg1 --topic gt1 --shift-by 3 --to-current",
        "--group gg1 --topic gt1 --shift-by 3 --from-file x",
        "--group gg1 --topic gt1 --to-current --from-file x",
        "--group gg1 --topic gt1 --to-latest --members",
        "--group gg1 --topic gt1 --to-latest --state", "--delete-offsets --group gg1 --topic gt1")),
    # --- --reset-offsets: which partitions
    *((f"{RESET} --group gg1 {words} --to-earliest --dry-run", "") for words in (
        "--topic gt1", "--topic gt1:0", "--topic gt1:0,2", "--topic gt1:0 --topic gt1:2",
        "--topic gt1 --topic gt3", "--topic gt1 --all-topics", "--all-topics", "--topic gt1:x",
        "--topic gt1:", "--topic gt1:1:2", "--topic gt1:9", "--topic gt1:9,10,0", "--topic none",
        "--topic none:0", "--topic bad/name", "--topic :1")),
    (f"{RESET} --group gg1 --topic gt1", ""),
    (f"{RESET} --group gg1 --topic gt1:0,0 --to-earliest --dry-run", ""),
    (f"{RESET} --group gnew --all-topics --to-earliest --dry-run", ""),
    (f"{RESET} --group gg1 --topic gt1:0,2 --to-earliest --export", ""),
    # --- --reset-offsets: to what
    *((f"{RESET} --group gg1 --topic gt3 {words} --dry-run", "") for words in (
        "--to-offset 1", "--to-offset 100", "--to-offset -5", "--to-offset x", "--to-latest",
        "--to-current", "--to-earliest --to-earliest", "--shift-by 1", "--to-offset 1 --export")),
    (f"{RESET} --group gg3 --topic gt3 --to-offset 2 --execute", ""),
    *((f"{RESET} --group gg3 {words}", "") for words in (
        "--topic gt3 --shift-by 1 --dry-run", "--topic gt3 --shift-by -1 --execute",
        "--topic gt3 --shift-by 100 --dry-run", "--topic gt3 --shift-by -100 --dry-run",
        "--topic gt3 --shift-by x --dry-run", "--topic gt3 --shift-by 1 --shift-by 2 --dry-run",
        "--topic gt3 --topic gt1 --shift-by 1 --dry-run", "--topic gt3 --to-current --dry-run",
        "--topic gt3 --topic gt1 --to-current --dry-run", "--all-topics --to-latest --execute",
        "--all-topics --to-current --dry-run --export")),
    (f"{DESCRIBE} --group gg3 --verbose", ""),
    *((f"{RESET} --group gg1 --topic gt1 --topic gt3 --dry-run --by-duration {word}", "")
      for word in DURATIONS),
    *((f"{RESET} --group gg1 --topic gt1 --topic gt3 --dry-run --to-datetime {word}", "")
      for word in TIMES),
    (f"{RESET} --group gg1 --topic gt1 --to-datetime 1960-01-01T00:00:00.000 --dry-run", ""),
    # --- --reset-offsets: files
    (f"{RESET} --group gg1 --from-file /nonexistent --dry-run", ""),
    *((f"{RESET} --group gg1 --dry-run --from-file {{{name}}}", "")
      for name in [*PLAIN_FILES, *BAD_FILES, "csv_grouped", "csv_word", "csv_none"]),
    (f"{RESET} --group gg1 --group gg2 --from-file {{csv_plain}} --dry-run", ""),
    (f"{RESET} --group gg1 --group gg2 --from-file {{csv_grouped}} --dry-run", ""),
    (f"{RESET} --all-groups --from-file {{csv_plain}} --dry-run", ""),
    (f"{RESET} --group gg1 --topic gt3 --from-file {{csv_plain}} --execute", ""),
    (f"{DESCRIBE} --group gg1", ""),
    # --- several groups
    (f"{RESET} --group delta --group alpha --group mid10 --group mid2 --group {WIDE}"
     " --group gamma --topic gt3 --to-offset 1 --execute", ""),
    (f"{GROUPS} --list", ""),
    (f"{GROUPS} --list --state", ""),
    (f"{GROUPS} --list --state --type", ""),
    (f"{TYPES} --list", ""),
    (f"{DESCRIBE} --all-groups", ""),
    (f"{DESCRIBE} --all-groups --state", ""),
    (f"{DESCRIBE} --group mid2 --group alpha --members", ""),
    (f"{RESET} --all-groups --all-topics --to-earliest --dry-run", ""),
    (f"{RESET} --all-groups --topic gt3 --to-latest --dry-run --export", ""),
    (f"{RESET} --all-groups --topic gt3:0 --to-latest --execute", ""),
    (f"{GROUPS} --delete", ""),
    (f"{GROUPS} --delete --group nope", ""),
    (f"{GROUPS} --delete --group mid2 --topic gt3", ""),
    (f"{GROUPS} --delete --group mid2 --all-groups", ""),
    (f"{GROUPS} --delete --group mid2 --state", ""),
    (f"{GROUPS} --delete --group mid2 --group alpha --group delta", ""),
    (f"{GROUPS} --delete --group mid2 --group alpha --group delta", ""),
    (f"{GROUPS} --delete --group gamma --group nope --group mid10", ""),
    (f"{GROUPS} --delete --all-groups", ""),
    # --- groups with members
    ("members live range +mB=gt1:0,1;gt2:11,2 +mA=gt1:2;longtopicname-of-many:1 +mC=", ""),
    *((f"{DESCRIBE} --group live {words}", "") for words in (
        "", "--verbose", "--members", "--members --verbose", "--state", "--state --verbose")),
    (f"{GROUPS} --list --state", ""),
    (f"{RESET} --group live", ""),
    (f"{RESET} --group live --topic gt1 --to-latest --execute", ""),
    (f"{RESET} --group live --group gg4 --topic gt1 --to-latest --execute", ""),
    (f"{RESET} --all-groups --topic gt1:1 --to-latest --dry-run", ""),
    (f"{GROUPS} --delete --group live", ""),
    (f"{GROUPS} --delete --group live --group gg4 --group gg2", ""),
    (f"{FORGET} --group live --topic gt1 --topic gt2:5", ""),
    ("members live", ""),
    (f"{DESCRIBE} --group live", ""),
    (f"{RESET} --group live --topic gt2:1,2 --topic longtopicname-of-many:0 --to-latest --execute",
     ""),
    ("members live roundrobin x=gt1:0;gt2:1 y=gt1:1", ""),
    (f"{DESCRIBE} --group live --offsets", ""),
    (f"{DESCRIBE} --group live --members", ""),
    (f"{DESCRIBE} --group live --state", ""),
    ("members live", ""),
    ("members joining range x y", ""),
    *((f"{DESCRIBE} --group joining {words}", "") for words in ("", "--members", "--state")),
    (f"{DESCRIBE} --all-groups --members --verbose", ""),
    (f"{GROUPS} --list --state", ""),
    (f"{RESET} --group joining --topic gt1 --to-latest --dry-run", ""),
    ("members joining", ""),
    ("members workers connect/compatible x=", ""),
    (f"{DESCRIBE} --group workers", ""),
    (f"{DESCRIBE} --all-groups --state", ""),
    (f"{GROUPS} --list", ""),
    (f"{TYPES} --list", ""),
    (f"{TYPES} --list --consumer", ""),
    (f"{TYPES} --list --protocol connect", ""),
    (f"{TYPES} --list --protocol nope", ""),
    (f"{RESET} --group workers --topic gt1 --to-latest --dry-run", ""),
    (f"{FORGET} --group workers --topic gt1", ""),
    ("members workers", ""),
    # --- --delete-offsets
    (f"{RESET} --group gg5 --topic gt1 --topic gt2:1,3 --to-latest --execute", ""),
    (FORGET, ""),
    (f"{FORGET} --group gg5", ""),
    (f"{FORGET} --topic gt1", ""),
    (f"{FORGET} --all-groups --topic gt1:0", ""),
    *((f"{FORGET} --group gg5 {words}", "") for words in (
        "--group gg6 --topic gt1:0", "--topic gt1:0", "--topic gt1:0", "--topic gt1:x",
        "--topic none", "--topic gt1:9", "--topic bad/name",
        "--topic gt1 --topic gt2:1,3 --topic longtopicname-of-many:0 --topic none --topic gt1:7",
        "--topic gt1:1 --topic gt1")),
    (f"{DESCRIBE} --group gg5", ""),
    (f"{FORGET} --group nope --topic gt1", ""),
    # --- kafka-groups
    *((f"{TYPES} {words}", "") for words in (
        "", "--help", "--version", "--list", "--list --nosuch", "--list --command-config {client}",
        "--list --command-config /nonexistent", "--list --consumer", "--list --share",
        "--list --streams", "--list --group-type classic", "--list --group-type Share",
        "--list --group-type unknown", "--list --group-type", "--list --consumer --share",
        "--list --consumer --streams", "--list --consumer --protocol x",
        "--list --consumer --group-type classic", "--list --share --protocol x",
        "--list --share --streams", "--list --share --group-type share",
        "--list --streams --group-type streams",
        "--list --streams --protocol x", "--list --group-type classic --protocol consumer",
        "--list --group-type consumer --protocol consumer")),
    ("kafka-groups --list", ""),
    ("kafka-groups --bootstrap-server bad --list", ""),
    ("kafka-groups --bootstrap-server bad:x --list", ""),
    ("kafka-groups --bootstrap-server localhost:1 --list --command-config {short}", ""),
]

OWN_WORDS = "what a client says about an error's code is its own"
OWN_LINES = "ours says which line of the file is wrong, instead of classes of Java"

KNOWN = [
    *((words, stream, OWN_WORDS) for stream in ("stdout", "stderr") for words in (
        "--topic none --to-earliest", "--topic none:0", "--topic bad/name --to-earliest",
        "--topic :1", "1960-01-01")),
    ("--group nope --topic gt1", "stdout", OWN_WORDS),
    ("--group workers --topic gt1", "stdout", OWN_WORDS),
    *((f"{{{name}}}", stream, OWN_LINES) for stream in ("stdout", "stderr") for name in BAD_FILES),
    ("{csv_grouped}", "stderr", "Kafka prints the stack of what it tried first"),
    ("{csv_word}", "stderr", "Kafka prints the stack of what it tried first"),
    *(("gt1:0,0", stream, "Kafka fails, with the address of an object; ours takes it once")
      for stream in ("stdout", "stderr")),
]

FILES = {**PLAIN_FILES, **BAD_FILES, "csv_grouped": GROUPED, "csv_word": "gt1,x,1\n",
         "csv_none": "none,0,2\n"}
