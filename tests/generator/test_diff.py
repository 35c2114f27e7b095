# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--diff: every kind of difference, its place, and whether it breaks programs."""

import re
import tempfile
import unittest
from pathlib import Path

from support import ROOT, command, lay_out, main

from gen.views import breaking, difference

OLD = """\
protocol: calc
constants: {most: 4}
enums: {kind: {values: {red: 1, green: 2}}}
flags: {caps: {values: {read: 0, write: 1}}}
structs:
  point: {fields: {x: i32, y: i32}}
messages:
  Add:
    max_live: 4
    fields: {left: u64, right: u64}
  Move:
    doc: Moves.
    fields:
      to: point
      kind: kind
      caps: 'caps[most]'
      speed: {type: u16, unit: m/s, range: [0, 100]}
      name: 'string[<=7]?'
  Quit: {}
"""


def without_categories(text: str) -> list[str]:
    """The lines but the last; breaking/ has the categories."""
    return [re.sub(r" \[[A-Z, ]+\]\Z", "", line) for line in text.splitlines()[:-1]]


class Differences(unittest.TestCase):
    def changes(self, *replaced: tuple[str, str]) -> list[str]:
        new = OLD
        for before, after in replaced:
            self.assertIn(before, new)
            new = new.replace(before, after)
        differences = breaking.compare(lay_out(OLD), lay_out(new))
        return without_categories(difference.as_text(differences, "old", "new"))

    def test_a_schema_does_not_differ_from_itself(self):
        self.assertEqual(self.changes(), [])
        for path in (ROOT / "schema").glob("*.yaml"):
            layout = lay_out(path.read_bytes())
            self.assertEqual(difference.as_text(breaking.compare(layout, layout), "a", "b"), "no difference\n")

    def test_breaking_differences(self):
        for replaced, expected in {
            ("protocol: calc", "protocol: sums"): ["breaking: the protocol's C name is sums, was calc"],
            ("  Quit: {}\n", ""): ["breaking: old:19:3: message Quit is removed"],
            ("  Quit: {}\n", "  Leave: {}\n"): ["breaking: old:19:3 -> new:19:3: message Quit is renamed to Leave"],
            ("  Quit: {}\n", "  Quit: {tag: 9}\n"): ["breaking: old:19:3 -> new:19:3: message Quit: its tag is 9, was 3"],
            ("  Quit: {}\n", "  Quit: {c_name: stop}\n"): ["breaking: old:19:3 -> new:19:3: message Quit: its C name is stop, was quit"],
            ("max_live: 4", "max_live: 3"):
                ["breaking: old:8:3 -> new:8:3: message Add: a fixed pool guarantees 3 of them, was 4"],
            ("right: u64", "right: i64"): ["breaking: old:10:25 -> new:10:25: message Add: field right is i64, was u64"],
            ("right: u64", "other: u64"): ["breaking: old:10:25: message Add: field right is removed",
                                           "breaking: new:10:25: message Add: field other is new: constructors have another parameter"],
            ("left: u64, right: u64", "right: u64, left: u64"):
                ["breaking: old:10:14 -> new:10:26: message Add: field left is at offset 16, was at 8",
                 "breaking: old:10:25 -> new:10:14: message Add: field right is at offset 8, was at 16",
                 "breaking: old:8:3 -> new:8:3: message Add: its fields, and so the parameters of constructors, are in another order"],
            ("range: [0, 100]", "range: [1, 100]"):
                ["breaking: old:17:7 -> new:17:7: message Move: field speed: its range is 1 to 100, was 0 to 100"],
            ("red: 1, green: 2", "red: 1, green: 3"): ["breaking: old:3:33 -> new:3:33: enum kind: green is 3, was 2"],
            ("red: 1, green: 2", "red: 1"): ["breaking: old:3:33: enum kind: green is removed"],
            ("unit: m/s", "unit: km/h"): ["breaking: old:17:7 -> new:17:7: message Move: field speed: its unit is km/h, was m/s"],
            ("read: 0, write: 1", "read: 0, write: 2"): ["breaking: old:4:34 -> new:4:34: flags caps: write is 2, was 1"],
        }.items():
            with self.subTest(replaced):
                self.assertEqual(self.changes(replaced), expected)

    def test_a_changed_struct_is_reported_with_the_messages_that_contain_it(self):
        self.assertEqual(self.changes(("y: i32", "y: i64")), [
            "breaking: old:6:3 -> new:6:3: struct point takes 16 bytes, was 8",
            "breaking: old:6:28 -> new:6:28: struct point: field y is i64, was i32",
            "breaking: old:11:3 -> new:11:3: message Move takes 40 bytes, was 28",
            "breaking: old:14:7 -> new:14:7: message Move: field to is at offset 24, was at 20"])

    def test_a_changed_constant_is_reported_with_its_consequences(self):
        changes = self.changes(("most: 4", "most: 5"))
        self.assertEqual(changes[0], "compatible: old:2:13 -> new:2:13: constant most is 5, was 4")
        self.assertIn("breaking: old:16:7 -> new:16:7: message Move: field caps is caps[5], was caps[4]", changes)

    def test_compatible_differences(self):
        for replaced, expected in {
            ("  Quit: {}\n", "  Quit: {}\n  More: {}\n"): ["compatible: new:20:3: message More is new, with the tag 4"],
            ("max_live: 4", "max_live: 5"):
                ["compatible: old:8:3 -> new:8:3: message Add: a fixed pool guarantees 5 of them, was 4"],
            ("red: 1, green: 2", "red: 1, green: 2, blue: 3"): ["compatible: new:3:43: enum kind: blue is new, 3"],
            ("read: 0, write: 1", "read: 0, write: 1, run: 2"): ["compatible: new:4:44: flags caps: run is new, 2"],
            ("range: [0, 100]", "range: [0, 101]"):
                ["compatible: old:17:7 -> new:17:7: message Move: field speed: its range is 0 to 101, was 0 to 100"],
            ("doc: Moves.", "doc: Goes."): ["compatible: old:11:3 -> new:11:3: message Move: its doc changes"],
            ("range: [0, 100]", "range: [0, 100], default: 3"):
                ["compatible: old:17:7 -> new:17:7: message Move: field speed: its default changes"],
            ("  Quit: {}\n", "  Quit: {deprecated: true}\n"): ["compatible: old:19:3 -> new:19:3: message Quit is deprecated"],
            ("constants: {most: 4}", "constants: {most: 4, least: 1}"): ["compatible: new:2:22: constant least is new"],
            ("caps[most]", "caps[4]"):
                ["compatible: old:16:7 -> new:16:7: message Move: field caps is written caps[4], was caps[most]"],
        }.items():
            with self.subTest(replaced):
                self.assertEqual(self.changes(replaced), expected)

    def test_different_types_that_are_written_the_same_are_explained(self):
        for before, after, expected in (("string[<=n]", "", "string[<=9], was string[<=8]"), ("string[<= n ]?", "", "string[<= 9 ]?, was string[<= 8 ]?"),
                                        ("t", "", "a struct, t, was an enum, t")):
            old = f"protocol: p\nconstants: {{n: 8}}\nenums: {{t: {{values: [a]}}}}\nmessages: {{M: {{fields: {{f: '{before}'}}}}}}\n"
            new = old.replace("n: 8", "n: 9").replace("enums: {t: {values: [a]}}", "structs: {t: {fields: {a: u8}}}")
            lines = without_categories(difference.as_text(breaking.compare(lay_out(old), lay_out(new)), "old", "new"))
            self.assertTrue(any(line.endswith(f"message M: field f is {expected}") for line in lines), lines)

    def test_the_advice_keeps_the_old_tags(self):
        old = "protocol: p\nmessages:\n  A: {}\n  B: {tag: 7}\n  C: {}\n  D: {}\n  E: {}\n"
        self.assertEqual(difference.advice(lay_out(old), lay_out(old)), "")
        for new, given in ((old.replace("  D", "  X: {}\n  D"), "X {tag: 12}, D {tag: 9}"), (old.replace("  C: {}\n", ""), "D {tag: 9}"),
                           (old.replace("  A: {}\n", "  X: {}\n  Y: {}\n  A: {}\n"), "X {tag: 11}, A {tag: 1}"),
                           (old.replace("  D: {}\n  E: {}\n", "  E: {}\n  X: {}\n  D: {}\n"), "E {tag: 10}, D {tag: 9}")):
            changes = difference.advice(lay_out(old), lay_out(new))
            self.assertTrue(changes.endswith(f"to keep the old tags: {given}\n"), changes)
            for name, tag in re.findall(r"(\w+) \{(tag: \d+)\}", changes):
                new = new.replace(f"  {name}: {{}}", f"  {name}: {{{tag}}}")
            self.assertNotIn("its tag is", difference.as_text(breaking.compare(lay_out(old), lay_out(new)), "old", "new"))

    def test_a_tag_that_no_longer_fits_a_byte_changes_every_message(self):
        changes = self.changes(("  Quit: {}\n", "  Quit: {}\n  Far: {tag: 300}\n"))
        self.assertIn("breaking: the tag takes 2 bytes, was 1: every message changes", changes)

    def test_tails(self):
        def changes(before: str, after: str) -> list[str]:
            old, new = (lay_out(f"protocol: p\nmessages:\n  M:\n    fields:\n      t: {of}\n") for of in (before, after))
            return [d.replace("old:5:7 -> new:5:7: message M: field t", "t") for d in
                    without_categories(difference.as_text(breaking.compare(old, new), "old", "new"))]

        self.assertEqual(changes("{type: string, max: 300}", "{type: string, max: 400}"),
                         ["compatible: t has at most 400 elements, was 300"])
        self.assertEqual(changes("{type: string, max: 400}", "{type: string, max: 300}"),
                         ["breaking: t has at most 300 elements, was 400"])
        self.assertEqual(changes("{type: string, max: 255}", "{type: string, max: 256}")[-2:],
                         ["compatible: t has at most 256 elements, was 255", "breaking: t: its length takes 2 bytes, was 1"])
        self.assertEqual(changes("string", "bytes"), ["breaking: t is bytes, was string",
                                                   "compatible: t has at most 2147483639 elements, was 2147483638"])
        self.assertIn("breaking: t is u16[], was u8[]", changes("'u8[]'", "'u16[]'"))

    def test_the_command_has_status_1_if_a_difference_is_breaking(self):
        with tempfile.TemporaryDirectory() as folder:
            old, new = Path(folder, "old.yaml"), Path(folder, "new.yaml")
            old.write_text(OLD)
            new.write_text(OLD.replace("max_live: 4", "max_live: 5"))
            self.assertEqual(main("--diff", old, old), (0, "no difference\n", ""))
            status, out, _ = main("--diff", old, new)
            self.assertEqual((status, out.splitlines()[-1]), (0, "0 breaking, 1 compatible"))
            status, out, _ = main("--diff", new, old)
            self.assertEqual((status, out.splitlines()[-1]), (1, "1 breaking, 0 compatible"))
            self.assertIn(f"{new}:8:3 -> {old}:8:3: ", out)
            new.write_text("protocol: calc\n")
            self.assertEqual(main("--diff", old, new)[0], 1)
            for wrong in (["--diff", old], ["--diff", old, old, old]):
                self.assertEqual(command(*wrong).returncode, 2)


if __name__ == "__main__":
    unittest.main()
