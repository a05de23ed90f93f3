"""Recognises ONNX, which has no mark: a file that is a whole ModelProto at its top."""

from __future__ import annotations

import os
from typing import BinaryIO, Optional

#: Fields of ModelProto by number, with the only wire type that each has: 0 whole number, 2 bytes.
_FIELDS = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}
_GRAPH = 7
_MOST_FIELDS = 10_000


def is_onnx(file: BinaryIO, size: int) -> bool:
    """It is followed to its end, and must have a graph; a file that was cut off within its graph counts, too."""
    file.seek(0)
    at = 0
    has_graph = False
    for _ in range(_MOST_FIELDS):
        if at >= size:
            break
        tag, at = _number(file, at)
        if tag is None or _FIELDS.get(tag >> 3) != tag & 7:
            return False
        value, at = _number(file, at)
        if value is None:
            return False
        has_graph = has_graph or tag >> 3 == _GRAPH
        if tag & 7 == 2:
            at += value
            if at > size:
                return has_graph and tag >> 3 == _GRAPH
            file.seek(at, os.SEEK_SET)
    return at == size and has_graph


def _number(file: BinaryIO, at: int) -> "tuple[Optional[int], int]":
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None, at
        at += 1
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value, at
    return None, at
