"""Ask the file type network about every file in `attachments/`, and record request and answer.

The network takes `bytes`, INT32 [N, 2048]: of N files the first 1024 bytes (leading white space removed, filled up
with `PADDING` at the end) and the last 1024 bytes (trailing white space removed, filled up at the front). It gives
`target_label`, FP32 [N, 214]: the probability of each file type, in the order of `labels.json`.

Writes `inputs.json` (an Open Inference Protocol infer request) and `expected.json`. The attachments are made up.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python make_requests.py
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fetch import CACHE, fetch

FOLDER = Path(__file__).resolve().parent
BLOCK, HALF = 4096, 1024  # bytes that are read at either end of a file, and of those the most that are used
PADDING = 256  # stands for "no byte here"
EXPECTED_TYPES = {"mail": "eml", "orders": "csv", "page": "html", "query": "sql", "response": "json"}
TOLERANCE = 1e-4  # accepted difference of a probability between two builds of ONNX Runtime


def read_features(path: Path) -> NDArray[np.int32]:
    """A file as the network reads it: INT32 [2048], the way magika 1.0 computes it."""
    content = path.read_bytes()
    start = list(content[:BLOCK].lstrip()[:HALF])
    end = list(content[-BLOCK:].rstrip()[-HALF:])
    return np.array(start + [PADDING] * (2 * HALF - len(start) - len(end)) + end, np.int32)


def write_json(path: Path, value: dict[str, object]) -> None:
    """An object as JSON with one line for each of its keys."""
    lines = (f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Read, run once as a batch and once file by file, and write both JSON files."""
    paths = sorted((FOLDER / "attachments").iterdir())
    features = np.stack([read_features(path) for path in paths])
    session = onnxruntime.InferenceSession(str(fetch(CACHE / "ticket-router")), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"bytes": features})
    alone = np.concatenate([session.run(None, {"bytes": row[np.newaxis]})[0] for row in features])
    assert np.abs(probabilities - alone).max() < TOLERANCE, "a file's answer depends on its neighbours"

    names = json.loads((FOLDER / "labels.json").read_text())
    labels = [names[index] for index in probabilities.argmax(axis=1)]
    assert labels == [EXPECTED_TYPES[path.name] for path in paths], labels
    tensor = {"name": "bytes", "datatype": "INT32", "shape": list(features.shape), "data": features.ravel().tolist()}
    write_json(FOLDER / "inputs.json", {"id": "ticket-router-1", "inputs": [tensor]})
    answer = {
        "name": "target_label",
        "datatype": "FP32",
        "shape": list(probabilities.shape),
        "data": [float(str(value)) for value in probabilities.ravel()],
    }
    files = [path.name for path in paths]
    expected = {"tolerance": TOLERANCE, "outputs": [answer], "labels": labels, "files": files}
    write_json(FOLDER / "expected.json", expected)
    print(dict(zip(files, labels, strict=True)), probabilities.max(axis=1))


if __name__ == "__main__":
    main()
