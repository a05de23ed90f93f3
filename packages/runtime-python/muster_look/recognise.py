"""Which kind of file it is, by what is in it: names say nothing, since Muster keeps files by their digest."""

from __future__ import annotations

import json
import os
from typing import BinaryIO

from .booster_files import look_at_catboost, look_at_lightgbm, look_at_xgboost
from .budget import Budget
from .code_folder import look_at_code
from .findings import Findings, NotReadable
from .huggingface_folder import is_huggingface, look_at_huggingface
from .mlflow_folder import look_at_mlflow
from .onnx_file import is_onnx
from .other_files import look_at_other
from .pickle_file import follow_pickle, look_at_pickle
from .pickle_values import Damaged
from .scanner import Scanner
from .stream import Truncated
from .tree import FolderTree, TarTree, Tree
from .zip_files import look_at_zip

_FORMS = (
    "Muster serves ONNX, pickle, joblib, skops, XGBoost, LightGBM and CatBoost files, MLflow and Hugging Face folders, "
    "and folders with a model.py."
)


def look_at(path: str, budget: Budget) -> Findings:
    """Raises `NotReadable`, `Exhausted` and `OSError`."""
    scanner = Scanner()
    findings = Findings()
    if os.path.isdir(path):
        _look_at_tree(FolderTree(path, budget), budget, scanner, findings)
    else:
        _look_at_file(path, budget, scanner, findings)
    findings.scanner = scanner.name
    return findings


def _look_at_file(path: str, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise NotReadable("it is empty", "Write the file again.")
        head = file.read(4096)
        file.seek(0)
        if head[257:262] == b"ustar":
            tree = TarTree(path, budget)
            try:
                _look_at_tree(tree, budget, scanner, findings)
            finally:
                tree.close()
        elif head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            look_at_zip(path, budget, scanner, findings)
        elif head[:5] in (b"tree\n", b"tree\r"):
            look_at_lightgbm(file, size, findings)
        elif head[:4] == b"CBM1":
            look_at_catboost(file, size, False, findings)
        elif head[:2] in (b"{L", b"{i", b"{U") and b"learner" in head[:32]:
            look_at_xgboost(file, size, False, budget, findings)
        elif head.lstrip()[:1] == b"{" and _is_json(file, size):
            _look_at_json(file, size, head, budget, findings)
        elif _is_pickle(head, file, budget):
            file.seek(0)
            look_at_pickle(file, budget, scanner, findings)
        elif is_onnx(file, size):
            findings.runtime = "onnx"
            findings.producer = "ONNX"
        else:
            look_at_other(file, size, head, findings, _FORMS)


def _look_at_tree(tree: Tree, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    names = tree.sizes
    if not names:
        raise NotReadable("there is no file in it", "Hand over the folder that holds the model.")
    for name in tree.skipped[:20]:
        findings.adapts(f"{name} is left out: links and devices are not handed over")
    findings.details["files"] = len(names)
    findings.details["sizeBytes"] = sum(names.values())
    if "MLmodel" in names:
        look_at_mlflow(tree, budget, scanner, findings)
    elif "model.py" in names:
        look_at_code(tree, budget, scanner, findings)
    elif is_huggingface(tree):
        look_at_huggingface(tree, budget, scanner, findings)
    else:
        _refuse_tree(tree)


def _refuse_tree(tree: Tree) -> None:
    names = sorted(tree.sizes)
    tops = {name.split("/", 1)[0] for name in names}
    if len(tops) == 1 and all("/" in name for name in names):
        top = tops.pop()
        raise NotReadable(f"all of it is in one folder within, {top}", f"Hand over {top} itself.", "unsupported_model")
    if "saved_model.pb" in names:
        raise NotReadable(
            "it is a SavedModel of TensorFlow",
            "Convert it to ONNX: python -m tf2onnx.convert --saved-model FOLDER --output model.onnx",
            "unsupported_model",
        )
    models = [
        name for name in names if name.endswith((".onnx", ".pkl", ".pickle", ".joblib", ".skops", ".ubj", ".cbm"))
    ]
    if len(models) == 1:
        raise NotReadable(
            f"the folder is no model itself, but holds {models[0]}", "Hand over that file.", "unsupported_model"
        )
    raise NotReadable(
        "the folder has no MLmodel, no model.py with load(path) and predict(model, data), and no config.json of "
        "Hugging Face",
        _FORMS,
        "unsupported_model",
    )


def _is_json(file: BinaryIO, size: int) -> bool:
    """Braces begin other things, too; the end decides where the file is large."""
    file.seek(max(size - 64, 0))
    tail = file.read(64).rstrip(b"\0 \t\r\n")
    file.seek(0)
    return tail.endswith(b"}") or tail.endswith(b"]")


def _look_at_json(file: BinaryIO, size: int, head: bytes, budget: Budget, findings: Findings) -> None:
    if b'"learner"' in head or b'"version"' in head[:200]:
        return look_at_xgboost(file, size, True, budget, findings)
    file.seek(0)
    whole = file.read(16 * 1024 * 1024)
    if b"catboost_version_info" in whole or (b'"oblivious_trees"' in whole and b'"features_info"' in whole):
        return look_at_catboost(file, size, True, findings)
    try:
        keys = list(json.loads(whole))[:5] if size <= len(whole) else []
    except (ValueError, RecursionError):
        keys = []
    named = f" with the keys {', '.join(str(key)[:40] for key in keys)}" if keys else ""
    raise NotReadable(f"it is JSON{named}, and no model that is known", _FORMS, "unsupported_model")


def _is_pickle(head: bytes, file: BinaryIO, budget: Budget) -> bool:
    """Protocols 2 to 5 have a mark; the older ones are text, which only tells when it is followed."""
    if head[0] == 0x80 and len(head) > 1 and head[1] in (2, 3, 4, 5):
        return True
    is_packed = head[:2] == b"\x1f\x8b" or head[:3] in (b"BZh", b"\x5d\x00\x00") or head[:6] == b"\xfd7zXZ\x00"
    is_zlib = len(head) > 1 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0
    if head[:4] == b"\x04\x22\x4d\x18":
        return True
    if not (is_packed or is_zlib or head[:1] in b"(c]}lidIFSVNK"):
        return False
    try:
        follow_pickle(file, budget)
    except (Damaged, Truncated):
        return False
    finally:
        file.seek(0)
    return True
