# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Where records hold no value, or not always one: what is 0 in a message that is sent."""

from typing import NamedTuple

from .laid_out import Layout, Record

IN_A_LINE = 4
NO_BLANKS = "NULL"              # the initialiser for a struct without blanks


class Blanks(NamedTuple):
    """Those of a record. name: its C name. entries: lines of initialisers of struct protopool_blank, tails first."""

    name: str
    entries: str


def blanks(layout: Layout) -> list[Blanks]:
    """Those of the structs that messages contain, and then of the messages."""
    named: dict[int, str] = {}      # the C names of what structs have, by the struct's identity
    prefix = layout.protocol.name.c
    found = []
    for struct in layout.used_structs:
        if entries := _entries(struct, named):
            named[id(struct.model)] = f"{prefix}_blanks_of_{struct.model.name.c}_"
            found.append(Blanks(struct.model.name.c, entries))
    return found + [Blanks(message.model.name.c, _entries(message, named)) for message in layout.messages]


def _entries(record: Record, named: dict[int, str]) -> str:
    tails, varying, has_bits = [], [], False
    for field in record.alone:      # no other field can have a blank
        elements = named.get(id(field.element), NO_BLANKS)
        has_bit = field.has_bit
        has_bits = has_bits or has_bit
        if field.is_tail:
            tails.append(f"PROTOPOOL_TAIL_({record.model.ordinals[field.name.c] - 1}, {elements})")
        elif has_bit or field.type.has_length or elements is not NO_BLANKS:
            varying.append(f"PROTOPOOL_FIELD_({record.model.ordinals[field.name.c] - 1}, {elements})")
    entries = tails + [f"PROTOPOOL_PADDING_({offset}, {size})" for offset, size in record.holes] + _unused_bits(record, has_bits) + varying
    if len(entries) <= IN_A_LINE:
        return ", ".join(entries)
    return ",\n    ".join([", ".join(entries[i:i + IN_A_LINE]) for i in range(0, len(entries), IN_A_LINE)])


def _unused_bits(record: Record, has_bits: bool) -> list[str]:
    bits = next(member for member in record.members if member.bits) if has_bits else None
    return [f"PROTOPOOL_BITS_({bits.offset + bits.size - 1}, {len(bits.bits) % 8})"] if bits and len(bits.bits) % 8 else []
