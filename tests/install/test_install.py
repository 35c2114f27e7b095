# SPDX-License-Identifier: Apache-2.0 OR MIT
"""make install and make uninstall: what is put where, and that it agrees with the command."""

import json
import re
import shutil
import unittest
from pathlib import Path

from installed import InstalledTest, files_in, make, run
from support import GOOD_TEXT, ROOT, FolderTest, long

from gen import __version__
from gen.commands import NAMES
from gen.lint.names import RULES
from gen.views import difference


def options_in_help(command: str) -> set[str]:
    """As the command's -h prints them."""
    text = run(ROOT / "bin/protopool", command, "-h").stdout
    forms = re.findall(r"(?m)^  (-.*?)(?:  |$)", text)
    return {option for form in forms for option in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", form)}


class Install(InstalledTest):
    def test_the_installed_command_emits_what_the_checkout_does(self):
        (self.folder / "calc.yaml").write_text(GOOD_TEXT)
        outputs = []
        for command, folder in ((self.prefix / "bin/protopool", self.folder / "a"), (ROOT / "bin/protopool", self.folder / "b")):
            self.good(run(command, "-q", "--cpp", "--tests", folder, "-o", folder, "calc.yaml", cwd=self.folder))
            outputs.append({name: (folder / name).read_text() for name in files_in(folder)})
        self.assertEqual(len(outputs[0]), 7)
        self.assertTrue(outputs[0] == outputs[1])

    def test_uninstall_removes_what_install_put_and_nothing_else(self):
        copy = self.copy()
        others = ("bin/other", "share/man/man1/other.1", "lib/cmake/other/otherConfig.cmake")
        for name in others:
            path = copy / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        self.assertGreater(len(files_in(copy)), 60)
        self.good(make("uninstall", PREFIX=copy))
        self.assertEqual(files_in(copy), set(others))
        self.assertFalse((copy / "share/protopool").exists())

    @long
    def test_uninstall_leaves_no_empty_folder_but_the_usual_ones(self):
        copy = self.copy()
        self.good(make("uninstall", PREFIX=copy))
        self.assertEqual({path.relative_to(copy).as_posix() for path in copy.rglob("*")}, {"bin", "include", "lib", "share", "share/man"})

    @long
    def test_uninstall_leaves_folders_that_others_use_too(self):
        shared = {"PREFIX": self.folder / "p", "cmakedir": self.folder / "p/lib/cmake", "docdir": self.folder / "p/share/doc"}
        other = self.folder / "p/lib/cmake/other/otherConfig.cmake"
        other.parent.mkdir(parents=True)
        other.write_text("")
        self.good(make("install", MADE=self.folder / "made", **shared))
        self.good(make("uninstall", **shared))
        self.assertEqual(files_in(self.folder / "p"), {"lib/cmake/other/otherConfig.cmake"})

    @long
    def test_make_knows_the_names_of_the_outputs(self):
        for number, head in enumerate(("protocol: OrderBook", "protocol: 'HTTPServer2'", "protocol: door\nc_name: gate", "protocol: a_b # c")):
            schema = self.folder / f"{number}.yaml"
            schema.write_text(f"{head}\nmessages: {{Quit: }}\n")
            (self.folder / "Makefile").write_text("names: ; @echo $(PROTOPOOL_SOURCES) $(PROTOPOOL_HEADERS)\n"
                                                  f"PROTOPOOL_SCHEMAS = {schema.name}\ninclude protopool.mk\n")
            named = self.good(run("make", "-s", "-I", self.prefix / "include", "names", cwd=self.folder))
            listed = self.good(run(self.prefix / "bin/protopool", "--list-outputs", "-o", "generated", schema.name, cwd=self.folder))
            self.assertEqual(sorted(named.split()), sorted(listed.split()), head)

    @long
    def test_the_copy_can_be_moved(self):
        (self.folder / "calc.yaml").write_text(GOOD_TEXT)
        moved = self.copy()
        self.good(run(moved / "bin/protopool", "-q", "calc.yaml", cwd=self.folder))
        for variable, path in (("generator", "bin/protopool"), ("makefile", "include/protopool.mk"),
                               ("schema", "share/protopool/schema.json")):
            found = self.good(run("pkg-config", f"--variable={variable}", "protopool", env={"PKG_CONFIG_PATH": f"{moved}/share/pkgconfig"}))
            self.assertEqual(Path(found.strip().replace("\\", "")).resolve(), (moved / path).resolve())

    def test_nothing_in_it_names_the_checkout(self):
        for name in files_in(self.prefix):
            path = self.prefix / name
            if path.suffix != ".pyc":
                self.assertNotIn(str(ROOT), path.read_text(encoding="utf-8"), name)

    def test_the_version_is_the_same_everywhere(self):
        self.assertEqual(self.good(run(self.prefix / "bin/protopool", "--version")), f"protopool {__version__}\n")
        self.assertEqual(self.good(run("pkg-config", "--modversion", "protopool",
                                       env={"PKG_CONFIG_PATH": f"{self.prefix}/share/pkgconfig"})).strip(), __version__)
        version_file = self.prefix / "lib/cmake/protopool/protopoolConfigVersion.cmake"
        self.assertIn(f'(PACKAGE_VERSION "{__version__}")', version_file.read_text())
        self.assertIn(f'"protopool {__version__}"', (self.prefix / "share/man/man1/protopool.1").read_text())
        self.assertEqual(re.search(r"(?m)^## (\S+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text())[1], __version__)

    @long
    def test_the_manual_has_every_command_and_option(self):
        page = (self.prefix / "share/man/man1/protopool.1").read_text().replace("\\-", "-")
        sections = dict(re.findall(r'(?ms)^\.SS "(\S+)"\n(.*?)(?=^\.S)', page))
        self.assertEqual(list(sections), list(NAMES))
        for command, text in sections.items():
            forms = "".join(re.findall(r"(?m)^\.TP\n(.*)$", text))
            self.assertEqual(set(re.findall(r"\\fB(-[\w-]+)", forms)), options_in_help(command), command)

    @long
    @unittest.skipUnless(shutil.which("man"), "man is not there")
    def test_the_manual_has_no_mistakes_of_its_form(self):
        for name in ("man1/protopool.1", "man5/protopool-schema.5"):
            done = run("man", "--warnings", "-l", self.prefix / "share/man" / name, env={"MANWIDTH": "80"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertGreater(len(done.stdout.splitlines()), 60)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not there: make deps-ci")
    def test_mandoc_does_not_warn_about_the_manual(self):
        for name in ("man1/protopool.1", "man5/protopool-schema.5"):
            done = run("mandoc", "-T", "lint", "-W", "warning", self.prefix / "share/man" / name)
            self.assertEqual((done.returncode, done.stdout), (0, ""), name)

    def test_the_manual_has_what_stands_below_the_options_of_the_help(self):
        page = (self.prefix / "share/man/man1/protopool.1").read_text().replace("\\-", "-")
        for word in (*difference.CATEGORIES, *RULES):
            self.assertIn(f".TP\n\\fB{word}\\fR\n", page)

    def test_the_manual_of_schemas_has_every_key(self):
        page = (self.prefix / "share/man/man5/protopool-schema.5").read_text().replace("\\-", "-")
        for key in json.loads((self.prefix / "share/protopool/schema.json").read_text())["properties"]:
            self.assertIn(f"\\fB{key}\\fR", page)

    @long
    @unittest.skipUnless(shutil.which("bash"), "bash is not there")
    def test_bash_completes_commands_options_values_and_schemas(self):
        for name in ("calc.yaml", "program.c", "orders.xml"):
            (self.folder / name).write_text("")
        (self.folder / "schemas").mkdir()

        def completed(line: str) -> set[str]:
            """Of a line that bash would split at spaces and at `=`."""
            words = re.findall(r"=|[^\s=]+", line) + ([""] if line.endswith(" ") else [])
            script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _protopool; printf "%s\\n" "${COMPREPLY[@]}"')
            done = run("bash", "--norc", "-c", script, "bash", self.prefix / "share/bash-completion/completions/protopool", *words,
                       cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            return set(done.stdout.split())

        self.assertEqual(completed("protopool "), {*NAMES, "calc.yaml", "schemas"})
        self.assertEqual(completed("protopool pl"), {"plan"})
        for command in NAMES:
            self.assertEqual(completed(f"protopool {command} -"), options_in_help(command), command)
        self.assertEqual(completed("protopool --dep"), {"--depfile"})
        self.assertEqual(completed("protopool plan --format=s"), {"sarif"})
        self.assertEqual(completed("protopool plan --format "), {"text", "json", "github", "sarif"})
        self.assertEqual(completed("protopool -o s"), {"schemas"})
        self.assertEqual(completed("protopool import "), {"mavlink", "sbe", "proto"})
        self.assertEqual(completed("protopool import sbe "), {"orders.xml", "schemas"})
        self.assertEqual(completed("protopool generate -o schemas calc"), {"calc.yaml"})


class Staged(FolderTest):
    @long
    def test_with_destdir_nothing_goes_elsewhere_and_other_folders_are_respected(self):
        stage, prefix = self.folder / "stage", self.folder / "prefix"
        done = make("install", DESTDIR=stage, PREFIX=prefix, MADE=self.folder / "made", bindir=f"{prefix}/tools/bin",
                    libdir=f"{prefix}/lib64")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(prefix.exists())
        there = stage / prefix.relative_to("/")
        self.assertEqual({name.split("/")[0] for name in files_in(there)}, {"include", "lib64", "share", "tools"})
        self.assertNotIn(str(stage), (there / "tools/bin/protopool").read_text())
        self.assertEqual((there / "tools/bin/protopool").resolve(), there / "share/protopool/bin/protopool")
        shutil.copytree(there, prefix, symlinks=True)
        self.assertEqual(run(prefix / "tools/bin/protopool", "--version").stdout, f"protopool {__version__}\n")
        self.assertIn("/../../../tools/bin/protopool", (there / "lib64/cmake/protopool/protopoolConfig.cmake").read_text())
        self.assertIn(")../tools/bin/protopool", (there / "include/protopool.mk").read_text())
        self.assertEqual(make("uninstall", DESTDIR=stage, PREFIX=prefix, bindir=f"{prefix}/tools/bin", libdir=f"{prefix}/lib64").returncode, 0)
        self.assertEqual(files_in(stage), set())


class Package(unittest.TestCase):
    def test_pyproject_names_every_folder_of_the_generator(self):
        text = (ROOT / "pyproject.toml").read_text()
        listed = re.findall(r'"(protopool[\w.]*)"', re.search(r"(?s)^packages = \[(.*?)\]", text, re.MULTILINE)[1])
        folders = {path.parent.relative_to(ROOT).as_posix() for top in ("gen", "templates") for path in (ROOT / top).rglob("*.*")
                   if "__pycache__" not in path.parts}
        self.assertEqual(sorted(listed), sorted("protopool" + folder.replace("/", ".").removeprefix("gen") if folder.startswith("gen")
                                                else "protopool." + folder.replace("/", ".") for folder in folders))


if __name__ == "__main__":
    unittest.main()
