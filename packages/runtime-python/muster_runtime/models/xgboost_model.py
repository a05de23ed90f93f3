"""XGBoost's own Booster."""

from __future__ import annotations

from typing import Any, Callable

from ..library_settings import threads
from ..loaded_model import FRAME, MATRIX, LoadedModel, class_name
from ..outputs import PREDICTION


def wrap_booster(booster: Any) -> LoadedModel:
    """Its `predict` is the one output, as the objective has it."""
    count = threads()
    if count is not None:
        booster.set_param({"nthread": count})
    features = tuple(booster.feature_names) if booster.feature_names else None
    fit_frame = categories_of(booster)
    loaded = LoadedModel(
        answer=_answer_frame(booster) if fit_frame else _answer_matrix(booster, features),
        model_class=class_name(booster),
        takes=FRAME if fit_frame else MATRIX,
        features=features,
        width=booster.num_features(),
        takes_bare_matrix=fit_frame is None,
        fit_frame=fit_frame,
    )
    if fit_frame is not None and features is not None:
        types = booster.feature_types or []
        loaded.text_columns = tuple(name for name, kind in zip(features, types) if kind == "c")
    return loaded


def _answer_matrix(booster: Any, features: tuple[str, ...] | None) -> Callable[[Any, Any], dict[str, Any]]:
    import xgboost

    def answer(data: Any, wanted: Any) -> dict[str, Any]:
        try:
            # Without a DMatrix in between, which copies and sorts what comes. All trees answer, as in `predict`, also
            # where training was stopped early: only the wrappers leave out those behind the best.
            return {PREDICTION: booster.inplace_predict(data, validate_features=False)}
        except (NotImplementedError, xgboost.core.XGBoostError, TypeError):
            matrix = xgboost.DMatrix(data, feature_names=list(features) if features else None)
            return {PREDICTION: booster.predict(matrix)}

    return answer


def _answer_frame(booster: Any) -> Callable[[Any, Any], dict[str, Any]]:
    import xgboost

    return lambda data, wanted: {PREDICTION: booster.predict(xgboost.DMatrix(data, enable_categorical=True))}


def categories_of(booster: Any) -> Callable[[Any], Any] | None:
    """Makes categories of the columns that were categories when it was fitted; None if there were none."""
    types = booster.feature_types or []
    names = booster.feature_names or []
    columns = [name for name, kind in zip(names, types) if kind == "c"]
    if not columns:
        return None

    def fit_frame(frame: Any) -> Any:
        return frame.astype({name: "category" for name in columns if name in frame.columns})

    return fit_frame
