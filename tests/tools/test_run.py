# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The runner of tests and CI's script count: whatever fails shows in the total and in the exit status."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from support import ROOT

TESTS = """
import unittest

from support import long


class T(unittest.TestCase):
    def test_good(self):
        pass

    def test_bad(self):
        self.assertEqual(1, 2)

    def test_parts(self):
        for part in range(3):
            with self.subTest(part):
                self.assertEqual(part, 0)

    @unittest.skip("ninja is not there")
    def test_skipped(self):
        pass

    @long
    def test_long(self):
        pass
"""
CHECK = """#!/bin/sh
echo 'Running suite(s): s'
echo '50%: Checks: 4, Failures: 1, Errors: 1'
echo 'tests/engine/test_it.c:12:F:takes:a_slot_is_free:0: Assertion failed'
echo 'tests/engine/test_it.c:13:E:puts:a_slot_is_put:0: Early exit'
exit 1
"""
MAKE = """#!/bin/sh
case $* in
"deps check") printf '%b' '{check}'; exit {status};;
"ci CHECKED=1") printf '    5 passed, 5 failed in 1 s\\n'; printf '%b' '{ci}'; exit {ci_status};;
esac
exit 9
"""


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return path


class Runner(Folder):
    def ran(self, *arguments) -> tuple[int, str]:
        done = subprocess.run([sys.executable, ROOT / "tests/run.py", *arguments], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def test_python_counts_tests_and_names_each_that_fails(self):
        path = self.write("test_it.py", TESTS)
        status, out = self.ran(self.folder)
        self.assertEqual(status, 1)
        self.assertRegex(out, r"\n1 passed, 2 failed in \d+ s\n\Z")
        for test in ("test_bad", "test_parts"):
            self.assertIn(f"  {path} T.{test}\n      {sys.executable} tests/run.py {path} -k T.{test}\n", out)
        self.assertIn("AssertionError: 1 != 2", out)
        self.assertIn("\nskipped 1: ninja is not there\n", out)
        self.assertIn("\nleft out 1 long tests: make check-long\n", out)

    def test_long_tests_run_when_asked_for(self):
        self.write("test_it.py", TESTS)
        for arguments, passed in ((["--long"], 1), (["--all"], 2), (["-k", "test_long"], 1), (["-k", "test_good"], 1)):
            self.assertRegex(self.ran(self.folder, *arguments)[1], rf"\n{passed} passed, [02] failed in \d+ s\n\Z", arguments)

    def test_a_module_that_does_not_run_is_a_failure(self):
        for text in ("import nothing_of_that_name\n", "import os\nos._exit(0)\n", "import os\nos.abort()\n"):
            self.write("test_it.py", text)
            status, out = self.ran(self.folder)
            self.assertEqual(status, 1)
            self.assertRegex(out, r"\n0 passed, 1 failed in \d+ s\n\Z")

    def test_a_program_of_check_counts_its_tests_and_names_each_that_fails(self):
        path = self.write("test_it", CHECK)
        status, out = self.ran(path)
        self.assertEqual(status, 1)
        self.assertRegex(out, r"\n2 passed, 2 failed in \d+ s\n\Z")
        self.assertIn(f'  {path} a_slot_is_free\n      CK_RUN_CASE="takes" {path}\n', out)

    def test_a_program_that_ends_early_or_is_missing_is_a_failure(self):
        for text in ("#!/bin/sh\nexit 0\n", "#!/bin/sh\nkill -9 $$\n", "#!/bin/sh\necho '100%: Checks: 4, Failures: 0, Errors: 0'\nexit 1\n"):
            status, out = self.ran(self.write("test_it", text))
            self.assertEqual(status, 1)
            self.assertRegex(out, r"\n[04] passed, 1 failed in \d+ s\n\Z")
        status, out = self.ran("build/gcc/plain/test_it")
        self.assertEqual(status, 1)
        self.assertIn("  build/gcc/plain/test_it was not built\n      make build/gcc/plain/test_it\n", out)

    def test_a_command_counts_what_it_counts_or_one(self):
        for command, status, total in (("true x", 0, "1 passed, 0 failed"), ("exit 3", 1, "0 passed, 1 failed"),
                                       ("echo 7 passed, 0 failed in 1 s", 0, "7 passed, 0 failed"),
                                       ("echo 7 passed, 2 failed in 1 s; exit 1", 1, "7 passed, 2 failed"),
                                       ("echo 7 passed, 0 failed in 1 s; exit 1", 1, "7 passed, 1 failed")):
            for jobs in ("-j1", "-j2"):
                found, out = self.ran(jobs, command)
                self.assertEqual(found, status, command)
                self.assertRegex(out, rf"\n{total} in \d+ s\n\Z")

    def test_it_goes_on_after_a_failure(self):
        self.assertRegex(self.ran("exit 1", "true x", "exit 2", "true y")[1], r"\n2 passed, 2 failed in \d+ s\n\Z")

    def test_a_name_that_no_test_has_is_a_failure(self):
        self.write("test_it.py", TESTS)
        self.assertEqual(self.ran(self.folder, "-k", "nothing")[0], 1)


class Ci(Folder):
    def ran(self, check="10 passed, 0 failed in 3 s\\n", status=0, ci="7 passed, 0 failed in 3 s\\n", ci_status=0) -> tuple[int, str]:
        (self.folder / ".ci").mkdir(exist_ok=True)
        shutil.copy(ROOT / ".ci/run", self.folder / ".ci")
        self.write("make", MAKE.format(check=check, status=status, ci=ci, ci_status=ci_status))
        done = subprocess.run([self.folder / ".ci/run"], capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        return done.returncode, re.split(r"\n", done.stdout.rstrip("\n"))[-1]

    def test_the_last_line_is_the_total(self):
        self.assertEqual(self.ran(), (0, "17 passed, 0 failed"))

    def test_whatever_fails_is_counted_and_makes_it_red(self):
        self.assertEqual(self.ran(check="10 passed, 2 failed in 3 s\\n", status=2), (2, "17 passed, 2 failed"))
        self.assertEqual(self.ran(ci="7 passed, 1 failed in 3 s\\n", ci_status=2), (2, "17 passed, 1 failed"))
        self.assertEqual(self.ran(check="make: no package\\n", status=2), (2, "7 passed, 1 failed"))
        self.assertEqual(self.ran(ci="killed\\n", ci_status=1), (1, "10 passed, 1 failed"))


if __name__ == "__main__":
    unittest.main()
