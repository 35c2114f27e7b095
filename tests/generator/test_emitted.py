# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The emitted C: the same bytes for the same schema, warnings where something is deprecated or forgotten, printing."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from support import GOOD, ROOT, command, compilers, emit, lay_out, long

from gen.emit import render


class SameBytes(unittest.TestCase):
    def outputs(self, schemas: list[Path], cwd: Path, **options) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            done = command("--no-engine", "-q", "-o", folder, "--tests", folder, *schemas, cwd=cwd, **options)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return {path.name: path.read_bytes() for path in Path(folder).iterdir()}

    def test_hash_seed_and_current_directory_change_nothing(self):
        first = self.outputs(GOOD, ROOT, env={"PYTHONHASHSEED": "1"})
        self.assertEqual(len(first), 3 * len(GOOD))
        with tempfile.TemporaryDirectory() as elsewhere:
            copies = [Path(shutil.copy(schema, elsewhere)) for schema in GOOD]
            environment = {"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "UTC+9"}
            self.assertEqual(self.outputs(copies, Path("/"), env=environment), first)
            self.assertEqual(self.outputs([Path(copy.name) for copy in copies], Path(elsewhere)), first)

    def test_other_interpreters_give_the_same(self):
        others = _other_interpreters()
        if not others:
            self.skipTest("no other interpreter has jinja2 and yaml")
        mine = self.outputs(GOOD, ROOT)
        for other in others:
            self.assertEqual(self.outputs(GOOD, ROOT, python=other), mine, other)

    def test_no_date_and_no_path_is_in_the_outputs(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "schema" / "calc.yaml", folder)
            for text in emit(Path(folder, "calc.yaml").read_bytes(), f"{folder}/calc.yaml").values():
                self.assertNotIn(folder, text)
                self.assertNotIn(str(ROOT), text)
                self.assertNotIn(time.strftime("%Y"), text)
                self.assertNotRegex(text, r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}|/home/|/root/|/usr/")

    def test_lines_have_no_trailing_spaces_and_files_one_end_of_line(self):
        for schema in GOOD:
            for name, text in emit(schema.read_bytes(), schema.name).items():
                self.assertIsNone(re.search(r"[ \t]\n|\r|\t|\n\n\Z|[^\n]\Z", text), name)


def _other_interpreters() -> list[str]:
    """Other interpreters here that can run the generator."""
    known = [shutil.which(f"python3{minor}") for minor in ("", *(f".{n}" for n in range(10, 16)))]
    known += ["/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"]
    probe = "import sys, jinja2, yaml; assert sys.version_info >= (3, 10); print(sys.executable)"
    found = {}
    for python in filter(None, known):
        try:
            done = subprocess.run([python, "-c", probe], capture_output=True, text=True, timeout=60)
        except OSError:
            continue
        if done.returncode == 0:
            found[os.path.realpath(done.stdout.strip())] = python
    found.pop(os.path.realpath(sys.executable), None)
    return list(found.values())


CC = os.environ.get("CC", "gcc").split()


class Deprecated(unittest.TestCase):
    def test_the_compiler_warns_about_deprecated_constructors_only(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in emit("protocol: calc\nmessages:\n  Old: {fields: {x: u8}, deprecated: use Fresh}\n"
                                   "  Fresh: {fields: {x: u8}}\n").items():
                Path(folder, name).write_text(text, encoding="utf-8")
            for engine in ("protopool.h", "protopool.c"):
                Path(folder, engine).write_bytes((ROOT / "generated" / engine).read_bytes())
            Path(folder, "user.c").write_text('#include "calc.h"\nstruct calc *f(struct calc_pool *p);\n'
                                              "struct calc *f(struct calc_pool *p)\n{\n"
                                              "    calc_free(p, calc_new_fresh(p, 1));\n    return calc_new_old(p, 1);\n}\n")
            done = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-O1", "-c", "user.c", "-o", "user.o"], cwd=folder,
                                  capture_output=True, text=True)
        self.assertEqual(re.findall(r"user\.c:(\d+):(?:\d+:)? warning: .*use Fresh", done.stderr), ["6"], done.stderr)


    def test_the_compiler_warns_about_deprecated_fields_and_values(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in emit("protocol: calc\nenums: {e: {values: {old: {value: 1, deprecated: no e}, fresh: 2}}}\nmessages:\n"
                                   "  A: {fields: {a: {type: 'u8?', deprecated: no a}, b: {type: e, default: old}, t: {type: bytes, deprecated: no t}}}\n").items():
                Path(folder, name).write_text(text, encoding="utf-8")
            Path(folder, "protopool.h").write_bytes((ROOT / "generated/protopool.h").read_bytes())
            Path(folder, "user.c").write_text('#include "calc.h"\nvoid f(struct calc_a *a);\nvoid f(struct calc_a *a)\n{\n'
                                              "    a->a = 1;\n    a->has_a = true;\n    a->b = CALC_E_FRESH;\n    a->b = CALC_E_OLD;\n"
                                              "    (void)calc_edit_a_t(a, NULL);\n    *a = calc_default_a();\n}\n")
            for compiler in compilers("gcc", "clang"):
                done = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-fsyntax-only", "user.c"], cwd=folder, capture_output=True, text=True)
                found = re.findall(r"(\w+\.\w):(\d+):\d+: warning: .*(no .)", done.stderr)
                self.assertEqual(found, [("user.c", "5", "no a"), ("user.c", "6", "no a"), ("user.c", "8", "no e"), ("user.c", "9", "no t")], done.stderr)

    def test_the_compiler_warns_about_deprecated_types_parts_and_structs(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in emit("protocol: p\ntypes: {old: {type: u8, deprecated: no a}, fresh: u8}\n"
                                   "bit_fields: {b: {bits: {x: {bits: 3, deprecated: no b}, y: 5}}}\n"
                                   "structs: {s: {deprecated: no s, fields: {x: old, b: b}}}\nmessages: {A: {fields: {s: s, y: old}}}\n").items():
                Path(folder, name).write_text(text, encoding="utf-8")
            Path(folder, "protopool.h").write_bytes((ROOT / "generated/protopool.h").read_bytes())
            Path(folder, "user.c").write_text('#include "p.h"\nuint8_t f(struct p_a *a);\nuint8_t f(struct p_a *a)\n{\n'
                                              "    p_old x = 1;\n    p_fresh y = p_b_y(a->s.b);\n    (void)p_set_b_x(&a->s.b, x);\n    a->s = p_default_s();\n"
                                              "    (void)p_set_s(&a->s, x, 0);\n    return p_b_x(a->s.b) + y;\n}\n")
            for compiler in compilers("gcc", "clang"):
                done = subprocess.run([compiler, "-std=c11", "-Wall", "-Wextra", "-fsyntax-only", "user.c"], cwd=folder, capture_output=True, text=True)
                found = re.findall(r"(\w+\.\w):(\d+):\d+: warning: .*(no .)", done.stderr)
                self.assertEqual(found, [("user.c", "5", "no a"), ("user.c", "7", "no b"), ("user.c", "9", "no s"), ("user.c", "10", "no b")], done.stderr)


class Api(unittest.TestCase):
    """The first part of NAME.h, which people read."""

    def test_of_a_small_protocol_it_has_at_most_300_lines(self):
        api = (ROOT / "generated/calc.h").read_text().partition("\n/* ==== Implementation: nothing below is API")
        self.assertTrue(api[1])
        self.assertLessEqual(len(api[0].splitlines()), 300)

    def test_each_function_of_a_message_is_found_by_its_name(self):
        files = emit("protocol: p\nmessages:\n  Add: {fields: {x: u8}}\n  Log: {fields: {x: u8, text: string}}\n"
                     "  Large: {fields: {x: 'u8[70000]'}}\n  Quit:\n")
        api = files["p.h"].partition("Implementation: nothing below is API")[0]
        named = {name for line in re.findall(r"(?s)/\* \w+\. Also (.*?) \*/", api) for name in re.findall(r"\w+", line)}
        self.assertEqual(named, {f"p_{verb}_{variant}" for verb in ("default", "valid", "as", "if", "edit", "free")
                                 for variant in ("add", "log", "large", "quit")} - {"p_default_large", "p_edit_quit"})
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            for name in sorted(named) + ["p_default_large", "p_edit_quit"]:
                program = f'#include "p.h"\nvoid f(void);\nvoid f(void) {{ (void)({name}); }}\n'
                done = subprocess.run([*CC, "-std=c11", "-fsyntax-only", "-I", folder, "-I", ROOT / "generated", "-xc", "-"], input=program,
                                      capture_output=True, text=True)
                self.assertEqual(done.returncode == 0, name in named, name + done.stderr)


class Suite(unittest.TestCase):
    def test_tails_that_fit_together_at_their_longest_are_not_expected_to_be_refused(self):
        schema = "protocol: p\nstructs: {big: {fields: {a: 'u8[1000]'}}}\nmessages: {M: {fields: {few: {type: string, max: %d}, rest: 'big[]'}}}\n"
        for most, is_refused in ((9, False), (999, True)):
            suite = render.suite(lay_out(schema % most))["p_check.c"]
            self.assertEqual("ck_assert(!p_reserve_m(pool_, 1, P_M_FEW_MAX, P_M_REST_MAX));" in suite, is_refused)


class Forgotten(unittest.TestCase):
    """A program that forgets a variant does not compile."""

    def compiles(self, compiler: list[str], name: str, text: str) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_text(text, encoding="utf-8")
            return subprocess.run([*compiler, "-I", ROOT / "generated", "-fsyntax-only", name], cwd=folder,
                                  capture_output=True).returncode == 0

    def test_a_forgotten_handler_does_not_compile(self):
        names = [m.model.name.c for m in lay_out((ROOT / "schema/calc.yaml").read_bytes()).messages]
        handler = "static void on_{0}(void *ctx, const struct calc_{0} *msg) {{ (void)ctx; (void)msg; }}\n"
        table = "const struct calc_handlers all = CALC_HANDLERS(on_);\n"
        handlers = [handler.format(name) for name in names]
        self.assertTrue(self.compiles(CC, "all.c", '#include "calc.h"\n' + "".join(handlers) + table))
        self.assertFalse(self.compiles(CC, "all.c", '#include "calc.h"\n' + "".join(handlers[:-1]) + table))
        wrong = [handlers[0].replace("struct calc_add", "struct calc_sum"), *handlers[1:]]
        self.assertFalse(self.compiles([*CC, "-Werror"], "all.c", '#include "calc.h"\n' + "".join(wrong) + table))

    @long
    @unittest.skipUnless(shutil.which("g++"), "g++ is missing")
    def test_a_forgotten_variant_of_match_does_not_compile(self):
        program = ('#include "calc.hpp"\nint f(const calc &msg);\nint f(const calc &msg)\n{{\n    return calc_cpp::match(msg, '
                   "[](const calc_add &) {{ return 1; }}{});\n}}\n")
        cpp = ["g++", "-std=c++17"]
        self.assertTrue(self.compiles(cpp, "f.cpp", program.format(", [](const auto &) { return 2; }")))
        self.assertFalse(self.compiles(cpp, "f.cpp", program.format(", [](const calc_quit &) { return 2; }")))


class Pretty(unittest.TestCase):
    """Everything that print and print_pretty write."""

    SCHEMA = ("protocol: p\nflags: {f: {values: [r, w]}}\nenums: {e: {values: {one: 1}}}\nstructs: {s: {fields: {x: i8, y: 'u8?'}}}\n"
              "messages:\n  M: {fields: {s: s, l: 's[<=2]', f: f, e: 'e[<=2]', t: 'string[<=9]?', none: 'u8[<=3]'}}\n")
    PROGRAM = """
#include "p.h"
int main(void)
{
    static const struct p_s two[] = { { .x = -1 }, { .x = 2, .has_y = true, .y = 3 } };
    static const uint8_t ones[] = { 1 };
    static struct p_pool pool;
    struct p *msg;
    if (!p_pool_init_growing(&pool, NULL))
        return 1;
    msg = p_new_m(&pool, &two[0], two, 2, P_F_R | P_F_W, ones, 1, "a\\"b", NULL, 0);
    p_print(stdout, msg);
    putchar('\\n');
    p_print_pretty(stdout, msg);
    p_edit_m(msg)->f = 0x81;
    p_edit_m(msg)->e[0] = 7;
    putchar('\\n');
    p_print(stdout, msg);
    return p_pool_fini(&pool) == 1 ? 0 : 1;
}
"""
    PRINTED = """\
M { s: s { x: -1, y: None }, l: [s { x: -1, y: None }, s { x: 2, y: Some(3) }], f: r | w, e: [one], t: Some("a\\"b"), none: [] }
M {
    s: s {
        x: -1,
        y: None,
    },
    l: [
        s {
            x: -1,
            y: None,
        },
        s {
            x: 2,
            y: Some(3),
        },
    ],
    f: r | w,
    e: [
        one,
    ],
    t: Some("a\\"b"),
    none: [],
}
M { s: s { x: -1, y: None }, l: [s { x: -1, y: None }, s { x: 2, y: Some(3) }], f: r | 0x80, e: [7], t: Some("a\\"b"), none: [] }"""

    def test_lists_structs_flags_and_optional_fields_are_printed(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (emit(self.SCHEMA) | {"main.c": self.PROGRAM}).items():
                Path(folder, name).write_text(text, encoding="utf-8")
            subprocess.run([*CC, "-std=c11", "-I", ROOT / "generated", "-o", "main", "main.c", "p.c", ROOT / "generated/protopool.c"],
                           cwd=folder, check=True)
            run = subprocess.run([Path(folder, "main")], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, self.PRINTED)


if __name__ == "__main__":
    unittest.main()
