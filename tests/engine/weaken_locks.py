#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Takes each lock out of the engine in turn, and expects ThreadSanitizer or the payload check to notice.

Of every function of protopool.c that takes and releases a lock, a copy without that pair is compiled with the suite of
threads and run under ThreadSanitizer, some times if need be. Exit status: 1 if a copy passes every time.
"""

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
GENERATED = ROOT / "generated"
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
    """Each copy with a pair taken out: the function's name, the build level it is compiled at, and the text."""
    for name, start, end in functions(text):
        body = text[start:end]
        for lock, unlock in PAIRS:
            pattern = re.compile(rf"(?<![\w]){re.escape(lock)}|(?<![\w]){re.escape(unlock)}")
            if name not in EXEMPT and pattern.search(body):
                level = 2 if "checked" in name or "check_free" in name or "store" in name else 0
                yield name, level, text[:start] + pattern.sub(";", body) + text[end:]


def is_noticed(name: str, level: int, text: str, compiler: str) -> tuple[str, int]:
    """The number of the run that failed; 0 if none did."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "protopool.c").write_text(text)
        program = Path(folder) / "threads"
        subprocess.run([compiler, "-std=c11", "-O1", "-g", "-w", "-fsanitize=thread", f"-DPROTOPOOL_CHECK={level}",
                        "-D_POSIX_C_SOURCE=200809L", "-I", GENERATED, ROOT / "tests/engine/test_threads.c", GENERATED / "calc.c",
                        Path(folder) / "protopool.c", "-o", program, "-lcheck", "-lsubunit", "-lrt", "-lm", "-lpthread"],
                       check=True)
        environment = {**os.environ, "TSAN_OPTIONS": "halt_on_error=1", "HANDOFFS": "100000", "SOAK_SECONDS": "1"}
        for run in range(1, TRIES + 1):
            try:
                done = subprocess.run([program], env=environment, capture_output=True, timeout=300)
            except subprocess.TimeoutExpired:
                return name, run
            if done.returncode != 0:
                return name, run
    return name, 0


def main() -> int:
    compiler = os.environ.get("CC", "gcc")
    text = (GENERATED / "protopool.c").read_text(encoding="utf-8")
    copies = list(weakened(text))
    if len(copies) < 8:
        print(f"only {len(copies)} pairs of lock and unlock found", file=sys.stderr)
        return 1
    missed = 0
    with ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 2) // 2)) as pool:
        for name, run in pool.map(lambda copy: is_noticed(*copy, compiler), copies):
            print(f"{name:36} {'noticed in run ' + str(run) if run else 'NOT NOTICED'}", flush=True)
            missed += run == 0
    print(f"{len(copies)} pairs taken out, {missed} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
