# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A schema with every combination of types to depth 2: each element in each container, alone and inside a struct that is itself
in each container. A tail is a container too. `python3 tests/generator/combinations.py > all.yaml` prints the schema; with the
argument "wide", a small one of which each tag takes four bytes; with "one_of", one of fields that are one of several; with "packed_big",
"packed_little" and "packed_alone", ones that are packed."""

import sys

SCALARS = "bool u8 i8 u16 i16 u32 i32 u64 i64 f32 f64 char".split()
RANGED = {"u8": "[1, 200]", "i16": "[-5, 5]", "u64": "[0, 18446744073709551614]", "i64": "[-9, 9000000000]", "f32": "[-1.5, 1.5]",
          "f64": "[0.25, 1e6]"}
ABSENT = {"u8": "255", "i16": "-32768, range: [-9, 9]", "u32": "4294967295", "i64": "-1", "u64": "0, range: [0, 9]", "f32": "nan",
          "f64": "-1.5", "char": "' '"}
NAMED = ["kind", "wide", "signed", "caps", "full", "bits"]
CONTAINERS = ["{}", "{}[3]", "{}[<=3]", "{}?", "{}[3]?", "{}[<=3]?"]
CHARS = ["char", "char?"]                # several of them are a text
TAKEN = "class base new errno default int if for stdin this union or bool".split()      # names that C, C++ or the C library has
TEXTS = ["char[5]", "string[<=5]", "bytes[<=300]", "char[5]?", "string[<=300]?", "bytes[<=5]?"]
# Numbers of other widths and types with a name, in some of the containers.
OTHERS = {"u24": CONTAINERS[:1], "i24": CONTAINERS[2:3], "u48": CONTAINERS[4:5], "i48": CONTAINERS[3:4], "f16": CONTAINERS[:4],
          "count": CONTAINERS[:3], "label": ["{}", "{}?"], "pair": ["{}?"], "depth": ["{}?"]}
# In a struct, these are like others: their structs stand in the simplest and in the richest container only.
SIMPLE = (*OTHERS, "absent", "side", "constant")
HEAD = """\
protocol: all
enums:
  kind: {values: {one: 1, two: {value: 2, since: 2, deprecated: true}}}
  wide: {values: {small: 0, large: 9000000000000000000}}
  signed: {base: i16, values: {minus: -300, plus: 300}}
  side: {base: char, values: {buy: 'B', sell: 'S'}}
flags:
  caps: {values: {read: 0, write: 6, all: {mask: read | write}, none: {mask: 0}}}
  full: {base: u64, values: {low: 0, high: 63}}
types:
  count: {type: u16, range: [1, 40000], default: 5}
  label: {type: 'char[6]', pad: ' ', default: ab}
  pair: 'count[2]'
  depth: {type: i16, absent: -1, since: 2, deprecated: true}
bit_fields:
  bits: {base: u16, bits: {mode: {bits: 3, type: kind}, level: {bits: 4, range: [1, 9], unit: mm}, on: {type: bool, at: 9}}}
  halves: {bits: {low: {bits: 4, since: 2}, high: {bits: 4, deprecated: Use bits.}}}
  big: {base: u64, bits: {far: {bits: 63, type: wide}, on: {type: bool}}}
"""


def fields() -> dict[str, str]:
    """Every field of depth 1: its name and its definition."""
    found = {}
    for element in (*SCALARS, *NAMED):
        for i, container in enumerate(CONTAINERS if element != "char" else CHARS):
            found[f"{element}_{i}"] = f"{{type: '{container.format(element)}'}}"
    for element, allowed in RANGED.items():
        for i, container in enumerate(CONTAINERS):
            found[f"ranged_{element}_{i}"] = f"{{type: '{container.format(element)}', range: {allowed}, unit: mm}}"
    for i, text in enumerate(TEXTS):
        found[f"text_{i}"] = f"{{type: '{text}'}}"
    for name, containers in OTHERS.items():
        found |= {f"{name}_{i}": f"{{type: '{container.format(name)}'}}" for i, container in enumerate(containers)}
    for element, number in ABSENT.items():
        found[f"absent_{element}"] = f"{{type: '{element}?', absent: {number}}}"
    found["absent_f16"] = "{type: 'f16?', absent: -1, range: [0.1, 9]}"
    found["absent_nan_f16"] = "{type: 'f16?', absent: nan}"
    found["f16_ranged"] = "{type: f16, range: [-1.5, 0.1], unit: mm}"
    found["absent_nan_ranged"] = "{type: 'f64?', absent: nan, range: [0.25, 1e6]}"
    found |= {f"side_{i}": f"{{type: '{container.format('side')}'}}" for i, container in enumerate(("{}?", "{}[<=3]"))}
    found["halves"] = "{type: 'halves[<=3]?'}"
    found["big"] = "{type: big, default: {far: large}}"
    found["constant"] = "{type: u8, constant: 3}"
    found["padded"] = "{type: 'char[6]', pad: ' ', default: ab}"
    return found


def one_ofs() -> dict[str, str]:
    """Fields that are one of several alternatives: of every element, of every text and list, of structs with padding and alternatives."""
    ranged = ", ".join(f"r_{element}: {{type: {element}, range: {allowed}}}" for element, allowed in RANGED.items())
    lists = ", ".join(f"l{i}: '{kind}'" for i, kind in enumerate(("u16[<=3]", "kind[<=300]", "string[<=255]", "bytes[<=255]", "u8[3]", "char[5]", "bits[<=4]", "f64[<=2]", "bool[<=3]")))
    return {"one_of": f"{{one_of: {{{', '.join(f'a_{element}: {element}' for element in (*SCALARS, *NAMED))}, {ranged}}}}}",
            "one_of_lists": f"{{one_of: {{{lists}, padded: {{type: 'char[6]', pad: ' '}}}}}}",
            "one_of_structs": "{optional: true, one_of: {one: s_u64_0, two: 's_text_1[<=2]', three: s_one_of, four: 's_bool_3[2]', five: s_absent_f32, class: u8}}",
            "one_of_words": "{one_of: {first: {type: 'string[<=9]', default: abc}, int: u16, c: {type: u8, since: 2, deprecated: true}}}"}


def tails() -> dict[str, str]:
    found = {element: f"{{type: '{element}[]', max: 300}}" for element in (*SCALARS, *NAMED, "count", "i24", "u48", "f16") if element != "char"}
    found |= {f"ranged_{element}": f"{{type: '{element}[]', range: {allowed}, max: 9}}" for element, allowed in RANGED.items()}
    return found | {text: f"{{type: {text}, max: 255}}" for text in ("string", "bytes")}


def several_tails() -> dict[str, str]:
    """Fields of messages with several tails: each element before and behind three others, and other fields between them."""
    elements = {"u8": "bytes", "u16": "u16[]", "f32": "f32[]", "u64": "u64[]", "text": "string", "bool": "bool[]", "kind": "kind[]",
                "caps": "caps[]", "struct": "s_u64_0[]"}
    found = {}
    names = list(elements)
    for i, (first, one) in enumerate(elements.items()):
        for step in (1, 2, 4):
            second = names[(i + step) % len(names)]
            other = elements[second]
            found[f"{first}_{second}"] = f"one: {{type: '{one}', max: 40}}, between: u16, other: {{type: '{other}', max: 300}}"
    found["five"] = ("a: {type: 'u8?'}, name: {type: string, max: 255}, numbers: {type: 'u64[]', range: [1, 5], max: 7}, data: {type: bytes, max: 9}, "
                     "kinds: {type: 'wide[]', max: 3}, text: {type: string, max: 70000}, end: 's_text_1'")
    return found


def lists_of_texts() -> dict[str, str]:
    """Fields of messages with lists of texts: offsets of each width, alone and among other tails."""
    return {
        "any": "it: 'string[]'",
        "of_1": "id: u64, it: {type: 'string[<=10][]', max: 8}",
        "of_2": "it: {type: 'string[<=40][]?', max: 100}, behind: u16",
        "of_4": "it: {type: 'string[<=400][]?', max: 1000}",
        "bounded": "it: 'string[<=20][]', behind: {type: 'u64[]', max: 9}",
        "counted": "before: {type: bytes, max: 9}, it: {type: 'string[]?', max: 255}, kinds: {type: 'wide[]', max: 3}",
        "several": ("before: {type: bytes, max: 40}, it: {type: 'string[<=20][]', max: 40}, numbers: {type: 'u64[]?', max: 7}, "
                    "more: {type: 'string[<=9][]?', max: 7}, text: {type: string, max: 90}, codes: {type: 'u16[]', max: 3}"),
        "open": "name: string, it: 'string[]', other: 'string[]?', numbers: 'u32[]'",
    }


def taken(first: int) -> str:
    """Fields of taken names, of every container and text in turn."""
    kinds = [*(container.format(element) for container in CONTAINERS for element in ("u16", "kind")), *TEXTS]
    return ", ".join(f"{name}: '{kinds[(first + 3 * i) % len(kinds)]}'" for i, name in enumerate(TAKEN))


def schema() -> str:
    lines = [HEAD, "structs:"]
    for name, field in fields().items():
        lines.append(f"  s_{name}: {{fields: {{before: u8, it: {field}, behind: 'char[1]'}}}}")
    lines.append(f"  s_taken: {{fields: {{{taken(2)}}}}}")
    lines.append("messages:")
    for name, field in fields().items():
        lines.append(f"  m_{name}: {{fields: {{it: {field}, behind: u8}}, max_live: 2}}")
        for i, container in enumerate(CONTAINERS):
            if i in (0, 5) or not name.startswith(SIMPLE):
                lines.append(f"  n_{name}_{i}: {{fields: {{it: '{container.format('s_' + name)}', behind: u8}}}}")
        lines.append(f"  u_{name}: {{fields: {{before: u8, it: 's_{name}[]'}}}}")
    for name, field in tails().items():
        lines.append(f"  t_{name}: {{fields: {{before: u8, it: {field}}}, max_live: 2}}")
    few = list(fields().items())[::9]
    lines.append("  history: {since: 2, fields: {" + ", ".join(f"{name}: {field[:-1]}, since: 3, deprecated: true}}" for name, field in few) + "}}")
    lines.append("  answered: {fields: {it: u8}, replies: [m_bool_0, n_bool_0_0, answered]}")
    for name, field in list(fields().items())[::11]:        # h_: they share slot sizes with others
        lines.append(f"  h_{name}: {{shared: true, fields: {{it: {field}, behind: u8}}, max_live: 2}}")
    for name, field in list(tails().items())[::7]:
        lines.append(f"  h_t_{name}: {{shared: true, fields: {{before: u8, it: {field}}}, max_live: 2}}")
    for name, fields_of_it in several_tails().items():
        lines.append(f"  v_{name}: {{fields: {{{fields_of_it}}}, max_live: 2}}")
    for name, kind in {"string": "string?", "bytes": "bytes?", "u64": "u64[]?", "bool": "bool[]?", "kind": "kind[]?", "struct": "s_text_1[]?"}.items():
        lines.append(f"  x_{name}: {{fields: {{before: u8, it: {{type: '{kind}', max: 300}}}}, max_live: 2}}")
        lines.append(f"  y_{name}: {{fields: {{a: {{type: '{kind}', max: 9}}, b: {{type: 'u32[]?', max: 5}}, c: {{type: '{kind}', max: 300}}, d: 'u8?'}}}}")
    for name, fields_of_it in lists_of_texts().items():
        lines.append(f"  z_{name}: {{fields: {{{fields_of_it}}}{', max_live: 2' * (name[:3] in ('of_', 'sev'))}}}")
    lines.append("  w_open: {fields: {name: string, numbers: 'u64[]', data: bytes}}")
    for message, first, tail in (("delete", 0, "string"), ("errno", 1, "s_taken[]"), ("public", 2, "string[<=9][]")):
        lines.append(f"  {message}: {{fields: {{{taken(first)}, operator: {{type: '{tail}', max: 9}}}}, max_live: 2}}")
    return "\n".join(lines) + "\n"


def with_wide_tags() -> str:
    """A few of the messages, with tags of a class and a method."""
    few = list(fields().items())[::7] + list(tails().items())[::5]
    lines = [f"  m_{name}: {{tag: {(10 + i) << 16 | 10}, fields: {{it: {field}}}, max_live: 2, shared: {'true' if i % 3 == 0 else 'false'}}}" for i, (name, field) in enumerate(few)]
    return "\n".join([HEAD + "messages:", *lines, "  none: {tag: 2147483647, replies: [m_bool_0, none]}"]) + "\n"


def with_one_ofs() -> str:
    """Fields that are one of several, in messages and in structs in each container."""
    structs = {name: field for name, field in fields().items() if name in ("u64_0", "text_1", "bool_3", "absent_f32")} | one_ofs()
    lines = [HEAD, "structs:", *(f"  s_{name}: {{fields: {{before: u8, it: {field}, behind: 'char[1]'}}}}" for name, field in structs.items()), "messages:"]
    for name, field in one_ofs().items():
        lines.append(f"  m_{name}: {{fields: {{it: {field}, behind: u8}}, max_live: 2}}")
        lines += [f"  n_{name}_{i}: {{fields: {{it: '{container.format('s_' + name)}', behind: u8}}}}" for i, container in enumerate(CONTAINERS)]
        lines.append(f"  t_{name}: {{fields: {{it: {field}, tail: {{type: 's_{name}[]', max: 9}}, other: {{type: string, max: 300}}}}}}")
    return "\n".join(lines) + "\n"


def packed(wire: str, rest: str = "") -> str:
    """Those of schema() and of with_one_ofs() that differ in how they are sent. rest: how the lengths of last tails are sent."""
    structs, messages = [], []
    for text in (schema(), with_one_ofs()):
        before, _, behind = text.partition("messages:\n")
        structs += before.partition("structs:\n")[2].splitlines()
        messages += behind.splitlines()
    left_out = tuple(f"  n_{name}_" for name in fields())
    others = ("  h_", "  history", "  answered", *(f"  {kind}_ranged" for kind in "mnut"))
    kept = [line for line in dict.fromkeys(messages) if not line.startswith(others) and (not line.startswith(left_out) or "[<=3]?'" in line)]
    if rest:
        kept = [line.replace("}}, max_live: 2}", f", wire: {rest}}}}}, max_live: 2}}") if line.startswith(("  t_", "  x_")) and "one_of" not in line else line for line in kept]
    lengths = ["  l_u32: {fields: {a: {type: 'string[<=9]', wire: u32}, b: {type: 'u16[<=3]?', wire: u16}, c: {type: bytes, max: 9, wire: u16}}, max_live: 2}",
               "  l_one_of: {fields: {it: {one_of: {a: {type: 'string[<=9]', wire: u16}, b: 'u8[<=3]'}}, texts: {type: 'string[<=9][]', max: 5, wire: u32}}}"]
    return HEAD.replace("protocol: all\n", f"protocol: all\nwire: {wire}\n") + "\n".join(["structs:", *dict.fromkeys(structs), "messages:", *kept, *lengths]) + "\n"


if __name__ == "__main__":
    print({"wide": with_wide_tags, "one_of": with_one_ofs, "packed_big": lambda: packed("{order: big, packed: true, tag: u24}"),
           "packed_little": lambda: packed("{order: little, packed: true}"), "packed_alone": lambda: packed("{order: big, packed: true, tag: none}", "rest")}.get(sys.argv[-1], schema)(), end="")
