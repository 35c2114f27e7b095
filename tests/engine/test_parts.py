# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The engine's files are put together from parts, each of which says at its start what it is for."""

import re
import unittest

from support import GENERATED

from gen.emit.engine import FOLDER, LICENCE, PARTS, RUNTIME, RUNTIME_FOLDER, RUNTIME_PARTS, engine, opening


class Parts(unittest.TestCase):
    def test_the_committed_files_are_the_parts_put_together(self):
        for name, text in engine(["cpp"]).items():
            self.assertEqual((GENERATED / name).read_text(encoding="utf-8"), text, name)

    def test_every_file_of_the_folder_is_a_part_once_or_a_frame(self):
        parts = [part for of_file in PARTS.values() for part in of_file]
        self.assertEqual(sorted([*parts, *PARTS, "protopool.hpp"]), sorted(path.name for path in FOLDER.iterdir()))

    def test_each_part_opens_with_a_sentence_that_says_what_it_is_for(self):
        for part in (part for of_file in PARTS.values() for part in of_file):
            self.assertTrue((FOLDER / part).read_text(encoding="utf-8").startswith(LICENCE + "/*"), part)
            self.assertRegex(opening(part), r"^[A-Z].{20,105}\.$", part)

    def test_a_file_lists_its_parts_and_has_one_licence_and_no_include_twice(self):
        for name, parts in PARTS.items():
            text = engine()[name]
            self.assertEqual(text.count("SPDX"), 1, name)
            self.assertNotIn("@", text.split("#", 1)[0], name)
            includes = re.findall(r"^#include .*$", text, re.MULTILINE)
            self.assertEqual(len(includes), len(set(includes)), name)
            self.assertEqual(re.findall(r"^/\* ---- (\S+) -+ \*/$", text, re.MULTILINE), list(parts), name)
            self.assertEqual(re.findall(r"^ \*   (\w+\.[ch]) ", text, re.MULTILINE), list(parts), name)
            self.assertLessEqual(max(map(len, text.splitlines())), 140, name)

    def test_the_runtime_of_python_is_every_file_of_its_folder_once(self):
        self.assertEqual(sorted([*RUNTIME_PARTS, RUNTIME]), sorted(path.name for path in RUNTIME_FOLDER.glob("*.*")))
        text = engine(["python"])[RUNTIME]
        self.assertEqual(re.findall(r"^# ---- (\S+) -+$", text, re.MULTILINE), list(RUNTIME_PARTS))
        self.assertEqual((text.count("SPDX"), text.count("import ")), (1, (RUNTIME_FOLDER / RUNTIME).read_text(encoding="utf-8").count("import ")))


if __name__ == "__main__":
    unittest.main()
