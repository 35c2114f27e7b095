# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The values of a field, or of a named type, that the schema names: its range and its default."""

from struct import pack, unpack

from ..diagnostics import Reporter, did_you_mean, listed, quoted
from ..field_types import FieldType
from ..model import BitField, BitPart, Element, Enum, Flags, NamedType, Range
from ..scalars import Scalar
from .numbers import Numbers
from .syntax import Field, Parts, Word

NUMBERS = ("unsigned", "signed", "half", "float", "double")


_FORMS = {"half": "e", "float": "f"}       # for pack

Values = tuple[Range | None, int | float | str | None]


def resolved_values(written: Field, field_type: FieldType, named: NamedType | None, reporter: Reporter) -> Values:
    """The range and the default: its own, or those of the named type by which the type is written."""
    outer = named.range if named else _limits(field_type.element)
    allowed = _range(written.range, field_type, named, reporter) if written.range else outer
    if written.default is not None:
        return allowed, _default(written.default, field_type, allowed, reporter)
    default = named.default if named and field_type.takes_default else None
    if default is not None and allowed is not None and not allowed.low <= default <= allowed.high:
        reporter.error(written.range[0].place, f"the default of {quoted(named.name.schema)}, {_short(default)}, is outside this range",
                       'give it another "default" here')
    return allowed, default


def _limits(element: Element | None) -> Range | None:
    return Range(*element.limits) if isinstance(element, Scalar) and element.limits else None


def resolved_constant(written: Field, field_type: FieldType, named: NamedType | None, reporter: Reporter) -> int | float | str:
    """The value of a field that takes no bytes. A mistake is reported, and 0 used instead."""
    word = written.constant
    beside = {"range": written.range and written.range[0], "default": written.default, "absent": written.absent, "pad": written.pad, "max": written.max}
    for key, other in beside.items():
        if other:
            reporter.error(other.place, f'"{key}" has no meaning beside "constant"', "remove one of the two")
            return 0
    if field_type.is_optional or not field_type.takes_default or isinstance(field_type.element, BitField):
        hints = ((field_type.is_optional, "remove the question mark: a constant is always there"),
                 (field_type.is_tail and not field_type.is_texts, "give the type a bound"),
                 (isinstance(field_type.element, BitField), "write the base of the bit field as the type, and a number"))
        reporter.error(word.place, '"constant" is only for single values and texts with a bound', next((hint for applies, hint in hints if applies), "remove it"))
        return 0
    return _default(word, field_type, named.range if named else None, reporter) or 0


def _range(ends: tuple[Word, ...], field_type: FieldType, named: NamedType | None, reporter: Reporter) -> Range | None:
    element = field_type.element
    if not isinstance(element, Scalar) or element.family not in NUMBERS:
        reporter.error(ends[0].place, '"range" is only for numbers', "remove it, or change the type")
        return None
    low, high = (Numbers(reporter).number(word, element) for word in ends)
    if low is None or high is None:
        return None
    if low > high:
        reporter.error(ends[1].place, f"the range ends at {ends[1].text}, below its start, {ends[0].text}",
                       f"did you mean [{ends[1].text}, {ends[0].text}]?")
        return None
    allowed = Range(_rounded(low, element), _rounded(high, element))
    if named and named.range and not named.range.low <= allowed.low <= allowed.high <= named.range.high:
        reporter.error(ends[0].place, f"the range {_shown(allowed)} is not within that of the type {quoted(named.name.schema)}, {_shown(named.range)}",
                       "narrow it, or use another type")
    return allowed


def _default(word: Word | Parts, field_type: FieldType, allowed: Range | None, reporter: Reporter) -> int | float | str | None:
    """The field's value in a message that is made of defaults: a number, or a text."""
    if not field_type.takes_default:
        reporter.error(word.place, '"default" is only for single values and texts with a bound' + (", and not for optional fields" if field_type.is_optional else ""),
                       field_type.default_hint)
        return None
    if isinstance(field_type.element, BitField):
        return _number_of_parts(word, field_type.element, reporter)
    if isinstance(word, Parts):
        reporter.error(word.place, '"default" is a mapping only for a bit field', "write a single value here")
        return None
    if field_type.is_text:
        return _text(word, field_type.most, reporter)
    value = number_of(word, field_type.element, reporter)
    if value is not None and allowed is not None and not allowed.low <= value <= allowed.high:
        reporter.error(word.place, f"{quoted(word.text)} is outside the range", f"the range is {_shown(allowed)}")
    return value


def _shown(allowed: Range) -> str:
    return f"{_short(allowed.low)} to {_short(allowed.high)}"


def _short(number: int | float) -> str:
    """As people write it: a float of 32 bits has no more than 9 digits."""
    return f"{number:.9g}" if isinstance(number, float) else str(number)


def _text(word: Word, most: int, reporter: Reporter) -> str:
    if len(word.text.encode()) > most:
        reporter.error(word.place, f"{quoted(word.text)} is longer than the field: {most} byte{'s' * (most != 1)}",
                       "shorten it, or raise the bound")
    elif not word.text.isprintable():
        reporter.error(word.place, "this text must be printable", "remove its control characters, such as line breaks")
    return word.text


def number_of(word: Word, element: Element, reporter: Reporter) -> int | float | None:
    """The value that a word names, as a number."""
    if isinstance(element, (Enum, Flags)):
        return _named_value(word, element, reporter)
    if element.family == "bool":
        if word.text not in ("true", "false"):
            reporter.error(word.place, f"a bool is true or false, not {quoted(word.text)}", "write true or false")
            return None
        return int(word.text == "true")
    if element.family == "char":
        return Numbers(reporter).integer_or_character(word, 0, 127, "a char")
    value = Numbers(reporter).number(word, element)
    return _rounded(value, element) if value is not None else None


def _named_value(word: Word, element: Enum | Flags, reporter: Reporter) -> int | None:
    """A value of the enum, or a sum of flags, written as read | write."""
    wanted = [part.strip() for part in word.text.split("|")] if isinstance(element, Flags) else [word.text]
    numbers = element.numbers if isinstance(element, Enum) else element.mask_of
    value = 0
    for name in wanted:
        if name not in numbers:
            reporter.error(word.place, f"{quoted(element.name.schema)} has no value {quoted(name)}",
                           did_you_mean(name, numbers) or "its values are " + listed(list(numbers)))
            return None
        value = numbers[name] if isinstance(element, Enum) else value | numbers[name]
    return value


def _number_of_parts(parts: Word | Parts, of: BitField, reporter: Reporter) -> int | None:
    """The integer whose parts have these values. A part that is not given has its own default."""
    if isinstance(parts, Word):
        part = of.parts[0].name.schema if of.parts else "mode"
        reporter.error(parts.place, f"the default of {quoted(of.name.schema)} must be a mapping of its parts to values",
                       f"for example {{{part}: 0}}; a part that is left out gets the allowed value nearest to 0")
        return None
    by_name = {part.name.schema: part for part in of.parts}
    number = of.initial
    for name, word in parts.entries:
        part = by_name.get(name.text)
        if part is None:
            reporter.error(name.place, f"{quoted(of.name.schema)} has no part {quoted(name.text)}",
                           did_you_mean(name.text, by_name) or "its parts are " + listed(list(by_name)))
            continue
        value = _number_of_part(word, part, reporter)
        number = number if value is None else number & ~part.mask | value << part.shift
    return number


def _number_of_part(word: Word, part: BitPart, reporter: Reporter) -> int | None:
    if part.type is not None:
        return number_of(word, part.type, reporter)
    return Numbers(reporter).integer(word, *part.ends, quoted(part.name.schema))


def _rounded(number: int | float, scalar: Scalar) -> int | float:
    """The nearest number that the scalar holds."""
    form = _FORMS.get(scalar.family)
    return unpack(form, pack(form, number))[0] if form else number
