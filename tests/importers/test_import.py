# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool import`: what becomes of a definition that uses everything, and the errors of wrong ones. UPDATE_GOLDEN=1 rewrites the
expected schemas and errors."""

import ast
import importlib
import importlib.util
import math
import os
import re
import shutil
import struct
import sys
import unittest
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from support import ROOT, CommandTest, FolderTest, compilers, long, main      # noqa: E402
import whole_way                                                              # noqa: E402

from gen.importers import names, writer, xml_tree                             # noqa: E402
from gen.diagnostics import Place, SchemaError, Source                        # noqa: E402

UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
BAD = HERE / "bad"
GOOD = {"mavlink": ["rover.xml"], "sbe": ["orders.xml"], "proto": ["shop.proto", "old.proto"]}
HAS_PROTOC = shutil.which("protoc") is not None and importlib.util.find_spec("google") is not None
LANGUAGES = [language for language in GOOD if language != "proto" or HAS_PROTOC]
WHY_NOT = "protoc or python3-protobuf is missing: make deps-ci"


class Golden(FolderTest):
    maxDiff = None

    def test_a_definition_that_uses_everything_gives_exactly_the_expected_schemas(self):
        for language, *options in (*([language] for language in LANGUAGES), ("mavlink", "--packed")):
            folder = "_".join(["expected", *(option.strip("-") for option in options)])
            status, _, err = main("import", language, *options, "-o", self.folder / language / folder, *(HERE / language / name for name in GOOD[language]))
            self.assertEqual((status, err), (0, ""), language)
            made = {path.name: path.read_text(encoding="utf-8") for path in (self.folder / language / folder).iterdir()}
            expected = HERE / language / folder
            if UPDATE:
                expected.mkdir(exist_ok=True)
                for path in expected.iterdir():
                    path.unlink()
                for name, text in made.items():
                    (expected / name).write_text(text, encoding="utf-8")
            self.assertEqual(sorted(made), sorted(path.name for path in expected.iterdir()))
            for name, text in made.items():
                with self.subTest(name):
                    self.assertEqual((expected / name).read_text(encoding="utf-8"), text)

    def test_lint_and_fmt_find_nothing(self):
        for language in LANGUAGES:
            for name in GOOD[language]:
                self.assertEqual(len(whole_way.imported(language, [str(HERE / language / name)], self.folder / name)), 1)
        self.assertEqual(len(whole_way.imported("mavlink", [str(HERE / "mavlink/rover.xml")], self.folder / "packed", options=["--packed"])), 1)

    def test_payloads_of_mavlink_have_the_bytes_of_the_xml(self):
        schema, = whole_way.imported("mavlink", [str(HERE / "mavlink/rover.xml")], self.folder)
        total, saved = whole_way.compare_payloads(HERE / "mavlink/rover.xml", schema)
        self.assertEqual((total, saved), (6 + 42 + 50 + 2, 0))
        schema, = whole_way.imported("mavlink", [str(HERE / "mavlink/rover.xml")], self.folder / "packed", options=["--packed"])
        self.assertEqual(whole_way.compare_payloads(HERE / "mavlink/rover.xml", schema, True), (total, 0))

    def test_a_payload_of_another_size_is_found(self):
        schema, = whole_way.imported("mavlink", [str(HERE / "mavlink/rover.xml")], self.folder)
        schema.write_text(schema.read_text(encoding="utf-8").replace("{type: 'i16?', unit: cA", "{type: 'i32?', unit: cA"), encoding="utf-8")
        with self.assertRaisesRegex(whole_way.Failed, "Attitude.current: 4 bytes, and 2 of current"):
            whole_way.compare_payloads(HERE / "mavlink/rover.xml", schema)

    def test_packed_messages_are_payloads_of_mavlink(self):
        self.assertEqual(main("import", "mavlink", "--packed", "-o", self.folder, HERE / "mavlink/rover.xml")[::2], (0, ""))
        self.assertEqual(main("generate", "--python", "-o", self.folder, self.folder / "rover.yaml")[::2], (0, ""))
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        rover = importlib.import_module("rover")
        attitude = rover.Attitude(time_boot_ms=1, roll=-1.5, yaw=None, current=None, height=4000, load=9, q=(1, 2, 3, 4), id=7, default=0.25)
        raw = rover.GpsRawInt(time_usec=5, high=-6, lat_lon=(7, -8), present=rover.Sensors.GYRO, task_as_float=0.5, task=rover.Task.HONK, name="abc",
                              class_="x", kinds=(rover.Kind.ROVER,) * 3, nothing=-1, low=-2)
        payloads = {attitude: struct.pack("<IffhHB4fBd", 1, -1.5, math.nan, -1, 4000, 9, 1, 2, 3, 4, 7, 0.25),
                    raw: struct.pack("<Qq2iIfH10sc3Bbb", 5, -6, 7, -8, 1, 0.5, 300, b"abc", b"x", 1, 1, 1, -1, -2)}
        for message, payload in payloads.items():
            self.assertEqual(message.encode(), payload)

    def test_only_payloads_of_mavlink_are_packed(self):
        status, out, err = main("import", "sbe", "--packed", "-o", self.folder / "out", HERE / "sbe/orders.xml")
        self.assertEqual((status, out, (self.folder / "out").exists()), (2, "", False))
        self.assertEqual(err, "protopool: import sbe has no --packed: only the payloads of MAVLink can be packed messages\n")

    def test_an_enum_of_fields_of_several_types_has_the_type_of_most_that_holds_it(self):
        path = self.folder / "several.xml"
        fields = "".join(f'<field type="{kind}" name="f{i}" enum="{enum}"/>' for i, (kind, enum) in enumerate(
            (("uint8_t", "E"), ("uint8_t", "E"), ("uint16_t", "E"), ("uint16_t", "E"), ("int32_t", "E"), ("int16_t", "F"), ("uint8_t", "G"), ("uint8_t", "H"), ("uint32_t", "H"), ("uint32_t", "H"))))
        path.write_text('<mavlink><enums><enum name="E"><entry value="300" name="A"/></enum><enum name="F" bitmask="true"><entry value="2" name="B"/></enum>'
                        '<enum name="G"><entry value="400" name="C"/></enum><enum name="H"><entry value="1" name="D"/></enum></enums>'
                        f'<messages><message id="1" name="M">{fields}</message></messages></mavlink>')
        self.assertEqual(main("import", "mavlink", "--packed", "-o", self.folder, path)[::2], (0, ""))
        text = (self.folder / "several.yaml").read_text()
        self.assertEqual(re.findall(r"(?m)^    base: (.*)|^      (f\d): (.*)", text),
                         [("u16", "", ""), ("u32", "", ""), ("u16", "", ""), ("", "f4", "i32"), ("", "f8", "h"), ("", "f9", "h"), ("", "f2", "e"), ("", "f3", "e"), ("", "f5", "f"),
                          *(("", f"f{i}", "u8") for i in (0, 1, 6, 7))])
        self.assertEqual(re.findall("# lost: (.*), several", text), [f"its values are those of {enum}" for enum in "eeegh"])

    def test_of_two_types_that_are_as_frequent_an_enum_has_the_smaller_in_whatever_order_the_files_are(self):
        (self.folder / "shared.xml").write_text('<mavlink><enums><enum name="E"><entry value="1" name="A"/></enum></enums></mavlink>')
        for name, kind in (("wide", "uint32_t"), ("narrow", "uint16_t")):
            (self.folder / f"{name}.xml").write_text('<mavlink><include>shared.xml</include><messages><message id="1" name="M">'
                                                     f'<field type="{kind}" name="f" enum="E"/></message></messages></mavlink>')
        for order in (("wide", "narrow"), ("narrow", "wide")):
            out = self.folder / order[0]
            self.assertEqual(main("import", "mavlink", "--packed", "-o", out, *(self.folder / f"{name}.xml" for name in order))[::2], (0, ""))
            self.assertIn("base: u16", (out / "shared_types.yaml").read_text())
            self.assertIn("f: u32", (out / "wide.yaml").read_text())

    def test_a_packed_message_has_the_crc_extra_of_mavlink(self):
        path = self.folder / "minimal.xml"
        path.write_text('''<mavlink><messages>
            <message id="0" name="HEARTBEAT">
              <field type="uint8_t" name="type"/><field type="uint8_t" name="autopilot"/><field type="uint8_t" name="base_mode"/>
              <field type="uint32_t" name="custom_mode"/><field type="uint8_t" name="system_status"/>
              <field type="uint8_t_mavlink_version" name="mavlink_version"/>
            </message>
            <message id="253" name="STATUSTEXT">
              <field type="uint8_t" name="severity"/><field type="char[50]" name="text"/>
              <extensions/><field type="uint16_t" name="id"/><field type="uint8_t" name="chunk_seq"/>
            </message>
            <message id="2" name="CLASH"><field type="uint8_t" name="crc_extra"/></message>
            <message id="3" name="NOTHING"/>
          </messages></mavlink>''')
        (schema,) = whole_way.imported("mavlink", [str(path)], self.folder / "out", options=["--packed"])
        found = re.findall(r"crc_extra: {type: u8, constant: (\d+),", schema.read_text())
        self.assertEqual(found[:2], ["50", "83"])                    # those of MAVLink's own headers
        self.assertEqual(main("generate", "--python", "-o", self.folder, schema)[::2], (0, ""))
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        minimal = importlib.import_module("minimal")
        self.assertEqual((minimal.Statustext.CRC_EXTRA, minimal.Clash(crc_extra_2=7).encode(), minimal.Nothing().encode()), (83, b"\x07", b""))

    def test_packed_fields_have_the_numbers_that_payloads_have_besides_those_of_the_enum_or_the_range(self):
        path = self.folder / "sent.xml"
        path.write_text('''<mavlink>
          <enums>
            <enum name="E"><entry value="1" name="E_A"/><entry value="5" name="E_B"/></enum>
            <enum name="F" bitmask="true"><entry value="1" name="F_A"/></enum>
          </enums>
          <messages><message id="1" name="M">
            <field type="uint16_t" name="outside" enum="E" invalid="UINT16_MAX"/>
            <field type="uint16_t" name="within" enum="E" invalid="5"/>
            <field type="uint16_t" name="named" enum="E" invalid="E_A"/>
            <field type="uint16_t[2]" name="list" enum="E" invalid="[UINT16_MAX:]"/>
            <field type="uint16_t" name="bits" enum="F" invalid="0"/>
            <field type="uint16_t" name="all_bits" enum="F" invalid="UINT16_MAX"/>
            <field type="uint8_t[2]" name="load" maxValue="100" invalid="[UINT8_MAX]"/>
            <field type="uint8_t" name="one_load" maxValue="100" invalid="UINT8_MAX"/>
            <field type="float[2]" name="angle" minValue="-1" maxValue="1" invalid="[NaN:]"/>
            <extensions/>
            <field type="uint16_t" name="later" enum="E"/>
            <field type="uint16_t" name="later_bits" enum="F"/>
            <field type="uint8_t" name="later_load" minValue="1" maxValue="100"/>
            <field type="uint8_t" name="later_range" maxValue="100"/>
          </message></messages></mavlink>''')
        (schema,) = whole_way.imported("mavlink", [str(path)], self.folder / "out", options=["--packed"])
        text = schema.read_text()
        self.assertEqual(dict(re.findall(r"(?m)^      ([a-z_]+): (.*)", text.partition("messages:")[2].partition("crc_extra")[2])), {
            "angle": "'f32[2]'", "outside": "{type: 'u16?', absent: 65535}", "within": "e", "named": "e", "list": "'u16[2]'", "bits": "f",
            "all_bits": "{type: 'u16?', absent: 65535}", "load": "'u8[2]'", "one_load": "{type: 'u8?', range: [0, 100], absent: 255}",
            "later": "u16", "later_bits": "f", "later_load": "u8", "later_range": "{type: u8, range: [0, 100]}"})
        self.assertEqual(re.findall("# lost: (the range .*), sent", text), [
            "the range [-1, 1]: payloads have nan, too", "the range [0, 100]: payloads have 255, too", "the range [1, 100]: payloads have 0, too"])

    def test_included_definitions_are_found_in_the_folders_of_include(self):
        for folder in ("a", "b"):
            (self.folder / folder).mkdir()
        (self.folder / "a/top.xml").write_text('<mavlink><include>types.xml</include><messages><message id="1" name="M">'
                                               '<field type="uint8_t" name="f" enum="E"/></message></messages></mavlink>')
        (self.folder / "b/types.xml").write_text('<mavlink><enums><enum name="E"><entry value="1" name="A"/></enum></enums></mavlink>')
        status, out, err = main("import", "mavlink", "-I", self.folder / "b", "-o", self.folder / "out", self.folder / "a/top.xml")
        self.assertEqual((status, err, len(out.splitlines())), (0, "", 2))

    @long
    @unittest.skipUnless(len(compilers("gcc", "g++", "clang")) == 3, "gcc, g++ or clang is missing")
    def test_the_generated_c_is_free_of_warnings_and_its_suite_passes(self):
        for language in LANGUAGES:
            for name in GOOD[language]:
                with self.subTest(name):
                    schema, = whole_way.imported(language, [str(HERE / language / name)], self.folder / name / "schema")
                    (self.folder / name / "c").mkdir()
                    self.assertRegex(whole_way.built_and_run(schema, self.folder / name / "c"), r"\A100%: Checks: [1-9]")


class Errors(unittest.TestCase):
    """bad/ has a definition for each mistake, and beside it exactly what the command prints."""

    maxDiff = None

    def setUp(self):
        here = Path.cwd()
        os.chdir(BAD)                       # so that messages show the bare name
        self.addCleanup(os.chdir, here)
        self.names = sorted(path.name for path in BAD.iterdir() if path.suffix != ".err")

    def test_each_wrong_definition_gives_exactly_the_expected_errors_and_no_file(self):
        before = sorted(BAD.iterdir())
        for name in self.names:
            language = name.partition("_")[0]
            if language in LANGUAGES:
                with self.subTest(name):
                    status, out, err = main("import", language, name)
                    self.assertEqual((status, out), (1, ""))
                    golden = BAD / f"{name}.err"
                    if UPDATE:
                        golden.write_text(err, encoding="utf-8")
                    self.assertEqual(golden.read_text(encoding="utf-8"), err)
                    self.assertRegex(err, rf"\A{re.escape(name)}:[1-9][0-9]*:[1-9][0-9]*: error: ")
        if not UPDATE:
            self.assertEqual(sorted(BAD.iterdir()), before)

    def test_every_error_of_an_importer_has_a_wrong_definition(self):
        golden = "".join(path.read_text(encoding="utf-8") for path in BAD.glob("*.err"))
        for path in (ROOT / "gen/importers").glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "wrong" and isinstance(node.args[1], (ast.Constant, ast.JoinedStr)):
                    parts = [node.args[1]] if isinstance(node.args[1], ast.Constant) else node.args[1].values
                    pattern = "".join(re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in parts)
                    if "larger" not in pattern and "gives" not in pattern:         # tested below, or it takes two folders
                        self.assertRegex(golden, f": error: {pattern} \\[import\\]\n", f"{path.name}:{node.lineno}")


class Writing(CommandTest):
    def test_a_schema_that_is_there_is_not_overwritten_without_force(self):
        rover = HERE / "mavlink/rover.xml"
        self.out.mkdir()
        (self.out / "rover.yaml").write_text("mine\n")
        status, out, err = main("import", "mavlink", "-o", self.out, rover)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("rover.yaml exists already; with --force, import overwrites it. No file was written", err)
        self.assertEqual((self.names(), (self.out / "rover.yaml").read_text()), (["rover.yaml"], "mine\n"))
        self.assertEqual(main("import", "mavlink", "--force", "-o", self.out, rover)[0], 0)
        self.assertEqual(self.names(), ["base_types.yaml", "rover.yaml"])

    def test_if_one_of_two_files_is_wrong_nothing_is_written(self):
        status, out, _ = main("import", "sbe", "-o", self.out, HERE / "sbe/orders.xml", BAD / "sbe_unknown_type.xml")
        self.assertEqual((status, out, self.out.exists()), (1, "", False))

    def test_a_missing_file_is_trouble_with_a_file(self):
        for language in LANGUAGES:
            status, out, err = main("import", language, "-o", self.out, "nowhere.xml")
            self.assertEqual((status, out, err), (2, "", "protopool: nowhere.xml: No such file or directory\n"))

    def test_dialects_that_are_imported_together_share_their_enums(self):
        done = main("import", "mavlink", "-o", self.out, HERE / "mavlink/rover.xml", HERE / "mavlink/base.xml")
        self.assertEqual((done[0], done[2]), (0, ""))
        self.assertEqual(self.names(), ["base.yaml", "base_types.yaml", "rover.yaml"])
        for name in ("base", "rover"):
            self.assertIn("import: base_types.yaml", (self.out / f"{name}.yaml").read_text())
        self.assertEqual(main("generate", "-o", self.out, self.out / "rover.yaml", self.out / "base.yaml")[0], 0)

    def test_a_field_that_is_narrower_than_its_enum_is_marked(self):
        path = self.folder / "narrow.xml"
        path.write_text('<mavlink><enums><enum name="E"><entry value="300" name="A"/></enum><enum name="F" bitmask="true"><entry value="256" name="G"/></enum></enums>'
                        '<messages><message id="1" name="M">\n<field type="uint8_t" name="a" enum="E"/>\n<field type="int16_t" name="b" enum="E"/>\n'
                        '<field type="uint8_t" name="c" enum="F"/>\n<field type="uint32_t" name="d" enum="F"/>\n</message></messages></mavlink>')
        self.assertEqual(main("import", "mavlink", "-o", self.out, path)[::2], (0, ""))
        text = (self.out / "narrow.yaml").read_text()
        self.assertEqual(re.findall("# lost: (.*)", text), ["its type u8, which does not hold all values of e, narrow.xml:2",
                                                            "its type u8, which does not hold all values of f, narrow.xml:4"])

    def test_errors_are_printed_in_every_format(self):
        status, out, err = main("import", "mavlink", "--format=json", BAD / "mavlink_same_id.xml")
        self.assertEqual((status, err), (1, ""))
        self.assertIn('"rule": "import"', out)

    def test_without_protoc_the_command_says_what_is_missing(self):
        with mock.patch.dict(os.environ, {"PATH": str(self.folder)}):
            status, out, err = main("import", "proto", HERE / "proto/shop.proto")
        self.assertEqual((status, out), (2, ""))
        self.assertIn("import proto needs protoc, and Python's package protobuf; on Debian: protobuf-compiler and python3-protobuf", err)


@unittest.skipUnless(HAS_PROTOC, WHY_NOT)
class Proto(FolderTest):
    def test_messages_that_contain_each_other_are_not_lost(self):
        path = self.folder / "tree.proto"
        path.write_text('syntax = "proto3";\nmessage Other { int32 x = 1; }\nmessage Node {\n  int32 y = 1;\n  Leaf leaf = 2;\n}\n'
                        'message Leaf {\n  Node up = 1;\n  int32 z = 2;\n  Value value = 3;\n}\n'
                        'message Value {\n  repeated Value list = 1;\n  int32 number = 2;\n}\n')
        status, out, err = main("import", "proto", "-o", self.folder / "out", path)
        self.assertEqual((status, err), (0, ""))
        text = (self.folder / "out/tree.yaml").read_text()
        self.assertEqual(re.findall(r"# lost: (\w+: .*)", text), ["leaf: Leaf contains itself, tree.proto:5", "list: Value contains itself, tree.proto:13"])
        self.assertEqual(re.findall(r"(?m)^  (\w+):$", text.partition("structs:")[2]), ["node", "leaf", "value", "Other", "Node"])
        self.assertEqual(main("generate", "-o", self.folder / "c", self.folder / "out/tree.yaml")[0], 0)

    def imported(self, text: str) -> str:
        """The schema for a file, from which C can be generated."""
        (self.folder / "it.proto").write_text(f'syntax = "proto3";\n{text}')
        self.assertEqual(main("import", "proto", "--force", "-o", self.folder, self.folder / "it.proto")[::2], (0, ""))
        self.assertEqual(main("generate", "-o", self.folder, self.folder / "it.yaml")[::2], (0, ""))
        return (self.folder / "it.yaml").read_text()

    def test_of_a_oneof_what_contains_itself_is_lost_and_what_is_left_alone_is_optional(self):
        text = self.imported("message Tree {\n  oneof of {\n    Tree left = 1;\n    int32 leaf = 2;\n  }\n  oneof other {\n    Tree right = 3;\n    int32 x = 4;\n    int32 y = 5;\n  }\n"
                             "}\nmessage Top { Tree tree = 1; }\n")
        self.assertRegex(text, r"(?m)^  tree:\n    fields:\n      # lost: left: Tree contains itself, it.proto:4\n      leaf: 'i32\?'\n      other:\n        one_of:\n"
                               r"          # lost: right: Tree contains itself, it.proto:8\n          x: i32\n          'y': i32\n        optional: true\n")

    def test_more_members_of_a_oneof_than_alternatives_are_optional_fields(self):
        for count, wanted in ((127, 0), (128, 128)):
            members = "".join(f"int32 x{i} = {i + 1};\n" for i in range(count))
            text = self.imported(f"message Many {{ oneof of {{ {members} }} }}\n")
            self.assertEqual((text.count("# lost: at most one of the fields of of is there: they are more than 127"), text.count("'i32?'")), (wanted, wanted))
            self.assertEqual(text.count("one_of:"), 0 if wanted else 1)

    def test_a_oneof_and_a_type_of_one_name_get_different_names_in_c(self):
        text = self.imported("message Order {\n  enum Payment { CASH = 0; CARD = 1; }\n  oneof payment { Payment how = 1; string why = 2; }\n}\n")
        self.assertRegex(text, r"(?m)^      payment:\n        one_of:\n          how: order_payment\n          why: 'string\[<=max_text\]'\n        optional: true\n")
        self.assertEqual(re.findall("c_name: (.*)", text), ["payment_field"])

    def test_files_that_are_imported_together_share_their_types(self):
        shop, shapes = HERE / "proto/shop.proto", HERE / "proto/shapes.proto"
        status, out, err = main("import", "proto", "-o", self.folder, shop, shapes)
        self.assertEqual((status, err, [Path(line).name for line in out.split()]), (0, "", ["shapes_types.yaml", "shapes.yaml", "shop.yaml"]))
        self.assertIn("import: shapes_types.yaml", (self.folder / "shop.yaml").read_text())
        self.assertEqual(main("generate", "-o", self.folder, self.folder / "shop.yaml", self.folder / "shapes.yaml")[0], 0)

    def test_lists_of_texts_in_structs_of_any_file_have_elements_of_their_own(self):
        (self.folder / "b.proto").write_text('syntax = "proto3";\nmessage In { repeated string a = 1; }\nmessage Top { In in = 1; }\nmessage B { message Text { int32 x = 1; }\n Text text = 1; }\n')
        (self.folder / "a.proto").write_text('syntax = "proto3";\nimport "b.proto";\nmessage Of { repeated string a = 1; }\nmessage A { Of of = 1; In in = 2; B b = 3; }\n')
        for chosen in (["a"], ["b"], ["a", "b"]):
            self.assertEqual(main("import", "proto", "--force", "-o", self.folder, *(self.folder / f"{name}.proto" for name in chosen))[::2], (0, ""))
            self.assertEqual(main("generate", "-o", self.folder, *(self.folder / f"{name}.yaml" for name in chosen))[::2], (0, ""))

    def test_imported_files_are_found_in_the_folders_of_include(self):
        (self.folder / "a/deep").mkdir(parents=True)
        (self.folder / "b").mkdir()
        (self.folder / "b/other.proto").write_text('syntax = "proto3";\npackage o;\nmessage Other { int32 x = 1; }\n')
        (self.folder / "a/deep/main.proto").write_text('syntax = "proto3";\nimport "other.proto";\nmessage Main { o.Other other = 1; }\n')
        path = self.folder / "a/deep/main.proto"
        self.assertEqual(main("import", "proto", "-o", self.folder / "out", path)[0], 1)
        status, out, err = main("import", "proto", "-I", self.folder / "b", "-I", self.folder / "a", "-o", self.folder / "out", path)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([Path(line).name for line in out.split()], ["other.yaml", "main.yaml"])

    def test_a_message_that_others_contain_and_that_a_call_sends_is_a_struct_and_a_variant(self):
        (self.folder / "s.proto").write_text('syntax = "proto3";\nmessage A { int32 x = 1; }\nmessage B { A a = 1; }\n'
                                             "service S { rpc Call(A) returns (B); }\n")
        self.assertEqual(main("import", "proto", "-o", self.folder, self.folder / "s.proto")[0], 0)
        text = (self.folder / "s.yaml").read_text()
        self.assertRegex(text, r"(?m)^structs:\n  a:$")
        self.assertRegex(text, r"(?m)^messages:\n  A:$")


class Names(unittest.TestCase):
    def test_names_follow_the_rules_of_lint(self):
        for name, lower, camel in (("MAV_TYPE", "mav_type", "MavType"), ("someNumbers", "some_numbers", "SomeNumbers"),
                                   ("GPS2_RAW", "gps2_raw", "Gps2Raw"), ("FOO_3D", "foo_3d", "Foo3d"), ("HEARTBEAT", "heartbeat", "Heartbeat"),
                                   ("NewOrder", "new_order", "NewOrder"), ("a-b.c", "a_b_c", "ABC".capitalize()), ("__x__", "x", "X")):
            self.assertEqual((names.lower(name), names.camel(name)), (lower, camel))

    def test_values_lose_the_name_of_their_enum_or_the_words_that_all_begin_with(self):
        self.assertEqual(names.stripped("MAV_TYPE", ["MAV_TYPE_A", "MAV_TYPE_B"]), ["a", "b"])
        self.assertEqual(names.stripped("MavType", ["MAV_TYPE_A", "OTHER"]), ["a", "other"])
        self.assertEqual(names.stripped("X", ["COLOR_RED", "COLOR_GREEN"]), ["red", "green"])
        self.assertEqual(names.stripped("X", ["COLOR_RED", "COLOR_RED_DARK"]), ["red", "red_dark"])
        self.assertEqual(names.stripped("X", ["X", "X_A", "A"]), ["x", "x_a", "a"])

    def test_texts_are_quoted_where_yaml_would_read_something_else(self):
        for text in ("on", "NO", "null", "~", "12", "1.5", "-1", "a: b", "a #b", "%", "it's", "[x]", "a, b", "a ", "x:", "é"):
            self.assertTrue(writer.scalar(text).startswith("'"), text)
        for text in ("a b", "u8", "x<=3", "m/s", "Who (else)?".removesuffix("?")):
            self.assertEqual(writer.scalar(text), text)


class Xml(FolderTest):
    def test_numbers_are_read_as_the_formats_write_them(self):
        place = Place(1, 1, 1, Source("x"))
        for text, number in (("7", 7), (" 08 ", 8), ("0x1F", 31), ("0b101", 5), ("2**31", 2**31), ("-4", -4)):
            self.assertEqual(xml_tree.integer(text, place, "it"), number)
        for text in ("", "x", "1.5", "2**", "0x", "9" * 80):
            with self.assertRaises(SchemaError):
                xml_tree.integer(text, place, "it")

    def test_a_file_that_is_too_large_is_refused(self):
        path = self.folder / "big.xml"
        path.write_text("<mavlink>" + " " * (4 << 20) + "</mavlink>")
        status, _, err = main("import", "mavlink", path)
        self.assertEqual((status, "the file is larger than 4 MiB" in err), (1, True))


if __name__ == "__main__":
    unittest.main()
