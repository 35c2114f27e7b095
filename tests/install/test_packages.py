# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The packages for Python and for Debian, made without a network: they have all files, and their command works."""

import shutil
import subprocess
import sys
import unittest
import zipfile
from importlib.util import find_spec
from pathlib import Path

from installed import files_in, run
from support import GOOD_TEXT, ROOT, FolderTest, long

from gen import __version__


class PackageTest(FolderTest):
    def setUp(self):
        super().setUp()
        self.tree = self.folder / "protopool"           # packages are built in the tree, so in a copy of it
        tracked = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True,
                                 text=True, check=True).stdout.split("\0")
        for name in filter(None, tracked):
            if not name.startswith(("generated/", "tests/")) and (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.tree / name)
        (self.folder / "calc.yaml").write_text(GOOD_TEXT)

    def good(self, *command, **options) -> str:
        done = run(*command, **{"cwd": self.tree, **options})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def emitted(self, *command) -> dict[str, str]:
        folder = self.folder / "emitted"
        shutil.rmtree(folder, ignore_errors=True)
        self.good(*command, "-q", "--cpp", "--tests", folder, "-o", folder, "calc.yaml", cwd=self.folder)
        return {name: (folder / name).read_text() for name in files_in(folder)}


@long
@unittest.skipUnless(all(map(find_spec, ("pip", "setuptools", "wheel", "venv", "ensurepip"))), "python3-pip or another is not there: make deps-ci")
class Python(PackageTest):
    def test_the_wheel_has_every_file_and_its_command_emits_the_same(self):
        self.good("make", "-s", "wheel", f"PYTHON={sys.executable}")
        wheel, = (self.tree / "build/wheel").glob("*.whl")
        self.assertEqual(wheel.name, f"protopool-{__version__}-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        here = {f"protopool/{name}" for name in files_in(self.tree / "gen")} | {f"protopool/templates/{name}" for name in files_in(self.tree / "templates")}
        self.assertEqual(packed, {name for name in here if not name.endswith((".md", ".pyc"))})

        environment = self.folder / "environment"
        self.good(sys.executable, "-m", "venv", "--system-site-packages", environment)
        self.good(environment / "bin/pip", "install", "-q", "--no-build-isolation", "--no-index", ".")
        self.assertEqual(self.good(environment / "bin/protopool", "--version"), f"protopool {__version__}\n")
        expected = self.emitted(ROOT / "bin/protopool")
        self.assertEqual(len(expected), 7)
        for command in ((environment / "bin/protopool",), (environment / "bin/python", "-m", "protopool")):
            self.assertTrue(self.emitted(*command) == expected)


@long
@unittest.skipUnless(all(map(shutil.which, ("dpkg-buildpackage", "dh", "dh_python3", "lintian"))), "debhelper or lintian is not there: make deps-ci")
class Debian(PackageTest):
    def setUp(self):
        super().setUp()
        self.tree = self.tree.rename(self.folder / "a folder")

    def test_the_package_has_no_errors_and_its_command_emits_the_same(self):
        self.good("make", "-s", "deb", "DEBEMAIL=someone@example.org")
        changes, = (self.tree / "build/deb").glob("*.changes")
        self.assertEqual(self.good("lintian", "--allow-root", "--fail-on", "error", "--suppress-tags", "initial-upload-closes-no-bugs", changes), "")
        package, = (self.tree / "build/deb").glob("*.deb")
        self.assertEqual(package.name, f"protopool_{__version__}-1_all.deb")
        root = self.folder / "root"
        self.good("dpkg-deb", "-x", package, root)
        for path in ("bin/protopool", "include/protopool.mk", "lib/cmake/protopool/protopoolConfig.cmake", "share/man/man1/protopool.1.gz",
                     "share/man/man5/protopool-schema.5.gz", "share/pkgconfig/protopool.pc", "share/bash-completion/completions/protopool",
                     "share/protopool/schema.json", "share/doc/protopool/changelog.gz"):
            self.assertTrue((root / "usr" / path).exists(), path)
        self.assertEqual((root / "usr/bin/protopool").read_text().splitlines()[0], "#!/usr/bin/python3")
        if Path(sys.executable).resolve() == Path("/usr/bin/python3").resolve():
            self.assertTrue(self.emitted(root / "usr/bin/protopool") == self.emitted(ROOT / "bin/protopool"))


if __name__ == "__main__":
    unittest.main()
