# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How optional fields, structs, lists and tails are laid out, and that the engine agrees on slot sizes."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, emit, lay_out, long, of_fields

from gen.tail_slots import tail_index, tail_slot

CC = os.environ.get("CC", "gcc").split()


class Layouts(unittest.TestCase):
    def offsets(self, text: str) -> dict[str, int]:
        return {name: m.offset for m in lay_out(text).messages[0].members for name in (m.bits or (m.name,))}

    def test_optional_fields_share_a_byte_of_bits(self):
        text = of_fields({**{f"f{i}": "u8?" for i in range(9)}, "last": "u16"})
        layout = lay_out(text).messages[0]
        bits = next(m for m in layout.members if m.bits)
        self.assertEqual((bits.size, bits.bits[0], layout.size, layout.padding), (2, "has_f0", 14, 0))

    def test_structs_are_laid_out_like_messages_without_a_tag(self):
        head = "structs: {s: {fields: {a: u8, b: u64, c: 'u8[3]'}}, t: {fields: {s: 's[2]', u: u8}}}\n"
        layout = lay_out(of_fields({"t": "t"}, head))
        self.assertEqual([(s.model.name.c, s.size, s.align, s.padding) for s in layout.structs],
                         [("s", 16, 8, 4), ("t", 40, 8, 7)])

    def test_structs_may_stand_in_any_order(self):
        head = "structs: {b: {fields: {a: a}}, a: {fields: {x: u8}}}\n"
        header = emit(of_fields({"b": "b"}, head))["calc.h"]
        self.assertLess(header.index("struct calc_a {"), header.index("struct calc_b {"))

    @long
    def test_structs_may_be_nested_to_any_depth_in_any_order(self):
        for order in (1, -1):
            chain = [f"  s{i}: {{fields: {{a: s{i - 1}}}}}\n" if i else "  s0: {fields: {a: {type: u8, range: [1, 9]}}}\n" for i in range(1900)]
            files = emit("protocol: p\nstructs:\n" + "".join(chain[::order]) + "messages: {A: {fields: {x: s1899}}}\n")
            self.assertLess(files["p.h"].index("struct p_s0 {"), files["p.h"].index("struct p_s1899 {"))

    def test_a_list_has_the_narrowest_length(self):
        self.assertEqual(self.offsets(of_fields({"a": "u16[<=255]", "b": "u8[<=256]"}))["a_len"], 1)


class Tails(unittest.TestCase):
    def test_a_tail_begins_after_the_struct_aligned_for_its_elements(self):
        for kind, size, offset, end in (("string", 12, 12, 1), ("bytes", 12, 12, 0), ("u16[]", 12, 12, 0), ("u64[]", 12, 16, 0)):
            layout = lay_out(of_fields({"a": "u32", "b": "u8", "t": kind})).messages[0]
            self.assertEqual((layout.size, layout.tail.offset, layout.tail.end), (size, offset, end), kind)

    def test_max_bounds_a_tail_and_narrows_its_length(self):
        for most, size in ((255, 2), (256, 4)):
            layout = lay_out(f"protocol: p\nmessages: {{M: {{fields: {{t: {{type: bytes, max: {most}}}}}}}}}\n").messages[0]
            self.assertEqual((layout.size, layout.most_bytes), (size, size + most))
        self.assertEqual(lay_out(of_fields({"t": "u64[]"})).messages[0].most_bytes, 2**31 - 8)

    def test_slot_sizes_reach_from_the_shortest_to_the_longest(self):
        text = "protocol: p\nmessages: {M: {fields: {a: 'u64[3]', t: {type: bytes, max: 2000}}}}\n"
        sizes = [s.bytes for s in lay_out(text).slot_sizes]
        self.assertEqual(sizes, [*range(32, 1025, 16), 1280, 1536, 1792, 2048])

    def test_tails_lie_behind_each_other_each_aligned_for_its_elements(self):
        message = lay_out(of_fields({"t": "string", "n": "u64[]", "a": "u8", "b": "bytes", "w": "u16[]", "x": "bool[]"})).messages[0]
        self.assertEqual([(t.name, t.number, t.align, t.has_gap) for t in message.tails],
                         [("t", 1, 1, False), ("n", 2, 8, True), ("b", 3, 1, False), ("w", 4, 2, True), ("x", 5, 1, False)])
        self.assertEqual(message.size, 24)
        of = {"t": 3, "n": 2, "b": 1, "w": 5, "x": 4}
        self.assertEqual(message.bytes(lambda tail: of[tail.name]), 32 + 16 + 2 + 10 + 4)
        self.assertEqual((message.least_bytes, message.most_bytes), (32, 2**31 - 1))
        self.assertEqual([t.most for t in message.tails][:2], [2**31 - 1 - 32, (2**31 - 1 - 32) // 8])

    def test_no_tail_has_a_gap_before_it_where_the_one_before_ends_aligned(self):
        message = lay_out(of_fields({"n": "u64[]", "w": "u32[]", "x": "u16[]", "y": "u32[]"})).messages[0]
        self.assertEqual([t.has_gap for t in message.tails], [False, False, False, True])

    def test_a_slot_size_is_shared_with_messages_that_have_no_tail(self):
        layout = lay_out("protocol: p\nmessages:\n  A: {max_live: 3, fields: {a: 'u8[15]'}}\n"
                         "  B: {max_live: 2, fields: {t: {type: bytes, max: 14}}}\n")
        self.assertEqual([(s.bytes, s.budget, len(s.messages), s.has_tails) for s in layout.slot_sizes], [(16, 5, 2, True)])

    def test_the_engine_and_the_layout_agree_on_the_slot_size_of_every_length(self):
        steps = {edge + near for index in range(1, 149) for edge in (tail_slot(index),) for near in (-1, 0, 1)}
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
                self.assertEqual([int(n) for n in found.split()], [tail_index(size) for size in sizes])
        for size in sizes:
            slot = tail_slot(tail_index(size))
            self.assertTrue(size <= slot < size + (16 if size <= 1024 else size / 4 + 1), size)


if __name__ == "__main__":
    unittest.main()
