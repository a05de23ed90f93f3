"""Folders of the Hugging Face hub: transformers and sentence-transformers."""

from __future__ import annotations

import re
from typing import Any, Dict, Optional

from .budget import Budget
from .distributions import is_release
from .findings import Findings, NotReadable
from .pickle_file import scan_only
from .scanner import Scanner
from .tree import Tree, read_json
from .zip_files import scan_zip_pickles

#: Where exporters put the weights, the usual first; those that the runtime looks for.
_ONNX_FILES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")

_TOKENIZERS = {
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "vocab.json",
    "spiece.model",
    "sentencepiece.bpe.model",
}


def is_huggingface(tree: Tree) -> bool:
    if "modules.json" in tree.sizes and "config_sentence_transformers.json" in tree.sizes:
        return True
    config = read_json(tree, "config.json") if "config.json" in tree.sizes else None
    return isinstance(config, dict) and (
        "model_type" in config or "architectures" in config or "transformers_version" in config
    )


def look_at_huggingface(tree: Tree, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    config = _map(read_json(tree, "config.json"))
    sentences = _map(read_json(tree, "config_sentence_transformers.json"))
    is_sentences = "modules.json" in tree.sizes
    findings.format = "huggingface"
    findings.runtime = "python"
    findings.has_signature = True
    architectures = config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else None
    findings.model_class = (
        "sentence_transformers.SentenceTransformer" if is_sentences else f"transformers.{first or 'AutoModel'}"
    )
    if isinstance(config.get("model_type"), str):
        findings.details["modelType"] = config["model_type"]
    versions = _map(sentences.get("__version__"))
    transformers = versions.get("transformers", config.get("transformers_version"))
    sentence_version = versions.get("sentence_transformers")
    name, version = ("sentence-transformers", sentence_version) if is_sentences else ("transformers", transformers)
    findings.producer = f"{name} {version}" if isinstance(version, str) else name
    onnx = _onnx_weights(tree, is_sentences)
    if onnx is not None:
        findings.modules = ["onnxruntime", "tokenizers"]
        findings.needs("onnxruntime", "tokenizers")
        findings.adapts(f"its ONNX weights are run ({onnx}): onnxruntime and tokenizers are enough, without torch")
    else:
        findings.modules = [*(["sentence_transformers"] if is_sentences else []), "torch", "transformers"]
        if is_sentences:
            findings.needs(_pinned("sentence-transformers", sentence_version))
        findings.needs(_pinned("transformers", transformers), "torch")
        findings.adapts(
            "torch from PyPI brings gigabytes of CUDA libraries on Linux; python.indexes may name an index with builds "
            "for CPUs"
        )
    labels = _map(config.get("id2label"))
    if labels:
        findings.details["labels"] = [str(label) for label in list(labels.values())[:1000]]
    _tell_weights(tree, budget, scanner, findings)
    if not _TOKENIZERS & {name.rsplit("/", 1)[-1] for name in tree.sizes}:
        findings.lacks(
            "code",
            "the tokenizer",
            "the folder holds no tokenizer, so the model cannot take text",
            "Save it into the same folder: tokenizer.save_pretrained(folder).",
        )
    if any(
        isinstance(document.get("auto_map"), dict)
        for document in (config, _map(read_json(tree, "tokenizer_config.json")))
    ):
        findings.danger("suspicious", "config.json asks for Python code of its own (auto_map), which is not run")


def _onnx_weights(tree: Tree, is_sentences: bool) -> Optional[str]:
    """ONNX weights that can be run alone. How a text becomes one vector is not in them, so there others come first."""
    has_others = any(name.endswith(".safetensors") or "pytorch_model" in name for name in tree.sizes)
    if "tokenizer.json" not in tree.sizes or (is_sentences and has_others):
        return None
    return next((name for name in _ONNX_FILES if name in tree.sizes), None)


def _tell_weights(tree: Tree, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    names = sorted(tree.sizes)
    weights = [name for name in names if name.endswith(".safetensors")]
    pickled = [name for name in names if re.search(r"(^|/)pytorch_model[^/]*\.bin$", name)]
    onnx = [name for name in names if name.endswith(".onnx")]
    findings.details["weights"] = (weights or onnx or pickled)[:100]
    for name in [] if weights else pickled:
        with tree.open(name) as file:
            if file.read(2) == b"PK":
                file.seek(0)
                scan_zip_pickles(file, budget, scanner, findings, name)
            else:
                file.seek(0)
                scan_only(file, budget, scanner, findings, name)
    if not weights and not pickled and not onnx:
        others = [name for name in names if name.endswith((".h5", ".msgpack", ".gguf", ".ot"))]
        raise NotReadable(
            "the folder holds no weights" + (f" that are read ({', '.join(others[:3])})" if others else ""),
            "Save them into the same folder: model.save_pretrained(folder).",
            "unsupported_model",
        )


def _pinned(name: str, version: Any) -> str:
    return f"{name}=={version}" if isinstance(version, str) and is_release(version) else name


def _map(value: Any) -> Dict[str, Any]:
    return value if isinstance(value, dict) else {}
