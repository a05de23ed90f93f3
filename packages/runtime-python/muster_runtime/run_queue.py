"""One job at a time, on the main thread."""

from __future__ import annotations

import threading
from collections import deque
from typing import Callable, NamedTuple

from .problem import Problem


class QueueLimits(NamedTuple):
    """What may wait; beyond it the gateway in front is not doing its part."""

    max_jobs: int = 10_000
    max_bytes: int = 1024**3


DEFAULT_LIMITS = QueueLimits()


class Job:
    """A piece of work; `weight_bytes` is what it keeps in memory while it waits."""

    __slots__ = ("is_forgotten", "lane", "run", "weight_bytes")

    def __init__(self, lane: str, weight_bytes: int, run: Callable[[Job], None]) -> None:
        self.lane = lane
        self.weight_bytes = weight_bytes
        self.run = run
        # Nobody waits for its answer any more.
        self.is_forgotten = False


class RunQueue:
    """Jobs of a lane keep their order; lanes take turns, so that a busy replica does not hold up the others.

    `add`, `remove` and `stop` are called by the thread that reads frames, `work` by the main thread, where models run:
    many libraries want signals, and some their start, to be there.
    """

    def __init__(self, limits: QueueLimits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._lanes: dict[str, deque[Job]] = {}
        self._jobs = 0
        self._bytes = 0
        self._is_stopped = False
        self._changed = threading.Condition(threading.Lock())

    def add(self, job: Job) -> None:
        """Adds a job to the end of its lane. Throws `queue_full`."""
        with self._changed:
            limits = self._limits
            is_heavy = self._jobs > 0 and self._bytes + job.weight_bytes > limits.max_bytes
            if self._jobs >= limits.max_jobs or is_heavy:
                raise Problem("queue_full", f"{self._jobs} requests with {self._bytes} bytes wait in this runner")
            self._lanes.setdefault(job.lane, deque()).append(job)
            self._jobs += 1
            self._bytes += job.weight_bytes
            self._changed.notify()

    def remove(self, job: Job) -> bool:
        """Takes a job out again and says whether it had not begun."""
        with self._changed:
            lane = self._lanes.get(job.lane)
            if lane is None or job not in lane:
                return False
            lane.remove(job)
            if not lane:
                del self._lanes[job.lane]
            self._forget(job)
            return True

    def stop(self) -> None:
        """Starts nothing more; `work` returns when the current job is done. What waits is forgotten."""
        with self._changed:
            self._is_stopped = True
            self._lanes.clear()
            self._changed.notify_all()

    def work(self) -> None:
        """Runs jobs until `stop`."""
        while True:
            job = self._take()
            if job is None:
                return
            job.run(job)
            # Not kept until the next one comes: its tensors may be large.
            job = None

    def _take(self) -> Job | None:
        with self._changed:
            while not self._lanes and not self._is_stopped:
                self._changed.wait()
            if self._is_stopped:
                return None
            name = next(iter(self._lanes))
            lane = self._lanes.pop(name)
            job = lane.popleft()
            # Behind all others: the next turn of this lane comes after theirs.
            if lane:
                self._lanes[name] = lane
            self._forget(job)
            return job

    def _forget(self, job: Job) -> None:
        self._jobs -= 1
        self._bytes -= job.weight_bytes
