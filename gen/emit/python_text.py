# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Text of Python: the names of a protocol's classes, attributes and values, literals, docstrings, and the members of layouts."""

import keyword
import re
import textwrap

from .. import model
from ..laid_out import Layout, Message, Record
from ..members import Member
from ..scalars import Bound, Scalar
from .c_text import UNSEEN

WIDTH = 116
_TYPES = {"uint8_t": "c_uint8", "int8_t": "c_int8", "uint16_t": "c_uint16", "int16_t": "c_int16", "uint32_t": "c_uint32", "int32_t": "c_int32",
          "uint64_t": "c_uint64", "int64_t": "c_int64", "float": "c_float", "double": "c_double", "bool": "c_bool", "char": "c_char",
          "struct protopool_f16": "c_uint16"}
# What the module imports, defines and uses. A name of the schema that is one of these gets an underscore.
_MODULE = {*_TYPES.values(), *keyword.kwlist, *"""Annotated AnyMessage ClassVar IntEnum IntFlag Iterator Literal Sequence TYPE_CHECKING Union bool bytes dataclass
    decode decode_all float int ord pp str tuple""".split()}
_ATTRIBUTES = {*_MODULE, *"encode pretty of TAG REPLIES Layout".split()}


class Module:
    """What the template of a protocol's module calls. Each name of the module is taken once."""

    def __init__(self, layout: Layout):
        protocol = layout.protocol
        self._taken = set(_MODULE) | ({"decode_as"} if layout.tag_bytes == 0 else set())
        self._of: dict[int, str] = {}
        for message in protocol.messages:
            self._take(message, message.name.schema)
        for thing in (*protocol.structs, *protocol.enums, *protocol.flags, *protocol.bit_fields):
            self._take(thing, _camel(thing.name.c))
        for constant in protocol.constants:
            self._take(constant, constant.name.upper)
        self._constants = {constant.name.upper: self.name(constant) for constant in protocol.constants}
        self._tag = _TYPES[layout.tag.c]
        wire = protocol.wire
        self.wire = f', order="{"big" if wire.is_big else "little"}", tag_bytes={layout.tag_bytes}' if wire else ""     # arguments for each message's class
        self._types = _TYPES | {t.type.element.c: _TYPES[t.c] for t in protocol.types if t.is_value}
        self._types |= {f"struct {protocol.name.c}_{s.model.name.c}": f"{self.name(s.model)}.Layout" for s in layout.structs}

    def name(self, thing: object) -> str:
        """The class of a message, a struct, an enum, flags or a bit field; the name of a constant."""
        return self._of[id(thing)]

    def bound(self, number: int) -> str:
        """A number of elements: the constant that the schema has for it, or its digits."""
        return self._constants[number.constant] if isinstance(number, Bound) else str(number)

    def _take(self, thing: object, name: str) -> None:
        while name in self._taken:
            name += "_"
        self._taken.add(name)
        self._of[id(thing)] = name

    @staticmethod
    def scalar(of: Scalar) -> str:
        """The annotation of a number, a bool or a char."""
        return "pp." + of.name.capitalize()

    @staticmethod
    def base(of: model.Enum | model.Flags | model.BitField) -> str:
        """The integer that holds it."""
        return "pp.U8" if of.base.family == "char" else Module.scalar(of.base)

    @staticmethod
    def plain(of: Scalar) -> str:
        """Python's own type for it."""
        return {"bool": "bool", "char": "str", "half": "float", "float": "float", "double": "float"}.get(of.family, "int")

    @staticmethod
    def sent(field: model.Field) -> str:
        """In an annotation: how the length of the field is sent, if not as in the record."""
        return "" if field.wire is None else f", pp.Sent({max(field.wire, 0)})"

    @staticmethod
    def is_byte(of: model.Element) -> bool:
        """Whether several of them are bytes."""
        return isinstance(of, Scalar) and of.name == "u8"

    @staticmethod
    def attribute(of: "model.Field | model.BitPart") -> str:
        """The attribute that is a field or a part."""
        return of.name.c + "_" if of.name.c in _ATTRIBUTES else of.name.c

    @staticmethod
    def class_attribute(constant: model.ConstantField) -> str:
        """The attribute of a class that is a field with a constant value."""
        return constant.name.upper + "_" if constant.name.upper in _ATTRIBUTES else constant.name.upper

    @staticmethod
    def enumerator(value: model.EnumValue) -> str:
        """The member that is a value of an enum or of flags."""
        upper = "_" + value.name.upper if value.name.upper[0].isdigit() else value.name.upper
        return upper + "_" if upper in _ATTRIBUTES else upper

    def options(self, name: str, thing: object, things: tuple) -> str:
        """Arguments for a class with the names in the schema, where those here are others. name: of the class in the schema."""
        names = {self.attribute(f): f.name.schema for f in things if self.attribute(f) != f.name.schema}
        own = f", name={text(name)}" if name and name != self.name(thing) else ""
        return own + (f", names={{{', '.join(f'{text(k)}: {text(v)}' for k, v in names.items())}}}" if names else "")

    def value_names(self, values: tuple[model.EnumValue, ...]) -> str:
        """The same for the values of an enum, whose names are taken to be in lower case in the schema."""
        names = {self.enumerator(v): v.name.schema for v in values if self.enumerator(v).lower() != v.name.schema}
        return "".join(f", {k}={text(v)}" for k, v in names.items())

    def literal(self, value: int | float | str, element: model.Element | None) -> str:
        """The value of a field."""
        if element is None:
            return text(value)
        if isinstance(element, model.Enum):
            return f"{self.name(element)}.{self.enumerator(element.by_number[value])}"
        if isinstance(element, model.Flags):
            set_bits = [f"{self.name(element)}.{self.enumerator(v)}" for v in element.values if value >> v.number & 1]
            return " | ".join(set_bits) or f"{self.name(element)}(0)"
        if isinstance(element, model.BitField):
            parts = (f"{self.attribute(p)}={self.part_literal(p, element.value(p, value))}" for p in element.parts)
            return f"{self.name(element)}({', '.join(parts)})"
        return number(value, element.family)

    def part_literal(self, part: model.BitPart, value: int) -> str:
        return str(bool(value)) if part.is_bool else self.literal(value, part.enum or part.scalar)

    def mask(self, flags: model.Flags, mask: model.EnumValue) -> str:
        """The bits of a mask by their names."""
        return " | ".join(self.enumerator(v) for v in flags.values if mask.number >> v.number & 1) or "0"

    def layout(self, record: Record) -> str:
        """The members of a record's bytes: pairs of a name and a ctypes type. Those that end in an underscore belong to no field."""
        attributes = {f.name.member: self.attribute(f) for f in record.model.fields}
        found = [(0, "tag_", self._tag)] if isinstance(record, Message) else []
        found += [(m.offset, attributes.get(m.name, m.name) or "presence_", self._type(m)) for m in record.members]
        found += [(hole.offset, f"pad{hole.offset}_", f"c_uint8 * {hole.size}") for hole in record.holes]
        return lines_of([f'("{name}", {of})' for _, name, of in sorted(found)], 12)

    def _type(self, member: Member) -> str:
        if member.union:
            return f"c_uint{8 * member.align} * {member.size // member.align}"
        if member.bits:
            return "c_uint8" if member.element_size == 1 else f"c_uint8 * {member.element_size}"
        return self._types[member.c_type] + ("" if member.count is None else f" * {member.count}")

    def listed(self, messages: tuple[Message, ...]) -> str:
        """The classes of messages, as lines."""
        return lines_of([self.name(m.model) for m in messages], 4)

    @staticmethod
    def character(number: int) -> str:
        """The number of a character."""
        return f"ord({text(chr(number))})"

    @staticmethod
    def history(record: model.Record) -> tuple[str, ...]:
        """Paragraphs of a docstring."""
        reason = "." if record.deprecated == "true" else f": {record.deprecated.strip()}"
        return (f"Since version {record.since}." if record.since else "", f"Deprecated{reason}" if record.deprecated else "")

    @staticmethod
    def imports(module: str) -> str:
        """The imports of what a module's text uses."""
        used = {"TYPE_CHECKING", *re.findall(r"\w+", module)}

        def line(of: str, names: str) -> str:
            found = [name for name in names.split() if name in used]
            return f"from {of} import {', '.join(found)}\n" if found else ""

        return "".join((
            line("collections.abc", "Iterator Sequence"), line("ctypes", " ".join(sorted(set(_TYPES.values())))), line("dataclasses", "dataclass"),
            line("enum", "IntEnum IntFlag"), line("typing", "TYPE_CHECKING Annotated ClassVar Literal Union")))

    @staticmethod
    def number(value: int | float, family: str) -> str:
        return number(value, family)

    def attributes(self, record: model.Record) -> str:
        """The names of a record's attributes, as a tuple."""
        return tuple_of([text(self.attribute(f)) for f in record.fields])

    def names(self, things: tuple) -> str:
        """The names of things, as a tuple."""
        return tuple_of([self.name(thing) for thing in things])

    @staticmethod
    def text(value: str) -> str:
        return text(value)

    @staticmethod
    def remark(of: object) -> str:
        """A comment about a field, a value or a constant, behind its line. A range is in the code."""
        unit, since, deprecated = (getattr(of, name, "") for name in ("unit", "since", "deprecated"))
        parts = (of.doc, f"In {unit}" if unit else "", f"Since version {since}" if since else "",
                 "Deprecated" + (f": {deprecated}" if deprecated != "true" else "") if deprecated else "")
        said = [" ".join(UNSEEN.sub(" ", part).split()) for part in parts if part.strip()]
        return "  # " + " ".join(part if part.endswith((".", "!", "?")) else part + "." for part in said) if said else ""

    @staticmethod
    def docstring(paragraphs: tuple[str, ...], indent: str = "    ") -> str:
        return docstring(paragraphs, indent)


def number(value: int | float, family: str) -> str:
    if family == "bool":
        return str(bool(value))
    if family == "char":
        return text(chr(value))
    return "float(\"nan\")" if value != value else repr(float(value)) if family in ("half", "float", "double") else str(value)


def text(value: str) -> str:
    """A literal in double quotes."""
    shown = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() and not UNSEEN.match(c) else _escape(ord(c)) for c in shown) + '"'


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def docstring(paragraphs: tuple[str, ...], indent: str) -> str:
    """Paragraphs as a docstring, with its quotes; empty if they all are."""
    lines = "\n\n".join(part.strip() for part in paragraphs if part.strip()).splitlines()
    if not lines:
        return ""
    shown = [UNSEEN.sub(" ", line).replace("\\", "\\\\").replace('"""', "'''").rstrip() for line in lines]
    wrapped = [each for line in shown for each in textwrap.wrap(line, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]]
    if len(wrapped) == 1:
        return '"""' + wrapped[0] + (" " if wrapped[0].endswith('"') else "") + '"""'
    return '"""' + f"\n{indent}".join(wrapped).replace(f"\n{indent}\n", "\n\n") + f"\n{indent}" + '"""'


def tuple_of(items: list[str]) -> str:
    return f"({', '.join(items)}{',' if len(items) == 1 else ''})"


def lines_of(items: list[str], indent: int, width: int = WIDTH) -> str:
    """Items with a comma behind each, as many in a line as fit, behind an indentation."""
    lines = [""]
    for item in items:
        if lines[-1] and indent + len(lines[-1]) + len(item) + 2 > width:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else ''}{item},"
    return "\n".join(" " * indent + line for line in lines)


def _camel(name: str) -> str:
    return "".join(word[:1].upper() + word[1:] for word in name.split("_"))
