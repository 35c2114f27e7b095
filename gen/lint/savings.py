# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Narrower types that save bytes: each is tried by a layout of the changed protocol. (Another order of members never saves any:
the layout has the order of least padding.)"""

import dataclasses
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .. import model
from ..diagnostics import Place, Reporter, Source
from ..language.numbers import fits
from ..laid_out import Layout
from ..layout import layout as lay_out
from ..scalars import SCALARS, Scalar, integer_of

_MOST_TRIED = 500               # layouts: a large schema has a few candidates, not thousands


class Saving(NamedTuple):
    """where: in what the bytes are saved. of: the variant or the struct that it is about; empty if it is about neither."""

    place: Place
    what: str
    bytes: int
    where: str
    hint: str
    of: str = ""


def find(layout: Layout) -> Iterator[Saving]:
    """The changes that make a message or a struct smaller."""
    tried = 0
    for saving, changed in _candidates(layout):
        tried += 1
        if tried > _MOST_TRIED:
            return
        after = lay_out(changed, Reporter(Source("")))
        before, now = (_sizes(of, saving.of) for of in (layout, after))
        if before > now:
            yield saving._replace(bytes=before - now)


def _sizes(layout: Layout, of: str) -> int:
    """The bytes of one record, or of one message of each variant."""
    if of:
        return next(r.size for r in (*layout.structs, *layout.messages) if r.model.name.schema == of)
    return sum(m.size for m in layout.messages if m.slot_class)


def _candidates(layout: Layout) -> Iterator[tuple[Saving, model.Protocol]]:
    protocol = layout.protocol
    for enum in (*protocol.enums, *protocol.flags, *protocol.bit_fields):
        base = _base(enum)
        if base.size < enum.base.size:
            saving = Saving(enum.place, f'the base {base.name} holds every {"part" if isinstance(enum, model.BitField) else "value"} of "{enum.name.schema}"', 0, "in one message of each variant",
                            f"base: {base.name}, or no base")
            yield saving, _changed(protocol, lambda f, enum=enum, base=base: _with_element(f, _with(enum, base=base)) if f.element is enum else f)
    for named in protocol.types:
        if named.is_value and (scalar := _scalar(named.type.element, named.range)):
            saving = Saving(named.place, f'{scalar.name} holds the range of the type "{named.name.schema}", {named.range.low} to {named.range.high}', 0,
                            "in one message of each variant", f"type: {scalar.name}")
            yield saving, _changed(protocol, lambda f, named=named, scalar=scalar: _with_element(f, scalar) if f.element is named.type.element else f)
    for record in (*protocol.structs, *protocol.messages):
        for field in record.fields:
            for what, hint, narrower in _narrower(field):
                saving = Saving(field.place, what, 0, f'in "{record.name.schema}"', hint, record.name.schema)
                yield saving, _changed(_alone(layout, record), lambda f, field=field, narrower=narrower: narrower if f is field else f)
    if layout.tag.size > 1 and len(protocol.messages) < 255:
        far = next(m for m in protocol.messages if m.tag > 255) if any(m.tag > 255 for m in protocol.messages) else protocol.messages[-1]
        messages = tuple(_with(m, tag=i) for i, m in enumerate(protocol.messages, 1))
        yield (Saving(far.place, "tags of at most 255 take one byte", 0, "in one message of each variant", "choose tags from 1 to 255"),
               _with(protocol, messages=messages))


def _base(enum: model.Enum | model.Flags | model.BitField) -> Scalar:
    """The narrowest base."""
    if isinstance(enum, model.BitField):
        return integer_of(enum.all.bit_length())
    if isinstance(enum, model.Flags):
        return next(SCALARS[name] for name in ("u8", "u16", "u32", "u64") if max(v.number for v in enum.values) < 8 * SCALARS[name].size)
    family = "u" if enum.base.family == "unsigned" else "i"
    return next(SCALARS[f"{family}{bits}"] for bits in (8, 16, 32, 64) if all(fits(SCALARS[f"{family}{bits}"], v.number) for v in enum.values))


def _narrower(field: model.Field) -> Iterator[tuple[str, str, model.Field]]:
    """Changes of a field's type, with what they are and a hint."""
    if not field.is_tail and not (field.named and field.range is field.named.range) and (scalar := _scalar(field.element, field.range, field.absent or 0)):
        yield (f'{scalar.name} holds the range of "{field.name.schema}", {field.range.low} to {field.range.high}', f"type: {scalar.name}",
               _with_element(field, scalar))
    if field.inner.kind in ("list", "string") and field.type.most in (256, 65536):
        bound = field.type.most - 1
        inner = _with(field.inner, most=bound)
        yield (f'with a bound of {bound}, the length of "{field.name.schema}" is {"one byte" if bound == 255 else "two bytes"}', f"a bound of {bound}",
               _with(field, type=_with(field.type, of=inner) if field.is_optional else inner))


def _scalar(element: model.Element | None, allowed: model.Range | None, other: int = 0) -> Scalar | None:
    """The narrowest scalar that holds the range and another number, if it is narrower than the element."""
    if allowed is None or not isinstance(element, Scalar) or element.family not in ("unsigned", "signed"):
        return None
    return next((s for bits in (8, 16, 32) if (s := SCALARS[f"{element.name[0]}{bits}"]).size < element.size
                 and all(fits(s, n) for n in (*allowed, other))), None)


def _with_element(field: model.Field, element: model.Element) -> model.Field:
    inner = _with(field.inner, element=element)
    return _with(field, type=_with(field.type, of=inner) if field.is_optional else inner)


def _alone(layout: Layout, record: model.Struct | model.Message) -> model.Protocol:
    """The protocol with this message alone, and a tag of as many bytes. A struct needs no message with fields."""
    protocol = layout.protocol
    other = _with(protocol.messages[0], fields=(), tag=layout.freed_tag - 1)
    return _with(protocol, messages=(record, other) if isinstance(record, model.Message) else (other,))


def _changed(protocol: model.Protocol, change: Callable[[model.Field], model.Field]) -> model.Protocol:
    """The protocol with its fields changed. A struct in a field is found by its name, so it needs no change there."""
    def record(of):
        return _with(of, fields=tuple(change(field) for field in of.fields))

    return _with(protocol, structs=tuple(map(record, protocol.structs)), messages=tuple(map(record, protocol.messages)))


def _with(value, **changes):
    """The value with other members; some are dataclasses, some named tuples."""
    return value._replace(**changes) if isinstance(value, tuple) else dataclasses.replace(value, **changes)
