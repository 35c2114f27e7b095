# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The slot sizes for messages with a tail.

Up to 1 KiB they are the multiples of 16: a slot is less than 16 bytes larger than its message, 7.5 on average. Above, there
are four per doubling: a slot is less than a quarter larger. That gives 64 slot sizes, and 84 more up to the largest message.
The struct of a pool has 28 bytes per slot size, 4 KiB for all; only slot sizes in use have magazines. Multiples of 8 would
save 4 bytes per message and cost another 1.8 KiB per pool. Above 4 KiB most slots have a block of their own, and a system commits
only the pages that are written: eight per doubling would cost another 2.3 KiB and save only address space. A schema with a
"max" has no slot sizes above it. Messages need no header: the length of a message gives its slot size when it is freed.
"""

from .scalars import MAX_COUNT

TAIL_STEP = 16                  # bytes
TAIL_EXACT = 1024               # bytes; of larger slot sizes there are four per doubling


def tail_index(size: int) -> int:
    """The number of the smallest slot size for this many bytes, counted from 1; protopool_tail_index gives the same."""
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
