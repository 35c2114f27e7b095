# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The number of a field that means that it is absent."""

import math

from ..diagnostics import Reporter, quoted
from ..field_types import Absent, FieldType
from ..model import Enum, Range
from ..scalars import Scalar
from .field_values import NUMBERS, number_of
from .syntax import Field, Word


def with_absent_number(field: Field, field_type: FieldType, allowed: Range | None, reporter: Reporter) -> FieldType:
    """The type of an optional field whose "absent" is a number. A mistake is reported; the type stays then."""
    word, element = field.absent, field_type.element
    if not field_type.is_optional:
        reporter.error(word.place, '"absent" is only for optional fields',
                       f'write a question mark behind the type, {field.type.word.text}?, or remove "absent"')
    elif isinstance(element, Enum):
        reporter.error(word.place, '"absent" is only for single numbers', "remove the question mark, and declare a value that means absent in the enum")
    elif not isinstance(element, Scalar) or element.family not in (*NUMBERS, "char") or field_type.of.kind != "one":
        reporter.error(word.place, '"absent" is only for single numbers', 'remove "absent": a bit says whether the field is present')
    else:
        number = _number(word, element, reporter)
        if number is not None and not _is_all(number, allowed, word, reporter):
            return Absent(field_type.of, number)
    return field_type


def absent_number_of_type(written: Field, resolved: FieldType, allowed: Range | None, reporter: Reporter) -> int | float | None:
    """The number that a named type has for its optional fields; None if there is none. A mistake is reported."""
    word, element = written.absent, resolved.element
    if word is None:
        return None
    if resolved.kind != "one" or element.family not in (*NUMBERS, "char"):
        reporter.error(word.place, '"absent" is only for single numbers', 'remove "absent"')
        return None
    number = _number(word, element, reporter)
    return None if number is None or _is_all(number, allowed, word, reporter) else number


def with_number_of_type(field: Field, field_type: FieldType, number: int | float, allowed: Range | None, reporter: Reporter) -> FieldType:
    """The type of a field whose named type has a number for what is absent."""
    if not field_type.is_optional or field_type.of.kind != "one" or field.range and _is_all(number, allowed, field.range[0], reporter):
        return field_type
    return Absent(field_type.of, number)


def _is_all(number: int | float, allowed: Range | None, word: Word, reporter: Reporter) -> bool:
    """Whether the number is all that the range allows; reported if it is."""
    if allowed is None or not allowed.low == allowed.high == number:
        return False
    reporter.error(word.place, f"{quoted(word.text)} cannot mean absent: it is the only number in the field's range", "choose a number outside of the range")
    return True


def _number(word: Word, element: Scalar, reporter: Reporter) -> int | float | None:
    if element.family not in ("half", "float", "double") or word.text.lower() not in ("nan", ".nan"):
        return number_of(word, element, reporter)
    if word.text != "nan":
        reporter.error(word.place, f"{quoted(word.text)} is not how NaN is written here", "write nan")
        return None
    return math.nan             # always this object: it is equal to itself in a tuple
