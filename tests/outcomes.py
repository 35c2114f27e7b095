# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What a suite passed and failed, read from its output; and how run.py ends: what failed, how to run it alone, one total.

A command may be a run of run.py itself, as `make check` is. Then its failures are read from the end of its output, by name.
"""

import json
import os
import re
import shlex
import sys
from collections import Counter
from dataclasses import dataclass, field

TOTAL = re.compile(r"^(\d+) passed, (\d+) failed in ", re.M)
PRINTED = "The last lines that each failure printed:"
ALONE = "Failed, and how to run each alone:"
LAST_LINES = 20
MOST_PRINTED = 10       # of more failures, the name and the command are shown
# What the programs of tests read from their environment, and Check.
SETTINGS = ("STEP", "HANDOFFS", "STREAMS", "SOAK_SECONDS", "RACES", "CK_FORK", "CK_DEFAULT_TIMEOUT")
VARIABLES = ("CC=", "CFLAGS=", "SANITIZE=")         # of make: they choose what is built
SANITIZER = re.compile(r"(?m)^.*(?:ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|: runtime error: ).*$")


@dataclass
class Failure:
    command: str            # runs it alone
    printed: str = ""       # its last lines


@dataclass
class Outcome:
    passed: int = 0
    failed: dict[str, Failure] = field(default_factory=dict)
    uncounted: int = 0                                          # failures that have no name of their own
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


def last_lines(text: str) -> str:
    return "\n".join(line[:300] for line in text.rstrip().splitlines()[-LAST_LINES:])


def python_outcome(suite: str, status: int, output: str) -> Outcome:
    """run_module of run.py prints what it counted as JSON, on the last line."""
    text, _, last = output.rstrip("\n").rpartition("\n")
    try:
        passed, failed, skipped, left_out = json.loads(last)
    except ValueError:
        output += f"\nexit status {status}\n"
        return Outcome(failed={suite: Failure(f"{sys.executable} tests/run.py {suite}", last_lines(output))}, output=output)
    return Outcome(passed, {name: Failure(*parts) for name, parts in failed.items()}, 0, Counter(skipped), left_out, text)


def make_command(suite: str) -> str:
    """Builds this program again, with the variables that this make was called with."""
    called_with = shlex.split(os.environ.get("MAKEFLAGS", "").partition("-- ")[2])
    return shlex.join(["make", *(word for word in called_with if word.startswith(VARIABLES)), suite])


def program_command(suite: str, case: str, under: str) -> str:
    """Builds and runs a case of a program built with Check: each test is a case of its own name."""
    build = f"{make_command(suite)} && " if re.fullmatch(r"build/[^/]+/[^/]+/[^/]+", suite) else ""
    settings = [f"{name}={os.environ[name]}" for name in SETTINGS if name in os.environ] + ([f"CK_RUN_CASE={case}"] if case else [])
    return build + " ".join([*map(shlex.quote, settings), *([under] if under else []), suite])


def check_outcome(suite: str, status: int, output: str, under: str = "") -> Outcome:
    counted = re.search(r"Checks: (\d+), Failures: (\d+), Errors: (\d+)", output)
    outcome = Outcome(output=output)
    if counted:
        checks, failures, errors = map(int, counted.groups())
        outcome.passed = checks - failures - errors
        cases: dict[tuple[str, str], list[str]] = {}        # the case and the test: the lines about it
        for line, case, test in re.findall(r"(?m)^(.*?:[FE]:([^:]*):([^:]*):\d+: .*)$", output):
            cases.setdefault((case, test), []).append(line)
        report = SANITIZER.search(output) if len(cases) == 1 else None      # of more tests, nobody knows whose it is
        above = output[report.start():].splitlines()[:LAST_LINES // 2] if report else []
        outcome.failed = {f"{suite} {test}": Failure(program_command(suite, case, under), last_lines("\n".join(above + lines)))
                          for (case, test), lines in cases.items()}
        outcome.uncounted = failures + errors - len(outcome.failed)     # a test that loops has one name for all its runs
    if (status != 0 or not counted) and not outcome.failed:
        outcome.output += f"\nexit status {status}\n"
        outcome.failed[suite] = Failure(program_command(suite, "", under), last_lines(outcome.output))
    return outcome


def named_failures(output: str) -> dict[str, Failure]:
    """The failures that runs of run.py name at their end, in this output of a command."""
    failed: dict[str, Failure] = {}
    printed: dict[str, str] = {}
    section = name = ""
    for line in output.splitlines():
        if line in (PRINTED, ALONE):
            section = line
        elif not line.startswith("  "):
            section = ""
        elif section and line[2] != " ":
            name = line[2:]
        elif section == PRINTED:
            printed[name] = printed.get(name, "") + line.removeprefix("    | ") + "\n"
        elif section == ALONE:
            failed[name] = Failure(line.strip(), printed.get(name, ""))
    return failed


def command_outcome(command: str, status: int, output: str) -> Outcome:
    counts = TOTAL.findall(output)
    outcome = Outcome(sum(int(passed) for passed, _ in counts), output=output)
    bad = sum(int(failed) for _, failed in counts)
    if status != 0 or bad != 0:
        outcome.failed = {name if " (in " in name else f"{name} (in {command})": failure for name, failure in named_failures(output).items()}
        if not outcome.failed:
            outcome.failed[command] = Failure(command, last_lines(f"{output}\nexit status {status}\n"))
        outcome.uncounted = max(bad - len(outcome.failed), 0)
    elif not counts:
        outcome.passed = 1
    return outcome


def print_end(total: Outcome, seconds: float) -> None:
    print()
    printed = [(name, failure.printed) for name, failure in total.failed.items() if failure.printed.strip()]
    if printed:
        print(PRINTED)
    for name, text in printed[:MOST_PRINTED]:
        print(f"  {name}", *(f"    | {line}" for line in text.rstrip().splitlines()), sep="\n")
    if total.failed:
        print(ALONE)
    for name, failure in total.failed.items():
        print(f"  {name}\n      {failure.command}")
    for why, count in total.skipped.items():
        print(f"skipped {count}: {why}")
    if total.left_out:
        print(f"left out {total.left_out} long tests: make check-long")
    print(f"{total.passed} passed, {len(total.failed) + total.uncounted} failed in {seconds:.0f} s")
