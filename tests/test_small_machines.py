# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What small C libraries and freestanding compilers do, as far as this machine can play them. firmware/ runs on one."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, WARNINGS

CC = os.environ.get("CC", "gcc").split()
GENERATED = ROOT / "generated"
STRICT = ["-std=c11", *(flag for flag in WARNINGS if "cast-align" not in flag), "-I", str(GENERATED)]


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def build(self, *arguments) -> Path:
        program = self.folder / "program"
        subprocess.run([*CC, *STRICT, *map(str, arguments), "-o", program], check=True)
        return program


# Of tests/printing.c: with a C library that prints numbers, and with one that does not.
DECIMAL = """0.0 1.0 0.1 -1.5 255.0 1000000000000000.0 1e16 12345.0 0.3333333333333333 5e-324 0.0001 1e-5 -2.5e-10
1.7976931348623157e308 1e22 1e23 2.2e-308 123456.7 9007199254740992.0 0.30000000000000004
0.1 1.5 3.4028235e38 1e-45 16777216.0 0.33333334 -0.0 -inf NaN""".split()
BITS = """0.0 0x1p+0 0x1.999999999999ap-4 -0x1.8p+0 0x1.fep+7 0x1.c6bf52634p+49 0x1.1c37937e08p+53 0x1.81c8p+13
0x1.5555555555555p-2 0x0.0000000000001p-1022 0x1.a36e2eb1c432dp-14 0x1.4f8b588e368f1p-17 -0x1.12e0be826d695p-32
0x1.fffffffffffffp+1023 0x1.0f0cf064dd592p+73 0x1.52d02c7e14af6p+76 0x0.fd1d7d505cd02p-1022 0x1.e240b33333333p+16 0x1p+53
0x1.3333333333334p-2
0x1.99999ap-4 0x1.8p+0 0x1.fffffep+127 0x1p-149 0x1p+24 0x1.555556p-2 -0.0 -inf NaN""".split()
INTEGERS = """0 0 0
9 9 0x9
10 10 0xa
4294967295 4294967295 0xffffffff
4294967296 4294967296 0x100000000
18446744073709551615 -1 high | 0x7fffffffffffffff
-9223372036854775808""".split("\n")


class Printing(Program):
    def test_numbers_print_whatever_snprintf_does(self):
        program = self.build("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", ROOT / "tests/printing.c")
        for library in ("real", "three digits", "empty", "nothing", "digits", "letters", "no exponent", "empty exponent", "zero"):
            with self.subTest(library):
                done = subprocess.run([program, library], capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, done.stderr)
                numbers = DECIMAL if library in ("real", "three digits") else BITS
                self.assertEqual(done.stdout.splitlines(), numbers + INTEGERS)

    def test_bits_read_back_as_they_were(self):
        for decimal, bits in zip(DECIMAL, BITS):
            if "e-45" not in decimal and decimal not in ("0.1", "0.33333334", "3.4028235e38", "NaN"):    # floats
                self.assertEqual(float.fromhex(bits), float(decimal))


if __name__ == "__main__":
    unittest.main()
