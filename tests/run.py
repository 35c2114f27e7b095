# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs tests of every kind, several at a time, and ends with one total.

A SUITE is a folder of Python tests, one file of them, a program built with Check, or a command in quotes, which passes if its exit
status is 0. Without a SUITE, all folders beside this file. Tests marked `@long` (support.py) run with --long, with --all, and when
-k selects them. A failing suite shows its output; the end has the last lines of each failed test, and a command that runs it alone.
"""

import argparse
import json
import multiprocessing
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from outcomes import Failure, Outcome, check_outcome, command_outcome, last_lines, make_command, print_end, python_outcome

HERE = Path(__file__).resolve().parent
FORKS = multiprocessing.get_context("forkserver")
UNDISTURBED = ("test_memory", "test_speed.py")      # these measure: they run last, one at a time


# ---- Python: each file of tests is run by a process of its own, which prints an outcome as JSON. These processes are forks of one
# that has imported support.py, and with it the generator: the imports take longer than many a test.


class Result(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = 0

    def addSuccess(self, test) -> None:
        super().addSuccess(test)
        self.passed += 1


def flat(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flat(test)
        else:
            yield test


def is_long(test: unittest.TestCase) -> bool:
    return any(getattr(it, "is_long", False) for it in (type(test), getattr(test, test._testMethodName, None)))


def run_module(path: Path, options: argparse.Namespace) -> int:
    sys.path[:0] = [str(path.parent), str(HERE)]
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in options.k] or None
    tests = list(flat(loader.loadTestsFromName(path.stem)))
    chosen = [test for test in tests if options.all or options.k or is_long(test) == options.long]
    result = unittest.TextTestRunner(resultclass=Result, verbosity=0).run(unittest.TestSuite(chosen))
    failed = {}
    compiler = f"CC={shlex.quote(os.environ['CC'])} " if os.environ.get("CC", "gcc") != "gcc" else ""
    for test, why in result.failures + result.errors + [(test, "it is expected to fail") for test in result.unexpectedSuccesses]:
        name = getattr(test, "test_case", test).id()            # of a subtest, the test
        alone = f" -k {name.partition('.')[2]}" if name.startswith(path.stem + ".") else ""
        command = f"{compiler}{sys.executable} tests/run.py {shown(path)}{alone}"
        failed[f"{shown(path)} {name.partition('.')[2] or name}"] = command, last_lines(why)
    left_out = 0 if options.k or options.all or options.long else len(tests) - len(chosen)
    skipped = Counter(why for _, why in result.skipped)
    print("\n" + json.dumps([result.passed, failed, skipped, left_out]))
    return 1 if failed else 0


def run_forked(path: Path, options: argparse.Namespace) -> tuple[int | None, str]:
    """Runs a file of tests in a fork. Returns its exit status and output."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as output:
        process = FORKS.Process(target=fork_main, args=(path, options, output.name))
        process.start()
        process.join()
        return process.exitcode, output.read()


def fork_main(path: Path, options: argparse.Namespace, output: str) -> None:
    file = os.open(output, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    os.environ |= environment()
    status = run_module(path.resolve(), options)
    sys.stdout.flush()
    sys.exit(status)


def shown(path: Path) -> str:
    return str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE.parent) else str(path)


# ---- All of them


def suite_name(suite: str) -> str:
    """build/gcc/check1/test_pool is test_pool (check1); of build/clang, it is test_pool (clang check1)."""
    parts = suite.split("/")
    setting = " ".join(part for part in parts[1:-1] if part not in ("gcc", "plain"))
    return parts[-1] + f" ({setting})" * bool(setting) if suite.startswith("build/") else suite.removeprefix("tests/").removesuffix(".py")


def not_built(suite: str) -> Outcome:
    """Builds it once more, to have the compiler's errors beside its name."""
    done = subprocess.run(["make", "-s", suite], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=without_jobs())
    return Outcome(failed={f"{suite} was not built": Failure(make_command(suite), last_lines(done.stdout))}, output=done.stdout)


def without_jobs() -> dict[str, str]:
    """The environment without the make's job server, which is not ours."""
    return os.environ | {"MAKEFLAGS": re.sub(r"(^| )(-j\S*|--jobserver\S*)", "", os.environ.get("MAKEFLAGS", ""))}


def environment() -> dict[str, str]:
    return without_jobs() | {"PYTHONDONTWRITEBYTECODE": ""}         # the generator keeps its compiled templates


def run_suite(suite: str, options: argparse.Namespace) -> Outcome:
    began = time.monotonic()
    is_python = suite.endswith(".py") and " " not in suite
    outcome = python_outcome(suite, *run_forked(Path(suite), options)) if is_python else run_program(suite, options)
    outcome.seconds = time.monotonic() - began
    return outcome


def run_program(suite: str, options: argparse.Namespace) -> Outcome:
    if " " in suite:
        command, outcome_of = ["sh", "-c", suite], command_outcome
    else:
        command, outcome_of = [*shlex.split(options.under), f"./{suite}" if "/" not in suite else suite], partial(check_outcome, under=options.under)
        if not Path(suite).exists():
            return not_built(suite)
    output = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment()) as process:
        for line in process.stdout:
            output.append(line)
            if options.jobs == 1 and outcome_of is command_outcome:
                print("    " + line, end="", flush=True)
    return outcome_of(suite, process.returncode, "".join(output))


def suites_of(arguments: list[str]) -> list[str]:
    """Each folder is replaced by its files of tests."""
    suites = []
    for argument in arguments or sorted({str(path.parent) for path in HERE.glob("*/test_*.py")}):
        path = Path(argument)
        pattern = "*/test_*.py" if path.resolve() == HERE else "test_*.py"
        found = list(map(shown, sorted(path.resolve().glob(pattern)))) if path.is_dir() else [argument]
        if not found or not (path.exists() or " " in argument or argument.startswith("build/")):
            sys.exit(f"run.py: {argument}: there are no tests of this name; a suite is a folder, a file, a program or a command in quotes")
        suites += found
    return list(dict.fromkeys(suites))


def run_all(suites: list[str], options: argparse.Namespace) -> int:
    began, total = time.monotonic(), Outcome()

    def run(suite: str) -> None:
        outcome = run_suite(suite, options)
        total.add(outcome)
        bad = len(outcome.failed) + outcome.uncounted
        if outcome.passed or bad or outcome.skipped:
            print(f"  TEST  {suite_name(suite):34} {f'{bad} FAILED, ' if bad else ''}{outcome.passed} passed, {outcome.seconds:.1f} s", flush=True)
        if bad and not (options.jobs == 1 and " " in suite):
            print("\n".join(f"    {line[:500]}" for line in outcome.output.splitlines()), flush=True)

    alone = [suite for suite in suites if suite.endswith(UNDISTURBED)]
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(run, [suite for suite in suites if suite not in alone]))
    for suite in alone:
        run(suite)

    if options.k and not (total.passed or total.failed or total.skipped):
        total.failed["no test has that name"] = Failure("python3 tests/run.py")
    print_end(total, time.monotonic() - began)
    return 1 if total.failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="NAME", action="append", default=[], help="only tests whose names contain it; may be repeated")
    parser.add_argument("-j", metavar="N", dest="jobs", type=int, default=os.cpu_count() or 1, help="how many suites run at a time")
    parser.add_argument("--long", action="store_true", help="only tests marked @long")
    parser.add_argument("--all", action="store_true", help="tests marked @long too")
    parser.add_argument("--under", metavar="COMMAND", default="", help="runs programs built with Check: valgrind, say")
    parser.add_argument("suites", metavar="SUITE", nargs="*")
    options = parser.parse_args()
    FORKS.set_forkserver_preload(["support"])
    return run_all(suites_of(options.suites), options)


if __name__ == "__main__":
    sys.exit(main())
