#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Takes each lock, and each order of the counts of holders, out of the engine in turn, and expects ThreadSanitizer or the payload check to
notice.

Of every function of protopool.c that takes and releases a lock, a copy without that pair is compiled with the suite of
threads and run under ThreadSanitizer, some times if need be. So is a copy in which a count of holders is read or changed without an order of
memory, with the suite of shared messages. Exit status: 1 if a copy passes every time, or the engine does not.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
LOCKS, COUNTS = "test_threads", "test_shared"       # suites
SCHEMAS = {LOCKS: "schema/calc.yaml", COUNTS: "examples/feed.yaml"}
TRIES = 12
PAIRS = (("pp_lock_store(pool);", "pp_unlock_store(pool);"),
         ("pp_lock_depot(depot);", "pp_unlock_depot(depot);"),
         ("pp_lock_source(growth);", "pp_unlock_source(growth);"),
         ("PROTOPOOL_LOCK(growth->lock);", "PROTOPOOL_UNLOCK(growth->lock);"),
         ("PP_LOCK_STORES();", "PP_UNLOCK_STORES();"))
# Not to be noticed by a race: depot_fini looks whether a pool is joined, which is the caller's to know.
# The list of stores is read for the report of a fault only. pp_lock_store and pp_unlock_store are what the others call.
EXEMPT = {"pp_is_joined", "pp_find_in_other_stores", "pp_lock_store", "pp_unlock_store"}


def functions(text: str) -> list[tuple[str, int, int]]:
    """Name, start and end of each function's body."""
    found = []
    for match in re.finditer(r"^(?!static_assert)[a-zA-Z][^\n;#{}]*?(\w+)\((?:[^;{}]*?)\)\n\{\n(.*?)^\}\n", text, re.M | re.S):
        found.append((match[1], match.start(2), match.end(2)))
    return found


def weakened(text: str):
    """Each copy with a pair taken out: the suite, the function's name, the build level it is compiled at, and the text."""
    holders = text.index("/* ---- holders.c ")
    behind = text.index("/* ---- ", holders + 1)
    plain = {level: preprocessed(text, level) for level in (0, 2)}
    for name, start, end in functions(text):
        body = text[start:end]
        for lock, unlock in PAIRS:
            pattern = re.compile(rf"(?<![\w]){re.escape(lock)}|(?<![\w]){re.escape(unlock)}")
            if name not in EXEMPT and pattern.search(body):
                copy = text[:start] + pattern.sub(";", body) + text[end:]
                level = 0 if preprocessed(copy, 0) != plain[0] else 2
                if level == 2 and preprocessed(copy, 2) == plain[2]:
                    sys.exit(f"{name}: its lock is in the code of no level")
                yield COUNTS if holders < start < behind else LOCKS, name, level, copy


def preprocessed(text: str, level: int) -> str:
    """What the compiler compiles at this level."""
    return subprocess.run(["gcc", "-E", "-P", f"-DPROTOPOOL_CHECK={level}", "-D_POSIX_C_SOURCE=200809L", "-I", GENERATED, "-"], input=text,
                          capture_output=True, text=True, check=True).stdout


# What orders the accesses to a shared message, and what does not.
ORDERS = (("the last holder", "__ATOMIC_ACQ_REL", "__ATOMIC_RELAXED"), ("the only holder", "__ATOMIC_ACQUIRE", "__ATOMIC_RELAXED"),
          ("hold is no atomic addition", "__atomic_fetch_add(count, (pp_count)1, __ATOMIC_RELAXED)", "(*count)++"))


def reordered(text: str):
    """Each copy with an order of the counts taken out, as above."""
    for name, good, bad in ORDERS:
        if text.count(good) != 1:
            sys.exit(f"{good}: there are {text.count(good)} of it, and not 1")
        yield name, 0, text.replace(good, bad)


COMPILE = ("-std=c11", "-O1", "-w", "-fsanitize=thread", "-D_POSIX_C_SOURCE=200809L", "-I", GENERATED)


def suite_objects(suite: str, level: int, compiler: str, folder: str) -> list[Path]:
    """A suite at a build level, without the engine: it is the same for every copy."""
    objects, schema = [], ROOT / SCHEMAS[suite]
    subprocess.run([sys.executable, "-m", "gen", "-q", "--no-engine", "-o", folder, schema], check=True, cwd=ROOT)
    for source in (ROOT / f"tests/engine/{suite}.c", Path(folder, f"{schema.stem}.c")):
        objects.append(Path(folder, f"{source.stem}{level}.o"))
        subprocess.run([compiler, *COMPILE, f"-DPROTOPOOL_CHECK={level}", "-I", folder, "-c", source, "-o", objects[-1]], check=True)
    return objects


def tests_of(suite: str) -> list[str]:
    return re.findall(r"ADD_(?:LOOP_)?TEST\(suite, (\w+)", (ROOT / f"tests/engine/{suite}.c").read_text(encoding="utf-8"))


def build(level: int, text: str, objects: list[Path], compiler: str, folder: str) -> Path:
    """The suite with this text as the engine."""
    engine, program = Path(folder, "protopool.c"), Path(folder, "threads")
    engine.write_text(text)
    subprocess.run([compiler, *COMPILE, f"-DPROTOPOOL_CHECK={level}", *objects, engine, "-o", program,
                    "-lcheck", "-lsubunit", "-lrt", "-lm", "-lpthread"], check=True)
    return program


def noticed_by(suite: str, level: int, text: str, objects: list[Path], compiler: str, noticed: Counter) -> tuple[int, str]:
    """The first run in which a test fails, and that test; 0 if none does. Tests that have noticed most are tried first."""
    with tempfile.TemporaryDirectory() as folder:
        program = build(level, text, objects, compiler, folder)
        for run in range(1, TRIES + 1):
            behind = reversed(tests_of(suite))              # those that call everything at once are last
            for test in sorted(behind, key=lambda test: -noticed[test]):
                if fails(program, test):
                    noticed[test] += 1
                    return run, test
    return 0, ""


def false_alarms(level: int, tests: set[str], text: str, objects: list[Path], compiler: str) -> list[str]:
    """Those of these tests that fail with every lock in place."""
    with tempfile.TemporaryDirectory() as folder:
        program = build(level, text, objects, compiler, folder)
        return [test for test in sorted(tests) if fails(program, test)]


def fails(program: Path, test: str) -> bool:
    """Whether one test of the suite fails, or does not end. Its process ends with the first race."""
    environment = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1", "HANDOFFS": "100000", "SOAK_SECONDS": "1", "CK_FORK": "no",
                   "CK_RUN_CASE": test}
    try:
        return subprocess.run([program], env=environment, capture_output=True, timeout=300).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main() -> int:
    compiler = os.environ.get("CC", "gcc")
    text = (GENERATED / "protopool.c").read_text(encoding="utf-8")
    copies = list(weakened(text)) + [(COUNTS, *copy) for copy in reordered(text)]
    if len(copies) < 8 + len(ORDERS):
        print(f"only {len(copies)} locks and orders found", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        builds = sorted({(suite, level) for suite, _, level, _ in copies})
        objects = {build: suite_objects(*build, compiler, folder) for build in builds}
        missed, used, noticed = 0, defaultdict(set), Counter()
        results = pool.map(lambda copy: noticed_by(copy[0], copy[2], copy[3], objects[copy[0], copy[2]], compiler, noticed), copies)
        for (suite, name, level, _), (run, test) in zip(copies, results):
            print(f"{name:26} " + (f"noticed in run {run} by {test}" if run else "NOT NOTICED"), flush=True)
            missed += run == 0
            if run:
                used[suite, level].add(test)
        wrong = 0                                           # what noticed something passes with every lock in place
        for (suite, level), failed in zip(used, pool.map(lambda it: false_alarms(it[1], used[it], text, objects[it], compiler), used)):
            for test in failed:
                print(f"{test} fails at level {level} with every lock and order in place")
                wrong += 1
    print(f"{len(copies)} locks and orders taken out, {missed} not noticed")
    return 1 if missed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
