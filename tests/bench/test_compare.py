# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The comparisons of docs/compare.md and docs/wire.md run, and their figures for this project are those of the pages. They include the
libraries that are installed."""

import importlib.util
import shutil
import unittest

from support import ROOT, long

HAS_SCIPY = importlib.util.find_spec("scipy") is not None
if HAS_SCIPY:
    from bench.compare import __main__ as program, sent

PAGE, WIRE = ROOT / "docs/compare.md", ROOT / "docs/wire.md"


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


@long
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is missing: make deps")
@unittest.skipUnless(HAS_SCIPY, "scipy or matplotlib is missing: make deps-bench")
class Sent(unittest.TestCase):
    """The cells of a row: the bytes that are sent; the instructions to encode, to decode and free; the nanoseconds."""

    @classmethod
    def setUpClass(cls):
        page = WIRE.read_text(encoding="utf-8").partition(sent.BEGIN)[2].partition(sent.END)[0]
        cls.now, cls.page = (_by_message(text) for text in (sent.report(), page))

    def test_each_row_is_on_the_page(self):
        self.assertLessEqual(set(self.now), set(self.page))
        self.assertLessEqual({(title, name) for title in sent.KINDS for name in (sent.LEAST, "protopool")}, set(self.now))

    def test_the_pages_figures_are_those_of_today(self):
        for row in self.now:
            for now, shown in zip(self.now[row][:3], self.page[row][:3], strict=True):
                if row[1] in (sent.LEAST, "protopool"):
                    self.assertAlmostEqual(now, shown, delta=0.05 * shown, msg=row)

    def test_a_message_without_texts_is_received_as_it_is_copied_and_validated(self):
        for title in list(sent.KINDS)[:2]:
            least, own = (self.now[title, name] for name in (sent.LEAST, "protopool"))
            self.assertLessEqual(own[2], 1.2 * least[2], title)

    def test_no_library_takes_fewer_instructions(self):
        for (title, name), cells in self.now.items():
            if name not in (sent.LEAST, "protopool"):
                for column in (1, 2):
                    self.assertLess(self.now[title, "protopool"][column], cells[column], (title, name))


def _by_message(table: str) -> dict[tuple[str, str], list[float]]:
    """The numbers of each row, by the message and the name of who sends it."""
    found, title = {}, ""
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith(("| message", "| ---")):
            of, name, *cells = (cell.strip() for cell in line[1:-1].split(" | "))
            title = of or title
            found[title, name] = [float(cell) for cell in cells]
    return found


if __name__ == "__main__":
    unittest.main()
