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

from support import ROOT, long

import outcomes

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
deps) exit {deps};;
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
    def ran(self, *arguments, **settings: str) -> tuple[int, str]:
        environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "CC", *outcomes.SETTINGS)}
        done = subprocess.run([sys.executable, ROOT / "tests/run.py", *arguments], capture_output=True, text=True, cwd=self.folder,
                              env=environment | settings)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    def end(self, out: str) -> str:
        """From the first of the lists of what failed."""
        return out[out.rindex(f"\n{outcomes.PRINTED}\n") + 1:]

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

    def test_the_end_shows_what_each_failure_printed_and_how_to_run_it_alone(self):
        path = self.write("test_it.py", TESTS)
        end = self.end(self.ran(self.folder, CC="clang")[1])
        for test, why in (("test_bad", "1 != 2"), ("test_parts", "2 != 0")):
            self.assertRegex(end, rf"\n  {path} T.{test}\n    \| Traceback .*\n(    \| .*\n)+    \| AssertionError: {why}\n")
        self.assertIn(f"""
{outcomes.ALONE}
  {path} T.test_bad
      CC=clang {sys.executable} tests/run.py {path} -k T.test_bad
  {path} T.test_parts
      CC=clang {sys.executable} tests/run.py {path} -k T.test_parts
""", end)

    @long
    def test_of_a_long_output_the_last_lines_are_shown_and_of_many_failures_the_first(self):
        self.write("test_it.py", "import unittest\n\n\nclass T(unittest.TestCase):\n"
                   + "".join(f"    def test_{i}(self):\n        self.fail('one line\\n' * 50 + 'the last')\n\n" for i in range(10, 22)))
        end = self.end(self.ran(self.folder)[1])
        self.assertEqual(end.count("    | one line\n"), outcomes.MOST_PRINTED * (outcomes.LAST_LINES - 1))
        self.assertEqual(end.count("    | the last\n"), outcomes.MOST_PRINTED)
        self.assertEqual(end.count(" -k T.test_"), 12)

    @long
    def test_long_tests_run_when_asked_for(self):
        self.write("test_it.py", TESTS)
        for arguments, passed in ((["--long"], 1), (["--all"], 2), (["-k", "test_long"], 1), (["-k", "test_good"], 1)):
            self.assertRegex(self.ran(self.folder, *arguments)[1], rf"\n{passed} passed, [02] failed in \d+ s\n\Z", arguments)

    @long
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
        self.assertIn(f'  {path} a_slot_is_free\n      CK_RUN_CASE=takes {path}\n', out)

    def test_a_test_of_a_program_runs_alone_as_it_ran(self):
        program = Path("build/gcc/plain/test_it")
        (self.folder / program).parent.mkdir(parents=True)
        self.write(program, CHECK)
        end = self.end(self.ran("--under", "env -i", program, STEP="97", MAKEFLAGS=" -k --no-print-directory -- CHECKED=1 CC=gcc CFLAGS=-O2\\ -g")[1])
        self.assertIn(f"  {program} a_slot_is_free\n    | tests/engine/test_it.c:12:F:takes:a_slot_is_free:0: Assertion failed\n", end)
        self.assertIn(f"      make CC=gcc 'CFLAGS=-O2 -g' {program} && STEP=97 CK_RUN_CASE=takes env -i {program}\n", end)

    def test_what_a_sanitizer_reports_is_shown_if_one_test_ends_early(self):
        report = "".join(f"echo '{line}'\n" for line in ("==1==ERROR: AddressSanitizer: heap-use-after-free", *(f"#{i}" for i in range(30))))
        for text, shown in ((CHECK.replace("exit 1", report + "exit 1"), 0), (CHECK.replace(":12:F:", ":12:").replace("exit 1", report + "exit 1"), 1)):
            end = self.end(self.ran(self.write("test_it", text))[1])
            self.assertEqual(end.count("    | ==1==ERROR: AddressSanitizer: heap-use-after-free\n    | #0\n"), shown)

    @long
    def test_a_program_that_ends_early_or_is_missing_is_a_failure(self):
        for text in ("#!/bin/sh\nexit 0\n", "#!/bin/sh\nkill -9 $$\n", "#!/bin/sh\necho '100%: Checks: 4, Failures: 0, Errors: 0'\nexit 1\n"):
            status, out = self.ran(self.write("test_it", text))
            self.assertEqual(status, 1)
            self.assertRegex(out, r"\n[04] passed, 1 failed in \d+ s\n\Z")
        status, out = self.ran("build/gcc/plain/test_it")
        self.assertEqual(status, 1)
        self.assertIn("  build/gcc/plain/test_it was not built\n      make build/gcc/plain/test_it\n", out)

    def test_why_a_program_was_not_built_is_shown(self):
        self.write("Makefile", "build/clang/plain/test_it: ; @echo \"test_it.c:1:2: error: $(CC)\" && exit 1\n")
        end = self.end(self.ran("build/clang/plain/test_it", MAKEFLAGS=" -k -j2 --jobserver-auth=3,4 -- CC=clang")[1])
        self.assertIn("  build/clang/plain/test_it was not built\n    | test_it.c:1:2: error: clang\n", end)
        self.assertIn("  build/clang/plain/test_it was not built\n      make CC=clang build/clang/plain/test_it\n", end)

    @long
    def test_a_command_counts_what_it_counts_or_one(self):
        for command, status, total in (("true x", 0, "1 passed, 0 failed"), ("exit 3", 1, "0 passed, 1 failed"),
                                       ("echo 7 passed, 0 failed in 1 s", 0, "7 passed, 0 failed"),
                                       ("echo 7 passed, 2 failed in 1 s; exit 1", 1, "7 passed, 2 failed"),
                                       ("echo 7 passed, 0 failed in 1 s; exit 1", 1, "7 passed, 1 failed")):
            for jobs in ("-j1", "-j2"):
                found, out = self.ran(jobs, command)
                self.assertEqual(found, status, command)
                self.assertRegex(out, rf"\n{total} in \d+ s\n\Z")

    @long
    def test_what_failed_in_a_command_is_named_with_what_it_printed(self):
        path = self.write("test_it.py", TESTS)
        inner = f"{sys.executable} {ROOT}/tests/run.py {path}"
        for jobs, command in (("-j2", inner), ("-j1", f"{sys.executable} {ROOT}/tests/run.py -j1 '{inner}'")):
            status, out = self.ran(jobs, command, "echo why; exit 3")
            self.assertEqual(status, 1)
            self.assertRegex(out, r"\n1 passed, 3 failed in \d+ s\n\Z")
            end = self.end(out)
            for test, why in (("bad", "1 != 2"), ("parts", "2 != 0")):
                self.assertRegex(end, rf"\n  {path} T.test_{test} \(in {inner}\)\n    \| Traceback.*\n(    \| .*\n)*    \| AssertionError: {why}\n")
                self.assertIn(f"\n  {path} T.test_{test} (in {inner})\n      {sys.executable} tests/run.py {path} -k T.test_{test}\n", end)
            self.assertIn("\n  echo why; exit 3\n    | why\n    | \n    | exit status 3\n", end)
            self.assertIn("\n  echo why; exit 3\n      echo why; exit 3\n", end)

    def test_it_goes_on_after_a_failure(self):
        self.assertRegex(self.ran("exit 1", "true x", "exit 2", "true y")[1], r"\n2 passed, 2 failed in \d+ s\n\Z")

    @long
    def test_a_name_that_no_test_has_is_a_failure(self):
        self.write("test_it.py", TESTS)
        self.assertEqual(self.ran(self.folder, "-k", "nothing")[0], 1)


class Cases(unittest.TestCase):
    def test_each_test_in_c_is_a_case_of_its_own_name(self):
        suites = sorted((ROOT / "tests/engine").glob("test_*.c")) + sorted((ROOT / "generated/tests").glob("*_check.c"))
        self.assertGreater(len(suites), 8)
        for suite in suites:
            text = suite.read_text()
            main = text[text.index("\nint main("):]
            self.assertNotIn("tcase_", main, suite.name)
            added = re.findall(r"ADD_(?:LOOP_|SIGNAL_)?TEST_?\(suite_?, (\w+)", main)
            self.assertEqual(sorted(added), sorted(re.findall(r"\nSTART_TEST\((\w+)\)", text)), suite.name)


@long
class Ci(Folder):
    def ran(self, check="10 passed, 0 failed in 3 s\\n", status=0, ci="7 passed, 0 failed in 3 s\\n", ci_status=0, deps=0) -> tuple[int, list[str]]:
        for folder, file in ((".ci", "run"), ("tests", "run.py"), ("tests", "outcomes.py")):
            (self.folder / folder).mkdir(exist_ok=True)
            shutil.copy(ROOT / folder / file, self.folder / folder)
        self.write("make", MAKE.format(check=check, status=status, ci=ci, ci_status=ci_status, deps=deps))
        done = subprocess.run([self.folder / ".ci/run"], capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"})
        return done.returncode, done.stdout.splitlines()

    def test_the_last_line_is_the_total(self):
        status, lines = self.ran()
        self.assertEqual((status, lines[-1]), (0, "17 passed, 0 failed"))

    def test_whatever_fails_is_counted_and_makes_it_red(self):
        for settings, total in (({"check": "10 passed, 2 failed in 3 s\\n", "status": 2}, "17 passed, 2 failed"),
                                ({"ci": "7 passed, 1 failed in 3 s\\n", "ci_status": 2}, "17 passed, 1 failed"),
                                ({"check": "make: no package\\n", "status": 2}, "7 passed, 1 failed"),
                                ({"ci": "killed\\n", "ci_status": 1}, "10 passed, 1 failed"),
                                ({"deps": 2}, "0 passed, 1 failed")):
            status, lines = self.ran(**settings)
            self.assertEqual((status, lines[-1]), (1, total), settings)

    def test_the_end_names_what_failed_in_either(self):
        failed = f"{outcomes.PRINTED}\\n  a test\\n    | why\\n{outcomes.ALONE}\\n  a test\\n      run it\\n7 passed, 1 failed in 3 s\\n"
        for settings, goals in (({"check": failed, "status": 2}, "deps check"), ({"ci": failed, "ci_status": 2}, "ci CHECKED=1")):
            lines = self.ran(**settings)[1]
            self.assertEqual(lines[-8:-2], [outcomes.PRINTED, f"  a test (in make {goals})", "    | why",
                                            outcomes.ALONE, f"  a test (in make {goals})", "      run it"])


if __name__ == "__main__":
    unittest.main()
