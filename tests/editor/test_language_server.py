# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What an editor shows while a schema is written: a YAML language server runs with gen/language/schema.json, which the first line
of the schema names. `make editor` installs the server in build/editor with npm."""

import itertools
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import ROOT

SERVER = ROOT / "build/editor/node_modules/.bin/yaml-language-server"
MODELINE = f"# yaml-language-server: $schema={(ROOT / 'gen/language/schema.json').as_uri()}\n"
GOOD = """\
protocol: shop
enums:
  state: {values: [new, paid]}
messages:
  Order:
    max_live: 100
    fields:
      number: u64
      state: {type: state, doc: Where the order is.}
      remark: 'string[<=80]?'
"""


class Server:
    """A language server on its standard input and output."""

    def __init__(self):
        self.process = subprocess.Popen([str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.ids, self.diagnostics, self.versions = itertools.count(1), {}, itertools.count(1)
        self.ask("initialize", processId=None, rootUri=ROOT.as_uri(), capabilities={"textDocument": {
            "hover": {"contentFormat": ["plaintext"]}, "completion": {"completionItem": {}}}, "workspace": {"configuration": True}})
        self.send(method="initialized", params={})

    def send(self, **message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def receive(self) -> dict:
        """The next message. Diagnostics are kept, questions of the server are answered."""
        length = 0
        while (line := self.process.stdout.readline().strip()):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            raise EOFError("the language server has ended")
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.diagnostics[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            settings = {"yaml": {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}}
            wanted = message["params"].get("items", []) if message["method"] == "workspace/configuration" else []
            self.send(id=message["id"], result=[settings.get(item.get("section")) for item in wanted] or None)
        return message

    def ask(self, method: str, **params):
        number = next(self.ids)
        self.send(id=number, method=method, params=params)
        while True:
            message = self.receive()
            if message.get("id") == number and "method" not in message:
                return message.get("result")

    def open(self, uri: str, text: str) -> None:
        self.send(method="textDocument/didOpen", params={"textDocument": {"uri": uri, "languageId": "yaml", "version": next(self.versions), "text": text}})

    def diagnose(self, uri: str, text: str) -> list[dict]:
        self.open(uri, text)
        while uri not in self.diagnostics:
            self.receive()
        return self.diagnostics.pop(uri)


@unittest.skipUnless(shutil.which("npm") or SERVER.exists(), "npm is missing")
class Editor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not SERVER.exists():
            raise unittest.SkipTest("the language server is missing: make editor")
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.uris = ((Path(folder.name) / f"{i}.yaml").as_uri() for i in itertools.count())
        cls.server = Server()
        for stream in (cls.server.process.stdin, cls.server.process.stdout):
            cls.addClassCleanup(stream.close)
        cls.addClassCleanup(cls.server.process.wait)
        cls.addClassCleanup(cls.server.process.kill)

    def underlined(self, text: str) -> list[tuple[int, str]]:
        """The line of each diagnostic, as an editor counts after the modeline, and its words."""
        found = self.server.diagnose(next(self.uris), MODELINE + text)
        return sorted((d["range"]["start"]["line"], d["message"]) for d in found)

    def completed(self, text: str) -> list[str]:
        """What can stand at the mark |."""
        before, _, after = text.partition("|")
        uri, line, column = next(self.uris), before.count("\n") + 1, len(before.rpartition("\n")[2])
        self.server.open(uri, MODELINE + before + after)
        found = self.server.ask("textDocument/completion", textDocument={"uri": uri}, position={"line": line, "character": column})
        return [item["label"].strip('"') for item in (found["items"] if isinstance(found, dict) else found or [])]

    def shown(self, text: str, word: str) -> str:
        """What an editor shows under the mouse, on this word."""
        uri, before = next(self.uris), text.partition(word)[0]
        self.server.open(uri, MODELINE + text)
        position = {"line": before.count("\n") + 1, "character": len(before.rpartition("\n")[2]) + 1}
        found = self.server.ask("textDocument/hover", textDocument={"uri": uri}, position=position)
        contents = (found or {}).get("contents", "")
        return contents["value"] if isinstance(contents, dict) else str(contents)

    def test_our_schemas_have_no_diagnostic(self):
        self.assertEqual(self.underlined(GOOD), [])
        for path in sorted((ROOT / "schema").glob("*.yaml")):
            with self.subTest(path.name):
                self.assertEqual(self.server.diagnose(path.as_uri(), path.read_text(encoding="utf-8")), [])

    def test_three_mistakes_are_three_diagnostics_each_in_its_line(self):
        wrong = GOOD.replace("max_live: 100", "max_life: 100").replace("'string[<=80]?'", "'string[80]'").replace("doc: Where", "docs: Where")
        found = self.underlined(wrong)
        self.assertEqual([line for line, _ in found], [6, 9, 10], found)
        self.assertIn("max_life", found[0][1])
        self.assertIn("docs", found[1][1])
        self.assertIn("not a type", found[2][1])

    def test_mistakes_have_words_that_help(self):
        for line, wrong, words in ((1, GOOD.replace("protocol: shop", "protocol: 2shop"), "begins with a letter"),
                                   (6, GOOD.replace("max_live: 100", "max_live: -1"), "0"),
                                   (9, GOOD.replace("doc: Where the order is.", "max: 9"), '"max" is only for')):
            with self.subTest(words):
                found = self.underlined(wrong)
                self.assertEqual([at for at, _ in found], [line], found)
                self.assertIn(words, found[0][1])

    def test_keys_are_completed(self):
        self.assertLessEqual({"messages", "enums", "import", "constants"}, set(self.completed("protocol: p\n|\n")))
        self.assertLessEqual({"fields", "tag", "max_live", "deprecated"}, set(self.completed("protocol: p\nmessages:\n  Add:\n    |\n")))
        self.assertLessEqual({"unit", "range", "default", "doc"}, set(self.completed(
            "protocol: p\nmessages:\n  Add:\n    fields:\n      left:\n        type: u8\n        |\n")))

    def test_types_are_completed(self):
        in_short = self.completed("protocol: p\nmessages:\n  Add:\n    fields:\n      left: |\n")
        in_full = self.completed("protocol: p\nmessages:\n  Add:\n    fields:\n      left:\n        type: |\n")
        for found in (in_short, in_full):
            self.assertLessEqual({"u8", "i64", "f32", "bool", "string", "string[<=40]"}, set(found))
        of_struct = self.completed("structs:\n  point:\n    fields:\n      x: |\n")
        self.assertIn("u8", of_struct)
        self.assertNotIn("string", of_struct)           # a tail is for messages

    def test_keys_show_their_documentation(self):
        self.assertIn("prefix of every C name", self.shown(GOOD, "protocol"))
        self.assertIn("fixed pool guarantees", self.shown(GOOD, "max_live"))
        self.assertIn("Text for comments", self.shown(GOOD, "doc"))
        self.assertIn("name of an enum, flags, a bit field, a type or a struct", self.shown(GOOD, "type: state"))


if __name__ == "__main__":
    unittest.main()
