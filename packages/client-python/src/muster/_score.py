"""A table that is scored in the background of an installation, from file to file."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ._endpoint import Endpoint
from ._handed import handed
from ._installation import Installation, Json, current, segment
from ._progress import Progress
from ._upload import upload
from .errors import MusterError

_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


def score(
    endpoint: str | Endpoint,
    path_in: str | Path,
    path_out: str | Path,
    *,
    outputs: Sequence[str] | None = None,
    keep: Sequence[str] = (),
    role: str = "live",
    quiet: bool = False,
) -> Json:
    """Answers every row of a table and writes the answers to another: Parquet, CSV or JSONL, by the names of the files.

    The result has a column `row` (from 0), the columns named by `keep`, and the `outputs` (all by default). Rows that
    have no answer are left out; `path_out` + `.errors.jsonl` names each with its reason. It runs on the server behind
    the predictions of applications, by the version that is live (or `role="canary"`) at this moment; when this program
    ends meanwhile it goes on there. Returns what the server says of it: `version`, `progress`, `result`, `errors`.
    """
    source, target = Path(path_in), Path(path_out)
    wish: Json = {"format": _format(source), "resultFormat": _format(target), "role": role, "keep": list(keep)}
    if outputs is not None:
        wish["outputs"] = list(outputs)
    if source.suffix.lower() == ".tsv":
        wish["csv"] = {"delimiter": "\t"}
    name = endpoint.name if isinstance(endpoint, Endpoint) else endpoint
    installation = endpoint._installation if isinstance(endpoint, Endpoint) else current()
    path = f"/api/v1/endpoints/{segment(name)}"
    installation.call("GET", path)  # before a large file is sent for nothing
    progress = Progress(quiet)
    with handed(source) as file:
        upload(installation, file, progress)
        wish["digest"] = file.sha256
    operation = installation.call("POST", f"{path}/scores", wish)
    ended = installation.follow(operation, progress.update)
    done: Json = ended["result"]["score"]
    rows, bad = done["progress"]["rowsDone"], done["progress"]["badRows"]
    _fetch(installation, done, "result", target)
    errors = Path(f"{target}.errors.jsonl")
    if bad > 0:
        _fetch(installation, done, "errors", errors)
    else:
        with contextlib.suppress(FileNotFoundError):
            errors.unlink()
    left_out = "" if bad == 0 else f"; {bad} have no answer: {errors} says why of each"
    progress.done(f"scored {rows} rows with {done['model']}:{done['version']}{left_out}")
    return done


def _fetch(installation: Installation, done: Json, what: str, target: Path) -> None:
    """To a file beside, then into place: nothing half-written is ever there."""
    temporary = target.with_name(f"{target.name}.{os.getpid()}.part")
    digest = hashlib.sha256()
    try:
        with temporary.open("wb") as file:

            def keep(piece: Any) -> None:
                digest.update(piece)
                file.write(piece)

            installation.http.download(f"/api/v1/scores/{segment(done['id'])}/{what}", keep)
        if digest.hexdigest() != done[what]["digest"]:
            raise MusterError("digest_mismatch", f"what arrived is not the table of score {done['id']}")
        temporary.replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _format(path: Path) -> str:
    found = _FORMATS.get(path.suffix.lower())
    if found is not None:
        return found
    raise MusterError(
        "invalid_request",
        f"{path} does not say what it is",
        title="The file's name does not say its format",
        remedy="Name it .parquet, .csv, .tsv or .jsonl.",
    )
