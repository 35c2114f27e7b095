# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Texts of a schema never change the C code, and its names never clash with names of C, C++ or the engine."""

import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import compile_c, compilers, emit, engine_is_there, errors, long, of_fields, random_schema, write_all

from gen import generate
from gen.language import clashes, names

NASTY = ("ends a comment */ int x; /* and begins one", "trigraphs ??/ ??' ??= and more ???/", "ends in a backslash \\",
         "{{ 7 * 7 }} {% raw %} {# note #} %} }}", "bidi \u202e\u2066 controls \u200f", "größer, 漢字, 😀",
         "two\nlines\\\nof text */", "quotes \" ' and %s %n", "#define calc_add broken", "*", "/", "*/", "/*", "//",
         "\\", "* /", "/ *", "*//*", "/*/", "?", "??/", "**/", "*\\\n/", "line\u2028separator\u0085next", "tab\there",
         "a\r\nb", "@", "-")
UNSEEN = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"


class Texts(unittest.TestCase):
    """Docs appear in comments and never change the code."""

    SCHEMA = ("protocol: calc\ndoc: {0}\nconstants: {{max: {{value: 3, doc: {0}}}}}\n"
              "enums:\n  op: {{doc: {0}, values: {{add: {{value: 1, doc: {0}, deprecated: {0}}}, sub: {{value: 2, doc: {0}}}}}}}\n"
              "messages:\n  Add: {{doc: {0}, deprecated: {0}, fields: {{left: {{type: u64, doc: {0}, deprecated: {0}}}, "
              "op: {{type: op, doc: {0}}}, name: {{type: 'string[<=max]', doc: {0}}}}}}}\n  Quit: {{doc: {0}}}\n")

    def emitted(self, text: str) -> dict[str, str]:
        escaped = "".join(c if c.isalnum() and c.isascii() or c == " " else f"\\U{ord(c):08x}" for c in text)
        return emit(self.SCHEMA.format(f'"{escaped}"'))

    def tokens(self, folder: str, files: dict[str, str]) -> dict[str, str]:
        """The files without comments, as the preprocessor prints them."""
        write_all(Path(folder), files)
        strip = ["gcc", "-std=c11", "-Wcomment", "-Werror=comment", "-fpreprocessed", "-dD", "-E", "-P"]
        stripped = {name: subprocess.run([*strip, name], cwd=folder, capture_output=True, text=True, check=True).stdout
                    for name in files}
        self.assertIn(r'PROTOPOOL_DEPRECATED("', stripped["calc.h"])
        # Why a value is deprecated is a text of the compiler's warning, and of the descriptions.
        return {name: re.sub(r'PROTOPOOL_DEPRECATED(_NAME)?\("[^"]*"\)|\{ "[^"]*", 0 \}|ck_assert_str_eq\([^;"]*, "[^"]*"\)', "", text) for name, text in stripped.items()}

    @long
    @unittest.skipUnless(compilers("gcc"), "gcc is not there")
    def test_doc_texts_never_change_the_code(self):
        with tempfile.TemporaryDirectory() as folder:
            plain = self.tokens(folder, self.emitted("plain"))
            for text in NASTY:
                with self.subTest(text):
                    self.assertEqual(self.tokens(folder, self.emitted(text)), plain)

    @long
    @unittest.skipUnless(compilers("gcc", "clang") and engine_is_there(), "no compiler, or the engine is not there")
    def test_doc_texts_compile_without_a_warning(self):
        with tempfile.TemporaryDirectory() as folder:
            for text in (*NASTY, " ".join(NASTY), "\n".join(NASTY)):
                write_all(Path(folder), self.emitted(text))
                for compiler in compilers("gcc", "clang"):
                    self.assertEqual(compile_c(compiler, Path(folder), "calc.c"), "", text)

    def test_no_invisible_or_reordering_character_is_emitted(self):
        for text in NASTY:
            for emitted in self.emitted(text).values():
                self.assertIsNone(re.search(UNSEEN, emitted))
                self.assertIsNone(re.search(r"(?m)^ \*.*\\$|\\ \*/$", emitted))        # nor a splice of two lines

    def test_the_words_of_a_doc_are_in_the_header(self):
        self.assertIn("größer, 漢字", self.emitted("größer, 漢字")["calc.h"])
        self.assertIn("{{ 7 * 7 }}", self.emitted("{{ 7 * 7 }}")["calc.h"])

    @long
    def test_a_schemas_file_name_is_only_a_comment(self):
        text = "protocol: calc\nmessages: {Add: }\n"
        plain = emit(text, "x.yaml")
        for name in ("*/ int x;", "a\nb", "??/", "\udcff", "\u202e", "x\\"):
            for file, emitted in emit(text, name).items():
                emitted.encode()
                code, known = (re.sub(r"(?s)/\*.*?\*/", "", t) for t in (emitted, plain[file]))
                self.assertEqual(code, known)


class Symbols(unittest.TestCase):
    SCHEMA = random_schema(3) + ("  Quit: {doc: No fields.}\n  Named: {c_name: called, fields: {a: 'bytes[<=n]'}}\n"
                                 "  Holds: {fields: {p: 'struct0?', f: bits_u8, l: 'struct1[<=2]'}}\n"
                                 "constants: {n: 4, other: {value: 5, c_name: fifth}}\n")

    def test_every_name_at_global_scope_is_known_to_the_checks_for_clashes(self):
        schema, _ = generate.parse("schema.yaml", self.SCHEMA.encode(), generate.read_imported)
        known = {symbol for symbol, _, _, _ in clashes.symbols(schema)}
        header = emit(self.SCHEMA)["calc.h"]
        code = re.sub(r"(?s)/\*.*?\*/", "", header)
        found = set(re.findall(r"\b(?:calc|CALC)(?:_\w+)?\b", code))
        self.assertGreater(len(found), 100)
        found = {name for name in found if not re.fullmatch(r"calc_layout_[0-9a-f]{8}", name)}      # the hash of the layout
        self.assertEqual({name for name in found if not name.endswith("_") and not re.fullmatch(r"calc_layout_[0-9a-f]{8}", name)} - known, set())
        for name in ("calc_new_called", "CALC_CALLED", "CALC_FIFTH", "calc_choice_u8_name", "calc_pool_init", "CALC_N"):
            self.assertIn(name, found)

    def test_other_names_at_global_scope_are_the_engines(self):
        code = re.sub(r"(?s)/\*.*?\*/", "", emit(self.SCHEMA)["calc.h"])
        for name in re.findall(r"(?m)^#define (\w+)", code) + re.findall(r"(?m)^(?:struct|union|enum) (\w+) \{", code):
            self.assertRegex(name, r"\A(calc|CALC)(_|\Z)")

    @unittest.skipUnless(compilers("gcc", "g++") and engine_is_there(), "no compiler, or the engine is not there")
    def test_names_that_look_dangerous_work(self):
        """Functions of the C library, the generator's own names without their underscore, names of C23 and C++."""
        words = ("index time log exp y0 y1 j0 read write open close signal div abs rand printf memcpy memset memcmp "
                 "strlen malloc free environ timezone daylight optarg main msg pool tag value values count ctx out "
                 "from i n size self text bytes string type X vector move swap list isnan signbit engine loaded classes "
                 "fn args source memory add left handlers any print make copy new_add calc calc_add")
        kinds = ["u8", "u64", "string[<=9]", "bytes[<=300]", "char[4]", "f64", "i32[3]", "e", "e[2]"] * 20
        fields = dict(zip(words.split(), kinds))
        text = of_fields(fields, "enums: {e: {values: [x, max, i, value, default, NULL, EOF]}}\n")
        text += "  X: {fields: {x: u8}}\n  Msg: {fields: {calc: u8}}\n  Calc: {}\n  I: {}\n  Printf: {}\n"
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit(text))
            for compiler in compilers("gcc", "clang"):
                self.assertEqual(compile_c(compiler, Path(folder), "calc.c"), "")
            Path(folder, "use.cpp").write_text(
                '#include <cerrno>\n#include <cmath>\n#include <csignal>\n#include <ctime>\n#include <string>\n'
                '#include "calc.h"\n#include <unistd.h>\n')
            for compiler in compilers("g++", "clang++"):
                self.assertEqual(compile_c(compiler, Path(folder), "use.cpp"), "")

    def test_parameters_are_plain_unless_a_field_has_their_name(self):
        header = emit("protocol: p\nmessages: {A: {fields: {x: u8}}, B: {fields: {pool: u8, msg: u8, from: 'char[4]', from_len: u8}}}\n")["p.h"]
        for prototype in ("p_new_a(struct p_pool *pool, uint8_t x);", "p_copy_a(struct p_pool *pool, const struct p_a *from);",
                          "p_new_b(struct p_pool *pool_, uint8_t pool, uint8_t msg, const char *from,",
                          "p_copy_b(struct p_pool *pool_, const struct p_b *from_);", "struct p_b *const msg_ = ", "const size_t from_len_ = "):
            self.assertIn(prototype, header)

    def test_an_underscore_follows_a_taken_name_only_where_it_stands_alone(self):
        files = emit("protocol: p\nmessages:\n  Delete: {fields: {class: 'u8[<=3]?', errno: 'string[<=4]', base: u8, new: {type: u8, c_name: fresh}, "
                     "if: string}}\n  Base: \n")
        for text in ("bool has_class : 1;", "uint8_t class_len;", "uint8_t class_[3];", "uint8_t errno_len;", "char errno_[5];", "uint8_t base_;",
                     "uint8_t fresh;", "uint32_t if_len;", "struct p_delete PROTOPOOL_UNCOPIED {", "struct p_base base_;", "P_DELETE_IF_MAX",
                     "p_new_delete(struct p_pool *pool, const uint8_t *class_, size_t class_len,\n    const char *errno_, uint8_t base_, uint8_t fresh, "
                     "const char *if_, size_t if_len);", "char *p_delete_if(const struct p_delete *msg, ", "char *p_edit_delete_if(struct p_delete *msg, ",
                     "void (*delete_)(void *ctx, const struct p_delete *msg);", "prefix_##delete, prefix_##base,", "X_(DELETE, delete) X_(BASE, base)"):
            self.assertIn(text, files["p.h"])
        for text in ('{ .name = "class",', '{ .name = "errno",', '"Delete"'):
            self.assertIn(text, files["p.c"])
        hpp = generate.generate([("p.yaml", b"protocol: p\nmessages: {Add: {fields: {class: 'u8[<=3]', if: string}}}\n")], on_demand=("cpp",))["p.hpp"]
        for text in ("class_view(const struct ::p_add &of_)", "return { of_.class_, of_.class_len };", "protopool_cpp::span<const uint8_t> class_",
                     "if_view(const struct ::p_add &of_)", "class_.data()", "if_.data()"):
            self.assertIn(text, hpp)

    @long
    @unittest.skipUnless(compilers("gcc", "g++") and engine_is_there(), "no compiler, or the engine is not there")
    def test_taken_names_can_name_fields_and_messages(self):
        """Also with the headers that define them before the protocol's."""
        taken = sorted(name for name in {*names.KEYWORDS, *names.library_names(), "base"} if name == name.lower())
        kinds = ["u8", "string[<=9]", "bytes[<=300]?", "char[4]", "i32[3]", "u16[<=3]", "u32?", "s", "string[<=4]?"] * len(taken)
        messages = [f"  M{i}: {{fields: {{{', '.join(f'{name}: {kind!r}' for name, kind in zip(taken[i:i + 25], kinds))}}}}}" for i in range(0, len(taken), 25)]
        messages += [f"  {name}: {{fields: {{{name}: u8, it: {{type: 'u16[]', max: 9}}}}}}" for name in sorted({*taken[::12], "errno", "delete", "bool", "base"})]
        text = "protocol: p\nstructs: {s: {fields: {class: u8, errno: 'u8?'}}}\nmessages:\n" + "\n".join(messages)
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), generate.generate([("p.yaml", text.encode())], on_demand=("cpp",)))
            headers = "".join(f"#include <{name}.h>\n" for name in "errno signal stdio netinet/in netdb termios sys/stat sys/sysmacros".split())
            Path(folder, "use.c").write_text(
                "#define _GNU_SOURCE\n#include <stdalign.h>\n#include <stdnoreturn.h>\n#include <complex.h>\n" + headers + '#include "p.h"\n'
                "uint8_t use(const struct p_s *s);\nuint8_t use(const struct p_s *s) { return s->has_errno ? s->errno_ : s->class_; }\n"
                "const struct p_handlers use_too = { .delete_ = NULL, .errno_ = NULL, .base_ = NULL };\n")
            Path(folder, "use.cpp").write_text(headers + '#include "p.hpp"\n')
            for compiler, file in (("gcc", "p.c"), ("clang", "use.c"), ("g++", "use.cpp")):
                if compilers(compiler):
                    self.assertEqual(compile_c(compiler, Path(folder), file), "")

    def test_the_hint_for_what_is_named_as_a_message_has_a_c_name_that_is_free(self):
        kinds = {"structs": "{%sfields: {x: u8}}", "enums": "{%svalues: [a]}", "flags": "{%svalues: [a]}", "constants": "{%svalue: 3}",
                 "bit_fields": "{%sbits: {a: 3}}", "types": "{%stype: u8}"}
        for kind, definition in kinds.items():
            text = f"protocol: p\n{kind}: {{add: {definition}}}\nmessages: {{Add: {{fields: {{y: u8}}}}%s}}\n"
            (error,) = errors(text % ("", ""))
            given = re.search(r'hint: give the [a-z ]+ another C name, for example with "(c_name: \w+)"', error)
            self.assertIsNotNone(given, error)
            self.assertEqual(errors(text % (given[1] + ", ", "")), [])
            other = given[1].removeprefix("c_name: ")
            self.assertIn('hint: give one of them another C name with "c_name"', errors(text % ("", f", {other}: "))[0])

    def test_a_bound_is_emitted_by_the_name_of_its_constant(self):
        header = emit("protocol: p\nconstants: {most: 7}\nmessages: {A: {fields: {x: 'u8[<=most]', y: 'u16[most]', z: 'u8[<=7]'}}}\n")["p.h"]
        for text in ("uint8_t x[P_MOST];", "uint16_t y[P_MOST];", "uint8_t z[7];", "x_len > P_MOST", "z_len > 7"):
            self.assertIn(text, header)

    @unittest.skipUnless(compilers("gcc") and engine_is_there(), "no compiler, or the engine is not there")
    def test_the_table_of_variants_takes_a_message_of_any_name(self):
        with tempfile.TemporaryDirectory() as folder:
            write_all(Path(folder), emit("protocol: calc\nmessages: {X: {fields: {x: u8}}, Eof: , Name: , List: }\n"))
            Path(folder, "use.c").write_text(
                '#include "calc.h"\n#define LINE(TAG, name) "[" #TAG " " #name "]"\n'
                'const char use[] = CALC_VARIANTS(LINE);\n_Static_assert(sizeof use == '
                'sizeof "[X x][EOF eof][NAME name][LIST list]", "");\n')
            self.assertEqual(compile_c("gcc", Path(folder), "use.c"), "")


if __name__ == "__main__":
    unittest.main()
