# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the tests in Python: `python3 tests/run.py [FOLDER...] [-k NAME]`. Without folders, those of every folder beside this file."""

import sys
import unittest
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))


class Result(unittest.TextTestResult):
    def printErrors(self) -> None:
        super().printErrors()
        for why, count in Counter(why for _, why in self.skipped).items():
            self.stream.writeln(f"skipped {count}: {why}")


class Runner(unittest.TextTestRunner):
    resultclass = Result


def load_tests(loader: unittest.TestLoader, _tests, pattern: str | None) -> unittest.TestSuite:
    """Modules have names of their own in all folders, which are no packages: `bench` is one already."""
    suite = unittest.TestSuite()
    for folder in FOLDERS or sorted({path.parent for path in HERE.glob("*/test_*.py")}):
        suite.addTests(loader.discover(str(folder), pattern or "test_*.py", str(folder)))
    return suite


if __name__ == "__main__":
    FOLDERS = [argument for argument in sys.argv[1:] if Path(argument).is_dir()]
    unittest.main(argv=[sys.argv[0], *(argument for argument in sys.argv[1:] if argument not in FOLDERS)], testRunner=Runner)
