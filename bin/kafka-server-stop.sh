#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Ends servers in order, and returns when they have ended:
#
#     kafka-server-stop.sh [--process-role broker|controller] [--node-id id]
#
# A server is a process of this user that runs `moldau server`.  --node-id takes only the
# one whose command line or properties file has this node.id.  A node is always both broker
# and controller, so --process-role takes all.
role=
node=
while [ $# -gt 0 ]; do
    case $1 in
    --process-role=*) role=${1#*=} ;;
    --node-id=*) node=${1#*=} ;;
    --process-role) role=${2:-}; shift ;;
    --node-id) node=${2:-}; shift ;;
    *)
        echo "USAGE: $0 [--process-role broker|controller] [--node-id id]" >&2
        exit 1
        ;;
    esac
    shift
done
case $role in
'' | broker | controller) ;;
*)
    echo "$0: --process-role is broker or controller" >&2
    exit 1
    ;;
esac

# The words of a process's command line, one a line.
words() {
    tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline"
}

is_server() {
    words "$1" | {
        read -r program && read -r verb && [ "$verb" = server ] &&
            case $program in
            moldau | */moldau) true ;;
            *) false ;;
            esac
    }
}

# The node.id of a server: the last of its words that sets it, else its properties file.
node_of() {
    id=$(words "$1" | sed -n 's/^node\.id=//p' | tail -n 1)
    if [ -z "$id" ]; then
        file=$(words "$1" | sed -n 3p)
        case $file in
        /*) ;;
        *) file=$(readlink "/proc/$1/cwd")/$file ;;
        esac
        id=$(sed -n 's/^[[:space:]]*node\.id[[:space:]]*[=:][[:space:]]*//p' "$file" 2>/dev/null |
            tail -n 1)
    fi
    echo "${id:-1}"
}

pids=
for folder in /proc/[0-9]*; do
    pid=${folder#/proc/}
    [ -O "$folder" ] && is_server "$pid" || continue
    [ -z "$node" ] || [ "$(node_of "$pid")" = "$node" ] || continue
    pids="$pids $pid"
done
if [ -z "$pids" ]; then
    echo "No kafka server to stop"
    exit 1
fi
kill -s TERM $pids || exit 1

# Each has as long as it needs to end in order.
for pid in $pids; do
    while is_server "$pid"; do
        sleep 0.05
    done
done
