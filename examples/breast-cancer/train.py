"""Train two versions of a tumour classifier and write everything that a deployment needs.

Input of both models: `input`, FP32 [N, 30], one column per measurement in the order of `FEATURE_NAMES`
(lengths and areas in the units of the data set's digitised images). Classes: 0 malignant, 1 benign.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python train.py
"""

import csv
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType

FOLDER = Path(__file__).parent
DATASET = load_breast_cancer()
FEATURE_NAMES: list[str] = [str(name) for name in DATASET.feature_names]
CLASS_NAMES: list[str] = [str(name) for name in DATASET.target_names]
INPUT_TYPES = [("input", FloatTensorType([None, len(FEATURE_NAMES)]))]
TOLERANCE = 1e-5  # largest accepted difference of a probability between scikit-learn and ONNX Runtime

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def load_measurements() -> tuple[Floats, Labels]:
    """All 569 rows, [569, 30], and their classes, [569].

    The values are rounded to float32 first: that is what an endpoint receives, and a tree that was trained on
    finer values could send a row that lies next to a threshold to the other side.
    """
    return DATASET.data.astype(np.float32).astype(np.float64), DATASET.target.astype(np.int64)


def export_version_1(model: object) -> onnx.ModelProto:
    """The way most people export: all defaults, so the probabilities are a list of maps (`ZipMap`)."""
    return to_onnx(model, initial_types=INPUT_TYPES, name="breast-cancer-v1")


def export_version_2(model: object) -> onnx.ModelProto:
    """Probabilities as one FP32 tensor [N, 2]; the file also names its features and classes."""
    exported = to_onnx(model, initial_types=INPUT_TYPES, name="breast-cancer-v2", options={"zipmap": False})
    # Callers of version 1 read its outputs by name: a version that renames them would break them.
    rename_outputs(exported, {"label": "output_label", "probabilities": "output_probability"})
    onnx.helper.set_model_props(
        exported, {"feature_names": json.dumps(FEATURE_NAMES), "class_names": json.dumps(CLASS_NAMES)}
    )
    return exported


def rename_outputs(exported: onnx.ModelProto, names: dict[str, str]) -> None:
    """Gives outputs of the graph other names, where they are declared and where a node makes them."""
    for output in exported.graph.output:
        output.name = names.get(output.name, output.name)
    for node in exported.graph.node:
        node.output[:] = [names.get(name, name) for name in node.output]
        node.input[:] = [names.get(name, name) for name in node.input]


def run_onnx(path: Path, rows: Floats) -> tuple[Labels, Floats]:
    """Labels [N] and probabilities [N, 2] of an exported file for rows [N, 30]."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(None, {"input": rows.astype(np.float32)})
    if isinstance(probabilities, list):  # ZipMap: one {class: probability} a row
        probabilities = np.array([[row[0], row[1]] for row in probabilities])
    return labels, probabilities.astype(np.float64)


def write_rows(path: Path, rows: Floats) -> None:
    """Rows [N, 30] as CSV with a header; each value is the shortest decimal that reads back to its float32."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FEATURE_NAMES)
        writer.writerows([str(value) for value in row] for row in rows.astype(np.float32))


def write_json(path: Path, value: dict[str, object]) -> None:
    """An object as JSON with one line for each of its keys."""
    lines = (f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Train, export, compare every row with scikit-learn, and write the files beside this script."""
    rows, classes = load_measurements()
    train_rows, heldout_rows, train_classes, heldout_classes = train_test_split(
        rows, classes, test_size=0.25, stratify=classes, random_state=0
    )
    versions = {
        "1": (make_pipeline(StandardScaler(), LogisticRegression()), export_version_1),
        "2": (GradientBoostingClassifier(n_estimators=150, subsample=0.7, random_state=0), export_version_2),
    }
    answers: dict[str, object] = {}
    for version, (model, export) in versions.items():
        model.fit(train_rows, train_classes)
        path = FOLDER / f"model-v{version}.onnx"
        exported = export(model)
        exported.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx writes them in a random order
        path.write_bytes(exported.SerializeToString(deterministic=True))

        onnx_labels, onnx_probabilities = run_onnx(path, rows)
        difference = float(np.abs(onnx_probabilities - model.predict_proba(rows)).max())
        assert difference <= TOLERANCE, f"version {version}: probabilities differ by {difference}"
        assert (onnx_labels == model.predict(rows)).all(), f"version {version}: labels differ"

        labels = model.predict(heldout_rows)
        accuracy = float((labels == heldout_classes).mean())
        size = path.stat().st_size
        print(f"version {version}: accuracy {accuracy:.4f}, largest difference {difference:.1e}, {size} bytes")
        answers[version] = {
            "model": path.name,
            "accuracy": accuracy,
            "labels": labels.tolist(),
            "probabilities": model.predict_proba(heldout_rows).tolist(),
        }

    write_rows(FOLDER / "heldout.csv", heldout_rows)
    write_rows(FOLDER / "sample.csv", heldout_rows[:5])
    write_json(FOLDER / "signature.json", {"labels": CLASS_NAMES})
    expected = {
        "rows": "heldout.csv",
        "tolerance": TOLERANCE,
        "feature_names": FEATURE_NAMES,
        "class_names": CLASS_NAMES,
        "true_labels": heldout_classes.tolist(),
        "versions": answers,
    }
    write_json(FOLDER / "heldout-expected.json", expected)


if __name__ == "__main__":
    main()
