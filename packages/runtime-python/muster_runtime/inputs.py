"""What a model takes, with rows to show it."""

from __future__ import annotations

from typing import NamedTuple

from .signature import TensorSpec
from .tensors import Tensor


class Inputs(NamedTuple):
    """Specs, and rows in their form."""

    specs: tuple[TensorSpec, ...]
    features: tuple[str, ...] | None
    is_table: bool
    tensors: list[Tensor]
    # The rows are made up: there was no sample.
    is_made: bool
    adaptations: list[str]
