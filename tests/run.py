# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs tests of every kind, several at a time, and ends with one total.

A SUITE is a folder of Python tests, one file of them, a program built with Check, or a command in quotes, which passes if its exit
status is 0. Without a SUITE, all folders beside this file. Tests marked `@long` (support.py) run with --long, with --all, and when
-k selects them. A failing suite shows its output; at the end each failed test is named with a command that runs it alone.
"""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
UNDISTURBED = ("test_memory", "test_speed.py")      # these measure: they run last, one at a time
TOTAL = re.compile(r"^(\d+) passed, (\d+) failed in ", re.M)


@dataclass
class Outcome:
    passed: int = 0
    failed: dict[str, str] = field(default_factory=dict)        # what failed: the command that runs it alone
    uncounted: int = 0                                          # failures that a command counted, and named in its output
    skipped: Counter[str] = field(default_factory=Counter)      # why: how many
    left_out: int = 0                                           # long tests
    output: str = ""
    seconds: float = 0

    def add(self, other: "Outcome") -> None:
        self.passed += other.passed
        self.failed |= other.failed
        self.uncounted += other.uncounted
        self.skipped += other.skipped
        self.left_out += other.left_out


# ---- Python: each file of tests is run by a process of its own, which prints an outcome as JSON


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
    for test, _ in result.failures + result.errors + [(test, "") for test in result.unexpectedSuccesses]:
        name = getattr(test, "test_case", test).id()            # of a subtest, the test
        alone = f" -k {name.partition('.')[2]}" if name.startswith(path.stem + ".") else ""
        failed[f"{shown(path)} {name.partition('.')[2] or name}"] = f"{sys.executable} tests/run.py {shown(path)}{alone}"
    left_out = 0 if options.k or options.all or options.long else len(tests) - len(chosen)
    skipped = Counter(why for _, why in result.skipped)
    print("\n" + json.dumps([result.passed, failed, skipped, left_out]))
    return 1 if failed else 0


def shown(path: Path) -> str:
    return str(path.relative_to(HERE.parent)) if path.is_relative_to(HERE.parent) else str(path)


def python_outcome(suite: str, status: int, output: str) -> Outcome:
    text, _, last = output.rstrip("\n").rpartition("\n")
    try:
        passed, failed, skipped, left_out = json.loads(last)
    except ValueError:
        return Outcome(failed={suite: f"{sys.executable} tests/run.py {suite}"}, output=f"{output}\nexit status {status}\n")
    return Outcome(passed, failed, 0, Counter(skipped), left_out, text)


# ---- Programs built with Check, and commands


def check_outcome(suite: str, status: int, output: str) -> Outcome:
    counted = re.search(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", output)
    outcome = Outcome(output=output)
    if counted:
        checks, failures, errors = map(int, counted.groups())
        outcome.passed = checks - failures - errors
        for case, test in re.findall(r":[FE]:([^:]*):([^:]*):\d+: ", output):
            outcome.failed[f"{suite} {test}"] = f'CK_RUN_CASE="{case}" {suite}'
        outcome.uncounted = failures + errors - len(outcome.failed)     # a test that loops has one name for all its runs
    if (status != 0 or not counted) and not outcome.failed:
        outcome.failed[suite] = suite
        outcome.output += f"\nexit status {status}\n"
    return outcome


def command_outcome(command: str, status: int, output: str) -> Outcome:
    counts = TOTAL.findall(output)
    outcome = Outcome(sum(int(passed) for passed, _ in counts), output=output)
    bad = sum(int(failed) for _, failed in counts)
    if status != 0 or bad != 0:
        outcome.failed[command] = command
        outcome.uncounted = max(bad - 1, 0)
    elif not counts:
        outcome.passed = 1
    return outcome


# ---- All of them


def suite_name(suite: str) -> str:
    """build/gcc/check1/test_pool is test_pool (check1); of build/clang, it is test_pool (clang check1)."""
    parts = suite.split("/")
    setting = " ".join(part for part in parts[1:-1] if part not in ("gcc", "plain"))
    return parts[-1] + f" ({setting})" * bool(setting) if suite.startswith("build/") else suite.removeprefix("tests/").removesuffix(".py")


def run_suite(suite: str, options: argparse.Namespace) -> Outcome:
    if suite.endswith(".py"):
        choice = [*(f"-k{name}" for name in options.k), *(["--long"] if options.long else []), *(["--all"] if options.all else [])]
        command, outcome_of = [sys.executable, __file__, *choice, "--module", suite], python_outcome
    elif " " in suite:
        command, outcome_of = ["sh", "-c", suite], command_outcome
    else:
        command, outcome_of = [*shlex.split(options.under), f"./{suite}" if "/" not in suite else suite], check_outcome
        if not Path(suite).exists():
            return Outcome(failed={f"{suite} was not built": f"make {suite}"})
    began = time.monotonic()
    output = []
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "",        # the generator keeps its compiled templates
                   "MAKEFLAGS": re.sub(r"(^| )(-j\S*|--jobserver\S*)", "", os.environ.get("MAKEFLAGS", ""))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment) as process:
        for line in process.stdout:
            output.append(line)
            if options.jobs == 1 and outcome_of is command_outcome:
                print("    " + line, end="", flush=True)
    outcome = outcome_of(suite, process.returncode, "".join(output))
    outcome.seconds = time.monotonic() - began
    return outcome


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

    print()
    if total.failed:
        print("Failed, and how to run each alone:")
    for name, command in total.failed.items():
        print(f"  {name}\n      {command}")
    for why, count in total.skipped.items():
        print(f"skipped {count}: {why}")
    if total.left_out:
        print(f"left out {total.left_out} long tests: make check-long")
    if options.k and not (total.passed or total.failed or total.skipped):
        total.failed["no test has that name"] = "python3 tests/run.py"
    print(f"{total.passed} passed, {len(total.failed) + total.uncounted} failed in {time.monotonic() - began:.0f} s")
    return 1 if total.failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="NAME", action="append", default=[], help="only tests whose names contain it; may be repeated")
    parser.add_argument("-j", metavar="N", dest="jobs", type=int, default=os.cpu_count() or 1, help="how many suites run at a time")
    parser.add_argument("--long", action="store_true", help="only tests marked @long")
    parser.add_argument("--all", action="store_true", help="tests marked @long too")
    parser.add_argument("--under", metavar="COMMAND", default="", help="runs programs built with Check: valgrind, say")
    parser.add_argument("--module", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("suites", metavar="SUITE", nargs="*")
    options = parser.parse_args()
    if options.module:
        return run_module(options.module.resolve(), options)
    return run_all(suites_of(options.suites), options)


if __name__ == "__main__":
    sys.exit(main())
