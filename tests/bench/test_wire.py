# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What it costs to send and to receive: callgrind's count of instructions, beside the least that each must do. The loop is in all."""

import platform
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import ROOT, long

FEW, MANY = 1000, 3000          # turns; the difference leaves out what happens once
# The number of each variant, and the most instructions that encode takes besides those of memcpy, and receive besides those of memcpy into a
# new message, validating and freeing it. Today 32 and 23, 112 and 115, 137 and 162.
VARIANTS = {"Add": (0, 35, 26), "Store": (4, 118, 121), "Log": (6, 144, 170)}


@long
@unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "the limit is one of x86-64")
class Wire(unittest.TestCase):
    def test_to_send_is_a_copy_and_to_receive_a_copy_that_is_validated(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "gen", "-q", "--no-engine", "--bench", "-o", folder, ROOT / "schema/calc.yaml"], cwd=ROOT, check=True)
            program = Path(folder, "wire")
            subprocess.run(["gcc", "-std=c11", "-O2", "-DPROTOCOL=calc", '-DPROTOCOL_BENCH="calc_bench.h"', "-I", folder, "-I", ROOT / "generated",
                            ROOT / "tests/bench/wire.c", ROOT / "generated/calc.c", ROOT / "generated/protopool.c", "-o", program], check=True)
            for name, (variant, most_to_encode, most_to_receive) in VARIANTS.items():
                cost = {how: (_instructions(program, how, variant, MANY) - _instructions(program, how, variant, FEW)) / (MANY - FEW)
                        for how in ("encode", "receive", "copy", "scrub", "fresh")}
                print(f"{name}: {cost}")
                with self.subTest(name):
                    self.assertLessEqual(cost["encode"], 1.1 * (cost["copy"] + cost["scrub"]))
                    self.assertLessEqual(cost["receive"], 1.2 * (cost["fresh"] + cost["scrub"]))
                    self.assertLessEqual(cost["encode"], cost["copy"] + most_to_encode)
                    self.assertLessEqual(cost["receive"], cost["fresh"] + most_to_receive)


    def test_packed_fields_of_a_fixed_size_cost_some_instructions_each(self):
        """Of an AddOrder of ITCH 5.0, as on docs/wire.md: 36 bytes, 8 fields. Today 399 and 519."""
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-m", "gen", "-q", "--no-engine", "--bench", "-o", folder, ROOT / "schema/itch.yaml"], cwd=ROOT, check=True)
            program = Path(folder, "wire")
            subprocess.run(["gcc", "-std=c11", "-O2", "-DPROTOCOL=itch", '-DPROTOCOL_BENCH="itch_bench.h"', "-I", folder, "-I", ROOT / "generated",
                            ROOT / "tests/bench/wire.c", Path(folder, "itch.c"), ROOT / "generated/protopool.c", "-o", program], check=True)
            cost = {how: (_instructions(program, how, 10, MANY) - _instructions(program, how, 10, FEW)) / (MANY - FEW) for how in ("encode", "receive")}
            print(f"AddOrder, packed: {cost}")
            self.assertIn("AddOrder 36", subprocess.run([program, "encode", "10", "1"], capture_output=True, text=True, check=True).stdout)
            self.assertLessEqual(cost["encode"], 420)
            self.assertLessEqual(cost["receive"], 550)


def _instructions(program: Path, how: str, variant: int, turns: int) -> int:
    run = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, how, str(variant), str(turns)],
                         capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr)[1])


if __name__ == "__main__":
    unittest.main()
