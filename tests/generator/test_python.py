# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The emitted module for Python: what it refuses, its names, its encoded form, and that C agrees."""

import ast
import copy
import dataclasses
import importlib
import itertools
import pickle
import random
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import python_peer
from support import GOOD, ROOT, FolderTest, called, compilers, lay_out, long, write_all
from test_texts_and_names import NASTY, UNSEEN

from gen.emit import engine, render

SCHEMA = """\
protocol: all
constants: {most: 4}
enums:
  mode: {values: {off: 0, 'on': 1, 2d: 5, Slow: {value: 6, doc: Saves power.}}}
  side: {base: char, values: {buy: 'B', sell: 'S'}}
  far: {values: {near: 0, large: 9000000000000000000}}
flags:
  caps: {base: u16, values: {read: 0, write: 3, all: {mask: read | write}, none: {mask: 0}}}
types:
  count: {type: u16, range: [1, 40000], default: 5}
bit_fields:
  status: {base: u8, bits: {mode: {bits: 3, type: mode}, source: {bits: 2, range: [0, 2]}, valid: {type: bool, at: 7}}}
structs:
  point: {fields: {x: {type: i16, range: [-5, 5]}, tag: 'char[3]', ok: 'bool?'}}
messages:
  Numbers: {doc: Of all widths., fields: {a: u8, b: {type: i32, range: [-7, 100]}, c: u24, d: i48, e: f32, f: {type: f64, range: [0.25, 1e6]}, g: char, h: f16, i: {type: f64, default: 0}}}
  Names: {fields: {mode: {type: mode, default: Slow}, side: side, far: far, caps: {type: caps, default: read | write}, status: {type: status, default: {valid: true}},
    class: 'u8?', import: {type: 'u16?', absent: 65535}, str: 'string[<=8]'}}
  Lists: {fields: {three: 'u16[3]', few: 'mode[<=most]', bytes: 'bytes[<=5]', points: 'point[<=2]?', raw: 'u8[2]', padded: {type: 'char[4]', pad: ' '}, count: count}}
  Tails: {fields: {name: {type: string, max: 30}, points: {type: 'point[]', max: 9}, data: {type: 'bytes?', max: 12}, remark: {type: 'string?', max: 20}, time: u64}}
  Sequence: {fields: {encode: u8, magic: {type: 'char[4]', constant: ABCD}, half: {type: 'f32?', absent: nan}}, replies: [Quit, Numbers]}
  Quit: {}
  Choice: {fields: {v: {one_of: {n: u64, t: 'string[<=4]', p: point, l: 'u16[<=3]'}}, class: {one_of: {aa: u8, import: {type: u16, range: [1, 9]}}, optional: true},
    names: {type: 'string[<=5][]?', max: 9}, all: 'string[]'}}
"""


class PythonTest(FolderTest):
    """self.all is the module of SCHEMA, and self.pp what it shares with others."""

    @classmethod
    def setUpClass(cls):
        cls.files = render.render(lay_out(SCHEMA), ["python"]) | engine.engine(["python"])

    def setUp(self):
        super().setUp()
        write_all(self.folder, self.files)
        self.all, self.pp = self.imported("all"), sys.modules["protopool_runtime"]

    def imported(self, name: str):
        for each in (name, "protopool_runtime"):
            sys.modules.pop(each, None)
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    def numbers(self, **changes):
        return self.all.Numbers(**({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5.5, "f": 6, "g": "x", "h": 0.1} | changes))

    def names(self, **changes):
        return self.all.Names(**({"side": self.all.Side.BUY, "far": 0, "str_": ""} | changes))

    def lists(self, **changes):
        return self.all.Lists(**({"three": [1, 2, 3], "few": [], "bytes_": b"", "raw": b"ab", "padded": "a"} | changes))


class Construct(PythonTest):
    def assert_refused(self, text: str, field: str, make):
        with self.assertRaises(self.pp.Refused) as raised:
            make()
        self.assertEqual((str(raised.exception), raised.exception.field), (text, field))
        self.assertIsInstance(raised.exception, ValueError)

    def test_what_the_schema_does_not_allow_is_refused_with_the_field_and_the_rule(self):
        point = self.all.Point(x=1, tag="ab")
        for text, field, make in (
                ("Numbers: a 256 is not in 0..255", "a", lambda: self.numbers(a=256)),
                ("Numbers: b -8 is not in -7..100", "b", lambda: self.numbers(b=-8)),
                ("Numbers: c 16777216 is not in 0..16777215", "c", lambda: self.numbers(c=2**24)),
                ("Numbers: e 1e+39 is too large for 32 bits", "e", lambda: self.numbers(e=1e39)),
                ("Numbers: f NaN is not in 0.25..1000000.0", "f", lambda: self.numbers(f=float("nan"))),
                ("Numbers: g is not one character of ASCII", "g", lambda: self.numbers(g="ab")),
                ("Names: mode 4 is not declared: it has off, on, 2d, Slow", "mode", lambda: self.names(mode=4)),
                ("Names: caps has bits that are not declared: 0x6", "caps", lambda: self.names(caps=7)),
                ("Names: import 65535 means absent: use None", "import", lambda: self.names(import_=65535)),
                ("Names: str has 9 characters, at most 8", "str", lambda: self.names(str_="ééééa")),
                ("Names: str has a NUL at 1", "str", lambda: self.names(str_="a\0b")),
                ("Lists: three has 2 elements, not 3", "three", lambda: self.lists(three=[1, 2])),
                ("Lists: three[2] -1 is not in 0..65535", "three[2]", lambda: self.lists(three=[1, 2, -1])),
                ("Lists: few has 5 elements, at most 4", "few", lambda: self.lists(few=[0] * 5)),
                ("Lists: points has 3 elements, at most 2", "points", lambda: self.lists(points=[point] * 3)),
                ("Lists: padded has 5 characters, at most 4", "padded", lambda: self.lists(padded="abcde")),
                ("Tails: name has 31 characters, at most 30", "name", lambda: self.all.Tails(name="a" * 31, points=[], time=1)),
                ("source 3 is not in 0..2", "source", lambda: self.all.Status(source=3)),
                ("point: x 6 is not in -5..5", "x", lambda: self.all.Point(x=6, tag=""))):
            with self.subTest(text):
                self.assert_refused(text, field, make)

    def test_a_value_of_another_type_is_a_type_error_with_the_field(self):
        for make in (lambda: self.numbers(a="1"), lambda: self.numbers(a=1.5), lambda: self.numbers(e="1"), lambda: self.lists(three=3),
                     lambda: self.names(str_=b"x"), lambda: self.lists(points=[(1, "")])):
            self.assertRaisesRegex(TypeError, r"^\w+: \w+: ", make)
        for field, value in (("source", "1"), ("valid", "no"), ("valid", 1)):
            self.assertRaisesRegex(TypeError, f"^{field}: ", self.all.Status, **{field: value})
        self.assertRaises(TypeError, self.all.Numbers, a=1)             # the others are missing

    def test_a_number_of_too_many_digits_to_write_is_refused(self):
        digits = 10**5000
        self.assertEqual(digits.bit_length(), 16610)
        for text, field, make in (
                ("Numbers: a a number of 16610 bits is not in 0..255", "a", lambda: self.numbers(a=digits)),
                ("Numbers: e a number of 16610 bits is too large for 32 bits", "e", lambda: self.numbers(e=digits)),
                ("Names: far a number of 16610 bits is not declared: it has near, large", "far", lambda: self.names(far=digits))):
            with self.subTest(text):
                self.assert_refused(text, field, make)

    def test_a_subclass_has_the_fields_and_the_rules_of_its_base(self):
        class Doubled(self.all.Numbers):
            def double(self):
                return 2 * self.a

        class Valid(self.all.Status):
            pass

        msg = Doubled(**vars(self.numbers()))
        self.assertEqual((msg.double(), msg.encode(), str(msg)), (2, self.numbers().encode(), str(self.numbers())))
        self.assertRaises(self.pp.Refused, dataclasses.replace, msg, a=256)
        self.assertEqual(int(Valid(source=2)), int(self.all.Status(source=2)))

    def test_what_is_pickled_or_copied_comes_back(self):
        for each in (self.numbers(), self.names(), self.lists(points=[self.all.Point(x=1, tag="ab")]), self.all.Status(source=1)):
            self.assertEqual([pickle.loads(pickle.dumps(each)), copy.deepcopy(each)], [each, each])
        for refuse in (lambda: self.numbers(a=256), lambda: self.all.decode(b"\1"), lambda: self.all.decode(b"\x63")):
            with self.assertRaises(ValueError) as raised:
                refuse()
            again = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual((type(again), str(again), vars(again)),
                             (type(raised.exception), str(raised.exception), vars(raised.exception)))

    def test_a_message_does_not_change_and_replace_makes_another_one(self):
        msg = self.numbers()
        with self.assertRaises(dataclasses.FrozenInstanceError):
            msg.a = 2
        self.assertEqual(dataclasses.replace(msg, a=2), self.numbers(a=2))
        self.assertRaises(self.pp.Refused, dataclasses.replace, msg, a=256)

    def test_defaults_are_those_of_the_schema_and_none_for_optional_fields(self):
        msg = self.names()
        self.assertEqual((msg.mode, msg.caps, msg.class_, msg.import_), (self.all.Mode.SLOW, self.all.Caps.ALL, None, None))
        self.assertEqual(msg.status, self.all.Status(valid=True))
        self.assertEqual(self.lists().count, 5)

    def test_values_are_those_that_the_bytes_hold(self):
        self.assertEqual((self.numbers(e=0.1).e, self.numbers(h=0.1).h), (0.10000000149011612, 0.0999755859375))
        self.assertEqual(self.lists(padded="a  ").padded, "a")
        self.assertEqual((self.lists(few=[1]).few, self.lists(bytes_=[1, 2]).bytes_), ((self.all.Mode.ON,), b"\1\2"))

    def test_equal_are_messages_of_the_same_class_with_the_same_bytes(self):
        nan = float("nan")
        self.assertEqual(self.numbers(e=nan), self.numbers(e=-(-nan)))
        self.assertEqual(hash(self.numbers(e=nan)), hash(self.numbers(e=nan)))
        for other in (self.numbers(e=-5.5), self.all.Quit(), None, self.numbers().encode()):
            self.assertNotEqual(self.numbers(), other)
        self.assertNotEqual(self.numbers(e=0.0), self.numbers(e=-0.0))

    def test_numbers_are_printed_with_the_fewest_digits_in_the_form_of_rust(self):
        for kind, value, shown in (
                ("i", 1e15, "1000000000000000.0"), ("i", 1e16, "1e16"), ("i", -1.5e16, "-1.5e16"), ("i", 0.0001, "0.0001"), ("i", 0.00001, "1e-5"),
                ("i", 123456.789, "123456.789"), ("i", 5e-324, "5e-324"), ("i", 2.0**-1022, "2.2250738585072014e-308"), ("i", -0.0, "-0.0"),
                ("i", float("-inf"), "-inf"), ("i", float("nan"), "NaN"), ("i", 0.1 + 0.2, "0.30000000000000004"), ("i", 100.0, "100.0"),
                ("e", 0.1, "0.1"), ("e", 16777217, "16777216.0"), ("e", 1e-45, "1e-45"), ("e", 3.4028235e38, "3.4028235e38"), ("e", 2.0**-126, "1.1754944e-38"),
                ("e", 9.5367e-7, "9.5367e-7"), ("h", 0.1, "0.1"), ("h", 65504, "65500.0"), ("h", 2.0**-24, "6e-8"), ("h", 1 / 3, "0.3333")):
            with self.subTest(f"{kind} {value}"):
                self.assertIn(f" {kind}: {shown}{' }' if kind == 'i' else ','}", str(self.numbers(**{kind: value})))

    def test_one_of_several_alternatives_is_a_pair(self):
        msg = self.all.Choice(v=("t", "ab"), class_=("import", 3), names=["x", "yz"], all=[])
        self.assertEqual(str(msg), 'Choice { v: t("ab"), class: Some(import(3)), names: Some(["x", "yz"]), all: [] }')
        match msg:
            case self.all.Choice(v=("n", _)):
                self.fail()
            case self.all.Choice(v=("t", text)):
                self.assertEqual(text, "ab")
        self.assert_refused("Choice: v.t has 5 characters, at most 4", "v.t", lambda: dataclasses.replace(msg, v=("t", "abcde")))
        self.assert_refused("Choice: class is none of aa, import", "class", lambda: dataclasses.replace(msg, class_=("x", 3)))
        self.assert_refused("Choice: names[1] has 6 characters, at most 5", "names[1]", lambda: dataclasses.replace(msg, names=["", "abcdef"]))
        self.assertRaisesRegex(TypeError, "^Choice: v: None is not a pair", dataclasses.replace, msg, v=None)

    def test_a_match_finds_the_class_and_the_fields_by_name_and_in_order(self):
        match self.numbers(b=7):
            case self.all.Names():
                self.fail()
            case self.all.Numbers(1, b=found):
                self.assertEqual(found, 7)

    def test_every_name_of_python_and_of_the_module_can_be_a_name_of_the_schema(self):
        self.assertEqual([member.name for member in self.all.Mode], ["OFF", "ON", "_2D", "SLOW"])
        self.assertEqual(str(self.names(mode=5, class_=3)),
                         'Names { mode: 2d, side: buy, far: near, caps: read | write, status: { mode: off, source: 0, valid: true }, '
                         'class: Some(3), import: None, str: "" }')
        msg = self.all.Sequence_(encode_=1)
        self.assertEqual((str(msg), msg.MAGIC), ("Sequence { encode: 1, half: None }", "ABCD"))
        self.assertEqual(self.all.Sequence_.REPLIES, (self.all.Quit, self.all.Numbers))

    def test_a_text_of_the_schema_never_changes_the_code(self):
        plain = ast.dump(self.without_docstrings(self.emitted("plain")))
        for text in NASTY:
            with self.subTest(text):
                module = self.emitted(text)
                self.assertNotRegex(module, UNSEEN)
                self.assertEqual(ast.dump(self.without_docstrings(module)), plain)

    def emitted(self, text: str) -> str:
        escaped = "".join(c if c.isalnum() and c.isascii() or c == " " else f"\\U{ord(c):08x}" for c in text)
        schema = ("protocol: all\ndoc: {0}\nconstants: {{max: {{value: 3, doc: {0}}}}}\n"
                  "enums:\n  op: {{doc: {0}, values: {{add: {{value: 1, doc: {0}, deprecated: {0}}}, sub: {{value: 2, doc: {0}}}}}}}\n"
                  "messages:\n  Add: {{doc: {0}, deprecated: {0}, fields: {{left: {{type: u64, doc: {0}, unit: {0}, deprecated: {0}}}}}}}\n")
        return render.render(lay_out(schema.format(f'"{escaped}"'), "*/ \udcff\n.yaml"), ["python"])["all.py"]

    @staticmethod
    def without_docstrings(module: str) -> ast.Module:
        tree = ast.parse(module.encode())
        for each in ast.walk(tree):
            if isinstance(each, (ast.Module, ast.ClassDef)) and ast.get_docstring(each) is not None:
                each.body[0] = ast.Pass()
        return tree


class Bytes(PythonTest):
    def messages(self) -> list:
        rng = random.Random(1)
        return [python_peer.of_values(of, rng, self.pp) for of in self.all._decoder.by_tag.values() for _ in range(20)]

    def test_the_bytes_are_those_of_the_layout(self):
        self.assertEqual(self.all.Quit().encode(), b"\6")
        msg = self.all.Tails(name="ab", points=[self.all.Point(x=-1, tag="t", ok=True)], data=b"\7", time=9)
        self.assertEqual(msg.encode().hex(" "), "04 01 02 01 01 00 00 00 09 00 00 00 00 00 00 00 61 62 00 00 01 74 00 00 01 00 ff ff 07 00")

    def test_each_message_comes_back(self):
        messages = self.messages()
        self.assertEqual(list(self.all.decode_all(b"".join(msg.encode() for msg in messages))), messages)
        for msg, kind in itertools.product(messages[::7], (bytes, bytearray, memoryview)):
            self.assertEqual(self.all.decode(kind(b"abc" + msg.encode() + b"def"), 3), (msg, len(msg.encode())))

    def test_a_beginning_is_incomplete_and_says_at_least_how_many_bytes_are_missing(self):
        for msg in self.messages():
            data = msg.encode()
            for count in range(len(data)):
                with self.assertRaises(self.pp.Incomplete) as raised:
                    self.all.decode(data[:count])
                self.assertTrue(0 < raised.exception.missing <= len(data) - count)
        self.assertEqual(list(self.all.decode_all(b"")), [])
        self.assertRaises(self.pp.Incomplete, list, self.all.decode_all(b"\6\6\1"))

    def test_what_is_no_message_is_invalid_with_the_field(self):
        names, lists = self.names().encode(), self.lists().encode()
        members = self.all.Names.Layout
        tails = self.all.Tails(name="", points=[self.all.Point(x=1, tag="", ok=False)], time=1).encode()
        for data, text in ((b"\x08", "no message has the tag 8"), (b"\0" * 40, "no message has the tag 0"),
                           (self.changed(names, members.mode.offset, 4), "Names: mode 4 is not declared: it has off, on, 2d, Slow"),
                           (self.changed(names, members.status.offset, 0x58), "Names: status.source 3 is not in 0..2"),
                           (self.changed(names, members.status.offset, 0xa0), "Names: status has bits that are not declared: 0x20"),
                           (self.changed(names, members.str_len.offset, 1), "Names: str has 0 characters, and its length is 1"),
                           (self.changed(names, members.str_.offset + 8, 1), "Names: byte %d holds no value, and is not 0" % (members.str_.offset + 8)),
                           (self.changed(tails, len(tails) - 5, 2), "Tails: points[0].ok is neither false nor true"),
                           (self.changed(lists, self.all.Lists.Layout.few_len.offset, 5), "Lists: few has 5 elements, at most 4")):
            with self.subTest(text), self.assertRaises(self.pp.Invalid) as raised:
                self.all.decode(data)
            self.assertEqual(str(raised.exception), text)

    @staticmethod
    def changed(data: bytes, at: int, byte: int) -> bytes:
        return data[:at] + bytes([byte]) + data[at + 1:]

    def test_garbage_is_incomplete_or_invalid_or_the_same_message_again(self):
        rng, found = random.Random(2), set()
        for _ in range(3000):
            data = bytes([rng.randrange(9)]) + rng.choice((rng.randbytes, bytes))(rng.randrange(120))
            try:
                msg, used = self.all.decode(data)
                self.assertEqual(self.all.decode(msg.encode()), (msg, used))
                found.add("message")
            except self.pp.DecodeError as error:
                found.add(type(error).__name__)
        self.assertEqual(found, {"message", "Incomplete", "Invalid"})

    @unittest.skipUnless(compilers("gcc"), "gcc is not there")
    def test_c_receives_prints_and_refuses_the_same(self):
        """With the same texts."""
        write_all(self.folder, engine.engine())
        program = self.folder / "peer"
        subprocess.run(["gcc", "-std=c11", "-O0", "-DPROTOPOOL_CHECK=1", "-D_POSIX_C_SOURCE=200809L", f"-I{self.folder}", *self.folder.glob("*.c"),
                        ROOT / "tests/generator/python_peer.c", "-o", program], check=True, timeout=120)
        done = subprocess.run([sys.executable, ROOT / "tests/generator/python_peer.py", self.folder, program, "", "20", "1"], capture_output=True, text=True, timeout=120)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^0 messages from C, 140 from Python; hostile bytes: \d+ incomplete, \d+ invalid, \d+ received$")


class Module(PythonTest):
    def test_a_module_in_a_package_finds_what_it_shares(self):
        package = self.folder / "package"
        package.mkdir()
        write_all(package, self.files)
        program = "import package.all, sys; print(package.all.Quit(), 'protopool_runtime' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.stdout, done.stderr), ("Quit False\n", ""))

    def test_the_c_is_the_same_with_it(self):
        layout = lay_out(SCHEMA)
        with_it, plain = render.render(layout, ["python"]), render.render(layout)
        self.assertEqual({name: with_it.pop(name) for name in plain}, plain)
        self.assertEqual(list(with_it), ["all.py"])

    def test_the_command_writes_both_files(self):
        done = called("generate", "--python", "--list-outputs", "-o", "out", GOOD[0])
        self.assertEqual([Path(line).name for line in done.stdout.split()],
                         [f"{GOOD[0].stem}.h", f"{GOOD[0].stem}.c", f"{GOOD[0].stem}.py", "protopool.h", "protopool.c", "protopool_runtime.py"])

    @long
    @unittest.skipUnless(shutil.which("mypy"), "mypy is not there")
    def test_the_types_are_right(self):
        """Of the modules themselves, and of programs that use one."""
        write_all(self.folder, render.render(lay_out(GOOD[-1].read_text()), ["python"]))
        self.assertEqual(self.mypy("all.py", f"{GOOD[-1].stem}.py", "protopool_runtime.py"), "")
        head = "import all\nmsg, used = all.decode(b'')\n"
        exhaustive = head + "from typing_extensions import assert_never\nmatch msg:\n    case all.Numbers(a, b=b): a += b\n"
        rest = "    case all.Names() | all.Lists() | all.Tails() | all.Sequence_(): pass\n    case all.Quit() | all.Choice(): pass\n    case _: assert_never(msg)\n"
        for program, found in (
                (exhaustive + rest, ""), (exhaustive + rest.replace("all.Quit() | ", ""), 'has incompatible type "Quit"'),
                (head + "all.Point(x=1, tag=b'')\n", 'Argument "tag" to "Point" has incompatible type "bytes"; expected "str"'),
                (head + "all.Point(x=1)\n", 'Missing named argument "tag"'), (head + "used.real\nmsg.encode().hex()\nprint(msg.pretty())\n", ""),
                (head + "all.Point(x=1, tag='').x = 2\n", 'Property "x" defined in "Point" is read-only')):
            (self.folder / "program.py").write_text(program)
            self.assertIn(found, self.mypy("program.py")) if found else self.assertEqual(self.mypy("program.py"), "", program)

    def mypy(self, *files: str) -> str:
        done = subprocess.run(["mypy", "--strict", "--cache-dir", "cache", *files], cwd=self.folder, capture_output=True, text=True, timeout=300)
        return "" if done.returncode == 0 else done.stdout + done.stderr


if __name__ == "__main__":
    unittest.main()
