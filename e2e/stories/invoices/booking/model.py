"""Says which account an invoice is booked to, by the words on it."""

import json
from pathlib import Path


def load(path):
    """What train.py learned: of each account, the logarithm of how likely each word is."""
    return json.loads((Path(path) / "words.json").read_text())


def predict(model, data):
    """The account of each invoice. A word that was never seen says nothing; no invoice depends on another."""
    return [likeliest(model, row["text"]) for row in data]


def likeliest(model, text):
    words = text.lower().replace(":", " ").split()
    return max(sorted(model), key=lambda account: sum(model[account].get(word, 0.0) for word in words))
