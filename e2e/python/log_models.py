"""Logs and registers models on an MLflow server, as a team does that has one.

    python log_models.py first|second|broken

Each registers the next version of the model `churn` and points the alias `champion` at it.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.models import infer_signature

from models import churn_data, churn_pipeline, records, without_skops


def registered(what: str) -> str:
    model, rest = churn_pipeline()
    if what == "second":
        from sklearn.tree import DecisionTreeClassifier

        frame, target = churn_data()
        model.steps[-1] = ("tree", DecisionTreeClassifier(max_depth=3, random_state=1))
        model.fit(frame[:500], target[:500])
    with mlflow.start_run() as run:
        if what == "broken":
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "MLmodel").write_text("flavors: {}\n")
                mlflow.log_artifacts(folder, "model")
            source = f"{run.info.artifact_uri}/model"
            created = MlflowClient().create_model_version("churn", source, run.info.run_id)
            return created.version
        signature = infer_signature(rest, model.predict(rest))
        mlflow.sklearn.log_model(
            model, name="model", signature=signature, registered_model_name="churn", **without_skops()
        )
    newest = MlflowClient().search_model_versions("name='churn'", order_by=["version_number DESC"], max_results=1)[0]
    print(json.dumps({"rows": records(rest[:20]), "label": model.predict(rest[:20]).tolist()}))
    return newest.version


if __name__ == "__main__":
    version = registered(sys.argv[1])
    MlflowClient().set_registered_model_alias("churn", "champion", version)
