# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--diff: the differences between two versions of a protocol. A difference is breaking if a program written for the old version
notices it: another layout of a message in memory, or a C name that is gone or means something else."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .. import model
from ..diagnostics import Place
from ..laid_out import Layout, Message, Record, Tail
from ..scalars import length_scalar


@dataclass(frozen=True)
class Difference:
    """A place is None if that version does not have the thing, or the difference is about the whole protocol."""

    is_breaking: bool
    what: str
    old: Place | None = None
    new: Place | None = None


def compare(old: Layout, new: Layout) -> list[Difference]:
    """All differences, in the order of the old schema; new things follow."""
    return [*_protocol(old, new), *_constants(old, new),
            *_named(old.protocol.enums, new.protocol.enums, "enum", _enum),
            *_named(old.protocol.flags, new.protocol.flags, "flags", _enum),
            *_records(old.structs, new.structs, "struct"), *_records(old.messages, new.messages, "message")]


def advice(old: Layout, new: Layout) -> str:
    """How to keep the old tags if some have changed; empty otherwise."""
    was, now = ({m.model.name.schema: m.model.tag for m in of.messages} for of in (old, new))
    changed = [name for name, tag in now.items() if was.get(name, tag) != tag]
    if not changed:
        return ""
    kept, free, lines = set(was.values()), max(*was.values(), *now.values()), []
    last, given = 0, 0                  # the previous tag: as it should be, and as it is
    for name, tag in now.items():
        wanted = was.get(name, last + 1 if tag == given + 1 else tag)
        if name not in was and wanted in kept:
            wanted = free = free + 1
        if wanted != (last + 1 if tag == given + 1 else tag):
            lines.append(f"{name} {{tag: {wanted}}}")
        last, given = wanted, tag
    return f"advice: a message without a tag has the tag before it plus 1; to keep the old tags: {', '.join(lines[:20])}\n" if lines else ""


def is_breaking(differences: list[Difference]) -> bool:
    return any(d.is_breaking for d in differences)


def as_text(differences: list[Difference], old: str, new: str) -> str:
    """old, new: the names of the schemas."""
    lines = [f"{'breaking' if d.is_breaking else 'compatible'}: {_places(d, old, new)}{d.what}" for d in differences]
    breaking = sum(d.is_breaking for d in differences)
    lines.append(f"{breaking} breaking, {len(differences) - breaking} compatible" if differences else "no difference")
    return "\n".join(lines) + "\n"


def _places(difference: Difference, old: str, new: str) -> str:
    shown = [f"{place.source.name if place.source else name}:{place.line}:{place.column}"
             for name, place in ((old, difference.old), (new, difference.new)) if place]
    return " -> ".join(shown) + ": " if shown else ""


# The protocol, its constants, enums and flags.

def _protocol(old: Layout, new: Layout) -> Iterator[Difference]:
    if old.protocol.name.c != new.protocol.name.c:
        yield Difference(True, f"the protocol's C name is {new.protocol.name.c}, was {old.protocol.name.c}")
    if old.tag.size != new.tag.size:
        yield Difference(True, f"the tag takes {_bytes(new.tag.size)}, was {old.tag.size}: every message changes")


def _constants(old: Layout, new: Layout) -> Iterator[Difference]:
    now = {c.name.schema: c for c in new.protocol.constants}
    was = {c.name.schema for c in old.protocol.constants}
    for constant in old.protocol.constants:
        what, other = f"constant {constant.name.schema}", now.get(constant.name.schema)
        if other is None:
            yield Difference(True, f"{what} is removed", constant.place)
        else:
            yield from _c_name(what, constant.name, other.name, constant.place, other.place)
            if constant.value != other.value:
                yield Difference(False, f"{what} is {other.value}, was {constant.value}", constant.place, other.place)
    yield from (Difference(False, f"constant {c.name.schema} is new", None, c.place) for c in new.protocol.constants if c.name.schema not in was)


def _named(old: Iterable, new: Iterable, kind: str, compare_both) -> Iterator[Difference]:
    """Enums and flags."""
    now, was = {thing.name.schema: thing for thing in new}, {thing.name.schema for thing in old}
    for thing in old:
        what, other = f"{kind} {thing.name.schema}", now.get(thing.name.schema)
        yield from [Difference(True, f"{what} is removed", thing.place)] if other is None else compare_both(what, thing, other)
    yield from (Difference(False, f"{kind} {thing.name.schema} is new", None, thing.place) for thing in new if thing.name.schema not in was)


def _enum(what: str, old: model.Enum | model.Flags, new: model.Enum | model.Flags) -> Iterator[Difference]:
    yield from _c_name(what, old.name, new.name, old.place, new.place)
    if old.base != new.base:
        yield Difference(True, f"{what}: its base is {new.base.name}, was {old.base.name}", old.place, new.place)
    now, was = {v.name.schema: v for v in new.values}, {v.name.schema for v in old.values}
    for value in old.values:
        of, other = f"{what}: {value.name.schema}", now.get(value.name.schema)
        if other is None:
            yield Difference(True, f"{of} is removed", value.place)
        elif other.number != value.number:
            yield Difference(True, f"{of} is {other.number}, was {value.number}", value.place, other.place)
        else:
            yield from _c_name(of, value.name, other.name, value.place, other.place)
    yield from (Difference(False, f"{what}: {v.name.schema} is new, {v.number}", None, v.place) for v in new.values if v.name.schema not in was)


# Structs and messages.

def _records(old: tuple[Record, ...], new: tuple[Record, ...], kind: str) -> Iterator[Difference]:
    now = {record.model.name.schema: record for record in new}
    was = {record.model.name.schema for record in old}
    alike: dict[tuple, list[Record]] = {}
    for record in new:
        if record.model.name.schema not in was:
            alike.setdefault(_alike(record), []).append(record)
    for record in old:
        what, other = f"{kind} {record.model.name.schema}", now.get(record.model.name.schema)
        if other is not None:
            yield from _record(what, record, other)
            continue
        renamed = next((r for r in alike.get(_alike(record), ()) if r.model.name.schema not in was), None)
        was |= {renamed.model.name.schema} if renamed else set()
        yield Difference(True, f"{what} is " + (f"renamed to {renamed.model.name.schema}" if renamed else "removed"),
                         record.model.place, renamed.model.place if renamed else None)
    for record in new:
        if record.model.name.schema not in was:
            tag = f", with the tag {record.model.tag}" if isinstance(record, Message) else ""
            yield Difference(False, f"{kind} {record.model.name.schema} is new{tag}", None, record.model.place)


def _alike(record: Record) -> tuple:
    """What stays the same when a record is only renamed."""
    return (record.model.tag if isinstance(record, Message) else 0, *((f.name, _shape(f.type)) for f in record.model.fields))


def _record(what: str, old: Record, new: Record) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    yield from _c_name(what, old.model.name, new.model.name, *places)
    if isinstance(old, Message):
        yield from _message(what, old, new)
    if old.size != new.size:
        yield Difference(True, f"{what} takes {_bytes(new.size)}, was {old.size}", *places)
    now, was = {f.name.schema: f for f in new.model.fields}, {f.name.schema for f in old.model.fields}
    for field in old.model.fields:
        other = now.get(field.name.schema)
        if other is None:
            yield Difference(True, f"{what}: field {field.name.schema} is removed", field.place)
        else:
            yield from _field(f"{what}: field {field.name.schema}", old, new, field, other)
    for field in new.model.fields:
        if field.name.schema not in was:
            yield Difference(True, f"{what}: field {field.name.schema} is new: constructors have another parameter", None, field.place)
    common = [[f.name.schema for f in r.model.fields if f.name.schema in now and f.name.schema in was] for r in (old, new)]
    if common[0] != common[1]:
        yield Difference(True, f"{what}: its fields, and so the parameters of constructors, are in another order", *places)
    if old.model.doc != new.model.doc:
        yield Difference(False, f"{what}: its doc changes", *places)


def _message(what: str, old: Message, new: Message) -> Iterator[Difference]:
    places = old.model.place, new.model.place
    if old.model.tag != new.model.tag:
        yield Difference(True, f"{what}: its tag is {new.model.tag}, was {old.model.tag}", *places)
    was, now = old.model.max_live or 0, new.model.max_live or 0
    if was != now:
        yield Difference(now < was, f"{what}: a fixed pool guarantees {now} of them, was {was}", *places)
    if bool(old.model.deprecated) != bool(new.model.deprecated):
        yield Difference(False, f"{what} is {'' if new.model.deprecated else 'no longer '}deprecated", *places)


def _field(what: str, old: Record, new: Record, was: model.Field, now: model.Field) -> Iterator[Difference]:
    places = was.place, now.place
    yield from _c_name(what, was.name, now.name, *places)
    if _shape(was.type) != _shape(now.type):
        yield Difference(True, f"{what} is {_written(now, was)}, was {_written(was, now)}", *places)
    elif was.spelling != now.spelling:
        yield Difference(False, f"{what} is written {now.spelling}, was {was.spelling}", *places)
    elif (moved := _offsets(old, was)) != (to := _offsets(new, now)):
        yield Difference(True, f"{what} is at offset {to[-1]}, was at {moved[-1]}", *places)
    if was.is_tail and now.is_tail:
        yield from _tail(what, old.tail, new.tail, *places)
    if was.range != now.range:
        low, high = _ends(was.range)
        new_low, new_high = _ends(now.range)
        yield Difference(new_low > low or new_high < high, f"{what}: its range changes", *places)
    if was.default != now.default:
        yield Difference(False, f"{what}: its default changes", *places)
    if (was.doc, was.unit) != (now.doc, now.unit):
        yield Difference(False, f"{what}: {now.summary or 'it has no doc'}", *places)


def _written(field: model.Field, other: model.Field) -> str:
    """The type as it is written; if the other is written the same, what the type stands for."""
    if field.spelling != other.spelling:
        return field.spelling
    kind = {model.Enum: "an enum", model.Flags: "flags", model.Struct: "a struct"}.get(type(field.element), "a scalar")
    if type(field.element) is not type(other.element):
        return f"{kind}, {field.spelling}"
    return re.sub(r"\w+(?=\s*\])", str(field.type.most), field.spelling)


def _tail(what: str, old: Tail, new: Tail, was: Place, now: Place) -> Iterator[Difference]:
    if old.most != new.most:
        yield Difference(new.most < old.most, f"{what} has at most {new.most} elements, was {old.most}", was, now)
    lengths = [length_scalar(tail.most) for tail in (old, new)]
    if lengths[0] != lengths[1]:
        yield Difference(True, f"{what}: its length takes {_bytes(lengths[1].size)}, was {lengths[0].size}", was, now)


def _ends(allowed: model.Range | None) -> tuple[float, float]:
    return (allowed.low, allowed.high) if allowed else (float("-inf"), float("inf"))


def _shape(of: model.FieldType) -> tuple:
    """The field's type. Changes inside enums, flags and structs are reported there, not here."""
    if isinstance(of, model.Optional):
        return "optional", *_shape(of.of)
    element = of.element
    own = {key: value for key, value in vars(of).items() if key not in ("element", "most") or key == "most" and of.kind != "tail"}
    return of.kind, type(element).__name__, element and getattr(element.name, "schema", element.name), tuple(own.items())


def _offsets(record: Record, field: model.Field) -> list[int]:
    names = (f"{field.name.c}_len", field.name.c)
    bits = [record.offset_of_bits + record.bit_of(f"has_{field.name.c}") / 8] if field.is_optional else []
    tail = [record.tail.offset] if field.is_tail else []
    return bits + [record.member(name).offset for name in names if record.has_member(name)] + tail


def _c_name(what: str, old: model.Name, new: model.Name, was: Place | None, now: Place | None) -> Iterator[Difference]:
    if old.c != new.c:
        yield Difference(True, f"{what}: its C name is {new.c}, was {old.c}", was, now)


def _bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"
