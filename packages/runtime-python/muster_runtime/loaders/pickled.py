"""pickle, joblib and cloudpickle: whatever was pickled is asked what it is."""

from __future__ import annotations

import bz2
import gzip
import lzma
import pickle
import zlib
from typing import Any

from ..loaded_model import LoadedModel
from ..problem import Problem
from ..wrap import wrap_model

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open, b"]\x00": lzma.open}
# What pickles (since protocol 2) and compressed files begin with.
_STARTS = (b"\x80", b"\x78", *_OPENERS)


def load(path: str) -> LoadedModel:
    """Unpickles the file: this runs code of whoever made it."""
    return wrap_model(unpickle(path))


def unpickle(path: str) -> Any:
    """What was pickled."""
    with open(path, "rb") as file:
        start = file.read(16)
    if start.startswith(b"PK\x03\x04"):
        raise Problem(
            "model_unloadable",
            "the model cannot be loaded: the file is a zip, as torch.save makes it, and no pickle of a model",
            "Hand it over with muster.deploy(model), as ONNX, or as a folder with a model.py that loads it.",
        )
    try:
        import joblib
    except ImportError:
        joblib = None
    try:
        return _unpickle_plain(path, start) if joblib is None else joblib.load(path)
    except (IndexError, KeyError, ValueError, pickle.UnpicklingError):
        if not start.startswith(_STARTS):
            raise Problem(
                "model_unloadable",
                "the model cannot be loaded: the file is no pickle",
                "Save the fitted model with pickle, joblib or cloudpickle.",
            ) from None
        raise


def _unpickle_plain(path: str, start: bytes) -> Any:
    """Without joblib; what joblib itself has written needs it and says so."""
    for magic, opener in _OPENERS.items():
        if start.startswith(magic):
            with opener(path, "rb") as file:
                return pickle.load(file)
    if start[:1] == b"\x78":
        with open(path, "rb") as file:
            return pickle.loads(zlib.decompress(file.read()))
    with open(path, "rb") as file:
        return pickle.load(file)
