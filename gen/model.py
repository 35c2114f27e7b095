# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A protocol with every name and number resolved: what check returns and layout starts from."""

from dataclasses import dataclass, field
from functools import cached_property

from .diagnostics import Place


@dataclass(frozen=True)
class Name:
    """schema: as written (and printed at run time); c: add_order; upper: ADD_ORDER."""

    schema: str
    c: str

    @property
    def upper(self) -> str:
        return self.c.upper()


@dataclass(frozen=True)
class Scalar:
    """family is how it is printed and sampled: unsigned, signed, float, double, bool or char."""

    name: str
    c: str
    size: int
    family: str


SCALARS = {s.name: s for s in (
    Scalar("bool", "bool", 1, "bool"),
    Scalar("u8", "uint8_t", 1, "unsigned"), Scalar("i8", "int8_t", 1, "signed"),
    Scalar("u16", "uint16_t", 2, "unsigned"), Scalar("i16", "int16_t", 2, "signed"),
    Scalar("u32", "uint32_t", 4, "unsigned"), Scalar("i32", "int32_t", 4, "signed"),
    Scalar("u64", "uint64_t", 8, "unsigned"), Scalar("i64", "int64_t", 8, "signed"),
    Scalar("f32", "float", 4, "float"), Scalar("f64", "double", 8, "double"),
    Scalar("char", "char", 1, "char"),
)}


@dataclass(frozen=True)
class EnumValue:
    name: Name
    number: int
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Enum:
    """wide: a value lies outside int, so that C11 has no enumerator for it; emitted as macros of the base type."""

    name: Name
    base: Scalar
    values: tuple[EnumValue, ...]
    doc: str = ""
    place: Place | None = field(default=None, compare=False)

    @cached_property
    def wide(self) -> bool:
        return any(not -2**31 <= v.number < 2**31 for v in self.values)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """By the values' names in the schema."""
        return {value.name.schema: value.number for value in self.values}

    @cached_property
    def undeclared(self) -> int | None:
        """A value of the base type that the enum does not declare; None if it declares them all."""
        declared = {v.number for v in self.values}
        signed = self.base.family == "signed"
        highest = 2 ** (8 * self.base.size - signed) - 1
        lowest = -highest - 1 if signed else 0
        near_zero = range(max(lowest, -1 - len(declared)), min(highest, len(declared)) + 1)
        return next((n for n in sorted(near_zero, key=abs) if n not in declared), None)


@dataclass(frozen=True)
class Flags:
    """values: their numbers are those of bits."""

    name: Name
    base: Scalar
    values: tuple[EnumValue, ...]
    doc: str = ""
    place: Place | None = field(default=None, compare=False)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """By the values' names in the schema."""
        return {value.name.schema: value.number for value in self.values}

    @cached_property
    def all(self) -> int:
        """Every declared bit."""
        return sum(1 << v.number for v in self.values)

    @cached_property
    def undeclared(self) -> int | None:
        """A bit that is not declared, as a number; None if all are."""
        return next((1 << bit for bit in range(8 * self.base.size) if not self.all >> bit & 1), None)


class Record:
    """What has fields: a struct or a message."""

    fields: tuple["Field", ...]

    @cached_property
    def field_of_member(self) -> dict[str, "Field"]:
        """By the name of the member that holds it, or of a tail's length."""
        return {f.name.c + ("_len" if isinstance(f.type, Tail) else ""): f for f in self.fields}


@dataclass(frozen=True)
class Struct(Record):
    """A record by value."""

    name: Name
    fields: tuple["Field", ...]
    place: Place
    doc: str = ""

    @cached_property
    def ordinals(self) -> dict[str, int]:
        """The number of each field, from 1, by its C name."""
        return {field.name.c: number for number, field in enumerate(self.fields, 1)}


Element = Scalar | Enum | Flags | Struct


# The kinds of field type. A new one is one class here, one row in resolve (RESOLVE), one in layout (MEMBERS) and
# one file of templates/kinds/.

@dataclass(frozen=True)
class One:
    """T by value."""

    element: Element
    kind = "one"


@dataclass(frozen=True)
class Array:
    """T[N]."""

    element: Element
    count: int
    kind = "array"


@dataclass(frozen=True)
class List:
    """T[<=N], with its length; bytes[<=N] is that of u8."""

    element: Element
    bound: int
    kind = "list"


@dataclass(frozen=True)
class Chars:
    """char[N]: not terminated, padded."""

    count: int
    pad: str
    kind = "chars"


@dataclass(frozen=True)
class String:
    """string[<=N]: terminated, with its length."""

    bound: int
    kind = "string"


@dataclass(frozen=True)
class Tail:
    """string, bytes or T[], a message's last field: as many elements as it was made with, behind its struct. element is None
    for a text, which is terminated; most: elements, or characters; None: as many as a message can have."""

    element: Element | None
    most: int | None = None
    kind = "tail"


@dataclass(frozen=True)
class Optional:
    """T?: a bit that says whether it is there, and T."""

    of: "FieldType"
    kind = "optional"


FieldType = One | Array | List | Chars | String | Tail | Optional


def element_of(field_type: FieldType) -> Element | None:
    """What the type holds one or several of; None for text."""
    if isinstance(field_type, Optional):
        return element_of(field_type.of)
    return None if isinstance(field_type, (Chars, String)) else field_type.element


@dataclass(frozen=True)
class Range:
    """Both ends are allowed values; numbers of the element's type."""

    low: int | float
    high: int | float


@dataclass(frozen=True)
class Field:
    name: Name
    parameter: str          # what constructors call it
    type: FieldType
    spelling: str           # the type as the schema has it
    place: Place
    doc: str = ""
    unit: str = ""
    range: Range | None = None
    default: int | float | str | None = None     # a number (of an enum or flags too), or a text

    @property
    def is_optional(self) -> bool:
        return isinstance(self.type, Optional)


@dataclass(frozen=True)
class Message(Record):
    name: Name
    tag: int
    fields: tuple[Field, ...]
    place: Place
    max_live: int | None = None
    weight: float = 1.0
    doc: str = ""
    deprecated: str = ""

    @cached_property
    def ordinals(self) -> dict[str, int]:
        """The number of each field, from 1, by its C name."""
        return {field.name.c: number for number, field in enumerate(self.fields, 1)}

    @property
    def tail(self) -> Field | None:
        return self.fields[-1] if self.fields and isinstance(self.fields[-1].type, Tail) else None


@dataclass(frozen=True)
class Constant:
    name: Name
    value: int
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Protocol:
    name: Name
    source_name: str        # the schema's file name, without its folder
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...] = ()
    flags: tuple[Flags, ...] = ()
    structs: tuple[Struct, ...] = ()        # each behind those that it holds
    constants: tuple[Constant, ...] = ()
    doc: str = ""
    license: str = ""
