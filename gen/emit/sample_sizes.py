# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How much of its room a field uses in samples: of tests, and of the benchmark."""

from ..laid_out import Layout, Message, Tail


def suite_longest(tail: Tail) -> int:
    """Elements of the longest tail that the tests allocate, or the bytes of a list of texts: about 2,000 bytes."""
    if tail.list_bytes:
        return _bytes_of_texts(tail, suite_texts(tail), suite_characters(tail))
    return min(tail.most, 2000 // tail.element_size + 1)


def suite_texts(tail: Tail) -> int:
    """The most texts of a list in the tests."""
    return min(tail.most, 40)


def suite_characters(tail: Tail) -> int:
    """The most characters of each of these texts."""
    return min(tail.longest, 40)


def _bytes_of_texts(tail: Tail, count: int, characters: int) -> int:
    return count * (tail.element_size + characters + 1)


def suite_bytes(message: Message) -> int:
    """The bytes of the longest message with tails that the tests allocate."""
    return message.bytes(suite_longest)


def bench_used(most: int) -> int:
    """Elements of a text or list in the benchmark: half of them, since a short text is the usual one, and at most 24."""
    return min((most + 1) // 2, 24)


def bench_texts(tail: Tail) -> int:
    """The texts of a list in the benchmark."""
    return min((tail.most + 1) // 2, 4)


def bench_characters(tail: Tail) -> int:
    """The characters of each of these texts."""
    return bench_used(tail.longest)


def bench_bytes(message: Message) -> int:
    """The bytes of a message that the benchmark allocates."""
    return message.bytes(lambda tail: _bytes_of_texts(tail, bench_texts(tail), bench_characters(tail)) if tail.list_bytes else bench_used(tail.most))


def bench_slot_class(message: Message, layout: Layout) -> int:
    return layout.tail_class(bench_bytes(message)) if message.tails else message.slot_class


def bench_largest(layout: Layout) -> int:
    """The bytes of the largest message of all."""
    return max([layout.union_size, *(bench_bytes(message) for message in layout.tailed)])
