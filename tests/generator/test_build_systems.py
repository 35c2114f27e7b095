# SPDX-License-Identifier: Apache-2.0 OR MIT
"""make, Ninja and CMake run the generator again exactly when they must: --depfile and --touch."""

import os
import shutil
import subprocess
import sys
import time
import unittest

from support import GOOD_TEXT, ROOT, CommandTest, command, long, main

SCHEMA_WITH_IMPORT = "protocol: calc\nimport: lib.yaml\nmessages: {Add: {fields: {k: kind}}}\n"
IMPORTED = "enums: {kind: {values: [red]}}\n"
PROGRAM = '#include "calc.h"\nint main(void) { return CALC_ADD == 1 ? 0 : 1; }\n'


class BuildSystems(CommandTest):
    """Each runs the generator once per edit of the schema, of an import or of the generator, and not again."""

    def setUp(self):
        super().setUp()
        for name, text in (("calc.yaml", SCHEMA_WITH_IMPORT), ("lib.yaml", IMPORTED), ("main.c", PROGRAM)):
            (self.folder / name).write_text(text)
        shutil.copytree(ROOT / "gen", self.folder / "tool" / "gen", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "templates", self.folder / "tool" / "templates")
        (self.folder / "run").write_text(f'#!/bin/sh\necho ran >>"{self.folder}/runs"\nexec {sys.executable} "{self.folder}/tool/gen" "$@"\n')
        (self.folder / "run").chmod(0o755)

    def runs(self) -> int:
        log = self.folder / "runs"
        return len(log.read_text().split()) if log.exists() else 0

    def edit(self, path: str, text: str) -> None:
        """Edits later than the outputs, even if the clock is coarse."""
        time.sleep(0.05)
        with open(self.folder / path, "a") as file:
            file.write(text)

    def assert_follows(self, *build: str) -> None:
        def built() -> int:
            before = self.runs()
            done = subprocess.run(build, cwd=self.folder, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            return self.runs() - before

        self.assertEqual((built(), built()), (1, 0))
        for path, text in (("calc.yaml", "# a comment: the outputs stay as they are\n"), ("calc.yaml", "constants: {most: 4}\n"),
                           ("lib.yaml", "flags: {caps: {values: [read]}}\n"),
                           ("tool/templates/protocol.h.j2", "/* more */\n")):
            self.edit(path, text)
            self.assertEqual((built(), built()), (1, 0), (path, text))
        self.assertIn("CALC_MOST 4", "".join(path.read_text() for path in self.folder.rglob("calc.h")))

    @long
    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_make_runs_it_once_per_edit(self):
        (self.folder / "Makefile").write_text(
            "prog: main.c calc.c calc.h\n\t$(CC) -I. main.c calc.c protopool.c -o prog -lpthread\n"
            "calc.c calc.h: .calc.stamp ;\n"
            ".calc.stamp: calc.yaml\n\t./run -q --depfile .calc.d --target $@ calc.yaml && touch $@\n-include .calc.d\n")
        self.assert_follows("make")

    @long
    @unittest.skipUnless(shutil.which("ninja"), "ninja is not there: make deps-ci")
    def test_ninja_runs_it_once_per_edit(self):
        for restat, options in (("1", ""), ("", "--touch")):
            shutil.rmtree(self.folder / "tool")
            self.folder.joinpath("runs").unlink(missing_ok=True)
            for name in (".ninja_log", ".ninja_deps", "calc.h", "calc.c"):
                self.folder.joinpath(name).unlink(missing_ok=True)
            BuildSystems.setUp(self)
            (self.folder / "build.ninja").write_text(
                f"rule gen\n  command = ./run -q {options} --depfile calc.d $in\n  depfile = calc.d\n  deps = gcc\n  restat = {restat}\n"
                "rule cc\n  command = cc -I. $in -o $out -lpthread\nbuild calc.h calc.c protopool.h protopool.c: gen calc.yaml\n"
                "build prog: cc main.c calc.c protopool.c | calc.h\n")
            self.assert_follows("ninja")

    @long
    @unittest.skipUnless(shutil.which("cmake"), "cmake is not there: make deps-ci")
    def test_cmake_runs_it_once_per_edit(self):
        for generator, tool in (("Unix Makefiles", "make"), ("Ninja", "ninja")):
            if not shutil.which(tool):
                continue
            with self.subTest(generator):
                for name in ("runs", "tool", "build"):
                    path = self.folder / name
                    shutil.rmtree(path, ignore_errors=True)
                    path.unlink(missing_ok=True)
                BuildSystems.setUp(self)
                (self.folder / "CMakeLists.txt").write_text(
                    "cmake_minimum_required(VERSION 3.20)\nproject(calc C)\nfind_package(Threads REQUIRED)\n"
                    "set(out ${CMAKE_CURRENT_BINARY_DIR})\n"
                    "add_custom_command(OUTPUT ${out}/calc.h ${out}/calc.c ${out}/protopool.h ${out}/protopool.c\n"
                    "  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/run -q --touch -o ${out} --depfile ${out}/calc.d ${CMAKE_CURRENT_SOURCE_DIR}/calc.yaml\n"
                    "  DEPENDS calc.yaml DEPFILE ${out}/calc.d)\n"
                    "add_executable(prog main.c ${out}/calc.c ${out}/protopool.c)\n"
                    "target_include_directories(prog PRIVATE ${out})\ntarget_link_libraries(prog Threads::Threads)\n")
                subprocess.run(["cmake", "-G", generator, "-B", "build", "."], cwd=self.folder, check=True, capture_output=True)
                self.assert_follows("cmake", "--build", "build")


class Depfile(CommandTest):
    def test_the_rule_names_the_first_output_and_every_file_read(self):
        depfile = self.folder / "calc.d"
        self.assertEqual(main("-q", "--no-engine", "-o", self.out, "--depfile", depfile, self.good)[0], 0)
        target, needed = depfile.read_text().split("\n")[0].split(": ")
        self.assertEqual((target, needed.split()[0]), (str(self.out / "calc.h"), str(self.good)))
        own = {str(path) for folder in ("gen", "templates") for path in (ROOT / folder).rglob("*.*")
               if path.is_file() and path.suffix not in (".pyc", ".md")}
        self.assertEqual(set(needed.split()[1:]), own)
        main("-q", "--no-engine", "-o", self.out, "--depfile", depfile, "--target", "a stamp", self.good)
        self.assertTrue(depfile.read_text().startswith(f"a\\ stamp: {self.good} "))

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_make_reads_the_rule_with_special_characters_in_paths(self):
        folder = self.folder / "a $(b) #c"
        folder.mkdir()
        schema = folder / "my $schema #1.yaml"
        schema.write_text(GOOD_TEXT)
        depfile = self.folder / "calc.d"
        self.assertEqual(main("-q", "--no-engine", "-o", folder, "--depfile", depfile, schema)[0], 0)
        done = subprocess.run(["make", "-d", "-r", "-f", depfile], capture_output=True, text=True, cwd=self.folder,
                              env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"'{folder}/calc.h'", done.stdout.replace("`", "'"))
        self.assertIn(f"Considering target file '{schema}'.", done.stdout.replace("`", "'"))
        schema.unlink()                                 # one that is gone is no error, but a reason to run again
        done = subprocess.run(["make", "-r", "-f", depfile], capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_standard_input_is_no_dependency(self):
        depfile = self.folder / "calc.d"
        done = command("-q", "--no-engine", "-o", self.out, "--depfile", depfile, "-", input=GOOD_TEXT)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(depfile.read_text().startswith(f"{self.out / 'calc.h'}: {ROOT}/gen/"))

    def test_paths_that_are_not_utf8_keep_their_bytes(self):
        name = os.fsencode(self.folder) + b"/\xff.yaml"
        with open(name, "wb") as file:
            file.write(GOOD_TEXT.encode())
        depfile = self.folder / "calc.d"
        done = subprocess.run([sys.executable, "-m", "gen", "-q", "--no-engine", "-o", self.out, "--depfile", depfile,
                               name], cwd=ROOT, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(name, depfile.read_bytes())


if __name__ == "__main__":
    unittest.main()
