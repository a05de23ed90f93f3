"""Models in the formats of XGBoost, LightGBM and CatBoost."""

from __future__ import annotations

import json
import re
from typing import Any, BinaryIO, Dict, Optional

from .budget import JSON_BYTES, Budget
from .distributions import xgboost_requirement
from .findings import Findings, NotReadable
from .model_buffers import xgboost_version_in
from .ubj import UbjError, read_ubj

_CATBOOST_RELEASE = re.compile(rb"CatBoost release (\d+\.\d+(?:\.\d+)?)|tags/v(\d+\.\d+(?:\.\d+)?)")


def look_at_xgboost(file: BinaryIO, size: int, is_json: bool, budget: Budget, findings: Findings) -> None:
    """`learner` holds names, objective and size; `version` stands behind it."""
    document: Any = None
    file.seek(0)
    if is_json and size <= JSON_BYTES:
        try:
            document = json.loads(file.read())
        except (ValueError, RecursionError) as error:
            raise NotReadable(
                "the JSON is damaged or cut off", "Save it again: booster.save_model('model.ubj')"
            ) from error
    elif not is_json:
        try:
            document = read_ubj(file, size, budget)
        except UbjError as error:
            raise NotReadable(f"it is damaged: {error}", "Save it again: booster.save_model('model.ubj')") from error
    if document is not None:
        _tell_learner(document, findings)
        version = _version_of(document.get("version"))
    else:
        version = xgboost_version_in(_ends(file, size))
    findings.format = "xgboost"
    findings.runtime = "python"
    findings.producer = f"xgboost {version}" if version else "xgboost"
    findings.model_class = "xgboost.core.Booster"
    findings.modules = ["xgboost"]
    findings.needs(xgboost_requirement(version))
    findings.has_signature = True


def _tell_learner(document: Any, findings: Findings) -> None:
    learner = document.get("learner") if isinstance(document, dict) else None
    if not isinstance(learner, dict):
        raise NotReadable("it is JSON, but no model of XGBoost", "Save it again: booster.save_model('model.ubj')")
    names = learner.get("feature_names")
    if isinstance(names, list) and names:
        findings.details["features"] = [str(name) for name in names[:1000]]
    parameters = learner.get("learner_model_param")
    if isinstance(parameters, dict) and str(parameters.get("num_feature", "")).isdigit():
        findings.details["featureCount"] = int(parameters["num_feature"])
    objective = learner.get("objective")
    if isinstance(objective, dict) and isinstance(objective.get("name"), str):
        findings.details["objective"] = objective["name"]


def _version_of(value: Any) -> Optional[str]:
    if isinstance(value, list) and len(value) == 3 and all(isinstance(part, int) for part in value):
        return ".".join(str(part) for part in value)
    return None


def _ends(file: BinaryIO, size: int) -> bytes:
    length = min(size, 1024 * 1024)
    file.seek(0)
    head = file.read(length)
    file.seek(max(size - length, length))
    return head + file.read(length)


def look_at_lightgbm(file: BinaryIO, size: int, findings: Findings) -> None:
    """A header of `key=value` lines, then the trees."""
    file.seek(0)
    header: Dict[str, str] = {}
    for line in file.read(16 * 1024 * 1024).split(b"\n")[1:]:
        key, equals, value = line.decode("utf-8", "replace").strip().partition("=")
        if not equals or key == "Tree":
            break
        header[key] = value
    if b"end of trees" not in _ends(file, size):
        raise NotReadable("the LightGBM model is cut off", "Save it again: booster.save_model('model.txt')")
    findings.format = "lightgbm"
    findings.runtime = "python"
    findings.producer = "lightgbm"
    findings.model_class = "lightgbm.basic.Booster"
    findings.modules = ["lightgbm"]
    findings.needs("lightgbm")
    findings.has_signature = True
    if "version" in header:
        findings.details["formatVersion"] = header["version"]
    if header.get("feature_names"):
        names = header["feature_names"].split(" ")
        findings.details["features"] = names[:1000]
        findings.details["featureCount"] = len(names)
    if header.get("objective"):
        findings.details["objective"] = header["objective"]
    findings.adapts("LightGBM's files do not tell the version that made them: the newest is used")


def look_at_catboost(file: BinaryIO, size: int, is_json: bool, findings: Findings) -> None:
    file.seek(0)
    data = file.read(64 * 1024 * 1024) if size <= 64 * 1024 * 1024 else _ends(file, size)
    if not is_json:
        announced = int.from_bytes(data[4:8], "little")
        if announced + 8 > size:
            raise NotReadable("the CatBoost model is cut off", "Save it again: model.save_model('model.cbm')")
    found = _CATBOOST_RELEASE.search(data)
    version = next((part.decode() for part in found.groups() if part), None) if found else None
    findings.format = "catboost"
    findings.runtime = "python"
    findings.producer = f"catboost {version}" if version else "catboost"
    findings.model_class = "catboost.core.CatBoost"
    findings.modules = ["catboost"]
    findings.needs(f"catboost=={version}" if version else "catboost")
    findings.has_signature = True
    loss = re.search(rb'"loss_function":\s*\{"type":\s*"([A-Za-z:]{1,60})"', data)
    if loss is not None:
        findings.details["objective"] = loss.group(1).decode()
