"""The lines of a requirements.txt that say what to install."""

from __future__ import annotations

import re
from typing import List, Tuple

_LINE = re.compile(r"^[A-Za-z0-9][^\n\r]{0,999}$")


def read_requirement_lines(text: str) -> Tuple[List[str], List[str]]:
    """Requirements without comments and hashes, and what was left out: options, addresses and paths."""
    kept: List[str] = []
    left_out: List[str] = []
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if line == "":
            continue
        line = re.sub(r"\s+--hash[=\s]\S+", "", line)
        if line.startswith("-") or re.match(r"^(\.|/|[A-Za-z]:\\|[a-z+]+://)", line) or _LINE.match(line) is None:
            left_out.append(line[:200])
        elif re.search(r"\.(whl|tar\.gz|zip)$", line) and "@" not in line:
            left_out.append(line[:200])
        elif line not in kept:
            kept.append(line)
    return kept[:2000], left_out[:50]
