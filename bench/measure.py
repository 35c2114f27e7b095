# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the programs in rounds: every contender once per round, in a process of its own. When times are measured, the contenders
of a round run side by side and take turns slice by slice, in shuffled order. So a disturbance of the machine affects neighbouring
slices alike, and only ratios of neighbours are used."""

import json
import random
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from .contenders import give_up

Programs = dict[str, Path]


def ask(program: Path, *arguments) -> dict:
    """What the program prints. A program that fails ends the benchmark."""
    run = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        give_up(f"{program.name} {' '.join(map(str, arguments))} fails ({run.returncode}): {run.stderr.strip()}")
    return json.loads(run.stdout)


def rounds(programs: Programs, fewest: int, arguments: list) -> dict[str, list]:
    """What each program prints, round by round."""
    printed: dict[str, list] = {name: [] for name in programs}
    for _ in range(fewest):
        for name in _shuffled(programs):
            printed[name].append(ask(programs[name], *arguments))
    return printed


def times(programs: Programs, seconds: float, fewest: int, arguments: list, slices: int) -> dict[str, list]:
    """The slices of each program in each round, until the seconds are over; at least `fewest` rounds. With one slice, a process
    ends before the next begins, because each may fill the memory."""
    printed: dict[str, list] = {name: [] for name in programs}
    end = time.monotonic() + seconds
    done = 0
    while done < fewest or time.monotonic() < end:
        with ExitStack() as running:
            started = {}
            for name in _shuffled(programs):
                started[name] = Timed(programs[name], arguments)
                running.callback(started[name].end)
                printed[name].append({"count": started[name].answer()["count"], "slices": []})
                if slices == 1:
                    printed[name][-1]["slices"].append(started[name].slice())
                    started[name].end()
            for _ in range(slices if slices > 1 else 0):
                for name in _shuffled(programs):
                    printed[name][-1]["slices"].append(started[name].slice())
        done += 1
    return printed


class Timed:
    """A running program that does one slice per line on its standard input."""

    def __init__(self, program: Path, arguments: list) -> None:
        self._called = [program, *map(str, arguments)]
        self._process = subprocess.Popen(self._called, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self):
        line = self._process.stdout.readline()
        if not line:
            give_up(f"{self._called[0].name} {' '.join(self._called[1:])} fails ({self._process.wait()})")
        return json.loads(line)

    def slice(self) -> list:
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def _shuffled(programs: Programs) -> list[str]:
    return random.sample(list(programs), len(programs))
