"""Models in zip files: skops, PyTorch, Keras."""

from __future__ import annotations

import json
import zipfile
from typing import Any, BinaryIO, Dict, List, Optional, Set

from .budget import ENTRIES, JSON_BYTES, Budget
from .distributions import distribution_of, is_release, is_standard, top_level
from .findings import Findings, NotReadable
from .pickle_file import scan_only
from .scanner import Scanner

_ONNX_OR_FOLDER = (
    "Export the model to ONNX, or hand over a folder with a model.py that has load(path) and predict(model, data)."
)


def look_at_zip(path: str, budget: Budget, scanner: Scanner, findings: Findings) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) > ENTRIES:
                raise NotReadable(f"the zip file has more than {ENTRIES:,} files", "Hand over the model alone.")
            _recognise(archive, names, budget, scanner, findings)
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        NotImplementedError,
        EOFError,
        ValueError,
        OverflowError,
    ) as error:
        raise NotReadable("the zip file is damaged or cut off", "Copy or write the file again.") from error
    except RuntimeError as error:
        raise NotReadable("the zip file is encrypted", "Write it again without a password.") from error


def _recognise(
    archive: zipfile.ZipFile, names: List[str], budget: Budget, scanner: Scanner, findings: Findings
) -> None:
    if "schema.json" in names:
        return _look_at_skops(archive, names, findings)
    _scan_pickles(archive, names, "", budget, scanner, findings)
    if any(name.endswith("/data.pkl") or name == "data.pkl" for name in names):
        is_script = any("/code/" in name for name in names)
        findings.producer = "PyTorch (TorchScript)" if is_script else "PyTorch (torch.save)"
        findings.modules = ["torch"]
        remedy = (
            "Export the model to ONNX: torch.onnx.export(model, (example,), 'model.onnx'); or hand over a folder with "
            "this file, the code of the network and a model.py that has load(path) and predict(model, data)."
        )
        findings.lacks(
            "export", "a format that can be served", "PyTorch's files hold weights, or need their code", remedy
        )
    elif "config.json" in names and "metadata.json" in names:
        version = _json_of(archive, "metadata.json").get("keras_version")
        findings.producer = f"keras {version}" if isinstance(version, str) else "keras"
        findings.modules = ["keras"]
        findings.lacks(
            "export",
            "a format that can be served",
            "Keras files are not read directly",
            "Export the model to ONNX: model.export('model.onnx', format='onnx'); or hand over a folder with this file "
            "and a model.py that has load(path) and predict(model, data).",
        )
    elif names and all(name.endswith(".npy") for name in names):
        raise NotReadable("it is a NumPy archive of arrays, not a model", _ONNX_OR_FOLDER, "unsupported_model")
    else:
        top = f", such as {names[0][:100]}" if names else ""
        raise NotReadable(
            f"it is a zip file of {len(names)} files{top}, and no model that is known",
            "Unpack it, and hand over the folder or the model file in it.",
            "unsupported_model",
        )


def scan_zip_pickles(file: BinaryIO, budget: Budget, scanner: Scanner, findings: Findings, place: str) -> None:
    """Dangers alone, for a zip file beside a model."""
    try:
        with zipfile.ZipFile(file) as archive:
            _scan_pickles(archive, archive.namelist()[:ENTRIES], f"{place}/", budget, scanner, findings)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, OverflowError, RuntimeError):
        findings.danger("suspicious", f"{place} could not be read to its end")


def skops_class(file: BinaryIO) -> Optional[str]:
    """The class of the model in a skops file beside other things; None where it is damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            schema = _json_of(archive, "schema.json")
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, KeyError, RuntimeError, NotReadable):
        return None
    module, name = schema.get("__module__"), schema.get("__class__")
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else None


def _scan_pickles(
    archive: zipfile.ZipFile, names: List[str], place: str, budget: Budget, scanner: Scanner, findings: Findings
) -> None:
    for name in names:
        if name.endswith((".pkl", ".pickle", ".joblib")):
            with archive.open(name) as file:
                scan_only(file, budget, scanner, findings, f"{place}{name}")  # type: ignore[arg-type]


def _json_of(archive: zipfile.ZipFile, name: str) -> Dict[str, Any]:
    """Reads no more than fits: what is announced need not be true."""
    with archive.open(name) as file:
        data = file.read(JSON_BYTES + 1)
    if len(data) > JSON_BYTES:
        raise NotReadable(f"{name} in it is larger than any real one", "Write the file again.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"{name} in it is damaged", "Write the file again.") from error
    return document if isinstance(document, dict) else {}


def _look_at_skops(archive: zipfile.ZipFile, names: List[str], findings: Findings) -> None:
    """The schema is a tree of nodes; each names its class and module."""
    schema = _json_of(archive, "schema.json")
    skops = schema.get("_skops_version")
    if not isinstance(skops, str) or "__class__" not in schema:
        raise NotReadable(
            "it is a zip file with a schema.json, but none of skops", "Write it again: skops.io.dump(model, file)"
        )
    modules: Set[str] = set()
    types: Set[str] = set()
    versions: List[str] = []
    features = _walk(schema, modules, types, versions)
    missing_arrays = [name for name in features["files"] if name not in names]
    if missing_arrays:
        raise NotReadable(f"{missing_arrays[0]} is missing in it", "Write it again: skops.io.dump(model, file)")
    third_party = {top_level(module) for module in modules if not is_standard(module)}
    findings.format = "skops"
    findings.runtime = "python"
    findings.model_class = f"{schema.get('__module__', '')}.{schema['__class__']}"
    findings.producer = f"scikit-learn {versions[0]}" if versions else f"skops {skops}"
    findings.modules = sorted(third_party - {"__main__"} | {"skops"})
    for module in sorted(third_party | {"skops"}):
        distribution = distribution_of(module)
        if distribution == "scikit-learn" and versions:
            findings.needs(f"scikit-learn=={versions[0]}")
        elif distribution == "skops" and is_release(skops):
            findings.needs(f"skops>={skops}")
        elif distribution is not None:
            findings.needs(distribution)
        else:
            findings.lacks(
                "code" if module == "__main__" else "requirement",
                module,
                f"the model uses types of {module}, and the file does not tell where they come from",
                "Name the package: --requirements; or hand over a folder with a model.py that defines them.",
            )
            for one in sorted(types):
                if top_level(one) == module:
                    findings.danger("suspicious", one)
    is_frame = any(one.endswith(".ColumnTransformer") for one in types)
    if is_frame or features["has_names"]:
        findings.needs("pandas")
        findings.adapts("pandas is added: the model was fitted on a table")
    findings.has_signature = bool(features["has_inputs"]) and not is_frame
    if is_frame:
        findings.details["columnTypes"] = "unknown"


def _walk(schema: Any, modules: Set[str], types: Set[str], versions: List[str]) -> Dict[str, Any]:
    found: Dict[str, Any] = {"has_inputs": False, "has_names": False, "files": []}
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
            continue
        if not isinstance(node, dict):
            continue
        module, name = node.get("__module__"), node.get("__class__")
        if isinstance(module, str) and isinstance(name, str):
            modules.add(module)
            types.add(f"{module}.{name}")
        if isinstance(node.get("file"), str):
            found["files"].append(node["file"])
        version = _text_of(node.get("_sklearn_version"))
        if version is not None and is_release(version) and version not in versions:
            versions.append(version)
        found["has_inputs"] = found["has_inputs"] or "n_features_in_" in node
        found["has_names"] = found["has_names"] or "feature_names_in_" in node
        waiting.extend(reversed(list(node.values())))
    return found


def _text_of(node: Any) -> Optional[str]:
    """A text is a node, too, whose content is JSON."""
    content = node.get("content") if isinstance(node, dict) else None
    if not isinstance(content, str):
        return None
    try:
        text = json.loads(content)
    except ValueError:
        return None
    return text if isinstance(text, str) else None
