# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Emitted headers in C++: what they let compile, what they do not, and of what a compiler warns."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from support import WARNINGS_CPP, compilers, emit, write_all

from gen import render

SCHEMA = """\
protocol: calc
enums:
  wide: {values: {small: 0, large: 9000000000000000000}}
  unsigned_wide: {values: {small: 0, large: 4000000000}}
  lowest: {base: i64, values: {small: -9223372036854775808, large: 4000000000}}
messages:
  Add: {fields: {left: u64, right: u64}, max_live: 4}
  Quit: {}
  Numbers: {fields: {a: wide, b: unsigned_wide, c: lowest}}
  Log: {fields: {severity: u8, time: u64, text: string}}
  Old: {deprecated: gone}
  Older: {deprecated: gone, fields: {a: u8, b: 'u8?'}}
  OldLog: {deprecated: gone, fields: {text: string}}
"""
CASTS = "-Wold-style-cast -Wzero-as-null-pointer-constant -Wdeprecated-declarations".split()
GCC = "-Wcast-align=strict -Wuseless-cast -Wclass-memaccess".split()
CLANG = "-Wcast-align -Wextern-c-compat -Wreturn-type-c-linkage".split()


class Cpp(unittest.TestCase):
    """Each program includes calc.h of the schema above."""

    INCLUDE = '#include "calc.h"\n'

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        write_all(Path(cls.folder.name), emit(SCHEMA) | render.engine())

    def said(self, compiler: str, program: str, *flags: str) -> str:
        """What the compiler says; empty if it takes the program without a word."""
        source = Path(self.folder.name, "program.cpp")
        source.write_text(self.INCLUDE + program, encoding="utf-8")
        warnings = [flag for flag in WARNINGS_CPP if not flag.startswith("-Wcast-align")]
        done = subprocess.run([compiler, "-std=c++17", *warnings, *CASTS, *(CLANG if "clang" in compiler else GCC), "-fsyntax-only",
                               *flags, source], capture_output=True, text=True, timeout=120)
        return done.stderr or "failed without a word" * (done.returncode != 0)

    def assert_compiles(self, program: str, *flags: str):
        for compiler in compilers("g++", "clang++"):
            self.assertEqual(self.said(compiler, program, *flags), "")

    def assert_refused(self, program: str, *words: str):
        for compiler in compilers("g++", "clang++"):
            said = self.said(compiler, program)
            self.assertIn("error", said)
            for word in words:
                self.assertIn(word, said)


@unittest.skipUnless(compilers("g++", "clang++"), "no C++ compiler")
class CHeader(Cpp):
    def test_nothing_is_said_of_what_is_right_in_c(self):
        program = """
            namespace { CALC_POOL_STORAGE(memory); }
            bool use(calc_pool *pool);
            bool use(calc_pool *pool)
            {
                static_assert(sizeof CALC_UNSIGNED_WIDE_LARGE == 4 && CALC_LOWEST_SMALL < 0, "of the enum's base");
                calc *const msg = calc_new_numbers(pool, CALC_WIDE_LARGE, CALC_UNSIGNED_WIDE_SMALL, CALC_LOWEST_SMALL);
                calc_free(pool, calc_clone(pool, msg));
                calc_free(pool, calc_new_quit(pool));
                return calc_pool_init(pool, memory, CALC_POOL_BYTES);
            }"""
        for flags in (["-std=c++17"], ["-std=c++20", "-O2", "-DPROTOPOOL_CHECK=1"], ["-std=c++2b", "-DPROTOPOOL_CHECK=2"]):
            self.assert_compiles(program, *flags)

    def test_a_cast_of_the_users_own_is_warned_of(self):
        self.assert_refused("int a(long b);\nint a(long b) { return (int)b; }\n", "old-style-cast")

    def test_a_struct_with_a_tail_is_laid_out_as_in_c(self):
        self.assert_compiles("""
            #include <cstddef>
            #include <type_traits>
            static_assert(std::is_standard_layout_v<calc_log> && std::is_trivial_v<calc_log> && std::is_aggregate_v<calc_log>);
            static_assert(sizeof(calc_log) == 16 && offsetof(calc_log, base) == 0 && offsetof(calc_log, time) == 8);
            """)

    def test_a_struct_with_a_tail_is_returned_but_not_copied(self):
        program = """
            calc_log use(const calc_log &log);
            calc_log use(const calc_log &log)
            {
                calc_log head = calc_default_log();
                head = calc_default_log();
                head.severity = log.severity;
                %s
                return head;
            }"""
        self.assert_compiles(program % "")
        self.assert_refused(program % "const calc_log other = log; (void)other;", "calc_log", "deleted")
        self.assert_refused(program % "head = log;", "deleted")
        self.assert_refused(program % "[](calc_log by_value) { (void)by_value; }(log);", "calc_log", "deleted")


if __name__ == "__main__":
    unittest.main()
