# SPDX-License-Identifier: Apache-2.0 OR MIT
"""How much of its room a field uses in samples: of tests, and of the benchmark."""

from ..laid_out import Layout, Message, Tail


def suite_longest(tail: Tail) -> int:
    """Elements of the longest tail that the tests allocate: about 2,000 bytes."""
    return min(tail.most, 2000 // tail.element_size + 1)


def suite_bytes(message: Message) -> int:
    """The bytes of the longest message with tails that the tests allocate."""
    return message.bytes(suite_longest)


def bench_used(most: int) -> int:
    """Elements of a text or list in the benchmark: half of them, since a short text is the usual one, and at most 24."""
    return min((most + 1) // 2, 24)


def bench_bytes(message: Message) -> int:
    """The bytes of a message that the benchmark allocates."""
    return message.bytes(lambda tail: bench_used(tail.most))


def bench_slot_class(message: Message, layout: Layout) -> int:
    return layout.tail_class(bench_bytes(message)) if message.tails else message.slot_class


def bench_largest(layout: Layout) -> int:
    """The bytes of the largest message of all."""
    return max([layout.union_size, *(bench_bytes(message) for message in layout.tailed)])
