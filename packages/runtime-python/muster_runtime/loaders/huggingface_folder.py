"""A folder of the Hugging Face hub that takes text: a classifier gives label and score, an encoder vectors.

Run by sentence-transformers or transformers; a folder with ONNX weights needs only onnxruntime and tokenizers.
"""

from __future__ import annotations

import importlib.util
import json
import os
from typing import Any

from ..library_settings import threads
from ..loaded_model import LoadedModel
from ..problem import Problem
from ..unpack_folder import unpack_folder

# Where exporters put the weights, the usual first.
_ONNX_FILES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")


def load(path: str) -> LoadedModel:
    """By what is in the folder and what the environment has."""
    folder = unpack_folder(path)
    config = _read_json(folder, "config.json")
    is_sentences = os.path.isfile(os.path.join(folder, "modules.json"))
    if not config and not is_sentences:
        raise Problem(
            "model_unloadable",
            "the model cannot be loaded: the folder has no config.json",
            "Hand over the folder that save_pretrained has written.",
        )
    onnx = next((name for name in _ONNX_FILES if os.path.isfile(os.path.join(folder, name))), None)
    if onnx is not None and not _has("torch") and _has("onnxruntime") and _has("tokenizers"):
        from ..models.onnx_text_model import load_onnx_text

        return load_onnx_text(folder, onnx, config)
    _limit_torch()
    if is_sentences:
        return _load_sentences(folder)
    from ..models.transformers_model import load_transformers

    return load_transformers(folder, config)


def _load_sentences(folder: str) -> LoadedModel:
    import sentence_transformers

    from ..wrap import wrap_model

    model = sentence_transformers.SentenceTransformer(folder, device="cpu", local_files_only=True)
    loaded = wrap_model(model)
    loaded.answer = lambda texts, wanted: {"features": model.encode(list(texts), show_progress_bar=False)}
    return loaded


def _limit_torch() -> None:
    count = threads()
    if count is not None and _has("torch"):
        import torch

        torch.set_num_threads(count)


def _has(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _read_json(folder: str, name: str) -> dict[str, Any]:
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
