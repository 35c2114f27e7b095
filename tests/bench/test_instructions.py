# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What an allocation, two reads and a free cost: callgrind's count of instructions, which is exact and repeats."""

import platform
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, emit, long, write_all

LIMITS = {"pool": 28, "typed": 24}      # instructions a turn, the loop included; typed: with calc_free_add
SHARED = {"plain": 28, "alone": 105, "held": 253}     # of shared.c
FEW, MANY = 10_000, 110_000     # turns; the difference leaves out what happens once


@unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "the limit is one of x86-64")
class Instructions(unittest.TestCase):
    @long
    def test_a_turn_of_make_read_and_free(self):
        for tool in ("gcc", "valgrind"):
            self.assertIsNotNone(shutil.which(tool), f"{tool} is missing: run make deps")
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "turn"
            sources = [ROOT / "tests/bench/turn.c", ROOT / "generated/calc.c", ROOT / "generated/protopool.c"]
            subprocess.run(["gcc", "-std=c11", "-O2", "-DNDEBUG", "-I", ROOT / "generated", *sources, "-o", program],
                           check=True)
            per_turn = {how: (_instructions(program, how, MANY) - _instructions(program, how, FEW)) / (MANY - FEW)
                        for how in ("pool", "typed", "none", "malloc")}
        print(f"a turn of make, two reads and free: {per_turn['pool']:.2f} instructions, with a typed free "
              f"{per_turn['typed']:.2f}; "
              f"no allocator {per_turn['none']:.2f}, malloc and free {per_turn['malloc']:.2f}")
        for how, limit in LIMITS.items():
            with self.subTest(how):
                self.assertLessEqual(round(per_turn[how], 1), limit)

    @long
    def test_a_turn_of_a_shared_message(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "shared"
            write_all(Path(folder), emit((ROOT / "examples/feed.yaml").read_bytes()))
            sources = [ROOT / "tests/bench/shared.c", Path(folder) / "feed.c", ROOT / "generated/protopool.c"]
            subprocess.run(["gcc", "-std=c11", "-O2", "-DNDEBUG", "-I", folder, "-I", ROOT / "generated", *sources, "-o", program], check=True)
            per_turn = {how: (_instructions(program, how, MANY) - _instructions(program, how, FEW)) / (MANY - FEW) for how in SHARED}
        print(f"a turn of a message that is not shared: {per_turn['plain']:.2f} instructions; shared, with one holder: {per_turn['alone']:.2f}; "
              f"held and freed once more: {per_turn['held']:.2f}")
        for how, limit in SHARED.items():
            with self.subTest(how):
                self.assertLessEqual(round(per_turn[how], 1), limit)


def _instructions(program: Path, how: str, turns: int) -> int:
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, how, str(turns)],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


if __name__ == "__main__":
    unittest.main()
