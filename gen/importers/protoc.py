# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs protoc, and reads what it writes: the descriptors of .proto files, with the places and comments of the source.

protoc reads every version of the language, checks it, and reports errors with places. So there is no parser of .proto files here.
"""

import errno
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from typing import NamedTuple

from ..diagnostics import Diagnostic, Place, SchemaError, Source
from .draft import paragraphs, plain, wrong

_ERROR = re.compile(r"(?P<file>.+?):(?P<line>[0-9]+):(?P<column>[0-9]+): (?:error: )?(?P<message>.*)\Z")
_HOW = "import proto needs protoc, and Python's package protobuf; on Debian: protobuf-compiler and python3-protobuf"


class Comment(NamedTuple):
    """What the source has at an element: its place, and the comment above or behind it."""

    place: Place
    text: str


class Proto:
    """One .proto file. descriptor: a FileDescriptorProto. is_named: whether it was asked for, and not only imported."""

    def __init__(self, descriptor, source: Source, is_named: bool):
        self.descriptor, self.source, self.is_named = descriptor, source, is_named
        self.comments = {tuple(at.path): self._comment(at) for at in descriptor.source_code_info.location}

    def _comment(self, at) -> Comment:
        line, column, *end = at.span
        width = end[-1] - column if len(end) == 1 else 1
        texts = (at.leading_comments, at.trailing_comments)
        return Comment(Place(line + 1, column + 1, max(1, width), self.source), paragraphs("\n\n".join(filter(None, texts))))

    def at(self, path: tuple[int, ...]) -> Comment:
        return self.comments.get(path) or Comment(Place(1, 1, 1, self.source), "")


def protos(paths: list[str], include: list[str]) -> list[Proto]:
    """The files and all that they import, these first. Raises OSError, and SchemaError with protoc's errors."""
    try:
        from google.protobuf.descriptor_pb2 import FileDescriptorSet
    except ImportError:
        raise OSError(errno.ENOENT, _HOW) from None
    for path in paths:
        with open(path, "rb"):          # so that an error names the file, as for other commands
            pass
    folders = list(dict.fromkeys([*include, *(os.path.dirname(path) or "." for path in paths if not _is_in(path, include))]))
    found = FileDescriptorSet.FromString(_descriptors(paths, folders))
    named = {os.path.realpath(path) for path in paths}
    return [_proto(descriptor, folders, named) for descriptor in found.file]


def _is_in(path: str, folders: list[str]) -> bool:
    """Whether one of the folders has the file in it, at any depth. protoc wants to know a file by its path from such a folder."""
    real = os.path.realpath(path)
    return any(os.path.commonpath((real, os.path.realpath(folder))) == os.path.realpath(folder) for folder in folders)


def _descriptors(paths: list[str], folders: list[str]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "set")
        words = ["protoc", "--error_format=gcc", f"--descriptor_set_out={out}", "--include_imports", "--include_source_info",
                 *(f"-I{one}" for one in folders), *(os.path.join(".", path) if path.startswith("-") else path for path in paths)]
        try:
            done = subprocess.run(words, capture_output=True, text=True, errors="replace")
        except FileNotFoundError:
            raise OSError(errno.ENOENT, _HOW) from None
        if done.returncode != 0:
            raise SchemaError(list(_errors(done.stderr, paths, folders)))
        with open(out, "rb") as file:
            return file.read()


def _errors(text: str, paths: list[str], folders: list[str]) -> Iterator[Diagnostic]:
    lines = [line for line in text.splitlines() if " warning: " not in line]
    placed = [match for line in lines if (match := _ERROR.match(line))]
    for match in placed:
        place = Place(int(match["line"]), int(match["column"]), 1, _source(match["file"], folders))
        yield from wrong(place, match["message"]).diagnostics
    if not placed:
        yield Diagnostic(Source(paths[0]), None, f"{paths[0]}: protoc: {plain(' '.join(lines))}", rule="import")


def _proto(descriptor, folders: list[str], named: set[str]) -> Proto:
    source = _source(descriptor.name, folders)
    return Proto(descriptor, source, os.path.realpath(source.name) in named)


def _source(name: str, folders: list[str]) -> Source:
    """The file that protoc calls so. protoc also has files of its own, which are in none of the folders."""
    for path in (os.path.join(folder, name) if folder != "." else name for folder in folders):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return Source(path, file.read())
        except OSError:
            continue
    return Source(name)
