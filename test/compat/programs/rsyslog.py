# SPDX-License-Identifier: Apache-2.0
"""rsyslog's output to Kafka as a program that writes the lines of its standard input.

    rsyslog.py write BOOTSTRAP TOPIC=CODEC

rsyslogd runs in the foreground, with a configuration and a folder of its own.  It takes the
lines from a socket, hands each to omkafka, and then writes down that it did; when all are
taken it is told to stop, and sends what it still holds.
"""

import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

CONFIGURATION = """\
global(workDirectory="{folder}" maxMessageSize="64k")
module(load="imptcp")
module(load="omkafka")
template(name="raw" type="string" string="%rawmsg%")
template(name="taken" type="string" string=".")
input(type="imptcp" path="{folder}/in" ruleset="all")
ruleset(name="all") {{
    action(type="omkafka" broker="{bootstrap}" topic="{topic}" template="raw"
           partitions.auto="on" closeTimeout="60000" action.resumeRetryCount="-1"
           action.resumeInterval="1" resubmitOnFailure="on" keepFailedMessages="on"
           failedMsgFile="{folder}/failed"
           confParam=["compression.codec={codec}", "enable.idempotence=true",
                      "queue.buffering.max.ms=5"])
    action(type="omfile" file="{folder}/taken" template="taken" flushOnTXEnd="on")
}}
"""


def wait(process, descriptor, condition):
    """Looks again every 20 ms; ends the program when rsyslogd ends."""
    while not condition():
        if select.select([descriptor], [], [], 0.02)[0]:
            sys.exit(f"rsyslogd ended with {process.wait()}")


def main(bootstrap, word):
    topic, codec = word.split("=")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="moldau-rsyslog-"))
    configuration = folder / "rsyslog.conf"
    configuration.write_text(CONFIGURATION.format(
        folder=folder, bootstrap=bootstrap, topic=topic, codec=codec))
    process = subprocess.Popen(["rsyslogd", "-n", "-f", configuration, "-i", folder / "pid"],
                               stdin=subprocess.DEVNULL, stdout=sys.stderr)
    descriptor = os.pidfd_open(process.pid)
    wait(process, descriptor, (folder / "in").exists)
    count = 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(folder / "in"))
        for line in sys.stdin.buffer:
            connection.sendall(line)
            count += 1
    taken = folder / "taken"
    wait(process, descriptor,
         lambda: count == 0 or taken.exists() and taken.stat().st_size == count)
    process.send_signal(signal.SIGTERM)
    code = process.wait()
    failed = folder / "failed"
    if code or failed.exists() and failed.stat().st_size:
        sys.exit(f"rsyslogd ended with {code}; what it could not send is in {failed}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(*sys.argv[2:])
