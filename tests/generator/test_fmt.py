# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool fmt`: the canonical form, comments at every place, and that a formatted schema generates the same bytes."""

import json
import os
import random
import re
import subprocess
import unittest
from unittest import mock

import combinations
import fuzz_schema
from support import BAD, GOOD, NOBODY, ROOT, CommandTest, SchemaError, command, emit, errors, long, main, random_schema, runs_unprivileged

from gen.fmt import order, printer
from gen.fmt.formatted import formatted

UGLY = """\
# yaml-language-server: $schema=x.json

# About the messages.
messages:       # all of them
    Add:  # adds
        fields: {b:   u64,a: {doc:  The left one., type: u8} }   # two
        # the budget
        max_live:    4

        doc: Adds.
        # the end of Add

    # between
    Quit: # nothing
protocol:   calc   # the name
# the last line
"""
NEAT = """\
# yaml-language-server: $schema=x.json

protocol: calc     # the name

# About the messages.
messages:       # all of them
  Add:  # adds
    doc: Adds.
    # the budget
    max_live: 4
    fields: {b: u64, a: {type: u8, doc: The left one.}}      # two
    # the end of Add

  # between
  Quit: # nothing
# the last line
"""
SMALL = "protocol: p\nmessages:\n  M:\n"


def long_form(part: dict) -> dict:
    """What schema.json says of each thing in a part, as a mapping."""
    if "properties" in part:
        return part
    inner = (part.get("additionalProperties"), *(form for key in ("oneOf", "anyOf", "allOf") for form in part.get(key, ())), part.get("then"), part.get("else"))
    return next((found for form in inner if isinstance(form, dict) and (found := long_form(form))), {})


def text(schema: str) -> str:
    return formatted("x.yaml", schema.encode()).decode()


class Form(unittest.TestCase):
    def formats(self, before: str, after: str):
        self.assertEqual(text(before), after)
        self.assertEqual(text(after), after)

    def test_keys_are_in_order_and_every_comment_stays_where_it_belongs(self):
        self.formats(UGLY, NEAT)

    def test_the_keys_of_each_part(self):
        for before, after in (("values: [a], base: u8, doc: E.", "doc: E., base: u8, values: [a]"),
                              ("values: {a: {doc: A., value: 1}}", "values: {a: {value: 1, doc: A.}}")):
            self.formats(f"enums: {{e: {{{before}}}}}\nprotocol: p\nmessages: {{M: {{fields: {{x: e}}, tag: 3}}}}\n",
                         f"protocol: p\nenums: {{e: {{{after}}}}}\nmessages: {{M: {{tag: 3, fields: {{x: e}}}}}}\n")

    def test_each_key_of_the_language_has_its_place(self):
        language = json.loads((ROOT / "gen/language/schema.json").read_text(encoding="utf-8"))
        parts, of = language["properties"], language["definitions"]
        self.assertEqual(set(order.SCHEMA), set(parts))
        for ours, theirs in ((order.SCHEMA["lint"], of["lint"]), (order.SCHEMA["constants"]["*"], long_form(parts["constants"])),
                             (order.SCHEMA["enums"]["*"], long_form(parts["enums"])), (order.SCHEMA["flags"]["*"], long_form(parts["flags"])),
                             (order.SCHEMA["types"]["*"], of["named_type"]), (order.SCHEMA["structs"]["*"], long_form(parts["structs"])), (order.SCHEMA["messages"]["*"], long_form(parts["messages"])),
                             (order.SCHEMA["messages"]["*"]["fields"]["*"], {"properties": of["field"]["properties"] | of["one_of"]["properties"]})):
            self.assertEqual(set(ours), set(theirs.get("properties", ())))
        refused = {key for key, allowed in of["alternative"]["allOf"][1]["properties"].items() if allowed is False}
        self.assertEqual(set(order.SCHEMA["messages"]["*"]["fields"]["*"]["one_of"]["*"]), set(of["field"]["properties"]) - refused)

    def test_names_stay_in_their_order(self):
        schema = "protocol: p\nconstants: {z: 1, a: 2}\nmessages:\n  Z: {fields: {z: u8, a: u8}}\n  A: {}\n"
        self.formats(schema, schema)

    def test_scalars_stay_as_they_are_written(self):
        schema = ("protocol: 'p'\ndoc: \"a \\u00e9 \\\"b\\\"\"\nmessages:\n  A: {tag: 'A', fields: {x: 'u8[ 4 ]'}}\n  B: {tag: 0x1F, weight: 1.50}\n"
                  "  C: {deprecated: true, fields: {y: {type: u8, unit: '%', range: [0, 0x10]}}}\n")
        self.formats(schema, schema)

    def test_texts_of_several_lines(self):
        self.formats("protocol: p\ndoc: |\n      One.\n\n        Two.\n      # no comment\nmessages:\n    M:\n        doc: >-\n          Folded\n          text.\n"
                     "        fields:\n            a: {type: u8, doc: plain\n                  text}\n            b:\n              type: u8\n"
                     "              doc: 'quoted\n\n               text'  # here\n",
                     "protocol: p\ndoc: |\n  One.\n\n    Two.\n  # no comment\nmessages:\n  M:\n    doc: >-\n      Folded\n      text.\n"
                     "    fields:\n      a:\n        type: u8\n        doc: plain\n          text\n      b:\n        type: u8\n"
                     "        doc: 'quoted\n\n          text' # here\n")
        keep = "protocol: p\nmessages:\n  M:\n    doc: |+\n      One.\n\n\n    tag: 3\n"
        self.formats(keep, keep)
        indented = "protocol: p\nmessages:\n  M:\n    doc: |2\n        One.\n      Two.\n"
        self.formats(indented, indented)

    def test_what_fits_is_left_on_its_line_and_the_rest_is_not(self):
        fits = "protocol: p\nmessages:\n  M: {doc: %s}\n"
        self.formats(fits % ("x" * 105), fits % ("x" * 105))
        self.formats(fits % ("x" * 120), f"protocol: p\nmessages:\n  M:\n    doc: {'x' * 120}\n")
        names = [f"name{i}" for i in range(40)]
        lines = text(f"protocol: p\nenums: {{e: {{values: [{', '.join(names)}]}}}}\nmessages: {{M: }}\n").splitlines()
        self.assertLessEqual(max(map(len, lines)), printer.WIDTH)
        self.assertEqual(re.findall(r"name\d+", " ".join(lines)), names)
        self.assertEqual(len(lines), 7)
        self.formats("protocol: p\nmessages: {M: {fields: {a: u8,\n   b: u8}}}\n", "protocol: p\nmessages: {M: {fields: {a: u8, b: u8}}}\n")

    def test_comments_inside_of_brackets(self):
        self.formats("protocol: p\nmessages:\n  M:\n    fields: { # all\n      a: u8, # first\n      # above\n      b: {type: u8, range: [0, # low\n 9]} # second\n"
                     "      # last\n    }\n  N: { # none\n  }\n",
                     "protocol: p\nmessages:\n  M:\n    fields:\n      # all\n      a: u8  # first\n      # above\n      b:  # second\n        type: u8\n"
                     "        range:\n          - 0  # low\n          - 9\n      # last\n  # none\n  N: {}\n")

    def test_lists_in_lines(self):
        self.formats("protocol: p\nenums:\n  e:\n    values:\n    - a  # A\n    # B\n    -   b\nmessages: {M: }\n",
                     "protocol: p\nenums:\n  e:\n    values:\n      - a  # A\n      # B\n      - b\nmessages: {M: }\n")

    def test_blank_lines(self):
        self.formats("\n\nprotocol: p\n\n\n\nmessages:\n\n  M:\n\n    fields:\n      a: u8\n\n\n      b: u8\n\n\n",
                     "protocol: p\n\nmessages:\n  M:\n    fields:\n      a: u8\n\n      b: u8\n")

    def test_document_markers_and_directives(self):
        schema = "%YAML 1.1\n---\n# Above.\nprotocol: p\nmessages:\n  M:\n...\n# Below.\n"
        self.formats(schema, schema)
        self.formats("--- {protocol: p, messages: {M: }}\n", "---\nprotocol: p\nmessages: {M: }\n")

    def test_line_breaks_and_a_byte_order_mark_stay(self):
        self.assertEqual(formatted("x", SMALL.replace("\n", "\r\n").encode()), SMALL.replace("\n", "\r\n").encode())
        self.assertEqual(formatted("x", b"\xef\xbb\xbf" + SMALL.replace(": p", ":  p").encode()), b"\xef\xbb\xbf" + SMALL.encode())
        self.assertEqual(text(SMALL.rstrip()), SMALL)

    def test_an_imported_file(self):
        self.formats("structs: {s: {fields: {x: u8}}}\nconstants: {n: 1}\n", "constants: {n: 1}\nstructs: {s: {fields: {x: u8}}}\n")

    def test_what_is_no_part_of_the_language_is_refused_with_its_place(self):
        for schema, place, part in (("protocol: &a p\nmessages: {M: }\n", "1:11", 'the anchor "&a" is not allowed'),
                                    ("protocol: p\nmessages: {M: *a}\n", "2:15", "alias"),
                                    ("protocol: p\nmessages: {? M : {}}\n", "2:12", "this is not formatted"),
                                    ("protocol: p\nmessages: {M: {fields: [a: u8]}}\n", "2:25", "a pair in a list is not formatted"),
                                    ("protocol: p\rmessages: {M: }\n", "1:12", "a line ends with the character U+000D"),
                                    ("protocol: p\nprotocol: q\nmessages: {M: }\n", "2:1", "appears twice"),
                                    (SMALL + "---\n" + SMALL, "4:1", "second document"),
                                    ("protocol: [p\n", "1:11", "the file ends before this is closed"),
                                    ("", "1:1", "the schema is empty"), ("- a\n", "1:1", "must be a mapping")):
            with self.subTest(schema), self.assertRaises(SchemaError) as raised:
                text(schema)
            self.assertIn(f"x.yaml:{place}: error: ", str(raised.exception.diagnostics[0]))
            self.assertIn(part, str(raised.exception.diagnostics[0]))


class Meaning(unittest.TestCase):
    """For all kinds of schemas: idempotent, and the same bytes are emitted."""

    def check(self, raw: bytes, emits: bool = False) -> bool:
        """Whether it is a schema that can be formatted."""
        try:
            once = formatted("x.yaml", raw)
        except SchemaError as error:
            self.assertNotIn("left as it is", str(error.diagnostics[0]), raw)
            return False
        self.assertEqual(formatted("x.yaml", once), once)
        if emits and not errors(raw):
            self.assertEqual(emit(once), emit(raw))
        return True

    def test_our_schemas_are_formatted(self):
        for path in GOOD:
            self.assertEqual(formatted(path.name, path.read_bytes()), path.read_bytes(), path)

    @long
    def test_the_schemas_of_the_pages_and_of_the_tests(self):
        for schema in (combinations.schema(), *(random_schema(i, 3, 4) for i in range(6))):
            self.assertTrue(self.check(schema.encode()))
        for schema in (UGLY, random_schema(6, 2, 3)):
            self.assertTrue(self.check(schema.encode(), emits=True))
        pages = [path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
        schemas = [schema for page in pages for schema in re.findall(r"(?ms)^```yaml[^\n]*\n(.*?)^```", page)]
        self.assertGreaterEqual(len(schemas), 14)
        for schema in schemas:
            self.assertTrue(self.check(schema.encode()), schema)

    @long
    def test_wrong_schemas_are_formatted_too_where_they_are_yaml(self):
        formatted_ones = sum(self.check(path.read_bytes()) for path in sorted(BAD.glob("*.yaml")))
        self.assertGreater(formatted_ones, 300)

    @long
    def test_random_schemas_with_comments_at_random_places(self):
        rng = random.Random(5)
        done = sum(self.check(with_comments(rng, fuzz_schema.from_grammar(rng).decode("utf-8", "replace")).encode()) for _ in range(40))
        self.assertGreater(done, 15)

    def test_a_fault_of_the_printer_is_found_before_anything_is_written(self):
        for fault in (lambda node, keys: node.entries[:-1] or node.entries, lambda node, keys: node.entries[::-1]):
            with mock.patch.object(printer, "_ordered", fault), self.assertRaises(SchemaError) as raised:
                text("protocol: p\nmessages:\n  A:\n  B:\n")
            self.assertIn("formatting it would change what it means: it is left as it is", str(raised.exception.diagnostics[0]))
        with mock.patch.object(printer, "_with_comment", lambda line, *_: line), self.assertRaises(SchemaError) as raised:
            text(UGLY)
        self.assertIn("formatting it would lose a comment", str(raised.exception.diagnostics[0]))


def with_comments(rng: random.Random, schema: str) -> str:
    lines = []
    for number, line in enumerate(schema.split("\n")):
        if rng.random() < 0.2:
            lines.append(rng.choice(("", " " * rng.randrange(9) + f"# above {number}")))
        lines.append(line + " " * rng.randint(1, 9) + f"# behind {number}" if line.strip() and rng.random() < 0.2 else line)
    broken = "\n".join(lines)
    for at in rng.sample([i for i, c in enumerate(broken) if c in ",{["] or [0], 1):
        broken = broken[:at + 1] + rng.choice(("\n        ", " # inside\n        ")) + broken[at + 1:]
    return broken


class Command(CommandTest):
    def setUp(self):
        super().setUp()
        self.ugly = self.folder / "ugly.yaml"
        self.ugly.write_text(UGLY)
        self.neat = self.folder / "neat.yaml"
        self.neat.write_text(NEAT)

    def test_it_writes_only_what_changes_and_keeps_the_mode(self):
        os.chmod(self.ugly, 0o640)
        os.utime(self.neat, (1, 1))
        self.assertEqual(main("fmt", self.ugly, self.neat), (0, f"{self.ugly}\n", ""))
        self.assertEqual(self.ugly.read_text(), NEAT)
        self.assertEqual((self.ugly.stat().st_mode & 0o777, self.neat.stat().st_mtime), (0o640, 1))
        self.assertEqual(main("fmt", self.ugly, self.neat), (0, "", ""))

    def test_check_names_the_files_and_writes_nothing(self):
        self.assertEqual(main("fmt", "--check", self.ugly, self.neat), (1, "", f"protopool: {self.ugly} is not formatted\n"))
        self.assertEqual(self.ugly.read_text(), UGLY)
        self.assertEqual(main("fmt", "--check", self.neat), (0, "", ""))
        self.assertIn('"rule": "fmt"', main("fmt", "--check", "--format=json", self.ugly)[1])

    def test_standard_input_goes_to_standard_output(self):
        self.assertEqual(command("fmt", "-", input=UGLY).stdout, NEAT)
        done = command("fmt", "--check", "-", input=UGLY)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", "protopool: <stdin> is not formatted\n"))

    def test_a_link_stays_and_its_file_is_replaced_as_a_whole(self):
        link = self.folder / "link.yaml"
        link.symlink_to(self.ugly.name)
        before = self.ugly.stat().st_ino
        self.assertEqual(main("fmt", link), (0, f"{link}\n", ""))
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.ugly.read_text(), NEAT)
        self.assertNotEqual(self.ugly.stat().st_ino, before)

    @unittest.skipUnless(os.geteuid() == 0, "root alone gives files to others")
    def test_the_owner_stays(self):
        os.chown(self.ugly, NOBODY["user"], NOBODY["group"])
        self.assertEqual(main("fmt", self.ugly)[0], 0)
        self.assertEqual((self.ugly.stat().st_uid, self.ugly.stat().st_gid), (NOBODY["user"], NOBODY["group"]))

    def test_a_file_that_may_not_be_written_is_not_replaced(self):
        if not runs_unprivileged():
            self.skipTest("the interpreter or the generator is not another user's to read")
        os.chmod(self.ugly, 0o444)
        os.chmod(self.folder, 0o777)
        done = command("fmt", self.ugly, **NOBODY)
        if not NOBODY:
            self.assert_trouble(done, "Permission denied")
        self.assertEqual((done.returncode, self.ugly.read_text()), (2, UGLY), done.stderr)

    def test_json_and_sarif_are_printed_if_all_is_well(self):
        self.assertEqual(main("fmt", "--format=json", self.neat), (0, "[]\n", ""))

    def test_if_one_file_is_refused_none_is_written(self):
        self.bad.write_text("protocol: [\n")
        status, out, err = main("fmt", self.ugly, self.bad)
        self.assertEqual((status, out), (1, ""))
        self.assertTrue(err.startswith(f"{self.bad}:2:1: error: "), err)
        self.assertEqual(self.ugly.read_text(), UGLY)
        self.assertEqual(subprocess.run(["ls", self.folder], capture_output=True, text=True).stdout.split(),
                         ["bad.yaml", "good.yaml", "neat.yaml", "ugly.yaml"])


if __name__ == "__main__":
    unittest.main()
