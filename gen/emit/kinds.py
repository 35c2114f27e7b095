# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The dispatcher from a field's type to templates/kinds/KIND.j2, which has everything that is emitted for that kind."""

from collections.abc import Callable

import jinja2

from .. import model


class KindError(Exception):
    """The templates do not know a kind of field type, or lack a part of it: an error of the generator, not of a schema."""


class _Kind:
    """The macros of one kind, as attributes."""

    def __init__(self, file: str, module: object):
        vars(self).update(vars(module))
        self._file = file

    def __getattr__(self, macro: str) -> Callable[..., str]:
        raise KindError(f"templates/{self._file} has no macro {macro!r}")


def dispatcher(environment: jinja2.Environment, **names: object) -> Callable[[model.FieldType], _Kind]:
    """A function from a type to the macros of its kind, which see these names. Raises KindError for a kind without a file."""
    loaded: dict[type, _Kind] = {}          # by class: this is called for every field, many times

    def kind(field_type: model.FieldType) -> _Kind:
        of = type(field_type)
        try:
            return loaded[of]
        except KeyError:
            return loaded.setdefault(of, _load(environment, getattr(of, "kind", None), {**names, "kind": kind}))

    return kind


def _load(environment: jinja2.Environment, name: str | None, names: dict[str, object]) -> _Kind:
    file = f"kinds/{name}.j2"
    try:
        return _Kind(file, environment.get_template(file).make_module(names))
    except jinja2.TemplateNotFound as error:
        raise KindError(f"no template knows the kind of field type {name!r}: there is no templates/{file}") from error
