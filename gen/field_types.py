# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The kinds of field type, a class each. A new kind needs a class here, a file in templates/kinds/ with the name of its `kind`, and a
row in language/types.py for how it is written."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from .scalars import MAX_COUNT, SCALARS, is_saturated, length_scalar

if TYPE_CHECKING:
    from .model import Element, Union


class Part(NamedTuple):
    """A member of a field in its record. Its name is the field's name and the suffix. It is an array if there is a count."""

    suffix: str
    element: "Element"
    count: int | None = None


def _length(bound: int | None) -> Part:
    return Part("_len", length_scalar(bound))


class FieldType:
    """The properties of a kind of field type, as most kinds have them. Each kind also has `element`, the type of its elements, None
    for a text; `parts`, its members, the main one last; and `most`, the number of elements or characters that fit."""

    kind = ""
    is_optional = False         # constructors take a pointer, or what T takes; NULL: absent
    has_bit = False             # a bit says whether it is present
    absent: int | float | None = None       # the number that means that it is absent
    has_aliases = False         # different bytes can be the same value
    is_tail = False
    is_texts = False            # its elements are texts, each of its own length
    is_list = False             # it has a number of elements, even if that is 1
    is_text = False             # constructors take it as a string
    has_bound = False           # an argument can be too long for it, or be the number that means "absent"
    can_disagree = False        # its length and its terminator can contradict each other
    has_spare_length = False    # its length can be set to more than fits
    pad = "\0"                  # the character that fills a text up
    view = "view"               # how C++ sees it: a value, a pointer or a view
    has_view = True             # C++ has a view of it besides the member
    is_writable = False         # a view of it can be written through
    takes_default = False
    default_hint = "remove it"  # the hint if it takes no default

    @cached_property
    def has_length(self) -> bool:
        return any(part.suffix == "_len" for part in self.parts)

    @cached_property
    def described(self) -> str:
        """Its value of enum protopool_type, without the prefix."""
        return "TEXT" if self.element is None else self.element.described


@dataclass(frozen=True)
class One(FieldType):
    """T by value."""

    element: "Element"
    kind = "one"
    most = 1
    has_view = False

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (Part("", self.element),)

    @property
    def view(self) -> str:
        return "pointer" if self.is_writable else "value"

    @property
    def is_writable(self) -> bool:
        return self.element.is_struct

    @property
    def takes_default(self) -> bool:
        return not self.element.is_struct


@dataclass(frozen=True)
class Array(FieldType):
    """T[N]."""

    element: "Element"
    most: int
    kind = "array"
    is_list = True
    has_view = False
    is_writable = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (Part("", self.element, self.most),)


@dataclass(frozen=True)
class List(FieldType):
    """T[<=N], with its length; bytes[<=N] is a list of u8."""

    element: "Element"
    most: int
    kind = "list"
    is_list = True
    has_bound = True
    is_writable = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return _length(self.most), Part("", self.element, self.most)

    @property
    def has_spare_length(self) -> bool:
        return not is_saturated(self.most)


@dataclass(frozen=True)
class Chars(FieldType):
    """char[N]: not terminated, padded."""

    most: int
    pad: str = "\0"
    kind = "chars"
    element = None
    is_text = True
    has_bound = True
    takes_default = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (Part("", SCALARS["char"], self.most),)


@dataclass(frozen=True)
class String(FieldType):
    """string[<=N]: terminated, with its length."""

    most: int
    kind = "string"
    element = None
    is_text = True
    has_bound = True
    can_disagree = True
    takes_default = True

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return _length(self.most), Part("", SCALARS["char"], self.most + 1)


@dataclass(frozen=True)
class Tail(FieldType):
    """string, bytes or T[], in a message: elements behind its struct, whose number is set when it is allocated.
    element: None for a text, which is terminated. most: None for as many as a message can have."""

    element: "Element | None"
    most: int | None = None
    kind = "tail"
    is_tail = True
    has_bound = True
    default_hint = "remove it: a field of any length is empty by default"
    extent = "_len"             # the member by which its bytes are counted

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return (_length(self.most),)

    @property
    def extent_most(self) -> int | None:
        """The most that this member can be."""
        return self.most

    @property
    def is_list(self) -> bool:
        return self.element is not None

    @property
    def is_writable(self) -> bool:
        return self.element is not None


@dataclass(frozen=True)
class Texts(FieldType):
    """string[] or string[<=N][], in a message: offsets, and then texts, behind its struct. An offset is that of a text from the first
    offset. most: texts, longest: characters of each; None for as many as a message can have."""

    longest: int | None = None
    most: int | None = None
    kind = "texts"
    element = None
    is_tail = True
    is_texts = True
    has_bound = True
    default_hint = "remove it: a field of any length is empty by default"
    described = "TEXTS"
    extent = "_bytes"           # of offsets and texts

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        return Part("_bytes", self.offset), _length(self.most)

    @cached_property
    def extent_most(self) -> int | None:
        """The bytes of the most texts, each as long as it can be."""
        if self.most is None or self.longest is None:
            return None
        for of_offset in (1, 2, 4):
            most = self.most * (of_offset + self.longest + 1)
            if most < 2 ** (8 * of_offset):
                break
        return most

    @cached_property
    def offset(self) -> "Element":
        """The type of an offset: the narrowest that counts the bytes."""
        return length_scalar(min(self.extent_most, MAX_COUNT) if self.extent_most else None)


def _as_inner(name: str) -> cached_property:
    return cached_property(lambda optional: getattr(optional.of, name))


@dataclass(frozen=True)
class Optional(FieldType):
    """T?: a bit that is set if the value is present, and T. Its properties are those of T, except for its default."""

    of: FieldType
    kind = "optional"
    is_optional = has_bit = True
    is_tail, is_texts = _as_inner("is_tail"), _as_inner("is_texts")
    extent, extent_most = _as_inner("extent"), _as_inner("extent_most")
    default_hint = "remove it: an optional field is absent by default"
    element, parts, most = _as_inner("element"), _as_inner("parts"), _as_inner("most")
    is_list, is_text, has_bound = _as_inner("is_list"), _as_inner("is_text"), _as_inner("has_bound")
    can_disagree, has_spare_length = _as_inner("can_disagree"), _as_inner("has_spare_length")
    view, is_writable, described = _as_inner("view"), _as_inner("is_writable"), _as_inner("described")


@dataclass(frozen=True)
class Absent(FieldType):
    """T? of a number, one value of which means that it is absent, so that it has no bit. number: that value; NaN: every NaN."""

    of: One
    number: int | float
    kind = "absent"
    is_optional = has_bound = True
    default_hint = "remove it: an optional field is absent by default"
    most = 1
    element, parts = _as_inner("element"), _as_inner("parts")

    @property
    def absent(self) -> int | float:
        return self.number

    @property
    def view(self) -> str:
        return self.of.view

    @property
    def has_aliases(self) -> bool:
        """There are many NaNs, and two zeros."""
        return isinstance(self.number, float)


@dataclass(frozen=True)
class OneOf(FieldType):
    """One of several alternatives, or, if it is optional, none. A byte says which: 0 for none, otherwise its number, from 1."""

    element: "Union"
    optional: bool = False
    kind = "one_of"
    most = 1
    has_bound = True            # too many alternatives can be given, or none
    can_disagree = True         # what says which can have a number of no alternative
    has_view = False            # each alternative has one
    has_length = False          # that of a text or a list is the length of an alternative

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        longest = self.element.longest
        return Part("_which", SCALARS["u8"]), *((_length(longest),) if longest else ()), Part("", self.element)
