# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Packed messages between protopool and a peer: an implementation of wire formats that is not ours.

The schema is derived from the peer's own description of its messages. Each message goes both ways, with the same random values: the
peer encodes and decodes, protopool receives, prints, encodes and constructs. All values and all bytes must agree.
"""

import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import printed
from support import ROOT, WARNINGS, command

from described import Described, Record     # uses the generator, to which support has the path

HERE = Path(__file__).resolve().parent
INSTALLED = ROOT / "build/wire_peers"   # by npm
SUMMARIES = ROOT / "build"
NODE = ["node", "--no-deprecation", HERE / "peer.js"]
SCAPY = [sys.executable, HERE / "scapy_peer.py"]
PEERS = {"sbp": [*NODE, "sbp"], "mavlink": [*NODE, "mavlink"], "scapy_big": [*SCAPY, "big"], "scapy_little": [*SCAPY, "little"]}
EACH = 20                       # messages of random values per variant; another has all the least, and one all the greatest
SANITIZED = "gcc -O0 -g -fsanitize=address,undefined -fno-sanitize-recover=all -DPROTOPOOL_CHECK=1"
BIG_ENDIAN = "powerpc-linux-gnu-gcc -O0 -static"


class Peer:
    """A peer, and its messages."""

    def __init__(self, name: str, change=lambda spec: None, only: tuple[str, ...] = ()):
        self.name = name
        spec = self.ask("spec")
        change(spec)
        self.described = Described(spec, only)

    def ask(self, what: str, questions: list[dict] = []):
        lines = "".join(json.dumps(question) + "\n" for question in questions)
        done = subprocess.run([*PEERS[self.name], what], input=lines, stdout=subprocess.PIPE, text=True, check=True, timeout=300,
                              env={**os.environ, "NODE_PATH": str(INSTALLED / "node_modules")})
        return json.loads(done.stdout)

    def values(self) -> list[tuple[Record, dict]]:
        """Of each message, some."""
        rng = random.Random(1)
        return [(message, self.described.values(message, how, rng)) for message in self.described.messages.values()
                for how in ("least", "most", *["random"] * EACH)]


class Program:
    """peer.c for a peer's messages."""

    def __init__(self, folder: Path, described: Described, compiler: str = SANITIZED, run: str = "", order: str = ""):
        self.described, self.folder, self.run = described, folder, [run] if run else []
        self.program = folder / "peer"
        (folder / "peer.yaml").write_text(described.schema(order))
        (folder / "construct.h").write_text(described.construct())
        generated = command("generate", "-q", "--python", "-o", folder, folder / "peer.yaml", cwd=ROOT)
        assert generated.returncode == 0, generated.stderr
        subprocess.run([*compiler.split(), "-std=c11", "-D_POSIX_C_SOURCE=200809L", *WARNINGS, f"-I{folder}", HERE / "peer.c",
                        folder / "peer.c", folder / "protopool.c", "-o", self.program], check=True, timeout=300)

    def ask(self, requests: list[str]) -> list[tuple[str, str]]:
        """What each answer begins with, and the rest of it."""
        done = subprocess.run([*self.run, self.program], input="\n".join([*requests, ""]), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        answers = [tuple(line.split(" ", 1)) for line in done.stdout.splitlines()]
        assert len(answers) == len(requests), done.stderr
        return answers

    def module(self):
        """The messages in Python."""
        spec = importlib.util.spec_from_file_location("peer", self.folder / "peer.py")
        module = importlib.util.module_from_spec(spec)
        with unittest.mock.patch.object(sys, "path", [str(self.folder), *sys.path]):
            spec.loader.exec_module(module)
        return module

    def receive(self, tag: int, payload: str) -> str:
        return f"{'extend' if self.described.zeros_are_cut else 'receive'} {tag} -{payload}"

    def construct(self, message: Record, values: dict) -> str:
        return " ".join([f"construct {message.tag}", *self.described.tokens(message, values)])


class Exchange:
    """Messages that have gone both ways, and in what both sides differ."""

    def __init__(self, peer: Peer, program: Program):
        self.peer, self.program, self.described = peer, program, peer.described
        self.sent = peer.values()
        self.by_peer = peer.ask("encode", [{"id": message.id, "values": values} for message, values in self.sent])
        self.requests = [request for (message, values), found in zip(self.sent, self.by_peer)
                         for request in (program.receive(message.tag, found["payload"]), program.construct(message, values))]
        answers = program.ask(self.requests)
        self.received, self.constructed = answers[::2], answers[1::2]

    def cut(self, payload: str) -> str:
        """As the peer sends it."""
        data = bytes.fromhex(payload)
        return (data.rstrip(b"\0") if self.described.zeros_are_cut else data).hex()

    def unlike_values(self, answers: list[tuple[str, str]]) -> Iterator[str]:
        """Answers of the program that do not print the values."""
        for (message, values), (kind, rest) in zip(self.sent, answers):
            if kind != "received":
                yield f"{message.name}: {kind} {rest}"
                continue
            name, found = printed.read(rest.partition(" ")[2])
            if name != message.name or set(found) != {f.name for f in message.fields}:
                yield f"{message.name}: {rest}"
            else:
                yield from self.unlike(message, values, found)

    def unlike_payloads(self, answers: list[tuple[str, str]]) -> Iterator[str]:
        """Answers of the program whose bytes are not those of the peer."""
        for (message, _), found, (kind, rest) in zip(self.sent, self.by_peer, answers):
            payload = self.cut(rest.partition(" ")[0].removeprefix("-"))
            if payload != found["payload"]:
                yield f"{message.name}: {payload} is {found['payload']} for the peer"

    def unlike_for_the_peer(self) -> Iterator[str]:
        """What the program has constructed and encoded, if the peer decodes other values."""
        questions = [{"id": message.id, "payload": self.cut(rest.partition(" ")[0].removeprefix("-"))}
                     for (message, _), (_, rest) in zip(self.sent, self.constructed)]
        for (message, values), found in zip(self.sent, self.peer.ask("decode", questions), strict=True):
            yield from self.unlike(message, values, found["values"])

    def unlike(self, message: Record, values: dict, found: dict) -> Iterator[str]:
        expected, actual = (self.described.canonical(message, v) for v in (values, found))
        yield from (f"{message.name}.{name}: {actual[name]!r} is not {expected[name]!r}" for name in expected if actual[name] != expected[name])


class Proven:
    """The tests of each peer, for a class that is a TestCase. It has `name`, that of the peer, `messages`, how many of them a schema
    can say at least, and the names of a `few`, whose first two fields differ."""

    @classmethod
    def setUpClass(cls):
        cls.peer = Peer(cls.name)
        cls.described = cls.peer.described
        cls.program = Program(cls.temporary_folder(), cls.described)
        cls.exchange = Exchange(cls.peer, cls.program)
        (SUMMARIES / f"wire_peers_{cls.name}.txt").write_text(cls.summary())

    @classmethod
    def temporary_folder(cls) -> Path:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        return Path(folder.name)

    @classmethod
    def summary(cls) -> str:
        why = Counter(cls.described.left_out.values())
        names = {reason: name for name, reason in cls.described.left_out.items()}
        left_out = [f"    left out: {names[reason] if n == 1 else f'{n} messages'}: {reason}" for reason, n in why.most_common()]
        first = f"{cls.name}: {len(cls.exchange.sent)} messages of {len(cls.described.messages)} variants in each direction"
        return "\n".join([first, *left_out, ""])

    def assert_none(self, differences: Iterator[str]):
        found = list(differences)
        self.assertEqual(found[:5], [], f"{len(found)} differences")

    def test_a_schema_can_say_its_messages(self):
        self.assertGreaterEqual(len(self.described.messages), self.messages)

    def test_peer_decodes_what_it_has_encoded(self):
        self.assertEqual(len(self.exchange.by_peer), len(self.exchange.sent))
        self.assert_none(difference for (message, values), found in zip(self.exchange.sent, self.exchange.by_peer)
                         for difference in self.exchange.unlike(message, values, found["values"]))

    def test_what_the_peer_encodes_is_received_with_its_values(self):
        self.assert_none(self.exchange.unlike_values(self.exchange.received))

    def test_what_is_received_is_encoded_to_the_same_bytes(self):
        self.assert_none(self.exchange.unlike_payloads(self.exchange.received))

    def test_what_is_constructed_has_the_bytes_that_the_peer_encodes(self):
        self.assert_none(self.exchange.unlike_values(self.exchange.constructed))
        self.assert_none(self.exchange.unlike_payloads(self.exchange.constructed))

    def test_peer_decodes_what_is_constructed_with_its_values(self):
        self.assert_none(self.exchange.unlike_for_the_peer())

    def test_python_decodes_and_encodes_the_same(self):
        module = self.program.module()
        for (message, _), (_, rest) in zip(self.exchange.sent, self.exchange.received):
            payload, _, text = rest.partition(" ")
            data = bytes.fromhex(payload.removeprefix("-"))
            decoded = module.decode_as(message.tag, data)
            self.assertEqual((str(decoded), decoded.encode()), (text, data))

    def test_a_payload_without_its_last_byte_is_incomplete_and_one_with_another_invalid(self):
        fixed = [(message, rest.partition(" ")[0]) for (message, _), (_, rest) in zip(self.exchange.sent, self.exchange.constructed)
                 if not any(f.wire for f in message.fields)]
        requests = [f"receive {message.tag} {payload}" for message, whole in fixed for payload in (whole[:-2] or "-", whole + "00")]
        for (message, whole), short, long_ in zip(fixed, *[iter(self.program.ask(requests))] * 2):
            self.assertEqual(short, ("incomplete", "1") if message.fields else ("received", f"- {message.name}"))
            self.assertEqual(long_[0], "invalid", (message, whole, long_))

    @unittest.skipUnless(shutil.which(BIG_ENDIAN.split()[0]) and shutil.which("qemu-ppc"), "a compiler or qemu is missing: make deps-ci")
    def test_a_big_endian_machine_answers_the_same(self):
        other = Program(self.temporary_folder(), self.described, BIG_ENDIAN, "qemu-ppc")
        self.assertEqual(other.ask(self.exchange.requests), [a for both in zip(self.exchange.received, self.exchange.constructed) for a in both])

    def test_another_order_of_bytes_is_noticed(self):
        other = "big" if self.described.order == "little" else "little"
        wrong = Exchange(peer := Peer(self.name, only=self.few), Program(self.temporary_folder(), peer.described, order=other))
        self.assert_noticed(wrong)

    def test_fields_in_another_order_are_noticed(self):
        def swap(spec):
            for message in spec["messages"]:
                if message["name"] in self.few:
                    message["fields"][:2] = reversed(message["fields"][:2])
        peer = Peer(self.name, swap, self.few)
        self.assert_noticed(Exchange(peer, Program(self.temporary_folder(), peer.described)))

    def assert_noticed(self, wrong: Exchange):
        """Each of the comparisons finds each message."""
        for found in (wrong.unlike_values(wrong.received), wrong.unlike_payloads(wrong.constructed), wrong.unlike_for_the_peer()):
            self.assertEqual({difference.partition(".")[0].partition(":")[0] for difference in found}, set(self.few))
