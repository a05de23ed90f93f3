"""Formats other than pickles, and what is no model at all."""

from __future__ import annotations

import io
import json
import unittest
import zipfile
from typing import Any, Dict, Union

from muster_look.simple_yaml import YamlError, read_yaml

from .made import look


def zip_of(files: Dict[str, Union[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


class Boosters(unittest.TestCase):
    LEARNER = {
        "feature_names": ["age", "income"],
        "learner_model_param": {"num_feature": "2"},
        "objective": {"name": "binary:logistic"},
    }

    def test_xgboost_as_json(self) -> None:
        found = look(json.dumps({"learner": self.LEARNER, "version": [2, 1, 4]}).encode())
        self.assertEqual((found["format"], found["producer"]), ("xgboost", "xgboost 2.1.4"))
        self.assertEqual(
            found["details"], {"features": ["age", "income"], "featureCount": 2, "objective": "binary:logistic"}
        )

    def test_xgboost_as_ubj(self) -> None:
        def key(text: str) -> bytes:
            return b"L" + len(text).to_bytes(8, "big") + text.encode()

        weights = b"[$d#L" + (1000).to_bytes(8, "big") + bytes(4000)
        data = b"{" + key("learner") + b"{" + key("objective") + b"{" + key("name") + b"S" + key("reg:squarederror")
        data += (
            b"}"
            + key("weights")
            + weights
            + b"}"
            + key("version")
            + b"[#L"
            + (3).to_bytes(8, "big")
            + b"i\x01i\x07i\x06}"
        )
        found = look(data)
        self.assertEqual(found["requirements"], ["xgboost==1.7.6"], found)
        self.assertEqual(found["details"]["objective"], "reg:squarederror")
        self.assertFalse(look(data[:-30])["ok"])

    def test_lightgbm(self) -> None:
        text = b"tree\nversion=v4\nobjective=binary sigmoid:1\nfeature_names=age income\n\nTree=0\nend of trees\n"
        found = look(text)
        self.assertEqual((found["format"], found["requirements"]), ("lightgbm", ["lightgbm"]))
        self.assertEqual(found["details"]["features"], ["age", "income"])
        self.assertIn("cut off", look(text[:60])["problem"]["detail"])

    def test_catboost(self) -> None:
        body = b"..Summary: CatBoost release 1.2.7. commit.." + b'{"loss_function":{"type":"Logloss"}}'
        found = look(b"CBM1" + len(body).to_bytes(4, "little") + body)
        self.assertEqual(found["requirements"], ["catboost==1.2.7"])
        self.assertIn("cut off", look(b"CBM1" + (10_000).to_bytes(4, "little") + body)["problem"]["detail"])


class Archives(unittest.TestCase):
    def schema(self, **more: Any) -> Dict[str, Any]:
        version = {"__class__": "str", "__module__": "builtins", "content": '"1.5.2"', "is_json": True}
        content = {"__class__": "dict", "__module__": "builtins", "content": {"_sklearn_version": version, **more}}
        return {"__class__": "Pipeline", "__module__": "sklearn.pipeline", "content": content, "_skops_version": "0.11"}

    def test_skops(self) -> None:
        found = look(zip_of({"schema.json": json.dumps(self.schema())}))
        self.assertEqual((found["format"], found["modelClass"]), ("skops", "sklearn.pipeline.Pipeline"))
        self.assertEqual(found["requirements"], ["scikit-learn==1.5.2", "skops>=0.11"])

    def test_types_of_ones_own_in_skops_are_missing(self) -> None:
        own = {"__class__": "Scaler", "__module__": "own_code", "content": {}}
        found = look(zip_of({"schema.json": json.dumps(self.schema(scaler=own))}))
        self.assertEqual([entry["what"] for entry in found["missing"]], ["own_code"])

    def test_what_cannot_be_served_says_what_to_do(self) -> None:
        torch = look(
            zip_of({"archive/data.pkl": b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n.", "archive/version": "3"})
        )
        keras = look(
            zip_of({"config.json": "{}", "metadata.json": '{"keras_version": "3.4.1"}', "model.weights.h5": ""})
        )
        self.assertEqual((torch["format"], torch["missing"][0]["kind"]), (None, "export"))
        self.assertEqual(keras["producer"], "keras 3.4.1")
        for found in (torch, keras):
            self.assertIn("ONNX", found["missing"][0]["remedy"])

    def test_safetensors_alone_is_weights_only(self) -> None:
        header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}).encode()
        found = look(len(header).to_bytes(8, "little") + header + bytes(24))
        self.assertEqual((found["details"]["parameters"], found["runtime"]), (6, None))


class NoModels(unittest.TestCase):
    def test_what_a_file_seems_to_be_is_said(self) -> None:
        for content, words in (
            (b"", "empty"),
            (b"PAR1 and more", "Parquet"),
            (b"\x89HDF\r\n\x1a\n....", "Keras"),
            (b"<html><body>404", "web page"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "Git LFS"),
            (b"import numpy\n\nclass A:\n    pass\n", "Python code"),
            (b"age,income\n1,2\n", "text"),
            (b'{"a": 1}', "JSON with the keys a"),
            (b"\x93NUMPY\x01\x00", "NumPy"),
            (bytes(range(256)), "no kind that is known"),
        ):
            self.assertIn(words, look(content)["problem"]["detail"])

    def test_onnx_is_told_by_its_fields(self) -> None:
        model = b"\x08\x08\x12\x04made\x3a\x05\x0a\x03abc\x42\x02\x10\x11"
        self.assertEqual(look(model)["runtime"], "onnx")
        self.assertFalse(look(b"\x08\x08\x12\x04made")["ok"])


class Yaml(unittest.TestCase):
    def test_what_mlflow_writes_is_read(self) -> None:
        text = (
            "a: 1\nb: 'it''s'\nc: \"x\\n\\u00e9\"\nd:\n- one\n- two: 2\n  three: [1, 2]\ne: {}\nf: 3.10\ng: null\n"
            "h: 'folded\n  over lines'\ni: >-\n  words\n  more\nj: true\n"
        )
        self.assertEqual(
            read_yaml(text),
            {
                "a": 1, "b": "it's", "c": "x\né", "d": ["one", {"two": 2, "three": [1, 2]}], "e": {}, "f": "3.10",
                "g": None, "h": "folded over lines", "i": "words more", "j": True,
            },
        )  # fmt: skip

    def test_what_is_beyond_is_refused(self) -> None:
        for text in ("a: *b", "a: !!python/object:os.system x", "a: 'x", "a\n", "a: 1\n   b: 2\n", "- " * 100 + "x"):
            with self.assertRaises(YamlError, msg=text):
                read_yaml(text)
