"""A model folder as MLflow writes it.

The flavours of scikit-learn, XGBoost, LightGBM, CatBoost and ONNX are loaded as what they are, which saves the import
of mlflow and gives probabilities beside labels; everything else goes by `mlflow.pyfunc`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any, Callable

from ..cells import Cells, cells_of_rows
from ..loaded_model import ARRAYS, FRAME, LoadedModel
from ..models.mlflow_schema import read_schema
from ..outputs import name_outputs
from ..problem import Problem
from ..read_yaml import read_yaml
from ..unpack_folder import unpack_folder
from ..wrap import wrap_model
from . import catboost_file, pickled, skops_file


def load(path: str) -> LoadedModel:
    """Unpacks and loads it; its declared signature comes with it."""
    folder = unpack_folder(path)
    file = os.path.join(folder, "MLmodel")
    if not os.path.isfile(file):
        raise _unloadable("the folder has no MLmodel", "Hand over the folder that mlflow has logged the model into.")
    with open(file, encoding="utf-8") as opened:
        document = read_yaml(opened.read())
    flavors = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavors, dict) or not flavors:
        raise _unloadable("its MLmodel names no flavour", "Log the model again.")
    function = flavors.get("python_function") or {}
    _add_code(folder, [function, *flavors.values()])
    model = _load_flavor(folder, flavors, function)
    declared = read_schema(document.get("signature"))
    if declared is not None:
        model.signature, model.is_table = declared.signature, declared.is_table
        if declared.fit_frame is not None:
            model.fit_frame = _both(declared.fit_frame, model.fit_frame)
        is_pyfunc = model.model_class.startswith("mlflow.")
        if is_pyfunc:
            model.takes = FRAME if declared.is_table else ARRAYS
    model.example = _read_example(folder, document.get("saved_input_example_info"))
    return model


def _both(first: Callable[[Any], Any], second: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    return first if second is None else lambda frame: second(first(frame))


def _add_code(folder: str, flavors: list[Any]) -> None:
    """Code that was logged with the model."""
    for flavor in flavors:
        code = flavor.get("code") if isinstance(flavor, dict) else None
        code_folder = os.path.join(folder, code) if isinstance(code, str) else None
        if code_folder is not None and os.path.isdir(code_folder) and code_folder not in sys.path:
            sys.path.insert(0, code_folder)


def _load_flavor(folder: str, flavors: dict[str, Any], function: dict[str, Any]) -> LoadedModel:
    for name, loader in _DIRECT.items():
        flavor = flavors.get(name)
        if not isinstance(flavor, dict) or not _can_import(name):
            continue
        model = loader(folder, flavor)
        predict_fn = function.get("predict_fn") or "predict"
        return _by_function(model, predict_fn) if predict_fn != "predict" else _loaded(model)
    return _load_pyfunc(folder)


def _loaded(model: Any) -> LoadedModel:
    return model if isinstance(model, LoadedModel) else wrap_model(model)


def _by_function(model: Any, name: str) -> LoadedModel:
    """Logged with `pyfunc_predict_fn`: that is what the model answers with."""
    loaded = _loaded(model)
    function = getattr(model, name, None)
    if callable(function):
        loaded.answer = lambda data, wanted: name_outputs(function(data))
        loaded.primary = loaded.labels = None
    return loaded


def _load_pyfunc(folder: str) -> LoadedModel:
    import mlflow.pyfunc

    return wrap_model(mlflow.pyfunc.load_model(folder))


def _load_sklearn(folder: str, flavor: dict[str, Any]) -> Any:
    path = _file_of(folder, flavor, "pickled_model", "model.pkl")
    if flavor.get("serialization_format") == "skops" or path.endswith(".skops"):
        return skops_file.read(path)
    return pickled.unpickle(path)


def _load_xgboost(folder: str, flavor: dict[str, Any]) -> Any:
    import xgboost

    path = _file_of(folder, flavor, "data", "model.xgb")
    name = str(flavor.get("model_class") or "xgboost.core.Booster").rpartition(".")[2]
    model = getattr(xgboost, name)()
    model.load_model(path)
    return model


def _load_lightgbm(folder: str, flavor: dict[str, Any]) -> Any:
    import lightgbm

    path = _file_of(folder, flavor, "data", "model.lgb")
    if path.endswith(".skops"):
        return skops_file.read(path)
    return pickled.unpickle(path) if path.endswith(".pkl") else lightgbm.Booster(model_file=path)


def _load_catboost(folder: str, flavor: dict[str, Any]) -> Any:
    import catboost

    path = _file_of(folder, flavor, "data", "model.cb")
    kind = getattr(catboost, str(flavor.get("model_type") or ""), None)
    if kind is None:
        return catboost_file.load(path)
    model = kind()
    model.load_model(path, format=flavor.get("save_format") or "cbm")
    return model


def _load_onnx(folder: str, flavor: dict[str, Any]) -> Any:
    from ..models.onnx_model import wrap_onnx

    return wrap_onnx(_file_of(folder, flavor, "data", "model.onnx"))


_DIRECT: dict[str, Callable[[str, dict[str, Any]], Any]] = {
    "sklearn": _load_sklearn,
    "xgboost": _load_xgboost,
    "lightgbm": _load_lightgbm,
    "catboost": _load_catboost,
    "onnx": _load_onnx,
}


def _can_import(name: str) -> bool:
    try:
        importlib.import_module("onnxruntime" if name == "onnx" else name)
    except ImportError:
        return False
    return True


def _file_of(folder: str, flavor: dict[str, Any], key: str, usual: str) -> str:
    """A path that the flavour names, inside of the folder."""
    path = os.path.normpath(os.path.join(folder, str(flavor.get(key) or usual)))
    if not path.startswith(folder + os.sep) or not os.path.exists(path):
        raise _unloadable(f"its file {flavor.get(key) or usual} is not in the folder", "Hand over the whole folder.")
    return path


def _read_example(folder: str, info: Any) -> dict[str, Cells] | None:
    """The input example that was logged with it, as columns."""
    path = info.get("serving_input_path") if isinstance(info, dict) else None
    path = os.path.join(folder, os.path.basename(str(path or "serving_input_example.json")))
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        split = document.get("dataframe_split")
        if split is not None:
            return cells_of_rows(split["columns"], split["data"])
        return _example_of(document.get("inputs", document.get("instances")))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None


def _example_of(values: Any) -> dict[str, Cells] | None:
    if isinstance(values, dict):
        return {str(name): _nested_cells(part) for name, part in values.items()}
    return {"": _nested_cells(values)} if isinstance(values, list) and values else None


def _nested_cells(values: Any) -> Cells:
    shape: list[int] = []
    level = values
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    flat = values if isinstance(values, list) else [values]
    for _ in shape[1:]:
        flat = [item for part in flat for item in part]
    return Cells(flat, tuple(shape or (1,)))


def _unloadable(detail: str, remedy: str) -> Problem:
    return Problem("model_unloadable", "the model cannot be loaded: " + detail, remedy)
