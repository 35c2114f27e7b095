# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Reads what `print` prints: a number is its text, a text has a character for each byte, a list is a list, a record is a dict."""

import re

TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|[][{},]|[^][{},\s:]+:?)')
ESCAPE = re.compile(r"\\(?:u\{([0-9a-f]+)\}|x([0-9a-f]{2})|(.))")
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


def read(printed: str) -> tuple[str, dict]:
    """The name of the message, and its fields."""
    tokens = TOKEN.findall(printed)[::-1]
    name = tokens.pop()
    fields = _record(tokens) if tokens else {}
    assert not tokens, printed
    return name, fields


def _record(tokens: list[str]) -> dict:
    """Its fields, from the brace on."""
    found = {}
    assert tokens.pop() == "{"
    while (name := tokens.pop()) != "}":
        if name != ",":
            assert name.endswith(":"), name
            found[name[:-1]] = _value(tokens)
    return found


def _value(tokens: list[str]):
    token = tokens.pop()
    if token.startswith('"'):
        return _text(token[1:-1])
    if token == "[":
        elements = []
        while tokens[-1] != "]":
            elements.append(_value(tokens))
            if tokens[-1] == ",":
                tokens.pop()
        tokens.pop()
        return elements
    if token == "{":                # of a bit field
        tokens.append(token)
    return _record(tokens) if tokens[-1] == "{" else token


def _text(printed: str) -> str:
    at, found = 0, b""
    for escape in ESCAPE.finditer(printed):
        code, byte, letter = escape.groups()
        found += printed[at:escape.start()].encode()
        found += bytes([int(byte, 16)]) if byte else (chr(int(code, 16)) if code else CONTROLS.get(letter, letter)).encode()
        at = escape.end()
    return (found + printed[at:].encode()).decode("latin-1")
