# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The comparison of docs/compare.md runs, and its figures for this project are those of the page. It includes the libraries that are
installed."""

import importlib.util
import shutil
import unittest

from support import ROOT, long

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
if HAS_SCIPY:
    from bench.compare import __main__ as program

PAGE = ROOT / "docs/compare.md"


def _rows(text: str) -> dict[str, list[list[str]]]:
    """The cells of each row of the tables, by the first cell: once per table."""
    found: dict[str, list[list[str]]] = {}
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith(("|  |", "| ---")):
            name, *cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            found.setdefault(name, []).append(cells)
    return found


@long
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is missing: make deps")
@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
class Comparison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows, cls.page = _rows(program._report(None)), _rows(PAGE.read_text(encoding="utf-8"))

    def test_each_row_is_on_the_page(self):
        self.assertLessEqual(set(self.rows), set(self.page))
        self.assertLessEqual({"protopool", "structs by hand, `malloc` of each size"}, set(self.rows))

    def test_the_page_says_which_mistakes_are_found_today(self):
        for level in ("protopool", "protopool, level 1", "protopool, level 2"):
            self.assertEqual(self.rows[level][1], self.page[level][1])
        self.assertEqual(self.rows["protopool, level 1"][1], ["refused", "refused", "found", "found", "found"])

    def test_the_pages_figures_are_those_of_today(self):
        for level in ("protopool", "protopool, level 1"):
            for now, shown in zip(self.rows[level][0], self.page[level][0], strict=True):
                self.assertAlmostEqual(float(now), float(shown), delta=0.05 * float(shown), msg=level)

    def test_a_message_takes_less_than_with_malloc(self):
        pool, by_hand = (self.rows[name][0] for name in ("protopool", "structs by hand, `malloc` of each size"))
        for column in (3, 4, 5, 6):                     # bytes and instructions
            self.assertLess(float(pool[column]), float(by_hand[column]))


if __name__ == "__main__":
    unittest.main()
