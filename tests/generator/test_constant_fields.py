# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Fields that have a constant value: macros, and no bytes."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, emit, lay_out, write_all

CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
enums: {kind: {values: {a: 1, b: 2}}, wide: {values: {w: 9000000000000000000}}}
flags: {caps: {values: [r, w]}}
messages:
  A:
    fields:
      magic: {type: 'char[4]', constant: RIFF}
      name: {type: 'string[<=9]', constant: '"\\??/'}
      kind: {type: kind, constant: b}
      wide: {type: wide, constant: w}
      caps: {type: caps, constant: r | w}
      least: {type: i64, constant: -9223372036854775808}
      half: {type: f32, constant: 0.5}
      yes: {type: bool, constant: true}
      letter: {type: char, constant: 'A'}
      x: u8
      text: string
      last: {type: u8, constant: 3}
  B: {fields: {version: {type: u8, constant: 3}}}
"""
PROGRAM = """
#include "p.h"
#define IS(value, type) _Generic((value), type: 1, default: 0)
static_assert(sizeof P_A_MAGIC == 5 && sizeof P_A_NAME == 6, "");
static_assert(P_A_KIND == P_KIND_B && P_A_WIDE == P_WIDE_W && P_A_CAPS == (P_CAPS_R | P_CAPS_W), "");
static_assert(P_A_LEAST == INT64_MIN && P_A_YES && P_A_LETTER == 'A' && P_A_LAST == 3 && P_B_VERSION == 3, "");
static_assert(IS(P_A_HALF, float) && sizeof(struct p_a) == 8 && sizeof(struct p_b) == 1, "");
struct p *make(struct p_pool *pool)
{
    return P_A_HALF > 0 ? p_new_a(pool, 1, P_A_NAME, sizeof P_A_NAME - 1) : p_new_b(pool);
}
"""


class ConstantFields(unittest.TestCase):
    def test_each_has_its_value_in_c(self):
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(SCHEMA) | {"main.c": PROGRAM})
            done = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", GENERATED, "-fsyntax-only", "main.c"], cwd=folder,
                                  capture_output=True, text=True)
            self.assertEqual(done.stderr, "")

    def test_it_is_no_field_of_the_layout(self):
        of_a, of_b = lay_out(SCHEMA).messages
        self.assertEqual([f.name.c for f in of_a.model.fields], ["x", "text"])
        self.assertEqual((of_b.members, of_b.slot_class), ((), 0))

    def test_files_with_other_values_do_not_link(self):
        one, other = (lay_out(SCHEMA.replace("constant: 3", f"constant: {value}")).fingerprint for value in (3, 4))
        self.assertNotEqual(one, other)


if __name__ == "__main__":
    unittest.main()
