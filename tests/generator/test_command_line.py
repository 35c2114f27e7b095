# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line's promises: options, exit statuses, and files written whole, only if changed, or not at all."""

import itertools
import json
import os
import random
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from support import GOOD, ROOT, command, compile_c, compilers, lay_out, long, main, random_schema

GOOD_TEXT = "protocol: calc\nmessages: {Add: {max_live: 2, fields: {left: u64, right: u64}}, Quit: }\n"
BAD_TEXT = "protocol: calc\nmessages: {Add: {tag: 0}}\n"
NOBODY = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        os.chmod(self.folder, 0o755)
        self.good = self.folder / "good.yaml"
        self.good.write_text(GOOD_TEXT)
        self.bad = self.folder / "bad.yaml"
        self.bad.write_text(BAD_TEXT)
        self.out = self.folder / "out"

    def names(self) -> list[str]:
        return sorted(path.name for path in self.out.iterdir()) if self.out.exists() else []

    def states(self, folder: Path | None = None) -> dict[str, tuple]:
        return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino, path.read_bytes())
                for path in (folder or self.out).iterdir()}

    def assert_trouble(self, done: subprocess.CompletedProcess, says: str = ""):
        """Exit status 2, one line on stderr and no traceback."""
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"\Aprotopool: [^\n]+\n\Z")
        self.assertIn(says, done.stderr)


class Outputs(CommandLine):
    def test_a_message_that_dwarfs_the_others_is_warned_of_with_its_place(self):
        schema = Path(self.folder, "dwarf.yaml")
        schema.write_text("protocol: calc\nmessages:\n  Small: {fields: {a: u64}}\n  Large: {fields: {b: 'u8[80]'}}\n")
        status, out, _ = main("--plan", schema)
        self.assertEqual(status, 0)
        self.assertIn(f'{schema}:4:3: warning: "Large" takes 81 bytes, more than 4 times the next largest, "Small" with 16', out)
        self.assertIn("padding: Small (7 before a)\n", out)
        schema.write_text(schema.read_text().replace("80", "63"))
        self.assertNotIn("warning", main("--plan", schema)[1])

    def test_it_is_started_by_its_path_from_anywhere(self):
        self.out.mkdir()
        for path in (ROOT / "gen", ROOT / "gen" / "__main__.py"):
            done = subprocess.run([sys.executable, path, "--list-outputs", self.good], cwd=self.out, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.split(), ["calc.h", "calc.c", "protopool.h", "protopool.c"])

    def test_an_interpreter_without_the_libraries_is_told_so(self):
        done = subprocess.run([sys.executable, "-S", "-m", "gen", "--version"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"\Aprotopool: .* has no module '(jinja2|yaml)': install .*\n\Z")

    def test_two_files_for_a_protocol_and_two_for_the_engine(self):
        self.assertEqual(main("-o", self.out, self.good)[0], 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h", "protopool.c", "protopool.h"])
        for name in ("protopool.c", "protopool.h"):
            self.assertEqual((self.out / name).read_bytes(), (ROOT / "generated" / name).read_bytes())

    def test_no_engine_leaves_the_engine_out(self):
        self.assertEqual(main("--no-engine", "--output-dir", self.out, self.good)[0], 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h"])

    def test_the_suite_is_written_on_demand_into_a_folder_of_its_own(self):
        suites = self.folder / "tests" / "of protocols"
        self.assertEqual(main("--no-engine", "-o", self.out, "--tests", suites, self.good)[0], 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h"])
        self.assertEqual([path.name for path in suites.iterdir()], ["calc_check.c"])
        self.assertIn("START_TEST", (suites / "calc_check.c").read_text())
        self.assertEqual(main("--check", "--no-engine", "-o", self.out, "--tests", suites, self.good), (0, "", ""))
        self.assertEqual(main("--list-outputs", "--no-engine", "-o", self.out, "--tests", suites, self.good)[1].splitlines(),
                         [str(path) for path in (self.out / "calc.h", self.out / "calc.c", suites / "calc_check.c")])
        (suites / "calc_check.c").write_text("old")
        status, _, err = main("--check", "--no-engine", "-o", self.out, "--tests", suites, self.good)
        self.assertEqual((status, err), (1, f"protopool: {suites / 'calc_check.c'} is stale\n"))

    @unittest.skipUnless(shutil.which("gcc"), "gcc is not there")
    def test_all_sources_of_the_output_directory_are_one_program(self):
        """As `gcc src/*.c` has it: no second main among them."""
        self.assertEqual(main("-q", "-o", self.out, "--tests", self.out / "tests", self.good)[0], 0)
        (self.out / "main.c").write_text('#include "calc.h"\nint main(void) { return calc_make_quit().base.tag - CALC_QUIT; }\n')
        subprocess.run(["gcc", *self.out.glob("*.c"), "-o", self.folder / "program", "-lpthread"], check=True)
        subprocess.run([self.folder / "program"], check=True)

    def test_the_current_directory_is_the_default(self):
        self.out.mkdir()
        self.assertEqual(command("--no-engine", "-q", self.good, cwd=self.out).returncode, 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h"])

    def test_several_schemas_in_one_run(self):
        other = self.folder / "other.yaml"
        other.write_text("protocol: other\nmessages: {Quit: }\n")
        self.assertEqual(main("--no-engine", "-o", self.out, self.good, other)[0], 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h", "other.c", "other.h"])

    def test_list_outputs_names_what_is_written_and_writes_nothing(self):
        for options in ([], ["--no-engine"]):
            status, listed, _ = main(*options, "--list-outputs", "-o", self.out, self.good)
            self.assertEqual((status, self.out.exists()), (0, False))
            main(*options, "-o", self.out, self.good)
            self.assertEqual(sorted(listed.splitlines()), [str(self.out / name) for name in self.names()])
            shutil.rmtree(self.out)

    def test_a_dash_reads_standard_input(self):
        done = command("--no-engine", "-o", self.out, "-", input=GOOD_TEXT)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(self.names(), ["calc.c", "calc.h"])
        done = command("--check", "-", input=BAD_TEXT)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("<stdin>:2:23: error: "))

    def test_what_was_written_is_named_and_quiet_says_nothing(self):
        _, first, _ = main("--no-engine", "-o", self.out, self.good)
        self.assertEqual(first.splitlines(), [str(self.out / name) for name in ("calc.h", "calc.c")])
        self.assertEqual(main("--no-engine", "-o", self.out, self.good)[1], "")
        _, verbose, _ = main("--no-engine", "-v", "-o", self.out, self.good)
        self.assertEqual(verbose.splitlines(), [f"{line} (unchanged)" for line in first.splitlines()])
        shutil.rmtree(self.out)
        self.assertEqual(main("--no-engine", "-q", "-o", self.out, self.good), (0, "", ""))

    def test_quiet_still_prints_errors(self):
        status, _, err = main("-q", "-o", self.out, self.bad)
        self.assertEqual(status, 1)
        self.assertIn("error: ", err)


class Writing(CommandLine):
    def test_unchanged_files_are_left_untouched(self):
        main("--no-engine", "-q", "-o", self.out, "--depfile", self.out / "calc.d", self.good)
        before = self.states()
        main("--no-engine", "-q", "-o", self.out, "--depfile", self.out / "calc.d", self.good)
        self.assertEqual(self.states(), before)

    def test_only_what_changed_is_written(self):
        main("-q", "-o", self.out, self.good)
        (self.out / "calc.h").write_text("stale")
        before = self.states()
        main("-q", "-o", self.out, self.good)
        after = self.states()
        self.assertEqual({name for name in after if after[name] != before[name]}, {"calc.h"})

    def test_a_files_mode_is_kept_and_a_new_ones_is_the_umasks(self):
        done = command("--no-engine", "-q", "-o", self.out, self.good, umask=0o027)
        self.assertEqual(done.returncode, 0)
        self.assertEqual({stat.S_IMODE(path.stat().st_mode) for path in self.out.iterdir()}, {0o640})
        (self.out / "calc.h").write_text("stale")
        os.chmod(self.out / "calc.h", 0o604)
        main("--no-engine", "-q", "-o", self.out, self.good)
        self.assertEqual(stat.S_IMODE((self.out / "calc.h").stat().st_mode), 0o604)

    def test_a_write_that_fails_leaves_everything_as_it_was(self):
        main("-q", "-o", self.out, self.good)
        largest = max(path.stat().st_size for path in self.out.iterdir())
        for path in self.out.iterdir():
            path.write_text("old")
        before = self.states()
        for limit in (0, 2000, largest - 1):            # at once, within a file, within the last file
            done = command("-o", self.out, self.good, env={"PYTHONDONTWRITEBYTECODE": "1"},
                           preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
            self.assert_trouble(done, "File too large")
            self.assertRegex(done.stderr, rf"\Aprotopool: {self.out}/(calc|protopool)\.[ch]: ")
            self.assertEqual(self.states(), before)

    def test_a_directory_in_an_outputs_place_leaves_everything_as_it_was(self):
        (self.out / "calc.c").mkdir(parents=True)
        self.assert_trouble(command("--no-engine", "-o", self.out, self.good), "calc.c: Is a directory")
        self.assertEqual(self.names(), ["calc.c"])

    def test_no_temporary_file_stays(self):
        main("-q", "-o", self.out, self.good)
        self.assertFalse([name for name in self.names() if name.startswith(".") or name not in
                          ("calc.c", "calc.h", "protopool.c", "protopool.h")])

    def test_readers_see_an_old_file_or_a_new_one_never_half_of_it(self):
        main("--no-engine", "-q", "-o", self.out, self.good)
        whole = (self.out / "calc.h").read_bytes()
        (self.out / "calc.h").write_bytes(b"old")
        with open(self.out / "calc.h", "rb") as reader:
            main("--no-engine", "-q", "-o", self.out, self.good)
            self.assertEqual(reader.read(), b"old")
        self.assertEqual((self.out / "calc.h").read_bytes(), whole)

    def test_a_link_stays_a_link(self):
        main("--no-engine", "-q", "-o", self.out, self.good)
        whole = (self.out / "calc.h").read_bytes()
        (self.out / "calc.h").unlink()
        (self.folder / "elsewhere.h").write_text("old")
        (self.out / "calc.h").symlink_to(self.folder / "elsewhere.h")
        main("--no-engine", "-q", "-o", self.out, self.good)
        self.assertTrue((self.out / "calc.h").is_symlink())
        self.assertEqual((self.folder / "elsewhere.h").read_bytes(), whole)

    def test_a_pipe_stays_a_pipe(self):
        pipe = self.folder / "calc.d"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.assertEqual(main("--no-engine", "-q", "-o", self.out, "--depfile", pipe, self.good)[0], 0)
        self.assertTrue(stat.S_ISFIFO(pipe.stat().st_mode))
        self.assertIn(b"calc.h", os.read(reader, 1000))


class Interrupted(CommandLine):
    """A run that is stopped at any time: all outputs or none, nothing left over, no traceback."""

    def setUp(self):
        super().setUp()
        self.good.write_text("protocol: calc\nmessages:\n" + "".join(f"  M{i}: {{fields: {{a: 'u8[{i}]'}}}}\n" for i in range(1, 40)))
        self.run_whole()
        self.whole = {path.name: path.read_bytes() for path in self.out.iterdir()}

    def run_whole(self):
        self.assertEqual(command("-q", "-o", self.out, self.good).returncode, 0)

    def stopped(self, by: int, after: float) -> tuple[int, str, list[bytes]]:
        """Of a run that finds old outputs: its status, what it said, and the outputs."""
        for name in self.whole:
            (self.out / name).write_bytes(b"old")
        run = subprocess.Popen([sys.executable, "-m", "gen", "-q", "-o", self.out, self.good], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        time.sleep(after)
        run.send_signal(by)
        said = run.communicate(timeout=60)[1]
        return run.returncode, said, [(self.out / name).read_bytes() for name in self.whole]

    @long
    def test_signals_at_any_time(self):
        began = time.monotonic()
        self.run_whole()
        whole = time.monotonic() - began
        rng = random.Random(1)
        seen = set()
        for i in range(24):
            by = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[i % 3]
            status, said, texts = self.stopped(by, whole * rng.uniform(0.5, 1.1))
            self.assertIn((status, said), ((0, ""), (-by, "")))
            if by != signal.SIGKILL:
                self.assertIn(texts, ([b"old"] * len(texts), list(self.whole.values())))
                self.assertEqual([name for name in self.names() if ".protopool" in name], [])
            else:
                self.run_whole()
            self.assertEqual(set(self.names()), set(self.whole))
            seen.add(texts[0] == b"old")
        self.assertTrue(seen)

    def test_a_signal_waits_until_the_files_are_in_place(self):
        """Stopped at each rename: of itself that takes some luck."""
        program = ("import os, signal, sys\nfrom gen import cli\nsignal.signal(signal.SIGINT, signal.SIG_DFL)\nrename = os.replace\n"
                   "def replace(a, b):\n    os.kill(os.getpid(), signal.{})\n    rename(a, b)\nos.replace = replace\n"
                   "sys.exit(cli.main(sys.argv[1:]))")
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            for path in self.out.iterdir():
                path.write_bytes(b"old")
            done = subprocess.run([sys.executable, "-c", program.format(name), "-q", "-o", self.out, self.good], cwd=ROOT,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (-getattr(signal, name), ""))
            self.assertEqual({path.name: path.read_bytes() for path in self.out.iterdir()}, self.whole)

    def test_what_a_killed_run_left_is_removed_and_a_living_ones_is_not(self):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        for name in (f".calc.h.{gone.pid}.protopool", f".other.h.{gone.pid}.protopool", f".calc.h.{os.getppid()}.protopool"):
            (self.out / name).write_text("half")
        self.run_whole()
        self.assertEqual([name for name in self.names() if name.startswith(".")],
                         sorted([f".calc.h.{os.getppid()}.protopool", f".other.h.{gone.pid}.protopool"]))


SCHEMA_WITH_IMPORT = "protocol: calc\nimport: lib.yaml\nmessages: {Add: {fields: {k: kind}}}\n"
IMPORTED = "enums: {kind: {values: [red]}}\n"
PROGRAM = '#include "calc.h"\nint main(void) { return CALC_ADD == 1 ? 0 : 1; }\n'


class BuildSystems(CommandLine):
    """Each runs the generator once for an edit of the schema, of an import or of the generator, and then not again."""

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
        """With a time that differs from what was built, also where clocks are coarse."""
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

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_make(self):
        (self.folder / "Makefile").write_text(
            "prog: main.c calc.c calc.h\n\t$(CC) -I. main.c calc.c protopool.c -o prog -lpthread\n"
            "calc.c calc.h: .calc.stamp ;\n"
            ".calc.stamp: calc.yaml\n\t./run -q --depfile .calc.d --target $@ calc.yaml && touch $@\n-include .calc.d\n")
        self.assert_follows("make")

    @long
    @unittest.skipUnless(shutil.which("ninja"), "ninja is not there: make deps-ci")
    def test_ninja(self):
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
    def test_cmake(self):
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


class Check(CommandLine):
    def test_0_if_all_is_fresh_and_1_if_anything_is_missing_or_stale(self):
        status, _, err = main("--check", "--no-engine", "-o", self.out, self.good)
        self.assertEqual((status, err), (1, f"protopool: {self.out}/calc.h is missing\nprotopool: {self.out}/calc.c is missing\n"))
        self.assertFalse(self.out.exists())
        main("-q", "-o", self.out, self.good)
        self.assertEqual(main("--check", "-o", self.out, self.good), (0, "", ""))
        for name in self.names():
            kept = (self.out / name).read_bytes()
            (self.out / name).write_bytes(kept + b"\n")
            status, out, err = main("--check", "-o", self.out, self.good)
            self.assertEqual((status, out, err), (1, "", f"protopool: {self.out / name} is stale\n"))
            self.assertEqual(main("-q", "--check", "-o", self.out, self.good), (1, "", ""))
            (self.out / name).write_bytes(kept)

    def test_it_writes_nothing(self):
        main("-q", "-o", self.out, self.good)
        (self.out / "calc.h").write_text("stale")
        before = self.states()
        main("--check", "-o", self.out, self.good)
        self.assertEqual(self.states(), before)

    def test_the_engine_is_checked_only_where_it_is_wanted(self):
        main("-q", "--no-engine", "-o", self.out, self.good)
        self.assertEqual(main("--check", "--no-engine", "-o", self.out, self.good)[0], 0)
        self.assertEqual(main("--check", "-o", self.out, self.good)[0], 1)


class Plan(CommandLine):
    def test_text_is_the_default_and_the_schema_is_not_taken_for_its_form(self):
        as_text = main("--plan=text", self.good)
        self.assertEqual(as_text[0], 0)
        self.assertIn("protocol calc: 2 messages, 1 slot size", as_text[1])
        for arguments in (["--plan", "text", self.good], ["--plan", self.good], [self.good, "--plan"],
                          [self.good, "--plan", "text"]):
            self.assertEqual(main(*arguments), as_text)

    def test_a_schema_called_as_a_form_can_be_named_by_its_path(self):
        self.out.mkdir()
        for name in ("text", "json"):
            shutil.copy(self.good, self.out / name)
            self.assertEqual(command("--plan", f"./{name}", cwd=self.out).stdout, main("--plan", self.good)[1])
            self.assertEqual(command("--plan", "--", name, cwd=self.out).stdout, main("--plan", self.good)[1])

    def test_it_writes_nothing(self):
        before = self.states(self.folder)
        main("--plan", "json", "-o", self.folder, self.good)
        self.assertEqual(self.states(self.folder), before)

    def test_json_has_the_layouts_sizes(self):
        schema = self.folder / "random.yaml"
        for seed in range(10):
            schema.write_text(random_schema(seed))
            laid_out = lay_out(schema.read_bytes())
            plan, = json.loads(main("--plan", "json", schema)[1])
            self.assertEqual(plan["tag_bytes"], laid_out.tag.size)
            self.assertEqual(plan["union_bytes"], laid_out.union_size)
            for told, message in zip(plan["messages"], laid_out.messages, strict=True):
                self.assertEqual((told["name"], told["tag"], told["bytes"], told["padding"]),
                                 (message.model.name.schema, message.model.tag, message.size, message.padding))
                members = sum(member["bytes"] for member in told["members"])
                self.assertEqual(told["bytes"], plan["tag_bytes"] + members + told["padding"])
                self.assertEqual(sum(hole["bytes"] for hole in told["holes"]), told["padding"])
                for hole in told["holes"]:
                    inside = [m for m in told["members"] if m["offset"] < hole["offset"] + hole["bytes"]
                              and hole["offset"] < m["offset"] + m["bytes"]]
                    self.assertEqual(inside, [])
                self.assertEqual([m["offset"] for m in told["members"]], [m.offset for m in message.members])
            sizes = [slot["bytes"] for slot in plan["slot_sizes"]]
            self.assertEqual(sizes, sorted(set(sizes)))
            self.assertEqual({slot["bytes"] for slot in plan["slot_sizes"] if not slot["has_tails"]}
                             - {m["bytes"] for m in plan["messages"] if m["members"] and not m["tail"]}, set())
            for slot in plan["slot_sizes"]:
                sharing = [m for m in plan["messages"] if m["members"]
                           and (m["slot_bytes"] if m["tail"] else m["bytes"]) == slot["bytes"]]
                self.assertEqual(slot["messages"], [m["name"] for m in sharing])
                self.assertEqual(slot["budget"], sum(m["max_live"] or 0 for m in sharing))

    def test_known_figures(self):
        plan, = json.loads(main("--plan=json", self.good)[1])
        add, leave = plan["messages"]
        self.assertEqual((plan["protocol"], plan["tag_bytes"], plan["union_bytes"]), ("calc", 1, 24))
        self.assertEqual((add["bytes"], add["slot_bytes"], add["padding"], add["saved_against_malloc"],
                          add["saved_against_union"], add["max_live"]), (24, 24, 7, 8, 0, 2))
        self.assertEqual((leave["bytes"], leave["slot_bytes"], leave["saved_against_malloc"]), (1, 0, 0))
        self.assertEqual(plan["slot_sizes"], [{"bytes": 24, "messages": ["Add"], "has_tails": False, "budget": 2, "budget_bytes": 48}])
        self.assertEqual(plan["without_max_live"], [])

    def test_tails_are_told_apart(self):
        self.good.write_text("protocol: calc\nmessages:\n  Add: {fields: {a: u32, t: {type: string, max: 100}}, max_live: 1}\n"
                             "  Sub: {fields: {a: u8}}\n")
        plan, = json.loads(main("--plan=json", self.good)[1])
        add, sub = plan["messages"]
        self.assertEqual((add["bytes"], add["most_bytes"], add["slot_bytes"], add["tail"]["offset"]), (8, 109, 112, 8))
        self.assertEqual((sub["tail"], sub["most_bytes"], plan["union_bytes"]), (None, 2, 2))
        self.assertEqual([s["bytes"] for s in plan["slot_sizes"] if s["has_tails"]], list(range(16, 113, 16)))
        text = main("--plan", self.good)[1]
        self.assertRegex(text, r"(?m)^Add +1 +9\+ +2 +- +- +1$")
        self.assertIn("have 7 slot sizes for messages with tails, from 16 to 112 bytes", text)
        self.assertIn("mean bytes per message, by weight: 9.0 with an empty tail, where malloc takes 32.0; 57.0 with the longest tail", text)
        self.assertEqual(plan["mean_bytes"], {"slot": 9.0, "most": 57.0, "malloc": 32.0, "union": None})
        self.good.write_text(self.good.read_text().replace(", max: 100}}, max_live: 1", "}}"))
        self.assertIn("; no bound with the longest tail\n", main("--plan", self.good)[1])

    def test_the_pools_memory_and_handle_are_what_the_compiler_says(self):
        texts = [path.read_text() for path in GOOD] + [random_schema(seed) for seed in range(3)]
        texts += ["protocol: p\nmessages:\n" + "".join(f"  M{n}: {{max_live: {n}, fields: {{a: 'u8[{n}]'}}}}\n" for n in (1, 2, 63, 64, 65, 129, 1000)),
                  "protocol: p\nmessages: {A: {}}\n"]
        cross = {"gcc": "64", "powerpc-linux-gnu-gcc": "32"}
        self.out.mkdir()
        for text in texts:
            self.good.write_text(text)
            plan, = json.loads(main("--plan=json", self.good)[1])
            name = plan["c_name"]
            main("-q", "-o", self.out, self.good)
            for compiler in compilers(*cross):
                bits = cross[compiler]
                (self.out / "size.c").write_text(
                    f'#include "{name}.h"\nstatic_assert(sizeof(struct {name}_pool) == {plan["handle_bytes"][bits]}, "handle");\n'
                    f'static_assert({name.upper()}_POOL_BYTES == {plan["fixed_pool_bytes"][bits]}, "pool");\n')
                self.assertEqual(compile_c(compiler, self.out, "size.c", "-I."), "", compiler)

    def test_text_says_which_messages_have_no_place_in_a_fixed_pool(self):
        self.good.write_text("protocol: calc\nmessages:\n  Add: {fields: {a: u8}}\n"
                             "  Sub: {max_live: 1, fields: {a: u8}}\n")
        self.assertIn("(no max_live): Add\n", main("--plan", self.good)[1])


class Depfile(CommandLine):
    def test_it_names_the_first_output_and_all_that_was_read(self):
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
    def test_make_reads_it_whatever_the_paths_hold(self):
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


class Usage(CommandLine):
    def test_help_and_version(self):
        for option in ("-h", "--help"):
            done = command(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in ("--output-dir", "--no-engine", "--check", "--plan", "--list-outputs", "--depfile", "--version",
                         "-q", "-v", "SCHEMA"):
                self.assertIn(word, done.stdout)
        done = command("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\Aprotopool \d+\.\d+\.\d+\n\Z")

    def test_wrong_usage_is_2(self):
        for arguments in ([], ["--plan"], ["--nonsense", self.good], ["--plan=xml", self.good], ["-o"],
                          ["--check", "--plan=json", self.good], ["-q", "-v", self.good],
                          ["--check", "--list-outputs", self.good], ["--check", "--depfile", "x.d", self.good],
                          ["--list-outputs", "--depfile", "x.d", self.good], ["--plan", "--touch", self.good],
                          ["--target", "x", self.good]):
            done = command(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("usage: protopool", done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_schema_errors_are_1_in_every_mode(self):
        for mode in ([], ["--check"], ["--plan"], ["--plan=json"], ["--list-outputs"]):
            status, out, err = main(*mode, "-o", self.out, self.bad)
            self.assertEqual((status, out, self.out.exists()), (1, "", False))
            self.assertTrue(err.startswith(f"{self.bad}:2:23: error: "))


class Trouble(CommandLine):
    def test_a_schema_that_is_missing_or_no_file(self):
        self.assert_trouble(command("--check", self.folder / "missing.yaml"), "missing.yaml: No such file or directory")
        self.assert_trouble(command("--check", self.folder), "Is a directory")
        self.assert_trouble(command("--check", self.good / "x.yaml"), "Not a directory")
        self.assert_trouble(command("--check", "x" * 5000), "File name too long")

    def test_a_schema_that_is_a_device_or_socket(self):
        self.assertEqual(command("--check", "/dev/null").returncode, 1)
        done = command("--check", "/dev/zero")
        self.assertEqual(done.returncode, 1)
        self.assertIn("larger than 4 MiB", done.stderr)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "socket"))
            self.assert_trouble(command("--check", self.folder / "socket"))

    def test_one_missing_schema_keeps_the_others_from_being_written(self):
        self.assert_trouble(command("-o", self.out, self.good, self.folder / "missing.yaml"))
        self.assertFalse(self.out.exists())

    def test_an_output_directory_that_cannot_be(self):
        self.assert_trouble(command("-o", self.good, self.good), "File exists")
        self.assert_trouble(command("-o", self.good / "below", self.good), "Not a directory")
        self.assert_trouble(command("-o", "/dev/full", self.good))
        self.assert_trouble(command("--check", "-o", "/dev/full", self.good))
        self.assert_trouble(command("-o", "/proc/nothing", self.good))
        self.assertEqual(self.good.read_text(), GOOD_TEXT)

    def test_an_output_that_cannot_be_written(self):
        for depfile in (self.folder, self.good / "calc.d", "/proc/nothing/calc.d"):
            self.assert_trouble(command("-q", "-o", self.out, "--depfile", depfile, self.good))

    def test_a_full_standard_output(self):
        for mode in (["--plan"], ["--plan=json"], ["--list-outputs"], ["-o", self.out], ["-v", "-o", self.out]):
            with open("/dev/full", "w") as full:
                done = command(*mode, self.good, capture_output=False, stdout=full, stderr=subprocess.PIPE,
                               env={"PYTHONUNBUFFERED": ""})
            self.assert_trouble(done, "No space left")

    def test_a_closed_standard_output_or_input(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = command("--plan", self.good, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        self.assert_trouble(command("--check", "-", preexec_fn=lambda: os.close(0)), "<stdin>")
        self.assertEqual(command("--plan", self.good, preexec_fn=lambda: os.close(1)).returncode, 0)

    def test_devices_in_an_outputs_place_stay_devices(self):
        for device, status in (("/dev/null", 0), ("/dev/full", 2)):
            before = os.lstat(device)
            done = command("-q", "--no-engine", "-o", self.out, "--depfile", device, self.good)
            self.assertEqual(done.returncode, status)
            self.assertEqual((os.lstat(device).st_ino, os.lstat(device).st_mode), (before.st_ino, before.st_mode))

    def test_what_may_not_be_read_or_written(self):
        if not _runs_unprivileged():
            self.skipTest("the interpreter or the generator is not another user's to read")
        secret = self.folder / "secret.yaml"
        secret.write_text(GOOD_TEXT)
        secret.chmod(0)
        self.assert_trouble(command("--check", secret, cwd=ROOT, **NOBODY), "secret.yaml: Permission denied")
        main("-q", "-o", self.out, self.good)
        (self.out / "calc.h").write_text("stale")
        before = self.states()
        self.out.chmod(0o555)
        self.assert_trouble(command("-o", self.out, self.good, cwd=ROOT, **NOBODY), "Permission denied")
        self.out.chmod(0o755)
        self.assertEqual(self.states(), before)

    def test_paths_that_a_terminal_cannot_show(self):
        odd = self.folder / "größe \udcff\x1b[31m"
        for mode in (["--list-outputs"], ["-v"]):
            for encoding in ("ascii", "utf-8"):
                done = command(*mode, "-o", odd, self.good, env={"PYTHONIOENCODING": encoding}, text=False)
                self.assertIn(done.returncode, (0, 2))
                self.assertNotIn(b"Traceback", done.stderr)
        self.assert_trouble(command("--check", odd / "missing.yaml"), "[31m/missing.yaml: No such file")


def _runs_unprivileged() -> bool:
    """Whether the tests' user is not root, or another user can run the generator."""
    try:
        return command("--version", cwd=ROOT, **NOBODY).returncode == 0
    except PermissionError:
        return False


class Make(unittest.TestCase):
    """What the Makefile says where something is missing."""

    def made(self, goal: str, *there: str) -> subprocess.CompletedProcess:
        """With a PATH that has these commands alone, and as another user where the tests are root's."""
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            shutil.copy(ROOT / "Makefile", folder)
            shutil.copytree(ROOT / "make", Path(folder, "make"))
            for name in ("sh", "env", "id", *there):
                Path(folder, name).symlink_to(shutil.which(name))
            return subprocess.run([shutil.which("make"), goal], cwd=folder, env={"PATH": folder}, capture_output=True, text=True, **NOBODY)

    @unittest.skipUnless(shutil.which("make"), "make is not there")
    def test_deps_without_apt_or_sudo_say_what_to_do(self):
        done = self.made("deps")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"make: there is no apt-get here: install with your package manager \(Debian's names\): gcc libc6-dev ")
        if os.geteuid() != 0 or NOBODY:
            done = self.made("deps", "apt-get")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertRegex(done.stderr, r"make: you are not root and there is no sudo; as root: apt-get install gcc libc6-dev ")

    def test_why_tests_are_skipped_is_said(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_it.py").write_text("import unittest\n\n\nclass T(unittest.TestCase):\n"
                                                  "    @unittest.skip('ninja is not there')\n    def test_a(self):\n        pass\n")
            done = subprocess.run([sys.executable, ROOT / "tests" / "run.py", folder], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertIn("\nskipped 1: ninja is not there\n", done.stdout)


class EveryModeOnEverySchema(CommandLine):
    def test_the_repositorys_schemas(self):
        for path, mode in itertools.product(GOOD, ("--plan", "--plan=json", "--list-outputs")):
            status, out, err = main(mode, "-o", self.out, path)
            self.assertEqual((status, err), (0, ""))
            self.assertTrue(out)
        self.assertEqual(main("-o", self.out, *GOOD)[0], 0)
        self.assertEqual(main("--check", "-o", self.out, *GOOD), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
