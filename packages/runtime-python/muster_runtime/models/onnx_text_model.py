"""Text models whose weights are ONNX: tokenizers and onnxruntime are all that they need."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Callable

from ..library_settings import threads
from ..loaded_model import TEXTS, LoadedModel
from .estimator import FEATURES, LABEL
from .transformers_model import SCORE

_CHUNK = 32
_MAX_TOKENS = 512


def load_onnx_text(folder: str, name: str, config: dict[str, Any]) -> LoadedModel:
    """A classifier where the file gives `logits`, else an encoder."""
    import onnxruntime
    import tokenizers

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads() or 0
    session = onnxruntime.InferenceSession(os.path.join(folder, name), options, providers=["CPUExecutionProvider"])
    tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.enable_truncation(_max_tokens(folder, config))
    if tokenizer.padding is None:
        token = config.get("pad_token_id") or 0
        tokenizer.enable_padding(pad_id=token, pad_token=tokenizer.id_to_token(token) or "[PAD]")
    else:
        tokenizer.enable_padding(**{**tokenizer.padding, "length": None})
    outputs = [node.name for node in session.get_outputs()]
    run = _runner(session, tokenizer)
    is_classifier = "logits" in outputs and bool(config.get("id2label"))
    architecture = str((config.get("architectures") or ["AutoModel"])[0])
    return LoadedModel(
        answer=_classify(run, config) if is_classifier else _encode(run, outputs),
        model_class="transformers." + architecture,
        takes=TEXTS,
        primary=LABEL if is_classifier else None,
    )


def _max_tokens(folder: str, config: dict[str, Any]) -> int:
    try:
        with open(os.path.join(folder, "tokenizer_config.json"), encoding="utf-8") as file:
            own = json.load(file).get("model_max_length")
    except (OSError, ValueError):
        own = None
    limits = (own, config.get("max_position_embeddings"))
    # Some configurations say "no limit" by a huge number.
    return min([limit for limit in limits if isinstance(limit, int) and 0 < limit < 100_000] or [_MAX_TOKENS])


def _runner(session: Any, tokenizer: Any) -> Callable[[Sequence[str], str], tuple[Any, Any]]:
    """Chunks of texts to an output of the file, and which tokens are text."""
    import numpy

    names = {node.name for node in session.get_inputs()}

    def run(texts: Sequence[str], output: str) -> tuple[Any, Any]:
        encoded = tokenizer.encode_batch(list(texts))
        columns = {
            "input_ids": [part.ids for part in encoded],
            "attention_mask": [part.attention_mask for part in encoded],
            "token_type_ids": [part.type_ids for part in encoded],
        }
        feeds = {name: numpy.array(values, numpy.int64) for name, values in columns.items() if name in names}
        return session.run([output], feeds)[0], numpy.array(columns["attention_mask"], numpy.float32)

    return run


def _classify(run: Any, config: dict[str, Any]) -> Callable[[Any, Any], dict[str, Any]]:
    import numpy

    names = {int(index): str(name) for index, name in config["id2label"].items()}
    is_multi = config.get("problem_type") == "multi_label_classification" or len(names) == 1

    def answer(texts: Sequence[str], wanted: Any) -> dict[str, Any]:
        parts = []
        for at in range(0, len(texts), _CHUNK):
            logits = run(texts[at : at + _CHUNK], "logits")[0].astype(numpy.float32)
            if is_multi:
                parts.append(1 / (1 + numpy.exp(-logits)))
            else:
                powers = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
                parts.append(powers / powers.sum(axis=-1, keepdims=True))
        scores = numpy.concatenate(parts)
        return {LABEL: [names[index] for index in scores.argmax(-1).tolist()], SCORE: scores.max(-1)}

    return answer


def _encode(run: Any, outputs: list[str]) -> Callable[[Any, Any], dict[str, Any]]:
    """A vector that the file itself gives, else the mean of the last layer over the tokens of each text."""
    import numpy

    own = next((name for name in ("sentence_embedding", "text_embeds") if name in outputs), None)

    def answer(texts: Sequence[str], wanted: Any) -> dict[str, Any]:
        vectors = []
        for at in range(0, len(texts), _CHUNK):
            states, mask = run(texts[at : at + _CHUNK], own or outputs[0])
            if states.ndim == 3:
                weights = mask[..., None]
                states = (states * weights).sum(1) / numpy.maximum(weights.sum(1), 1)
            vectors.append(states)
        return {FEATURES: numpy.concatenate(vectors)}

    return answer
