# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Captures made of bytes, and what tshark and an emitted dissector see in them."""

import json
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

PORT = 5600
PATH = shutil.which("tshark")
_RAW_IPV4 = 228                 # the link type of captures of IPv4 alone
_UDP, _TCP = 17, 6


class Item(NamedTuple):
    """A field in a tree. raw: its bytes in hexadecimal; empty if it has none."""

    name: str
    value: str
    raw: str
    at: int
    children: "list[Item]"

    def all(self) -> "Iterator[Item]":
        yield self
        for child in self.children:
            yield from child.all()


class Frame(NamedTuple):
    """layers: the protocols of a packet, each with its tree. text: all of it as tshark prints it."""

    layers: list[Item]
    text: str

    def of(self, protocol: str) -> list[Item]:
        return [layer for layer in self.layers if layer.name == protocol]


def udp(datagrams: Iterable[bytes], step: int = 0) -> bytes:
    """A capture with a datagram in each packet. step: from the port of one to that of the next."""
    return _capture(_ipv4(_UDP, struct.pack(">HHHH", 40000, PORT + i * step, 8 + len(data), 0) + data) for i, data in enumerate(datagrams))


def tcp(streams: Iterable[Iterable[bytes]]) -> bytes:
    """A capture of connections, one after the other, each with these segments."""
    def packets() -> Iterator[bytes]:
        for number, segments in enumerate(streams):
            at = 1000
            for data in segments:
                yield _ipv4(_TCP, struct.pack(">HHIIBBHHH", 20000 + number, PORT, at, 1, 5 << 4, 0x18, 65535, 0, 0) + data)
                at += len(data)
    return _capture(packets())


def _ipv4(protocol: int, data: bytes) -> bytes:
    assert len(data) < 65516, len(data)
    return struct.pack(">BBHHHBBH4B4B", 0x45, 0, 20 + len(data), 1, 0, 64, protocol, 0, 10, 0, 0, 1, 10, 0, 0, 2) + data


def _capture(packets: Iterable[bytes]) -> bytes:
    head = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, _RAW_IPV4)
    return head + b"".join(struct.pack("<IIII", i, 0, len(packet), len(packet)) + packet for i, packet in enumerate(packets))


def run(dissectors: Iterable[Path], capture: bytes | Path, *options: str) -> str:
    """What tshark prints. Raises AssertionError if it complains, or if a dissector fails."""
    with tempfile.TemporaryDirectory() as home:
        path = capture if isinstance(capture, Path) else Path(home, "capture.pcap")
        if not isinstance(capture, Path):
            path.write_bytes(capture)
        scripts = [f"-Xlua_script:{dissector}" for dissector in dissectors]
        done = subprocess.run([PATH or "tshark", "-r", str(path), *scripts, *options], capture_output=True, timeout=600,
                              env=os.environ | {"HOME": home, "LC_ALL": "C.UTF-8"})
    printed, complaints = done.stdout.decode(), [line for line in done.stderr.decode().splitlines() if not line.startswith("Running as user")]
    assert done.returncode == 0 and not complaints, complaints
    assert "Lua Error" not in printed, printed[printed.index("Lua Error"):][:300]
    return printed


def frames(dissectors: Iterable[Path], capture: bytes | Path, protocol: str, *options: str) -> list[Frame]:
    """What each packet consists of."""
    text = run(dissectors, capture, "-Tjson", "-x", f"-J{protocol}", *options)
    return [_frame(packet) for packet in json.loads(text, object_pairs_hook=list)]


def _frame(packet: list) -> Frame:
    return Frame(_items(dict(dict(packet)["_source"])["layers"]), str(packet))


def _items(pairs: list) -> list[Item]:
    """Pairs of a name and a value, with raw bytes before and a tree after."""
    found: list[Item] = []
    raw, at = "", 0
    for name, value in pairs:
        if name.endswith("_raw") and isinstance(value, list) and len(value) == 5 and isinstance(value[1], int):
            raw, at = value[0], value[1]
            continue
        if name.endswith("_tree") and found and found[-1].name == name.removesuffix("_tree"):
            found[-1].children.extend(_items(value))
            continue
        found.append(Item(name, value if isinstance(value, str) else "", raw, at, _items(value) if isinstance(value, list) else []))
        raw, at = "", 0
    return found
