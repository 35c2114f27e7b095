# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool lint`: a schema that each rule reports, one that it does not, and the switches."""

import json
import unittest

from support import GOOD, ROOT, CommandTest, emit, main

from gen.files import read_imported
from gen.lint.lint import lint
from gen.lint.names import RULES

HEAD = "protocol: p\ndoc: A protocol.\n"


def found(schema: str, *rules: str) -> list[str]:
    return [f"{d.place.line}:{d.place.column} {d.rule}: {d.message}" for d in lint("x.yaml", schema.encode(), read_imported, rules or tuple(RULES))]


def fields(written: str, head: str = "") -> str:
    return f"{HEAD}{head}messages:\n  M:\n    doc: A message.\n    fields: {{{written}}}\n"


class Rules(unittest.TestCase):
    def test_naming(self):
        self.assertEqual(found(HEAD + "messages: {AddOrder: {fields: {a_b: u8}}, V2: {}, IPOQuoting: {}, A: {}}\n", "naming"), [])
        self.assertEqual(found(HEAD + "constants: {Most: 1}\nenums: {Kind: {values: [RED, 1x]}}\nmessages: {add: {fields: {Left: u8}}, ADD_B: {}}\n", "naming"), [
            '3:13 naming: the constant "Most" is not in snake_case', '4:9 naming: the enum "Kind" is not in snake_case',
            '4:25 naming: the value "RED" is not in snake_case', '5:12 naming: the variant "add" is not in CamelCase',
            '5:27 naming: the field "Left" is not in snake_case', '5:39 naming: the variant "ADD_B" is not in CamelCase'])

    def test_windows_macro(self):
        self.assertEqual(found(fields("nearby: u8, min: u8, small: {type: u8, c_name: little}, far: {type: u8, c_name: far_off}"), "windows-macro"), [])
        self.assertEqual(found(HEAD + "structs: {s: {fields: {Near: u8}}}\nbit_fields: {b: {bits: {ctl1: 3}}}\n"
                               "messages: {Interface: {fields: {far: u8, x: s, y: {type: u8, c_name: s_addr}}}}\n", "windows-macro"), [
            '3:24 windows-macro: the field "Near" is "near" in C, which is a macro of <windows.h>',
            '4:25 windows-macro: the part "ctl1" is "ctl1" in C, which is a macro of <windows.h>',
            '5:12 windows-macro: the variant "Interface" is "interface" in C, which is a macro of <windows.h>',
            '5:33 windows-macro: the field "far" is "far" in C, which is a macro of <windows.h>',
            '5:48 windows-macro: the field "y" is "s_addr" in C, which is a macro of <windows.h>'])

    def test_missing_doc(self):
        self.assertEqual(found(fields("a: u8"), "missing-doc"), [])
        self.assertEqual(found("protocol: p\nstructs: {s: {fields: {x: u8}}}\nmessages: {M: {fields: {a: s}}}\n", "missing-doc"), [
            '1:11 missing-doc: the protocol "p" has no doc', '2:11 missing-doc: the struct "s" has no doc', '3:12 missing-doc: the variant "M" has no doc'])

    def test_types_with_a_name(self):
        head = "types:\n  id: {type: key, doc: An id.}\n  key: u32\n  Name: {type: 'char[4]', doc: A name.}\n  far: {type: u64, range: [0, 9], doc: Far.}\n"
        self.assertEqual(found(fields("a: id", head)), [
            '5:3 missing-doc: the type "key" has no doc', '6:3 naming: the type "Name" is not in snake_case',
            '6:3 unused-type: no message contains the type "Name"', '7:3 unused-type: no message contains the type "far"'])
        self.assertEqual(found(fields("a: id, b: 'Name?', c: 'far[3]', d: far", head), "unused-type", "wide-type"),
                         ['7:3 wide-type: u8 holds the range of the type "far", 0 to 9: it saves 32 bytes in one message of each variant'])
        self.assertEqual(found(fields("a: {type: far, range: [1, 2]}", head), "wide-type"), [
            '7:3 wide-type: u8 holds the range of the type "far", 0 to 9: it saves 14 bytes in one message of each variant',
            '11:14 wide-type: u8 holds the range of "a", 1 to 2: it saves 14 bytes in "M"'])

    def test_large_variant(self):
        schema = HEAD + "messages: {{A: {{fields: {{a: 'u8[{}]'}}}}, B: {{fields: {{a: 'u8[9]'}}}}}}\n"
        self.assertEqual(found(schema.format(39), "large-variant"), [])
        self.assertEqual(found(schema.format(40), "large-variant"),
                         ['3:12 large-variant: "A" takes 41 bytes, more than 4 times the next largest, "B" with 10'])

    def test_padding(self):
        schema = "structs: {{s: {{fields: {{a: u64, b: {}}}}}}}\n"
        self.assertEqual(found(fields("x: 's[10]'", schema.format("'u8[5]'")), "padding"), [])
        self.assertEqual(found(fields("x: 's'", schema.format("u8")), "padding"), [])
        self.assertEqual(found(fields("x: 's[10]'", schema.format("u8")), "padding"),
                         ['7:14 padding: 7 of the 16 bytes of each "s" are padding: 70 of 160 bytes'])

    def test_wide_type(self):
        self.assertEqual(found(fields("a: {type: u64, range: [0, 70000000000]}, b: {type: u8, range: [0, 9]}, c: 'string[<=255]'"), "wide-type"), [])
        self.assertEqual(found(fields("a: {type: u64, range: [0, 100]}"), "wide-type"),
                         ['6:14 wide-type: u8 holds the range of "a", 0 to 100: it saves 14 bytes in "M"'])
        self.assertEqual(found(fields("a: {type: 'i32?', range: [-200, 100]}"), "wide-type"),
                         ['6:14 wide-type: i16 holds the range of "a", -200 to 100: it saves 4 bytes in "M"'])
        self.assertEqual(found(fields("a: {type: u32, range: [0, 9]}, b: u64"), "wide-type"), [], "no byte is saved")
        self.assertEqual(found(fields("a: 'string[<=256]'"), "wide-type"),
                         ['6:14 wide-type: with a bound of 255, the length of "a" is one byte: it saves 2 bytes in "M"'])
        self.assertEqual(found(fields("a: e", "enums: {e: {base: u32, values: [x]}}\n"), "wide-type"),
                         ['3:9 wide-type: the base u8 holds every value of "e": it saves 6 bytes in one message of each variant'])
        self.assertEqual(found(fields("a: e", "flags: {e: {base: u16, values: {x: 7}}}\n"), "wide-type"),
                         ['3:9 wide-type: the base u8 holds every value of "e": it saves 2 bytes in one message of each variant'])
        self.assertEqual(found(fields("a: e", "flags: {e: {base: u16, values: {x: 8}}}\n"), "wide-type"), [])
        self.assertEqual(found(HEAD + "messages: {A: {fields: {a: u8}}, B: {tag: 256}}\n", "wide-type"),
                         ['3:34 wide-type: tags of at most 255 take one byte: it saves 2 bytes in one message of each variant'])
        self.assertEqual(found(HEAD + "messages: {A: {fields: {a: u8}}, B: {tag: 655370}}\n", "wide-type"),
                         ['3:34 wide-type: tags of at most 255 take one byte: it saves 6 bytes in one message of each variant'])

    def test_unused_types_and_constants(self):
        head = "constants: {n: 2, k: 3}\nenums: {e: {values: [x]}, f: {values: [x]}}\nstructs: {s: {fields: {a: f}}, t: {fields: {a: 'e[n]'}}}\n"
        self.assertEqual(found(fields("a: t", head), "unused-type", "unused-constant"), [
            '3:19 unused-constant: no type uses the constant "k"', '4:27 unused-type: no message contains the enum "f"',
            '5:11 unused-type: no message contains the struct "s"'])
        self.assertEqual(found(fields("a: t, b: s, c: {type: string, max: k}", head), "unused-type", "unused-constant"), [])

    def test_weights(self):
        schema = HEAD + "messages: {{A: {{weight: {}}}, B: {{weight: {}}}, C: {}}}\n"
        for a, b, c, expected in ((60, 40, "{weight: 0}", []), (1, 2, "{weight: 3}", []),
                                  (60, 39, "{weight: 0}", ["the weights add up to 99, and not to 100"]), (0, 0, "{weight: 0}", ["all weights are 0"]),
                                  (60, 40, "{}", ['"C" has no weight, and others have: it counts as 1'])):
            self.assertEqual([line.partition("weights: ")[2] for line in found(schema.format(a, b, c), "weights")], expected)
        self.assertEqual(found(HEAD + "messages: {A: {}, B: {}}\n", "weights"), [])

    def test_history(self):
        head = "enums: {e: {values: {x: {value: 1, deprecated: true}, y: 2}}}\n"
        self.assertEqual(found(fields("a: {type: u8, since: 2}", head).replace("    fields", "    since: 2\n    fields"), "history"), [])
        self.assertEqual([line.partition("history: ")[2] for line in found(
            fields("a: {type: u8, since: 2}, b: {type: e, default: x}, c: {type: e, default: y}", head).replace("    fields", "    since: 3\n    fields"), "history")],
            ['"a" is there since version 2, and "M" only since 3', 'the default of "b", "x", is deprecated'])

    def test_missing_max_live(self):
        schema = HEAD + "messages: {{A: {{max_live: {}, fields: {{a: u8}}}}, B: {{{}fields: {{a: u8}}}}, C: {{}}}}\n"
        self.assertEqual(found(schema.format(1, ""), "missing-max-live"),
                         ['3:47 missing-max-live: "B" has no max_live, and others have: a fixed pool holds none'])
        self.assertEqual(found(schema.format(1, "max_live: 0, "), "missing-max-live"), [])
        self.assertEqual(found(schema.format(0, ""), "missing-max-live"), [])


class Switches(CommandTest):
    BAD = "protocol: p\nmessages: {add: {}, sub: {}}\n"

    def test_in_the_schema(self):
        self.assertEqual(len(found(self.BAD)), 5)
        self.assertEqual(len(found(self.BAD.replace("\nm", "\nlint: {disable: [naming]}\nm"))), 3)
        self.assertEqual(len(found(self.BAD.replace("add: {", "add: {lint: {disable: [naming, missing-doc]}"))), 3)
        self.assertEqual(found(self.BAD.replace("\nm", "\nlint: {disable: [naming, missing-doc]}\nm")), [])

    def test_by_flags(self):
        self.good.write_text(self.BAD)
        self.assertEqual(main("lint", self.good)[:2], (1, ""))
        self.assertEqual(main("lint", "--disable=naming,missing-doc", self.good), (0, "", ""))
        self.assertEqual(main("lint", "--off=naming", "--off", "missing-doc", self.good), (0, "", ""))
        self.assertEqual(main("lint", "--only", "weights", self.good), (0, "", ""))
        status, out, _ = main("lint", "--only", "naming", "--format=json", self.good)
        self.assertEqual((status, [(d["line"], d["column"], d["severity"], d["rule"]) for d in json.loads(out)]),
                         (1, [(2, 12, "warning", "naming"), (2, 21, "warning", "naming")]))
        with self.assertRaises(SystemExit) as ended:
            main("lint", "--only", "nothing", self.good)
        self.assertEqual(ended.exception.code, 2)
        self.assertEqual(main("lint", self.bad)[0], 1)

    def test_the_generator_ignores_them(self):
        self.assertEqual(emit(self.BAD.replace("add: {", "add: {lint: {disable: [naming]}").replace("\nm", "\nlint: {disable: [naming]}\nm")), emit(self.BAD))

    def test_editors_know_the_same_rules(self):
        schema = json.loads((ROOT / "gen/language/schema.json").read_text(encoding="utf-8"))
        self.assertEqual(schema["definitions"]["lint"]["properties"]["disable"]["items"]["enum"], list(RULES))

    def test_our_schemas_are_clean(self):
        self.assertEqual(main("lint", *GOOD), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
