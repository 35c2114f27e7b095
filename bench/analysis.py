# SPDX-License-Identifier: Apache-2.0 OR MIT
"""From raw samples to the report's figures: the ratios to the pool and the verdict in words, for each workload."""

from dataclasses import dataclass

from . import contenders, verdict
from .verdict import Ratio

LIMIT, LIMIT_WRITING = contenders.LIMIT.name, contenders.LIMIT_WRITING.name


@dataclass(frozen=True)
class Line:
    """A workload of one kind. ns, ratios: by contender; between two threads the limit is the better one of the two, which write to
    a message on free or do not. best: the fastest general allocator here, apart from the C library's."""

    protocol: str
    workload: str
    title: str
    what: str
    kind: str
    live: int
    threads: int
    round_trip: str
    ns: dict[str, float | None]
    ratios: dict[str, Ratio]
    best: str | None
    faults: dict[str, float]

    @property
    def compared(self) -> list[Ratio]:
        """The ratios to the C library's allocator and to the best of the others, if they took part."""
        return [self.ratios[name] for name in ("glibc", self.best) if name in self.ratios]

    @property
    def sentences(self) -> list[str]:
        names = [name for name in ("glibc", self.best) if name in self.ratios]
        return [verdict.sentence(self.ratios[name], name if name == "glibc" else f"{name}, the best of the others") for name in names]


def lines(results: dict) -> list[Line]:
    """A line for each workload that the pool has done."""
    general = {c["name"] for c in results["contenders"] if c["general"]}
    return [_line(cell, general) for cell in results["cells"] if cell["printed"].get("pool")]


def _line(cell: dict, general: set[str]) -> Line:
    printed = cell["printed"]
    kind = verdict.common_kind(printed, to="pool") if cell["threads"] > 1 else 0
    ratios = {name: verdict.compare(printed["pool"], of, kind) for name, of in printed.items() if name != "pool"}
    ns = {name: r.other_ns for name, r in ratios.items()} | {"pool": _pool_ns(printed["pool"], kind)}
    if LIMIT_WRITING in ns:
        writing, ratio = ns.pop(LIMIT_WRITING), ratios.pop(LIMIT_WRITING)
        if ns.get(LIMIT) is None or writing is not None and writing < ns[LIMIT]:
            ns[LIMIT], ratios[LIMIT] = writing, ratio
    others = [name for name in ratios if name in general and ns[name] is not None]
    faults = {name: sum(s[3] for p in of for s in p["slices"]) / sum(p["count"] * len(p["slices"]) for p in of)
              for name, of in printed.items() if of}
    return Line(cell["protocol"], cell["name"], cell["title"], cell["what"], cell["kind"], cell["live"], cell["threads"],
                verdict.shown_kind(kind), ns, ratios, min(others, key=lambda name: ns[name], default=None), faults)


def _pool_ns(printed: list[dict], kind: int) -> float | None:
    return verdict.compare(printed, printed, kind).pool_ns


def order_of(results: dict) -> list[str]:
    return [c["name"] for c in results["contenders"]]
