# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How numbers are written in a schema, and their ranges."""

import re

from ..diagnostics import Reporter, quoted
from ..model import Scalar
from .syntax import Word

MAX_VERSION = 65535             # of a protocol: descriptions have two bytes for it

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*|0[xX][0-9A-Fa-f]+)\Z")
_LONGEST = 64                   # characters: longer numbers are out of every range
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,63})(?:\.[0-9]{1,64})?(?:[eE][-+]?[0-9]{1,3})?\Z")
_LARGEST = {2: 65504.0, 4: 3.4028234e38, 8: 1.7976931348623157e308}      # of a floating-point number, by its size
_SHARE = re.compile(r"(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,9})?\Z")


def fits(scalar: Scalar, number: int) -> bool:
    bits = scalar.size * 8
    if scalar.family == "signed":
        return -2**(bits - 1) <= number < 2**(bits - 1)
    if scalar.family == "char":             # ASCII: above it, a char is negative on some machines
        return 0 <= number < 128
    return 0 <= number < 2**bits


class Numbers:
    """Readers of numbers. Each returns None if the word is not such a number, after reporting that."""

    def __init__(self, reporter: Reporter):
        self.reporter = reporter

    def integer(self, word: Word, lowest: int, highest: int, what: str, why_highest: str = "") -> int | None:
        """why_highest: a hint for a number above the highest."""
        if not _INTEGER.match(word.text):
            self.reporter.error(word.place, f"{what} must be a whole number, not {quoted(word.text)}",
                                "write it in decimal, without leading zeros, or in hexadecimal, as 0x1F")
            return None
        number = int(word.text, 0) if len(word.text) <= _LONGEST else highest + 1
        if not lowest <= number <= highest:
            self.reporter.error(word.place, f"{quoted(word.text)} is out of range: {what} is from {lowest} to {highest}",
                                why_highest if number > highest else "")
            return None
        return number

    def integer_or_character(self, word: Word, lowest: int, highest: int, what: str, why_highest: str = "") -> int | None:
        if not word.quoted and len(word.text) == 1 and not word.text.isdigit():
            self.reporter.error(word.place, f"{what} must be a number or a quoted character, not {quoted(word.text)}",
                                f"quote it: '{word.text}'")
            return None
        if not word.quoted:
            return self.integer(word, lowest, highest, what, why_highest)
        if len(word.text) == 1 and " " <= word.text <= "~":
            return ord(word.text)
        self.reporter.error(word.place, f"{quoted(word.text)} is not one printable ASCII character",
                            f"in quotes, {what} is one character; write a number without quotes")
        return None

    def since(self, word: Word | None) -> int:
        """A version of the protocol; 0 if none is given."""
        if word is None:
            return 0
        return self.integer(word, 1, MAX_VERSION, '"since"', "it is a version of the protocol, such as 3, and not a date") or 0

    def number(self, word: Word, scalar: Scalar) -> int | float | None:
        """A number that the scalar can hold."""
        if scalar.family in ("unsigned", "signed"):
            lowest = -2**(scalar.bits - 1) if scalar.family == "signed" else 0
            return self.integer(word, lowest, lowest + 2**scalar.bits - 1, scalar.name)
        if not _DECIMAL.match(word.text) or abs(float(word.text)) > _LARGEST[scalar.size]:
            self.reporter.error(word.place, f"{quoted(word.text)} is not a number that {scalar.name} can hold", "for example -1.5 or 2e9" if scalar.size > 2 else "for example -1.5; the largest is 65504")
            return None
        return float(word.text)

    def share(self, word: Word, what: str) -> float:
        if not _SHARE.match(word.text):
            self.reporter.error(word.place, f"{what} must be zero or a positive number, not {quoted(word.text)}",
                                "for example 40 or 0.5")
            return 1.0
        return float(word.text)
