"""Fits a model with each library and writes what it is handed over with, and what it answers at home.

    python models.py FOLDER [NAME …]

FOLDER/NAME/ gets the model (a file or a folder), a few rows as sample, `rows.json` with rows that no sample holds,
and `expected.json` with the library's own answers for them.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 7


def churn_data(count: int = 600) -> tuple[pd.DataFrame, np.ndarray]:
    """Customers with numbers that are sometimes missing, and texts that are too."""
    random = np.random.default_rng(SEED)
    frame = pd.DataFrame(
        {
            "age": random.integers(18, 90, count).astype(float),
            "income": random.normal(50_000, 15_000, count).round(2),
            "plan": random.choice(["basic", "plus", "größte"], count),
            "city": random.choice(["Ulm", "Köln", "São Paulo"], count),
            "calls": random.poisson(3, count).astype(float),
        }
    )
    frame.loc[random.random(count) < 0.1, "income"] = np.nan
    frame.loc[random.random(count) < 0.1, "city"] = None
    score = (frame["age"] < 40).astype(float) + (frame["plan"] == "basic") + frame["calls"] / 5 + random.normal(0, 0.4, count)
    return frame, np.where(score > 1.4, "leaves", "stays")


def numbers(count: int = 600, width: int = 8) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(SEED)
    matrix = random.normal(size=(count, width))
    target = (matrix[:, 0] * 2 - matrix[:, 1] ** 2 + matrix[:, 2] + random.normal(0, 0.3, count) > 0).astype(int)
    return pd.DataFrame(matrix, columns=[f"x{i}" for i in range(width)]), target


class Writer:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self.folder / name

    def facts(self, rows: object, expected: dict[str, object], **deploy: object) -> None:
        """`expected` is by output, one value a row; `deploy` is what its owner says at the hand-over."""
        (self.folder / "rows.json").write_text(json.dumps(rows, allow_nan=False))
        (self.folder / "expected.json").write_text(json.dumps(expected, allow_nan=False))
        (self.folder / "deploy.json").write_text(json.dumps(deploy))


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [
        {name: None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict(orient="records")
    ]


def classified(model: object, rows: object) -> dict[str, object]:
    return {
        "label": np.asarray(model.predict(rows)).ravel().tolist(),
        "probabilities": np.asarray(model.predict_proba(rows), dtype=float).tolist(),
    }


def churn_pipeline() -> tuple[object, pd.DataFrame]:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame, target = churn_data()
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income", "calls"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["plan", "city"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=500))
    return model.fit(frame[:500], target[:500]), frame[500:]


def sklearn_pipeline(to: Writer) -> None:
    model, rest = churn_pipeline()
    to.path("model.pkl").write_bytes(pickle.dumps(model))
    rest[:5].to_csv(to.path("sample.csv"), index=False)
    to.facts(records(rest[5:]), classified(model, rest[5:]), file="model.pkl", sample="sample.csv", requirements="pandas==3.1.1,scikit-learn==1.9.1")


def joblib_forest(to: Writer) -> None:
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    frame, target = numbers()
    model = RandomForestClassifier(20, random_state=SEED).fit(frame[:500], target[:500])
    joblib.dump(model, to.path("model.joblib"), compress=3)
    # Names and number of its columns are in the file: no sample is needed, nor any requirement.
    to.facts(records(frame[500:]), classified(model, frame[500:]), file="model.joblib")


def skops_regressor(to: Writer) -> None:
    import skops.io
    from sklearn.ensemble import HistGradientBoostingRegressor

    frame, target = numbers()
    model = HistGradientBoostingRegressor(random_state=SEED).fit(frame[:500], target[:500])
    skops.io.dump(model, to.path("model.skops"))
    frame[:5].to_csv(to.path("sample.csv"), index=False)
    to.facts(
        records(frame[500:]),
        {"prediction": model.predict(frame[500:]).tolist()},
        file="model.skops",
        sample="sample.csv",
    )


def xgboost_pickle(to: Writer) -> None:
    from xgboost import XGBClassifier

    frame, target = numbers()
    model = XGBClassifier(n_estimators=30, max_depth=4).fit(frame[:500], target[:500])
    to.path("model.pkl").write_bytes(pickle.dumps(model))
    to.facts(
        records(frame[500:]),
        classified(model, frame[500:]),
        file="model.pkl",
        requirements="xgboost-cpu==3.2.0,scikit-learn==1.9.1,pandas==3.1.1",
    )


def xgboost_file(to: Writer) -> None:
    import xgboost

    frame, target = numbers()
    booster = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 4},
        xgboost.DMatrix(frame[:500], target[:500]),
        num_boost_round=30,
    )
    booster.save_model(to.path("model.ubj"))
    expected = booster.predict(xgboost.DMatrix(frame[500:])).astype(float).tolist()
    to.facts(records(frame[500:]), {"prediction": expected}, file="model.ubj", requirements="xgboost-cpu==3.2.0")


def xgboost_stopped_early(to: Writer) -> None:
    import xgboost

    frame, target = numbers()
    seen, held = xgboost.DMatrix(frame[:400], target[:400]), xgboost.DMatrix(frame[400:500], target[400:500])
    booster = xgboost.train(
        {"objective": "binary:logistic"}, seen, 100, evals=[(held, "held")], early_stopping_rounds=3, verbose_eval=False
    )
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    booster.save_model(to.path("model.json"))
    expected = booster.predict(xgboost.DMatrix(frame[500:])).astype(float).tolist()
    to.facts(records(frame[500:]), {"prediction": expected}, file="model.json", requirements="xgboost-cpu==3.2.0")


def lightgbm_pickle(to: Writer) -> None:
    import lightgbm

    frame, target = numbers()
    model = lightgbm.LGBMClassifier(n_estimators=30, verbose=-1).fit(frame[:500], target[:500])
    to.path("model.pkl").write_bytes(pickle.dumps(model))
    to.facts(
        records(frame[500:]),
        classified(model, frame[500:]),
        file="model.pkl",
        requirements="lightgbm==4.7.0,scikit-learn==1.9.1,pandas==3.1.1",
    )


def lightgbm_file(to: Writer) -> None:
    import lightgbm

    frame, target = numbers()
    model = lightgbm.LGBMClassifier(n_estimators=30, verbose=-1).fit(frame[:500], target[:500])
    model.booster_.save_model(to.path("model.txt"))
    expected = model.booster_.predict(frame[500:]).tolist()
    to.facts(records(frame[500:]), {"prediction": expected}, file="model.txt", requirements="lightgbm==4.7.0")


def catboost_file(to: Writer) -> None:
    from catboost import CatBoostClassifier

    frame, target = churn_data()
    frame = frame.assign(city=frame["city"].fillna("unknown"))
    model = CatBoostClassifier(iterations=40, depth=4, random_seed=SEED, verbose=False, allow_writing_files=False)
    model.fit(frame[:500], target[:500], cat_features=["plan", "city"])
    model.save_model(to.path("model.cbm"))
    frame[500:505].to_csv(to.path("sample.csv"), index=False)
    to.facts(
        records(frame[505:]),
        classified(model, frame[505:]),
        file="model.cbm",
        sample="sample.csv",
        requirements="catboost==1.2.10",
    )


def own_class(to: Writer) -> None:
    import cloudpickle

    class Discount:
        """Rules that somebody wrote down, with a fitted part."""

        def __init__(self, means: dict[str, float]) -> None:
            self.means = means

        def predict(self, frame: pd.DataFrame) -> np.ndarray:
            above = frame["income"].fillna(0) > self.means["income"]
            return np.where(above & (frame["plan"] == "plus"), 0.1, 0.0) + frame["calls"] / 100

    frame, _ = churn_data()
    model = Discount({"income": float(frame["income"].mean())})
    to.path("model.pkl").write_bytes(cloudpickle.dumps(model))
    frame[:5].to_csv(to.path("sample.csv"), index=False)
    to.facts(
        records(frame[500:]),
        {"prediction": model.predict(frame[500:]).tolist()},
        file="model.pkl",
        sample="sample.csv",
        requirements="cloudpickle==3.1.3,pandas==3.1.1",
    )


def text_pipeline(to: Writer) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    billing = ["invoice is wrong", "charged twice", "refund my payment", "the invoice shows VAT twice"]
    technical = ["app crashes", "cannot log in", "error on start", "the screen stays black"]
    texts = billing * 5 + technical * 5
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["billing"] * 20 + ["technical"] * 20)
    to.path("model.pkl").write_bytes(pickle.dumps(model))
    pd.DataFrame({"text": texts[:3]}).to_csv(to.path("sample.csv"), index=False)
    rows = ["Payment was charged twice, é", "the app shows an error", "", "日本語"]
    to.facts(
        [{"text": text} for text in rows],
        classified(model, rows),
        file="model.pkl",
        sample="sample.csv",
    )


def plain_folder(to: Writer) -> None:
    """Code without any library, and a file that it reads."""
    folder = to.path("greeter")
    folder.mkdir(exist_ok=True)
    (folder / "greetings.json").write_text(json.dumps({"de": "Guten Tag", "fr": "Bonjour"}))
    (folder / "model.py").write_text(
        '''import json
from pathlib import Path


def load(path):
    return json.loads((Path(path) / "greetings.json").read_text())


def predict(model, data):
    return [{"greeting": model.get(one.get("language"), "Hello"), "name": one["name"]} for one in data]
'''
    )
    rows = [{"language": "de", "name": "Ada"}, {"language": "fr", "name": "Zoé"}, {"name": "X"}]
    expected = [
        {"greeting": "Guten Tag", "name": "Ada"},
        {"greeting": "Bonjour", "name": "Zoé"},
        {"greeting": "Hello", "name": "X"},
    ]
    to.path("sample.jsonl").write_text(json.dumps(rows[0]) + "\n")
    to.facts([{"input": row} for row in rows], {"prediction": expected}, file="greeter", sample="sample.jsonl")


def mlflow_folder(to: Writer) -> None:
    import mlflow
    from mlflow.models import infer_signature

    model, rest = churn_pipeline()
    signature = infer_signature(rest, model.predict(rest))
    path = to.path("logged")
    # As `log_model` writes it, without a server.
    mlflow.sklearn.save_model(model, str(path), signature=signature, input_example=rest[:3], **without_skops())
    to.facts(records(rest), {"label": model.predict(rest).tolist()}, file="logged")


def without_skops() -> dict[str, object]:
    """Newer versions ask how to serialize; this is what most models in registries are."""
    import inspect

    import mlflow

    names = inspect.signature(mlflow.sklearn.save_model).parameters
    return {"serialization_format": "cloudpickle"} if "serialization_format" in names else {}


def mlflow_pyfunc(to: Writer) -> None:
    import mlflow
    from mlflow.models import infer_signature

    class Ratio(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):  # noqa: ANN001, ANN201, ARG002
            return pd.DataFrame({"ratio": model_input["calls"] / model_input["age"], "plan": model_input["plan"]})

    frame, _ = churn_data()
    frame = frame[["age", "calls", "plan"]]
    answer = Ratio().predict(None, frame)
    mlflow.pyfunc.save_model(
        str(to.path("logged")),
        python_model=Ratio(),
        signature=infer_signature(frame, answer),
        pip_requirements=[f"mlflow=={mlflow.__version__}", "cloudpickle", f"pandas=={pd.__version__}"],
    )
    rows = frame[500:]
    expected = Ratio().predict(None, rows)
    to.facts(records(rows), {name: expected[name].tolist() for name in expected}, file="logged")


MODELS = {
    "sklearn-pipeline": sklearn_pipeline,
    "joblib-forest": joblib_forest,
    "skops-regressor": skops_regressor,
    "xgboost-pickle": xgboost_pickle,
    "xgboost-file": xgboost_file,
    "xgboost-stopped-early": xgboost_stopped_early,
    "lightgbm-pickle": lightgbm_pickle,
    "lightgbm-file": lightgbm_file,
    "catboost-file": catboost_file,
    "own-class": own_class,
    "text-pipeline": text_pipeline,
    "plain-folder": plain_folder,
    "mlflow-folder": mlflow_folder,
    "mlflow-pyfunc": mlflow_pyfunc,
}

if __name__ == "__main__":
    target, *names = sys.argv[1:]
    for name in names or MODELS:
        MODELS[name](Writer(Path(target) / name))
