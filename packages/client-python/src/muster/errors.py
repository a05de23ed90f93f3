"""The one exception that this package raises for what can go wrong outside the caller's own code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MusterError(Exception):
    """Something that Muster, or this package, refuses or could not do.

    `code` is stable and safe to match on, such as `"sample_differs"`; `title` says what kind of thing happened,
    `detail` what exactly, and `remedy` what to do. `place`, `details`, `request_id` and `status` (of HTTP) are there
    where they are known.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        title: str = "",
        remedy: str = "",
        place: str | None = None,
        details: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.title = title or code.replace("_", " ")
        self.detail = detail
        self.remedy = remedy
        self.place = place
        self.details = dict(details or {})
        self.request_id = request_id
        self.status = status

    def __str__(self) -> str:
        where = "" if self.place is None else f" (at {self.place})"
        origin = "" if self.request_id is None else f" [request {self.request_id}]"
        remedy = "" if self.remedy == "" else f"\n  → {self.remedy}"
        return f"{self.code}: {self.title}\n  {self.detail}{where}{origin}{remedy}"

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross processes in pools: an exception with a signature of its own has to say how it is made again.
        return _rebuild, (self.code, self.detail, self.__dict__.copy())


def _rebuild(code: str, detail: str, state: dict[str, Any]) -> MusterError:
    error = MusterError(code, detail)
    error.__dict__.update(state)
    return error
