"""Models of boosting libraries where they lie as a block of bytes inside of something else."""

from __future__ import annotations

import re
from typing import Any, Optional

from .pickle_values import Block, Made

#: `version` and an array of three whole numbers, in universal binary JSON: of 1 byte (i, U), 4 (l) or 8 (L).
_UBJ_VERSION = re.compile(
    rb"version\[(?:#[iLlU].{1,8}?)?"
    rb"((?:(?:i|U).|l.{4}|L.{8}){3})",
    re.DOTALL,
)
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\]')


def xgboost_version(handle: Any) -> Optional[str]:
    """The version of XGBoost that wrote a booster, as its pickles hold it."""
    data = _bytes_of(handle)
    return None if data is None else xgboost_version_in(data)


def xgboost_version_in(data: bytes) -> Optional[str]:
    for match in _JSON_VERSION.finditer(data):
        return ".".join(part.decode() for part in match.groups())
    for match in _UBJ_VERSION.finditer(data):
        numbers = _numbers(match.group(1))
        if numbers is not None and max(numbers) < 1000:
            return ".".join(str(number) for number in numbers)
    return None


def _numbers(data: bytes) -> "Optional[list[int]]":
    found = []
    at = 0
    while at < len(data):
        width = {105: 1, 85: 1, 108: 4, 76: 8}.get(data[at])
        if width is None:
            return None
        found.append(int.from_bytes(data[at + 1 : at + 1 + width], "big"))
        at += 1 + width
    return found


def _bytes_of(value: Any) -> Optional[bytes]:
    """Bytes themselves, or bytearray(bytes), or the ends of a long block."""
    if isinstance(value, Made) and isinstance(value.arguments, tuple) and value.arguments:
        value = value.arguments[0]
    if isinstance(value, bytes):
        return value
    if isinstance(value, Block):
        return value.head + value.tail
    return None
