# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a schema can say besides messages of scalars: imports, structs, flags, lists, optional fields, defaults, ranges."""

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, command, emit, errors, lay_out, of_fields

import combinations
from gen import tail_slots
from gen.language import parse

CC = os.environ.get("CC", "gcc").split()


@contextlib.contextmanager
def files(**texts: str):
    """A folder of schemas, to be in."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, name.replace("__", "/") + ".yaml")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(here)


class Imports(unittest.TestCase):
    GEO = "doc: Shared.\nimport: base.yaml\nstructs:\n  point: {fields: {x: i32, k: kind}}\n"
    BASE = "enums: {kind: {values: [a, b]}}\nconstants: {most: 4}\n"
    MAIN = "protocol: m\nimport: [lib/geo.yaml, lib/base.yaml]\nmessages:\n  Move: {fields: {to: 'point[<=most]', k: kind}}\n"

    def test_what_is_imported_is_as_if_it_stood_here(self):
        with files(main=self.MAIN, lib__geo=self.GEO, lib__base=self.BASE):
            made = command("-q", "-o", "out", "--depfile", "out/m.d", "main.yaml")
            self.assertEqual((made.returncode, made.stderr), (0, ""))
            header = Path("out/m.h").read_text(encoding="utf-8")
            rule = Path("out/m.d").read_text(encoding="utf-8")
        self.assertIn("struct m_point to[4];", header)
        self.assertEqual(header.count("enum m_kind {"), 1)
        self.assertTrue(rule.startswith("out/m.h: main.yaml lib/geo.yaml lib/base.yaml /"), rule)
        for path in ("lib/geo.yaml", "lib/base.yaml"):
            self.assertIn(f"\n{path}:\n", rule)

    def test_errors_are_shown_in_the_file_that_they_are_in(self):
        with files(main="protocol: m\nimport: lib/geo.yaml\nenums: {kind: {values: [x]}}\nmessages: {A: {}}\n",
                   lib__geo=self.GEO.replace("kind}", "kinf}"), lib__base=self.BASE):
            made = command("-o", "out", "main.yaml")
        self.assertEqual(made.returncode, 1)
        self.assertIn('main.yaml:3:9: error: the type "kind" is already defined\n', made.stderr)
        self.assertIn("hint: the first is at lib/base.yaml, line 1, column 9: rename one of the two\n", made.stderr)
        self.assertIn('lib/geo.yaml:4:31: error: there is no type "kinf"\n  '
                      '  point: {fields: {x: i32, k: kinf}}\n', made.stderr)

    def test_a_ring_is_refused_and_shown(self):
        with files(main="protocol: m\nimport: a.yaml\nmessages: {A: {}}\n", a="import: b.yaml\n", b="import: a.yaml\n"):
            made = command("-o", "out", "main.yaml")
            self.assertFalse(Path("out").exists())
        self.assertIn('b.yaml:1:9: error: "a.yaml" would import itself: "a.yaml" -> "b.yaml" -> "a.yaml"\n', made.stderr)

    def test_a_pipe_is_not_waited_for(self):
        with files(main="protocol: m\nimport: pipe.yaml\nmessages: {A: {}}\n"):
            os.mkfifo("pipe.yaml")
            self.assertIn('main.yaml:2:9: error: "pipe.yaml" cannot be read: it is not a regular file\n',
                          command("--check", "main.yaml").stderr)

    def test_the_lines_of_what_is_no_schema_are_not_shown(self):
        for text in ("hunter2\n", "root:x:0:0\nnobody\n", "password: hunter2\n", "hunter2: {\n", "- hunter2\n"):
            with files(main="protocol: m\nimport: [secret, other.yaml]\nmessages: {A: {}}\n", other="enumz: {}\n"):
                Path("secret").write_text(text)
                done = command("--check", "main.yaml")
            self.assertNotRegex(done.stdout + done.stderr, "hunter2|nobody|password")
            self.assertIn('main.yaml:2:10: error: "secret" does not look like a schema\n', done.stderr)
            self.assertIn('other.yaml:1:1: error: an imported file has no key "enumz"\n  enumz: {}\n', done.stderr)

    def test_files_import_one_another_only_so_deep(self):
        deep = {f"f{i}": f"import: f{i + 1}.yaml\n" for i in range(parse.MAX_CHAIN + 300)}
        with files(main="protocol: m\nimport: f0.yaml\nmessages: {A: {}}\n", **deep):
            found = command("--check", "main.yaml").stderr
        self.assertIn(f"error: imports are nested more than {parse.MAX_CHAIN} files deep\n", found)

    def test_the_errors_of_imported_files_are_bounded_too(self):
        many = "enums:\n" + "".join(f"  e{i}: {{value: [a]}}\n" for i in range(150))
        with files(main="protocol: m\nimport: [a.yaml, b.yaml, c.yaml, d.yaml]\nmessages: {A: {}}\n", a=many, b=many, c=many, d=many):
            found = command("--check", "main.yaml").stderr
        self.assertRegex(found, r"protopool: 200 more errors\n\Z")

    def test_only_shared_things_are_imported(self):
        with files(main="protocol: m\nimport: a.yaml\nmessages: {A: {}}\n", a="messages: {B: {}}\n"):
            self.assertIn("a.yaml:1:1: error: an imported file has no key \"messages\"\n",
                          command("-o", "out", "main.yaml").stderr)


class Layouts(unittest.TestCase):
    def offsets(self, text: str) -> dict[str, int]:
        return {name: m.offset for m in lay_out(text).messages[0].members for name in (m.bits or (m.name,))}

    def test_optional_fields_share_a_byte_of_bits(self):
        text = of_fields({**{f"f{i}": "u8?" for i in range(9)}, "last": "u16"})
        laid_out = lay_out(text).messages[0]
        bits = next(m for m in laid_out.members if m.bits)
        self.assertEqual((bits.size, bits.bits[0], laid_out.size, laid_out.padding), (2, "has_f0", 14, 0))

    def test_structs_are_laid_out_like_messages_without_a_tag(self):
        head = "structs: {s: {fields: {a: u8, b: u64, c: 'u8[3]'}}, t: {fields: {s: 's[2]', u: u8}}}\n"
        laid_out = lay_out(of_fields({"t": "t"}, head))
        self.assertEqual([(s.model.name.c, s.size, s.align, s.padding) for s in laid_out.structs],
                         [("s", 16, 8, 4), ("t", 40, 8, 7)])

    def test_structs_may_stand_in_any_order(self):
        head = "structs: {b: {fields: {a: a}}, a: {fields: {x: u8}}}\n"
        header = emit(of_fields({"b": "b"}, head))["calc.h"]
        self.assertLess(header.index("struct calc_a {"), header.index("struct calc_b {"))

    def test_a_struct_may_hold_others_as_deep_as_it_likes_in_any_order(self):
        for order in (1, -1):
            chain = [f"  s{i}: {{fields: {{a: s{i - 1}}}}}\n" if i else "  s0: {fields: {a: {type: u8, range: [1, 9]}}}\n" for i in range(1900)]
            files = emit("protocol: p\nstructs:\n" + "".join(chain[::order]) + "messages: {A: {fields: {x: s1899}}}\n")
            self.assertLess(files["p.h"].index("struct p_s0 {"), files["p.h"].index("struct p_s1899 {"))

    def test_a_list_has_the_narrowest_length(self):
        self.assertEqual(self.offsets(of_fields({"a": "u16[<=255]", "b": "u8[<=256]"}))["a_len"], 1)


class Tails(unittest.TestCase):
    def test_a_tail_begins_behind_the_struct_where_its_elements_may_lie(self):
        for kind, size, offset, end in (("string", 12, 12, 1), ("bytes", 12, 12, 0), ("u16[]", 12, 12, 0), ("u64[]", 12, 16, 0)):
            laid_out = lay_out(of_fields({"a": "u32", "b": "u8", "t": kind})).messages[0]
            self.assertEqual((laid_out.size, laid_out.tail.offset, laid_out.tail.end), (size, offset, end), kind)

    def test_max_bounds_it_and_narrows_its_length(self):
        for most, size in ((255, 2), (256, 4)):
            laid_out = lay_out(f"protocol: p\nmessages: {{M: {{fields: {{t: {{type: bytes, max: {most}}}}}}}}}\n").messages[0]
            self.assertEqual((laid_out.size, laid_out.most_bytes), (size, size + most))
        self.assertEqual(lay_out(of_fields({"t": "u64[]"})).messages[0].most_bytes, 2**31 - 8)

    def test_slot_sizes_reach_from_the_shortest_to_the_longest(self):
        text = "protocol: p\nmessages: {M: {fields: {a: 'u64[3]', t: {type: bytes, max: 2000}}}}\n"
        sizes = [s.bytes for s in lay_out(text).slot_sizes]
        self.assertEqual(sizes, [*range(32, 1025, 16), 1280, 1536, 1792, 2048])

    def test_a_slot_size_is_shared_with_messages_that_have_no_tail(self):
        laid_out = lay_out("protocol: p\nmessages:\n  A: {max_live: 3, fields: {a: 'u8[15]'}}\n"
                           "  B: {max_live: 2, fields: {t: {type: bytes, max: 14}}}\n")
        self.assertEqual([(s.bytes, s.budget, len(s.messages), s.has_tails) for s in laid_out.slot_sizes], [(16, 5, 2, True)])

    def test_the_engine_and_the_layout_agree_on_the_slot_size_of_every_length(self):
        steps = {edge + near for index in range(1, 149) for edge in (tail_slots.tail_slot(index),) for near in (-1, 0, 1)}
        sizes = sorted(size for size in steps | set(range(1, 3000)) if 1 <= size < 2**31)
        code = "#include <stdio.h>\n#include <stdint.h>\n#include <string.h>\n%s\n#include \"protopool.h\"\nint main(void)\n{\n    static const unsigned sizes[] = { %s };\n" \
               "    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)\n" \
               "        printf(\"%%u\\n\", protopool_tail_index(sizes[i]));\n    return 0;\n}\n"
        with tempfile.TemporaryDirectory() as folder:
            for compiler in ("", "#undef __GNUC__"):           # also what another compiler sees
                Path(folder, "index.c").write_text(code % (compiler, ", ".join(map(str, sizes))))
                subprocess.run([*CC, "-std=c11", "-I", ROOT / "generated", "-o", f"{folder}/index", f"{folder}/index.c"],
                               check=True, capture_output=True)
                found = subprocess.run([f"{folder}/index"], check=True, capture_output=True, text=True).stdout
                self.assertEqual([int(n) for n in found.split()], [tail_slots.tail_index(size) for size in sizes])
        for size in sizes:
            slot = tail_slots.tail_slot(tail_slots.tail_index(size))
            self.assertTrue(size <= slot < size + (16 if size <= 1024 else size / 4 + 1), size)


class Deprecated(unittest.TestCase):
    def test_the_compiler_warns_of_its_constructors_and_of_no_others(self):
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


class Forgotten(unittest.TestCase):
    """What does not compile, because a variant is forgotten."""

    def compiles(self, compiler: list[str], name: str, text: str) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, name).write_text(text, encoding="utf-8")
            return subprocess.run([*compiler, "-I", ROOT / "generated", "-fsyntax-only", name], cwd=folder,
                                  capture_output=True).returncode == 0

    def test_a_handler(self):
        names = [m.model.name.c for m in lay_out((ROOT / "schema/calc.yaml").read_bytes()).messages]
        handler = "static void on_{0}(void *ctx, const struct calc_{0} *msg) {{ (void)ctx; (void)msg; }}\n"
        table = "const struct calc_handlers all = CALC_HANDLERS(on_);\n"
        handlers = [handler.format(name) for name in names]
        self.assertTrue(self.compiles(CC, "all.c", '#include "calc.h"\n' + "".join(handlers) + table))
        self.assertFalse(self.compiles(CC, "all.c", '#include "calc.h"\n' + "".join(handlers[:-1]) + table))
        wrong = [handlers[0].replace("struct calc_add", "struct calc_sum"), *handlers[1:]]
        self.assertFalse(self.compiles([*CC, "-Werror"], "all.c", '#include "calc.h"\n' + "".join(wrong) + table))

    @unittest.skipUnless(shutil.which("g++"), "g++ is missing")
    def test_a_variant_of_match(self):
        program = ('#include "calc.hpp"\nint f(const calc &msg);\nint f(const calc &msg)\n{{\n    return calc_cpp::match(msg, '
                   "[](const calc_add &) {{ return 1; }}{});\n}}\n")
        cpp = ["g++", "-std=c++17"]
        self.assertTrue(self.compiles(cpp, "f.cpp", program.format(", [](const auto &) { return 2; }")))
        self.assertFalse(self.compiles(cpp, "f.cpp", program.format(", [](const calc_quit &) { return 2; }")))


class Pretty(unittest.TestCase):
    """What print and print_pretty write, in full."""

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

    def test_lists_structs_flags_and_optional_fields(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (emit(self.SCHEMA) | {"main.c": self.PROGRAM}).items():
                Path(folder, name).write_text(text, encoding="utf-8")
            subprocess.run([*CC, "-std=c11", "-I", ROOT / "generated", "-o", "main", "main.c", "p.c", ROOT / "generated/protopool.c"],
                           cwd=folder, check=True)
            run = subprocess.run([Path(folder, "main")], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, self.PRINTED)


class Editors(unittest.TestCase):
    @unittest.skipUnless(importlib.util.find_spec("jsonschema"), "python3-jsonschema is missing: make deps-ci")
    def test_the_schema_for_editors_takes_what_the_generator_takes(self):
        import jsonschema
        import yaml

        validator = jsonschema.Draft7Validator(json.loads((ROOT / "gen/language/schema.json").read_text(encoding="utf-8")))
        texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "schema").glob("*.yaml")}
        for name, text in (texts | {"combinations": combinations.schema(), "imports": Imports.MAIN}).items():
            with self.subTest(name):
                self.assertEqual([error.message for error in validator.iter_errors(yaml.safe_load(text))], [])
        for wrong in ("protocol: p\nmessages: {A: {fields: {x: 'u8]'}}}", "protocol: p\nmessages: {A: {field: {}}}",
                      "protocol: p\nstructs: {s: {}}\nmessages: {A: {}}"):
            self.assertNotEqual(list(validator.iter_errors(yaml.safe_load(wrong))), [])
            self.assertNotEqual(errors(wrong), [])


if __name__ == "__main__":
    unittest.main()
