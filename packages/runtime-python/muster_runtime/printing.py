"""What models print, without harm: lines are cut and counted, and never stand between ours.

File descriptors 1 and 2 lead into a pipe that never blocks (native code that prints may hold the interpreter's lock, so
that nobody could empty it), `sys.stdout` and `sys.stderr` past it. Our own lines go where descriptor 1 led before.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
import select
import stat
import sys
import threading
import time
from typing import Any, Callable

MAX_LINE_BYTES = 4096
MAX_BYTES_PER_SECOND = 64 * 1024
_PIPE_BYTES = 1024 * 1024
_F_SETPIPE_SZ = 1031
_LAST_WORDS_SECONDS = 0.3


class LineLimiter:
    """Cuts a stream into lines and passes on what a second may have; says how much it left out.

    `emit` says whether it took the line.
    """

    def __init__(self, emit: Callable[[str], bool], now: Callable[[], float] = time.monotonic) -> None:
        self._emit = emit
        self._now = now
        self._line = bytearray()
        self._cut_bytes = 0
        self._second = now()
        self._room = MAX_BYTES_PER_SECOND
        self._left_out = 0
        self._lock = threading.Lock()

    def feed(self, data: bytes) -> None:
        """Takes printed bytes, whole lines or not."""
        with self._lock:
            self._renew()
            # Of more than there is room for, looking for lines is in vain.
            if self._room <= 0 and len(data) > MAX_LINE_BYTES:
                end = data.rfind(b"\n")
                if end < 0:
                    self._cut_bytes += len(data)
                    return
                self._left_out += len(self._line) + self._cut_bytes + end
                self._line.clear()
                self._cut_bytes = 0
                data = data[end + 1 :]
            pieces = data.split(b"\n")
            for piece in pieces[:-1]:
                self._extend(piece)
                self._end_line()
            self._extend(pieces[-1])

    def flush(self) -> None:
        """Passes on an unfinished line, and what was left out."""
        with self._lock:
            if self._line:
                self._end_line()
            self._report()

    def _extend(self, piece: bytes) -> None:
        room = MAX_LINE_BYTES - len(self._line)
        self._line += piece[:room]
        self._cut_bytes += max(0, len(piece) - room)

    def _end_line(self) -> None:
        size = len(self._line)
        if self._room < size:
            self._left_out += size + self._cut_bytes
        elif size > 0:
            self._room -= size + 1
            text = self._line.decode("utf-8", "replace").rstrip("\r")
            if not self._emit(f"{text} … ({self._cut_bytes} more bytes)" if self._cut_bytes else text):
                self._left_out += size + self._cut_bytes
        self._line.clear()
        self._cut_bytes = 0

    def _renew(self) -> None:
        now = self._now()
        if now - self._second >= 1:
            self._second = now
            self._room = MAX_BYTES_PER_SECOND
            self._report()

    def _report(self) -> None:
        if self._left_out > 0 and self._emit(f"({self._left_out} bytes that the model printed were left out)"):
            self._left_out = 0


class _Printed(io.RawIOBase):
    def __init__(self, limiter: LineLimiter, fd: int) -> None:
        super().__init__()
        self._limiter = limiter
        self._fd = fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def write(self, data: Any) -> int:
        self._limiter.feed(bytes(data))
        return len(data)


class OwnOutput:
    """Where our own lines go, which are JSON, and the model's, which are as they are."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._unwritten = b""
        self.limiter: LineLimiter | None = None
        mode = os.fstat(fd).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            # Who does not read what a model prints must not hold it up.
            os.set_blocking(fd, False)

    def say(self, entry: dict[str, Any]) -> None:
        """Writes one line of JSON, however long it takes. Nobody may read any more: then there is nothing to say."""
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str)
        with self._lock:
            self._unwritten += text.encode("utf-8", "replace") + b"\n"
            while self._write():
                select.select([], [self._fd], [])

    def pass_on(self, text: str) -> bool:
        """Writes a line that the model has printed, if it can be taken now; says whether it was."""
        with self._lock:
            if self._unwritten and self._write():
                return False
            self._unwritten = text.encode("utf-8", "replace") + b"\n"
            self._write()
            return True

    def _write(self) -> bool:
        """Whether something is left."""
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._fd, self._unwritten) :]
        except BlockingIOError:
            return True
        except OSError:
            self._unwritten = b""
        return False

    def flush(self) -> None:
        """Passes on what the model has printed so far."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # the model may have put anything there
                pass
        # Whoever reads may need a moment; whoever does not is not waited for.
        select.select([], [self._fd], [], _LAST_WORDS_SECONDS)
        if self.limiter is not None:
            self.limiter.flush()


def take_over_output(is_heard: bool = True) -> OwnOutput:
    """From here on what is printed becomes lines within bounds, or nothing, and never stands in what `say` writes."""
    own = OwnOutput(_keep(1))
    limiter = LineLimiter(own.pass_on if is_heard else lambda text: True)
    own.limiter = limiter
    reading, writing = os.pipe()
    try:
        fcntl.fcntl(writing, _F_SETPIPE_SZ, _PIPE_BYTES)
    except OSError:
        pass  # the smaller one loses more of what native code prints
    os.set_blocking(writing, False)
    os.dup2(writing, 1)
    os.dup2(writing, 2)
    os.close(writing)
    for name, fd in (("stdout", 1), ("stderr", 2)):
        buffer = io.BufferedWriter(_Printed(limiter, fd), 8192)
        setattr(sys, name, io.TextIOWrapper(buffer, "utf-8", "backslashreplace", line_buffering=True))
        setattr(sys, f"__{name}__", getattr(sys, name))
    threading.Thread(target=_drain, args=(reading, limiter), name="muster-printed", daemon=True).start()
    return own


def _drain(reading: int, limiter: LineLimiter) -> None:
    while True:
        try:
            data = os.read(reading, _PIPE_BYTES)
        except OSError:
            return
        if not data:
            return
        limiter.feed(data)


def _keep(fd: int) -> int:
    """Another number for a descriptor, out of the way and closed in programs that the model starts."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 100)
