# SPDX-License-Identifier: Apache-2.0 OR MIT
"""f16: conversions of all numbers of half precision, how they are printed, and what constructors make of a float."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, emit, errors, long, write_all

CC = os.environ.get("CC", "gcc").split()
SCHEMA = """\
protocol: p
messages:
  M: {fields: {x: {type: f16, range: [-1.5, 0.1], default: 0.1}, y: {type: 'f16?', absent: -1}, z: {type: 'f16?', absent: nan}, l: {type: 'f16[2]', range: [0, 9]}}}
"""
PROGRAM = """
#include "p.h"
#include <stdlib.h>
#define CHECK(condition) \\
    if (!(condition)) { \\
        fprintf(stderr, "line %d: %s, for %x\\n", __LINE__, #condition, half.bits); \\
        return 1; \\
    }
static uint32_t bits_of(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}
static float float_with(uint32_t bits)
{
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}
/* A number from 0, in 2^-25, by the definition of the format. Beyond the largest number, that which would be next. */
static int64_t number_of(unsigned bits)
{
    return bits < 0x400 ? 2 * (int64_t)bits : (int64_t)(0x400 + bits % 0x400) * 2 << (bits / 0x400 - 1);
}
static float scaled(int64_t number) { return (float)number / (float)(1 << 25); }
static int on_all(void)
{
    struct protopool_f16 half;
    for (unsigned i = 0; i < 0x8000; i++) {
        const float number = protopool_float_of((half.bits = (uint16_t)i, half));
        const struct protopool_f16 negative = { (uint16_t)(i | 0x8000) };
        CHECK(bits_of(protopool_float_of(negative)) == (bits_of(number) | 0x80000000));
        if (i > 0x7c00) {
            const struct protopool_f16 quiet = protopool_f16_of(number);
            CHECK(protopool_is_nan(&number, sizeof number) && protopool_is_nan(&half, sizeof half));
            CHECK(quiet.bits == (i | 0x200) && protopool_f16_of(protopool_float_of(negative)).bits == (quiet.bits | 0x8000));
            continue;
        }
        CHECK(!protopool_is_nan(&half, sizeof half) && protopool_f16_of(number).bits == i);
        CHECK(protopool_f16_of(protopool_float_of(negative)).bits == negative.bits);
        if (i == 0x7c00) {
            CHECK(bits_of(number) == 0x7f800000);
            continue;
        }
        CHECK(bits_of(number) == bits_of(scaled(number_of(i))));
        /* The middle between this number and the next one, and the floats beside it. */
        const float middle = scaled((number_of(i) + number_of(i + 1)) / 2);
        const uint32_t at = bits_of(middle);
        CHECK(protopool_f16_of(middle).bits == i + i % 2 && protopool_f16_of(-middle).bits == (i + i % 2) + 0x8000);
        CHECK(protopool_f16_of(float_with(at - 1)).bits == i && protopool_f16_of(float_with(at + 1)).bits == i + 1);
    }
    half.bits = 0;
    CHECK(protopool_f16_of(float_with(0x7f7fffff)).bits == 0x7c00 && protopool_f16_of(float_with(1)).bits == 0);
    CHECK(protopool_f16_of(float_with(0x7f800001)).bits == 0x7e00 && protopool_f16_of(float_with(0xff800001)).bits == 0xfe00);
    return 0;
}
static int print_all(void)
{
    struct protopool_f16 half;
    for (unsigned i = 0; i < 0x7c00; i++) {
        char text[64] = "", shorter[64];
        int digits = 0;
        struct protopool_printer to = { .buffer = text, .room = sizeof text };
        half.bits = (uint16_t)i;
        protopool_print_f16(&to, half);
        CHECK(protopool_f16_of(strtof(text, NULL)).bits == i);
        for (const char *at = text + strspn(text, "0."); *at != '\\0' && *at != 'e'; at++)
            digits += *at != '.';
        if (strchr(text, 'e') == NULL) /* of a whole number, zeros at the end are no digits */
            for (const char *at = text + strlen(text); at > text && (at[-1] == '0' || at[-1] == '.') && digits > 1; at--)
                digits -= at[-1] == '0';
        CHECK(digits <= 5);
        snprintf(shorter, sizeof shorter, "%.*e", digits - 2, (double)protopool_float_of(half));
        CHECK(digits <= 1 || protopool_f16_of(strtof(shorter, NULL)).bits != i);
    }
    return 0;
}
static void on_refusal(const struct protopool_refusal *refusal) { printf("%s\\n", refusal->text); }
static int use_messages(void)
{
    static struct p_pool pool;
    const float minus_one = -1, nearly = -1.0001F, other = 2049, nan = float_with(0x7fc00001);
    const struct protopool_f16 list[2] = { { 0x3c00 }, { 0x4200 } }, wrong[2] = { { 0x3c00 }, { 0x4900 } };
    struct protopool_f16 half = { 0 };
    struct p_m made = p_default_m();
    struct p *msg;

    CHECK(p_pool_init_growing(&pool, NULL));
    protopool_set_refusal_handler(on_refusal);
    p_print(stdout, &made.base);
    printf("\\n");
    CHECK(p_new_m(&pool, 0.2F, NULL, NULL, list) == NULL);
#ifndef __FAST_MATH__ /* where a compiler may assume that there is no NaN */
    CHECK(p_new_m(&pool, nan, NULL, NULL, list) == NULL);
#endif
    CHECK(p_new_m(&pool, 0, &minus_one, NULL, list) == NULL && p_new_m(&pool, 0, &nearly, NULL, list) == NULL);
    CHECK(p_new_m(&pool, 0, NULL, &nan, list) == NULL && p_new_m(&pool, 0, NULL, NULL, wrong) == NULL);
    CHECK((msg = p_new_m(&pool, -1.5F, &other, NULL, list)) != NULL);
    CHECK(p_m_has_y(p_as_m(msg)) && !p_m_has_z(p_as_m(msg)) && p_as_m(msg)->x.bits == 0xbe00);
    CHECK(protopool_float_of(p_as_m(msg)->y) == 2048 && p_as_m(msg)->z.bits == 0x7e00 && p_as_m(msg)->l[1].bits == 0x4200);
    p_print(stdout, msg);
    half.bits = 0xfc01; /* each NaN is absent, and equal */
    made = *p_as_m(msg);
    made.z = half;
    CHECK(p_equal(&made.base, msg) && p_hash(&made.base) == p_hash(msg) && !p_m_has_z(&made));
#ifndef __FAST_MATH__
    made.x = half;
    CHECK(!p_valid_m(&made));
#endif
    p_free(&pool, msg);
    return p_pool_fini(&pool) == 0 ? 0 : 1;
}
int main(void)
{
    return on_all() != 0 || print_all() != 0 ? 1 : use_messages();
}
"""
PRINTED = """\
M { x: 0.1, y: None, z: None, l: [0.0, 0.0] }
x 0.2 is not in -1.5..0.1
x NaN is not in -1.5..0.1
y -1.0 means absent: pass NULL
y -1.0 means absent: pass NULL
z NaN means absent: pass NULL
l[1] 10.0 is not in 0.0..9.0
M { x: -1.5, y: Some(2048.0), z: None, l: [1.0, 3.0] }"""


class Half(unittest.TestCase):
    def run_program(self, settings: list[str], printed: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(SCHEMA) | {"main.c": PROGRAM})
            compiled = subprocess.run([*CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", *settings, "-DPROTOPOOL_NO_THREADS", "-I", GENERATED,
                                       "main.c", "p.c", GENERATED / "protopool.c", "-o", "main"], cwd=folder, capture_output=True, text=True)
            self.assertEqual(compiled.stderr, "")
            done = subprocess.run(["./main"], cwd=folder, capture_output=True, text=True)
            self.assertEqual((done.stderr, done.stdout, done.returncode), ("", printed, 0))

    def test_every_number_in_c(self):
        self.run_program(["-DPROTOPOOL_CHECK=1"], PRINTED)

    @long
    def test_every_number_where_no_nan_is_expected(self):
        lines = PRINTED.split("\n")
        self.run_program(["-ffast-math"], f"{lines[0]}\n{lines[-1]}")

    def test_bits_are_no_number(self):
        """A compiler refuses to compare or to compute with what a member holds."""
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(SCHEMA) | {"main.c": '#include "p.h"\nint main(void) { return p_default_m().x > 1; }\n'})
            compiled = subprocess.run([*CC, "-std=c11", "-I", GENERATED, "-c", "main.c"], cwd=folder, capture_output=True, text=True)
            self.assertNotEqual(compiled.returncode, 0)
            self.assertIn("operand", compiled.stderr)

    def test_a_number_is_rounded_before_it_is_compared(self):
        of = "protocol: p\nmessages: {M: {fields: {x: {type: f16, range: [%s], default: %s}}}}\n"
        self.assertEqual(errors(of % ("0, 2048", "2048.9")), [])
        self.assertEqual(errors(of % ("0, 65504", "65504")), [])
        self.assertIn("65504.1", errors(of % ("0, 65504.1", "0"))[0])

    def test_the_largest_numbers_can_be_written(self):
        of = "protocol: p\nmessages: {M: {fields: {x: {type: 'f16?', absent: %s}}}}\n"
        for number, written in (("65504", "6.55e+04"), ("-65504", "-6.55e+04"), ("61000", "6.1e+04")):
            self.assertIn(f"/* {written} means absent. */", emit(of % number)["p.h"])


if __name__ == "__main__":
    unittest.main()
