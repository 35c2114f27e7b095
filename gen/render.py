# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 4, render: Layout -> {file name: text}. Knows Jinja and what is safe inside a C comment or string."""

import re
import textwrap
from pathlib import Path

import jinja2

from . import model
from .layout import Layout, length_scalar

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
WIDTH = 116                     # characters of an emitted line, where it can be broken
ENGINE = ("protopool.h", "protopool.c")
_EMITTED = {"protocol.h.j2": "{}.h", "protocol.c.j2": "{}.c", "protocol_check.c.j2": "{}_check.c"}
_EMITTED_FOR_BENCH = {"protocol_bench.h.j2": "{}_bench.h"}

# Characters that would reorder or break the lines that a reader or a compiler sees.
_UNSEEN = re.compile("[\u0085\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def file_names(protocol: model.Protocol) -> list[str]:
    """Of every file that a protocol may have."""
    return [name.format(protocol.name.c) for name in (_EMITTED | _EMITTED_FOR_BENCH).values()]


def render(laid_out: Layout, bench: bool) -> dict[str, str]:
    """The protocol's files; with bench, also what the benchmark drives. Same layout, same text."""
    environment = _environment()
    protocol = laid_out.protocol
    emitted = _EMITTED | _EMITTED_FOR_BENCH if bench else _EMITTED
    return {name.format(protocol.name.c): environment.get_template(template).render(layout=laid_out, protocol=protocol)
            for template, name in emitted.items()}


def engine() -> dict[str, str]:
    """The engine's files: copied as they stand."""
    return {name: (TEMPLATES / name).read_text(encoding="utf-8") for name in ENGINE}


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
                                     autoescape=False)
    environment.filters.update(comment=comment, remark=remark, wrapped=wrapped, c_string=c_string, c_integer=c_integer,
                               c_character=c_character, length_type=lambda bound: length_scalar(bound).c)
    environment.tests.update(saturated=_saturated, spoilable=_spoilable, enum=lambda e: isinstance(e, model.Enum))
    environment.globals.update(u8=model.SCALARS["u8"])
    return environment


def comment(text: str, indent: str = " * ") -> str:
    """The text as lines of a C comment: nothing in it ends the comment, starts another or joins two lines."""
    lines = [line.rstrip() for line in _UNSEEN.sub(" ", text).strip().splitlines()]
    while any("*/" in line or "/*" in line or "??" in line for line in lines):
        lines = [line.replace("*/", "* /").replace("/*", "/ *").replace("??", "? ?") for line in lines]
    lines = [line + "." if line.endswith("\\") else line for line in lines]
    return ("\n" + indent.rstrip(" ") + " ").join(lines).replace(" \n", "\n")


def remark(text: str) -> str:
    """The text for a comment of one line."""
    return " ".join(comment(" ".join(text.split())).split())


def wrapped(text: str) -> str:
    """Lines of C that hold no string, broken behind commas and || where they are too long."""
    return "\n".join(_wrapped_line(line) for line in text.split("\n"))


def _wrapped_line(line: str) -> str:
    code = line.lstrip()
    indent = line[:len(line) - len(code)]
    unbreakable = re.sub(r"(?<![,|]) ", "\0", code)
    lines = textwrap.wrap(unbreakable, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ",
                          break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def c_string(text: str) -> str:
    """The text as a C string literal; schema names only need it for safety's sake."""
    return '"' + "".join(c if c.isalnum() or c in " _.-" else f"\\{ord(c):03o}" for c in text) + '"'


def c_character(character: str) -> str:
    """A printable ASCII character or NUL as a C character constant."""
    return {"\0": "'\\0'", "'": "'\\''", "\\": "'\\\\'", "?": "'\\?'"}.get(character, f"'{character}'")


def c_integer(number: int, scalar: model.Scalar | None = None) -> str:
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


def _saturated(bound: int) -> bool:
    """Whether the bound is the largest value of its length's type, so that a length cannot exceed it."""
    return bound == 2 ** (8 * length_scalar(bound).size) - 1


def _spoilable(field: model.Field) -> bool:
    """Whether there is an argument that the schema rules out."""
    if isinstance(field.type, (model.One, model.Array)):
        return isinstance(field.type.element, model.Enum) and field.type.element.undeclared is not None
    return True
