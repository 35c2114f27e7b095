# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What all comparisons of two versions share: things by their names, C names, units and docs, since and deprecated."""

from collections.abc import Callable, Iterable, Iterator

from .. import model
from ..diagnostics import Place
from .difference import COMPATIBLE, SOURCE, WIRE, Difference

Dated = model.Message | model.Struct | model.NamedType | model.BitPart | model.Field | model.ConstantField | model.EnumValue


def named(old: Iterable, new: Iterable, kind: str, compared: Callable) -> Iterator[Difference]:
    """Constants, enums, flags, bit fields and named types."""
    now, was = {thing.name.schema: thing for thing in new}, {thing.name.schema for thing in old}
    for thing in old:
        what, other = f"{kind} {thing.name.schema}", now.get(thing.name.schema)
        yield from [Difference(SOURCE, f"{what} is removed", thing.place)] if other is None else compared(what, thing, other)
    yield from (Difference(COMPATIBLE, f"{kind} {thing.name.schema} is new{since(thing)}", None, thing.place) for thing in new if thing.name.schema not in was)


def c_name(what: str, old: model.Name, new: model.Name, was: Place | None, now: Place | None) -> Iterator[Difference]:
    if old.c != new.c:
        yield Difference(SOURCE, f"{what}: its C name is {new.c}, was {old.c}", was, now)


def texts(what: str, was: model.Field | model.ConstantField | model.BitPart, now: model.Field | model.ConstantField | model.BitPart) -> Iterator[Difference]:
    """Its unit and its doc."""
    if was.unit != now.unit:
        yield Difference(WIRE if was.unit else COMPATIBLE, f"{what}: its unit is {now.unit or 'not given'}, was {was.unit or 'not given'}", was.place, now.place)
    if was.doc != now.doc:
        yield Difference(COMPATIBLE, f"{what}: its doc changes", was.place, now.place)


def history(what: str, old: Dated, new: Dated) -> Iterator[Difference]:
    if old.since != new.since:
        yield Difference(COMPATIBLE, f"{what}: its since is {new.since or 'removed'}, was {old.since or 'not given'}", old.place, new.place)
    if bool(old.deprecated) != bool(new.deprecated):
        yield Difference(COMPATIBLE, f"{what} is {'' if new.deprecated else 'no longer '}deprecated", old.place, new.place)


def since(of: Dated) -> str:
    return f", since version {of.since}" if getattr(of, "since", 0) else ""


def shown_range(allowed: model.Range | None) -> str:
    return f"{allowed.low} to {allowed.high}" if allowed else "that of its type"


def in_bytes(count: int) -> str:
    return f"{count} byte{'' if count == 1 else 's'}"
