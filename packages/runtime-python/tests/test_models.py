"""From a fitted object to equal answers, with the real libraries. What is not installed is skipped."""

from __future__ import annotations

import importlib.util
import os
import pickle
import shutil
import tempfile
import unittest
from collections.abc import Sequence
from typing import Any

from muster_runtime import frames
from muster_runtime.loaders import load_model
from muster_runtime.numbers import from_array, has_numpy, to_array
from muster_runtime.tensors import Tensor, pack_texts, read_tensors

from .proved_model import ProvedModel, table_tensors
from .runner_child import LinkClient, RunnerChild, prove


def needs(*modules: str) -> Any:
    """Skips where a library is not there."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return unittest.skipIf(bool(missing), "not installed: " + ", ".join(missing))


@unittest.skipUnless(has_numpy(), "numpy is not here")
class ModelsTest(unittest.TestCase):
    folder: str
    runner: RunnerChild
    client: LinkClient

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.mkdtemp()
        cls.runner = RunnerChild()
        cls.client = cls.runner.connect()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.client.sock.close()
        cls.runner.__exit__()
        shutil.rmtree(cls.folder)

    def path(self, name: str) -> str:
        return os.path.join(self.folder, name)

    def pickled(self, name: str, model: Any) -> str:
        with open(self.path(name), "wb") as file:
            pickle.dump(model, file)
        return self.path(name)

    def proved(
        self, file: str, kind: str, inputs: Sequence[Tensor] | None = None, is_table: bool = True
    ) -> ProvedModel:
        return ProvedModel(self.client, file, kind, inputs, is_table)

    def customers(self) -> Any:
        import numpy
        import pandas

        random = numpy.random.default_rng(7)
        frame = pandas.DataFrame(
            {
                "age": random.integers(18, 80, 120).astype(float),
                "income": random.normal(50, 10, 120),
                "city": random.choice(["Bern", "Genf", "Zürich"], 120),
            }
        )
        frame.loc[frame.index % 9 == 0, "income"] = numpy.nan
        frame.loc[frame.index % 7 == 0, "city"] = None
        return frame

    def numbers(self) -> tuple[Any, Any]:
        import numpy

        matrix = numpy.random.default_rng(3).normal(size=(200, 5))
        return matrix, (matrix[:, 0] + matrix[:, 1] > 0).astype(int)

    def assert_classified(self, proved: ProvedModel, model: Any, rows: Any) -> None:
        answer = proved.answer()
        label = model.predict(rows)
        self.assertEqual(list(answer["label"]), list(label.ravel()))
        self.assertEqual(answer["probabilities"].tolist(), model.predict_proba(rows).tolist())
        self.assertEqual(proved.proof["signature"]["primary"], "label")
        self.assertEqual(proved.proof["signature"]["labels"], [str(name) for name in model.classes_])
        self.assertEqual(list(proved.answer(["label"])), ["label"])
        self.assertEqual(list(proved.answer(["probabilities", "label"])), ["probabilities", "label"])

    @needs("sklearn", "pandas", "skops")
    def test_a_pipeline_with_texts_and_gaps_answers_as_at_home(self) -> None:
        import skops.io
        from sklearn.compose import ColumnTransformer
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        rows = self.customers()
        numeric = make_pipeline(SimpleImputer(), StandardScaler())
        texts = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
        columns = ColumnTransformer([("n", numeric, ["age", "income"]), ("t", texts, ["city"])])
        model = make_pipeline(columns, RandomForestClassifier(10, n_jobs=-1, random_state=0))
        model.fit(rows, ["stay" if age > 40 else "churn" for age in rows.age])
        head = rows.head(10)
        file = self.pickled("pipeline.pkl", model)
        skops.io.dump(model, self.path("pipeline.skops"))
        for path, kind in ((file, "pickle"), (self.path("pipeline.skops"), "skops")):
            proved = self.proved(path, kind, table_tensors(head))
            self.assert_classified(proved, model, head)
            expected = [("age", "FP64", [-1]), ("income", "FP64", [-1]), ("city", "BYTES", [-1])]
            self.assertEqual(proved.spec("inputs"), expected)
            self.assertTrue(proved.proof["isTable"])
        # Columns that the model was not fitted on are left out, whatever their order.
        more = head.assign(target="stay")[["target", "city", "income", "age"]]
        proved = self.proved(self.pickled("again.pkl", model), "pickle", table_tensors(more))
        self.assertEqual([spec["name"] for spec in proved.proof["signature"]["inputs"]], ["age", "income", "city"])
        self.assertIn("target", proved.proof["adaptations"][0])
        # Without rows nobody can know which of its columns are texts.
        self.assertEqual(prove(file, "pickle")["problem"]["code"], "sample_needed")

    @needs("sklearn", "joblib")
    def test_a_compressed_joblib_tells_what_it_takes_itself(self) -> None:
        import joblib
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LinearRegression

        matrix, target = self.numbers()
        model = LinearRegression().fit(matrix, matrix[:, 0])
        for method in ("zlib", "gzip", "bz2", "xz", "lzma"):
            joblib.dump(model, self.path("linear." + method), compress=(method, 3))
            loaded = load_model(self.path("linear." + method), "joblib")
            self.assertEqual(loaded.answer(matrix, None)["prediction"].tolist(), model.predict(matrix).tolist())
        proved = self.proved(self.path("linear.xz"), "joblib")
        self.assertEqual(proved.spec("inputs"), [("input", "FP64", [-1, 5])])
        self.assertEqual(proved.spec("outputs"), [("prediction", "FP64", [-1])])
        model = HistGradientBoostingClassifier(max_iter=5).fit(matrix, target)
        proved = self.proved(self.pickled("hist.pkl", model), "pickle", [from_array("input", matrix[:6])], False)
        self.assert_classified(proved, model, matrix[:6])

    @needs("sklearn")
    def test_a_text_pipeline_takes_texts(self) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        texts = ["good day", "bad night", "good night", "bad day"] * 5
        model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["+", "-", "+", "-"] * 5)
        sample = [Tensor("text", "BYTES", (2,), pack_texts(texts[:2]))]
        proved = self.proved(self.pickled("text.pkl", model), "pickle", sample, False)
        self.assert_classified(proved, model, texts[:2])
        self.assertEqual(
            self.proved(self.pickled("text2.pkl", model), "pickle").spec("inputs"), [("text", "BYTES", [-1])]
        )

    @needs("sklearn", "xgboost", "pandas")
    def test_xgboost_in_each_of_its_forms(self) -> None:
        import pandas
        import xgboost

        matrix, target = self.numbers()
        model = xgboost.XGBClassifier(n_estimators=5).fit(matrix, target)
        model.save_model(self.path("wrapped.json"))
        model.save_model(self.path("wrapped.ubj"))
        rows = [from_array("input", matrix[:6])]
        for path, kind in (
            (self.pickled("xgb.pkl", model), "pickle"),
            (self.path("wrapped.json"), "xgboost"),
            (self.path("wrapped.ubj"), "xgboost"),
        ):
            self.assert_classified(self.proved(path, kind, rows, False), model, matrix[:6])
        frame = pandas.DataFrame(matrix, columns=list("abcde"))
        booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(frame, target), 5)
        for suffix in ("json", "ubj"):
            booster.save_model(self.path("booster." + suffix))
            proved = self.proved(self.path("booster." + suffix), "xgboost", table_tensors(frame.head(6)))
            expected = booster.predict(xgboost.DMatrix(frame.head(6)))
            self.assertEqual(proved.answer()["prediction"].tolist(), expected.tolist())
            self.assertEqual(proved.proof["signature"]["features"], list("abcde"))

    @needs("sklearn", "lightgbm", "xgboost", "pandas")
    def test_boosters_get_their_categories_back(self) -> None:
        import lightgbm
        import xgboost

        rows = self.customers()
        rows["city"] = rows.city.astype("category")
        target = (rows.age > 40).astype(int)
        head = rows.head(10)
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(rows, target)
        self.assert_classified(self.proved(self.pickled("lgb.pkl", model), "pickle", table_tensors(head)), model, head)
        model.booster_.save_model(self.path("lgb.txt"))
        proved = self.proved(self.path("lgb.txt"), "lightgbm", table_tensors(head))
        self.assertEqual(proved.answer()["prediction"].tolist(), model.booster_.predict(head).tolist())
        self.assertEqual(proved.spec("outputs"), [("prediction", "FP64", [-1])])
        other = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(rows, target)
        other.save_model(self.path("cat.ubj"))
        for path, kind in ((self.pickled("xgbcat.pkl", other), "pickle"), (self.path("cat.ubj"), "xgboost")):
            self.assert_classified(self.proved(path, kind, table_tensors(head)), other, head)

    @needs("catboost", "pandas")
    def test_catboost_gets_its_texts_as_texts(self) -> None:
        import catboost

        rows = self.customers()
        rows["city"] = rows.city.fillna("nan")
        options = {"iterations": 5, "verbose": 0, "cat_features": ["city"], "allow_writing_files": False}
        model = catboost.CatBoostClassifier(**options).fit(rows, ["a" if age > 40 else "b" for age in rows.age])
        model.save_model(self.path("model.cbm"))
        head = rows.head(10)
        for path, kind in ((self.pickled("cat.pkl", model), "pickle"), (self.path("model.cbm"), "catboost")):
            proved = self.proved(path, kind, table_tensors(head.replace({"city": {"nan": None}})))
            self.assert_classified(proved, model, head)
        matrix, target = self.numbers()
        regressor = catboost.CatBoostRegressor(iterations=5, verbose=0, allow_writing_files=False).fit(matrix, target)
        regressor.save_model(self.path("reg.cbm"))
        proved = self.proved(self.path("reg.cbm"), "catboost", [from_array("input", matrix[:4])], False)
        self.assertEqual(proved.answer()["prediction"].tolist(), regressor.predict(matrix[:4]).tolist())

    @needs("cloudpickle", "pandas")
    def test_a_class_of_the_owner_travels_by_cloudpickle(self) -> None:
        import cloudpickle

        rows = self.customers().head(6)
        source = (
            "import pandas\n"
            "class Own:\n"
            "    def predict(self, rows):\n"
            "        return pandas.DataFrame({'twice': rows['age'] * 2, 'city': rows['city'].str.upper()})\n"
            "class Mixing:\n"
            "    def predict(self, rows):\n"
            "        return rows['age'].rank().to_numpy()\n"
            "class Total:\n"
            "    def predict(self, rows):\n"
            "        return {'total': float(rows['age'].sum())}\n"
            "import random\n"
            "class Dice:\n"
            "    def predict(self, rows):\n"
            "        return [random.random() for _ in range(len(rows))]\n"
        )
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(source, names)
        made: dict[str, ProvedModel | dict[str, Any]] = {}
        for name in ("Own", "Mixing", "Total", "Dice"):
            with open(self.path(name + ".pkl"), "wb") as file:
                cloudpickle.dump(names[name](), file)
            if name != "Dice":
                made[name] = self.proved(self.path(name + ".pkl"), "pickle", table_tensors(rows))
        own = made["Own"]
        assert isinstance(own, ProvedModel)
        answer = own.answer()
        self.assertEqual(answer["twice"].tolist(), (rows.age * 2).tolist())
        self.assertEqual(answer["city"], [None if city != city or city is None else city.upper() for city in rows.city])
        self.assertNotIn("mixesRows", own.proof["signature"])
        # What depends on other rows, or is about all of them, may not share a run.
        for name in ("Mixing", "Total"):
            mixing = made[name]
            assert isinstance(mixing, ProvedModel)
            self.assertTrue(mixing.proof["signature"]["mixesRows"])
        # What is by chance is not compared with its sample.
        proof = prove(self.path("Dice.pkl"), "pickle", self.path("Own.pkl.sample"))
        self.assertEqual(proof["sample"]["outputs"], [])
        self.assertNotIn("mixesRows", proof["signature"])

    @needs("mlflow", "sklearn", "pandas")
    def test_model_folders_of_mlflow(self) -> None:
        import mlflow
        from sklearn.compose import ColumnTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        rows = self.customers().drop(columns="income")
        rows["city"] = rows.city.fillna("Bern")
        model = make_pipeline(
            ColumnTransformer([("t", OneHotEncoder(), ["city"])], remainder="passthrough"), LogisticRegression()
        )
        model.fit(rows, rows.age > 40)
        signature = mlflow.models.infer_signature(rows, model.predict(rows))
        mlflow.sklearn.save_model(model, self.path("flavour"), signature=signature, input_example=rows.head(3))
        proved = self.proved(self.tar("flavour"), "mlflow")
        self.assert_classified(proved, model, rows.head(3))
        with open(self.path("own.py"), "w") as file:
            file.write(
                "import mlflow\n"
                "class Own(mlflow.pyfunc.PythonModel):\n"
                "    def predict(self, context, model_input, params=None):\n"
                "        return model_input['age'] * 2\n"
                "mlflow.models.set_model(Own())\n"
            )
        mlflow.pyfunc.save_model(self.path("pyfunc"), python_model=self.path("own.py"), signature=signature)
        proved = self.proved(self.tar("pyfunc"), "mlflow", table_tensors(rows.head(4)))
        self.assertEqual(proved.answer()["prediction"].tolist(), (rows.age.head(4) * 2).tolist())

    @needs("mlflow", "sklearn", "pandas")
    def test_columns_that_a_model_folder_calls_optional(self) -> None:
        import mlflow
        from sklearn.compose import ColumnTransformer
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder

        rows = self.customers()
        rows.loc[rows.index[:2], "age"] = float("nan")
        columns = ColumnTransformer(
            [
                ("texts", OneHotEncoder(handle_unknown="ignore"), ["city"]),
                ("numbers", SimpleImputer(), [name for name in rows.columns if name != "city"]),
            ]
        )
        model = make_pipeline(columns, LogisticRegression()).fit(rows, [index % 2 for index in range(len(rows))])
        # Because of the gaps MLflow writes "required: false", and nobody gave an example.
        signature = mlflow.models.infer_signature(rows, model.predict(rows))
        path = self.path("gaps")
        mlflow.sklearn.save_model(model, path, signature=signature, serialization_format="cloudpickle")
        proved = self.proved(self.tar("gaps"), "mlflow")
        specs = {spec["name"]: spec for spec in proved.proof["signature"]["inputs"]}
        self.assertTrue(specs["age"]["optional"])
        self.assertEqual(set(specs), set(rows.columns))
        # Left out, the column is there with nothing in it, as a data frame of such rows has it.
        given = [tensor for tensor in table_tensors(rows.head(3)) if tensor.name != "age"]
        header = {"replica": proved.replica, "inputs": [tensor.header() for tensor in given]}
        frame = self.client.ask(frames.INFER, header, [bytes(tensor.data) for tensor in given])
        self.assertEqual(frame.kind, frames.RESULT, frame.header)
        answered = {tensor.name: tensor for tensor in read_tensors(frame.header["outputs"], frame.payload)}
        expected = model.predict(rows.head(3).assign(age=float("nan")))
        self.assertEqual(to_array(answered["label"]).tolist(), expected.tolist())

    def tar(self, name: str) -> str:
        import tarfile

        with tarfile.open(self.path(name + ".tar"), "w") as archive:
            archive.add(self.path(name), arcname=".")
        return self.path(name + ".tar")


if __name__ == "__main__":
    unittest.main()
