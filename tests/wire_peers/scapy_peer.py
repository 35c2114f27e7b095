# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Scapy, as peer.js: `python3 scapy_peer.py big|little COMMAND`. Its packets are the messages, if all their numbers are in this order, and
their fields, encoded and decoded by Scapy, are the values. There are no frames: a message is the packet's own bytes.

Neighbouring bit fields are one field, whose parts are listed from the lowest bit on. Scapy begins with the highest."""

import importlib
import ipaddress
import itertools
import json
import logging
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

logging.getLogger("scapy").setLevel(logging.CRITICAL)

import scapy.layers                                             # noqa: E402  (it warns about this machine's network)
from scapy import fields as f                                   # noqa: E402
from scapy.packet import Packet                                 # noqa: E402

NUMBERS = dict(zip("BbHhIiQqfd", ("u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64")))
PLAIN = {"Field.i2m", "Field.m2i", "_EnumField.i2m", "_EnumField.m2i", "LenField.i2m"}
ADDRESSES = {f.IPField: 4, f.IP6Field: 16, f.MACField: 6}
LONGEST = 400                   # of lists, so that some have more than 255 bytes


class Unlike(Exception):
    """A packet that is no message of this peer, and why."""


@dataclass
class Group:
    """Fields of Scapy that are one field of a message. spec: as peer.js describes it."""

    fields: list
    spec: dict

    @property
    def name(self) -> str:
        return self.spec["name"]


@dataclass
class Shape:
    packet: type
    groups: list[Group]


class Shapes:
    """The packets that are messages."""

    def __init__(self, order: str):
        self.order, self.bit_fields, self.left_out, self.names = order, {}, {}, set()
        self.shapes: list[Shape] = []
        names = set()
        for packet in packets():
            name = packet.__name__.strip("_")
            try:
                if name.lower() in names:
                    raise Unlike("another packet has this name")
                groups = list(self._groups(packet))
                if not any(self._has_order(group.spec) for group in groups):
                    raise Unlike("no number of several bytes")
                self.shapes.append(Shape(packet, groups))
                names.add(name.lower())
            except Unlike as error:
                self.left_out[f"{packet.__module__}.{packet.__name__}"] = str(error)

    def _groups(self, packet: type) -> Iterator[Group]:
        fields, names = [field.fld if isinstance(field, f.Emph) else field for field in packet.fields_desc], set()
        try:
            is_itself = type(packet()) is packet
        except AttributeError:
            is_itself = False
        if not is_itself:
            raise Unlike("a base of others")
        while fields:
            group = self._group(packet, fields)
            del fields[:len(group.fields)]
            group.spec["name"] = unused(group.spec["name"], names)
            if group.spec.get("wire") == "rest" and fields:
                raise Unlike("a field without a length, and others behind it")
            yield group

    def _has_order(self, spec: dict) -> bool:
        """Whether the order of bytes matters."""
        base = self.bit_fields.get(spec["of"], {"base": spec["of"]})["base"]
        return base not in ("u8", "i8", "bytes") or spec.get("wire", "u8") not in ("u8", "rest")

    def _group(self, packet: type, fields: list) -> Group:
        """The next of them."""
        field = fields[0]
        kind = type(field)
        if isinstance(field, f._BitField):
            return self._bits(packet, fields)
        if kind in (f.FieldLenField, f.LEFieldLenField):
            return self._counted(packet, field, fields[1] if len(fields) > 1 else None)
        if kind in ADDRESSES:
            return Group([field], {"name": field.name, "of": "u8", "count": ADDRESSES[kind]})
        if kind in (f.StrFixedLenField, f.XStrFixedLenField):
            try:
                return Group([field], {"name": field.name, "of": "u8", "count": field.length_from(None)})
            except (AttributeError, TypeError):
                raise Unlike("the length of a text depends on other fields") from None
        if kind in (f.StrField, f.XStrField):
            return Group([field], {"name": field.name, "of": "bytes", "wire": "rest"})
        if kind in (f.ThreeBytesField, f.X3BytesField, f.LEThreeBytesField):
            self._check_order(kind is not f.LEThreeBytesField)
            return Group([field], {"name": field.name, "of": "u24"})
        return Group([field], {"name": field.name, "of": self._number(field)})

    def _number(self, field) -> str:
        kind = type(field)
        if not isinstance(field, f.Field) or kind.addfield is not f.Field.addfield or not {kind.i2m.__qualname__, kind.m2i.__qualname__} <= PLAIN:
            raise Unlike(f"a field of the kind {kind.__name__}")
        if field.fmt[-1] not in NUMBERS or len(field.fmt) != 2:
            raise Unlike(f"a number of the format {field.fmt}")
        if field.fmt[1] not in "Bb":
            self._check_order(field.fmt[0] in "!>")
        return NUMBERS[field.fmt[-1]]

    def _check_order(self, is_big: bool) -> None:
        if is_big != (self.order == "big"):
            raise Unlike("numbers in the other order")

    def _bits(self, packet: type, fields: list) -> Group:
        parts, bits = [], 0
        for field in itertools.takewhile(lambda field: isinstance(field, f._BitField), fields):
            if type(field).i2m.__qualname__ not in PLAIN:
                raise Unlike(f"a field of the kind {type(field).__name__}")
            parts.append(field)
            if (bits := bits + field.size) in (8, 16, 32, 64) or bits == 24 and len(parts) == 1:
                break
        else:
            raise Unlike("parts of bits that are no integer together")
        if bits > 8:
            self._check_order(not self._is_reversed(parts, bits))
        if len(parts) == 1:
            return Group(parts, {"name": parts[0].name, "of": f"u{bits}"})
        names = {"reserved"}        # no part of a schema can have this name
        name = unused(f"{packet.__name__.strip('_')}_{parts[0].name}_bits", self.names)
        self.bit_fields[name] = {"base": f"u{bits}", "parts": {unused(part.name, names): part.size for part in reversed(parts)}}
        return Group(parts, {"name": f"{parts[0].name}_bits", "of": name})

    def _is_reversed(self, parts: list, bits: int) -> bool:
        """Whether Scapy reverses the bytes of a group of parts."""
        first, last = parts[0], parts[-1]
        if not (first.rev or last.rev):
            return False
        if not (first.rev and last.rev and 8 * first.tot_size == 8 * last.end_tot_size == bits):
            raise Unlike("parts of bits in an order of their own")
        return True

    def _counted(self, packet: type, length, text) -> Group:
        if type(text) not in (f.StrLenField, f.XStrLenField) or length.length_of != text.name:
            raise Unlike("a length of another field than the text behind it")
        sample = packet()
        sample.fields[text.name] = bytes(7)
        if length.adjust(sample, 7) != 7:
            raise Unlike("a length that counts more than its text")
        return Group([length, text], {"name": text.name, "of": "bytes", "wire": self._number_of(length)})

    def _number_of(self, length) -> str:
        if length.fmt[-1] not in "BHI":
            raise Unlike(f"a length of the format {length.fmt}")
        if length.fmt[-1] != "B":
            self._check_order(length.fmt[0] in "!>")
        return NUMBERS[length.fmt[-1]]


def packets() -> list[type]:
    for module in pkgutil.iter_modules(scapy.layers.__path__):
        if module.name not in ("all", "msrpce", "tls"):
            importlib.import_module(f"scapy.layers.{module.name}")

    def below(packet: type) -> Iterator[type]:
        for one in packet.__subclasses__():
            yield one
            yield from below(one)
    return [p for p in dict.fromkeys(below(Packet)) if p.__module__.startswith("scapy.layers.") and getattr(p, "fields_desc", None)]


def unused(name: str, names: set[str]) -> str:
    """The name as a schema can have it. Adds it to the names that are used."""
    name = re.sub(r"\W+", "_", name).strip("_") or "unnamed"
    name = name if name[0].isalpha() else f"n{name}"
    while name.lower() in names:
        name += "_again"
    names.add(name.lower())
    return name


# ---- Values

def encoded(shape: Shape, values: dict) -> bytes:
    packet = shape.packet()
    for group in shape.groups:
        packet.fields.update(to_scapy(group, values[group.name]))
    return Packet.self_build(packet)


def to_scapy(group: Group, value) -> Iterator[tuple[str, object]]:
    field = group.fields[-1]
    if len(group.fields) == 2 and field.__class__ in (f.StrLenField, f.XStrLenField):
        yield group.fields[0].name, None                # Scapy computes it
    if isinstance(field, f._BitField):
        number = int(value)
        for part in reversed(group.fields):
            yield part.name, number & (1 << part.size) - 1
            number >>= part.size
    elif type(field) in ADDRESSES:
        octets = bytes(map(int, value))
        yield field.name, ":".join(f"{octet:02x}" for octet in octets) if type(field) is f.MACField else str(ipaddress.ip_address(octets))
    elif isinstance(field, f.StrFixedLenField):
        yield field.name, bytes(map(int, value))
    elif isinstance(value, str) and group.spec["of"] == "bytes":
        yield field.name, value.encode("latin-1")
    else:
        yield field.name, float(value) if group.spec["of"] in ("f32", "f64") else int(value)


def decoded(shape: Shape, data: bytes) -> dict:
    packet = shape.packet()
    left = Packet.do_dissect(packet, data)
    assert not left, (shape.packet, data, left)
    return {group.name: from_scapy(group, packet) for group in shape.groups}


def from_scapy(group: Group, packet: Packet):
    field = group.fields[-1]
    if group.spec["of"] == "bytes":                     # Scapy leaves it out if nothing is left
        return packet.fields.get(field.name, b"").decode("latin-1")
    value = packet.fields[field.name]
    if isinstance(field, f._BitField):
        number = 0
        for part in group.fields:
            number = number << part.size | int(packet.fields[part.name])
        return str(number)
    if type(field) is f.MACField:
        return [str(int(octet, 16)) for octet in value.split(":")]
    if type(field) in ADDRESSES:
        return [str(octet) for octet in ipaddress.ip_address(value).packed]
    if isinstance(field, f.StrFixedLenField):
        return [str(octet) for octet in value]
    return str(value)


# ---- The commands of peer.js

def main(order: str, command: str):
    shapes = Shapes(order)
    messages = [{"name": shape.packet.__name__.strip("_"), "id": i, "fields": [group.spec for group in shape.groups]} for i, shape in enumerate(shapes.shapes, 1)]
    if command == "spec":
        used = {field["of"] for message in messages for field in message["fields"]}
        bit_fields = {name: bits for name, bits in shapes.bit_fields.items() if name in used}
        return {"messages": messages, "structs": {}, "bit_fields": bit_fields, "left_out": shapes.left_out, "order": order,
                "highest_character": 255, "longest": LONGEST, "zeros_are_cut": False}
    found = []
    for line in map(json.loads, sys.stdin):
        shape = shapes.shapes[line["id"] - 1]
        data = encoded(shape, line["values"]) if command == "encode" else bytes.fromhex(line["payload"])
        found.append({"id": line["id"], "payload": data.hex(), "values": decoded(shape, data)})
    return found


if __name__ == "__main__":
    json.dump(main(*sys.argv[1:]), sys.stdout)
