# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A number that means "absent": what constructors, predicates, equality, printing and descriptions make of it."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, emit, lay_out, long, write_all

CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
structs: {s: {fields: {n: {type: 'i32?', absent: -1}}}}
messages:
  M: {fields: {load: {type: 'u16?', absent: 65535, range: [0, 100]}, level: {type: 'u8?', absent: 0}, x: {type: 'f32?', absent: nan},
      y: {type: 'f64?', absent: 0}, s: s}}
"""
PROGRAM = """
#include "p.h"
static char refused[4][64];
static int refusals;
static void on_refusal(const struct protopool_refusal *refusal)
{
    if (refusal->rule == PROTOPOOL_RULE_ABSENT && refusals < 4)
        snprintf(refused[refusals++], sizeof refused[0], "%s", refusal->text);
}
#define CHECK(condition) \\
    if (!(condition)) { \\
        fprintf(stderr, "line %d: %s\\n", __LINE__, #condition); \\
        return 1; \\
    }
int main(void)
{
    static struct p_pool pool;
    const uint16_t load = 7, no_load = 65535;
    const uint8_t no_level = 0;
    const double zero = 0, minus_zero = -0.0;
    const float x = 1.5F;
    float nan;
    struct p_s none = p_default_s(), some = p_default_s();
    struct p *one, *other;
    struct p_m made;

    CHECK(p_pool_init_growing(&pool, NULL));
    protopool_set_refusal_handler(on_refusal);
    CHECK(!p_s_has_n(&none) && none.n == -1);
    some.n = 0;
    CHECK(p_s_has_n(&some));
    made = p_default_m();
    CHECK(!p_m_has_load(&made) && !p_m_has_level(&made) && !p_m_has_x(&made) && !p_m_has_y(&made) && p_valid_m(&made));

    one = p_new_m(&pool, &load, NULL, &x, NULL, &some);
    other = p_new_m(&pool, NULL, NULL, NULL, NULL, &none);
    CHECK(one != NULL && other != NULL);
    CHECK(p_m_has_load(p_as_m(one)) && !p_m_has_level(p_as_m(one)) && p_m_has_x(p_as_m(one)) && !p_m_has_y(p_as_m(one)));
    p_print(stdout, one);
    putchar('\\n');
    p_print(stdout, other);
    CHECK(p_validate(other, p_size(other)) && p_equal(other, &made.base) && p_hash(other) == p_hash(&made.base));

    for (uint32_t i = 0; i < 4; i++) { /* by the descriptions */
        const struct protopool_field *const field = &p_describe(P_M)->fields[i];
        CHECK(field->presence_mask == PROTOPOOL_BY_NUMBER);
        CHECK(protopool_field_present(field, one) == (i % 2 == 0) && !protopool_field_present(field, other));
        CHECK(protopool_field_length(field, one) == (i % 2 == 0) && protopool_field_length(field, other) == 0);
    }
    for (uint32_t bits = 0x7f800001; bits > 0x7f000000; bits += 0x01234567) { /* each NaN and each zero is absent, and equal */
        if (bits <= 0x7f800000 || (bits >= 0x80000000 && bits <= 0xff800000))
            continue;
        memcpy(&nan, &bits, sizeof nan);
        memcpy(&p_edit_m(one)->x, &bits, sizeof bits);
        CHECK(!p_m_has_x(p_as_m(one)) && !protopool_field_present(&p_describe(P_M)->fields[2], one));
        *p_edit_m(one) = *p_as_m(other);
        memcpy(&p_edit_m(one)->x, &bits, sizeof bits);
        p_edit_m(one)->y = minus_zero;
        CHECK(!p_m_has_y(p_as_m(one)) && !protopool_field_present(&p_describe(P_M)->fields[3], one));
        CHECK(p_validate(one, p_size(one)) && p_equal(one, other) && p_hash(one) == p_hash(other));
        CHECK(p_new_m(&pool, NULL, NULL, &nan, NULL, &some) == NULL);
    }
    memset(&p_edit_m(one)->x, 0, sizeof(float)); /* a number is not equal to absent */
    CHECK(!p_equal(one, other) && !p_equal(other, one) && p_hash(one) != p_hash(other));

    refusals = 0;
    CHECK(p_new_m(&pool, &no_load, NULL, NULL, NULL, &some) == NULL);
    CHECK(p_new_m(&pool, NULL, &no_level, NULL, NULL, &some) == NULL);
    CHECK(p_new_m(&pool, NULL, NULL, &nan, NULL, &some) == NULL);
    CHECK(p_new_m(&pool, NULL, NULL, NULL, &minus_zero, &some) == NULL && p_new_m(&pool, NULL, NULL, NULL, &zero, &some) == NULL);
    CHECK(p_make_m(&no_load, NULL, NULL, NULL, &some).base.tag == 0);
    for (int i = 0; PROTOPOOL_CHECK >= 1 && i < 4; i++)
        printf("\\n%s", refused[i]);
    p_free(&pool, one);
    p_free(&pool, other);
    return p_pool_fini(&pool) == 0 ? 0 : 1;
}
"""
PRINTED = """\
M { load: Some(7), level: None, x: Some(1.5), y: None, s: s { n: Some(0) } }
M { load: None, level: None, x: None, y: None, s: s { n: None } }"""
REFUSED = """
load 65535 means absent: pass NULL
level 0 means absent: pass NULL
x NaN means absent: pass NULL
y -0.0 means absent: pass NULL"""


class Absent(unittest.TestCase):
    def message(self, **fields: str):
        return lay_out("protocol: p\nmessages:\n  A:\n    fields:\n" + "".join(f"      {name}: {field}\n" for name, field in fields.items())).messages[0]

    def test_it_takes_no_bit(self):
        by_number = "{type: 'u16?', absent: 65535}"
        self.assertEqual([m.name for m in self.message(x=by_number).members], ["x"])
        self.assertEqual(self.message(x=by_number, y=by_number, z=by_number).size, 8)
        self.assertEqual(self.message(x="u16?", y="u16?", z="u16?", b="u8").size, 10)

    def test_whole_numbers_are_compared_together_with_the_fields_beside_them(self):
        message = self.message(a="u16", x="{type: 'u16?', absent: 65535}", y="{type: 'f32?', absent: nan}")
        self.assertEqual([f.name.c for f in message.alone], ["y"])

    @long
    def test_absent_numbers_in_c(self):
        for settings, printed in (["-O1", "-ffast-math"], PRINTED), (["-O1", "-DPROTOPOOL_CHECK=1"], PRINTED + REFUSED):
            with self.subTest(settings), tempfile.TemporaryDirectory() as folder:
                write_all(Path(folder), emit(SCHEMA) | {"main.c": PROGRAM})
                compile_it = [*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", *settings, "-DPROTOPOOL_NO_THREADS", "-I", GENERATED, "main.c", "p.c", GENERATED / "protopool.c", "-o", "main"]
                compiled = subprocess.run(compile_it, cwd=folder, capture_output=True, text=True)
                self.assertEqual(compiled.stderr, "")
                done = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True)
                self.assertEqual((done.stderr, done.stdout, done.returncode), ("", printed, 0))


if __name__ == "__main__":
    unittest.main()
