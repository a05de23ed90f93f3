"""Folders of MLflow, of Hugging Face, and with a model.py; as folders and as tar files."""

from __future__ import annotations

import json
import pickle
import unittest
from typing import Any, Dict, Union

from .made import instance, look, tar_of

MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.10.14
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.5.2
mlflow_version: 2.22.0
model_size_bytes: 1024
run_id: 5f0c2e
signature:
  inputs: '[{"type": "long", "name": "age", "required": true}, {"type": "string",
    "name": "it''s a name", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}}]'
  params: null
utc_time_created: '2026-01-01 00:00:00.000000'
"""

Files = Dict[str, Union[str, bytes]]


def mlflow(**more: Union[str, bytes]) -> Files:
    model = instance("sklearn.pipeline.Pipeline", _sklearn_version="1.5.2")
    requirements = "mlflow==2.22.0\n# a comment\nscikit-learn==1.5.2 \\\n  --hash=sha256:ab\n-c constraints.txt\n"
    return {"MLmodel": MLMODEL, "model.pkl": pickle.dumps(model), "requirements.txt": requirements, **more}


class Mlflow(unittest.TestCase):
    def test_everything_that_mlflow_wrote_down_is_told(self) -> None:
        for content in (mlflow(), tar_of(mlflow())):
            found = look(content)
            self.assertEqual(found["format"], "mlflow", found)
            self.assertEqual(found["producer"], "mlflow 2.22.0")
            self.assertEqual(found["modelClass"], "sklearn.pipeline.Pipeline")
            self.assertEqual(found["requirements"], ["scikit-learn==1.5.2"])
            self.assertEqual(found["pythonVersion"], "3.10")
            self.assertTrue(found["hasSignature"])
            self.assertEqual(found["details"]["features"], ["age", "it's a name"])
            self.assertEqual(found["details"]["runId"], "5f0c2e")
            self.assertIn("mlflow==2.22.0 is left out: the sklearn flavour is loaded without it", found["adaptations"])

    def test_mlflow_itself_is_needed_where_the_flavour_is_its_own(self) -> None:
        text = (
            "flavors:\n  python_function:\n    loader_module: mlflow.pyfunc.model\n    python_model: python_model.pkl\n"
        )
        found = look({"MLmodel": text, "requirements.txt": "mlflow==3.1.0\n"})
        self.assertEqual(found["requirements"], ["mlflow==3.1.0"])
        self.assertEqual([entry["kind"] for entry in found["missing"]], ["sample"])

    def test_without_requirements_those_of_conda_are_taken(self) -> None:
        files = mlflow()
        del files["requirements.txt"]
        files["conda.yaml"] = "dependencies:\n- python=3.10.14\n- pip<=24\n- pip:\n  - scikit-learn==1.5.2\nname: x\n"
        self.assertEqual(look(files)["requirements"], ["scikit-learn==1.5.2"])
        del files["conda.yaml"]
        self.assertIn("requirement", [entry["kind"] for entry in look(files)["missing"]])

    def test_an_onnx_model_in_it_is_named(self) -> None:
        text = "flavors:\n  onnx:\n    data: model.onnx\n  python_function:\n    loader_module: mlflow.onnx\n"
        found = look({"MLmodel": text, "model.onnx": b"\x08\x08", "requirements.txt": "onnxruntime==1.20\n"})
        self.assertEqual(found["details"]["onnxFile"], "model.onnx")

    def test_a_folder_that_mlflow_did_not_write_is_refused(self) -> None:
        for text in ("flavors: {}\n", "a: &anchor b\n", "\tx: 1\n", "- 1\n", ""):
            self.assertFalse(look({"MLmodel": text})["ok"], text)


class HuggingFace(unittest.TestCase):
    FILES: Files = {
        "config.json": json.dumps(
            {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "transformers_version": "4.44.2"}
        ),
        "tokenizer.json": "{}",
        "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
    }

    def test_what_it_needs_is_told(self) -> None:
        found = look(self.FILES)
        self.assertEqual(found["format"], "huggingface", found)
        self.assertEqual(found["modelClass"], "transformers.BertForSequenceClassification")
        self.assertEqual(found["requirements"], ["transformers==4.44.2", "torch"])

    def test_with_onnx_weights_torch_is_not_needed(self) -> None:
        found = look({**self.FILES, "onnx/model.onnx": b"x"})
        self.assertEqual(found["requirements"], ["onnxruntime", "tokenizers"])

    def test_a_missing_tokenizer_is_told(self) -> None:
        files = {name: data for name, data in self.FILES.items() if name != "tokenizer.json"}
        self.assertEqual([entry["what"] for entry in look(files)["missing"]], ["the tokenizer"])

    def test_code_that_it_asks_for_is_told(self) -> None:
        config = json.dumps({"model_type": "own", "auto_map": {"AutoModel": "own.Model"}})
        self.assertEqual(look({**self.FILES, "config.json": config})["dangers"][0]["severity"], "suspicious")


class Code(unittest.TestCase):
    def test_functions_imports_and_python_are_read_from_the_text(self) -> None:
        found = look(
            {
                "model.py": "import json\nfrom PIL import Image\nimport features\n\n"
                "def load(path):\n    return 1\n\nasync def predict(model, data, limit=3):\n    return data\n",
                "features/__init__.py": "import numpy as np\nfrom . import more\n",
                ".python-version": "3.12.4\n",
            }
        )
        self.assertEqual(found["requirements"], ["pillow", "numpy"])
        self.assertEqual(found["missing"], [])
        self.assertEqual(found["pythonVersion"], "3.12")
        self.assertEqual((found["details"]["load"], found["details"]["predict"]), ("model.py:5", "model.py:8"))

    def test_what_is_not_there_or_takes_something_else_is_missing(self) -> None:
        found = look({"model.py": "def load():\n    return 1\n"})
        self.assertEqual(
            [entry["what"] for entry in found["missing"]],
            ["load(path) in model.py", "predict(model, data) in model.py"],
        )
        self.assertIn("model.py:1", found["missing"][0]["why"])

    def test_an_error_names_its_line(self) -> None:
        self.assertIn("model.py:2", look({"model.py": "x = 1\ndef load(:\n"})["problem"]["detail"])

    def test_its_own_requirements_are_what_counts(self) -> None:
        files = {
            "model.py": "import numpy\ndef load(p): ...\ndef predict(m, d): ...\n",
            "requirements.txt": "numpy==1.26\n",
        }
        self.assertEqual(look(files)["requirements"], ["numpy==1.26"])


class Others(unittest.TestCase):
    def test_a_folder_says_what_to_hand_over_instead(self) -> None:
        cases: "list[tuple[Any, str]]" = [
            ({"model/MLmodel": MLMODEL}, "one folder within, model"),
            ({"saved_model.pb": b"x", "variables/a": b"x"}, "SavedModel"),
            ({"data/model.pkl": b"x", "readme": b"x"}, "data/model.pkl"),
            ({"notes.txt": b"x", "a.csv": b"x"}, "no MLmodel, no model.py"),
            (tar_of({}, {"link": "/etc/passwd"}), "no file"),
        ]
        for content, words in cases:
            self.assertIn(words, look(content)["problem"]["detail"])

    def test_links_and_paths_out_of_a_tar_file_are_left_out(self) -> None:
        files = mlflow()
        found = look(tar_of({**files, "../outside.pkl": b"x"}, {"link.pkl": "/etc/passwd"}))
        self.assertTrue(found["ok"])
        self.assertEqual(found["details"]["files"], len(files))
