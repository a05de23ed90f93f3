"""What pickles, joblib files and cloudpickle files tell of themselves."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import pickle
import sys
import types
import unittest
import zlib
from typing import Any, List

from .made import Array, class_of, instance, joblib_dump, look


def pipeline(*steps: Any) -> Any:
    named = [(f"step{at}", step) for at, step in enumerate(steps)]
    return instance("sklearn.pipeline.Pipeline", steps=named, _sklearn_version="1.5.2")


class Pickles(unittest.TestCase):
    def test_class_library_and_version_are_told_in_every_protocol(self) -> None:
        model = pipeline(instance("sklearn.linear_model._logistic.LogisticRegression", n_features_in_=3, C=1.0))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            found = look(pickle.dumps(model, protocol=protocol))
            self.assertEqual(found["format"], "pickle", found)
            self.assertEqual(found["modelClass"], "sklearn.pipeline.Pipeline")
            self.assertEqual(found["producer"], "scikit-learn 1.5.2")
            self.assertEqual(found["requirements"], ["scikit-learn==1.5.2"])
            self.assertTrue(found["hasSignature"])
            self.assertEqual(found["missing"], [])

    def test_a_version_that_is_none_gets_into_no_requirement(self) -> None:
        for version in ("1.5.2 @ https://example.com/a.whl", "1.6.dev0", "1.5.2\nevil", "", "x" * 5000):
            found = look(pickle.dumps(instance("sklearn.tree.Tree", _sklearn_version=version)))
            self.assertEqual(found["requirements"], ["scikit-learn"])

    def test_the_class_at_the_top_is_the_one_that_is_made_last(self) -> None:
        inner = instance("sklearn.ensemble._forest.RandomForestClassifier", _sklearn_version="1.4.0")
        outer = instance("sklearn.model_selection._search.GridSearchCV", best_estimator_=inner, shared=[inner, inner])
        found = look(pickle.dumps(outer))
        self.assertEqual(found["modelClass"], "sklearn.model_selection._search.GridSearchCV")

    def test_a_class_of_a_notebook_is_missing(self) -> None:
        found = look(b"\x80\x04\x8c\x08__main__\x94\x8c\x05Churn\x94\x93\x94)\x81\x94.")
        self.assertEqual([entry["what"] for entry in found["missing"]], ["__main__.Churn"])
        self.assertEqual(found["missing"][0]["kind"], "code")

    def test_a_module_that_nobody_knows_is_asked_for_and_never_required(self) -> None:
        found = look(pickle.dumps(instance("own_features.Scaler", a=1)))
        self.assertEqual(found["requirements"], [])
        self.assertEqual(
            [(entry["kind"], entry["what"]) for entry in found["missing"]], [("requirement", "own_features")]
        )

    def test_a_value_that_is_no_model_is_told(self) -> None:
        found = look(pickle.dumps({"model": pipeline(), "threshold": 0.5}))
        self.assertEqual(found["modelClass"], "builtins.dict")
        self.assertIn("model, threshold", found["missing"][0]["why"])

    def test_a_model_that_was_fitted_on_a_table_needs_pandas(self) -> None:
        found = look(pickle.dumps(pipeline(instance("sklearn.compose._column_transformer.ColumnTransformer", a=1))))
        self.assertIn("pandas", found["requirements"])
        self.assertFalse(found["hasSignature"])

    def test_where_arrays_come_from_bounds_numpy(self) -> None:
        for module, bound in (("numpy._core.multiarray", "numpy>=2"), ("numpy.core.multiarray", "numpy<2")):
            model = instance("sklearn.tree.Tree", values=class_of(f"{module}._reconstruct"))
            self.assertIn(bound, look(pickle.dumps(model))["requirements"])

    def test_the_version_of_a_booster_is_in_its_buffer(self) -> None:
        ubj = b"{L" + (7).to_bytes(8, "big") + b"learner{}L" + (7).to_bytes(8, "big") + b"version[#L"
        ubj += (3).to_bytes(8, "big") + b"i\x02i\x01i\x04}"
        for padding in (0, 200_000):
            booster = instance("xgboost.core.Booster", handle=bytearray(bytes(padding) + ubj))
            found = look(pickle.dumps(booster, protocol=4))
            self.assertIn(found["requirements"], (["xgboost-cpu==2.1.4"], ["xgboost==2.1.4"]))
            self.assertEqual(found["producer"], "xgboost 2.1.4")

    def test_what_a_pickle_would_do_is_never_done(self) -> None:
        class Evil:
            def __reduce__(self) -> Any:
                return os.mkdir, ("/tmp/muster-look-was-here",)

        found = look(pickle.dumps(Evil()))
        self.assertTrue(found["ok"])
        self.assertFalse(os.path.exists("/tmp/muster-look-was-here"))


class ByValue(unittest.TestCase):
    """Classes and functions that are in the file itself, as cloudpickle writes them."""

    SKELETON = (
        b"ccloudpickle.cloudpickle\n_make_skeleton_class\n(cbuiltins\ntype\nVChurn\n(t}V__module__\nV__main__\nsNNtR"
    )

    def test_a_class_that_is_in_the_file_is_not_missing(self) -> None:
        found = look(b"\x80\x02" + self.SKELETON + b")\x81.")
        self.assertEqual((found["modelClass"], found["producer"]), ("__main__.Churn", "cloudpickle"))
        self.assertEqual(found["requirements"], ["cloudpickle"])
        self.assertEqual(found["missing"], [])

    @unittest.skipIf(sys.version_info < (3, 11), "code tells its Python from 3.11 on")
    def test_code_tells_the_python_that_compiled_it_and_what_it_imports(self) -> None:
        def predict(data: Any) -> Any:
            import scipy  # type: ignore[import-not-found,import-untyped,unused-ignore]

            return scipy.stats.rankdata(data)

        def build() -> Any:
            yield from ()

        for function, modules in ((predict, ["cloudpickle", "scipy"]), (build, ["cloudpickle"])):
            code = function.__code__
            arguments = (
                *(code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_nlocals),
                *(code.co_stacksize, code.co_flags, code.co_code, (), code.co_names, code.co_varnames),
                *(code.co_filename, code.co_name, code.co_qualname, code.co_firstlineno),  # type: ignore[attr-defined,unused-ignore]
                *(b"", b"", code.co_freevars, code.co_cellvars),
            )
            made = b"ccloudpickle.cloudpickle\n_builtin_type\n(VCodeType\ntR" + pickle.dumps(arguments, 3)[2:-1] + b"R"
            found = look(b"\x80\x03" + made + b"0" + self.SKELETON + b")\x81.")
            self.assertEqual(found["pythonVersion"], "%d.%d" % sys.version_info[:2])
            self.assertEqual(found["modules"], modules)


class Joblib(unittest.TestCase):
    #: Bytes that would be instructions, were they read as such.
    TRAP = b"cos\nsystem\n(S'x'\ntR." + bytes(range(256)) * 4

    def test_bytes_of_arrays_are_no_instructions(self) -> None:
        array = Array("f8", self.TRAP.ljust(1200, b"."), 150)
        text = Array("U3", b"\x80\x04." * 8, 2)
        model = pipeline(instance("sklearn.tree.Tree", first=array, second=text, n_features_in_=2))
        found = look(joblib_dump(model))
        self.assertEqual(found["format"], "joblib", found)
        self.assertEqual(found["modelClass"], "sklearn.pipeline.Pipeline")
        self.assertNotIn("os", str(found["modules"]))
        self.assertIn("scikit-learn==1.5.2", found["requirements"])

    def test_an_array_of_objects_is_a_pickle_of_its_own(self) -> None:
        names = Array("O8", ["age", "income"], 2)
        found = look(joblib_dump(pipeline(instance("own_code.Thing", names=names, after=Array("i4", bytes(8), 2)))))
        self.assertEqual(found["format"], "joblib", found)
        self.assertIn("own_code", found["modules"])

    def test_every_compression_of_joblib_is_read(self) -> None:
        plain = joblib_dump(pipeline(instance("sklearn.tree.Tree", values=Array("f8", self.TRAP[:800], 100))))
        for name, packed in {
            "zlib": zlib.compress(plain),
            "gzip": gzip.compress(plain),
            "bz2": bz2.compress(plain),
            "lzma": lzma.compress(plain, format=lzma.FORMAT_ALONE),
            "xz": lzma.compress(plain),
        }.items():
            found = look(packed)
            self.assertEqual(found.get("producer"), "scikit-learn 1.5.2", (name, found))
            self.assertEqual(found["format"], "joblib")

    def test_lz4_is_refused_with_what_to_do(self) -> None:
        problem = look(b"\x04\x22\x4d\x18" + bytes(50))["problem"]
        self.assertIn("lz4", problem["detail"])
        self.assertIn("compress=3", problem["remedy"])


class Scanning(unittest.TestCase):
    """The list of dangers is the scanner's; it is shown the names and nothing else."""

    def setUp(self) -> None:
        seen: List[str] = []

        def scan_bytes(data: Any, place: str) -> Any:
            texts = [text for text in pickle_texts(data.read())]
            names = list(zip(texts[::2], texts[1::2]))
            seen.extend(f"{module}.{name}" for module, name in names)
            levels = {"posix": "dangerous", "os": "dangerous", "sklearn.pipeline": "suspicious", "own": "suspicious"}
            return types.SimpleNamespace(
                globals=[
                    types.SimpleNamespace(
                        module=module, name=name, safety=types.SimpleNamespace(value=levels.get(module, "innocuous"))
                    )
                    for module, name in names
                ]
            )

        self.seen = seen
        package = types.ModuleType("picklescan")
        package.scanner = types.SimpleNamespace(scan_bytes=scan_bytes)  # type: ignore[attr-defined]
        self.before = sys.modules.get("picklescan")
        sys.modules["picklescan"] = package
        import importlib.metadata

        self.version = importlib.metadata.version
        importlib.metadata.version = lambda name: "1.0.5"  # type: ignore[assignment]

    def tearDown(self) -> None:
        import importlib.metadata

        importlib.metadata.version = self.version
        if self.before is None:
            del sys.modules["picklescan"]
        else:
            sys.modules["picklescan"] = self.before

    def test_dangers_are_told_with_the_scanner_that_found_them(self) -> None:
        found = look(b"cposix\nsystem\n(S'x'\ntR0cown\nthing\n0csklearn.pipeline\nPipeline\n.")
        self.assertEqual(
            found["dangers"],
            [{"severity": "suspicious", "what": "own.thing"}, {"severity": "dangerous", "what": "posix.system"}],
        )
        self.assertEqual(found["scanner"], "picklescan 1.0.5")

    def test_names_that_hide_in_the_memo_or_behind_an_array_are_shown(self) -> None:
        hidden = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x940" + b"h\x00h\x01\x93."
        look(hidden)
        self.assertEqual(self.seen, ["posix.system"])
        self.seen.clear()

        class Evil:
            def __reduce__(self) -> Any:
                return os.system, ("true",)

        look(joblib_dump({"a": Array("f8", b"." * 80, 10), "b": Array("O8", [Evil()], 1), "c": Evil()}))
        self.assertEqual([name for name in self.seen if "system" in name], ["posix.system"])

    def test_a_name_that_is_put_together_is_dangerous_itself(self) -> None:
        found = look(b"\x80\x04K\x01\x8c\x06system\x93.")
        self.assertEqual(found["dangers"][0]["severity"], "dangerous")

    def test_pickles_beside_the_model_are_scanned_too(self) -> None:
        files = {"model.py": "def load(path): ...\ndef predict(model, data): ...\n", "a/b.pkl": b"cposix\nsystem\n."}
        found = look(files)
        self.assertIn({"severity": "dangerous", "what": "posix.system in a/b.pkl"}, found["dangers"])


def pickle_texts(data: bytes) -> List[str]:
    import pickletools

    return [argument for opcode, argument, _ in pickletools.genops(data) if opcode.name == "BINUNICODE"]
