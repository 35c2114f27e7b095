# SPDX-License-Identifier: Apache-2.0 OR MIT
"""schema.json, with which editors check a schema, and the generator agree: what the one refuses, the other refuses, but for what no
JSON Schema can say. bad/only_by_generator.txt names the schemas in bad/ with such mistakes."""

import importlib.util
import json
import random
import re
import unittest

import combinations
import fuzz_schema
import test_language
import yaml
from support import BAD, ROOT, errors, long, random_schema

WORDS = """\
protocol: on
constants:
enums: {answer: {values: [Yes, No, off, 'null', 010, 1e3, 0x1]}}
messages: {Off: {doc: 5, fields: {y: answer, n: u8, on: {type: u8, unit: 1, doc: }, No: u8}}, Null: }
"""
ONLY_BY_GENERATOR = BAD / "only_by_generator.txt"


class Yaml12(yaml.SafeLoader):
    """Reads YAML as editors do: version 1.2, no key twice. (PyYAML alone reads `yes` as true, and 1:30 as 90.)"""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key is no word", node.start_mark)
        found = {key.value: self.construct_object(value, deep=True) for key, value in node.value}
        if len(found) < len(node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key appears twice", node.start_mark)
        return found


for tag, pattern, first in (("null", r"~|null|Null|NULL|", "~nN\0"), ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
                            ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
                            ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})\Z"), [*first.replace("\0", ""), *("" if tag != "null" else [""])])
Yaml12.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value, 0) if node.value[:2] in ("0x", "0o") else int(node.value))
Yaml12.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(node.value))


@unittest.skipUnless(importlib.util.find_spec("jsonschema"), "python3-jsonschema is missing: make deps-ci")
class Editors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import jsonschema

        schema = json.loads((ROOT / "gen/language/schema.json").read_text(encoding="utf-8"))
        jsonschema.Draft7Validator.check_schema(schema)
        cls.validator = jsonschema.Draft7Validator(schema)

    def mistakes(self, text: str) -> list[str]:
        """What an editor underlines."""
        try:
            return [error.message for error in self.validator.iter_errors(yaml.load(text, Yaml12))]
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            return [str(error)]

    def test_each_bad_schema_is_bad_in_an_editor_too_or_is_listed(self):
        listed = ONLY_BY_GENERATOR.read_text(encoding="utf-8").split()
        found = []
        for path in sorted(BAD.glob("*.yaml")):
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue                                # no editor shows it
            if not self.mistakes(text):
                found.append(path.stem)
        self.assertEqual(found, listed, "schema.json should refuse these, if a JSON Schema can")

    def test_an_editor_accepts_what_the_generator_accepts(self):
        imports = test_language.Imports
        texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "schema").rglob("*.yaml")}
        texts |= {"combinations": combinations.schema(), "one_of": combinations.with_one_ofs(), "imports": imports.MAIN, "words": WORDS, "imported": imports.GEO, "constants": imports.BASE}
        for name, text in texts.items():
            with self.subTest(name):
                self.assertEqual(self.mistakes(text), [])

    @long
    def test_an_editor_accepts_random_schemas_that_the_generator_accepts(self):
        rng, accepted = random.Random(7), 0
        for i in range(200):
            text = random_schema(i) if i < 20 else fuzz_schema.from_grammar(rng).decode("utf-8", "replace")
            if errors(text):
                continue
            accepted += 1
            self.assertEqual(self.mistakes(text), [], text)
        self.assertGreater(accepted, 60)

    def test_the_schema_has_each_key_that_the_generator_has(self):
        for wrong in ("protocol: p\nmessages: {A: {fields: {x: 'u8]'}}}", "protocol: p\nmessages: {A: {field: {}}}",
                      "protocol: p\nstructs: {s: {}}\nmessages: {A: {}}", "protocol: p\nenums: {e: {}}\nmessages: {A: {}}",
                      "protocol: p\nstructs: {s: {fields: {t: string}}}\nmessages: {A: {}}", "messages: {A: {}}"):
            self.assertNotEqual(self.mistakes(wrong), [], wrong)
            self.assertNotEqual(errors(wrong), [], wrong)


if __name__ == "__main__":
    unittest.main()
