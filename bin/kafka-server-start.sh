#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Apache Kafka's name for `moldau server`:
#
#     kafka-server-start.sh [-daemon] server.properties [--override key=value]...
#
# With -daemon the server goes on without the terminal; what it says goes to
# $LOG_DIR/kafkaServer.out ($LOG_DIR is the folder `logs` beside this one unless set).
here=$(CDPATH= cd "$(dirname "$0")" && pwd)
daemon=
while [ $# -gt 0 ]; do
    case $1 in
    -daemon) daemon=yes ;;
    -name | -loggc) [ "$1" = -name ] && shift ;; # Kafka's; they change nothing here.
    *) break ;;
    esac
    shift
done
if [ $# -lt 1 ]; then
    echo "USAGE: $0 [-daemon] server.properties [--override property=value]*"
    exit 1
fi
. "$here/moldau-find.sh"
if [ -z "$daemon" ]; then
    exec "$MOLDAU" server "$@"
fi
logs=${LOG_DIR:-$here/../logs}
mkdir -p "$logs" || exit 1
nohup "$MOLDAU" server "$@" >"$logs/kafkaServer.out" 2>&1 </dev/null &
