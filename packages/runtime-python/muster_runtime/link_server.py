"""Accepts peers of the runtime link and reads their frames, on a thread of its own."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import stat
import threading
import time
from typing import Callable, Protocol

from .connection import Connection
from .frames import Frame, Limits
from .problem import Problem

MAX_CONNECTIONS = 64
# Other signals are the model's.
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
# Longest path of a Unix socket that every system takes.
_MAX_SOCKET_PATH_BYTES = 103


class Handlers(Protocol):
    """Who is behind the link; called on the link's thread."""

    def on_open(self, connection: Connection) -> None:
        """A peer is there."""

    def on_frame(self, connection: Connection, frame: Frame) -> None:
        """A frame; a `link_violation` before the greeting ends the connection."""

    def on_close(self, connection: Connection) -> None:
        """It is gone."""


def listen(address: str) -> tuple[socket.socket, str]:
    """Listens on `unix:/path` or `tcp:host:port` (0: any); says the address. Throws `invalid_configuration`."""
    try:
        if address.startswith("unix:/"):
            return _listen_unix(address[5:]), address
        if address.startswith("tcp:"):
            host, _, port = address[4:].rpartition(":")
            family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host.strip("[]"), int(port)))
            sock.listen(MAX_CONNECTIONS)
            return sock, f"tcp:{host}:{sock.getsockname()[1]}"
    except (OSError, ValueError) as thrown:
        raise Problem(
            "invalid_configuration", f"the runner cannot listen on {address}: {thrown}", place="--listen"
        ) from None
    remedy = "Use unix:/path or tcp:host:port."
    raise Problem("invalid_configuration", f'"{address}" is no address to listen on', remedy, "--listen")


def _listen_unix(path: str) -> socket.socket:
    size = len(os.fsencode(path))
    if size > _MAX_SOCKET_PATH_BYTES:
        raise ValueError(f"the path of the socket has {size} bytes; {_MAX_SOCKET_PATH_BYTES} are possible")
    # One that an earlier runner left behind when it crashed; its host starts one runner a path.
    if os.path.lexists(path) and stat.S_ISSOCK(os.lstat(path).st_mode):
        os.unlink(path)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen(MAX_CONNECTIONS)
    return sock


class LinkServer:
    """`start`, then `stop`. Between them its thread reads whatever comes, also while a model runs."""

    def __init__(self, listener: socket.socket, handlers: Handlers, limits: Limits) -> None:
        self._listener = listener
        self._handlers = handlers
        self._limits = limits
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._wake_in, self.wake_out = socket.socketpair()
        self._on_signal: Callable[[], None] = lambda: None
        self._is_ending = False
        self._thread = threading.Thread(target=self._serve_or_end, name="muster-link", daemon=True)

    def start(self, on_signal: Callable[[], None]) -> None:
        """`on_signal` is called on the link's thread when the number of a stopping signal comes by `wake_out`."""
        self._on_signal = on_signal
        for sock in (self._listener, self._wake_in, self.wake_out):
            sock.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_in, selectors.EVENT_READ, self._drain)
        self._thread.start()

    def wake(self) -> None:
        """Has the thread look again at what its connections want."""
        try:
            self.wake_out.send(b"\0")
        except OSError:
            pass  # it is awake, or gone

    def stop(self, within_seconds: float) -> None:
        """Sends what waits, closes every connection and ends the thread."""
        self._is_ending = True
        self.wake()
        self._thread.join(within_seconds)

    def _serve_or_end(self) -> None:
        try:
            self._serve()
        except BaseException:
            # A runner that hears nothing is of no use; its host starts another one.
            os._exit(70)

    def _serve(self) -> None:
        while True:
            timeout = self._expire()
            if self._is_ending and self._close_idle():
                return
            for key, mask in self._selector.select(timeout):
                if isinstance(key.data, Connection):
                    if mask & selectors.EVENT_WRITE:
                        key.data.on_writable()
                    if mask & selectors.EVENT_READ:
                        key.data.on_readable()
                else:
                    key.data()
            self._watch()

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        if len(self._connections) >= MAX_CONNECTIONS or self._is_ending:
            sock.close()
            return
        connection = Connection(sock, self._limits, self._handlers.on_frame, self._remove, self.wake)
        self._connections.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, connection)
        self._handlers.on_open(connection)

    def _drain(self) -> None:
        try:
            data = self._wake_in.recv(4096)
        except OSError:
            return
        if any(number in data for number in STOP_SIGNALS):
            self._on_signal()

    def _watch(self) -> None:
        """Brings the selector up to what each connection wants now."""
        for connection in list(self._connections):
            wanted = (selectors.EVENT_READ if connection.wants_to_read else 0) | (
                selectors.EVENT_WRITE if connection.wants_to_write else 0
            )
            if self._selector.get_key(connection.sock).events != wanted:
                self._selector.modify(connection.sock, wanted, connection)

    def _remove(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._selector.unregister(connection.sock)
        self._handlers.on_close(connection)

    def _expire(self) -> float | None:
        deadlines = [connection.deadline for connection in self._connections if connection.deadline is not None]
        if not deadlines:
            return 0.2 if self._is_ending else None
        now = time.monotonic()
        for connection in list(self._connections):
            if connection.deadline is not None and connection.deadline <= now:
                connection.close()
        return min(0.2, max(0.0, min(deadlines) - now))

    def _close_idle(self) -> bool:
        """Whether nothing is left to send."""
        for connection in list(self._connections):
            connection.end()
            if not connection.wants_to_write:
                connection.close()
        return not self._connections
