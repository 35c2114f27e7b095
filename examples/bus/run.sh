#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Runs the two programs of this folder, with pools and with malloc in turn: run.sh FOLDER_OF_PROGRAMS MESSAGES REQUESTS [ROUNDS]
set -eu

sockets=$(mktemp -d)
feed=
trap '[ -z "$feed" ] || kill "$feed" 2>/dev/null; rm -rf "$sockets"' EXIT
cat <<END
feed publishes $2 messages through ZeroMQ. reader, another process, checks each of them. Then it sends $3 requests, and
checks each reply. A message is sent from its slot, without a copy, and received into a slot of exactly its size.
END
rounds=${4:-1}
while [ "$rounds" -gt 0 ]; do
    rounds=$((rounds - 1))
    for way in "" --malloc; do
        # shellcheck disable=SC2086 # no way is no argument
        "$1/feed" --messages "$2" --folder "$sockets" $way >"$sockets/feed_says" &
        feed=$!
        # shellcheck disable=SC2086
        "$1/reader" --messages "$2" --requests "$3" --folder "$sockets" $way
        wait "$feed"
        feed=
        grep -q '^feed: 0 messages are live$' "$sockets/feed_says"
    done
done
