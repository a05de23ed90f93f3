"""Frames of the runtime link: `u32 length | u8 kind | u32 request | u32 headerLength | header | payload`."""

from __future__ import annotations

import json
import mmap
import struct
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

from .problem import violation

HELLO, LOAD, LOADED, UNLOAD, UNLOADED, INFER, RESULT, ERROR = range(1, 9)
CANCEL, HEALTH, HEALTH_REPORT, REPLICA_EVENT, BODY, CHUNK, END = range(9, 16)

LINK_VERSION = 1
MAX_HEADER_BYTES = 4 * 1024 * 1024
MAX_PAYLOAD_BYTES = 2**31

_PRELUDE = struct.Struct("<IBII")
# Of the prelude, what `length` counts.
_COUNTED = _PRELUDE.size - 4
# Rooms from here on are mapped: memory is then only taken as bytes arrive.
_MAP_FROM_BYTES = 4 * 1024 * 1024


class Frame(NamedTuple):
    """One message. `payload` is a buffer of its own, so numbers in it are aligned."""

    kind: int
    request: int
    header: Any
    payload: memoryview


class Limits(NamedTuple):
    """What this side accepts; a frame beyond it breaks the link."""

    max_header_bytes: int = MAX_HEADER_BYTES
    max_payload_bytes: int = MAX_PAYLOAD_BYTES


DEFAULT_LIMITS = Limits()


def encode_frame(
    kind: int, request: int, header: Any, payload: Sequence[Any] = (), limits: Limits = DEFAULT_LIMITS
) -> list[memoryview]:
    """A frame as buffers to write one after the other. Throws `link_violation` beyond the limits."""
    text = b"" if header is None else json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    views = [memoryview(part).cast("B") for part in payload if len(part) > 0]
    size = sum(view.nbytes for view in views)
    if len(text) > limits.max_header_bytes:
        raise violation(f"a header of {len(text)} bytes is longer than the {limits.max_header_bytes} allowed")
    if size > limits.max_payload_bytes:
        raise violation(f"a payload of {size} bytes is longer than the {limits.max_payload_bytes} allowed")
    prelude = _PRELUDE.pack(_COUNTED + len(text) + size, kind, request, len(text))
    return [memoryview(prelude + text), *views]


class FrameReader:
    """Reads frames from a stream, however it is cut. The first bad one throws `link_violation`; nothing follows it."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._prelude = bytearray()
        self._parts: list[memoryview] = []
        self._filled = 0

    def target(self) -> memoryview | None:
        """Where the next bytes belong, so that a long payload is received in its place; None between frames."""
        return self._parts[0][self._filled :] if self._parts else None

    def took(self, count: int, on_frame: Callable[[Frame], None]) -> None:
        """`count` bytes were put into `target`."""
        self._filled += count
        self._advance(on_frame)

    def push(self, chunk: memoryview, on_frame: Callable[[Frame], None]) -> None:
        """Takes the next bytes and calls back with each frame that they complete."""
        at, end = 0, len(chunk)
        while at < end:
            target = self.target()
            if target is not None:
                count = min(len(target), end - at)
                target[:count] = chunk[at : at + count]
                at += count
                self.took(count, on_frame)
                continue
            count = min(_PRELUDE.size - len(self._prelude), end - at)
            self._prelude += chunk[at : at + count]
            at += count
            if len(self._prelude) == _PRELUDE.size:
                self._begin(on_frame)

    def _begin(self, on_frame: Callable[[Frame], None]) -> None:
        length, kind, _, header_bytes = _PRELUDE.unpack(self._prelude)
        limits = self._limits
        payload_bytes = length - _COUNTED - header_bytes
        if kind < HELLO or kind > END:
            raise violation(f"there is no frame of kind {kind}")
        if payload_bytes < 0:
            raise violation(f"a frame of {length} bytes cannot hold a header of {header_bytes} bytes")
        if header_bytes > limits.max_header_bytes:
            raise violation(f"a header of {header_bytes} bytes is longer than the {limits.max_header_bytes} allowed")
        if payload_bytes > limits.max_payload_bytes:
            raise violation(f"a payload of {payload_bytes} bytes is longer than the {limits.max_payload_bytes} allowed")
        self._header = _room(header_bytes)
        self._payload = _room(payload_bytes)
        self._parts = [part for part in (self._header, self._payload) if len(part) > 0]
        self._filled = 0
        self._advance(on_frame)

    def _advance(self, on_frame: Callable[[Frame], None]) -> None:
        if self._parts and self._filled == len(self._parts[0]):
            del self._parts[0]
            self._filled = 0
        if self._parts:
            return
        _, kind, request, _ = _PRELUDE.unpack(self._prelude)
        self._prelude.clear()
        header, payload = self._header, self._payload
        # Not kept until the next frame comes: it may be large.
        self._header = self._payload = memoryview(b"")
        try:
            parsed = json.loads(bytes(header)) if len(header) > 0 else None
        except (ValueError, RecursionError) as thrown:
            raise violation("the header of a frame is not JSON") from thrown
        on_frame(Frame(kind, request, parsed, payload))


def _room(size: int) -> memoryview:
    if size < _MAP_FROM_BYTES:
        return memoryview(bytearray(size))
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
