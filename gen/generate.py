# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The generator: four passes, one after the other. Several schemas are generated for one program."""

from . import symbols
from .check import check
from .diagnostics import SchemaError
from .layout import Layout, layout
from .parse import parse
from .render import render


def generate(schemas: list[tuple[str, bytes]], bench: bool = False) -> dict[str, str]:
    """{file name: text} of schemas given as (shown name, bytes). Raises SchemaError with all that is wrong."""
    return {name: text for laid_out in lay_out(schemas) for name, text in render(laid_out, bench).items()}


def lay_out(schemas: list[tuple[str, bytes]]) -> list[Layout]:
    """The first three passes over each schema. Raises SchemaError."""
    checked, wrong = [], []
    for name, raw in schemas:
        try:
            schema, reporter = parse(name, raw)
            checked.append((schema, check(schema, reporter), reporter))
        except SchemaError as error:
            wrong += error.diagnostics
    if wrong:
        raise SchemaError(wrong)
    symbols.check_together(checked)
    return [layout(protocol, reporter) for _, protocol, reporter in checked]
