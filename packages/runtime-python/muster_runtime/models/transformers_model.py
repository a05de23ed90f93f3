"""Text models of transformers, on the CPU, from local files only; code that a folder brings is not run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable

from ..loaded_model import TEXTS, LoadedModel
from ..outputs import PREDICTION
from ..problem import Problem
from .estimator import FEATURES, LABEL

SCORE = "score"
# Texts that go through the model at once; the longest of them sets the work for all.
_CHUNK = 32
# Tasks whose answers are told as the pipeline has them, in JSON.
_TASKS = {
    "ForTokenClassification": "token-classification",
    "ForCausalLM": "text-generation",
    "ForConditionalGeneration": "text2text-generation",
    "ForSeq2SeqLM": "text2text-generation",
}


def load_transformers(folder: str, config: dict[str, Any]) -> LoadedModel:
    """By the architecture that the configuration names."""
    import transformers

    architecture = str((config.get("architectures") or ["AutoModel"])[0])
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    answer: Callable[[Any, Any], dict[str, Any]]
    if architecture.endswith("ForSequenceClassification"):
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
        return LoadedModel(
            answer=_classify(model, tokenizer),
            model_class="transformers." + architecture,
            takes=TEXTS,
            primary=LABEL,
        )
    task = next((task for suffix, task in _TASKS.items() if architecture.endswith(suffix)), None)
    if task is not None:
        pipeline = transformers.pipeline(task, model=folder, tokenizer=tokenizer, device="cpu")
        answer = lambda texts, wanted: {PREDICTION: list(pipeline(list(texts)))}  # noqa: E731
    elif architecture.endswith(("Model", "ForMaskedLM")):
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
        answer = _encode(model, tokenizer)
    else:
        raise Problem(
            "model_unloadable",
            f"the model cannot be loaded: {architecture} does not take texts alone",
            "Hand over a folder with a model.py that knows how to call it.",
        )
    return LoadedModel(answer=answer, model_class="transformers." + architecture, takes=TEXTS)


def _chunks(texts: Sequence[str]) -> list[list[str]]:
    return [list(texts[at : at + _CHUNK]) for at in range(0, len(texts), _CHUNK)]


def _tokens(tokenizer: Any, texts: list[str]) -> Any:
    return tokenizer(texts, padding=True, truncation=True, return_tensors="pt")


def _classify(model: Any, tokenizer: Any) -> Callable[[Any, Any], dict[str, Any]]:
    import torch

    names = model.config.id2label
    is_multi = model.config.problem_type == "multi_label_classification" or len(names) == 1

    def answer(texts: Sequence[str], wanted: Any) -> dict[str, Any]:
        scores = []
        with torch.no_grad():
            for chunk in _chunks(texts):
                logits = model(**_tokens(tokenizer, chunk)).logits.float()
                scores.append(logits.sigmoid() if is_multi else logits.softmax(-1))
        best, indexes = torch.cat(scores).max(-1)
        return {LABEL: [str(names[index]) for index in indexes.tolist()], SCORE: best}

    return answer


def _encode(model: Any, tokenizer: Any) -> Callable[[Any, Any], dict[str, Any]]:
    """The mean of the last layer over the tokens of each text."""
    import torch

    def answer(texts: Sequence[str], wanted: Any) -> dict[str, Any]:
        vectors = []
        with torch.no_grad():
            for chunk in _chunks(texts):
                tokens = _tokens(tokenizer, chunk)
                states = model(**tokens).last_hidden_state.float()
                mask = tokens["attention_mask"].unsqueeze(-1)
                vectors.append((states * mask).sum(1) / mask.sum(1).clamp(min=1))
        return {FEATURES: torch.cat(vectors)}

    return answer
