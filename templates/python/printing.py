# SPDX-License-Identifier: Apache-2.0 OR MIT
# Prints values and records, in the form of Rust's Debug, as C does.

class _Style(NamedTuple):
    is_pretty: bool
    depth: int = 0

    def block(self, opening: str, items: Iterable[str], closing: str) -> str:
        items = list(items)
        if not self.is_pretty:
            space = " " if closing == "}" else ""
            return f"{opening}{space}{', '.join(items)}{space}{closing}"
        if not items:
            return opening + closing
        indent = "\n" + "    " * self.depth
        return opening + "".join(f"{indent}    {item}," for item in items) + indent + closing

    @property
    def inner(self) -> "_Style":
        return _Style(self.is_pretty, self.depth + 1)


_LETTERS = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\\": "\\\\"}


def _escaped(text: str, quote: str) -> str:
    """The text in quotes. Characters that act on a terminal, and bytes that are not UTF-8, are escaped."""
    return quote + "".join("\\" + quote if c == quote else _LETTERS.get(c) or _shown_character(c) for c in text) + quote


def _shown_character(character: str) -> str:
    code = ord(character)
    if 0xdc80 <= code <= 0xdcff:        # a byte that is not UTF-8
        return f"\\x{code - 0xdc00:x}"
    acts = (code < 0x20 or 0x7f <= code < 0xa0 or code in (0x61c, 0x200e, 0x200f) or 0x2028 <= code <= 0x202e
            or 0x2066 <= code <= 0x2069)
    return f"\\u{{{code:x}}}" if acts else character


def _shown_real(value: float, digits_of: "_Float") -> str:
    """The fewest digits that read back as the same number, as Rust writes them."""
    if value != value:
        return "NaN"
    sign, positive = ("-" if struct.pack("<d", value)[7] & 0x80 else ""), abs(value)
    if positive in (0.0, float("inf")):
        return sign + ("0.0" if positive == 0 else "inf")
    digits, _, power = digits_of.shortest(positive).partition("e")
    digits, exponent = digits.replace(".", ""), int(power)
    if -4 <= exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if 0 <= exponent <= 15:
        digits = digits.rstrip("0").ljust(exponent + 1, "0")
        return f"{sign}{digits[:exponent + 1]}.{digits[exponent + 1:] or '0'}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{exponent}"
