# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The commands of `protopool`: how they are found, their help, their old spellings, exit statuses; the launcher of a checkout."""

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import unittest

from support import BAD_TEXT, GOOD_TEXT, ROOT, CommandTest, command, long, main

from gen import cli
from gen.commands import NAMES

LAUNCHER = ROOT / "bin/protopool"


def exits(*arguments) -> tuple[int, str, str]:
    """As main, for arguments with which the parser ends the process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = cli.main(list(map(str, arguments)))
        except SystemExit as end:
            status = end.code
    return status, out.getvalue(), err.getvalue()


class Help(unittest.TestCase):
    def test_it_lists_every_command_with_a_line_about_it(self):
        status, out, err = main("-h")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.startswith("example: protopool "))
        self.assertEqual(re.findall(r"(?m)^  ([a-z]+) +\S", out), list(NAMES))
        self.assertEqual(main("--help"), (0, out, ""))
        self.assertEqual(main("help"), (0, out, ""))
        self.assertEqual(main("help", "genrate")[0], 2)

    def test_without_arguments_it_is_an_error(self):
        status, out, err = main()
        self.assertEqual((status, out), (2, ""))
        self.assertEqual(err, main("-h")[1])

    def test_the_help_of_each_command_begins_with_an_example(self):
        for name in NAMES:
            status, out, err = exits(name, "-h")
            self.assertEqual((status, err), (0, ""))
            self.assertRegex(out, rf"\Aexample: protopool {name} \S")
            self.assertIn(f"usage: protopool {name} ", out)
            self.assertIn("--format", out)
            self.assertEqual(out.count("Exit status: 0 success"), 1, name)
            self.assertEqual(exits("help", name), (0, out, ""))

    def test_each_example_is_valid_usage(self):
        for name in NAMES:
            for line in cli.command(name).EXAMPLES.splitlines():
                words = shlex.split(re.sub(r"[|>].*", "", line), comments=True)
                if words[:1] == ["protopool"]:
                    cli.parser(words[1]).parse_intermixed_args(words[2:])

    def test_no_line_is_wider_than_a_page(self):
        for text in (main("-h")[1], *(exits(name, "-h")[1] for name in NAMES)):
            for line in text.splitlines():
                self.assertLessEqual(len(line), 130, line)


class Finding(CommandTest):
    def test_a_word_that_is_no_command_gets_a_suggestion(self):
        for word, meant in (("genrate", "generate"), ("plann", "plan"), ("Check", "check"), ("ini", "init")):
            status, out, err = main(word, self.good)
            self.assertEqual((status, out), (2, ""))
            self.assertEqual(err, f'protopool: "{word}" is not a command, and there is no such file; did you mean "{meant}"?\n'
                                  "protopool -h lists the commands\n")
        self.assertEqual(main("xyzzy")[2], 'protopool: "xyzzy" is not a command, and there is no such file\nprotopool -h lists the commands\n')

    def test_a_file_without_a_dot_is_a_schema(self):
        self.out.mkdir()
        (self.out / "genrate").write_text(GOOD_TEXT)
        done = command("genrate", "--list-outputs", cwd=self.out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @long
    def test_a_command_wins_over_a_file_and_a_path_over_a_command(self):
        self.out.mkdir()
        (self.out / "plan").write_text(GOOD_TEXT)
        self.assertEqual(command("plan", cwd=self.out).returncode, 2)
        done = command("./plan", "--list-outputs", cwd=self.out)
        self.assertEqual((done.returncode, done.stdout.split()[0]), (0, "calc.h"))

    def test_what_follows_two_dashes_is_a_schema(self):
        self.out.mkdir()
        (self.out / "-q").write_text(GOOD_TEXT)
        for words in (["generate", "--list-outputs"], ["--list-outputs"], ["--plan"], ["doc"]):
            done = command(*words, "--", "-q", cwd=self.out)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("calc", done.stdout)

    def test_a_command_behind_an_option_is_wrong_usage(self):
        status, out, err = exits("--format=json", "plan", self.good)
        self.assertEqual((status, out), (2, ""))
        self.assertTrue(err.endswith('error: "plan" is a command: it comes before all options\n'))

    def test_a_missing_schema_is_no_unknown_command(self):
        for path in ("missing.yaml", "folder/missing"):
            status, _, err = main(path)
            self.assertEqual((status, err), (2, f"protopool: {path}: No such file or directory\n"))

    def test_options_and_schemas_come_in_any_order(self):
        other = self.folder / "other.yaml"
        other.write_text("protocol: other\nmessages: {Quit: }\n")
        status, out, err = main("generate", self.good, "--no-engine", other, "-o", self.out)
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(self.names(), ["calc.c", "calc.h", "other.c", "other.h"])
        self.assertEqual(main("--no-engine", "-o", self.out, "--check", "--", self.good, other), (0, "", ""))


class Aliases(CommandTest):
    """A flag of before there were commands does what its command does."""

    def test_each_prints_the_same(self):
        old = self.folder / "old.yaml"
        old.write_text(GOOD_TEXT.replace("u64", "u32"))
        for flags, words in ((["--plan"], ["plan"]), (["--plan=json"], ["plan", "--json"]), (["--plan", "json"], ["plan", "--json"]),
                             (["--doc"], ["doc"]), (["-o", self.out, "--check"], ["check", "-o", self.out]),
                             (["-q", "--check", "--cpp", "--no-engine"], ["check", "--cpp", "--no-engine", "-q"])):
            for schema in (self.good, self.bad):
                self.assertEqual(main(*flags, schema), main(*words, schema), flags)
                self.assertEqual(main("generate", *flags, schema), main(*words, schema), flags)
        self.assertEqual(main("--diff", old, self.good), main("breaking", old, self.good))
        self.assertEqual(main("--diff", old, self.good)[0], 1)

    def test_the_default_is_generate(self):
        first = main("-o", self.out, "--cpp", self.good)
        self.assertEqual((first[0], len(self.names())), (0, 6))
        shutil.rmtree(self.out)
        self.assertEqual(main("generate", "-o", self.out, "--cpp", self.good), first)

    def test_the_format_is_passed_on(self):
        for flag in ("--plan", "--doc", "--check"):
            self.assertEqual(json.loads(main(flag, "--format=json", self.bad)[1])[0]["line"], 2)


class Statuses(CommandTest):
    def test_0_if_all_is_well(self):
        self.assertEqual(main("generate", "-o", self.out, self.good)[0], 0)
        for words in (["check", "-o", self.out], ["plan"], ["doc"], ["breaking", self.good]):
            self.assertEqual(main(*words, self.good)[0], 0, words)

    def test_1_if_something_is_found(self):
        for words in (["generate", "-o", self.out], ["check", "-o", self.out], ["plan"], ["doc"], ["breaking", self.good], ["bench"]):
            self.assertEqual(main(*words, self.bad)[0], 1, words)
        self.assertEqual(main("check", "-o", self.out, self.good)[0], 1)
        self.assertFalse(self.out.exists())

    def test_2_if_the_usage_is_wrong_or_a_file_is_missing(self):
        for name in NAMES:
            status, out, err = exits(name)
            self.assertEqual((status, out), (2, ""), name)
            self.assertIn(f"protopool {name}: error: ", err)
            self.assertEqual(exits(name, "--nonsense", "x", "y")[0], 2)
        for words in (["generate"], ["check"], ["plan"], ["doc"], ["breaking", self.good], ["bench"]):
            status, _, err = main(*words, self.folder / "missing.yaml")
            self.assertEqual(status, 2)
            self.assertRegex(err, r"\Aprotopool: [^\n]*missing.yaml: No such file or directory\n\Z")


class Bench(CommandTest):
    def test_an_installed_copy_without_the_benchmark_says_what_to_do(self):
        for name in ("gen", "templates"):
            shutil.copytree(ROOT / name, self.folder / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
        done = subprocess.run([sys.executable, self.folder / "copy/gen", "bench", self.good], capture_output=True, text=True)
        self.assert_trouble(done, "the benchmark is not part of an installed protopool: clone its repository")

    def test_standard_input_is_refused(self):
        self.assertEqual(main("bench", "-")[0], 2)


class Launcher(CommandTest):
    """bin/protopool, from any folder, also through a link."""

    def run_it(self, path, *arguments, **options) -> subprocess.CompletedProcess:
        return subprocess.run([sys.executable, path, *map(str, arguments)], capture_output=True, text=True, cwd=self.folder, **options)

    def test_it_is_executable_and_runs_a_command(self):
        self.assertTrue(LAUNCHER.stat().st_mode & 0o100)
        done = self.run_it(LAUNCHER, "check", "-")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("<stdin>:1:1: error: ", done.stderr)
        self.assertEqual(self.run_it(LAUNCHER, "-h").stdout, main("-h")[1])

    def test_it_works_through_a_link(self):
        (self.folder / "a/b").mkdir(parents=True)
        (self.folder / "a/b/linked").symlink_to(LAUNCHER)
        self.assertEqual(self.run_it(self.folder / "a/b/linked", "--version").stdout, main("--version")[1])

    def test_a_folder_that_has_a_module_of_the_same_name_is_not_imported(self):
        (self.folder / "gen").mkdir()
        (self.folder / "gen/__init__.py").write_text("raise SystemExit(9)\n")
        self.assertEqual(self.run_it(LAUNCHER, "--version").returncode, 0)

    def test_its_usage_shows_the_schema_that_is_wrong(self):
        done = self.run_it(LAUNCHER, "plan", self.bad)
        self.assertEqual((done.returncode, done.stderr), (1, main("plan", self.bad)[2]))
        self.assertIn(BAD_TEXT.splitlines()[1].strip(), done.stderr)


if __name__ == "__main__":
    unittest.main()
