"""Reads forward only, so that a compressed file needs neither a copy nor memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import BinaryIO, Optional

from .budget import Budget
from .findings import NotReadable

_CHUNK = 1024 * 1024


class Truncated(Exception):
    """The stream ends where more was announced."""


class Stream:
    """A binary stream with a position, whose reads are whole or refused."""

    def __init__(self, source: BinaryIO, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self._buffer = b""
        self._at = 0
        self._base = 0

    @property
    def position(self) -> int:
        return self._base + self._at

    def peek(self, count: int) -> bytes:
        """Up to `count` bytes that are not taken yet."""
        while len(self._buffer) - self._at < count and self._fill():
            pass
        return self._buffer[self._at : self._at + count]

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes; raises `Truncated`. Meant for little: what is long is skipped."""
        end = self._at + count
        if end > len(self._buffer):
            if len(self.peek(count)) < count:
                raise Truncated()
            end = self._at + count
        piece = self._buffer[self._at : end]
        self._at = end
        return piece

    def line(self, limit: int = 64 * 1024) -> bytes:
        """Up to and without the next line feed; raises `Truncated` where none comes within the limit."""
        wanted = 256
        while True:
            ahead = self.peek(wanted)
            end = ahead.find(b"\n")
            if end >= 0:
                self._at += end + 1
                return ahead[:end]
            if len(ahead) < wanted or wanted >= limit:
                raise Truncated()
            wanted *= 4

    def skip(self, count: int, keep_head: int = 0, keep_tail: int = 0) -> "tuple[bytes, bytes]":
        """Passes `count` bytes and returns their ends; raises `Truncated`."""
        head = b""
        tail = b""
        left = count
        while left > 0:
            if self._at == len(self._buffer) and not self._fill():
                raise Truncated()
            piece = self._buffer[self._at : self._at + min(left, _CHUNK)]
            self._at += len(piece)
            left -= len(piece)
            if len(head) < keep_head:
                head += piece[: keep_head - len(head)]
            if keep_tail > 0:
                tail = (tail + piece)[-keep_tail:]
        return head, tail

    def is_at_end(self) -> bool:
        return self.peek(1) == b""

    def _fill(self) -> bool:
        try:
            more = self._source.read(_CHUNK)
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:
            raise Truncated() from error
        self._budget.check()
        if not more:
            return False
        self._budget.spend(len(more))
        self._base += self._at
        self._buffer = self._buffer[self._at :] + more
        self._at = 0
        return True


def decompressed(source: BinaryIO) -> "tuple[Optional[str], BinaryIO]":
    """What joblib may have wrapped around a pickle: the name of the compression and the stream inside of it."""
    head = source.read(16)
    source.seek(0)
    if head[:2] == b"\x1f\x8b":
        return "gzip", gzip.GzipFile(fileobj=source, mode="rb")  # type: ignore[return-value]
    if head[:3] == b"BZh":
        return "bz2", bz2.BZ2File(source, "rb")  # type: ignore[return-value]
    if head[:6] == b"\xfd7zXZ\x00" or head[:3] == b"\x5d\x00\x00":
        return "lzma", lzma.LZMAFile(source, "rb")  # type: ignore[return-value]
    if head[:4] == b"\x04\x22\x4d\x18":
        raise NotReadable(
            "it is compressed with lz4, which Python's standard library cannot read",
            "Write it again without: joblib.dump(model, 'model.joblib', compress=3)",
            "unsupported_model",
        )
    if len(head) >= 2 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0:
        return "zlib", _Zlib(source)  # type: ignore[return-value]
    return None, source


class _Zlib(io.RawIOBase):
    """A zlib stream, as joblib writes it, read a piece at a time."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = size if size > 0 else _CHUNK
        while not self._inflate.eof:
            raw = self._inflate.unconsumed_tail or self._source.read(64 * 1024)
            if not raw:
                raise EOFError("cut off")
            piece = self._inflate.decompress(raw, wanted)
            if piece:
                return piece
        return b""
