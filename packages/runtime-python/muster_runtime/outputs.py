"""From what a model answers to tensors: arrays as they are, frames by column, dicts by key, anything else as JSON."""

from __future__ import annotations

import datetime
import json
import math
import struct
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .numbers import LETTERS, dtype_of, from_array, from_list, has_numpy, to_array, to_list
from .problem import Problem
from .signature import TensorSpec
from .tensors import FLOATS, Tensor, element_count, pack_texts, read_texts

# The output that stands for an answer without a name.
PREDICTION = "prediction"


class Answer:
    """One output: its tensor, and whether its elements are JSON documents."""

    __slots__ = ("is_json", "tensor")

    def __init__(self, tensor: Tensor, is_json: bool = False) -> None:
        self.tensor = tensor
        self.is_json = is_json


def name_outputs(answer: Any) -> dict[str, Any]:
    """An answer without names as named outputs: a frame by its columns, a dict of arrays by its keys."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(answer, pandas.DataFrame):
        return {str(name): answer.iloc[:, index] for index, name in enumerate(answer.columns)}
    if isinstance(answer, Mapping) and answer and all(_is_column(value) for value in answer.values()):
        return {str(name): value for name, value in answer.items()}
    polars = sys.modules.get("polars")
    if polars is not None and isinstance(answer, polars.DataFrame):
        return {series.name: series.to_numpy() for series in answer.get_columns()}
    return {PREDICTION: answer}


def _is_column(value: Any) -> bool:
    return hasattr(value, "shape") or (isinstance(value, (list, tuple)) and not any(map(_is_nested, value)))


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple))


def to_answer(name: str, value: Any) -> Answer:
    """One output as a tensor. Throws `model_failed` where it cannot be sent."""
    value = _plain(value)
    if has_numpy():
        import numpy

        if isinstance(value, numpy.generic):
            value = numpy.asarray(value)
        if isinstance(value, numpy.ndarray):
            return _of_array(name, value)
    if isinstance(value, (list, tuple)):
        return _of_list(name, list(value))
    if isinstance(value, (bool, int, float)):
        tensor = from_list(name, [value], ())
        if tensor is not None:
            return Answer(tensor)
    return _of_documents(name, [value])


def _plain(value: Any) -> Any:
    """Arrays of other libraries as numpy arrays."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if isinstance(value, (pandas.Series, pandas.Index)):
            value = value.array
        if isinstance(value, pandas.api.extensions.ExtensionArray):
            return _of_extension(value)
    if hasattr(value, "toarray") and hasattr(value, "nnz"):
        return value.toarray()  # scipy's sparse matrices
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        return _of_torch(value)
    kind = type(value).__module__.split(".")[0]
    if kind in ("tensorflow", "jax", "jaxlib", "polars", "cupy") and hasattr(value, "__array__"):
        import numpy

        return numpy.asarray(value)
    return value


def _of_extension(value: Any) -> Any:
    """A column of pandas's own types: numbers and booleans with gaps become floats."""
    import numpy

    dtype = value.dtype
    kind = getattr(dtype, "kind", "O")
    if kind in "iub" and value.isna().any():
        return value.to_numpy(dtype="float64", na_value=math.nan)
    if kind in "iubf":
        own = getattr(dtype, "numpy_dtype", None)
        return value.to_numpy(dtype=own, na_value=math.nan) if kind == "f" else value.to_numpy(dtype=own)
    return numpy.asarray(value, dtype=object)


def _of_torch(value: Any) -> Any:
    value = value.detach().cpu()
    if str(value.dtype) == "torch.bfloat16":
        value = value.float()
    return value.numpy()


def _of_array(name: str, array: Any) -> Answer:
    kind = array.dtype.kind
    if kind in "biuf":
        tensor = from_array(name, array)
        if tensor is not None:
            return Answer(tensor)
    if kind in "UST":
        return Answer(_text_tensor(name, array.astype(object).reshape(-1).tolist(), array.shape))
    if kind in "Mm":
        texts = array.astype("datetime64[us]" if kind == "M" else str).astype(str).reshape(-1).tolist()
        return Answer(_text_tensor(name, [None if text == "NaT" else text for text in texts], array.shape))
    if array.dtype.names is not None:
        return _of_documents(name, [dict(zip(array.dtype.names, row)) for row in array.tolist()])
    values = array.reshape(-1).tolist() if kind == "O" else array.tolist()
    if kind == "O":
        if values and all(map(_is_gap, values)):
            values = [None] * len(values)
        simple = _of_values(name, values, array.shape)
        if simple is not None:
            return simple
        if array.ndim <= 1:
            return _of_list(name, values)
    return _of_documents(name, array.tolist())


def _of_values(name: str, values: list[Any], shape: tuple[int, ...]) -> Answer | None:
    """Texts, numbers or booleans; None where there is something else among them."""
    # Nothing but gaps, not all of them floats: texts, of which this time none is there.
    has_texts = any(isinstance(value, str) or value is None for value in values)
    if has_texts and all(isinstance(value, str) or value is None or _is_gap(value) for value in values):
        return Answer(_text_tensor(name, values, shape))
    if values and all(isinstance(value, (datetime.datetime, datetime.date)) for value in values):
        return Answer(_text_tensor(name, [value.isoformat() for value in values], shape))
    tensor = from_list(name, [_item(value) for value in values], shape)
    return None if tensor is None else Answer(tensor)


def _item(value: Any) -> Any:
    """A numpy scalar as Python's own."""
    if isinstance(value, (bool, int, float, str)) and type(value).__module__ == "builtins":
        return value
    return value.item() if getattr(value, "shape", None) == () and hasattr(value, "item") else value


def _is_gap(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _of_list(name: str, values: list[Any]) -> Answer:
    simple = _of_values(name, values, (len(values),)) if values else None
    if simple is not None:
        return simple
    if has_numpy() and values and all(_is_vector(value) for value in values):
        import numpy

        try:
            array = numpy.asarray([_plain(value) for value in values])
        except ValueError:  # of different lengths
            return _of_documents(name, values)
        if array.dtype.kind in "biuf":
            return _of_array(name, array)
    elif values and all(_is_vector(value) for value in values):
        lengths = {len(value) for value in values}
        if len(lengths) == 1:
            width = lengths.pop()
            tensor = from_list(name, [item for value in values for item in value], (len(values), width))
            if tensor is not None:
                return Answer(tensor)
    return _of_documents(name, values)


def _is_vector(value: Any) -> bool:
    return isinstance(value, (list, tuple)) or (hasattr(value, "shape") and hasattr(value, "dtype"))


def _text_tensor(name: str, values: Sequence[Any], shape: tuple[int, ...]) -> Tensor:
    return Tensor(name, "BYTES", tuple(shape), pack_texts(values))


def _of_documents(name: str, documents: Sequence[Any]) -> Answer:
    try:
        texts = [json.dumps(value, default=_jsonable, ensure_ascii=False, allow_nan=False) for value in documents]
    except ValueError:
        texts = [json.dumps(_finite(value), default=_jsonable, ensure_ascii=False) for value in documents]
    return Answer(_text_tensor(name, texts, (len(texts),)), is_json=True)


def _jsonable(value: Any) -> Any:
    plain = _plain(value)
    if hasattr(plain, "tolist"):
        return _finite(plain.tolist())
    if isinstance(value, (datetime.datetime, datetime.date)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=repr)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    for method in ("model_dump", "dict", "to_dict", "_asdict"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise Problem("model_failed", f"the answer holds a {type(value).__name__}, which JSON has no form for")


def _finite(value: Any) -> Any:
    """JSON has no NaN: it is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def fit_to_spec(answer: Answer, spec: TensorSpec) -> Tensor:
    """The tensor in the datatype that the signature promises. Throws `model_failed` where it does not fit."""
    tensor = answer.tensor
    if spec.datatype == "BYTES" and spec.is_json and not answer.is_json:
        return _of_documents(tensor.name, _documents_of(tensor)).tensor
    if tensor.datatype == spec.datatype:
        return tensor
    if "BYTES" in (tensor.datatype, spec.datatype):
        gaps = _as_gaps(tensor, spec)
        if gaps is not None:
            return gaps
    if has_numpy() and "BYTES" not in (tensor.datatype, spec.datatype) and spec.datatype != "BF16":
        is_narrowing = tensor.datatype in FLOATS and spec.datatype not in FLOATS
        if not is_narrowing:
            return tensor._replace(
                datatype=spec.datatype,
                data=memoryview(to_array(tensor).astype(dtype_of(spec.datatype)).reshape(-1)).cast("B")
                if element_count(tensor.shape) > 0
                else b"",
            )
    raise Problem("model_failed", f'output "{spec.name}" came as {tensor.datatype}; the signature says {spec.datatype}')


def _as_gaps(tensor: Tensor, spec: TensorSpec) -> Tensor | None:
    """Nothing but missing values, or no values at all, whose type only the signature tells; None for others."""
    count = element_count(tensor.shape)
    if tensor.datatype == "BYTES":
        if count > 0 and (
            spec.datatype not in ("FP32", "FP64") or any(text is not None for text in read_texts(tensor))
        ):
            return None
        values = [math.nan] * count
        data = struct.pack(f"<{count}{LETTERS[spec.datatype]}", *values)
    else:
        if count > 0 and (tensor.datatype not in FLOATS or not all(map(math.isnan, to_list(tensor)))):
            return None
        data = pack_texts([None] * count)
    return tensor._replace(datatype=spec.datatype, data=data)


def _documents_of(tensor: Tensor) -> list[Any]:
    return read_texts(tensor) if tensor.datatype == "BYTES" else to_array(tensor).tolist()
