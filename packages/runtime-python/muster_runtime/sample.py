"""Rows that travel with a version: `u32 headerLength | header JSON | bytes` of the inputs, then of the outputs."""

from __future__ import annotations

import json
import struct
from typing import NamedTuple

from .problem import Problem
from .tensors import Tensor, read_tensors


class Sample(NamedTuple):
    """Inputs, the answers of the training library where they are known, and whether the inputs are columns."""

    inputs: list[Tensor]
    outputs: list[Tensor]
    is_table: bool


def read_sample(path: str) -> Sample:
    """Reads a packed sample. Throws `invalid_sample`."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    try:
        (size,) = struct.unpack_from("<I", content)
        header = json.loads(bytes(content[4 : 4 + size]))
        inputs, outputs = header["inputs"], header.get("outputs") or []
        # A buffer of its own, so that numbers are aligned.
        tensors = read_tensors([*inputs, *outputs], memoryview(content[4 + size :]))
    except (struct.error, ValueError, KeyError, TypeError) as thrown:
        raise Problem("invalid_sample", f"the sample cannot be read ({type(thrown).__name__})") from None
    except Problem as problem:
        raise Problem("invalid_sample", "the sample cannot be read: " + problem.detail) from None
    return Sample(tensors[: len(inputs)], tensors[len(inputs) :], header.get("isTable") is True)
