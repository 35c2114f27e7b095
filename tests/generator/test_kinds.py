# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Kinds of field type: templates/kinds/ has a file for each, and the dispatcher refuses what it does not know."""

import unittest
from dataclasses import dataclass

from support import ROOT, lay_out
from gen import field_types
from gen.emit import kinds, render


@dataclass(frozen=True)
class Unheard:
    kind = "unheard"


class Dispatcher(unittest.TestCase):
    def setUp(self):
        layout = lay_out("protocol: p\nmessages: {A: {}}\n")
        self.kind = kinds.dispatcher(render._environment(), layout=layout, protocol=layout.protocol)

    def test_every_kind_has_a_file_and_every_file_a_kind(self):
        self.assertEqual({of.kind for of in field_types.FieldType.__subclasses__()},
                         {path.stem for path in (ROOT / "templates/kinds").glob("*.j2")})

    def test_a_kind_without_a_file_is_refused_by_name(self):
        for field_type, name in ((Unheard(), "'unheard'"), (7, "None")):
            with self.assertRaisesRegex(kinds.KindError, f"no template knows the kind of field type {name}"):
                self.kind(field_type)

    def test_what_a_kind_does_not_emit_is_refused_by_name(self):
        with self.assertRaisesRegex(kinds.KindError, "templates/kinds/string.j2 has no macro 'sing'"):
            self.kind(field_types.String(4)).sing

    def test_every_kind_emits_the_same_things(self):
        """A kind that lacks one of them fails here, and not in the first schema that uses both."""
        rare = {"clear",                                        # of what can be absent
                "spoil", "rule_out", "bench_fill_record",       # of what can be wrong, or stand in a struct
                "cpp_view", "cpp_view_type"}                    # the views unwrap what is optional
        of_one = self.macros("one")
        for path in (ROOT / "templates/kinds").glob("*.j2"):
            self.assertEqual(of_one - rare - self.macros(path.stem), set(), path.name)

    @staticmethod
    def macros(name: str) -> set[str]:
        text = (ROOT / f"templates/kinds/{name}.j2").read_text(encoding="utf-8")
        return {line.split()[2].partition("(")[0] for line in text.splitlines() if line.startswith("{% macro ")}


if __name__ == "__main__":
    unittest.main()
