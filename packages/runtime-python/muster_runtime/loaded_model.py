"""A model in memory, as every loader hands it over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from .signature import Signature

# What a model is given: a pandas DataFrame, a numpy matrix, a list of texts, a list of JSON documents, arrays by name
# (one array where there is one input), or whatever suits its inputs best.
FRAME, MATRIX, TEXTS, DOCUMENTS, ARRAYS, AUTO = "frame", "matrix", "texts", "documents", "arrays", "auto"


@dataclass
class LoadedModel:
    """`answer(data, wanted)` gives its outputs by name; `wanted` names those to compute, None all."""

    answer: Callable[[Any, frozenset[str] | None], dict[str, Any]]
    # As `sklearn.pipeline.Pipeline`.
    model_class: str
    takes: str = AUTO
    # Names of its columns, in order, where the model knows them.
    features: tuple[str, ...] | None = None
    # How many columns it takes, where it knows.
    width: int | None = None
    # Columns of `features` that hold texts.
    text_columns: tuple[str, ...] = ()
    # Whether a numpy matrix will do although it was fitted on a data frame.
    takes_bare_matrix: bool = False
    # Changes a data frame (in place or not) to what the model was fitted on: categories, say.
    fit_frame: Callable[[Any], Any] | None = None
    # Names of the classes of a classifier, by index.
    labels: tuple[str, ...] | None = None
    # The output that the model's own `predict` gives, where there are others beside it.
    primary: str | None = None
    # What a model folder says about itself; its outputs may be empty.
    signature: Signature | None = None
    # The inputs of that signature are the columns of a table.
    is_table: bool = False
    # Rows that came with a model folder, as JSON-like columns or a matrix; None without.
    example: Any = None
    # What was assumed or changed, in words.
    adaptations: list[str] = field(default_factory=list)


def class_name(model: Any) -> str:
    """`sklearn.pipeline.Pipeline`; private modules, which say nothing, are left out with all below them."""
    kind = type(model)
    parts = ("" if kind.__module__ == "__main__" else kind.__module__).split(".")
    public = next((index for index, part in enumerate(parts) if part.startswith("_")), len(parts))
    return ".".join(part for part in [*parts[:public], kind.__qualname__.rpartition(".")[2]] if part)
