"""Values as bytes of the Open Inference Protocol: arrays are cast and copied as a whole, all else value by value."""

from __future__ import annotations

import importlib
import math
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._sample import as_known, date_texts, is_array, is_missing, is_series, text_of
from .errors import MusterError

if TYPE_CHECKING:
    from ._signature import Spec

NUMPY_TYPES = {
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
    "BF16": "<u2",
    "FP32": "<f4",
    "FP64": "<f8",
}
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
    "BF16": "H",
    "FP32": "f",
    "FP64": "d",
}
SIZES = {name: struct.calcsize(f"<{letter}") for name, letter in LETTERS.items()}
_FLOATS = ("FP16", "BF16", "FP32", "FP64")
MISSING_TEXT = b"\xff"


@dataclass(frozen=True)
class Prepared:
    """An input with all its rows, ready to be cut into requests."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    """Of all rows; the first counts them."""
    content: Any
    """The bytes, row-major; of BYTES the elements, each with its length in front."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return self.shape[0] if self.shape else 1

    @property
    def size_bytes(self) -> int:
        """Of all rows."""
        return sum(map(len, self.content)) if self.datatype == "BYTES" else len(self.content)

    def part(self, start: int, stop: int) -> tuple[list[int], bytes]:
        """Shape and bytes of some rows."""
        width = math.prod(self.shape[1:])
        if self.datatype == "BYTES":
            data = b"".join(self.content[start * width : stop * width])
        else:
            stride = width * SIZES[self.datatype]
            data = bytes(self.content[start * stride : stop * stride])
        return [stop - start, *self.shape[1:]], data

    @staticmethod
    def beside(name: str, columns: Sequence[Prepared]) -> Prepared:
        """Columns as one matrix."""
        rows, datatype = columns[0].rows, columns[0].datatype
        if any(column.rows != rows for column in columns):
            raise invalid_rows("the columns are not all of one length")
        size = SIZES.get(datatype, 0)
        if datatype == "BYTES":
            content: Any = [element for row in zip(*(column.content for column in columns)) for element in row]
        else:
            content = bytearray(rows * len(columns) * size)
            for index, column in enumerate(columns):
                for byte in range(size):
                    content[index * size + byte :: len(columns) * size] = column.content[byte::size]
        return Prepared(name, datatype, (rows, len(columns)), content)


def prepare(spec: Spec, values: Any) -> Prepared:
    """Values as an input of this kind. Raises `invalid_rows` for what does not fit."""
    values = as_known(values)
    if spec.datatype == "BYTES":
        flat, shape = _flat(values)
        return Prepared(spec.name, "BYTES", _fit(spec, shape), _elements(spec, flat))
    array = _as_numbers(spec, values)
    if array is not None:
        shape = _fit(spec, tuple(int(size) for size in array.shape))
        return Prepared(spec.name, spec.datatype, shape, _array_bytes(spec, array))
    flat, shape = _flat(values)
    fitted = _fit(spec, shape)
    numbers = [_number(spec, value, index) for index, value in enumerate(flat)]
    if spec.datatype == "BF16":
        numbers = [struct.unpack("<I", struct.pack("<f", value))[0] >> 16 for value in numbers]
    try:
        content = struct.pack(f"<{len(numbers)}{LETTERS[spec.datatype]}", *numbers)
    except (struct.error, OverflowError):
        raise invalid_rows(f"a value of “{spec.name}” is beyond the range of {spec.datatype}") from None
    return Prepared(spec.name, spec.datatype, fitted, content)


def has_numpy() -> Any:
    """numpy, where the user has it; else None."""
    if "numpy" in sys.modules:
        return sys.modules["numpy"]
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


def _as_numbers(spec: Spec, values: Any) -> Any:
    """The values as an array of numbers or booleans; None where they have to be looked at one by one."""
    numpy = has_numpy()
    if numpy is None:
        return None
    if is_series(values):
        dtype = values.dtype
        if getattr(dtype, "kind", "O") not in "fiub" or type(dtype).__name__ == "CategoricalDtype":
            return None
        if type(dtype).__module__.startswith("numpy"):
            return values.to_numpy()
        if not bool(values.isna().any()):
            return values.to_numpy(dtype=dtype.kind + "8" if dtype.kind != "b" else "bool")
        return values.to_numpy(dtype="float64", na_value=math.nan) if spec.datatype in _FLOATS else None
    if is_array(values):
        return values if values.dtype.kind in "fiub" else None
    if isinstance(values, (list, tuple)) and len(values) > 0:
        try:
            array = numpy.asarray(values)
        except (ValueError, OverflowError):
            return None
        return array if array.dtype.kind in "fiub" else None
    return None


def _array_bytes(spec: Spec, array: Any) -> memoryview:
    numpy = has_numpy()
    kind, wanted = array.dtype.kind, spec.datatype
    if wanted in _FLOATS:
        if wanted == "BF16":
            words = numpy.ascontiguousarray(array, dtype="<f4").view("<u4")
            array = (words >> 16).astype("<u2")
    elif wanted == "BOOL":
        if kind != "b" and not bool(((array == 0) | (array == 1)).all()):
            raise invalid_rows(f"“{spec.name}” holds numbers, the model takes true or false")
    elif array.size > 0 and kind in "fiu":
        limits = numpy.iinfo(NUMPY_TYPES[wanted])
        if kind == "f" and not bool((numpy.isfinite(array) & (array == numpy.trunc(array))).all()):
            what = "missing values" if bool(numpy.isnan(array).any()) else "fractions"
            raise invalid_rows(f"“{spec.name}” has {what}, the model takes integers ({wanted})")
        if int(array.min()) < limits.min or int(array.max()) > limits.max:
            raise invalid_rows(f"a value of “{spec.name}” is beyond the range of {wanted}")
    little = numpy.ascontiguousarray(array, dtype=NUMPY_TYPES[wanted])
    return memoryview(little.reshape(-1).view("|u1")).cast("B")


def _elements(spec: Spec, values: Sequence[Any]) -> list[bytes]:
    """Each text with its length in front; columns mostly repeat a few, which are made once."""
    known: dict[str, bytes] = {}
    elements = []
    for index, value in enumerate(values):
        if isinstance(value, str):
            element = known.get(value)
            if element is None:
                content = value.encode("utf-8", "surrogatepass")
                element = known[value] = struct.pack("<I", len(content)) + content
        elif isinstance(value, (bytes, bytearray)):
            element = struct.pack("<I", len(value)) + bytes(value)
        elif is_missing(value):
            if not spec.nullable:
                raise invalid_rows(
                    f"“{spec.name}” has no value in row {index}, and the model was handed over without gaps"
                )
            element = struct.pack("<I", 1) + MISSING_TEXT
        else:
            content = text_of(value).encode("utf-8", "surrogatepass")
            element = struct.pack("<I", len(content)) + content
        elements.append(element)
    return elements


def _number(spec: Spec, value: Any, index: int) -> Any:
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        value = value.item()
    if is_missing(value):
        if spec.datatype in _FLOATS:
            return math.nan
        raise invalid_rows(f"“{spec.name}” has no value in row {index}, the model takes {spec.datatype}")
    if spec.datatype == "BOOL" and (isinstance(value, bool) or value in (0, 1)):
        return bool(value)
    if spec.datatype in _FLOATS and not isinstance(value, (str, bytes)):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    # The value itself is not quoted: it may be somebody's personal data.
    raise invalid_rows(f"row {index} of “{spec.name}” is {type(value).__name__}, the model takes {spec.datatype}")


def _flat(values: Any) -> tuple[list[Any], tuple[int, ...]]:
    """All values row by row, and the shape they had."""
    flat: list[Any]
    if is_series(values):
        values = values.astype(object) if type(values.dtype).__name__ == "CategoricalDtype" else values
        return values.tolist(), (len(values),)
    if is_array(values):
        flat = date_texts(values) if values.dtype.kind in "mM" else values.reshape(-1).tolist()
        return flat, tuple(int(size) for size in values.shape)
    if not isinstance(values, (list, tuple)):
        values = list(values)
    shape = [len(values)]
    flat = list(values)
    while flat and all(isinstance(value, (list, tuple)) or is_array(value) for value in flat):
        width = len(flat[0])
        if any(len(value) != width for value in flat):
            raise invalid_rows("the rows are not all of one length")
        shape.append(width)
        flat = [value for row in flat for value in row]
    return flat, tuple(shape)


def _fit(spec: Spec, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape as the model has it. Raises `invalid_rows`."""
    rank = len(spec.shape)
    if rank == 2 and spec.shape[1] == 1 and len(shape) == 1:
        shape = (*shape, 1)
    if rank == 1 and len(shape) == 2 and shape[1] == 1:
        shape = shape[:1]
    if len(shape) == rank and all(wanted in (-1, size) for wanted, size in zip(spec.shape[1:], shape[1:])):
        return shape
    wanted = " × ".join("any" if size == -1 else str(size) for size in spec.shape)
    hint = " (one row of a matrix is a matrix, too: X[:1])" if len(shape) == rank - 1 else ""
    given = " × ".join(map(str, shape)) or "a single value"
    raise invalid_rows(f"“{spec.name}” is {given}, the model takes {wanted}{hint}")


def invalid_rows(detail: str) -> MusterError:
    """The error of rows that are not what the model takes."""
    return MusterError(
        "invalid_rows", detail, title="The rows do not fit", remedy="endpoint.signature names what the model takes."
    )
