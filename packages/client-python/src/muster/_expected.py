"""What the model answers at home, in the names and order in which Muster will answer it.

Classifiers give `label` and, where they know them, `probabilities`; everything with one answer gives `prediction`; an
answer that is a data frame gives one output a column, and one that is a dict one output a key.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ._sample import (
    SampleTensor,
    array_tensor,
    as_known,
    columns_of,
    is_array,
    is_frame,
    is_series,
    object_tensor,
    series_tensor,
)
from .errors import MusterError


def expected_outputs(model: Any, rows: Any) -> list[SampleTensor]:
    """The answers for these rows; empty where they are no tensors. Raises `model_failed` where the model does."""
    try:
        classes = class_labels(model)
        if classes is not None and callable(getattr(model, "predict", None)):
            return _classified(model, classes, rows)
        name, function = _function(model)
        answer = function(_data_for(model, rows))
    except MusterError:
        raise
    except Exception as cause:
        raise MusterError(
            "model_failed",
            f"the model cannot answer its own sample: {type(cause).__name__}: {cause}",
            title="The model fails on its sample",
            remedy="Give the sample as the model takes it, such as sample=X.head().",
        ) from cause
    return answer_tensors(name, answer)


def answer_tensors(name: str, answer: Any) -> list[SampleTensor]:
    """The outputs that an answer becomes; none where only its JSON says what it is."""
    answer = as_known(answer)
    if is_frame(answer):
        return columns_of(answer)
    if isinstance(answer, Mapping):
        tensors = [tensor for key, values in answer.items() for tensor in answer_tensors(str(key), values)]
        return tensors if len(tensors) == len(answer) else []
    if is_series(answer):
        return [series_tensor(name, answer)]
    if is_array(answer):
        if answer.ndim == 0 or (answer.dtype.kind == "O" and not _are_texts(answer.reshape(-1).tolist())):
            return []
        return [array_tensor(name, answer)]
    if isinstance(answer, (list, tuple)) and len(answer) > 0:
        if _are_texts(answer) or _are_numbers(answer):
            return [object_tensor(name, answer)]
        numpy = sys.modules.get("numpy")
        if numpy is not None and all(is_array(value) or isinstance(value, (list, numpy.number)) for value in answer):
            try:
                array = numpy.asarray(answer)
            except ValueError:
                return []
            return answer_tensors(name, array)
    return []


def class_labels(model: Any) -> Any:
    """The classes of a classifier with one target; None for everything else."""
    try:
        classes = model.classes_
    except AttributeError:
        return None
    if isinstance(classes, (list, tuple)):
        # With several targets it is one array for each.
        is_flat = len(classes) > 0 and not any(hasattr(part, "shape") for part in classes)
        return list(classes) if is_flat else None
    return classes if getattr(classes, "ndim", 0) == 1 and len(classes) > 0 else None


def _classified(model: Any, classes: Any, rows: Any) -> list[SampleTensor]:
    predicted = as_known(model.predict(rows))
    if is_array(predicted) and predicted.ndim == 2 and predicted.shape[1] == 1:
        predicted = predicted.reshape(-1)
    outputs = [_label(tensor) for tensor in answer_tensors("label", predicted)]
    # An attribute that is there but refuses (`SVC(probability=False)`) reads as missing.
    predict_proba = getattr(model, "predict_proba", None)
    if callable(predict_proba):
        probabilities = as_known(predict_proba(rows))
        if is_array(probabilities) and probabilities.ndim == 2 and probabilities.shape[1] == len(classes):
            outputs.append(array_tensor("probabilities", probabilities))
    return outputs


def _label(tensor: SampleTensor) -> SampleTensor:
    """Labels come in one width of each kind."""
    datatype = tensor.datatype
    if "INT" in datatype:
        datatype = "INT64"
    elif datatype.startswith("FP"):
        datatype = "FP64"
    return SampleTensor(tensor.name, datatype, tensor.shape, tensor.data)


def _function(model: Any) -> tuple[str, Any]:
    for name, attribute in (("prediction", "predict"), ("features", "transform"), ("features", "encode")):
        function = getattr(model, attribute, None)
        if callable(function):
            return name, function
    if callable(model):
        return "prediction", model
    raise MusterError(
        "unsupported_model",
        f"{type(model).__module__}.{type(model).__qualname__} has no predict and cannot be called",
        title="The model cannot be served",
        remedy="Hand over a fitted model, a function, or a file.",
    )


def _data_for(model: Any, rows: Any) -> Any:
    """Boosters of xgboost take their own matrix."""
    if type(model).__module__ == "xgboost.core":
        import xgboost

        return xgboost.DMatrix(rows, enable_categorical=True)
    return rows


def _are_numbers(values: Any) -> bool:
    """Numbers, or booleans: a mixture of both travels as JSON."""
    booleans = [isinstance(value, bool) for value in values]
    return all(booleans) or (not any(booleans) and all(isinstance(value, (int, float)) for value in values))


def _are_texts(values: Any) -> bool:
    return all(isinstance(value, str) or value is None for value in values)
