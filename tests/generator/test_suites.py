# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Schemas that are difficult to emit C for: the C compiles with all warnings, optimised, and the emitted suite runs."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import GENERATED, WARNINGS, WARNINGS_CPP, FolderTest, compilers, emit, engine_is_there, generate, lay_out, long, write_all

CC = os.environ.get("CC", "gcc").split()
CHECK_LIBS = ["-lcheck", "-lsubunit", "-lrt", "-lm", "-lpthread"]

AWKWARD = {
    "a message without fields alone": "messages: {A: {}}",
    "numbers that a float does not hold": """
messages:
  A: {fields: {x: {type: f32, range: [0.1, 1], default: 0.1}, y: {type: f32, default: 1e-46}}}
  B: {fields: {x: {type: f32, range: [0, 1e-45]}, y: {type: f64, range: [0, 4e-324]}, z: {type: f32, range: [1e9, 3e38]}}}
  C: {fields: {x: f32, y: f64, l: 'f32[20]', m: 'f64[20]'}}""",
    "names that meet when they are joined": """
flags: {chars: {values: [a, b]}}
messages:
  a_b: {fields: {c: {type: 'u8[3]', range: [1, 9]}, d: 'string[<=3]'}}
  a: {fields: {b_c: {type: 'u8[3]', range: [1, 9]}, b_d: 'string[<=3]'}}
  Number: {fields: {x: f64}}
  X: {fields: {x: u8}}
  OfX: {fields: {x: u8, c: chars}}
  XOf: {fields: {x: u8}}
  Of: {fields: {x: u8}}""",
    "names of the suite's own functions": """
structs: {text: {fields: {x: u8}}}
messages:
  Texts: {fields: {names: {type: 'string[<=9][]', max: 4}, x: u8}}
  Compared: {fields: {texts: {type: 'string?', max: 9}, x: f64, t: text}}
  Numbers: {fields: {x: 'f32[<=3]', t: 'text[<=2]'}}""",
    "parameters called as what constructors use": """
enums: {arg: {values: [a, b]}}
messages:
  A: {fields: {x: {type: u8, c_name: P_A}, y: {type: arg, c_name: p_known_arg}}}
  Take: {fields: {p_take: u8, protopool_take: u8, p_valid_take: 'u8?', p_new_a: u8, memcpy: 'bytes[<=3]', p_free: u8}}""",
    "keywords, macros of the C library and names of the generator": """
enums: {e: {values: [int, class, delete]}, try: {values: [a]}}
flags: {union: {values: [and, or]}}
structs:
  st: {fields: {int: u8, class: 'u8?', new: 'string[<=3]', base: {type: u8, range: [1, 3], default: 2}}}
  if: {fields: {class: 'st[<=2]', default: {type: 'string[<=9]', default: abc}, if: {type: 'char[4]', default: ab}}}
messages:
  Delete:
    fields: {class: u8, default: 'u16[<=3]', errno: 'string[<=9]', stdin: 'char[4]', new: e, base: 'u32?', linux: 'bytes[<=3]?',
             int: st, for: 'st[<=2]', if: 'st?', operator: 'e[3]', union: union, or: 'union[2]', template: 'string[<=4]?',
             this: {type: string, max: 40}}
  Errno: {fields: {true: u8, this: {type: 'st[]', max: 9}}}
  Base: {fields: {x: {type: u8, range: [1, 2]}, bool: bool}}
  New: {fields: {goto: {type: 'u16[]', max: 9}}, deprecated: true}
  Class: {}""",
    "optional texts and lists that are absent in a sample": "messages:\n  A: {fields: {" + ", ".join(
        f"f{i}: 'u8[<=3]?', g{i}: 'string[<=4]?', h{i}: 'char[3]?'" for i in range(8)) + "}}",
    "what is too large to construct by value": """
structs: {big: {fields: {n: 'u8[70000]', e: bool}}}
messages:
  A: {fields: {x: 'u8[70000]', t: {type: string, max: 300}}}
  B: {fields: {x: 'u8[70000]', l: 'u16[<=3]?'}}
  C: {fields: {b: big, t: string}}""",
    "structs of every kind, and optional enums": """
enums: {e: {values: {r: 1, g: 7}}, wide: {values: {a: 0, b: 9000000000000000000}}}
flags: {caps: {values: [r, w]}}
structs:
  point: {fields: {x: i32, y: i32}}
  name: {fields: {n: 'char[4]'}}
  level: {fields: {n: {type: 'char[4]', pad: ' '}, t: 'string[<=5]?', p: u32}}
  lists: {fields: {n: 'u16[<=3]', m: 'e?', b: 'bytes[<=255]'}}
  nest: {fields: {p: point, o: 'level?', l: 'lists[<=2]', n: 'name[2]', w: 'wide?', c: 'caps?'}}
  only: {fields: {b: bool}}
  held: {fields: {b: 'only[<=2]'}}
  list: {fields: {b: 'u8[<=3]'}}
messages:
  A: {fields: {p: point, n: nest, l: level, e: 'e?', w: 'wide?', c: 'caps?'}}
  B: {fields: {n: name, o: held, l: list}}""",
    "history": """
enums:
  state: {values: {new: 0, old: {value: 1, deprecated: Use new.}, late: {value: 2, since: 3, doc: Late}}}
  wide: {values: {a: 0, b: {value: 9000000000, deprecated: true, since: 2}}}
flags: {caps: {values: {read: 0, write: {value: 1, since: 2, deprecated: true}}}}
structs: {point: {fields: {x: i32, y: {type: i32, deprecated: Use x.}, o: {type: 'u8?', deprecated: true}, c: {type: 'char[4]', deprecated: true}}}}
messages:
  A:
    since: 2
    fields:
      a: {type: u64, deprecated: use b, doc: Left}
      b: {type: u64, since: 3}
      s: {type: state, default: old, deprecated: 'quotes " and */'}
      o: {type: 'u16?', deprecated: true, range: [1, 5]}
      l: {type: 'state[<=3]', deprecated: true}
      t: {type: 'string[<=9]', deprecated: true}
      p: {type: point, deprecated: true}
      q: {type: 'point[<=2]?', deprecated: true}
      n: {type: 'u16?', absent: 7, deprecated: true}
      c: {type: caps, deprecated: true}
      w: {type: wide, deprecated: true}
      r: {type: 'f32[3]', deprecated: true}
  B: {deprecated: true, since: 65535, fields: {x: u8, t: {type: string, deprecated: true, since: 4}}}
  C: {since: 3, fields: {x: u8, t: {type: 'point[]', deprecated: true}}}""",
    "history of types, structs, parts and values in descriptions": r"""
types:
  temp: {type: i16, unit: C, range: [-300, 900], absent: -32768, default: 20, since: 2}
  warm: {type: temp, range: [0, 900], deprecated: Use temp.}
  level: {type: f16, absent: nan, deprecated: true}
  raw: {type: u8, absent: 255}
  label: {type: 'char[4]', since: 3, deprecated: Use a string.}
enums:
  mode: {values: {off: 0, on: {value: 1, since: 2}, dim: {value: 2, deprecated: 'Use "on".'}}}
  plain: {values: [a, b]}
  wide: {values: {small: 0, large: {value: 9000000000000000000, since: 4}}}
flags: {caps: {values: {read: 0, write: {value: 3, since: 3}, none: {mask: 0, deprecated: true}}}}
bit_fields:
  status: {base: u16, bits: {mode: {bits: 3, type: mode, since: 2}, level: {bits: 4, range: [1, 9], deprecated: Use mode.}, on: {type: bool, at: 9}, plain: {bits: 1, type: plain}}}
structs:
  point: {since: 2, deprecated: Use place., fields: {x: temp, y: 'temp?', s: status}}
  place: {since: 3, fields: {a: {type: u8, since: 4}, w: 'warm?', l: 'level?', z: 'level[2]'}}
messages:
  A: {fields: {t: temp, u: 'temp?', v: 'temp[2]', w: 'warm?', x: 'level?', y: 'raw[<=3]?', own: {type: 'raw?', absent: 0}, m: mode, n: wide, c: caps, s: status, p: point,
      q: 'place[<=2]', l: label}, max_live: 2}
  B: {fields: {v: 'raw[]', p: plain}}""",
    "tags of four bytes": """
structs: {point: {fields: {x: i32, y: i32}}}
messages:
  Start: {tag: 655370, fields: {a: u8, b: 'u64?'}, max_live: 3}
  StartOk: {tag: 655371, fields: {a: u16, p: point}, max_live: 2}
  Open: {tag: 0x140028, fields: {l: 'u16[<=3]', t: 'string[<=9]'}}
  Close: {tag: 2147483646}
  Text: {fields: {a: u64, t: string}}
  Low: {tag: 1, fields: {x: f64}}
  Bytes: {tag: 65536, fields: {x: u8, b: {type: bytes, max: 300}}, max_live: 2}""",
    "deprecated messages": """
messages:
  A: {deprecated: true}
  B: {deprecated: Use C., fields: {x: u8}}
  C: {deprecated: true, fields: {x: string}}
  D: {deprecated: 'A reason that is longer than a line, with commas, a "quotation", and so on, until the line is full, and then more.', fields: {y: u8}}""",
}

# What a user writes for a schema, with every warning.
USED = [
    ("messages: {A: {fields: {v: 'u16[<=1]'}}}",
     "struct p_a f(const uint16_t *v, size_t n) { return p_make_a(v, n); }"),
    ("enums: {some: {values: [x, y]}}\nmessages: {A: {fields: {e: 'some[<=1]'}}}",
     "struct p_a f(const uint8_t *v, size_t n) { return p_make_a(v, n); }"),
    ("enums: {colour: {values: [red, blue]}}\nmessages: {A: {fields: {c: 'colour?'}}}",
     "struct p_a f(enum p_colour colour) { return p_make_a(&colour); }"),
]


MISUSE_OF_WIDE_TAGS = r"""
#define PROTOPOOL_NO_ANALYSIS
#include "p.h"
#include <stdio.h>
#include <stdlib.h>

#if PROTOPOOL_CHECK >= 1
static void note(enum protopool_fault fault, const void *pool, const void *pointer, const struct protopool_site *site)
{
    (void)pool, (void)pointer, (void)site;
    printf("%s\n", protopool_fault_text(fault));
}
#endif

int main(void)
{
    static struct p_pool pool;
    static const uint32_t x[4];
    struct p *all[300];
    if (!p_pool_init_growing(&pool, NULL))
        return EXIT_FAILURE;
    for (unsigned turn = 0; turn < 20; turn++) { /* variants in turn, and in a row: with and without the hint */
        for (unsigned i = 0; i < 300; i++)
            all[i] = i % (turn + 1) % 3 == 0 ? p_new_a(&pool, 1) : i % (turn + 1) % 3 == 1 ? p_new_b(&pool, x) : p_new_c(&pool, "text", 4);
        for (unsigned i = 0; i < 300; i++) {
            if (all[i] == NULL || !p_validate(all[i], p_size(all[i])))
                return EXIT_FAILURE;
            p_free(&pool, all[i]);
        }
    }
#if PROTOPOOL_CHECK >= 1
    protopool_set_fault_handler(note);
    all[0] = p_new_a(&pool, 1);
    p_free(&pool, all[0]);
    p_free(&pool, all[0]);
#if PROTOPOOL_CHECK == 1
    all[0] = p_new_a(&pool, 1);
    all[0]->tag = 655370 + 65536; /* its low bytes are those of a variant */
    p_free(&pool, all[0]);
    all[0]->tag = P_A;
    p_free(&pool, all[0]);
#endif
    (void)p_as_a(all[0]);
    all[0] = p_new_b(&pool, x);
    (void)p_as_a(all[0]);
    p_free(&pool, all[0]);
    all[0]->tag = P_B;
    for (unsigned i = 0; i < 300; i++)
        all[i] = p_new_b(&pool, x);
#endif
    return EXIT_SUCCESS;
}
"""


def clean(compiler: str) -> list[str]:
    flags = WARNINGS_CPP if "++" in compiler else WARNINGS
    return [flag for flag in flags if not flag.startswith("-Wcast-align")]


@unittest.skipUnless(engine_is_there() and compilers(CC[0]), "no compiler, or the engine is not there")
class Awkward(FolderTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.engine = Path(folder.name, "protopool.o")
        subprocess.run([*CC, "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-c", GENERATED / "protopool.c", "-o", cls.engine], check=True)

    def compile(self, compiler: list[str], *arguments) -> str:
        standard = "-std=c++17" if "++" in compiler[0] else "-std=c11"
        done = subprocess.run([*compiler, standard, "-D_POSIX_C_SOURCE=200809L", *clean(compiler[0]), "-I", GENERATED,
                               *arguments], cwd=self.folder, capture_output=True, text=True)
        return done.stderr if done.returncode or done.stderr else ""

    @long
    def test_the_emitted_suite_compiles_and_runs(self):
        for name, schema in AWKWARD.items():
            with self.subTest(name):
                write_all(self.folder, emit(f"protocol: p\n{schema}\n"))
                self.assertEqual(self.compile(CC, "-O2", "p.c", "p_check.c", self.engine, "-o", "suite", *CHECK_LIBS), "")
                run = subprocess.run([self.folder / "suite"], capture_output=True, text=True, env={**os.environ, "CK_FORK": "no"})
                self.assertEqual(run.returncode, 0, run.stdout)

    @long
    def test_the_header_is_quiet_in_c_and_in_cpp(self):
        for name in ("names that meet when they are joined", "structs of every kind, and optional enums", "deprecated messages", "history"):
            write_all(self.folder, generate.generate([("p.yaml", f"protocol: p\n{AWKWARD[name]}\n".encode())], ["cpp"]))
            for suffix, names in (("c", ("gcc", "clang")), ("cpp", ("g++", "clang++"))):
                (self.folder / f"use.{suffix}").write_text(f'#include "p.h{"pp" if suffix == "cpp" else ""}"\n')
                for compiler in compilers(*names):
                    for level in (0, 2):
                        with self.subTest(name, compiler=compiler, level=level):
                            self.assertEqual(self.compile([compiler], f"-DPROTOPOOL_CHECK={level}", "-fsyntax-only", f"use.{suffix}"), "")

    @long
    def test_c_of_2023_is_quiet(self):
        for name in compilers("gcc", "clang", *(f"clang-{version}" for version in range(16, 24))):
            write_all(self.folder, emit(f"protocol: p\n{AWKWARD['deprecated messages']}\n"))
            for source in ("p.c", GENERATED / "protopool.c"):
                done = subprocess.run([name, "-std=c2x", "-Wall", "-Wextra", "-Wpedantic", "-Wno-constant-logical-operand", "-D_POSIX_C_SOURCE=200809L", "-I", GENERATED,
                                       "-fsyntax-only", source], cwd=self.folder, capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)

    @long
    def test_misuse_is_found_with_tags_of_four_bytes(self):
        """Level 1 reads and writes the tag of a freed message; free goes by the tag at each level."""
        write_all(self.folder, emit("protocol: p\nmessages: {A: {tag: 655370, fields: {x: u32}}, B: {tag: 655371, fields: {x: 'u32[4]'}}, "
                                    "C: {tag: 2147483647, fields: {t: string}}}\n"))
        (self.folder / "misuse.c").write_text(MISUSE_OF_WIDE_TAGS)
        found = {0: "", 1: "double free\nbad tag\nuse after free\nwrong variant\nuse after free (write)\n",
                 2: "double free\nuse after free\nwrong variant\nuse after free (write)\n"}
        for level in (0, 1, 2):
            with self.subTest(level=level):
                self.assertEqual(self.compile(CC, f"-DPROTOPOOL_CHECK={level}", "misuse.c", "p.c", GENERATED / "protopool.c", "-o", "misuse",
                                              "-lpthread"), "")
                run = subprocess.run([self.folder / "misuse"], capture_output=True, text=True)
                self.assertEqual((run.returncode, run.stdout), (0, found[level]), run.stderr)

    def test_bodies_are_in_braces(self):
        """gcc needs long to check the indentation of bodies without braces."""
        files = emit(f"protocol: p\n{AWKWARD['structs of every kind, and optional enums']}\n")
        for name in ("p.h", "p.c"):
            heads = re.findall(r"(?m)^ *((?:if|for|while) \(.*\)|else)(?: /\*.*\*/)?$", files[name])
            self.assertEqual([head for head in heads if head.count("(") == head.count(")")], [], name)

    def test_what_users_write_is_quiet(self):
        for schema, code in USED:
            with self.subTest(code):
                write_all(self.folder, emit(f"protocol: p\n{schema}\n"))
                declaration = code[:code.index("{")].strip() + ";"
                (self.folder / "use.c").write_text(f'#include "p.h"\n{declaration}\n{code}\n')
                self.assertEqual(self.compile(CC, "-O2", "-c", "use.c", "-o", "use.o"), "")

    def test_a_parameter_hides_no_tag(self):
        write_all(self.folder, emit("protocol: p\nmessages: {A: {fields: {x: {type: u8, c_name: P_A}}}}\n"))
        (self.folder / "use.c").write_text('#include "p.h"\nint main(void) { return p_make_a(7).base.tag == P_A && p_make_a(7).P_A == 7 ? 0 : 1; }\n')
        self.assertEqual(self.compile(CC, "use.c", "p.c", self.engine, "-o", "use", "-lpthread"), "")
        subprocess.run([self.folder / "use"], check=True)

    def test_only_a_struct_that_can_show_a_refusal_has_make(self):
        header = emit(f"protocol: p\n{AWKWARD['structs of every kind, and optional enums']}\n")["p.h"]
        for struct in ("point", "level", "lists", "nest", "only", "held", "list"):
            self.assertIn(f" p_make_{struct}(", header)
        self.assertNotIn(" p_make_name(", header)
        self.assertIn(" p_set_name(", header)

    def test_nothing_is_constructed_by_value_past_64_kib(self):
        for size, there in ((65535, True), (65536, False)):
            text = f"protocol: p\nstructs: {{s: {{fields: {{x: 'u8[{size + 1}]'}}}}}}\nmessages: {{A: {{fields: {{x: 'u8[{size}]'}}}}, B: {{fields: {{s: s}}}}}}\n"
            self.assertEqual(lay_out(text).messages[0].by_value, there)
            write_all(self.folder, emit(text))
            for function in ("p_make_a", "p_default_a", "p_make_s", "p_default_s"):
                (self.folder / "use.c").write_text(f'#include "p.h"\nvoid use(void);\nvoid use(void) {{ (void)({function}); }}\n')
                self.assertEqual(self.compile(CC, "-fsyntax-only", "use.c") == "", there, function)
            self.assertIn("64 KiB", (self.folder / "p.h").read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
