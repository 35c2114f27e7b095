# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The scalar types of the language, and the types of lengths."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True)
class Scalar:
    """family: how values are printed and sampled: unsigned, signed, half, float, double, bool or char. is_named: c is a typedef of the
    protocol. width: bits, if these are fewer than the C type has: the values then have the range of this width."""

    name: str
    c: str
    size: int
    family: str
    is_named: bool = False
    width: int | None = None
    is_struct = False

    @property
    def bits(self) -> int:
        return self.width or 8 * self.size

    @property
    def limits(self) -> tuple[int, int] | None:
        """The lowest and the highest value, if the C type holds others."""
        if self.width is None:
            return None
        return (0, 2**self.width - 1) if self.family == "unsigned" else (-2**(self.width - 1), 2**(self.width - 1) - 1)

    @property
    def described(self) -> str:
        """Its value of enum protopool_type, without the prefix."""
        return "FLOAT" if self.family in ("half", "double") else self.family.upper()


SCALARS = {s.name: s for s in (
    Scalar("bool", "bool", 1, "bool"),
    Scalar("u8", "uint8_t", 1, "unsigned"), Scalar("i8", "int8_t", 1, "signed"),
    Scalar("u16", "uint16_t", 2, "unsigned"), Scalar("i16", "int16_t", 2, "signed"),
    Scalar("u32", "uint32_t", 4, "unsigned"), Scalar("i32", "int32_t", 4, "signed"),
    Scalar("u64", "uint64_t", 8, "unsigned"), Scalar("i64", "int64_t", 8, "signed"),
    Scalar("u24", "uint32_t", 4, "unsigned", width=24), Scalar("i24", "int32_t", 4, "signed", width=24),
    Scalar("u48", "uint64_t", 8, "unsigned", width=48), Scalar("i48", "int64_t", 8, "signed", width=48),
    Scalar("f16", "struct protopool_f16", 2, "half"), Scalar("f32", "float", 4, "float"), Scalar("f64", "double", 8, "double"),
    Scalar("char", "char", 1, "char"),
)}

MAX_COUNT = 2**31 - 1           # of elements, characters or bytes: the largest object of a 32-bit machine


@lru_cache(maxsize=None)
def length_scalar(bound: int | None) -> Scalar:
    """The narrowest type that can count to the bound; None is the largest object."""
    return next(SCALARS[name] for name in ("u8", "u16", "u32") if (bound or MAX_COUNT) < 2 ** (8 * SCALARS[name].size))


def is_saturated(bound: int | None) -> bool:
    """Whether the bound is the largest value of its length's type, so that no length exceeds it."""
    return bound is not None and bound == 2 ** (8 * length_scalar(bound).size) - 1


def integer_of(bits: int) -> Scalar:
    """The narrowest unsigned integer that holds this many bits, at most 64."""
    return next(SCALARS[name] for name in ("u8", "u16", "u32", "u64") if bits <= 8 * SCALARS[name].size)


class Bound(int):
    """A number of elements that the schema gives by the name of a constant; `constant` is its name in C, without the prefix."""

    constant: str

    def __new__(cls, number: int, constant: str) -> "Bound":
        bound = super().__new__(cls, number)
        bound.constant = constant
        return bound
