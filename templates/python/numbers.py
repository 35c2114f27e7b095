# SPDX-License-Identifier: Apache-2.0 OR MIT
# Elements that are numbers, bools or characters: what is allowed of them, and their bytes.

class Range:
    """The lowest and the highest number that is allowed."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high


class Element:
    """A value of a fixed size. `checked` is the value as records hold it, or raises Refused. packed_size: its bytes in a packed message; of a
    struct the least."""

    size = packed_size = 0

    def checked(self, value: Any) -> Any:
        raise NotImplementedError

    def load(self, data: memoryview, at: int) -> Any:
        raise NotImplementedError

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        raise NotImplementedError

    def shown(self, value: Any, style: _Style) -> str:
        raise NotImplementedError

    def pack(self, value: Any, packer: "Packer") -> None:
        out = bytearray(self.size)
        self.store(value, out, 0)
        packer.number(int.from_bytes(out[:self.packed_size], "little"), self.packed_size)

    def unpack(self, unpacker: "Unpacker") -> Any:
        """None if it is only measured."""
        packed = unpacker.take(self.packed_size)
        return None if unpacker.measures else self.load(memoryview(self.unpacked(packed, unpacker.order)), 0)

    def unpacked(self, packed: memoryview, order: Literal["little", "big"]) -> bytearray:
        """The bytes as records hold them."""
        return bytearray(packed if order == "little" else packed[::-1])

    @property
    def is_fixed(self) -> bool:
        """Whether it always has the same bytes in a packed message."""
        return True

    def within(self, ends: Range) -> "Element":
        """The same, but only the numbers of a range are allowed."""
        raise TypeError(f"{type(self).__name__} has no range")


def _shown_integer(value: Any) -> str:
    """The digits, unless Python refuses to write so many."""
    try:
        return str(value)
    except ValueError:
        return f"a number of {value.bit_length()} bits"


class Integer(Element):
    def __init__(self, letter: str, bits: int, ends: Range | None = None) -> None:
        self.letter, self.bits, self.size, self.packed_size = letter, bits, struct.calcsize(f"<{letter}"), bits // 8
        lowest = -2 ** (bits - 1) if letter.islower() else 0
        self.ends = ends or Range(lowest, lowest + 2**bits - 1)

    def within(self, ends: Range) -> "Integer":
        return Integer(self.letter, self.bits, ends)

    def checked(self, value: Any) -> int:
        number = index(value)
        if not self.ends.low <= number <= self.ends.high:
            raise Refused(f"{_shown_integer(number)} is not in {self.ends.low}..{self.ends.high}")
        return number

    def load(self, data: memoryview, at: int) -> int:
        return self.checked(struct.unpack_from(f"<{self.letter}", data, at)[0])

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        struct.pack_into(f"<{self.letter}", out, at, value)

    def unpacked(self, packed: memoryview, order: Literal["little", "big"]) -> bytearray:
        number = int.from_bytes(packed, order, signed=self.letter.islower())
        return bytearray(number.to_bytes(self.size, "little", signed=self.letter.islower()))

    def shown(self, value: Any, style: _Style) -> str:
        return str(value)


class _Float(NamedTuple):
    """A format of floating-point numbers. integer: the letter of an integer of the same size."""

    letter: str
    integer: str
    fraction_bits: int
    exponent_bits: int

    def load(self, data: memoryview, at: int) -> float:
        number: float = struct.unpack_from(f"<{self.letter}", data, at)[0]
        return number if number == number else self._wide_nan(struct.unpack_from(f"<{self.integer}", data, at)[0])

    def store(self, value: float, out: bytearray | memoryview, at: int) -> None:
        if value == value:
            struct.pack_into(f"<{self.letter}", out, at, value)
        else:
            struct.pack_into(f"<{self.integer}", out, at, self._nan_bits(value))

    def rounded(self, value: float) -> float:
        """The nearest number of this format. Raises OverflowError."""
        out = bytearray(8)
        self.store(value, out, 0)
        return self.load(memoryview(out), 0)

    def shortest(self, positive: float) -> str:
        """As "{:e}" prints it."""
        shown = (f"{positive:.{digits}e}" for digits in range(17))
        return next(text for text in shown if self._reads_back(text, positive))

    def _reads_back(self, text: str, positive: float) -> bool:
        if self.letter == "d":
            return float(text) == positive
        bits: int = struct.unpack(f"<{self.integer}", struct.pack(f"<{self.letter}", positive))[0]
        middle_below = Fraction(positive) - self._distance(bits - 1) / 2
        middle_above = Fraction(positive) + self._distance(bits) / 2
        number = Fraction(text)
        return middle_below < number < middle_above or bits % 2 == 0 and number in (middle_below, middle_above)

    def _distance(self, bits: int) -> Fraction:
        """From the number with these bits to the next one."""
        bias = 2 ** (self.exponent_bits - 1) - 1
        exponent = max(bits >> self.fraction_bits, 1) - bias - self.fraction_bits
        return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)

    def _wide_nan(self, bits: int) -> float:
        """A NaN with all its bits. A conversion by the processor would change some."""
        fraction = bits & 2**self.fraction_bits - 1
        sign = bits >> self.fraction_bits + self.exponent_bits
        return float(struct.unpack("<d", struct.pack("<Q", sign << 63 | 0x7ff << 52 | fraction << 52 - self.fraction_bits))[0])

    def _nan_bits(self, value: float) -> int:
        bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
        fraction = (bits & (1 << 52) - 1) >> 52 - self.fraction_bits or 1 << self.fraction_bits - 1
        return (bits >> 63 << self.exponent_bits | (1 << self.exponent_bits) - 1) << self.fraction_bits | fraction


_HALF, _SINGLE, _DOUBLE = _Float("e", "H", 10, 5), _Float("f", "I", 23, 8), _Float("d", "Q", 52, 11)


class Real(Element):
    def __init__(self, form: _Float, ends: Range | None = None) -> None:
        self.form, self.size, self.ends = form, struct.calcsize(f"<{form.letter}"), ends
        self.packed_size = self.size

    def within(self, ends: Range) -> "Real":
        of_ends = _SINGLE if self.form is _HALF else self.form      # as C compares them
        return Real(self.form, Range(of_ends.rounded(ends.low), of_ends.rounded(ends.high)))

    def checked(self, value: Any) -> float:
        try:
            number = self.form.rounded(_real(value))
        except OverflowError:
            raise Refused(f"{_shown_integer(value)} is too large for {8 * self.size} bits") from None
        return self._allowed(number)

    def load(self, data: memoryview, at: int) -> float:
        return self._allowed(self.form.load(data, at))

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        self.form.store(value, out, at)

    def shown(self, value: Any, style: _Style) -> str:
        return _shown_real(value, self.form)

    def _allowed(self, number: float) -> float:
        if self.ends and not self.ends.low <= number <= self.ends.high:
            shown = [_shown_real(each, self.form) for each in (number, self.ends.low, self.ends.high)]
            raise Refused("{} is not in {}..{}".format(*shown))
        return number


def _real(value: Any) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"{value!r} is not a number")
    return float(value)


class Boolean(Element):
    size = packed_size = 1

    def checked(self, value: Any) -> bool:
        if not isinstance(value, bool):
            raise TypeError(f"{value!r} is not a bool")
        return value

    def load(self, data: memoryview, at: int) -> bool:
        if data[at] > 1:
            raise Refused("is neither false nor true")
        return data[at] == 1

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        out[at] = value

    def shown(self, value: Any, style: _Style) -> str:
        return "true" if value else "false"


class Character(Element):
    """A text of one byte."""

    size = packed_size = 1

    def checked(self, value: Any) -> str:
        if len(_encoded(value)) != 1:
            raise Refused("is not one character of ASCII")
        return _decoded(_encoded(value))

    def load(self, data: memoryview, at: int) -> str:
        return _decoded(data[at:at + 1])

    def store(self, value: Any, out: bytearray | memoryview, at: int) -> None:
        out[at:at + 1] = _encoded(value)

    def shown(self, value: Any, style: _Style) -> str:
        return _escaped(value, "'")
