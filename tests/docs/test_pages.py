# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Every block of code in README.md and docs/ does what the page says: it generates, compiles, runs and prints that.
UPDATE_GOLDEN=1 rewrites the printed output on the pages."""

import atexit
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import pages
from support import ROOT, WARNINGS, WARNINGS_CPP, compilers, lay_out, long, write_all

from gen.diagnostics import SchemaError
from gen.emit.render import render

CC = os.environ.get("CC", "gcc").split()
GENERATED = ROOT / "generated"
INCLUDES = ("assert.h", "inttypes.h", "stdio.h", "stdlib.h", "string.h")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")
ABORTED = re.compile(r"(?m)^\S*bash: (line \d+: )? *\d+ Aborted .*\n")
MARK = "@@ block {} @@"
COMMENT = re.compile(r"/[*/] (?:prints )?(.*?)(?: \*/|$)", re.MULTILINE)
TIMEOUT = 120
OBJECTS = tempfile.TemporaryDirectory()     # of generated/*.c
atexit.register(OBJECTS.cleanup)
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


class Program:
    """The statements of a page as a program. Each block is a function, with `before` and `after` around it, unless all are one."""

    is_one_scope = False
    includes: tuple[str, ...] = ("calc.h",)
    protocols: tuple[str, ...] = ("calc",)      # of generated/; none: the schemas of the page
    before = after = ""
    flags: tuple[str, ...] = ()


class Readme(Program):
    protocols = ()


class Api(Program):
    """`pool` and `station` are growing pools; at the end of a block no message is live in them."""

    includes = ("calc.h", "telemetry.h")
    protocols = ("calc", "telemetry")
    before = ("struct calc_pool pool; struct telemetry_pool station;\n"
              "assert(calc_pool_init_growing(&pool, NULL) && telemetry_pool_init_growing(&station, NULL));\n")
    after = "assert(calc_pool_fini(&pool) == 0 && telemetry_pool_fini(&station) == 0);\n"


class Pool(Program):
    flags = ("-D_POSIX_C_SOURCE=200809L",)


class Cpp(Program):
    is_one_scope = True
    includes = ()
    protocols = ("calc", "telemetry")


PROGRAMS = {"README.md": Readme, "docs/api.md": Api, "docs/pool.md": Pool, "docs/cpp.md": Cpp, "docs/wire.md": Program}
MINE = "protocol: mine\nmessages: {Add: {fields: {left: u64}, max_live: 4}}\n"
MAIN = '#include "mine.h"\nint main(void) { return 0; }\n'
FREERTOS = """#include <stddef.h>
typedef struct QueueDefinition *SemaphoreHandle_t;
#define portMAX_DELAY 0xffffffffUL
"""
SEMPHR = """SemaphoreHandle_t xSemaphoreCreateMutex(void);
long xSemaphoreTake(SemaphoreHandle_t, unsigned long);
long xSemaphoreGive(SemaphoreHandle_t);
void vSemaphoreDelete(SemaphoreHandle_t);
"""
# What a page's commands find, besides the project and the files of the page.
FIXTURES = {"docs/firmware.md": {"FreeRTOS/include/FreeRTOS.h": FREERTOS, "FreeRTOS/include/semphr.h": SEMPHR},
            "docs/commands.md": {"mine.yaml": MINE, "path/to/mine.yaml": MINE, "your_program.c": MAIN},
            "README.md": {"path/to/mine.yaml": MINE, "your_program.c": MAIN}}
# The page begins in an empty folder, and protopool is at ~/protopool. Goals of make are run.
FROM_EMPTY = ("docs/tutorial.md", "docs/build-systems.md")
LONG_PAGES = ("docs/build-systems.md", "docs/firmware.md", "docs/fuzzing.md", "docs/tutorial.md")


def program_of(blocks: list[pages.Block], language: str) -> str:
    """The source of the page's program. It prints a mark in front of what each block prints."""
    kind = PROGRAMS[blocks[0].page]
    lines = [f"#include <{name}>" for name in INCLUDES] + [f'#include "{name}"' for name in kind.includes]
    for block in blocks:
        if (block.language, block.word) == (language, "file"):
            lines += [f'#line {block.line} "{block.page}"', block.text]
    main, calls = "int main(void)\n{\nint status = 0;", []
    lines += [main] * kind.is_one_scope
    for block in blocks:
        if (block.language, block.word) == (language, ""):
            mark = f'printf("%s", "{MARK.format(block.line)}\\n"); fflush(stdout);'
            body = [mark, f'#line {block.line} "{block.page}"', block.text, "fflush(stdout);"]
            if not kind.is_one_scope:
                calls.append(f"status |= block_{block.line}();")
                body = [f"static int block_{block.line}(void)\n{{\n{kind.before}", *body, f"{kind.after}return 0;\n}}"]
            lines += body
    if not kind.is_one_scope:
        lines += [main, *calls]
    return "\n".join([*lines, "return status;\n}\n"])


class Page:
    """Runs a page's blocks in a folder of its own."""

    def __init__(self, page: str, folder: Path, text: str | None = None):
        self.page, self.folder = page, folder
        self.blocks = pages.parse(page, (pages.read(page) if text is None else text).replace("/path/to/protopool", str(ROOT)))[0]
        self.environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": str(folder / "home"), "LC_ALL": "C.UTF-8",
                            "PYTHONDONTWRITEBYTECODE": "1", "CFLAGS": "-O0", "CXXFLAGS": "-O0"}
        self.printed_instead: dict[pages.Block, str] = {}
        self.header, self.emitted_c = "", []
        self.home = folder / "home"
        self.here = folder / "here"
        self.emitted = folder / "emitted"
        for path in (self.home, self.here, self.emitted, folder / "bin"):
            path.mkdir()
        (self.home / "protopool").symlink_to(ROOT)
        (folder / "state").write_text(f"cd {shlex.quote(str(self.here))}\n")
        self.stand_in("python3", f'exec {shlex.quote(sys.executable)} "$@"')
        self.stand_in("protopool", f'exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / "gen"))} "$@"')
        self.stand_in("cc", f'exec {shlex.join(CC)} "$@"')
        if not shutil.which("arm-none-eabi-gcc"):       # then at least the C is read
            self.stand_in("arm-none-eabi-gcc", f'exec {shlex.join(CC)} -fsyntax-only $(printf "%s\\n" "$@" | grep -v "^-m")')
        if page not in FROM_EMPTY:              # the commands run in a copy of the project, as far as they write to it
            for path in ROOT.iterdir():
                if path.name == "generated":
                    shutil.copytree(path, self.here / path.name)
                elif path.name not in ("build", ".git"):
                    (self.here / path.name).symlink_to(path)
        for name, content in FIXTURES.get(page, {}).items():
            self.here.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
            self.here.joinpath(name).write_text(content)

    def stand_in(self, command: str, script: str) -> None:
        path = self.folder / "bin" / command
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def run(self) -> list[str]:
        """What is wrong."""
        found, printed, last = [], {}, ""
        for i, block in enumerate(self.blocks):
            try:
                if block.is_file:
                    self.here.joinpath(block.word).unlink(missing_ok=True)      # it may be a link to one of the project
                    self.here.joinpath(block.word).write_text(block.text)
                elif block.language == "yaml":
                    self.schema(block)
                elif block.language == "sh" and self.needs_what_is_missing(block):
                    last = None
                elif block.language == "sh":
                    last = self.shell(block)
                    if "-ffreestanding" in block.text:
                        self.needs_no_library()
                elif (block.language, block.word) == ("c", "emitted"):
                    if block.text not in self.header:
                        found.append(f"{block.place}: not in the header")
                elif block.language == "make":
                    self.rule(block)
                elif block.language in ("c", "cpp") and block.word != "file":
                    printed = printed or self.program(block.language)
                    last = printed.get(block.line, "")
                elif block.word == "output" and last is not None:
                    if ADDRESS.sub("0x...", last.rstrip("\n")) != ADDRESS.sub("0x...", block.text.rstrip("\n")):
                        found.append(f"{block.place}: printed is\n{last}")
                        self.printed_instead[block] = last.rstrip("\n") + "\n"
                is_shown = any(following.word == "output" for following in self.blocks[i + 1:i + 2])
                if block.language in ("c", "cpp") and not block.word and not is_shown:
                    in_comments = COMMENT.findall(block.text)
                    found += [f"{block.place}: prints {line!r}, which the page does not show" for line in last.splitlines()
                              if line not in in_comments]
            except Failed as error:
                found.append(f"{block.place}: {error}")
                if block.language in ("c", "cpp"):
                    break
        return found

    def schema(self, block: pages.Block) -> None:
        """It has no error; what is emitted for it is compiled where the page has C that uses it."""
        try:
            laid_out = lay_out(block.text)
        except SchemaError as error:
            raise Failed("\n".join(map(str, error.diagnostics))) from error
        follows = self.blocks[self.blocks.index(block) + 1:][:1]
        if follows and follows[0].language == "c":
            files = render(laid_out)
            write_all(self.emitted, files)
            self.header = "".join(text for name, text in files.items() if name.endswith(".h"))
            self.emitted_c = [self.emitted / name for name in files if name.endswith(".c")]

    @staticmethod
    def needs_what_is_missing(block: pages.Block) -> bool:
        """Whether its commands need a tool that make deps does not install."""
        return any(re.search(rf"(?<!-)\b{tool} ", block.text) and not shutil.which(tool) for tool in ("cmake", "ninja", "meson", "tshark"))

    def shell(self, block: pages.Block) -> str:
        """What the commands print. Goals of make are not run, but looked up, where tests of their own run them."""
        state = shlex.quote(str(self.folder / "state"))
        not_run = 'make() { command make -n "$@" >/dev/null; }' if self.page not in FROM_EMPTY else ""
        script = (f"set -ae\n{not_run}\n. {state}\n"
                  f"trap '{{ export -p; printf \"cd %q\\n\" \"$PWD\"; }} >{state}' EXIT\n{block.text}")
        done = subprocess.run(["stdbuf", "-oL", "bash", "-c", script], cwd=self.folder, text=True, timeout=TIMEOUT, env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        printed = ABORTED.sub("", done.stdout)
        follows = self.blocks[self.blocks.index(block) + 1:][:1]
        is_shown = bool(follows) and follows[0].word == "output"
        if not is_shown and (done.returncode != 0 or "warning:" in printed):
            raise Failed(f"exit status {done.returncode}\n{printed}")
        return printed

    def needs_no_library(self) -> None:
        """The objects in the folder need only each other, the compiler's own functions, and what the page says that they need."""
        objects = sorted(self.here.glob("*.o"))
        if not shutil.which("arm-none-eabi-nm"):
            return
        symbols = subprocess.run(["arm-none-eabi-nm", *objects], capture_output=True, text=True, check=True, timeout=TIMEOUT).stdout
        needed, defined = set(re.findall(r" U (\w+)", symbols)), set(re.findall(r" [A-TV-Z] (\w+)", symbols))
        others = {name for name in needed - defined if not name.startswith("__aeabi_")}
        said = set(re.findall(r"`(mem\w+)`", pages.read(self.page)))
        if not others or not others <= said:
            raise Failed(f"the page says that {sorted(said)} are needed, and {sorted(others)} are")

    def rule(self, block: pages.Block) -> None:
        """A rule that makes src/mine.c and .h of mine.yaml, in a project of its own. It runs when an import changes."""
        project = self.folder / f"rule{block.line}"
        project.mkdir()

        def expect(*made: str) -> None:
            done = subprocess.run(["make", "-s", "src/mine.c", "src/mine.h"], cwd=project, capture_output=True, text=True,
                                  timeout=TIMEOUT, env=self.environment)
            if (done.returncode, done.stderr, done.stdout.split()) != (0, "", list(made)):
                raise Failed(f"make prints {done.stdout}{done.stderr}, not {made}")

        (project / "Makefile").write_text(block.text)
        (project / "mine.yaml").write_text(f"import: lib.yaml\n{MINE}")
        (project / "lib.yaml").write_text("constants: {most: 1}\n")
        expect("src/mine.h", "src/mine.c", "src/protopool.h", "src/protopool.c")
        expect()
        time.sleep(0.05)
        (project / "lib.yaml").write_text("constants: {most: 2}\n")
        expect("src/mine.h")
        expect()

    def program(self, language: str) -> dict[int, str]:
        """What each block of statements prints, by its line."""
        kind = PROGRAMS.get(self.page)
        if kind is None:
            raise Failed("no program is made of this page's statements")
        source = self.folder / f"page.{language}"
        source.write_text(program_of(self.blocks, language))
        where = GENERATED if kind.protocols else self.emitted
        emitted = [where / f"{name}.c" for name in kind.protocols] or self.emitted_c
        program = self.folder / "program"
        includes = ["-I", where, "-I", GENERATED]
        flags = [*kind.flags, *includes]
        objects = [compiled(path, where) for path in (*emitted, GENERATED / "protopool.c")]
        command = ([*CC, "-std=c11", *strict(WARNINGS)] if language == "c" else
                   [*compilers("g++", "clang++")[:1], "-std=c++17", *strict(WARNINGS_CPP)])
        compiler([*command, *flags, source, *objects, "-o", program, "-lpthread"])
        done = subprocess.run([program], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
        if done.returncode != 0:
            raise Failed(f"the page's program ends with {done.returncode}\n{done.stdout}")
        parts = re.split(MARK.format(r"(\d+)") + "\n", done.stdout)
        return {int(line): text for line, text in zip(parts[1::2], parts[2::2])}


class Failed(Exception):
    pass


def strict(warnings: list[str]) -> list[str]:
    """Those that every compiler knows."""
    return [flag for flag in warnings if not flag.startswith("-Wcast-align")]


def compiled(source: Path, headers: Path) -> Path:
    """The object of an emitted file; of a committed one it is compiled once for all pages."""
    made = (Path(OBJECTS.name) if source.parent == GENERATED else source.parent) / f"{source.stem}.o"
    if not made.exists():
        compiler([*CC, "-std=c11", *strict(WARNINGS), "-I", headers, "-I", GENERATED, "-c", source, "-o", made])
    return made


def compiler(command: list) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=TIMEOUT)
    if done.returncode or done.stderr:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stderr}")


def problems(page: str, text: str | None = None) -> list[str]:
    found = pages.complaints(page, text)
    if found:
        return found
    with tempfile.TemporaryDirectory() as folder:
        run = Page(page, Path(folder), text)
        found = run.run()
    if UPDATE and text is None:
        lines = pages.read(page).splitlines(keepends=True)
        for block in reversed(list(run.printed_instead)):
            lines[block.line - 1:block.line - 1 + block.text.count("\n")] = [run.printed_instead[block]]
        (ROOT / page).write_text("".join(lines), encoding="utf-8")
    return found


class Blocks(unittest.TestCase):
    def check(self, shown: list[str] | tuple[str, ...]) -> None:
        for page in shown:
            with self.subTest(page):
                if page == "docs/cpp.md" and not compilers("g++", "clang++"):
                    self.skipTest("no C++ compiler")
                if page == "docs/fuzzing.md" and not compilers("clang"):
                    self.skipTest("no clang")
                self.assertEqual("\n".join(problems(page)), "")

    def test_each_does_what_the_page_says(self):
        self.check([page for page in pages.PAGES if UPDATE or page not in LONG_PAGES])

    @long
    def test_each_does_what_the_page_says_that_builds_much(self):
        self.assertLess(set(LONG_PAGES), set(pages.PAGES))
        self.check(LONG_PAGES)


class Rules(unittest.TestCase):
    """No block slips by: one whose role is not known is an error of the page."""

    def assert_complaint(self, text: str, complaint: str):
        self.assertEqual([found.split(": ", 1)[1] for found in pages.complaints("page.md", text)], [complaint])

    def test_a_block_that_no_test_runs(self):
        self.assertEqual(pages.complaints("page.md", "A schema:\n\n```yaml\nprotocol: p\n```\n\n```text\na form\n```\n"), [])
        self.assert_complaint("```python\n1\n```\n", "no test runs blocks of 'python'")
        self.assert_complaint("```\n1\n```\n", "no test runs blocks of ''")
        self.assert_complaint("~~~\n1\n~~~\n", "no test runs blocks of ''")
        self.assert_complaint("```c somehow\n1;\n```\n", "no test knows what c 'somehow' is")
        self.assert_complaint("A text.\n\n    indented();\n", "code that is indented, not fenced")

    def test_output_of_nothing(self):
        self.assert_complaint("```text output\n1\n```\n", "output of what?")
        self.assert_complaint("```yaml\nprotocol: p\n```\n\n```text output\n1\n```\n", "output of what?")

    def test_a_file_that_nobody_saves_or_uses(self):
        used = "```sh\ncc main.c\n```\n"
        self.assertEqual(pages.complaints("page.md", f"Save this as `main.c`:\n\n```c main.c\n```\n{used}"), [])
        self.assert_complaint(f"Save this:\n\n```c main.c\n```\n{used}", "the text before the block does not name `main.c`")
        self.assert_complaint("Save this as `main.c`:\n\n```c main.c\n```\n", "nothing uses main.c")

    def test_a_block_that_is_wrong(self):
        for text, found in (("```yaml\nprotocol: p\n```\n", 'needs the key "messages"'),
                            ("```yaml\nprotocol: p\nmessages: {Add: {}}\n```\n```c emitted\nstruct q\n```\n", "not in the header"),
                            ("```sh\nfalse\n```\n", "exit status 1"),
                            ("```sh\nmake no-such-goal\n```\n", "exit status 2"),
                            ("```sh\necho 1\n```\n```text output\n2\n```\n", "printed is\n1")):
            with self.subTest(text):
                self.assertIn(found, "\n".join(problems("page.md", text)))


if __name__ == "__main__":
    unittest.main()
