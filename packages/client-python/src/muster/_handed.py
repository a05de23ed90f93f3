"""Files and folders as they are handed over: a folder travels as one tar that is the same for the same content."""

from __future__ import annotations

import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ._pickled import HandedFile, digest_of
from .errors import MusterError


@contextmanager
def handed(path: Path) -> Iterator[HandedFile]:
    """The file, or a folder as one file, which is there until the block ends."""
    if path.is_dir():
        with tempfile.TemporaryDirectory(prefix="muster-") as folder:
            packed = Path(folder) / "model.tar"
            pack_folder(path, packed)
            yield described(packed, f"{path.name}/")
    elif path.is_file():
        yield described(path, path.name)
    else:
        raise MusterError(
            "invalid_request",
            f"there is no file or folder {path}",
            title="There is nothing to hand over",
            remedy="Check the path, or hand over the fitted object itself.",
        )


def pack_folder(folder: Path, target: Path) -> None:
    """Packs the files of a folder: sorted, without times and owners. Raises `unsupported_model` for devices."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(_walk(folder), key=lambda entry: entry.relative_to(folder).as_posix()):
            name = path.relative_to(folder).as_posix()
            entry = tarfile.TarInfo(name)
            if path.is_dir():
                entry.type = tarfile.DIRTYPE
                entry.mode = 0o755
                archive.addfile(entry)
            elif path.is_file():
                # What a link leads to (the snapshots of Hugging Face are links) travels as the file that it is.
                with path.open("rb") as content:
                    entry.size = os.fstat(content.fileno()).st_size
                    entry.mode = 0o644
                    archive.addfile(entry, content)
            else:
                raise MusterError(
                    "unsupported_model",
                    f"{path} is neither a file nor a folder",
                    title="The folder cannot be packed",
                    remedy="Remove it from the folder.",
                )


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        # Made by machines, not by the owner of the model.
        folders[:] = [name for name in folders if name not in ("__pycache__", ".git", ".ipynb_checkpoints")]
        for name in [*folders, *files]:
            path = Path(parent, name)
            if name in folders and path.is_symlink():
                raise MusterError(
                    "unsupported_model",
                    f"{path} is a link to a folder",
                    title="The folder cannot be packed",
                    remedy="Copy what it leads to into the folder.",
                )
            yield path


def described(path: Path, title: str) -> HandedFile:
    """The file with what is known of it. Raises `invalid_model_file` for an empty one."""
    with path.open("rb") as content:
        size, digest = digest_of(content)
    if size == 0:
        raise MusterError("invalid_model_file", f"{path} is empty", remedy="Export the model again.")
    return HandedFile(path, size, digest, title)
