"""Routes a ticket to the queue whose examples it means the same as.

The texts are embedded by all-MiniLM-L6-v2, a transformer of six layers. It is written out here in numpy, because the
libraries that usually run it bring gigabytes; the weights and the tokenizer are the original ones.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

HEADS = 12
LAYERS = 6


class Encoder:
    def __init__(self, folder):
        self.weights = load_file(folder / "model.safetensors")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding(pad_id=0)

    def __call__(self, texts):
        tokens = self.tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in tokens])
        mask = np.array([one.attention_mask for one in tokens], dtype=np.float32)
        weights = self.weights
        hidden = weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + weights["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self.norm(hidden, "embeddings.LayerNorm")
        for layer in range(LAYERS):
            hidden = self.layer(hidden, mask, f"encoder.layer.{layer}.")
        summed = (hidden * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        return summed / np.linalg.norm(summed, axis=1, keepdims=True)

    def layer(self, hidden, mask, name):
        query, key, value = (self.split(self.dense(hidden, f"{name}attention.self.{part}")) for part in ("query", "key", "value"))
        scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(query.shape[-1]) + (mask[:, None, None, :] - 1) * 1e9
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        context = (scores / scores.sum(axis=-1, keepdims=True)) @ value
        context = context.transpose(0, 2, 1, 3).reshape(hidden.shape)
        hidden = self.norm(hidden + self.dense(context, f"{name}attention.output.dense"), f"{name}attention.output.LayerNorm")
        inner = self.dense(hidden, f"{name}intermediate.dense")
        # GELU by its tanh form; it differs from the exact one by less than the fifth digit of what follows.
        inner = 0.5 * inner * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        return self.norm(hidden + self.dense(inner, f"{name}output.dense"), f"{name}output.LayerNorm")

    def split(self, hidden):
        rows, length, width = hidden.shape
        return hidden.reshape(rows, length, HEADS, width // HEADS).transpose(0, 2, 1, 3)

    def dense(self, hidden, name):
        return hidden @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def norm(self, hidden, name):
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


def load(path):
    folder = Path(path)
    encoder = Encoder(folder)
    queues = json.loads((folder / "queues.json").read_text(encoding="utf-8"))
    centres = np.stack([encoder(examples).mean(axis=0) for examples in queues.values()])
    return encoder, list(queues), centres


def predict(model, data):
    encoder, names, centres = model
    nearness = encoder([row["text"] or "" for row in data]) @ centres.T
    best = nearness.argmax(axis=1)
    return {"queue": [names[index] for index in best], "nearness": nearness.max(axis=1).astype(float).round(4)}
