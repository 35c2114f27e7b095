# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 3, layout: Protocol -> Layout. The only module that knows C's layout rules.

With 8-byte scalars declared alignas(8), a type's alignment is its size everywhere, so one set of offsets holds
on 32-bit, 64-bit and big-endian machines; the emitted C asserts each of them.
"""

from dataclasses import dataclass, replace

from . import model
from .diagnostics import Reporter
from .model import SCALARS

MAX_SIZE = 2**31 - 1            # of a message, in bytes: the largest object of a 32-bit machine
MAX_BUDGET = 2**32 - 1          # slots of one size in a fixed pool
MAX_POOL = 2**62                # bytes of slots in a fixed pool; the emitted sum is of 64 bits
LARGE = 16                      # bytes; larger members go last where that costs no padding


@dataclass(frozen=True)
class Member:
    """`c_type name` or `c_type name[count]` in a struct; aligned says that it is declared alignas(8)."""

    name: str
    scalar: model.Scalar
    count: int | None = None
    offset: int = 0

    @property
    def size(self) -> int:
        return self.scalar.size * (1 if self.count is None else self.count)

    @property
    def align(self) -> int:
        return self.scalar.size

    @property
    def aligned(self) -> bool:
        return self.scalar.size == 8


@dataclass(frozen=True)
class Message:
    """slot_class counts from 1 in order of slot size; 0: no fields, never allocated."""

    model: model.Message
    members: tuple[Member, ...]
    size: int
    align: int
    padding: int
    slot_class: int = 0


@dataclass(frozen=True)
class SlotSize:
    """One slot size: the variants that share it, and their guaranteed number (max_live) in a fixed pool."""

    bytes: int
    budget: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class TagPage:
    high_byte: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Layout:
    protocol: model.Protocol
    tag: model.Scalar
    freed_tag: int              # marks a freed message; no variant has it
    messages: tuple[Message, ...]
    slot_sizes: tuple[SlotSize, ...]

    @property
    def class_type(self) -> str:
        """The narrowest C type that counts the slot classes."""
        return "uint8_t" if len(self.slot_sizes) < 256 else "uint16_t"

    @property
    def printed_enums(self) -> list[model.Enum]:
        """Those that a field has."""
        used = {id(f.type.element) for m in self.messages for f in m.model.fields
                if isinstance(f.type, (model.One, model.Array))}
        return [enum for enum in self.protocol.enums if id(enum) in used]

    @property
    def tag_pages(self) -> list[TagPage]:
        """The allocated messages by the high byte of their tag."""
        high_bytes = sorted({m.model.tag >> 8 for m in self.messages if m.slot_class})
        return [TagPage(high, tuple(m for m in self.messages if m.slot_class and m.model.tag >> 8 == high))
                for high in high_bytes]

    @property
    def union_size(self) -> int:
        return _round_up(max(m.size for m in self.messages), max(m.align for m in self.messages))


def layout(protocol: model.Protocol, reporter: Reporter) -> Layout:
    """Offsets, sizes and slot classes. Raises SchemaError for a message that no machine could hold."""
    tags = {m.tag for m in protocol.messages}
    tag = SCALARS["u8"] if max(tags) <= 255 and len(tags) < 255 else SCALARS["u16"]
    freed_tag = next(t for t in range(2 ** (8 * tag.size) - 1, 0, -1) if t not in tags)
    messages = tuple(_lay_out(message, tag, reporter) for message in protocol.messages)
    slot_class = {size: i for i, size in enumerate(sorted({m.size for m in messages if m.members}), 1)}
    messages = tuple(replace(m, slot_class=slot_class[m.size] if m.members else 0) for m in messages)
    slot_sizes = tuple(_slot_size(size, messages) for size in slot_class)
    for slot_size in slot_sizes:
        if slot_size.budget > MAX_BUDGET:
            reporter.error(slot_size.messages[-1].model.place, f"the messages of {slot_size.bytes} bytes have "
                           f'{slot_size.budget} as the sum of their "max_live"', f"it is at most {MAX_BUDGET}")
    pool = sum(s.bytes * s.budget for s in slot_sizes)
    if pool > MAX_POOL:
        reporter.error(protocol.messages[-1].place, f'every "max_live" together takes {pool} bytes', f"at most {MAX_POOL}")
    reporter.raise_if_any()
    return Layout(protocol, tag, freed_tag, messages, slot_sizes)


# What each kind of field type is made of.

def _one(field: model.Field) -> tuple[Member, ...]:
    return (Member(field.name.c, _scalar(field.type.element)),)


def _array(field: model.Field) -> tuple[Member, ...]:
    return (Member(field.name.c, _scalar(field.type.element), field.type.count),)


def _chars(field: model.Field) -> tuple[Member, ...]:
    return (Member(field.name.c, SCALARS["char"], field.type.count),)


def _string(field: model.Field) -> tuple[Member, ...]:
    return _length(field), Member(field.name.c, SCALARS["char"], field.type.bound + 1)


def _bytes(field: model.Field) -> tuple[Member, ...]:
    return _length(field), Member(field.name.c, SCALARS["u8"], field.type.bound)


MEMBERS = {"one": _one, "array": _array, "chars": _chars, "string": _string, "bytes": _bytes}


def length_scalar(bound: int) -> model.Scalar:
    """The narrowest type that counts up to the bound."""
    return next(SCALARS[name] for name in ("u8", "u16", "u32") if bound < 2 ** (8 * SCALARS[name].size))


def _length(field: model.Field) -> Member:
    return Member(field.name.c + "_len", length_scalar(field.type.bound))


def _scalar(element: model.Scalar | model.Enum) -> model.Scalar:
    return element.base if isinstance(element, model.Enum) else element


# Where members go.

def _lay_out(message: model.Message, tag: model.Scalar, reporter: Reporter) -> Message:
    members = [member for field in message.fields for member in MEMBERS[field.type.kind](field)]
    align = max((m.align for m in members), default=1)
    align = max(align, tag.size)
    placed, size = _place(_order(members, tag), tag, align)
    if size > MAX_SIZE:
        reporter.error(message.place, f'"{message.name.schema}" takes {size} bytes: a message has at most {MAX_SIZE}')
    padding = size - tag.size - sum(m.size for m in members)
    return Message(message, placed, size, align, padding)


def _order(members: list[Member], tag: model.Scalar) -> list[Member]:
    """The order of least padding.

    That is by ascending alignment after the tag: every size is a multiple of its alignment, so the padding before
    each step up only rounds the running sum up, and rounding to 2, then 4, then 8 is rounding to 8 once: the size is
    tag plus members, rounded up to the struct's alignment, and no order does better. Where it costs nothing, large
    members go last instead, so that the small ones share the tag's cache line.
    """
    align = max([m.align for m in members] + [tag.size])
    ascending = sorted(members, key=lambda m: m.align)
    large_last = sorted(members, key=lambda m: (m.size > LARGE, -m.align if m.size > LARGE else m.align))
    return min((large_last, ascending), key=lambda order: _place(order, tag, align)[1])


def _place(members: list[Member], tag: model.Scalar, align: int) -> tuple[tuple[Member, ...], int]:
    """The members with their offsets behind the tag, and the size of the struct."""
    placed, end = [], tag.size
    for member in members:
        offset = _round_up(end, member.align)
        placed.append(replace(member, offset=offset))
        end = offset + member.size
    return tuple(placed), _round_up(end, align)


def _round_up(size: int, align: int) -> int:
    return -(-size // align) * align


def _slot_size(size: int, messages: tuple[Message, ...]) -> SlotSize:
    sharing = tuple(m for m in messages if m.slot_class and m.size == size)
    return SlotSize(size, sum(m.model.max_live or 0 for m in sharing), sharing)
