"""The bare loop that a batch is measured against: the library itself, in one process, on the same table.

    batch_loop.py prepare FOLDER ROWS   trains the models and writes the table
    batch_loop.py loop FOLDER MODEL     reads the table in batches of 10,000 rows and predicts; prints {"rows", "seconds"}
"""

import json
import pickle
import sys
import time
from pathlib import Path

import numpy as np

COLUMNS = [f"f{i}" for i in range(20)]
BATCH = 10_000


def prepare(folder: Path, rows: int) -> None:
    import pandas as pd
    import xgboost
    from sklearn.ensemble import HistGradientBoostingRegressor

    random = np.random.default_rng(7)
    table = pd.DataFrame(random.normal(size=(rows, len(COLUMNS))), columns=COLUMNS)
    table.insert(0, "id", np.arange(rows))
    table.to_parquet(folder / "table.parquet", index=False)
    known = table[:50_000]
    x, y = known[COLUMNS], known["f0"] + known["f1"] * known["f2"]
    models = {
        "histogram": HistGradientBoostingRegressor(random_state=7).fit(x, y),
        "xgboost": xgboost.XGBRegressor(n_estimators=100, max_depth=6, n_jobs=1, random_state=7).fit(x, y),
    }
    for name, model in models.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))
    known[COLUMNS][:5].to_csv(folder / "sample.csv", index=False)


def loop(folder: Path, name: str) -> None:
    import pyarrow.parquet as parquet

    model = pickle.loads((folder / f"{name}.pkl").read_bytes())
    warm = parquet.ParquetFile(folder / "table.parquet").iter_batches(BATCH, columns=COLUMNS)
    model.predict(next(warm).to_pandas())
    started = time.perf_counter()
    rows = 0
    for batch in parquet.ParquetFile(folder / "table.parquet").iter_batches(BATCH, columns=COLUMNS):
        rows += len(model.predict(batch.to_pandas()))
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        loop(Path(sys.argv[2]), sys.argv[3])
