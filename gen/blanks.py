# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Where records hold no value, or not always one: what is 0 in a message that is sent."""

from collections.abc import Iterator
from typing import NamedTuple

from . import model
from .laid_out import Layout, Record

NONE = "NULL"


class Blanks(NamedTuple):
    """Those of a record. name: its C name. entries: the initialisers of struct protopool_blank, tails first."""

    name: str
    entries: tuple[str, ...]


def blanks(layout: Layout) -> tuple[Blanks, ...]:
    """Those of the structs that messages contain, and then of the messages; a record without blanks has no entries."""
    named: dict[int, str] = {}      # the C names of what structs have, by the struct's identity
    prefix = layout.protocol.name.c
    found = []
    for record in (*layout.used_structs, *layout.messages):
        entries = tuple(_entries(record, named))
        if entries:
            named[id(record.model)] = f"{prefix}_blanks_of_{record.model.name.c}_"
        found.append(Blanks(record.model.name.c, entries))
    return tuple(found)


def _entries(record: Record, named: dict[int, str]) -> Iterator[str]:
    varying = []
    for field in record.alone:      # no other field can have a blank
        elements = named.get(id(field.element), NONE)
        if field.is_tail:
            yield f"PROTOPOOL_TAIL_({_number(record.model, field)}, {elements})"
        elif field.has_bit or field.type.has_length or elements != NONE:
            varying.append(f"PROTOPOOL_FIELD_({_number(record.model, field)}, {elements})")
    for hole in record.holes:
        yield f"PROTOPOOL_PADDING_({hole.offset}, {hole.size})"
    bits = next((member for member in record.members if member.bits), None)
    if bits and len(bits.bits) % 8:
        yield f"PROTOPOOL_BITS_({bits.offset + bits.size - 1}, {len(bits.bits) % 8})"
    yield from varying


def _number(record: model.Message | model.Struct, field: model.Field) -> int:
    return record.ordinals[field.name.c] - 1
