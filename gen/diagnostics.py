# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Errors in a schema: their places, how they are collected and how they are shown. Knows no rule of the language."""

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

MAX_ERRORS = 200    # per source: nobody reads more, and hints take time
MAX_COMPARED = 300  # names per misspelt one; of more names, only those with the same first letter and about the same length
SHOWN = 96          # characters of the source line shown around the caret


@dataclass(frozen=True)
class Source:
    name: str       # as the user gave it; "<stdin>" for standard input
    text: str = ""
    is_imported: bool = False

    @cached_property
    def lines(self) -> list[str]:
        return re.split("\r\n|[\n\r\x85\u2028\u2029]", self.text)        # the line breaks of YAML


class Place(NamedTuple):
    """Where a word is: line and column from 1, width in characters. source: the imported file, None for the schema itself."""

    line: int
    column: int
    width: int = 1
    source: Source | None = None


@dataclass(frozen=True)
class Diagnostic:
    """place: None if it is about a whole file, or about none (an empty name); then the message names the file.

    severity: "error", "warning" or "note". rule: the name by which a user switches it on or off; empty for the language itself.
    """

    source: Source
    place: Place | None
    message: str
    hint: str = ""
    severity: str = "error"
    rule: str = ""

    @property
    def file(self) -> str:
        return self.source.name

    def __str__(self) -> str:
        if self.place is None:
            return visible(f"protopool: {self.message}")
        where = f"{self.source.name}:{self.place.line}:{self.place.column}"
        hint = f"\n  hint: {self.hint}" if self.hint else ""
        rule = f" [{self.rule}]" if self.rule else ""
        return f"{visible(where)}: {self.severity}: {visible(self.message)}{rule}{self._excerpt()}{visible(hint, keep=chr(10))}"

    def _excerpt(self) -> str:
        lines = self.source.lines
        if len(lines) < self.place.line or not lines[self.place.line - 1].strip():
            return ""
        line = lines[self.place.line - 1]
        at = self.place.column - 1
        start = max(0, at - SHOWN // 2) if len(line) > SHOWN else 0
        shown = line[start:start + SHOWN]
        before = "".join("\t" if c == "\t" else " " for c in line[start:at])
        carets = "^" + "~" * (max(1, min(self.place.width, start + len(shown) - at)) - 1)
        return f"\n  {visible(shown, keep=chr(9))}\n  {before}{carets}"


class SchemaError(Exception):
    """All errors found in a schema, at least one."""

    def __init__(self, diagnostics: list[Diagnostic]):
        super().__init__(diagnostics)
        self.diagnostics = diagnostics


class Reporter:
    """Collects the errors of one source, so that one run reports all of them."""

    def __init__(self, source: Source):
        self.source = source
        self.diagnostics: list[Diagnostic] = []
        self.places: set[Place] = set()

    def error(self, place: Place, message: str, hint: str = "") -> None:
        """Adds an error. A second error at the same word is dropped: it nearly always follows from the first."""
        if place not in self.places:
            self.places.add(place)
            self.diagnostics.append(Diagnostic(place.source or self.source, place, message, hint))
        if len(self.diagnostics) >= MAX_ERRORS:
            self.raise_if_any()

    def take(self, diagnostics: list[Diagnostic]) -> None:
        """Adds the errors of an imported file."""
        self.diagnostics += diagnostics
        if len(self.diagnostics) >= MAX_ERRORS:
            self.raise_if_any()

    def raise_if_any(self) -> None:
        if self.diagnostics:
            self.diagnostics.sort(key=lambda d: (d.source.is_imported, d.source.name, d.place.line, d.place.column))
            raise SchemaError(self.diagnostics)


def quoted(word: str) -> str:
    """The word in quotes, cut if it is long."""
    return f'"{word}"' if len(word) <= 64 else f'"{word[:60]}..."'


def at(place: Place) -> str:
    file = f"{place.source.name}, " if place.source else ""
    return f"{file}line {place.line}, column {place.column}"


def listed(names: list[str]) -> str:
    """The names in a line; of many the first."""
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


def did_you_mean(word: str, known) -> str:
    """A hint with the known name that is most like the word; empty if none is."""
    if len(known) > MAX_COMPARED:
        known = [k for k in known if k[:1].lower() == word[:1].lower() and abs(len(k) - len(word)) <= 2][:MAX_COMPARED]
    close = difflib.get_close_matches(word.lower()[:64], {k.lower(): k for k in known}, n=1, cutoff=0.6)
    if not close:
        return ""
    return f"did you mean {quoted(next(k for k in known if k.lower() == close[0]))}?"


def visible(text: str, keep: str = "") -> str:
    """The text with "?" for each character that would act on a terminal, such as an escape."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)
