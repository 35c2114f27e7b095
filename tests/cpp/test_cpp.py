# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Emitted headers in C++: what they let compile, what they do not, and what a compiler warns about."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, WARNINGS_CPP, compilers, long, write_all

from gen import generate
from gen.emit import engine

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
  Older: {deprecated: gone, fields: {a: u8, b: 'u8?', c: {type: 'char?', absent: 0}, d: {type: 'char?', absent: 7}}}
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
        write_all(Path(cls.folder.name), generate.generate([("schema.yaml", SCHEMA.encode())], ["cpp"]) | engine.engine(["cpp"]))

    def said(self, compiler: str, program: str, *flags: str) -> str:
        """What the compiler says; empty if it takes the program without a word."""
        source = Path(self.folder.name, "program.cpp")
        source.write_text(self.INCLUDE + program, encoding="utf-8")
        warnings = [flag for flag in WARNINGS_CPP if not flag.startswith("-Wcast-align")]
        done = subprocess.run([compiler, "-std=c++17", *warnings, *CASTS, *(CLANG if "clang" in compiler else GCC), "-fsyntax-only",
                               *flags, "-I", self.folder.name, source], capture_output=True, text=True, timeout=120)
        return done.stderr or "failed without a word" * (done.returncode != 0)

    def assert_compiles(self, program: str, *flags: str):
        self.assertEqual(self.said(compilers("g++", "clang++")[0], program, *flags), "")

    def assert_compiles_everywhere(self, program: str):
        for compiler in compilers("g++", "clang++"):
            for flags in (["-DPROTOPOOL_CHECK=2"], ["-std=c++20", "-O2", "-DPROTOPOOL_CHECK=1"], ["-std=c++2b", "-fno-exceptions"]):
                self.assertEqual(self.said(compiler, program, *flags), "")

    def assert_refused(self, program: str, *words: str):
        said = self.said(compilers("g++", "clang++")[0], program)
        for word in ("error", *words):
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
        self.assert_compiles_everywhere(program)

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


@unittest.skipUnless(compilers("g++", "clang++"), "no C++ compiler")
class CppHeader(Cpp):
    INCLUDE = """\
#include "calc.hpp"
#include <memory>
using calc_cpp::match;
[[maybe_unused]] const auto rest = [](const auto &) { return 0; };
"""
    OTHERS = ("[](const calc_quit &) { return 0; }, [](const calc_numbers &) { return 0; }, [](const calc_log &) { return 0; }, "
              "[](const calc_old &) { return 0; }, [](const calc_older &) { return 0; }, [](const calc_old_log &) { return 0; }")

    def matched(self, of: str, *functions: str) -> str:
        return f"int use({of}msg);\nint use({of}msg)\n{{\n    return match(msg, {', '.join(functions)});\n}}\n"

    @long
    def test_nothing_is_said_of_it(self):
        self.assert_compiles_everywhere(self.matched("const calc &", "[](const calc_add &) { return 1; }", "rest"))

    def test_a_forgotten_variant_is_named(self):
        self.assert_compiles(self.matched("calc *", "[](const calc_add &) { return 0; }", self.OTHERS))
        self.assert_refused(self.matched("calc *", self.OTHERS), "match: no function takes calc_add")

    @long
    def test_a_function_that_takes_no_variant_is_refused(self):
        """It would be passed over for the rest in silence."""
        words = "match: a function takes no variant"
        self.assert_compiles(self.matched("calc &", "[](calc_add &) { return 1; }", "rest"))
        self.assert_refused(self.matched("const calc &", "[](calc_add &) { return 1; }", "rest"), words)
        self.assert_refused(self.matched("calc &", "[](calc_log) { return 1; }", "rest"), words)
        self.assert_refused(self.matched("calc &", "[](const calc &) { return 1; }", "rest"), words)

    def test_two_functions_for_a_variant_are_refused(self):
        self.assert_refused(self.matched("calc &", "[](const calc_add &) { return 1; }", "[](calc_add) { return 2; }", "rest"),
                            "match: more than one function takes the same variant")

    @long
    def test_results_of_different_types_are_refused(self):
        functions = "[](const calc_add &) { return 1.5F; }, rest"
        self.assert_refused(self.matched("calc &", functions), "match: the functions return different types")
        self.assert_compiles(f"double use(calc &msg);\ndouble use(calc &msg) {{ return match<double>(msg, {functions}); }}\n")

    @long
    def test_a_temporary_has_no_view(self):
        program = """
            std::size_t use(const calc_log &log);
            std::size_t use(const calc_log &log) { return calc_cpp::text_view(%s).size(); }"""
        self.assert_compiles(program % "log")
        self.assert_refused(program % "calc_default_log()", "deleted")
        self.assert_refused(program % "std::move(log)", "deleted")

    @long
    def test_memory_that_is_too_small_is_refused(self):
        program = "bool use();\nbool use()\n{\n    alignas(8) static unsigned char memory[%s];\n    return !!calc_cpp::pool(memory);\n}\n"
        self.assert_compiles(program % "CALC_POOL_BYTES")
        self.assert_refused(program % "CALC_POOL_BYTES - 1", "CALC_POOL_STORAGE declares memory of the right size")

    @long
    def test_names_of_the_header_are_fine_names(self):
        text = """\
protocol: tag
enums: {mode: {values: [one, two]}}
structs: {handle: {fields: {pool: u8, own: 'u8?'}}, pair: {fields: {a: 'handle[<=3]?'}}}
messages:
  Make:
    fields: {std: u8, own: u8, pool: u16, make: 'mode?', place: 'handle?', tag_of: 'u8[3]?', span: 'u8[<=4]', match: 'string[<=9]?',
             variant: 'handle[<=2]?', string_view: string}
  Variant: {fields: {handle: handle, variants: 'char[4]', get: 'bool?', visit: 'mode[<=3]', text: 'handle[]'}}
  Match: {fields: {value: 'f32?', protopool_cpp: u8, tag_cpp: u8, optional: 'char[3]?'}}
  Of: {}
"""
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), generate.generate([("tag.yaml", text.encode())], ["cpp"]))
            program = '#include "tag.hpp"\n'
            for compiler in compilers("g++", "clang++"):
                self.assertEqual(self.said(compiler, program, "-I", folder), "")

    @long
    def test_a_deprecated_message_warns_where_it_is_made(self):
        program = "bool use(calc_pool &pool);\nbool use(calc_pool &pool) { return !calc_cpp::make<%s>(pool%s); }\n"
        self.assert_compiles(program % ("calc_add", ", 1, 2"))
        self.assert_refused(program % ("calc_old", ""), "deprecated", "gone")
        self.assert_refused(program % ("calc_older", ", uint8_t{1}, std::nullopt, std::nullopt, std::nullopt"), "deprecated", "gone")


@unittest.skipUnless(compilers("gcc") and compilers("g++"), "no gcc or g++")
class Programs(unittest.TestCase):
    """What C++ programs do when they run: those in this folder; docs/cpp.md is run by tests/docs."""

    GENERATED = ROOT / "generated"

    def run_program(self, source: Path, folder: str, *flags: str) -> subprocess.CompletedProcess:
        objects = []
        for schema in ("examples/feed.yaml", "tests/engine/parcel.yaml"):
            write_all(Path(folder), generate.generate([(schema, (ROOT / schema).read_bytes())], ["cpp"]))
        for source_of_it in (*(self.GENERATED / f"{name}.c" for name in ("calc", "telemetry", "protopool")),
                             *(Path(folder, f"{name}.c") for name in ("feed", "parcel"))):
            objects.append(f"{folder}/{source_of_it.stem}.o")
            subprocess.run(["gcc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", *flags, "-I", self.GENERATED, "-c", source_of_it, "-o", objects[-1]],
                           check=True, timeout=300)
        warnings = [flag for flag in WARNINGS_CPP if not flag.startswith("-Wcast-align")]
        subprocess.run(["g++", "-std=c++17", *warnings, *CASTS, *GCC, *flags, "-I", self.GENERATED, "-I", folder, source, *objects, "-o",
                        f"{folder}/program", "-lpthread"], check=True, timeout=300)
        return subprocess.run([f"{folder}/program"], capture_output=True, text=True, timeout=60)

    @long
    def test_programs(self):
        for source in sorted((ROOT / "tests/cpp").glob("cpp_*.cpp")):
            with self.subTest(source.name), tempfile.TemporaryDirectory() as folder:
                done = self.run_program(source, folder, "-DPROTOPOOL_CHECK=1")
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    @long
    def test_level_2_names_the_line_of_make(self):
        program = """#include "calc.hpp"
int main()
{
    calc_cpp::pool pool;
    calc *const msg = calc_cpp::make<calc_add>(pool, 1, 2).release();
    calc_free(pool.get(), msg);
    calc_free(pool.get(), msg);
}
"""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "faulty.cpp")
            source.write_text(program, encoding="utf-8")
            done = self.run_program(source, folder, "-DPROTOPOOL_CHECK=2", "-Wno-use-after-free")
        self.assertIn("double free", done.stderr)
        self.assertRegex(done.stderr, r"faulty\.cpp:5\b.*faulty\.cpp:6\b.*faulty\.cpp:7\b")


if __name__ == "__main__":
    unittest.main()
