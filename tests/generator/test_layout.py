# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The layout's promises: offsets and sizes that compilers confirm, least padding, tags, enum bases."""

import itertools
import random
import re
import subprocess
import unittest
from pathlib import Path

from support import (GENERATED, GOOD, FolderTest, compile_c, compilers, emit, engine_is_there, lay_out, long, of_fields,
                     random_fields, random_schema, write_all)

ENUMS = "enums: {small: {values: [a, b]}, wide: {base: i64, values: {a: -1, b: 5000000000}}}\n"
COMPILED = unittest.skipUnless(compilers("gcc", "clang") and engine_is_there(), "no compiler, or no engine")


def laid(fields: dict[str, str], head: str = ENUMS):
    return lay_out(of_fields(fields, head)).messages[0]


def offsets(fields: dict[str, str], head: str = ENUMS) -> dict[str, int]:
    """The offset of each member, and the size of the message as "size"."""
    message = laid(fields, head)
    return {**{member.name: member.offset for member in message.members}, "size": message.size}


class Offsets(unittest.TestCase):
    def test_scalars_stand_at_multiples_of_their_size(self):
        self.assertEqual(offsets({"left": "u64", "right": "u64"}), {"left": 8, "right": 16, "size": 24})
        self.assertEqual(offsets({"value": "f64"}), {"value": 8, "size": 16})
        self.assertEqual(offsets({"value": "f32"}), {"value": 4, "size": 8})
        self.assertEqual(offsets({"flag": "bool"}), {"flag": 1, "size": 2})

    def test_the_tags_padding_is_filled_first(self):
        self.assertEqual(offsets({"d": "u64", "c": "u32", "b": "i16", "a": "char"}),
                         {"a": 1, "b": 2, "c": 4, "d": 8, "size": 16})

    def test_texts_and_bytes_follow_their_length(self):
        self.assertEqual(offsets({"name": "string[<=7]"}), {"name_len": 1, "name": 2, "size": 10})
        self.assertEqual(offsets({"data": "bytes[<=7]"}), {"data_len": 1, "data": 2, "size": 9})
        self.assertEqual(offsets({"code": "char[4]"}), {"code": 1, "size": 5})

    def test_lengths_take_the_narrowest_type(self):
        for bound, c_type in ((1, "uint8_t"), (255, "uint8_t"), (256, "uint16_t"), (65535, "uint16_t"),
                              (65536, "uint32_t")):
            for kind in ("string", "bytes"):
                length = next(m for m in laid({"a": f"{kind}[<={bound}]"}).members if m.name == "a_len")
                self.assertEqual(length.c_type, c_type)

    def test_enums_take_their_base(self):
        self.assertEqual(offsets({"b": "wide", "a": "small"}), {"a": 1, "b": 8, "size": 16})

    def test_a_message_without_fields_is_its_tag_and_has_no_slot(self):
        message = lay_out("protocol: calc\nmessages: {Quit: }\n").messages[0]
        self.assertEqual((message.size, message.slot_class), (1, 0))

    def test_constants_are_bounds(self):
        self.assertEqual(offsets({"a": "u8[n]"}, "constants: {n: 0x10}\n"), {"a": 1, "size": 17})

    def test_the_largest_message_is_just_under_two_gib(self):
        self.assertEqual(laid({"a": "u8[2147483646]"}).size, 2**31 - 1)
        self.assertEqual(laid({"a": "u64[268435454]"}).size, 2**31 - 8)

    def test_slot_sizes_are_shared_and_their_budgets_added(self):
        layout = lay_out("protocol: calc\nmessages:\n  A: {max_live: 3, fields: {a: u64}}\n  Quit: {max_live: 9}\n"
                         "  B: {max_live: 4, fields: {b: i64}}\n  C: {fields: {c: u8}}\n")
        self.assertEqual([(slot.bytes, slot.budget, [m.model.name.schema for m in slot.messages])
                          for slot in layout.slot_sizes], [(2, 0, ["C"]), (16, 7, ["A", "B"])])


def size_of(tag: int, members) -> int:
    """sizeof a struct of a tag and these (size, alignment), in this order."""
    end, most = tag, tag
    for size, align in members:
        end, most = -(-end // align) * align + size, max(most, align)
    return -(-end // most) * most


class Padding(unittest.TestCase):
    def test_no_order_of_the_members_is_smaller(self):
        for seed in range(400):
            rng = random.Random(seed)
            fields = random_fields(rng, ["small", "wide"], 4)
            text = of_fields(fields, ENUMS)
            if rng.random() < 0.3:
                text += "  Last: {tag: 65535}\n"
            layout = lay_out(text)
            message = layout.messages[0]
            members = [(m.size, m.align) for m in message.members]
            least = min(size_of(layout.tag.size, order) for order in set(itertools.permutations(members[:7])))
            if len(members) <= 7:
                self.assertEqual(message.size, least, text)
            self.assertEqual(message.padding, message.size - layout.tag.size - sum(size for size, _ in members))

    def test_members_never_overlap(self):
        for seed in range(60):
            layout = lay_out(random_schema(seed))
            for message in layout.messages:
                end = layout.tag.size
                for member in message.members:
                    self.assertGreaterEqual(member.offset, end)
                    self.assertEqual(member.offset % member.align, 0)
                    end = member.offset + member.size
                self.assertLessEqual(end, message.size)


@COMPILED
class Compiled(FolderTest):
    """The emitted C asserts every size and offset. Compilers agree and print no warning."""

    def assert_compiles(self, text, *flags, cpp=True):
        files = emit(text)
        stem = min(files, key=len)[:-2]
        write_all(self.folder, files)
        Path(self.folder, "use.cpp").write_text(f'#include "{stem}.h"\n#include "{stem}.h"\n')
        for compiler in compilers("gcc", "clang"):
            self.assertEqual(compile_c(compiler, self.folder, f"{stem}.c", *flags), "", text)
            if not flags:
                self.assertEqual(compile_c(compiler, self.folder, f"{stem}_check.c"), "", text)
        for compiler in compilers("g++", "clang++") if cpp else ():
            self.assertEqual(compile_c(compiler, self.folder, "use.cpp", *flags), "", text)

    @long
    def test_random_schemas_hold_their_assertions(self):
        for seed in range(12):
            self.assert_compiles(random_schema(seed))

    def test_the_same_offsets_hold_on_32_bits(self):
        Path(self.folder, "probe.c").write_text("#include <stdint.h>\n#include <stdio.h>\nextern int x;\n")
        if compile_c("gcc", self.folder, "probe.c", "-m32"):
            self.skipTest("gcc has no headers for -m32")
        for seed in range(4):
            self.assert_compiles(random_schema(seed), "-m32", cpp=False)

    @long
    def test_the_repositorys_schemas_compile(self):
        for path in GOOD:
            self.assert_compiles(path.read_bytes())

    def test_the_file_emitted_asserts_every_size_and_offset(self):
        text = random_schema(5)
        write_all(self.folder, emit(text))
        expanded = subprocess.run([compilers("gcc", "clang")[0], "-E", "-P", "-I", GENERATED, "calc.c"], cwd=self.folder, check=True,
                                  capture_output=True, text=True).stdout
        asserted = {re.sub(r"[\s()]|__builtin_", "", claim) for claim in re.findall(r'_Static_assert\s*\(([^"]*),', expanded)}
        layout = lay_out(text)
        for record in layout.structs + layout.messages:
            struct = f"structcalc_{record.model.name.c}"
            self.assertIn(f"sizeof{struct}=={record.size}", asserted)
            for member in (m for m in record.members if not m.bits):        # a bit-field has no offset
                self.assertIn(f"offsetof{struct},{member.name}=={member.offset}", asserted)

    def test_a_wrong_size_does_not_compile(self):
        files = emit("protocol: calc\nmessages: {Add: {fields: {left: u64}}}\n")
        write_all(self.folder, files)
        compiler = compilers("gcc", "clang")[0]
        self.assertEqual(compile_c(compiler, self.folder, "calc.c"), "")
        header = files["calc.h"].replace(" left;", " left; uint64_t more;", 1)
        self.assertNotEqual(header, files["calc.h"])
        write_all(self.folder, {"calc.h": header})
        self.assertRegex(compile_c(compiler, self.folder, "calc.c"), "static.assert")

    @long
    def test_enums_at_the_edges_of_their_types(self):
        for base, low, high in (("u8", 0, 255), ("i8", -128, 127), ("u16", 0, 65535), ("i16", -2**15, 2**15 - 1),
                                ("u32", 0, 2**32 - 1), ("i32", -2**31, 2**31 - 1), ("u64", 0, 2**64 - 1),
                                ("i64", -2**63, 2**63 - 1)):
            head = f"enums: {{edge: {{base: {base}, values: {{low: {low}, high: {high}}}}}}}\n"
            self.assert_compiles(of_fields({"one": "edge", "three": "edge[3]"}, head))

    @long
    def test_an_enum_may_declare_every_value_of_its_base(self):
        for low in (0, -128):
            values = ", ".join(f"v{i}: {low + i}" for i in range(256))
            head = f"enums: {{full: {{values: {{{values}}}}}}}\n"
            self.assert_compiles(of_fields({"one": "full", "two": "full[2]"}, head))

    def test_an_enum_that_no_field_uses(self):
        self.assert_compiles("protocol: calc\nenums: {unused: {values: [a]}, wide: {values: {a: 5000000000}}}\n"
                             "messages: {Quit: }\n")

    def test_constants_at_the_edges(self):
        edges = (0, -1, 2**31 - 1, 2**31, -2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -2**63)
        head = "constants: {" + ", ".join(f"c{i}: {n}" for i, n in enumerate(edges)) + "}\n"
        self.assert_compiles(of_fields({"a": "u8"}, head))
        lines = [f"_Static_assert(CALC_C{i} {'<' if n < 0 else '>='} 0, \"\");" for i, n in enumerate(edges)]
        Path(self.folder, "edge.c").write_text('#include "calc.h"\n' + "\n".join(lines) + "\n")
        self.assertEqual(compile_c(compilers("gcc", "clang")[0], self.folder, "edge.c", "-Wno-type-limits"), "")

    def test_tags_of_four_bytes(self):
        self.assert_compiles("protocol: calc\nmessages:\n  A: {tag: 655370, fields: {a: u8}}\n  B: {tag: 2147483647}\n"
                             "  C: {tag: 1, fields: {a: 'u64?', t: string}}\n")

    def test_tags_of_two_bytes_and_large_messages(self):
        self.assert_compiles("protocol: calc\nmessages:\n  A: {tag: 65535, fields: {a: u8}}\n  B: {tag: 'B'}\n"
                             "  C: {tag: 256, fields: {big: 'u8[40000]'}}\n")

    @long
    def test_every_padding_character(self):
        for character in ("'", '"', "\\", "?", " ", "%", "/", "*", "A", "~"):
            escaped = f"\\x{ord(character):02x}"
            self.assert_compiles("protocol: calc\nmessages:\n  A:\n    fields:\n      a:\n        type: char[3]\n"
                                 f'        pad: "{escaped}"\n')


class Tags(unittest.TestCase):
    @staticmethod
    def tags(*written) -> list[int]:
        messages = "".join(f"  M{i}: {f'{{tag: {tag}}}' if tag else ''}\n" for i, tag in enumerate(written))
        return [m.model.tag for m in lay_out(f"protocol: calc\nmessages:\n{messages}").messages]

    def test_tags_count_on_from_the_previous_one(self):
        self.assertEqual(self.tags(None, None, None), [1, 2, 3])
        self.assertEqual(self.tags(None, 10, None, 5, None), [1, 10, 11, 5, 6])

    def test_tags_are_decimal_hexadecimal_or_letters(self):
        self.assertEqual(self.tags(7, "0x10", "'A'", None, '"z"'), [7, 16, 65, 66, 122])

    def test_the_tag_takes_two_bytes_where_one_does_not_hold_it_or_leaves_no_other_value(self):
        def tag(count, last=""):
            text = "protocol: calc\nmessages:\n" + "".join(f"  M{i}:\n" for i in range(count)) + last
            return lay_out(text).tag.c

        self.assertEqual(tag(254), "uint8_t")
        self.assertEqual(tag(255), "uint16_t")
        self.assertEqual(tag(1, "  L: {tag: 255}\n"), "uint8_t")
        self.assertEqual(tag(1, "  L: {tag: 256}\n"), "uint16_t")
        self.assertEqual(tag(1, "  L: {tag: 65535}\n"), "uint16_t")

    def test_the_tag_takes_four_bytes_only_where_two_do_not_hold_it(self):
        layout = lay_out("protocol: calc\nmessages: {A: {tag: 65536, fields: {a: u8, b: 'u8[3]'}}, B: {tag: 2147483647}, C: {tag: 9}}\n")
        self.assertEqual((layout.tag.c, [m.size for m in layout.messages], layout.freed_tag), ("uint32_t", [8, 4, 4], 2147483646))

    def test_the_mark_of_a_freed_message_is_no_variants_tag(self):
        for text in ("messages: {A: {tag: 255}, B: {tag: 254}}", "messages: {A: {tag: 65535}, B: {tag: 65534}}",
                     "messages: {A: {tag: 2147483647}, B: {tag: 2147483646}}",
                     "messages:\n" + "".join(f"  M{i}:\n" for i in range(254))):
            layout = lay_out(f"protocol: calc\n{text}\n")
            self.assertNotIn(layout.freed_tag, {m.model.tag for m in layout.messages} | {0})
            self.assertLess(layout.freed_tag, 2 ** (8 * layout.tag.size))


class EnumBases(unittest.TestCase):
    def test_the_base_is_the_smallest_that_fits(self):
        for values, base in (("0", "u8"), ("255", "u8"), ("256", "u16"), ("-1", "i8"), ("-1, b: 127", "i8"),
                             ("-1, b: 128", "i16"), ("65536", "u32"), ("-32769", "i32"), ("4294967296", "u64"),
                             ("-1, b: 4294967295", "i64"),
                             ("18446744073709551615", "u64"), ("-9223372036854775808", "i64"), ("'A'", "u8")):
            text = f"protocol: c\nenums: {{e: {{values: {{a: {values}}}}}}}\nmessages: {{M: }}\n"
            self.assertEqual(lay_out(text).protocol.enums[0].base.name, base, values)

    def test_values_count_on_from_the_previous_one(self):
        text = "protocol: c\nenums: {e: {values: {a: , b: 7, c: , d: -2, f: , g: 0x20}}}\nmessages: {M: }\n"
        self.assertEqual([v.number for v in lay_out(text).protocol.enums[0].values], [0, 7, 8, -2, -1, 32])

    def test_an_enum_is_wide_where_a_value_is_no_int(self):
        for value, wide in ((2**31 - 1, False), (2**31, True), (-2**31, False), (-2**31 - 1, True)):
            text = f"protocol: c\nenums: {{e: {{values: {{a: {value}}}}}}}\nmessages: {{M: }}\n"
            self.assertEqual(lay_out(text).protocol.enums[0].wide, wide)


if __name__ == "__main__":
    unittest.main()
