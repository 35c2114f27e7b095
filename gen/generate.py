# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The generator: four passes over each schema, one after the other: parse, resolve, layout, render."""

from collections.abc import Collection

from .diagnostics import SchemaError
from .emit.render import render, suite
from .files import read_imported
from .language import clashes
from .language.parse import Load, parse
from .language.resolve import resolve
from .laid_out import Layout
from .layout import layout


def generate(schemas: list[tuple[str, bytes]], on_demand: Collection[str] = (), load: Load = read_imported) -> dict[str, str]:
    """{file name: text} of every file for the schemas, their tests included, for one program.

    schemas: pairs of a name for messages and the bytes. on_demand: see render. load: reads an imported file.
    Raises SchemaError with all errors of all schemas.
    """
    return {name: text for each in lay_out(schemas, load)
            for name, text in (render(each, on_demand) | suite(each)).items()}


def lay_out(schemas: list[tuple[str, bytes]], load: Load = read_imported) -> list[Layout]:
    """The first three passes over each schema. Raises SchemaError with all errors of all schemas."""
    resolved, errors = [], []
    for name, raw in schemas:
        try:
            schema, reporter = parse(name, raw, load)
            resolved.append((schema, resolve(schema, reporter), reporter))
        except SchemaError as error:
            errors += error.diagnostics
    if errors:
        raise SchemaError(list(dict.fromkeys(errors)))      # two schemas can import the same wrong file
    clashes.find_between(resolved)
    return [layout(protocol, reporter) for _, protocol, reporter in resolved]
