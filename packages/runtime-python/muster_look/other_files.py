"""Files that Muster does not serve as they are: what they seem to be, and what to do."""

from __future__ import annotations

import json
from typing import BinaryIO, NoReturn

from .findings import Findings, NotReadable

_FOLDER = "hand over a folder with this file and a model.py that has load(path) and predict(model, data)"
_EXPORT_KERAS = f"Export it to ONNX (model.export('model.onnx', format='onnx')), or {_FOLDER}."
_CONNECT = "Serve it with llama.cpp or a similar server, and connect that to Muster."
_CONVERT = "Convert it to ONNX: python -m tf2onnx.convert --tflite FILE --output model.onnx"
_SAVE_AGAIN = "Load it with the XGBoost that wrote it and save it again: booster.save_model('model.ubj')"
_NO_DATA = "Hand over the model; a few rows of data go with --sample rows.csv."
_UNPACK = "Unpack it, and hand over what is in it; a folder as it is."
_HEADER_BYTES = 100 * 1024 * 1024

#: Beginning, where it begins, what it is, what to do.
_MARKS = (
    (b"\x89HDF\r\n\x1a\n", 0, "an HDF5 file, such as Keras writes (.h5)", _EXPORT_KERAS),
    (b"GGUF", 0, "a GGUF file, weights of a language model", _CONNECT),
    (b"TFL3", 4, "a TensorFlow Lite model", _CONVERT),
    (b"binf", 0, "an old binary file of XGBoost", _SAVE_AGAIN),
    (b"\x93NUMPY", 0, "an array of NumPy, not a model", _NO_DATA),
    (b"PAR1", 0, "a Parquet file: data, not a model", _NO_DATA),
    (b"ARROW1", 0, "an Arrow file: data, not a model", _NO_DATA),
    (b"RDX", 0, "a file of R", f"Export the model to ONNX, or {_FOLDER}."),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7z archive", "Unpack it, and hand over what is in it."),
    (b"Rar!", 0, "a RAR archive", "Unpack it, and hand over what is in it."),
    (b"\x1f\x8b", 0, "compressed by gzip", _UNPACK),
    (b"BZh", 0, "compressed by bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", 0, "compressed by xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", 0, "compressed by zstd", _UNPACK),
    (b"\x7fELF", 0, "a program or library for Linux", "Hand over the model itself."),
    (b"MZ", 0, "a program or library for Windows", "Hand over the model itself."),
    (b"%PDF", 0, "a PDF", "Hand over the model itself."),
    (b"\x89PNG", 0, "an image", "Hand over the model itself."),
    (b"\xff\xd8\xff", 0, "an image", "Hand over the model itself."),
    (b"SQLite format 3", 0, "an SQLite database", "Hand over the model itself."),
    (b"version https://git-lfs", 0, "a pointer of Git LFS: the file itself is elsewhere", "Fetch it: git lfs pull"),
)  # fmt: skip


def look_at_other(file: BinaryIO, size: int, head: bytes, findings: Findings, forms: str) -> None:
    """Raises `NotReadable` for all but safetensors, of which more can be told."""
    header = _safetensors_header(file, size, head)
    if header is not None:
        return _look_at_safetensors(header, findings)
    for mark, at, what, remedy in _MARKS:
        if head[at : at + len(mark)] == mark:
            raise NotReadable(f"it is {what}", remedy, "unsupported_model", "The file cannot be served as it is")
    if head[0] == 0x80:
        raise NotReadable("it begins as a pickle, of a protocol that does not exist", "Copy or write the file again.")
    _refuse_text(head, forms)


def _refuse_text(head: bytes, forms: str) -> NoReturn:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:5] == b"<?xml" or text[:5] == b"<PMML":
        what = "PMML" if b"PMML" in head else "XML"
        raise NotReadable(f"it is {what}", f"Export the model to ONNX. {forms}", "unsupported_model")
    if text[:1] == b"<":
        raise NotReadable(
            "it is a web page, perhaps of a download that failed", "Fetch the file again.", "unsupported_model"
        )
    is_text = b"\0" not in head and all(byte >= 32 or byte in (9, 10, 13) for byte in head)
    if is_text:
        is_code = any(line.startswith((b"import ", b"from ", b"def ", b"class ")) for line in head.splitlines())
        if is_code:
            raise NotReadable(
                "it is Python code, not a model",
                "Hand over the folder that it is in, with a model.py that has load(path) and predict(model, data).",
                "unsupported_model",
            )
        raise NotReadable("it is text, not a model", forms, "unsupported_model")
    raise NotReadable("it is of no kind that is known", forms, "unsupported_model")


def _safetensors_header(file: BinaryIO, size: int, head: bytes) -> "dict[str, object] | None":
    length = int.from_bytes(head[:8], "little")
    if len(head) < 10 or head[8:9] != b"{" or length > min(size - 8, _HEADER_BYTES):
        return None
    file.seek(8)
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _look_at_safetensors(header: "dict[str, object]", findings: Findings) -> None:
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__" and isinstance(entry, dict)}
    count = 0
    types = set()
    for entry in tensors.values():
        types.add(str(entry.get("dtype")))
        parameters = 1
        for length in entry.get("shape") or []:
            parameters *= length if isinstance(length, int) else 0
        count += parameters
    findings.producer = "safetensors"
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and isinstance(metadata.get("format"), str):
        findings.details["framework"] = metadata["format"]
    findings.details.update(tensors=len(tensors), parameters=count, datatypes=sorted(types))
    findings.lacks(
        "export",
        "the network",
        "a safetensors file holds weights, and not what to do with them",
        f"Hand over the whole folder of Hugging Face (with config.json and tokenizer); export to ONNX; or {_FOLDER}.",
    )
