# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Text of Lua: what the template of a Wireshark dissector calls."""

import re
from pathlib import Path
from struct import pack, unpack

from .. import model
from ..laid_out import Layout, Record
from ..scalars import SCALARS, Scalar, length_scalar
from .c_text import UNSEEN

WIDTH = 119
_KEYWORDS = frozenset("""and break do else elseif end false for function goto if in local nil not or repeat return then true until while""".split())
# Words of Wireshark's filters: no protocol can have these names, or one of a single letter.
_WORDS = frozenset("all all_eq all_ne and any any_eq any_ne bitwise_and contains eq ge gt in le lt matches ne not or xor".split())
# Integers of other widths than C has take the bytes of the next larger one.
_IN_BYTES = {"u24": "u32", "i24": "i32", "u48": "u64", "i48": "i64"}
_DOUBLES = 2**53                # up to here, each whole number is a double


class Dissector:
    """What the template of a protocol's dissector calls."""

    def __init__(self, layout: Layout, folder: Path):
        self._layout, self._folder = layout, folder
        self.packed = layout.protocol.wire is not None

    @property
    def runtime(self) -> str:
        """What the dissectors of all protocols of the same format consist of besides their tables."""
        parts = ("elements", "fields", "packed" if self.packed else "own", "messages", "stream" if self._layout.tag_bytes else "payload", "protocol")
        return "\n".join(f"-- ---- {name}.lua ".ljust(WIDTH, "-") + "\n" + (self._folder / f"{name}.lua").read_text(encoding="utf-8").split("\n", 1)[1]
                         for name in parts)

    @property
    def tag(self) -> str:
        """The element that the tag of a message is."""
        return f"u{8 * self._layout.tag_bytes}" if self._layout.tag_bytes else "no_tag"

    @staticmethod
    def protocol(name: str) -> str:
        """The name of the protocol in Wireshark."""
        return name + "_" if name.lower() in _WORDS or len(name) == 1 else name

    def element(self, of: model.Element) -> str:
        """The element of the runtime or of the file."""
        return self.scalar(of) if isinstance(of, Scalar) else self.named(of)

    def scalar(self, of: Scalar) -> str:
        return of.name if self.packed else _IN_BYTES.get(of.name, of.name)

    @staticmethod
    def named(of: "model.Enum | model.Flags | model.BitField | model.Struct") -> str:
        """Where the file has an element with a name."""
        return f'types["{of.name.c}"]' if of.name.c in _KEYWORDS else f"types.{of.name.c}"

    def number(self, value: int | float, of: Scalar) -> str:
        """A number of a field. A whole number of 64 bits is a text."""
        if of.family in ("half", "float", "double"):
            return "0 / 0" if value != value else repr(_rounded(value, of.family))
        return f'"{value}"' if of.size == 8 else str(value)

    def range(self, of: "model.Field | model.BitPart", scalar: Scalar | None = None) -> str:
        """scalar: the element of a field."""
        if of.range is None:
            return ""
        if isinstance(of, model.BitPart):
            low, high = (str(end) if end < _DOUBLES else f'"{end}"' for end in of.range)
        else:
            low, high = (self.number(end, SCALARS["f32"] if scalar.family == "half" else scalar) for end in of.range)
        return f", low = {low}, high = {high}"

    def at(self, record: Record, field: model.Field) -> str:
        """Its place, if the messages are not packed."""
        return "" if self.packed else f", at = {record.member(field.name.member).offset}"

    def length(self, record: Record, field: model.Field) -> str:
        """The element that its length is, and its place. Empty if it takes what is left."""
        member = record.member(field.name.length)
        if self.packed:
            return "" if field.wire == model.REST else f", length = {{ u{8 * (field.wire or member.size)} }}"
        return f", length = {{ u{8 * member.size}, {member.offset} }}"

    @staticmethod
    def character(character: str) -> str:
        return str(ord(character))

    @staticmethod
    def key(number: int, of: model.Enum) -> str:
        """A number as the key of a table of names."""
        return f'["{number}"]' if of.base.size == 8 else f"[{number}]"

    @staticmethod
    def c_name(of: object) -> str:
        """The name in filters, where it is not the name in the schema."""
        return f', c = "{of.name.c}"' if of.name.c != of.name.schema else ""

    @staticmethod
    def described(of: object) -> str:
        """The unit and the documentation."""
        unit = getattr(of, "unit", "")
        return (f", unit = {text(unit)}" if unit else "") + (f", doc = {text(of.summary)}" if of.summary else "")

    @staticmethod
    def length_of_text(longest: int | None) -> str:
        """The element that the length of each of several texts is."""
        return length_scalar(longest).name

    @staticmethod
    def text(value: str) -> str:
        return text(value)

    @staticmethod
    def line(value: str) -> str:
        """What is safe in a comment of one line."""
        return _printable(UNSEEN.sub(" ", value))

    @staticmethod
    def remark(value: str, indent: str = "") -> str:
        """Lines of a comment."""
        lines = [UNSEEN.sub(" ", line).rstrip() for line in value.strip().splitlines()]
        return "".join(f"{indent}-- {_printable(line)}".rstrip() + "\n" for line in lines)


def _rounded(value: float, family: str) -> float:
    letter = {"half": "e", "float": "f", "double": "d"}[family]
    return float(unpack(f"<{letter}", pack(f"<{letter}", value))[0])


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line)


def text(value: str) -> str:
    """A literal in double quotes, of one line."""
    shown = re.sub(r"\s*\n\s*", " ", value.strip("\n")).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() and not UNSEEN.match(c) else _escaped(c) for c in shown) + '"'


def _escaped(character: str) -> str:
    return "".join(f"\\{byte:03d}" for byte in character.encode(errors="surrogateescape"))
