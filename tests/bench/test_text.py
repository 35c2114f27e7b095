# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What texts and printing cost: callgrind's count of instructions, which is exact and repeats."""

import platform
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, long

LENGTHS = {0: 58, 5: 85, 16: 100, 200: 170}     # characters: the most instructions to allocate and free such a message
TURNS = 500
MOST = 3                                        # times the instructions of snprintf


@long
@unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "the limits are those of x86-64")
class Text(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for tool in ("gcc", "valgrind"):
            if shutil.which(tool) is None:
                raise AssertionError(f"{tool} is missing: run make deps")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.program = Path(folder.name) / "text"
        names = ("calc", "itch", "telemetry", "protopool")
        sources = [ROOT / "tests/bench/text.c", *(ROOT / f"generated/{name}.c" for name in names)]
        subprocess.run(["gcc", "-std=c11", "-O2", "-DNDEBUG", "-I", ROOT / "generated", *sources, "-Wl,-z,now",
                        "-o", cls.program], check=True)
        cls.once = {what: _instructions(cls.program, *what, "0") for what in (("length", "0"), ("calc.quit", "print"))}

    def per_turn(self, *what: str) -> float:
        once = self.once.get(what[:1] + ("0",)) or self.once["calc.quit", "print"]
        return (_instructions(self.program, *what, str(TURNS)) - once) / TURNS

    def test_a_message_with_a_text(self):
        costs = {length: self.per_turn("length", str(length)) for length in LENGTHS}
        print("; ".join(f"{length} characters: {cost:.0f} instructions" for length, cost in costs.items()))
        for length, cost in costs.items():
            with self.subTest(length):
                self.assertLessEqual(cost, LENGTHS[length])

    def test_printing_into_a_buffer(self):
        names = subprocess.run([self.program], capture_output=True, text=True, check=True).stdout.split()
        self.assertGreaterEqual(len(names), 20)
        ratios = {}
        for name in names:
            printed, formatted = (self.per_turn(name, how) for how in ("print", "format"))
            ratios[name] = printed / formatted
            print(f"{name}: {printed:.0f} instructions; snprintf {formatted:.0f}")
        print(f"at most {max(ratios.values()):.2f} times snprintf")
        for name, ratio in ratios.items():
            with self.subTest(name):
                self.assertLessEqual(ratio, MOST)


def _instructions(program: Path, *arguments: str) -> int:
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, *arguments],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


if __name__ == "__main__":
    unittest.main()
