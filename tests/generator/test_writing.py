# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Outputs are written as a whole, only if their text has changed, all of them or none."""

import os
import random
import resource
import signal
import stat
import subprocess
import sys
import time
import unittest

from support import ROOT, CommandTest, called, command, long, main


class Writing(CommandTest):
    def test_unchanged_files_are_left_untouched(self):
        main("--no-engine", "-q", "-o", self.out, "--depfile", self.out / "calc.d", self.good)
        before = self.states()
        main("--no-engine", "-q", "-o", self.out, "--depfile", self.out / "calc.d", self.good)
        self.assertEqual(self.states(), before)

    def test_only_changed_files_are_written(self):
        main("-q", "-o", self.out, self.good)
        (self.out / "calc.h").write_text("stale")
        before = self.states()
        main("-q", "-o", self.out, self.good)
        after = self.states()
        self.assertEqual({name for name in after if after[name] != before[name]}, {"calc.h"})

    def test_a_file_keeps_its_mode_and_a_new_one_follows_the_umask(self):
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

    def test_a_folder_in_the_place_of_an_output_leaves_everything_as_it_was(self):
        (self.out / "calc.c").mkdir(parents=True)
        self.assert_trouble(called("--no-engine", "-o", self.out, self.good), "calc.c: Is a directory")
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


class Interrupted(CommandTest):
    """A run that is stopped at any time leaves all outputs or none, no temporary file and no traceback."""

    def setUp(self):
        super().setUp()
        self.good.write_text("protocol: calc\nmessages:\n" + "".join(f"  M{i}: {{fields: {{a: 'u8[{i}]'}}}}\n" for i in range(1, 40)))
        self.run_whole()
        self.whole = {path.name: path.read_bytes() for path in self.out.iterdir()}

    def run_whole(self):
        self.assertEqual(main("-q", "-o", self.out, self.good)[0], 0)

    def stopped(self, by: int, after: float) -> tuple[int, str, list[bytes]]:
        """Stops a run over old outputs. Returns its status, what it printed, and the outputs."""
        for name in self.whole:
            (self.out / name).write_bytes(b"old")
        run = subprocess.Popen([sys.executable, "-m", "gen", "-q", "-o", self.out, self.good], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        time.sleep(after)
        run.send_signal(by)
        printed = run.communicate(timeout=60)[1]
        return run.returncode, printed, [(self.out / name).read_bytes() for name in self.whole]

    @long
    def test_a_signal_at_any_time_leaves_all_outputs_or_none(self):
        began = time.monotonic()
        command("-q", "-o", self.out, self.good)            # with the start of Python, like the runs that are stopped
        whole = time.monotonic() - began
        rng = random.Random(1)
        seen = set()
        for i in range(24):
            by = (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)[i % 3]
            status, printed, texts = self.stopped(by, whole * rng.uniform(0.5, 1.1))
            self.assertIn((status, printed), ((0, ""), (-by, "")))
            if by != signal.SIGKILL:
                self.assertTrue(texts in ([b"old"] * len(texts), list(self.whole.values())))      # assertIn would print them
                self.assertEqual([name for name in self.names() if ".protopool" in name], [])
            else:
                self.run_whole()
            self.assertEqual(set(self.names()), set(self.whole))
            seen.add(texts[0] == b"old")
        self.assertTrue(seen)

    def test_a_signal_waits_until_the_files_are_in_place(self):
        """Sends the signal at each rename, which a random moment rarely hits."""
        program = ("import os, signal, sys\nfrom gen import cli\nsignal.signal(signal.{0}, signal.SIG_DFL)\nrename = os.replace\n"  # nohup ignores it
                   "def replace(a, b):\n    if '__pycache__' not in str(b):\n        os.kill(os.getpid(), signal.{0})\n"  # not of compiled templates
                   "    rename(a, b)\nos.replace = replace\n"
                   "sys.exit(cli.main(sys.argv[1:]))")
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            for path in self.out.iterdir():
                path.write_bytes(b"old")
            done = subprocess.run([sys.executable, "-c", program.format(name), "-q", "-o", self.out, self.good], cwd=ROOT,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (-getattr(signal, name), ""))
            self.assertEqual(self.names(), sorted(self.whole))
            self.assertEqual([file for file, text in self.whole.items() if (self.out / file).read_bytes() != text], [])     # a diff takes minutes

    def test_temporary_files_of_killed_runs_are_removed_and_of_running_ones_stay(self):
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        for name in (f".calc.h.{gone.pid}.protopool", f".other.h.{gone.pid}.protopool", f".calc.h.{os.getppid()}.protopool"):
            (self.out / name).write_text("half")
        self.run_whole()
        self.assertEqual([name for name in self.names() if name.startswith(".")],
                         sorted([f".calc.h.{os.getppid()}.protopool", f".other.h.{gone.pid}.protopool"]))


if __name__ == "__main__":
    unittest.main()
