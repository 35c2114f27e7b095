# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 2, check: Schema -> Protocol. Knows the rules of the language; resolves every name and number."""

import os
import re
from collections.abc import Iterator
from struct import pack, unpack

from .. import model
from ..diagnostics import Reporter, at, did_you_mean, quoted, visible
from . import clashes, numbers
from .names import SCHEMA_NAME, VALUE_NAME, c_name, parameter
from .syntax import Constant, Enum, Field, Message, Schema, Struct, Type, Word

MAX_TAG = 65535
MOST = {"messages": 2000, "structs, enums and flags": 2000, "fields": 12000, "constants and values": 20000}     # so that it ends in seconds
MAX_COUNT = 2**31 - 1           # of elements, characters or bytes: the largest object of a 32-bit machine
_LICENSE = re.compile(r"[A-Za-z0-9.+() :-]+\Z")
_BOUNDED = {"string": "string[<=N]", "bytes": "bytes[<=N]", "char": "string[<=N]"}
_TEXTS = ("string", "bytes", "char")


def resolve(schema: Schema, reporter: Reporter) -> model.Protocol:
    """The resolved protocol. Raises SchemaError with everything that is wrong."""
    protocol = _Checker(schema, reporter).protocol()
    reporter.raise_if_any()
    return protocol


class _Checker:
    """One method per thing of a schema. What is wrong is reported and stood in for, so that checking goes on."""

    def __init__(self, schema: Schema, reporter: Reporter):
        self.schema = schema
        self.reporter = reporter
        self.read = numbers.Numbers(reporter)
        self.constants: dict[str, model.Constant] = {}
        self.enums: dict[str, model.Enum] = {}
        self.flags: dict[str, model.Flags] = {}
        self.structs: dict[str, model.Struct] = {}
        self.unresolved = {struct.name.text: struct for struct in schema.structs}
        self.public = frozenset(symbol for symbol, _, _ in clashes.global_names(schema))

    def protocol(self) -> model.Protocol:
        schema = self.schema
        self.bounded()
        for constant in schema.constants:
            self.constants[constant.name.text] = self.constant(constant)
        types: dict[str, Word] = {}
        for named in (*schema.enums, *schema.flags, *schema.structs):
            self.type_name(named.name, types)
        for enum in schema.enums:
            self.enums[enum.name.text] = self.enum(enum)
        for flags in schema.flags:
            self.flags[flags.name.text] = self.flag_set(flags)
        for struct in self.in_order_of_need():
            self.structs[struct.name.text] = self.struct(struct)
        protocol = model.Protocol(
            self.name(schema.protocol, schema.c_name), visible(os.path.basename(schema.source.name)), self.messages(),
            tuple(self.enums.values()), tuple(self.flags.values()), tuple(self.structs.values()),
            tuple(self.constants.values()), schema.doc, self.license())
        if not schema.messages and not self.reporter.diagnostics:
            self.reporter.error(schema.protocol.place, "a protocol has at least one message")
        clashes.find(schema, protocol, self.reporter)
        return protocol

    def bounded(self) -> None:
        """Raises SchemaError at the first thing too many."""
        schema = self.schema
        sets = (*schema.enums, *schema.flags)
        for what, things in (("messages", schema.messages), ("structs, enums and flags", (*schema.structs, *sets)),
                             ("fields", [field for record in (*schema.messages, *schema.structs) for field in record.fields]),
                             ("constants and values", [*schema.constants, *(value for of in sets for value in of.values)])):
            if len(things) > MOST[what]:
                self.reporter.error(things[MOST[what]].name.place, f"a schema has at most {MOST[what]} {what}",
                                    "split it into several protocols")
                self.reporter.raise_if_any()

    def license(self) -> str:
        word = self.schema.license
        if word and not _LICENSE.match(word.text):
            self.reporter.error(word.place, f"{quoted(word.text)} is not an SPDX licence expression",
                                'for example "MIT" or "Apache-2.0 OR MIT"')
        return word.text if word else ""

    # Names.

    def name(self, word: Word, given: Word | None, pattern: re.Pattern = SCHEMA_NAME) -> model.Name:
        self.valid_name(word, pattern)
        if given is not None:
            self.valid_name(given, pattern)
        return model.Name(word.text, c_name(word, given))

    def valid_name(self, word: Word, pattern: re.Pattern) -> None:
        if not pattern.match(word.text):
            why = f"begins with an ASCII letter{' or digit' if pattern is VALUE_NAME else ''}"
            if len(word.text) > 63:
                why = "has at most 63 characters"
            elif pattern.match(re.sub(r"\W", "_", word.text, flags=re.ASCII)):
                why = "has only ASCII letters, digits and underscores"
            self.reporter.error(word.place, f"{quoted(word.text)} is not a valid name: a name {why}")
        elif word.text.endswith("_"):
            self.reporter.error(word.place, f'{quoted(word.text)} ends in "_": such names are reserved for the generator')

    def type_name(self, word: Word, taken: dict[str, Word]) -> None:
        if word.text in model.SCALARS or word.text in _BOUNDED:
            self.reporter.error(word.place, f"{quoted(word.text)} is a built-in type", "choose another name")
        elif word.text in taken:
            self.reporter.error(word.place, f"the type {quoted(word.text)} is already defined", f"the first is at {at(taken[word.text].place)}: rename one of the two")
        taken.setdefault(word.text, word)

    # Constants, enums and flags.

    def constant(self, constant: Constant) -> model.Constant:
        value = self.read.integer(constant.value, -2**63, 2**64 - 1, "a constant")
        return model.Constant(self.name(constant.name, constant.c_name), value or 0, constant.doc, constant.name.place)

    def enum(self, enum: Enum) -> model.Enum:
        values = self.enum_values(enum)
        return model.Enum(self.name(enum.name, enum.c_name), self.enum_base(enum, values), values, enum.doc, enum.name.place)

    def flag_set(self, flags: Enum) -> model.Flags:
        values = self.enum_values(flags, "flags")
        unsigned = [s for s in model.SCALARS.values() if s.family == "unsigned"]
        highest = max((v.number for v in values), default=0)
        base = min((s for s in unsigned if highest < 8 * s.size), key=lambda s: s.size, default=unsigned[-1])
        if flags.base is not None:
            given = next((s for s in unsigned if s.name == flags.base.text), None)
            if given is None:
                self.reporter.error(flags.base.place, f"{quoted(flags.base.text)} cannot be the base of flags",
                                    "use one of " + ", ".join(s.name for s in unsigned))
            else:
                base = given
        for value, word in zip(values, flags.values):
            if not 0 <= value.number < 8 * base.size:
                self.reporter.error((word.value or word.name).place, f"{base.name} has no bit {value.number}",
                                    f"the values of flags are bit numbers, here 0 to {8 * base.size - 1}")
                return model.Flags(self.name(flags.name, flags.c_name), model.SCALARS["u64"], (), flags.doc)
        return model.Flags(self.name(flags.name, flags.c_name), base, values, flags.doc, flags.name.place)

    def enum_values(self, enum: Enum, what: str = "enum") -> tuple[model.EnumValue, ...]:
        if not enum.values and not self.reporter.diagnostics:
            has = "have" if what == "flags" else "has"
            self.reporter.error(enum.name.place, f"the {what} {quoted(enum.name.text)} {has} no values")
        first: dict[int, Word] = {}
        values, number = [], -1
        for value in enum.values:
            number += 1
            if value.value is not None:
                read = self.read.integer_or_character(value.value, -2**63, 2**64 - 1, "an enum value")
                number = number if read is None else read
            where = value.value or value.name
            if number in first:
                self.reporter.error(where.place, f"the value {number} is already used by {quoted(first[number].text)}",
                                    f"{quoted(first[number].text)} is at {at(first[number].place)}: change one of the two")
            first.setdefault(number, value.name)
            values.append(model.EnumValue(self.name(value.name, value.c_name, VALUE_NAME), number, value.doc, value.name.place))
        return tuple(values)

    def enum_base(self, enum: Enum, values: tuple[model.EnumValue, ...]) -> model.Scalar:
        integers = [s for s in model.SCALARS.values() if s.family in ("unsigned", "signed")]
        lowest = min((v.number for v in values), default=0)
        highest = max((v.number for v in values), default=0)
        if enum.base is None:
            fits = [s for s in integers if numbers.fits(s, lowest) and numbers.fits(s, highest)]
            if not fits:
                self.reporter.error(enum.name.place, f"no integer type holds both {lowest} and {highest}",
                                    "all values of an enum must fit in i64 or all in u64")
            return min(fits or integers, key=lambda s: (s.size, s.family == "signed"))
        base = next((s for s in integers if s.name == enum.base.text), None)
        if base is None:
            self.reporter.error(enum.base.place, f"{quoted(enum.base.text)} cannot be the base of an enum",
                                "use one of " + ", ".join(s.name for s in integers))
            return model.SCALARS["i64"]
        for value, word in zip(values, enum.values):
            if not numbers.fits(base, value.number):
                self.reporter.error((word.value or word.name).place, f"{value.number} does not fit in {base.name}",
                                    'use a larger base, or leave "base" out: the smallest that fits is chosen')
        return base

    # Structs.

    def in_order_of_need(self) -> list[Struct]:
        """Each struct behind those that it holds. One that would hold itself is reported, and its field resolved as a number."""
        order: list[Struct] = []
        state: dict[str, bool] = {}                 # of those begun: whether it is done
        for first in self.unresolved.values():
            path = [] if first.name.text in state else [(first, self.held(first))]
            while path:
                struct, held = path[-1]
                state.setdefault(struct.name.text, False)
                word = next(held, None)
                if word is None:
                    state[struct.name.text] = True
                    order.append(struct)
                    path.pop()
                elif word.text not in state:
                    inner = self.unresolved[word.text]
                    path.append((inner, self.held(inner)))
                elif not state[word.text]:
                    self.holds_itself(word, [s.name.text for s, _ in path])
        return order

    def held(self, struct: Struct) -> Iterator[Word]:
        """The names of structs that its fields are of."""
        return (f.type.name for f in struct.fields if f.type.name.text in self.unresolved and not self.known(f.type.name))

    def holds_itself(self, word: Word, path: list[str]) -> None:
        cycle = path[path.index(word.text):]
        shown = [quoted(name) for name in (*cycle, word.text)]
        if len(shown) > 20:
            shown[10:-10] = ["..."]
        self.reporter.error(word.place, f"the struct {quoted(word.text)} would contain itself: {' -> '.join(shown)}",
                            "a struct is stored by value: refer to another by a number, such as an index")

    def struct(self, struct: Struct) -> model.Struct:
        fields = tuple(self.field(field) for field in struct.fields)
        self.no_tails(fields, struct.fields)
        if not struct.fields and not self.reporter.diagnostics:
            self.reporter.error(struct.name.place, f"the struct {quoted(struct.name.text)} has no fields")
        return model.Struct(self.name(struct.name, struct.c_name), fields, struct.name.place, struct.doc)

    # Messages.

    def messages(self) -> tuple[model.Message, ...]:
        taken: dict[int, Word] = {}
        messages, tag = [], 0
        for message in self.schema.messages:
            tag = self.tag(message, tag, taken)
            messages.append(self.message(message, tag))
        return tuple(messages)

    def tag(self, message: Message, previous: int, taken: dict[int, Word]) -> int:
        tag, where = previous + 1, message.tag or message.name
        if message.tag is not None:
            read = self.read.integer_or_character(message.tag, 1, MAX_TAG, "a tag")
            if read is None:
                return previous
            tag = read
        elif tag > MAX_TAG:
            self.reporter.error(where.place, f"the tag of {quoted(message.name.text)} would be {tag}",
                                f'the largest tag is {MAX_TAG}: give this message a smaller "tag"')
            return previous
        if tag in taken:
            self.reporter.error(where.place, f"the tag {tag} is already used by {quoted(taken[tag].text)}",
                                f"{quoted(taken[tag].text)} is at {at(taken[tag].place)}: change one of the two")
        taken.setdefault(tag, message.name)
        return tag

    def message(self, message: Message, tag: int) -> model.Message:
        max_live = None
        if message.max_live is not None:
            max_live = self.read.integer(message.max_live, 0, 2**32 - 1, '"max_live"')
        weight = 1.0 if message.weight is None else self.read.share(message.weight, '"weight"')
        fields = tuple(self.field(field) for field in message.fields)
        self.no_tails(fields[:-1], message.fields)
        resolved = model.Message(self.name(message.name, message.c_name), tag, fields, message.name.place, max_live, weight,
                                 message.doc, message.deprecated)
        if max_live and resolved.tail and resolved.tail.type.most is None:
            self.reporter.error(message.max_live.place, f'"max_live" needs a "max" on the field {quoted(resolved.tail.name.schema)}',
                                "a fixed pool reserves slots for the longest message, so its length must have a bound")
        return resolved

    def no_tails(self, fields: tuple[model.Field, ...], written: tuple[Field, ...]) -> None:
        for field, word in zip(fields, written):
            if isinstance(field.type, model.Tail):
                self.reporter.error(word.type.word.place, f"{quoted(word.type.word.text)} has no bound: only the last field of "
                                    "a message can be of any length", "give it a bound: " + _BOUNDED.get(word.type.name.text, word.type.name.text + "[<=N]"))

    def field(self, field: Field) -> model.Field:
        name = self.name(field.name, field.c_name)
        field_type = self.type(field.type, field.pad)
        if field.max is not None:
            field_type = self.limited(field_type, field.max)
        allowed = self.range(field, field_type) if field.range else None
        default = self.default(field.default, field_type, allowed) if field.default else None
        return model.Field(name, parameter(name.c, self.public), field_type, field.type.word.text, field.name.place, field.doc,
                           field.unit, allowed, default)

    def range(self, field: Field, field_type: model.FieldType) -> model.Range | None:
        element = model.element_of(field_type)
        if not isinstance(element, model.Scalar) or element.family not in ("unsigned", "signed", "float", "double"):
            self.reporter.error(field.range[0].place, '"range" is only for numbers', "remove it, or change the type")
            return None
        ends = [self.read.number(word, element) for word in field.range]
        if None in ends:
            return None
        if ends[0] > ends[1]:
            self.reporter.error(field.range[1].place, f"the range ends at {field.range[1].text}, below its start, {field.range[0].text}",
                                f"did you mean [{field.range[1].text}, {field.range[0].text}]?")
            return None
        return model.Range(*(_rounded(end, element) for end in ends))

    def default(self, word: Word, field_type: model.FieldType, allowed: model.Range | None) -> int | float | str | None:
        """What a field is in a message that is made of defaults."""
        if isinstance(field_type, (model.Chars, model.String)):
            most = field_type.count if isinstance(field_type, model.Chars) else field_type.bound
            if len(word.text.encode()) > most:
                self.reporter.error(word.place, f"{quoted(word.text)} is longer than the field: {most} byte{'s' * (most != 1)}", "shorten it, or raise the bound")
            elif not word.text.isprintable():
                self.reporter.error(word.place, "a default text must be printable", "remove its control characters, such as line breaks")
            return word.text
        element = field_type.element if isinstance(field_type, model.One) else None
        if element is None or isinstance(element, model.Struct):
            hint = {"optional": "remove it: an optional field is absent by default",
                    "tail": "remove it: a field of any length is empty by default"}
            self.reporter.error(word.place, '"default" is only for single values and texts', hint.get(field_type.kind, "remove it"))
            return None
        value = self.default_value(word, element)
        if value is not None and allowed is not None and not allowed.low <= value <= allowed.high:
            self.reporter.error(word.place, f"{quoted(word.text)} is outside the field's range",
                                f"the range is {allowed.low} to {allowed.high}")
        return value

    def default_value(self, word: Word, element: model.Element) -> int | float | None:
        if isinstance(element, (model.Enum, model.Flags)):
            names = element.numbers
            wanted = [part.strip() for part in word.text.split("|")] if isinstance(element, model.Flags) else [word.text]
            for name in wanted:
                if name not in names:
                    self.reporter.error(word.place, f"{quoted(element.name.schema)} has no value {quoted(name)}",
                                        did_you_mean(name, names) or "its values are " + _listed(list(names)))
                    return None
            return names[word.text] if isinstance(element, model.Enum) else sum(1 << names[n] for n in set(wanted))
        if element.family == "bool":
            if word.text not in ("true", "false"):
                self.reporter.error(word.place, f"a bool is true or false, not {quoted(word.text)}")
                return None
            return int(word.text == "true")
        if element.family == "char":
            return self.read.integer_or_character(word, 0, 127, "a char")
        value = self.read.number(word, element)
        return _rounded(value, element) if value is not None else None

    # Types: RESOLVE has a row for each form and family of them.

    def type(self, written: Type, pad: Word | None) -> model.FieldType:
        key = (written.form, written.name.text if written.name.text in _TEXTS else "")
        resolved = RESOLVE.get(key, _Checker.no_such_type)(self, written)
        if pad is not None:
            resolved = self.padded(resolved, pad)
        if written.optional and isinstance(resolved, model.Tail):
            self.reporter.error(written.word.place, f"{quoted(written.word.text)}: a field of any length cannot be optional",
                                "remove the question mark: its length may be 0")
            return resolved
        return model.Optional(resolved) if written.optional else resolved

    def one(self, written: Type) -> model.FieldType:
        return model.One(self.element(written.name))

    def array(self, written: Type) -> model.FieldType:
        return model.Array(self.element(written.name), self.count(written.bound))

    def list(self, written: Type) -> model.FieldType:
        return model.List(self.element(written.name), self.count(written.bound))

    def chars(self, written: Type) -> model.FieldType:
        return model.Chars(self.count(written.bound), "\0")

    def string(self, written: Type) -> model.FieldType:
        return model.String(self.count(written.bound))

    def bytes(self, written: Type) -> model.FieldType:
        return model.List(model.SCALARS["u8"], self.count(written.bound))

    def text_tail(self, written: Type) -> model.FieldType:
        return model.Tail(None)

    def bytes_tail(self, written: Type) -> model.FieldType:
        return model.Tail(model.SCALARS["u8"])

    def tail(self, written: Type) -> model.FieldType:
        return model.Tail(self.element(written.name))

    def limited(self, resolved: model.FieldType, most: Word) -> model.FieldType:
        if isinstance(resolved, model.Tail):
            return model.Tail(resolved.element, self.count(most))
        self.reporter.error(most.place, '"max" is only for fields of any length: string, bytes or T[]',
                            "other types have their bound in the type, for example u8[<=40]")
        return resolved

    def no_such_type(self, written: Type) -> model.FieldType:
        bounded = _BOUNDED.get(written.name.text)
        hint = f"use {bounded}"
        if written.form == "[N]" and written.name.text in ("string", "bytes"):
            hint = f"use {bounded}; for an array of them, put one in a struct"
        if written.form == "[]":
            hint = {"char": "use string for a text of any length", "string": "for a list of texts, put a string[<=N] in a struct"}.get(
                written.name.text, f"remove the brackets: {quoted(written.name.text)} is already of any length")
        self.reporter.error(written.word.place, f"{quoted(written.word.text)} is not a type", hint)
        return model.One(model.SCALARS["u8"])

    def element(self, word: Word) -> model.Element:
        element = self.known(word)
        if element is None and word.text in self.unresolved:
            element = self.structs.get(word.text, model.SCALARS["u8"])      # within itself
        if element is None:
            names = [*model.SCALARS, "string", "bytes", *self.enums, *self.flags, *self.unresolved]
            same_in_c = next((s.name for s in model.SCALARS.values() if s.c == word.text), word.text)
            self.reporter.error(word.place, f"there is no type {quoted(word.text)}",
                                did_you_mean(same_in_c, names) or "the types are " + _listed(names))
            return model.SCALARS["u8"]
        return element

    def known(self, word: Word) -> model.Element | None:
        return model.SCALARS.get(word.text) or self.enums.get(word.text) or self.flags.get(word.text)

    def count(self, bound: Word) -> int:
        if bound.text[:1].isdigit() or bound.text.startswith("-"):
            return self.read.integer(bound, 1, MAX_COUNT, "a bound") or 1
        constant = self.constants.get(bound.text)
        if constant is None:
            self.reporter.error(bound.place, f"there is no constant {quoted(bound.text)}",
                                did_you_mean(bound.text, self.constants) or 'define it under "constants"')
            return 1
        if not 1 <= constant.value <= MAX_COUNT:
            self.reporter.error(bound.place, f"{quoted(bound.text)} is {constant.value}, and a bound is from 1 to {MAX_COUNT}")
            return 1
        return constant.value

    def padded(self, resolved: model.FieldType, pad: Word) -> model.FieldType:
        if not isinstance(resolved, model.Chars):
            self.reporter.error(pad.place, '"pad" is only for char[N]', "remove it, or change the type")
        elif len(pad.text) != 1 or not " " <= pad.text <= "~":
            self.reporter.error(pad.place, f'"pad" must be one printable ASCII character, not {quoted(pad.text)}',
                                "for example pad: ' '")
        else:
            return model.Chars(resolved.count, pad.text)
        return resolved


def _rounded(number: int | float, scalar: model.Scalar) -> int | float:
    """What the scalar holds of it: a float not every digit."""
    return unpack("f", pack("f", number))[0] if scalar.family == "float" else number


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")


RESOLVE = {
    ("", ""): _Checker.one,
    ("", "char"): _Checker.one,
    ("[N]", ""): _Checker.array,
    ("[N]", "char"): _Checker.chars,
    ("[<=N]", ""): _Checker.list,
    ("[<=N]", "string"): _Checker.string,
    ("[<=N]", "bytes"): _Checker.bytes,
    ("", "string"): _Checker.text_tail,
    ("", "bytes"): _Checker.bytes_tail,
    ("[]", ""): _Checker.tail,
}
