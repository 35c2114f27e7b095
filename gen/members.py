# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The members of a struct and their offsets: the only module that knows C's rules of padding and alignment.

With 8-byte scalars declared alignas(8), a type's alignment is its size everywhere, so one set of offsets holds
on 32-bit, 64-bit and big-endian machines; the emitted C asserts each of them.
"""

from collections.abc import Iterable
from typing import NamedTuple

LARGE = 16                      # bytes; larger members go last where that costs no padding


class Hole(NamedTuple):
    """Bytes of padding, which no member has."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class Numbers(NamedTuple):
    """Numbers of the same size, side by side."""

    offset: int
    bytes: int
    count: int

    @property
    def end(self) -> int:
        return self.offset + self.bytes * self.count


class Member(NamedTuple):
    """`c_type name` or `c_type name[count]` in a struct. aligned: it is declared alignas(8). bits: the names of the bit-fields
    that share these bytes; the member has no name then."""

    name: str
    c_type: str
    element_size: int
    align: int
    count: int | None = None
    aligned: bool = False
    bits: tuple[str, ...] = ()
    offset: int = 0
    holes: tuple["Hole", ...] = ()      # in the struct that it is; not those of an array
    of_struct: tuple[Numbers, ...] | None = None    # of the struct that it is, or that an element of it is; see Record.numbers
    union: tuple["Member", ...] = ()    # the members of the union that it is; it has no c_type then

    @property
    def size(self) -> int:
        return self.element_size * (1 if self.count is None else self.count)

    @property
    def numbers(self) -> tuple[Numbers, ...]:
        """What it consists of, if its bytes are equal exactly if its value is. Empty: there is padding or a length in it."""
        if self.of_struct is None:
            return (Numbers(self.offset, self.element_size, self.count or 1),)
        if self.count is None:
            return tuple(n._replace(offset=self.offset + n.offset) for n in self.of_struct)
        return tuple(Numbers(self.offset, n.bytes, n.count * self.count) for n in self.of_struct) if len(self.of_struct) == 1 else ()


def order(members: list[Member], begin: int, align: int) -> list[Member]:
    """The order of least padding.

    It is the order of ascending alignment after the tag. Every size is a multiple of its alignment, also that of a struct. So
    there is padding only where the alignment grows, and rounding up to 2, then 4, then 8 is the same as rounding up to 8 once:
    the size is the tag plus the members, rounded up to the struct's alignment. No order is smaller. If it costs nothing, large
    members go last instead, so that the small ones share the tag's cache line.
    """
    ascending = sorted(members, key=lambda m: m.align)
    if all(m.size <= LARGE for m in members):
        return ascending
    large_last = sorted(members, key=lambda m: (m.size > LARGE, -m.align if m.size > LARGE else m.align))
    return min((large_last, ascending), key=lambda order: _size(order, begin, align))


def cut(holes: Iterable[Hole], begin: int) -> tuple[Hole, ...]:
    """The parts of the holes from `begin` on."""
    return tuple(Hole(start, hole.end - start) for hole in holes if (start := max(hole.offset, begin)) < hole.end)


def gaps(members: Iterable[Member], begin: int, size: int) -> tuple[Hole, ...]:
    """The bytes from begin to size that no member has. members: by offset."""
    gaps, end = [], begin
    for member in members:
        if member.offset > end:
            gaps.append(Hole(end, member.offset - end))
        end = member.offset + member.size
    if size > end:
        gaps.append(Hole(end, size - end))
    return tuple(gaps)


def _size(members: list[Member], begin: int, align: int) -> int:
    """The size of the struct, with its members in this order."""
    end = begin
    for member in members:
        end = round_up(end, member.align) + member.size
    return round_up(end, align)


def place(members: list[Member], begin: int, align: int) -> tuple[tuple[Member, ...], int]:
    """The members with their offsets, and the size of the struct."""
    placed, end = [], begin
    for member in members:
        offset = round_up(end, member.align)
        placed.append(member._replace(offset=offset))
        end = offset + member.size
    return tuple(placed), round_up(end, align)


def merge(numbers: Iterable[Numbers]) -> tuple[Numbers, ...]:
    """The same with neighbours of the same size as one. numbers: by offset."""
    merged: list[Numbers] = []
    for each in numbers:
        last = merged[-1] if merged else None
        if last and last.bytes == each.bytes and last.end == each.offset:
            merged[-1] = Numbers(last.offset, last.bytes, last.count + each.count)
        else:
            merged.append(each)
    return tuple(merged)


def round_up(size: int, align: int) -> int:
    return -(-size // align) * align
