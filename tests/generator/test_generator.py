# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The generator's promises about schemas: what is refused and how that is said, what is accepted, hostile input,
the same bytes from the same schema, and texts that never change the code. Goldens: UPDATE_GOLDEN=1 rewrites them."""

import ast
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from support import (BAD, GOOD, ROOT, SchemaError, command, compile_c, compilers, emit, engine_is_there, errors, long,
                     lay_out, main, of_fields, random_schema, write_all)
from gen import diagnostics, generate
from gen.language import clashes, resolve, yaml_tree

UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


class BadSchemas(unittest.TestCase):
    """tests/bad: one mistake a file, and beside it exactly what the generator says of it."""

    maxDiff = None
    here = Path.cwd()

    @classmethod
    def setUpClass(cls):
        os.chdir(BAD)                       # so that messages show the bare name
        cls.addClassCleanup(os.chdir, cls.here)
        cls.names = sorted(path.stem for path in BAD.glob("*.yaml"))

    def test_each_bad_schema_says_exactly_what_is_golden(self):
        for name in self.names:
            with self.subTest(name):
                status, out, err = main("--check", f"{name}.yaml")
                self.assertEqual((status, out), (1, ""))
                if UPDATE:
                    (BAD / f"{name}.err").write_text(err, encoding="utf-8")
                self.assertEqual((BAD / f"{name}.err").read_text(encoding="utf-8"), err)

    def test_the_command_says_the_same(self):
        for name in ("several_errors", "not_utf8_after_multibyte", "message_with_fullwidth_letter"):
            done = command("--check", f"{name}.yaml", env={"PYTHONIOENCODING": "utf-8"})
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertEqual(done.stderr, (BAD / f"{name}.err").read_text(encoding="utf-8"))

    def test_there_are_goldens_enough_and_none_without_its_schema(self):
        self.assertGreaterEqual(len(self.names), 75)
        self.assertEqual(self.names, sorted(path.stem for path in BAD.glob("*.err")))

    def test_each_golden_names_file_line_and_column_and_points_at_the_line(self):
        without_line = {"empty_file"}
        for name in self.names:
            with self.subTest(name):
                text = (BAD / f"{name}.err").read_text(encoding="utf-8")
                self.assertRegex(text, rf"\A{name}\.yaml:[1-9]\d*:[1-9]\d*: error: .+\n")
                if name not in without_line:
                    self.assertRegex(text, r"\n  [ \t]*\^~*\n")

    def test_every_error_that_the_generator_can_raise_has_a_golden(self):
        elsewhere = ("the file is larger than", "a schema has at most", "imports are nested", "also generates the file",
                     "this is not YAML", "defines too")
        golden = "".join((BAD / f"{name}.err").read_text(encoding="utf-8") for name in self.names)
        for where, template in _message_templates():
            if not any(part in template.replace("\\", "") for part in elsewhere):
                self.assertTrue(re.search(f": error: {template}\n", golden), f"{where}: no golden has {template}")


def _message_templates():
    """The place and a pattern of each message in gen/."""
    position = {"error": 1, "_fail": 2, "Diagnostic": 2}
    for path in sorted((ROOT / "gen").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            message = None
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if called in position and len(node.args) > position[called]:
                    message = node.args[position[called]]
            elif isinstance(node, ast.Return) and path.name == "yaml_tree.py" and isinstance(node.value, ast.Tuple):
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

    def test_one_mistake_is_one_error(self):
        for text in ("protocol: calc\nmessages: {AddOrder: {}, add_order: {}}\n",
                     "protocol: calc\nmessages: {Add: {fields: {left: *x}}}\n",
                     "protocal: calc\nmessages: {Add: {}}\n",
                     "protocol: calc\nmessages: {Handlers: {}}\n",
                     "protocol: calc\nenums: {op: {values: one}}\nmessages: {Add: {}}\n"):
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

    def test_the_first_thing_too_many_is_named_and_as_many_as_may_be_are_taken(self):
        for what, head, line in (("messages", "messages:\n", "  M{}: {{}}\n"),
                                 ("structs, enums and flags", "messages: {A: {}}\nflags:\n", "  set{}: {{values: [a]}}\n"),
                                 ("fields", "messages:\n  A:\n    fields:\n", "      f{}: u8\n"),
                                 ("constants and values", "messages: {A: {}}\nconstants:\n", "  c{}: 1\n")):
            most, begin = resolve.MOST[what], head.count("\n") + 1
            text = "protocol: calc\n" + head + "".join(line.format(i) for i in range(most))
            self.assertEqual(errors(text), [], what)
            found, = errors(text + line.format("more"))
            self.assertTrue(found.startswith(f"schema.yaml:{begin + most + 1}:{line.index(line.strip()) + 1}: error: "
                                             f"a schema has at most {most} {what}\n"), found)

    @long
    def test_a_schema_has_so_many_names_and_values(self):
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

    def test_what_acts_on_a_terminal_is_not_shown(self):
        shown = errors("protocol: calc\nmessages: {Add: {doc: \u202eevil\u2066, tag: 0}}\n")[0]
        self.assertNotRegex(shown, "[\u202a-\u202e\u2066-\u2069\x1b]")
        source = diagnostics.Source("\x1b[31m.yaml")
        self.assertNotIn("\x1b", str(diagnostics.Diagnostic(source, diagnostics.Place(1, 1), "wrong")))


class Accepted(unittest.TestCase):
    def assert_accepted(self, text):
        self.assertEqual(errors(text), [], text)

    def test_words_that_yaml_takes_for_truth_or_numbers_are_names(self):
        laid_out = lay_out("protocol: on\nenums: {answer: {values: [Yes, No, off, 'null', 010, 1e3, 0x1]}}\n"
                           "messages: {Off: {fields: {y: answer, n: u8, on: u8, No: u8}}}\n")
        values = laid_out.protocol.enums[0].values
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

    def test_spellings_of_types_and_numbers(self):
        for kind in ("u8[6]", "u8 [ 6 ]", "u8[0x10]", "u8[n]", "string[<=40]", "string[<= n]", "bytes[ <=1]", "e[2]"):
            self.assert_accepted(of_fields({"a": kind}, "constants: {n: 6}\nenums: {e: {values: [x]}}\n"))
        for tag in ("1", "65535", "0x41", "0XfF", "'A'", "' '", '"~"', '"\\x41"', "'1'"):
            self.assert_accepted(f"protocol: calc\nmessages: {{Add: {{tag: {tag}}}}}\n")

    def test_yaml_of_other_hands(self):
        for text in ("%YAML 1.2\n---\nprotocol: calc\nmessages: {Add: }\n...\n",
                     "# comment\n\n'protocol': \"calc\"\n\"messages\": {Add: null_, }\n".replace(" null_", ""),
                     "? protocol\n: calc\n? messages\n: Add:\n",
                     "protocol: calc\ndoc: |\n  Two\n\n  lines: of *text*\nmessages:\n  Add:\n    doc: >-\n      a\n",
                     "messages: {Add: {deprecated: true}, Sub: {deprecated: false}, Mul: {deprecated: Use Add.}}\n"
                     "protocol: calc\n"):
            self.assert_accepted(text)

    def test_deprecated_is_a_truth_in_any_case_or_a_reason(self):
        laid_out = lay_out("protocol: c\nmessages:\n  A: {deprecated: True}\n  B: {deprecated: FALSE}\n"
                           "  C: {deprecated: Use A.}\n")
        self.assertEqual([m.model.deprecated for m in laid_out.messages], ["true", "", "Use A."])

    def test_the_longest_name_is_taken(self):
        self.assert_accepted(f"protocol: {'p' * 63}\nmessages: {{{'M' * 63}: {{fields: {{{'f' * 63}: u8}}}}}}\n")

    def test_nesting_of_64_is_read(self):
        deep = "protocol: calc\nmessages: " + "[" * 63 + "]" * 63 + "\n"
        self.assertNotIn("nested", errors(deep)[0])
        self.assertIn("this is nested more than 64 levels deep", errors(deep.replace("[]", "[[]]"))[0])

    def test_the_repositorys_own_schemas_are_good(self):
        for path in GOOD:
            self.assert_accepted(path.read_bytes())

    def test_c_names_follow_words(self):
        laid_out = lay_out("protocol: ITCH\nmessages: {IPOQuoting: , AddOrder: , add_sub: , HTTP2Server: , A1B: }\n")
        self.assertEqual([m.model.name.c for m in laid_out.messages],
                         ["ipo_quoting", "add_order", "add_sub", "http2_server", "a1_b"])
        self.assertEqual(laid_out.protocol.name.c, "itch")


class HostileInput(unittest.TestCase):
    """Whatever the bytes: an error with a place or C, never a traceback."""

    def read(self, raw: bytes) -> bool:
        """Whether it is a good schema; any exception but SchemaError fails the test."""
        try:
            generate.lay_out([("hostile.yaml", raw)])
        except SchemaError as error:
            self.assertTrue(error.diagnostics)
            for diagnostic in error.diagnostics:
                self.assertRegex(str(diagnostic), r"\Ahostile\.yaml:[1-9]\d*:[1-9]\d*: error: \S")
            return False
        return True

    def test_nesting_of_100000_is_refused_at_once(self):
        for opening in ("[", "{", "{a: ", "[{a: ", "- ", "? ", "a: [", "- - {b: ", "!!seq [", "&a [", "'a': {", "\n [",
                        "|\n- "):
            with self.subTest(opening):
                began = time.monotonic()
                self.assertFalse(self.read(b"protocol: calc\nmessages: " + opening.encode() * 100_000))
                self.assertFalse(self.read(opening.encode() * 100_000))
                self.assertLess(time.monotonic() - began, 10)

    def test_deep_block_nesting_is_refused(self):
        self.assertFalse(self.read("".join(" " * i + "a:\n" for i in range(2000)).encode()))

    def test_50_megabytes_are_refused_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "large.yaml")
            with open(path, "wb") as file:
                file.truncate(50 << 20)
            began = time.monotonic()
            done = command("--check", path)
            took = time.monotonic() - began
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"{path}:1:1: error: the file is larger than 4 MiB\n")
        self.assertLess(took, 1)

    def test_the_largest_file_is_read_in_bounded_time(self):
        most = yaml_tree.MAX_BYTES
        for raw in (b"doc: " + b"a" * (most - 5), b'doc: "' + b"a" * (most - 6), b"a" * (most - 1) + b"\xff",
                    b"a\n" * (most // 2 - 1) + b"\0", b"#" * most):
            began = time.monotonic()
            self.assertFalse(self.read(raw))
            self.assertLess(time.monotonic() - began, 30)

    @long
    def test_a_schema_of_any_shape_ends_in_bounded_time(self):
        """Each was quadratic or worse; the bound is what is promised, for a machine that does other things too."""
        numbers = range(2000)
        doubling = "".join(f"  s{i}: {{fields: {{a: s{i - 1}, b: s{i - 1}}}}}\n" for i in range(1, 26))
        for name, text in {
            "structs that hold two": "structs:\n  s0: {fields: {a: u8}}\n" + doubling + "messages: {A: {fields: {x: s25}}}\n",
            "fields": "messages:\n  A:\n    fields:\n" + "".join(f"      f{i}: {{type: 'u8?', doc: One.}}\n" for i in range(12000)),
            "slot sizes": "messages:\n" + "".join(f"  A{i}: {{fields: {{a: 'u8[{i + 1}]'}}}}\n" for i in numbers),
            "enums": "enums:\n" + "".join(f"  e{i}: {{values: {{a: 1, b: {i + 2}}}}}\n" for i in numbers)
                     + "messages: {A: {fields: {" + ", ".join(f"f{i}: e{i}" for i in numbers) + "}}}\n",
            "values": "enums:\n  e:\n    values:\n" + "".join(f"      a{i}: {i}\n" for i in range(19000)) + "messages:\n  A:\n    fields:\n"
                      + "".join(f"      f{i}: {{type: e, default: a18999}}\n" for i in range(5000)),
            "unknown types": "enums:\n" + "".join(f"  colour_{i}_of_it: {{values: [a]}}\n" for i in numbers) + "messages:\n  A:\n    fields:\n"
                             + "".join(f"      f{i}: color_{i}_of_it\n" for i in range(250)),
            "a type with spaces": "messages: {A: {fields: {a: 'u8" + " " * 4_000_000 + "x'}}}\n",
            "lists": "messages: [" + "[]," * 1_300_000 + "]\n",
            "keys": "messages: {A: {" + "".join(f"k{i}: , " for i in range(90_000)) + "}}\n",
            "lines": "doc:\n" + " x\n" * 1_300_000 + "messages: {A: {}}\n",
            "not closed": "doc: {" + "a: b, " * 600_000,
            "a tab": "doc: |\n" + "  a\tb c\n" * 400_000 + "messages: {A: {}, \tB: {}}\n",
        }.items():
            with self.subTest(name):
                began = time.process_time()
                with contextlib.suppress(SchemaError):
                    emit("protocol: p\n" + text)
                self.assertLess(time.process_time() - began, 10)

    def test_binary_noise(self):
        for seed in range(1500):
            rng = random.Random(seed)
            raw = rng.randbytes(rng.randint(0, 400))
            if seed % 3 == 1:
                raw = bytes(b & 0x7F for b in raw)
            elif seed % 3 == 2:
                raw = bytes(rng.choice(b" \n\t:-?[]{},&*!|>'\"%@`#\\ab0<=") for _ in raw)
            self.read(raw)

    def test_mutations_and_truncations_of_good_schemas(self):
        rng = random.Random(7)
        words = [b"[", b"]", b"{", b"}", b": ", b"\n", b"  ", b"\t", b"- ", b"? ", b"&a ", b"*a", b"!t ", b"'", b'"',
                 b"#", b"| ", b"> ", b"<<: ", b"\0", b"\xff", b"\\", b"%", b"0", b"-1", b"99999999999999999999", b"0x",
                 b"u64", b"string[<=4]", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"---\n", b"...\n", b"\r",
                 b"_", b"tag", b"base", b'"\\UFFFFFFFF"', b'"\\ud800"', b"%YAML 9", b"2147483647", b"char[2147483647]",
                 b"c_name: "]
        seeds = [path.read_bytes()[:3000] for path in GOOD] + [random_schema(i, 3, 4).encode() for i in range(5)]
        good = 0
        for _ in range(3000):
            raw = bytearray(rng.choice(seeds))
            for _ in range(rng.randint(1, 4)):
                at = rng.randrange(len(raw) + 1)
                if rng.random() < 0.15:
                    del raw[at:]
                elif rng.random() < 0.5:
                    raw[at:at + rng.randint(0, 6)] = rng.choice(words)
                else:
                    raw[at:at + 1] = bytes([rng.randrange(256)])
            good += self.read(bytes(raw))
        self.assertGreater(good, 80)            # the mutants are close to schemas

    def test_numbers_of_any_length(self):
        for digits in (20, 64, 65, 5000, 100_000):
            for text in ("protocol: calc\nmessages: {A: {tag: %s}}\n",
                         "protocol: calc\nconstants: {a: %s}\nmessages: {A: }\n",
                         "protocol: calc\nmessages: {A: {fields: {a: 'u8[%s]'}}}\n",
                         "%%YAML 1.%s\n---\nprotocol: calc\n"):
                self.assertFalse(self.read((text % ("1" * digits)).encode()))
            self.assertFalse(self.read(f"protocol: calc\nmessages: {{A: {{tag: 0x{'F' * digits}}}}}\n".encode()))

    def test_a_bad_schema_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            good = Path(folder, "good.yaml")
            good.write_text("protocol: calc\nmessages: {Add: {}}\n")
            out = Path(folder, "out")
            for bad in ("several_errors", "empty_file", "not_utf8", "max_live_sum_too_large", "nested_too_deep_flow"):
                depfile = Path(folder, "out.d")
                status, _, _ = main("-o", out, "--depfile", depfile, good, BAD / f"{bad}.yaml")
                self.assertEqual((status, out.exists(), depfile.exists()), (1, False, False))


class SameBytes(unittest.TestCase):
    def outputs(self, schema: Path, cwd: Path, **options) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory() as folder:
            done = command("--no-engine", "-q", "-o", folder, "--tests", folder, schema, cwd=cwd, **options)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return {path.name: path.read_bytes() for path in Path(folder).iterdir()}

    def test_hash_seed_and_current_directory_change_nothing(self):
        for schema in GOOD:
            first = self.outputs(schema, ROOT, env={"PYTHONHASHSEED": "1"})
            self.assertEqual(len(first), 3)
            with tempfile.TemporaryDirectory() as elsewhere:
                shutil.copy(schema, elsewhere)
                copy = Path(elsewhere, schema.name)
                environment = {"PYTHONHASHSEED": "2", "LC_ALL": "C", "TZ": "UTC+9"}
                self.assertEqual(self.outputs(copy, Path("/"), env=environment), first)
                self.assertEqual(self.outputs(Path(schema.name), Path(elsewhere)), first)

    def test_other_interpreters_give_the_same(self):
        others = _other_interpreters()
        if not others:
            self.skipTest("no other interpreter has jinja2 and yaml")
        for schema in GOOD:
            mine = self.outputs(schema, ROOT)
            for other in others:
                self.assertEqual(self.outputs(schema, ROOT, python=other), mine, other)

    def test_no_date_and_no_path_is_in_the_outputs(self):
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(ROOT / "schema" / "calc.yaml", folder)
            for text in emit(Path(folder, "calc.yaml").read_bytes(), f"{folder}/calc.yaml").values():
                self.assertNotIn(folder, text)
                self.assertNotIn(str(ROOT), text)
                self.assertNotIn(time.strftime("%Y"), text)
                self.assertNotRegex(text, r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}|/home/|/root/|/usr/")

    def test_what_ends_a_line_ends_it_alone(self):
        for schema in GOOD:
            for name, text in emit(schema.read_bytes(), schema.name).items():
                self.assertIsNone(re.search(r"[ \t]\n|\r|\t|\n\n\Z|[^\n]\Z", text), name)


def _other_interpreters() -> list[str]:
    """Interpreters of other versions or places that can run the generator."""
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


NASTY = ("ends a comment */ int x; /* and begins one", "trigraphs ??/ ??' ??= and more ???/", "ends in a backslash \\",
         "{{ 7 * 7 }} {% raw %} {# note #} %} }}", "bidi \u202e\u2066 controls \u200f", "größer, 漢字, 😀",
         "two\nlines\\\nof text */", "quotes \" ' and %s %n", "#define calc_add broken", "*", "/", "*/", "/*", "//",
         "\\", "* /", "/ *", "*//*", "/*/", "?", "??/", "**/", "*\\\n/", "line\u2028separator\u0085next", "tab\there",
         "a\r\nb", "@", "-")
UNSEEN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"


class Texts(unittest.TestCase):
    """Docs are shown and never change the code."""

    SCHEMA = ("protocol: calc\ndoc: {0}\nconstants: {{max: {{value: 3, doc: {0}}}}}\n"
              "enums:\n  op: {{doc: {0}, values: {{add: {{value: 1, doc: {0}}}, sub: {{value: 2, doc: {0}}}}}}}\n"
              "messages:\n  Add: {{doc: {0}, deprecated: {0}, fields: {{left: {{type: u64, doc: {0}}}, "
              "op: {{type: op, doc: {0}}}, name: {{type: 'string[<=max]', doc: {0}}}}}}}\n  Quit: {{doc: {0}}}\n")

    def emitted(self, text: str) -> dict[str, str]:
        escaped = "".join(c if c.isalnum() and c.isascii() or c == " " else f"\\U{ord(c):08x}" for c in text)
        return emit(self.SCHEMA.format(f'"{escaped}"'))

    def tokens(self, folder: str, files: dict[str, str]) -> dict[str, str]:
        """The files without comments, as the compiler's first phases leave them."""
        write_all(Path(folder), files)
        strip = ["gcc", "-std=c11", "-Wcomment", "-Werror=comment", "-fpreprocessed", "-dD", "-E", "-P"]
        stripped = {name: subprocess.run([*strip, name], cwd=folder, capture_output=True, text=True, check=True).stdout
                    for name in files}
        self.assertIn(r'PROTOPOOL_DEPRECATED("', stripped["calc.h"])
        return {name: re.sub(r'PROTOPOOL_DEPRECATED\("[^"]*"\)', "", text) for name, text in stripped.items()}

    @unittest.skipUnless(compilers("gcc"), "gcc is not there")
    def test_doc_texts_never_change_the_code(self):
        with tempfile.TemporaryDirectory() as folder:
            plain = self.tokens(folder, self.emitted("plain"))
            for text in NASTY:
                with self.subTest(text):
                    self.assertEqual(self.tokens(folder, self.emitted(text)), plain)

    @long
    @unittest.skipUnless(compilers("gcc", "clang") and engine_is_there(), "no compiler, or the engine is not there")
    def test_doc_texts_compile_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            for text in (*NASTY, " ".join(NASTY), "\n".join(NASTY)):
                write_all(Path(folder), self.emitted(text))
                for compiler in compilers("gcc", "clang"):
                    self.assertEqual(compile_c(compiler, Path(folder), "calc.c"), "", text)

    def test_no_invisible_or_reordering_character_is_emitted(self):
        for text in NASTY:
            for emitted in self.emitted(text).values():
                self.assertIsNone(re.search(UNSEEN, emitted))
                self.assertIsNone(re.search(r"(?m)^ \*.*\\$|\\ \*/$", emitted))        # nor a splice of two lines

    def test_the_words_of_a_doc_are_in_the_header(self):
        self.assertIn("größer, 漢字", self.emitted("größer, 漢字")["calc.h"])
        self.assertIn("{{ 7 * 7 }}", self.emitted("{{ 7 * 7 }}")["calc.h"])

    @long
    def test_a_schemas_file_name_is_only_a_comment(self):
        text = "protocol: calc\nmessages: {Add: }\n"
        plain = emit(text, "x.yaml")
        for name in ("*/ int x;", "a\nb", "??/", "\udcff", "\u202e", "x\\"):
            for file, emitted in emit(text, name).items():
                emitted.encode()
                code, known = (re.sub(r"(?s)/\*.*?\*/", "", t) for t in (emitted, plain[file]))
                self.assertEqual(code, known)


class Symbols(unittest.TestCase):
    SCHEMA = random_schema(3) + ("  Quit: {doc: No fields.}\n  Named: {c_name: called, fields: {a: 'bytes[<=n]'}}\n"
                                 "  Holds: {fields: {p: 'struct0?', f: bits_u8, l: 'struct1[<=2]'}}\n"
                                 "constants: {n: 4, other: {value: 5, c_name: fifth}}\n")

    def test_every_name_at_global_scope_is_known_to_the_checks_for_clashes(self):
        schema, _ = generate.parse("schema.yaml", self.SCHEMA.encode(), generate.read_imported)
        known = {symbol for symbol, _, _ in clashes.global_names(schema)}
        header = emit(self.SCHEMA)["calc.h"]
        code = re.sub(r"(?s)/\*.*?\*/", "", header)
        found = set(re.findall(r"\b(?:calc|CALC)(?:_\w+)?\b", code))
        self.assertGreater(len(found), 100)
        found = {name for name in found if not re.fullmatch(r"calc_layout_[0-9a-f]{8}", name)}      # the hash of the layout
        self.assertEqual({name for name in found if not name.endswith("_") and not re.fullmatch(r"calc_layout_[0-9a-f]{8}", name)} - known, set())
        for name in ("calc_new_called", "CALC_CALLED", "CALC_FIFTH", "calc_choice_u8_name", "calc_pool_init", "CALC_N"):
            self.assertIn(name, found)

    def test_other_names_at_global_scope_are_the_engines(self):
        code = re.sub(r"(?s)/\*.*?\*/", "", emit(self.SCHEMA)["calc.h"])
        for name in re.findall(r"(?m)^#define (\w+)", code) + re.findall(r"(?m)^(?:struct|union|enum) (\w+) \{", code):
            self.assertRegex(name, r"\A(calc|CALC)(_|\Z)")

    @unittest.skipUnless(compilers("gcc", "g++") and engine_is_there(), "no compiler, or the engine is not there")
    def test_words_that_look_dangerous_are_fine_names(self):
        """Functions of the C library, the generator's words without their underscore, C23's and C++'s library."""
        words = ("index time log exp y0 y1 j0 read write open close signal div abs rand printf memcpy memset memcmp "
                 "strlen malloc free environ timezone daylight optarg main msg pool tag value values count ctx out "
                 "from i n size self text bytes string type X vector move swap list isnan signbit engine loaded classes "
                 "fn args source memory add left handlers any print make copy new_add calc calc_add")
        kinds = ["u8", "u64", "string[<=9]", "bytes[<=300]", "char[4]", "f64", "i32[3]", "e", "e[2]"] * 20
        fields = dict(zip(words.split(), kinds))
        text = of_fields(fields, "enums: {e: {values: [x, max, i, value, default, NULL, EOF]}}\n")
        text += "  X: {fields: {x: u8}}\n  Msg: {fields: {calc: u8}}\n  Calc: {}\n  I: {}\n  Printf: {}\n"
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(text))
            for compiler in compilers("gcc", "clang"):
                self.assertEqual(compile_c(compiler, Path(folder), "calc.c"), "")
            Path(folder, "use.cpp").write_text(
                '#include <cerrno>\n#include <cmath>\n#include <csignal>\n#include <ctime>\n#include <string>\n'
                '#include "calc.h"\n#include <unistd.h>\n')
            for compiler in compilers("g++", "clang++"):
                self.assertEqual(compile_c(compiler, Path(folder), "use.cpp"), "")

    @unittest.skipUnless(compilers("gcc") and engine_is_there(), "no compiler, or the engine is not there")
    def test_the_table_of_variants_takes_a_message_of_any_name(self):
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit("protocol: calc\nmessages: {X: {fields: {x: u8}}, Eof: , Name: , List: }\n"))
            Path(folder, "use.c").write_text(
                '#include "calc.h"\n#define LINE(TAG, name) "[" #TAG " " #name "]"\n'
                'const char use[] = CALC_VARIANTS(LINE);\n_Static_assert(sizeof use == '
                'sizeof "[X x][EOF eof][NAME name][LIST list]", "");\n')
            self.assertEqual(compile_c("gcc", Path(folder), "use.c"), "")


if __name__ == "__main__":
    unittest.main()
