# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 2, resolve: Schema -> Protocol. Every name and number gets its meaning; the rules of messages and tags are here."""

import os
import re
from dataclasses import dataclass

from .. import model
from ..diagnostics import Reporter, at, did_you_mean, quoted, visible
from ..model import MAX_TAG
from ..scalars import SCALARS
from . import clashes, enums, named_types, packed
from .absent_numbers import with_absent_number, with_number_of_type
from .bit_fields import BitFields
from .field_values import resolved_constant, resolved_values
from .names import checked_name, parameter
from .numbers import Numbers
from .one_of import one_of
from .struct_order import in_order_of_need
from .syntax import Field, Message, Schema, Struct, Wire, Word
from .types import BUILT_IN, Types

MOST = {"messages": 2000, "structs, enums, flags and bit fields": 2000, "types": 2000, "fields": 12000, "constants and values": 20000}     # so that a run ends in seconds
_WHY_MAX_TAG = "a tag takes at most four bytes"
_LICENSE = re.compile(r"[A-Za-z0-9.+() :-]+\Z")


def resolve(schema: Schema, reporter: Reporter) -> model.Protocol:
    """The resolved protocol. Raises SchemaError with all errors."""
    _report_too_many(schema, reporter)
    _report_taken_types(schema, reporter)
    constants = {word.name.text: enums.constant(word, reporter) for word in schema.constants}
    all_enums = {word.name.text: enums.enum(word, reporter) for word in schema.enums}
    all_flags = {word.name.text: enums.flags(word, reporter) for word in schema.flags}
    structs = {struct.name.text: struct for struct in schema.structs}
    symbols = clashes.symbols(schema)
    public = frozenset(symbol for symbol, _, _, _ in symbols)
    of_bits = BitFields(reporter, all_enums, {word.name.text for word in (*schema.flags, *schema.types, *schema.bit_fields, *schema.structs)}, public)
    all_bit_fields = {word.name.text: of_bits.resolve(word) for word in schema.bit_fields}
    elements = dict(SCALARS)
    for name, element in (*all_enums.items(), *all_flags.items(), *all_bit_fields.items()):
        elements.setdefault(name, element)
    types = Types(reporter, constants, elements, structs)
    named_types.resolve(schema, types)
    records = _Records(reporter, types, public, schema.wire)
    resolved = {}
    for struct in in_order_of_need(structs, elements.keys(), reporter):
        resolved[struct.name.text] = records.struct(struct)
        elements.setdefault(struct.name.text, resolved[struct.name.text])
    messages = records.messages(schema)
    protocol = model.Protocol(
        checked_name(schema.protocol, schema.c_name, reporter), visible(os.path.basename(schema.source.name)), messages,
        tuple(all_enums.values()), tuple(all_flags.values()), tuple(types.named[t.name.text] for t in schema.types if t.name.text in types.named), tuple(resolved.values()),
        tuple(constants.values()), tuple(all_bit_fields.values()), schema.doc, _license(schema.license, reporter),
        packed.wire(schema, messages, reporter))
    if not schema.messages and not reporter.diagnostics:
        reporter.error(schema.protocol.place, "a protocol has at least one message", "for example messages: {Quit: {}}")
    clashes.find(schema, symbols, protocol, reporter)
    reporter.raise_if_any()
    return protocol


def _report_too_many(schema: Schema, reporter: Reporter) -> None:
    """Raises SchemaError if the schema has more things than a run can handle in seconds."""
    sets = (*schema.enums, *schema.flags)
    for what, things in (("messages", schema.messages), ("structs, enums, flags and bit fields", (*schema.structs, *sets, *schema.bit_fields)), ("types", schema.types),
                         ("fields", [field for record in (*schema.messages, *schema.structs) for field in (*record.fields, *record.constants)]),
                         ("constants and values", [*schema.constants, *(value for of in sets for value in of.values),
                                                   *(part for of in schema.bit_fields for part in of.bits)])):
        if len(things) > MOST[what]:
            reporter.error(things[MOST[what]].name.place, f"a schema has at most {MOST[what]} {what}",
                           "split it into several protocols")
            reporter.raise_if_any()


def _report_taken_types(schema: Schema, reporter: Reporter) -> None:
    taken: dict[str, Word] = {}
    for word in (named.name for named in (*schema.enums, *schema.flags, *schema.types, *schema.bit_fields, *schema.structs)):
        if word.text in BUILT_IN:
            reporter.error(word.place, f"{quoted(word.text)} is a built-in type", "choose another name")
        elif word.text in taken:
            reporter.error(word.place, f"the type {quoted(word.text)} is already defined",
                           f"the first is at {at(taken[word.text].place)}: rename one of the two")
        taken.setdefault(word.text, word)


def _license(word: Word | None, reporter: Reporter) -> str:
    if word and not _LICENSE.match(word.text):
        reporter.error(word.place, f"{quoted(word.text)} is not an SPDX licence expression",
                       'for example "MIT" or "Apache-2.0 OR MIT"')
    return word.text if word else ""


def _one_ofs(fields: tuple[model.Field, ...], written: tuple[Field, ...]) -> tuple[model.Field, ...]:
    return tuple(field for field, word in zip(fields, written) if word.one_of)


@dataclass(frozen=True)
class _Records:
    """Resolves structs, messages and their fields. public: the C names of the protocol. A wrong part is reported, and a valid one
    used instead, so that one run finds all errors."""

    reporter: Reporter
    types: Types
    public: frozenset[str]
    wire: Wire | None = None

    def struct(self, struct: Struct) -> model.Struct:
        fields = tuple(self.field(field) for field in struct.fields)
        self.no_tails(fields, struct.fields)
        packed.check_fields(struct, self.wire, self.reporter)
        if not struct.fields and not self.reporter.diagnostics:
            self.reporter.error(struct.name.place, f"the struct {quoted(struct.name.text)} has no fields", "for example fields: {x: i32, y: i32}")
        return model.Struct(checked_name(struct.name, struct.c_name, self.reporter), fields, struct.name.place, struct.doc,
                            tuple(map(self.constant, struct.constants)), Numbers(self.reporter).since(struct.since), struct.deprecated,
                            _one_ofs(fields, struct.fields))

    def messages(self, schema: Schema) -> tuple[model.Message, ...]:
        taken: dict[int, Word] = {}
        names = {message.name.text for message in schema.messages}
        messages, tag = [], 0
        for message in schema.messages:
            tag = self.tag(message, tag, taken)
            messages.append(self.message(message, tag, self.replies(message, names)))
        return tuple(messages)

    def replies(self, message: Message, names: set[str]) -> tuple[str, ...]:
        for word in message.replies:
            if word.text not in names:
                self.reporter.error(word.place, f"there is no message {quoted(word.text)}",
                                    did_you_mean(word.text, sorted(names)) or '"replies" names messages of this protocol')
        return tuple(word.text for word in message.replies if word.text in names)

    def tag(self, message: Message, previous: int, taken: dict[int, Word]) -> int:
        tag, where = previous + 1, message.tag or message.name
        if message.tag is not None:
            read = Numbers(self.reporter).integer_or_character(message.tag, 1, MAX_TAG, "a tag", _WHY_MAX_TAG)
            if read is None:
                return previous
            tag = read
        elif tag > MAX_TAG:
            self.reporter.error(where.place, f"the tag of {quoted(message.name.text)} would be {tag}",
                                f'the largest tag is {MAX_TAG}: give this message a smaller "tag"')
            return previous
        if tag in taken:
            self.reporter.error(where.place, f"the tag {tag} is already used by {quoted(taken[tag].text)}",
                                f"{quoted(taken[tag].text)} is at {at(taken[tag].place)}: change one of the two, or put a request and its reply of the "
                                "same tag in two protocols")
        taken.setdefault(tag, message.name)
        return tag

    def message(self, message: Message, tag: int, replies: tuple[str, ...]) -> model.Message:
        max_live = None
        if message.max_live is not None:
            max_live = Numbers(self.reporter).integer(message.max_live, 0, 2**32 - 1, '"max_live"')
        weight = 1.0 if message.weight is None else Numbers(self.reporter).share(message.weight, '"weight"')
        fields = tuple(self.field(field) for field in message.fields)
        packed.check_fields(message, self.wire, self.reporter)
        resolved = model.Message(checked_name(message.name, message.c_name, self.reporter), tag, fields, message.name.place, max_live, weight,
                                 message.doc, message.deprecated, replies, tuple(map(self.constant, message.constants)),
                                 Numbers(self.reporter).since(message.since), message.shared, _one_ofs(fields, message.fields))
        if message.shared and not fields:
            self.reporter.error(message.name.place, f"{quoted(message.name.text)} has no fields, so it cannot be shared",
                                'it is never allocated, and any number of threads may use it: remove "shared"')
        unbounded = next((tail for tail in resolved.tails if tail.type.extent_most is None), None)
        if max_live and unbounded:
            of_texts = f", and string[<=N][] as its type{'?' * unbounded.is_optional}" if unbounded.type.is_texts and unbounded.inner.longest is None else ""
            self.reporter.error(message.max_live.place, f'"max_live" needs a "max" on the field {quoted(unbounded.name.schema)}{of_texts}',
                                "a fixed pool reserves slots for the longest message, so its length must have a bound")
        return resolved

    def no_tails(self, fields: tuple[model.Field, ...], written: tuple[Field, ...]) -> None:
        for field, word in zip(fields, written):
            if field.is_tail:
                self.reporter.error(word.type.word.place, f"{quoted(word.type.word.text)} has no bound: only a field of a message "
                                    "can be of any length", "give it a bound: " + word.type.name.text + "[<=N]" if not field.type.is_texts else
                                    "put a string[<=N] in a struct, and use a list of that struct")

    def field(self, field: Field) -> model.Field:
        if field.one_of:
            return one_of(field, self.field, self.public, self.reporter)
        if field.optional:
            self.reporter.error(field.optional.place, '"optional" is only for "one_of"', f"write a question mark behind the type: {field.type.word.text}?")
        name = checked_name(field.name, field.c_name, self.reporter)
        field_type = self.types.resolve(field)
        named = self.types.named.get(field.type.name.text)
        allowed, default = resolved_values(field, field_type, named, self.reporter)
        if field.absent:
            field_type = with_absent_number(field, field_type, allowed, self.reporter)
        elif named and named.absent is not None:
            field_type = with_number_of_type(field, field_type, named.absent, allowed, self.reporter)
        return model.Field(name, parameter(name, self.public), field_type, field.type.word.text, field.name.place,
                           field.doc or (named.doc if named else ""), field.unit or (named.unit if named else ""), allowed, default, named,
                           Numbers(self.reporter).since(field.since) if field.since else 0, field.deprecated, packed.length_of(field, field_type, self.reporter))

    def constant(self, field: Field) -> model.ConstantField:
        field_type = self.types.resolve(field)
        named = self.types.named.get(field.type.name.text)
        return model.ConstantField(checked_name(field.name, field.c_name, self.reporter), field_type, field.type.word.text,
                                   resolved_constant(field, field_type, named, self.reporter), field.name.place,
                                   field.doc or (named.doc if named else ""), field.unit or (named.unit if named else ""), named,
                                   Numbers(self.reporter).since(field.since) if field.since else 0, field.deprecated)
