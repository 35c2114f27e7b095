# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Input of any kind gives C or errors with a place, in bounded time, and never a traceback."""

import contextlib
import random
import tempfile
import time
import unittest
from pathlib import Path

from support import BAD, GOOD, SchemaError, command, emit, long, main, processor_seconds, random_schema

from gen import generate
from gen.language import yaml_tree


class HostileInput(unittest.TestCase):
    """Any bytes give C or errors with a place, never a traceback."""

    def read(self, raw: bytes) -> bool:
        """Whether it is a good schema; any exception but SchemaError fails the test."""
        try:
            generate.lay_out([("hostile.yaml", raw)])
        except SchemaError as error:
            self.assertTrue(error.diagnostics)
            for diagnostic in error.diagnostics:
                self.assertRegex(str(diagnostic), r"\Ahostile\.yaml:[1-9]\d*:[1-9]\d*: error: \S")
            return False
        return True

    def test_nesting_of_100000_is_refused_at_once(self):
        for opening in ("[", "{", "{a: ", "[{a: ", "- ", "? ", "a: [", "- - {b: ", "!!seq [", "&a [", "'a': {", "\n [",
                        "|\n- "):
            with self.subTest(opening):
                began = time.monotonic()
                self.assertFalse(self.read(b"protocol: calc\nmessages: " + opening.encode() * 100_000))
                self.assertFalse(self.read(opening.encode() * 100_000))
                self.assertLess(time.monotonic() - began, 10)

    def test_deep_block_nesting_is_refused(self):
        self.assertFalse(self.read("".join(" " * i + "a:\n" for i in range(2000)).encode()))

    def test_50_megabytes_are_refused_at_once(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "large.yaml")
            with open(path, "wb") as file:
                file.truncate(50 << 20)
            began = processor_seconds()
            done = command("--check", path)
            took = processor_seconds() - began
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"{path}:1:1: error: the file is larger than 4 MiB\n  hint: split it into several schemas\n")
        self.assertLess(took, 1)

    @long
    def test_the_largest_file_is_read_in_bounded_time(self):
        most = yaml_tree.MAX_BYTES
        for raw in (b"doc: " + b"a" * (most - 5), b'doc: "' + b"a" * (most - 6), b"a" * (most - 1) + b"\xff",
                    b"a\n" * (most // 2 - 1) + b"\0", b"#" * most):
            began = time.monotonic()
            self.assertFalse(self.read(raw))
            self.assertLess(time.monotonic() - began, 30)

    @long
    def test_a_schema_of_any_shape_ends_in_bounded_time(self):
        """Each was quadratic or worse; the bound is what is promised, for a machine that does other things too."""
        numbers = range(2000)
        doubling = "".join(f"  s{i}: {{fields: {{a: s{i - 1}, b: s{i - 1}}}}}\n" for i in range(1, 26))
        for name, text in {
            "structs that hold two": "structs:\n  s0: {fields: {a: u8}}\n" + doubling + "messages: {A: {fields: {x: s25}}}\n",
            "fields": "messages:\n  A:\n    fields:\n" + "".join(f"      f{i}: {{type: 'u8?', doc: One.}}\n" for i in range(12000)),
            "slot sizes": "messages:\n" + "".join(f"  A{i}: {{fields: {{a: 'u8[{i + 1}]'}}}}\n" for i in numbers),
            "enums": "enums:\n" + "".join(f"  e{i}: {{values: {{a: 1, b: {i + 2}}}}}\n" for i in numbers)
                     + "messages: {A: {fields: {" + ", ".join(f"f{i}: e{i}" for i in numbers) + "}}}\n",
            "values": "enums:\n  e:\n    values:\n" + "".join(f"      a{i}: {i}\n" for i in range(19000)) + "messages:\n  A:\n    fields:\n"
                      + "".join(f"      f{i}: {{type: e, default: a18999}}\n" for i in range(5000)),
            "unknown types": "enums:\n" + "".join(f"  colour_{i}_of_it: {{values: [a]}}\n" for i in numbers) + "messages:\n  A:\n    fields:\n"
                             + "".join(f"      f{i}: color_{i}_of_it\n" for i in range(250)),
            "a type with spaces": "messages: {A: {fields: {a: 'u8" + " " * 4_000_000 + "x'}}}\n",
            "lists": "messages: [" + "[]," * 1_300_000 + "]\n",
            "keys": "messages: {A: {" + "".join(f"k{i}: , " for i in range(90_000)) + "}}\n",
            "lines": "doc:\n" + " x\n" * 1_300_000 + "messages: {A: {}}\n",
            "not closed": "doc: {" + "a: b, " * 600_000,
            "a tab": "doc: |\n" + "  a\tb c\n" * 400_000 + "messages: {A: {}, \tB: {}}\n",
        }.items():
            with self.subTest(name):
                began = time.process_time()
                with contextlib.suppress(SchemaError):
                    emit("protocol: p\n" + text)
                self.assertLess(time.process_time() - began, 10)

    def test_binary_noise_is_refused_with_a_place(self):
        for seed in range(1500):
            rng = random.Random(seed)
            raw = rng.randbytes(rng.randint(0, 400))
            if seed % 3 == 1:
                raw = bytes(b & 0x7F for b in raw)
            elif seed % 3 == 2:
                raw = bytes(rng.choice(b" \n\t:-?[]{},&*!|>'\"%@`#\\ab0<=") for _ in raw)
            self.read(raw)

    @long
    def test_mutations_and_truncations_of_good_schemas_cause_no_traceback(self):
        rng = random.Random(2)
        words = [b"[", b"]", b"{", b"}", b": ", b"\n", b"  ", b"\t", b"- ", b"? ", b"&a ", b"*a", b"!t ", b"'", b'"',
                 b"#", b"| ", b"> ", b"<<: ", b"\0", b"\xff", b"\\", b"%", b"0", b"-1", b"99999999999999999999", b"0x",
                 b"u64", b"string[<=4]", b"\xc2\x85", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"---\n", b"...\n", b"\r",
                 b"_", b"tag", b"base", b'"\\UFFFFFFFF"', b'"\\ud800"', b"%YAML 9", b"2147483647", b"char[2147483647]",
                 b"c_name: "]
        seeds = [path.read_bytes()[:3000] for path in GOOD] + [random_schema(i, 3, 4).encode() for i in range(5)]
        good = 0
        for i in range(6000):
            raw = bytearray(rng.choice(seeds))
            for _ in range(1 if i % 2 else rng.randint(1, 4)):
                at = rng.randrange(len(raw) + 1)
                if rng.random() < 0.15:
                    del raw[at:]
                elif rng.random() < 0.5:
                    raw[at:at + rng.randint(0, 6)] = rng.choice(words)
                else:
                    raw[at:at + 1] = bytes([rng.randrange(256)])
            good += self.read(bytes(raw))
        self.assertGreater(good, 200)           # the mutants are close to schemas: 350 to 400 are right, by the seed

    def test_numbers_of_any_length_are_refused(self):
        for digits in (20, 64, 65, 5000, 100_000):
            for text in ("protocol: calc\nmessages: {A: {tag: %s}}\n",
                         "protocol: calc\nconstants: {a: %s}\nmessages: {A: }\n",
                         "protocol: calc\nmessages: {A: {fields: {a: 'u8[%s]'}}}\n",
                         "%%YAML 1.%s\n---\nprotocol: calc\n"):
                self.assertFalse(self.read((text % ("1" * digits)).encode()))
            self.assertFalse(self.read(f"protocol: calc\nmessages: {{A: {{tag: 0x{'F' * digits}}}}}\n".encode()))

    def test_a_bad_schema_writes_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            good = Path(folder, "good.yaml")
            good.write_text("protocol: calc\nmessages: {Add: {}}\n")
            out = Path(folder, "out")
            for bad in ("several_errors", "empty_file", "not_utf8", "max_live_sum_too_large", "nested_too_deep_flow"):
                depfile = Path(folder, "out.d")
                status, _, _ = main("-o", out, "--depfile", depfile, good, BAD / f"{bad}.yaml")
                self.assertEqual((status, out.exists(), depfile.exists()), (1, False, False))


if __name__ == "__main__":
    unittest.main()
