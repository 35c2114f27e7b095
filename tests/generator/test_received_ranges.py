# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A received number that is out of its range: the refusal names its field, at level 0, too. Who receives nothing is not linked with the ranges."""

import os
import platform
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, FolderTest, compilers, emit, long, write_all

CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
structs:
  spot: {fields: {x: {type: i8, range: [-5, 5]}, y: {type: 'f16?', range: [-1.5, 0.5]}}}
messages:
  M:
    fields:
      u: {type: u8, range: [1, 9]}
      i: {type: i64, range: [-9, -1]}
      u24: {type: u24, range: [0, 9]}
      f: {type: f32, range: [0.5, 2]}
      d: {type: f64, range: [0, 1]}
      h: {type: f16, range: [0, 9]}
      maybe: {type: 'u16?', range: [0, 9]}
      not_5: {type: 'u32?', absent: 5, range: [0, 9]}
      listed: {type: 'i16[<=4]', range: [-9, 9]}
      fixed: {type: 'u32[2]', range: [0, 9]}
      spot: spot
      spots: 'spot[<=3]'
      v: {one_of: {n: {type: u64, range: [0, 9]}, place: spot}}
      any: u64
      tail: {type: 'u16[]', max: 5, range: [0, 9]}
      spot_tail: {type: 'spot[]', max: 5}
"""
# What is done to a message, and the refusal.
WRONG = {
    "m.u = 0": "u 0 is not in 1..9",
    "m.u = 10": "u 10 is not in 1..9",
    "m.i = 0": "i 0 is not in -9..-1",
    "m.i = INT64_MIN": "i -9223372036854775808 is not in -9..-1",
    "m.u24 = 1 << 20": "u24 1048576 is not in 0..9",
    "m.f = 0.25f": "f 0.25 is not in 0.5..2.0",
    "m.d = (double)NAN": "d NaN is not in 0.0..1.0",
    "m.h = protopool_f16_of(9.5f)": "h 9.5 is not in 0.0..9.0",
    "m.has_maybe = true, m.maybe = 10": "maybe 10 is not in 0..9",
    "m.not_5 = 10": "not_5 10 is not in 0..9",
    "m.listed_len = 2, m.listed[1] = -10": "listed[1] -10 is not in -9..9",
    "m.fixed[1] = 10": "fixed[1] 10 is not in 0..9",
    "m.spot.x = -6": "spot.x -6 is not in -5..5",
    "m.spot.has_y = true, m.spot.y = protopool_f16_of(1)": "spot.y 1.0 is not in -1.5..0.5",
    "m.spots_len = 3, m.spots[2].x = 6": "spots[2].x 6 is not in -5..5",
    "m.v.n = 10": "v.n 10 is not in 0..9",
    "m.v_which = P_M_V_PLACE, m.v.n = 0, m.v.place.x = 6": "v.place.x 6 is not in -5..5",
    "numbers[1] = 10": "tail[1] 10 is not in 0..9",
    "spots[1].x = 100": "spot_tail[1].x 100 is not in -5..5",
    "m.any = UINT64_MAX": "received",
}
PROGRAM = """
#include <math.h>
#include "p.h"
int main(void)
{
    static struct p_pool pool;
    static unsigned char bytes[1000];
    struct protopool_received result;
    struct p_spot spots[2];
    uint16_t numbers[2];
    struct p_m m;
    struct p *msg;
    size_t size;

    if (!p_pool_init_growing(&pool, NULL))
        return 1;
%s
    return p_pool_fini(&pool) == 0 ? 0 : 1;
}
"""
ONE = """
    m = p_default_m();
    spots[0] = spots[1] = p_default_spot();
    numbers[0] = numbers[1] = 0;
    msg = p_copy_m(&pool, &m, numbers, 2, spots, 2);
    if (msg == NULL)
        return 1;
    %s;
    memcpy(msg, &m, sizeof m);
    p_edit_m(msg)->base.tag = P_M;
    p_edit_m(msg)->tail_len = p_edit_m(msg)->spot_tail_len = 2;
    memcpy(p_edit_m_tail(p_edit_m(msg), NULL), numbers, sizeof numbers);
    memcpy(p_edit_m_spot_tail(p_edit_m(msg), NULL), spots, sizeof spots);
    size = p_encode(msg, bytes, sizeof bytes);
    p_free(&pool, msg);
    msg = p_receive(&pool, bytes, size, &result);
    puts(msg != NULL ? "received" : result.refusal.text);
    if (msg != NULL && p_print(stderr, msg) <= 0)
        return 1;
    if (msg == NULL && (result.refusal.rule != PROTOPOOL_RULE_RANGE
                        || strncmp(result.refusal.field, result.refusal.text, strlen(result.refusal.field)) != 0))
        return 1;
    p_free(&pool, msg);
"""


class Refusals(unittest.TestCase):
    def test_the_field_is_named_at_level_0_as_at_level_1(self):
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), {**emit(SCHEMA), "main.c": PROGRAM % "".join(ONE % change for change in WRONG)})
            for level in (0, 1):
                with self.subTest(level):
                    program = Path(folder, f"level{level}")
                    subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", f"-DPROTOPOOL_CHECK={level}", "-I", folder, "-I", GENERATED,
                                    Path(folder, "main.c"), Path(folder, "p.c"), GENERATED / "protopool.c", "-o", program], check=True)
                    done = subprocess.run([program], capture_output=True, text=True)
                    self.assertEqual(done.stdout.splitlines(), list(WRONG.values()), done.stderr)
                    self.assertEqual(done.returncode, 0)


@unittest.skipUnless(platform.system() == "Linux" and compilers("gcc"), "for the linker of GNU")
class Linked(FolderTest):
    @long
    def test_only_who_receives_is_linked_with_the_ranges(self):
        others = ("struct p *const msg = p_new_m(&pool, 1, -1, 0, 1, 0, 0, NULL, NULL, NULL, 0, fixed, &spot, NULL, 0, &n, NULL, 0, NULL, 0, NULL, 0);"
                  "unsigned char bytes[1000]; p_print(stdout, msg); p_scrub(msg); p_free(&pool, msg);"
                  "return p_encode(msg, bytes, sizeof bytes) == p_validate(msg, sizeof bytes);")
        receives = "struct protopool_received result; return p_receive(&pool, \"a\", 1, &result) != NULL;"
        write_all(self.folder, emit(SCHEMA))
        for body, is_linked in ((others, False), (receives, True)):
            (self.folder / "main.c").write_text('#include "p.h"\nstatic struct p_pool pool; static const uint32_t fixed[2];\n'
                                                "static const uint64_t n; static const struct p_spot spot;\n"
                                                f"int main(void) {{ (void)fixed; (void)n; (void)spot; {body} }}\n")
            subprocess.run(["gcc", "-std=c11", "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-I", self.folder, "-I", GENERATED,
                            self.folder / "main.c", self.folder / "p.c", GENERATED / "protopool.c", "-o", self.folder / "program"], check=True)
            symbols = subprocess.run(["nm", self.folder / "program"], capture_output=True, text=True, check=True).stdout
            self.assertIn("p_fields_of_m_", symbols)
            self.assertEqual("p_ranges_" in symbols, is_linked)


if __name__ == "__main__":
    unittest.main()
