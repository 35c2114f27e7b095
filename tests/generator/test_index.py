# SPDX-License-Identifier: Apache-2.0 OR MIT
"""gen/README.md lists every file of the generator, each in its folder, and nothing else."""

import re
import unittest

from support import ROOT

GEN = ROOT / "gen"


def listed(text: str) -> list[str]:
    """The paths in the index, relative to gen/."""
    paths, folder = [], ""
    for line in text.splitlines():
        if heading := re.match(r"## gen/(\S*)", line):
            folder = heading[1]
        elif entry := re.match(r"- `([^`]+)`: \S", line):
            paths.append(folder + entry[1])
    return paths


class Index(unittest.TestCase):
    def test_it_lists_every_file_once_and_nothing_else(self):
        files = [path.relative_to(GEN).as_posix() for path in GEN.rglob("*") if path.is_file() and path.suffix != ".pyc"]
        self.assertEqual(sorted(listed((GEN / "README.md").read_text(encoding="utf-8"))), sorted(files))

    def test_each_module_begins_with_what_it_is_for(self):
        for path in GEN.rglob("*.py"):
            self.assertRegex(path.read_text(encoding="utf-8"), r'\A# SPDX-License-Identifier: [^\n]+\n"""[^\n]{20,}', path)


if __name__ == "__main__":
    unittest.main()
