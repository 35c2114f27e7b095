# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A field that is one of several alternatives: what an alternative can be."""

from collections.abc import Callable

from .. import model
from ..diagnostics import Reporter, at, quoted
from ..field_types import OneOf
from .names import checked_name, parameter
from .numbers import Numbers
from .syntax import Field, Word
from .types import is_tail

MOST = 127                      # alternatives: what says which is a byte, and descriptions mask its lower 7 bits
_FOR_FIELDS = ("range", "default", "pad", "max", "absent", "constant", "wire")


def one_of(written: Field, resolve: Callable[[Field], model.Field], public: frozenset[str], reporter: Reporter) -> model.Field:
    """The field. resolve: gives the field that an alternative would be by itself."""
    name = checked_name(written.name, written.c_name, reporter)
    for key in _FOR_FIELDS:
        if word := getattr(written, key):
            reporter.error(word.place if key != "range" else word[0].place, f'"{key}" has no meaning beside "one_of"', "give it to an alternative")
    if not 2 <= len(written.one_of) <= MOST and not reporter.diagnostics:
        reporter.error(written.name.place, f'"one_of" has 2 to {MOST} alternatives, not {len(written.one_of)}',
                       "for one field that may be absent, write a question mark behind its type" if len(written.one_of) == 1 else "divide the alternatives among several messages")
    can_be_none = _optional(written.optional, reporter)
    allowed = [alternative for alternative in written.one_of if _is_allowed(alternative, alternative is written.one_of[0], can_be_none, reporter)]
    alternatives = tuple(_alternative(name, resolve(alternative), public) for alternative in allowed)
    return model.Field(name, parameter(name, public), OneOf(model.Union(alternatives), can_be_none), "one_of", written.name.place,
                       written.doc, written.unit, since=Numbers(reporter).since(written.since) if written.since else 0, deprecated=written.deprecated)


def _optional(word: Word | None, reporter: Reporter) -> bool:
    if word is not None and (word.quoted or word.text.lower() not in ("true", "false")):
        reporter.error(word.place, f'"optional" is true or false, not {quoted(word.text)}', "true means that the field can have none of its alternatives")
    return word is not None and word.text.lower() == "true"


def _is_allowed(alternative: Field, is_first: bool, can_be_none: bool, reporter: Reporter) -> bool:
    """Whether the field can be an alternative; reported if not."""
    word, name = alternative.type.word, quoted(alternative.name.text)
    why, hint = "", ""
    if alternative.one_of:
        why, hint = "cannot be one of several itself", "list its alternatives here, or put it in a struct"
    elif alternative.type.optional:
        why, hint = "cannot be optional", 'remove the question mark; "optional: true" beside "one_of" allows none to be there'
    elif is_tail(alternative.type):
        bound = "[<=N]" if alternative.type.form != "[]" else f": {alternative.type.name.text}[<=N]"
        why, hint = "cannot be of any length", f"give it a bound{': ' + alternative.type.name.text if bound[0] == '[' else ''}{bound}"
    for key, hint_of_key in (("constant", "a field of its own can have one"), ("max", "the bound is in the type"), ("absent", "an alternative is absent if another one is there")):
        if not why and (found := getattr(alternative, key)):
            word, why, hint = found, f'cannot have a "{key}"' if key != "absent" else 'cannot have "absent"', f"remove it: {hint_of_key}"
    if not why and alternative.default is not None and (can_be_none or not is_first):
        word, why = alternative.default, 'cannot have a "default"'
        hint = "remove it: with \"optional\", none of the alternatives is there by default" if can_be_none else \
            "remove it: only the first alternative can have one, because it is there by default"
    if why:
        reporter.error(word.place, f"the alternative {name} {why}", hint)
    return not why


def _alternative(of: model.Name, field: model.Field, public: frozenset[str]) -> model.Alternative:
    return model.Alternative(*field)._replace(name=field.name._replace(member=f"{of.member}.{field.name.member}", length=of.length))


def report_same_parameters(record: model.Struct | model.Message, reporter: Reporter) -> None:
    """Alternatives are parameters of the constructors, beside the other fields."""
    fields = [field for field in record.fields if not field.element or field.element.described != "ONE_OF"]
    taken = {field.name.c: field.place for field in fields} | {field.length_parameter: field.place for field in fields if field.type.has_length}
    for alternative in record.alternatives:
        for name in (alternative.name.c, *((alternative.length_parameter,) if alternative.type.has_length else ())):
            if name in taken:
                reporter.error(alternative.place, f"this alternative and another field ({at(taken[name])}) would both define the parameter {quoted(name)}",
                               'give one of them another C name with "c_name"')
            taken.setdefault(name, alternative.place)
