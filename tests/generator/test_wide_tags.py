# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Tags that are no int: in C they are macros of uint32_t, and no enumerators."""

import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from support import ROOT, FolderTest, compile_c, compilers, emit, lay_out, long, main, write_all

SCHEMA = """\
protocol: all
messages:
  Low: {tag: 5, fields: {x: u32, text: 'string[<=9]'}, max_live: 3, replies: Middle}
  Middle: {tag: 2147483647, fields: {it: 'u8?'}, shared: true}
  High: {tag: 2147483648, fields: {x: 'u64?', note: string}}
  Last: {tag: 4294967295, fields: {n: 'u16[]', t: 'string[]'}, deprecated: true}
  Quit: {tag: 0xdeadbeef}
"""
USE = """\
#define PROTOPOOL_NO_DEPRECATION
#include "all.h"
int use(const struct all *msg);
int use(const struct all *msg)
{
    static const uint32_t tags[] = { ALL_LOW, ALL_LAST };
    switch (all_tag_of(msg)) {
    case ALL_LOW:
        return 1;
    case ALL_MIDDLE:
    case ALL_HIGH:
        return all_describe(tags[1]) != NULL && all_is_reply_to(ALL_MIDDLE, ALL_LOW);
    case ALL_LAST:
    case ALL_QUIT:
        return all_as_last(msg)->n_len != 0;
    }
    return 0;
}
"""
USE_CPP = """\
#define PROTOPOOL_NO_DEPRECATION
#include "all.hpp"
static_assert(all_cpp::tag_of<all_last> == 0xffffffff && std::is_same_v<all_cpp::variant_t<ALL_HIGH>, all_high>);
int use(const all_cpp::handle &msg);
int use(const all_cpp::handle &msg)
{
    return all_cpp::match(msg, [](const all_high &high) { return all_cpp::x_view(high) ? 1 : 2; }, [](const auto &) { return 3; });
}
"""


class WideTags(FolderTest):
    def test_all_tags_are_macros_if_one_is_no_int(self):
        header = emit(SCHEMA)["all.h"]
        self.assertNotIn("enum all_tag", header)
        self.assertIn("#define ALL_LOW UINT32_C(5)\n", header)
        self.assertIn("#define ALL_LAST UINT32_C(4294967295)\n", header)

    def test_up_to_int_max_they_are_enumerators(self):
        header = emit("protocol: all\nmessages: {Low: {tag: 5}, Middle: {tag: 2147483647}}\n")["all.h"]
        self.assertIn("enum all_tag { ALL_LOW = 5, ALL_MIDDLE = 2147483647 };\n", header)
        self.assertNotIn("#define ALL_LOW", header)

    def test_what_marks_a_freed_message_is_no_tag(self):
        self.assertEqual(lay_out(SCHEMA).freed_tag, 2147483646)
        self.assertEqual(lay_out("protocol: p\nmessages: {A: {tag: 2147483648}}\n").freed_tag, 2147483647)

    def test_c_and_cpp_compile_without_warnings(self):
        (self.folder / "all.yaml").write_text(SCHEMA)
        self.assertEqual(main("generate", "-q", "--cpp", "--tests", self.folder, "-o", self.folder, self.folder / "all.yaml")[0], 0)
        write_all(self.folder, {"use.c": USE, "use.cpp": USE_CPP})
        for compiler in compilers("gcc", "clang"):
            for source in ("all.c", "all_check.c", "use.c"):
                self.assertEqual(compile_c(compiler, self.folder, source, "-D_POSIX_C_SOURCE=200809L", "-DPROTOPOOL_CHECK=2"), "")
        for compiler in compilers("g++", "clang++"):
            self.assertEqual(compile_c(compiler, self.folder, "use.cpp", "-Wold-style-cast"), "")

    @long
    @unittest.skipUnless(compilers("gcc"), "no gcc")
    def test_the_suite_passes_and_messages_go_to_python_and_to_other_machines(self):
        (self.folder / "all.yaml").write_text(SCHEMA)
        self.assertEqual(main("generate", "-q", "--bench", "--python", "--tests", self.folder, "-o", self.folder, self.folder / "all.yaml")[0], 0)
        common = ["-std=gnu11", "-D_POSIX_C_SOURCE=200809L", f"-I{self.folder}", f"-I{ROOT / 'tests/generator'}", self.folder / "all.c", self.folder / "protopool.c"]
        for level in (0, 1, 2):
            self.run_it("gcc", f"-DPROTOPOOL_CHECK={level}", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *common, self.folder / "all_check.c",
                        "-o", self.folder / "check", *"-lcheck -lsubunit -lrt -lm -lpthread".split())
            self.assertIn("100%", self.run_it(self.folder / "check"))
        combined, peer = ROOT / "tests/generator/combined.c", ROOT / "tests/generator/python_peer"
        self.run_it("gcc", *common, combined, "-o", self.folder / "combined")
        expected = self.run_it(self.folder / "combined", self.folder / "sent")
        self.assertEqual(expected.count("\n"), 4)
        self.run_it("gcc", *common, peer.with_suffix(".c"), "-o", self.folder / "peer")
        self.assertIn("4 messages from C", self.run_it(sys.executable, peer.with_suffix(".py"), self.folder, self.folder / "peer", self.folder / "sent"))
        if compilers("powerpc-linux-gnu-gcc") and shutil.which("qemu-ppc"):
            self.run_it("powerpc-linux-gnu-gcc", "-static", *common, combined, "-o", self.folder / "other")
            self.assertEqual(self.run_it("qemu-ppc", self.folder / "other", self.folder / "sent_other", self.folder / "sent"), expected)
            self.assertEqual(Path(self.folder, "sent").read_bytes(), Path(self.folder, "sent_other").read_bytes())

    def run_it(self, *words) -> str:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
