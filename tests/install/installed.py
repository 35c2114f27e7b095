# SPDX-License-Identifier: Apache-2.0 OR MIT
"""An installed copy in a folder outside of the checkout, and commands that run there. Shared by these tests."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from support import ROOT, FolderTest

TIMEOUT = 300


def run(*command, **options) -> subprocess.CompletedProcess:
    """Nothing in its environment leads to the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "MAKE", "MFLAGS"))}
    return subprocess.run([str(word) for word in command], timeout=TIMEOUT, stdin=subprocess.DEVNULL,
                          env={**environment, "LC_ALL": "C.UTF-8", **options.pop("env", {})},
                          **{"capture_output": True, "text": True, **options})


def make(goal: str, **variables) -> subprocess.CompletedProcess:
    return run("make", "-C", ROOT, "-s", goal, f"PYTHON={sys.executable}", *(f"{name}={value}" for name, value in variables.items()))


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()}


class InstalledTest(FolderTest):
    """self.prefix has an installed copy, which all tests of the class share."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = Path(folder.name).resolve() / "an installed copy"
        done = make("install", PREFIX=cls.prefix, MADE=f"{folder.name}/made")
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)

    def copy(self) -> Path:
        """Another one, which only this test has."""
        return Path(shutil.copytree(self.prefix, self.folder / "another copy", symlinks=True))

    def good(self, done: subprocess.CompletedProcess) -> str:
        """What it prints. It must succeed."""
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout
