# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Two runs of the benchmark: has the pool become slower, measured by the limit of the same run?"""

import json
from pathlib import Path

import numpy
import scipy.stats

from . import instructions, verdict

WORSE = 1.05


def main(old: Path, new: Path) -> int:
    """Prints a line for each workload that both have; 1 if one has become slower by more than 5 %."""
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
        sides = _sides(was["printed"], cell["printed"], cell["threads"])
        if min(len(ns) for side in sides for ns in side) < verdict.FEWEST:
            continue
        interval = scipy.stats.bootstrap(tuple(numpy.array(ns) for side in sides for ns in side), _change,
                                         n_resamples=verdict.RESAMPLES, confidence_level=verdict.CONFIDENCE,
                                         method="percentile", vectorized=True, random_state=1).confidence_interval
        is_worse = interval.low > WORSE
        worse += is_worse
        print(f"{cell['protocol']}, {cell['title']}, {cell['kind']}: {_change(*(n for s in sides for n in s)):.2f} times the "
              f"time of before [{interval.low:.2f}, {interval.high:.2f}], by the limit{': slower' if is_worse else ''}")
    return worse


def _sides(before: dict, after: dict, threads: int) -> list[tuple[list[float], list[float]]]:
    """The pool's and the limit's times in both runs, with the cores as far apart in all four."""
    both = [(printed["pool"], printed["limit"]) for printed in (before, after)]
    kind = verdict.common_kind(dict(enumerate(both[0] + both[1]))) if threads > 1 else 0
    return [tuple(verdict.by_kind(of).get(kind, []) for of in side) for side in both]


def _change(old_pool, old_limit, new_pool, new_limit, axis=-1):
    def ratio(a, b):
        return numpy.median(a, axis=axis) / numpy.median(b, axis=axis)
    return ratio(new_pool, new_limit) / ratio(old_pool, old_limit)
