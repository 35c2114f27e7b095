# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Bit fields: which bits a part has, what is refused and why, in every container; what emitted code says about them."""

import subprocess
import unittest

from support import GENERATED, FolderTest, compilers, emit, engine_is_there, errors, lay_out, write_all

HEAD = """\
protocol: p
enums: {mode: {values: {off: 0, slow: 2, fast: 5}}}
bit_fields:
  status: {base: u16, bits: {mode: {bits: 3, type: mode}, level: {bits: 4, range: [1, 9], unit: mm}, on: {type: bool, at: 9}}}
"""
SCHEMA = HEAD + """\
structs: {pair: {fields: {one: status, two: 'status?'}}}
messages:
  All: {fields: {one: status, three: 'status[3]', list: 'status[<=2]', maybe: 'status?', pair: pair, set: {type: status, default: {mode: fast, on: true}}}}
  Tail: {fields: {tail: 'status[]'}}
"""
# Each value is refused in one place; the text names the place, and the part.
PROGRAM = r"""
#include "p.h"
static void on_refusal(const struct protopool_refusal *refusal)
{
    printf("%d %s: %s\n", (int)refusal->rule, refusal->field, refusal->text);
}
int main(void)
{
    static struct p_pool pool;
    const uint16_t good = p_make_status(P_MODE_SLOW, 9, true), wrong[] = { 0x214, 0x21b, 0x200 | 1 << 3 | 1 << 8 };
    const uint16_t bad = p_make_status(P_MODE_SLOW, 10, true);
    uint16_t three[3] = { good, good, good };
    struct p_pair pair;
    struct p *msg;
    size_t live = 0;

    protopool_set_refusal_handler(on_refusal);
    if (!p_pool_init_growing(&pool, NULL))
        return 1;
    printf("%x %d %x\n", good, p_valid_status(bad), p_default_all().set);
    live += p_set_pair(&pair, bad, NULL);
    live += p_set_pair(&pair, good, &bad);
    live += !p_set_pair(&pair, good, NULL);
    live += p_new_all(&pool, wrong[0], three, NULL, 0, NULL, &pair, good) != NULL;
    live += p_new_all(&pool, wrong[1], three, NULL, 0, NULL, &pair, good) != NULL;
    live += p_new_all(&pool, wrong[2], three, NULL, 0, NULL, &pair, good) != NULL;
    three[2] = bad;
    live += p_new_all(&pool, good, three, NULL, 0, NULL, &pair, good) != NULL;
    live += p_new_all(&pool, good, wrong, three, 2, NULL, &pair, good) != NULL;
    three[2] = good;
    live += p_new_all(&pool, good, three, wrong, 1, NULL, &pair, good) != NULL;
    live += p_new_all(&pool, good, three, NULL, 0, &wrong[1], &pair, good) != NULL;
    pair.two = wrong[0], pair.has_two = true;
    live += p_new_all(&pool, good, three, NULL, 0, &good, &pair, good) != NULL;
    live += p_new_tail(&pool, wrong, 3) != NULL;
    pair.two = good;
    msg = p_new_all(&pool, good, three, three, 1, &good, &pair, good);
    if (msg == NULL)
        return 1;
    p_print(stdout, msg);
    p_edit_all(msg)->one = 0xfff9; /* mode 1, level 15, every reserved bit */
    printf("\n%d\n", p_validate(msg, sizeof(struct p_all)));
    p_print(stdout, msg);
    p_free(&pool, msg);
    return p_pool_fini(&pool) == 0 && live == 0 ? 0 : 1;
}
"""
PRINTED = """\
24a 0 20d
2 one.mode: one.mode 4 is not declared: it has off, slow, fast
2 one.mode: one.mode 3 is not declared: it has off, slow, fast
3 one: one has bits that are not declared: 0x100
3 three[2]: three[2] has bits that are not declared: 0x80
2 three[0].mode: three[0].mode 4 is not declared: it has off, slow, fast
2 list[0].mode: list[0].mode 4 is not declared: it has off, slow, fast
2 maybe.mode: maybe.mode 3 is not declared: it has off, slow, fast
2 pair.two.mode: pair.two.mode 4 is not declared: it has off, slow, fast
2 tail[0].mode: tail[0].mode 4 is not declared: it has off, slow, fast
"""
GOOD = "{ mode: slow, level: 9, on: true }"
WHOLE = (f"All {{ one: %s, three: [{GOOD}, {GOOD}, {GOOD}], list: [{GOOD}], maybe: Some({GOOD}), "
         f"pair: pair {{ one: {GOOD}, two: Some({GOOD}) }}, set: {GOOD} }}")


class Parts(unittest.TestCase):
    @staticmethod
    def bit_field(definition: str):
        return lay_out(f"{HEAD}  it: {definition}\nmessages: {{A: {{fields: {{x: it}}}}}}\n").protocol.bit_fields[1]

    def test_parts_follow_each_other_from_the_lowest_bit(self):
        it = self.bit_field("{bits: {a: 3, b: {type: bool}, c: {bits: 2, at: 6}, d: {bits: 3, type: mode}}}")
        self.assertEqual([(p.shift, p.bits) for p in it.parts], [(0, 3), (3, 1), (6, 2), (8, 3)])
        self.assertEqual((it.base.name, it.unused), ("u16", [4, 5, 11, 12, 13, 14, 15]))

    def test_the_smallest_base_is_chosen(self):
        for bits, base in ((8, "u8"), (9, "u16"), (16, "u16"), (17, "u32"), (33, "u64"), (64, "u64")):
            self.assertEqual(self.bit_field(f"{{bits: {{a: {bits}}}}}").base.name, base)

    def test_a_number_that_is_not_allowed_is_found_unless_all_are_allowed(self):
        for definition in ("{bits: {a: 4, b: 4}}", "{bits: {a: 64}}", "{bits: {a: {bits: 8, range: [0, 255]}}}"):
            self.assertIsNone(self.bit_field(definition).undeclared, definition)
        for definition in ("{bits: {a: 7}}", "{bits: {a: {bits: 8, range: [1, 255]}}}", "{bits: {a: {bits: 8, range: [0, 254]}}}",
                           "{bits: {a: 5, m: {bits: 3, type: mode}}}", "{base: u64, bits: {a: 63}}"):
            it = self.bit_field(definition)
            self.assertTrue(it.undeclared & ~it.all or any(not p.allows(it.value(p, it.undeclared)) for p in it.parts), definition)

    def test_only_a_number_of_which_all_are_allowed_has_no_make(self):
        """Unless no argument can be wrong."""
        for definition, has_make in (("{bits: {a: 4, b: 4}}", False), ("{bits: {a: 8, b: 8}}", True), ("{bits: {a: 4, b: 3}}", True)):
            self.assertEqual(self.bit_field(definition).has_make, has_make, definition)

    def test_the_default_of_a_part_is_allowed(self):
        it = self.bit_field("{bits: {a: {bits: 4, range: [3, 9]}, b: 2, c: {bits: 3, type: mode}}}")
        self.assertEqual(it.initial, 3)

    def test_a_schema_has_at_most_20000_parts(self):
        many = ", ".join(f"f{i}: {{bits: {{{', '.join(f'p{j}: 1' for j in range(64))}}}}}" for i in range(313))
        self.assertIn("a schema has at most 20000 constants and values", errors(f"protocol: p\nbit_fields: {{{many}}}\nmessages: {{A: {{}}}}\n")[0])


@unittest.skipUnless(compilers("gcc") and engine_is_there(), "no compiler, or no engine")
class Program(FolderTest):
    def test_what_is_refused_is_named_and_what_is_not_is_printed(self):
        write_all(self.folder, emit(SCHEMA))
        (self.folder / "main.c").write_text(PROGRAM)
        subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-DPROTOPOOL_CHECK=1", "-I", str(GENERATED), "main.c", "p.c",
                        GENERATED / "protopool.c", "-o", "main"], cwd=self.folder, check=True)
        done = subprocess.run(["./main"], cwd=self.folder, capture_output=True, text=True, check=True)
        broken = "{ mode: 1, level: 15, on: true, reserved: 0xfd80 }"
        self.assertEqual(done.stdout, f"{PRINTED}{WHOLE % GOOD}\n0\n{WHOLE % broken}")


if __name__ == "__main__":
    unittest.main()
