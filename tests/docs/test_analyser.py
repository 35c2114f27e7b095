# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What gcc (11 or newer) reports about double frees, uses after free and leaks: without optimisation, and at level 2."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT, emit, long, write_all

BUGS = {
    "double free": ("struct calc *msg = calc_new_add(pool, 1, 2);\n    calc_free(pool, msg);\n    calc_free(pool, msg);",
                    [], r"\[-Wuse-after-free\]"),
    "use after free": ("struct calc *msg = calc_new_add(pool, 1, 2);\n    calc_free(pool, msg);\n    return msg->tag;",
                       [], r"\[-Wuse-after-free\]"),
    "unused": ("calc_new_add(pool, 1, 2);", [], r"\[-Wunused-result\]"),
    "leak": ("struct calc *msg = calc_new_add(pool, 1, 2);\n    return msg == NULL;",
             ["-fanalyzer"], r"leak of .msg.*\[-Wanalyzer-malloc-leak\]"),
    "double free, analysed": ("struct calc *msg = calc_new_add(pool, 1, 2);\n    calc_free(pool, msg);\n"
                              "    calc_free(pool, msg);",
                              ["-fanalyzer"], r"double-.*\[-Wanalyzer-double-free\]"),
}
GOOD = """struct calc *msg = calc_new_add(pool, 1, 2), *quit = calc_new_quit(pool);
    const struct calc_store store = calc_make_store("name", 1);
    struct calc *copy = calc_copy_store(pool, &store);
    int tag = msg != NULL ? msg->tag : 0;
    calc_free(pool, msg);
    calc_free(pool, quit);
    calc_free(pool, copy);
    return tag;"""


def _gcc_version() -> int:
    if shutil.which("gcc") is None:
        return 0
    said = subprocess.run(["gcc", "-dumpversion"], capture_output=True, text=True).stdout
    return int(re.match(r"\d+", said)[0])


@unittest.skipUnless(_gcc_version() >= 11, "gcc 11 or newer is needed")
class Analyser(unittest.TestCase):
    def said(self, body: str, *flags: str) -> str:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "bug.c"
            source.write_text(f'#include "calc.h"\nint bug(struct calc_pool *pool);\nint bug(struct calc_pool *pool)\n{{\n'
                              f'    {body}\n    return 0;\n}}\n')
            return subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", *flags, "-I", ROOT / "generated", "-c", source,
                                   "-o", "/dev/null"], capture_output=True, text=True).stderr

    def test_each_bug_is_named(self):
        for name, (body, flags, expected) in BUGS.items():
            for setting in (["-O0"], ["-O2", "-DPROTOPOOL_CHECK=2"]):
                with self.subTest(name, setting=setting):
                    self.assertRegex(self.said(body, *setting, *flags), expected)

    @long
    def test_emitted_code_and_the_readmes_program_are_let_pass(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        schema, code = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL)[1] for kind in ("yaml", "c"))
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(schema, "calc.yaml"))
            program = Path(folder, "program.c")
            program.write_text('#include "calc.h"\n#include <inttypes.h>\nint main(void)\n{\n%s\n}\n' % code)
            for source, include in ((ROOT / "generated" / "calc.c", ROOT / "generated"), (program, folder),
                                    (ROOT / "generated" / "telemetry.c", ROOT / "generated")):
                for level in (1, 2):
                    for optimised in ("-O0", "-O2"):
                        with self.subTest(source.name, level=level, optimised=optimised):
                            said = subprocess.run(["gcc", "-std=c11", "-fanalyzer", optimised, f"-DPROTOPOOL_CHECK={level}", "-I", include, "-I",
                                                   ROOT / "generated", "-c", source, "-o", "/dev/null"], capture_output=True, text=True).stderr
                            self.assertEqual(said, "")

    def test_good_code_is_let_pass(self):
        for setting in (["-O0"], ["-O0", "-fanalyzer"], ["-O2"], ["-O2", "-DPROTOPOOL_CHECK=2"]):
            with self.subTest(setting=setting):
                self.assertEqual(self.said(GOOD, *setting), "")


if __name__ == "__main__":
    unittest.main()
