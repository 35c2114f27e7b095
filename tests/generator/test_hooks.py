# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`.pre-commit-hooks.yaml`: the entry of each hook passes for a good schema, and fails for one with a mistake."""

import re
import shlex
import unittest

import yaml
from support import ROOT, CommandTest, main

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
GOOD = "protocol: p\ndoc: A protocol.\nmessages:\n  Quit: {doc: The end.}\n"
BAD = GOOD.replace("Quit: {doc: The end.}", "quit:   {}")


class Hooks(CommandTest):
    def test_each_has_what_pre_commit_needs(self):
        self.assertEqual(list(HOOKS), ["protopool-fmt", "protopool-lint", "protopool-check"])
        for hook in HOOKS.values():
            self.assertLessEqual({"id", "name", "entry", "language", "files"}, set(hook))
            re.compile(hook["files"])

    def test_each_entry_passes_and_fails(self):
        for name, hook in HOOKS.items():
            program, *arguments = shlex.split(hook["entry"])
            self.assertEqual(program, "protopool")
            arguments += ["-o", str(self.out)] if name == "protopool-check" else []
            self.good.write_text(GOOD)
            if name == "protopool-check":
                main("generate", "-q", "-o", self.out, self.good)
            self.assertEqual(main(*arguments, self.good), (0, "", ""), name)
            self.good.write_text(BAD)
            status, _, err = main(*arguments, self.good)
            self.assertEqual(status, 1, name)
            self.assertIn(str(self.out if name == "protopool-check" else self.good), err)

    def test_the_page_has_each_hook(self):
        page = (ROOT / "docs/evolution.md").read_text(encoding="utf-8")
        used = yaml.safe_load(re.search(r"```text\n(repos:.*?)```", page, re.DOTALL)[1])
        self.assertEqual([hook["id"] for hook in used["repos"][0]["hooks"]], list(HOOKS))


if __name__ == "__main__":
    unittest.main()
