# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the Python modules of all protocols share: messages, structs and bit fields as classes, their encoded form, and how they
are printed.

A class's annotations say what its fields are: `time: U64`, `name: Annotated[str, Text(31)]`. Its `Layout` says where they are. A value
that the schema does not allow raises Refused. An object does not change: `dataclasses.replace(msg, time=5)` makes another one.
"""

import struct
from collections.abc import Iterable, Iterator
from copy import copy
from ctypes import Array, LittleEndianStructure, sizeof
from enum import IntEnum, IntFlag
from fractions import Fraction
from inspect import get_annotations
from operator import index
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

Buffer = Union[bytes, bytearray, memoryview]
MOST_BYTES = 2**31 - 1          # of a message


class Refused(ValueError):
    """The schema does not allow a value. field: its name in the schema, such as "points[2].x". rule: what it breaks."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule, self.field, self.record = rule, "", ""

    def inside(self, name: str) -> "Refused":
        """The same, for the field that the value is in."""
        self.field = name + ("." if self.field[:1] not in ("", "[") else "") + self.field
        return self

    def __str__(self) -> str:
        text = f"{self.field} {self.rule}" if self.field else self.rule
        return f"{self.record}: {text}" if self.record else text


class DecodeError(ValueError):
    """The bytes are no message."""


class Incomplete(DecodeError):
    """The message is longer than the bytes: it needs at least `missing` more of them."""

    def __init__(self, missing: int) -> None:
        super().__init__(missing)       # pickle and copy call it with these arguments
        self.missing = missing

    def __str__(self) -> str:
        return f"the message needs at least {self.missing} more bytes"


class Invalid(DecodeError):
    """No message begins with these bytes, however many follow."""


class Structure(LittleEndianStructure):
    """The bytes of a record. Padding is a member, so the offsets are the same on every machine."""

    _pack_ = 1
    _layout_ = "ms"


# @PARTS
