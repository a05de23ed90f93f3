"""CatBoost: categorical columns must be texts or whole numbers, never floats and never missing."""

from __future__ import annotations

from typing import Any, Callable

from ..library_settings import threads
from ..loaded_model import FRAME, MATRIX, LoadedModel, class_name
from ..outputs import PREDICTION
from .estimator import LABEL, PROBABILITIES, class_labels, plain_labels


def wrap_catboost(model: Any) -> LoadedModel:
    """A classifier gives label and probabilities, anything else its prediction."""
    count = threads() or -1
    names = tuple(map(str, model.feature_names_ or ()))
    is_named = any(name != str(index) for index, name in enumerate(names))
    texts = sorted({*model.get_cat_feature_indices(), *model.get_text_feature_indices()})
    loaded = LoadedModel(
        answer=lambda data, wanted: {PREDICTION: model.predict(data, thread_count=count)},
        model_class=class_name(model),
        takes=FRAME if texts else MATRIX,
        features=names if is_named else None,
        width=len(names) or None,
        takes_bare_matrix=not texts,
        fit_frame=_fit_frame([names[index] for index in texts]) if texts else None,
        text_columns=tuple(names[index] for index in texts),
    )
    classes = class_labels(model) if hasattr(model, "predict_proba") else None
    if classes is not None:
        loaded.answer = _classify(model, count)
        loaded.primary = LABEL
        loaded.labels = tuple(str(label) for label in classes)
    return loaded


def _classify(model: Any, count: int) -> Callable[[Any, Any], dict[str, Any]]:
    def answer(data: Any, wanted: frozenset[str] | None) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if wanted is None or LABEL in wanted:
            values[LABEL] = plain_labels(model.predict(data, thread_count=count))
        if wanted is None or PROBABILITIES in wanted:
            values[PROBABILITIES] = model.predict_proba(data, thread_count=count)
        return values

    return answer


def _fit_frame(columns: list[str]) -> Callable[[Any], Any]:
    def fit_frame(frame: Any) -> Any:
        changed = {}
        for name in columns:
            if name not in frame.columns:
                continue
            column = frame[name]
            if column.dtype.kind == "f":
                is_whole = bool((column.dropna() % 1 == 0).all())
                column = column.astype("Int64").astype(object) if is_whole else column.astype(object)
            if column.dtype.kind not in "iub":
                column = column.astype(object).where(column.notna(), "nan").astype(str).astype(object)
            changed[name] = column
        return frame.assign(**changed)

    return fit_frame
