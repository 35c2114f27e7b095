# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Types of fields: from how a type is written to what it is. TYPES has a row for each spelling, and no other place knows them.
keys.py has split a type into its name and its brackets, and has refused what has no such form, for example u8[4][4]."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..diagnostics import Reporter, did_you_mean, listed, quoted
from ..field_types import Array, Chars, FieldType, List, One, Optional, String, Tail, Texts
from ..model import Constant, Element, NamedType
from ..scalars import MAX_COUNT, SCALARS, Bound
from .numbers import Numbers
from .syntax import Field, Struct, Type, Word

# How a type is written, and the kind of field type that its element and bound give. T stands for any element.
TYPES: dict[str, Callable[[Callable[[], Element], Callable[[], int]], FieldType]] = {
    "T":            lambda element, bound: One(element()),
    "T[N]":         lambda element, bound: Array(element(), bound()),
    "T[<=N]":       lambda element, bound: List(element(), bound()),
    "T[]":          lambda element, bound: Tail(element()),
    "char":         lambda element, bound: One(SCALARS["char"]),
    "char[N]":      lambda element, bound: Chars(bound()),
    "string":       lambda element, bound: Tail(None),
    "string[<=N]":  lambda element, bound: String(bound()),
    "string[]":     lambda element, bound: Texts(),
    "string[<=N][]": lambda element, bound: Texts(bound()),
    "bytes":        lambda element, bound: Tail(SCALARS["u8"]),
    "bytes[<=N]":   lambda element, bound: List(SCALARS["u8"], bound()),
}
_WORDS = dict.fromkeys(spelling.partition("[")[0] for spelling in TYPES if not spelling.startswith("T"))      # words that are no elements
BUILT_IN = frozenset(SCALARS) | frozenset(_WORDS)
_HINTS = {                              # for texts that look like a type
    "char[<=N]":    "use string[<=N]",
    "char[]":       "use string for a text of any length",
    "string[N]":    "use string[<=N]; for an array of them, put one in a struct",
    "bytes[N]":     "use bytes[<=N]; for an array of them, put one in a struct",
    "bytes[]":      'remove the brackets: "bytes" is already of any length',
}
_NOT_A_TYPE = One(SCALARS["u8"])        # replaces a wrong type


def spelling_of(written: Type) -> str:
    """The type's key in TYPES, which may have no such row."""
    return (written.name.text if written.name.text in _WORDS else "T") + written.form


def is_tail(written: Type) -> bool:
    """Whether the type is of any length."""
    form = written.form
    if form and not form.endswith("[]"):
        return False
    return spelling_of(written) in ("T[]", "string", "bytes", "string[]", "string[<=N][]")


def is_texts(written: Type) -> bool:
    """Whether the type is a list of texts."""
    return written.name.text == "string" and written.form in ("[]", "[<=N][]")


@dataclass(frozen=True)
class Types:
    """Resolves types. constants, elements, structs, named: by name. elements does not have the structs that are not resolved yet.
    resolved: by how they are written; so fields of the same type share it, and what is computed for it."""

    reporter: Reporter
    constants: dict[str, Constant]
    elements: dict[str, Element]
    structs: dict[str, Struct]
    named: dict[str, NamedType] = field(default_factory=dict)
    resolved: dict[str, FieldType] = field(default_factory=dict)

    def resolve(self, of: Field) -> FieldType:
        """The type of a field with its "pad" and "max". A wrong type is reported, and a valid one used instead."""
        if of.pad is not None or of.max is not None or self.reporter.diagnostics:
            return self._resolve(of)
        spelling = of.type.word.text
        if spelling not in self.resolved:
            self.resolved[spelling] = self._resolve(of)
        return self.resolved[spelling]

    def _resolve(self, of: Field) -> FieldType:
        written = of.type
        named = self.named.get(written.name.text)
        make = TYPES.get(spelling_of(written))
        if named is not None and (not named.takes_brackets or not written.form):
            resolved = self._whole(written, named)
        elif make is None:
            self._no_such_type(written)
            resolved = _NOT_A_TYPE
        else:
            resolved = make(lambda: self._element(written.name), lambda: self._count(written.bound))
        if of.pad is not None:
            resolved = self._padded(resolved, of.pad)
        if of.max is not None:
            resolved = self._limited(resolved, of.max)
        return Optional(resolved) if written.optional else resolved

    def _whole(self, written: Type, named: NamedType) -> FieldType:
        if written.form:
            name = quoted(written.name.text)
            self.reporter.error(written.word.place, f"{name} stands for {named.stands_for}: it takes no brackets",
                                f"for an array or list, put a field of the type {name} in a struct" if not named.is_value else
                                "a text is char[N] or string[<=N], which can have a name of its own")
        return named.type

    def _no_such_type(self, written: Type) -> None:
        name = written.name.text
        usual = "use " + " or ".join(row for row in TYPES if row.partition("[")[0] == name)
        self.reporter.error(written.word.place, f"{quoted(written.word.text)} is not a type", _HINTS.get(spelling_of(written), usual))

    def _element(self, word: Word) -> Element:
        element = self.elements.get(word.text)
        if element is None and word.text not in self.structs:        # a struct that contains itself has been reported
            names = list(dict.fromkeys((*SCALARS, *_WORDS, *(name for name in self.elements if name not in self.structs), *self.named, *self.structs)))
            same_in_c = next((s.name for s in SCALARS.values() if s.c == word.text), word.text)
            self.reporter.error(word.place, f"there is no type {quoted(word.text)}",
                                did_you_mean(same_in_c, names) or "the types are " + listed(names))
        return element or SCALARS["u8"]

    def _count(self, bound: Word) -> int:
        if bound.text[:1].isdigit() or bound.text.startswith("-"):
            return Numbers(self.reporter).integer(bound, 1, MAX_COUNT, "a bound") or 1
        constant = self.constants.get(bound.text)
        if constant is None:
            self.reporter.error(bound.place, f"there is no constant {quoted(bound.text)}",
                                did_you_mean(bound.text, self.constants) or 'define it under "constants"')
            return 1
        if not 1 <= constant.value <= MAX_COUNT:
            self.reporter.error(bound.place, f"{quoted(bound.text)} is {constant.value}, and a bound is from 1 to {MAX_COUNT}")
            return 1
        return Bound(constant.value, constant.name.upper)

    def _padded(self, resolved: FieldType, pad: Word) -> FieldType:
        if not isinstance(resolved, Chars):
            self.reporter.error(pad.place, '"pad" is only for char[N]', "remove it, or change the type")
        elif len(pad.text) != 1 or not " " <= pad.text <= "~":
            self.reporter.error(pad.place, f'"pad" must be one printable ASCII character, not {quoted(pad.text)}',
                                "for example pad: ' '")
        else:
            return replace(resolved, pad=pad.text)
        return resolved

    def _limited(self, resolved: FieldType, most: Word) -> FieldType:
        if isinstance(resolved, (Tail, Texts)):
            return replace(resolved, most=self._count(most))
        self.reporter.error(most.place, '"max" is only for fields of any length: string, bytes or T[]',
                            "other types have their bound in the type, for example u8[<=40]")
        return resolved
