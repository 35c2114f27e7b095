# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Bit fields: integers that are divided into parts. What a part can be, and where its bits are."""

from collections.abc import Collection
from dataclasses import dataclass

from .. import model
from ..diagnostics import Reporter, did_you_mean, listed, quoted
from ..scalars import SCALARS, Scalar, integer_of
from .names import checked_name, parameter
from .numbers import Numbers
from .syntax import BitField, BitPart, Word

MOST_BITS = 64
_UNSIGNED = [s for s in SCALARS.values() if s.family == "unsigned" and s.width is None]
HOLE = "reserved"               # what print calls the bits of no part


@dataclass(frozen=True)
class BitFields:
    """Resolves bit fields. enums: by name. others: the names of other types. public: the C names of the protocol. A wrong part is
    reported, and left out."""

    reporter: Reporter
    enums: dict[str, model.Enum]
    others: Collection[str]
    public: frozenset[str]

    def resolve(self, written: BitField) -> model.BitField:
        if not written.bits and not self.reporter.diagnostics:
            self.reporter.error(written.name.place, f"the bit field {quoted(written.name.text)} has no parts", "for example bits: {mode: 3, level: 5}")
        parts, end = [], 0
        for word in written.bits:
            part = self.part(word, end)
            if part is not None:
                parts.append(part)
                end = part.shift + part.bits
        base = self.base(written, parts[-1:], end)
        return model.BitField(checked_name(written.name, written.c_name, self.reporter), base, tuple(parts), written.doc, written.name.place)

    def base(self, written: BitField, last: list[model.BitPart], end: int) -> Scalar:
        smallest = integer_of(end)
        if written.base is None:
            return smallest
        base = next((s for s in _UNSIGNED if s.name == written.base.text), None)
        if base is None:
            self.reporter.error(written.base.place, f"{quoted(written.base.text)} cannot be the base of a bit field",
                                "use one of " + ", ".join(s.name for s in _UNSIGNED))
        elif end > 8 * base.size:
            self.reporter.error(last[0].place, f"{quoted(last[0].name.schema)} ends at bit {end - 1}, and {base.name} has bits 0 to {8 * base.size - 1}",
                                'use a larger base, or leave "base" out: the smallest that fits is chosen')
            base = None
        return base or smallest

    def part(self, written: BitPart, end: int) -> model.BitPart | None:
        """The part. end: the bit behind the part before it."""
        name = checked_name(written.name, written.c_name, self.reporter)
        if written.name.text == HOLE:
            self.reporter.error(written.name.place, f"a part cannot have the name {quoted(HOLE)}",
                                'leave reserved bits out: they must be zero. Behind a hole, give the next part its lowest bit with "at"')
            return None
        of = self.type(written.type) if written.type else None
        bits = self.bits(written, of)
        shift = end if written.at is None else Numbers(self.reporter).integer(written.at, 0, MOST_BITS - 1, '"at"')
        if bits is None or shift is None or written.type and of is None:
            return None
        if shift < end:
            self.reporter.error(written.at.place, f"{quoted(written.name.text)} would begin at bit {shift}, and the part before it ends at bit {end - 1}",
                                "parts are in the order of their bits, from the lowest, and do not overlap")
            return None
        if shift + bits > MOST_BITS:
            self.reporter.error((written.at or written.bits or written.name).place, f"{quoted(written.name.text)} would end at bit {shift + bits - 1}",
                                f"a bit field has at most {MOST_BITS} bits")
            return None
        if isinstance(of, model.Enum) and not self.fits(written, of, bits):
            return None
        allowed = self.range(written, of, bits) if written.range else None
        return model.BitPart(name, parameter(name, self.public), shift, bits, of, allowed, written.doc, written.unit, written.name.place,
                             Numbers(self.reporter).since(written.since), written.deprecated)

    def type(self, word: Word) -> Scalar | model.Enum | None:
        if word.text == "bool":
            return SCALARS["bool"]
        if word.text in self.enums:
            return self.enums[word.text]
        if word.text in SCALARS or word.text in self.others:
            self.reporter.error(word.place, f"{quoted(word.text)} cannot be the type of a part",
                                "a part is a bool, an enum or, without a type, an unsigned number")
            return None
        self.reporter.error(word.place, f"there is no enum {quoted(word.text)}",
                            did_you_mean(word.text, ("bool", *self.enums)) or "a part is a bool, an enum or, without a type, an unsigned number. "
                            + ("The enums are " + listed(list(self.enums)) if self.enums else "The schema has no enum"))
        return None

    def bits(self, written: BitPart, of: Scalar | model.Enum | None) -> int | None:
        is_bool = isinstance(of, Scalar)
        if written.bits is None:
            if is_bool:
                return 1
            self.reporter.error(written.name.place, f'the part {quoted(written.name.text)} needs "bits"', "for example bits: 3")
            return None
        bits = Numbers(self.reporter).integer(written.bits, 1, MOST_BITS, "a number of bits")
        if is_bool and bits is not None and bits != 1:
            self.reporter.error(written.bits.place, f"a bool has one bit, not {bits}", 'remove "bits"')
            return None
        return bits

    def fits(self, written: BitPart, enum: model.Enum, bits: int) -> bool:
        """Whether each value of the enum can be in the bits; reported if not."""
        lowest, highest = (pick(enum.values, key=lambda v: v.number) for pick in (min, max)) if enum.values else (None, None)
        wrong = lowest if lowest and lowest.number < 0 else highest if highest and highest.number >= 2**bits else None
        if wrong is not None:
            self.reporter.error(written.bits.place, f"{bits} bit{'s' * (bits != 1)} cannot hold the value {wrong.number} of {quoted(enum.name.schema)}, "
                                f"{quoted(wrong.name.schema)}", "bits hold no negative numbers: use another enum" if wrong.number < 0 else
                                f"it needs {wrong.number.bit_length()} bits")
        return wrong is None

    def range(self, written: BitPart, of: Scalar | model.Enum | None, bits: int) -> model.Range | None:
        first, last = written.range
        if of is not None:
            self.reporter.error(first.place, '"range" is only for numbers', "remove it, or change the type")
            return None
        what = f"a number of {bits} bit{'s' * (bits != 1)}"
        low, high = (Numbers(self.reporter).integer(word, 0, 2**bits - 1, what) for word in (first, last))
        if low is None or high is None:
            return None
        if low > high:
            self.reporter.error(last.place, f"the range ends at {last.text}, below its start, {first.text}", f"did you mean [{last.text}, {first.text}]?")
            return None
        return model.Range(low, high)
