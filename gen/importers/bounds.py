# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Gives a bound to fields of structs, and to alternatives, that have any length in the source: in a schema, only fields of messages can be
tails. The bound is a constant of the schema, with a comment: only a person can choose it."""

from dataclasses import replace

from .draft import Draft, Field, Value

_SMALL = 255            # a bound of the source up to this is used as it is
_CHOSEN = {"string": ("max_text", 64, "characters of a text"), "bytes": ("max_bytes", 255, "bytes of a blob"),
           "list": ("max_elements", 8, "elements of a list")}


def settled(draft: Draft) -> Draft:
    """The draft with a type for each field that a schema can have at its place. A field of a message keeps any length: it is a tail."""
    needed: dict[str, str] = {}
    prefix = "" if draft.protocol else f"{draft.stem}_"

    def field(of: Field) -> Field:
        base = of.type.rstrip("?")
        kind = "list" if base.endswith("[]") else base
        if kind not in _CHOSEN:
            return of
        element = "" if kind != "list" else base[:-2]
        bound = str(of.most) if of.most is not None and of.most <= _SMALL else prefix + _CHOSEN[kind][0]
        if bound.endswith(_CHOSEN[kind][0]):
            needed[kind] = bound
        return replace(of, type=f"{element or kind}[<={bound}]{'?' * of.type.endswith('?')}", most=None)

    def alternatives(of: Field) -> Field:
        return replace(of, one_of=tuple(map(field, of.one_of)))

    structs = tuple(replace(of, fields=tuple(alternatives(field(f)) for f in of.fields)) for of in draft.structs)
    messages = tuple(replace(of, fields=tuple(map(alternatives, of.fields))) for of in draft.messages)
    constants = [Value(name, _CHOSEN[kind][1], draft.place, f"The most {_CHOSEN[kind][2]}.",
                       ("choose: the source has no bound here, or a very large one.",)) for kind, name in needed.items()]
    return replace(draft, constants=(*draft.constants, *constants), structs=structs, messages=messages)
