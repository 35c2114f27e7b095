# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A program under measurement: started, asked, and stopped, whatever it does. A crash, a hang or garbage raises Failed."""

import json
import os
import select
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE = 60                   # steps of a second to wait for one answer; while all is suspended, no steps are counted
STEP = 1.0
LONGEST_LINE = 1 << 16


class Failed(Exception):
    """What a program has done instead of answering."""


def ending(status: int, said: str = "") -> str:
    """In words, how a process has ended, and the last line of its standard error."""
    how = f"status {status}"
    if status < 0:
        names = {number.value: number.name for number in signal.Signals}
        how = f"signal {-status} ({names[-status]})" if -status in names else f"signal {-status}"
    last = said.strip().splitlines()[-1:]
    return f"it ends with {how}" + "".join(f": {line[:120]}" for line in last)


class Process:
    def __init__(self, program: Path, arguments) -> None:
        self._said = tempfile.TemporaryFile()
        self._read = b""
        self._process = subprocess.Popen([program, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=self._said, bufsize=0)

    def write(self, text: bytes) -> None:
        try:
            self._process.stdin.write(text)
        except BrokenPipeError:
            raise Failed(self._why_ended()) from None

    def answer(self):
        """The next line that the program prints, as JSON."""
        line = self._line()
        try:
            return json.loads(line)
        except ValueError:
            raise Failed(f"it prints {line[:60]!r}, which is no result") from None

    def wait(self) -> None:
        """Waits until the program ends. It must succeed."""
        for _ in range(PATIENCE * 10):
            if self._process.poll() is not None:
                break
            time.sleep(STEP / 10 if _ > 10 else STEP / 100)
        else:
            raise Failed(f"it does not end within {PATIENCE} s")
        if self._process.returncode != 0:
            raise Failed(self._why_ended())

    def stop(self) -> None:
        """Ends the program. May be called again."""
        self._process.stdin.close()
        try:
            self._process.wait(timeout=STEP)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()

    def _line(self) -> str:
        waited = 0
        while b"\n" not in self._read:
            if select.select([self._process.stdout], [], [], STEP)[0]:
                more = os.read(self._process.stdout.fileno(), LONGEST_LINE)
                if not more:
                    raise Failed(self._why_ended())
                self._read += more
            else:
                waited += 1
            if len(self._read) > LONGEST_LINE:
                raise Failed("it prints a line without end")
            if waited > PATIENCE:
                raise Failed(f"it does not answer within {PATIENCE} s")
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")

    def _why_ended(self) -> str:
        try:
            status = self._process.wait(timeout=STEP)
        except subprocess.TimeoutExpired:
            return "it closes its output"
        self._said.seek(0)
        return ending(status, self._said.read().decode(errors="replace"))
