# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Definitions of messages in other languages -> schemas. Each language has a module, whose drafts() reads files; the rest is shared."""

import importlib

from .bounds import settled
from .finish import Finished


def imported(language: str, paths: list[str], include: list[str], **choices: bool) -> dict[str, str]:
    """The texts of the schemas, by their file names. choices: of this language alone. Raises OSError, and SchemaError with places of the
    source."""
    read = importlib.import_module(f".{language}", __package__).drafts
    return Finished([settled(draft) for draft in read(paths, include, **choices)]).texts
