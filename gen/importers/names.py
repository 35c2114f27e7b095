# SPDX-License-Identifier: Apache-2.0 OR MIT
"""From the names of a source to those of a schema: CamelCase for messages, snake_case for the rest. Which of them clash in C is
left to ../language/clashes.py."""

import re
from collections.abc import Iterable

from ..language.names import LONGEST, snake



def lower(name: str) -> str:
    """MAV_TYPE, someNumbers, some-numbers -> mav_type, some_numbers. Empty if nothing of it can be part of a name."""
    words = _ascii(name)
    return _cut(re.sub(r"_{2,}", "_", words.lower() if words.isupper() else snake(words)).strip("_"))


def identifier(name: str, otherwise: str) -> str:
    """The same, beginning with a letter."""
    found = lower(name)
    return found if found[:1].isalpha() else _cut(f"{otherwise}_{found}").strip("_")


def camel(name: str) -> str:
    """GPS_RAW_INT, newOrder -> GpsRawInt, NewOrder."""
    words = [word for word in _ascii(name).split("_") if word]
    if all(word.isupper() or word.isdigit() for word in words if word.isalpha()) and "_" in name or name.isupper():
        words = [word.capitalize() for word in words]
    found = "".join(word[:1].upper() + word[1:] for word in words)
    if sum(map(str.isalpha, found)) > 1 and found.isupper():
        found = found.capitalize()
    return _cut(found) if found[:1].isalpha() else _cut(f"M{found}")


def _ascii(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "_", name)


def _cut(name: str) -> str:
    return name[:LONGEST].rstrip("_")


def stripped(of: str, values: list[str]) -> list[str]:
    """The names of an enum's values without the enum's name, or without the words with which all of them begin."""
    names = [lower(value) or "none" for value in values]
    prefix = lower(of) + "_"
    if len(names) > 1 and not any(name.startswith(prefix) for name in names):
        prefix = _common(names)
    short = [name[len(prefix):] if name.startswith(prefix) and name[len(prefix):] else name for name in names]
    return short if len(set(short)) == len(set(names)) else names


def _common(names: list[str]) -> str:
    """The words with which all names begin, with the underscore behind them."""
    first, last = min(names).split("_"), max(names).split("_")
    same = 0
    while same < min(len(first), len(last)) - 1 and first[same] == last[same]:
        same += 1
    return "_".join(first[:same]) + "_" if same else ""


class Unique:
    """Gives names that differ from those given before, by a number behind them."""

    def __init__(self, taken: Iterable[str] = ()):
        self.taken = set(taken)

    def __call__(self, name: str) -> str:
        found, number = name, 2
        while found in self.taken:
            found, number = f"{name[:LONGEST - 4]}_{number}", number + 1
        self.taken.add(found)
        return found
