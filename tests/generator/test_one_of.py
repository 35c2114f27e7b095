# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Fields that are one of several: their bytes, what constructors refuse and why, equality, printing and descriptions."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, emit, lay_out, write_all


CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
structs: {s: {fields: {a: u8, b: u32}}}
messages:
  M: {fields: {id: u8, v: {one_of: {n: {type: u64, range: [0, 9]}, few: 'u8[<=255]', text: 'string[<=300]', s: s}}}}
  N: {fields: {w: {one_of: {x: u8, y: u16}, optional: true}}}
"""
PROGRAM = """
#include "p.h"
static char refused[4][96];
static int refusals;
static void on_refusal(const struct protopool_refusal *refusal)
{
    if (refusals < 4)
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
    const uint64_t n = 7, large = 10;
    const uint8_t few[] = { 1, 2 };
    struct p_m made;
    struct p_n none;
    struct p *one, *other;
    const struct protopool_field *field;

    CHECK(p_pool_init_growing(&pool, NULL));
    protopool_set_refusal_handler(on_refusal);
    made = p_default_m();
    CHECK(p_m_which_v(&made) == P_M_V_N && made.v.n == 0 && p_valid_m(&made));
    none = p_default_n();
    CHECK(p_n_which_w(&none) == P_N_W_NONE && p_valid_n(&none));

    CHECK(p_new_m(&pool, 1, NULL, NULL, 0, NULL, NULL) == NULL);
    CHECK(p_new_m(&pool, 1, &n, few, 2, NULL, NULL) == NULL);
    CHECK(p_new_m(&pool, 1, &large, NULL, 0, NULL, NULL) == NULL);
    CHECK(refusals == 3);
    CHECK(strcmp(refused[0], "v is none of n, few, text, s") == 0);
    CHECK(strcmp(refused[1], "v is several of n, few, text, s") == 0);
    CHECK(strcmp(refused[2], "v.n 10 is not in 0..9") == 0);

    one = p_new_m(&pool, 1, NULL, few, 2, NULL, NULL);
    other = p_clone(&pool, one);
    CHECK(one != NULL && other != NULL && p_equal(one, other) && p_hash(one) == p_hash(other));
    p_edit_m(other)->v.few[2] = 9; /* behind the end */
    CHECK(p_equal(one, other) && p_hash(one) == p_hash(other));
    p_edit_m(other)->v_which = P_M_V_TEXT;
    CHECK(!p_equal(one, other));
    field = &p_describe(P_M)->fields[1];
    CHECK(field->type == PROTOPOOL_ONE_OF && strcmp(protopool_alternative(field, one)->name, "few") == 0);
    CHECK(protopool_field_length(protopool_alternative(field, one), one) == 2);
    p_print(stdout, one);

    made = *p_as_m(one);
    made.v_len = 256; /* the type of the length allows it, since a text has up to 300 characters */
    CHECK(!p_valid_m(&made) && p_copy_m(&pool, &made) == NULL);
    made = *p_as_m(one);
    made.v_which = 5;
    CHECK(!p_valid_m(&made));
    made.v_which = P_M_V_NONE;
    CHECK(!p_valid_m(&made));
    p_free(&pool, one);
    p_free(&pool, other);
    return p_pool_fini(&pool) != 0;
}
"""


class OneOf(unittest.TestCase):
    def test_the_union_takes_the_largest_and_what_says_which_takes_padding(self):
        m, n = lay_out(SCHEMA).messages
        self.assertEqual((m.size, m.member("v").size, m.member("v_len").size), (312, 304, 2))
        self.assertEqual({m.member(f"v.{name}").offset for name in ("n", "few", "text", "s")}, {8})
        self.assertEqual((n.size, n.member("w").offset), (4, 2))

    def test_what_c_makes_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(SCHEMA))
            Path(folder, "program.c").write_text(PROGRAM)
            subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-DPROTOPOOL_CHECK=1", "-I", folder, "-I", GENERATED,
                            f"{folder}/program.c", f"{folder}/p.c", GENERATED / "protopool.c", "-o", f"{folder}/program", "-lpthread"], check=True)
            done = subprocess.run([f"{folder}/program"], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "M { id: 1, v: few([1, 2]) }", ""))


if __name__ == "__main__":
    unittest.main()
