# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool breaking`: the differences between two versions of a protocol, each with the categories of what it breaks."""

from collections.abc import Iterator

from .. import model
from ..laid_out import Layout
from .breaking_fields import records
from .breaking_types import bit_field, enum, named_type
from .compared import Dated, c_name, in_bytes, named
from .difference import COMPATIBLE, LAYOUT, SOURCE, WIRE, Difference


def compare(old: Layout, new: Layout) -> list[Difference]:
    """All differences, in the order of the old schema; new things follow."""
    return [*_protocol(old, new), *_constants(old, new),
            *named(old.protocol.enums, new.protocol.enums, "enum", enum),
            *named(old.protocol.flags, new.protocol.flags, "flags", enum),
            *named(*([t for t in of.protocol.types if t.is_value] for of in (old, new)), "type", named_type),
            *named(old.protocol.bit_fields, new.protocol.bit_fields, "bit field", bit_field),
            *records(old, new, "struct"), *records(old, new, "message"),
            *_replies(old.protocol, new.protocol), *_without_since(old.protocol, new.protocol)]


def _protocol(old: Layout, new: Layout) -> Iterator[Difference]:
    if old.protocol.name.c != new.protocol.name.c:
        yield Difference(SOURCE, f"the protocol's C name is {new.protocol.name.c}, was {old.protocol.name.c}")
    if old.tag.size != new.tag.size:
        yield Difference(LAYOUT, f"the tag takes {in_bytes(new.tag.size)}, was {old.tag.size}: every message changes")
    if old.has_wide_tags != new.has_wide_tags:
        yield Difference(SOURCE, f"tags are of the type {new.tag_type}, were of {old.tag_type}")
    yield from _wire(old, new)


def _wire(old: Layout, new: Layout) -> Iterator[Difference]:
    """How messages are sent. Records are compared by themselves."""
    was, now = old.protocol.wire, new.protocol.wire
    if bool(was) != bool(now):
        yield Difference(WIRE, f"messages are {'packed' if now else 'no longer packed'}: all that is sent changes")
    if was and now and was.is_big != now.is_big:
        yield Difference(WIRE, f"the order of bytes is {'big' if now.is_big else 'little'}, was {'big' if was.is_big else 'little'}: all that is sent changes")
    if (was or now) and old.tag_bytes != new.tag_bytes:
        sizes = [in_bytes(layout.tag_bytes) if layout.tag_bytes else "no bytes" for layout in (new, old)]
        is_other = not old.tag_bytes or not new.tag_bytes        # another function receives
        yield Difference((SOURCE if is_other else ()) + WIRE, f"a tag that is sent takes {sizes[0]}, was {sizes[1]}")


def _constants(old: Layout, new: Layout) -> Iterator[Difference]:
    def compared(what: str, was: model.Constant, now: model.Constant) -> Iterator[Difference]:
        yield from c_name(what, was.name, now.name, was.place, now.place)
        if was.value != now.value:
            yield Difference(COMPATIBLE, f"{what} is {now.value}, was {was.value}", was.place, now.place)

    return named(old.protocol.constants, new.protocol.constants, "constant", compared)


def _replies(old: model.Protocol, new: model.Protocol) -> Iterator[Difference]:
    """A program knows the replies that its schema names. If a schema names none, it promises nothing."""
    now = {message.name.schema: message for message in new.messages}
    for was in old.messages:
        message = now.get(was.name.schema, was)
        if set(was.replies) == set(message.replies):
            continue
        tags = [{reply.tag for reply in of.replies[was.name.schema]} for of in (old, new)]
        if tags[0] != tags[1]:              # a reply that is only renamed keeps its tag
            shown = [", ".join(of.replies) or "not named" for of in (message, was)]
            yield Difference(WIRE if was.replies else COMPATIBLE, f"message {was.name.schema}: its replies are {shown[0]}, were {shown[1]}",
                             was.place, message.place)


def _without_since(old: model.Protocol, new: model.Protocol) -> Iterator[Difference]:
    """What is new and does not say since which version, where the schema says it of other things."""
    if new.has_history:
        was = {name for name, _ in _dated(old, old)}
        yield from (Difference(COMPATIBLE, f"{name} is new, but has no since; others have", None, thing.place)
                    for name, thing in _dated(new, old) if name not in was and not thing.since)


def _dated(protocol: model.Protocol, old: model.Protocol) -> Iterator[tuple[str, Dated]]:
    """What can have a since, with its name. Fields and values of what is new as a whole are as new as that."""
    known = {thing.name.schema for thing in (*old.enums, *old.flags, *old.bit_fields, *old.structs, *old.messages)}
    for kind, enums in (("enum", protocol.enums), ("flags", protocol.flags)):
        yield from ((f"{kind} {e.name.schema}: {v.name.schema}", v) for e in enums if e.name.schema in known for v in e.values)
    for kind, of_kind in (("struct", protocol.structs), ("message", protocol.messages)):
        yield from ((f"{kind} {r.name.schema}: field {f.name.schema}", f) for r in of_kind if r.name.schema in known for f in r.fields)
    yield from ((f"bit field {b.name.schema}: {part.name.schema}", part) for b in protocol.bit_fields if b.name.schema in known for part in b.parts)
    for kind, things in (("type", protocol.types), ("struct", protocol.structs), ("message", protocol.messages)):
        yield from ((f"{kind} {thing.name.schema}", thing) for thing in things)
