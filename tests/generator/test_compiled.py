# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Compiled templates that are kept change nothing but the time: not the output, and not what a change of a template does."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import jinja2

from support import ROOT, lay_out, long, random_schema

from gen.emit import compiled, direct, render


class Kept(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tool = Path(folder.name)
        for name in ("gen", "templates"):
            shutil.copytree(ROOT / name, self.tool / name, ignore=shutil.ignore_patterns("__pycache__"))

    def header(self, **environment: str) -> str:
        out = tempfile.mkdtemp(dir=self.tool)
        subprocess.run([sys.executable, "-m", "gen", "-q", "-o", out, ROOT / "schema/calc.yaml"], cwd=self.tool, check=True,
                       env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **environment})
        return Path(out, "calc.h").read_text(encoding="utf-8")

    def kept(self) -> list[Path]:
        return sorted(self.tool.rglob("*.jinja-*"))

    @long
    def test_the_output_is_the_same_with_and_without_them_and_where_they_are_damaged(self):
        expected = self.header(PYTHONDONTWRITEBYTECODE="1")
        self.assertEqual(self.kept(), [])
        self.assertEqual(self.header(), expected)
        self.assertGreater(len(self.kept()), 3)
        self.assertEqual(self.header(), expected)
        for content in (lambda data: b"", lambda data: b"no bytecode", lambda data: data[:len(data) // 2]):
            for path in self.kept():
                path.write_bytes(content(path.read_bytes()))
            self.assertEqual(self.header(), expected)

    @long
    def test_a_template_that_changes_is_compiled_again(self):
        self.header()
        template = self.tool / "templates/protocol.h.j2"
        template.write_text(template.read_text(encoding="utf-8") + "/* changed */\n", encoding="utf-8")
        self.assertTrue(self.header().endswith("/* changed */\n"))

    @long
    def test_a_filter_that_changes_is_seen(self):
        """What Jinja compiles depends on how a filter is declared."""
        self.header()
        render = self.tool / "gen/emit/render.py"
        render.write_text(render.read_text(encoding="utf-8") + """

def _declared_otherwise() -> jinja2.Environment:
    environment = _plain_environment()
    plain = environment.filters["comment"]
    environment.filters["comment"] = jinja2.pass_context(lambda context, *arguments: plain(*arguments).upper())
    return environment


_plain_environment, _environment = _environment, _declared_otherwise
""", encoding="utf-8")
        self.assertIn("A CALCULATOR", self.header())

    def test_nothing_is_computed_before_a_template_is_rendered(self):
        """For example, the result of a filter on a constant would be kept, and stay when the filter changes."""
        calls = []
        environment = direct.Environment(**compiled.options() | {"bytecode_cache": None})
        environment.filters["noted"] = lambda value: calls.append(value) or value
        environment.tests["noted"] = lambda value: calls.append(value) or True
        template = environment.from_string("{{ 1|noted }}{% if 2|noted %}{% endif %}{% if 3 is noted %}{% endif %}{% set x = 4|noted %}"
                                           "{% for y in [5|noted] %}{% endfor %}{% macro m(x=6|noted) %}{{ 7|noted }}{% endmacro %}{{ m() }}")
        self.assertEqual(calls, [])
        template.render()
        self.assertEqual(sorted(calls), [1, 2, 3, 4, 5, 6, 7])

    @long
    def test_templates_give_the_same_text_as_with_the_compiler_of_jinja(self):
        texts = []
        for generator in (direct.Environment.code_generator_class, jinja2.Environment.code_generator_class):
            with mock.patch.object(direct.Environment, "code_generator_class", generator), \
                    mock.patch.object(compiled, "options", lambda: {"optimized": False}):
                render._environment.cache_clear()
                texts.append([render.render(layout, ("bench", "cpp")) | render.suite(layout)
                              for layout in map(lay_out, map(random_schema, range(3)))])
        render._environment.cache_clear()
        self.assertEqual(*texts)


if __name__ == "__main__":
    unittest.main()
