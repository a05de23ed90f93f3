"""A folder with a `model.py`: `load(path)` and `predict(model, data)`."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from ..loaded_model import LoadedModel, class_name
from ..outputs import name_outputs
from ..problem import Problem
from ..unpack_folder import unpack_folder


def load(path: str) -> LoadedModel:
    """Runs `model.py` with its folder on the module path, and calls its `load` with the folder."""
    folder = unpack_folder(path)
    file = os.path.join(folder, "model.py")
    if not os.path.isfile(file):
        raise _unloadable(
            "the folder has no model.py", "Put a model.py with load(path) and predict(model, data) there."
        )
    sys.path.insert(0, folder)
    os.chdir(folder)
    spec = importlib.util.spec_from_file_location("model", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["model"] = module
    spec.loader.exec_module(module)
    load_function, predict = getattr(module, "load", None), getattr(module, "predict", None)
    if not callable(load_function) or not callable(predict):
        missing = "load(path)" if not callable(load_function) else "predict(model, data)"
        raise _unloadable(f"model.py has no {missing}", "It needs load(path) and predict(model, data).")
    model: Any = load_function(folder)
    return LoadedModel(
        answer=lambda data, wanted: name_outputs(predict(model, data)),
        model_class=class_name(model) if model is not None else "model.py",
    )


def _unloadable(detail: str, remedy: str) -> Problem:
    return Problem("model_unloadable", "the model cannot be loaded: " + detail, remedy)
