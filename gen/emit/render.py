# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 4, render: Layout -> {file name: text}. Knows Jinja and what is safe inside a C comment or string."""

import re
import textwrap
from collections.abc import Collection
from functools import partial
from pathlib import Path

import jinja2

from .. import model
from ..language import numbers
from ..layout import MAX_SIZE, Layout, length_scalar
from . import compiled
from .kinds import dispatcher

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
SMALLEST = 1.2e-38              # normal numbers of a float begin here
WIDTH = 116                     # characters of an emitted line, where it can be broken
_SOURCES = {"protocol.h.j2": "{}.h", "protocol.c.j2": "{}.c"}
_ON_DEMAND = {"bench": {"protocol_bench.h.j2": "{}_bench.h"}, "cpp": {"protocol.hpp.j2": "{}.hpp"}}
_SUITE = {"protocol_check.c.j2": "{}_check.c"}

# Characters that would reorder or break the lines that a reader or a compiler sees.
_UNSEEN = re.compile("[\u0085\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def render(laid_out: Layout, also: Collection[str] = ()) -> dict[str, str]:
    """The protocol's sources; also those on demand: "bench", what the benchmark drives, "cpp", a header for C++. Same layout,
    same text."""
    return _render(laid_out, _SOURCES | {template: name for kind in also for template, name in _ON_DEMAND[kind].items()})


def suite(laid_out: Layout) -> dict[str, str]:
    """The protocol's tests: a program, so that its place is another folder."""
    return _render(laid_out, _SUITE)


def _render(laid_out: Layout, templates: dict[str, str]) -> dict[str, str]:
    environment = _environment(laid_out.protocol)
    protocol = laid_out.protocol
    names = {"layout": laid_out, "protocol": protocol}
    names["kind"] = dispatcher(environment, **names)
    return {name.format(protocol.name.c): environment.get_template(template).render(names, abi=engine_abi())
            for template, name in templates.items()}


def engine_abi() -> int:
    """The version of what emitted code and the engine share."""
    settings = (TEMPLATES / "engine/settings.h").read_text(encoding="utf-8")
    return int(re.search(r"^#define PROTOPOOL_ABI (\d+)$", settings, re.MULTILINE)[1])


def _environment(protocol: model.Protocol) -> jinja2.Environment:
    shows = _showing(protocol)
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
                                     autoescape=False, **compiled.options())
    environment.filters.update(comment=comment, remark=remark, wrapped=wrapped, c_string=c_string, c_integer=c_integer,
                               c_character=c_character, c_literal=c_literal, length_type=lambda bound: length_scalar(bound or MAX_SIZE).c,
                              element=lambda field: model.element_of(field.type), bounds=bounds, range_end=range_end, initial=initial,
                              told=told, c_mask=c_mask, c_wide=c_wide,
                              span=span, outside=outside, showing=lambda struct: shows[struct.name.schema], described_type=described_type, utf8_length=lambda text: len(text.encode()))
    environment.tests.update(saturated=_saturated, call=lambda expression: re.fullmatch(r"\w+\([^()]*\)", expression),
                             enum=lambda e: isinstance(e, model.Enum), flags=lambda e: isinstance(e, model.Flags),
                             struct=lambda e: isinstance(e, model.Struct), bool=_of_family("bool"),
                             spoilable=partial(spoilable, structs=_spoilable_structs(protocol)), checked=checked,
                             shown=lambda struct: struct.name.schema in shows,
                             float=_of_family("float", "double"), listed=_listed,
                             with_length=_has_kind(model.List, model.Tail), text=_has_kind(model.Chars, model.String))
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
    if len(line) <= WIDTH:
        return line
    code = line.lstrip()
    indent = line[:len(line) - len(code)]
    unbreakable = re.sub(r"(?<![,|]) ", "\0", code)
    lines = textwrap.wrap(unbreakable, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ",
                          break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines).replace("\0", " ")


def c_string(text: str) -> str:
    """The text as a C string literal of UTF-8."""
    shown = (chr(b) if b < 128 and (chr(b).isalnum() or chr(b) in " _.,:;/+*()=<>-") else f"\\{b:03o}" for b in text.encode())
    return '"' + "".join(shown) + '"'


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


def c_wide(number: int, scalar: model.Scalar) -> str:
    """An integer constant of just this type, of 32 or 64 bits, without a cast."""
    prefix, bits = "U" if scalar.family == "unsigned" else "", 8 * scalar.size
    if number == -2**63:
        return c_integer(number)
    return f"{prefix}INT{bits}_C({number})" if number >= 0 else f"(-INT{bits}_C({-number}))"


def c_mask(scalar: model.Scalar, bit: int) -> str:
    return f"UINT{8 * max(4, scalar.size)}_C(0x{1 << bit:x})"


def _saturated(bound: int | None) -> bool:
    """Whether the bound is the largest value of its length's type, so that a length cannot exceed it."""
    return bound is not None and bound == 2 ** (8 * length_scalar(bound).size) - 1


def _of_family(*families: str):
    return lambda element: isinstance(element, model.Scalar) and element.family in families


def _has_kind(*kinds: type):
    """A test of a field: whether its type is one of the kinds, optional or not."""
    return lambda field: isinstance(field.type.of if field.is_optional else field.type, kinds)


def _listed(field: model.Field) -> bool:
    """Whether it has several elements, even if there is room for one only; a text has characters."""
    return _has_kind(model.Array, model.List)(field) or isinstance(field.type, model.Tail) and field.type.element is not None


def c_literal(value: int | float, scalar: model.Scalar) -> str:
    """A constant of the scalar's type."""
    if scalar.family == "bool":
        return "true" if value else "false"
    if scalar.family == "char":
        return c_character(chr(value)) if 32 <= value < 127 else f"(char){value}"
    if scalar.family in ("float", "double"):
        return repr(float(value)) + ("F" if scalar.family == "float" else "")
    return c_integer(value, scalar)


def bounds(allowed: model.Range, scalar: model.Scalar) -> tuple[str, str]:
    """The ends of a range as constants; empty where the type itself ends there."""
    bits = 8 * scalar.size
    lowest = {"unsigned": 0, "signed": -2**(bits - 1)}.get(scalar.family)
    highest = {"unsigned": 2**bits - 1, "signed": 2**(bits - 1) - 1}.get(scalar.family)
    return ("" if allowed.low == lowest else c_literal(allowed.low, scalar),
            "" if allowed.high == highest else c_literal(allowed.high, scalar))


def range_end(value: int | float, scalar: model.Scalar) -> str:
    """An end of a range for a description: of a number that is no real one as it converts to uint64_t."""
    literal = c_literal(value, scalar)
    return literal if scalar.family in ("float", "double") else f"(uint64_t){literal}"


def initial(field: model.Field) -> int | float:
    """What each element of the field is by default: zero, or where that is not allowed the nearest that is."""
    element = model.element_of(field.type)
    if field.default is not None:
        return field.default
    if isinstance(element, model.Enum):
        return 0 if any(v.number == 0 for v in element.values) else element.values[0].number
    return min(max(0, field.range.low), field.range.high) if field.range else 0


def span(allowed: model.Range) -> int | float:
    """How many whole numbers a range has, 0 for all of 64 bits; of others, how far apart its ends are."""
    if isinstance(allowed.low, float):
        half = min(allowed.high / 2 - allowed.low / 2, 1e30)
        return half if half >= SMALLEST else 0.0
    return (allowed.high - allowed.low + 1) % 2**64


def outside(field: model.Field) -> int | float | None:
    """A number that the field's element holds and its range does not; None if there is none."""
    element, allowed = model.element_of(field.type), field.range
    if allowed is None:
        return None
    if element.family in ("float", "double"):
        largest = 3e38 if element.family == "float" else 1e308
        return largest if allowed.high < largest else -largest if allowed.low > -largest else None
    return next((n for n in (allowed.high + 1, allowed.low - 1) if numbers.fits(element, n)), None)


def checked(field: model.Field) -> bool:
    """Whether the schema may rule an element out that a record holds."""
    element = model.element_of(field.type)
    if isinstance(element, model.Scalar):
        return element.family == "bool" or field.range is not None and any(bounds(field.range, element))
    return not isinstance(element, model.Flags) or element.undeclared is not None


def _spoilable_structs(protocol: model.Protocol) -> set[str]:
    """The names of those that can have a field which the schema rules out; each is behind those that it holds."""
    found: set[str] = set()
    for struct in protocol.structs:
        if any(spoilable(field, found) for field in struct.fields):
            found.add(struct.name.schema)
    return found


def spoilable(field: model.Field, structs: set[str]) -> bool:
    """Whether an element can have a value that the schema rules out; structs: see _spoilable_structs."""
    element = model.element_of(field.type)
    if isinstance(element, model.Struct):
        return element.name.schema in structs
    if isinstance(element, (model.Enum, model.Flags)):
        return element.undeclared is not None
    return outside(field) is not None


def _showing(protocol: model.Protocol) -> dict[str, model.Field]:
    """By the name of each struct, a field that can show, by a value that the schema rules out, that the struct is not to be used;
    without those that no field can show. A length that is too large is the last choice, since who reads the elements would read
    too many."""
    spoilable_structs, found = _spoilable_structs(protocol), {}
    choices = (lambda field: spoilable(field, spoilable_structs), _has_kind(model.String),
               lambda field: _of_family("bool")(model.element_of(field.type)),
               lambda field: isinstance(e := model.element_of(field.type), model.Struct) and e.name.schema in found,
               lambda field: _has_kind(model.List)(field) and not _saturated((field.type.of if field.is_optional else field.type).bound))
    for struct in protocol.structs:         # each is behind those that it holds
        if field := next((field for choice in choices for field in struct.fields if choice(field)), None):
            found[struct.name.schema] = field
    return found


def told(field: model.Field) -> str:
    """What the schema says of a field, in a line."""
    parts = [field.doc.strip(), f"In {field.unit}." if field.unit else "",
             f"{field.range.low} to {field.range.high}." if field.range else ""]
    return " ".join(part if part.endswith((".", "!", "?")) else part + "." for part in parts if part) if any(parts[1:]) else parts[0]


_DESCRIBED = {"bool": "BOOL", "unsigned": "UNSIGNED", "signed": "SIGNED", "float": "FLOAT", "double": "FLOAT", "char": "CHAR"}


def described_type(field: model.Field) -> str:
    """The enum protopool_type of a field."""
    element = model.element_of(field.type)
    named = {type(None): "TEXT", model.Enum: "ENUM", model.Flags: "FLAGS", model.Struct: "STRUCT"}
    return "PROTOPOOL_" + (named.get(type(element)) or _DESCRIBED[element.family])
