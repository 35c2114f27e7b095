# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a schema may contain: spellings, YAML styles and imports."""

import contextlib
import os
import tempfile
import unittest
from pathlib import Path

from support import GOOD, ROOT, called, emit, errors, lay_out, of_fields

from gen.language import parse


class Accepted(unittest.TestCase):
    def assert_accepted(self, text):
        self.assertEqual(errors(text), [], text)

    def test_words_that_yaml_reads_as_booleans_or_numbers_are_names(self):
        layout = lay_out("protocol: on\nenums: {answer: {values: [Yes, No, off, 'null', 010, 1e3, 0x1]}}\n"
                         "messages: {Off: {fields: {y: answer, n: u8, on: u8, No: u8}}}\n")
        values = layout.protocol.enums[0].values
        self.assertEqual([value.name.schema for value in values], ["Yes", "No", "off", "null", "010", "1e3", "0x1"])
        self.assertEqual([value.number for value in values], list(range(7)))

    def test_line_ends_and_byte_order_mark_change_nothing(self):
        text = (ROOT / "schema" / "calc.yaml").read_bytes()
        plain = emit(text)
        self.assertEqual(emit(text.replace(b"\n", b"\r\n")), plain)
        self.assertEqual(emit(text.replace(b"\n", b"\r")), plain)
        self.assertEqual(emit(b"\xef\xbb\xbf" + text), plain)

    def test_short_and_long_forms_are_the_same(self):
        short = "protocol: calc\nconstants: {n: 3}\nenums: {e: {values: [a]}}\nmessages: {M: {fields: {f: u8}}}\n"
        long = ("protocol: calc\nconstants: {n: {value: 3}}\nenums: {e: {values: {a: {value: 0}}}}\n"
                "messages:\n  M:\n    fields:\n      f:\n        type: u8\n")
        self.assertEqual(emit(short), emit(long))

    def test_all_spellings_of_types_and_numbers_are_accepted(self):
        for kind in ("u8[6]", "u8 [ 6 ]", "u8[0x10]", "u8[n]", "string[<=40]", "string[<= n]", "bytes[ <=1]", "e[2]"):
            self.assert_accepted(of_fields({"a": kind}, "constants: {n: 6}\nenums: {e: {values: [x]}}\n"))
        for tag in ("1", "65535", "65536", "2147483647", "0x7fffffff", "0x41", "0XfF", "'A'", "' '", '"~"', '"\\x41"', "'1'"):
            self.assert_accepted(f"protocol: calc\nmessages: {{Add: {{tag: {tag}}}}}\n")

    def test_other_styles_of_yaml_are_accepted(self):
        for text in ("%YAML 1.2\n---\nprotocol: calc\nmessages: {Add: }\n...\n",
                     "# comment\n\n'protocol': \"calc\"\n\"messages\": {Add: null_, }\n".replace(" null_", ""),
                     "? protocol\n: calc\n? messages\n: Add:\n",
                     "protocol: calc\ndoc: |\n  Two\n\n  lines: of *text*\nmessages:\n  Add:\n    doc: >-\n      a\n",
                     "messages: {Add: {deprecated: true}, Sub: {deprecated: false}, Mul: {deprecated: Use Add.}}\n"
                     "protocol: calc\n"):
            self.assert_accepted(text)

    def test_deprecated_is_true_or_false_in_any_case_or_a_reason(self):
        layout = lay_out("protocol: c\nmessages:\n  A: {deprecated: True}\n  B: {deprecated: FALSE}\n"
                         "  C: {deprecated: Use A.}\n")
        self.assertEqual([m.model.deprecated for m in layout.messages], ["true", "", "Use A."])

    def test_named_types_pass_on_what_they_say_in_any_order(self):
        head = ("protocol: calc\ntypes:\n  third: {type: second, unit: km, range: [1, 5], default: 4}\n  second: first\n"
                "  first: {type: u16, unit: m, doc: A length., range: [0, 9], default: 2}\n  name: {type: 'char[4]', pad: ' ', doc: A name., default: ab}\n")
        layout = lay_out(head + "messages:\n  Add:\n    fields: {a: second, b: third, c: {type: 'third[2]', doc: Own., unit: mm, range: [2, 3]}, "
                         "d: 'second?', e: {type: second, default: 0}, f: name, g: {type: name, pad: '-', default: q}}\n")
        self.assertEqual([(f.doc, f.unit, f.range, f.default) for f in layout.protocol.messages[0].fields],
                         [("A length.", "m", (0, 9), 2), ("A length.", "km", (1, 5), 4), ("Own.", "mm", (2, 3), None), ("A length.", "m", (0, 9), None),
                          ("A length.", "m", (0, 9), 0), ("A name.", "", None, "ab"), ("A name.", "", None, "q")])
        self.assertEqual([f.type.pad for f in layout.protocol.messages[0].fields[-2:]], [" ", "-"])
        header = next(text for name, text in emit(head + "messages: {Add: {fields: {a: third, b: 'first[]'}}}\n").items() if name == "calc.h")
        for line in ("typedef uint16_t calc_third;\n", "typedef uint16_t calc_second;\n", "    calc_third a;  /* A length. In km. 1 to 5. */\n",
                     "struct calc *calc_new_add(struct calc_pool *pool, calc_third a, const calc_first *b, size_t b_len"):
            self.assertIn(line, header)
        self.assertNotIn("calc_name", header)

    def test_a_long_chain_of_named_types_is_resolved(self):
        chain = "".join(f"  t{i}: t{i + 1}\n" for i in range(1500))
        self.assert_accepted(f"protocol: calc\ntypes:\n{chain}  t1500: u8\nmessages: {{A: {{fields: {{x: t0}}}}}}\n")
        found = errors(f"protocol: calc\ntypes:\n{chain}  t1500: t0\nmessages: {{A: {{fields: {{x: t0}}}}}}\n")
        self.assertEqual([error.partition("error: ")[2][:45] for error in found], ['the type "t0" would stand for itself: "t0" ->'])

    def test_the_longest_name_is_accepted(self):
        self.assert_accepted(f"protocol: {'p' * 127}\nconstants: {{{'c' * 127}: 3}}\ntypes: {{{'t' * 127}: u8}}\n"
                             f"messages: {{{'M' * 127}: {{fields: {{{'f' * 127}: '{'t' * 127}[<= {'c' * 127}]?'}}}}}}\n")

    def test_nesting_of_64_levels_is_accepted_and_of_65_is_refused(self):
        deep = "protocol: calc\nmessages: " + "[" * 63 + "]" * 63 + "\n"
        self.assertNotIn("nested", errors(deep)[0])
        self.assertIn("this is nested more than 64 levels deep", errors(deep.replace("[]", "[[]]"))[0])

    def test_the_repositorys_own_schemas_are_good(self):
        for path in GOOD:
            self.assert_accepted(path.read_bytes())

    def test_c_names_are_snake_case(self):
        layout = lay_out("protocol: ITCH\nmessages: {IPOQuoting: , AddOrder: , add_sub: , HTTP2Server: , A1B: }\n")
        self.assertEqual([m.model.name.c for m in layout.messages],
                         ["ipo_quoting", "add_order", "add_sub", "http2_server", "a1_b"])
        self.assertEqual(layout.protocol.name.c, "itch")


@contextlib.contextmanager
def files(**texts: str):
    """A temporary folder with these schemas, as the current folder."""
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
    GEO = "doc: Shared.\nimport: base.yaml\ntypes: {place: {type: i32, unit: mm}}\nstructs:\n  point: {fields: {x: place, k: kind}}\n"
    BASE = "enums: {kind: {values: [a, b]}}\nconstants: {most: 4}\n"
    MAIN = "protocol: m\nimport: [lib/geo.yaml, lib/base.yaml]\nmessages:\n  Move: {fields: {to: 'point[<=most]', k: kind}}\n"

    def test_imported_things_are_used_like_own_ones(self):
        with files(main=self.MAIN, lib__geo=self.GEO, lib__base=self.BASE):
            made = called("-q", "-o", "out", "--depfile", "out/m.d", "main.yaml")
            self.assertEqual((made.returncode, made.stderr), (0, ""))
            header = Path("out/m.h").read_text(encoding="utf-8")
            rule = Path("out/m.d").read_text(encoding="utf-8")
        self.assertIn("struct m_point to[M_MOST];", header)
        self.assertIn("    m_place x;  /* In mm. */", header)
        self.assertEqual(header.count("enum m_kind {"), 1)
        self.assertTrue(rule.startswith("out/m.h: main.yaml lib/geo.yaml lib/base.yaml /"), rule)
        for path in ("lib/geo.yaml", "lib/base.yaml"):
            self.assertIn(f"\n{path}:\n", rule)

    def test_errors_name_the_file_that_they_are_in(self):
        with files(main="protocol: m\nimport: lib/geo.yaml\nenums: {kind: {values: [x]}}\nmessages: {A: {}}\n",
                   lib__geo=self.GEO.replace("kind}", "kinf}"), lib__base=self.BASE):
            made = called("-o", "out", "main.yaml")
        self.assertEqual(made.returncode, 1)
        self.assertIn('main.yaml:3:9: error: the type "kind" is already defined\n', made.stderr)
        self.assertIn("hint: the first is at lib/base.yaml, line 1, column 9: rename one of the two\n", made.stderr)
        self.assertIn('lib/geo.yaml:5:33: error: there is no type "kinf"\n  '
                      '  point: {fields: {x: place, k: kinf}}\n', made.stderr)

    def test_a_circular_import_is_refused_and_shown(self):
        with files(main="protocol: m\nimport: a.yaml\nmessages: {A: {}}\n", a="import: b.yaml\n", b="import: a.yaml\n"):
            made = called("-o", "out", "main.yaml")
            self.assertFalse(Path("out").exists())
        self.assertIn('b.yaml:1:9: error: "a.yaml" would import itself: "a.yaml" -> "b.yaml" -> "a.yaml"\n', made.stderr)

    def test_the_import_of_a_pipe_is_refused_without_waiting(self):
        with files(main="protocol: m\nimport: pipe.yaml\nmessages: {A: {}}\n"):
            os.mkfifo("pipe.yaml")
            self.assertIn('main.yaml:2:9: error: "pipe.yaml" cannot be read: it is not a regular file\n',
                          called("--check", "main.yaml").stderr)

    def test_no_line_of_a_file_that_is_no_schema_is_shown(self):
        for text in ("hunter2\n", "root:x:0:0\nnobody\n", "password: hunter2\n", "hunter2: {\n", "- hunter2\n"):
            with files(main="protocol: m\nimport: [secret, other.yaml]\nmessages: {A: {}}\n", other="enumz: {}\n"):
                Path("secret").write_text(text)
                done = called("--check", "main.yaml")
            self.assertNotRegex(done.stdout + done.stderr, "hunter2|nobody|password")
            self.assertIn('main.yaml:2:10: error: "secret" does not look like a schema\n', done.stderr)
            self.assertIn('other.yaml:1:1: error: an imported file has no key "enumz"\n  enumz: {}\n', done.stderr)

    def test_the_depth_of_imports_is_bounded(self):
        deep = {f"f{i}": f"import: f{i + 1}.yaml\n" for i in range(parse.MAX_CHAIN + 300)}
        with files(main="protocol: m\nimport: f0.yaml\nmessages: {A: {}}\n", **deep):
            found = called("--check", "main.yaml").stderr
        self.assertIn(f"error: imports are nested more than {parse.MAX_CHAIN} files deep\n", found)

    def test_the_errors_of_imported_files_are_bounded_too(self):
        many = "enums:\n" + "".join(f"  e{i}: {{value: [a]}}\n" for i in range(150))
        with files(main="protocol: m\nimport: [a.yaml, b.yaml, c.yaml, d.yaml]\nmessages: {A: {}}\n", a=many, b=many, c=many, d=many):
            found = called("--check", "main.yaml").stderr
        self.assertRegex(found, r"protopool: 200 more errors\n\Z")

    def test_an_imported_file_has_no_messages(self):
        with files(main="protocol: m\nimport: a.yaml\nmessages: {A: {}}\n", a="messages: {B: {}}\n"):
            self.assertIn("a.yaml:1:1: error: an imported file has no key \"messages\"\n",
                          called("-o", "out", "main.yaml").stderr)


if __name__ == "__main__":
    unittest.main()
