"""Rows to an endpoint and its answers back: the Open Inference Protocol with binary data, over one kept connection."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ._answers import Output, joined, read_outputs
from ._encode import Prepared
from ._http import Http, error_of
from ._installation import segment
from .errors import MusterError

# Large enough that what a request costs by itself does not matter, small enough to fit between other callers' requests.
_BYTES_AT_ONCE = 4 * 1024 * 1024
_ROWS_AT_ONCE = 16_384


def infer(
    http: Http,
    endpoint: str,
    inputs: Sequence[Prepared],
    outputs: Sequence[str] | None,
    *,
    rows_at_once: int | None,
    timeout_s: float,
) -> list[Output]:
    """All rows' outputs, in order. `rows_at_once` is the model's own limit; None: none, 0: rows belong together."""
    rows = inputs[0].rows
    if any(prepared.rows != rows for prepared in inputs):
        raise MusterError("invalid_rows", "the inputs have not all as many rows", title="The rows do not fit")
    if rows_at_once == 0 or rows == 0:
        return _once(http, endpoint, inputs, outputs, 0, rows, timeout_s)
    size = max(1, math.ceil(sum(prepared.size_bytes for prepared in inputs) / rows))
    step = max(1, min(_ROWS_AT_ONCE, _BYTES_AT_ONCE // size, rows_at_once or _ROWS_AT_ONCE))
    parts = []
    start = 0
    while start < rows:
        stop = min(rows, start + step)
        try:
            parts.append(_once(http, endpoint, inputs, outputs, start, stop, timeout_s))
        except MusterError as error:
            # Too large, too slow, or more than the deployment takes: half of it may do.
            if stop - start == 1 or not _is_too_much(error):
                raise _with_rows(error, start, stop, rows) from None
            step = (stop - start + 1) // 2
            continue
        start = stop
    return joined(parts)


def _once(
    http: Http,
    endpoint: str,
    inputs: Sequence[Prepared],
    outputs: Sequence[str] | None,
    start: int,
    stop: int,
    timeout_s: float,
) -> list[Output]:
    described = []
    sections = []
    for prepared in inputs:
        shape, data = prepared.part(start, stop)
        parameters = {"binary_data_size": len(data)}
        described.append(
            {"name": prepared.name, "datatype": prepared.datatype, "shape": shape, "parameters": parameters}
        )
        sections.append(data)
    request: dict[str, Any] = {"inputs": described, "parameters": {"binary_data_output": True}}
    if outputs is not None:
        request["outputs"] = [{"name": name} for name in outputs]
    header = json.dumps(request, separators=(",", ":")).encode()
    answer = http.request(
        "POST",
        f"/v2/models/{segment(endpoint)}/infer",
        body=b"".join([header, *sections]),
        headers={
            "Content-Type": "application/octet-stream",
            "Inference-Header-Content-Length": str(len(header)),
            "Accept": "*/*",
        },
        timeout_s=timeout_s,
        retry_s=timeout_s,
    )
    if answer.status >= 400:
        raise error_of(answer)
    return read_outputs(answer)


def _is_too_much(error: MusterError) -> bool:
    return error.code in ("body_too_large", "deadline_passed", "memory_exceeded") or (
        error.code == "invalid_shape" and "takes at most" in error.detail
    )


def _with_rows(error: MusterError, start: int, stop: int, rows: int) -> MusterError:
    """Where in the frame it happened, when the frame went in parts."""
    if stop - start < rows:
        error.details["rows"] = [start, stop]
    return error
