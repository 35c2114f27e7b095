# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Errors in schemas: which are found, and how they are printed. UPDATE_GOLDEN=1 rewrites the expected ones in bad/."""

import ast
import os
import re
import tempfile
import unittest
from pathlib import Path

from support import BAD, ROOT, SchemaError, command, errors, lay_out, long, main, of_fields

from gen import diagnostics, generate
from gen.language import resolve, yaml_tree

UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


class BadSchemas(unittest.TestCase):
    """bad/ has a schema for each mistake, and beside it exactly the errors that the generator prints."""

    maxDiff = None
    here = Path.cwd()

    @classmethod
    def setUpClass(cls):
        os.chdir(BAD)                       # so that messages show the bare name
        cls.addClassCleanup(os.chdir, cls.here)
        cls.names = sorted(path.stem for path in BAD.glob("*.yaml"))

    def test_each_bad_schema_gives_exactly_the_expected_errors(self):
        for name in self.names:
            with self.subTest(name):
                status, out, err = main("--check", f"{name}.yaml")
                self.assertEqual((status, out), (1, ""))
                if UPDATE:
                    (BAD / f"{name}.err").write_text(err, encoding="utf-8")
                self.assertEqual((BAD / f"{name}.err").read_text(encoding="utf-8"), err)

    def test_the_command_prints_the_same(self):
        for name in ("several_errors", "not_utf8_after_multibyte", "message_with_fullwidth_letter"):
            done = command("--check", f"{name}.yaml", env={"PYTHONIOENCODING": "utf-8"})
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, (BAD / f"{name}.err").read_text(encoding="utf-8"))

    def test_each_bad_schema_has_its_expected_errors_and_there_are_many(self):
        self.assertGreaterEqual(len(self.names), 75)
        self.assertEqual(self.names, sorted(path.stem for path in BAD.glob("*.err")))

    def test_each_error_has_file_line_and_column_and_points_at_the_word(self):
        without_line = {"empty_file"}
        for name in self.names:
            with self.subTest(name):
                text = (BAD / f"{name}.err").read_text(encoding="utf-8")
                self.assertRegex(text, rf"\A{name}\.yaml:[1-9]\d*:[1-9]\d*: error: .+\n")
                if name not in without_line:
                    self.assertRegex(text, r"\n  [ \t]*\^~*\n")

    def test_every_message_of_the_generator_has_a_bad_schema(self):
        elsewhere = ("the file is larger than", "a schema has at most", "imports are nested", "also generates the file",
                     "this is not YAML", "defines too", "a module for Python cannot have")
        golden = "".join((BAD / f"{name}.err").read_text(encoding="utf-8") for name in self.names)
        for where, template in _message_templates():
            if not any(part in template.replace("\\", "") for part in elsewhere):
                self.assertTrue(re.search(f": error: {template}\n", golden), f"{where}: no golden has {template}")


def _message_templates():
    """The place of each message about the language in gen/, and a pattern for it. Other messages name their rule."""
    position = {"error": 1, "_fail": 2, "Diagnostic": 2}
    for path in sorted((ROOT / "gen").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            message = None
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                has_rule = any(keyword.arg == "rule" for keyword in node.keywords)
                if called in position and len(node.args) > position[called] and not has_rule:
                    message = node.args[position[called]]
            elif isinstance(node, ast.Return) and path.name == "yaml_errors.py" and isinstance(node.value, ast.Tuple):
                message = node.value.elts[0]
            if isinstance(message, (ast.JoinedStr, ast.Constant)):
                yield f"{path.name}:{node.lineno}", _pattern(message)


def _pattern(message: ast.JoinedStr | ast.Constant) -> str:
    if isinstance(message, ast.Constant):
        return re.escape(message.value)
    return "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in message.values)


class Errors(unittest.TestCase):
    def test_several_errors_are_shown_in_the_order_of_the_file(self):
        text = (BAD / "several_errors.yaml").read_bytes()
        with self.assertRaises(SchemaError) as raised:
            lay_out(text)
        lines = [d.place.line for d in raised.exception.diagnostics]
        self.assertGreaterEqual(len(lines), 6)
        self.assertEqual(lines, sorted(lines))

    def test_several_schemas_show_the_errors_of_each(self):
        status, _, err = main("--check", BAD / "tag_is_zero.yaml", BAD / "type_misspelt.yaml")
        self.assertEqual(status, 1)
        self.assertEqual(re.findall(r"(\w+)\.yaml:\d+:\d+: error: ", err), ["tag_is_zero", "type_misspelt"])

    def test_a_mistake_in_a_file_that_several_schemas_import_is_one_error(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "common.yaml").write_text("constants: {n: x}\n")
            schemas = [Path(folder) / "a.yaml", Path(folder) / "b.yaml"]
            for schema in schemas:
                schema.write_text(f"protocol: {schema.stem}\nimport: common.yaml\nmessages: {{Add: }}\n")
            status, _, err = main("--check", *schemas)
        self.assertEqual((status, re.findall(r"(\w+)\.yaml:\d+:\d+: error: ", err)), (1, ["common"]))

    def test_one_mistake_is_one_error(self):
        for text in ("protocol: calc\nmessages: {AddOrder: {}, add_order: {}}\n",
                     "protocol: calc\nmessages: {Add: {fields: {left: *x}}}\n",
                     "protocal: calc\nmessages: {Add: {}}\n",
                     "protocol: calc\nmessages: {Handlers: {}}\n",
                     "protocol: calc\nenums: {op: {values: one}}\nmessages: {Add: {}}\n",
                     "protocol: calc\nconstants: {n: x}\nmessages: {Add: {fields: {a: 'u8[n]', b: 'string[<=n]'}}}\n"):
            self.assertEqual(len(errors(text)), 1, text)

    def test_the_nearest_name_is_suggested_and_a_far_one_is_not(self):
        self.assertIn('did you mean "max_live"?', errors("protocol: c\nmessages: {A: {maxlive: 1}}\n")[0])
        self.assertIn('did you mean "u32"?', errors(of_fields({"a": "uint32_t"}))[0])
        self.assertNotIn("did you mean", errors(of_fields({"a": "elephant"}))[0])

    def test_thousands_of_errors_are_cut_short(self):
        text = "protocol: calc\nmessages:\n" + "".join(f"  M{i}: {{tag: 0}}\n" for i in range(1900))
        self.assertEqual(len(errors(text)), diagnostics.MAX_ERRORS)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "many.yaml")
            path.write_text(text)
            status, _, err = main("--check", path)
        self.assertEqual((status, err.count(": error: ")), (1, 100))
        self.assertTrue(err.endswith("protopool: 100 more errors\n"))

    @long
    def test_the_largest_number_of_things_is_accepted_and_one_more_is_reported(self):
        for what, head, line in (("messages", "messages:\n", "  M{}: {{}}\n"),
                                 ("structs, enums, flags and bit fields", "messages: {A: {}}\nflags:\n", "  set{}: {{values: [a]}}\n"),
                                 ("fields", "messages:\n  A:\n    fields:\n", "      f{}: u8\n"),
                                 ("constants and values", "messages: {A: {}}\nconstants:\n", "  c{}: 1\n")):
            most, begin = resolve.MOST[what], head.count("\n") + 1
            text = "protocol: calc\n" + head + "".join(line.format(i) for i in range(most))
            self.assertEqual(errors(text), [], what)
            found, = errors(text + line.format("more"))
            self.assertTrue(found.startswith(f"schema.yaml:{begin + most + 1}:{line.index(line.strip()) + 1}: error: "
                                             f"a schema has at most {most} {what}\n"), found)

    @long
    def test_the_number_of_names_and_values_is_bounded(self):
        most = yaml_tree.MAX_NODES
        for text in ("a: [" + "{}," * most + "]", "a: [" + "a," * most + "]", "- a\n" * (most + 1)):
            found, = errors(text)
            self.assertIn(f": error: a schema has at most {most} names and values\n", found)

    def test_protocols_of_one_run_may_not_share_files_or_symbols(self):
        def together(*parts):
            with self.assertRaises(SchemaError) as raised:
                generate.lay_out([(f"{i}.yaml", part.encode()) for i, part in enumerate(parts)])
            return str(raised.exception.diagnostics[0])

        calc = "protocol: calc\nmessages: {Add: {}}\n"
        self.assertIn('1.yaml:1:11: error: "0.yaml" also generates the file "calc.c"', together(calc, calc))
        self.assertIn('also generates the file "calc_check.c"', together(calc, calc.replace("calc", "calc_check")))
        self.assertIn('also generates the file "calc_check.c"', together(calc.replace("calc", "calc_check"), calc))
        self.assertIn('also generates the file "CALC.c"', together(calc, "protocol: x\nc_name: CALC\nmessages: {Add: {}}\n"))
        self.assertIn('the message "Add" would define the C name "calc_x_new_add", which "0.yaml" defines too',
                      together("protocol: calc\nmessages: {XNewAdd: {}}\n", calc.replace("calc", "calc_x")))
        generate.lay_out([("0.yaml", calc.encode()), ("1.yaml", calc.replace("calc", "other").encode())])

    def test_characters_that_act_on_a_terminal_are_not_printed(self):
        shown = errors("protocol: calc\nmessages: {Add: {doc: \u202eevil\u2066, tag: 0}}\n")[0]
        self.assertNotRegex(shown, "[\u202a-\u202e\u2066-\u2069\x1b]")
        source = diagnostics.Source("\x1b[31m.yaml")
        self.assertNotIn("\x1b", str(diagnostics.Diagnostic(source, diagnostics.Place(1, 1), "wrong")))


if __name__ == "__main__":
    unittest.main()
