# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Ratios with their intervals, and the verdict on the hypothesis that the pool is faster. The statistics are scipy's."""

import math
import statistics
from dataclasses import asdict, dataclass

import numpy
import scipy.stats

CONFIDENCE = 0.99
RESAMPLES = 4999
SUPPORTED, NOT_SUPPORTED = 1.05, 0.95   # the whole interval is above the first, or below the second
FEWEST = 4                      # rounds
STAYED = 1.25                   # if round trips before and after a slice differ by less, the cores have not moved


@dataclass(frozen=True)
class Ratio:
    """A contender's time, in times of the pool's: the median over rounds, and its interval. pool_ns, other_ns: the medians of
    both. round_trip: its range between the threads' cores, as text."""

    ratio: float | None
    low: float | None
    high: float | None
    pool_ns: float | None
    other_ns: float | None
    rounds: int
    round_trip: str = ""

    @property
    def verdict(self) -> str:
        if self.low is None:
            return "undecided"
        return "supported" if self.low > SUPPORTED else "not supported" if self.high < NOT_SUPPORTED else "undecided"

    def as_dict(self) -> dict:
        return asdict(self) | {"verdict": self.verdict}


def kind_of(slice_: list) -> int | None:
    """Only slices of the same kind are compared. The kind is the round trip between the cores, rounded to a power of two; 0 for
    one thread; None if the cores moved during the slice."""
    _, before, after, _ = slice_
    if before == 0:
        return 0
    if max(before, after) > STAYED * min(before, after):
        return None
    return round(math.log2((before + after) / 2))


def shown_kind(kind: int) -> str:
    return f"round trip {2 ** (kind - 0.5):.0f} to {2 ** (kind + 0.5):.0f} ns" if kind else ""


def by_kind(printed: list[dict]) -> dict[int, list[float]]:
    """The median of each process, by kind of slice. The slices of a process share its addresses, so they count once."""
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


def ratios(below: list[dict], above: list[dict], kind: int) -> list[float]:
    """For each round, the median ratio of neighbouring slices of this kind. Rounds without such neighbours are left out."""
    of_rounds = []
    for under, over in zip(below, above):
        neighbours = [o[0] / u[0] for u, o in zip(under["slices"], over["slices"]) if kind_of(u) == kind == kind_of(o)]
        if neighbours:
            of_rounds.append(statistics.median(neighbours))
    return of_rounds


def common_kind(cell: dict[str, list[dict]], to: str) -> int:
    """The kind that gives the contender with the fewest rounds the most rounds."""
    kinds = sorted({kind for slices in cell.values() for process in slices for kind in map(kind_of, process["slices"])
                    if kind is not None})

    def compared(kind: int) -> list[int]:
        return sorted(len(ratios(cell[to], printed, kind)) for printed in cell.values())
    return max(kinds, key=compared, default=0)


def compare(pool: list[dict], other: list[dict], kind: int) -> Ratio:
    of_rounds = ratios(pool, other, kind)
    pool_ns, other_ns = _median(by_kind(pool).get(kind, [])), _median(by_kind(other).get(kind, []))
    if len(of_rounds) < FEWEST:
        return Ratio(None, None, None, pool_ns, other_ns, len(of_rounds), shown_kind(kind))
    low, high = interval(of_rounds)
    return Ratio(statistics.median(of_rounds), low, high, pool_ns, other_ns, len(of_rounds), shown_kind(kind))


def interval(*samples: list[float], of=numpy.median) -> tuple[float, float]:
    """The interval of a statistic, by default the median, by bootstrap over rounds."""
    found = scipy.stats.bootstrap(tuple(numpy.array(sample) for sample in samples), of, n_resamples=RESAMPLES,
                                  confidence_level=CONFIDENCE, method="percentile", vectorized=True,
                                  random_state=1).confidence_interval
    return float(found.low), float(found.high)


def _median(ns: list[float]) -> float | None:
    return statistics.median(ns) if ns else None


def down(value: float) -> str:
    """The value with two or three digits, rounded down."""
    return f"{math.floor(value * 10) / 10:.1f}" if value >= 2 else f"{math.floor(value * 100) / 100:.2f}"


def up(value: float) -> str:
    """The value with two or three digits, rounded up."""
    return f"{math.ceil(value * 10) / 10:.1f}" if value >= 2 else f"{math.ceil(value * 100) / 100:.2f}"


def sentence(ratio: Ratio, than: str) -> str:
    """The verdict in words. Figures are never rounded in the pool's favour."""
    if ratio.low is None:
        apart = " with the same distance between the cores" if ratio.round_trip else ""
        return f"undecided against {than}: only {ratio.rounds} rounds{apart}"
    interval = f"[{down(ratio.low)}, {up(ratio.high)}]"
    if ratio.verdict == "supported":
        return f"supported: {down(ratio.ratio)} times {interval} faster than {than}"
    if ratio.verdict == "not supported":
        return f"not supported: {down(ratio.ratio)} times {interval} as fast as {than}"
    return f"undecided: {down(ratio.ratio)} times {interval} as fast as {than}"
