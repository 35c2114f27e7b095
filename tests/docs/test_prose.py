# SPDX-License-Identifier: Apache-2.0 OR MIT
"""README.md and docs/ besides their blocks: links lead somewhere, figures agree with where they come from, lists are complete."""

import json
import re
import runpy
import tempfile
import unittest

import pages
from support import ROOT, called, main

from gen.commands import NAMES


class Links(unittest.TestCase):
    def test_each_leads_to_a_file_and_a_heading(self):
        for page in pages.PAGES:
            self.assertTrue(pages.links(page), f"{page} has no link")
            for link in pages.links(page):
                if re.match(r"https?:", link):
                    continue
                path, _, anchor = link.partition("#")
                target = (pages.folder_of(page) / path).resolve() if path else ROOT / page
                self.assertTrue(target.exists(), f"{page}: {link}")
                if anchor:
                    self.assertIn(anchor, map(pages.anchor, pages.headings(str(target.relative_to(ROOT)))), f"{page}: {link}")

    def test_each_page_is_reached_from_the_readme(self):
        linked = {link.partition("#")[0] for link in pages.links("README.md")}
        self.assertEqual([page for page in pages.PAGES[1:] if page not in linked], [])

    def test_each_path_that_is_named_exists(self):
        named = re.compile(r"`((?:gen|templates|tests|bench|docs|schema|examples|generated)/[\w./-]*)`")
        for page in pages.PAGES:
            for path in named.findall(pages.parse(page)[1]):
                self.assertTrue((ROOT / path).exists(), f"{page}: {path}")

    def test_the_list_at_the_top_of_a_page_has_its_sections(self):
        for page in pages.PAGES:
            prose = pages.parse(page)[1]
            listed = re.findall(r"(?m)^- \[(.*)\]\(#(.*)\)$", prose)
            if listed:
                sections = re.findall(r"(?m)^## (.*)$", prose)
                self.assertEqual(listed, [(section, pages.anchor(section)) for section in sections], page)


def table(page: str, first_row: str) -> list[list[str]]:
    """The rows of the table that has this row, cell by cell, without its head."""
    lines = pages.read(page).splitlines()
    begin = end = next(i for i, line in enumerate(lines) if line.startswith(first_row))
    while lines[begin - 1].startswith("|"):
        begin -= 1
    while lines[end].startswith("|"):
        end += 1
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[begin + 2:end]]


class Figures(unittest.TestCase):
    def test_the_readmes_bytes_are_those_of_the_plan(self):
        status, out, err = main("--plan=json", ROOT / "schema/calc.yaml")
        self.assertEqual((status, err), (0, ""))
        mean = json.loads(out)[0]["mean_bytes"]
        shown = re.search(r"takes ([\d.]+) bytes on average \(`malloc`: ([\d.]+), blocks of the union's size: ([\d.]+)\)",
                          " ".join(pages.read("README.md").split())).groups()
        self.assertEqual(shown, (f"{mean['slot']:.1f}", f"{mean['malloc']:.1f}", f"{mean['union']:.0f}"))

    def test_the_readmes_speeds_are_the_least_and_the_most_of_the_benchmarks_page(self):
        of_page = re.search(r"\*Mixed\*: ([\d.]+) to ([\d.]+) times as fast as glibc\.",
                            " ".join(pages.read("docs/benchmark.md").split())).groups()
        of_readme = re.search(r"mixed loads of (?:two|three) schemas run ([\d.]+) to ([\d.]+) times as fast as with the `malloc` of glibc",
                              " ".join(pages.read("README.md").split())).groups()
        self.assertEqual(of_readme, of_page)

    def test_instructions_are_those_that_ci_compares_with(self):
        counted = {(each["workload"], each["kind"]): each["counted"] for each in
                   json.loads((ROOT / "bench/instructions.json").read_text())["instructions"] if each["protocol"] == "calc"}
        rows = table("docs/benchmark.md", "| pair | 15")
        self.assertEqual([row[:3] for row in rows], [[title, f"{counted[name, 'one']['limit']:.0f}", f"{counted[name, 'one']['pool']:.0f}"]
                                                     for title, name in (("pair", "pair"), ("batch of 100", "batch"))])

    def test_what_tails_cost_is_what_the_plan_says(self):
        page = " ".join(pages.read("docs/schema.md").split())
        journal = next(block.text for block in pages.parse("docs/schema.md")[0] if block.text.startswith("protocol: journal"))
        plans = []
        for text in (journal, journal.replace(", max: 1000", "")):
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                file.write(text)
                file.flush()
                plans.append(json.loads(main("--plan=json", file.name)[1])[0])
        sizes = len(plans[1]["slot_sizes"]) - len(plans[0]["slot_sizes"])
        each = [(plans[1]["handle_bytes"][bits] - plans[0]["handle_bytes"][bits]) // sizes for bits in ("64", "32")]
        self.assertIn("costs {} bytes in the struct of each pool ({} on a microcontroller).".format(*each), page)
        of_both = [f"{plan['handle_bytes']['64'] / 1000:.1f}" for plan in plans]
        self.assertIn("the struct has {} KB. Without `max` it has {} KB.".format(*of_both), page)
        self.assertEqual(plans[1]["fixed_pool_bytes"], plans[0]["fixed_pool_bytes"])

    def test_the_memory_besides_messages_is_what_the_plan_says(self):
        tail = "protocol: p\nmessages: {Blob: {fields: {data: {type: bytes, max: 1048576}}}}\n"
        rows = []
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(tail)
            file.flush()
            for name, schema in (("calc", "calc.yaml"), ("itch", "itch.yaml"), ("telemetry", "telemetry.yaml"), ("a tail of up to 1 MiB", file.name)):
                plan, = json.loads(main("--plan=json", ROOT / "schema" / schema)[1])
                handle, sizes = plan["handle_bytes"]["64"], len(plan["slot_sizes"])
                fixed = handle + plan["fixed_pool_bytes"]["64"] - sum(s["budget_bytes"] for s in plan["slot_sizes"])
                parts = -(-min(8, sizes) // 2)
                rows.append([name, *(f"{n:,}" for n in (sizes, handle, fixed, handle + 64 * parts, handle + 144 * parts))])
        self.assertEqual(table("docs/pool.md", "| calc | "), rows)

    def test_the_size_of_firmware_has_the_limits_of_its_test(self):
        limits = runpy.run_path(str(ROOT / "tests/engine/firmware/size.py"))["LIMITS"]
        programs = {"a fixed pool": "POOL", "two pools on a fixed depot": "DEPOT"}
        rows = re.findall(r"(?m)^\| (.*?) \| (\d+|default) \| (\d+) \| (\d+) \|$", pages.read("docs/firmware.md"))
        self.assertEqual([(programs[program], None if slots == "default" else int(slots), int(flash), int(ram))
                          for program, slots, flash, ram in rows], limits)

    def test_what_holders_cost_has_the_limits_of_its_test(self):
        limits = runpy.run_path(str(ROOT / "tests/bench/test_instructions.py"))["SHARED"]
        text = " ".join(pages.read("docs/pool.md").split())
        shown = [int(re.search(pattern, text)[1]) for pattern in (r"`hold` and its `free` together take (\d+) instructions",
                                                                  r"reads the count, which takes (\d+) instructions more")]
        self.assertEqual(shown, [limits["held"] - limits["alone"], limits["alone"] - limits["plain"]])

    def test_the_readme_is_short(self):
        self.assertLessEqual(len(pages.read("README.md").splitlines()), 150)


class Lists(unittest.TestCase):
    def test_all_options_are_on_the_page(self):
        shown = re.findall(r"(?m)^\| (`-.*?) \|", pages.read("docs/commands.md"))
        listed = {re.match(r"-+[\w-]+", option)[0] for cell in shown for option in re.findall(r"`(.*?)`", cell)}
        helps = [called(*name, "-h").stdout for name in ([], *([name] for name in NAMES))]
        forms = re.findall(r"(?m)^  (-.*?)(?:  |$)", "\n".join(helps))
        self.assertGreater(len(forms), 10)
        self.assertEqual(listed, {option for form in forms for option in re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", form)})

    def test_all_keys_of_the_language_are_on_the_page(self):
        schema = json.loads((ROOT / "gen/language/schema.json").read_text())
        page = pages.read("docs/schema.md")
        for keys in (schema["properties"], *(part.get("properties", {}) for part in schema["definitions"].values())):
            for key in keys:
                self.assertIn(f"`{key}`", page)

    def test_all_functions_of_pools_and_depots_are_on_the_page(self):
        header = (ROOT / "generated/calc.h").read_text()
        page = pages.read("docs/api.md")
        functions = set(re.findall(r"\b(calc_(?:pool|depot)_[a-z_]*[a-z])\(", header))
        self.assertGreater(len(functions), 15)
        for function in functions:
            self.assertIn(f"`{function}", page)

    def test_all_faults_are_on_the_page(self):
        texts = re.findall(r"PROTOPOOL_FAULT_\w+(?: = \d+)?,? +/\* \"(.*?)\"", (ROOT / "generated/protopool.h").read_text())
        self.assertEqual(len(texts), 19)
        for text in texts:
            self.assertRegex(pages.read("docs/pool.md"), rf"(?m)^\|.*`{re.escape(text)}`.*\|$")

    def test_all_build_files_of_the_example_are_on_the_page(self):
        folder = ROOT / "examples/build"
        shown = {block.word: block.text for block in pages.parse("docs/build-systems.md")[0] if block.is_file}
        for name in ("Makefile", "CMakeLists.txt", "meson.build"):
            self.assertEqual(shown[name], (folder / name).read_text())

    def test_all_settings_are_on_the_page(self):
        header = (ROOT / "generated/protopool.h").read_text()
        settings = set(re.findall(r"#(?:ifn?def|if defined|.* defined) ?\(?(PROTOPOOL_[A-Z_]*[A-Z])\b", header))
        page = pages.read("docs/pool.md") + pages.read("docs/firmware.md")
        known = {setting for setting in settings if f"{setting}" in page}
        self.assertEqual(settings - known - {"PROTOPOOL_API", "PROTOPOOL_REFER"}, set())


class Map(unittest.TestCase):
    """docs/hacking.md has a table for each folder of the sources, with a line for each file."""

    FOLDERS = ("gen", "templates", "tests", "bench")
    ONE_LINE = ("tests/generator/bad", "tests/generator/breaking", "tests/generator/last_version",      # of many files: the folder has a line
                *(f"tests/importers/{name}" for name in ("bad", "mavlink", "sbe", "proto")))

    def mapped(self) -> dict[str, dict[str, str]]:
        """{folder: {file: what it is for}}"""
        parts = re.split(r"(?m)^### (\S+)/\n", pages.read("docs/hacking.md").partition("### Elsewhere")[0])
        return {folder: dict(re.findall(r"(?m)^\| `([^`]+)` \| (.*) \|$", text)) for folder, text in zip(parts[1::2], parts[2::2])}

    def test_it_has_each_file_once_and_nothing_else(self):
        found: dict[str, set[str]] = {}
        for top in self.FOLDERS:
            for path in (ROOT / top).rglob("*"):
                name = path.relative_to(ROOT).as_posix()
                if path.is_file() and path.suffix != ".pyc" and not name.startswith(tuple(f"{folder}/" for folder in self.ONE_LINE)):
                    found.setdefault(path.parent.relative_to(ROOT).as_posix(), set()).add(path.name)
        for folder in self.ONE_LINE:
            self.assertTrue((ROOT / folder).is_dir())
            found[folder.rpartition("/")[0]].add(folder.rpartition("/")[2])
        mapped = {f"{folder}/{name}" for folder, files in self.mapped().items() for name in files}
        there = {f"{folder}/{name}" for folder, names in found.items() for name in names}
        self.assertEqual(sorted(there - mapped), [], "not in the map of docs/hacking.md")
        self.assertEqual(sorted(mapped - there), [], "in the map of docs/hacking.md, and not in the tree")

    def test_it_says_of_the_generator_what_its_own_index_says(self):
        parts = re.split(r"(?m)^## (gen/\S*)", (ROOT / "gen/README.md").read_text(encoding="utf-8"))
        index = {folder.rstrip("/"): dict(re.findall(r"(?m)^- `([^`]+)`: (.*)$", text)) for folder, text in zip(parts[1::2], parts[2::2])}
        mapped = self.mapped()
        self.assertEqual({folder: mapped[folder] for folder in index}, index)


if __name__ == "__main__":
    unittest.main()
