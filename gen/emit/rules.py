# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the schema allows, as emitted code needs it: ends of ranges, values outside of them, defaults, and which field of a struct can
show that the struct must not be used."""

from collections.abc import Collection
from dataclasses import dataclass
from struct import pack

from ..language.numbers import fits
from ..laid_out import Layout, Message
from ..model import BitField, BitPart, Element, Enum, Field, Flags, Protocol, Range, Record, Struct, Union
from ..scalars import Scalar, is_saturated
from .c_text import c_literal

SMALLEST = 1.2e-38              # normal numbers of a float begin here
NAN = {2: 0x7e00, 4: 0x7fc00000, 8: 0x7ff8000000000000}        # the bits of the NaN that constructors store, by its size


def bounds(allowed: Range, scalar: Scalar) -> tuple[str, str]:
    """The ends of a range as constants; an end is empty if it is also the end of the type."""
    bits = 8 * scalar.size
    lowest = {"unsigned": 0, "signed": -2**(bits - 1)}.get(scalar.family)
    highest = {"unsigned": 2**bits - 1, "signed": 2**(bits - 1) - 1}.get(scalar.family)
    return ("" if allowed.low == lowest else c_literal(allowed.low, scalar),
            "" if allowed.high == highest else c_literal(allowed.high, scalar))


def range_table(layout: Layout) -> dict[str, int]:
    """The ranges of all described fields, as initialisers of struct protopool_range. Each has a number, from 1."""
    records = [record.model for record in (*layout.used_structs, *layout.messages)]
    found = dict.fromkeys(described_range(field) for record in records for field in (*record.fields, *record.alternatives) if field.range is not None)
    return {text: number for number, text in enumerate(found, 1)}


def described_range(field: Field) -> str:
    """The range of a field, as an initialiser of struct protopool_range. A whole number is converted to uint64_t."""
    kind, cast = ("real", "") if is_float(field.element) else ("number", "(uint64_t)")
    least, most = (f"{{ .{kind} = {cast}{c_literal(end, field.element)} }}" for end in field.range)
    return f"{{ {least}, {most} }}"


def initial(field: Field) -> int | float:
    """The default of each element of the field: zero, or the nearest allowed value."""
    element = field.element
    if field.default is not None:
        return field.default
    if isinstance(element, Enum):
        return 0 if any(v.number == 0 for v in element.values) else element.values[0].number
    if isinstance(element, BitField):
        return element.initial
    return min(max(0, field.range.low), field.range.high) if field.range else 0


def span(allowed: Range) -> int | float:
    """The number of whole numbers in a range, 0 for all of 64 bits; for floats, half the distance of the ends."""
    if isinstance(allowed.low, float):
        half = min(allowed.high / 2 - allowed.low / 2, 1e30)
        return half if half >= SMALLEST else 0.0
    return (allowed.high - allowed.low + 1) % 2**64


def outside(field: Field) -> int | float | None:
    """A number that the field's type can hold but its range excludes, and that does not mean "absent"; None if there is none."""
    element, allowed = field.element, field.range
    if allowed is None:
        return None
    if is_float(element):
        largest = {"half": 65504.0, "float": 3e38, "double": 1e308}[element.family]
        return next((n for n, excluded in ((largest, allowed.high < largest), (-largest, allowed.low > -largest)) if excluded and n != field.absent), None)
    return next((n for n in (allowed.high + 1, allowed.low - 1, allowed.high + 2, allowed.low - 2) if fits(element, n) and n != field.absent), None)


def present(field: Field) -> int | float:
    """A number that the field allows and that does not mean "absent"."""
    return next(n for n in field.range or (1, 2) if n != field.absent)


def absent_in_range(field: Field) -> bool:
    """Whether the field's range does not exclude the number that means "absent"."""
    return field.range is None or field.range.low <= field.absent <= field.range.high


def absent_bits(field: Field) -> int:
    """The number that means "absent" as the bits of its type."""
    size = field.element.size
    if not isinstance(field.absent, float):
        return field.absent % 2 ** (8 * size)
    return NAN[size] if field.absent != field.absent else int.from_bytes(pack({2: "<e", 4: "<f", 8: "<d"}[size], field.absent), "little")


def outside_part(part: BitPart) -> int:
    """A number that the type of a part's value can hold, but that is not allowed."""
    if part.enum:
        return part.enum.undeclared if part.enum.undeclared is not None else next(n for n in range(2**16) if n not in part.enum.by_number)
    return part.ends.high + 1 if fits(part.scalar, part.ends.high + 1) else part.ends.low - 1


def checked(field: Field) -> bool:
    """Whether an element in a record can have a value that the schema does not allow."""
    element = field.element
    if isinstance(element, Scalar):
        return element.family == "bool" or field.range is not None and any(bounds(field.range, element))
    return not isinstance(element, (Flags, BitField)) or element.undeclared is not None


def can_be_too_long(message: Message) -> bool:
    """Whether the length of a tail can be more than the schema allows."""
    return any(not is_saturated(tail.type.extent_most) for tail in message.model.tails)


@dataclass(frozen=True)
class RuledOut:
    """What the schema does not allow in a protocol's structs. spoilable: the structs in which a field can have such a value. showing: for
    each struct that can show that it must not be used, the field that shows it. Both by name."""

    spoilable: frozenset[str]
    showing: dict[str, Field]

    def is_spoilable(self, field: Field) -> bool:
        """Whether an element can have a value that the schema does not allow."""
        return _is_spoilable(field, self.spoilable)

    def spoils_of(self, field: Field) -> list[Field]:
        """What can have such a value: the field, or of one that is one of several each such alternative."""
        parts = field.element.alternatives if isinstance(field.element, Union) else (field,)
        return [part for part in parts if self.is_spoilable(part)]

    def spoils(self, record: Record) -> list[tuple[Field, Field]]:
        """Each field that can have such a value with itself, or with each such alternative."""
        return [(field, part) for field in record.fields for part in self.spoils_of(field)]

    def shows(self, struct: Struct) -> bool:
        return struct.name.schema in self.showing

    def field_that_shows(self, struct: Struct) -> Field:
        return self.showing[struct.name.schema]

    def element_shows(self, field: Field) -> bool:
        """Whether an element of the field can show it."""
        element = field.element
        return self.is_spoilable(field) or is_bool(element) or isinstance(element, Struct) and self.shows(element)


def ruled_out(protocol: Protocol) -> RuledOut:
    spoilable: set[str] = set()
    for struct in protocol.structs:             # each comes after the structs that it contains
        if any(_is_spoilable(field, spoilable) for field in struct.fields):
            spoilable.add(struct.name.schema)
    found = RuledOut(frozenset(spoilable), {})
    # A length that is too large is the last choice: code that reads the elements would read too many.
    choices = (found.is_spoilable, lambda f: f.type.can_disagree, lambda f: is_bool(f.element), found.element_shows,
               lambda f: f.type.has_spare_length)
    for struct in protocol.structs:
        if field := next((field for choice in choices for field in struct.fields if choice(field)), None):
            found.showing[struct.name.schema] = field
    return found


def _is_spoilable(field: Field, structs: Collection[str]) -> bool:
    element = field.element
    if isinstance(element, Struct):
        return element.name.schema in structs
    if isinstance(element, (Enum, Flags, BitField)):
        return element.undeclared is not None
    if isinstance(element, Union):
        return any(_is_spoilable(alternative, structs) for alternative in element.alternatives)
    return outside(field) is not None


def is_bool(element: Element | None) -> bool:
    return isinstance(element, Scalar) and element.family == "bool"


def is_half(element: Element | None) -> bool:
    return isinstance(element, Scalar) and element.family == "half"


def is_float(element: Element | None) -> bool:
    return isinstance(element, Scalar) and element.family in ("half", "float", "double")
