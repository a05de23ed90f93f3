"""XGBoost's own files: JSON, UBJSON, and the old binary form."""

from __future__ import annotations

import json
from typing import Any

from ..loaded_model import LoadedModel
from ..wrap import wrap_model


def load(path: str) -> LoadedModel:
    """A file that a scikit-learn wrapper has saved becomes that wrapper again; others are boosters."""
    import xgboost

    with open(path, "rb") as file:
        content = bytearray(file.read())
    booster = xgboost.Booster(model_file=content)
    kind = _sklearn_kind(booster)
    if kind is None:
        return wrap_model(booster)
    model: Any = getattr(xgboost, kind)()
    model.load_model(content)
    return wrap_model(model)


def _sklearn_kind(booster: Any) -> str | None:
    """The wrapper's class, by what it has written into the file."""
    text = booster.attr("scikit_learn")
    if not text:
        return None
    try:
        attributes = json.loads(text)
    except ValueError:
        return None
    estimator_type = attributes.get("_estimator_type")
    if estimator_type == "classifier":
        return "XGBClassifier"
    if estimator_type == "ranker":
        return "XGBRanker"
    return "XGBRegressor" if estimator_type == "regressor" else None
