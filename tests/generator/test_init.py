# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`protopool init`: what it writes builds, runs and passes its tests, in each build system; it never overwrites a file."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import unittest
from importlib.util import find_spec
from pathlib import Path

from support import ROOT, FolderTest, command, errors, long, main

from gen import __version__

BUILDS = {"make": "Makefile", "cmake": "CMakeLists.txt", "meson": "meson.build"}


class Written(FolderTest):
    def init(self, *arguments) -> list[str]:
        """The names of the files that were written."""
        status, out, err = main("init", *arguments, self.folder / "new")
        self.assertEqual((status, err), (0, ""))
        return sorted(path.name for path in (self.folder / "new").iterdir())

    def test_a_schema_and_a_program_and_on_request_a_build_file(self):
        self.assertEqual(self.init("mine"), ["main.c", "mine.yaml"])
        for build, file in BUILDS.items():
            shutil.rmtree(self.folder / "new")
            self.assertEqual(self.init("mine", "--build", build), sorted(["main.c", "mine.yaml", file]))

    def test_the_schema_is_valid_and_names_the_language_for_editors(self):
        self.init("mine")
        text = (self.folder / "new/mine.yaml").read_text()
        self.assertEqual(errors(text), [])
        language = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)[1]
        self.assertEqual(json.loads(Path(language).read_text())["title"], "protopool schema")

    @unittest.skipUnless(find_spec("ruamel"), "python3-ruamel.yaml is not there")
    def test_the_schema_is_formatted(self):
        self.init("mine")
        self.assertEqual(main("fmt", "--check", self.folder / "new/mine.yaml"), (0, "", ""))

    def test_the_plan_of_the_schema_has_no_warning(self):
        self.init("mine")
        status, out, _ = main("plan", self.folder / "new/mine.yaml")
        self.assertEqual(status, 0)
        self.assertNotIn("warning", out)

    def test_the_schemas_lines_are_commented(self):
        self.init("mine")
        comments = re.findall(r"(?m)^[^#\n]+ (#.*)$", (self.folder / "new/mine.yaml").read_text())
        self.assertGreaterEqual(len(comments), 3)

    def test_a_name_in_mixed_case_gives_c_names_in_lower_case(self):
        self.init("MyThing")
        self.assertIn('#include "my_thing.h"', (self.folder / "new/main.c").read_text())

    def test_it_prints_each_file_and_what_to_do_next(self):
        status, out, _ = main("init", "mine", "--build=make", self.folder / "a folder")
        self.assertEqual(status, 0)
        files, _, steps = out.partition("\n\nnext:\n")
        self.assertEqual(files.splitlines(), [str(self.folder / "a folder" / name) for name in ("mine.yaml", "main.c", "Makefile")])
        self.assertTrue(steps.endswith(f"  cd '{self.folder}/a folder'\n  make test\n"), steps)

    def test_a_copy_of_pip_says_that_it_has_no_cmake_package(self):
        copy = self.folder / "lib/protopool"
        shutil.copytree(ROOT / "gen", copy, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "templates", copy / "templates")
        run = [sys.executable, "-m", "protopool", "init", "mine", self.folder / "new"]
        done = subprocess.run([*run, "--build=cmake"], cwd=self.folder / "lib", capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("no CMake package", done.stderr)
        self.assertFalse((self.folder / "new").exists())
        done = subprocess.run([*run, "--build=make"], cwd=self.folder / "lib", capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_name_that_cannot_be_a_protocols_is_refused(self):
        for name, why in (("my-thing", "letters, digits and underscores"), ("x # y", "letters"), ("yes\nno", "letters"), ("int", "keyword"), ("stat", "struct stat"), ("check", "check.h"),
                          ("main", "main.c"), ("protopool", "engine"), ("../x", "letter"), ("", "letter"), ("x" * 128, "127 characters"), ("Main", "main.c"),
                          ("a: b", "letters"), ("\udcff", "")):
            status, out, err = main("init", name, self.folder)
            self.assertEqual((status, out), (2, ""), name)
            self.assertRegex(err, r"\Aprotopool: [^\n]* cannot be the name of a protocol: [^\n]+\n\Z")
            self.assertIn(why, err)
            self.assertEqual(list(self.folder.iterdir()), [])


class NothingIsOverwritten(FolderTest):
    def test_a_file_that_is_there_stays_and_no_other_is_written(self):
        for there in ("mine.yaml", "main.c", "Makefile"):
            (self.folder / there).write_text("precious")
            status, out, err = main("init", "mine", "--build=make", self.folder)
            self.assertEqual((status, out), (2, ""))
            self.assertRegex(err, rf"\Aprotopool: \S*/{there} exists already. No file was written: choose another folder, for example protopool init mine [^\n]*\n\Z")
            self.assertEqual([path.name for path in self.folder.iterdir()], [there])
            self.assertEqual((self.folder / there).read_text(), "precious")
            (self.folder / there).unlink()

    def test_a_dangling_link_is_a_file_that_is_there(self):
        (self.folder / "main.c").symlink_to(self.folder / "elsewhere.c")
        status, out, err = main("init", "mine", self.folder)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("main.c exists already", err)
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["main.c"])

    def test_in_other_formats_too(self):
        self.assertEqual(main("init", "mine", self.folder)[0], 0)
        status, out, err = main("init", "mine", "--format=json", self.folder)
        self.assertEqual((status, err), (2, ""))
        self.assertEqual([each["file"] for each in json.loads(out)], [str(self.folder / name) for name in ("mine.yaml", "main.c")])
        status, out, err = main("init", "my-thing", "--format=github", self.folder)
        self.assertEqual((status, err), (2, ""))
        self.assertTrue(out.startswith("::error title=protopool init::my-thing cannot be the name of a protocol: "))

    def test_every_file_in_the_way_is_named(self):
        self.assertEqual(main("init", "mine", self.folder)[0], 0)
        status, _, err = main("init", "mine", "--build=make", self.folder)
        self.assertEqual(status, 2)
        self.assertIn("mine.yaml", err)
        self.assertIn("main.c", err)

    def test_nothing_is_left_of_a_write_that_fails(self):
        """A limit on the size of files lets the schema be written, and main.c not."""
        def limited():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))

        done = command("init", "mine", self.folder, preexec_fn=limited, env={"PYTHONDONTWRITEBYTECODE": "1"})
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Aprotopool: \S*/main\.c: File too large\n\Z")
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_folder_that_cannot_be_written_is_reported(self):
        (self.folder / "file").write_text("")
        status, out, err = main("init", "mine", self.folder / "file")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\Aprotopool: [^\n]*file: [^\n]+\n\Z")


class Built(FolderTest):
    """What a newcomer does: every command that init prints, in an empty folder."""

    def follow(self, *arguments, name: str = "mine", **settings: str) -> str:
        """Runs init, then the steps that it prints. Returns what the steps print."""
        folder = self.folder / "new"
        folder.mkdir(exist_ok=True)
        done = command("init", name, *arguments, cwd=folder, env={"PATH": os.defpath})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        steps = done.stdout.partition("next:\n")[2]
        self.assertIn(f"export PATH={ROOT}/bin:$PATH", steps)
        return self.shell(steps, **settings)

    def shell(self, steps: str, **settings: str) -> str:
        (self.folder / "tool").mkdir(exist_ok=True)             # python3 is the interpreter of this test
        if not (self.folder / "tool/python3").exists():
            (self.folder / "tool/python3").symlink_to(sys.executable)
        environment = {**os.environ, "PATH": f"{self.folder}/tool:{os.environ['PATH']}", **settings}
        done = subprocess.run(["sh", "-ec", steps], cwd=self.folder / "new", capture_output=True, text=True, timeout=120, env=environment)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("warning: ", done.stderr)
        return done.stdout

    def assert_passed(self, out: str) -> None:
        self.assertIn("hello, world\nsensor 7 measures 21.5\nthe end\n", out)

    @long
    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
    def test_by_hand(self):
        self.assert_passed(self.follow())

    @long
    @unittest.skipUnless(shutil.which("make") and shutil.which("cc"), "make or a compiler is not there")
    def test_with_make(self):
        unoptimised = {"CFLAGS": "-O0 -Wall -Wextra"}           # a fifth of the time; the next test has the flags of the Makefile
        out = self.follow("--build=make", **unoptimised)
        self.assert_passed(out)
        self.assertRegex(out, r"100%: Checks: \d+, Failures: 0, Errors: 0")
        way = f"export PATH={ROOT}/bin:$PATH\n"
        self.assertNotRegex(self.shell(f"{way}make", **unoptimised), "protopool|cc ")          # a second build does nothing
        (self.folder / "new/mine.yaml").touch()
        self.assertIn("protopool generate", self.shell(f"{way}make", **unoptimised))

    @long
    @unittest.skipUnless(shutil.which("make") and shutil.which("clang"), "make or clang is not there")
    def test_every_level_and_compiler_and_name(self):
        self.follow("--build=make", name="MyThing")
        flags = "-O0 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wswitch-enum -Werror"
        for compiler, level in (("gcc", 0), ("clang", 2)):
            out = self.shell(f"export PATH={ROOT}/bin:$PATH\nmake clean\nmake CC={compiler} LEVEL={level} CFLAGS='{flags}' test")
            self.assert_passed(out)
            self.assertRegex(out, r"100%: Checks: \d+, Failures: 0, Errors: 0")

    @long
    @unittest.skipUnless(shutil.which("cmake"), "cmake is not there: make deps-ci")
    def test_with_cmake(self):
        self.assertRegex(self.follow("--build=cmake"), r"100% tests passed, 0 tests failed out of 2")
        again = self.shell("cmake --build build")
        self.assertNotIn("Generating the C", again)
        self.assertNotIn("Building", again)
        with open(self.folder / "new/mine.yaml", "a") as schema:
            schema.write("# a comment: the outputs stay as they are\n")
        again = self.shell("cmake --build build")
        self.assertIn("Generating the C", again)
        self.assertNotIn("Building", again)

    @long
    @unittest.skipUnless(shutil.which("cmake"), "cmake is not there: make deps-ci")
    def test_with_cmake_and_without_libcheck(self):
        self.assertEqual(main("init", "mine", "--build=cmake", self.folder / "new")[0], 0)
        done = subprocess.run(["cmake", "-B", "build"], cwd=self.folder / "new", capture_output=True, text=True,
                              env={**os.environ, "PATH": f"{ROOT}/bin:{os.environ['PATH']}", "PKG_CONFIG_LIBDIR": "/nowhere"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("libcheck", done.stderr)
        targets = subprocess.run(["cmake", "--build", "build", "--target", "help"], cwd=self.folder / "new", capture_output=True, text=True)
        self.assertIn("main", targets.stdout)
        self.assertNotIn("mine_check", targets.stdout)

    @long
    @unittest.skipUnless(shutil.which("cmake"), "cmake is not there: make deps-ci")
    def test_cmake_finds_a_checkout_of_a_version_by_path(self):
        for version, status in (("", 0), ("0.1", 0), ("99", 1)):
            (self.folder / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.20)\nproject(x NONE)\n"
                                                        f"find_package(protopool {version} CONFIG REQUIRED)\n"
                                                        "message(STATUS \"version ${protopool_VERSION}\")\n")
            done = subprocess.run(["cmake", "-B", f"build{version}"], cwd=self.folder, capture_output=True, text=True,
                                  env={**os.environ, "PATH": f"{ROOT}/bin:{os.environ['PATH']}"})
            self.assertEqual(done.returncode, status, done.stderr)
            if status == 0:
                self.assertIn(f"version {__version__}\n", done.stdout)

    @long
    @unittest.skipUnless(shutil.which("meson") and shutil.which("ninja"), "meson or ninja is not there: make deps-ci")
    def test_with_meson(self):
        self.assertRegex(self.follow("--build=meson"), r"Ok: +2 *\n")
        self.assertIn("no work to do", self.shell("ninja -C build"))

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_a_wrong_schema_stops_the_build_at_its_place(self):
        self.assertEqual(main("init", "mine", "--build=make", self.folder / "new")[0], 0)
        schema = self.folder / "new/mine.yaml"
        schema.write_text(schema.read_text().replace("sensor: u16", "sensor: u17"))
        line = next(i for i, text in enumerate(schema.read_text().splitlines(), 1) if "u17" in text)
        done = subprocess.run(["make", f"PROTOPOOL={sys.executable} {ROOT}/gen"], cwd=self.folder / "new", capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, rf"(?m)^mine\.yaml:{line}:15: error: ")


if __name__ == "__main__":
    unittest.main()
