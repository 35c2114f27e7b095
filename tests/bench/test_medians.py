# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The table of several runs: medians, ratios, and the rows in which the pool is not first."""

import contextlib
import importlib.util
import io
import sys
import tempfile
import unittest
from pathlib import Path

from support import ROOT

sys.path.insert(0, str(ROOT))

HAS_SCIPY = all(importlib.util.find_spec(name) for name in ("scipy", "matplotlib", "tqdm"))
if HAS_SCIPY:
    from bench import medians


def contender(name: str, version: str = "", frees: str = "free", part_of: str = "") -> dict:
    return {"name": name, "what": name, "general": name not in ("limit", "pool", "glibc"), "version": version, "frees": frees,
            "part_of": part_of}


CONTENDERS = [contender("limit"), contender("pool"), contender("glibc", "glibc 2.36"), contender("peer", "3.4", "free_sized"),
              contender("peer-heap", "3.4", part_of="peer"), contender("other", "1.0 of Debian")]


def cell(title: str, kind: str, ns: dict[str, float], threads: int = 1) -> dict:
    """A workload in which each contender takes so long in every slice."""
    trip = 50 if threads > 1 else 0
    return {"protocol": "calc", "name": title, "title": title, "what": "", "kind": kind, "live": 1, "threads": threads,
            "printed": {name: [{"count": 1, "slices": [[time, trip, trip, 0]] * 3}] * 5 for name, time in ns.items()}}


def run(*cells: dict) -> dict:
    return {"machine": {"processor": "a processor", "cores": 2, "compiler": "gcc 12"}, "contenders": CONTENDERS, "cells": list(cells),
            "protocols": [{"name": "calc", "one": "Add", "one_bytes": 24, "mean_bytes": 35.84}]}


@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
class Table(unittest.TestCase):
    def test_a_row_has_the_medians_of_the_runs_and_the_ratio_to_the_fastest(self):
        runs = [run(cell("pair", "one", {"limit": 1, "pool": pool, "glibc": 20, "peer": peer, "other": 9}))
                for pool, peer in ((2, 4), (3, 6), (9, 5))]
        self.assertIn("| | limit | pool | glibc | peer | other | pool against the best |\n|---|---|---|---|---|---|---|\n"
                      "| pair, one | 1.0 | 3.0 | 20.0 | 5.0 | 9.0 | 2.0 |\n", medians.markdown(runs))

    def test_the_versions_and_the_conditions_are_named(self):
        text = " ".join(medians.markdown([run(cell("a", "one", {"pool": 1, "glibc": 2, "peer": 3}, 2))] * 3).split())
        self.assertIn("Medians of 3 runs: a processor, 2 cores; gcc 12; a round trip between the two cores takes 45 to 91 ns.", text)
        self.assertIn("Compared: glibc 2.36; peer 3.4, freed with `free_sized`; other 1.0 of Debian.", text)

    def test_rows_in_which_the_pool_is_not_first_are_bold_and_listed(self):
        text = medians.markdown([run(cell("pair", "one", {"pool": 10, "glibc": 20, "peer": 9}),
                                     cell("pair", "mixed", {"pool": 10, "glibc": 20, "peer": 10.2}),
                                     cell("pipeline", "one", {"pool": 10, "glibc": 20, "peer": 10.2}, 2),
                                     cell("pipeline", "mixed", {"pool": 10, "glibc": 9.5, "peer": 20}, 2))])
        self.assertIn("| pair, one |  | 10.0 | 20.0 | 9.0 |  | **0.90** |", text)
        self.assertIn("The pool is first in 2 of 4 rows. It is not first in:\n\n"
                      "- calc, pair, one: 0.90 against peer\n- calc, pipeline, mixed: 0.95 against glibc\n\n"
                      "Between two threads it is first by less than 1.05 in:\n\n- calc, pipeline, one: 1.02 against peer\n", text)
        self.assertIn("*Mixed*: 0.95 to 2.0 times as fast as glibc.", " ".join(text.split()))

    def test_a_way_to_use_an_allocator_has_no_column_but_is_named_where_it_is_the_fastest(self):
        text = medians.markdown([run(cell("pair", "one", {"pool": 10, "glibc": 20, "peer": 14, "peer-heap": 12}))])
        self.assertIn("| pair, one |  | 10.0 | 20.0 | 14.0 |  | 1.20 peer-heap |", text)

    def test_a_contender_that_failed_in_one_run_has_the_medians_of_the_others(self):
        whole, partly = (run(cell("pair", "one", {"pool": 10, "glibc": 20} | more)) for more in ({"peer": 15}, {}))
        self.assertIn("| pair, one |  | 10.0 | 20.0 | 15.0 |  | 1.50 |", medians.markdown([whole, partly, partly]))

    def test_the_limit_of_two_threads_is_the_better_of_the_one_that_writes_on_free_and_the_one_that_does_not(self):
        text = medians.markdown([run(cell("pair", "one", {"limit": 3, "pool": 10, "glibc": 20}),
                                     cell("pipeline", "one", {"limit": 9, "limit, writing": 7, "pool": 10, "glibc": 20}, 2),
                                     cell("pipeline", "mixed", {"limit": 6, "limit, writing": 8, "pool": 10, "glibc": 20}, 2))])
        for row in ("pair, one | 3.0 |", "pipeline, one | 7.0 |", "pipeline, mixed | 6.0 |"):
            self.assertIn(f"| {row} 10.0 |", text)

    def test_aims_that_are_missed_are_bold(self):
        text = medians.markdown([run(cell("pair", "one", {"pool": 10, "glibc": 44, "peer": 16}))])
        self.assertIn("| pair, one | 4.5 | **4.4** | 1.5 | 1.60 |", text)

    def test_it_replaces_what_is_between_the_marks_and_nothing_else(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder, "page.md")
            page.write_text(f"above\n\n{medians.BEGIN}\nold\n{medians.END}\n\nbelow\n")
            for _ in range(2):
                medians.write_into(page, "new\n")
                self.assertEqual(page.read_text(), f"above\n\n{medians.BEGIN}\n\nnew\n\n{medians.END}\n\nbelow\n")
            page.write_text("no marks\n")
            with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
                medians.write_into(page, "new\n")
            self.assertEqual(page.read_text(), "no marks\n")


if __name__ == "__main__":
    unittest.main()
