"""What is known of a model where it was made: its requirements, its Python, a sample and the answers to it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._expected import expected_outputs
from ._networks import is_network, network_outputs
from ._pickled import HandedFile
from ._requirements import modules_in, read_requirements, requirements_of
from ._sample import (
    SampleTensor,
    as_known,
    first_rows,
    input_tensors,
    is_frame,
    is_series,
    within_limits,
)
from .errors import MusterError


@dataclass(frozen=True)
class Capture:
    """What travels beside the file."""

    requirements: list[str] | None
    python: str | None
    sample: dict[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """As the API takes it."""
        body: dict[str, Any] = {}
        python: dict[str, Any] = {}
        if self.python is not None:
            python["version"] = self.python
        if self.requirements is not None:
            python["requirements"] = self.requirements
        if python:
            body["python"] = python
        if self.sample is not None:
            body["sample"] = self.sample
        return body


def capture(
    model: Any, file: HandedFile, sample: Any, requirements: Sequence[str] | str | Path | None, python: str | None
) -> Capture:
    """Finds out what was not given."""
    given = None if requirements is None else read_requirements(requirements)
    if isinstance(model, (str, Path)):
        # A file speaks for itself; what it was made with may not be what is here.
        return Capture(given, python, None if sample is None else _sample(None, sample))
    if is_network(model):
        return Capture(None, None, None if sample is None else _sample(model, sample))
    if given is None:
        with open(file.path, "rb") as content:
            modules = modules_in(content) | file.imported
        given = requirements_of(modules, _carriers(model, sample))
    version = python or f"{sys.version_info.major}.{sys.version_info.minor}"
    return Capture(given, version, None if sample is None else _sample(model, sample))


def _carriers(model: Any, sample: Any) -> list[str]:
    """The packages whose types the rows come in."""
    rows = as_known(sample)
    if is_frame(rows) or is_series(rows) or hasattr(model, "feature_names_in_"):
        return ["pandas", "numpy"]
    return ["numpy"] if "numpy" in sys.modules else []


def _sample(model: Any, sample: Any) -> dict[str, Any]:
    rows = first_rows(sample)
    inputs, is_table = input_tensors(rows)
    if not inputs or inputs[0].shape[0] == 0:
        raise MusterError(
            "invalid_sample", "the sample has no rows", title="The sample cannot be used", remedy="Give X.head()."
        )
    outputs: list[SampleTensor] = []
    if model is not None:
        outputs = network_outputs(model, rows) if is_network(model) else expected_outputs(model, rows)
    count = inputs[0].shape[0]
    # An answer that has not one entry a row is compared as a whole, so nothing may be left out then.
    is_by_row = all(tensor.shape[0] == count for tensor in [*inputs, *outputs])
    if is_by_row:
        kept = within_limits(inputs, outputs)
        inputs = [tensor.head(kept) for tensor in inputs]
        outputs = [tensor.head(kept) for tensor in outputs]
    return {
        "inputs": [tensor.to_json() for tensor in inputs],
        "isTable": is_table,
        "outputs": [tensor.to_json() for tensor in outputs],
    }
