# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How records are packed: the tables of a protocol that sends a format of others."""

from typing import NamedTuple

from .laid_out import Layout, Record, Tail
from .model import REST, BitField, Element, Enum, Field, Flags, Struct, Union
from .scalars import Scalar, length_scalar


class Packing(NamedTuple):
    """The initialisers of a record's struct protopool_packing. name: the record's C name; that of alternatives begins with a digit. steps: of
    struct protopool_step, a line each."""

    name: str
    steps: tuple[str, ...]
    rest: str


def packings(layout: Layout) -> list[Packing]:
    """Those of the structs that messages contain, and of fields' alternatives, each before those that refer to it; and then of the messages."""
    return _Packings(layout).all()


class _Packings:
    def __init__(self, layout: Layout):
        self.layout, self.prefix = layout, layout.protocol.name.c
        self.fixed: dict[int, int] = {}         # the bytes of structs that always have the same, by identity
        self.least: dict[int, int] = {}         # of all structs
        self.found: list[Packing] = []

    def all(self) -> list[Packing]:
        records = (*self.layout.used_structs, *self.layout.messages)
        of_messages = []
        for record in records:
            for field in record.model.one_ofs:
                steps = tuple(self.step(record, alternative) for alternative in field.element.alternatives)
                self.found.append(Packing(f"{record.model.ordinals[field.name.c]}_{record.model.name.c}", steps, "0, 0, 0, false"))
            packing = self.record(record)
            (self.found if isinstance(record.model, Struct) else of_messages).append(packing)
        return self.found + of_messages

    def record(self, record: Record) -> Packing:
        fields = record.model.fields
        bits = sum(field.has_bit for field in fields)
        least = -(-bits // 8) + sum(self.least_bytes(record, field) for field in fields)
        is_fixed = all(self.is_plain(field) and self.is_fixed(field.element) for field in fields)
        self.least[id(record.model)] = least
        if is_fixed:
            self.fixed[id(record.model)] = least
        offset = record.offset_of_bits if bits else 0
        return Packing(record.model.name.c, tuple(self.step(record, field) for field in fields), f"{least}, {offset}, {bits}, {'true' if is_fixed else 'false'}")

    @staticmethod
    def is_plain(field: Field) -> bool:
        """Whether it always has the same number of elements."""
        return not (field.has_bit or field.type.has_length or isinstance(field.element, Union))

    def is_fixed(self, element: Element | None) -> bool:
        return not isinstance(element, Struct) or id(element) in self.fixed

    def least_bytes(self, record: Record, field: Field) -> int:
        if isinstance(field.element, Union):
            return 1
        if field.has_bit:
            return 0
        return packed_length(record, field) if field.type.has_length else field.type.most * self.element_bytes(field)

    def element_bytes(self, field: Field) -> int:
        element = field.element
        if isinstance(element, Struct):
            return self.least[id(element)]
        return 1 if element is None else _scalar(element).bits // 8

    def step(self, record: Record, field: Field) -> str:
        holder, element, of = record.holder(field), field.element, "NULL"
        if isinstance(element, Union):
            of = f"{record.model.ordinals[field.name.c]}_{record.model.name.c}"
        elif isinstance(element, Struct):
            of = element.name.c
        of = of if of == "NULL" else f"&{self.prefix}_packing_of_{of}_"
        offset, count = 0 if field.is_tail else holder.offset, field.type.most or holder.most
        plain = "true" if self.is_plain(field) else "false"
        return f"{{ {of}, {offset}, {count}, PROTOPOOL_PACKED_{packed_element(field)}, {packed_length(record, field)}, {plain} }}"


def _scalar(element: Element) -> Scalar:
    return element.base if isinstance(element, (Enum, Flags, BitField)) else element


def packed_length(record: Record, field: Field) -> int:
    """The bytes in which the length of a field is sent."""
    if not field.type.has_length or field.wire == REST:
        return 0
    return field.wire or record.member(field.name.length).size


def packed_text_length(texts: Tail) -> int:
    """The same of a text in a list of texts."""
    return length_scalar(texts.longest).size


def packed_element(field: Field) -> str:
    """The element's value of enum protopool_packed, without the prefix."""
    element = field.element
    if element is None:
        return "TEXTS" if field.type.is_texts else "8"
    if isinstance(element, (Struct, Union)):
        return element.described
    scalar = _scalar(element)
    sign = "" if scalar.width is None else "U" if scalar.family == "unsigned" else "I"
    return f"{sign}{scalar.bits}"
