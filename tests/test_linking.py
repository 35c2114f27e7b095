# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Settings are one for the program: files that were compiled with others do not link."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT

CC = os.environ.get("CC", "gcc").split()
GENERATED = ROOT / "generated"
PROGRAM = """
#include "calc.h"
int main(void)
{
    static struct calc_pool pool;
    return calc_pool_init_growing(&pool, NULL) && calc_new_add(&pool, 1, 2) != NULL ? 0 : 1;
}
"""


class Linking(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "main.c").write_text(PROGRAM)

    def link(self, *settings: str) -> subprocess.CompletedProcess:
        """Links main.c, calc.c and protopool.c, each compiled with its setting."""
        sources = [self.folder / "main.c", GENERATED / "calc.c", GENERATED / "protopool.c"]
        objects = []
        for source, setting in zip(sources, settings):
            objects.append(self.folder / (source.stem + ".o"))
            flags = ["-D" + setting] if setting else []
            subprocess.run([*CC, "-std=c11", *flags, "-I", GENERATED, "-c", source, "-o", objects[-1]], check=True)
        return subprocess.run([*CC, *objects, "-o", self.folder / "program"], capture_output=True, text=True)

    def test_files_that_agree_link(self):
        for setting in ("", "PROTOPOOL_CHECK=1", "PROTOPOOL_CHECK=2", "PROTOPOOL_MAGAZINE=8", "PROTOPOOL_NO_THREADS",
                        "PROTOPOOL_NO_STDIO", "PROTOPOOL_NO_HEAP", "PROTOPOOL_TRACE"):
            done = self.link(setting, setting, setting)
            self.assertEqual(done.returncode, 0, setting + done.stderr)

    def test_files_that_disagree_do_not(self):
        for setting in ("PROTOPOOL_CHECK=1", "PROTOPOOL_CHECK=2", "PROTOPOOL_MAGAZINE=8", "PROTOPOOL_NO_THREADS",
                        "PROTOPOOL_NO_STDIO", "PROTOPOOL_TRACE"):
            for odd in range(3):
                settings = [setting if i == odd else "" for i in range(3)]
                done = self.link(*settings)
                self.assertNotEqual(done.returncode, 0, settings)
                self.assertRegex(done.stderr, "protopool_|undefined")


if __name__ == "__main__":
    unittest.main()
