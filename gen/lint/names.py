# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The names of the rules of `protopool lint`, with what each reports. The key `lint` of a schema takes these names."""

RULES = {
    "naming": "a variant that is not in CamelCase, or another name that is not in snake_case",
    "windows-macro": "a field, a part or a variant with the name of a macro of windows.h",
    "missing-doc": "a protocol, a variant, a struct, an enum, flags, a bit field or a named type, without a doc",
    "large-variant": "a variant more than 4 times as large as any other",
    "padding": "an array or list of structs that are at least a quarter padding",
    "wide-type": "a type, a base, a bound or tags for which narrower ones save bytes",
    "unused-type": "a struct, an enum, flags, a bit field or a named type that no message contains",
    "unused-constant": "a constant that no type uses",
    "weights": "weights that are missing where others have one, that add up to nearly 100, or that are all 0",
    "history": "a field that is older than its variant; a default that is deprecated",
    "missing-max-live": "a variant without max_live in a protocol where others have it",
}
