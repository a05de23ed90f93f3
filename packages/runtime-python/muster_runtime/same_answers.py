"""Whether two answers are the same, within the tolerances that Muster compares samples with."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .numbers import to_list
from .outputs import Answer
from .tensors import FLOATS, Tensor

# Relative and absolute.
_EXACT = {"FP64": (1e-7, 1e-9), "FP32": (1e-5, 1e-6), "FP16": (1e-2, 1e-3), "BF16": (1e-2, 1e-3)}
_ROUGH = (1e-2, 1e-3)


def same_answers(first: Mapping[str, Answer], second: Mapping[str, Answer], is_rough: bool = False) -> bool:
    """Whether they have the same outputs with the same values; NaN equals NaN."""
    if first.keys() != second.keys():
        return False
    return all(_same(first[name].tensor, second[name].tensor, is_rough) for name in first)


def _same(first: Tensor, second: Tensor, is_rough: bool) -> bool:
    if first.datatype != second.datatype or first.shape != second.shape:
        return False
    if bytes(first.data) == bytes(second.data):
        return True
    if first.datatype not in FLOATS:
        return False
    relative, absolute = _ROUGH if is_rough else _EXACT[first.datatype]
    return all(
        value == other
        or abs(value - other) <= absolute + relative * abs(other)
        or (math.isnan(value) and math.isnan(other))
        for value, other in zip(to_list(first), to_list(second))
    )
