#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# Runs the four examples and says what each shows: demo.sh FOLDER_OF_PROGRAMS MESSAGES
set -eu

cat <<END

==== 1 of 4: seed.c, two messages in a pool that lies in static memory
It is compiled with PROTOPOOL_TRACE. So it prints each allocation and each free, with the bytes of the message.

END
"$1/seed"
cat <<END

What you saw: each Add takes 24 bytes, which is exactly its struct. The second lies directly behind the first: there is no
header between them. Both are freed, and the pool reports no live message. The program never calls malloc.

==== 2 of 4: order_book.c, a day at a stock exchange: $2 messages of the 22 kinds in schema/itch.yaml
Each message is allocated in one growing pool. Most are freed at once. An order stays in the book until it is traded,
cancelled or replaced.

END
"$1/order_book" --messages "$2" --write "$1/day.itch"
echo
echo "The same day from a file, in the format of the exchange:"
"$1/order_book" --file "$1/day.itch" | grep checksum
rm "$1/day.itch"
cat <<END

What you saw: with many orders in the book, the pool holds little more than the messages themselves. The other lines
show what malloc or a union would take for the same orders. If an order differed from the totals, the self-check would
report it, and the program would fail.

==== 3 of 4: pipeline.c, messages that are allocated in one thread and freed in another
A producer allocates requests. Two workers free them and allocate results. A consumer frees the results. Each thread has a
pool of its own, and the pools share memory through a depot.

END
"$1/pipeline" --messages "$2"
cat <<END

What you saw: the depot's memory stays small, although $2 requests and as many results passed from thread to thread. No
message is lost, and there is no double free: the sum is right, and no message is live at the end.

==== 4 of 4: fanout.c, one feed and four readers of different speed
The feed allocates each message once, and holds it once more for each further reader. All readers read the same message, and
each frees it. The last one gives its memory back.

END
"$1/fanout" --messages "$2"
cat <<END

What you saw: each reader has read every message, in order. No message was copied, and none is live at the end. The memory
stays small, because the queues are bounded: the slowest reader makes the feed wait.
END
