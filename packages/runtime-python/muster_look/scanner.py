"""Asks `picklescan`, whose authors look after its list of dangerous names, about the names that a pickle looks up."""

from __future__ import annotations

import importlib.metadata
import io
import logging
from typing import Any, Iterable, Optional, Tuple

from .distributions import distribution_of
from .findings import Findings

_MOST_NAMES = 100_000

_IN_MOST_PICKLES = {"builtins", "__builtin__", "copyreg", "copy_reg", "collections", "_codecs", "datetime", "decimal"}


class Scanner:
    """`name` says who scans, or why nobody does."""

    def __init__(self) -> None:
        self._scan: Optional[Any] = None
        try:
            from picklescan import scanner  # type: ignore[import-not-found]

            # It tells each finding in its own log, too.
            logging.getLogger("picklescan").setLevel(logging.CRITICAL)
            self._scan = scanner
            self.name = f"picklescan {importlib.metadata.version('picklescan')}"
        except Exception as error:  # A scanner that is broken must not stop the look.
            self.name = f"none: picklescan cannot be imported ({type(error).__name__})"

    def judge(self, names: Iterable[Tuple[str, str]], place: str, findings: Findings) -> None:
        """Adds what the scanner thinks of the names. It gets them as a pickle that does nothing but look them up."""
        if self._scan is None:
            return
        listed = list(names)[:_MOST_NAMES]
        try:
            result = self._scan.scan_bytes(io.BytesIO(_pickle_of(listed)), place or "file")
        except Exception as error:
            self.name = f"none: picklescan failed ({type(error).__name__})"
            return
        where = f" in {place}" if place else ""
        for found in sorted(result.globals, key=lambda found: (found.module, found.name)):
            level = found.safety.value
            if level == "dangerous":
                findings.danger("dangerous", f"{found.module}.{found.name}{where}")
            elif level == "suspicious" and not _is_ordinary(found.module):
                findings.danger("suspicious", f"{found.module}.{found.name}{where}")


def _is_ordinary(module: str) -> bool:
    """To the scanner, every name is suspicious that it does not list: what most pickles name is not worth a word."""
    return module in _IN_MOST_PICKLES or distribution_of(module) is not None


def _pickle_of(names: Iterable[Tuple[str, str]]) -> bytes:
    parts = [b"\x80\x04"]
    for module, name in names:
        for text in (module, name):
            data = text.encode("utf-8", "replace")
            parts.append(b"X" + len(data).to_bytes(4, "little") + data)
        parts.append(b"\x930")
    parts.append(b"N.")
    return b"".join(parts)
