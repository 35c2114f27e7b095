# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 1, parse: YAML text -> Schema. Follows imports; resolves nothing else."""

import os
from collections.abc import Callable

from . import yaml_tree
from ..diagnostics import Diagnostic, Reporter, SchemaError, quoted
from .keys import Reader
from .syntax import SHARED, Schema, Word

MAX_CHAIN = 64                  # files, each imported by the one before
_SHARED_KEYS = ("doc", "import", *SHARED)
_SUFFIXES = (".yaml", ".yml")

Load = Callable[[str], tuple[str, bytes]]       # path -> the name to show, the bytes; raises OSError


def parse(name: str, raw: bytes, load: Load) -> tuple[Schema, Reporter]:
    """The schema and what it imports, as far as they could be read, and a reporter with the errors.

    Raises SchemaError if nothing could be read.
    """
    root, reporter = yaml_tree.read(name, raw)
    schema = Reader(reporter).schema(root)
    if schema is None:
        reporter.raise_if_any()
    imported = _Imports(load, reporter).all_of(schema.imports, name, (os.path.normpath(name),))
    return schema._replace(**{kind: tuple(thing for part in (*imported, schema) for thing in getattr(part, kind))
                              for kind in SHARED}), reporter


class _Imports:
    """Reads the files that a schema imports: each once, and after the files that it imports itself."""

    def __init__(self, load: Load, reporter: Reporter):
        self.load = load
        self.reporter = reporter
        self.done: set[str] = set()

    def all_of(self, paths: tuple[Word, ...], importer: str, chain: tuple[str, ...]) -> list[Schema]:
        """The schemas that a file imports. chain: the files from the user's schema to that file."""
        return [part for word in paths for part in self.one(word, importer, chain)]

    def one(self, word: Word, importer: str, chain: tuple[str, ...]) -> list[Schema]:
        path = os.path.normpath(os.path.join("" if importer == "<stdin>" else os.path.dirname(importer), word.text))
        if path in chain:
            cycle = " -> ".join(quoted(name) for name in (*chain[chain.index(path):], path))
            self.reporter.error(word.place, f"{quoted(word.text)} would import itself: {cycle}",
                                "remove one of these imports")
            return []
        if path in self.done:
            return []
        self.done.add(path)
        if len(chain) > MAX_CHAIN:
            self.reporter.error(word.place, f"imports are nested more than {MAX_CHAIN} files deep")
            return []
        try:
            name, raw = self.load(path)
        except OSError as error:
            self.reporter.error(word.place, f"{quoted(word.text)} cannot be read: {error.strerror or error}",
                                "a path is relative to the file that imports it")
            return []
        try:
            schema, wrong = self.read(name, raw)
        except SchemaError as error:
            if not name.endswith(_SUFFIXES):        # errors would print lines of a file that is no schema, perhaps a secret
                self.reporter.error(word.place, f"{quoted(word.text)} does not look like a schema",
                                    "name it .yaml or .yml to see what is wrong with it")
                return []
            self.reporter.take(error.diagnostics)
            return []
        self.reporter.take(wrong)
        return [] if schema is None else [*self.all_of(schema.imports, path, (*chain, path)), schema]

    @staticmethod
    def read(name: str, raw: bytes) -> tuple[Schema | None, list[Diagnostic]]:
        """Raises SchemaError if nothing could be read."""
        root, reporter = yaml_tree.read(name, raw, is_imported=True)
        if not name.endswith(_SUFFIXES) and not (isinstance(root, yaml_tree.Mapping)
                                                 and any(key.text in _SHARED_KEYS for key, _ in root.entries)):
            raise SchemaError([])
        return Reader(reporter).shared(root), reporter.diagnostics
