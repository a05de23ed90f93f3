"""CatBoost's own binary files."""

from __future__ import annotations

from ..loaded_model import LoadedModel
from ..wrap import wrap_model

_CLASSIFICATION = ("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll", "Focal")


def load(path: str) -> LoadedModel:
    """A classifier or a regressor, by the loss that it was fitted with."""
    import catboost

    model = catboost.CatBoost()
    model.load_model(path)
    loss = str(model.get_all_params().get("loss_function", "")).partition(":")[0]
    kind = catboost.CatBoostClassifier if loss in _CLASSIFICATION else None
    if kind is None and loss and not loss.startswith(("Query", "Yeti", "Pair", "Stochastic", "Lambda")):
        kind = catboost.CatBoostRegressor if not loss.startswith("Multi") else None
    if kind is not None:
        model = kind()
        model.load_model(path)
    return wrap_model(model)
