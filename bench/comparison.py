# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Compares two runs of the benchmark: has the pool become slower, relative to the limit of the same run?"""

import json
from pathlib import Path

import numpy

from . import instructions, verdict

WORSE = 1.05


def main(old: Path, new: Path) -> int:
    """Prints a line for each workload in both. Returns 1 if one has become slower by more than 5 %."""
    before, after = (json.loads(path.read_text(encoding="utf-8")) for path in (old, new))
    worse = _times(before, after) + instructions.compare(before, after)
    print(f"{worse} slower" if worse else "nothing is slower")
    return 1 if worse else 0


def _key(cell: dict) -> tuple:
    return cell["protocol"], cell.get("name") or cell["workload"], cell["kind"], cell["live"]


def _times(before: dict, after: dict) -> int:
    old = {_key(cell): cell for cell in before.get("cells", []) if "limit" in cell["printed"]}
    worse = 0
    for cell in after.get("cells", []):
        was = old.get(_key(cell))
        if was is None or "limit" not in cell["printed"]:
            continue
        sides = [_by_limit(of["printed"], of["threads"]) for of in (was, cell)]
        if min(map(len, sides)) < verdict.FEWEST:
            continue
        low, high = verdict.interval(*sides, of=_change)
        is_worse = low > WORSE
        worse += is_worse
        print(f"{cell['protocol']}, {cell['title']}, {cell['kind']}: {_change(*sides):.2f} times the "
              f"time before [{low:.2f}, {high:.2f}], relative to the limit{': slower' if is_worse else ''}")
    return worse


def _by_limit(printed: dict, threads: int) -> list[float]:
    """The pool's time in times of the limit's, for each round."""
    kind = verdict.common_kind({name: printed[name] for name in ("pool", "limit")}, to="limit") if threads > 1 else 0
    return verdict.ratios(printed["limit"], printed["pool"], kind)


def _change(old, new, axis=-1):
    return numpy.median(new, axis=axis) / numpy.median(old, axis=axis)
