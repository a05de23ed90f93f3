"""The files of a folder, or of a tar file as it arrives in Muster: the same to look at."""

from __future__ import annotations

import json
import os
import tarfile
from typing import Any, BinaryIO, Dict, List, Optional, Protocol

from .budget import ENTRIES, JSON_BYTES, Budget
from .findings import NotReadable

_IGNORED = {"__pycache__", ".git", ".DS_Store", ".ipynb_checkpoints"}

#: Texts that are read whole: requirements, code, YAML.
_TEXT_BYTES = 4 * 1024 * 1024


class Tree(Protocol):
    """Files by their path from the top, with forward slashes."""

    sizes: Dict[str, int]
    #: Links and other things that are not read.
    skipped: List[str]

    def open(self, name: str) -> BinaryIO: ...

    def close(self) -> None: ...


class FolderTree:
    def __init__(self, folder: str, budget: Budget) -> None:
        self._folder = folder
        self.sizes: Dict[str, int] = {}
        self.skipped: List[str] = []
        for parent, folders, files in os.walk(folder, followlinks=False):
            budget.check()
            folders[:] = sorted(name for name in folders if name not in _IGNORED)
            for name in sorted(files):
                path = os.path.join(parent, name)
                relative = os.path.relpath(path, folder).replace(os.sep, "/")
                if name in _IGNORED:
                    continue
                if os.path.islink(path) and not _is_within(path, folder) or not os.path.isfile(path):
                    self.skipped.append(relative)
                    continue
                self.sizes[relative] = os.path.getsize(path)
                _check_count(self.sizes)

    def open(self, name: str) -> BinaryIO:
        return open(os.path.join(self._folder, *name.split("/")), "rb")

    def close(self) -> None:
        """Nothing is open."""


class TarTree:
    def __init__(self, path: str, budget: Budget) -> None:
        self.sizes: Dict[str, int] = {}
        self.skipped: List[str] = []
        self._members: Dict[str, tarfile.TarInfo] = {}
        self._file = open(path, "rb")
        try:
            self._tar = tarfile.open(fileobj=self._file, mode="r:")
            while True:
                budget.check()
                member = self._tar.next()
                if member is None:
                    break
                # The list that the module keeps for itself.
                self._tar.members = []  # type: ignore[attr-defined]
                self._add(member)
        except (tarfile.TarError, ValueError, OverflowError, UnicodeError) as error:
            self.close()
            raise NotReadable("the tar file is damaged", "Pack the folder again.") from error

    def _add(self, member: tarfile.TarInfo) -> None:
        name = member.name[2:] if member.name.startswith("./") else member.name
        parts = name.split("/")
        if member.isdir():
            return
        if not member.isreg() or ".." in parts or "" in parts:
            self.skipped.append(name[:200])
            return
        if any(part in _IGNORED for part in parts):
            return
        self._members[name] = member
        self.sizes[name] = member.size
        _check_count(self.sizes)

    def open(self, name: str) -> BinaryIO:
        file = self._tar.extractfile(self._members[name])
        if file is None:
            raise NotReadable(f"{name} cannot be read", "Pack the folder again.")
        return file  # type: ignore[return-value]

    def close(self) -> None:
        self._file.close()


def read_text(tree: Tree, name: str, limit: int = _TEXT_BYTES) -> Optional[str]:
    """The whole text; None where there is no such file, or it is longer than such a file ever is."""
    if name not in tree.sizes or tree.sizes[name] > limit:
        return None
    with tree.open(name) as file:
        return file.read(limit).decode("utf-8-sig", "replace")


def read_json(tree: Tree, name: str) -> Optional[Any]:
    """None where there is no such file or it is no JSON."""
    text = read_text(tree, name, JSON_BYTES)
    if text is None:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _is_within(path: str, folder: str) -> bool:
    whole = os.path.realpath(folder)
    return os.path.commonpath([os.path.realpath(path), whole]) == whole


def _check_count(sizes: Dict[str, int]) -> None:
    if len(sizes) > ENTRIES:
        raise NotReadable(
            f"it has more than {ENTRIES:,} files", "Hand over the folder of the model alone.", "unsupported_model"
        )
