"""What a version takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .problem import violation


class TensorSpec(NamedTuple):
    """One input or output; -1 in a shape stands for any size."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    # A value may be missing: NaN in floats, one byte 0xFF in BYTES.
    nullable: bool = False
    # BYTES whose elements are JSON documents.
    is_json: bool = False
    optional: bool = False

    def document(self) -> dict[str, Any]:
        """As it travels."""
        document: dict[str, Any] = {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}
        if self.optional:
            document["optional"] = True
        if self.nullable:
            document["nullable"] = True
        if self.is_json:
            document["isJson"] = True
        return document


class Signature(NamedTuple):
    """Inputs and outputs; `features` names the columns of a model whose only input is a matrix."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    features: tuple[str, ...] | None = None
    labels: tuple[str, ...] | None = None
    primary: str | None = None
    # The answer for a row depends on the rows beside it, or has not one entry a row: requests may not share a run.
    mixes_rows: bool = False

    def document(self) -> dict[str, Any]:
        """As it travels."""
        document: dict[str, Any] = {
            "inputs": [spec.document() for spec in self.inputs],
            "outputs": [spec.document() for spec in self.outputs],
        }
        if self.features is not None:
            document["features"] = list(self.features)
        if self.labels is not None:
            document["labels"] = list(self.labels)
        if self.primary is not None:
            document["primary"] = self.primary
        if self.mixes_rows:
            document["mixesRows"] = True
        return document


def read_signature(document: Any) -> Signature:
    """Reads what `document` wrote. Throws `link_violation`."""
    if not isinstance(document, dict):
        raise violation("a request to load has no signature")
    try:
        return Signature(
            inputs=_specs(document["inputs"]),
            outputs=_specs(document["outputs"]),
            features=_texts(document.get("features")),
            labels=_texts(document.get("labels")),
            primary=document.get("primary"),
            mixes_rows=document.get("mixesRows") is True,
        )
    except (KeyError, TypeError) as thrown:
        raise violation("the signature in a request to load is not whole") from thrown


def _specs(documents: Sequence[dict[str, Any]]) -> tuple[TensorSpec, ...]:
    return tuple(
        TensorSpec(
            name=document["name"],
            datatype=document["datatype"],
            shape=tuple(document["shape"]),
            nullable=document.get("nullable") is True,
            is_json=document.get("isJson") is True,
            optional=document.get("optional") is True,
        )
        for document in documents
    )


def _texts(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
