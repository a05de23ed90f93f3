"""One module a format; each has `load(path)`, which answers a `LoadedModel`."""

from __future__ import annotations

import importlib
import os

from ..load_failure import explain_load_failure
from ..loaded_model import LoadedModel
from ..problem import Problem

_MODULES = {
    "pickle": "pickled",
    "joblib": "pickled",
    "skops": "skops_file",
    "xgboost": "xgboost_file",
    "lightgbm": "lightgbm_file",
    "catboost": "catboost_file",
    "mlflow": "mlflow_folder",
    "huggingface": "huggingface_folder",
    "folder": "code_folder",
}


def load_model(path: str, kind: str) -> LoadedModel:
    """Loads a file of a format. Throws `model_unloadable` with what is missing and what to do."""
    if not os.path.exists(path):
        raise Problem("model_unloadable", "the file of the model is not there", "Deploy the version again.")
    try:
        loaded: LoadedModel = importlib.import_module("." + _MODULES[kind], __name__).load(path)
        return loaded
    except Problem:
        raise
    except BaseException as thrown:
        raise explain_load_failure(thrown) from None
