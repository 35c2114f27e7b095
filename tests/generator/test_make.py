# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What make and tests/run.py print if something is missing or skipped."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import NOBODY, ROOT


class Make(unittest.TestCase):
    """What make prints if something is missing."""

    def made(self, goal: str, *there: str) -> subprocess.CompletedProcess:
        """Runs make with only these commands in PATH, and as another user if root runs the tests."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            shutil.copy(ROOT / "Makefile", folder)
            shutil.copytree(ROOT / "make", Path(folder, "make"))
            for name in ("sh", "env", "id", *there):
                Path(folder, name).symlink_to(shutil.which(name))
            return subprocess.run([shutil.which("make"), goal], cwd=folder, env={"PATH": folder}, capture_output=True, text=True, **NOBODY)

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_deps_without_apt_or_sudo_say_what_to_do(self):
        done = self.made("deps")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"make: there is no apt-get here: install with your package manager \(Debian's names\): gcc libc6-dev ")
        if os.geteuid() != 0 or NOBODY:
            done = self.made("deps", "apt-get")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"make: you are not root and there is no sudo; as root: apt-get install gcc libc6-dev ")

    def test_the_reason_of_skipped_tests_is_printed(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_it.py").write_text("import unittest\n\n\nclass T(unittest.TestCase):\n"
                                                  "    @unittest.skip('ninja is not there')\n    def test_a(self):\n        pass\n")
            done = subprocess.run([sys.executable, ROOT / "tests" / "run.py", folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("\nskipped 1: ninja is not there\n", done.stdout)


if __name__ == "__main__":
    unittest.main()
