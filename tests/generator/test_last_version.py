# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What users of the last version wrote still compiles and runs with today's code, and every name they could use is there."""

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from support import GENERATED, ROOT, FolderTest, command, compilers, long

LAST = ROOT / "tests/generator/last_version"
sys.path.insert(0, str(LAST))

from names import names_of                                      # noqa: E402  (the path comes first)

C = ["gcc", "-std=c11", "-pthread", "-Wall", "-Wextra", "-Werror"]
CPP = ["g++", "-std=c++17", "-pthread", "-Wall", "-Wextra", "-Werror"]
HEADERS = ("calc.h", "itch.h", "telemetry.h", "protopool.h")


def lines(name: str) -> set[str]:
    text = (LAST / name).read_text(encoding="utf-8").splitlines()
    return {line for line in text if line and not line.startswith("#")}


@unittest.skipUnless(compilers("gcc") and shutil.which("g++"), "gcc or g++ is missing")
class Programs(FolderTest):
    def build_and_run(self, source: str, level: int, protocol: str = "calc", headers: Path = GENERATED, arguments: tuple = ()) -> str:
        """What the program prints, built with checks of this level."""
        check = f"-DPROTOPOOL_CHECK={level}"
        objects = []
        for name in (protocol, "protopool"):
            objects.append(self.folder / f"{name}{level}.o")
            if not objects[-1].exists():
                subprocess.run([*C, check, "-I", headers, "-c", headers / f"{name}.c", "-o", objects[-1]], check=True)
        program = self.folder / "program"
        subprocess.run([*(CPP if source.endswith(".cpp") else C), check, "-I", headers, LAST / source, *objects, "-o", program], check=True)
        return subprocess.run([program, *arguments], check=True, capture_output=True, text=True, timeout=100).stdout

    @long
    def test_the_examples_and_the_user_of_cpp(self):
        messages = ("--messages", "100000")
        for source, protocol, levels, arguments, last_line in (
                ("seed.c", "calc", (0, 2), (), "0 live messages"),
                ("pipeline.c", "calc", (0, 1), messages, "0 live messages"),
                ("order_book.c", "itch", (0, 2), messages, "0 live messages"),
                ("user.cpp", "calc", (0, 2), (), "Apply { operation: add, left: 1.0, right: 2.0 }")):
            for level in levels:
                with self.subTest(source, level=level):
                    printed = self.build_and_run(source, level, protocol, arguments=arguments)
                    self.assertTrue(printed.endswith(last_line + "\n"), printed)

    @long
    def test_the_blocks_of_the_readme_with_its_schema(self):
        done = command("--cpp", "-q", "-o", self.folder, LAST / "readme.yaml")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.build_and_run("readme.c", 1, headers=self.folder), "5Add { left: 5, right: 6 }")
        self.build_and_run("readme.cpp", 1, headers=self.folder)


class Names(unittest.TestCase):
    def test_every_public_name_is_still_there(self):
        text = "\n".join((GENERATED / header).read_text(encoding="utf-8") for header in HEADERS)
        gone = lines("names.txt") - names_of(text)
        if gone and compilers("gcc"):               # a macro may define what the text does not show
            gone -= names_of("\n".join(self.expanded(header) for header in HEADERS))
        self.assertEqual(sorted(gone - lines("internal.txt")), [])

    def test_only_names_of_the_last_version_are_listed_as_internal(self):
        self.assertEqual(lines("internal.txt") - lines("names.txt"), set())
        self.assertGreater(len(lines("names.txt") - lines("internal.txt")), 600)

    def test_each_kind_of_name_is_found(self):
        header = ('#define CALC_A(x) f(x)\nenum calc_b { CALC_C = 1, CALC_D };\nstruct calc_e { int (*calc_inner)(void); };\n'
                  'typedef void calc_f(int);\nint calc_g(int a, int (*b)(void));\nstatic inline int calc_h(void)\n{\n    calc_inner();\n'
                  '    return 1;\n}\n/* calc_comment(); */\nint calc_own_(void);\nextern "C" {\nPROTOPOOL_NODISCARD struct calc_e *calc_i(void);\n}\n'
                  'struct other;\nint other(void);\n')
        self.assertEqual(names_of(header), {f"calc_{letter}" for letter in "befghi"} | {"CALC_A", "CALC_C", "CALC_D"})

    def expanded(self, header: str) -> str:
        return subprocess.run(["gcc", "-std=c11", "-DPROTOPOOL_CHECK=2", "-E", "-dD", "-P", GENERATED / header], check=True,
                              capture_output=True, text=True).stdout


if __name__ == "__main__":
    unittest.main()
