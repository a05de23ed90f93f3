"""One peer of the runtime link."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Callable

from . import frames
from .frames import Frame, FrameReader, Limits
from .problem import Problem, to_problem

# Answers that may wait for a peer that does not read them.
MAX_UNREAD_BYTES = 256 * 1024 * 1024
# How long a connection may take to say who it is, and how long one that is cut off may take to close its side.
HELLO_TIMEOUT_SECONDS = 10.0
CUT_OFF_SECONDS = 1.0

# Frames up to here are cheaper to send as one copy.
_COPY_UP_TO_BYTES = 64 * 1024
# The kernel takes no longer list of buffers.
_MAX_PARTS = 512
_SCRATCH_BYTES = 256 * 1024


class Connection:
    """Reads on the link's thread; `send` may be called by any thread and never waits.

    A peer that breaks the rules is told so and cut off; from one that does not read its answers nothing more is taken,
    and it is cut off when they become too many.
    """

    _scratch = memoryview(bytearray(_SCRATCH_BYTES))

    def __init__(
        self,
        sock: socket.socket,
        limits: Limits,
        on_frame: Callable[[Connection, Frame], None],
        on_close: Callable[[Connection], None],
        wake: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                sock.setsockopt(socket.SOL_SOCKET, option, 1024 * 1024)
        self.sock = sock
        self.is_closed = False
        self.has_greeted = False
        # Requests that wait or run, by number.
        self.open_requests: dict[int, Any] = {}
        # When to close at the latest; None: no limit.
        self.deadline: float | None = time.monotonic() + HELLO_TIMEOUT_SECONDS
        self._limits = limits
        self._reader = FrameReader(limits)
        self._on_frame = on_frame
        self._on_close = on_close
        self._wake = wake
        self._lock = threading.Lock()
        self._unsent: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self._is_cut_off = False
        self._is_ending = False

    @property
    def wants_to_read(self) -> bool:
        """Nothing is taken from a peer that has not read what it was sent."""
        return self._is_cut_off or not self._unsent

    @property
    def wants_to_write(self) -> bool:
        """Something waits until the peer reads."""
        return bool(self._unsent)

    def send(self, kind: int, request: int, header: Any, payload: Sequence[Any] = ()) -> None:
        """Sends a frame, as much as the peer takes now; the rest follows. Throws `link_violation` beyond the limits."""
        parts = frames.encode_frame(kind, request, header, payload, self._limits)
        size = sum(map(len, parts))
        if size <= _COPY_UP_TO_BYTES and len(parts) > 1:
            parts = [memoryview(b"".join(parts))]
        with self._lock:
            if self.is_closed or self._is_ending:
                return
            if self._unsent_bytes > MAX_UNREAD_BYTES:
                self.deadline = 0.0
                self._wake()
                return
            was_idle = not self._unsent
            self._unsent.extend(parts)
            self._unsent_bytes += size
            if was_idle:
                self._flush()
            has_rest = bool(self._unsent)
        if has_rest and was_idle:
            self._wake()

    def send_problem(self, request: int, problem: Problem) -> None:
        """Answers a request with a problem."""
        self.send(frames.ERROR, request, problem.document())

    def on_writable(self) -> None:
        """The peer reads again."""
        with self._lock:
            if not self.is_closed:
                self._flush()

    def on_readable(self) -> None:
        """Takes what there is and hands on the frames that it completes."""
        try:
            target = None if self._is_cut_off else self._reader.target()
            count = self.sock.recv_into(self._scratch if target is None or len(target) < 4096 else target)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            count = 0
        if count == 0:
            self.close()
            return
        if self._is_cut_off:
            return
        try:
            if target is None or len(target) < 4096:
                self._reader.push(self._scratch[:count], self._take)
            else:
                self._reader.took(count, self._take)
        except Exception as thrown:
            self._cut_off(to_problem(thrown))

    def _take(self, frame: Frame) -> None:
        if not self._is_cut_off and not self.is_closed:
            self._on_frame(self, frame)

    def _cut_off(self, problem: Problem) -> None:
        """What still comes is thrown away, so that the peer reads the reason and not a reset; but not for long."""
        self.send_problem(0, problem)
        self._is_cut_off = True
        self.end()
        self.deadline = time.monotonic() + CUT_OFF_SECONDS

    def end(self) -> None:
        """Closes this side once all is sent."""
        with self._lock:
            self._is_ending = True
            if not self.is_closed:
                self._flush()

    def close(self) -> None:
        """Closes at once. Only the link's thread does so: the number of the socket may be another one's afterwards."""
        with self._lock:
            if self.is_closed:
                return
            self.is_closed = True
            self._unsent.clear()
            self._unsent_bytes = 0
        self._on_close(self)
        self.sock.close()

    def _flush(self) -> None:
        unsent = self._unsent
        try:
            while unsent:
                count = self.sock.sendmsg([part for part, _ in zip(unsent, range(_MAX_PARTS))])
                self._unsent_bytes -= count
                while unsent and count >= len(unsent[0]):
                    count -= len(unsent.popleft())
                if count > 0:
                    unsent[0] = unsent[0][count:]
            if self._is_ending:
                self.sock.shutdown(socket.SHUT_WR)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            # The thread that reads finds out and closes.
            unsent.clear()
            self._unsent_bytes = 0
            self.deadline = 0.0
            self._wake()
