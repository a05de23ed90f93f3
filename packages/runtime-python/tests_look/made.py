"""Files as other libraries write them, made with the standard library alone."""

from __future__ import annotations

import io
import os
import pickle
import sys
import tarfile
import tempfile
import types
from typing import Any, Dict, Iterator, Optional, Union

_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, _FOLDER)

from muster_look.command import answer  # noqa: E402


def class_of(path: str, bases: "tuple[type, ...]" = (), **members: Any) -> type:
    """A class that pickles as `module.Name` of a library that is not installed."""
    module_name, _, name = path.rpartition(".")
    if module_name not in sys.modules:
        parts = module_name.split(".")
        for at in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:at]), types.ModuleType(".".join(parts[:at])))
    made = type(name, bases, {"__module__": module_name, **members})
    setattr(sys.modules[module_name], name, made)
    return made


def instance(path: str, **state: Any) -> Any:
    made = class_of(path)()
    made.__dict__.update(state)
    return made


def look(content: Union[bytes, Dict[str, Union[str, bytes]]], seconds: float = 20.0) -> Dict[str, Any]:
    """What is answered for a file, or for a folder by the names in it."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model")
        if isinstance(content, bytes):
            with open(path, "wb") as file:
                file.write(content)
        else:
            os.mkdir(path)
            for name, data in content.items():
                inner = os.path.join(path, *name.split("/"))
                os.makedirs(os.path.dirname(inner), exist_ok=True)
                with open(inner, "wb") as file:
                    file.write(data.encode() if isinstance(data, str) else data)
        return answer(path, seconds)


def tar_of(files: Dict[str, Union[str, bytes]], links: Optional[Dict[str, str]] = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in files.items():
            content = data.encode() if isinstance(data, str) else data
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.SYMTYPE
            entry.linkname = target
            tar.addfile(entry)
    return buffer.getvalue()


def joblib_dump(value: Any) -> bytes:
    """As joblib does it: behind the wrapper of an array stand its bytes, padded to 16."""
    buffer = io.BytesIO()
    _JoblibPickler(buffer, protocol=4).dump(value)
    return buffer.getvalue()


class Array:
    """Stands for an array of numpy: raw bytes of a type, or Python objects."""

    def __init__(self, dtype: str, data: Union[bytes, "list[Any]"], length: int) -> None:
        self.dtype = dtype
        self.data = data
        self.length = length


class _Dtype:
    """Pickles as numpy's types do: numpy.dtype('f8', False, True) with a state."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        state = (3, "|" if self.code == "O8" else "<", None, None, None, -1, -1, 63 if self.code == "O8" else 0)
        return class_of("numpy.dtype"), (self.code, False, True), state


class _JoblibPickler(pickle._Pickler):  # type: ignore[misc,name-defined]
    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(value, Array):
            return super().save(value, save_persistent_id)
        wrapper = instance(
            "joblib.numpy_pickle.NumpyArrayWrapper",
            subclass=class_of("numpy.ndarray"),
            shape=(value.length,),
            order="C",
            dtype=_Dtype(value.dtype),
            allow_mmap=isinstance(value.data, bytes),
            numpy_array_alignment_bytes=16,
        )
        super().save(wrapper)
        self.framer.commit_frame(force=True)
        stream = self.framer.file_write.__self__  # type: ignore[union-attr]
        if isinstance(value.data, bytes):
            padding = 16 - (stream.tell() + 1) % 16
            stream.write(bytes([padding]) + b"\xff" * padding + value.data)
        else:
            stream.write(pickle.dumps(value.data, protocol=2))
        return None


def truncations(data: bytes, steps: int) -> Iterator[bytes]:
    for at in range(0, len(data), max(1, len(data) // steps)):
        yield data[:at]
