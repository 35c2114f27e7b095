# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What changed in structs and messages, and in their fields."""

import re
from collections.abc import Iterator
from dataclasses import fields

from .. import model
from ..diagnostics import Place
from ..laid_out import Layout, Message, Record, Tail
from ..packing import packed_element, packed_length, packed_text_length
from ..scalars import Scalar, length_scalar
from .breaking_types import bits_of
from .compared import c_name, history, in_bytes, named, shown_range, since, texts
from .difference import BUDGET, COMPATIBLE, LAYOUT, SOURCE, WIRE, Difference


def records(old: Layout, new: Layout, kind: str) -> Iterator[Difference]:
    before, after = (of.structs if kind == "struct" else of.messages for of in (old, new))
    is_packed = bool(old.protocol.wire and new.protocol.wire)
    now = {record.model.name.schema: record for record in after}
    was = {record.model.name.schema for record in before}
    alike: dict[tuple, list[Record]] = {}
    for record in after:
        if record.model.name.schema not in was:
            alike.setdefault(_alike(record), []).append(record)
    for record in before:
        what, other = f"{kind} {record.model.name.schema}", now.get(record.model.name.schema)
        if other is not None:
            yield from c_name(what, record.model.name, other.model.name, record.model.place, other.model.place)
            yield from _message(what, record, other) if kind == "message" else history(what, record.model, other.model)
            yield from _record(what, record, other, kind == "message" and _slot(new, other) > _slot(old, record) and other.model.max_live, is_packed)
        elif renamed := next((r for r in alike.get(_alike(record), ()) if r.model.name.schema not in was), None):
            was.add(renamed.model.name.schema)
            yield Difference(SOURCE, f"{what} is renamed to {renamed.model.name.schema}", record.model.place, renamed.model.place)
            yield from _message(what, record, renamed) if kind == "message" else ()
            yield from _record(what, record, renamed, kind == "message" and _slot(new, renamed) > _slot(old, record) and renamed.model.max_live, is_packed)
        else:
            yield Difference(SOURCE + (WIRE if kind == "message" else ()), f"{what} is removed", record.model.place)
    for record in after:
        if record.model.name.schema not in was:
            tag = f", with the tag {record.model.tag}" if kind == "message" else ""
            grows = BUDGET if kind == "message" and _slot(new, record) and record.model.max_live else COMPATIBLE
            yield Difference(grows, f"{kind} {record.model.name.schema} is new{tag}{since(record.model)}", None, record.model.place)


def _alike(record: Record) -> tuple:
    """What stays the same when a record is only renamed."""
    return (record.model.tag if isinstance(record, Message) else 0, *((f.name, _shape(f.type)) for f in record.model.fields))


def _slot(layout: Layout, message: Message) -> int:
    """The bytes of its slot in a fixed pool; 0 if it is never allocated."""
    return layout.slot_sizes[message.slot_class - 1].bytes if message.slot_class else 0


def _message(what: str, old: Message, new: Message) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    if old.model.tag != new.model.tag:
        yield Difference(WIRE, f"{what}: its tag is {new.model.tag}, was {old.model.tag}", *places)
    was, now = old.model.max_live or 0, new.model.max_live or 0
    if was != now:
        yield Difference((SOURCE if now < was else ()) + BUDGET, f"{what}: a fixed pool guarantees {now} of them, was {was}", *places)
    if old.model.shared != new.model.shared:
        yield Difference(SOURCE + (BUDGET if new.model.shared and now else ()), f"{what}: it is {'shared' if new.model.shared else 'no longer shared'}: "
                         "edit has other parameters", *places)
    yield from history(what, old.model, new.model)


def _record(what: str, old: Record, new: Record, pool_grows: bool, is_packed: bool) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    if old.size != new.size:
        yield Difference(LAYOUT + (BUDGET if pool_grows else ()), f"{what} takes {in_bytes(new.size)}, was {old.size}", *places)
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
            yield Difference(COMPATIBLE, f"{what}: field {field.name.schema} is renamed to {to.name.schema}; in C it is {to.name.c} as before", field.place, to.place)
        if other is None:
            breaks = SOURCE if _identity(old, field) in renamed else SOURCE + LAYOUT + WIRE
            yield Difference(breaks, f"{what}: field {field.name.schema} is removed", field.place)
        else:
            yield from _field(f"{what}: field {field.name.schema}", old, new, field, other)
            if field.is_tail and other.is_tail:
                yield from _behind(f"{what}: field {field.name.schema}", old, new, field, other)
                if field.type.most or other.type.most or field.type.is_texts or _shape(field.type) != _shape(other.type):
                    yield from _tail(f"{what}: field {field.name.schema}", old.holder(field), new.holder(other), pool_grows, field.place, other.place)
    for field in new.model.fields:
        if field.name.schema not in was:
            breaks = SOURCE if _identity(new, field) in renamed or _was_padding(old, new, field) else SOURCE + LAYOUT
            yield Difference(breaks, f"{what}: field {field.name.schema} is new{since(field)}: constructors have another parameter", None, field.place)
    yield from named(old.model.constants, new.model.constants, f"{what}: constant", _constant)
    common = [[name for f in r.model.fields if (name := order.get(f.name.schema, f.name.schema)) in now and name in was] for r in (old, new)]
    if common[0] != common[1]:
        yield Difference(SOURCE + (WIRE if is_packed else ()), f"{what}: its fields, and so the parameters of constructors, are in another order", *places)
    if is_packed and _sent(old) != _sent(new):
        yield Difference(WIRE, f"{what}: its packed bytes change", *places)
    if old.model.doc != new.model.doc:
        yield Difference(COMPATIBLE, f"{what}: its doc changes", *places)


def _sent(record: Record) -> tuple:
    """What the bytes of a packed record depend on, besides the structs in it. The names of fields do not matter."""
    return tuple(_sent_field(record, field) for field in record.model.fields)


def _sent_field(record: Record, field: model.Field) -> tuple:
    element = field.element
    if isinstance(element, model.Union):
        return "one_of", tuple(_sent_field(record, alternative) for alternative in element.alternatives)
    of = element.name.schema if isinstance(element, model.Struct) else packed_element(field)
    return field.has_bit, of, field.type.is_texts and packed_text_length(record.holder(field)), packed_length(record, field) if field.type.has_length else field.type.most


def _constant(what: str, was: model.ConstantField, now: model.ConstantField) -> Iterator[Difference]:
    places = was.place, now.place
    yield from history(what, was, now)
    yield from c_name(what, was.name, now.name, *places)
    if was.value != now.value:
        yield Difference(WIRE, f"{what} is {now.value}, was {was.value}", *places)
    if was.spelling != now.spelling:
        yield Difference(SOURCE, f"{what} is {now.spelling}, was {was.spelling}", *places)
    yield from texts(what, was, now)


def _identity(record: Record, field: model.Field) -> tuple:
    """What stays the same when a field is only renamed."""
    return _shape(field.type), tuple(_offsets(record, field)), field.unit, field.range, _absent(field), field.inner.pad, field.type.most if field.is_tail else None


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


def _field(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    places = was.place, now.place
    yield from c_name(what, was.name, now.name, *places)
    if isinstance(was.element, model.Union) and isinstance(now.element, model.Union):
        yield from _alternatives(what, old, new, was, now)
        yield from _moved(what, old, new, was, now)
    elif _shape(was.type) != _shape(now.type):
        yield Difference(_of_type(old, new, was, now), f"{what} is {_written(now, was)}, was {_written(was, now)}", *places)
    elif was.spelling != now.spelling:
        yield Difference(COMPATIBLE, f"{what} is written {now.spelling}, was {was.spelling}", *places)
    elif not isinstance(was, model.Alternative):
        yield from _moved(what, old, new, was, now)
    if was.inner.pad != now.inner.pad:
        yield Difference(WIRE, f"{what} is padded with {_character(now.inner.pad)}, was {_character(was.inner.pad)}", *places)
    if was.absent is not None and now.absent is not None and _absent(was) != _absent(now):
        yield Difference(SOURCE + WIRE, f"{what}: {_absent(now)} means absent, was {_absent(was)}", *places)
    if was.range != now.range:
        low, high = _ends(was)
        new_low, new_high = _ends(now)
        breaks = SOURCE + WIRE if new_low > low or new_high < high else COMPATIBLE
        yield Difference(breaks, f"{what}: its range is {shown_range(now.range)}, was {shown_range(was.range)}", *places)
    if was.default != now.default:
        yield Difference(COMPATIBLE, f"{what}: its default changes", *places)
    yield from history(what, was, now)
    yield from texts(what, was, now)


def _moved(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    moved, to = _offsets(old, was), _offsets(new, now)
    if moved != to and len(moved) == len(to):
        of = ": its length" if _is_behind(new, now) else ""
        yield Difference(LAYOUT, f"{what}{of} is at offset {to[-1]}, was at {moved[-1]}", was.place, now.place)


def _alternatives(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    """An alternative keeps its number if those before it stay."""
    if was.type.optional != now.type.optional:
        yield Difference(SOURCE if now.type.optional else SOURCE + WIRE,
                         f"{what} is {'one of its alternatives or none' if now.type.optional else 'always one of its alternatives'}, was "
                         f"{'always one' if now.type.optional else 'one or none'}", was.place, now.place)
    numbers = {a.name.schema: (number, a) for number, a in enumerate(now.element.alternatives, 1)}
    before = {a.name.schema for a in was.element.alternatives}
    for number, alternative in enumerate(was.element.alternatives, 1):
        of = f"{what}: alternative {alternative.name.schema}"
        to, other = numbers.get(alternative.name.schema, (0, None))
        if other is None:
            yield Difference(SOURCE + WIRE, f"{of} is removed", alternative.place)
            continue
        if to != number:
            yield Difference(WIRE, f"{of} has the number {to}, had {number}", alternative.place, other.place)
        yield from _field(of, old, new, alternative, other)
    yield from (Difference(SOURCE, f"{what}: alternative {name} is new{since(a)}: constructors have another parameter", None, a.place)
                for name, (_, a) in numbers.items() if name not in before)


def _of_type(old: Record, new: Record, was: model.Field, now: model.Field) -> tuple[str, ...]:
    """What a change of a field's type breaks."""
    moved = LAYOUT if _places_of(old, was) != _places_of(new, now) else ()
    if _stored(was) == _stored(now):    # and the difference is one of ranges
        return moved
    means = _meaning(was), _meaning(now)
    if _absent(was) != _absent(now):
        return SOURCE + moved + WIRE
    narrower = _width(now) < _width(was) or (now.type.most or 0) < (was.type.most or 0) or _longest(now) < _longest(was)
    if was.is_optional == now.is_optional and _shape(was.inner)[:3] == _shape(now.inner)[:3] and was.inner.kind != "array" and not narrower:
        return moved                    # only its bound is raised
    return SOURCE + moved + (WIRE if means[0] != means[1] or narrower else ())


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
        return field.inner.kind, "BitField", tuple((p.name.schema, *bits_of(p)[:2]) for p in element.parts)
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
        yield Difference(LAYOUT, f"{what} lies behind {to or 'the struct'}, was behind {before or 'the struct'}", was.place, now.place)


def _tail(what: str, old: Tail, new: Tail, pool_grows: bool, was: Place, now: Place) -> Iterator[Difference]:
    if old.most != new.most:
        breaks = SOURCE + WIRE if new.most < old.most else BUDGET if pool_grows else COMPATIBLE
        yield Difference(breaks, f"{what} has at most {new.most} elements, was {old.most}", was, now)
    lengths = [length_scalar(tail.most) for tail in (old, new)]
    if lengths[0] != lengths[1]:
        yield Difference(LAYOUT, f"{what}: its length takes {in_bytes(lengths[1].size)}, was {lengths[0].size}", was, now)
    if old.most == new.most and new.list_bytes > old.list_bytes > 0 and pool_grows:
        yield Difference(BUDGET, f"{what} takes up to {in_bytes(new.list_bytes)}, was {old.list_bytes}", was, now)
    if old.list_bytes and new.list_bytes and old.element_size != new.element_size:
        yield Difference(LAYOUT, f"{what}: an offset takes {in_bytes(new.element_size)}, was {old.element_size}", was, now)


def _ends(field: model.Field) -> tuple[float, float]:
    """The lowest and the highest number that is allowed: without a range, those of the type."""
    element = field.element
    if field.range or not isinstance(element, Scalar) or element.family not in ("unsigned", "signed"):
        return field.range or (float("-inf"), float("inf"))
    return (0, 2**element.bits - 1) if element.family == "unsigned" else (-2**(element.bits - 1), 2**(element.bits - 1) - 1)


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
    names = (f"{field.name.c}in_bytes", f"{field.name.c}_len") if field.type.is_texts else (f"{field.name.c}_which", field.name.length, field.name.member)
    bits = [(record.offset_of_bits + record.bit_of(f"has_{field.name.c}") / 8, 0)] if field.has_bit else []
    tail = [(record.holder(field).offset, record.holder(field).element_size)] if field.is_tail and not _is_behind(record, field) else []
    return bits + [(record.member(name).offset, record.member(name).size) for name in names if record.has_member(name)] + tail


def _is_behind(record: Record, field: model.Field) -> bool:
    """Whether it lies behind another tail, and so at no fixed offset."""
    return field.is_tail and record.holder(field).number > 1


def _character(character: str) -> str:
    return "NUL" if character == "\0" else f"'{character}'"
