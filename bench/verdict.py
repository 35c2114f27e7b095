# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Ratios with their intervals, and what they say of the hypothesis. The statistics are scipy's."""

import math
import statistics
from collections import Counter
from dataclasses import asdict, dataclass

import numpy
import scipy.stats

CONFIDENCE = 0.99
RESAMPLES = 4999
SUPPORTED, NOT_SUPPORTED = 1.05, 0.95   # the whole interval lies above the one, or below the other
FEWEST = 4                      # processes of each side
STAYED = 1.25                   # a round trip before and after a slice differ by less: the cores stayed where they were


@dataclass(frozen=True)
class Ratio:
    """How many times as long as the pool a contender takes; round_trip: in what range of ns, of threads."""

    ratio: float | None
    low: float | None
    high: float | None
    pool_ns: float | None
    other_ns: float | None
    processes: int
    round_trip: str = ""

    @property
    def verdict(self) -> str:
        if self.low is None:
            return "undecided"
        return "supported" if self.low > SUPPORTED else "not supported" if self.high < NOT_SUPPORTED else "undecided"

    def as_dict(self) -> dict:
        return asdict(self) | {"verdict": self.verdict}


def kind_of(slice_: list) -> int | None:
    """Slices are compared within a kind: which is the round trip between the cores, to the next power of two; 0 where
    there is one thread. None: the cores moved while it ran."""
    _, before, after, _ = slice_
    if before == 0:
        return 0
    if max(before, after) > STAYED * min(before, after):
        return None
    return round(math.log2((before + after) / 2))


def shown_kind(kind: int) -> str:
    return f"round trip {2 ** (kind - 0.5):.0f} to {2 ** (kind + 0.5):.0f} ns" if kind else ""


def by_kind(printed: list[dict]) -> dict[int, list[float]]:
    """The median of each process's slices of each kind: slices of one process share its addresses, so they count once."""
    medians: dict[int, list[float]] = {}
    for process in printed:
        slices: dict[int, list[float]] = {}
        for slice_ in process["slices"]:
            kind = kind_of(slice_)
            if kind is not None:
                slices.setdefault(kind, []).append(slice_[0])
        for kind, ns in slices.items():
            medians.setdefault(kind, []).append(statistics.median(ns))
    return medians


def common_kind(cell: dict[str, list[dict]]) -> int:
    """The kind of which the contender that has the fewest has the most."""
    kinds = [Counter({kind: len(ns) for kind, ns in by_kind(printed).items()}) for printed in cell.values()]
    every = set().union(*kinds) or {0}
    return max(sorted(every), key=lambda kind: (min(k[kind] for k in kinds), sum(k[kind] for k in kinds)))


def compare(pool: list[dict], other: list[dict], kind: int) -> Ratio:
    a, b = by_kind(other).get(kind, []), by_kind(pool).get(kind, [])
    processes = min(len(a), len(b))
    if processes < FEWEST:
        return Ratio(None, None, None, _median(b), _median(a), processes, shown_kind(kind))
    interval = scipy.stats.bootstrap((numpy.array(a), numpy.array(b)), _ratio_of_medians, n_resamples=RESAMPLES,
                                     confidence_level=CONFIDENCE, method="percentile", vectorized=True,
                                     random_state=1).confidence_interval
    return Ratio(_median(a) / _median(b), float(interval.low), float(interval.high), _median(b), _median(a), processes,
                 shown_kind(kind))


def _median(ns: list[float]) -> float | None:
    return statistics.median(ns) if ns else None


def _ratio_of_medians(a, b, axis=-1):
    return numpy.median(a, axis=axis) / numpy.median(b, axis=axis)


def down(value: float) -> str:
    """Two or three digits, never more than the value."""
    return f"{math.floor(value * 10) / 10:.1f}" if value >= 2 else f"{math.floor(value * 100) / 100:.2f}"


def up(value: float) -> str:
    return f"{math.ceil(value * 10) / 10:.1f}" if value >= 2 else f"{math.ceil(value * 100) / 100:.2f}"


def sentence(ratio: Ratio, than: str) -> str:
    """Never rounded in the pool's favour."""
    if ratio.low is None:
        apart = " with the cores as far apart in both" if ratio.round_trip else ""
        return f"undecided against {than}: only {ratio.processes} runs{apart}"
    interval = f"[{down(ratio.low)}, {up(ratio.high)}]"
    if ratio.verdict == "supported":
        return f"supported: {down(ratio.ratio)} times {interval} faster than {than}"
    if ratio.verdict == "not supported":
        return f"not supported: {down(ratio.ratio)} times {interval} as fast as {than}"
    return f"undecided: {down(ratio.ratio)} times {interval} as fast as {than}"
