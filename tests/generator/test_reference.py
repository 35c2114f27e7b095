# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--doc: the reference in Markdown."""

import re
import unittest

from support import GOOD, lay_out, main

from gen.views import markdown

NASTY = "a | b `c` *d* _e_ <f> [g](h) \\ # i ~~j~~"


def slug(heading: str) -> str:
    """GitHub's rule for the anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.replace("\\", "").lower()).replace(" ", "-")


class Reference(unittest.TestCase):
    def markdown(self, text: str) -> str:
        return markdown.markdown(lay_out(text))

    def test_links_lead_to_headings_and_all_rows_of_a_table_have_the_same_cells(self):
        for path in GOOD:
            status, text, _ = main("--doc", path)
            self.assertEqual(status, 0)
            anchors = [slug(heading) for heading in re.findall(r"(?m)^#+ (.*)$", text)]
            self.assertEqual(len(anchors), len(set(anchors)))
            for link in re.findall(r"\]\(#([^)]*)\)", text):
                self.assertIn(link, anchors)
            for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
                self.assertEqual(len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}), 1, table)
            self.assertNotRegex(text, r"(?m)[ \t]$|\n\n\n|\n\n\Z")

    def test_every_property_of_a_field_is_shown(self):
        text = self.markdown("protocol: p\nenums: {e: {values: {red: 1, green: {value: 7, doc: Go.}}}}\n"
                             "flags: {f: {doc: Rights., values: [r, w]}}\nconstants: {n: {value: 3, doc: Three.}}\n"
                             "structs: {s: {doc: Pair., fields: {x: u8}}}\n"
                             "messages:\n  M:\n    tag: 'M'\n    doc: First.\n    deprecated: use N\n    fields:\n"
                             "      a: {type: u16, unit: mm, range: [1, 9], default: 2, doc: Long.}\n"
                             "      b: {type: e, default: green}\n      c: {type: f, default: r | w}\n      d: 's[<=n]?'\n"
                             "      t: {type: 'char[4]', default: ab}\n  Quit: {}\n")
        for line in ("| 77 `'M'` | [`M`](#message-m) | 14 | First. |", "| 78 `'N'` | [`Quit`](#message-quit) | - |  |",
                     "**Deprecated:** use N", "Tag 77 `'M'`, 14 bytes.", "Tag 78 `'N'`, no fields.",
                     "| `a` | `u16` | mm | 1 to 9 | 2 | 12 | 2 | Long. |", "| `b` | [`e`](#enum-e) |  |  | `green` | 2 | 1 |  |",
                     "| `c` | [`f`](#flags-f) |  |  | `r \\| w` | 3 | 1 |  |", "| `d` | [`s[<=n]?`](#struct-s) |  |  |  | 5 | 3 |  |",
                     '| `t` | `char[4]` |  |  | `"ab"` | 8 | 4 |  |', "| 7 | `green` | Go. |", "| 1, 0x2 | `w` |",
                     "| `n` | 3 | Three. |", "## Struct s", "Pair.", "Rights."):
            self.assertIn(line + "\n", text)

    def test_types_with_a_name_have_a_section_to_which_fields_link(self):
        text = self.markdown("protocol: p\ntypes:\n  id: {type: i32, doc: A key., unit: key, range: [-1, 9], default: -1}\n  own_id: {type: id, doc: Own.}\n"
                             "  name: {type: 'char[4]', default: ab}\nmessages: {M: {fields: {c: 'name?', a: own_id, b: 'id[]'}}}\n")
        for line in ("| `c` | [`name?`](#type-name) |  |  |  | 2 | 4 |  |", "| `a` | [`own_id`](#type-own_id) | key | -1 to 9 | -1 | 8 | 4 | Own. |",
                     "## Type id\n\nA key.\n\n`i32`, in key, -1 to 9, by default -1.", "## Type own\\_id\n\nOwn.\n\n[`id`](#type-id), in key, -1 to 9, by default -1.",
                     '`char[4]`, by default `"ab"`.'):
            self.assertIn(line + "\n", text)

    def test_history_and_replies(self):
        text = self.markdown("protocol: p\nenums: {e: {values: {a: 1, b: {value: 2, since: 4, deprecated: No b.}}}}\n"
                             "messages:\n  M: {since: 3, replies: [M, N], fields: {x: {type: e, since: 5}, y: {type: u8, doc: Y., deprecated: true}}}\n  N: {}\n")
        for line in ("Since version 3.", "Answered by [`M`](#message-m), [`N`](#message-n).", "Answers [`M`](#message-m).", "| value | name | since | |", "| 1 | `a` |  |  |",
                     "| 2 | `b` | 4 | **Deprecated**: No b. |", "| field | type | since | offset | bytes |  |", "| `x` | [`e`](#enum-e) | 5 | 1 | 1 |  |",
                     "| `y` | `u8` |  | 2 | 1 | Y. **Deprecated**. |"):
            self.assertIn(line + "\n", text)

    def test_empty_columns_and_sections_are_left_out(self):
        text = self.markdown("protocol: p\nmessages: {M: {fields: {x: u8}}}\n")
        self.assertIn("| field | type | offset | bytes |\n", text)
        for absent in ("## Enum", "## Flags", "## Struct", "## Constants", "fixed pool"):
            self.assertNotIn(absent, text)

    def test_texts_are_shown_as_they_are_written(self):
        escaped = r"a \| b \`c\` \*d\* \_e\_ \<f\> \[g\](h) \\ # i \~\~j\~\~"
        quoted = '"' + NASTY.replace("\\", "\\\\") + '"'
        text = self.markdown(f"protocol: p\ndoc: {quoted}\nmessages: {{M: {{doc: {quoted}, fields: {{x: {{type: u8, doc: {quoted}}}}}}}}}\n")
        self.assertEqual(text.count(escaped), 4)
        text = self.markdown('protocol: p\ndoc: "# one\\n\\n- two\\n1. three"\nmessages: {M: {}}\n')
        self.assertIn("\\# one\n\n\\- two\n1\\. three\n", text)


if __name__ == "__main__":
    unittest.main()
