"""Serves the runtime link: replicas are loaded, run and released here, one job at a time."""

from __future__ import annotations

import socket
import threading
from typing import Any, Callable

from . import frames
from .connection import Connection
from .frames import DEFAULT_LIMITS, Frame, Limits
from .link_server import LinkServer
from .messages import check_hello, read_load_request, replica_of, wanted_outputs
from .problem import Problem, to_problem, violation
from .replica_table import ReplicaTable
from .run_queue import Job, RunQueue
from .tensors import read_tensors

# How long the last answers may take to be read before the process ends.
_FLUSH_SECONDS = 1.0


class Runner:
    """`serve` runs on the main thread until `stop`, which any thread may call."""

    def __init__(self, listener: socket.socket, software: str, limits: Limits = DEFAULT_LIMITS) -> None:
        self._software = software
        self._queue = RunQueue()
        # Everybody that the greeting was sent to: what changes since is told as it happens.
        self._greeted: set[Connection] = set()
        self._telling = threading.Lock()
        self._replicas = ReplicaTable(self._tell_all)
        self._server = LinkServer(listener, self, limits)

    @property
    def wake_socket(self) -> socket.socket:
        """For `signal.set_wakeup_fd`."""
        return self._server.wake_out

    def serve(self, on_listening: Callable[[], None], on_signal: Callable[[], None]) -> None:
        """Runs jobs until `stop`; sends the last answer before it returns. `on_signal` runs on the link's thread."""
        self._server.start(on_signal)
        on_listening()
        self._queue.work()
        self._server.stop(_FLUSH_SECONDS)

    def stop(self) -> None:
        """Finishes the run that is under way; what waits is not begun."""
        self._queue.stop()

    def on_open(self, connection: Connection) -> None:
        """Greets."""
        hello = {"link": frames.LINK_VERSION, "role": "python", "software": self._software}
        # At once: a replica that becomes ready meanwhile is told after the greeting, which is the first frame of all.
        with self._telling:
            connection.send(frames.HELLO, 0, {**hello, "ready": self._replicas.ready()})
            self._greeted.add(connection)

    def on_close(self, connection: Connection) -> None:
        """What a peer waits for is not begun once it is gone."""
        with self._telling:
            self._greeted.discard(connection)
        for job in list(connection.open_requests.values()):
            self._queue.remove(job)
        connection.open_requests.clear()

    def on_frame(self, connection: Connection, frame: Frame) -> None:
        """The first one must be a greeting; a problem of a later one is the answer to its request."""
        if not connection.has_greeted:
            if frame.kind != frames.HELLO:
                raise violation("the first frame of a connection must be a hello")
            check_hello(frame.header)
            connection.has_greeted = True
            connection.deadline = None
            return
        try:
            self._dispatch(connection, frame)
        except Exception as thrown:
            connection.send_problem(frame.request, to_problem(thrown))

    def _dispatch(self, connection: Connection, frame: Frame) -> None:
        if frame.kind == frames.INFER:
            self._infer(connection, frame)
        elif frame.kind == frames.LOAD:
            self._load(connection, frame)
        elif frame.kind == frames.UNLOAD:
            replica = replica_of(frame.header)
            self._enqueue(connection, frame, replica, lambda: self._unload(connection, frame.request, replica))
        elif frame.kind == frames.HEALTH:
            self._enqueue(
                connection,
                frame,
                " health",
                lambda: connection.send(frames.HEALTH_REPORT, frame.request, self._replicas.report()),
            )
        elif frame.kind == frames.CANCEL:
            job = connection.open_requests.get(frame.request)
            if job is None:
                return
            job.is_forgotten = True
            if self._queue.remove(job):
                del connection.open_requests[frame.request]
        else:
            raise violation(f"the python runtime does not take frames of kind {frame.kind}")

    def _infer(self, connection: Connection, frame: Frame) -> None:
        replica, wanted = replica_of(frame.header), wanted_outputs(frame.header)
        tensors = read_tensors(frame.header.get("inputs"), frame.payload)
        request = frame.request
        if request in connection.open_requests:
            raise violation(f"request {request} is open already")

        def run(job: Job) -> None:
            try:
                outputs, micros = self._replicas.run(replica, tensors, wanted)
                connection.open_requests.pop(request, None)
                if job.is_forgotten:
                    return
                header = {"outputs": [tensor.header() for tensor in outputs], "runMicros": micros}
                connection.send(frames.RESULT, request, header, [tensor.data for tensor in outputs])
            except BaseException as thrown:
                connection.open_requests.pop(request, None)
                if not job.is_forgotten:
                    connection.send_problem(request, to_problem(thrown))

        job = Job(replica, len(frame.payload), run)
        connection.open_requests[request] = job
        try:
            self._queue.add(job)
        except Problem:
            del connection.open_requests[request]
            raise

    def _load(self, connection: Connection, frame: Frame) -> None:
        request = read_load_request(frame.header)
        sample = None if request.sample is None else read_tensors(request.sample, frame.payload)

        def load() -> None:
            connection.send(frames.LOADED, frame.request, self._replicas.load(request, sample))

        self._enqueue(connection, frame, request.replica, load)
        self._replicas.announce(request)

    def _unload(self, connection: Connection, request: int, replica: str) -> None:
        self._replicas.unload(replica)
        connection.send(frames.UNLOADED, request, {"replica": replica})

    def _enqueue(self, connection: Connection, frame: Frame, lane: str, work: Callable[[], None]) -> None:
        """Queues work that is done even if the peer goes away meanwhile."""

        def run(_: Job) -> None:
            try:
                work()
            except BaseException as thrown:
                connection.send_problem(frame.request, to_problem(thrown))

        self._queue.add(Job(lane, len(frame.payload), run))

    def _tell_all(self, event: dict[str, Any]) -> None:
        with self._telling:
            for connection in self._greeted:
                connection.send(frames.REPLICA_EVENT, 0, event)
