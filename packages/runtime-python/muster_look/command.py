"""The program: one file in, one JSON object out."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List

from .budget import Budget, Exhausted
from .findings import NotReadable
from .recognise import look_at

#: Longer than any honest file takes; less than those wait who started the program.
_SECONDS = 45.0

_USAGE = "usage: look.py FILE|FOLDER"


def main(arguments: List[str]) -> int:
    """Always prints an answer; exit code 0, or 2 where it was called wrongly."""
    if len(arguments) != 1:
        print(_USAGE, file=sys.stderr)
        return 2
    print(json.dumps(answer(arguments[0]), ensure_ascii=True))
    return 0


def answer(path: str, seconds: float = _SECONDS) -> Dict[str, Any]:
    """What is known of the file; never raises."""
    try:
        findings = look_at(path, Budget(seconds))
        findings.fits()
        return findings.as_json()
    except NotReadable as error:
        return _problem(error.code, error.title, error.detail, error.remedy)
    except Exhausted as error:
        return _problem(
            "inspection_failed", "The file could not be inspected", str(error), "Make it smaller, or write it again."
        )
    except OSError as error:
        return _problem(
            "invalid_model_file",
            "The file cannot be read",
            error.strerror or type(error).__name__,
            "Check the path and its permissions.",
        )
    except (MemoryError, RecursionError, Exception) as error:
        return _problem(
            "inspection_failed",
            "The file could not be inspected",
            f"it is damaged or hostile ({type(error).__name__})",
            "Copy or write the file again.",
        )


def _problem(code: str, title: str, detail: str, remedy: str) -> Dict[str, Any]:
    return {"ok": False, "problem": {"code": code, "title": title, "detail": detail[:2000], "remedy": remedy}}
