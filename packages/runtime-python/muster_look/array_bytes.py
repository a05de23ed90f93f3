"""How many bytes of an array follow where joblib wrote its wrapper."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from .pickle_values import Collection, Global, Made

_WIDTH_OF_CHARACTER = {"U": 4, "S": 1, "V": 1, "a": 1}


def is_array_wrapper(made: Made) -> bool:
    of = made.of
    return of is not None and of.name == "NumpyArrayWrapper" and of.module.endswith("numpy_pickle")


def array_after(wrapper: Made) -> Tuple[Optional[int], Optional[int]]:
    """Bytes of the array (None: it is a pickle) and the alignment, where it is padded. Raises `ValueError`."""
    shape = wrapper.state.get("shape")
    if not isinstance(shape, tuple):
        raise ValueError("the shape of an array is missing")
    count = 1
    for size in shape:
        size = _whole(size)
        if size is None or size < 0:
            raise ValueError("the shape of an array makes no sense")
        count *= size
    alignment = wrapper.state.get("numpy_array_alignment_bytes")
    width = _item_bytes(wrapper.state.get("dtype"), 0)
    return (None if width is None else count * width), _whole(alignment)


def _whole(value: Any) -> Optional[int]:
    """Sizes may be numpy's own whole numbers: scalar(dtype, bytes)."""
    if isinstance(value, int):
        return value
    if isinstance(value, Made) and isinstance(value.maker, Global) and value.maker.name == "scalar":
        data = value.arguments[1] if isinstance(value.arguments, tuple) and len(value.arguments) > 1 else None
        if isinstance(data, bytes) and len(data) <= 8:
            return int.from_bytes(data, "little")
    return None


def _item_bytes(dtype: Any, depth: int) -> Optional[int]:
    """Bytes of one element; None where elements are Python objects."""
    if depth > 20 or not isinstance(dtype, Made) or not isinstance(dtype.arguments, tuple):
        raise ValueError("the type of an array makes no sense")
    code = dtype.arguments[0] if dtype.arguments else None
    if isinstance(code, Global):
        raise ValueError(f"arrays of {code.path} are not known")
    if not isinstance(code, str) or code == "":
        raise ValueError("the type of an array makes no sense")
    kind = code[0]
    if kind == "O":
        return None
    width = int(code[1:]) if code[1:].isdigit() else None
    if kind == "V":
        inner = _state_of(dtype)
        if len(inner) > 5:
            _, _, subtype, _, fields, size = inner[:6]
            if _has_objects(subtype, fields, depth):
                return None
            if isinstance(size, int) and size > 0:
                return size
        if width is None:
            raise ValueError("the type of an array makes no sense")
        return width
    if width is None:
        raise ValueError(f"arrays of the type {code} are not known")
    return width * _WIDTH_OF_CHARACTER.get(kind, 1)


def _state_of(dtype: Made) -> Tuple[Any, ...]:
    state = dtype.state.get("()", ())
    # The state of a type is one tuple, which `build` takes for its parts.
    return state if isinstance(state, tuple) else ()


def _has_objects(subtype: Any, fields: Any, depth: int) -> bool:
    """A structure or an array of types within a type may hold Python objects."""
    if isinstance(subtype, tuple) and subtype:
        return _item_bytes(subtype[0], depth + 1) is None
    if isinstance(fields, Collection):
        for field in fields.entries.values():
            if isinstance(field, tuple) and field and _item_bytes(field[0], depth + 1) is None:
                return True
    return False
