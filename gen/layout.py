# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 3, layout: Protocol -> Layout. The only module that knows C's layout rules.

With 8-byte scalars declared alignas(8), a type's alignment is its size everywhere, so one set of offsets holds
on 32-bit, 64-bit and big-endian machines; the emitted C asserts each of them.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from . import model
from .diagnostics import Reporter
from .model import SCALARS

MAX_SIZE = 2**31 - 1            # of a message, in bytes: the largest object of a 32-bit machine
MAX_BUDGET = 2**32 - 1          # slots of one size in a fixed pool
MAX_POOL = 2**62                # bytes of slots in a fixed pool; the emitted sum is of 64 bits
BY_VALUE = 65536                # bytes; a larger record is not constructed by value: it could overrun a stack
LARGE = 16                      # bytes; larger members go last where that costs no padding


@dataclass(frozen=True)
class Hole:
    """Bytes of padding, which no member has."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


@dataclass(frozen=True)
class Member:
    """`c_type name` or `c_type name[count]` in a struct; aligned says that it is declared alignas(8). bits: the names of
    the bit-fields that share these bytes; it has no name then."""

    name: str
    c_type: str
    element_size: int
    align: int
    count: int | None = None
    aligned: bool = False
    bits: tuple[str, ...] = ()
    offset: int = 0
    holes: tuple["Hole", ...] = ()      # of the struct that it is; none of an array's

    @property
    def size(self) -> int:
        return self.element_size * (1 if self.count is None else self.count)


@dataclass(frozen=True)
class Record:
    """A struct, or what a message is laid out as."""

    members: tuple[Member, ...]
    size: int
    align: int
    padding: int

    @property
    def by_value(self) -> bool:
        """Whether there are functions that return one."""
        return self.size <= BY_VALUE

    @property
    def begin(self) -> int:
        """Where members may lie: behind a message's tag."""
        return 0

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """The padding between members and behind them."""
        return _gaps(self.members, self.begin, self.size)

    @cached_property
    def blank(self) -> tuple[Hole, ...]:
        """What is cleared before members are stored: the padding and the bit-fields, which do not fill their bytes."""
        return _gaps([m for m in self.members if not m.bits], self.begin, self.size)

    def member(self, name: str) -> Member:
        return self._by_name[name]

    def has_member(self, name: str) -> bool:
        return name in self._by_name

    @cached_property
    def offset_of_bits(self) -> int:
        return next(m.offset for m in self.members if m.bits)

    def bit_of(self, name: str) -> int:
        """The number of the bit-field among those of the record."""
        return self._bits[name]

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        return {member.name: member for member in self.members}

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {name: i for member in self.members for i, name in enumerate(member.bits)}


@dataclass(frozen=True)
class Struct(Record):
    model: model.Struct

    @cached_property
    def all_holes(self) -> tuple[Hole, ...]:
        """Those of the structs that it holds too."""
        inner = (Hole(m.offset + hole.offset, hole.size) for m in self.members for hole in m.holes)
        return tuple(sorted((*self.holes, *inner), key=lambda hole: hole.offset))


@dataclass(frozen=True)
class Tail:
    """Behind a message's struct: up to `most` elements, and the byte that terminates a text."""

    name: str
    c_type: str
    element_size: int
    offset: int
    most: int
    end: int

    def bytes(self, elements: int) -> int:
        """Of a message with so many."""
        return self.offset + elements * self.element_size + self.end

    @property
    def most_bytes(self) -> int:
        return self.bytes(self.most)


@dataclass(frozen=True)
class Message(Record):
    """size: without the tail. slot_class counts from 1 in order of slot size; 0: no fields, never allocated. Of a message
    with a tail it is that of the longest; the others are in Layout.tail_classes."""

    model: model.Message
    tail: Tail | None = None
    slot_class: int = 0
    tag_size: int = 0

    @property
    def begin(self) -> int:
        return self.tag_size

    @cached_property
    def head(self) -> int:
        """How many bytes the store of the tag writes: 1, 2, 4 or 8, so many that there is no blank left in the first 8 bytes
        if that can be had."""
        last = max((min(hole.end, 8) for hole in self.blank if hole.offset < 8), default=self.tag_size)
        stores = [size for size in (1, 2, 4, 8) if self.tag_size <= size <= self.size]
        return next((size for size in stores if size >= last), stores[-1])

    @property
    def copied_head(self) -> int:
        """The same where members are there already: padding at most."""
        end = next((hole.end for hole in self.holes if hole.offset == self.tag_size), self.tag_size)
        return max(size for size in (1, 2, 4, 8) if size <= end)

    def blank_behind(self, head: int) -> tuple[Hole, ...]:
        return _cut(self.blank, head)

    def holes_behind(self, head: int) -> tuple[Hole, ...]:
        return _cut(self.holes, head)

    @property
    def most_bytes(self) -> int:
        return self.tail.most_bytes if self.tail else self.size


@dataclass(frozen=True)
class SlotSize:
    """One slot size: the variants that share it, and their guaranteed number (max_live) in a fixed pool; of a variant with a
    tail the longest."""

    bytes: int
    budget: int
    messages: tuple[Message, ...]
    has_tails: bool = False     # it serves messages with tails


@dataclass(frozen=True)
class TagPage:
    high_byte: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Layout:
    protocol: model.Protocol
    tag: model.Scalar
    freed_tag: int              # marks a freed message; no variant has it
    structs: tuple[Struct, ...]
    messages: tuple[Message, ...]
    slot_sizes: tuple[SlotSize, ...]
    tail_classes: tuple[int, ...] = ()      # the slot class of each tail_index

    @property
    def tailed(self) -> tuple[Message, ...]:
        """The messages with a tail."""
        return tuple(m for m in self.messages if m.tail)

    def tail_class(self, message: Message, elements: int) -> int:
        """The slot class of a message with so many elements in its tail, in a pool that grows."""
        return self.tail_classes[tail_index(message.tail.bytes(elements))]

    @cached_property
    def fingerprint(self) -> str:
        """Of all on which files that use the messages must agree: tags, numbers, members and slots, and no text of docs."""
        facts = [self.tag.c, self.freed_tag, self.tail_classes]
        facts += [(e.name.c, e.base.c, [(v.name.c, v.number) for v in e.values]) for e in self.protocol.enums + self.protocol.flags]
        facts += [(r.model.name.c, r.size, [(m.name, m.c_type, m.count, m.bits, m.offset) for m in r.members],
                   [(f.name.c, f.range) for f in r.model.fields]) for r in self.structs + self.messages]
        facts += [(m.model.tag, m.slot_class, m.tail) for m in self.messages]
        facts += [(s.bytes, s.budget) for s in self.slot_sizes]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    @property
    def class_type(self) -> str:
        """The narrowest C type that counts the slot classes."""
        return "uint8_t" if len(self.slot_sizes) < 256 else "uint16_t"

    @cached_property
    def printed_enums(self) -> tuple[model.Enum, ...]:
        """Those that a field has."""
        return tuple(enum for enum in self.protocol.enums if id(enum) in self._used)

    @cached_property
    def printed_enum_names(self) -> set[str]:
        return {enum.name.schema for enum in self.printed_enums}

    @cached_property
    def printed_flags(self) -> tuple[model.Flags, ...]:
        return tuple(flags for flags in self.protocol.flags if id(flags) in self._used)

    @cached_property
    def used_structs(self) -> tuple[Struct, ...]:
        """Those that a field of a message holds, or one of theirs."""
        used = {id(model.element_of(f.type)) for m in self.messages for f in m.model.fields}
        for struct in reversed(self.structs):
            if id(struct.model) in used:
                used |= {id(model.element_of(f.type)) for f in struct.model.fields}
        return tuple(struct for struct in self.structs if id(struct.model) in used)

    @cached_property
    def _used(self) -> set[int]:
        records = [*(m.model for m in self.messages), *(s.model for s in self.used_structs)]
        return {id(model.element_of(f.type)) for record in records for f in record.fields}

    @cached_property
    def tag_pages(self) -> list[TagPage]:
        """The allocated messages by the high byte of their tag."""
        pages: dict[int, list[Message]] = {}
        for message in self.messages:
            if message.slot_class:
                pages.setdefault(message.model.tag >> 8, []).append(message)
        return [TagPage(high, tuple(pages[high])) for high in sorted(pages)]

    @cached_property
    def union_size(self) -> int:
        """Messages with a tail have no place in the union."""
        whole = [m for m in self.messages if not m.tail]
        return _round_up(max((m.size for m in whole), default=self.tag.size), max((m.align for m in whole), default=self.tag.size))


def layout(protocol: model.Protocol, reporter: Reporter) -> Layout:
    """Offsets, sizes and slot classes. Raises SchemaError for a message that no machine could hold."""
    tags = {m.tag for m in protocol.messages}
    tag = SCALARS["u8"] if max(tags) <= 255 and len(tags) < 255 else SCALARS["u16"]
    freed_tag = next(t for t in range(2 ** (8 * tag.size) - 1, 0, -1) if t not in tags)
    structs: dict[str, Struct] = {}
    for struct in protocol.structs:
        structs[struct.name.schema] = Struct(*_lay_out(struct, 0, 1, protocol, structs, reporter), struct)
    messages = tuple(_message(message, tag, protocol, structs, reporter) for message in protocol.messages)
    reporter.raise_if_any()
    tail_sizes = _tail_sizes([m for m in messages if m.tail])
    sizes = sorted({m.size for m in messages if m.members and not m.tail} | set(tail_sizes.values()))
    slot_class = {size: i for i, size in enumerate(sizes, 1)}
    messages = tuple(replace(m, slot_class=slot_class[_slot_bytes(m)] if m.members else 0) for m in messages)
    sharing: dict[int, list[Message]] = {size: [] for size in slot_class}
    for message in messages:
        if message.slot_class:
            sharing[_slot_bytes(message)].append(message)
    of_tails = set(tail_sizes.values())
    slot_sizes = tuple(SlotSize(size, sum(m.model.max_live or 0 for m in of), tuple(of), size in of_tails) for size, of in sharing.items())
    for slot_size in slot_sizes:
        if slot_size.budget > MAX_BUDGET:
            reporter.error(slot_size.messages[-1].model.place, f'the "max_live" of the messages of {slot_size.bytes} bytes '
                           f"add up to {slot_size.budget}", f"the sum can be at most {MAX_BUDGET}: lower some of them")
    pool = sum(s.bytes * s.budget for s in slot_sizes)
    if pool > MAX_POOL:
        reporter.error(protocol.messages[-1].place, f'a pool for every "max_live" would take {pool} bytes',
                       f'it can take at most {MAX_POOL}: lower some "max_live"')
    reporter.raise_if_any()
    tail_classes = tuple(slot_class.get(tail_sizes.get(i, 0), 0) for i in range(max(tail_sizes, default=-1) + 1))
    return Layout(protocol, tag, freed_tag, tuple(structs.values()), messages, slot_sizes, tail_classes)


# What each kind of field type is made of: members of the name, of which elements know their C types.

@dataclass(frozen=True)
class _Elements:
    """The C types of a protocol's elements."""

    protocol: model.Protocol
    structs: dict[str, Struct]

    def member(self, name: str, element: model.Element, count: int | None = None) -> Member:
        if isinstance(element, model.Struct):
            struct = self.structs[element.name.schema]
            return Member(name, f"struct {self.protocol.name.c}_{element.name.c}", struct.size, struct.align, count,
                          holes=struct.all_holes if count is None else ())
        scalar = element if isinstance(element, model.Scalar) else element.base
        return Member(name, scalar.c, scalar.size, scalar.size, count, scalar.size == 8)


def _one(name: str, of: model.One, elements: _Elements) -> tuple[Member, ...]:
    return (elements.member(name, of.element),)


def _array(name: str, of: model.Array, elements: _Elements) -> tuple[Member, ...]:
    return (elements.member(name, of.element, of.count),)


def _list(name: str, of: model.List, elements: _Elements) -> tuple[Member, ...]:
    return _length(name, of.bound, elements), elements.member(name, of.element, of.bound)


def _chars(name: str, of: model.Chars, elements: _Elements) -> tuple[Member, ...]:
    return (elements.member(name, SCALARS["char"], of.count),)


def _string(name: str, of: model.String, elements: _Elements) -> tuple[Member, ...]:
    return _length(name, of.bound, elements), elements.member(name, SCALARS["char"], of.bound + 1)


def _optional(name: str, of: model.Optional, elements: _Elements) -> tuple[Member, ...]:
    return MEMBERS[of.of.kind](name, of.of, elements)      # the bit is gathered with those of the other fields


def _tail(name: str, of: model.Tail, elements: _Elements) -> tuple[Member, ...]:
    return (_length(name, of.most or MAX_SIZE, elements),)


MEMBERS = {"one": _one, "array": _array, "list": _list, "chars": _chars, "string": _string, "tail": _tail, "optional": _optional}


def length_scalar(bound: int) -> model.Scalar:
    """The narrowest type that counts up to the bound."""
    return next(SCALARS[name] for name in ("u8", "u16", "u32") if bound < 2 ** (8 * SCALARS[name].size))


def _length(name: str, bound: int, elements: _Elements) -> Member:
    return elements.member(name + "_len", length_scalar(bound))


def _bits(fields: tuple[model.Field, ...]) -> list[Member]:
    """The presence bits of optional fields, as one member."""
    bits = tuple(f"has_{f.name.c}" for f in fields if f.is_optional)
    return [Member("", "bool", -(-len(bits) // 8), 1, bits=bits)] if bits else []


# Where members go.

def _lay_out(record: model.Struct | model.Message, begin: int, align: int, protocol: model.Protocol,
             structs: dict[str, Struct], reporter: Reporter) -> tuple[tuple[Member, ...], int, int, int]:
    """What a Record consists of: members behind `begin` bytes, size, alignment (at least `align`) and padding."""
    elements = _Elements(protocol, structs)
    members = _bits(record.fields) + [member for field in record.fields
                                      for member in MEMBERS[field.type.kind](field.name.c, field.type, elements)]
    align = max([align] + [m.align for m in members])
    placed, size = _place(_order(members, begin, align), begin, align)
    if size > MAX_SIZE:
        what = "message" if isinstance(record, model.Message) else "struct"
        reporter.error(record.place, f'"{record.name.schema}" takes {size} bytes, and a {what} can take at most {MAX_SIZE}',
                       "lower the bounds of its fields")
        size = align
    padding = size - begin - sum(m.size for m in members)
    return placed, size, align, padding


def _order(members: list[Member], begin: int, align: int) -> list[Member]:
    """The order of least padding.

    That is by ascending alignment after the tag: every size is a multiple of its alignment, so the padding before
    each step up only rounds the running sum up, and rounding to 2, then 4, then 8 is rounding to 8 once: the size is
    tag plus members, rounded up to the struct's alignment, and no order does better. Where it costs nothing, large
    members go last instead, so that the small ones share the tag's cache line. (A struct's size is a multiple of its
    alignment too.)
    """
    ascending = sorted(members, key=lambda m: m.align)
    large_last = sorted(members, key=lambda m: (m.size > LARGE, -m.align if m.size > LARGE else m.align))
    return min((large_last, ascending), key=lambda order: _place(order, begin, align)[1])


def _cut(holes: Iterable[Hole], begin: int) -> tuple[Hole, ...]:
    """What of the holes lies behind `begin`."""
    return tuple(Hole(start, hole.end - start) for hole in holes if (start := max(hole.offset, begin)) < hole.end)


def _gaps(members: Iterable[Member], begin: int, size: int) -> tuple[Hole, ...]:
    """Runs of bytes between begin and size that none of the members has."""
    gaps, end = [], begin
    for member in sorted(members, key=lambda m: m.offset):
        if member.offset > end:
            gaps.append(Hole(end, member.offset - end))
        end = member.offset + member.size
    if size > end:
        gaps.append(Hole(end, size - end))
    return tuple(gaps)


def _place(members: list[Member], begin: int, align: int) -> tuple[tuple[Member, ...], int]:
    """The members with their offsets, and the size of the struct."""
    placed, end = [], begin
    for member in members:
        offset = _round_up(end, member.align)
        placed.append(replace(member, offset=offset))
        end = offset + member.size
    return tuple(placed), _round_up(end, align)


def _message(message: model.Message, tag: model.Scalar, protocol: model.Protocol, structs: dict[str, Struct],
             reporter: Reporter) -> Message:
    laid_out = Message(*_lay_out(message, tag.size, tag.size, protocol, structs, reporter), message, tag_size=tag.size)
    if message.tail is None:
        return laid_out
    of = message.tail.type
    element = _Elements(protocol, structs).member(message.tail.name.c, of.element or SCALARS["char"])
    tail = Tail(element.name, element.c_type, element.element_size, _round_up(laid_out.size, element.align), 0, int(of.element is None))
    tail = replace(tail, most=of.most or max(0, MAX_SIZE - tail.most_bytes) // tail.element_size)
    if tail.most_bytes > MAX_SIZE or tail.most == 0:
        reporter.error(message.tail.place, f'"{message.name.schema}" takes up to {tail.most_bytes} bytes, and a message can take at most {MAX_SIZE}',
                       'lower the "max" of its last field')
    return replace(laid_out, tail=tail)


# Slot sizes for messages with a tail. Up to 1 KiB each multiple of 16, so that a slot is less than 16 bytes larger than its
# message, 7.5 in the mean; then four to each doubling, less than a quarter larger. That is 64 slot sizes, and 84 more to the
# largest message. A pool's handle has 182 bytes for each, 26 KiB for all; a magazine has only what is used. Multiples of 8 would
# save 4 bytes of a message and cost another 11 KiB of each handle. Above 4 KiB a slot has a block of its own, of which a
# system commits the pages that are written: eight to a doubling would cost another 15 KiB and save address space. A schema
# that gives a "max" has no slot sizes above it. No message needs a header: its length tells its slot size when it is freed.

TAIL_STEP = 16                  # bytes
TAIL_EXACT = 1024               # bytes; larger slots are four to a doubling


def tail_index(size: int) -> int:
    """Counts the slot sizes for tails from 1; the same as protopool_tail_index."""
    if size <= TAIL_EXACT:
        return -(-size // TAIL_STEP)
    doubling = (size - 1).bit_length() - 1
    return TAIL_EXACT // TAIL_STEP + 4 * (doubling - 10) + (size - 1 >> doubling - 2) - 3


def tail_slot(index: int) -> int:
    """The slot size of an index."""
    if index <= TAIL_EXACT // TAIL_STEP:
        return TAIL_STEP * index
    doubling, quarter = divmod(index - TAIL_EXACT // TAIL_STEP - 1, 4)
    return min(MAX_SIZE, (5 + quarter) << doubling + 8)


def _tail_sizes(tailed: list[Message]) -> dict[int, int]:
    """The slot size of each index that a message can need."""
    if not tailed:
        return {}
    first, last = min(tail_index(m.tail.bytes(0)) for m in tailed), max(tail_index(m.most_bytes) for m in tailed)
    return {index: tail_slot(index) for index in range(first, last + 1)}


def _slot_bytes(message: Message) -> int:
    """Of the slots that a fixed pool has for it."""
    return tail_slot(tail_index(message.most_bytes)) if message.tail else message.size


def _round_up(size: int, align: int) -> int:
    return -(-size // align) * align
