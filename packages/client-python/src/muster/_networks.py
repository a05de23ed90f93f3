"""Networks of PyTorch and Keras travel as ONNX: their own files need gigabytes of libraries to be read."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ._handed import described
from ._pickled import HandedFile, class_name
from ._sample import SampleTensor, array_tensor, as_known, first_rows, is_array, is_frame
from .errors import MusterError


def is_network(model: Any) -> bool:
    """Whether it is a module of PyTorch or a model of Keras."""
    return _is_torch(model) or _is_keras(model)


@contextmanager
def exported(model: Any, sample: Any) -> Iterator[HandedFile]:
    """The network as an ONNX file, which is there until the block ends. Raises `export_failed`, `sample_needed`."""
    if sample is None:
        raise MusterError(
            "sample_needed",
            f"{class_name(model)} does not tell the shape of what it takes",
            title="A network is exported by example",
            remedy="Give a few rows: muster.deploy(model, name=…, sample=X[:5]).",
        )
    with tempfile.TemporaryDirectory(prefix="muster-") as folder:
        path = Path(folder) / "model.onnx"
        try:
            if _is_torch(model):
                _export_torch(model, first_rows(sample), path)
            else:
                model.export(str(path), format="onnx", verbose=False)
        except Exception as cause:
            missing = f" ({cause.name} is missing)" if isinstance(cause, ImportError) and cause.name else ""
            raise MusterError(
                "export_failed",
                f"{class_name(model)} cannot be exported to ONNX{missing}: {type(cause).__name__}: {cause}",
                title="The network cannot be exported",
                remedy="Install what its exporter needs (pip install onnx; for Keras also tf2onnx), or export it "
                "yourself and hand over the file: muster.deploy('model.onnx', name=…).",
            ) from cause
        yield described(path, class_name(model))


def network_outputs(model: Any, rows: Any) -> list[SampleTensor]:
    """What the network answers here, by the names of its exported outputs; empty where those are not known."""
    if not _is_torch(model):
        return []
    torch = sys.modules["torch"]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            answer = model(*_torch_inputs(model, rows).values())
    finally:
        model.train(was_training)
    answers = [answer] if hasattr(answer, "detach") else list(answer)
    return [array_tensor(name, as_known(value)) for name, value in zip(_output_names(len(answers)), answers)]


def _export_torch(model: Any, rows: Any, path: Path) -> None:
    torch = sys.modules["torch"]
    inputs = _torch_inputs(model, rows)
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            answer = model(*inputs.values())
        count = 1 if hasattr(answer, "detach") else len(answer)
        names = _output_names(count)
        torch.onnx.export(
            model,
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=names,
            dynamic_axes={name: {0: "rows"} for name in [*inputs, *names]},
            dynamo=False,
        )
    finally:
        model.train(was_training)


def _torch_inputs(model: Any, rows: Any) -> dict[str, Any]:
    torch = sys.modules["torch"]
    parameter = next(iter(model.parameters()), None)
    named = rows if isinstance(rows, Mapping) else {"input": rows}
    tensors = {}
    for name, given in named.items():
        values = as_known(given)
        array = values.to_numpy() if is_frame(values) else values
        tensor = torch.as_tensor(array if is_array(array) else list(array))
        if parameter is not None:
            tensor = tensor.to(parameter.device)
            if tensor.is_floating_point() and parameter.is_floating_point():
                tensor = tensor.to(parameter.dtype)
        tensors[str(name)] = tensor
    return tensors


def _output_names(count: int) -> list[str]:
    return ["prediction"] if count == 1 else [f"output_{index}" for index in range(count)]


def _is_torch(model: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


def _is_keras(model: Any) -> bool:
    return any(
        base.__module__.partition(".")[0] == "keras" and base.__name__ == "Model" for base in type(model).__mro__
    )
