# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Files that disagree do not link, and the linker's message gives the reason. Files that agree link in every kind of program."""

import atexit
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GOOD, ROOT, compilers, emit, long, write_all

from gen.emit.engine import engine

CC = os.environ.get("CC", "gcc").split()
CXX = ["clang++" if "clang" in CC[0] else "g++"]
GENERATED = ROOT / "generated"
LIBRARIES = tempfile.TemporaryDirectory()
atexit.register(LIBRARIES.cleanup)
SETTINGS = ("PROTOPOOL_CHECK=1", "PROTOPOOL_CHECK=2", "PROTOPOOL_MAGAZINE=8", "PROTOPOOL_NO_THREADS", "PROTOPOOL_NO_STDIO", "PROTOPOOL_TRACE")

# Each way to use the header, as a file of its own; main.c has the rest of the program.
USES = {
    "allocates and frees": "void use(struct calc_pool *pool) { calc_free(pool, calc_new_add(pool, 1, 2)); }",
    "frees only": "void use(struct calc_pool *pool) { calc_free(pool, NULL); }",
    "has a pool": "struct calc_pool used; void use(struct calc_pool *pool) { (void)pool; }",
    "has storage": "CALC_POOL_STORAGE(used); void use(struct calc_pool *pool) { (void)pool; used[0] = 1; }",
    "reads only": "uint64_t left(const struct calc_add *add); uint64_t left(const struct calc_add *add) { return add->left; }"
                  "void use(struct calc_pool *pool) { (void)pool; }",
    "initialises only": "void use(struct calc_pool *pool) { if (!calc_pool_init_growing(pool, NULL)) return; }",
    "includes the header only": "void use(struct calc_pool *pool) { (void)pool; }",
}
USE = '#include "calc.h"\nvoid use(struct calc_pool *pool);\n'
PROGRAM = """
#include "calc.h"
void use(struct calc_pool *pool);
int main(void)
{
    static struct calc_pool pool;
    if (!calc_pool_init_growing(&pool, NULL))
        return 1;
    use(&pool);
    calc_free(&pool, calc_new_add(&pool, 5, 6));
    return (int)calc_pool_fini(&pool);
}
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.write("main.c", PROGRAM)

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).write_text(text)
        return self.folder / name

    def compile(self, source: Path, *flags: str, headers: Path = GENERATED, to: str = "") -> Path:
        compiler = [*CXX, "-std=c++17"] if source.suffix == ".cpp" else [*CC, "-std=c11"]
        out = self.folder / (to or source.stem + ".o")
        subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", *flags, "-I", headers, "-c", source, "-o", out], check=True)
        return out

    def link(self, *objects: Path, flags: tuple[str, ...] = (), to: str = "program") -> str:
        """What the linker reports; empty if it has linked."""
        done = subprocess.run([*CC, *objects, *flags, "-o", self.folder / to], capture_output=True, text=True)
        self.assertEqual(done.returncode == 0, not done.stderr, done.stderr)
        return done.stderr

    def run_program(self, name: str = "program", **environment: str) -> str:
        done = subprocess.run([self.folder / name], capture_output=True, text=True, env=os.environ | environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def library(self, *flags: str) -> list[Path]:
        """calc.o and protopool.o, compiled once for all tests. They may be linked into a shared library."""
        flags = tuple(flag for flag in flags if flag not in ("-fPIC", "-DPROTOPOOL_CHECK=0"))
        folder = Path(LIBRARIES.name) / "_".join(("o", *flags)).replace("/", "")
        if not folder.exists():
            folder.mkdir()
            for name in ("calc.c", "protopool.c"):
                self.compile(GENERATED / name, "-fPIC", *flags, to=str(folder / name.replace(".c", ".o")))
        return [folder / "calc.o", folder / "protopool.o"]

    def generate(self, folder: str, schema: str) -> Path:
        directory = self.folder / folder
        directory.mkdir(exist_ok=True)
        write_all(directory, emit(schema) | engine())
        return directory


class Settings(Folder):
    def test_files_that_agree_link_and_run(self):
        self.assert_agree("", "PROTOPOOL_CHECK=1", "PROTOPOOL_CHECK=2")

    @long
    def test_so_they_do_with_every_other_setting(self):
        self.assert_agree(*SETTINGS[2:], "PROTOPOOL_NO_HEAP")

    def assert_agree(self, *settings: str):
        use = self.write("use.c", USE + USES["allocates and frees"])
        for setting in settings:
            flags = ["-D" + setting] if setting else []
            source = self.compile(self.write("main.c", PROGRAM), *flags)
            self.assertEqual(self.link(source, self.compile(use, *flags), *self.library(*flags)), "", setting)
            if setting != "PROTOPOOL_NO_HEAP":
                self.run_program()

    def test_each_use_of_a_header_with_another_setting_is_reported_by_name(self):
        library, main = self.library(), self.compile(self.folder / "main.c")
        for what, text in USES.items():
            use = self.write("use.c", USE + text)
            self.assertEqual(self.link(main, self.compile(use), *library), "", what)
            for setting in SETTINGS if what == "has a pool" else ("PROTOPOOL_CHECK=2",):
                report = self.link(main, self.compile(use, "-D" + setting), *library)
                word = setting.lower().replace("protopool_", "").replace("=", "").replace("no_", "no")
                self.assertRegex(report, rf"calc_layout_[0-9a-f]{{8}}_abi\d+_\w*{word}", f"{what}, {setting}")

    @long
    def test_an_engine_with_another_setting_is_reported_by_name(self):
        main, calc = self.compile(self.folder / "main.c"), self.compile(GENERATED / "calc.c")
        use = self.compile(self.write("use.c", USE + USES["has a pool"]))
        for setting in SETTINGS:
            report = self.link(main, use, calc, self.library("-D" + setting)[1])
            self.assertRegex(report, r"protopool_\w+_abi\d+_check0", setting)

    @long
    def test_every_symbol_that_an_engine_exports_bears_the_settings(self):
        for level in ("0", "1", "2"):
            _, engine = self.library("-DPROTOPOOL_CHECK=" + level)
            symbols = re.findall(r" [A-TV-Z] (\w+)", subprocess.run(["nm", engine], capture_output=True, text=True, check=True).stdout)
            self.assertGreater(len(symbols), 20)
            for symbol in symbols:
                self.assertRegex(symbol, rf"^protopool_\w+_abi\d+_check{level}_magazine64$")


class Versions(Folder):
    SCHEMA = "protocol: calc\nmessages: {Add: {fields: {left: u64, right: u64}, max_live: 1}, Log: {fields: {text: string}}}\n"

    @long
    def test_files_of_an_older_schema_do_not_link_with_a_newer_one(self):
        old = self.generate("old", self.SCHEMA)
        for change, (was, becomes) in {"a field's type": ("right: u64", "right: f64"), "a field more": ("{text: string}", "{more: u8, text: string}"),
                                       "a tag": ("{Add: {", "{Add: {tag: 7, "), "a budget": ("max_live: 1", "max_live: 2"),
                                       "a bound": ("text: string", "text: {type: string, max: 99}")}.items():
            new = self.generate("new", self.SCHEMA.replace(was, becomes))
            for what in ("frees only", "includes the header only"):
                stale = self.compile(self.write("use.c", USE + USES[what]), headers=old)
                rest = [self.compile(path, headers=new) for path in (self.folder / "main.c", new / "calc.c", new / "protopool.c")]
                self.assertRegex(self.link(stale, *rest), r"calc_layout_[0-9a-f]{8}_abi", f"{change}, {what}")

    def test_a_text_of_documentation_changes_no_layout(self):
        self.generate("old", self.SCHEMA)
        self.generate("new", self.SCHEMA.replace("Add: {", "Add: {doc: Adds., "))
        names = [re.search(r"calc_layout_[0-9a-f]{8}", (self.folder / folder / "calc.h").read_text())[0] for folder in ("old", "new")]
        self.assertEqual(*names)

    def test_headers_of_two_versions_are_one_error_with_both_numbers(self):
        header = (GENERATED / "protopool.h").read_text()
        number = re.search(r"#define PROTOPOOL_ABI (\d+)", header)[1]
        self.write("calc.h", (GENERATED / "calc.h").read_text())
        for text, says in ((header.replace(f"PROTOPOOL_ABI {number}", "PROTOPOOL_ABI 7001"), f"version {number} .* version 7001"),
                           (header.replace(f"#define PROTOPOOL_ABI {number}", ""), f"version {number} .* older")):
            self.write("protopool.h", text)
            done = subprocess.run([*CC, "-std=c11", "-fsyntax-only", self.folder / "main.c"], capture_output=True, text=True)
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stderr, says)


class Programs(Folder):
    """Every kind of program that users build."""

    @long
    def test_link_time_optimisation(self):
        use = self.write("use.c", USE + USES["has a pool"])
        flags = ("-O2", "-flto")
        good = [self.compile(self.folder / "main.c", *flags), self.compile(use, *flags), *self.library(*flags)]
        self.assertEqual(self.link(*good, flags=flags), "")
        self.run_program()
        good[1] = self.compile(use, *flags, "-DPROTOPOOL_CHECK=1")
        self.assertIn("calc_layout_", self.link(*good, flags=flags))

    @unittest.skipUnless(compilers(*CXX), "no C++ compiler")
    def test_c_and_cplusplus_together(self):
        use = self.write("use.cpp", '#include "calc.h"\nextern "C" void use(calc_pool *pool) { calc_free(pool, calc_new_add(pool, 1, 2)); }\n')
        main, library = self.compile(self.folder / "main.c"), self.library()
        self.assertEqual(self.link(main, self.compile(use), *library), "")
        self.run_program()
        self.assertIn("calc_layout_", self.link(main, self.compile(use, "-DPROTOPOOL_CHECK=2"), *library))

    @long
    def test_all_in_one_translation_unit(self):
        protocols = [path.stem for path in GOOD]
        unity = self.write("unity.c", "".join(f'#include "{name}.c"\n' for name in (*protocols, "protopool"))
                           + PROGRAM.replace("use(&pool);", "").replace("void use(struct calc_pool *pool);", ""))
        for level in ("0", "1", "2"):
            self.assertEqual(self.link(self.compile(unity, "-DPROTOPOOL_CHECK=" + level)), "")
            self.run_program()

    @long
    def test_a_unity_build_with_common_names_of_the_users_own(self):
        """The engine has none of these names, so a file of the same unit can declare them before or after it."""
        names = ("flush", "spill", "fault", "report", "grow", "refill", "trim", "reserve", "equip", "cut", "reverse", "die", "enter",
                 "leave", "exchange", "bitmap", "slab_of", "count_of", "is_alive", "round_up", "print_number", "refuse", "judge",
                 "heap_take", "heap_give", "search", "leaks", "nowhere", "find_slab", "lock_store", "take_lock", "add_chunk")
        macros = ("HOSTED", "HAS_HEAP", "FREE_PAGES", "WORD_BITS", "SLAB_BYTES", "CHUNK_MIN", "FREE_FILL", "LOCK_TRIES", "SAY",
                  "PATH_BYTES", "TEXT_BYTES", "MAGAZINE_MIN", "LIVE", "FREED", "HAS_ASAN")
        user = "".join(f"int {name}(int x);\nint {name}(int x) {{ return x; }}\n" for name in names)
        macro_text = "".join(f"#define {name} own({name})\n" for name in macros)
        types = "".join(f"struct {name} {{ int own; }};\n" for name in ("report", "leaks", "search", "slab", "store", "chunk"))
        program = PROGRAM.replace("use(&pool);", "").replace("void use(struct calc_pool *pool);", "")
        engine = '#include "calc.c"\n#include "protopool.c"\n'
        for level in ("0", "1", "2"):
            for text in (macro_text + user + types + engine, engine + macro_text + user + types):
                self.assertEqual(self.link(self.compile(self.write("unity.c", text + program), "-DPROTOPOOL_CHECK=" + level)), "")
                self.run_program()

    @long
    def test_calls_out_of_line_link_with_inlined_ones(self):
        """PROTOPOOL_NO_INLINE is a setting of a file. A file that allocates and frees a lot is smaller with it."""
        calls = "".join(f"void use{i}(struct calc_pool *pool, struct calc *msg);\nvoid use{i}(struct calc_pool *pool, struct calc *msg)\n"
                        f"{{ calc_free(pool, msg); calc_free_add(pool, calc_new_add(pool, 1, {i})); calc_free(pool, calc_new_quit(pool)); }}\n"
                        for i in range(20))
        use = self.write("use.c", f"{USE}{calls}void use(struct calc_pool *pool) {{ use0(pool, calc_new_add(pool, 1, 2)); use19(pool, NULL); }}")
        for level in ("0", "1", "2"):
            sizes = {}
            for calling in ((), ("-DPROTOPOOL_NO_INLINE",)):
                flags = ("-O2", f"-DPROTOPOOL_CHECK={level}", "-DPROTOPOOL_NO_ANALYSIS", *calling)
                rest = [self.compile(source, flags[1], *(calling if source.stem == "calc" else ()))
                        for source in (self.folder / "main.c", GENERATED / "calc.c", GENERATED / "protopool.c")]
                compiled = self.compile(use, *flags)
                sizes[bool(calling)] = int(subprocess.run(["size", compiled], capture_output=True, text=True, check=True).stdout.split("\n")[1].split()[0])
                self.assertEqual(self.link(compiled, *rest), "")
                self.run_program()
            if level == "0":
                self.assertLess(sizes[True], 0.6 * sizes[False])

    @long
    def test_a_file_can_let_free_write_into_the_message(self):
        """PROTOPOOL_FREE_WRITES is a setting of a file: at level 0, the tag of a freed message changes there, and only there."""
        frees = """{use}void use(struct calc_pool *pool)
            {{ struct calc *msg = calc_new_add(pool, 1, 2); if (msg == NULL) return;
               const volatile unsigned char *tag = (const volatile unsigned char *)msg; int live = tag[0];
               {free}(pool, msg); printf("%d", tag[0] == live); }}""".format
        for free in ("calc_free", "calc_free_add"):
            for writing, expected in (((), "1"), (("-DPROTOPOOL_FREE_WRITES",), "0")):
                used = self.compile(self.write("use.c", frees(use=USE, free=free)), "-O2", *writing)
                rest = [self.compile(source) for source in (self.folder / "main.c", GENERATED / "calc.c", GENERATED / "protopool.c")]
                self.assertEqual(self.link(used, *rest), "")
                self.assertEqual(self.run_program(), expected, free)

    def test_every_name_of_the_engines_own_has_its_prefix(self):
        engine = (GENERATED / "protopool.c").read_text(encoding="utf-8")
        for pattern in (r"^#define (\w+)", r"^(?:struct|enum|union) (\w+) \{", r"^(?!static_assert|return|else)(?=[a-z])[^\n;#{}()=]*?\b(\w+)\("):
            found = set(re.findall(pattern, engine, re.MULTILINE))
            self.assertGreater(len(found), 2, pattern)
            self.assertEqual([name for name in found if not re.match(r"pp_|PP_|protopool_|PROTOPOOL_|_DEFAULT_SOURCE|WIN32_LEAN_AND_MEAN|NOMINMAX|__", name)], [], pattern)

    @long
    def test_two_shared_libraries_have_an_engine_each(self):
        """They have different levels and handlers, and neither uses the other's."""
        library = """
#define PROTOPOOL_NO_ANALYSIS /* the double free is on purpose */
#include "calc.h"
static int faults;
static void count(enum protopool_fault fault, const void *pool, const void *pointer, const struct protopool_site *site)
{
    (void)fault, (void)pool, (void)pointer, (void)site;
    faults++;
}
__attribute__((visibility("default"))) int NAME(void)
{
    static struct calc_pool pool;
    struct calc *msg;
    protopool_set_fault_handler(count);
    if (!calc_pool_init_growing(&pool, NULL) || (msg = calc_new_add(&pool, 1, 2)) == NULL)
        return -1;
    calc_free(&pool, msg);
#if PROTOPOOL_CHECK >= 1
    calc_free(&pool, msg);
#endif
    calc_pool_fini(&pool);
    return faults;
}
"""
        for level in ("0", "1", "2"):
            source = self.write(f"lib{level}.c", library.replace("NAME", f"level{level}"))
            check = "-DPROTOPOOL_CHECK=" + level
            objects = [self.compile(source, "-fPIC", check), *self.library(check)]
            self.assertEqual(self.link(*objects, flags=("-shared",), to=f"lib{level}.so"), "")
            exported = subprocess.run(["nm", "-D", "--defined-only", self.folder / f"lib{level}.so"], capture_output=True, text=True, check=True)
            self.assertEqual(re.findall(r" T (\w+)", exported.stdout), [f"level{level}"])
        main = self.write("main.c", "#include <stdio.h>\nint level0(void); int level1(void); int level2(void);\n"
                          'int main(void) { printf("%d %d %d", level0(), level1(), level2()); return 0; }\n')
        libraries = [self.folder / f"lib{level}.so" for level in ("0", "1", "2")]
        self.assertEqual(self.link(self.compile(main), *libraries), "")
        self.assertEqual(self.run_program(LD_LIBRARY_PATH=str(self.folder)), "0 1 1")

    @long
    def test_a_shared_library_can_export_its_protocol(self):
        flags = ("-fPIC", "-DPROTOPOOL_SHARED")
        self.assertEqual(self.link(*self.library(*flags), flags=("-shared",), to="libcalc.so"), "")
        use = self.write("use.c", USE + USES["allocates and frees"])
        objects = [self.compile(self.folder / "main.c", "-DPROTOPOOL_SHARED"), self.compile(use, "-DPROTOPOOL_SHARED")]
        self.assertEqual(self.link(*objects, self.folder / "libcalc.so"), "")
        self.run_program(LD_LIBRARY_PATH=str(self.folder))


if __name__ == "__main__":
    unittest.main()
