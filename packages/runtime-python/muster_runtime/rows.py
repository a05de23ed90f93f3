"""Rows of tensors."""

from __future__ import annotations

from collections.abc import Sequence

from .tensors import SIZES, Tensor, element_count, read_elements


def row_count(tensors: Sequence[Tensor]) -> int:
    """Rows of inputs, whose first dimension counts them."""
    return tensors[0].shape[0] if tensors and tensors[0].shape else 1


def take_rows(tensors: Sequence[Tensor], indexes: Sequence[int]) -> list[Tensor]:
    """Some rows, in any order and number."""
    return [_take(tensor, indexes) for tensor in tensors]


def _take(tensor: Tensor, indexes: Sequence[int]) -> Tensor:
    if not tensor.shape:
        return tensor
    per_row = element_count(tensor.shape[1:])
    if tensor.datatype == "BYTES":
        packed = [len(element).to_bytes(4, "little") + element for element in read_elements(tensor)]
        parts = [b"".join(packed[index * per_row : (index + 1) * per_row]) for index in indexes]
    else:
        size = per_row * SIZES[tensor.datatype]
        data = bytes(tensor.data)
        parts = [data[index * size : (index + 1) * size] for index in indexes]
    return tensor._replace(shape=(len(indexes), *tensor.shape[1:]), data=bytearray(b"".join(parts)))
