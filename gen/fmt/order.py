# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The canonical order of keys: the order of each table here. The order of named things, such as fields, has a meaning and stays."""

_LINT = {"disable": None}
_CONSTANT = {"value": None, "c_name": None, "doc": None}
_VALUE = {"value": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_FLAG = {"value": None, "mask": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_ENUM = {"doc": None, "c_name": None, "base": None, "values": {"*": _VALUE}}
_PART = {"bits": None, "at": None, "type": None, "unit": None, "range": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_BIT_FIELD = {"doc": None, "c_name": None, "base": None, "bits": {"*": _PART}}
_ALTERNATIVE = {"type": None, "wire": None, "pad": None, "unit": None, "range": None, "default": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_FIELD = {"type": None, "one_of": {"*": _ALTERNATIVE}, "optional": None, "constant": None, "max": None, "wire": None, "pad": None, "unit": None, "range": None, "absent": None,
          "default": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_TYPE = {"type": None, "pad": None, "unit": None, "range": None, "absent": None, "default": None, "since": None, "c_name": None, "deprecated": None, "doc": None}
_STRUCT = {"doc": None, "since": None, "c_name": None, "deprecated": None, "lint": _LINT, "fields": {"*": _FIELD}}
_MESSAGE = {"doc": None, "tag": None, "since": None, "replies": None, "c_name": None, "deprecated": None, "lint": _LINT, "max_live": None, "weight": None, "shared": None,
            "fields": {"*": _FIELD}}
_WIRE = {"order": None, "packed": None, "tag": None}
SCHEMA = {"protocol": None, "doc": None, "license": None, "c_name": None, "lint": _LINT, "wire": _WIRE, "import": None, "constants": {"*": _CONSTANT},
          "enums": {"*": _ENUM}, "flags": {"*": {**_ENUM, "values": {"*": _FLAG}}}, "types": {"*": _TYPE}, "bit_fields": {"*": _BIT_FIELD},
          "structs": {"*": _STRUCT}, "messages": {"*": _MESSAGE}}

Keys = dict | None          # of a mapping: {key: the keys of its value}; "*" stands for any name; None: the order stays


def below(keys: Keys, key: str) -> Keys:
    """The keys of what is below a key."""
    return keys.get("*", keys.get(key)) if keys else None


def rank(keys: Keys, key: str) -> int:
    """Sorts the keys of a mapping. Unknown ones are last."""
    if not keys or "*" in keys:
        return 0
    return list(keys).index(key) if key in keys else len(keys)
