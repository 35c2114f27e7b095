# SPDX-License-Identifier: Apache-2.0 OR MIT
"""README.md and docs/ as the tests see them: their blocks of code, their links and their headings. Knows the roles of blocks.

A block's role is its info string, ```LANGUAGE WORD:

    yaml            a whole schema without errors
    c, cpp          statements: the body of a function, which is compiled and run (see test_pages.py)
    c file, cpp file    declarations and functions in front of all statements of the page
    c emitted       the text is in the header that the schema before it emits
    sh              commands, run by bash one block after the other, in one folder a page
    LANGUAGE NAME   a file of that name, in the folder of the commands; the text before the block names it too
    text output     what the commands or statements before it print
    text            a picture or a form, which is not run
"""

import re
from dataclasses import dataclass
from pathlib import Path

from support import ROOT

PAGES = ("README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")))
LANGUAGES = ("yaml", "c", "cpp", "sh", "python", "make", "cmake", "ninja", "meson", "xml", "text")
WORDS = {"c": ("file", "emitted"), "cpp": ("file",), "text": ("output",)}
_FENCE = re.compile(r" *(`{3,}|~{3,})(.*)")


@dataclass(frozen=True)
class Block:
    page: str
    line: int               # of the first line of the text, from 1
    language: str
    word: str               # what follows the language; empty if nothing does
    text: str
    before: str             # the prose in front of it, a few lines

    @property
    def is_file(self) -> bool:
        return "." in self.word or self.word == "Makefile"

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def parse(page: str, text: str | None = None) -> tuple[list[Block], str]:
    """The blocks of the page, and its prose: each line of it, with those of blocks left empty."""
    blocks, prose, before, inside = [], [], [], None
    for number, line in enumerate((read(page) if text is None else text).splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is None and fence:
            language, _, word = fence[2].strip().partition(" ")
            inside, first, body = fence[1], number + 1, []
            prose.append("")
        elif inside is not None and fence and fence[1] == inside and not fence[2].strip():
            blocks.append(Block(page, first, language, word, "".join(f"{each}\n" for each in body), "\n".join(before[-8:])))
            inside = None
            prose.append("")
        elif inside is not None:
            body.append(line)
            prose.append("")
        else:
            before.append(line)
            prose.append(line)
    if inside is not None:
        raise ValueError(f"{page}:{first}: the block has no end")
    return blocks, "\n".join(prose)


def complaints(page: str, text: str | None = None) -> list[str]:
    """What is wrong with the page's blocks as such: those that no test would run, and files that nobody would save."""
    blocks, prose = parse(page, text)
    found = [f"{page}:{number}: code that is indented, not fenced"
             for number, (above, line) in enumerate(zip(["", *prose.split("\n")], prose.split("\n")), 1)
             if line.startswith("    ") and not above.strip() and line.strip()]
    for i, block in enumerate(blocks):
        earlier, later = blocks[:i], blocks[i + 1:]
        if block.language not in LANGUAGES or block.language == "python" and not block.is_file:
            found.append(f"{block.place}: no test runs blocks of {block.language!r}")
        elif block.is_file:
            if f"`{block.word}`" not in block.before:
                found.append(f"{block.place}: the text before the block does not name `{block.word}`")
        elif block.word and block.word not in WORDS.get(block.language, ()):
            found.append(f"{block.place}: no test knows what {block.language} {block.word!r} is")
        if block.word == "output" and not any(other.language in ("sh", "c", "cpp") for other in earlier[-1:]):
            found.append(f"{block.place}: output of what?")
        if block.word == "emitted" and not any(other.language == "yaml" for other in earlier):
            found.append(f"{block.place}: emitted from what?")
        user = block.language if block.language in ("make", "cmake", "ninja", "meson") else block.word.partition(".")[0]
        if block.is_file and not any(user in other.text for other in later):
            found.append(f"{block.place}: nothing uses {block.word}")
    return found


def headings(page: str) -> list[str]:
    return re.findall(r"(?m)^#+ (.*)$", parse(page)[1])


def anchor(heading: str) -> str:
    """As GitHub makes it."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def links(page: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", parse(page)[1]))


def folder_of(page: str) -> Path:
    return (ROOT / page).parent
