# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The primitive types of SBE: their names and limits, and the simple types made of them."""

from typing import NamedTuple

from ..diagnostics import quoted as shown
from .draft import lost, plain, wrong
from .limits import highest, lowest
from .writer import quoted, scalar
from .xml_tree import Element, integer

SCALARS = {"char": "char", "float": "f32", "double": "f64", **{f"{s}int{bits}": f"{s or 'i'}{bits}" for s in ("", "u") for bits in (8, 16, 32, 64)}}
_UNITS = {"second": "s", "millisecond": "ms", "microsecond": "us", "nanosecond": "ns"}


class Simple(NamedTuple):
    """What a <type> says. length: None if it is no array."""

    scalar: str
    length: int | None
    element: Element

    @property
    def is_constant(self) -> bool:
        return self.element.get("presence") == "constant"

    def limit(self, attribute: str) -> int | None:
        text = self.element.get(attribute).strip()
        return integer(text, self.element.place, f'"{attribute}"') if text else None


def simple(element: Element) -> Simple:
    """Raises SchemaError if it is not a type."""
    name = element.needed("primitiveType")
    if name not in SCALARS:
        raise wrong(element.place, f"there is no primitive type {shown(name)}", "the primitive types are " + ", ".join(SCALARS))
    length = element.integer("length") if element.get("length") else None
    if length is not None and length < 0:
        raise wrong(element.place, f'"length" must be 0 or more, not {length}')
    return Simple(SCALARS[name], None if length == 1 and SCALARS[name] != "char" else length, element)


def most(length: Element) -> int:
    """The largest length or count that a field of this <type> says: the largest number of its type means "none"."""
    of = simple(length)
    given = of.limit("maxValue")
    return given if given is not None else highest(of.scalar) - 1 if of.scalar.startswith("u") else highest(of.scalar)


def absent(of: Simple, given: str) -> str:
    """The number that means absent: the given one, or that of the type. Empty if it is none, or the type is an array."""
    if of.length not in (None, 1):
        return ""
    if of.scalar in ("f32", "f64"):
        return "nan" if given.strip().lower() in ("", "nan") else given.strip() if _is_real_range(of.scalar, given, given) else ""
    if of.scalar == "char":
        return "0" if given.strip() in ("", "0") else ""
    if given.strip():
        return str(integer(given, of.element.place, '"nullValue"'))
    return str(highest(of.scalar) if of.scalar.startswith("u") else lowest(of.scalar))


def constant(of: Simple, text: str) -> tuple[str, str]:
    """The type and the value of a constant; empty if a schema cannot have it."""
    if of.scalar == "char":
        length = of.length or len(text)
        if not text.isascii() or not text.isprintable() or not 1 <= len(text) <= length:
            return "", ""
        return ("char" if length == 1 else f"char[{length}]"), quoted(text) if length == 1 else scalar(text)
    if of.length not in (None, 1):
        return "", ""
    if of.scalar in ("f32", "f64"):
        return (of.scalar, text) if _is_real_range(of.scalar, text, text) else ("", "")
    return of.scalar, str(integer(text, of.element.place, "a constant"))


def unit(element: Element) -> tuple[tuple[str, str], ...]:
    given = plain(element.get("timeUnit"))
    return (("unit", _UNITS.get(given, scalar(given))),) if given else ()


def keys_of(of: Simple, notes: list[str]) -> tuple[tuple[str, str], ...]:
    """The unit and the range."""
    found = list(unit(of.element))
    low, high = of.element.get("minValue").strip(), of.element.get("maxValue").strip()
    if low or high:
        if of.scalar in ("char", "f32", "f64"):
            if not _is_real_range(of.scalar, low, high):
                notes.append(lost(f"the range from {low or 'its least'} to {high or 'its most'}", of.element.place))
            else:
                found.append(("range", f"[{float(low)!r}, {float(high)!r}]"))
        else:
            ends = (of.limit("minValue"), of.limit("maxValue"))
            least, largest = lowest(of.scalar), highest(of.scalar)
            found.append(("range", f"[{least if ends[0] is None else ends[0]}, {largest if ends[1] is None else ends[1]}]"))
    return tuple(found)


def _is_real_range(scalar: str, low: str, high: str) -> bool:
    try:
        return scalar != "char" and abs(float(low)) < 1e38 and abs(float(high)) < 1e38
    except ValueError:
        return False
