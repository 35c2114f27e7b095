# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Pass 4, render: Layout -> {file name: text}. Knows Jinja, the templates and what they can call."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path

import jinja2

from .. import model
from ..blanks import forms
from ..laid_out import Layout
from ..packing import packings
from ..scalars import Bound, Scalar, is_saturated, length_scalar
from . import c_text, compiled, direct, rules, sample_sizes
from .kinds import dispatcher
from .local_names import integer_name, length_of, local_names, text_length

_PACKAGE = Path(__file__).resolve().parents[1]
# In the package, where pip installs it; otherwise beside gen/.
TEMPLATES = next(folder for folder in (_PACKAGE / "templates", _PACKAGE.parent / "templates") if folder.is_dir())
_SOURCES = {"protocol.h.j2": "{}.h", "protocol.c.j2": "{}.c"}
_ON_DEMAND = {"bench": {"protocol_bench.h.j2": "{}_bench.h"}, "cpp": {"protocol.hpp.j2": "{}.hpp"}, "python": {"protocol.py.j2": "{}.py"},
              "fuzz": {"protocol_fuzz.c.j2": "{}_fuzz.c"}, "wireshark": {"protocol.lua.j2": "{}.lua"}}
_SUITE = {"protocol_check.c.j2": "{}_check.c"}


def render(layout: Layout, on_demand: Collection[str] = ()) -> dict[str, str]:
    """The protocol's sources. on_demand: "bench" adds the header for the benchmark, "cpp" the header for C++,
    "python" the module for Python, "fuzz" the harness for libFuzzer, "wireshark" the dissector. The same layout gives the same text."""
    return _render(layout, _SOURCES | {template: name for kind in on_demand for template, name in _ON_DEMAND[kind].items()})


def suite(layout: Layout) -> dict[str, str]:
    """The protocol's tests. They are a program, so they belong in another folder than the sources."""
    return _render(layout, _SUITE)


def _render(layout: Layout, templates: dict[str, str]) -> dict[str, str]:
    environment = _environment()
    protocol = layout.protocol
    names = {"layout": layout, "protocol": protocol, "ruled_out": rules.ruled_out(protocol), "abi": engine_abi()}
    names["ranges"] = rules.range_table(layout)
    names["once"] = _once()
    names["ordinals"] = {message.model.name.c: i for i, message in enumerate(layout.messages)}
    if "protocol.py.j2" in templates:
        from .python_text import Module     # here: who emits no Python does not load it
        names["py"] = Module(layout)
    if "protocol.lua.j2" in templates:
        from .lua_text import Dissector
        names["lua"] = Dissector(layout, TEMPLATES / "wireshark")
    names["kind"] = dispatcher(environment, **names)
    return {name.format(protocol.name.c): environment.get_template(template).render(names)
            for template, name in templates.items()}


def _once() -> Callable[[str, Callable[..., str]], Callable[..., str]]:
    """For templates: once("name", macro) is the macro, but its text for the same arguments is rendered only once. The arguments are a
    part of the layout, which is compared by identity, since it lives as long as the layout, and texts."""
    rendered: dict[str, dict[tuple, str]] = {}

    def once(name: str, macro: Callable[..., str]) -> Callable[..., str]:
        known = rendered.setdefault(name, {})

        def kept(part: object, *texts: str) -> str:
            key = (id(part), texts)
            if key not in known:
                known[key] = macro(part, *texts)
            return known[key]
        return kept

    return once


def engine_abi() -> int:
    """The version that emitted code and the engine must share."""
    settings = (TEMPLATES / "engine/settings.h").read_text(encoding="utf-8")
    return int(re.search(r"^#define PROTOPOOL_ABI (\d+)$", settings, re.MULTILINE)[1])


@lru_cache(maxsize=None)
def _environment() -> direct.Environment:
    environment = direct.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
                                     autoescape=False, **compiled.options())
    environment.filters.update(
        comment=c_text.comment, remark=c_text.remark, wrapped=c_text.wrapped, folded=c_text.folded, continued=c_text.continued, c_string=c_text.c_string,
        c_integer=c_text.c_integer, local_names=local_names, text_length=text_length, length_of=length_of, integer_name=integer_name,
        c_character=c_text.c_character, c_character_of=c_text.c_character_of, c_literal=c_text.c_literal, c_mask=c_text.c_mask, c_bits=c_text.c_bits, c_wide=c_text.c_wide,
        pointer=c_text.pointer, address=c_text.address, operand=c_text.operand, negated=c_text.negated,
        suite_longest=sample_sizes.suite_longest, suite_bytes=sample_sizes.suite_bytes, suite_texts=sample_sizes.suite_texts,
        suite_characters=sample_sizes.suite_characters, bench_texts=sample_sizes.bench_texts, bench_characters=sample_sizes.bench_characters,
        bench_used=sample_sizes.bench_used, bench_bytes=sample_sizes.bench_bytes,
        bench_slot_class=sample_sizes.bench_slot_class, bench_largest=sample_sizes.bench_largest,
        bound=_bound, joined=lambda texts, between: between.join(filter(None, texts)), length_type=lambda bound: length_scalar(bound).c, utf8_length=lambda text: len(text.encode()),
        bounds=rules.bounds, described_range=rules.described_range, initial=rules.initial, span=rules.span, outside=rules.outside, outside_part=rules.outside_part,
        present=rules.present, absent_bits=rules.absent_bits, can_be_too_long=rules.can_be_too_long,
        showing=_of_protocol(rules.RuledOut.field_that_shows), forms=forms, packings=packings)
    environment.tests.update(
        enum=lambda e: isinstance(e, model.Enum), flags=lambda e: isinstance(e, model.Flags), bits=lambda e: isinstance(e, model.BitField),
        scalar=lambda e: isinstance(e, Scalar), struct=lambda e: isinstance(e, model.Struct), message=lambda e: isinstance(e, model.Message),
        bool=rules.is_bool, float=rules.is_float, half=rules.is_half, saturated=is_saturated,
        checked=rules.checked, absent_in_range=rules.absent_in_range, shown=_of_protocol(rules.RuledOut.shows),
        shown_by_element=_of_protocol(rules.RuledOut.element_shows))
    return environment


@jinja2.pass_context
def _bound(context: jinja2.runtime.Context, number: int) -> str:
    """A number of elements: the constant that the schema has for it, or its digits."""
    return f"{context['protocol'].name.upper}_{number.constant}" if isinstance(number, Bound) else str(number)


def _of_protocol(asks: Callable) -> Callable:
    """A filter or test that asks what the schema does not allow, for the protocol that is rendered."""
    return jinja2.pass_context(lambda context, subject: asks(context["ruled_out"], subject))
