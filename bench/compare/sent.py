# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Measures what it costs to send and receive messages of schema/calc.yaml, and prints the table of docs/wire.md.

`python3 -m bench.compare.sent [--into docs/wire.md]`. What is not installed is left out, and named.
"""

import argparse
import re
import shutil
import sys
import textwrap
from pathlib import Path

from bench import medians

from . import __main__ as compare

BEGIN, END = "<!-- Written by python3 -m bench.compare.sent. -->", "<!-- The end of what bench.compare.sent writes. -->"
KINDS = {"Add: 2 numbers": 0, "Sum: 8 numbers": 3, "Store: a number, a text of 12 characters": 4, "Log: a number, a text of 41": 6}
NAMES = ("protopool", "nanopb", "protobuf-c")
LEAST = "`memcpy`, validate"
FEW, MANY = 1_000, 3_000            # turns; the difference leaves out what happens once
TURNS, TURNS_OF_OTHERS, ROUNDS = 500_000, 25_000, 25        # so that each program takes about a hundredth of a second in each round


def _count(program: Path, how: str, kind: int) -> float:
    counts = []
    for turns in (FEW, MANY):
        done = compare._run("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, "sent", how, kind, turns)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or found is None:
            sys.exit(f"bench.compare.sent: {program.name} does not run under callgrind\n{done.stderr}")
        counts.append(int(found[1]))
    return (counts[1] - counts[0]) / (MANY - FEW)


def _times(tasks: list[tuple[Path, str, int]]) -> tuple[dict, dict]:
    """Of each task the bytes that are sent, and the least nanoseconds of all rounds: what else the machine does only adds to them."""
    sizes, times = {}, {task: [] for task in tasks}
    for _ in range(ROUNDS):
        for program, how, kind in tasks:
            turns = TURNS if program.name == "protopool" else TURNS_OF_OTHERS
            size, nanoseconds = compare._must(program, "sent", how, kind, turns).split()
            sizes[program, how, kind] = int(size)
            times[program, how, kind].append(float(nanoseconds))
    return sizes, {task: min(of_task) for task, of_task in times.items()}


def report() -> str:
    compare._prepare()
    ways = [way for way in compare._ways(None) if way.name in NAMES]
    missing = [way for way in ways if way.needs and not shutil.which(way.needs)]
    programs = {way.name: compare._build(way) for way in ways if way not in missing}
    own = programs["protopool"]
    tasks = {(title, name): ((own, "copy", kind), (own, "valid", kind)) if name == LEAST else ((programs[name], "encode", kind), (programs[name], "decode", kind))
             for title, kind in KINDS.items() for name in (LEAST, *programs)}
    sizes, times = _times([task for pair in tasks.values() for task in pair])
    rows = []
    for (title, name), pair in tasks.items():
        cells = [f"{_count(*task):.0f}" for task in pair] + [f"{times[task]:.1f}" for task in pair]
        rows.append([title if name == LEAST else "", name, str(sizes[pair[0]]), *cells])
    versions = "; ".join(compare._version(way, None) for way in ways if way.package and way not in missing)
    compared = f"Compared: {versions}; {compare._must('gcc', '--version').splitlines()[0]}, `-O2`; glibc's `malloc`."
    lines = [textwrap.fill(compared, medians.WIDTH, break_long_words=False, break_on_hyphens=False), "",
             compare._table(["message", "", "bytes sent", "instructions, encode", "decode and free", "ns, encode", "decode and free"], rows)]
    lines += [f"\n{way.name} is not here: {way.package} is not installed." for way in missing]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python3 -m bench.compare.sent", description=__doc__.splitlines()[0])
    parser.add_argument("--into", metavar="FILE", type=Path, help="write the table into this page, between its two marks")
    options = parser.parse_args()
    text = report()
    if options.into:
        medians.write_into(options.into, text + "\n", BEGIN, END)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
