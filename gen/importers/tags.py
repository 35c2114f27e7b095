# SPDX-License-Identifier: Apache-2.0 OR MIT
"""From the numbers of messages to the tags of a schema, in which no message has tag 0."""

from collections.abc import Sequence
from dataclasses import replace

from ..model import MAX_ENUMERATOR, MAX_TAG
from .draft import Record, lost, where, wrong
from .names import Unique


def tagged(messages: Sequence[tuple[int, Record]]) -> tuple[Record, ...]:
    """The messages with their numbers as tags, and their names made different. A number that is no tag is replaced by a large one that
    no message has, that takes no more bytes, and that is an enumerator. Raises SchemaError if two messages have one number."""
    names = Unique()
    first: dict[int, Record] = {}
    for number, message in messages:
        if number in first:
            raise wrong(message.place, f"the id {number} appears twice", f"the first is {where(first[number].place)}")
        first[number] = message
    most = next(limit for limit in (255, 65535, 2**64) if all(number <= limit for number in first))
    free = (tag for tag in range(min(most, MAX_ENUMERATOR), 0, -1) if tag not in first)
    found = []
    for number, message in messages:
        if not 1 <= number <= MAX_TAG:
            message = replace(message, notes=(*message.notes, lost(f"the id {number}: a tag is from 1 to {MAX_TAG}", message.place)))
            number = next(free)
        found.append(replace(message, name=names(message.name), tag=number))
    return tuple(found)
