# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Messages between Python and C, in both directions: `python3 python_peer.py FOLDER PROGRAM [FILE [NUMBER [LEVEL]]]`. FOLDER has the module
`all`, PROGRAM is python_peer.c for the same protocol at this LEVEL, FILE has messages that C has sent; NUMBER messages of each variant
are made here.

What C sends, Python decodes and encodes to the same bytes. What Python makes of random values, C receives, encodes and prints the
same. Of bytes that are cut off or changed, both say the same: how many are missing, that they are invalid, or which message it is.
"""

import importlib
import math
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HOSTILE = 3                     # changes of each message


def main(folder: str, program: str, sent: str = "", each: str = "2", level: str = "0") -> str:
    """A line about what was compared. Raises AssertionError."""
    sys.path.insert(0, folder)
    peer = Peer(program, importlib.import_module("all"), importlib.import_module("protopool_runtime"), level != "0")
    rng = random.Random(1)
    data = Path(sent).read_bytes() if sent else b""
    from_c = list(peer.module.decode_all(data)) if data else []
    assert b"".join(msg.encode() for msg in from_c) == data
    made = [of_values(of, rng, peer.runtime) for of in peer.classes for _ in range(int(each))]
    peer.compare_messages([*from_c, *made])
    found = peer.compare_hostile([peer.asked(msg) for msg in (*from_c, *made)], rng)
    return f"{len(from_c)} messages from C, {len(made)} from Python; hostile bytes: " + ", ".join(f"{n} {what}" for what, n in sorted(found.items()))


class Peer:
    def __init__(self, program: str, module, runtime, has_ranges: bool):
        self.program, self.module, self.runtime, self.has_ranges = program, module, runtime, has_ranges
        self.classes = module._decoder.by_tag.values()
        self.tag_size = 4 if hasattr(module, "decode_as") else 0       # in front of payloads, which have none

    def asked(self, msg) -> bytes:
        return (struct.pack("<I", msg.TAG) if self.tag_size else b"") + msg.encode()

    def decode(self, data: bytes) -> tuple:
        """The message, and its bytes without the tag in front of a payload."""
        if not self.tag_size:
            return self.module.decode(data)
        return self.module.decode_as(struct.unpack("<I", data[:4])[0], data[4:]), len(data) - 4

    def compare_messages(self, messages: list) -> None:
        """What Python has encoded."""
        answers = self.ask([self.asked(msg) for msg in messages])
        for msg in messages:
            data = msg.encode()
            same(next(answers), "received")
            same(next(answers), str(len(data)))
            self.compare_message(msg, answers)
            again, used = self.decode(self.asked(msg))
            assert used == len(data) and again == msg and hash(again) == hash(msg), msg
            same(str(again), str(msg))

    def compare_hostile(self, messages: list[bytes], rng: random.Random) -> dict[str, int]:
        """How many there were of each kind."""
        hostile = [data for message in messages for data in changed(message, rng) if len(data) >= self.tag_size]
        answers = self.ask(hostile)
        found: dict[str, int] = {}
        for data in hostile:
            kind = next(answers)
            found[kind] = found.get(kind, 0) + 1
            self.compare_answer(data, kind, answers)
        assert len(found) == 3 and next(answers, None) is None, found
        return found

    def compare_answer(self, data: bytes, kind: str, answers: Iterator[str]) -> None:
        about = next(answers)
        try:
            msg, used = self.decode(data)
            data = data[self.tag_size:]
        except self.runtime.Incomplete as error:
            assert (kind, about) == ("incomplete", str(error.missing)), (kind, about, error, data)
        except self.runtime.Invalid as error:
            assert kind == "invalid", (kind, about, error, data)
            self.compare_refusal(str(error).partition(": ")[2] or str(error), about)
        else:
            assert (kind, about) == ("received", str(used)), (kind, about, msg, data)
            assert msg.encode() == data[:used] or has_aliases(type(msg), self.runtime), (msg, data)
            self.compare_message(msg, answers, data[:used])

    def compare_refusal(self, found: str, about: str) -> None:
        """At level 0, C does not know the ranges: it says that there is one, or blames what comes later."""
        if "holds no value" in about or "the padding" in about:
            assert "holds no value" in found or not self.has_ranges and " is not in " in found, (found, about)
        elif self.has_ranges or " is not in " not in found:
            same(found, about)

    def compare_message(self, msg, answers: Iterator[str], data: bytes | None = None) -> None:
        same(next(answers), (data or msg.encode()).hex())
        same(str(msg), next(answers))
        same(msg.pretty(), next(answers))

    def ask(self, questions: list[bytes]) -> Iterator[str]:
        asked = b"".join(struct.pack("<I", len(data)) + data for data in questions)
        done = subprocess.run([self.program], input=asked, stdout=subprocess.PIPE, timeout=300, check=True)
        return iter(done.stdout.decode().split("\0")[:-1])


def same(one: str, other: str) -> None:
    assert one == other, f"\n{one}\n{other}"


def changed(message: bytes, rng: random.Random) -> Iterator[bytes]:
    """The message cut off, with a bit flipped, and with a byte replaced."""
    yield message[:rng.randrange(len(message) + 1)]
    for _ in range(HOSTILE):
        at, data = rng.randrange(len(message)), bytearray(message)
        data[at] = rng.choice((data[at] ^ 1 << rng.randrange(8), 0, 1, 0xff, rng.randrange(256)))
        yield bytes(data)


def has_aliases(of: type, runtime) -> bool:
    """Whether a field can be absent by several numbers: every NaN, or zero with either sign."""
    fields = (one for field in of._fields.values() for one in (field.alternatives.values() if isinstance(field, runtime.OneOf) else (field,)))
    for field in fields:
        element = getattr(getattr(field, "of", field), "element", None)
        if isinstance(field, runtime._Absent) and isinstance(element, runtime.Real):
            return True
        if isinstance(element, runtime._Nested) and has_aliases(element.of, runtime):
            return True
    return False


def of_values(of: type, rng: random.Random, runtime):
    """A message or a struct of random values."""
    return of(**{name: value_of(field, rng, runtime) for name, field in of._fields.items()})


def value_of(field, rng: random.Random, runtime):
    if isinstance(field, (runtime._Optional, runtime._Absent)) and rng.random() < 0.4:
        return None
    if isinstance(field, runtime._Optional):
        return value_of(field.of, rng, runtime)
    if isinstance(field, runtime._Absent):
        return next(n for _ in range(99) if not field.absent.is_it(n := element(field.element, rng, runtime)))
    if isinstance(field, runtime.OneOf):
        name, alternative = rng.choice(list(field.alternatives.items()))
        return None if field.is_optional and rng.random() < 0.3 else (name, value_of(alternative, rng, runtime))
    if isinstance(field, runtime.Texts):
        return [text(min(field.longest, 20), rng) for _ in range(rng.randrange(min(field.most, 9) + 1))]
    if isinstance(field, (runtime.Padded, runtime.Text)) or isinstance(field, runtime.Tail) and field.is_text:
        return text(min(field.most, 40), rng)
    if isinstance(field, runtime._Elements):
        length = field.most if isinstance(field, runtime.Exactly) else rng.randrange(min(field.most, 9) + 1)
        return [element(field.element, rng, runtime) for _ in range(length)]
    return element(field.element, rng, runtime)


def text(most: int, rng: random.Random) -> str:
    """At most so many bytes of letters, of characters beyond ASCII, and of what is no UTF-8."""
    found = "".join(rng.choice("ab\"'\\\n\t\x1b\x7f\x80\u00a0é€\u202e\u2066😀\udcff\udce2") for _ in range(rng.randrange(most + 1)))
    return found.encode(errors="surrogateescape")[:most].decode(errors="surrogateescape")


def element(of, rng: random.Random, runtime):
    """A random value of an element."""
    if isinstance(of, runtime.Integer):
        low, high = int(of.ends.low), int(of.ends.high)
        return rng.choice((low, high, rng.randint(low, high), rng.randint(low, min(high, low + 300))))
    if isinstance(of, runtime.Real):
        return real(of, rng)
    if isinstance(of, runtime.Boolean):
        return rng.random() < 0.5
    if isinstance(of, runtime.Character):
        return bytes([rng.randrange(256)]).decode(errors="surrogateescape")
    if isinstance(of, runtime._Flagged):
        return of.of(rng.getrandbits(64) & of.all)
    if isinstance(of, runtime._Enumerated):
        return rng.choice(list(of.of))
    if isinstance(of, runtime._Parted):
        return of.of(**{name: element(part.element, rng, runtime) for name, part in of.of._parts.items()})
    return of_values(of.of, rng, runtime)


def real(of, rng: random.Random) -> float:
    """One of those that are hard to print: of any exponent, at powers of two, with few digits, the special ones."""
    if of.ends is not None:
        return rng.choice((of.ends.low, of.ends.high, rng.uniform(of.ends.low, of.ends.high)))
    bits = rng.getrandbits(8 * of.size)
    if rng.random() < 0.3:
        bits &= ~((1 << of.form.fraction_bits) - 1)
    value: float = struct.unpack(f"<{of.form.letter}", struct.pack(f"<{of.form.integer}", bits))[0]
    large, most = (10**9, 18) if of.size > 2 else (60000, 5)
    return rng.choice((value, value, value, 0.0, -0.0, math.inf, -math.inf, math.nan, rng.randrange(large) / 1000, float(rng.randrange(large)),
                       10.0 ** rng.randrange(-6, most)))


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
