"""From the tensors of a request to what the model takes. Numbers are not copied where that can be avoided."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Callable

from .loaded_model import ARRAYS, AUTO, DOCUMENTS, FRAME, MATRIX, TEXTS, LoadedModel
from .numbers import has_numpy, to_array, to_list
from .problem import Problem
from .signature import Signature, TensorSpec
from .tensors import NUMBERS, Tensor, element_count, read_elements, read_texts

try:
    import pandas
except ImportError:
    pandas = None

Intake = Callable[[Sequence[Tensor]], Any]


def choose_kind(model: LoadedModel, signature: Signature, is_table: bool) -> str:
    """What the model is given for inputs of this signature."""
    inputs = signature.inputs
    if len(inputs) == 1 and inputs[0].datatype == "BYTES" and len(inputs[0].shape) <= 1:
        if inputs[0].is_json:
            return DOCUMENTS
        if model.takes == TEXTS or not is_table:
            return TEXTS
    if model.takes not in (AUTO, MATRIX):
        return model.takes
    is_matrix = len(inputs) == 1 and len(inputs[0].shape) == 2
    is_numeric = all(spec.datatype in NUMBERS for spec in inputs)
    if is_table or (is_matrix and signature.features is not None and model.features is not None):
        is_bare = is_numeric and (model.takes_bare_matrix or model.takes == MATRIX)
        return MATRIX if is_bare else FRAME
    return MATRIX if is_matrix else ARRAYS


def make_intake(kind: str, model: LoadedModel, signature: Signature) -> Intake:
    """A function from tensors in the order of the signature to the model's data."""
    if kind == TEXTS:
        return lambda tensors: read_texts(tensors[0], "")
    if kind == DOCUMENTS:
        return lambda tensors: [_document(element) for element in read_elements(tensors[0])]
    if kind == FRAME:
        if pandas is None:
            return _rows_intake(signature)
        return _frame_intake(model, signature)
    if kind == MATRIX:
        return _matrix_of if has_numpy() else _lists_of
    names = [spec.name for spec in signature.inputs]
    if len(names) == 1:
        return lambda tensors: _value(tensors[0])
    return lambda tensors: dict(zip(names, map(_value, tensors)))


def _document(element: bytes) -> Any:
    try:
        return json.loads(element)
    except ValueError:
        raise Problem("invalid_data", "an element of the input is not a JSON document") from None


def _matrix_of(tensors: Sequence[Tensor]) -> Any:
    import numpy

    if len(tensors) == 1:
        array = to_array(tensors[0])
        return array if array.ndim > 1 else array.reshape(-1, 1)
    arrays = [to_array(tensor) for tensor in tensors]
    rows = arrays[0].size
    # Row by row in memory, as the libraries walk it.
    matrix = numpy.empty((rows, len(arrays)), numpy.result_type(*arrays))
    for index, array in enumerate(arrays):
        matrix[:, index] = array.reshape(rows)
    return matrix


def _lists_of(tensors: Sequence[Tensor]) -> list[list[Any]]:
    if len(tensors) == 1:
        flat, width = to_list(tensors[0]), tensors[0].shape[-1] if len(tensors[0].shape) > 1 else 1
        return [flat[at : at + width] for at in range(0, len(flat), max(width, 1))]
    return [list(row) for row in zip(*map(to_list, tensors))]


def _value(tensor: Tensor) -> Any:
    """A tensor as an array, or as a list where no array holds it."""
    if tensor.datatype == "BYTES":
        texts = read_texts(tensor)
        if len(tensor.shape) == 1 or not has_numpy():
            return texts
        import numpy

        return numpy.array(texts, dtype=object).reshape(tensor.shape)
    return to_array(tensor) if has_numpy() else _nest(to_list(tensor), tensor.shape)


def _nest(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if len(shape) == 0:
        return flat[0]
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), max(size, 1))]
    return flat


def _rows_intake(signature: Signature) -> Intake:
    """Tables where the environment has no pandas: a list of dicts, one a row; a missing value is None."""
    names = _column_names(signature)

    def intake(tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
        if len(tensors) == 1 and len(tensors[0].shape) == 2:
            return [dict(zip(names, map(_none_if_nan, row))) for row in _lists_of(tensors)]
        columns = [read_texts(tensor) if tensor.datatype == "BYTES" else to_list(tensor) for tensor in tensors]
        return [dict(zip(names, map(_none_if_nan, row))) for row in zip(*columns)]

    return intake


def _none_if_nan(value: Any) -> Any:
    return None if value != value else value


def _column_names(signature: Signature) -> list[str]:
    if len(signature.inputs) == 1 and len(signature.inputs[0].shape) == 2:
        width = signature.inputs[0].shape[1]
        return list(signature.features or (f"f{index}" for index in range(width)))
    return [spec.name for spec in signature.inputs]


def _frame_intake(model: LoadedModel, signature: Signature) -> Intake:
    names = _column_names(signature)
    is_matrix = len(signature.inputs) == 1 and len(signature.inputs[0].shape) == 2
    fit_frame = model.fit_frame
    columns = pandas.Index(names)
    json_names = frozenset(spec.name for spec in signature.inputs if spec.is_json)

    def intake(tensors: Sequence[Tensor]) -> Any:
        if is_matrix:
            frame = pandas.DataFrame(to_array(tensors[0]), columns=columns, copy=False)
        else:
            if len(tensors) == len(names):
                cells = [_column(tensor, tensor.name in json_names) for tensor in tensors]
            else:
                # A column that may be left out is there all the same: models select their columns by name.
                given = {tensor.name: tensor for tensor in tensors}
                rows = tensors[0].shape[0] if tensors else 0
                cells = [
                    _column(given[spec.name], spec.is_json) if spec.name in given else _missing_column(spec, rows)
                    for spec in signature.inputs
                ]
            frame = pandas.DataFrame(dict(enumerate(cells)), copy=False)
            frame.columns = columns
        return frame if fit_frame is None else fit_frame(frame)

    return intake


def _missing_column(spec: TensorSpec, rows: int) -> Any:
    """A column in which every value is missing, as pandas has it."""
    import numpy

    if spec.datatype != "BYTES":
        return numpy.full(rows, math.nan)
    texts = numpy.full(rows, math.nan, dtype=object)
    return pandas.array(texts, dtype="str", copy=False) if _HAS_STR and not spec.is_json else texts


# What `pandas.read_csv` makes of texts: str from pandas 3 on, objects before.
_HAS_STR = pandas is not None and int(pandas.__version__.split(".")[0]) >= 3


def _column(tensor: Tensor, is_json: bool) -> Any:
    """A column as pandas has it after `read_csv`: a missing text is NaN."""
    if tensor.datatype != "BYTES":
        array = to_array(tensor)
        return array if array.ndim == 1 else array.reshape(-1) if array.size == array.shape[0] else list(array)
    if is_json:
        return [_document(element) for element in read_elements(tensor)]
    import numpy

    texts = numpy.empty(element_count(tensor.shape), dtype=object)
    texts[:] = read_texts(tensor, math.nan)
    return pandas.array(texts, dtype="str", copy=False) if _HAS_STR else texts


def order_inputs(tensors: Sequence[Tensor], signature: Signature) -> list[Tensor]:
    """The inputs in the order of the signature, checked. Throws `unknown_input`, `missing_input`, `duplicate_input`,
    `invalid_datatype` and `invalid_shape`."""
    by_name: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name in by_name:
            raise Problem("duplicate_input", f'input "{tensor.name}" was sent twice')
        by_name[tensor.name] = tensor
    ordered: list[Tensor] = []
    rows: int | None = None
    for spec in signature.inputs:
        found = by_name.pop(spec.name, None)
        if found is None:
            if spec.optional:
                continue
            raise Problem("missing_input", f'input "{spec.name}" is missing')
        if found.datatype != spec.datatype:
            raise Problem(
                "invalid_datatype", f'input "{spec.name}" is {found.datatype}; the model takes {spec.datatype}'
            )
        is_fit = len(found.shape) == len(spec.shape) and all(
            wanted in (-1, size) for wanted, size in zip(spec.shape, found.shape)
        )
        if not is_fit:
            shape = list(found.shape)
            raise Problem("invalid_shape", f'input "{spec.name}" has shape {shape}; the model takes {list(spec.shape)}')
        if spec.shape and spec.shape[0] == -1:
            if rows is not None and rows != found.shape[0]:
                raise Problem("invalid_shape", f'input "{spec.name}" has {found.shape[0]} rows, others have {rows}')
            rows = found.shape[0]
        ordered.append(found)
    if by_name:
        raise Problem("unknown_input", f'the model has no input "{next(iter(by_name))}"')
    return ordered
