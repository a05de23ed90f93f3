"""Numeric tensors as numpy arrays, without copying; or as lists where the environment has no numpy."""

from __future__ import annotations

import math
import struct
from typing import Any

from .tensors import Tensor, element_count

try:
    import numpy
except ImportError:
    numpy = None

_NUMPY_TYPES = {
    "BOOL": "|b1",
    "UINT8": "|u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "|i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_DATATYPES = {text[1:]: name for name, text in _NUMPY_TYPES.items()}
# Of the struct module.
LETTERS = {
    "BOOL": "?",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}


def has_numpy() -> bool:
    """Whether arrays can be made."""
    return numpy is not None


def dtype_of(datatype: str) -> Any:
    """The numpy type of a datatype other than BYTES and BF16."""
    return numpy.dtype(_NUMPY_TYPES[datatype])


def datatype_of(dtype: Any) -> str | None:
    """The datatype of a numpy type; None if none holds it."""
    return _DATATYPES.get(f"{dtype.kind}{dtype.itemsize}")


def to_array(tensor: Tensor) -> Any:
    """A numeric tensor as a numpy array of its shape: a view where its bytes are aligned, which may be written to."""
    if tensor.datatype == "BF16":
        words = numpy.frombuffer(tensor.data, "<u2").astype("<u4") << 16
        return words.view("<f4").reshape(tensor.shape)
    array = numpy.frombuffer(tensor.data, _NUMPY_TYPES[tensor.datatype])
    if not array.flags.aligned:
        array = array.copy()
    return array.reshape(tensor.shape)


def to_list(tensor: Tensor) -> list[Any]:
    """The elements of a numeric tensor, flat, without numpy."""
    count = element_count(tensor.shape)
    if tensor.datatype == "BF16":
        words = struct.unpack(f"<{count}H", tensor.data)
        return [struct.unpack("<f", struct.pack("<I", word << 16))[0] for word in words]
    return list(struct.unpack(f"<{count}{LETTERS[tensor.datatype]}", tensor.data))


def from_array(name: str, array: Any) -> Tensor | None:
    """A numeric or bool array as a tensor; None if no datatype holds its elements."""
    datatype = datatype_of(array.dtype)
    if datatype is None:
        if array.dtype.kind != "f":
            return None
        array, datatype = array.astype("<f8"), "FP64"  # long double
    little = array.dtype.newbyteorder("<")
    flat = numpy.ascontiguousarray(array, dtype=little)
    shape = tuple(array.shape)
    data = memoryview(flat.reshape(-1)).cast("B") if flat.size > 0 else b""
    return Tensor(name, datatype, shape, data)


def from_list(name: str, values: list[Any], shape: tuple[int, ...]) -> Tensor | None:
    """Numbers or booleans, flat, as a tensor; None if they are something else."""
    kinds = {type(value) for value in values}
    if kinds <= {bool} and kinds:
        datatype = "BOOL"
    elif kinds <= {int} and kinds and all(-(2**63) <= value < 2**63 for value in values):
        datatype = "INT64"
    elif kinds <= {int, float, type(None)} and float in kinds:
        datatype = "FP64"
        values = [math.nan if value is None else value for value in values]
    else:
        return None
    return Tensor(name, datatype, shape, struct.pack(f"<{len(values)}{LETTERS[datatype]}", *values))
