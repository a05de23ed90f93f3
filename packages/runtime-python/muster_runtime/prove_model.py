"""What a model takes and gives, found out by loading it and having it answer."""

from __future__ import annotations

import base64
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from .find_inputs import find_inputs
from .inputs import Inputs
from .loaded_model import LoadedModel
from .loaders import load_model
from .outputs import Answer
from .problem import Problem
from .replica import Replica
from .rows import row_count, take_rows
from .same_answers import same_answers
from .sample import read_sample
from .signature import Signature, TensorSpec
from .tensors import Tensor

# Distributions that are told with the proof, where they are in use.
_TOLD = (
    ("numpy", "numpy"),
    ("scipy", "scipy"),
    ("pandas", "pandas"),
    ("sklearn", "scikit-learn"),
    ("joblib", "joblib"),
    ("cloudpickle", "cloudpickle"),
    ("skops", "skops"),
    ("xgboost", "xgboost"),
    ("lightgbm", "lightgbm"),
    ("catboost", "catboost"),
    ("mlflow", "mlflow"),
    ("torch", "torch"),
    ("tensorflow", "tensorflow"),
    ("keras", "keras"),
    ("transformers", "transformers"),
    ("sentence_transformers", "sentence-transformers"),
    ("onnxruntime", "onnxruntime"),
)


class _Found(NamedTuple):
    signature: Signature
    answers: dict[str, Answer]
    # The same rows get the same answers each time.
    is_steady: bool


def prove_model(file: str, kind: str, sample_file: str | None) -> dict[str, Any]:
    """The proof as it is printed. Throws `model_unloadable`, `sample_needed` and `invalid_sample`."""
    sample = None if sample_file is None else read_sample(sample_file)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = load_model(file, kind)
    inputs = find_inputs(model, sample)
    signature, answers, is_steady = find_outputs(model, inputs)
    adaptations = [*model.adaptations, *_told_warnings(caught), *inputs.adaptations]
    if signature.mixes_rows:
        adaptations.append("its answer for a row depends on the rows beside it: requests never share a run")
    if not is_steady:
        adaptations.append("its answers to the same rows differ from one time to the next: they are not compared")
    outputs = [answers[spec.name].tensor for spec in signature.outputs] if is_steady else []
    return {
        "ok": True,
        "signature": signature.document(),
        "isTable": inputs.is_table,
        "modelClass": model.model_class[:1000],
        "packages": _packages(),
        "adaptations": [text[:1000] for text in adaptations],
        "sample": {
            "inputs": [tensor.header() for tensor in inputs.tensors],
            "outputs": [tensor.header() for tensor in outputs],
            "payload": base64.b64encode(b"".join(bytes(part.data) for part in [*inputs.tensors, *outputs])).decode(),
        },
    }


def find_outputs(model: LoadedModel, inputs: Inputs) -> _Found:
    """The whole signature, and the answers to the rows at hand."""
    signature = Signature(inputs.specs, (), inputs.features, model.labels, None)
    replica = Replica(model, signature, inputs.is_table)
    try:
        answers = replica.answer(inputs.tensors)
        again = replica.answer(inputs.tensors)
    except Problem as problem:
        raise _unanswered(problem, inputs) from None
    if not answers:
        raise Problem("model_unloadable", "the model answered nothing")
    is_steady = same_answers(answers, again)
    count = row_count(inputs.tensors)
    other_count, others = _answer_other_rows(replica, inputs.tensors, count)
    specs = tuple(_spec(name, answer, count, others.get(name), other_count) for name, answer in answers.items())
    is_rowwise = all(
        answer.tensor.shape[:1] == (count,) and (name not in others or others[name].tensor.shape[:1] == (other_count,))
        for name, answer in answers.items()
    )
    if is_rowwise and is_steady and others:
        is_rowwise = _same_first_row(answers, others)
    has_label = model.primary is not None and len(specs) > 1
    labels = model.labels if any(spec.name != model.primary for spec in specs) else None
    return _Found(
        signature._replace(
            outputs=specs,
            labels=labels,
            primary=model.primary if has_label else None,
            mixes_rows=not is_rowwise,
        ),
        answers,
        is_steady,
    )


def _same_first_row(answers: dict[str, Answer], others: dict[str, Answer]) -> bool:
    """Whether a row is answered alike whatever is beside it; roundly, because the order of sums may differ."""
    first, second = (
        {name: Answer(take_rows([answer.tensor], [0])[0], answer.is_json) for name, answer in group.items()}
        for group in (answers, others)
    )
    return same_answers(first, second, is_rough=True)


def _answer_other_rows(replica: Replica, tensors: Sequence[Tensor], count: int) -> tuple[int, dict[str, Answer]]:
    """Answers to another number of the same rows, which tells what of the outputs grows with them."""
    other = 1 if count > 1 else 2
    try:
        return other, replica.answer(take_rows(tensors, [0] * other))
    except Problem:
        return other, {}


def _spec(name: str, answer: Answer, count: int, other: Answer | None, other_count: int) -> TensorSpec:
    shape = answer.tensor.shape
    seen = shape if other is None else other.tensor.shape
    if len(seen) == len(shape):
        sizes = [size if size == second else -1 for size, second in zip(shape, seen)]
    else:
        sizes = [-1] * len(shape)
    if other is None and shape[:1] == (count,):
        sizes[0] = -1
    is_nullable = answer.tensor.datatype == "BYTES" and not answer.is_json and _has_missing(answer.tensor)
    return TensorSpec(name, answer.tensor.datatype, tuple(sizes), is_nullable, answer.is_json)


def _has_missing(tensor: Tensor) -> bool:
    return b"\x01\x00\x00\x00\xff" in bytes(tensor.data)


def _unanswered(problem: Problem, inputs: Inputs) -> Problem:
    if problem.code != "model_failed":
        return problem
    if inputs.is_made:
        return Problem(
            "sample_needed",
            "the model does not tell what it takes, and did not answer a row of zeros: " + problem.detail,
        )
    return Problem(
        "invalid_sample",
        "the model does not answer the sample: " + problem.detail,
        "Give rows as the model was fitted on, without the target.",
    )


def _told_warnings(caught: Sequence[warnings.WarningMessage]) -> list[str]:
    """What libraries warn of at load that matters to the owner: versions that differ."""
    told: list[str] = []
    for warning in caught:
        if type(warning.message).__name__ == "InconsistentVersionWarning":
            old = getattr(warning.message, "original_sklearn_version", "?")
            new = getattr(warning.message, "current_sklearn_version", "?")
            text = f"made with scikit-learn {old}, loaded with {new}"
            if text not in told:
                told.append(text)
    return told


def _packages() -> dict[str, str]:
    """Versions of the libraries in use."""
    from importlib import metadata

    found: dict[str, str] = {}
    for module, package in _TOLD:
        if module in sys.modules:
            try:
                found[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                version = getattr(sys.modules[module], "__version__", None)
                if version is not None:
                    found[package] = str(version)
    return found
