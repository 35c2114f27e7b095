# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The longest call of ten million, in instructions, has a limit in each kind of pool: longest_call.c."""

import platform
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, long

OPERATIONS = 10_000_000
# Per configuration and kind of call: the most instructions. Where the lock is held: the most basic blocks.
LIMITS = {
    "fixed": {"new": 11_000, "free": 8_000},
    "growing": {"new": 70_000, "free": 40_000},
    "joined": {"new": 200_000, "free": 46_000, "locked": 42_000},
    "reserve": {"locked": 1_500},
}


@long
@unittest.skipUnless(platform.machine() in ("x86_64", "AMD64"), "instructions are counted by x86-64's trap flag")
class LongestCall(unittest.TestCase):
    def test_no_call_takes_more_than_its_limit(self):
        with tempfile.TemporaryDirectory() as folder:
            blocks, steps = Path(folder) / "blocks", Path(folder) / "steps"
            _compile(blocks, "-DBLOCKS", "-fsanitize-coverage=trace-pc")
            _compile(steps)
            for configuration, limits in LIMITS.items():
                longest = _run(blocks, configuration)
                calls = sorted({call for kind, (_, call) in longest.items() if kind in ("new", "free")})
                counted = {**longest, **(_run(steps, configuration, *calls) if calls else {})}
                for kind, limit in limits.items():
                    count, call = longest[kind] if kind == "locked" else counted[kind]
                    unit = "basic blocks" if kind == "locked" else "instructions"
                    print(f"{configuration:8} {kind:6} {count:8} {unit} in call {call}")
                    with self.subTest(f"{configuration}, {kind}"):
                        self.assertLessEqual(count, limit)
                        self.assertGreater(count, limit / 10)   # something was counted


def _compile(program: Path, *flags: str) -> None:
    subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-D_GNU_SOURCE", "-I", ROOT / "generated", *flags,
                    ROOT / "tests/engine/longest_call.c", "-o", program], check=True)


def _run(program: Path, configuration: str, *calls: int) -> dict[str, tuple[int, int]]:
    """Per kind of call: the count of the longest, and its number."""
    done = subprocess.run([program, configuration, str(OPERATIONS), *map(str, calls)], check=True, capture_output=True, text=True)
    return {kind: (int(count), int(call)) for kind, count, call in re.findall(r"^\w+ (\w+) (\d+) in call (\d+)$", done.stdout, re.MULTILINE)}


if __name__ == "__main__":
    unittest.main()
