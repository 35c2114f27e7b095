# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The workloads of bench/driver.c, with the titles that the report shows."""

from dataclasses import dataclass

SMALL_LIVE, LARGE_LIVE = 10_000, 1_000_000
MOST_BYTES = 2**28              # of live messages: workloads keep fewer if messages are large


@dataclass(frozen=True)
class Workload:
    """live: how many messages it keeps. whole: a run is measured as a whole, not in slices."""

    name: str
    title: str
    what: str
    threads: int = 1
    live: int = 1
    whole: bool = False

    @property
    def is_long(self) -> bool:
        return self.threads == 1 and self.live >= LARGE_LIVE

    def live_of(self, mean_bytes: float) -> int:
        return max(1, min(self.live, int(MOST_BYTES / mean_bytes)))


WORKLOADS = (
    Workload("pair", "pair", "allocate a message, read it, free it"),
    Workload("batch", "batch of 100", "allocate 100, then read and free them"),
    Workload("replace", "random replace, 10 thousand live", "free a message chosen at random, allocate another", live=10_000),
    Workload("replace", "random replace, 1 million live", "free a message chosen at random, allocate another", live=1_000_000),
    Workload("pipeline-each", "pipeline, each published", "one thread allocates, another reads and frees", threads=2),
    Workload("pipeline", "pipeline, batches of 32", "one thread allocates, another reads and frees; 32 published at a time", threads=2),
    Workload("request", "request and reply", "each request is freed, and its reply allocated; at most 64 are in flight", threads=2),
    Workload("local", "two threads, each its own", "batches of 100 in both", threads=2),
    Workload("grow", "growth to 5 million live", "allocate all, then read and free all", live=5_000_000, whole=True),
)
QUICK = (("pair", 1), ("batch", 1), ("replace", 10_000), ("pipeline", 1), ("request", 1))


def quick() -> list[Workload]:
    return [w for w in WORKLOADS if (w.name, w.live) in QUICK]
