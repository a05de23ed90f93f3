"""LightGBM's text files."""

from __future__ import annotations

from ..loaded_model import LoadedModel
from ..wrap import wrap_model


def load(path: str) -> LoadedModel:
    """A booster: the file does not tell classes."""
    import lightgbm

    return wrap_model(lightgbm.Booster(model_file=path))
