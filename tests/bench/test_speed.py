# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How long the generator takes for a large schema."""

import re
import sys
import tempfile
import unittest
from pathlib import Path

from support import command, large_schema, long, processor_seconds


@long
class Speed(unittest.TestCase):
    def test_400_messages_with_5000_fields_take_under_three_seconds(self):
        with tempfile.TemporaryDirectory() as folder:
            schema = Path(folder, "big.yaml")
            schema.write_text(large_schema(400, 5000))
            took = []
            while not took or min(took) >= 3 and len(took) < 6:     # others may use the machine
                began = processor_seconds()
                done = command("--no-engine", "-q", "-o", folder, schema)
                took.append(processor_seconds() - began)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(len(re.findall(r"(?m)^struct big_message\d+ \{", Path(folder, "big.h").read_text())), 400)
        print(f"400 messages, 5000 fields: {min(took):.2f} s", file=sys.stderr)
        self.assertLess(min(took), 3)

    def test_four_times_the_fields_take_at_most_six_times_as_long(self):
        """Neither the speed of the machine nor the time to start matters. What is quadratic takes 16 times as long."""
        for what, schema in (("messages", lambda size: large_schema(size, 5 * size)),
                             ("fields of one message", lambda size: large_schema(1, 5 * size))):
            with self.subTest(what):
                start, small, large = (self.least(schema(size)) for size in (1, 400, 1600))
                print(f"{what}: {small - start:.2f} s, four times as many {large - start:.2f} s", file=sys.stderr)
                self.assertLess(large - start, 6 * (small - start))

    @staticmethod
    def least(schema: str) -> float:
        """Processor seconds of the fastest of three runs: others may use the machine."""
        took = []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "big.yaml")
            path.write_text(schema)
            for _ in range(3):
                began = processor_seconds()
                done = command("--no-engine", "-q", "-o", folder, path)
                took.append(processor_seconds() - began)
                assert done.returncode == 0, done.stderr
        return min(took)


if __name__ == "__main__":
    unittest.main()
