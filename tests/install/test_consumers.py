# SPDX-License-Identifier: Apache-2.0 OR MIT
"""examples/build/ with an installed copy, outside of the checkout: make, CMake and Meson, gcc and clang. Each edit runs the
generator once and compiles what depends on it, and a second build does nothing."""

import os
import re
import shutil
import time
import unittest
from pathlib import Path

from installed import InstalledTest, run
from support import ROOT, long

SOURCES = ("door.yaml", "lamp.yaml", "common.yaml", "main.c")
PRINTED = 'Opened { room: "kitchen", reason: by_hand }\nDim { lamp: 12, percent: 30 }\n'
ALL = {"door", "lamp", "protopool", "main"}


def needs(*tools: str):
    return unittest.skipUnless(all(map(shutil.which, tools)), f"{' or '.join(tools)} is not there: make deps-ci")


class ConsumerTest(InstalledTest):
    """A project in self.folder, which sees the installed copy as a user's project does, and logs what is run."""

    def setUp(self):
        super().setUp()
        self.command = self.copy() / "bin/protopool"
        self.generated, self.compiled = self.folder / "generated.log", self.folder / "compiled.log"
        self.project = self.folder / "house"
        self.project.mkdir()
        for name in SOURCES:
            shutil.copy(ROOT / "examples/build" / name, self.project)

    def copy(self) -> Path:
        """In a path without spaces, which make does not know. Its command logs its arguments."""
        copy = self.folder / "usr"
        shutil.copytree(self.prefix, copy, symlinks=True)
        command = copy / "bin/protopool"
        command.unlink()
        command.write_text(f'#!/bin/sh\necho "$*" >>"{self.folder}/generated.log"\nexec "{copy}/share/protopool/bin/protopool" "$@"\n')
        command.chmod(0o755)
        return copy

    def environment(self, compiler: str) -> dict[str, str]:
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        logging = tools / compiler
        logging.write_text(f'#!/bin/sh\ncase " $* " in *" -c "*) echo "$*" >>"{self.compiled}" ;; esac\nexec {shutil.which(compiler)} "$@"\n')
        logging.chmod(0o755)
        usr = self.command.parent.parent
        return {"PATH": f"{usr}/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": f"{usr}/share/pkgconfig", "CC": str(logging),
                "CMAKE_PREFIX_PATH": str(usr), "CFLAGS": "-Wall -Wextra -Werror"}

    def use(self, name: str, *changes: tuple[str, str]) -> None:
        text = (ROOT / "examples/build" / name).read_text()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        (self.project / name).write_text(text)

    def builds(self, compiler: str, *build) -> None:
        self.build, self.env = build, self.environment(compiler)

    def built(self) -> tuple[int, set[str], str]:
        """Builds. Returns the number of times that the generator wrote, the stems of what was compiled, and what was printed."""
        for log in (self.generated, self.compiled):
            log.write_text("")
        time.sleep(0.05)                                        # edits are later than outputs, even if the clock is coarse
        done = run(*self.build, cwd=self.project, env=self.env)
        runs = [line for line in self.generated.read_text().splitlines() if "--list-outputs" not in line]
        stems = re.findall(r"(\w+)\.c(?= |$)", self.compiled.read_text(), re.MULTILINE)
        self.assertEqual(len(stems), len(set(stems)), "compiled twice")
        self.status = done.returncode
        return len(runs), set(stems), done.stdout + done.stderr

    def assert_builds(self, runs: int, stems: set[str]) -> None:
        """Builds, with these runs of the generator and these sources compiled. The next build does nothing."""
        for expected in ((runs, stems), (0, set())):
            *found, printed = self.built()
            self.assertEqual(self.status, 0, printed)
            self.assertEqual(tuple(found), expected, printed)

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.project / name
        text = path.read_text()
        self.assertIn(old, text)
        time.sleep(0.05)
        path.write_text(text.replace(old, new, 1))

    def assert_runs(self, program: str) -> None:
        done = run(self.project / program)
        self.assertEqual((done.returncode, done.stdout), (0, PRINTED), done.stderr)

    def assert_follows(self, program: str) -> None:
        self.assert_builds(1, ALL)
        self.assert_runs(program)
        for name in ("common.yaml", "lamp.yaml"):
            time.sleep(0.05)
            (self.project / name).touch()
            self.assert_builds(1, set())                        # the outputs are the same
        self.edit("common.yaml", "name_length: 15", "name_length: 20")
        self.assert_builds(1, {"door", "main"})
        self.edit("lamp.yaml", "percent: {type: u8, range: [0, 100]}", "percent: {type: u8, range: [0, 90]}")
        self.assert_builds(1, {"lamp", "main"})
        time.sleep(0.05)
        (self.command.parent.parent / "share/protopool/templates/elements.j2").touch()
        self.assert_builds(1, set())                            # a new version of the generator
        for name, mistake in (("common.yaml", "common.yaml:3:16: error:"), ("lamp.yaml", "lamp.yaml:7:20: error:")):
            old, new = ("name_length: 20", "name_length: none") if name == "common.yaml" else ("{lamp: u16", "{lamp: u17")
            self.edit(name, old, new)
            printed = self.built()[2]
            self.assertNotEqual(self.status, 0)
            self.assertIn(mistake, printed)
            self.edit(name, new, old)
            self.assert_builds(1, set())
        (self.project / "common.yaml").rename(self.project / "shared.yaml")
        self.edit("door.yaml", "import: common.yaml", "import: shared.yaml")
        self.assert_builds(1, set())                            # what is gone is not asked for again
        self.assert_runs(program)


@long
class Consumers(ConsumerTest):
    @needs("make")
    def test_make(self):
        self.use("Makefile")
        self.builds("gcc", "make", "-I", self.command.parent.parent / "include")
        self.assert_follows("house")
        (self.project / "generated/lamp.c").unlink()
        self.assert_builds(1, {"lamp"})

    @needs("make")
    def test_make_with_an_older_schema_of_the_same_protocol_and_other_flags(self):
        (self.project / "old").mkdir()
        old = self.project / "old/lamp.yaml"
        old.write_text((self.project / "lamp.yaml").read_text().replace("[0, 100]", "[0, 90]"))
        os.utime(old, (1, 1))
        self.use("Makefile")
        self.builds("gcc", "make", "-I", self.command.parent.parent / "include")
        self.assert_builds(1, ALL)
        self.edit("Makefile", "lamp.yaml", "old/lamp.yaml")
        self.assert_builds(1, {"lamp", "main"})
        self.edit("Makefile", "include protopool.mk", "PROTOPOOL_FLAGS = --python --tests='the tests'\ninclude protopool.mk")
        self.assert_builds(1, set())
        self.assertTrue((self.project / "the tests/lamp_check.c").exists())
        (self.project / "generated/lamp.py").unlink()
        self.assert_builds(1, set())
        self.assertTrue((self.project / "generated/lamp.py").exists())

    @needs("make")
    def test_make_with_a_slash_behind_the_folder(self):
        self.use("Makefile")
        self.builds("gcc", "make", "-I", self.command.parent.parent / "include", "PROTOPOOL_OUT=src/", "-j4")
        self.assert_builds(1, ALL)
        self.edit("common.yaml", "name_length: 15", "name_length: 20")
        self.assert_builds(1, {"door", "main"})

    @needs("make", "pkg-config", "clang")
    def test_make_with_pkg_config_and_clang(self):
        self.use("Makefile", ("include protopool.mk", "include $(shell pkg-config --variable=makefile protopool)"))
        self.builds("clang", "make", "-j2")
        self.assert_builds(1, ALL)
        self.assert_runs("house")

    def cmake(self, compiler: str, generator: str, *arguments: str) -> None:
        self.builds(compiler, "cmake", "--build", "out")
        self.good(run("cmake", "-G", generator, "-S", ".", "-B", "out", *arguments, cwd=self.project, env=self.env))

    @needs("cmake", "ninja")
    def test_cmake_with_ninja(self):
        self.use("CMakeLists.txt")
        self.cmake("gcc", "Ninja")
        self.assert_follows("out/house")
        (self.project / "out/messages/lamp.c").unlink()
        self.assert_builds(1, {"lamp"})

    @needs("cmake", "make")
    def test_cmake_with_make(self):
        self.use("CMakeLists.txt")
        self.cmake("gcc", "Unix Makefiles")
        self.assert_follows("out/house")

    @needs("cmake", "ninja", "clang")
    def test_cmake_with_clang_and_a_version(self):
        self.use("CMakeLists.txt", ("protopool CONFIG", "protopool 0.1 CONFIG"))
        self.cmake("clang", "Ninja")
        self.assert_builds(1, ALL)
        self.assert_runs("out/house")

    @needs("cmake")
    def test_cmake_refuses_another_version_and_wrong_arguments(self):
        for old, new, complaint in (("protopool CONFIG", "protopool 0.2 CONFIG", "compatible with requested version"),
                                    ("project(house C)", "project(house NONE)", "add C to the languages"),
                                    ("lamp.yaml)", "lamp.yaml CHECK 3)", "write 0, 1, 2 or a generator expression"),
                                    ("TARGET messages ", "", "write TARGET name SCHEMAS"),
                                    ("lamp.yaml)", "lamb.yaml)", "lamb.yaml: No such file")):
            with self.subTest(new):
                self.use("CMakeLists.txt", (old, new))
                shutil.rmtree(self.project / "out", ignore_errors=True)
                done = run("cmake", "-S", ".", "-B", "out", cwd=self.project, env=self.environment("gcc"))
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(complaint, " ".join(done.stderr.split()))

    @needs("cmake", "ninja")
    def test_cmake_by_the_folder_that_init_puts_into_path(self):
        self.use("CMakeLists.txt")
        self.builds("gcc", "cmake", "--build", "out")
        self.env |= {"CMAKE_PREFIX_PATH": "", "PATH": f"{self.command.parent.parent}/share/protopool/bin:{os.environ['PATH']}"}
        self.good(run("cmake", "-G", "Ninja", "-S", ".", "-B", "out", cwd=self.project, env=self.env))
        self.good(run(*self.build, cwd=self.project, env=self.env))
        self.assert_runs("out/house")

    @needs("cmake", "ninja")
    def test_cmake_from_a_checkout(self):
        fetch = f"include(FetchContent)\nFetchContent_Declare(protopool SOURCE_DIR {ROOT})\nFetchContent_MakeAvailable(protopool)\n"
        for instead in (f"add_subdirectory({ROOT} protopool)", fetch):
            with self.subTest(instead):
                self.use("CMakeLists.txt", ("find_package(protopool CONFIG REQUIRED)", instead))
                shutil.rmtree(self.project / "out", ignore_errors=True)
                self.cmake("gcc", "Ninja")
                *_, printed = self.built()
                self.assertEqual(self.status, 0, printed)
                self.assert_runs("out/house")

    @needs("cmake", "ninja", "g++")
    def test_cmake_with_cpp_python_a_level_and_a_program_in_another_folder(self):
        (self.project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.20)\nproject(house C CXX)\nadd_subdirectory(messages)\nadd_executable(house main.cpp)\n"
            "target_link_libraries(house messages)\n")
        (self.project / "messages").mkdir()
        (self.project / "messages/CMakeLists.txt").write_text(
            "find_package(protopool CONFIG REQUIRED)\n"
            "protopool_generate(TARGET messages SCHEMAS ../lamp.yaml CPP PYTHON OUT_DIR emitted CHECK $<IF:$<CONFIG:Debug>,2,0>)\n")
        (self.project / "main.cpp").write_text('#include "lamp.hpp"\nstatic_assert(PROTOPOOL_CHECK == 2);\nint main() { lamp_cpp::pool pool; return pool ? 0 : 1; }\n')
        self.cmake("gcc", "Ninja", "-DCMAKE_BUILD_TYPE=Debug")
        *_, printed = self.built()
        self.assertEqual(self.status, 0, printed)
        for emitted in ("lamp.hpp", "lamp.py", "protopool_runtime.py"):
            self.assertTrue((self.project / "out/messages/emitted" / emitted).exists(), emitted)
        self.good(run(self.project / "out/house"))

    def meson(self, compiler: str) -> None:
        self.use("meson.build")
        self.builds(compiler, "ninja", "-C", "out")
        self.good(run("meson", "setup", "--werror", "out", cwd=self.project, env=self.env))

    @needs("meson", "ninja")
    def test_meson(self):
        self.meson("gcc")
        self.assert_follows("out/house")

    @needs("meson", "ninja", "clang")
    def test_meson_with_clang(self):
        self.meson("clang")
        self.assert_builds(1, ALL)
        self.assert_runs("out/house")


if __name__ == "__main__":
    unittest.main()
