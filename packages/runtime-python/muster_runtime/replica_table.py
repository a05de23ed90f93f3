"""The replicas of this runner by id. Its calls are jobs of the run queue: one at a time."""

from __future__ import annotations

import gc
import os
import resource
import threading
import time
from collections.abc import Sequence
from typing import Any, Callable

from .loaders import load_model
from .messages import LoadRequest
from .problem import Problem, to_problem
from .replica import Replica
from .tensors import Tensor
from .warm_up import warm_up


class _Entry:
    def __init__(self, request: LoadRequest) -> None:
        self.request = request
        self.state = "loading"
        self.replica: Replica | None = None
        self.loaded: dict[str, Any] | None = None
        self.runs = 0
        self.run_micros = 0


class ReplicaTable:
    """`on_event` hears of every replica that became ready, failed to, or ceased to be."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        self._on_event = on_event
        self._entries: dict[str, _Entry] = {}
        # The thread that reads frames announces and greets.
        self._lock = threading.Lock()

    def ready(self) -> list[str]:
        """Ids of the replicas that answer."""
        with self._lock:
            return [name for name, entry in self._entries.items() if entry.state == "ready"]

    def announce(self, request: LoadRequest) -> None:
        """Notes a wish to load, so that health shows it while it waits; by now its turn may have come, and gone."""
        with self._lock:
            self._entries.setdefault(request.replica, _Entry(request))

    def _entry(self, request: LoadRequest) -> _Entry:
        with self._lock:
            known = self._entries.get(request.replica)
            if known is not None and known.state != "failed":
                return known
            entry = _Entry(request)
            self._entries[request.replica] = entry
            return entry

    def load(self, request: LoadRequest, sample: Sequence[Tensor] | None) -> dict[str, Any]:
        """Loads and warms up; a replica that is ready already is answered as it is."""
        entry = self._entry(request)
        if entry.request._replace(sample=None) != request._replace(sample=None):
            raise Problem(
                "link_violation", f'replica "{request.replica}" is loaded already, from another file or as another'
            )
        if entry.loaded is not None:
            return entry.loaded
        try:
            loaded = self._measure(entry, request, sample)
        except BaseException as thrown:
            problem = to_problem(thrown)
            entry.state = "failed"
            self._on_event({"replica": request.replica, "state": "failed", "problem": problem.document()})
            raise problem from None
        self._on_event({"replica": request.replica, "state": "ready"})
        return loaded

    def _measure(self, entry: _Entry, request: LoadRequest, sample: Sequence[Tensor] | None) -> dict[str, Any]:
        rss_before = rss_bytes()
        started = time.perf_counter()
        replica = Replica(load_model(request.file, request.format), request.signature, request.is_table)
        loaded_at = time.perf_counter()
        answered = warm_up(replica, request.signature, sample)
        ended = time.perf_counter()
        # What a model is made of lives as long as the process: the collector need not walk it again and again.
        gc.collect()
        gc.freeze()
        loaded = {
            "replica": request.replica,
            "loadMs": round((loaded_at - started) * 1000, 2),
            "warmupMs": round((ended - loaded_at) * 1000, 2),
            "memoryBytes": max(0, rss_bytes() - rss_before),
            "warmup": answered,
        }
        with self._lock:
            entry.replica, entry.loaded, entry.state = replica, loaded, "ready"
        return loaded

    def run(self, name: str, tensors: Sequence[Tensor], wanted: Sequence[str] | None) -> tuple[list[Tensor], int]:
        """Runs a batch. Throws `replica_not_loaded`, and what the run throws."""
        entry = self._entries.get(name)
        if entry is None or entry.replica is None:
            raise Problem("replica_not_loaded", f'replica "{name}" is not ready in this runner')
        outputs, micros = entry.replica.run(tensors, wanted)
        entry.runs += 1
        entry.run_micros += micros
        return outputs, micros

    def unload(self, name: str) -> None:
        """Releases a replica; one that is not there is fine."""
        with self._lock:
            entry = self._entries.pop(name, None)
        if entry is None or entry.replica is None:
            return
        self._on_event({"replica": name, "state": "gone"})
        entry.replica = None
        gc.unfreeze()
        gc.collect()

    def report(self) -> dict[str, Any]:
        """How the process is doing."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        with self._lock:
            return {
                "cpuMicros": round((usage.ru_utime + usage.ru_stime) * 1_000_000),
                "rssBytes": rss_bytes(),
                "replicas": [
                    {
                        "replica": name,
                        "state": entry.state,
                        "runs": entry.runs,
                        "runMicros": entry.run_micros,
                        "memoryBytes": entry.loaded["memoryBytes"] if entry.loaded else 0,
                    }
                    for name, entry in self._entries.items()
                ],
            }


def rss_bytes() -> int:
    """Memory of this process that is in RAM."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
