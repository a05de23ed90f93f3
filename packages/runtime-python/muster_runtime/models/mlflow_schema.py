"""The signature that an MLflow model folder carries: columns with types, or tensors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

from ..signature import Signature, TensorSpec
from ..tensors import NUMBERS

_COLUMNS = {
    "boolean": "BOOL",
    "integer": "INT32",
    "long": "INT64",
    "float": "FP32",
    "double": "FP64",
    "string": "BYTES",
    "binary": "BYTES",
    "datetime": "BYTES",
}
_DTYPES = {
    "bool": "BOOL",
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "str": "BYTES",
    "object": "BYTES",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
TEXT_NAME, INPUT_NAME = "text", "input"


class Declared(NamedTuple):
    """A signature without outputs, and what a data frame of its inputs must be changed to."""

    signature: Signature
    is_table: bool
    fit_frame: Callable[[Any], Any] | None


def read_schema(document: Any) -> Declared | None:
    """From the `signature` of an MLmodel; None where it says nothing of inputs."""
    text = document.get("inputs") if isinstance(document, dict) else None
    parts = json.loads(text) if isinstance(text, str) else text
    if not isinstance(parts, list) or not parts:
        return None
    if all(part.get("type") == "tensor" for part in parts):
        return Declared(Signature(tuple(map(_tensor_spec, parts)), ()), False, None)
    if len(parts) == 1 and parts[0].get("name") is None:
        return Declared(Signature((_unnamed(parts[0]),), ()), False, None)
    specs = tuple(_column(part, index) for index, part in enumerate(parts))
    fit_frame = _fit_frame(parts)
    datatypes = {spec.datatype for spec in specs}
    is_even = len(datatypes) == 1 and datatypes <= set(NUMBERS) and not any(spec.optional for spec in specs)
    if is_even and len(specs) > 1 and fit_frame is None:
        (datatype,) = datatypes
        matrix = TensorSpec(INPUT_NAME, datatype, (-1, len(specs)), nullable=datatype.startswith("FP"))
        return Declared(Signature((matrix,), (), tuple(spec.name for spec in specs)), True, None)
    return Declared(Signature(specs, ()), True, fit_frame)


def _tensor_spec(part: dict[str, Any]) -> TensorSpec:
    tensor = part["tensor-spec"]
    dtype = str(tensor["dtype"])
    datatype = _DTYPES.get(dtype, "BYTES" if dtype.startswith(("<U", "U", "S", "str")) else "FP64")
    shape = tuple(int(size) for size in tensor["shape"])
    return TensorSpec(part.get("name") or INPUT_NAME, datatype, shape, nullable=datatype.startswith("FP"))


def _unnamed(part: dict[str, Any]) -> TensorSpec:
    kind = part.get("type")
    if kind == "string":
        return TensorSpec(TEXT_NAME, "BYTES", (-1,))
    datatype = _COLUMNS.get(str(kind))
    if datatype is not None and datatype != "BYTES":
        return TensorSpec(INPUT_NAME, datatype, (-1,), nullable=datatype.startswith("FP"))
    return TensorSpec(INPUT_NAME, "BYTES", (-1,), is_json=kind not in ("binary", "datetime"))


def _column(part: dict[str, Any], index: int) -> TensorSpec:
    datatype = _COLUMNS.get(str(part.get("type")))
    is_optional = part.get("required") is False
    return TensorSpec(
        str(part.get("name", index)),
        datatype or "BYTES",
        (-1,),
        nullable=datatype in ("FP32", "FP64", "BYTES"),
        is_json=datatype is None,
        optional=is_optional,
    )


def _fit_frame(parts: Sequence[dict[str, Any]]) -> Callable[[Any], Any] | None:
    """Dates and bytes come as texts."""
    dates = [str(part["name"]) for part in parts if part.get("type") == "datetime"]
    binaries = [str(part["name"]) for part in parts if part.get("type") == "binary"]
    if not dates and not binaries:
        return None

    def fit_frame(frame: Any) -> Any:
        import pandas

        changed: dict[str, Any] = {name: pandas.to_datetime(frame[name]) for name in dates if name in frame.columns}
        for name in binaries:
            if name in frame.columns:
                changed[name] = frame[name].astype(object).map(_to_bytes)
        return frame.assign(**changed)

    return fit_frame


def _to_bytes(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else None
