# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The slot sizes for messages with a tail.

Up to 1 KiB each multiple of 16, so that a slot is less than 16 bytes larger than its
message, 7.5 in the mean; then four to each doubling, less than a quarter larger. That is 64 slot sizes, and 84 more to the
largest message. A pool's handle has 182 bytes for each, 26 KiB for all; a magazine has only what is used. Multiples of 8 would
save 4 bytes of a message and cost another 11 KiB of each handle. Above 4 KiB a slot has a block of its own, of which a
system commits the pages that are written: eight to a doubling would cost another 15 KiB and save address space. A schema
that gives a "max" has no slot sizes above it. No message needs a header: its length tells its slot size when it is freed.
"""

from .scalars import MAX_COUNT

TAIL_STEP = 16                  # bytes
TAIL_EXACT = 1024               # bytes; larger slots are four to a doubling


def tail_index(size: int) -> int:
    """Counts the slot sizes for tails from 1; the same as protopool_tail_index."""
    if size <= TAIL_EXACT:
        return -(-size // TAIL_STEP)
    doubling = (size - 1).bit_length() - 1
    return TAIL_EXACT // TAIL_STEP + 4 * (doubling - 10) + (size - 1 >> doubling - 2) - 3


def tail_slot(index: int) -> int:
    """The slot size of an index."""
    if index <= TAIL_EXACT // TAIL_STEP:
        return TAIL_STEP * index
    doubling, quarter = divmod(index - TAIL_EXACT // TAIL_STEP - 1, 4)
    return min(MAX_COUNT, (5 + quarter) << doubling + 8)
