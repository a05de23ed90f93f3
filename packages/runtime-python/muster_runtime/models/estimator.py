"""scikit-learn's way, which most libraries follow: `predict`, `predict_proba`, `classes_`, `transform`."""

from __future__ import annotations

import inspect
from typing import Any, Callable

from ..library_settings import threads
from ..loaded_model import AUTO, TEXTS, LoadedModel, class_name
from ..outputs import name_outputs

LABEL, PROBABILITIES, FEATURES = "label", "probabilities", "features"

# Classifiers whose `predict` is the most probable class of `predict_proba` by construction, ties included.
_ARGMAX = frozenset(
    {
        "sklearn.RandomForestClassifier",
        "sklearn.ExtraTreesClassifier",
        "xgboost.XGBClassifier",
        "xgboost.XGBRFClassifier",
        "lightgbm.LGBMClassifier",
        "sklearn.HistGradientBoostingClassifier",
    }
)


def wrap_estimator(model: Any) -> LoadedModel:
    """Anything with `predict`."""
    limit_threads(model)
    features = feature_names(model)
    loaded = LoadedModel(
        answer=_predict_alone(model),
        model_class=class_name(model),
        takes=TEXTS if takes_texts(model) else AUTO,
        features=features,
        width=_width(model),
        takes_bare_matrix=takes_bare_matrix(model),
        fit_frame=_fit_frame(model),
        text_columns=_text_columns(model),
    )
    classes = class_labels(model)
    if classes is not None:
        loaded.answer = _classify(model, classes)
        loaded.primary = LABEL
        loaded.labels = tuple(str(label) for label in classes)
    return loaded


def wrap_transformer(model: Any) -> LoadedModel:
    """Anything with `transform`, or `encode` (embeddings of texts)."""
    transform = model.transform if callable(getattr(model, "transform", None)) else model.encode
    limit_threads(model)
    return LoadedModel(
        answer=lambda data, wanted: {FEATURES: transform(data)},
        model_class=class_name(model),
        takes=TEXTS if takes_texts(model) or not hasattr(model, "transform") else AUTO,
        features=feature_names(model),
        width=_width(model),
        takes_bare_matrix=takes_bare_matrix(model),
    )


def wrap_function(function: Any) -> LoadedModel:
    """A function of the data."""
    return LoadedModel(answer=lambda data, wanted: name_outputs(function(data)), model_class=class_name(function))


def _predict_alone(model: Any) -> Callable[[Any, Any], dict[str, Any]]:
    predict = quiet_predict(model)
    return lambda data, wanted: name_outputs(predict(data))


def quiet_predict(model: Any) -> Callable[[Any], Any]:
    """`predict` without bars of progress where it has them (Keras)."""
    predict: Callable[..., Any] = model.predict
    if type(model).__module__.split(".")[0] in ("keras", "tensorflow", "tf_keras"):
        return lambda data: predict(data, verbose=0)
    return predict


def class_labels(model: Any) -> Any:
    """The classes of a classifier with one target, as an array; None for others."""
    try:
        classes = model.classes_
    except AttributeError:
        return None
    if isinstance(classes, (list, tuple)):
        if any(hasattr(part, "shape") for part in classes):
            return None  # one array a target
        import numpy

        classes = numpy.asarray(classes)
    return classes if getattr(classes, "ndim", 0) == 1 and len(classes) > 0 else None


def _classify(model: Any, classes: Any) -> Callable[[Any, Any], dict[str, Any]]:
    is_argmax = _is_argmax(final_estimator(model))

    def answer(data: Any, wanted: frozenset[str] | None) -> dict[str, Any]:
        values: dict[str, Any] = {}
        wants_label = wanted is None or LABEL in wanted
        wants_scores = (wanted is None or PROBABILITIES in wanted) and hasattr(model, "predict_proba")
        if wants_scores:
            scores = model.predict_proba(data)
            if wants_label and is_argmax:
                values[LABEL] = classes.take(scores.argmax(axis=1))
            if getattr(scores, "ndim", 0) == 2 and scores.shape[1] == len(classes):
                values[PROBABILITIES] = scores
        if wants_label and LABEL not in values:
            values = {LABEL: model.predict(data), **values}
        if LABEL in values:
            values[LABEL] = plain_labels(values[LABEL])
        return {name: values[name] for name in (LABEL, PROBABILITIES) if name in values}

    return answer


def plain_labels(label: Any) -> Any:
    """One label a row, integers and floats in 64 bits whatever the library has."""
    if getattr(label, "ndim", 1) == 2 and label.shape[1] == 1:
        label = label.ravel()
    kind = getattr(getattr(label, "dtype", None), "kind", "O")
    if kind in "iuf" and hasattr(label, "astype"):
        return label.astype("float64" if kind == "f" else "int64", copy=False)
    return label


def _is_argmax(model: Any) -> bool:
    kind = type(model)
    return f"{kind.__module__.partition('.')[0]}.{kind.__name__}" in _ARGMAX


def final_estimator(model: Any) -> Any:
    """The last step of a pipeline, and what a search found."""
    for _ in range(10):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif _is_pipeline(model):
            model = model.steps[-1][1]
        else:
            break
    return model


def _first_step(model: Any) -> Any:
    for _ in range(10):
        if hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif _is_pipeline(model):
            model = model.steps[0][1]
        else:
            break
    return model


def _is_pipeline(model: Any) -> bool:
    steps = getattr(model, "steps", None)
    return isinstance(steps, list) and len(steps) > 0 and isinstance(steps[0], tuple)


def feature_names(model: Any) -> tuple[str, ...] | None:
    """Names of the columns that it was fitted on."""
    try:
        names = model.feature_names_in_
    except Exception:  # a property of a wrapper that is not fitted by name
        return None
    try:
        return tuple(names) if len(names) > 0 and all(isinstance(name, str) for name in names) else None
    except TypeError:
        return None


def _width(model: Any) -> int | None:
    try:
        width = model.n_features_in_
    except Exception:
        return None
    return int(width) if isinstance(width, int) or hasattr(width, "__index__") else None


def takes_texts(model: Any) -> bool:
    """Whether it begins with one of scikit-learn's vectorizers, which take a list of texts."""
    first = _first_step(model)
    transformers = getattr(first, "transformer_list", None)
    if isinstance(transformers, list) and transformers:
        return all(takes_texts(part[1]) for part in transformers)
    names = {kind.__name__ for kind in type(first).__mro__}
    return "_VectorizerMixin" in names or "SentenceTransformer" in names


def takes_bare_matrix(model: Any) -> bool:
    """Whether columns have no names inside of it: then a matrix is as good as a data frame, and cheaper."""
    module = type(model).__module__.partition(".")[0]
    if hasattr(model, "best_estimator_"):
        return takes_bare_matrix(model.best_estimator_)
    if _is_pipeline(model):
        return all(step is None or isinstance(step, str) or takes_bare_matrix(step) for _, step in model.steps)
    if module not in ("sklearn", "xgboost", "lightgbm"):
        return False
    name = type(model).__name__
    if name in ("ColumnTransformer", "FunctionTransformer", "FeatureUnion", "TransformedTargetRegressor"):
        return False
    if _fit_frame(model) is not None or _has_categories(model):
        return False
    return all(map(takes_bare_matrix, _parts_of(model)))


def _parts_of(model: Any) -> list[Any]:
    """Estimators inside of an estimator: its attributes and those in short lists (a forest's trees are all alike)."""
    parts: list[Any] = []
    for value in vars(model).values():
        if isinstance(value, (list, tuple)) and len(value) <= 50:
            for item in value:
                parts.extend(item if isinstance(item, tuple) else (item,))
        else:
            parts.append(value)
    return [
        part for part in parts if hasattr(part, "fit") and hasattr(part, "get_params") and not isinstance(part, type)
    ]


def _has_categories(model: Any) -> bool:
    """Whether it tells values apart that may be texts: an encoder, or trees on categories."""
    if hasattr(model, "categories_"):
        return True
    categorical = getattr(model, "is_categorical_", None)
    return categorical is not None and bool(categorical.any())


def _fit_frame(model: Any) -> Callable[[Any], Any] | None:
    """Boosters that were fitted on categories need their columns to be categories again."""
    final = final_estimator(model)
    module = type(final).__module__.partition(".")[0]
    if final is not model and not takes_same_columns(model):
        return None
    try:
        if module == "lightgbm":
            from .lightgbm_model import categories_of

            return categories_of(final.booster_)
        if module == "xgboost":
            from .xgboost_model import categories_of as xgboost_categories_of

            return xgboost_categories_of(final.get_booster())
    except Exception:  # not fitted: it will say so when it is asked
        return None
    return None


def _text_columns(model: Any) -> tuple[str, ...]:
    """Columns that a booster was fitted on as categories."""
    booster = getattr(final_estimator(model), "booster_", None)
    if booster is None or not takes_same_columns(model) or _fit_frame(model) is None:
        return ()
    from .lightgbm_model import categorical_columns

    return tuple(categorical_columns(booster))


def takes_same_columns(model: Any) -> bool:
    """Whether the last step is given what the model is given: there is no other."""
    return not _is_pipeline(model) or len(model.steps) == 1


def limit_threads(model: Any) -> None:
    """As many threads as the host allows: a forest fitted with `n_jobs=-1` would start a pool for each request."""
    count = threads()
    get_params = getattr(model, "get_params", None)
    if count is None or not callable(get_params) or inspect.isclass(model):
        return
    try:
        wanted = {
            name: count
            for name, value in get_params(deep=True).items()
            if name.rpartition("__")[2] == "n_jobs" and value is not None and value != count
        }
        if wanted:
            model.set_params(**wanted)
    except Exception:  # it runs with its own number then
        pass
