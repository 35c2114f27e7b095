# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The generator: four passes, one after the other. Several schemas are generated for one program."""

from collections.abc import Collection

from .diagnostics import SchemaError
from .layout import Layout, layout
from .files import read_imported
from .emit.render import render, suite
from .language import clashes
from .language.parse import Load, parse
from .language.resolve import resolve


def generate(schemas: list[tuple[str, bytes]], also: Collection[str] = (), load: Load = read_imported) -> dict[str, str]:
    """{file name: text} of schemas given as (shown name, bytes), their tests among them; also: files on demand, see render;
    load reads what is imported. Raises SchemaError with all that is wrong."""
    return {name: text for laid_out in lay_out(schemas, load)
            for name, text in (render(laid_out, also) | suite(laid_out)).items()}


def lay_out(schemas: list[tuple[str, bytes]], load: Load = read_imported) -> list[Layout]:
    """The first three passes over each schema. Raises SchemaError."""
    checked, wrong = [], []
    for name, raw in schemas:
        try:
            schema, reporter = parse(name, raw, load)
            checked.append((schema, resolve(schema, reporter), reporter))
        except SchemaError as error:
            wrong += error.diagnostics
    if wrong:
        raise SchemaError(wrong)
    clashes.find_between(checked)
    return [layout(protocol, reporter) for _, protocol, reporter in checked]
