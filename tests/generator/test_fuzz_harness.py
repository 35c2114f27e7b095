# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The harness for libFuzzer: its mutator, without libFuzzer. docs/fuzzing.md runs the whole."""

import subprocess
import tempfile
import unittest
from pathlib import Path

from support import compile_c, compilers, lay_out, long, write_all

from gen.emit import engine, render

# Every kind that the mutator treats in a way of its own.
KINDS = """
protocol: kinds
enums: {colour: {values: {red: 1, green: 5, blue: 9}}}
flags: {caps: {values: [fast, safe, cheap]}}
bit_fields: {parts: {base: u16, bits: {a: {bits: 7, range: [100, 101]}, colour: {bits: 4, type: colour}, valid: {type: bool}}}}
structs:
  limit: {fields: {n: {type: u32, range: [5, 6]}, which: {one_of: {a: u8, colour: colour}}}}
  point: {fields: {x: f64, name: 'string[<=7]', colours: 'colour[<=3]'}}
messages:
  Fixed: {fields: {a: {type: u8, range: [10, 20]}, b: bool, colour: colour, caps: caps, letter: char, code: 'char[4]'}}
  Lists: {fields: {numbers: 'u32[<=5]', points: 'point[<=2]', three: 'i16[3]', text: 'string[<=300]', data: 'bytes[<=9]'}}
  Optional: {fields: {number: 'u16?', text: 'string[<=12]?', point: 'point?', none: {type: 'u8?', absent: 255}}}
  Tails: {fields: {text: string, numbers: 'u32[]', data: {type: bytes, max: 40}}}
  Points: {fields: {points: 'point[]'}}
  Nothing:
  Choice: {fields: {value: {one_of: {small: {type: u32, range: [70000, 70009]}, text: 'string[<=5]', point: point, limits: 'limit[<=3]'}},
    note: {one_of: {colour: colour, code: u8}, optional: true}}}
  Texts: {fields: {names: {type: 'string[<=9][]', max: 5}, numbers: 'u32[]', remarks: 'string[]?'}}
  Limits: {fields: {far: {type: 'i64?', range: [-3000000002, -3000000000]}, colours: 'colour[<=4]', half: {type: 'f16?', range: [1.5, 2]}, double: {type: 'f64[]', range: [0.25, 0.5]},
    gone: {type: 'u32?', absent: 4000000000}, parts: 'parts?', limit: 'limit?'}}
"""
# The same, packed: with a tag, and with frames.
WIRES = ("", "wire: {packed: true, order: big}\n", "wire: {packed: true, tag: none}\n")
# Mutates a sequence again and again. What the mutator itself changed must still be a sequence of messages.
PROGRAM = """
#include "kinds_fuzz.c"
#include <stdio.h>

static unsigned char input[4096];
static bool is_raw;
static unsigned long seen[10], changes, reached[19];
static bool lengths[32];    /* of the first tail, which moves the others */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
    if (data == input) {
        is_raw = true;
        return size;
    }
    if (size < room && rand() % 2 == 0)
        data[size++] = 'x';
    else if (size > 1 && rand() % 2 == 0 && size != room)
        size--;
    if (size > 0)
        data[rand() % (int)size] = (uint8_t)rand();
    return size;
}

/* What is reached only if a field gets a value that the schema allows. */
static void note_reached(const struct kinds *msg)
{
    const struct kinds_choice *const choice = kinds_if_choice(msg);
    const struct kinds_texts *const texts = kinds_if_texts(msg);
    const struct kinds_limits *const limits = kinds_if_limits(msg);

    if (choice != NULL) {
        reached[kinds_choice_which_value(choice)]++; /* 1 to 4 */
        reached[5] += choice->value_which == KINDS_CHOICE_VALUE_LIMITS && choice->value_len != 0;
        reached[6] += choice->value_which == KINDS_CHOICE_VALUE_TEXT && choice->value_len != 0;
        reached[7 + choice->note_which]++;
    }
    if (texts != NULL) {
        reached[10] += texts->names_len > 1 && *kinds_texts_names_at(texts, 1) != '\\0' && texts->numbers_len != 0;
        reached[11] += texts->has_remarks && texts->remarks_len > 1;
    }
    if (limits != NULL) {
        reached[12] += limits->has_far;
        reached[13] += limits->colours_len > 1;
        reached[14] += limits->has_half;
        reached[15] += limits->double_len > 1;
        reached[16] += limits->gone == 4000000000;
        reached[17] += limits->has_parts && kinds_parts_a(limits->parts) == 101;
        reached[18] += limits->has_limit;
    }
}

void kinds_fuzz(const struct kinds *msg, size_t number)
{
    static size_t last;
    if (number != 0 && number != last + 1)
        abort();
    last = number;
    seen[kinds_tag_of(msg)]++;
    note_reached(msg);
    if (kinds_if_tails(msg) != NULL && kinds_as_tails(msg)->numbers_len > 0)
        lengths[kinds_as_tails(msg)->text_len % 32] = true;
}

/* The tails behind a text keep their elements when its length changes. */
static void check_resize(void)
{
    const uint32_t numbers[] = { 7, 8 };
    const uint8_t data[] = { 9 };
    struct kinds *const msg = kinds_new_tails(&pool, "abc", 3, numbers, 2, data, 1);
    const struct protopool_record *const record = kinds_describe(KINDS_TAILS);
    const struct kinds_tails *const moved = (const struct kinds_tails *)(const void *)changed;
    size_t size = kinds_size(msg), length;

    memcpy(changed, msg, size);
    kinds_free(&pool, msg);
    for (size_t i = 0; i < 4; i++) {
        size = resize(record, &record->fields[0], changed, size, (const size_t[]){ 11, 7, 4, 9 }[i]);
        if (!kinds_validate(&moved->base, size) || kinds_tails_numbers(moved, &length)[1] != 8 || length != 2
            || *kinds_tails_data(moved, &length) != 9)
            printf("tails are not moved ");
    }
}

int main(void)
{
    static unsigned char before[sizeof input];
    size_t size = 0;

    for (unsigned seed = 1; seed <= 60000; seed++) {
        struct protopool_received received;
        struct kinds *msg;
        size_t at = 0, old = size;
        memcpy(before, input, sizeof input);
        is_raw = false;
        size = LLVMFuzzerCustomMutator(input, size, sizeof input, seed * 2654435761U);
        changes += old != size || memcmp(before, input, size) != 0;
        if (is_raw || seed % 500 == 0)
            size = size > 2000 ? 0 : size;
        (void)LLVMFuzzerTestOneInput(input, size);
        while ((msg = RECEIVE(input + at, size - at, &received)) != NULL) {
            at += received.used;
            kinds_free(&pool, msg);
        }
        if (at != size) {
            printf("after %u mutations: %zu of %zu bytes are messages\\n", seed, at, size);
            return 1;
        }
    }
    for (int i = 1; i < 19; i++)
        if (reached[i] < 20)
            printf("%d was reached %lu times ", i, reached[i]);
    for (int tag = 1; tag <= 9; tag++)
        printf("%d ", seen[tag] > 300);
    for (int i = 0; i < 16; i++)
        if (!lengths[i])
            printf("no text of %d characters ", i);
    check_resize();
    printf("%d %zu\\n", changes > 30000, kinds_pool_fini(&pool));
    return 0;
}
"""


def emit(folder: Path, wire: str = "") -> None:
    write_all(folder, render.render(lay_out(KINDS.replace("enums:", f"{wire}enums:", 1)), ["fuzz"]) | engine.engine())


class Mutator(unittest.TestCase):
    @long
    def test_its_changes_are_valid_and_reach_every_variant(self):
        for wire in WIRES:
            with self.subTest(wire), tempfile.TemporaryDirectory() as name:
                self.mutate(Path(name), wire)

    def mutate(self, folder: Path, wire: str) -> None:
        emit(folder, wire)
        (folder / "program.c").write_text(PROGRAM)
        subprocess.run(["gcc", "-std=c11", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-D_POSIX_C_SOURCE=200809L",
                        "-DRECEIVE=receive_frame" if "none" in wire else "-DRECEIVE(...)=kinds_receive(&pool,__VA_ARGS__)",
                        "program.c", "kinds.c", "protopool.c", "-o", "program", "-lpthread"], cwd=folder, check=True)
        done = subprocess.run(["./program"], cwd=folder, capture_output=True, text=True, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, "1 1 1 1 1 1 1 1 1 1 0\n"), done.stderr)

    def test_compilers_have_no_warning(self):
        for wire in WIRES:
            with self.subTest(wire), tempfile.TemporaryDirectory() as name:
                emit(Path(name), wire)
                for compiler in compilers("gcc", "clang"):
                    self.assertEqual(compile_c(compiler, Path(name), "kinds_fuzz.c", "-O2"), "")


if __name__ == "__main__":
    unittest.main()
