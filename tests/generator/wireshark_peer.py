# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The dissector of a protocol `all` beside Python and C: `python3 wireshark_peer.py FOLDER FILE [PRINTED [NUMBER]]`. FOLDER has the modules
and all.lua, FILE has messages that C has sent, PRINTED the lines that C prints for them; NUMBER messages of each variant are made here.

tshark shows each field of each message with its value, its bytes and its place, and no other field. Of a packed message, each byte
belongs to one item, in their order. Of bytes that are cut off or changed it says what Python says: that they are cut off, or invalid,
or which message it is.
"""

import importlib
import math
import random
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import python_peer
import tshark

OFFSET = 28                     # of the bytes of a datagram in its packet
FAULTS = ("invalid", "unknown_tag", "truncated")
# Datagrams with a tag of 4 bytes in front of a payload.
FRAMES = """\
local frames = Proto.new("frames", "Frames")
function frames.dissector(tvb, pinfo, tree)
    pinfo.private.{0}_tag = tostring(tvb:range(0, 4):le_uint())
    Dissector.get("{0}"):call(tvb:range(4):tvb(), pinfo, tree)
    return tvb:len()
end
DissectorTable.get("udp.port"):add({1}, frames)
"""
AT_ONCE = 2000                  # packets of a capture


def main(folder: str, sent: str, printed: str = "", each: str = "1") -> str:
    """A line about what was compared. Raises AssertionError."""
    sys.path.insert(0, folder)
    peer = Peer(Path(folder, "all.lua"), importlib.import_module("all"), importlib.import_module("protopool_runtime"))
    rng = random.Random(1)
    from_c = list(peer.module.decode_all(Path(sent).read_bytes())) if sent else []
    if printed:
        lines = Path(printed).read_text().splitlines()
        assert [line.split(" ", 4)[4] for line in lines] == [str(msg) for msg in from_c]
    made = [python_peer.of_values(of, rng, peer.runtime) for of in peer.module._decoder.by_tag.values() for _ in range(int(each))]
    messages = [msg for msg in (*from_c, *made) if len(msg.encode()) < 65000]
    fields = peer.compare_messages(messages)
    found = peer.compare_hostile([peer.framed(msg) for msg in messages], rng)
    return f"{len(messages)} messages, {fields} fields; hostile bytes: " + ", ".join(f"{n} {what}" for what, n in sorted(found.items()))


class Peer:
    def __init__(self, dissector: Path, module, runtime, protocol: str = "all_"):
        self.dissector, self.module, self.runtime, self.protocol = dissector, module, runtime, protocol
        of = next(iter(module._decoder.by_tag.values()))
        self.is_packed = hasattr(runtime, "PackedMessage") and issubclass(of, runtime.PackedMessage)
        self.frame_bytes = 4 if hasattr(module, "decode_as") else 0     # the tag in front of a payload, which has none

    def framed(self, msg) -> bytes:
        return (msg.TAG.to_bytes(4, "little") if self.frame_bytes else b"") + msg.encode()

    def frames(self, datagrams: list[bytes]) -> Iterator[tshark.Frame]:
        with tempfile.TemporaryDirectory() as folder:
            frames, ports = Path(folder, "frames.lua"), [] if self.frame_bytes else [f"-o{self.protocol}.udp_ports:{tshark.PORT}"]
            frames.write_text(FRAMES.format(self.protocol, tshark.PORT) if self.frame_bytes else "")
            for first in range(0, len(datagrams), AT_ONCE):
                yield from tshark.frames([frames, self.dissector], tshark.udp(datagrams[first:first + AT_ONCE]), self.protocol, *ports)

    def compare_messages(self, messages: list) -> int:
        """Each message in a datagram. Returns how many fields there were."""
        count = 0
        for msg, frame in zip(messages, self.frames([self.framed(msg) for msg in messages]), strict=True):
            try:
                (layer,) = frame.of(self.protocol)
                count += self.compare_message(msg, layer, OFFSET + self.frame_bytes)
            except (AssertionError, ValueError) as error:
                raise AssertionError(f"{msg}\n{msg.encode().hex(' ')}\n{error}\n{frame.text}") from error
        return count

    def compare_message(self, msg, layer: tshark.Item, begin: int) -> int:
        data = msg.encode()
        same((layer.raw, layer.at if data else begin), (data.hex(), begin))
        if self.is_packed:
            for item in layer.all():
                if item.children:
                    same(item.raw, "".join(leaf.raw for leaf in whole_leaves([item])), item.name)
        rest = iter([item for item in flat(layer.children) if item.name != f"{self.protocol}.tag"])
        expected = list(Expected(self, b"" if self.is_packed else data, begin).record(msg, 0))
        for leaf in expected:
            leaf.compare(next(rest, None))
        same(next(rest, None), None)
        return len(expected)

    def compare_hostile(self, messages: list[bytes], rng: random.Random) -> dict[str, int]:
        """How many there were of each kind."""
        hostile = [data for message in messages for data in python_peer.changed(message, rng) if len(data) > self.frame_bytes]
        found: dict[str, int] = {}
        for data, frame in zip(hostile, self.frames(hostile), strict=True):
            kind = self.compare_verdict(data, frame)
            found[kind] = found.get(kind, 0) + 1
        return found

    def compare_verdict(self, data: bytes, frame: tshark.Frame) -> str:
        """The messages before the first that is wrong, and what is wrong."""
        valid, kind = 0, "received"
        try:
            if self.frame_bytes:
                self.module.decode_as(int.from_bytes(data[:4], "little"), data[4:])
                valid = 1
            else:
                for _ in self.module.decode_all(data):
                    valid += 1
        except self.runtime.Incomplete:
            kind = "incomplete"
        except self.runtime.Invalid:
            kind = "invalid"
        seen = [{item.name.removeprefix(f"{self.protocol}.") for item in layer.all()} for layer in frame.of(self.protocol)]
        faults = [names & set(FAULTS) for names in seen]
        shown = next((i for i, fault in enumerate(faults) if fault), len(faults))
        of_it = "received" if shown == len(faults) else "incomplete" if "truncated" in faults[shown] else "invalid"
        same((shown, of_it), (valid, kind), f"{data.hex(' ')}\n{frame.text}")
        return kind


def flat(items: list[tshark.Item]) -> Iterator[tshark.Item]:
    """The fields that have a name, in their order. Bits of flags and parts are among them."""
    for item in items:
        if not item.name.startswith("_ws."):
            yield item
        yield from flat(item.children)


def whole_leaves(items: list[tshark.Item]) -> Iterator[tshark.Item]:
    """The items that have bytes of their own: not trees of others, and not bits."""
    for item in items:
        has_own = not any(child.raw and child.name.startswith(("_ws.lua", item.name.partition(".")[0])) and not is_bit(child, item) for child in item.children)
        if has_own:
            yield item
        else:
            yield from whole_leaves(item.children)


def is_bit(child: tshark.Item, item: tshark.Item) -> bool:
    return child.name.startswith(item.name + ".") or item.name.startswith("_ws.lua") and ".has_" in child.name


def same(one, other, about: str = "") -> None:
    assert one == other, f"{one}\n{other}\n{about}"


class Leaf:
    """A field that must be there: its name, its value or a test of it, its bytes and its place."""

    def __init__(self, name: str, value, raw: bytes | None, at: int):
        self.name, self.value, self.raw, self.at = name, value, raw, at

    def compare(self, item: tshark.Item | None) -> None:
        assert item is not None, f"{self.name} is missing"
        same(item.name, self.name)
        if callable(self.value):
            assert self.value(item.value), item
        else:
            same(item.value, self.value, self.name)
        if self.raw:
            same((item.raw, item.at), (self.raw.hex(), self.at), self.name)


class Expected:
    """The fields of a message that lies at `begin` of a packet."""

    def __init__(self, peer: Peer, data: bytes, begin: int):
        self.runtime, self.protocol, self.is_packed, self.data, self.begin = peer.runtime, peer.protocol, peer.is_packed, data, begin

    def leaf(self, name: str, value, at: int, size: int) -> Leaf:
        """Without bytes, if the message is packed."""
        return Leaf(name, value, self.data[at:at + size], self.begin + at)

    def record(self, of, base: int) -> Iterator[Leaf]:
        """Of a message or a struct."""
        kind, runtime = type(of), self.runtime
        prefix = f"{self.protocol}.{snake(kind._name)}"
        optional = {name: field for name, field in kind._fields.items() if isinstance(field, runtime._Optional)}
        for name in optional:
            yield Leaf(f"{prefix}.has_{c_name(name)}", str(int(getattr(of, name) is not None)), None, 0)
        places = kind._tail_places(of._extents())[0] if issubclass(kind, runtime.Message) else {}
        for name, field in kind._fields.items():
            if isinstance(field, runtime._Optional):
                if getattr(of, name) is None:
                    continue
                field = field.of
            yield from self.field(f"{prefix}.{c_name(name)}", prefix, field, getattr(of, name), base, places.get(name, (0, 0))[1])

    def field(self, name: str, prefix: str, field, value, base: int, tail_at: int) -> Iterator[Leaf]:
        runtime = self.runtime
        if isinstance(field, runtime._Absent) and value is None:
            return
        if isinstance(field, runtime.OneOf):
            which = 0 if value is None else list(field.alternatives).index(value[0]) + 1
            yield Leaf(f"{name}_which", str(which), None, 0)
            if value is not None:
                alternative = field.alternatives[value[0]]
                yield from self.field(f"{prefix}.{c_name(value[0])}", prefix, alternative, value[1], base, 0)
            return
        if hasattr(field, "length") and not (self.is_packed and field.length_size() == 0):
            yield self.leaf(f"{name}_len", str(len(encoded(value))), base + field.length.at, field.length.size)
        at = tail_at if field.is_tail else base + getattr(field, "at", 0)
        if isinstance(field, runtime.Texts):
            if not self.is_packed:
                yield self.leaf(f"{name}_bytes", str(field.extent_of(value)), base + field.bytes.at, field.bytes.size)
            at += len(value) * field.align
            for text in value:
                yield self.text(name, text, at)
                at += len(encoded(text)) + 1
        elif isinstance(value, str) and not isinstance(field, runtime._One):
            yield self.text(name, value, at)
        elif isinstance(value, bytes):
            yield self.leaf(name, value.hex(":"), at, len(value))
        elif isinstance(field, runtime._Elements):
            for i, element in enumerate(value):
                yield from self.element(name, field.element, element, at + i * field.element.size)
        else:
            yield from self.element(name, field.element, value, at)

    def text(self, name: str, value: str, at: int) -> Leaf:
        """Wireshark shows what is no UTF-8 in its own way, and reads bytes behind a NUL differently."""
        data = encoded(value)
        is_plain = value.isprintable() and value.isascii()
        if not is_plain and any(ord(c) in range(0xdc80, 0xdd00) or c == "\0" for c in value):
            return Leaf(name, lambda shown: True, None, 0)
        return Leaf(name, value, None if self.is_packed else data, self.begin + at)

    def element(self, name: str, element, value, at: int) -> Iterator[Leaf]:
        runtime = self.runtime
        size = element.size
        if isinstance(element, runtime._Nested):
            yield self.leaf(name, "", at, size)
            yield from self.record(value, at)
        elif isinstance(element, runtime._Flagged):
            yield self.leaf(name, lambda shown: int(shown, 16) == int(value), at, size)
            for bit_name, number in element.bits.items():
                yield Leaf(f"{name}.{bit_name}", str(int(bool(int(value) & number))), None, 0)
        elif isinstance(element, runtime._Parted):
            yield self.leaf(name, lambda shown: int(shown, 16) == int(value), at, size)
            for part_name in element.of._parts:
                yield Leaf(f"{name}.{part_name}", str(int(getattr(value, part_name))), None, 0)
        elif isinstance(element, runtime.Real):
            yield self.leaf(name, lambda shown: is_about(shown, value), at, size)
        elif isinstance(element, runtime.Boolean):
            yield self.leaf(name, str(int(value)), at, size)
        elif isinstance(element, runtime.Character):
            yield self.leaf(name, lambda shown: shown.startswith("'"), at, size)
        elif isinstance(element, runtime._Enumerated):
            yield self.leaf(name, lambda shown: shown in (str(int(value)), f"'{chr(int(value) % 128)}'"), at, size)
        else:
            yield self.leaf(name, str(int(value)), at, size)


def encoded(value) -> bytes | list:
    return value.encode(errors="surrogateescape") if isinstance(value, str) else value


def c_name(attribute: str) -> str:
    return attribute.rstrip("_").lower()


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def is_about(shown: str, value: float) -> bool:
    """Wireshark prints 6 digits of a float, and 15 of a double."""
    number = float(shown)
    return math.isnan(number) and math.isnan(value) or number == value or abs(number - value) <= 1e-5 * abs(value)


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
