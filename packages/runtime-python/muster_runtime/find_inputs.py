"""What a model takes: by what it says itself, by its sample, or by a row that is made for it."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from .declared_inputs import declared_inputs
from .inputs import Inputs
from .loaded_model import ARRAYS, MATRIX, TEXTS, LoadedModel
from .problem import Problem
from .sample import Sample
from .signature import TensorSpec
from .tensors import FLOATS, MISSING_TEXT, NUMBERS, SIZES, Tensor, pack_texts, read_elements

MATRIX_NAME = "input"
TEXT_NAME = "text"


def find_inputs(model: LoadedModel, sample: Sample | None) -> Inputs:
    """Throws `sample_needed` and `invalid_sample`."""
    if model.signature is not None and model.signature.inputs:
        return declared_inputs(model, model.signature, sample)
    if sample is None:
        return _without_sample(model)
    if any(not tensor.shape or tensor.shape[0] == 0 for tensor in sample.inputs):
        raise Problem("invalid_sample", "the sample has no rows")
    if sample.is_table:
        return _of_table(model, sample.inputs)
    return _of_tensors(model, sample.inputs)


def _without_sample(model: LoadedModel) -> Inputs:
    if model.takes == TEXTS:
        specs = (TensorSpec(TEXT_NAME, "BYTES", (-1,)),)
        texts = ["a text", "another one"]
        tensor = Tensor(TEXT_NAME, "BYTES", (2,), pack_texts(texts))
        return Inputs(specs, None, False, [tensor], True, [])
    width = len(model.features) if model.features else model.width
    if width is None or width < 1:
        raise Problem("sample_needed", f"the model ({model.model_class}) does not tell what it takes")
    if model.text_columns and model.features:
        return _made_columns(model)
    if model.takes not in (MATRIX, ARRAYS) and not model.takes_bare_matrix and model.features is not None:
        # Zeros may well be answered where texts belong: encoders take what they do not know for nothing.
        raise Problem("sample_needed", f"the model takes {width} named columns and does not tell which are texts")
    return _made_matrix(model, width)


def _made_matrix(model: LoadedModel, width: int) -> Inputs:
    specs = (TensorSpec(MATRIX_NAME, "FP64", (-1, width), nullable=True),)
    tensor = Tensor(MATRIX_NAME, "FP64", (1, width), bytearray(8 * width))
    return Inputs(specs, model.features, model.features is not None, [tensor], True, [])


def _made_columns(model: LoadedModel) -> Inputs:
    specs: list[TensorSpec] = []
    tensors: list[Tensor] = []
    for name in model.features or ():
        is_text = name in model.text_columns
        datatype = "BYTES" if is_text else "FP64"
        specs.append(TensorSpec(name, datatype, (-1,), nullable=True))
        tensors.append(Tensor(name, datatype, (1,), pack_texts([""]) if is_text else bytearray(struct.pack("<d", 0.0))))
    return Inputs(tuple(specs), None, True, tensors, True, ["columns whose type the file does not tell are numbers"])


def _of_table(model: LoadedModel, tensors: Sequence[Tensor]) -> Inputs:
    if len(tensors) == 1 and len(tensors[0].shape) == 2:
        return _of_tensors(model, tensors, is_table=True)
    for tensor in tensors:
        if len(tensor.shape) != 1 and not (len(tensor.shape) == 2 and tensor.shape[1] == 1):
            raise Problem("invalid_sample", f'the column "{tensor.name}" of the sample has shape {list(tensor.shape)}')
    columns = [tensor._replace(shape=tensor.shape[:1]) for tensor in tensors]
    if len({tensor.shape[0] for tensor in columns}) > 1:
        raise Problem("invalid_sample", "the columns of the sample are not of one length")
    columns, adaptations = _fit_columns(model, columns)
    if model.takes == TEXTS:
        return _of_text_column(columns, adaptations)
    datatypes = {tensor.datatype for tensor in columns}
    if len(columns) > 1 and len(datatypes) == 1 and datatypes <= set(NUMBERS):
        return _as_matrix(columns, adaptations)
    specs = tuple(
        TensorSpec(
            tensor.name, tensor.datatype, (-1,), nullable=tensor.datatype in FLOATS or tensor.datatype == "BYTES"
        )
        for tensor in columns
    )
    return Inputs(specs, None, True, columns, False, adaptations)


def _fit_columns(model: LoadedModel, columns: list[Tensor]) -> tuple[list[Tensor], list[str]]:
    """The columns that the model was fitted on, in its order."""
    if model.features is None:
        if model.width is not None and model.takes != TEXTS and model.width != len(columns):
            raise Problem(
                "invalid_sample",
                f"the sample has {len(columns)} columns, the model takes {model.width}",
                "Give the columns that the model was fitted on, in that order, without the target.",
            )
        return columns, []
    by_name = {tensor.name: tensor for tensor in columns}
    missing = [name for name in model.features if name not in by_name]
    if missing:
        raise Problem("invalid_sample", "the sample lacks columns that the model was fitted on: " + _listed(missing))
    extra = [tensor.name for tensor in columns if tensor.name not in set(model.features)]
    told = [f"the sample's columns that the model does not take were left out: {_listed(extra)}"] if extra else []
    return [by_name[name] for name in model.features], told


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f'"{name[:100]}"' for name in names[:5]) + more


def _of_text_column(columns: Sequence[Tensor], adaptations: list[str]) -> Inputs:
    texts = [tensor for tensor in columns if tensor.datatype == "BYTES"]
    if len(texts) != 1:
        raise Problem("invalid_sample", f"the model takes texts; the sample has {len(texts)} columns of texts")
    return Inputs((TensorSpec(texts[0].name, "BYTES", (-1,)),), None, True, texts, False, adaptations)


def _as_matrix(columns: Sequence[Tensor], adaptations: list[str]) -> Inputs:
    datatype, rows = columns[0].datatype, columns[0].shape[0]
    size = SIZES[datatype]
    datas = [bytes(tensor.data) for tensor in columns]
    data = b"".join(part[row * size : (row + 1) * size] for row in range(rows) for part in datas)
    spec = TensorSpec(MATRIX_NAME, datatype, (-1, len(columns)), nullable=datatype in FLOATS)
    tensor = Tensor(MATRIX_NAME, datatype, (rows, len(columns)), bytearray(data))
    return Inputs((spec,), tuple(column.name for column in columns), True, [tensor], False, adaptations)


def _of_tensors(model: LoadedModel, tensors: Sequence[Tensor], is_table: bool = False) -> Inputs:
    specs = tuple(
        TensorSpec(
            tensor.name,
            tensor.datatype,
            (-1, *tensor.shape[1:]),
            nullable=tensor.datatype in FLOATS or _has_missing(tensor),
            is_json=model.takes != TEXTS and not is_table and _is_json(tensor),
        )
        for tensor in tensors
    )
    features = None
    if len(tensors) == 1 and len(tensors[0].shape) == 2 and tensors[0].datatype in NUMBERS:
        width = tensors[0].shape[1]
        if (model.features is not None and len(model.features) != width) or model.width not in (None, width):
            expected = len(model.features) if model.features is not None else model.width
            raise Problem("invalid_sample", f"the sample has {width} columns, the model takes {expected}")
        features = model.features
    return Inputs(specs, features, is_table or features is not None, list(tensors), False, [])


def _has_missing(tensor: Tensor) -> bool:
    return tensor.datatype == "BYTES" and MISSING_TEXT in read_elements(tensor)


def _is_json(tensor: Tensor) -> bool:
    """An input of this name whose elements are JSON objects or lists; texts may be anything else."""
    if tensor.name != MATRIX_NAME or tensor.datatype != "BYTES" or len(tensor.shape) != 1:
        return False
    try:
        return all(isinstance(json.loads(element), (dict, list)) for element in read_elements(tensor))
    except ValueError:
        return False
