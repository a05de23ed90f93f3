"""Errors that are told to somebody: a code of Muster's catalogue, what happened, and what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# code: (title, HTTP status, remedy), as in Muster's catalogue; a test compares them with it.
CODES: dict[str, tuple[str, int, str]] = {
    "link_violation": (
        "The other side of a runtime link broke its rules",
        500,
        "Update Muster and its runtimes to the same version; see the log of the runner.",
    ),
    "queue_full": (
        "Too many requests wait",
        429,
        "Send them again after the time in Retry-After, or add capacity.",
    ),
    "replica_not_loaded": (
        "The runner does not hold this replica",
        503,
        "Try again in a moment; it is being loaded or was replaced.",
    ),
    "model_failed": (
        "The model failed on this request",
        500,
        "Look at the values that were sent and at the log of the endpoint.",
    ),
    "model_unloadable": (
        "The model cannot be loaded",
        412,
        "See the detail: what is missing belongs into its requirements; a model that fails at home fails here too.",
    ),
    "deployment_failed": (
        "The version did not become ready",
        412,
        "See the detail; the version that was live still is.",
    ),
    "sample_needed": (
        "The model does not tell what it takes",
        400,
        "Hand it over with a few rows: --sample rows.csv.",
    ),
    "invalid_sample": (
        "The sample does not fit the model",
        400,
        "Give a CSV whose columns are the features of the model.",
    ),
    "invalid_configuration": ("The configuration is not valid", 400, "Correct the setting that is named."),
    "unknown_input": ("The model has no such input", 400, "Send the inputs that the metadata names."),
    "missing_input": ("An input is missing", 400, "Send every input that the metadata names."),
    "duplicate_input": ("An input was sent twice", 400, "Send each input once."),
    "unknown_output": (
        "The model has no such output",
        400,
        "Ask for outputs that the metadata names, or for none to get all.",
    ),
    "invalid_datatype": ("The datatype does not fit", 400, "Send the datatype that the metadata names."),
    "invalid_shape": ("The shape does not fit", 400, "Send a shape that the metadata allows (-1 stands for any size)."),
    "invalid_data": (
        "The data do not fit",
        400,
        "Send as many values as the shape says, each in the range of its datatype.",
    ),
    "internal_error": ("Something went wrong inside Muster", 500, "Look for the request id in the log and report it."),
}

# What is told instead of a secret.
MASK = "•••"
# Shorter parts of a secret of several lines say nothing, and would blank half of a message.
MIN_PART = 4

_secrets: list[str] = []

# Longest text of somebody else's exception that is passed on.
MAX_MESSAGE = 600


class Problem(Exception):
    """An error with a code of the catalogue. `remedy` replaces the catalogue's where it is more exact."""

    def __init__(self, code: str, detail: str, remedy: str | None = None, place: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.place = place

    def document(self) -> dict[str, Any]:
        """The problem document that goes over the link."""
        title, status, remedy = CODES[self.code]
        document: dict[str, Any] = {
            "type": "urn:muster:error:" + self.code,
            "code": self.code,
            "title": title,
            "status": status,
            "detail": self.detail,
            "remedy": self.remedy or remedy,
        }
        if self.place is not None:
            document["place"] = self.place
        return document


def violation(message: str) -> Problem:
    """The other side broke the rules of the link."""
    return Problem("link_violation", message)


def to_problem(thrown: BaseException) -> Problem:
    """Anything thrown by the runtime itself as a problem; what models throw is explained where they are called."""
    if isinstance(thrown, Problem):
        return thrown
    return Problem("internal_error", "the Python runtime failed: " + describe(thrown))


def describe(thrown: BaseException) -> str:
    """An exception as its type and message: no stack trace, one line, cut where it is long."""
    name = type(thrown).__name__
    try:
        text = " ".join(str(thrown).split())
    except BaseException:  # a model's own exception class may fail here as well
        text = ""
    # XGBoost and its kin put theirs into the message.
    text = without_secrets(text.partition(" Stack trace: ")[0])
    if len(text) > MAX_MESSAGE:
        text = text[:MAX_MESSAGE] + " …"
    return name + ": " + text if text else name


def remember_secrets(environment: Mapping[str, str]) -> None:
    """Keeps the secrets that the host named in MUSTER_RUNNER_SECRETS, so that no message of ours holds one."""
    parts: set[str] = set()
    for name in environment.get("MUSTER_RUNNER_SECRETS", "").split(","):
        value = environment.get(name, "") if name else ""
        # Messages are told on one line.
        for part in (value, " ".join(value.split()), *value.splitlines()):
            part = part.strip()
            if len(part) >= MIN_PART:
                parts.update((part, json.dumps(part)[1:-1], repr(part)[1:-1]))
    _secrets[:] = sorted(parts, key=len, reverse=True)


def without_secrets(text: str) -> str:
    """A text without the secrets that the runner was given."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    return text
