"""What the programs are told on their command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .frames import MAX_PAYLOAD_BYTES


def read_flags(words: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """Reads `--name value` and `--name=value`; ends the process with a `failed` line where they are wrong."""
    values: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not name.startswith("--") or name[2:] not in known:
            refuse(f'there is no argument "{word[:100]}"')
        given = value if equals else next(rest, None)
        if given is None:
            refuse(f"{name} has no value")
        values[name[2:]] = given
    return values


def read_max_payload_bytes(flags: dict[str, str]) -> int:
    """The largest payload of a frame."""
    text = flags.get("max-payload-bytes", os.environ.get("MUSTER_RUNNER_MAX_PAYLOAD_BYTES"))
    if text is None:
        return MAX_PAYLOAD_BYTES
    if not text.isdigit() or int(text) < 1:
        refuse(f'--max-payload-bytes: "{text}" is no number of bytes')
    return int(text)


def refuse(message: str) -> NoReturn:
    """Says what is wrong with how the program was started, and ends it."""
    remedy = "Start it as: program.py --listen unix:/path|tcp:host:port [--max-payload-bytes N]."
    entry = {"event": "failed", "code": "invalid_configuration", "message": message, "remedy": remedy}
    sys.stdout.write(json.dumps(entry) + "\n")
    sys.stdout.flush()
    sys.exit(1)
