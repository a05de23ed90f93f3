"""Trains a ranker for search results and writes it in XGBoost's own format, with searches that it has not seen.

    python train.py FOLDER

writes ranker.ubj, searches.json (each a list of candidates by feature) and expected.json (the score of each candidate).
The clicks are made up; xgboost and scikit-learn are all that is needed.
"""

import json
import sys
from pathlib import Path

import numpy as np
import xgboost as xgb

FEATURES = ["text_match", "freshness", "popularity", "price", "distance", "rating"]
CANDIDATES = 50


def searches(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    candidates = random.random((count * CANDIDATES, len(FEATURES))).astype(np.float32)
    wish = candidates @ np.array([3, 0.5, 1, -0.8, -0.6, 1.2], dtype=np.float32)
    clicks = np.digitize(wish + random.normal(0, 0.5, len(wish)), [2, 3, 4])
    return candidates, clicks


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seen, clicks = searches(200, seed=1)
    data = xgb.DMatrix(seen, clicks, feature_names=FEATURES)
    data.set_group([CANDIDATES] * 200)
    model = xgb.train({"objective": "rank:ndcg", "max_depth": 5, "eta": 0.2, "nthread": 1}, data, num_boost_round=60)
    model.save_model(folder / "ranker.ubj")

    unseen, _ = searches(40, seed=2)
    scores = model.predict(xgb.DMatrix(unseen, feature_names=FEATURES))
    rows = [dict(zip(FEATURES, map(float, row))) for row in unseen]
    chunk = lambda values: [values[at : at + CANDIDATES] for at in range(0, len(values), CANDIDATES)]
    (folder / "searches.json").write_text(json.dumps(chunk(rows)))
    (folder / "expected.json").write_text(json.dumps(chunk([float(score) for score in scores])))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
