# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Text of C: what is safe inside a comment or a string, lines that are not too long, and literals."""

import re
import textwrap

from ..scalars import Scalar

WIDTH = 116                     # characters; longer emitted lines are broken if possible

# Characters that would reorder or break the lines that a reader or a compiler sees.
UNSEEN = re.compile("[\u0085\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")

_NAME = re.compile(r"\w*\Z", re.ASCII)
_PLAIN = re.compile(r"[\w ,.:;()-]*\Z", re.ASCII)


def comment(text: str, indent: str = " * ") -> str:
    """The text as lines of a C comment: nothing in it ends the comment, starts another or joins two lines."""
    if _PLAIN.match(text):
        return text.strip()
    lines = [line.rstrip() for line in UNSEEN.sub(" ", text).strip().splitlines()]
    while any("*/" in line or "/*" in line or "??" in line for line in lines):
        lines = [line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?") for line in lines]
    lines = [line + "." if line.endswith("\\") else line for line in lines]
    return ("\n" + indent.rstrip(" ") + " ").join(lines).replace(" \n", "\n")


def remark(text: str) -> str:
    """The text for a comment of one line."""
    line = " ".join(text.split())
    return line if _PLAIN.match(line) else " ".join(comment(line).split())


def folded(text: str) -> str:
    """A line of a comment, as several lines where it is too long."""
    return "\n * ".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))


def wrapped(text: str) -> str:
    """Breaks long lines of C after commas and ||. A line with a string stays as it is."""
    if len(text) <= WIDTH:
        return text
    return "\n".join([line if len(line) <= WIDTH or '"' in line else _broken(line) for line in text.split("\n")])


def _broken(line: str) -> str:
    indent = line[:len(line) - len(line.lstrip())] + "    "
    lines = []
    while len(line) > WIDTH:
        at = max(line.rfind(", ", 0, WIDTH + 1), line.rfind("| ", 0, WIDTH + 1))
        if at < 0:                  # the line is too long before its first stop
            at = min((found for stop in (", ", "| ") if (found := line.find(stop)) >= 0), default=-1)
        if at < 0:
            break
        lines.append(line[:at + 1])
        line = indent + line[at + 2:]
    return "\n".join([*lines, line])


def continued(text: str) -> str:
    """A macro's definition that holds no string, broken at spaces where it is too long."""
    whole = re.sub(r", (?=\w+\))", ",\0", text.strip())           # not between the arguments of X(ADD, add)
    lines = textwrap.wrap(whole, WIDTH - 2, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(lines).replace("\0", " ") + "\n"


def pointer(access: str) -> str:
    """The pointer of "msg->", by which members are reached."""
    return access.removesuffix("->")


def address(lvalue: str) -> str:
    """The address of a variable, a member, or what a pointer points to."""
    return lvalue[1:] if lvalue.startswith("*") else "&" + lvalue


def operand(condition: str, operator: str) -> str:
    """The condition as an operand beside others, in parentheses if it has this operator itself."""
    return f"({condition})" if operator in condition else condition


def negated(condition: str) -> str:
    """The condition that is true if this one is not; empty if there is none."""
    if not condition:
        return ""
    return "!" + (condition if re.fullmatch(r"\w+\([^()]*\)|[\w.]+", condition) else f"({condition})")


def c_string(text: str) -> str:
    """The text as a C string literal of UTF-8."""
    if _NAME.match(text):
        return f'"{text}"'
    shown = (chr(b) if b < 128 and (chr(b).isalnum() or chr(b) in " _.,:;/+*()=<>-") else f"\\{b:03o}" for b in text.encode())
    return '"' + "".join(shown) + '"'


def c_character(character: str) -> str:
    """A printable ASCII character or NUL as a C character constant."""
    return {"\0": "'\\0'", "'": "'\\''", "\\": "'\\\\'", "?": "'\\?'"}.get(character, f"'{character}'")


def c_character_of(number: int) -> str:
    """An ASCII character by its number, as a constant."""
    return c_character(chr(number)) if number == 0 or 32 <= number < 127 else str(number)


def c_integer(number: int, scalar: Scalar | None = None) -> str:
    """An integer constant of a type that holds it, on every machine and in the preprocessor."""
    if -2**31 < number < 2**31 and (scalar is None or scalar.size < 8):
        return str(number) if number >= 0 else f"({number})"
    if number == -2**63:
        return "(-INT64_C(9223372036854775807) - 1)"
    if number < 0:
        return f"(-INT64_C({-number}))"
    if scalar is not None and scalar.family == "unsigned":
        return f"UINT{8 * max(4, scalar.size)}_C({number})"
    return f"INT64_C({number})" if number < 2**63 else f"UINT64_C({number})"


def c_wide(number: int, scalar: Scalar) -> str:
    """An integer constant of exactly this type, of 32 or 64 bits, without a cast."""
    prefix, bits = "U" if scalar.family == "unsigned" else "", 8 * scalar.size
    if number == -2**63:
        return c_integer(number)
    return f"{prefix}INT{bits}_C({number})" if number >= 0 else f"(-INT{bits}_C({-number}))"


def c_mask(scalar: Scalar, bit: int) -> str:
    return c_bits(scalar, 1 << bit)


def c_bits(scalar: Scalar, bits: int) -> str:
    """Bits of an unsigned integer, in hexadecimal."""
    return f"UINT{8 * max(4, scalar.size)}_C(0x{bits:x})"


def c_literal(value: int | float, scalar: Scalar) -> str:
    """A constant of the scalar's type; of a number of half precision, a float."""
    if scalar.family == "bool":
        return "true" if value else "false"
    if scalar.family == "char":
        return c_character(chr(value)) if value == 0 or 32 <= value < 127 else f"'\\{value:03o}'"
    if scalar.family in ("half", "float", "double"):
        return repr(float(value)) + ("F" if scalar.family != "double" else "")
    return c_integer(value, scalar)
