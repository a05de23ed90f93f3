"""A fitted object as a file that another machine can read.

cloudpickle carries classes and functions of a notebook or a script by value. Modules of the user's own that are not
installed would be missing elsewhere just the same, so what is defined in them travels by value, too.
"""

from __future__ import annotations

import dis
import hashlib
import os
import site
import sys
import sysconfig
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from .errors import MusterError


@dataclass(frozen=True)
class HandedFile:
    """A file to send, with what is known of it."""

    path: Path
    size_bytes: int
    sha256: str
    title: str
    imported: frozenset[str] = frozenset()
    """Modules that functions import when they run; the pickle itself does not name these."""


@contextmanager
def pickled(model: Any) -> Iterator[HandedFile]:
    """The object as a file, which is there until the block ends. Raises `model_unpicklable`."""
    import cloudpickle

    with tempfile.TemporaryDirectory(prefix="muster-") as folder:
        path = Path(folder) / "model.pkl"
        imported: set[str] = set()
        pickler_class: Any = cloudpickle.Pickler

        class Pickler(pickler_class):  # type: ignore[misc]
            def reducer_override(self, obj: Any) -> Any:
                if isinstance(obj, types.FunctionType):
                    imported.update(_imports(obj.__code__))
                return super().reducer_override(obj)

        # Not the world's: it is somebody's model, and maybe somebody's data.
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as target, _local_by_value():
            try:
                Pickler(target).dump(model)
            except RecursionError:
                raise _unpicklable(model, "it is nested too deeply") from None
            except Exception as cause:
                raise _unpicklable(model, str(cause) or type(cause).__name__) from cause
        with open(path, "rb") as file:
            size, digest = digest_of(file)
        yield HandedFile(path, size, digest, class_name(model), frozenset(imported))


def digest_of(file: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of what is left of a file."""
    digest = hashlib.sha256()
    size = 0
    while chunk := file.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


def class_name(model: Any) -> str:
    """`sklearn.pipeline.Pipeline`; of a function its own name."""
    named = model if isinstance(model, (type, types.FunctionType)) else type(model)
    module = getattr(named, "__module__", "") or ""
    name: str = named.__qualname__
    return name if module in ("", "__main__", "builtins") else f"{module}.{name}"


def is_local(module: types.ModuleType, installed: tuple[str, ...] | None = None) -> bool:
    """Whether a module is the user's own: in a file, and neither of Python nor installed."""
    installed = _installed_folders() if installed is None else installed
    name = module.__name__.partition(".")[0]
    if name in ("muster", "cloudpickle", "__main__", "__mp_main__") or name in sys.builtin_module_names:
        return False
    origin = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), None)
    if origin is None or not os.path.isabs(origin):
        return False
    return not origin.startswith(installed) and not os.path.realpath(origin).startswith(installed)


@contextmanager
def _local_by_value() -> Iterator[None]:
    import cloudpickle

    before = set(cloudpickle.list_registry_pickle_by_value())
    installed = _installed_folders()
    own = [
        module
        for module in list(sys.modules.values())
        if isinstance(module, types.ModuleType) and module.__name__ not in before and is_local(module, installed)
    ]
    registered = []
    try:
        for module in own:
            # A module may go by another name in sys.modules than by its own; such a one can only go by reference.
            if sys.modules.get(module.__name__) is module:
                cloudpickle.register_pickle_by_value(module)
                registered.append(module)
        yield
    finally:
        for module in registered:
            cloudpickle.unregister_pickle_by_value(module)


def _installed_folders() -> tuple[str, ...]:
    """Where Python and what was installed lie, as prefixes of paths, also as they are behind links."""
    paths = sysconfig.get_paths()
    folders = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    for getter in ("getsitepackages", "getusersitepackages"):
        found: Any = getattr(site, getter, list)()
        folders.extend([found] if isinstance(found, str) else found)
    # An environment made with --system-site-packages, and what distributions of Linux do.
    folders.extend(path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages"))
    return tuple({os.path.join(spelling, "") for path in folders for spelling in (path, os.path.realpath(path))})


def _imports(code: types.CodeType) -> set[str]:
    """Modules that a function imports when it runs."""
    found: set[str] = {
        str(step.argval)
        for step in dis.get_instructions(code)
        if step.opname == "IMPORT_NAME" and step.argval not in (None, "")
    }
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _imports(constant)
    return found


def _unpicklable(model: Any, why: str) -> MusterError:
    return MusterError(
        "model_unpicklable",
        f"{class_name(model)} cannot be written to a file: {why}",
        title="The model cannot be serialized",
        remedy="Remove open files, locks and connections from it, or hand over a folder with a model.py.",
    )
