# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--format: errors as text, JSON, GitHub's workflow commands and SARIF."""

import json
import re
import subprocess
import unittest
from urllib.parse import unquote, urlsplit

from support import BAD, BAD_TEXT, CommandTest, command, long, main

from gen import report
from gen.diagnostics import Diagnostic, Place, Source

SOURCE = Source("a b, 100%.yaml", "one\ntwo: Größe\n")
AT_LINE = Diagnostic(SOURCE, Place(2, 6, 5), "50% of it, or: less\nall", "a hint", "warning", "size")
AT_FILE = Diagnostic(Source("out/calc.h"), None, "out/calc.h is stale", rule="stale")
AT_NOTHING = Diagnostic(Source(""), None, "No space left", rule="file")
PLAIN = Diagnostic(SOURCE, Place(1, 1, 3), "no")


class Text(unittest.TestCase):
    def test_a_rule_follows_the_message(self):
        self.assertIn(":2:6: warning: 50% of it, or: less?all [size]\n", str(AT_LINE))
        self.assertIn(":1:1: error: no\n", str(PLAIN))

    def test_without_a_line_the_command_speaks(self):
        self.assertEqual(str(AT_FILE), "protopool: out/calc.h is stale")


class Json(unittest.TestCase):
    def test_one_array_with_an_object_for_each(self):
        self.assertEqual(json.loads(report.as_json([AT_LINE, AT_FILE, AT_NOTHING, PLAIN])), [
            {"file": "a b, 100%.yaml", "line": 2, "column": 6, "end_column": 11, "severity": "warning", "rule": "size",
             "message": "50% of it, or: less\nall", "hint": "a hint"},
            {"file": "out/calc.h", "line": None, "column": None, "end_column": None, "severity": "error", "rule": "stale",
             "message": "out/calc.h is stale", "hint": None},
            {"file": None, "line": None, "column": None, "end_column": None, "severity": "error", "rule": "file",
             "message": "No space left", "hint": None},
            {"file": "a b, 100%.yaml", "line": 1, "column": 1, "end_column": 4, "severity": "error", "rule": "schema",
             "message": "no", "hint": None}])

    def test_an_empty_array_if_there_are_none(self):
        self.assertEqual(report.as_json([]), "[]\n")


class Github(unittest.TestCase):
    def test_a_line_for_each_with_what_would_end_a_part_escaped(self):
        self.assertEqual(report.as_github([AT_LINE, AT_FILE, AT_NOTHING]).splitlines(), [
            "::warning file=a b%2C 100%25.yaml,line=2,col=6,endColumn=11,title=protopool size::50%25 of it, or: less%0Aall%0Ahint: a hint",
            "::error file=out/calc.h,title=protopool stale::out/calc.h is stale",
            "::error title=protopool file::No space left"])

    def test_a_note_is_a_notice(self):
        self.assertTrue(report.as_github([Diagnostic(SOURCE, Place(1, 1), "x", severity="note")]).startswith("::notice file="))

    def test_a_message_cannot_begin_another_command(self):
        text = report.as_github([Diagnostic(Source("a\n::error::b,c:d\r"), Place(1, 1), "x\r\n::set-env name=A::b\x1b[2J")])
        self.assertEqual(text.count("\n"), 1)
        self.assertEqual(text, "::error file=a%0A%3A%3Aerror%3A%3Ab%2Cc%3Ad%0D,line=1,col=1,endColumn=2,title=protopool schema"
                               "::x%0D%0A::set-env name=A::b?[2J\n")


class Sarif(unittest.TestCase):
    """What SARIF 2.1.0 requires of a log (its section 3), for each object that occurs."""

    def assert_log(self, text: str) -> list[dict]:
        """The results of a log that is valid."""
        log = json.loads(text)
        self.assertEqual(log["version"], "2.1.0")
        self.assertEqual(set(log), {"$schema", "version", "runs"})
        run, = log["runs"]
        self.assertEqual(set(run), {"tool", "columnKind", "results"})
        self.assertEqual(run["columnKind"], "unicodeCodePoints")
        driver = run["tool"]["driver"]
        self.assertEqual(driver["name"], "protopool")
        self.assertRegex(driver["semanticVersion"], r"\A\d+\.\d+\.\d+\Z")
        ids = [rule["id"] for rule in driver["rules"]]
        self.assertEqual(len(ids), len(set(ids)))
        for result in run["results"]:
            self.assertIn(result["level"], ("none", "note", "warning", "error"))
            self.assertEqual(ids[result["ruleIndex"]], result["ruleId"])
            self.assertTrue(result["message"]["text"])
            for location in result.get("locations", []):
                self.assert_location(location["physicalLocation"])
        return run["results"]

    def assert_location(self, location: dict) -> None:
        uri = location["artifactLocation"]["uri"]
        self.assertRegex(uri, r"\A[A-Za-z0-9._~!$&'()*+,;=:@/%-]+\Z")
        self.assertNotRegex(uri, r"%(?![0-9A-F]{2})")
        self.assertIn(urlsplit(uri).scheme, ("", "file"))
        for key, value in location.get("region", {}).items():
            self.assertIn(key, ("startLine", "startColumn", "endColumn"))
            self.assertGreaterEqual(value, 1)
        if "region" in location:
            self.assertGreater(location["region"]["endColumn"], location["region"]["startColumn"])

    def test_each_kind_of_diagnostic(self):
        at_line, at_file, at_nothing, plain = self.assert_log(report.as_sarif([AT_LINE, AT_FILE, AT_NOTHING, PLAIN]))
        location = at_line["locations"][0]["physicalLocation"]
        self.assertEqual(unquote(location["artifactLocation"]["uri"]), SOURCE.name)
        self.assertEqual(location["region"], {"startLine": 2, "startColumn": 6, "endColumn": 11})
        self.assertEqual((at_line["level"], at_line["ruleId"], plain["ruleId"]), ("warning", "size", "schema"))
        self.assertNotIn("region", at_file["locations"][0]["physicalLocation"])
        self.assertNotIn("locations", at_nothing)

    def test_a_log_without_results(self):
        self.assertEqual(self.assert_log(report.as_sarif([])), [])

    def test_absolute_paths_are_file_uris_and_odd_bytes_stay(self):
        for name, uri in (("/a b/c.yaml", "file:///a%20b/c.yaml"), ("x/\udcff.yaml", "x/%FF.yaml"), ("<stdin>", "%3Cstdin%3E"),
                          ("a:b.yaml", "a%3Ab.yaml")):
            result, = self.assert_log(report.as_sarif([Diagnostic(Source(name), Place(1, 1), "x")]))
            self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], uri)

    def test_the_errors_of_every_bad_schema(self):
        found_first = [path for path in sorted(BAD.glob("*.yaml")) if not re.search("bytes|add up", path.with_suffix(".err").read_text(encoding="utf-8"))]
        schemas = found_first[::25]     # errors of the layout are not found beside others
        self.assertGreater(len(schemas), 10)
        status, out, err = main("plan", "--format=sarif", *schemas)
        self.assertEqual((status, err), (1, ""))
        files = {unquote(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) for result in self.assert_log(out)}
        self.assertEqual(files, {f"file://{path}" for path in schemas})


class Commands(CommandTest):
    """Each command has --format; what it then prints on standard output is the diagnostics and nothing else."""

    COMMANDS = (["generate"], ["check"], ["plan"], ["plan", "--json"], ["doc"], ["bench"], [])

    def test_errors_of_a_schema(self):
        for words in self.COMMANDS:
            status, out, err = main(*words, "--format=json", self.bad)
            self.assertEqual((status, err), (1, ""), words)
            error, = json.loads(out)
            self.assertEqual((error["file"], error["line"], error["column"], error["rule"]), (str(self.bad), 2, 23, "schema"))
            self.assertIn(f"::error file={self.bad},line=2,col=23,", main(*words, "--format=github", self.bad)[1])

    def test_a_file_that_cannot_be_read(self):
        for words in self.COMMANDS:
            status, out, err = main(*words, "--format=json", self.folder / "missing.yaml")
            self.assertEqual((status, err), (2, ""), words)
            error, = json.loads(out)
            self.assertEqual((error["file"], error["line"], error["rule"]), (str(self.folder / "missing.yaml"), None, "file"))
            self.assertIn("No such file", error["message"])

    def test_stale_outputs(self):
        status, out, err = main("check", "--format=json", "-o", self.out, self.good)
        self.assertEqual((status, err), (1, ""))
        self.assertEqual([(each["file"], each["message"], each["rule"]) for each in json.loads(out)],
                         [(f"{self.out}/{name}", f"{self.out}/{name} is missing", "stale")
                          for name in ("calc.h", "calc.c", "protopool.h", "protopool.c")])

    def test_success_is_an_empty_list(self):
        for words in ("generate", "check"):
            self.assertEqual(main(words, "--format=json", "-o", self.out, self.good), (0, "[]\n", ""))
            self.assertEqual(json.loads(main(words, "--format=sarif", "-o", self.out, self.good)[1])["runs"][0]["results"], [])
            self.assertEqual(main(words, "--format=github", "-o", self.out, self.good), (0, "", ""))

    def test_standard_input_has_a_name(self):
        done = command("check", "--format=github", "-", input=BAD_TEXT)
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stdout.startswith("::error file=<stdin>,line=2,"))

    @long
    def test_a_full_standard_output_is_reported_on_standard_error(self):
        for form in ("json", "github", "sarif"):
            with open("/dev/full", "w") as full:
                done = command("check", "--format", form, self.folder / "missing.yaml", capture_output=False, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r"\Aprotopool: [^\n]*missing.yaml: No such file or directory\n\Z")
            with open("/dev/full", "w") as full:
                done = command("check", "--format", form, self.bad, capture_output=False, stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, r"\Aprotopool: No space left[^\n]*\n\Z")

    def test_an_unknown_format_is_wrong_usage(self):
        done = command("plan", "--format=xml", self.good)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(re.search(r"choose from 'text', 'json', 'github', 'sarif'", done.stderr))


if __name__ == "__main__":
    unittest.main()
