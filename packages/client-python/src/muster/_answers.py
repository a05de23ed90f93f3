"""What an endpoint answered, in the types that the model's own `predict` would have given."""

from __future__ import annotations

import json
import math
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._encode import LETTERS, MISSING_TEXT, NUMPY_TYPES, has_numpy
from ._http import Answer
from ._signature import Signature
from .errors import MusterError


@dataclass(frozen=True)
class Output:
    """One output of one answer."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Any
    """Flat: an array of numpy where there is one, else a list; of BYTES a list of texts, None where one is missing."""


def read_outputs(answer: Answer) -> list[Output]:
    """The outputs of an answer of the Open Inference Protocol. Raises `invalid_answer`."""
    try:
        length = answer.headers.get("inference-header-content-length")
        end = len(answer.body) if length is None else int(length)
        header = json.loads(answer.body[:end])
        outputs = []
        for item in header["outputs"]:
            shape = tuple(int(size) for size in item["shape"])
            size = (item.get("parameters") or {}).get("binary_data_size")
            if size is None:
                values = item["data"]
            else:
                values = _values(item["datatype"], memoryview(answer.body)[end : end + size], math.prod(shape))
                end += size
            outputs.append(Output(item["name"], item["datatype"], shape, values))
        return outputs
    except (KeyError, TypeError, ValueError, struct.error) as cause:
        raise MusterError(
            "invalid_answer", "the answer cannot be read", remedy="Is it Muster that listens at this address?"
        ) from cause


def joined(parts: Sequence[Sequence[Output]]) -> list[Output]:
    """The outputs of consecutive requests as those of one."""
    if len(parts) == 1:
        return list(parts[0])
    numpy = has_numpy()
    whole = []
    for pieces in zip(*parts):
        first = pieces[0]
        if numpy is not None and all(isinstance(piece.values, numpy.ndarray) for piece in pieces):
            values: Any = numpy.concatenate([piece.values for piece in pieces])
        else:
            values = [value for piece in pieces for value in piece.values]
        shape = (sum(piece.shape[0] for piece in pieces), *first.shape[1:]) if first.shape else first.shape
        whole.append(Output(first.name, first.datatype, shape, values))
    return whole


def to_python(output: Output, signature: Signature) -> Any:
    """An array of numpy; JSON documents as a list; nested lists where there is no numpy."""
    spec = signature.output(output.name)
    if spec is not None and spec.is_json:
        return [None if text is None else json.loads(text) for text in output.values]
    numpy = has_numpy()
    if numpy is None:
        return _nested(list(output.values), output.shape)
    if output.datatype == "BYTES":
        # Objects: an array of fixed width would take the room of the longest text for each.
        return numpy.array(output.values, dtype=object).reshape(output.shape)
    values = numpy.asarray(output.values)
    return values.reshape(output.shape)


def to_answer(outputs: Sequence[Output], signature: Signature) -> Any:
    """One output as it is; several as a data frame where each is a column, else as a dict."""
    if len(outputs) == 1:
        return to_python(outputs[0], signature)
    values = {output.name: to_python(output, signature) for output in outputs}
    pandas = sys.modules.get("pandas")
    if pandas is not None and all(len(output.shape) == 1 or output.shape[1:] == (1,) for output in outputs):
        flat = {name: value.reshape(-1) if hasattr(value, "reshape") else value for name, value in values.items()}
        return pandas.DataFrame(flat)
    return values


def _values(datatype: str, data: memoryview, count: int) -> Any:
    if datatype == "BYTES":
        return _texts(bytes(data))
    numpy = has_numpy()
    if numpy is None:
        values = list(struct.unpack(f"<{count}{LETTERS[datatype]}", data))
        if datatype == "BF16":
            return [struct.unpack("<f", struct.pack("<I", value << 16))[0] for value in values]
        return values
    # A copy: what was received is read-only, what a model answers is not.
    array = numpy.frombuffer(data, NUMPY_TYPES[datatype])
    if datatype == "BF16":
        return (array.astype("<u4") << 16).view("<f4")
    return array.astype(array.dtype.newbyteorder("="))


def _texts(data: bytes) -> list[str | None]:
    texts: list[str | None] = []
    at = 0
    while at < len(data):
        size = struct.unpack_from("<I", data, at)[0]
        element = data[at + 4 : at + 4 + size]
        texts.append(None if element == MISSING_TEXT else element.decode("utf-8", "surrogateescape"))
        at += 4 + size
    return texts


def _nested(flat: list[Any], shape: tuple[int, ...]) -> Any:
    if shape == ():
        return flat[0]
    for size in reversed(shape[1:]):
        flat = [flat[at : at + size] for at in range(0, len(flat), max(size, 1))]
    return flat
