# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The text of a refused value of an enum, for bases of every width: the value has its sign."""

import os
import subprocess
import unittest

from support import GENERATED, FolderTest, emit, write_all

CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
enums:
  plain: {base: i8, values: {one: 1}}
  shallow: {base: i16, values: {minus: -300, plus: 300}}
  deep: {base: i64, values: {bottom: -9223372036854775808, top: 4000000000}}
  high: {base: u64, values: {low: 1, max: 18446744073709551615}}
messages:
  M: {fields: {a: plain, b: shallow, c: deep, d: high}}
"""
PROGRAM = """
#include "p.h"
static void on_refusal(const struct protopool_refusal *refusal)
{
    puts(refusal->text);
}
int main(void)
{
    static struct p_pool pool;
    if (!p_pool_init_growing(&pool, NULL))
        return 1;
    protopool_set_refusal_handler(on_refusal);
    if (p_new_m(&pool, (enum p_plain)-1, P_SHALLOW_MINUS, P_DEEP_TOP, P_HIGH_MAX) != NULL
        || p_new_m(&pool, P_PLAIN_ONE, (enum p_shallow)-301, P_DEEP_TOP, P_HIGH_MAX) != NULL
        || p_new_m(&pool, P_PLAIN_ONE, P_SHALLOW_PLUS, -5, P_HIGH_MAX) != NULL
        || p_new_m(&pool, P_PLAIN_ONE, P_SHALLOW_PLUS, INT64_MAX, P_HIGH_MAX) != NULL
        || p_new_m(&pool, P_PLAIN_ONE, P_SHALLOW_PLUS, P_DEEP_BOTTOM, UINT64_MAX - 1) != NULL)
        return 1;
    p_free(&pool, p_new_m(&pool, P_PLAIN_ONE, P_SHALLOW_PLUS, P_DEEP_BOTTOM, P_HIGH_MAX));
    return p_pool_fini(&pool) != 0;
}
"""
EXPECTED = """\
a -1 is not declared: it has one
b -301 is not declared: it has minus, plus
c -5 is not declared: it has bottom, top
c 9223372036854775807 is not declared: it has bottom, top
d 18446744073709551614 is not declared: it has low, max
"""


class Refused(FolderTest):
    def test_a_value_has_its_sign(self):
        write_all(self.folder, emit(SCHEMA) | {"main.c": PROGRAM})
        done = subprocess.run([*CC, "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-DPROTOPOOL_CHECK=1", "-I.", "-I", GENERATED, "main.c", "p.c", GENERATED / "protopool.c",
                               "-o", "main", "-lpthread"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = subprocess.run([self.folder / "main"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, EXPECTED))


if __name__ == "__main__":
    unittest.main()
