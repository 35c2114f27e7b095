# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Constants, enums and flags, and the base types of enums and flags."""

from .. import model
from ..diagnostics import Reporter, at, did_you_mean, quoted
from ..scalars import SCALARS, Scalar
from .names import VALUE_NAME, checked_name
from .numbers import Numbers, fits
from .syntax import Constant, Enum, EnumValue, Word

_INTEGERS = [s for s in SCALARS.values() if s.family in ("unsigned", "signed") and s.width is None]
_ENUM_BASES = (*_INTEGERS, SCALARS["char"])
_UNSIGNED = [s for s in _INTEGERS if s.family == "unsigned"]


def constant(written: Constant, reporter: Reporter) -> model.Constant:
    value = Numbers(reporter).integer(written.value, -2**63, 2**64 - 1, "a constant")
    return model.Constant(checked_name(written.name, written.c_name, reporter), 1 if value is None else value, written.doc, written.name.place)


def enum(written: Enum, reporter: Reporter) -> model.Enum:
    values = _values(written, "enum", reporter)
    name = checked_name(written.name, written.c_name, reporter)
    return model.Enum(name, _enum_base(written, values, reporter), values, written.doc, written.name.place)


def flags(written: Enum, reporter: Reporter) -> model.Flags:
    whole, masks = written, [value for value in written.values if value.mask is not None]
    written = written._replace(values=tuple(value for value in written.values if value.mask is None))
    values = _values(written, "flags", reporter)
    base = _flags_base(written, values, reporter)
    for value, word in zip(values, written.values):
        if not 0 <= value.number < 8 * base.size:
            reporter.error((word.value or word.name).place, f"{base.name} has no bit {value.number}",
                           f"the values of flags are bit numbers, here 0 to {8 * base.size - 1}")
            base, values = SCALARS["u64"], ()
            break
    return model.Flags(checked_name(whole.name, whole.c_name, reporter), base, values, whole.doc, whole.name.place, _masks(masks, values, reporter))


def _masks(written: list[EnumValue], values: tuple[model.EnumValue, ...], reporter: Reporter) -> tuple[model.EnumValue, ...]:
    """The names of several bits, and of none. The bits are those of the values."""
    bits = {value.name.schema: 1 << value.number for value in values}
    first = {number: name for name, number in bits.items()}
    masks = []
    for value in written:
        mask = 0
        for name in [] if value.mask.text == "0" else [part.strip() for part in value.mask.text.split("|")]:
            if name not in bits:
                reporter.error(value.mask.place, f'"mask" lists bits of these flags, and {quoted(name)} is not one of them',
                               did_you_mean(name, bits) or "for example mask: " + (" | ".join(bits) or "read | write") + ", or mask: 0")
                break
            mask |= bits[name]
        else:
            if mask in first:
                reporter.error(value.mask.place, f"{quoted(first[mask])} already has this mask", "remove or change one of the two")
            first.setdefault(mask, value.name.text)
            masks.append(model.EnumValue(checked_name(value.name, value.c_name, reporter, VALUE_NAME), mask, value.doc,
                                         Numbers(reporter).since(value.since), value.deprecated, value.name.place))
    return tuple(masks)


def _values(written: Enum, what: str, reporter: Reporter) -> tuple[model.EnumValue, ...]:
    if not written.values and not reporter.diagnostics:
        has = "have" if what == "flags" else "has"
        reporter.error(written.name.place, f"the {what} {quoted(written.name.text)} {has} no values",
                       "for example values: [red, green]")
    first: dict[int, Word] = {}
    values, number = [], -1
    for value in written.values:
        number += 1
        if value.value is not None:
            read = Numbers(reporter).integer_or_character(value.value, -2**63, 2**64 - 1, "an enum value")
            number = number if read is None else read
        where = value.value or value.name
        if number in first:
            reporter.error(where.place, f"the value {number} is already used by {quoted(first[number].text)}",
                           f"{quoted(first[number].text)} is at {at(first[number].place)}: change one of the two")
        first.setdefault(number, value.name)
        values.append(model.EnumValue(checked_name(value.name, value.c_name, reporter, VALUE_NAME), number, value.doc,
                                      Numbers(reporter).since(value.since), value.deprecated, value.name.place))
    return tuple(values)


def _enum_base(written: Enum, values: tuple[model.EnumValue, ...], reporter: Reporter) -> Scalar:
    lowest = min((v.number for v in values), default=0)
    highest = max((v.number for v in values), default=0)
    if written.base is None:
        wide_enough = [s for s in _INTEGERS if fits(s, lowest) and fits(s, highest)]
        if not wide_enough:
            reporter.error(written.name.place, f"no integer type holds both {lowest} and {highest}",
                           "all values of an enum must fit in i64 or all in u64")
        return min(wide_enough or _INTEGERS, key=lambda s: (s.size, s.family == "signed"))
    base = next((s for s in _ENUM_BASES if s.name == written.base.text), None)
    if base is None:
        reporter.error(written.base.place, f"{quoted(written.base.text)} cannot be the base of an enum",
                       "use one of " + ", ".join(s.name for s in _ENUM_BASES))
        return SCALARS["i64"]
    for value, word in zip(values, written.values):
        if not fits(base, value.number):
            reporter.error((word.value or word.name).place, f"{value.number} does not fit in {base.name}",
                           "a char is from 0 to 127: use u8, or a quoted ASCII character" if base.family == "char" else
                           'use a larger base, or leave "base" out: the smallest that fits is chosen')
    return base


def _flags_base(written: Enum, values: tuple[model.EnumValue, ...], reporter: Reporter) -> Scalar:
    highest = max((v.number for v in values), default=0)
    smallest = min((s for s in _UNSIGNED if highest < 8 * s.size), key=lambda s: s.size, default=_UNSIGNED[-1])
    if written.base is None:
        return smallest
    base = next((s for s in _UNSIGNED if s.name == written.base.text), None)
    if base is None:
        reporter.error(written.base.place, f"{quoted(written.base.text)} cannot be the base of flags",
                       "use one of " + ", ".join(s.name for s in _UNSIGNED))
    return base or smallest
