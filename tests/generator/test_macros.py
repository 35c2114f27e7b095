# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Macros of compilers and of system headers: no emitted header breaks if they are there before it, and each that would break one is known."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import compile_c, compilers, engine_is_there, long, write_all

from gen import generate
from gen.language.names import why_taken
from gen.lint.macros import is_windows_macro

POSIX = "math errno sys/types termios signal stdio stdlib string time sys/stat sys/socket netinet/in netdb sys/param sys/sysmacros curses".split()
WINDOWS = "winsock2 windows math errno sys/types signal stdio time".split()


def included(names: list[str]) -> str:
    """Includes of those headers that the compiler finds."""
    return "".join(f"#if __has_include(<{name}.h>)\n#include <{name}.h>\n#endif\n" for name in names)


def macros(command: list[str], headers: str) -> dict[str, bool]:
    """Each macro in lower case that a schema's name could be, and whether it takes arguments."""
    done = subprocess.run([*command, "-dM", "-E", "-x", "c", "-"], input=headers, capture_output=True, text=True, check=True)
    found = re.findall(r"(?m)^#define ([a-z](?:[a-z0-9_]*[a-z0-9])?)(?!\w)(\(?)", done.stdout)
    return {name: bracket == "(" for name, bracket in found}


class Macros(unittest.TestCase):
    def check(self, command: list[str], headers: str, is_known, cpp: str = ""):
        found = macros(command, headers)
        self.assertEqual([name for name, takes in found.items() if not takes and not is_known(name)], [])
        usable = sorted(name for name, takes in found.items() if takes or why_taken(name))
        self.assertGreater(len(usable), 9)
        kinds = ["u8", "string[<=9]", "u16[<=3]?", "u32?", "f64", "char[4]"] * len(usable)
        fields = ", ".join(f"{name}: {kind!r}" for name, kind in zip(usable, kinds))
        text = f"protocol: p\nmessages:\n  All: {{fields: {{{fields}}}}}\n" + "".join(f"  {name}: {{fields: {{x: u8}}}}\n" for name in usable[:40])
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), generate.generate([("p.yaml", text.encode())], on_demand=("cpp",)))
            Path(folder, "use.c").write_text(headers + '#include "p.h"\n')
            Path(folder, "use.cpp").write_text('#include "p.hpp"\n' + headers)
            self.assertEqual(compile_c(command[0], Path(folder), "use.c", *command[1:]), "")
            if compilers(cpp):
                self.assertEqual(compile_c(cpp, Path(folder), "use.cpp"), "")

    @long
    @unittest.skipUnless(compilers("gcc") and engine_is_there(), "no compiler, or the engine is not there")
    def test_of_posix(self):
        command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE"]
        self.check(command, included(POSIX), why_taken, "g++")

    @long
    @unittest.skipUnless(compilers("x86_64-w64-mingw32-gcc") and engine_is_there(), "mingw is not there")
    def test_of_windows(self):
        command = ["x86_64-w64-mingw32-gcc", "-std=gnu11"]
        self.check(command, included(WINDOWS), lambda name: why_taken(name) or is_windows_macro(name))


if __name__ == "__main__":
    unittest.main()
