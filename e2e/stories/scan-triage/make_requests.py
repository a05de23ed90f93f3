"""Draw scanned text lines, upright and upside down, and record what the orientation network says about them.

The network (`text-orientation.onnx`) takes `x`, FP32 [N, 3, 48, 192]: N text lines of 48 x 192 pixels in three equal
colour channels, scaled to -1 (ink) ... 1 (paper), 0 where a short line is padded on the right. It gives FP32 [N, 2]:
the probabilities that a line is upright (`CLASS_NAMES[0]`) and that it is turned by 180 degrees (`CLASS_NAMES[1]`).

Writes `inputs.json` (an Open Inference Protocol infer request) and `expected.json`. The lines are made up.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python make_requests.py
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

FOLDER = Path(__file__).parent
CLASS_NAMES = ["0", "180"]  # degrees that the line is turned by, as the network's authors name them
LINES = [("Patient: J. Doe", 0), ("Patient: J. Doe", 180)]  # text and the degrees that it is turned by
HEIGHT, WIDTH = 48, 192  # pixels
TOLERANCE = 1e-4  # accepted difference of a probability between two builds of ONNX Runtime

Pixels = NDArray[np.float32]


def draw_line(text: str, degrees: int) -> Pixels:
    """One text line as FP32 [3, 48, 192], black on white; only -1, 0 and 1 occur, which keeps the request short."""
    font = ImageFont.load_default(size=26)
    width = min(WIDTH, round(font.getlength(text)) + 12)
    page = Image.new("L", (width, HEIGHT), 255)
    ImageDraw.Draw(page).text((6, HEIGHT // 2), text, fill=0, font=font, anchor="lm")
    ink = np.asarray(page.rotate(degrees))
    line = np.zeros((HEIGHT, WIDTH), np.float32)
    line[:, :width] = np.where(ink < 128, -1, 1)
    return np.repeat(line[np.newaxis], 3, axis=0)


def write_json(path: Path, value: dict[str, object]) -> None:
    """An object as JSON with one line for each of its keys."""
    lines = (f"{json.dumps(key)}: {json.dumps(item, separators=(',', ':'))}" for key, item in value.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Draw, run once as a batch and once line by line, and write both JSON files."""
    lines = np.stack([draw_line(text, degrees) for text, degrees in LINES])
    session = onnxruntime.InferenceSession(str(FOLDER / "text-orientation.onnx"), providers=["CPUExecutionProvider"])
    output_name = session.get_outputs()[0].name
    (probabilities,) = session.run(None, {"x": lines})
    alone = np.concatenate([session.run(None, {"x": line[np.newaxis]})[0] for line in lines])
    assert np.abs(probabilities - alone).max() < TOLERANCE, "a line's answer depends on its neighbours"

    labels = [CLASS_NAMES[index] for index in probabilities.argmax(axis=1)]
    assert labels == [str(degrees) for _, degrees in LINES], labels
    tensor = {"name": "x", "datatype": "FP32", "shape": list(lines.shape), "data": lines.astype(int).ravel().tolist()}
    write_json(FOLDER / "inputs.json", {"id": "scan-triage-1", "inputs": [tensor]})
    answer = {
        "name": output_name,
        "datatype": "FP32",
        "shape": list(probabilities.shape),
        "data": [float(str(value)) for value in probabilities.ravel()],
    }
    expected = {"tolerance": TOLERANCE, "outputs": [answer], "labels": labels, "class_names": CLASS_NAMES}
    write_json(FOLDER / "expected.json", expected)
    print(labels, probabilities.tolist())


if __name__ == "__main__":
    main()
