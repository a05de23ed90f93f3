"""LightGBM's own Booster."""

from __future__ import annotations

import re
from typing import Any, Callable

from ..library_settings import threads
from ..loaded_model import AUTO, MATRIX, LoadedModel, class_name
from ..outputs import PREDICTION


def wrap_lightgbm(booster: Any) -> LoadedModel:
    """Its `predict` is the one output, as the objective has it."""
    count = threads()
    options: dict[str, Any] = {} if count is None else {"num_threads": count}
    fit_frame = categories_of(booster)
    names = tuple(booster.feature_name())
    is_named = any(not re.fullmatch(r"Column_\d+", name) for name in names)
    loaded = LoadedModel(
        answer=lambda data, wanted: {PREDICTION: booster.predict(data, **options)},
        model_class=class_name(booster),
        takes=AUTO if fit_frame else MATRIX,
        features=names if is_named else None,
        width=booster.num_feature(),
        takes_bare_matrix=fit_frame is None,
        fit_frame=fit_frame,
    )
    if fit_frame is not None:
        loaded.text_columns = tuple(categorical_columns(booster))
    return loaded


def categorical_columns(booster: Any) -> list[str]:
    """Columns that were categories when it was fitted, in order."""
    infos = re.search(r"^feature_infos=(.*)$", booster.model_to_string(num_iteration=1), re.MULTILINE)
    kinds = infos.group(1).split(" ") if infos else []
    return [name for name, kind in zip(booster.feature_name(), kinds) if not kind.startswith("[") and kind != "none"]


def categories_of(booster: Any) -> Callable[[Any], Any] | None:
    """Makes categories of the columns that were pandas categories when it was fitted; None if there were none."""
    categories = booster.pandas_categorical
    if not categories:
        return None
    columns = categorical_columns(booster)
    if len(columns) != len(categories):
        return None

    def fit_frame(frame: Any) -> Any:
        import pandas

        # LightGBM changes blanks in names.
        by_name = {str(name).replace(" ", "_"): name for name in frame.columns}
        changed = {
            by_name[name]: pandas.Categorical(_like(frame[by_name[name]], values), categories=values)
            for name, values in zip(columns, categories)
            if name in by_name
        }
        return frame.assign(**{str(name): value for name, value in changed.items()})

    return fit_frame


def _like(column: Any, values: list[Any]) -> Any:
    """Texts as the numbers that the categories are."""
    if values and not isinstance(values[0], str) and column.dtype.kind not in "iufb":
        import pandas

        return pandas.to_numeric(column, errors="coerce")
    return column
