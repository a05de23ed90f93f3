"""Train a wine classifier whose inputs are named columns of different types, and write what a deployment needs.

Inputs of the model, each [N, 1]: FP32 `alcohol`, `malic_acid`, `flavanoids`;
INT64 `magnesium`, `proline`; all in the units of the data set, which does not name them;
BYTES (strings) `color_depth`, `hue_tone`, made from `COLOR_DEPTHS` and `HUE_TONES`.
Outputs: `label`, BYTES [N], one of `CLASS_NAMES`; `probabilities`, FP32 [N, 3], in the order of `CLASS_NAMES`.

    python -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python train.py
"""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

FOLDER = Path(__file__).parent
CLASS_NAMES = ["class_0", "class_1", "class_2"]  # the three growers, named as scikit-learn names them
FLOAT_COLUMNS = ["alcohol", "malic_acid", "flavanoids"]
INTEGER_COLUMNS = ["magnesium", "proline"]
STRING_COLUMNS = ["color_depth", "hue_tone"]
COLOR_DEPTHS = {"pale": 3.5, "medium": 6.0, "deep": np.inf}  # upper bound of the measured `color_intensity`
HUE_TONES = {"brick": 0.8, "ruby": 1.05, "purple": np.inf}  # upper bound of the measured `hue`
TOLERANCE = 1e-5  # largest accepted difference of a probability between scikit-learn and ONNX Runtime


def as_categories(values: pd.Series, upper_bounds: dict[str, float]) -> pd.Series:
    """Names the interval that each value lies in: the first name whose bound is not below the value."""
    edges = [-np.inf, *upper_bounds.values()]
    return pd.cut(values, edges, labels=list(upper_bounds)).astype(object)


def load_columns() -> tuple[pd.DataFrame, NDArray[np.str_]]:
    """All 178 wines: 7 columns of mixed type, and the class of each, [178].

    Floats are rounded to float32, which is what an endpoint receives. The two string columns are made here from
    measurements: scikit-learn ships no data set with text columns.
    """
    wines = load_wine(as_frame=True)
    columns = pd.DataFrame({name: wines.data[name].astype(np.float32).astype(np.float64) for name in FLOAT_COLUMNS})
    for name in INTEGER_COLUMNS:
        columns[name] = wines.data[name].astype(np.int64)
    columns["color_depth"] = as_categories(wines.data["color_intensity"], COLOR_DEPTHS)
    columns["hue_tone"] = as_categories(wines.data["hue"], HUE_TONES)
    return columns, np.array(CLASS_NAMES)[wines.target]


def export(model: object) -> onnx.ModelProto:
    """One ONNX input a column, so that requests carry names and types instead of positions."""
    input_types = [(name, FloatTensorType([None, 1])) for name in FLOAT_COLUMNS]
    input_types += [(name, Int64TensorType([None, 1])) for name in INTEGER_COLUMNS]
    input_types += [(name, StringTensorType([None, 1])) for name in STRING_COLUMNS]
    exported = to_onnx(model, initial_types=input_types, name="wine-columns", options={"zipmap": False})
    exported.opset_import.sort(key=lambda opset: opset.domain)  # skl2onnx writes them in a random order
    return exported


def run_onnx(path: Path, columns: pd.DataFrame) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """Labels [N] and probabilities [N, 3] of the exported file for a frame of N rows."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    types = {name: np.float32 for name in FLOAT_COLUMNS} | {name: np.int64 for name in INTEGER_COLUMNS}
    feeds = {name: columns[[name]].to_numpy(types.get(name, object)) for name in columns}
    labels, probabilities = session.run(None, feeds)
    return labels, probabilities.astype(np.float64)


def write_rows(path: Path, columns: pd.DataFrame) -> None:
    """Rows as CSV with a header; each float is the shortest decimal that reads back to its float32."""
    columns.astype({name: np.float32 for name in FLOAT_COLUMNS}).to_csv(path, index=False, lineterminator="\n")


def write_json(path: Path, value: dict[str, object]) -> None:
    """An object as JSON with one line for each of its keys."""
    lines = (f"{json.dumps(key)}: {json.dumps(item)}" for key, item in value.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    """Train, export, compare every row with scikit-learn, and write the files beside this script."""
    columns, classes = load_columns()
    train_rows, heldout_rows, train_classes, heldout_classes = train_test_split(
        columns, classes, test_size=0.25, stratify=classes, random_state=0
    )
    prepare = make_column_transformer(
        (StandardScaler(), FLOAT_COLUMNS),
        (StandardScaler(), INTEGER_COLUMNS),
        (OneHotEncoder(handle_unknown="ignore"), STRING_COLUMNS),
    )
    model = make_pipeline(prepare, LogisticRegression())
    model.fit(train_rows, train_classes)
    path = FOLDER / "model.onnx"
    path.write_bytes(export(model).SerializeToString(deterministic=True))

    onnx_labels, onnx_probabilities = run_onnx(path, columns)
    difference = float(np.abs(onnx_probabilities - model.predict_proba(columns)).max())
    assert difference <= TOLERANCE, f"probabilities differ by {difference}"
    assert (onnx_labels == model.predict(columns)).all(), "labels differ"

    labels = model.predict(heldout_rows)
    accuracy = float((labels == heldout_classes).mean())
    print(f"accuracy {accuracy:.4f}, largest difference {difference:.1e}, {path.stat().st_size} bytes")
    write_rows(FOLDER / "heldout.csv", heldout_rows)
    write_rows(FOLDER / "sample.csv", heldout_rows[:5])
    expected = {
        "rows": "heldout.csv",
        "tolerance": TOLERANCE,
        "feature_names": list(columns),
        "class_names": CLASS_NAMES,
        "true_labels": heldout_classes.tolist(),
        "versions": {
            "1": {
                "model": path.name,
                "accuracy": accuracy,
                "labels": labels.tolist(),
                "probabilities": model.predict_proba(heldout_rows).tolist(),
            }
        },
    }
    write_json(FOLDER / "expected.json", expected)


if __name__ == "__main__":
    main()
