"""ONNX inside of a model folder, run by Python's onnxruntime."""

from __future__ import annotations

from typing import Any

from ..library_settings import threads
from ..loaded_model import ARRAYS, LoadedModel
from ..signature import Signature, TensorSpec

_TYPES = {
    "bool": "BOOL",
    "float16": "FP16",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def wrap_onnx(path: str) -> LoadedModel:
    """Inputs and outputs by the names in the file."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads() or 0
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    specs = tuple(_spec(node) for node in inputs)
    names = [node.name for node in session.get_outputs()]

    def answer(data: Any, wanted: frozenset[str] | None) -> dict[str, Any]:
        asked = [name for name in names if wanted is None or name in wanted]
        feeds = data if isinstance(data, dict) else {inputs[0].name: data}
        return dict(zip(asked, session.run(asked, {name: _array(value) for name, value in feeds.items()})))

    return LoadedModel(
        answer=answer, model_class="onnx.ModelProto", takes=ARRAYS, signature=Signature(specs, ()), is_table=False
    )


def _spec(node: Any) -> TensorSpec:
    datatype = _TYPES.get(node.type[len("tensor(") : -1], "FP32")
    shape = tuple(size if isinstance(size, int) and size > 0 else -1 for size in node.shape)
    return TensorSpec(node.name, datatype, shape or (-1,), nullable=datatype.startswith("FP"))


def _array(value: Any) -> Any:
    import numpy

    return numpy.array(value, dtype=object) if isinstance(value, list) else value
