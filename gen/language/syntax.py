# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A schema as it is written: the result of pass 1. Words keep their places; nothing is resolved."""

from typing import NamedTuple

from ..diagnostics import Place, Source


class Word(NamedTuple):
    """A scalar of the schema, as it is written: a name, a number or a type."""

    text: str
    place: Place
    quoted: bool = False


class Type(NamedTuple):
    """`u8`, `u8[6]`, `string[<=MAX]`, `point[]`, `u32?`; form is the kind of brackets: "", "[N]", "[<=N]" or "[]"."""

    word: Word
    name: Word
    form: str = ""
    bound: Word | None = None
    optional: bool = False


class Parts(NamedTuple):
    """The default of a field of bits: the name of each part, and its value."""

    entries: tuple[tuple[Word, Word], ...]
    place: Place


class Field(NamedTuple):
    name: Word
    type: Type
    doc: str = ""
    c_name: Word | None = None
    pad: Word | None = None
    unit: str = ""
    range: tuple[Word, ...] = ()
    max: Word | None = None
    default: Word | Parts | None = None
    absent: Word | None = None
    constant: Word | None = None
    one_of: tuple["Field", ...] = ()        # its alternatives; it has no type then
    optional: Word | None = None
    wire: Word | None = None        # the type of its length on the wire, or rest
    since: Word | None = None
    deprecated: str = ""            # the reason, or "true"; empty if it is not deprecated. So also below


class Struct(NamedTuple):
    """lint: the rules of lint that are off for it; so also for a message and for the schema. constants: the fields that have a
    constant value; they are not among the others."""

    name: Word
    fields: tuple[Field, ...] = ()
    doc: str = ""
    c_name: Word | None = None
    lint: frozenset[str] = frozenset()
    constants: tuple[Field, ...] = ()
    since: Word | None = None
    deprecated: str = ""


class Message(NamedTuple):
    name: Word
    fields: tuple[Field, ...] = ()
    doc: str = ""
    c_name: Word | None = None
    tag: Word | None = None
    max_live: Word | None = None
    weight: Word | None = None
    shared: bool = False            # a message of it can have several holders
    since: Word | None = None
    deprecated: str = ""
    replies: tuple[Word, ...] = ()  # the messages that answer it
    lint: frozenset[str] = frozenset()
    constants: tuple[Field, ...] = ()


class EnumValue(NamedTuple):
    """mask: of flags, names of bits, as in read | write, or 0; such a value is no bit of its own."""

    name: Word
    value: Word | None = None
    doc: str = ""
    c_name: Word | None = None
    since: Word | None = None
    deprecated: str = ""
    mask: Word | None = None


class Enum(NamedTuple):
    """An enum, or flags, whose values are bit numbers."""

    name: Word
    values: tuple[EnumValue, ...] = ()
    base: Word | None = None
    doc: str = ""
    c_name: Word | None = None


class BitPart(NamedTuple):
    name: Word
    bits: Word | None = None
    at: Word | None = None          # its lowest bit; None: it follows the part before it
    type: Word | None = None
    doc: str = ""
    c_name: Word | None = None
    unit: str = ""
    range: tuple[Word, ...] = ()
    since: Word | None = None
    deprecated: str = ""


class BitField(NamedTuple):
    """An integer that is divided into parts."""

    name: Word
    bits: tuple[BitPart, ...] = ()
    base: Word | None = None
    doc: str = ""
    c_name: Word | None = None


class Constant(NamedTuple):
    name: Word
    value: Word
    doc: str = ""
    c_name: Word | None = None


SHARED = ("constants", "enums", "flags", "types", "bit_fields", "structs")     # the parts of a schema that an imported file may have


class Wire(NamedTuple):
    """How messages are sent."""

    place: Place
    packed: Word | None = None
    order: Word | None = None
    tag: Word | None = None


class Schema(NamedTuple):
    source: Source
    protocol: Word
    doc: str = ""
    license: Word | None = None
    c_name: Word | None = None
    lint: frozenset[str] = frozenset()
    wire: Wire | None = None
    imports: tuple[Word, ...] = ()
    constants: tuple[Constant, ...] = ()
    enums: tuple[Enum, ...] = ()
    flags: tuple[Enum, ...] = ()
    types: tuple[Field, ...] = ()      # names for types: each is written as a field is
    bit_fields: tuple[BitField, ...] = ()
    structs: tuple[Struct, ...] = ()
    messages: tuple[Message, ...] = ()
