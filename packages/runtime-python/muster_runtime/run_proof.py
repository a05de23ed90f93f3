"""The life of a process that proves one model."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .arguments import read_flags, refuse
from .library_settings import set_up_libraries
from .messages import FORMATS
from .parent_watch import watch_parent
from .printing import take_over_output
from .problem import to_problem


def run_proof(words: Sequence[str]) -> None:
    """Prints the proof, or the problem, and ends the process."""
    flags = read_flags(words, ("file", "format", "sample"))
    file, kind = flags.get("file"), flags.get("format")
    if file is None or kind not in FORMATS:
        refuse("--file or --format is missing, or is none that is known")
    own = take_over_output(is_heard=False)
    set_up_libraries()
    watch_parent(lambda: os._exit(1))
    try:
        # Only now: it is the model's code that runs from here on.
        from .prove_model import prove_model

        proof = prove_model(file, kind, flags.get("sample"))
    except BaseException as thrown:
        proof = {"ok": False, "problem": to_problem(thrown).document()}
    own.say(proof)
    os._exit(0)
