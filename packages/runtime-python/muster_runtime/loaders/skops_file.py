"""skops: scikit-learn models without pickle."""

from __future__ import annotations

from typing import Any

from ..loaded_model import LoadedModel
from ..wrap import wrap_model


def load(path: str) -> LoadedModel:
    """Every type in the file is trusted: what it can do, it can do only inside of this cage."""
    return wrap_model(read(path))


def read(path: str) -> Any:
    """The object that the file holds."""
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
