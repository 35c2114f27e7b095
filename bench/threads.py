#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Messages between two threads: pools on a depot against malloc and free of the allocators that are installed.

Runs every contender once in each round, in shuffled order, and prints medians of nanoseconds per message, and their
ratio to the pool's: above 1, the pool is faster.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNT, ROUNDS = 5_000_000, 9
WORKLOADS = ("replace", "pipeline", "mixed", "request")
CONTENDERS = {          # flags and libraries
    "pool": (["-DPROTOPOOL_CHECK=0"], []),
    "pool, level 1": (["-DPROTOPOOL_CHECK=1"], []),
    "glibc": (["-DBENCH_MALLOC"], []),
    "jemalloc": (["-DBENCH_MALLOC"], ["-l:libjemalloc.a", "-lstdc++", "-lm", "-ldl"]),
    "mimalloc (shared)": (["-DBENCH_MALLOC"], ["-lmimalloc"]),
    "tcmalloc": (["-DBENCH_MALLOC"], ["-l:libtcmalloc_minimal.a", "-lstdc++", "-lm", "-lpthread"]),
}


def build(folder: Path) -> dict[str, Path]:
    sources = [ROOT / "bench/threads.c", ROOT / "generated/calc.c", ROOT / "generated/protopool.c"]
    programs = {}
    for name, (flags, libraries) in CONTENDERS.items():
        program = folder / name.replace(" ", "_")
        done = subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-O3", "-DNDEBUG", "-D_POSIX_C_SOURCE=200809L", *flags,
                               "-I", ROOT / "generated", *sources, *libraries, "-o", program, "-lpthread"],
                              capture_output=True, text=True)
        if done.returncode == 0:
            programs[name] = program
        elif not libraries:
            sys.exit(done.stderr)
        else:
            print(f"{name}: not installed, left out")
    return programs


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        programs = build(Path(folder))
        for workload in WORKLOADS:
            times: dict[str, list[float]] = {name: [] for name in programs}
            for _ in range(ROUNDS):
                for name in random.sample(list(programs), len(programs)):
                    run = subprocess.run([programs[name], workload, str(COUNT)], capture_output=True, text=True, check=True)
                    times[name].append(float(run.stdout))
            print(f"\n{workload}")
            pool = statistics.median(times["pool"])
            for name, samples in times.items():
                median = statistics.median(samples)
                print(f"  {name:18} {median:7.1f} ns a message  {median / pool:5.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
