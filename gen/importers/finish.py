# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Drafts -> the texts of schemas that generate, pass lint and are formatted. The generator itself finds which names clash in C, and
lint which of its rules a schema breaks; the importers have no copy of these rules."""

from collections import defaultdict
from dataclasses import replace

from ..diagnostics import Diagnostic, Place, SchemaError
from ..fmt.formatted import formatted
from ..generate import lay_out
from ..language.names import snake
from ..lint.lint import lint
from .draft import Draft, diagnostic
from .writer import Path, Writer

_ROUNDS = 20
_SUFFIX = {"constants": "value", "enums": "kind", "flags": "flags", "types": "type", "structs": "data", "messages": "msg"}
_PER_RECORD = ("large-variant", "padding", "wide-type")
_SWITCHED_OFF = "What the source has, and lint would report, is off: delete the key to see it."


class Finished:
    """texts: by the name of the file."""

    def __init__(self, drafts: list[Draft]):
        self.drafts = {draft.file: draft for draft in drafts}
        self.c_names: dict[str, dict[Path, str]] = defaultdict(dict)
        self.lint: dict[str, dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.texts: dict[str, str] = {}
        self.lines: dict[str, dict[int, Path]] = {}
        for draft in drafts:
            self.write(draft)
        protocols = [draft for draft in drafts if draft.protocol]
        for draft in protocols:
            self.resolve_clashes(draft)
        for draft in protocols:
            self.switch_rules_off(draft)
        self.texts = {name: formatted(name, text.encode()).decode() for name, text in self.texts.items()}

    def write(self, draft: Draft) -> None:
        if self.lint[draft.file].get(()):
            draft = replace(draft, notes=(*draft.notes, _SWITCHED_OFF))
        writer = Writer(draft, self.c_names[draft.file], self.lint[draft.file])
        self.texts[draft.file] = writer.text()
        self.lines[draft.file] = writer.lines

    def load(self, path: str) -> tuple[str, bytes]:
        return path, self.texts[path].encode()

    def resolve_clashes(self, draft: Draft) -> None:
        """Gives C names to what cannot have its own. Raises SchemaError, with places of the source, for all other errors."""
        for number in range(1, _ROUNDS + 1):
            try:
                lay_out([(draft.file, self.texts[draft.file].encode())], self.load)
                return
            except SchemaError as error:
                self.rename(error.diagnostics, number)

    def rename(self, errors: list[Diagnostic], number: int) -> None:
        clashing: list[tuple[str, Path]] = []
        for error in errors:
            path = self.lines[error.source.name].get(error.place.line) if error.place else None
            if path is None or "c_name" not in error.hint or number == _ROUNDS:
                raise SchemaError([self.at_source(e) for e in errors])
            clashing.append((error.source.name, path))
        outermost = min(len(path) for _, path in clashing)          # another name for these may be enough
        changed = set()
        for file, path in clashing:
            if len(path) == outermost:
                file, path = self.other_than_message(path) or (file, path)
                self.c_names[file][path] = self.other_name(self.drafts[file], path, number)
                changed.add(file)
        for name in changed:
            self.write(self.drafts[name])

    def other_than_message(self, path: Path) -> tuple[str, Path] | None:
        """What has the name of this message, and its file: it gets another name, because programs call functions by that of the message.
        None if it has one already."""
        for file, draft in self.drafts.items() if path[:1] == ("messages",) and len(path) == 2 else ():
            for section in _SUFFIX:
                for thing in getattr(draft, section) if section != "messages" else ():
                    if snake(thing.name) == snake(path[1]) and (section, thing.name) not in self.c_names[file]:
                        return file, (section, thing.name)
        return None

    @staticmethod
    def other_name(draft: Draft, path: Path, number: int) -> str:
        name = snake(path[-1] if path else draft.protocol)
        suffix = "protocol" if not path else _SUFFIX[path[0]] if len(path) == 2 else "value" if path[0] in ("enums", "flags") else "field"
        return f"{name[:100]}_{suffix}{number if number > 1 else ''}"

    def at_source(self, error: Diagnostic) -> Diagnostic:
        """The error at the place of the source that it comes from."""
        draft = self.drafts[error.source.name]
        before = [line for line in self.lines[draft.file] if error.place and line <= error.place.line]
        path = self.lines[draft.file][max(before)] if before else ()
        return diagnostic(place_of(draft, path), f"the imported schema has an error: {error.message}", error.hint)

    def switch_rules_off(self, draft: Draft) -> None:
        switches = self.lint[draft.file]
        for found in lint(draft.file, self.texts[draft.file].encode(), self.load):
            path = self.lines[draft.file].get(found.place.line, ()) if found.source.name == draft.file else ()
            is_records = found.rule in _PER_RECORD and path[:1] in (("structs",), ("messages",)) and "tags of" not in found.message
            switches[path[:2] if is_records else ()].add(found.rule)
        if switches:
            self.write(draft)


def place_of(draft: Draft, path: Path) -> Place:
    """Where the source defines the thing."""
    thing = draft
    if path:
        thing = next((t for t in getattr(draft, path[0]) if t.name == path[1]), draft)
    if len(path) > 2:
        parts = thing.values if path[0] in ("enums", "flags") else thing.fields
        thing = next((t for t in parts if t.name == path[2]), thing)
    if len(path) > 3:
        thing = next((t for t in thing.one_of if t.name == path[3]), thing)
    return thing.place
