# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Which function frees, if an allocator has one that is given the size. Some ignore the size, and finding it costs a little: so a
short trial decides, and the report says what was chosen."""

import statistics

from . import contenders, measure, verdict
from .contenders import Contender
from .protocols import Protocol

ROUNDS, SLICES, SLICE_MS = 8, 3, 2
KINDS = ("one", "mixed")


def chosen(taking_part: list[Contender], protocol: Protocol) -> list[Contender]:
    """The contenders, each with the function that is faster for batches of the protocol's messages."""
    trials = {c.name: (c, c.sizing()) for c in taking_part if c.sized}
    sides = [[of[side] for of in trials.values()] for side in (0, 1)]
    plain, sizing = (contenders.build(side, protocol.name, protocol.one, protocol.folder, suffix=suffix)[0]
                     for side, suffix in zip(sides, ("", " sized")))
    return [trials[c.name][1] if c.name in plain and c.name in sizing and _gain(plain[c.name], sizing[c.name]) > 1 else c
            for c in taking_part]


def _gain(plain, sizing) -> float:
    """The time with plain free, in times of that with the size; 0 if one of the two fails."""
    gain = 1.0
    for kind in KINDS:
        measured = measure.times({"plain": plain, "sizing": sizing}, 0, ROUNDS, ["time", "batch", kind, 1, SLICE_MS], SLICES)
        if measured.failed:
            return 0
        gain *= statistics.median(verdict.ratios(measured.printed["sizing"], measured.printed["plain"], 0))
    return gain
