# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool breaking`: every pair of schemas in breaking/ with its differences and their categories; versions in git; formats.

`UPDATE_GOLDEN=1` writes the differences of the pairs again.
"""

import json
import os
import re
import subprocess
import unittest
from unittest import mock

import yaml
from support import ROOT, CommandTest, lay_out, main

from gen.views import breaking, difference

PAIRS = sorted((ROOT / "tests/generator/breaking").glob("*.pair"))


class Pairs(unittest.TestCase):
    def test_each_pair_has_exactly_these_differences(self):
        seen = set()
        for path in PAIRS:
            with self.subTest(path.stem):
                old, new, expected = re.split(r"--- (?:new|differences)\n", path.read_text(encoding="utf-8"))
                found = breaking.compare(lay_out(old), lay_out(new))
                text = difference.as_text(found, "old", "new")
                if os.environ.get("UPDATE_GOLDEN"):
                    path.write_text(f"{old}--- new\n{new}--- differences\n{text}", encoding="utf-8")
                    expected = text
                self.assertEqual(text, expected)
                self.assertEqual(difference.as_text(breaking.compare(lay_out(new), lay_out(new)), "old", "new"), "no difference\n")
                seen |= {category for d in found for category in d.categories}
        self.assertGreaterEqual(len(PAIRS), 40)
        self.assertEqual(seen, set(difference.CATEGORIES))

    def test_a_place_is_one_in_the_new_schema_unless_the_thing_is_gone(self):
        for path in PAIRS:
            old, new, _ = re.split(r"--- (?:new|differences)\n", path.read_text(encoding="utf-8"))
            for d in breaking.compare(lay_out(old), lay_out(new)):
                if not d.new and d.old:
                    self.assertTrue(d.what.endswith("is removed"), d)


class Command(CommandTest):
    OLD = "protocol: p\nmessages:\n  Add:\n    max_live: 2\n    fields: {a: u8}\n"

    def setUp(self):
        super().setUp()
        self.new = self.folder / "new.yaml"
        self.old = self.folder / "old.yaml"
        self.old.write_text(self.OLD)

    def status(self, new: str, *options: str) -> int:
        self.new.write_text(new)
        return main("breaking", *options, self.old, self.new)[0]

    def test_the_category_chooses_what_fails(self):
        grows = self.OLD.replace("max_live: 2", "max_live: 3")
        self.assertEqual(self.status(grows), 0)
        self.assertEqual(self.status(grows, "--category", "BUDGET"), 1)
        self.assertEqual(self.status(grows, "--category", "source, budget"), 1)
        tag = self.OLD.replace("Add:", "Add:\n    tag: 7")
        self.assertEqual([self.status(tag, "--category", category) for category in difference.CATEGORIES], [0, 0, 1, 0])
        self.assertEqual(self.status(tag), 1)
        with self.assertRaises(SystemExit) as ended:
            self.status(tag, "--category", "WIRES")
        self.assertEqual(ended.exception.code, 2)

    def test_what_fails_is_an_error_and_the_rest_a_note(self):
        self.new.write_text(self.OLD.replace("max_live: 2", "max_live: 3").replace("a: u8", "b: i8").replace("fields", "doc: A.\n    fields"))
        status, out, err = main("breaking", "--format=json", self.old, self.new)
        self.assertEqual((status, err), (1, ""))
        self.assertEqual([(d["file"], d["line"], d["column"], d["severity"], d["rule"]) for d in json.loads(out)], [
            (str(self.new), 3, 3, "note", "breaking-budget"),
            (str(self.old), 5, 14, "error", "breaking-source+layout+wire"),
            (str(self.new), 6, 14, "error", "breaking-source+layout"),
            (str(self.new), 3, 3, "note", "compatible")])

    def test_for_github_what_is_gone_is_at_the_beginning_of_the_new_schema(self):
        self.new.write_text(self.OLD.replace("Add", "Sub").replace("u8", "u16"))
        status, out, _ = main("breaking", "--format=github", self.old, self.new)
        self.assertEqual(status, 1)
        self.assertIn(f"::error file={self.new},line=1,col=1,endColumn=2,title=protopool breaking-source+wire::message Add is removed; "
                      f"it was at {self.old}:3:3\n", out)
        located = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
                   for result in json.loads(main("breaking", "--format=sarif", self.old, self.new)[1])["runs"][0]["results"]]
        self.assertEqual(set(located), {self.new.as_uri()})

    def test_wrong_usage_has_status_2(self):
        for wrong in ((self.old,), (self.old, self.old, self.old), ("--against", self.old, "-"), ("--against", self.old, self.old, self.new)):
            status, out, err = main("breaking", *wrong)
            self.assertEqual((status, out), (2, ""))
            self.assertRegex(err, r"\Aprotopool breaking: error: [^\n]+\n\Z")

    def test_against_a_folder_or_a_file(self):
        (self.folder / "before").mkdir()
        (self.folder / "before" / "new.yaml").write_text(self.OLD.replace("u8", "u16"))
        self.new.write_text(self.OLD)
        before = os.getcwd()
        os.chdir(self.folder)
        try:
            self.assertIn("before/new.yaml:5:14 -> new.yaml:5:14: ", main("breaking", "--against", "before", "new.yaml")[1])
            status, out, err = main("breaking", "--against", "before", "new.yaml", "old.yaml")
            self.assertEqual((status, err), (1, "protopool: old.yaml is not in before: it is new\n"))
            self.assertTrue(out.startswith("new.yaml:\nbreaking: "), out)
        finally:
            os.chdir(before)
        self.assertEqual(main("breaking", "--against", self.old, self.new), (0, "no difference\n", ""))


class Git(CommandTest):
    """A repository with a schema in a folder, which imports a file of another folder."""

    def setUp(self):
        super().setUp()
        self.repository = self.folder / "repository"
        self.schema = self.repository / "a" / "x.yaml"
        self.imported = self.repository / "b" / "types.yaml"
        for path, text in ((self.schema, "protocol: p\nimport: ../b/types.yaml\nmessages:\n  Add: {fields: {at: s}}\n"),
                           (self.imported, "import: base.yaml\nstructs: {s: {fields: {x: n8}}}\n".replace("n8", "'u8[n]'")),
                           (self.repository / "b" / "base.yaml", "constants: {n: 4}\n")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.git("tag", "v1")
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.repository)

    def git(self, *arguments: str) -> None:
        subprocess.run(["git", "-C", self.repository, *arguments], check=True, capture_output=True,
                       env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull})

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "A version")

    def test_each_way_to_name_a_commit(self):
        for name in ("ref=main", "ref=HEAD", "branch=main", "tag=v1", "ref=v1"):
            self.assertEqual(main("breaking", "--against", f".git#{name}", "a/x.yaml"), (0, "no difference\n", ""), name)
        self.assertEqual(main("breaking", "--against", f"{self.repository}#ref=main", self.schema)[:2], (0, "no difference\n"))
        os.chdir("a")
        self.assertEqual(main("breaking", "--against", "../.git#ref=main", "x.yaml")[:2], (0, "no difference\n"))

    def test_the_old_version_is_read_with_what_it_imported_then(self):
        self.imported.write_text("structs: {s: {fields: {x: 'u8[5]'}}}\n")
        (self.repository / "b" / "base.yaml").unlink()
        status, out, err = main("breaking", "--against", ".git#ref=main", "a/x.yaml")
        self.assertEqual((status, err), (1, ""))
        self.assertIn("breaking: main:b/types.yaml:2:24 -> b/types.yaml:1:24: struct s: field x is u8[5], was u8[n] [SOURCE, LAYOUT]\n", out)
        self.assertIn("compatible", out)
        self.schema.write_text("protocol: p\nmessages:\n  Sub: {}\n")
        out = main("breaking", "--format=json", "--against", ".git#ref=main", "a/x.yaml")[1]
        self.assertEqual([(d["file"], d["line"]) for d in json.loads(out)],
                         [("main:b/base.yaml", 1), ("main:b/types.yaml", 2), ("main:a/x.yaml", 4), ("a/x.yaml", 3)])

    def test_links_are_followed_in_the_commit(self):
        for link, target in (("x.yaml", "a/x.yaml"), ("b/other.yaml", "base.yaml")):
            (self.repository / link).symlink_to(target)
        self.schema.write_text("protocol: p\nimport: [b/types.yaml, b/other.yaml]\nmessages:\n  Add: {fields: {at: s}}\n")
        self.imported.write_text("import: other.yaml\nstructs: {s: {fields: {x: 'u8[n]'}}}\n")
        self.commit()
        self.assertEqual(main("breaking", "--against", ".git#ref=main", "x.yaml"), (0, "no difference\n", ""))
        (self.repository / "x.yaml").unlink()
        (self.repository / "x.yaml").symlink_to("../elsewhere.yaml")
        self.commit()
        (self.repository / "x.yaml").unlink()
        (self.repository / "x.yaml").write_text("protocol: p\nmessages: {Quit: }\n")
        self.assertEqual(main("breaking", "--against", ".git#ref=main", "x.yaml"), (0, "", "protopool: x.yaml is not in main: it is new\n"))

    def test_in_a_hook_the_repository_is_that_of_the_schema(self):
        with mock.patch.dict(os.environ, GIT_DIR=str(self.repository / ".git")):
            self.assertEqual(main("breaking", "--against", ".git#ref=main", "a/x.yaml"), (0, "no difference\n", ""))

    def test_a_repository_without_a_commit_is_no_folder_of_old_versions(self):
        status, _, err = main("breaking", "--against", ".git", "a/x.yaml")
        self.assertEqual(status, 2)
        self.assertIn(".git#ref=NAME", err)

    def test_a_schema_in_a_submodule_is_not_looked_for_in_the_outer_commit(self):
        inner = self.folder / "inner"
        self.git("clone", "-q", str(self.repository), str(inner))
        self.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
        self.commit()
        status, _, err = main("breaking", "--against", ".git#ref=main", "sub/a/x.yaml")
        self.assertEqual(status, 2)
        self.assertIn("sub/.git#ref=NAME", err)
        self.assertEqual(main("breaking", "--against", "sub/.git#ref=main", "sub/a/x.yaml"), (0, "no difference\n", ""))

    def test_a_branch_of_origin_is_found_as_in_a_clone_for_ci(self):
        clone = self.folder / "clone"
        self.git("clone", "-q", str(self.repository), str(clone))
        subprocess.run(["git", "-C", clone, "checkout", "-q", "-b", "work"], check=True)
        subprocess.run(["git", "-C", clone, "branch", "-q", "-D", "main"], check=True)
        os.chdir(clone)
        for name in ("ref=main", "branch=main"):
            self.assertEqual(main("breaking", "--against", f".git#{name}", "a/x.yaml"), (0, "no difference\n", ""))

    def test_the_workflow_of_the_page_refuses_what_breaks(self):
        page = (ROOT / "docs/evolution.md").read_text(encoding="utf-8")
        workflow = yaml.safe_load(re.search(r"```text\n(name: .*?)```", page, re.DOTALL)[1])
        steps = workflow["jobs"]["breaking"]["steps"]
        self.assertEqual(steps[0]["with"], {"fetch-depth": 0})
        command = steps[-1]["run"].replace("~/protopool/", f"{ROOT}/").replace("schema/*.yaml", "a/*.yaml")
        for new, status, part in ((self.schema.read_text(), 0, ""),
                                  (self.schema.read_text().replace("Add: {", "Sub: {tag: 9, "), 1, "::error file=a/x.yaml,line=1,")):
            self.schema.write_text(new)
            done = subprocess.run(["bash", "-c", command], cwd=self.repository, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (status, ""))
            self.assertIn(part, done.stdout)

    def test_a_new_schema_and_one_of_another_folder_are_no_trouble(self):
        (self.repository / "a" / "y.yaml").write_text("protocol: q\nmessages: {Quit: {}}\n")
        self.assertEqual(main("breaking", "--against", ".git#ref=main", "a/y.yaml"), (0, "", "protopool: a/y.yaml is not in main: it is new\n"))

    def test_trouble_with_git_is_explained(self):
        for against, schema, part in ((".git#ref=lost", "a/x.yaml", 'has no ref "lost"; a shallow clone may lack it'),
                                      (".git#tag=main", "a/x.yaml", 'has no tag "main"'),
                                      (".git#ref=--help", "a/x.yaml", 'has no ref "--help"'),
                                      (".git#revision=main", "a/x.yaml", "write it as .git#ref=NAME"),
                                      ("lost/.git#ref=main", "a/x.yaml", "lost/.git: No such file"),
                                      (f"{self.folder}#ref=main", "a/x.yaml", "not a git repository"),
                                      (".git#ref=main", str(self.good), "not a git repository"),
                                      (".git#ref=main", "a/lost.yaml", "a/lost.yaml: No such file"),
                                      ("lost.yaml", "a/x.yaml", "lost.yaml: No such file")):
            status, out, err = main("breaking", "--against", against, schema)
            self.assertEqual((status, out), (2, ""), against)
            self.assertRegex(err, r"\Aprotopool: [^\n]+\n\Z")
            self.assertIn(part, err)

    def test_an_old_version_that_is_wrong_is_reported_with_its_name(self):
        good = self.schema.read_text()
        self.schema.write_text("protocol: p\nimport: ../../outside.yaml\nmessages: {Add: {fields: {a: u46}}}\n")
        (self.folder / "outside.yaml").write_text("constants: {n: 1}\n")
        self.commit()
        self.schema.write_text(good)
        status, _, err = main("breaking", "--against", ".git#ref=main", "a/x.yaml")
        self.assertEqual(status, 1)
        self.assertIn('main:a/x.yaml:2:9: error: "../../outside.yaml" cannot be read: it is not in main\n', err)
        self.assertIn('main:a/x.yaml:3:30: error: there is no type "u46"\n', err)


if __name__ == "__main__":
    unittest.main()
