# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs the programs in rounds: every contender once per round, in a process of its own. When times are measured, the contenders
of a round run side by side and take turns slice by slice, in shuffled order. So a disturbance of the machine affects neighbouring
slices alike, and only ratios of neighbours are used. A program that fails is left out, and the others go on."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path

from .process import Failed, Process

Programs = dict[str, Path]


@dataclass
class Measured:
    """printed: what each program has printed, round by round. failed: why the others are left out, by name."""

    printed: dict[str, list]
    failed: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def leaving_out(self, name: str) -> Iterator[None]:
        """Leaves the program out if it fails in this block."""
        try:
            yield
        except Failed as why:
            self.failed[name] = str(why)
            del self.printed[name]


def ask(program: Path, *arguments) -> dict:
    """The object that the program prints. Raises Failed."""
    with ExitStack() as running:
        process = Process(program, arguments)
        running.callback(process.stop)
        answer = process.answer()
        process.wait()
        return _checked(answer, isinstance(answer, dict))


def why_not(program: Path, *arguments) -> str | None:
    """Why the program, which prints nothing, fails; None if it does not."""
    with ExitStack() as running:
        process = Process(program, arguments)
        running.callback(process.stop)
        try:
            process.wait()
        except Failed as why:
            return str(why)
    return None


def rounds(programs: Programs, fewest: int, arguments: list) -> Measured:
    """What each program prints, round by round."""
    measured = Measured({name: [] for name in programs})
    for _ in range(fewest):
        for name in _shuffled(measured.printed):
            with measured.leaving_out(name):
                measured.printed[name].append(ask(programs[name], *arguments))
    return measured


def times(programs: Programs, seconds: float, fewest: int, arguments: list, slices: int) -> Measured:
    """The slices of each program in each round, until the seconds are over; at least `fewest` rounds. With one slice, a process
    ends before the next begins, because each may fill the memory."""
    measured = Measured({name: [] for name in programs})
    end = time.monotonic() + seconds
    done = 0
    while done < fewest or time.monotonic() < end:
        with ExitStack() as running:
            started = {}
            for name in _shuffled(measured.printed):
                with measured.leaving_out(name):
                    started[name] = Timed(programs[name], arguments)
                    running.callback(started[name].stop)
                    measured.printed[name].append({"count": started[name].count(), "slices": []})
                    if slices == 1:
                        measured.printed[name][-1]["slices"].append(started[name].slice())
                        started[name].stop()
            for _ in range(slices if slices > 1 else 0):
                for name in _shuffled(measured.printed):
                    with measured.leaving_out(name):
                        measured.printed[name][-1]["slices"].append(started[name].slice())
        done += 1
    return measured


class Timed(Process):
    """A running program that does one slice per line on its standard input."""

    def count(self) -> int:
        """How many messages a slice has."""
        answer = self.answer()
        return _checked(answer, isinstance(answer, dict) and isinstance(answer.get("count"), int) and answer["count"] > 0)["count"]

    def slice(self) -> list:
        self.write(b"\n")
        answer = self.answer()
        is_slice = isinstance(answer, list) and len(answer) == 4 and all(
            isinstance(value, (int, float)) and isfinite(value) and value >= 0 for value in answer)
        return _checked(answer, is_slice and answer[0] > 0)


def _checked(answer, is_right: bool):
    if not is_right:
        raise Failed(f"it prints {json.dumps(answer)[:60]}, which is no result")
    return answer


def _shuffled(names) -> list[str]:
    return random.sample(list(names), len(names))
