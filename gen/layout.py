# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 3, layout: Protocol -> Layout. Every message gets its members, its size and its slot size."""

from dataclasses import dataclass, replace
from math import gcd

from . import members, model
from .diagnostics import Reporter
from .field_types import Texts
from .laid_out import Layout, Message, SlotSize, Struct, Tail
from .members import Member, round_up
from .scalars import MAX_COUNT, SCALARS, Scalar
from .tail_slots import tail_index, tail_slot

MAX_SIZE = MAX_COUNT            # of a message, in bytes
MAX_BUDGET = 2**32 - 1          # slots of one size in a fixed pool
MAX_POOL = 2**62                # bytes of slots in a fixed pool; the emitted sum is of 64 bits


def layout(protocol: model.Protocol, reporter: Reporter) -> Layout:
    """Offsets, sizes and slot classes. Raises SchemaError if a message is too large for any machine."""
    tags = {m.tag for m in protocol.messages}
    tag = _tag_type(tags)
    freed_tag = next(t for t in range(min(_largest_tag(tag), model.MAX_ENUMERATOR), 0, -1) if t not in tags)
    structs: dict[str, Struct] = {}
    elements = _Elements(protocol, structs)
    for struct in protocol.structs:         # each comes after the structs that it contains
        structs[struct.name.schema] = Struct(*_record(struct, 0, 1, elements, reporter), struct)
    messages = tuple(_message(message, tag, elements, reporter) for message in protocol.messages)
    reporter.raise_if_any()
    messages, slot_sizes, tail_classes = _with_slots(messages)
    _report_too_many_slots(slot_sizes, protocol, reporter)
    return Layout(protocol, tag, freed_tag, tuple(structs.values()), messages, slot_sizes, tail_classes)


def _largest_tag(tag: Scalar) -> int:
    return 2 ** (8 * tag.size) - 1


def _tag_type(tags: set[int]) -> Scalar:
    """The narrowest type that holds the tags and one number more, for freed messages."""
    types = [SCALARS[name] for name in ("u8", "u16", "u32")]
    return next(tag for tag in types if max(tags) <= _largest_tag(tag) and len(tags) < _largest_tag(tag))


def _with_slots(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[SlotSize, ...], tuple[int, ...]]:
    """The messages with their slot classes, the slot sizes, and the slot class of each tail_index."""
    tail_sizes = _tail_sizes([m for m in messages if m.tails])
    sizes = sorted({m.size for m in messages if m.members and not m.tails} | set(tail_sizes.values()))
    slot_class = {size: i for i, size in enumerate(sizes, 1)}
    messages = tuple(replace(m, slot_class=slot_class[_slot_bytes(m)] if m.members else 0) for m in messages)
    sharing: dict[int, list[Message]] = {size: [] for size in slot_class}
    for message in messages:
        if message.slot_class:
            sharing[_slot_bytes(message)].append(message)
    of_tails = set(tail_sizes.values())
    shared = [m for m in messages if m.model.shared]
    counted = {m.size for m in shared if not m.tails} | set(_tail_sizes([m for m in shared if m.tails]).values())
    slot_sizes = tuple(SlotSize(size, sum(m.model.max_live or 0 for m in of), tuple(of), size in of_tails, size in counted)
                       for size, of in sharing.items())
    tail_classes = tuple(slot_class.get(tail_sizes.get(i, 0), 0) for i in range(max(tail_sizes, default=-1) + 1))
    return messages, slot_sizes, tail_classes


def _report_too_many_slots(slot_sizes: tuple[SlotSize, ...], protocol: model.Protocol, reporter: Reporter) -> None:
    """Raises SchemaError if a fixed pool would have more slots than can be counted."""
    for slot_size in slot_sizes:
        if slot_size.budget > MAX_BUDGET:
            reporter.error(slot_size.messages[-1].model.place, f'the "max_live" of the messages of {slot_size.bytes} bytes '
                           f"add up to {slot_size.budget}", f"the sum can be at most {MAX_BUDGET}: lower some of them")
    pool = sum(s.bytes * s.budget for s in slot_sizes)
    if pool > MAX_POOL:
        reporter.error(protocol.messages[-1].place, f'a fixed pool would take {pool} bytes',
                       f'it can take at most {MAX_POOL}: lower some "max_live"')
    reporter.raise_if_any()


@dataclass(frozen=True)
class _Elements:
    """The C types of a protocol's elements."""

    protocol: model.Protocol
    structs: dict[str, Struct]

    def member(self, name: str, element: model.Element, count: int | None = None) -> Member:
        if element.is_struct:
            struct = self.structs[element.name.schema]
            return Member(name, f"struct {self.protocol.name.c}_{element.name.c}", struct.size, struct.align, count,
                          holes=struct.all_holes if count is None else (), of_struct=struct.solid)
        if isinstance(element, Scalar):
            return Member(name, element.c, element.size, element.size, count, element.size == 8)
        return self._union(name, element) if isinstance(element, model.Union) else self.member(name, element.base, count)

    def _union(self, name: str, union: model.Union) -> Member:
        """Its members are the last parts of the alternatives."""
        parts = [(a.plain.name.member, a.type.parts[-1]) for a in union.alternatives]
        inner = tuple(self.member(member, part.element, part.count) for member, part in parts)
        align = max(m.align for m in inner)
        return Member(name, "", members.round_up(max(m.size for m in inner), align), align, of_struct=(), union=inner)


def _presence_bits(fields: tuple[model.Field, ...]) -> list[Member]:
    """The bits of optional fields, as one member."""
    bits = tuple(f"has_{f.name.c}" for f in fields if f.has_bit)
    return [Member("", "bool", -(-len(bits) // 8), 1, bits=bits)] if bits else []


def _record(record: model.Struct | model.Message, begin: int, align: int, elements: _Elements,
            reporter: Reporter) -> tuple[tuple[Member, ...], int, int, int]:
    """The parts of a Record: the members after the first `begin` bytes, size, alignment (at least `align`) and padding."""
    unplaced = _presence_bits(record.fields) + [elements.member(f.member(part), part.element, part.count)
                                                for f in record.fields for part in f.type.parts]
    align = max([align] + [m.align for m in unplaced])
    placed, size = members.place(members.order(unplaced, begin, align), begin, align)
    if size > MAX_SIZE:
        what = "message" if isinstance(record, model.Message) else "struct"
        reporter.error(record.place, f'"{record.name.schema}" takes {size} bytes, and a {what} can take at most {MAX_SIZE}',
                       "lower the bounds of its fields")
        size = align
    padding = size - begin - sum(m.size for m in unplaced)
    return placed, size, align, padding


def _message(message: model.Message, tag: Scalar, elements: _Elements, reporter: Reporter) -> Message:
    message_layout = Message(*_record(message, tag.size, tag.size, elements, reporter), message, tag_size=tag.size)
    return _with_tails(message_layout, elements, reporter) if message.tails else message_layout


def _with_tails(message_layout: Message, elements: _Elements, reporter: Reporter) -> Message:
    """A tail without a "max" can have as many elements as fit if the other tails are as short as they can be."""
    fields, tails = message_layout.model.tails, []
    begin, unit = message_layout.size, message_layout.align       # the end of what lies before, and what its place is a multiple of
    for number, field in enumerate(fields, 1):
        is_texts = field.type.is_texts
        element = elements.member(field.name.c, field.inner.offset if is_texts else field.element or SCALARS["char"])
        begin = round_up(begin, element.align)
        tails.append(Tail(element.name, element.c_type, element.element_size, begin, 0, int(field.element is None and not is_texts),
                          element.align, number, number > 1 and element.align > unit, int(is_texts)))
        begin += tails[-1].end
        unit = 1 if tails[-1].end or is_texts else gcd(max(unit, element.align), element.element_size)
    message_layout = replace(message_layout, tails=tuple(tails))
    rest = max(0, MAX_SIZE - message_layout.least_bytes)
    tails = [_with_texts(tail, field.inner, rest) if field.type.is_texts else replace(tail, most=field.type.most or rest // tail.element_size)
             for tail, field in zip(tails, fields)]
    message_layout = replace(message_layout, tails=tuple(tails))
    bytes_of_it = message_layout.bytes(lambda tail: tail.extent_most if fields[tail.number - 1].type.extent_most or len(fields) == 1 else 1)
    if bytes_of_it > MAX_SIZE or any(tail.most == 0 for tail in tails):
        what = f'"{fields[0].name.schema}"' if len(fields) == 1 else "its fields of any length"
        reporter.error(fields[-1].place, f'"{message_layout.model.name.schema}" takes up to {bytes_of_it} bytes, and a message can take at most '
                       f"{MAX_SIZE}", f'lower the "max" of {what}')
    return message_layout


def _with_texts(tail: Tail, of: Texts, rest: int) -> Tail:
    """The tail with the limits of its texts: without bounds, as many as fit if all are empty, and as long as one alone."""
    most, shortest = of.extent_most or rest, tail.element_size + 1
    return replace(tail, most=min(of.most or most, most // shortest), list_bytes=most, longest=min(of.longest or most, most - shortest))


def _tail_sizes(tailed: list[Message]) -> dict[int, int]:
    """The slot size of each tail_index that a message can need."""
    if not tailed:
        return {}
    first, last = min(tail_index(m.least_bytes) for m in tailed), max(tail_index(m.most_bytes) for m in tailed)
    return {index: tail_slot(index) for index in range(first, last + 1)}


def _slot_bytes(message: Message) -> int:
    """The bytes of its slot in a fixed pool."""
    return tail_slot(tail_index(message.most_bytes)) if message.tails else message.size
