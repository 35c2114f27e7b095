# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Packed formats: the key "wire" of a schema and of its fields."""

from .. import model
from ..diagnostics import Reporter, quoted
from ..field_types import FieldType
from ..scalars import MAX_COUNT
from .syntax import Field, Message, Schema, Struct, Wire, Word

_ORDERS = ("little", "big")
_TAGS = {"u8": 1, "u16": 2, "u24": 3, "u32": 4, "none": 0}
_LENGTHS = {"u8": 1, "u16": 2, "u32": 4, "rest": model.REST}
_REST = '"wire: rest" takes what is left of a payload'


def wire(schema: Schema, messages: tuple[model.Message, ...], reporter: Reporter) -> model.Wire | None:
    """How messages are packed; None if a message is sent as it lies in memory."""
    written = schema.wire
    if written is None:
        return None
    if written.packed is None or written.packed.quoted or written.packed.text.lower() != "true":
        reporter.error(written.packed.place if written.packed else written.place, '"wire" needs packed: true',
                       "for example wire: {order: big, packed: true}; without \"wire\", a message is sent as it lies in memory")
    order = _one_of(written.order, _ORDERS, "an order", reporter) or "little"
    tag = _TAGS.get(_one_of(written.tag, _TAGS, "the type of a tag on the wire", reporter) or "")
    largest = max(messages, key=lambda message: message.tag, default=None)
    if tag and largest and largest.tag >= 256**tag:
        reporter.error(written.tag.place, f"the tag of {quoted(largest.name.schema)} is {largest.tag}: it does not fit in {written.tag.text}",
                       "choose a wider type")
    return model.Wire(order == "big", tag)


def has_tag(written: Wire | None) -> bool:
    """Whether the bytes of a message begin with its tag."""
    return written is None or written.tag is None or written.tag.text != "none"


def length_of(field: Field, field_type: FieldType, reporter: Reporter) -> int | None:
    """How the length of a field is sent: its bytes, or model.REST. None: as in the struct."""
    word = field.wire
    if word is None:
        return None
    size = _LENGTHS.get(_one_of(word, _LENGTHS, "a length on the wire", reporter) or "")
    most = field_type.most or MAX_COUNT
    if not field_type.has_length:
        reporter.error(word.place, f'"wire" is for fields with a length, and {quoted(field.type.word.text)} has none',
                       "remove it: a number is sent with the bytes of its type, such as 3 of a u24")
    elif size == model.REST and field_type.is_texts:
        reporter.error(word.place, f"{_REST}, but the number of texts in a list must be sent", "choose the type of this number: u8, u16 or u32")
    elif size and size != model.REST and most >= 256**size:
        reporter.error(word.place, f"a length of {quoted(field.name.text)} can be {most}: it does not fit in {word.text}",
                       "choose a wider type" + (', or give the field a "max"' if field_type.is_tail and field_type.most is None else ""))
    return size


def check_fields(record: Struct | Message, written: Wire | None, reporter: Reporter) -> None:
    """Reports fields with a "wire" that their place does not allow."""
    if written is None and record.constants == () and not any(field.wire or field.one_of for field in record.fields):
        return
    for field in record.constants:
        if field.wire:
            reporter.error(field.wire.place, '"wire" has no meaning beside "constant"', "remove it: a field with a constant value takes no bytes")
    last = record.fields[-1] if record.fields and isinstance(record, Message) else None
    for field in record.fields:
        for of in (field, *field.one_of):
            if of.wire is None:
                continue
            if written is None:
                reporter.error(of.wire.place, '"wire" is only for packed protocols', "give the schema the key wire: {packed: true}, or remove this one")
            elif of.wire.text == "rest" and has_tag(written):
                reporter.error(of.wire.place, f"{_REST}, and only a schema with tag: none has payloads",
                               "use wire: {packed: true, tag: none}, or let the length be sent")
            elif of.wire.text == "rest" and of is not last:
                reporter.error(of.wire.place, f"{_REST}: only the last field of a message can have it", "move the field, or let its length be sent")


def _one_of(word: Word | None, allowed: tuple[str, ...] | dict[str, int], what: str, reporter: Reporter) -> str | None:
    if word is not None and word.text not in allowed:
        *others, last = allowed
        reporter.error(word.place, f"{quoted(word.text)} is not {what}", f"it is {', '.join(others)} or {last}")
        return None
    return word.text if word else None
