"""Trains last year's churn model and writes what the analyst has: a pickle, a few rows, and this month's customers.

    python train.py FOLDER

writes model.pkl, sample.csv, customers.csv, and expected.csv with what the model answers at home. The customers are made
up; scikit-learn and pandas are all that is needed.
"""

import pickle
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

FEATURES = ["age", "months", "plan", "country", "monthly_fee", "calls_to_support", "late_payments"]


def customers(count: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "customer": [f"c{seed}-{index:06d}" for index in range(count)],
            "age": random.integers(18, 90, count).astype(float),
            "months": random.integers(1, 120, count).astype(float),
            "plan": random.choice(["basic", "plus", "family"], count, p=[0.5, 0.3, 0.2]),
            "country": random.choice(["DE", "AT", "CH", "FR"], count),
            "monthly_fee": random.normal(30, 10, count).clip(5, 90).round(2),
            "calls_to_support": random.poisson(1.2, count).astype(float),
            "late_payments": random.poisson(0.4, count).astype(float),
        }
    )
    # The age is not known of everybody.
    frame.loc[random.random(count) < 0.2, "age"] = np.nan
    score = 0.5 * frame["calls_to_support"] + 0.8 * frame["late_payments"] - frame["months"] / 60
    score += (frame["plan"] == "basic") * 0.6 + random.normal(0, 0.7, count)
    return frame, np.where(score > 0.9, "leaves", "stays")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frame, target = customers(4_000, seed=1)
    columns = ColumnTransformer(
        [("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["plan", "country"])],
        remainder="passthrough",
    )
    model = make_pipeline(columns, HistGradientBoostingClassifier(random_state=1))
    model.fit(frame[FEATURES], target)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    frame[FEATURES][:8].to_csv(folder / "sample.csv", index=False)

    month, _ = customers(20_000, seed=2)
    month.to_csv(folder / "customers.csv", index=False)
    leaves = model.predict_proba(month[FEATURES])[:, list(model.classes_).index("leaves")]
    pd.DataFrame({"customer": month["customer"], "leaves": leaves}).to_csv(folder / "expected.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
