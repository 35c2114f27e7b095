# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What changed in the types of a schema: enums, flags and their masks, bit fields, named types."""

from collections.abc import Iterator

from .. import model
from .compared import c_name, history, shown_range, since, texts
from .difference import COMPATIBLE, LAYOUT, SOURCE, WIRE, Difference


def named_type(what: str, old: model.NamedType, new: model.NamedType) -> Iterator[Difference]:
    """Its range, its default and its texts are compared at the fields that have them."""
    yield from c_name(what, old.name, new.name, old.place, new.place)
    yield from history(what, old, new)
    if old.stands_for != new.stands_for:
        yield Difference(SOURCE, f"{what} is {new.stands_for}, was {old.stands_for}", old.place, new.place)


def enum(what: str, old: model.Enum | model.Flags, new: model.Enum | model.Flags) -> Iterator[Difference]:
    yield from c_name(what, old.name, new.name, old.place, new.place)
    if old.base != new.base:
        yield Difference(SOURCE + (LAYOUT if old.base.size != new.base.size else WIRE),
                         f"{what}: its base is {new.base.name}, was {old.base.name}", old.place, new.place)
    if getattr(old, "wide", False) != getattr(new, "wide", False):
        yield Difference(SOURCE, f"{what}: its values are {'macros' if new.wide else 'enumerators'} in C now, not {'enumerators' if new.wide else 'macros'}",
                         old.place, new.place)
    shown_old, shown = (getattr(of, "shown", str) for of in (old, new))
    now, was = {v.name.schema: v for v in new.values}, {v.name.schema for v in old.values}
    renamed = {v.number: v for v in new.values if v.name.schema not in was}
    for value in old.values:
        of, other = f"{what}: {value.name.schema}", now.get(value.name.schema)
        if other is None and (to := renamed.pop(value.number, None)) is not None:
            was.add(to.name.schema)
            yield Difference(SOURCE, f"{of} is renamed to {to.name.schema}", value.place, to.place)
        elif other is None:
            yield Difference(SOURCE + WIRE, f"{of} is removed", value.place)
        elif other.number != value.number:
            yield Difference(WIRE, f"{of} is {shown(other.number)}, was {shown_old(value.number)}", value.place, other.place)
        else:
            yield from c_name(of, value.name, other.name, value.place, other.place)
            yield from history(of, value, other)
    yield from (Difference(COMPATIBLE, f"{what}: {v.name.schema} is new, {shown(v.number)}{since(v)}", None, v.place) for v in new.values if v.name.schema not in was)
    yield from _masks(what, *(getattr(of, "masks", ()) for of in (old, new)))
    if isinstance(old, model.Enum) and old.values and new.values:
        initial = [0 if 0 in of.by_number else of.values[0].number for of in (old, new)]
        if initial[0] != initial[1] and initial[0] in new.by_number:
            names = [new.by_number[number].name.schema for number in initial if number in new.by_number]
            yield Difference(COMPATIBLE, f"{what}: its default is {names[1]}, was {names[0]}", old.place, new.place)


def _masks(what: str, old: tuple[model.EnumValue, ...], new: tuple[model.EnumValue, ...]) -> Iterator[Difference]:
    """Names for several flags: constants, which no message contains."""
    now, was = {mask.name.schema: mask for mask in new}, {mask.name.schema for mask in old}
    for mask in old:
        of, other = f"{what}: {mask.name.schema}", now.get(mask.name.schema)
        if other is None:
            yield Difference(SOURCE, f"{of} is removed", mask.place)
            continue
        yield from c_name(of, mask.name, other.name, mask.place, other.place)
        yield from history(of, mask, other)
        if other.number != mask.number:
            yield Difference(COMPATIBLE, f"{of} is {other.number:#x}, was {mask.number:#x}", mask.place, other.place)
    yield from (Difference(COMPATIBLE, f"{what}: {m.name.schema} is new, {m.number:#x}{since(m)}", None, m.place) for m in new if m.name.schema not in was)


def bit_field(what: str, old: model.BitField, new: model.BitField) -> Iterator[Difference]:
    yield from c_name(what, old.name, new.name, old.place, new.place)
    if old.base != new.base:
        yield Difference(SOURCE + LAYOUT, f"{what}: its base is {new.base.name}, was {old.base.name}", old.place, new.place)
    now, was = {p.name.schema: p for p in new.parts}, {p.name.schema for p in old.parts}
    renamed = {bits_of(p): p for p in new.parts if p.name.schema not in was}
    for part in old.parts:
        of, other = f"{what}: {part.name.schema}", now.get(part.name.schema)
        if other is not None:
            yield from _bit_part(of, part, other)
        elif (to := renamed.pop(bits_of(part), None)) is not None:
            was.add(to.name.schema)
            yield Difference(SOURCE, f"{of} is renamed to {to.name.schema}", part.place, to.place)
        else:
            yield Difference(SOURCE + WIRE, f"{of} is removed", part.place)
    yield from (Difference(SOURCE, f"{what}: {p.name.schema} is new, {_where(p)}{since(p)}: constructors have another parameter", None, p.place)
                for p in new.parts if p.name.schema not in was)


def bits_of(part: model.BitPart) -> tuple:
    """What stays the same when a part is only renamed."""
    return part.shift, part.bits, part.type and part.type.name, part.range, part.unit


def _where(part: model.BitPart) -> str:
    last = part.shift + part.bits - 1
    return f"bit {last}" if part.bits == 1 else f"bits {part.shift} to {last}"


def _bit_part(of: str, was: model.BitPart, now: model.BitPart) -> Iterator[Difference]:
    places = was.place, now.place
    types = [p.type and getattr(p.type.name, "schema", p.type.name) or "a number" for p in (was, now)]
    yield from c_name(of, was.name, now.name, *places)
    if types[0] != types[1]:
        yield Difference(SOURCE + WIRE, f"{of} is {types[1]}, was {types[0]}", *places)
    if (was.shift, was.bits) != (now.shift, now.bits):
        only_wider = was.shift == now.shift and was.bits < now.bits and was.scalar == now.scalar
        yield Difference(COMPATIBLE if only_wider else SOURCE * (was.scalar != now.scalar) + WIRE, f"{of} is {_where(now)}, was {_where(was)}", *places)
    if was.range != now.range:
        is_narrower = now.ends.low > was.ends.low or now.ends.high < was.ends.high
        yield Difference(SOURCE + WIRE if is_narrower else COMPATIBLE, f"{of}: its range is {shown_range(now.range)}, was {shown_range(was.range)}", *places)
    yield from history(of, was, now)
    yield from texts(of, was, now)
