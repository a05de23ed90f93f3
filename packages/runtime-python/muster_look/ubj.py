"""Reads universal binary JSON as XGBoost writes it, and passes over its long arrays of numbers."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, Dict, Optional

from .budget import Budget

_WIDTHS = {b"i": 1, b"U": 1, b"I": 2, b"u": 2, b"l": 4, b"L": 8, b"d": 4, b"D": 8, b"C": 1}
_SIGNED = {b"i", b"I", b"l", b"L"}

_MOST_TEXT = 16 * 1024 * 1024
_MOST_VALUES = 5_000_000
_DEPTH = 64


class UbjError(Exception):
    """It is no universal binary JSON, or is cut off."""


def read_ubj(file: BinaryIO, size: int, budget: Budget) -> Dict[str, Any]:
    """The document; typed arrays of more than 16 numbers are None. Raises `UbjError`."""
    file.seek(0)
    try:
        value = _Reader(file, size, budget).value(None, 0)
    except (struct.error, UnicodeDecodeError) as error:
        raise UbjError(type(error).__name__) from error
    if not isinstance(value, dict):
        raise UbjError("it is no object")
    return value


class _Reader:
    def __init__(self, file: BinaryIO, size: int, budget: Budget) -> None:
        self._file = file
        self._left = size
        self._budget = budget
        self._values = 0

    def take(self, count: int) -> bytes:
        if count > self._left:
            raise UbjError("it is cut off")
        self._left -= count
        data = self._file.read(count)
        if len(data) < count:
            raise UbjError("it is cut off")
        return data

    def skip(self, count: int) -> None:
        if count > self._left:
            raise UbjError("it is cut off")
        self._left -= count
        self._file.seek(count, 1)

    def length(self) -> int:
        kind = self.take(1)
        if kind not in _WIDTHS or kind in (b"d", b"D", b"C"):
            raise UbjError("a length is missing")
        number = int.from_bytes(self.take(_WIDTHS[kind]), "big", signed=kind in _SIGNED)
        if number < 0:
            raise UbjError("a length is negative")
        return number

    def text(self) -> str:
        length = self.length()
        if length > _MOST_TEXT:
            self.skip(length)
            return ""
        return self.take(length).decode("utf-8", "replace")

    def value(self, kind: Optional[bytes], depth: int) -> Any:
        self._values += 1
        if self._values % 1024 == 0:
            self._budget.check()
        if self._values > _MOST_VALUES or depth > _DEPTH:
            raise UbjError("it is larger or deeper than any model")
        kind = kind or self.take(1)
        if kind == b"N":
            return self.value(None, depth + 1)
        if kind in (b"Z", b"T", b"F"):
            return {b"Z": None, b"T": True, b"F": False}[kind]
        if kind == b"S":
            return self.text()
        if kind == b"{":
            return self.object(depth)
        if kind == b"[":
            return self.array(depth)
        if kind not in _WIDTHS:
            raise UbjError(f"{kind!r} begins nothing")
        data = self.take(_WIDTHS[kind])
        if kind in (b"d", b"D"):
            return struct.unpack(">f" if kind == b"d" else ">d", data)[0]
        return int.from_bytes(data, "big", signed=kind in _SIGNED)

    def object(self, depth: int) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        while True:
            start = self.take(1)
            if start == b"}":
                return found
            # XGBoost writes L before the length of a key.
            if start not in _WIDTHS:
                raise UbjError("a key is missing")
            length = int.from_bytes(self.take(_WIDTHS[start]), "big")
            if length > 65536:
                raise UbjError("a key is too long")
            key = self.take(length).decode("utf-8", "replace")
            found[key] = self.value(None, depth + 1)

    def array(self, depth: int) -> Any:
        kind: Optional[bytes] = None
        count: Optional[int] = None
        mark = self.take(1)
        if mark == b"$":
            kind = self.take(1)
            mark = self.take(1)
        if mark == b"#":
            count = self.length()
        elif kind is not None:
            raise UbjError("a length is missing")
        if kind is not None and count is not None and kind in _WIDTHS:
            if count > 16:
                self.skip(count * _WIDTHS[kind])
                return None
            return [self.value(kind, depth + 1) for _ in range(count)]
        found = []
        if count is not None:
            if count > self._left:
                raise UbjError("it is cut off")
            for _ in range(count):
                found.append(self.value(kind, depth + 1))
            return found
        while mark != b"]":
            found.append(self.value(mark, depth + 1))
            mark = self.take(1)
        return found
