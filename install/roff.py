# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Text as roff, for manual pages: escapes, and the Markdown that the pages of docs/ use. Knows nothing else of protopool."""

import re

_INLINE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*|\[([^]]+)\]\([^)]*\)")


def escaped(text: str) -> str:
    """The text as it is. A line must not begin with a dot or a quote."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith((".", "'")) else text


def bold(text: str) -> str:
    return f"\\fB{escaped(text)}\\fR"


def verbatim(text: str) -> str:
    """Lines that are neither filled nor changed."""
    return ".PP\n.RS 4\n.EX\n" + "".join(f"{escaped(line)}\n" for line in text.splitlines()) + ".EE\n.RE\n"


def from_markdown(text: str) -> str:
    """The sections of a page, without its title, the text before the first section, and the list of sections."""
    out: list[str] = []
    lines = iter(text[text.index("\n## ") + 1:].splitlines())
    paragraph: list[str] = []

    def end_paragraph() -> None:
        if paragraph:
            out.append(".PP\n" + inline(" ".join(paragraph)) + "\n")
            paragraph.clear()

    head = True                         # the next row of a table is its head
    for line in lines:
        if not line.startswith("|"):
            head = True
        if line.startswith("```"):
            end_paragraph()
            out.append(verbatim("\n".join(iter(lambda: next(lines), "```"))))
        elif line.startswith("## "):
            end_paragraph()
            out.append(f'.SH "{escaped(line[3:].upper())}"\n')
        elif line.startswith("### "):
            end_paragraph()
            out.append(f'.SS "{escaped(line[4:])}"\n')
        elif line.startswith("|"):
            end_paragraph()
            if not head and not line.startswith("|---"):
                out.append(_row(line))
            head = False
        elif line.startswith("- "):
            end_paragraph()
            out.append(".IP \\(bu 2\n")
            paragraph.append(line[2:])
            out.append(_rest_of_item(paragraph, lines))
        elif line.strip():
            paragraph.append(line.strip())
        else:
            end_paragraph()
    end_paragraph()
    return "".join(out)


def from_help(text: str) -> str:
    """What stands below the options of a command's help: lines, and lists whose lines begin with two spaces and a name."""
    out = []
    for line in text.splitlines():
        if line.startswith("  "):
            name, what = line.split(maxsplit=1)
            out.append(f".TP\n{bold(name)}\n{escaped(what)}\n")
        elif line.strip():
            out.append(f".PP\n{escaped(line)}\n")
    return "".join(out)


def tidy(page: str) -> str:
    """Without paragraphs that are empty or begin a section: mandoc warns about them."""
    page = re.sub(r"(?m)(^\.S[HS] .*\n)\.PP\n", r"\1", page)
    return re.sub(r"(?m)^\.PP\n(?=\.(?:PP|S[HS])\b|\Z)", "", page)


def _rest_of_item(paragraph: list[str], lines) -> str:
    """One or more items of a list, to the empty line that ends it."""
    items = [paragraph.pop()]
    for line in lines:
        if not line.strip():
            break
        if line.startswith("- "):
            items.append(line[2:])
        else:
            items[-1] += " " + line.strip()
    return ".IP \\(bu 2\n".join(inline(item) + "\n" for item in items) + ".PP\n"


def _row(line: str) -> str:
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
    return f".TP\n{inline(cells[0])}\n" + inline("; ".join(cell for cell in cells[1:] if cell) or "-") + "\n"


def inline(text: str) -> str:
    """Code and strong text in bold, links as their text."""
    parts, at = [], 0
    for match in _INLINE.finditer(text):
        parts.append(escaped(text[at:match.start()]))
        code, strong, link = match.groups()
        parts.append(inline(link) if link else bold(code or strong))
        at = match.end()
    out = "".join([*parts, escaped(text[at:])])
    return out if not out.startswith((".", "'")) else "\\&" + out
