# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What emitted constructors call their own parameters and locals, beside the parameters that the schema names.

A name is plain; an underscore follows it where a field of the same record has that name. No field's name ends in one.
"""

from typing import NamedTuple

from .. import model


class LocalNames(NamedTuple):
    pool: str
    msg: str            # the message
    out: str            # the struct that is filled
    origin: str         # what is copied
    bytes: str          # of the message and its tail
    slot_class: str
    arguments: str
    n: str
    has_tag: str        # whether what is copied has no tag or the right one


# In the order of LocalNames.
_WORDS = ("pool", "msg", "out", "from", "bytes", "slot_class", "arguments", "n", "has_tag")
_PLAIN = LocalNames(*_WORDS)


def local_names(record: model.Struct | model.Message) -> LocalNames:
    """The names for the constructors of a record."""
    taken = record.parameters
    return _PLAIN if taken.isdisjoint(_WORDS) else LocalNames(*(word + "_" if word in taken else word for word in _WORDS))


def integer_name(bit_field: model.BitField) -> str:
    """The parameter that is the integer of a bit field, beside its parts."""
    return "value_" if any(part.parameter == "value" for part in bit_field.parts) else "value"


def text_length(field: model.Field, record: model.Struct | model.Message) -> str:
    """The local that holds the length of a text that a constructor is called with."""
    length = field.name.c + "_len"
    return length + "_" if length in record.parameters else length


def length_of(member: str, of: model.Field) -> str:
    """The length beside a field's member: msg->name_len beside msg->name, and msg->class_len beside msg->class_."""
    return member[:-len(of.name.member)] + of.name.length
