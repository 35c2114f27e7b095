# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The order in which structs are resolved, laid out and emitted: each after the structs that it contains."""

from collections.abc import Collection, Iterator

from ..diagnostics import Reporter, quoted
from .syntax import Struct, Word


def in_order_of_need(structs: dict[str, Struct], others: Collection[str], reporter: Reporter) -> list[Struct]:
    """Each struct after the structs that it contains. others: the names of other types, also if a struct has the same name. A
    struct that would contain itself is reported, and its field resolved as a number."""
    order: list[Struct] = []
    state: dict[str, bool] = {}                 # by name, of the structs begun: whether it is done

    def held(struct: Struct) -> Iterator[Word]:
        return (f.type.name for field in struct.fields for f in field.one_of or (field,)
                if f.type.name.text in structs and f.type.name.text not in others)

    for first in structs.values():
        path = [] if first.name.text in state else [(first, held(first))]
        while path:
            struct, rest = path[-1]
            state.setdefault(struct.name.text, False)
            word = next(rest, None)
            if word is None:
                state[struct.name.text] = True
                order.append(struct)
                path.pop()
            elif word.text not in state:
                inner = structs[word.text]
                path.append((inner, held(inner)))
            elif not state[word.text]:
                _report_cycle(word, [s.name.text for s, _ in path], reporter)
    return order


def _report_cycle(word: Word, path: list[str], reporter: Reporter) -> None:
    cycle = path[path.index(word.text):]
    shown = [quoted(name) for name in (*cycle, word.text)]
    if len(shown) > 20:
        shown[10:-10] = ["..."]
    reporter.error(word.place, f"the struct {quoted(word.text)} would contain itself: {' -> '.join(shown)}",
                   "a struct is stored by value: refer to another by a number, such as an index")
