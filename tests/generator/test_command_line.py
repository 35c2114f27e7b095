# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The command line: options, what is printed, exit statuses, and trouble with files."""

import itertools
import os
import shutil
import socket
import subprocess
import sys
import unittest

from support import BAD_TEXT, GOOD, GOOD_TEXT, NOBODY, ROOT, CommandTest, called, command, long, main, runs_unprivileged


class Outputs(CommandTest):
    def test_it_can_be_started_by_its_path_from_any_folder(self):
        self.out.mkdir()
        for path in (ROOT / "gen", ROOT / "gen" / "__main__.py"):
            done = subprocess.run([sys.executable, path, "--list-outputs", self.good], cwd=self.out, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(done.stdout.split(), ["calc.h", "calc.c", "protopool.h", "protopool.c"])

    def test_missing_libraries_are_reported(self):
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

    def test_the_suite_is_written_into_its_own_folder(self):
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
        """Users compile src/*.c: only one file may have a main."""
        self.assertEqual(main("-q", "-o", self.out, "--tests", self.out / "tests", self.good)[0], 0)
        (self.out / "main.c").write_text('#include "calc.h"\nint main(void) { return calc_make_quit().base.tag - CALC_QUIT; }\n')
        subprocess.run(["gcc", *self.out.glob("*.c"), "-o", self.folder / "program", "-lpthread"], check=True)
        subprocess.run([self.folder / "program"], check=True)

    def test_the_current_folder_is_the_default(self):
        self.out.mkdir()
        self.assertEqual(command("--no-engine", "-q", self.good, cwd=self.out).returncode, 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h"])

    def test_one_run_takes_several_schemas(self):
        other = self.folder / "other.yaml"
        other.write_text("protocol: other\nmessages: {Quit: }\n")
        self.assertEqual(main("--no-engine", "-o", self.out, self.good, other)[0], 0)
        self.assertEqual(self.names(), ["calc.c", "calc.h", "other.c", "other.h"])

    def test_list_outputs_prints_every_output_and_writes_nothing(self):
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

    def test_written_files_are_printed_and_quiet_prints_nothing(self):
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


class Check(CommandTest):
    def test_status_0_if_all_is_fresh_and_1_if_anything_is_missing_or_stale(self):
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

    def test_no_engine_leaves_the_engine_unchecked(self):
        main("-q", "--no-engine", "-o", self.out, self.good)
        self.assertEqual(main("--check", "--no-engine", "-o", self.out, self.good)[0], 0)
        self.assertEqual(main("--check", "-o", self.out, self.good)[0], 1)


class Usage(CommandTest):
    def test_help_names_every_option_and_version_prints_the_version(self):
        for option in ("-h", "--help"):
            done = called(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in ("generate", "plan", "check", "--version", "SCHEMA"):
                self.assertIn(word, done.stdout)
            done = called("generate", option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for word in ("--output-dir", "--no-engine", "--check", "--plan", "--list-outputs", "--depfile", "-q", "-v", "SCHEMA"):
                self.assertIn(word, done.stdout)
        done = command("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\Aprotopool \d+\.\d+\.\d+\n\Z")

    def test_wrong_usage_has_status_2(self):
        for arguments in ([], ["--plan"], ["--nonsense", self.good], ["--plan=xml", self.good], ["-o"],
                          ["--check", "--plan=json", self.good], ["-q", "-v", self.good],
                          ["--check", "--list-outputs", self.good], ["--check", "--depfile", "x.d", self.good],
                          ["--list-outputs", "--depfile", "x.d", self.good], ["--plan", "--touch", self.good],
                          ["--target", "x", self.good]):
            done = called(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn("usage: protopool", done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_schema_errors_have_status_1_in_every_mode(self):
        for mode in ([], ["--check"], ["--plan"], ["--plan=json"], ["--list-outputs"]):
            status, out, err = main(*mode, "-o", self.out, self.bad)
            self.assertEqual((status, out, self.out.exists()), (1, "", False))
            self.assertTrue(err.startswith(f"{self.bad}:2:23: error: "))


class Trouble(CommandTest):
    def test_a_schema_that_is_missing_or_no_file_is_reported(self):
        self.assert_trouble(called("--check", self.folder / "missing.yaml"), "missing.yaml: No such file or directory")
        self.assert_trouble(called("--check", self.folder), "Is a directory")
        self.assert_trouble(called("--check", self.good / "x.yaml"), "Not a directory")
        self.assert_trouble(called("--check", "x" * 5000), "File name too long")

    def test_a_schema_that_is_a_device_or_socket_is_reported(self):
        self.assertEqual(called("--check", "/dev/null").returncode, 1)
        done = called("--check", "/dev/zero")
        self.assertEqual(done.returncode, 1)
        self.assertIn("larger than 4 MiB", done.stderr)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self.folder / "socket"))
            self.assert_trouble(called("--check", self.folder / "socket"))

    def test_one_missing_schema_prevents_all_writing(self):
        self.assert_trouble(called("-o", self.out, self.good, self.folder / "missing.yaml"))
        self.assertFalse(self.out.exists())

    def test_an_impossible_output_folder_is_reported(self):
        self.assert_trouble(called("-o", self.good, self.good), "File exists")
        self.assert_trouble(called("-o", self.good / "below", self.good), "Not a directory")
        self.assert_trouble(called("-o", "/dev/full", self.good))
        self.assert_trouble(called("--check", "-o", "/dev/full", self.good))
        self.assert_trouble(called("-o", "/proc/nothing", self.good))
        self.assertEqual(self.good.read_text(), GOOD_TEXT)

    def test_an_output_that_cannot_be_written_is_reported(self):
        for depfile in (self.folder, self.good / "calc.d", "/proc/nothing/calc.d"):
            self.assert_trouble(called("-q", "-o", self.out, "--depfile", depfile, self.good))

    @long
    def test_a_full_standard_output_is_reported(self):
        for mode in (["--plan"], ["--plan=json"], ["--list-outputs"], ["-o", self.out], ["-v", "-o", self.out]):
            with open("/dev/full", "w") as full:
                done = command(*mode, self.good, capture_output=False, stdout=full, stderr=subprocess.PIPE,
                               env={"PYTHONUNBUFFERED": ""})
            self.assert_trouble(done, "No space left")

    def test_a_closed_standard_output_or_input_is_reported(self):
        reader, writer = os.pipe()
        os.close(reader)
        done = command("--plan", self.good, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (2, ""))
        self.assert_trouble(command("--check", "-", preexec_fn=lambda: os.close(0)), "<stdin>")
        self.assertEqual(command("--plan", self.good, preexec_fn=lambda: os.close(1)).returncode, 0)

    def test_a_device_in_the_place_of_an_output_stays_a_device(self):
        for device, status in (("/dev/null", 0), ("/dev/full", 2)):
            before = os.lstat(device)
            done = called("-q", "--no-engine", "-o", self.out, "--depfile", device, self.good)
            self.assertEqual(done.returncode, status)
            self.assertEqual((os.lstat(device).st_ino, os.lstat(device).st_mode), (before.st_ino, before.st_mode))

    @long
    def test_missing_permissions_are_reported(self):
        if not runs_unprivileged():
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

    @long
    def test_paths_that_a_terminal_cannot_show_cause_no_traceback(self):
        odd = self.folder / "größe \udcff\x1b[31m"
        for mode in (["--list-outputs"], ["-v"]):
            for encoding in ("ascii", "utf-8"):
                done = command(*mode, "-o", odd, self.good, env={"PYTHONIOENCODING": encoding}, text=False)
                self.assertIn(done.returncode, (0, 2))
                self.assertNotIn(b"Traceback", done.stderr)
        self.assert_trouble(called("--check", odd / "missing.yaml"), "[31m/missing.yaml: No such file")


class EveryModeOnEverySchema(CommandTest):
    def test_the_repositorys_schemas(self):
        for path, mode in itertools.product(GOOD, ("--plan", "--plan=json", "--list-outputs")):
            status, out, err = main(mode, "-o", self.out, path)
            self.assertEqual((status, err), (0, ""))
            self.assertTrue(out)
        self.assertEqual(main("-o", self.out, *GOOD)[0], 0)
        self.assertEqual(main("--check", "-o", self.out, *GOOD), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
