# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool breaking`: the differences between two versions of a protocol, each with the categories of what it breaks."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from .. import model
from ..diagnostics import Place
from ..laid_out import Layout, Message, Record, Tail
from ..packing import packed_element, packed_length, packed_text_length
from ..scalars import Scalar, length_scalar
from .difference import Difference

_SOURCE, _LAYOUT, _WIRE, _BUDGET = (("SOURCE",), ("LAYOUT",), ("WIRE",), ("BUDGET",))
_COMPATIBLE = ()


def compare(old: Layout, new: Layout) -> list[Difference]:
    """All differences, in the order of the old schema; new things follow."""
    return [*_protocol(old, new), *_constants(old, new),
            *_named(old.protocol.enums, new.protocol.enums, "enum", _enum),
            *_named(old.protocol.flags, new.protocol.flags, "flags", _enum),
            *_named(*([t for t in of.protocol.types if t.is_value] for of in (old, new)), "type", _named_type),
            *_named(old.protocol.bit_fields, new.protocol.bit_fields, "bit field", _bit_field),
            *_records(old, new, "struct"), *_records(old, new, "message"),
            *_replies(old.protocol, new.protocol), *_without_since(old.protocol, new.protocol)]


# The protocol, its constants, enums and flags.

def _protocol(old: Layout, new: Layout) -> Iterator[Difference]:
    if old.protocol.name.c != new.protocol.name.c:
        yield Difference(_SOURCE, f"the protocol's C name is {new.protocol.name.c}, was {old.protocol.name.c}")
    if old.tag.size != new.tag.size:
        yield Difference(_LAYOUT, f"the tag takes {_bytes(new.tag.size)}, was {old.tag.size}: every message changes")
    if old.has_wide_tags != new.has_wide_tags:
        yield Difference(_SOURCE, f"tags are of the type {new.tag_type}, were of {old.tag_type}")
    yield from _wire(old, new)


def _wire(old: Layout, new: Layout) -> Iterator[Difference]:
    """How messages are sent. Records are compared by themselves."""
    was, now = old.protocol.wire, new.protocol.wire
    if bool(was) != bool(now):
        yield Difference(_WIRE, f"messages are {'packed' if now else 'no longer packed'}: all that is sent changes")
    if was and now and was.is_big != now.is_big:
        yield Difference(_WIRE, f"the order of bytes is {'big' if now.is_big else 'little'}, was {'big' if was.is_big else 'little'}: all that is sent changes")
    if (was or now) and old.tag_bytes != new.tag_bytes:
        sizes = [_bytes(layout.tag_bytes) if layout.tag_bytes else "no bytes" for layout in (new, old)]
        is_other = not old.tag_bytes or not new.tag_bytes        # another function receives
        yield Difference((_SOURCE if is_other else ()) + _WIRE, f"a tag that is sent takes {sizes[0]}, was {sizes[1]}")


def _sent(record: Record) -> tuple:
    """What the bytes of a packed record depend on, besides the structs in it. The names of fields do not matter."""
    return tuple(_sent_field(record, field) for field in record.model.fields)


def _sent_field(record: Record, field: model.Field) -> tuple:
    element = field.element
    if isinstance(element, model.Union):
        return "one_of", tuple(_sent_field(record, alternative) for alternative in element.alternatives)
    of = element.name.schema if isinstance(element, model.Struct) else packed_element(field)
    return field.has_bit, of, field.type.is_texts and packed_text_length(record.holder(field)), packed_length(record, field) if field.type.has_length else field.type.most


def _constants(old: Layout, new: Layout) -> Iterator[Difference]:
    def compared(what: str, was: model.Constant, now: model.Constant) -> Iterator[Difference]:
        yield from _c_name(what, was.name, now.name, was.place, now.place)
        if was.value != now.value:
            yield Difference(_COMPATIBLE, f"{what} is {now.value}, was {was.value}", was.place, now.place)

    return _named(old.protocol.constants, new.protocol.constants, "constant", compared)


def _named(old: Iterable, new: Iterable, kind: str, compared: Callable) -> Iterator[Difference]:
    """Constants, enums, flags, bit fields and named types."""
    now, was = {thing.name.schema: thing for thing in new}, {thing.name.schema for thing in old}
    for thing in old:
        what, other = f"{kind} {thing.name.schema}", now.get(thing.name.schema)
        yield from [Difference(_SOURCE, f"{what} is removed", thing.place)] if other is None else compared(what, thing, other)
    yield from (Difference(_COMPATIBLE, f"{kind} {thing.name.schema} is new{_since(thing)}", None, thing.place) for thing in new if thing.name.schema not in was)


def _named_type(what: str, old: model.NamedType, new: model.NamedType) -> Iterator[Difference]:
    """Its range, its default and its texts are compared at the fields that have them."""
    yield from _c_name(what, old.name, new.name, old.place, new.place)
    yield from _history(what, old, new)
    if old.stands_for != new.stands_for:
        yield Difference(_SOURCE, f"{what} is {new.stands_for}, was {old.stands_for}", old.place, new.place)


def _enum(what: str, old: model.Enum | model.Flags, new: model.Enum | model.Flags) -> Iterator[Difference]:
    yield from _c_name(what, old.name, new.name, old.place, new.place)
    if old.base != new.base:
        yield Difference(_SOURCE + (_LAYOUT if old.base.size != new.base.size else _WIRE),
                         f"{what}: its base is {new.base.name}, was {old.base.name}", old.place, new.place)
    if getattr(old, "wide", False) != getattr(new, "wide", False):
        yield Difference(_SOURCE, f"{what}: its values are {'macros' if new.wide else 'enumerators'} in C now, not {'enumerators' if new.wide else 'macros'}",
                         old.place, new.place)
    shown_old, shown = (getattr(of, "shown", str) for of in (old, new))
    now, was = {v.name.schema: v for v in new.values}, {v.name.schema for v in old.values}
    renamed = {v.number: v for v in new.values if v.name.schema not in was}
    for value in old.values:
        of, other = f"{what}: {value.name.schema}", now.get(value.name.schema)
        if other is None and (to := renamed.pop(value.number, None)) is not None:
            was.add(to.name.schema)
            yield Difference(_SOURCE, f"{of} is renamed to {to.name.schema}", value.place, to.place)
        elif other is None:
            yield Difference(_SOURCE + _WIRE, f"{of} is removed", value.place)
        elif other.number != value.number:
            yield Difference(_WIRE, f"{of} is {shown(other.number)}, was {shown_old(value.number)}", value.place, other.place)
        else:
            yield from _c_name(of, value.name, other.name, value.place, other.place)
            yield from _history(of, value, other)
    yield from (Difference(_COMPATIBLE, f"{what}: {v.name.schema} is new, {shown(v.number)}{_since(v)}", None, v.place) for v in new.values if v.name.schema not in was)
    yield from _masks(what, *(getattr(of, "masks", ()) for of in (old, new)))
    if isinstance(old, model.Enum) and old.values and new.values:
        initial = [0 if 0 in of.by_number else of.values[0].number for of in (old, new)]
        if initial[0] != initial[1] and initial[0] in new.by_number:
            names = [new.by_number[number].name.schema for number in initial if number in new.by_number]
            yield Difference(_COMPATIBLE, f"{what}: its default is {names[1]}, was {names[0]}", old.place, new.place)


def _masks(what: str, old: tuple[model.EnumValue, ...], new: tuple[model.EnumValue, ...]) -> Iterator[Difference]:
    """Names for several flags: constants, which no message contains."""
    now, was = {mask.name.schema: mask for mask in new}, {mask.name.schema for mask in old}
    for mask in old:
        of, other = f"{what}: {mask.name.schema}", now.get(mask.name.schema)
        if other is None:
            yield Difference(_SOURCE, f"{of} is removed", mask.place)
            continue
        yield from _c_name(of, mask.name, other.name, mask.place, other.place)
        yield from _history(of, mask, other)
        if other.number != mask.number:
            yield Difference(_COMPATIBLE, f"{of} is {other.number:#x}, was {mask.number:#x}", mask.place, other.place)
    yield from (Difference(_COMPATIBLE, f"{what}: {m.name.schema} is new, {m.number:#x}{_since(m)}", None, m.place) for m in new if m.name.schema not in was)


def _bit_field(what: str, old: model.BitField, new: model.BitField) -> Iterator[Difference]:
    yield from _c_name(what, old.name, new.name, old.place, new.place)
    if old.base != new.base:
        yield Difference(_SOURCE + _LAYOUT, f"{what}: its base is {new.base.name}, was {old.base.name}", old.place, new.place)
    now, was = {p.name.schema: p for p in new.parts}, {p.name.schema for p in old.parts}
    renamed = {_bits_of(p): p for p in new.parts if p.name.schema not in was}
    for part in old.parts:
        of, other = f"{what}: {part.name.schema}", now.get(part.name.schema)
        if other is not None:
            yield from _bit_part(of, part, other)
        elif (to := renamed.pop(_bits_of(part), None)) is not None:
            was.add(to.name.schema)
            yield Difference(_SOURCE, f"{of} is renamed to {to.name.schema}", part.place, to.place)
        else:
            yield Difference(_SOURCE + _WIRE, f"{of} is removed", part.place)
    yield from (Difference(_SOURCE, f"{what}: {p.name.schema} is new, {_where(p)}{_since(p)}: constructors have another parameter", None, p.place)
                for p in new.parts if p.name.schema not in was)


def _bits_of(part: model.BitPart) -> tuple:
    """What stays the same when a part is only renamed."""
    return part.shift, part.bits, part.type and part.type.name, part.range, part.unit


def _where(part: model.BitPart) -> str:
    last = part.shift + part.bits - 1
    return f"bit {last}" if part.bits == 1 else f"bits {part.shift} to {last}"


def _bit_part(of: str, was: model.BitPart, now: model.BitPart) -> Iterator[Difference]:
    places = was.place, now.place
    types = [p.type and getattr(p.type.name, "schema", p.type.name) or "a number" for p in (was, now)]
    yield from _c_name(of, was.name, now.name, *places)
    if types[0] != types[1]:
        yield Difference(_SOURCE + _WIRE, f"{of} is {types[1]}, was {types[0]}", *places)
    if (was.shift, was.bits) != (now.shift, now.bits):
        only_wider = was.shift == now.shift and was.bits < now.bits and was.scalar == now.scalar
        yield Difference(_COMPATIBLE if only_wider else _SOURCE * (was.scalar != now.scalar) + _WIRE, f"{of} is {_where(now)}, was {_where(was)}", *places)
    if was.range != now.range:
        is_narrower = now.ends.low > was.ends.low or now.ends.high < was.ends.high
        yield Difference(_SOURCE + _WIRE if is_narrower else _COMPATIBLE, f"{of}: its range is {_shown(now.range)}, was {_shown(was.range)}", *places)
    yield from _history(of, was, now)
    yield from _texts(of, was, now)


# Structs and messages.

def _records(old: Layout, new: Layout, kind: str) -> Iterator[Difference]:
    records, others = (of.structs if kind == "struct" else of.messages for of in (old, new))
    is_packed = bool(old.protocol.wire and new.protocol.wire)
    now = {record.model.name.schema: record for record in others}
    was = {record.model.name.schema for record in records}
    alike: dict[tuple, list[Record]] = {}
    for record in others:
        if record.model.name.schema not in was:
            alike.setdefault(_alike(record), []).append(record)
    for record in records:
        what, other = f"{kind} {record.model.name.schema}", now.get(record.model.name.schema)
        if other is not None:
            yield from _c_name(what, record.model.name, other.model.name, record.model.place, other.model.place)
            yield from _message(what, record, other) if kind == "message" else _history(what, record.model, other.model)
            yield from _record(what, record, other, kind == "message" and _slot(new, other) > _slot(old, record) and other.model.max_live, is_packed)
        elif renamed := next((r for r in alike.get(_alike(record), ()) if r.model.name.schema not in was), None):
            was.add(renamed.model.name.schema)
            yield Difference(_SOURCE, f"{what} is renamed to {renamed.model.name.schema}", record.model.place, renamed.model.place)
            yield from _message(what, record, renamed) if kind == "message" else ()
            yield from _record(what, record, renamed, kind == "message" and _slot(new, renamed) > _slot(old, record) and renamed.model.max_live, is_packed)
        else:
            yield Difference(_SOURCE + (_WIRE if kind == "message" else ()), f"{what} is removed", record.model.place)
    for record in others:
        if record.model.name.schema not in was:
            tag = f", with the tag {record.model.tag}" if kind == "message" else ""
            grows = _BUDGET if kind == "message" and _slot(new, record) and record.model.max_live else _COMPATIBLE
            yield Difference(grows, f"{kind} {record.model.name.schema} is new{tag}{_since(record.model)}", None, record.model.place)


def _alike(record: Record) -> tuple:
    """What stays the same when a record is only renamed."""
    return (record.model.tag if isinstance(record, Message) else 0, *((f.name, _shape(f.type)) for f in record.model.fields))


def _slot(layout: Layout, message: Message) -> int:
    """The bytes of its slot in a fixed pool; 0 if it is never allocated."""
    return layout.slot_sizes[message.slot_class - 1].bytes if message.slot_class else 0


def _record(what: str, old: Record, new: Record, pool_grows: bool, is_packed: bool) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    if old.size != new.size:
        yield Difference(_LAYOUT + (_BUDGET if pool_grows else ()), f"{what} takes {_bytes(new.size)}, was {old.size}", *places)
    now, was = {f.name.schema: f for f in new.model.fields}, {f.name.schema for f in old.model.fields}
    renamed = {_identity(new, f) for f in new.model.fields if f.name.schema not in was}
    renamed &= {_identity(old, f) for f in old.model.fields if f.name.schema not in now}
    same_in_c = {f.name.c: f for f in new.model.fields if f.name.schema not in was}
    order = {}                          # what fields that are only renamed in the schema are called there now
    for field in old.model.fields:
        other = now.get(field.name.schema)
        if other is None and (to := same_in_c.get(field.name.c)) and _identity(old, field) == _identity(new, to):
            was.add(to.name.schema)
            order[field.name.schema] = to.name.schema
            other = to
            yield Difference(_COMPATIBLE, f"{what}: field {field.name.schema} is renamed to {to.name.schema}; in C it is {to.name.c} as before", field.place, to.place)
        if other is None:
            breaks = _SOURCE if _identity(old, field) in renamed else _SOURCE + _LAYOUT + _WIRE
            yield Difference(breaks, f"{what}: field {field.name.schema} is removed", field.place)
        else:
            yield from _field(f"{what}: field {field.name.schema}", old, new, field, other)
            if field.is_tail and other.is_tail:
                yield from _behind(f"{what}: field {field.name.schema}", old, new, field, other)
                if field.type.most or other.type.most or field.type.is_texts or _shape(field.type) != _shape(other.type):
                    yield from _tail(f"{what}: field {field.name.schema}", old.holder(field), new.holder(other), pool_grows, field.place, other.place)
    for field in new.model.fields:
        if field.name.schema not in was:
            breaks = _SOURCE if _identity(new, field) in renamed or _was_padding(old, new, field) else _SOURCE + _LAYOUT
            yield Difference(breaks, f"{what}: field {field.name.schema} is new{_since(field)}: constructors have another parameter", None, field.place)
    yield from _named(old.model.constants, new.model.constants, f"{what}: constant", _constant)
    common = [[name for f in r.model.fields if (name := order.get(f.name.schema, f.name.schema)) in now and name in was] for r in (old, new)]
    if common[0] != common[1]:
        yield Difference(_SOURCE + (_WIRE if is_packed else ()), f"{what}: its fields, and so the parameters of constructors, are in another order", *places)
    if is_packed and _sent(old) != _sent(new):
        yield Difference(_WIRE, f"{what}: its packed bytes change", *places)
    if old.model.doc != new.model.doc:
        yield Difference(_COMPATIBLE, f"{what}: its doc changes", *places)


def _constant(what: str, was: model.ConstantField, now: model.ConstantField) -> Iterator[Difference]:
    places = was.place, now.place
    yield from _history(what, was, now)
    yield from _c_name(what, was.name, now.name, *places)
    if was.value != now.value:
        yield Difference(_WIRE, f"{what} is {now.value}, was {was.value}", *places)
    if was.spelling != now.spelling:
        yield Difference(_SOURCE, f"{what} is {now.spelling}, was {was.spelling}", *places)
    yield from _texts(what, was, now)


def _texts(what: str, was: model.Field | model.ConstantField | model.BitPart, now: model.Field | model.ConstantField | model.BitPart) -> Iterator[Difference]:
    """Its unit and its doc."""
    if was.unit != now.unit:
        yield Difference(_WIRE if was.unit else _COMPATIBLE, f"{what}: its unit is {now.unit or 'not given'}, was {was.unit or 'not given'}", was.place, now.place)
    if was.doc != now.doc:
        yield Difference(_COMPATIBLE, f"{what}: its doc changes", was.place, now.place)


def _identity(record: Record, field: model.Field) -> tuple:
    """What stays the same when a field is only renamed."""
    return _shape(field.type), tuple(_offsets(record, field)), field.unit, field.range, _absent(field), field.inner.pad, field.type.most if field.is_tail else None


def _message(what: str, old: Message, new: Message) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    if old.model.tag != new.model.tag:
        yield Difference(_WIRE, f"{what}: its tag is {new.model.tag}, was {old.model.tag}", *places)
    was, now = old.model.max_live or 0, new.model.max_live or 0
    if was != now:
        yield Difference((_SOURCE if now < was else ()) + _BUDGET, f"{what}: a fixed pool guarantees {now} of them, was {was}", *places)
    if old.model.shared != new.model.shared:
        yield Difference(_SOURCE + (_BUDGET if new.model.shared and now else ()), f"{what}: it is {'shared' if new.model.shared else 'no longer shared'}: "
                         "edit has other parameters", *places)
    yield from _history(what, old.model, new.model)


_Dated = model.Message | model.Struct | model.NamedType | model.BitPart | model.Field | model.ConstantField | model.EnumValue


def _since(of: _Dated) -> str:
    return f", since version {of.since}" if getattr(of, "since", 0) else ""


def _history(what: str, old: _Dated, new: _Dated) -> Iterator[Difference]:
    if old.since != new.since:
        yield Difference(_COMPATIBLE, f"{what}: its since is {new.since or 'removed'}, was {old.since or 'not given'}", old.place, new.place)
    if bool(old.deprecated) != bool(new.deprecated):
        yield Difference(_COMPATIBLE, f"{what} is {'' if new.deprecated else 'no longer '}deprecated", old.place, new.place)


def _without_since(old: model.Protocol, new: model.Protocol) -> Iterator[Difference]:
    """What is new and does not say since which version, where the schema says it of other things."""
    if new.has_history:
        was = {name for name, _ in _dated(old, old)}
        yield from (Difference(_COMPATIBLE, f"{name} is new, but has no since; others have", None, thing.place)
                    for name, thing in _dated(new, old) if name not in was and not thing.since)


def _dated(protocol: model.Protocol, old: model.Protocol) -> Iterator[tuple[str, _Dated]]:
    """What can have a since, with its name. Fields and values of what is new as a whole are as new as that."""
    known = {thing.name.schema for thing in (*old.enums, *old.flags, *old.bit_fields, *old.structs, *old.messages)}
    for kind, enums in (("enum", protocol.enums), ("flags", protocol.flags)):
        yield from ((f"{kind} {e.name.schema}: {v.name.schema}", v) for e in enums if e.name.schema in known for v in e.values)
    for kind, records in (("struct", protocol.structs), ("message", protocol.messages)):
        yield from ((f"{kind} {r.name.schema}: field {f.name.schema}", f) for r in records if r.name.schema in known for f in r.fields)
    yield from ((f"bit field {b.name.schema}: {part.name.schema}", part) for b in protocol.bit_fields if b.name.schema in known for part in b.parts)
    for kind, things in (("type", protocol.types), ("struct", protocol.structs), ("message", protocol.messages)):
        yield from ((f"{kind} {thing.name.schema}", thing) for thing in things)


def _adds_nothing(message: Message, tail: Tail) -> bool:
    """Whether a message is as long without the tail as with it empty."""
    begins_at_the_end = tail.offset == message.size if tail.number == 1 else tail.align == 1
    return tail is message.tails[-1] and begins_at_the_end and not tail.end


def _was_padding(old: Record, new: Record, field: model.Field) -> bool:
    """Whether the schema calls the field newer than its message, and it takes what was padding. That is 0 in old messages: so an
    optional field is absent there, and a tail is empty."""
    if not field.since or not isinstance(new, Message) or old.size != new.size or not (field.has_bit or field.is_tail):
        return False
    if field.is_tail and not _adds_nothing(new, new.holder(field)):
        return False
    padding = {byte for hole in old.holes for byte in range(hole.offset, hole.end)}
    members = [new.member(name) for name in field.members if new.has_member(name)]
    members += [m for m in new.members if m.bits and field.has_bit]
    return all(byte in padding for m in members for byte in range(m.offset, m.offset + m.size))


def _replies(old: model.Protocol, new: model.Protocol) -> Iterator[Difference]:
    """A program knows the replies that its schema names. If a schema names none, it promises nothing."""
    now = {message.name.schema: message for message in new.messages}
    for was in old.messages:
        message = now.get(was.name.schema, was)
        if set(was.replies) == set(message.replies):
            continue
        tags = [{reply.tag for reply in of.replies[was.name.schema]} for of in (old, new)]
        if tags[0] != tags[1]:              # a reply that is only renamed keeps its tag
            named = [", ".join(of.replies) or "not named" for of in (message, was)]
            yield Difference(_WIRE if was.replies else _COMPATIBLE, f"message {was.name.schema}: its replies are {named[0]}, were {named[1]}",
                             was.place, message.place)


def _field(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    places = was.place, now.place
    yield from _c_name(what, was.name, now.name, *places)
    if isinstance(was.element, model.Union) and isinstance(now.element, model.Union):
        yield from _alternatives(what, old, new, was, now)
        yield from _moved(what, old, new, was, now)
    elif _shape(was.type) != _shape(now.type):
        yield Difference(_of_type(old, new, was, now), f"{what} is {_written(now, was)}, was {_written(was, now)}", *places)
    elif was.spelling != now.spelling:
        yield Difference(_COMPATIBLE, f"{what} is written {now.spelling}, was {was.spelling}", *places)
    elif not isinstance(was, model.Alternative):
        yield from _moved(what, old, new, was, now)
    if was.inner.pad != now.inner.pad:
        yield Difference(_WIRE, f"{what} is padded with {_character(now.inner.pad)}, was {_character(was.inner.pad)}", *places)
    if was.absent is not None and now.absent is not None and _absent(was) != _absent(now):
        yield Difference(_SOURCE + _WIRE, f"{what}: {_absent(now)} means absent, was {_absent(was)}", *places)
    if was.range != now.range:
        low, high = _ends(was)
        new_low, new_high = _ends(now)
        breaks = _SOURCE + _WIRE if new_low > low or new_high < high else _COMPATIBLE
        yield Difference(breaks, f"{what}: its range is {_shown(now.range)}, was {_shown(was.range)}", *places)
    if was.default != now.default:
        yield Difference(_COMPATIBLE, f"{what}: its default changes", *places)
    yield from _history(what, was, now)
    yield from _texts(what, was, now)


def _moved(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    moved, to = _offsets(old, was), _offsets(new, now)
    if moved != to and len(moved) == len(to):
        of = ": its length" if _is_behind(new, now) else ""
        yield Difference(_LAYOUT, f"{what}{of} is at offset {to[-1]}, was at {moved[-1]}", was.place, now.place)


def _alternatives(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    """An alternative keeps its number if those before it stay."""
    if was.type.optional != now.type.optional:
        yield Difference(_SOURCE if now.type.optional else _SOURCE + _WIRE,
                         f"{what} is {'one of its alternatives or none' if now.type.optional else 'always one of its alternatives'}, was "
                         f"{'always one' if now.type.optional else 'one or none'}", was.place, now.place)
    numbers = {a.name.schema: (number, a) for number, a in enumerate(now.element.alternatives, 1)}
    before = {a.name.schema for a in was.element.alternatives}
    for number, alternative in enumerate(was.element.alternatives, 1):
        of = f"{what}: alternative {alternative.name.schema}"
        to, other = numbers.get(alternative.name.schema, (0, None))
        if other is None:
            yield Difference(_SOURCE + _WIRE, f"{of} is removed", alternative.place)
            continue
        if to != number:
            yield Difference(_WIRE, f"{of} has the number {to}, had {number}", alternative.place, other.place)
        yield from _field(of, old, new, alternative, other)
    yield from (Difference(_SOURCE, f"{what}: alternative {name} is new{_since(a)}: constructors have another parameter", None, a.place)
                for name, (_, a) in numbers.items() if name not in before)


def _of_type(old: Record, new: Record, was: model.Field, now: model.Field) -> tuple[str, ...]:
    """What a change of a field's type breaks."""
    moved = _LAYOUT if _places_of(old, was) != _places_of(new, now) else ()
    if _stored(was) == _stored(now):    # and the difference is one of ranges
        return moved
    means = _meaning(was), _meaning(now)
    if _absent(was) != _absent(now):
        return _SOURCE + moved + _WIRE
    narrower = _width(now) < _width(was) or (now.type.most or 0) < (was.type.most or 0) or _longest(now) < _longest(was)
    if was.is_optional == now.is_optional and _shape(was.inner)[:3] == _shape(now.inner)[:3] and was.inner.kind != "array" and not narrower:
        return moved                    # only its bound is raised
    return _SOURCE + moved + (_WIRE if means[0] != means[1] or narrower else ())


def _stored(field: model.Field) -> tuple:
    """What stays the same when only the width of its scalar changes, as from u24 to u32."""
    element = field.element
    if not isinstance(element, Scalar):
        return _shape(field.type)
    return _shape(field.type)[:-2], element.family, element.size, _shape(field.type)[-1]


def _meaning(field: model.Field) -> tuple:
    """What its bytes stand for, whatever their number."""
    element = field.element
    if isinstance(element, Scalar):
        return field.inner.kind, "float" if element.family in ("half", "double") else element.family
    if isinstance(element, (model.Enum, model.Flags)):
        return field.inner.kind, type(element).__name__, tuple(element.numbers.items())
    if isinstance(element, model.BitField):
        return field.inner.kind, "BitField", tuple((p.name.schema, *_bits_of(p)[:2]) for p in element.parts)
    if isinstance(element, model.Union):
        return field.inner.kind, tuple((a.name.schema, _shape(a.type)) for a in element.alternatives)
    return field.inner.kind, element and tuple((f.name.schema, _shape(f.type)) for f in element.fields)


def _width(field: model.Field) -> int:
    """The bytes of a number; 0 for other elements."""
    return field.element.size if isinstance(field.element, Scalar) else 0


def _longest(field: model.Field) -> float:
    """The characters of each text of a list; infinite if they have no bound, or if it is another type."""
    return field.type.is_texts and field.inner.longest or float("inf")


def _written(field: model.Field, other: model.Field) -> str:
    """The type as it is written; if the other is written the same, what the type stands for."""
    if field.spelling != other.spelling:
        return field.spelling
    if field.type.kind != other.type.kind and field.element == other.element:
        return f"{field.spelling} with {'a bit' if field.has_bit else f'absent: {_absent(field)}'}"
    if field.named is not None:
        return f"{field.spelling} ({field.named.stands_for})"
    kind = {model.Enum: "an enum", model.Flags: "flags", model.BitField: "a bit field", model.Struct: "a struct"}.get(type(field.element), "a scalar")
    if type(field.element) is not type(other.element):
        return f"{kind}, {field.spelling}"
    return re.sub(r"\w+(?=\s*\])", str(field.type.most), field.spelling)


def _absent(field: model.Field) -> str:
    """The number that means that it is absent; empty if there is none."""
    return "" if field.absent is None else model.number_text(field.absent, field.element)


def _behind(what: str, old: Message, new: Message, was: model.Field, now: model.Field) -> Iterator[Difference]:
    """The tails before it: where it begins depends on their lengths."""
    before, to = (", ".join(f.name.schema for f in of.model.tails[:of.holder(field).number - 1]) for of, field in ((old, was), (new, now)))
    if before != to:
        yield Difference(_LAYOUT, f"{what} lies behind {to or 'the struct'}, was behind {before or 'the struct'}", was.place, now.place)


def _tail(what: str, old: Tail, new: Tail, pool_grows: bool, was: Place, now: Place) -> Iterator[Difference]:
    if old.most != new.most:
        breaks = _SOURCE + _WIRE if new.most < old.most else _BUDGET if pool_grows else _COMPATIBLE
        yield Difference(breaks, f"{what} has at most {new.most} elements, was {old.most}", was, now)
    lengths = [length_scalar(tail.most) for tail in (old, new)]
    if lengths[0] != lengths[1]:
        yield Difference(_LAYOUT, f"{what}: its length takes {_bytes(lengths[1].size)}, was {lengths[0].size}", was, now)
    if old.most == new.most and new.list_bytes > old.list_bytes > 0 and pool_grows:
        yield Difference(_BUDGET, f"{what} takes up to {_bytes(new.list_bytes)}, was {old.list_bytes}", was, now)
    if old.list_bytes and new.list_bytes and old.element_size != new.element_size:
        yield Difference(_LAYOUT, f"{what}: an offset takes {_bytes(new.element_size)}, was {old.element_size}", was, now)


def _ends(field: model.Field) -> tuple[float, float]:
    """The lowest and the highest number that is allowed: without a range, those of the type."""
    element = field.element
    if field.range or not isinstance(element, Scalar) or element.family not in ("unsigned", "signed"):
        return field.range or (float("-inf"), float("inf"))
    return (0, 2**element.bits - 1) if element.family == "unsigned" else (-2**(element.bits - 1), 2**(element.bits - 1) - 1)


def _shown(allowed: model.Range | None) -> str:
    return f"{allowed.low} to {allowed.high}" if allowed else "that of its type"


def _shape(of: model.FieldType) -> tuple:
    """The field's type. Changes inside enums, flags and structs are reported there, not here."""
    if of.is_optional:
        return of.kind, *_shape(of.of)
    element = of.element
    if isinstance(element, model.Union):
        return of.kind, "Union", tuple((a.name.schema, _shape(a.type)) for a in element.alternatives), (of.optional,)
    left_out = ("element", "pad", "most") if of.is_tail else ("element", "pad")
    own = tuple(getattr(of, field.name) for field in fields(of) if field.name not in left_out)
    return of.kind, type(element).__name__, element and getattr(element.name, "schema", element.name), own


def _offsets(record: Record, field: model.Field) -> list[int]:
    return [offset for offset, _ in _places_of(record, field)]


def _places_of(record: Record, field: model.Field) -> list[tuple[int, int]]:
    """The offset and the bytes of each part of the field; a tail behind another has only its length at a fixed place."""
    names = (f"{field.name.c}_bytes", f"{field.name.c}_len") if field.type.is_texts else (f"{field.name.c}_which", field.name.length, field.name.member)
    bits = [(record.offset_of_bits + record.bit_of(f"has_{field.name.c}") / 8, 0)] if field.has_bit else []
    tail = [(record.holder(field).offset, record.holder(field).element_size)] if field.is_tail and not _is_behind(record, field) else []
    return bits + [(record.member(name).offset, record.member(name).size) for name in names if record.has_member(name)] + tail


def _is_behind(record: Record, field: model.Field) -> bool:
    """Whether it lies behind another tail, and so at no fixed offset."""
    return field.is_tail and record.holder(field).number > 1


def _character(character: str) -> str:
    return "NUL" if character == "\0" else f"'{character}'"


def _c_name(what: str, old: model.Name, new: model.Name, was: Place | None, now: Place | None) -> Iterator[Difference]:
    if old.c != new.c:
        yield Difference(_SOURCE, f"{what}: its C name is {new.c}, was {old.c}", was, now)


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"
