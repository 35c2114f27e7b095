# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A protocol with all names and numbers resolved: the result of pass 2."""

from dataclasses import dataclass, field
from functools import cached_property
from struct import pack
from typing import NamedTuple

from .diagnostics import Place
from .field_types import FieldType, Part
from .scalars import SCALARS, Scalar, integer_of


REST = -1                       # Field.wire: no length is sent, the field is what is left of a payload
MAX_TAG = 2**32 - 1
MAX_ENUMERATOR = 2**31 - 1      # C11's enumerators are ints


class Name(NamedTuple):
    """schema: as written (and printed at run time); c: add_order, a part of longer names; upper: ADD_ORDER; member: what it is called
    where it stands alone, as add_order, or delete_ because delete is a keyword; length: the member with the length of such a field."""

    schema: str
    c: str
    member: str
    length: str

    @property
    def upper(self) -> str:
        return self.c.upper()

    @property
    def is_free(self) -> bool:
        """Whether its C name can stand alone."""
        return self.member == self.c


@dataclass(frozen=True)
class EnumValue:
    """since: the version of the protocol that it is new in; 0: not said. deprecated: the reason, or "true"; empty if it is not. So
    also for fields and messages."""

    name: Name
    number: int
    doc: str = ""
    since: int = 0
    deprecated: str = ""
    place: Place | None = field(default=None, compare=False)

    @property
    def summary(self) -> str:
        """Its doc and its history, in one line."""
        return _summary(self.doc.strip(), "", None, *_history(self))


@dataclass(frozen=True)
class Enum:
    """wide: a value is outside int, so C11 has no enumerator for it, and the values are emitted as macros of the base type."""

    name: Name
    base: Scalar
    values: tuple[EnumValue, ...]
    doc: str = ""
    place: Place | None = field(default=None, compare=False)
    described = "ENUM"
    is_struct = False

    @cached_property
    def wide(self) -> bool:
        return any(not -2**31 <= v.number < 2**31 for v in self.values)

    @property
    def of_chars(self) -> bool:
        """Whether its values are characters."""
        return self.base.family == "char"

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each value, by its name in the schema."""
        return {value.name.schema: value.number for value in self.values}

    def shown(self, number: int) -> str:
        """The number of a value as people read it: a character in quotes."""
        return f"'{chr(number)}'" if self.of_chars and 32 <= number < 127 else str(number)

    @cached_property
    def consecutive(self) -> bool:
        """Whether each value is one more than the value before it."""
        return all(b.number == a.number + 1 for a, b in zip(self.values, self.values[1:]))

    @cached_property
    def by_number(self) -> dict[int, EnumValue]:
        return {value.number: value for value in self.values}

    @cached_property
    def undeclared(self) -> int | None:
        """A value of the base type that the enum does not declare; None if it declares them all."""
        declared = {v.number for v in self.values}
        signed = self.base.family == "signed"
        highest = 127 if self.of_chars else 2 ** (8 * self.base.size - signed) - 1
        lowest = -highest - 1 if signed else 0
        near_zero = range(max(lowest, -1 - len(declared)), min(highest, len(declared)) + 1)
        return next((n for n in sorted(near_zero, key=abs) if n not in declared), None)

    @cached_property
    def described_values(self) -> tuple[EnumValue, ...]:
        """The values that a description has."""
        return self.values

    @cached_property
    def has_history(self) -> bool:
        return _has_history(self.described_values)


@dataclass(frozen=True)
class Flags:
    """The numbers of the values are bit numbers. masks: names of several bits, and of none; their numbers are masks."""

    name: Name
    base: Scalar
    values: tuple[EnumValue, ...]
    doc: str = ""
    place: Place | None = field(default=None, compare=False)
    masks: tuple[EnumValue, ...] = ()
    described = "FLAGS"
    is_struct = False

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each value, by its name in the schema."""
        return {value.name.schema: value.number for value in self.values}

    @cached_property
    def mask_of(self) -> dict[str, int]:
        """The bits of each name in the schema."""
        return {value.name.schema: 1 << value.number for value in self.values} | {mask.name.schema: mask.number for mask in self.masks}

    @cached_property
    def zero(self) -> EnumValue | None:
        """The name of no bits."""
        return next((mask for mask in self.masks if mask.number == 0), None)

    @cached_property
    def all(self) -> int:
        """Every declared bit."""
        return sum(1 << v.number for v in self.values)

    @cached_property
    def undeclared(self) -> int | None:
        """A bit that is not declared, as a number; None if all are."""
        return next((1 << bit for bit in range(8 * self.base.size) if not self.all >> bit & 1), None)

    @cached_property
    def described_values(self) -> tuple[EnumValue, ...]:
        """The values that a description has: the bits, and the name of none."""
        return self.values + ((self.zero,) if self.zero else ())

    @cached_property
    def has_history(self) -> bool:
        return _has_history(self.described_values)


class Range(NamedTuple):
    """Both ends are allowed values; numbers of the element's type."""

    low: int | float
    high: int | float


def _has_history(things: "tuple[EnumValue, ...] | tuple[BitPart, ...]") -> bool:
    return any(thing.since or thing.deprecated for thing in things)


def _history(of: "EnumValue | BitPart | NamedType | Field | ConstantField") -> tuple[str, ...]:
    if not of.since and not of.deprecated:
        return ()
    reason = "" if of.deprecated == "true" else f": {of.deprecated.strip()}"
    return (f"Since version {of.since}" if of.since else "", f"Deprecated{reason}" if of.deprecated else "")


def _summary(doc: str, unit: str, allowed: Range | None, *others: str) -> str:
    if not (unit or allowed or any(others)):
        return doc
    parts = (doc, f"In {unit}." if unit else "", f"{allowed.low} to {allowed.high}." if allowed else "", *others)
    return " ".join(part if part.endswith((".", "!", "?")) else part + "." for part in parts if part)


@dataclass(frozen=True)
class BitPart:
    """Some bits of a bit field. type: None for an unsigned number. range: what is allowed of a number; None: all that its bits hold."""

    name: Name
    parameter: str
    shift: int
    bits: int
    type: Scalar | Enum | None = None
    range: Range | None = None
    doc: str = ""
    unit: str = ""
    place: Place | None = field(default=None, compare=False)
    since: int = 0
    deprecated: str = ""

    @property
    def most(self) -> int:
        """The largest number of its bits."""
        return 2**self.bits - 1

    @property
    def mask(self) -> int:
        """Its bits in the integer."""
        return self.most << self.shift

    @property
    def is_bool(self) -> bool:
        return isinstance(self.type, Scalar)

    @property
    def enum(self) -> Enum | None:
        return self.type if isinstance(self.type, Enum) else None

    @cached_property
    def scalar(self) -> Scalar:
        """The type of its value in C, for an enum its base."""
        return self.type.base if isinstance(self.type, Enum) else self.type or integer_of(self.bits)

    @property
    def ends(self) -> Range:
        """The lowest and the highest allowed number."""
        return self.range or Range(0, self.most)

    @property
    def summary(self) -> str:
        """Its doc, unit, range and history in one line."""
        return _summary(self.doc.strip(), self.unit, self.range, *_history(self))

    def allows(self, number: int) -> bool:
        return number in self.enum.by_number if self.enum else self.ends[0] <= number <= self.ends[1]

    @cached_property
    def wrong(self) -> int | None:
        """A number of its bits that is not allowed; None if all are."""
        most_tried = len(self.enum.values) + 1 if self.enum else 0
        tried = (*range(min(self.most, most_tried) + 1), self.ends[1] + 1, self.ends[0] - 1)
        return next((n for n in tried if 0 <= n <= self.most and not self.allows(n)), None)

    @property
    def is_refusable(self) -> bool:
        """Whether a value of its type in C can be one that is not allowed."""
        return not self.is_bool and (self.enum is not None or self.ends != (0, 2 ** (8 * self.scalar.size) - 1))

    @property
    def initial(self) -> int:
        """Its default: zero, or the nearest allowed number, or the first value of an enum."""
        if self.enum:
            return 0 if 0 in self.enum.by_number else self.enum.values[0].number
        return self.ends[0]


@dataclass(frozen=True)
class BitField:
    """An integer that is divided into parts, by ascending shift."""

    name: Name
    base: Scalar
    parts: tuple[BitPart, ...]
    doc: str = ""
    place: Place | None = field(default=None, compare=False)
    described = "BITS"
    is_struct = False

    @cached_property
    def has_history(self) -> bool:
        return _has_history(self.parts)

    @cached_property
    def all(self) -> int:
        """The bits of all parts."""
        return sum(part.mask for part in self.parts)

    @cached_property
    def undeclared(self) -> int | None:
        """A number that is not allowed: with a bit of no part, or with a wrong part; None if all are allowed."""
        unused = (self.initial | 1 << bit for bit in self.unused)
        wrong = (self.initial & ~part.mask | part.wrong << part.shift for part in self.parts if part.wrong is not None)
        return next(unused, next(wrong, None))

    @property
    def unused(self) -> list[int]:
        """The numbers of the bits of no part."""
        return [bit for bit in range(8 * self.base.size) if not self.all >> bit & 1]

    @property
    def has_unused(self) -> bool:
        return self.all < 2 ** (8 * self.base.size) - 1

    @cached_property
    def initial(self) -> int:
        return sum(part.initial << part.shift for part in self.parts)

    @property
    def can_refuse(self) -> bool:
        """Whether the values of its parts, as C passes them, can be such that they are not allowed."""
        return any(part.is_refusable for part in self.parts)

    @property
    def has_make(self) -> bool:
        """Whether a number can be made of any values of its parts, so that one that is not allowed is seen in it."""
        return not self.can_refuse or self.undeclared is not None

    def value(self, part: BitPart, number: int) -> int:
        """The part's number in this number."""
        return (number & part.mask) >> part.shift


class Record:
    """A struct or a message: it has fields."""

    fields: tuple["Field", ...]
    constants: tuple["ConstantField", ...]
    one_ofs: tuple["Field", ...]

    @cached_property
    def ordinals(self) -> dict[str, int]:
        """The number of each field, from 1, by its C name; then those of alternatives."""
        return {field.name.c: number for number, field in enumerate(self.all_fields, 1)}

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of its constructors' parameters for fields."""
        return frozenset(field.parameter for field in self.all_fields)

    @cached_property
    def alternatives(self) -> tuple["Alternative", ...]:
        """Those of all its fields."""
        return tuple(a for field in self.one_ofs for a in field.element.alternatives)

    @property
    def all_fields(self) -> tuple["Field", ...]:
        """Its fields, and then the alternatives of those that are one of several."""
        return self.fields + self.alternatives if self.one_ofs else self.fields

    @cached_property
    def deprecated_members(self) -> dict[str, "Field"]:
        """The field of each member that belongs to a deprecated one."""
        return {member: f for f in self.fields if f.deprecated for member in f.members}

    @cached_property
    def field_of_member(self) -> dict[str, "Field"]:
        """The field of each member whose comment describes that field: the last of its members."""
        return {f.member(f.type.parts[-1]): f for f in self.fields}

    @cached_property
    def tails(self) -> tuple["Field", ...]:
        return tuple(field for field in self.fields if field.is_tail)

    @property
    def is_open(self) -> bool:
        """Whether tails that are each short enough can be too long together."""
        return len(self.tails) > 1 and any(tail.type.extent_most is None for tail in self.tails)


@dataclass(frozen=True)
class Struct(Record):
    """A record by value."""

    name: Name
    fields: tuple["Field", ...]
    place: Place
    doc: str = ""
    constants: tuple["ConstantField", ...] = ()
    since: int = 0
    deprecated: str = ""
    one_ofs: tuple["Field", ...] = ()       # the fields that are one of several alternatives
    described = "STRUCT"
    is_struct = True


@dataclass(frozen=True)
class Union:
    """The alternatives of a field, which lie at one offset. longest: the most elements that one with a length has; 0: none has a length.
    That of the one that is there is beside the union."""

    alternatives: tuple["Alternative", ...]
    described = "ONE_OF"
    is_struct = False
    name = None

    @cached_property
    def longest(self) -> int:
        return max((a.type.most for a in self.alternatives if a.type.has_length), default=0)


Element = Scalar | Enum | Flags | BitField | Struct | Union


@dataclass(frozen=True)
class NamedType:
    """A type with a name of its own, and what the fields of that type take from it."""

    name: Name
    type: FieldType
    spelling: str           # what it stands for, as the schema writes it
    doc: str = ""
    unit: str = ""
    range: Range | None = None
    default: int | float | str | None = None
    of: "NamedType | None" = None                # the named type by which its type is written
    place: Place | None = field(default=None, compare=False)
    absent: int | float | None = None            # the number that means that a field of this type is absent
    since: int = 0
    deprecated: str = ""

    @property
    def summary(self) -> str:
        """Its doc, unit, range, number for what is absent, and history in one line."""
        absent = f"{number_text(self.absent, self.type.element)} means absent" if self.absent is not None else ""
        return _summary(self.doc.strip(), self.unit, self.range, absent, *_history(self))

    @property
    def takes_brackets(self) -> bool:
        """Whether there are arrays and lists of it: not of an array, and several characters are a text."""
        return self.is_value and self.type.element.family != "char"

    @property
    def is_value(self) -> bool:
        """Whether it is a scalar, so that C has a typedef for it."""
        return self.type.kind == "one"

    @property
    def stands_for(self) -> str:
        """The built-in type, or the type with brackets as it is written."""
        return self.type.element.name if self.is_value else self.spelling

    @property
    def c(self) -> str:
        """The C type that a scalar stands for."""
        return SCALARS[self.type.element.name].c


def number_text(number: int | float, element: Scalar) -> str:
    """A number as a schema writes it: a float of 32 bits has no more than 9 digits, one of 16 bits as few as it needs."""
    if element.family == "char":
        return repr(chr(number))
    if element.family == "half" and number == number:
        written = (f"{number:.{digits}g}" for digits in range(1, 6))     # 65504 with one digit would be 7e+04: too large
        return next(text for text in written if abs(float(text)) < 65520 and pack("e", float(text)) == pack("e", number))
    return "NaN" if number != number else f"{number:.9g}" if element.family == "float" else str(number)


class Field(NamedTuple):
    name: Name
    parameter: str          # its name as a parameter of constructors
    type: FieldType
    spelling: str           # the type as the schema writes it
    place: Place
    doc: str = ""
    unit: str = ""
    range: Range | None = None
    default: int | float | str | None = None     # a number, also for an enum, flags or a bit field, or a text
    named: NamedType | None = None               # the named type by which it is written
    since: int = 0
    deprecated: str = ""
    wire: int | None = None                      # in a packed protocol: the bytes of its length, or REST; None: as in the struct

    @property
    def is_optional(self) -> bool:
        return self.type.is_optional

    @property
    def has_bit(self) -> bool:
        return self.type.has_bit

    @property
    def is_tail(self) -> bool:
        return self.type.is_tail

    @property
    def absent(self) -> int | float | None:
        """The number that means that it is absent; None if there is none."""
        return self.type.absent

    @property
    def inner(self) -> FieldType:
        """Its type without the question mark."""
        return self.type.of if self.type.is_optional else self.type

    @property
    def element(self) -> Element | None:
        return self.type.element

    @property
    def members(self) -> list[str]:
        """The names of its members in its record."""
        name, of_type = self.name, self.type
        members = [name.c + part.suffix if part.suffix else name.member for part in of_type.parts]
        return [f"has_{name.c}", *members] if of_type.has_bit else members

    def member(self, part: Part) -> str:
        """The name of the member for a part of its type."""
        return self.name.c + part.suffix if part.suffix else self.name.member

    @property
    def length_parameter(self) -> str:
        """The constructors' parameter for the length of a list."""
        return (self.name.c if self.parameter == self.name.member else self.parameter) + "_len"

    @property
    def extent_parameter(self) -> str:
        """The parameter, or the local, by which constructors count the bytes of a tail."""
        return self.length_parameter.removesuffix("_len") + self.type.extent

    @property
    def summary(self) -> str:
        """Its doc, unit, range, what means "absent", and its history, in one line."""
        absent = "" if self.absent is None else f"{number_text(self.absent, self.element)} means absent."
        return _summary(self.doc.strip(), self.unit, self.range, absent, *_history(self))


class Alternative(Field):
    """One of the alternatives of a field. Constructors take it as they take an optional field. Its member is one of the field's union."""

    __slots__ = ()

    @property
    def is_optional(self) -> bool:
        return True

    @property
    def inner(self) -> FieldType:
        return self.type

    @property
    def length_parameter(self) -> str:
        return self.name.c + "_len"

    @property
    def plain(self) -> "Alternative":
        """The same with the name of its member alone, and not with the union before it."""
        return self._replace(name=self.name._replace(member=self.name.member.partition(".")[2]))


class ConstantField(NamedTuple):
    """A field that has the same value in each message, so that it takes no bytes."""

    name: Name
    type: FieldType
    spelling: str
    value: int | float | str        # as Field.default
    place: Place
    doc: str = ""
    unit: str = ""
    named: NamedType | None = None
    since: int = 0
    deprecated: str = ""

    @property
    def element(self) -> Element | None:
        return self.type.element

    @property
    def summary(self) -> str:
        """Its doc, its unit and its history in one line."""
        return _summary(self.doc.strip(), self.unit, None, *_history(self))


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
    replies: tuple[str, ...] = ()           # the names, in the schema, of the messages that answer it
    constants: tuple["ConstantField", ...] = ()
    since: int = 0
    shared: bool = False                    # a message can have several holders
    one_ofs: tuple["Field", ...] = ()       # the fields that are one of several alternatives


@dataclass(frozen=True)
class Constant:
    name: Name
    value: int
    doc: str = ""
    place: Place | None = field(default=None, compare=False)


class Wire(NamedTuple):
    """How messages are packed: the order of bytes, and the bytes of a tag (0: it is not sent; None: as in the struct)."""

    is_big: bool
    tag: int | None = None


@dataclass(frozen=True)
class Protocol:
    name: Name
    source_name: str        # the schema's file name, without its folder
    messages: tuple[Message, ...]
    enums: tuple[Enum, ...] = ()
    flags: tuple[Flags, ...] = ()
    types: tuple[NamedType, ...] = ()
    structs: tuple[Struct, ...] = ()        # each after the structs that it contains
    constants: tuple[Constant, ...] = ()
    bit_fields: tuple[BitField, ...] = ()
    doc: str = ""
    license: str = ""
    wire: Wire | None = None                # None: a message is sent as it lies in memory

    @cached_property
    def has_history(self) -> bool:
        """Whether anything says since which version it is there."""
        records = (*self.messages, *self.structs)
        things = (*records, *self.types, *(f for r in records for f in r.fields), *(v for e in (*self.enums, *self.flags) for v in e.values),
                  *(part for b in self.bit_fields for part in b.parts))
        return any(thing.since for thing in things)

    @cached_property
    def has_described_history(self) -> bool:
        """Whether a message, a field of one, or a type of such fields has a since, or one of the latter is deprecated."""
        return (any(m.since or any(f.since or f.deprecated for f in m.fields) for m in self.messages)
                or any(s.since or s.deprecated for s in self.structs) or any(e.has_history for e in (*self.enums, *self.flags, *self.bit_fields)))

    @cached_property
    def one_ofs(self) -> tuple[tuple[Struct | Message, Field], ...]:
        """The fields that are one of several alternatives, each with its record."""
        return tuple((record, field) for record in (*self.structs, *self.messages) for field in record.one_ofs)

    @cached_property
    def has_replies(self) -> bool:
        return any(message.replies for message in self.messages)

    @cached_property
    def replies(self) -> dict[str, tuple[Message, ...]]:
        """The messages that answer each message, by its name in the schema."""
        by_name = {message.name.schema: message for message in self.messages}
        return {message.name.schema: tuple(by_name[name] for name in message.replies) for message in self.messages}

    @cached_property
    def requests(self) -> dict[str, tuple[Message, ...]]:
        """The messages that each message answers, by its name in the schema."""
        found: dict[str, list[Message]] = {message.name.schema: [] for message in self.messages}
        for message in self.messages:
            for name in message.replies:
                found[name].append(message)
        return {name: tuple(requests) for name, requests in found.items()}

    @cached_property
    def alike_answered(self) -> list[tuple[Message, ...]]:
        """The messages, those with the same replies together."""
        groups: dict[tuple[str, ...], list[Message]] = {}
        for message in self.messages:
            groups.setdefault(message.replies, []).append(message)
        return [tuple(group) for group in groups.values()]
