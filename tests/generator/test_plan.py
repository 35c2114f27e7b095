# SPDX-License-Identifier: Apache-2.0 OR MIT
"""--plan: the memory that messages and pools take, as text and as JSON."""

import json
import shutil
import unittest
from pathlib import Path

from support import GOOD, CommandTest, command, compile_c, compilers, lay_out, main, random_schema


class Plan(CommandTest):
    def test_text_is_the_default_also_if_a_schema_follows(self):
        as_text = main("--plan=text", self.good)
        self.assertEqual(as_text[0], 0)
        self.assertIn("protocol calc: 2 messages, 1 slot size", as_text[1])
        for arguments in (["--plan", "text", self.good], ["--plan", self.good], [self.good, "--plan"],
                          [self.good, "--plan", "text"]):
            self.assertEqual(main(*arguments), as_text)

    def test_a_schema_named_text_or_json_can_be_given_by_its_path(self):
        self.out.mkdir()
        for name in ("text", "json"):
            shutil.copy(self.good, self.out / name)
            self.assertEqual(command("--plan", f"./{name}", cwd=self.out).stdout, main("--plan", self.good)[1])
            self.assertEqual(command("--plan", "--", name, cwd=self.out).stdout, main("--plan", self.good)[1])

    def test_it_writes_nothing(self):
        before = self.states(self.folder)
        main("--plan", "json", "-o", self.folder, self.good)
        self.assertEqual(self.states(self.folder), before)

    def test_json_has_the_sizes_of_the_layout(self):
        schema = self.folder / "random.yaml"
        for seed in range(10):
            schema.write_text(random_schema(seed))
            layout = lay_out(schema.read_bytes())
            plan, = json.loads(main("--plan", "json", schema)[1])
            self.assertEqual(plan["tag_bytes"], layout.tag.size)
            self.assertEqual(plan["union_bytes"], layout.union_size)
            for planned, message in zip(plan["messages"], layout.messages, strict=True):
                self.assertEqual((planned["name"], planned["tag"], planned["bytes"], planned["padding"]),
                                 (message.model.name.schema, message.model.tag, message.size, message.padding))
                members = sum(member["bytes"] for member in planned["members"])
                self.assertEqual(planned["bytes"], plan["tag_bytes"] + members + planned["padding"])
                self.assertEqual(sum(hole["bytes"] for hole in planned["holes"]), planned["padding"])
                for hole in planned["holes"]:
                    inside = [m for m in planned["members"] if m["offset"] < hole["offset"] + hole["bytes"]
                              and hole["offset"] < m["offset"] + m["bytes"]]
                    self.assertEqual(inside, [])
                self.assertEqual([m["offset"] for m in planned["members"]], [m.offset for m in message.members])
            sizes = [slot["bytes"] for slot in plan["slot_sizes"]]
            self.assertEqual(sizes, sorted(set(sizes)))
            self.assertEqual({slot["bytes"] for slot in plan["slot_sizes"] if not slot["has_tails"]}
                             - {m["bytes"] for m in plan["messages"] if m["members"] and not m["tail"]}, set())
            for slot in plan["slot_sizes"]:
                sharing = [m for m in plan["messages"] if m["members"]
                           and (m["slot_bytes"] if m["tail"] else m["bytes"]) == slot["bytes"]]
                self.assertEqual(slot["messages"], [m["name"] for m in sharing])
                self.assertEqual(slot["budget"], sum(m["max_live"] or 0 for m in sharing))

    def test_figures_of_a_known_schema(self):
        plan, = json.loads(main("--plan=json", self.good)[1])
        add, leave = plan["messages"]
        self.assertEqual((plan["protocol"], plan["tag_bytes"], plan["union_bytes"]), ("calc", 1, 24))
        self.assertEqual((add["bytes"], add["slot_bytes"], add["padding"], add["saved_against_malloc"],
                          add["saved_against_union"], add["max_live"]), (24, 24, 7, 8, 0, 2))
        self.assertEqual((leave["bytes"], leave["slot_bytes"], leave["saved_against_malloc"]), (1, 0, 0))
        self.assertEqual(plan["slot_sizes"], [{"bytes": 24, "messages": ["Add"], "has_tails": False, "budget": 2, "budget_bytes": 48}])
        self.assertEqual(plan["without_max_live"], [])

    def test_messages_with_tails_are_marked(self):
        self.good.write_text("protocol: calc\nmessages:\n  Add: {fields: {a: u32, t: {type: string, max: 100}}, max_live: 1}\n"
                             "  Sub: {fields: {a: u8}}\n")
        plan, = json.loads(main("--plan=json", self.good)[1])
        add, sub = plan["messages"]
        self.assertEqual((add["bytes"], add["most_bytes"], add["slot_bytes"], add["tail"]["offset"]), (8, 109, 112, 8))
        self.assertEqual((sub["tail"], sub["most_bytes"], plan["union_bytes"]), (None, 2, 2))
        self.assertEqual([s["bytes"] for s in plan["slot_sizes"] if s["has_tails"]], list(range(16, 113, 16)))
        text = main("--plan", self.good)[1]
        self.assertRegex(text, r"(?m)^Add +1 +9\+ +2 +- +- +1$")
        self.assertIn("have 7 slot sizes for messages with tails, from 16 to 112 bytes", text)
        self.assertIn("mean bytes per message, by weight: 9.0 with an empty tail, where malloc takes 32.0; 57.0 with the longest tail", text)
        self.assertEqual(plan["mean_bytes"], {"slot": 9.0, "most": 57.0, "malloc": 32.0, "union": None})
        self.good.write_text(self.good.read_text().replace(", max: 100}}, max_live: 1", "}}"))
        self.assertIn("; no bound with the longest tail\n", main("--plan", self.good)[1])

    def test_sizes_of_pools_are_those_of_the_compiler(self):
        texts = [path.read_text() for path in GOOD] + [random_schema(seed) for seed in range(3)]
        texts += ["protocol: p\nmessages:\n" + "".join(f"  M{n}: {{max_live: {n}, fields: {{a: 'u8[{n}]'}}}}\n" for n in (1, 2, 63, 64, 65, 129, 1000)),
                  "protocol: p\nmessages:\n" + "".join(f"  M{n}: {{max_live: {n}, fields: {{a: 'u8[{i}]'}}}}\n"
                                                       for i, n in enumerate((4096, 4097, 8192, 8193, 600000, 10000000), 1)),
                  "protocol: p\nmessages: {A: {}}\n"]
        cross = {"gcc": "64", "arm-none-eabi-gcc": "32"}
        self.out.mkdir()
        for text in texts:
            self.good.write_text(text)
            plan, = json.loads(main("--plan=json", self.good)[1])
            name = plan["c_name"]
            main("-q", "-o", self.out, self.good)
            for compiler in compilers(*cross):
                bits = cross[compiler]
                (self.out / "size.c").write_text(
                    f'#include "{name}.h"\nstatic_assert(sizeof(struct {name}_pool) == {plan["handle_bytes"][bits]}, "handle");\n'
                    f'static_assert({name.upper()}_POOL_BYTES == {plan["fixed_pool_bytes"][bits]}, "pool");\n')
                self.assertEqual(compile_c(compiler, self.out, "size.c", "-I."), "", compiler)

    def test_messages_that_are_not_in_a_fixed_pool_are_listed(self):
        self.good.write_text("protocol: calc\nmessages:\n  Add: {fields: {a: u8}}\n"
                             "  Sub: {max_live: 1, fields: {a: u8}}\n")
        self.assertIn("(no max_live): Add\n", main("--plan", self.good)[1])

    def test_a_message_much_larger_than_the_others_gets_a_warning_with_its_place(self):
        schema = Path(self.folder, "dwarf.yaml")
        schema.write_text("protocol: calc\nmessages:\n  Small: {fields: {a: u64}}\n  Large: {fields: {b: 'u8[80]'}}\n")
        status, out, _ = main("--plan", schema)
        self.assertEqual(status, 0)
        self.assertIn(f'{schema}:4:3: warning: "Large" takes 81 bytes, more than 4 times the next largest, "Small" with 16', out)
        self.assertIn("padding: Small (7 before a)\n", out)
        status, out, err = main("plan", "--format=github", schema)
        self.assertEqual((status, err, out.count("warning")), (0, "", 1))
        self.assertIn(f'::warning file={schema},line=4,col=3,', out)
        schema.write_text(schema.read_text().replace("80", "63"))
        self.assertNotIn("warning", main("--plan", schema)[1])
        self.assertNotIn("warning", main("plan", "--format=github", schema)[1])


if __name__ == "__main__":
    unittest.main()
