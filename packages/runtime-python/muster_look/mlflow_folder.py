"""Model folders as MLflow writes them."""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, Optional

from .budget import Budget
from .distributions import distribution_of
from .findings import Findings, NotReadable
from .pickle_file import PickleFacts, follow_pickle, numpy_bound, report_dangers, scan_only, tell_features
from .pickle_values import Damaged
from .requirement_lines import read_requirement_lines
from .scanner import Scanner
from .simple_yaml import YamlError, read_yaml
from .stream import Truncated
from .tree import Tree, read_text
from .zip_files import skops_class

_PYTHON = re.compile(r"^(3\.\d{1,2})(?:\.|$)")

_KNOW_INPUTS = ("xgboost", "lightgbm", "catboost", "onnx")

#: Flavours that are loaded without mlflow, the most telling first.
_DIRECT = ("sklearn", "xgboost", "lightgbm", "catboost", "onnx")


def look_at_mlflow(tree: Tree, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    document = _read_mlmodel(tree)
    flavors = document.get("flavors")
    if not isinstance(flavors, dict) or not flavors:
        raise NotReadable("its MLmodel names no flavour", "Log the model again.")
    function = flavors.get("python_function")
    function = function if isinstance(function, dict) else {}
    direct = next((name for name in _DIRECT if isinstance(flavors.get(name), dict)), None)
    findings.format = "mlflow"
    findings.runtime = "python"
    version = document.get("mlflow_version")
    findings.producer = f"mlflow {version}" if isinstance(version, (str, int)) else "mlflow"
    for key, name in (("run_id", "runId"), ("model_uuid", "modelUuid"), ("utc_time_created", "createdAt")):
        if isinstance(document.get(key), str):
            findings.details[name] = document[key]
    findings.details["flavors"] = sorted(str(name) for name in flavors)
    if direct is None and not function:
        others = ", ".join(sorted(str(name) for name in flavors))
        findings.runtime = None
        findings.lacks(
            "export",
            "the python_function flavour",
            f"the folder has {others} only, which Python cannot call",
            "Log the model with a flavour that has python_function, or export it to ONNX.",
        )
    _tell_signature(document, findings)
    _tell_requirements(tree, direct, findings)
    _tell_python_version(tree, function, findings)
    facts = _tell_contents(tree, function, direct, budget, scanner, findings)
    kind = flavors[direct].get("model_class") if direct is not None else None
    if facts is None and isinstance(kind, str):
        findings.model_class = kind
    if not findings.has_signature:
        _tell_no_signature(tree, direct, facts, findings)
    onnx = flavors.get("onnx")
    if isinstance(onnx, dict):
        data = onnx.get("data")
        data = data if isinstance(data, str) else "model.onnx"
        if data in tree.sizes and not any(
            name.startswith(f"{data}.") or name.endswith(".onnx_data") for name in tree.sizes
        ):
            findings.details["onnxFile"] = data
            findings.adapts(f"{data} in it can be handed over alone; it then runs without Python")


def _read_mlmodel(tree: Tree) -> Dict[str, Any]:
    text = read_text(tree, "MLmodel")
    if text is None:
        raise NotReadable("its MLmodel is larger than any real one", "Log the model again.")
    try:
        document = read_yaml(text)
    except YamlError as error:
        raise NotReadable(f"its MLmodel cannot be read: {error}", "Log the model again.") from error
    if not isinstance(document, dict):
        raise NotReadable("its MLmodel is no map", "Log the model again.")
    return document


def _tell_signature(document: Dict[str, Any], findings: Findings) -> None:
    signature = document.get("signature")
    inputs = _json(signature.get("inputs")) if isinstance(signature, dict) else None
    if isinstance(inputs, list) and inputs:
        findings.has_signature = True
        columns = [column for column in inputs if isinstance(column, dict)]
        names = [str(column["name"]) for column in columns if column.get("name") is not None]
        if names:
            findings.details["features"] = names[:1000]
        outputs = _json(signature.get("outputs")) if isinstance(signature, dict) else None
        findings.details["inputs"] = [_column_text(column) for column in columns[:1000]]
        if isinstance(outputs, list):
            findings.details["outputs"] = [
                _column_text(column) for column in outputs[:1000] if isinstance(column, dict)
            ]


def _tell_no_signature(tree: Tree, direct: Optional[str], facts: Optional[PickleFacts], findings: Findings) -> None:
    """Some models know themselves what they take; an example of what it takes does as well."""
    if facts is not None:
        tell_features(facts, findings)
    findings.has_signature = findings.has_signature or direct in _KNOW_INPUTS
    if not findings.has_signature and "serving_input_example.json" not in tree.sizes:
        findings.lacks(
            "sample",
            "a sample",
            "the model was logged without a signature",
            "Hand it over with a few rows: --sample rows.csv; or log it with "
            "signature=mlflow.models.infer_signature(X, y).",
        )


def _column_text(column: Dict[str, Any]) -> str:
    kind = column.get("type")
    tensor = column.get("tensor-spec")
    if kind == "tensor" and isinstance(tensor, dict):
        kind = f"{tensor.get('dtype')}{tensor.get('shape')}"
    name = column.get("name")
    optional = "" if column.get("required", True) else " (optional)"
    return f"{name}: {kind}{optional}" if name is not None else f"{kind}{optional}"


def _json(text: Any) -> Any:
    if not isinstance(text, str):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _tell_requirements(tree: Tree, direct: Optional[str], findings: Findings) -> None:
    text = read_text(tree, "requirements.txt")
    lines: List[str] = []
    if text is not None:
        lines, left_out = read_requirement_lines(text)
        for line in left_out:
            findings.adapts(f"left out of requirements.txt: {line}")
    else:
        lines = _from_conda(tree)
        if lines:
            findings.adapts("requirements are taken from conda.yaml: there is no requirements.txt")
    if not lines:
        findings.lacks(
            "requirement",
            "requirements",
            "the folder has no requirements.txt",
            "Name the packages that the model needs: --requirements requirements.txt.",
        )
    has_cpu_build = any(_name_of(line) == "xgboost-cpu" for line in lines)
    for line in lines:
        name = _name_of(line)
        if name == "xgboost" and has_cpu_build:
            findings.adapts(f"{line} is left out: xgboost-cpu is the same for CPUs")
            continue
        if name in ("mlflow", "mlflow-skinny") and direct is not None:
            findings.adapts(f"{line} is left out: the {direct} flavour is loaded without it")
            continue
        findings.needs(line)


def _from_conda(tree: Tree) -> List[str]:
    """The pip part of conda.yaml; what conda itself would install is not read."""
    text = read_text(tree, "conda.yaml")
    if text is None:
        return []
    try:
        document = read_yaml(text)
    except YamlError:
        return []
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    lines: List[str] = []
    for dependency in dependencies if isinstance(dependencies, list) else []:
        pip = dependency.get("pip") if isinstance(dependency, dict) else None
        if isinstance(pip, list):
            lines += read_requirement_lines("\n".join(str(line) for line in pip))[0]
    return lines


def _tell_python_version(tree: Tree, function: Dict[str, Any], findings: Findings) -> None:
    told: List[Any] = [function.get("python_version")]
    for name in ("python_env.yaml", "conda.yaml"):
        try:
            document = read_yaml(read_text(tree, name) or "")
        except YamlError:
            continue
        if not isinstance(document, dict):
            continue
        told.append(document.get("python"))
        dependencies = document.get("dependencies")
        for dependency in dependencies if isinstance(dependencies, list) else []:
            if isinstance(dependency, str) and dependency.startswith("python="):
                told.append(dependency[len("python=") :].lstrip("="))
    for version in told:
        match = _PYTHON.match(str(version)) if version is not None else None
        if match is not None:
            findings.python_version = match.group(1)
            return


def _tell_contents(
    tree: Tree,
    function: Dict[str, Any],
    direct: Optional[str],
    budget: Budget,
    scanner: Scanner,
    findings: Findings,
) -> Optional[PickleFacts]:
    """What the pickles in it tell; answers those of the model itself."""
    loader = function.get("loader_module")
    findings.model_class = loader if isinstance(loader, str) else f"mlflow.{direct or 'pyfunc'}"
    mains = {function.get(key) for key in ("model_path", "data", "python_model")} | {"model.pkl", "python_model.pkl"}
    found: Optional[PickleFacts] = None
    for name in sorted(tree.sizes):
        budget.check()
        if name.endswith(".skops") and name in mains:
            with tree.open(name) as file:
                findings.model_class = skops_class(file) or findings.model_class
        if not name.endswith((".pkl", ".pickle", ".joblib")):
            continue
        with tree.open(name) as file:
            if name not in mains or found is not None:
                scan_only(file, budget, scanner, findings, name)
                continue
            try:
                found = follow_pickle(file, budget)
            except (Truncated, Damaged) as error:
                raise NotReadable(f"{name} in it is damaged or cut off", "Copy the folder again.") from error
        report_dangers(found, scanner, findings, name)
        findings.modules = sorted(found.modules - {"__main__"})
        of = found.by_value.class_name(found.machine.top) or (
            found.top_class.path if found.top_class is not None else None
        )
        findings.model_class = of or findings.model_class
        if numpy_bound(found) == "<2" and all(_name_of(line) != "numpy" for line in findings.requirements):
            findings.needs("numpy<2")
        findings.details["pickleProtocol"] = found.machine.protocol
    _tell_code(tree, function, findings)
    return found


def _tell_code(tree: Tree, function: Dict[str, Any], findings: Findings) -> None:
    script = function.get("model_code_path")
    if isinstance(script, str):
        findings.adapts(f"the model is made by running {script} in the folder")
    code = function.get("code")
    own = {
        name.split("/")[1].split(".")[0] for name in tree.sizes if isinstance(code, str) and name.startswith(f"{code}/")
    }
    if own:
        findings.adapts(f"the folder brings code of its own in {code}/")
    listed = {_name_of(line) for line in findings.requirements}
    for module in findings.modules:
        if distribution_of(module) is None and module not in own and module.lower().replace("_", "-") not in listed:
            findings.lacks(
                "requirement",
                module,
                f"the model imports {module}, which is neither in requirements.txt nor in the folder",
                "Name the package: --requirements; or log the model with code_paths.",
            )


def _name_of(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")
