# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A protocol with the place of every member and the slot size of every message: what layout returns and render starts from."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from . import members, model
from .members import Hole, Member, Numbers, round_up
from .scalars import MAX_COUNT, Scalar
from .tail_slots import tail_index

BY_VALUE = 65536                # bytes; a larger record is not constructed by value: it could overrun a stack
SLOT_SIZES_PER_PART = 2         # the engine's PROTOPOOL_PART


@dataclass(frozen=True)
class Record:
    """A struct or a message with its members, size, alignment and padding."""

    members: tuple[Member, ...]
    size: int
    align: int
    padding: int

    @property
    def by_value(self) -> bool:
        """Whether functions return it by value."""
        return self.size <= BY_VALUE

    @property
    def begin(self) -> int:
        """The first offset for members: after a message's tag."""
        return 0

    @cached_property
    def holes(self) -> tuple[Hole, ...]:
        """The padding between and after the members."""
        return members.gaps(self.members, self.begin, self.size)

    @cached_property
    def blank(self) -> tuple[Hole, ...]:
        """The bytes that are cleared before members are stored: padding, and bit-fields, which do not fill their bytes."""
        return members.gaps([m for m in self.members if not m.bits], self.begin, self.size)

    @cached_property
    def alone(self) -> tuple[model.Field, ...]:
        """The fields that are compared each by itself: there may be bytes in them that do not count."""
        return tuple(f for f in self.model.fields if f.has_bit or f.type.has_length or f.type.has_aliases or not self.holder(f).numbers)

    @cached_property
    def numbers(self) -> tuple[Numbers, ...]:
        """What the other fields consist of, by offset. Neighbours of the same size are one."""
        alone = {name for f in self.alone for name in f.members}
        return members.merge(n for m in self.members if not m.bits and m.name not in alone for n in m.numbers)

    @cached_property
    def spans(self) -> tuple[Numbers, ...]:
        """The same as bytes."""
        return members.merge(Numbers(n.offset, 1, n.bytes * n.count) for n in self.numbers)

    @property
    def solid(self) -> tuple[Numbers, ...]:
        """Its numbers, if they are all its bytes; otherwise none."""
        return self.numbers if sum(n.bytes * n.count for n in self.numbers) == self.size else ()

    def member(self, name: str) -> Member:
        return self._by_name[name]

    def has_member(self, name: str) -> bool:
        return name in self._by_name

    def holder(self, field: model.Field) -> "Member | Tail":
        """What holds the field's elements: the member of its name, or the tail."""
        return self._by_name[field.name.member]

    @cached_property
    def _by_name(self) -> dict[str, Member]:
        by_name = {member.name: member for member in self.members}
        if self.model.one_ofs:
            by_name |= {f"{m.name}.{inner.name}": inner._replace(offset=m.offset) for m in self.members for inner in m.union}
        return by_name

    @cached_property
    def offset_of_bits(self) -> int:
        return next(m.offset for m in self.members if m.bits)

    def bit_of(self, name: str) -> int:
        """The number of the bit-field among those of the record."""
        return self._bits[name]

    @cached_property
    def _bits(self) -> dict[str, int]:
        return {name: i for member in self.members for i, name in enumerate(member.bits)}


@dataclass(frozen=True)
class Struct(Record):
    model: model.Struct

    @cached_property
    def all_holes(self) -> tuple[Hole, ...]:
        """The holes, also those of the structs that it contains."""
        inner = (Hole(m.offset + hole.offset, hole.size) for m in self.members for hole in m.holes)
        return tuple(sorted((*self.holes, *inner), key=lambda hole: hole.offset))


@dataclass(frozen=True)
class Tail:
    """What lies behind a message's struct: up to `most` elements, and the byte that terminates a text. offset: if the tails before
    it are empty. has_gap: there can be padding between it and the tail before it. list_bytes: of a list of texts, whose elements are
    offsets: the most bytes of offsets and texts. 0 for other tails. longest: the most characters of each of the texts."""

    name: str
    c_type: str
    element_size: int
    offset: int
    most: int
    end: int
    align: int = field(default=1, repr=False)
    number: int = field(default=1, repr=False)      # among the message's tails, from 1
    has_gap: bool = field(default=False, repr=False)
    list_bytes: int = field(default=0, repr=False)
    longest: int = field(default=0, repr=False)

    def after(self, begin: int, elements: int) -> int:
        """Where it ends if the tail before it, or the struct, ends at `begin`. elements: of a list of texts, its bytes."""
        return round_up(begin, self.align) + elements * (1 if self.list_bytes else self.element_size) + self.end

    @property
    def extent_most(self) -> int:
        """The most elements, or the most bytes of a list of texts."""
        return self.list_bytes or self.most


@dataclass(frozen=True)
class Message(Record):
    """size: without tails. slot_class: counts from 1 in the order of slot sizes; 0 for a message without fields, which is never
    allocated. For a message with tails it is the class of the longest; the others are in Layout.tail_classes."""

    model: model.Message
    tails: tuple[Tail, ...] = ()
    slot_class: int = 0
    tag_size: int = 0

    @property
    def begin(self) -> int:
        return self.tag_size

    @property
    def tail(self) -> Tail | None:
        """The first one."""
        return self.tails[0] if self.tails else None

    @property
    def has_several(self) -> bool:
        """Whether it has more than one tail."""
        return len(self.tails) > 1

    def bytes(self, elements: Callable[[Tail], int]) -> int:
        """The bytes of a message with this many elements in each tail."""
        end = self.size
        for tail in self.tails:
            end = tail.after(end, elements(tail))
        return end

    @cached_property
    def least_bytes(self) -> int:
        """The bytes of a message with empty tails."""
        return self.bytes(lambda tail: 0)

    @cached_property
    def most_bytes(self) -> int:
        return MAX_COUNT if self.model.is_open else self.bytes(lambda tail: tail.extent_most)

    @property
    def too_long_together(self) -> bool:
        """Whether tails that are each short enough can be too long together: what is left of the bytes by the longest may hold the others."""
        return self.model.is_open and self.bytes(lambda tail: tail.extent_most) > MAX_COUNT

    def holder(self, field: model.Field) -> "Member | Tail":
        return self._tail_by_name[field.name.c] if self.tails and field.is_tail else self._by_name[field.name.member]

    @cached_property
    def _tail_by_name(self) -> dict[str, Tail]:
        return {tail.name: tail for tail in self.tails}

    @cached_property
    def head(self) -> int:
        """The bytes that the store of the tag writes: 1, 2, 4 or 8, enough to leave no blank in the first 8 bytes if
        possible."""
        last = max((min(hole.end, 8) for hole in self.blank if hole.offset < 8), default=self.tag_size)
        stores = [size for size in (1, 2, 4, 8) if self.tag_size <= size <= self.size]
        return next((size for size in stores if size >= last), stores[-1])

    @cached_property
    def copied_head(self) -> int:
        """As head, if the members are already stored: apart from the tag, only padding is written."""
        end = next((hole.end for hole in self.holes if hole.offset == self.tag_size), self.tag_size)
        return max(size for size in (1, 2, 4, 8) if size <= end)

    @cached_property
    def blank_left(self) -> tuple[Hole, ...]:
        """What is still blank after the store of the tag."""
        return members.cut(self.blank, self.head)

    @cached_property
    def holes_left(self) -> tuple[Hole, ...]:
        """The padding that a copy still has after the store of the tag."""
        return members.cut(self.holes, self.copied_head)


class SlotSize(NamedTuple):
    """A slot size: the variants that share it, and the number of slots in a fixed pool (the sum of max_live). A variant with a
    tail belongs to the slot size of its longest."""

    bytes: int
    budget: int
    messages: tuple[Message, ...]
    has_tails: bool = False     # it serves messages with tails
    is_shared: bool = False     # it serves messages of shared variants, so each slot has a count of holders


class TagPage(NamedTuple):
    high_byte: int
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Layout:
    protocol: model.Protocol
    tag: Scalar
    freed_tag: int              # the tag of a freed message; no variant has it
    structs: tuple[Struct, ...]
    messages: tuple[Message, ...]
    slot_sizes: tuple[SlotSize, ...]
    tail_classes: tuple[int, ...] = ()      # the slot class of each tail_index

    @property
    def tag_bytes(self) -> int:
        """The bytes of the tag of a message that is sent; 0: it is not sent."""
        wire = self.protocol.wire
        return self.tag.size if wire is None or wire.tag is None else wire.tag

    @cached_property
    def tailed(self) -> tuple[Message, ...]:
        """The messages with tails."""
        return tuple(m for m in self.messages if m.tails)

    @property
    def has_optional_tails(self) -> bool:
        return any(tail.is_optional for m in self.tailed for tail in m.model.tails)

    @property
    def has_texts(self) -> bool:
        """Whether a tail is a list of texts."""
        return any(tail.list_bytes for m in self.tailed for tail in m.tails)

    def tail(self, field: model.Field) -> Tail:
        """The tail of a field."""
        return self._tail_of[id(field)]

    def message_of(self, tail: model.Field) -> Message:
        """The message that has the tail."""
        return self._message_of[id(tail)]

    @cached_property
    def _tail_of(self) -> dict[int, Tail]:
        return {id(field): m.holder(field) for m in self.tailed for field in m.model.tails}

    @cached_property
    def _message_of(self) -> dict[int, Message]:
        return {id(field): m for m in self.tailed for field in m.model.tails}

    @cached_property
    def never_allocated(self) -> tuple[Message, ...]:
        """The messages without fields."""
        return tuple(m for m in self.messages if not m.members)

    @cached_property
    def deprecated(self) -> tuple[Message, ...]:
        return tuple(m for m in self.messages if m.model.deprecated)

    def holes_of(self, element: model.Element) -> tuple[Hole, ...]:
        """The padding in a struct; none in other elements."""
        return next((s.all_holes for s in self.structs if s.model is element), ())

    @cached_property
    def has_deprecated_names(self) -> bool:
        """Whether compilers warn where a member, an enumerator, a typedef, a function of a part or a constructor of a struct is used. Values
        that are macros give no warning."""
        records = (*self.protocol.messages, *self.protocol.structs)
        return (any(f.deprecated for record in records for f in record.all_fields)
                or any(thing.deprecated for thing in (*self.protocol.structs, *(part for b in self.protocol.bit_fields for part in b.parts)))
                or any(of.deprecated and of.is_value for of in self.protocol.types)
                or any(value.deprecated for enum in self.protocol.enums if not enum.wide for value in enum.values))

    @cached_property
    def budgeted(self) -> tuple[SlotSize, ...]:
        """The slot sizes that a fixed pool has."""
        return tuple(s for s in self.slot_sizes if s.budget)

    @cached_property
    def has_wide_tags(self) -> bool:
        """Whether a tag is no int, so that C11 has no enumerator for it."""
        return any(m.model.tag > model.MAX_ENUMERATOR for m in self.messages)

    @cached_property
    def tag_type(self) -> str:
        """The C type of a tag."""
        return "uint32_t" if self.has_wide_tags else f"enum {self.protocol.name.c}_tag"

    @cached_property
    def cpp_tag_type(self) -> str:
        """The same where the namespace of the protocol's C++ has other names."""
        return "std::uint32_t" if self.has_wide_tags else f"enum ::{self.protocol.name.c}_tag"

    @cached_property
    def shared(self) -> tuple[Message, ...]:
        """The messages that can have several holders."""
        return tuple(m for m in self.messages if m.model.shared)

    @property
    def parts_with_budget(self) -> int:
        """How many of the parts in which a pool takes its slot sizes (PROTOPOOL_PART) have one with a budget."""
        return len({i // SLOT_SIZES_PER_PART for i, s in enumerate(self.slot_sizes) if s.budget})

    def tail_class(self, size: int) -> int:
        """The slot class of a message with tails, of this many bytes in all, in a growing pool."""
        return self.tail_classes[tail_index(size)]

    @cached_property
    def fingerprint(self) -> str:
        """A hash of everything that files which use the messages must agree on: tags, numbers, members and slots, but no docs."""
        facts = [self.tag.c, self.freed_tag, self.tail_classes]
        facts += [(e.name.c, e.base.c, [(v.name.c, v.number) for v in e.values]) for e in self.protocol.enums + self.protocol.flags]
        facts += [(b.name.c, b.base.c, [(part.name.c, part.mask, part.range, part.enum and part.enum.name.c) for part in b.parts])
                  for b in self.protocol.bit_fields]
        facts += [(r.model.name.c, r.size, [(m.name, m.c_type, m.count, m.bits, m.offset) for m in r.members],
                   [(f.name.c, f.range) if f.absent is None else (f.name.c, f.range, f.absent) for f in r.model.fields]) for r in self.structs + self.messages]
        facts += [(r.model.name.c, f.name.c, f.value) for r in self.structs + self.messages for f in r.model.constants]
        facts += [(r.name.c, f.name.c, f.type.optional, [(a.name.c, a.spelling, a.range, a.type.most) for a in f.element.alternatives]) for r, f in self.protocol.one_ofs]
        facts += [(m.model.tag, m.slot_class, m.tail) for m in self.messages]
        facts += [[(tail, tail.align) for tail in m.tails] for m in self.messages if len(m.tails) > 1]
        facts += [(m.model.tag, t.number, t.list_bytes, t.longest) for m in self.tailed for t in m.tails if t.list_bytes]
        facts += [(s.bytes, s.budget) for s in self.slot_sizes]
        facts += [m.model.tag for m in self.shared]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    @property
    def class_type(self) -> str:
        """The narrowest C type that counts the slot classes."""
        return "uint8_t" if len(self.slot_sizes) < 256 else "uint16_t"

    @cached_property
    def printed_enums(self) -> tuple[model.Enum, ...]:
        """The enums that a field has, or a part of one."""
        return tuple(enum for enum in self.protocol.enums if id(enum) in self._used)

    @cached_property
    def printed_enum_names(self) -> set[str]:
        return {enum.name.schema for enum in self.printed_enums}

    @cached_property
    def printed_flags(self) -> tuple[model.Flags, ...]:
        return tuple(flags for flags in self.protocol.flags if id(flags) in self._used)

    @cached_property
    def printed_bit_fields(self) -> tuple[model.BitField, ...]:
        return tuple(bit_field for bit_field in self.protocol.bit_fields if id(bit_field) in self._used)

    @cached_property
    def used_structs(self) -> tuple[Struct, ...]:
        """The structs that a message contains, directly or inside another struct."""
        used = {id(f.element) for m in self.messages for f in m.model.fields} | self._of_alternatives(self.messages)
        for struct in reversed(self.structs):
            if id(struct.model) in used:
                used |= {id(f.element) for f in struct.model.fields} | self._of_alternatives((struct,))
        return tuple(struct for struct in self.structs if id(struct.model) in used)

    @cached_property
    def compared_structs(self) -> tuple[Struct, ...]:
        """Those of which a field is compared by itself: not together with the fields beside it."""
        compared = {id(f.element) for m in self.messages for f in m.alone} | self._of_alternatives(self.messages)
        for struct in reversed(self.structs):
            if id(struct.model) in compared:
                compared |= {id(f.element) for f in struct.alone} | self._of_alternatives((struct,))
        return tuple(struct for struct in self.structs if id(struct.model) in compared)

    def _of_alternatives(self, records: tuple[Record, ...]) -> set[int]:
        """The elements of the alternatives of fields in these records."""
        return {id(a.element) for record in records for a in record.model.alternatives} if self.protocol.one_ofs else set()

    @cached_property
    def _used(self) -> set[int]:
        records = [*self.messages, *self.used_structs]
        used = {id(f.element) for record in records for f in record.model.fields} | self._of_alternatives(records)
        return used | {id(part.type) for b in self.protocol.bit_fields if id(b) in used for part in b.parts if part.enum}

    @cached_property
    def tag_digits(self) -> int:
        """The digits of the largest tag; at least those of two bytes."""
        return max(5, *(len(str(m.model.tag)) for m in self.messages))

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
        """The bytes of the union. Messages with a tail are not in it."""
        whole = [m for m in self.messages if not m.tail]
        return round_up(max((m.size for m in whole), default=self.tag.size), max((m.align for m in whole), default=self.tag.size))
