"""From any fitted object to a `LoadedModel`."""

from __future__ import annotations

from typing import Any

from .loaded_model import LoadedModel, class_name
from .problem import Problem


def wrap_model(model: Any) -> LoadedModel:
    """Finds out what kind of model it is. Throws `model_unloadable` where it is none."""
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(model).__mro__}
    if "xgboost.Booster" in kinds:
        from .models.xgboost_model import wrap_booster

        return wrap_booster(model)
    if "lightgbm.Booster" in kinds:
        from .models.lightgbm_model import wrap_lightgbm

        return wrap_lightgbm(model)
    if "catboost.CatBoost" in kinds:
        from .models.catboost_model import wrap_catboost

        return wrap_catboost(model)
    if "torch.Module" in kinds:
        from .models.torch_model import wrap_torch

        return wrap_torch(model)
    if "mlflow.PyFuncModel" in kinds:
        from .models.pyfunc_model import wrap_pyfunc

        return wrap_pyfunc(model)
    if _has_method(model, "predict"):
        from .models.estimator import wrap_estimator

        return wrap_estimator(model)
    if _has_method(model, "transform") or _has_method(model, "encode"):
        from .models.estimator import wrap_transformer

        return wrap_transformer(model)
    if callable(model) and not isinstance(model, type):
        from .models.estimator import wrap_function

        return wrap_function(model)
    raise Problem("model_unloadable", "the model cannot be loaded: " + _what_it_is(model), _remedy(model))


def _has_method(model: Any, name: str) -> bool:
    return not isinstance(model, type) and callable(getattr(model, name, None))


def _what_it_is(model: Any) -> str:
    if isinstance(model, type):
        return f"the file holds the class {model.__name__}, not a fitted object of it"
    if isinstance(model, dict):
        keys = ", ".join(repr(key) for key in list(model)[:5])
        return f"the file holds a dict with {keys}, not a model"
    return f"the file holds a {class_name(model)}, which has no predict"


def _remedy(model: Any) -> str:
    if isinstance(model, (dict, list, tuple)):
        return "Save the fitted pipeline itself, or hand over a folder with a model.py that puts the parts together."
    return "Hand over a fitted object with predict or transform, or a folder with a model.py."
