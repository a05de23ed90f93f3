"""Values of rows as Python has them, for the few rows of a sample; and as tensors of a datatype that is asked for."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .numbers import LETTERS, to_list
from .problem import Problem
from .signature import TensorSpec
from .tensors import FLOATS, Tensor, element_count, pack_texts, read_texts


class Cells(NamedTuple):
    """Flat values, None where one is missing."""

    values: list[Any]
    shape: tuple[int, ...]


def cells_of(tensors: Sequence[Tensor]) -> dict[str, Cells]:
    """The values of each tensor."""
    return {
        tensor.name: Cells(
            read_texts(tensor) if tensor.datatype == "BYTES" else [_or_none(value) for value in to_list(tensor)],
            tensor.shape,
        )
        for tensor in tensors
    }


def cells_of_rows(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> dict[str, Cells]:
    """The columns of a table that is there row by row."""
    return {
        str(name): Cells([_or_none(row[index]) for row in rows], (len(rows),)) for index, name in enumerate(columns)
    }


def _or_none(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def beside(columns: Sequence[Cells]) -> Cells:
    """Columns as one matrix."""
    values = [value for row in zip(*(column.values for column in columns)) for value in row]
    return Cells(values, (len(columns[0].values), len(columns)))


def pick(cells: Mapping[str, Cells], name: str) -> Cells:
    """A column by its name. Throws `invalid_sample`."""
    found = cells.get(name)
    if found is None:
        raise Problem("invalid_sample", f'the sample lacks the column "{name[:100]}"')
    return found


def pack_cells(spec: TensorSpec, cells: Cells) -> Tensor:
    """Values in the datatype and shape of an input. Throws `invalid_sample`."""
    shape = cells.shape
    is_fit = len(shape) == len(spec.shape) and all(want in (-1, size) for want, size in zip(spec.shape, shape))
    if not is_fit:
        raise Problem(
            "invalid_sample", f'"{spec.name}" of the sample has shape {list(shape)}, the model takes {list(spec.shape)}'
        )
    if spec.datatype == "BYTES":
        values = [_document(value) for value in cells.values] if spec.is_json else list(map(_text, cells.values))
        return Tensor(spec.name, "BYTES", shape, pack_texts(values))
    numbers = [_number(spec, value) for value in cells.values]
    try:
        data = bytearray(struct.pack(f"<{element_count(shape)}{LETTERS[spec.datatype]}", *numbers))
    except (struct.error, OverflowError):
        raise _unfit(spec) from None
    return Tensor(spec.name, spec.datatype, shape, data)


def _text(value: Any) -> Any:
    """A number that came without a type is the text that was read: `8001`, not `8001.0`."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _document(value: Any) -> str:
    if isinstance(value, str):
        try:
            json.loads(value)
            return value
        except ValueError:
            pass
    return json.dumps(value, ensure_ascii=False, default=str)


def _number(spec: TensorSpec, value: Any) -> Any:
    try:
        if spec.datatype in FLOATS:
            return math.nan if value is None else float(value)
        if value is None:
            raise Problem("invalid_sample", f'"{spec.name}" of the sample has missing values; {spec.datatype} has none')
        if spec.datatype == "BOOL":
            if value in (0, 1):
                return bool(value)
            raise _unfit(spec)
        if float(value) != int(value):
            raise _unfit(spec)
        return int(value)
    except (TypeError, ValueError):
        raise _unfit(spec) from None


def _unfit(spec: TensorSpec) -> Problem:
    # The value itself is not quoted: it may be somebody's personal data.
    return Problem("invalid_sample", f'"{spec.name}" of the sample holds a value that is no {spec.datatype}')
