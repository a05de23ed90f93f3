"""Rows and answers as the typed tensors that travel with a version.

A sample is small, so everything here is plain Python: numpy and pandas are only asked for what they hold.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import MusterError

MAX_ROWS = 64
MAX_BYTES = 1_000_000

_NUMBERS = {
    ("f", 2): "FP16",
    ("f", 4): "FP32",
    ("f", 8): "FP64",
    ("f", 12): "FP64",
    ("f", 16): "FP64",
    ("i", 1): "INT8",
    ("i", 2): "INT16",
    ("i", 4): "INT32",
    ("i", 8): "INT64",
    ("u", 1): "UINT8",
    ("u", 2): "UINT16",
    ("u", 4): "UINT32",
    ("u", 8): "UINT64",
    ("b", 1): "BOOL",
}


@dataclass(frozen=True)
class SampleTensor:
    """A tensor with its values, flat; None is a missing one."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: list[Any]

    def head(self, rows: int) -> SampleTensor:
        """The first rows of it."""
        count = min(rows, self.shape[0])
        return self.take(range(count))

    def take(self, rows: Iterable[int]) -> SampleTensor:
        """The rows with these numbers."""
        width = math.prod(self.shape[1:])
        chosen = list(rows)
        data = [value for row in chosen for value in self.data[row * width : (row + 1) * width]]
        return SampleTensor(self.name, self.datatype, (len(chosen), *self.shape[1:]), data)

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        data = [_json_value(value) for value in self.data]
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape), "data": data}


def first_rows(rows: Any, count: int = MAX_ROWS) -> Any:
    """At most so many rows, in the type they came in."""
    rows = as_known(rows)
    if is_frame(rows) or is_series(rows):
        return rows.iloc[:count]
    if isinstance(rows, Mapping):
        return {name: values[:count] for name, values in rows.items()}
    if hasattr(rows, "__getitem__") and getattr(rows, "shape", None) != ():
        return rows[:count]
    raise _invalid(f"a sample is rows, not {_type_name(rows)}")


def as_known(rows: Any) -> Any:
    """Frames and tensors of other libraries as pandas or numpy have them; all else as it is."""
    module = type(rows).__module__.partition(".")[0]
    if module in ("polars", "pyarrow", "modin", "cudf") and hasattr(rows, "to_pandas"):
        return rows.to_pandas()
    if module == "torch" and hasattr(rows, "detach"):
        return rows.detach().cpu().numpy()
    if module in ("tensorflow", "jax", "jaxlib") and hasattr(rows, "__array__"):
        return rows.__array__()
    if module == "scipy" and hasattr(rows, "toarray"):
        return rows.toarray()
    return rows


def input_tensors(rows: Any) -> tuple[list[SampleTensor], bool]:
    """The tensors of a sample, and whether they are the columns of a table. Raises `invalid_sample`."""
    rows = as_known(rows)
    if is_frame(rows):
        return columns_of(rows), True
    if is_series(rows):
        tensor = series_tensor("text", rows)
        return [tensor if tensor.datatype == "BYTES" else SampleTensor("input", *_parts(tensor))], False
    if is_array(rows):
        return [array_tensor("input", rows)], False
    if isinstance(rows, Mapping):
        return [named_tensor(str(name), values) for name, values in rows.items()], False
    if isinstance(rows, (list, tuple)) and len(rows) > 0:
        if all(isinstance(row, str) for row in rows):
            return [SampleTensor("text", "BYTES", (len(rows),), list(rows))], False
        if all(isinstance(row, (list, tuple)) and all(_is_number(value) for value in row) for row in rows):
            return [_matrix("input", rows)], False
        if all(_is_number(row) for row in rows):
            return [object_tensor("input", rows)], False
        return [SampleTensor("input", "BYTES", (len(rows),), [json_text(row) for row in rows])], False
    raise _invalid(f"a sample is rows (a data frame, an array, a list), not {_type_name(rows)}")


def columns_of(frame: Any) -> list[SampleTensor]:
    """One tensor a column."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise _invalid(f"the column “{twice}” is there twice")
    return [series_tensor(name, frame.iloc[:, index]) for index, name in enumerate(names)]


def series_tensor(name: str, series: Any) -> SampleTensor:
    """A column by its dtype; texts and what else is no number as BYTES."""
    dtype = series.dtype
    categories = getattr(dtype, "categories", None)
    if categories is not None and type(dtype).__name__ == "CategoricalDtype":
        return series_tensor(name, series.astype(object))
    kind = getattr(dtype, "kind", "O")
    is_plain = type(dtype).__module__.startswith("numpy")
    if kind in "fiub":
        missing = [bool(flag) for flag in series.isna()]
        size = getattr(dtype, "itemsize", 8)
        if is_plain:
            return SampleTensor(name, _NUMBERS[kind, size], (len(series),), _finite_or_none(series.tolist()))
        if not any(missing):
            datatype = "BOOL" if kind == "b" else _NUMBERS.get((kind, size), "FP64" if kind == "f" else "INT64")
            return SampleTensor(name, datatype, (len(series),), [_plain(value) for value in series.tolist()])
        # Integers and booleans with gaps: only floats can say that a value is missing.
        data = [None if gap else float(value) for value, gap in zip(series.tolist(), missing)]
        return SampleTensor(name, "FP64", (len(series),), data)
    missing = [bool(flag) for flag in series.isna()]
    return object_tensor(name, [None if gap else value for value, gap in zip(series.tolist(), missing)])


def array_tensor(name: str, array: Any) -> SampleTensor:
    """An array by its dtype and shape. Raises `invalid_sample` for a scalar."""
    shape = tuple(int(size) for size in array.shape)
    if shape == ():
        raise _invalid("a sample is rows, not a single value")
    kind, size = array.dtype.kind, array.dtype.itemsize
    flat = array.reshape(-1)
    if kind in "fiub":
        return SampleTensor(name, _NUMBERS[kind, size], shape, _finite_or_none([_plain(v) for v in flat.tolist()]))
    if kind in "mM":
        return SampleTensor(name, "BYTES", shape, date_texts(flat))
    values = [None if is_missing(value) else value for value in flat.tolist()]
    if kind == "O" and any(isinstance(value, (dict, list)) for value in values):
        return SampleTensor(name, "BYTES", shape, [json_text(value) for value in values])
    tensor = object_tensor(name, values)
    return SampleTensor(name, tensor.datatype, shape, tensor.data)


def object_tensor(name: str, values: Sequence[Any]) -> SampleTensor:
    """Values of any type, missing ones among them: numbers and booleans as such, all else as text."""
    plain = [None if is_missing(value) else value for value in map(_plain, values)]
    there = [value for value in plain if value is not None]
    shape = (len(values),)
    has_gaps = len(there) < len(plain)
    if there and all(isinstance(value, bool) for value in there) and not has_gaps:
        return SampleTensor(name, "BOOL", shape, plain)
    if all(isinstance(value, (bool, int, float, decimal.Decimal)) for value in there):
        if there and not has_gaps and all(isinstance(value, int) for value in there):
            return SampleTensor(name, "INT64", shape, [int(value) for value in there])
        return SampleTensor(name, "FP64", shape, [None if value is None else float(value) for value in plain])
    return SampleTensor(name, "BYTES", shape, [None if value is None else text_of(value) for value in plain])


def date_texts(array: Any) -> list[str | None]:
    """Dates of numpy in microseconds, as Muster writes those that a model answers, and durations; flat."""
    known = array.astype("datetime64[us]") if array.dtype.kind == "M" else array
    return [None if text == "NaT" else text for text in map(str, known.reshape(-1))]


def text_of(value: Any) -> str:
    """The text of one value: a date as ISO 8601, a list or an object as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        return json_text(value)
    return str(value)


def json_text(value: Any) -> str:
    """One JSON document; numpy's numbers and arrays as the lists that they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_default)


def within_limits(inputs: list[SampleTensor], outputs: list[SampleTensor]) -> int:
    """How many of the first rows of both fit the limits of a sample."""
    rows = min(MAX_ROWS, inputs[0].shape[0])
    while rows > 1:
        size = sum(len(json.dumps(tensor.head(rows).to_json())) for tensor in [*inputs, *outputs])
        if size <= MAX_BYTES:
            break
        rows = max(1, min(rows - 1, rows * MAX_BYTES // size))
    return rows


def is_frame(value: Any) -> bool:
    """Whether it is a DataFrame of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_series(value: Any) -> bool:
    """Whether it is a Series of pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


def has_none(rows: Any) -> bool:
    """Whether a frame says None where a text is missing: tensors cannot tell that from NaN, some encoders can."""
    rows = as_known(rows)
    if not is_frame(rows):
        return False
    return any(
        value is None
        for index, dtype in enumerate(rows.dtypes)
        if getattr(dtype, "kind", "O") == "O"
        for value in rows.iloc[:MAX_ROWS, index].tolist()
    )


def is_array(value: Any) -> bool:
    """Whether it is an array of numpy."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(value, numpy.ndarray)


def named_tensor(name: str, values: Any) -> SampleTensor:
    """A tensor of an array, a column, or a list of values or of lists."""
    values = as_known(values)
    if is_array(values):
        return array_tensor(name, values)
    if is_series(values):
        return series_tensor(name, values)
    listed = list(values)
    if listed and all(isinstance(row, (list, tuple)) and all(map(_is_number, row)) for row in listed):
        return _matrix(name, listed)
    return object_tensor(name, listed)


def _matrix(name: str, rows: Sequence[Sequence[Any]]) -> SampleTensor:
    width = len(rows[0])
    if any(len(row) != width for row in rows):
        raise _invalid("the rows are not all of one length")
    tensor = object_tensor(name, [value for row in rows for value in row])
    return SampleTensor(name, tensor.datatype, (len(rows), width), tensor.data)


def _parts(tensor: SampleTensor) -> tuple[str, tuple[int, ...], list[Any]]:
    return tensor.datatype, tensor.shape, tensor.data


def _finite_or_none(values: list[Any]) -> list[Any]:
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


def _plain(value: Any) -> Any:
    """A scalar of numpy as the one of Python."""
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return value.item()
    return value


def _json_value(value: Any) -> Any:
    """What JSON would round or cannot say goes as text."""
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53:
        return str(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (
        type(value).__module__ == "numpy" and isinstance(_plain(value), (int, float))
    )


def is_missing(value: Any) -> bool:
    """Whether it stands for a value that is not there."""
    return (
        value is None
        or (isinstance(value, float) and math.isnan(value))
        or type(value).__name__ in ("NAType", "NaTType")
    )


def _json_default(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return list(value)
    return str(value)


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _invalid(detail: str) -> MusterError:
    return MusterError(
        "invalid_sample", detail, title="The sample cannot be used", remedy="Give a few rows as the model takes them."
    )
