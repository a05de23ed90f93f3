"""A folder that travels as a tar, unpacked into the scratch folder."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile

from .problem import Problem

MAX_ENTRIES = 100_000
MAX_BYTES = 64 * 1024**3
_COPY_BYTES = 1024 * 1024


def unpack_folder(path: str) -> str:
    """The folder that the tar holds, unpacked; a single folder in which everything lies is stepped into.

    Only files and folders below it are taken: links, devices, absolute paths and `..` are refused.
    Throws `model_unloadable`.
    """
    if os.path.isdir(path):
        return path
    target = tempfile.mkdtemp(prefix="model-", dir=os.getcwd())
    try:
        with tarfile.open(path, "r:*") as archive:
            _unpack(archive, target)
    except (tarfile.TarError, EOFError, UnicodeError) as thrown:
        raise _refused(f"the file is no tar of a folder ({type(thrown).__name__}: {thrown})") from None
    except OSError as thrown:
        raise _refused(f"the folder cannot be unpacked: {thrown.strerror or thrown}") from None
    entries = os.listdir(target)
    if len(entries) == 1 and os.path.isdir(os.path.join(target, entries[0])):
        return os.path.join(target, entries[0])
    return target


def _unpack(archive: tarfile.TarFile, target: str) -> None:
    size = 0
    for count, entry in enumerate(archive):
        if count >= MAX_ENTRIES:
            raise _refused(f"the folder has more than {MAX_ENTRIES} entries")
        parts = _parts_of(entry)
        if entry.isdir():
            os.makedirs(os.path.join(target, *parts), mode=0o700, exist_ok=True)
            continue
        if not entry.isreg() or not parts:
            raise _refused(f'"{entry.name[:200]}" is neither a file nor a folder')
        size += entry.size
        if size > MAX_BYTES:
            raise _refused(f"the folder is larger than {MAX_BYTES} bytes")
        source = archive.extractfile(entry)
        assert source is not None
        destination = os.path.join(target, *parts)
        os.makedirs(os.path.dirname(destination), mode=0o700, exist_ok=True)
        # Never onto something that is there: neither through a link nor over a file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with source, os.fdopen(os.open(destination, flags, 0o600), "wb") as file:
            shutil.copyfileobj(source, file, _COPY_BYTES)


def _parts_of(entry: tarfile.TarInfo) -> list[str]:
    name = entry.name
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise _refused(f'"{name[:200]}" would lie outside of the folder')
    return parts


def _refused(detail: str) -> Problem:
    return Problem("model_unloadable", "the model cannot be loaded: " + detail, "Hand the folder over again.")
