# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Machine code of a large catalogue: bytes of each message in the emitted source, and where a program copies and frees it."""

import platform
import subprocess
import unittest

from support import FolderTest, command, compilers, long

MESSAGES = 200
# A catalogue like that of MAVLink: a time, numbers of all sizes, some arrays, enums, flags and texts.
FIELDS = ("u64", "u32", "f32", "i16", "u8", "f32", "mode", "i32", "u16", "'f32[4]'", "caps", "u8", "i16", "'u8[16]'", "f32", "u16", "'char[20]'")
TEXT_LIMIT = 220                # bytes of .text in NAME.o per message; today 210
TABLES_LIMIT = 560              # bytes of tables and names in it per message
CALLER_LIMIT = 260              # bytes of .text where each message is copied and freed, per message; today 244
CALLED_LIMIT = 130              # the same with PROTOPOOL_NO_INLINE; today 116



def schema() -> str:
    lines = ["protocol: many", "enums:", "  mode: {values: [off, manual, automatic, landing]}", "  rare: {values: {low: 1, high: 90}}",
             "flags:", "  caps: {values: [read, write, seek]}", "messages:"]
    for i in range(MESSAGES):
        chosen = [FIELDS[(i + 5 * j) % len(FIELDS)] for j in range(2 + i % 11)]
        chosen += ["'string[<=30]'"] * (i % 12 == 0) + ["'u32?'"] * (i % 9 == 0) + ["rare"] * (i % 7 == 0)
        lines.append(f"  message_{i}: {{max_live: 4, fields: {{{', '.join(f'field_{j}: {type_}' for j, type_ in enumerate(chosen))}}}}}")
    return "\n".join(lines) + "\n"


def program() -> str:
    functions = "".join(f"void use{i}(struct many_pool *pool, const struct many_message_{i} *from);\n"
                        f"void use{i}(struct many_pool *pool, const struct many_message_{i} *from)\n"
                        f"{{ many_free(pool, many_copy_message_{i}(pool, from)); }}\n" for i in range(MESSAGES))
    return '#include "many.h"\n' + functions


@long
@unittest.skipUnless(compilers("gcc") and platform.machine() in ("x86_64", "AMD64"), "the limits are those of gcc on x86-64")
class CodeSize(FolderTest):
    def sections(self, *arguments: object) -> dict[str, int]:
        """The bytes of each section of what the compiler makes of these arguments."""
        out = self.folder / "out.o"
        subprocess.run(["gcc", "-std=c11", "-O2", "-fno-pie", "-I", self.folder, *arguments, "-c", "-o", out], check=True)
        lines = subprocess.run(["size", "-A", out], capture_output=True, text=True, check=True).stdout.splitlines()
        return {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(".")}

    def test_a_large_catalogue(self):
        (self.folder / "many.yaml").write_text(schema())
        (self.folder / "use.c").write_text(program())
        self.assertEqual(command("-q", "-o", self.folder, self.folder / "many.yaml").stderr, "")
        source, inlined, called = (self.sections(self.folder / file, *flags) for file, flags in
                                   (("many.c", ()), ("use.c", ()), ("use.c", ("-DPROTOPOOL_NO_INLINE",))))
        tables = sum(size for name, size in source.items() if name.startswith((".rodata", ".data")))
        measured = {"text": (source[".text"], TEXT_LIMIT), "tables": (tables, TABLES_LIMIT), "caller": (inlined[".text"], CALLER_LIMIT),
                    "caller, called": (called[".text"], CALLED_LIMIT)}
        print("bytes per message: " + "; ".join(f"{what} {size / MESSAGES:.0f}" for what, (size, _) in measured.items()))
        for what, (size, limit) in measured.items():
            with self.subTest(what):
                self.assertLessEqual(size / MESSAGES, limit)
        self.assertLess(called[".text"], inlined[".text"])


if __name__ == "__main__":
    unittest.main()
