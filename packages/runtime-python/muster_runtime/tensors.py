"""Tensors as they travel: name, datatype, shape, and little-endian row-major bytes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .problem import violation

# Bytes of one element; BYTES varies.
SIZES: dict[str, int] = {
    "BOOL": 1,
    "UINT8": 1,
    "UINT16": 2,
    "UINT32": 4,
    "UINT64": 8,
    "INT8": 1,
    "INT16": 2,
    "INT32": 4,
    "INT64": 8,
    "FP16": 2,
    "BF16": 2,
    "FP32": 4,
    "FP64": 8,
    "BYTES": 0,
}
FLOATS = ("FP16", "BF16", "FP32", "FP64")
NUMBERS = tuple(name for name in SIZES if name not in ("BOOL", "BYTES"))

# What stands for a missing value in a BYTES tensor: one byte that begins no UTF-8 text.
MISSING_TEXT = b"\xff"
# How a missing value in BYTES is written: length and the byte.
_PACKED_MISSING = b"\x01\x00\x00\x00\xff"

_MAX_ELEMENTS = 2**53
_length = struct.Struct("<I")


class Tensor(NamedTuple):
    """`data` is a buffer of bytes."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: Any

    def header(self) -> dict[str, Any]:
        """What a frame says about it."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape), "size": len(self.data)}


def read_tensors(headers: Any, payload: memoryview) -> list[Tensor]:
    """The tensors of a frame, as views of its payload; everything is checked. Throws `link_violation`."""
    if not isinstance(headers, list):
        raise violation("a frame names no tensors")
    tensors: list[Tensor] = []
    at = 0
    for header in headers:
        if not isinstance(header, dict):
            raise violation("the header of a tensor is not an object")
        name, datatype, shape, size = (header.get(key) for key in ("name", "datatype", "shape", "size"))
        if not isinstance(name, str) or datatype not in SIZES:
            raise violation("a tensor has no name or an unknown datatype")
        if not isinstance(shape, list) or not isinstance(size, int) or size < 0:
            raise violation(f'tensor "{name}" has no shape or size')
        count = _count(shape)
        if count is None:
            raise violation(f'tensor "{name}" has an impossible shape')
        width = SIZES[datatype]
        if (size < count * 4) if width == 0 else (size != count * width):
            raise violation(f'tensor "{name}" has {size} bytes, which its shape {shape} does not fit')
        if at + size > len(payload):
            raise violation(f'the payload ends inside tensor "{name}"')
        tensors.append(Tensor(name, datatype, tuple(shape), payload[at : at + size]))
        at += size
    if at != len(payload):
        raise violation(f"{len(payload) - at} bytes of the payload belong to no tensor")
    return tensors


def _count(shape: Sequence[Any]) -> int | None:
    count = 1
    for dimension in shape:
        if not isinstance(dimension, int) or isinstance(dimension, bool) or dimension < 0:
            return None
        count *= dimension
    return count if count <= _MAX_ELEMENTS else None


def element_count(shape: Iterable[int]) -> int:
    """Elements of a shape."""
    count = 1
    for dimension in shape:
        count *= dimension
    return count


# Elements of up to 63 bytes with their lengths, one after the other: the engine of `re` splits faster than a loop.
_SHORT = re.compile(b"|".join(re.escape(_length.pack(size)) + b".{%d}" % size for size in range(64)), re.DOTALL)


def _split(tensor: Tensor) -> tuple[list[bytes], int]:
    """The elements of a BYTES tensor, and where each begins: behind its length, or at once.

    Throws `link_violation` where the lengths do not use the bytes up exactly.
    """
    data, count = bytes(tensor.data), element_count(tensor.shape)
    found = _SHORT.findall(data)
    # Nothing was passed over: so each match begins where the one before ends.
    if len(found) == count and sum(map(len, found)) == len(data):
        return found, 4
    unpack, end, at = _length.unpack_from, len(data), 0
    elements: list[bytes] = []
    try:
        while at < end:
            start = at + 4
            at = start + unpack(data, at)[0]
            elements.append(data[start:at])
    except struct.error:
        at = -1
    if at != end or len(elements) != count:
        raise violation(f'the lengths in tensor "{tensor.name}" do not fit its bytes')
    return elements, 0


def read_elements(tensor: Tensor) -> list[bytes]:
    """The elements of a BYTES tensor. Throws `link_violation` where the lengths do not fit its bytes."""
    elements, start = _split(tensor)
    return [element[start:] for element in elements] if start > 0 else elements


def read_texts(tensor: Tensor, missing: Any = None) -> list[Any]:
    """The texts of a BYTES tensor; `missing` where there is none."""
    elements, start = _split(tensor)
    # Columns mostly repeat a few values, which are decoded once and are then one object.
    texts = {element: element[start:].decode("utf-8", "surrogateescape") for element in set(elements)}
    texts[_PACKED_MISSING[4 - start :]] = missing
    return list(map(texts.__getitem__, elements))


def _pack(value: Any) -> bytes:
    if value is None or value != value:  # NaN, NaT and their kin
        return _PACKED_MISSING
    return _pack_text(value)


def _pack_text(value: Any) -> bytes:
    element = bytes(value) if isinstance(value, (bytes, bytearray)) else str(value).encode("utf-8", "surrogateescape")
    return _length.pack(len(element)) + element


def pack_texts(values: Sequence[Any]) -> bytes:
    """Texts (or what has a text) as the bytes of a BYTES tensor; None, NaN and their kin are missing."""
    try:
        packed = {value: _pack(value) for value in set(values)}
        return b"".join(map(packed.__getitem__, values))
    except (TypeError, ValueError):  # not hashable, or a comparison that answers with an array
        return b"".join([_PACKED_MISSING if value is None else _pack_text(value) for value in values])
