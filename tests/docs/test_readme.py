# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The README's schema and C: they generate, compile with every warning and run as it says."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from support import ROOT, WARNINGS, command

CC = os.environ.get("CC", "gcc").split()
PROGRAM = """
#include "calc.h"
#include <inttypes.h>

CALC_POOL_STORAGE(memory);

int main(void)
{
%s
    return EXIT_STATUS;
}
"""


class Readme(unittest.TestCase):
    def test_its_schema_and_program(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        schema = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1]
        code = re.search(r"```c\n(.*?)```", text, re.DOTALL)[1]
        storage, body = code.split("\n", 1)
        self.assertIn("CALC_POOL_STORAGE(memory);", storage)
        body = body.replace("calc_pool_init(&pool, memory, sizeof memory);",
                            "if (!calc_pool_init(&pool, memory, sizeof memory)) return 1;")
        body = body.replace("calc_pool_fini(&pool);", "const size_t live = calc_pool_fini(&pool);")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "calc.yaml").write_text(schema, encoding="utf-8")
            source = Path(folder) / "your_program.c"
            source.write_text((PROGRAM % body).replace("EXIT_STATUS", "live == 0 ? 0 : 1"), encoding="utf-8")
            made = command("-o", folder, f"{folder}/calc.yaml")
            self.assertEqual(made.returncode, 0, made.stderr)
            flags = [flag for flag in WARNINGS if not flag.startswith("-Wcast-align")]
            subprocess.run([*CC, "-std=c11", *flags, "-I", folder, f"{folder}/calc.c", f"{folder}/protopool.c",
                            source, "-o", f"{folder}/program"], check=True)
            run = subprocess.run([f"{folder}/program"], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout, "5Add { left: 5, right: 6 }")

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_its_make_rule_as_pasted(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        rule = re.search(r"\n\n((?:    .*\n)*    src/\.mine\.stamp:.*\n(?:    .*\n)*)", text)[1]
        with tempfile.TemporaryDirectory() as folder:
            def made() -> list[str]:
                done = subprocess.run(["make", "-s", "src/mine.c", "src/mine.h"], cwd=folder, capture_output=True, text=True,
                                      env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                return done.stdout.split()

            for pasted in (rule, re.sub("(?m)^    ", "", rule)):        # from the file, and from the page
                Path(folder, "Makefile").write_text(pasted.replace("/path/to/protopool", str(ROOT)))
                Path(folder, "mine.yaml").write_text("protocol: mine\nimport: lib.yaml\nmessages: {Add: {}}\n")
                Path(folder, "lib.yaml").write_text("constants: {most: 1}\n")
                self.assertEqual(made(), ["src/mine.h", "src/mine.c", "src/protopool.h", "src/protopool.c"])
                self.assertEqual(made(), [])
                time.sleep(0.05)
                Path(folder, "lib.yaml").write_text("constants: {most: 2}\n")
                self.assertEqual(made(), ["src/mine.h"])
                self.assertIn("MINE_MOST 2", Path(folder, "src/mine.h").read_text())
                self.assertEqual(made(), [])
                shutil.rmtree(Path(folder, "src"))


if __name__ == "__main__":
    unittest.main()
