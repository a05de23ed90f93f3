"""What happens meanwhile: one line that changes in a notebook, plain lines everywhere else."""

from __future__ import annotations

import sys
import time
from typing import Any

_MAX_CHARS = 200
_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Steps one after the other. `update` says what is happening, `done` what has happened."""

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._done: list[str] = []
        self._display = None if quiet else _notebook_display()
        self._handle: Any = None
        self._last = ""
        self._last_at = time.monotonic()

    def update(self, text: str) -> None:
        """Shown at once in a notebook; elsewhere now and then, when a step takes long."""
        text = _safe(text)
        if self._quiet or text == self._last:
            return
        self._last = text
        now = time.monotonic()
        if self._display is not None:
            self._show([*self._done, f"… {text}"])
        elif now - self._last_at >= _SECONDS_BETWEEN_LINES:
            _print_line(f"… {text}")
            self._last_at = now

    def done(self, text: str) -> None:
        """Ends a step with what came of it."""
        self._add(f"✓ {_safe(text)}")
        self._last_at = time.monotonic()

    def note(self, text: str) -> None:
        """Something to know that is no step."""
        self._add(f"  {_safe(text)}")

    def _add(self, line: str) -> None:
        self._done.append(line)
        if self._quiet:
            return
        if self._display is not None:
            self._show(self._done)
        else:
            _print_line(line)

    def _show(self, lines: list[str]) -> None:
        data = {"text/plain": "\n".join(lines)}
        if self._handle is None:
            self._handle = self._display(data, raw=True, display_id=True) if self._display else None
        else:
            self._handle.update(data, raw=True)


def size_text(size_bytes: float) -> str:
    """`3.1 MiB`."""
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while size_bytes >= 1024 and len(units) > 1:
        size_bytes /= 1024
        units.pop(0)
    unit = units[0]
    return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= 100 else f"{size_bytes:.1f} {unit}"


def _print_line(line: str) -> None:
    try:
        print(line, file=sys.stderr, flush=True)
    except UnicodeEncodeError:
        print(line.encode("ascii", "replace").decode(), file=sys.stderr, flush=True)


def _safe(text: str) -> str:
    """Without what a terminal would obey: some of it came from a server."""
    return "".join(character if character.isprintable() else " " for character in text)[:_MAX_CHARS]


def _notebook_display() -> Any:
    """IPython's `display` where a notebook's kernel runs us; None in a terminal, IPython's included."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display
