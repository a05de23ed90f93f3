"""Modules of PyTorch, pickled whole."""

from __future__ import annotations

from typing import Any

from ..library_settings import threads
from ..loaded_model import ARRAYS, LoadedModel, class_name
from ..outputs import name_outputs


def wrap_torch(module: Any) -> LoadedModel:
    """Called without gradients; arrays come in the floats of its parameters."""
    import torch

    count = threads()
    if count is not None:
        torch.set_num_threads(count)
    module.eval()
    parameter = next(iter(module.parameters()), None)

    def tensor(value: Any) -> Any:
        made = torch.as_tensor(value)
        if parameter is not None and made.is_floating_point() and parameter.is_floating_point():
            return made.to(parameter.dtype)
        return made

    def answer(data: Any, wanted: frozenset[str] | None) -> dict[str, Any]:
        with torch.no_grad():
            result = module(*map(tensor, data.values())) if isinstance(data, dict) else module(tensor(data))
        if isinstance(result, (list, tuple)):
            return {f"output_{index}": value for index, value in enumerate(result)}
        return name_outputs(result)

    return LoadedModel(answer=answer, model_class=class_name(module), takes=ARRAYS)
