# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the programs: rounds, in each of which every contender runs once, in shuffled order, in a process of its own."""

import json
import random
import subprocess
import time
from pathlib import Path

from .contenders import give_up

Programs = dict[str, Path]


def ask(program: Path, *arguments) -> dict:
    """What the program prints. It ends the benchmark if it fails: a contender that does not work is no contender."""
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        give_up(f"{program.name} {' '.join(map(str, arguments))} fails ({run.returncode}): {run.stderr.strip()}")
    return json.loads(run.stdout)


def rounds(programs: Programs, seconds: float, fewest: int, arguments: list, on_round=lambda: None) -> dict[str, list]:
    """What each program printed, round by round, until the seconds are used; at least so many rounds."""
    printed: dict[str, list] = {name: [] for name in programs}
    end = time.monotonic() + seconds
    done = 0
    while done < fewest or time.monotonic() < end:
        for name in random.sample(list(programs), len(programs)):
            printed[name].append(ask(programs[name], *arguments))
        done += 1
        on_round()
    return printed
