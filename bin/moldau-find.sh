# SPDX-License-Identifier: Apache-2.0
# Read by the scripts beside it: sets MOLDAU, unless it is set, to the binary that belongs
# to the folder $here: the one beside the scripts (installed), or the one that was built.
if [ -z "${MOLDAU:-}" ]; then
    for MOLDAU in "$here/moldau" "$here/../bin/moldau" "$here/../build/moldau"; do
        if [ -x "$MOLDAU" ]; then
            break
        fi
    done
fi
if [ ! -x "$MOLDAU" ]; then
    echo "$0: there is no moldau in $here or $here/../build; build it, or set MOLDAU" >&2
    exit 1
fi
