"""A model file, proved with a sample and loaded by a real runner: what it answers there."""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Sequence
from typing import Any

from muster_runtime import frames
from muster_runtime.numbers import from_array, to_array
from muster_runtime.tensors import Tensor, pack_texts, read_tensors, read_texts

from .runner_child import LinkClient, prove


def table_tensors(frame: Any) -> list[Tensor]:
    """The columns of a data frame, as a client sends them."""
    tensors = []
    for name in frame.columns:
        column = frame[name]
        if column.dtype.kind in "iufb":
            tensors.append(from_array(name, column.to_numpy()))
        else:
            tensors.append(Tensor(name, "BYTES", (len(column),), pack_texts(column.astype(object).tolist())))
    return tensors


def write_sample(path: str, inputs: Sequence[Tensor], is_table: bool) -> str:
    """Packs a sample."""
    header = json.dumps({"inputs": [tensor.header() for tensor in inputs], "isTable": is_table}).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<I", len(header)) + header + b"".join(bytes(tensor.data) for tensor in inputs))
    return path


class ProvedModel:
    """`proof` is what the proving program said; `answer` asks the runner for the same rows."""

    def __init__(
        self, client: LinkClient, file: str, kind: str, inputs: Sequence[Tensor] | None, is_table: bool
    ) -> None:
        sample = None if inputs is None else write_sample(file + ".sample", inputs, is_table)
        self.proof = prove(file, kind, sample)
        if not self.proof["ok"]:
            raise AssertionError(self.proof["problem"])
        parts = self.proof["sample"]
        self.payload = base64.b64decode(parts["payload"])
        self.inputs = parts["inputs"]
        self.outputs = parts["outputs"]
        self.input_bytes = sum(header["size"] for header in self.inputs)
        self.client = client
        self.replica = os.path.basename(file)
        python = {"format": kind, "signature": self.proof["signature"], "isTable": self.proof["isTable"]}
        header = {"replica": self.replica, "file": file, "python": python, "sample": self.inputs}
        self.loaded = client.ask(frames.LOAD, header, [self.payload[: self.input_bytes]])
        if self.loaded.kind != frames.LOADED:
            raise AssertionError(self.loaded.header)

    def answer(self, outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Outputs by name, as arrays and lists; they equal those of the proof."""
        header: dict[str, Any] = {"replica": self.replica, "inputs": self.inputs}
        if outputs is not None:
            header["outputs"] = list(outputs)
        frame = self.client.ask(frames.INFER, header, [self.payload[: self.input_bytes]])
        if frame.kind != frames.RESULT:
            raise AssertionError(frame.header)
        tensors = read_tensors(frame.header["outputs"], frame.payload)
        if outputs is None:
            assert b"".join(bytes(tensor.data) for tensor in tensors) == self.payload[self.input_bytes :]
        return {
            tensor.name: read_texts(tensor) if tensor.datatype == "BYTES" else to_array(tensor) for tensor in tensors
        }

    def spec(self, side: str) -> list[tuple[str, str, list[int]]]:
        """Name, datatype and shape of the signature's `inputs` or `outputs`."""
        return [(spec["name"], spec["datatype"], spec["shape"]) for spec in self.proof["signature"][side]]
